#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Images with a file for each channel, arrays of [channel][row][column], choices of channels, and
# images that are known by their content.  Usage: channels_test.sh UNET_BINARY SOURCE BUILD
. "$(dirname "$0")/shell/expect.sh"

# spots FILE PHASE: a grey picture of 32 x 32 pixels, "-" before its name: without a header
spots() {
    case $1 in -*) file=${1#-} ;; *) file=$1 && printf 'P5 32 32 255\n' >"$file" ;; esac
    LC_ALL=C awk -v phase="$2" 'BEGIN {
        for (y = 0; y < 32; y++)
            for (x = 0; x < 32; x++)
                printf("\\0%o", (x + phase) % 16 > 5 && y % 16 > 5 ? 200 : 20) }' |
        { read -r codes; printf '%b' "$codes"; } >>"$file"
}

# planes FILE: two of them as a .npy of [2][32][32] bytes
planes() {
    printf '\223NUMPY\001\000v\000' >"$1"
    printf "%-117s\n" "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 32, 32), }" >>"$1"
    spots "-$1" 0
    spots "-$1" 4
}
mkdir two masks arrays out
for i in a b; do
    spots two/${i}_ch00.pgm 0
    spots two/${i}_ch01.pgm 4
    spots masks/$i.pgm 0
    planes arrays/$i.npy
done
train="--width 2 --depth 1 --steps 2 --batch 1 --tile 16 --val-share 0 --quiet"

# ---- a file for each channel ----

expect 0 'pairs +2, paired by name, channels ch00, ch01 in a file each' - \
    check --images two --masks masks --no-page --quiet
expect 0 '2 channels in truth' - check --images two --masks masks --no-page --quiet
expect 0 - '' train --images two --masks masks $train -o two.safetensors
expect 0 - 'channels: as in the training, files:ch00,ch01' predict two.safetensors two -o out/
check 'a mask for each image of two files' test -f out/a.png -a -f out/b.png -a ! -e out/a_ch00.png
expect 0 '' '' eval two.safetensors --images two --masks masks --quiet
expect 0 '^32 x 32 .*, 2 channels, 8-bit' - info 'two/a_{ch00,ch01}.pgm'
expect 1 - 'two/a_ch01.pgm: this file lacks' predict two.safetensors two/a_ch00.pgm -o out/x.png
mkdir guard
cp two/a_ch00.pgm guard/a_ch00.tif
cp two/a_ch01.pgm guard/a_ch01.tif
expect 1 - 'would be overwritten' \
    predict two.safetensors guard/a_ch00.tif guard/a_ch01.tif -o guard/a_ch01.tif
expect 0 '2 channels -> ' '' info two.safetensors
mv two/b_ch01.pgm kept.pgm
expect 1 - 'two/b_ch01.pgm: this file lacks' check --images two --masks masks --no-page --quiet
expect 1 - 'two/b_ch01.pgm: this file lacks' predict two.safetensors two -o out/
mv kept.pgm two/b_ch01.pgm

# what is chosen is not said to be that of the training
printf 'P6 32 32 255\n' >colour.ppm
for i in 1 2 3; do tail -c 1024 masks/a.pgm; done >>colour.ppm
expect 0 - '' predict two.safetensors 'colour.ppm{0,2}' -o out/colour.png
check 'a choice of channels is called that of the training' sh -c '! grep -q "as in the training" .err'

# ---- one of the channels ----

expect 0 'of all channels 1$' - check --images two --masks masks --channels 1 --no-page --quiet
expect 0 'unet train .*--channels 1 ' - \
    check --images two --masks masks --channels 1 --no-page --quiet
expect 0 - '' train --images two --masks masks --channels 1 $train -o one.safetensors
expect 0 - 'a_\{ch00,ch01\}.pgm\{1\} -> ' predict one.safetensors two -o out/
expect 1 - 'no channel 2; 0 to 1 wanted' \
    train --images two --masks masks --channels 2 $train -o no.safetensors
expect 1 - 'channels: "one"; ' \
    train --images two --masks masks --channels one $train -o no.safetensors
expect 1 - 'cannot be averaged' predict one.safetensors two.safetensors two/a_ch00.pgm -o out/x.png

# ---- [channel][row][column] ----

expect 1 'channel\]\[row\]\[column\].*--channels pages' '' \
    check --images arrays --masks masks --no-page --quiet
expect 1 - '--channels pages' train --images arrays --masks masks $train -o no.safetensors
expect 0 '32 x 32 pixels.*2 channels' - \
    check --images arrays --masks masks --channels pages --no-page --quiet
expect 0 - '' train --images arrays --masks masks --channels pages $train -o arrays.safetensors
expect 0 - 'arrays/a.npy\{pages\} -> out/a.png' predict arrays.safetensors arrays -o out/

# ---- by content ----

spots plain 0
expect 0 '^32 x 32 .*, 1 channel, 8-bit' '' info plain
expect 0 '"not_read":\[\]' '' info plain --json
printf 'RIFF....WEBPVP8 ' >photo
expect 1 - 'photo: a WebP image' info photo
expect 1 - 'is no model file' info "$source/README.md"
finish channels_test
