#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command as a person meets it: a command line, the exit code and the text to expect.
# Usage: cli_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
# Prints a line for each failed check, and at the end how many there were.
. "$2/tests/shell/expect.sh"

# ---- help and wrong command lines ----

expect 0 '^usage: unet' - --help
expect 0 '^usage: unet' - help
expect 2 - '^usage: unet'
expect 0 '^unet [0-9]+\.[0-9]+\.[0-9]+ ' - --version
check 'unet --version says more than what it is and what it is without' \
    awk 'NR > 1 && !/^without: [A-Za-z]/ { bad = 1 } END { exit bad || NR > 2 }' .out
expect 2 - 'no command "trian", perhaps "train"' trian
one_line 'an unknown command'
expect 2 - 'perhaps "predict"' help pred
for command in demo check train augment studio predict eval init info convert; do
    check "man/unet.1: no $command in the synopsis" \
        sh -c "sed -n '/^.SH SYNOPSIS/,/^.SH DESCRIPTION/p' '$2/man/unet.1' | grep -q '^.B unet $command'"
    expect 0 "^usage: unet $command" - help "$command"
    expect 0 "^usage: unet $command" - "$command" --help
    check "unet $command --help: more than 40 lines or 80 columns" \
        awk 'length > 80 { bad = 1 } END { exit bad || NR > 40 || NR < 5 }' .out
    expect 0 '^\.TH UNET\\-' - help "$command" --man
    sed 's/\\-/-/g' .out >page
    for option in $("$unet" "$command" --help | grep -oE -e '--[a-z0-9][a-z0-9-]*' | grep -v -e '--help' | sort -u); do
        check "the manual page of $command lacks $option" grep -qF -e "$option" page
    done
    expect 2 - "unet $command: there is no option --nonsense" "$command" --nonsense
    one_line "unet $command with a wrong option"
    expect 2 - 'perhaps --threads' "$command" --thraeds 2
    expect 2 - '--threads: found "many", wanted a whole number' "$command" --threads many
    expect 2 - '--threads: nothing follows it' "$command" --threads
done
expect 2 - '--images DIR is missing' train
expect 2 - '--time: found "4x", wanted a time such as' train --time 4x
expect 2 - '--optimizer: found "adm", wanted sgd or adam' train --optimizer=adm
expect 2 - '--epochs: found "0", wanted a whole number, 1 or more' train --epochs 0
expect 2 - '--border-sigma: found "0", wanted a number 0.01..' train --border-sigma 0
expect 2 - '--momentum: found "0,9", wanted a number 0..1;' train --momentum 0,9
expect 2 - '--gap and --no-gap exclude' train --images a --masks b -o c --gap --no-gap
expect 0 'of adam, adamw \[0\.9, 0\.999\]$' - train --help optimizer
check 'unet train --help optimizer: a placeholder is left' sh -c '! grep -q "[{}]" .out'
expect 2 - '--tile: found "0", wanted a whole number 1\.\.' predict --tile 0
expect 2 - '--quiet takes no value' train --quiet=1
expect 2 - '--padding: found "vald", wanted valid or same' init -o x --padding vald
expect 2 - '--size: found "12x", wanted a size' info --size 12x
expect 2 - 'one argument too many' init -o x y
expect 2 - '--seed: found "-1"' init -o x --seed -1
expect 2 - '--dropout: found "nan"' init -o x --dropout nan
expect 2 - '--class-names: "a": this name was given before' init -o x --classes 3 --class-names ab,a,a
expect 2 - 'wanted: unet predict' predict model
expect 2 - 'nothing to write' predict model image.png
expect 2 - '--output: found "a.jpg"' predict model image.png -o a.jpg
expect 2 - '--width describes a new network' train --images a --masks b -o c --init d --width 3
absent 'a wrong command line' x c

# ---- models ----

expect 0 - 'w\.safetensors: 1 channel -> 2 classes, width 4, depth 2' \
    init -o w.safetensors --width 4 --depth 2 --padding same --class-names background,cell --seed 3
expect 0 - - init -o w2.safetensors --width 4 --depth 2 --padding=same --quiet --seed 3 \
    --class-names background,cell
