#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet eval: tables, CSV, JSON, masks of other programs, what it says when masks do not fit.
# Usage: eval_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
. "$(dirname "$0")/shell/expect.sh"

# small masks.  a: a cell of 3x3 and one of 2x2; b: one of 4x4
pgm() { # pgm FILE WIDTH HEIGHT VALUES...
    file=$1
    shift
    printf 'P5\n%s %s\n255\n' "$1" "$2" >"$file"
    shift 2
    for value in "$@"; do
        printf "\\$(printf %o "$value")" >>"$file"
    done
}
mkdir truth same worse indices
pgm truth/a.pgm 6 4  255 255 255 0 0 0  255 255 255 0 255 255  255 255 255 0 255 255  0 0 0 0 0 0
pgm truth/b.pgm 6 4  0 255 255 255 255 0  0 255 255 255 255 0  0 255 255 255 255 0  0 255 255 255 255 0
cp truth/*.pgm same
cp truth/b.pgm worse
# the first cell is gone, there is a bridge to nowhere
pgm worse/a.pgm 6 4  0 0 0 0 0 0  0 0 0 0 255 255  0 0 0 0 255 255  0 0 0 0 0 0
pgm indices/a.pgm 6 4  1 1 1 0 0 0  1 1 1 0 1 1  1 1 1 0 1 1  0 0 0 0 0 0
pgm indices/b.pgm 6 4  0 1 1 1 1 0  0 1 1 1 1 0  0 1 1 1 1 0  0 1 1 1 1 0

expect 0 'pixel accuracy +1\.0000' - eval --predicted same --masks truth --quiet
expect 0 'F1 of all objects +1\.0000' - eval --predicted same --masks truth --quiet --objects
# 29 true pixels, 20 found; objects: 3 true, 2 found
expect 0 '^ +1 +0\.8163 +0\.6897 +1\.0000 +0\.6897 +29$' - eval --predicted worse --masks truth --quiet
expect 0 'F1 of all objects +0\.8000' - eval --predicted worse --masks truth --quiet --objects
expect 0 '"confusion":\[\[19,0\],\[9,20\]\]' - eval --predicted worse --masks truth --quiet --json
check 'eval --json is no JSON' is_json .out
expect 0 'Dice without class 0 .*95 %' - eval --predicted worse --masks truth --quiet
expect 0 'Rand \(foreground\) +1\.0000' - eval --predicted same --masks truth --quiet --isbi
expect 0 'warping error +0\.000000' - eval --predicted same --masks truth --quiet --boundary 0
expect 1 - 'boundary 7: no such class' eval --predicted same --masks truth --boundary 7
expect 0 '' - eval --predicted worse --masks truth --quiet --objects --csv t.csv
check 'three rows' test "$(wc -l <t.csv)" -eq 3
check 'a title' grep -q '^image,accuracy,Dice without class 0,Dice of all classes,IoU without class 0,class 0 Dice,' t.csv
check 'the row of a' grep -q '^a.pgm,0\.625,' t.csv
check 'the row of b' grep -q '^b.pgm,1,1,1,1,' t.csv
mkdir formula
for name in =a +b -c @d; do cp truth/a.pgm "formula/$name.pgm"; done
cp -r formula texts
expect 0 '' - eval --predicted formula --masks texts --quiet --csv f.csv
check 'no cell is a formula' sh -c '[ "$(grep -c "^\"'"'"'[-=+@][a-d].pgm\",1," f.csv)" -eq 4 ]'
# a mask that was not predicted, and one without a truth
mkdir fewer
cp same/a.pgm fewer
expect 0 '' '^left out: 1 true mask without a predicted one: b\.pgm$' eval --predicted fewer --masks truth
expect 1 - '1 of 2 predicted masks have no true mask in fewer: b\.pgm' eval --predicted same --masks fewer
# what only a person can say is asked for by the option that says it
mkdir unclear
cp truth/b.pgm unclear
pgm unclear/a.pgm 6 4  0 0 0 0 0 2  0 0 0 0 0 2  0 0 0 0 0 2  0 0 0 0 0 2
expect 1 - "say labels 'a=0,b=2,c=255' if each is a class.* \\(--labels\\)$" \
    eval --predicted same --masks unclear --quiet
expect 1 "^error .*numbers of objects \\(--labels\\)$" '' check --images same --masks unclear --no-page
expect 1 - "say labels 'a=0,b=255' if 255 is what 1 is there, ignore 255 if it carries" \
    eval --predicted truth --masks indices --quiet
expect 1 - 'nowhere' eval --predicted same --masks truth --csv nowhere/t.csv
expect 0 'pixel accuracy +1\.0000' - eval --predicted indices --masks truth --quiet \
    --predicted-labels indices
expect 1 - 'predicted-labels' eval --predicted indices --masks truth --quiet
one_line 'predictions in another coding'

# numbers of predicted objects are objects, touching or not; a single class is taken apart
mkdir numbers copy one
pgm numbers/a.pgm 6 4  1 1 2 2 0 0  1 1 2 2 0 0  0 0 0 0 0 3  4 4 0 5 0 3
pgm numbers/b.pgm 6 4  7 7 7 9 9 9  7 7 7 9 9 9  0 0 0 0 0 0  8 8 0 6 6 0
cp numbers/*.pgm copy
pgm one/a.pgm 6 4  1 1 1 1 0 0  1 1 1 1 0 0  0 0 0 0 0 1  1 1 0 1 0 1
pgm one/b.pgm 6 4  1 1 1 1 1 1  1 1 1 1 1 1  0 0 0 0 0 0  1 1 0 1 1 0
expect 0 'F1 of all objects +1\.0000' - eval --predicted copy --masks numbers --quiet --labels instances
expect 0 'F1 of all objects +1\.0000' - eval --predicted copy --masks numbers --quiet \
    --labels instances+border --predicted-labels instances+border
expect 0 'F1 of all objects +0\.6250' - eval --predicted copy --masks one --quiet \
    --labels indices --predicted-labels instances
# 9 true objects; of the 7 parts, 5 are one each, 2 are two that touch: of these none is matched
expect 0 'F1 of all objects +0\.6250' - eval --predicted one --masks numbers --quiet --labels instances
expect 1 - 'number their objects' eval --predicted copy --masks numbers --labels instances --split
expect 1 - 'look like object numbers' eval --predicted copy --masks numbers
expect 1 - '^unet: numbers: --predicted and --masks are one folder, so each mask would be scored' \
    eval --predicted numbers --masks numbers --labels instances
one_line 'a folder scored against itself'

# which mask is whose, by a pattern and by a list of the images that they were predicted for
mkdir -p odd pictures
cp worse/a.pgm odd/one_out.pgm
cp worse/b.pgm odd/two_out.pgm
cp truth/a.pgm pictures/one.pgm
mkdir truth_odd
cp truth/a.pgm truth_odd/gold-one.pgm
cp truth/b.pgm truth_odd/gold-two.pgm
expect 0 '"confusion":\[\[19,0\],\[9,20\]\]' - eval --predicted odd --masks truth_odd --quiet --json \
    --pair '([a-z]+)_out' 'gold-\1'
cp odd/two_out.pgm odd/two.pgm
mv odd/one_out.pgm odd/one.pgm
rm odd/two_out.pgm
printf 'image,mask\npictures/one.pgm,truth_odd/gold-one.pgm\npictures/two.tif,truth_odd/gold-two.pgm\n' >list.csv
expect 0 '"confusion":\[\[19,0\],\[9,20\]\]' - eval --predicted odd --masks list.csv --quiet --json
printf 'pictures/three.tif,truth_odd/gold-one.pgm\n' >list.csv
expect 1 - 'list\.csv: line 1: no predicted mask is named as pictures/three\.tif' \
    eval --predicted odd --masks list.csv

# what does not go together
expect 2 - 'takes no MODEL' eval m.safetensors --predicted same --masks truth
expect 2 - 'wanted' eval --masks truth
expect 2 - 'wanted' eval m.safetensors --masks truth

# masks that are coded otherwise than those of the model
"$unet" demo d --time 3s --quiet >/dev/null 2>&1
expect 0 'precision' - eval d/model.safetensors --images d/test/images --masks d/test/masks --quiet
"$unet" predict d/model.safetensors d/test/images -o coded --quiet
expect 0 'pixel accuracy' - eval --predicted coded --masks d/test/masks --predicted-labels indices \
    --quiet
expect 1 - 'say --labels' eval d/model.safetensors --images d/test/images --masks coded --quiet
one_line 'masks in another coding'
expect 0 'accuracy +1\.0' - eval d/model.safetensors --images d/test/images --masks coded \
    --labels indices --quiet
expect 0 '' 'mask value 0 is class 1 here, but class 0 of the model' eval d/model.safetensors \
    --images d/test/images --masks coded --labels 'x=1,y=0|2' --threads 1

# objects as predict numbers them, with others that touch: each is itself again, whatever its bits
mkdir split
"$unet" predict d/model.safetensors d/test/images --instances split --split --quiet \
    -o masks >/dev/null 2>&1
cp -r split split_copy
expect 0 'F1 of all objects +1\.0000' - eval --predicted split_copy --masks split --labels instances \
    --predicted-labels instances --quiet
finish eval