check 'the same seed makes the same file' cmp w.safetensors w2.safetensors
expect 0 'parameters 31,030,658' - info
expect 0 'output 388x388' - info
expect 0 'parameters 31,030,593' - info --classes 1
expect 0 '1 cell #' - info w.safetensors --size 64x48
expect 0 '^\{"spec"' - info w.safetensors --json
check 'unet info --json is no JSON' is_json .out
expect 0 '^\*  0  cpu ' - info --devices --device cpu
expect 0 '"type":"cpu"' - info --devices --json
expect 1 '^   0  cpu ' 'device "abacus": nothing is called so' info --devices --device abacus
expect 1 - 'device "abacus": nothing is called so.*unet info --devices' predict w.safetensors x.png -o y.png --device abacus
expect 1 - 'device 77: there is none' predict w.safetensors x.png -o y.png --device 77
expect 2 - '--device: nothing follows it' predict w.safetensors x.png -o y.png --device
expect 0 '"parameters":' - init -o w2.safetensors --width 1 --depth 1 --json
check 'unet init --json is no JSON' is_json .out
expect 1 - '^unet: nowhere/w\.safetensors: ' init -o nowhere/w.safetensors --width 1
one_line 'a model in a folder that is not there'
npy() { # npy FILE TYPE: two samples of 16 bits
    printf '\223NUMPY\001\000\166\000%-117s\n\001\000\377\377' \
        "{'descr': '$2', 'fortran_order': False, 'shape': (1, 2), }" >"$1"
}
npy i16.npy '<i2'
npy u16.npy '<u2'
expect 0 '^1 x 2 \(height x width\), 1 channel, float \(int16 in the file\)$' - info i16.npy
expect 0 '^1 x 2 \(height x width\), 1 channel, 16-bit$' - info u16.npy
expect 0 '"sample":"float","stored":"int16"' - info i16.npy --json
expect 1 - 'missing\.safetensors: ' info missing.safetensors
head -c 900 w.safetensors >cut.safetensors
expect 1 - 'cut\.safetensors: ' info cut.safetensors
one_line 'a truncated model'
expect 2 - '--width describes a new network' info w.safetensors --width 4

# make_npy FILE: 8 x 8 zeros
make_npy() {
    printf '\223NUMPY\001\000\166\000%-117s\n' \
        "{'descr': '<f4', 'fortran_order': False, 'shape': (8, 8), }" >"$1"
    head -c 256 /dev/zero >>"$1"
}

# in an emulator (tests/support/slow.h) the pictures of the demo take too long
if [ -n "${UNET_TEST_SLOW:-}" ]; then
    make_npy tiny.npy
    expect 0 - 'tiny\.npy -> tiny\.png' predict w.safetensors tiny.npy -o tiny.png
    check 'a mask' test -s tiny.png
    mkdir one # an image of ones above zeros, whose mask is that
    {
        head -c 128 tiny.npy
        for _ in 1 2 3 4 5 6 7 8; do printf '\000\000\200\077\000\000\200\077\000\000\200\077\000\000\200\077'; done
        head -c 128 /dev/zero
    } >one/a.npy
    {
        printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (8, 8), }"
        printf '\001\001\001\001\001\001\001\001\001\001\001\001\001\001\001\001'
        printf '\001\001\001\001\001\001\001\001\001\001\001\001\001\001\001\001'
        head -c 32 /dev/zero
    } >one/a_mask.npy
    expect 0 - - train --images one --masks one --init w.safetensors -o x.safetensors --steps 1 \
        --batch 1 --tile 16 --quiet
    echo "cli_test: $checks checks, $failed failed; without the demo's pictures"
    [ "$failed" -eq 0 ]
    exit
fi

# ---- the demo, whose pictures serve the tests below ----

expect 0 '^Dice of cells on 8 unseen images: 0\.' 'epoch +1 ' demo d --time 3s
check 'the demo page' grep -q '</html>' d/report.html
check 'the demo page loads something' sh -c "! grep -Eq '(src|href)=\"?http|<script|url\(' d/report.html"
check 'the demo model' test -s d/model.safetensors
check 'the demo instances' test -s d/test/instances/cells_501.png
mkdir other && echo mine >other/file
expect 1 - 'other: not empty and not made by unet demo' demo other
one_line 'a folder with other things in it'
check 'a file of another folder' grep -q mine other/file
expect 0 '"otsu_dice":' - demo d --time 1s --json --quiet --bits 16 --seed 4
check 'unet demo --json is no JSON' is_json .out

# ---- prediction ----

m=w.safetensors
cp d/test/images/cells_501.png a.png
cp d/test/images/cells_502.png b.png
expect 0 - 'a\.png -> a_mask\.png' predict $m a.png -o a_mask.png
check 'a mask' test -s a_mask.png
expect 0 '"mask":"a_mask.tif"' - predict $m a.png -o a_mask.tif --json
check 'unet predict --json is no JSON' is_json .out
expect 0 - - predict $m a.png b.png -o out --overlay over/ --quiet
check 'several masks' test -s out/a.png -a -s out/b.png -a -s over/a.png -a -s over/b.png
expect 0 - - predict $m a.png -o new/deep/ --format tif --quiet
check 'a folder that is made' test -s new/deep/a.tif
expect 0 - - predict $m d/test/images -o all --quiet
check 'a folder of images' test "$(ls all | wc -l)" -eq 8
expect 0 - - predict $m a.png --probabilities p.npy --logits l.tif --quiet
check 'probabilities and logits' test -s p.npy -a -s l.tif
check 'the shape of probabilities' grep -aq '(2, 256, 256)' p.npy
expect 0 - - predict d/model.safetensors a.png -o v.png --values masks --quiet
expect 0 'accuracy +1\.0' '' eval d/model.safetensors --images a.png --masks v.png
expect 1 - 'not trained on masks' predict $m a.png -o x.png --values masks
absent 'masks of an untrained model' x.png
for tile in 16 100; do
    expect 0 - - predict $m a.png -o tile$tile.png --tile $tile --quiet
    check "--tile $tile changes the mask" cmp a_mask.png tile$tile.png
done
mkdir same && cp b.png same/a.png
expect 1 - 'two images would be written there' predict $m a.png same/a.png -o twice
one_line 'two images of one name'
absent 'two images of one name' twice
expect 1 - '--output and --overlay would both be written there' predict $m a.png -o fresh/ --overlay .//fresh/./
absent 'one folder in two spellings' fresh
expect 1 - 'would be overwritten' predict $m a.png -o a.png
expect 1 - 'would be overwritten' predict $m a.png b.png -o .
expect 1 - 'would be overwritten' predict $m a.png -o ./same/../a.png
check 'an input is untouched' cmp a.png d/test/images/cells_501.png
echo 'no picture' >text.png
expect 1 - 'text\.png: ' predict $m text.png -o text_mask.png
one_line 'a text file named .png'
absent 'a text file named .png' text_mask.png
expect 1 - 'unet: text\.png: ' predict $m a.png text.png b.png -o some
check 'one bad image stops the others' test -s some/a.png -a -s some/b.png
absent 'one bad image' some/text.png
expect 1 - 'missing\.png: ' predict $m missing.png -o x.png
expect 1 - 'nowhere' predict $m a.png -o nowhere/x.png
expect 1 - 'cut\.safetensors: ' predict cut.safetensors a.png -o x.png
mkdir empty
expect 1 - 'empty: no images' predict $m empty -o x/
absent 'failed predictions' x.png x nowhere

# ---- scores ----

expect 0 '^pixel accuracy ' - eval $m --images d/test/images --masks d/test/masks --quiet
expect 0 '"mean_dice":' - eval $m --images d/test/images --masks d/test/masks --json
check 'unet eval --json is no JSON' is_json .out

# models of other programs
foreign=$source/tests/fixtures/foreign
expect 2 - 'one argument|IN OUT|usage' convert one.pth
expect 2 - 'wanted a name ending in' convert "$foreign/milesial.pth" out.h5
expect 2 - '--normalize is for' convert "$foreign/milesial.pth" out.pth --normalize
expect 0 - 'layout +milesial' convert "$foreign/milesial.pth" c.safetensors
expect 2 - 'written over itself' convert c.safetensors ./c.safetensors
expect 0 - 'usual .*padding same, .*concat skip-up' convert "$foreign/milesial.pth" c.safetensors
expect 0 - 'checked .*largest difference 0' \
    convert c.safetensors c.pth --names milesial --check d/images/cells_001.png
expect 0 - 'checked .*largest difference 0' \
    convert c.pth c.onnx --normalize --check d/images/cells_001.png
expect 0 '"layout":"unet"' - convert c.onnx c2.safetensors --json --quiet
check 'unet convert --json is no JSON' is_json .out
check 'a model is the same after .pth, .onnx and back' cmp c.safetensors c2.safetensors
expect 0 - - predict "$foreign/milesial_legacy.pth" d/images/cells_001.png -o c.png --quiet
expect 0 'conv3x3' - info "$foreign/milesial_norms.onnx"
expect 1 - 'a package says who made it.*--author NAME' convert c.safetensors c.zip
expect 2 - '--author, --license and --about are for' convert c.safetensors c.pth --author A
expect 0 - 'written +c\.zip' convert c.safetensors c.zip --author A --license MIT --check d/images/cells_001.png
if "$unet" info c.zip >.out 2>.err || ! grep -q 'built without libyaml' .err; then
    check 'a package is not its model' grep -Eq 'package +its test output \((sigmoid|softmax)\) .* at most [0-9.e-]+ of' .out
    expect 0 - 'p1.png' predict c.safetensors d/images/cells_001.png -o p1.png
    expect 0 - 'p2.png' predict c.zip d/images/cells_001.png -o p2.png
    check 'a package predicts another mask than its model' cmp -s p1.png p2.png
    LC_ALL=C sed 's/test_output\.npy\([^,]\)/test_outpux.npy\1/g' c.zip >untested.zip
    expect 0 - 'untested.zip: its test tensors were not run: .*test_output.npy, which is not in the archive: it may' \
        predict untested.zip d/images/cells_001.png -o p3.png
fi
expect 0 - 'guessed .*padding same.*names and shapes' convert "$foreign/numbered.pth" n.pth
expect 0 - 'padding valid' convert "$foreign/numbered.pth" n.pth --padding valid
expect 1 - 'evil\.pth: refers to posix\.system' convert "$foreign/evil.pth" x.safetensors
one_line 'a pickle that would run a program'
expect 1 - 'torch\.save\(model\.state_dict' convert "$foreign/module.pth" x.safetensors
expect 1 - 'conv1\.weight: has shape \[4, 3, 7, 7\]' convert "$foreign/resnet.pth" x.safetensors
expect 1 - 'layout milesial: depth is' convert n.pth x.pth --names milesial
expect 1 - 'layout mine' convert n.pth x.pth --names mine
expect 1 - 'is no model file' convert d/images/cells_001.png x.pth
absent 'a failed conversion' x.safetensors x.pth pwned
expect 2 - 'unet convert writes' init -o x.pth
expect 2 - 'unet convert writes' train --images d/images --masks d/masks -o x.onnx
expect 0 - 'guessed padding same, .*concat up-skip' \
    predict "$foreign/numbered.pth" d/images/cells_001.png -o c.png
expect 0 '^guessed +padding same' - info "$foreign/numbered.pth"
expect 0 '"guessed":\[\{' '' info "$foreign/numbered.pth" --json
expect 1 - 'no such image|nowhere' convert "$foreign/numbered.pth" x.pth --check nowhere.png --quiet
expect 1 - 'encoder: its first layer takes 1 channels, the images have 3' \
    train --images d/images --masks d/masks --init "$foreign/milesial.pth" --freeze encoder \
    --in-channels 3 --steps 1 -o x.safetensors
absent 'a conversion that could not be checked' x.pth x.safetensors
expect 2 - '--freeze is for' train --images d/images --masks d/masks -o x.safetensors \
    --freeze encoder
expect 0 - 'new +enc_0\.conv_block\.0\.weight, for 3 channels instead of 1' \
    train --images d/images --masks d/masks --init "$foreign/milesial.pth" \
    --in-channels 3 --steps 1 --tile 64 --val-share 0 -o ft.safetensors

# ---- a full disk ----

if [ -c /dev/full ]; then
    "$unet" info --json >/dev/full 2>.err && note 'JSON on a full disk is no failure'
    check 'JSON on a full disk is told as want of memory' grep -q 'standard output: cannot write' .err
fi

# ---- files of other programs ----

mkdir czi
printf 'ZISRAWFILE' >czi/a.czi
expect 1 - 'czi/a.czi: a Zeiss CZI image; Fiji' info czi/a.czi
expect 0 - - init --in-channels 1 --width 2 --depth 1 -o known.safetensors --quiet
expect 1 - 'czi: no images in this folder that are read: a\.czi: a Zeiss CZI' predict known.safetensors czi -o x
expect 1 - 'a Zeiss CZI image; Fiji' train --images czi --masks czi -o x
mkdir saved
printf '\010\001' >saved/saved_model.pb
expect 1 - '^unet: saved: a TensorFlow SavedModel; tf2onnx' info saved

finish cli_test
