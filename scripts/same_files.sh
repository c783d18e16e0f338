#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two builds of the command, of processors with other byte orders, write the same bytes and read each other's
# files: models of every format, masks, measurements, outlines, a training that the other goes on with.
# (TIFF is written in each one's own order, and numbers of a network are rounded by each in its own way.)
# Usage: scripts/same_files.sh UNET OTHER_UNET FOLDER
set -eu
first=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") other=$(cd "$(dirname "$2")" && pwd)/$(basename "$2") folder=$3
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
mkdir a b images masks
picture() { # picture NUMBER LARGEST INSIDE OUTSIDE: a disc, in 8 or 16 bits
    printf 'P5 48 40 %s\n' "$2"
    # shellcheck disable=SC2059  # bytes as \ooo
    printf "$(awk -v i="$1" -v high="$2" -v inside="$3" -v outside="$4" 'BEGIN {
        for (y = 0; y < 40; y++)
            for (x = 0; x < 48; x++) {
                v = (x - 12 * i) ^ 2 + (y - 18) ^ 2 < 64 ? inside : outside
                if (high > 255)
                    printf("\\%03o", v)
                printf("\\%03o", high > 255 ? x + y : v)
            } }')"
}
for i in 1 2 3; do
    picture $i 65535 200 20 >images/$i.pgm
    picture $i 255 1 0 >masks/$i.pgm
done
kinds="pth onnx safetensors zip"
! "$other" --version | grep -q 'without:.*bioimage' || kinds="pth onnx safetensors" # it writes packages alone
network="--width 4 --depth 2 --padding same --classes 2"
# shellcheck disable=SC2086  # a list of words
"$first" train --images images --masks masks $network --tile 48 --steps 30 --schedule constant -o run --quiet
cp run/best.safetensors m.safetensors

make() { # make UNET FOLDER: everything of one build
    # shellcheck disable=SC2086
    "$1" init $network -o "$2/init.safetensors" --quiet
    "$1" convert m.safetensors "$2/m.zip" --author us --license MIT --quiet
    for kind in $kinds; do
        [ -e "$2/m.$kind" ] || "$1" convert m.safetensors "$2/m.$kind" --quiet
        "$1" convert "$2/m.$kind" "$2/from_$kind.safetensors" --quiet
    done
    for kind in png tif nii nii.gz; do
        "$1" predict m.safetensors images/1.pgm -o "$2/mask.$kind" --quiet
    done
    "$1" predict m.safetensors images/2.pgm --instances "$2/cells.tif" --measure "$2/cells.csv" --rois "$2/cells.zip" --quiet >"$2/said"
    "$1" predict m.safetensors images/2.pgm --probabilities "$2/p.tif" --quiet
}
failed=0
same() {
    cmp "$1" "$2" || failed=1
}
make "$first" a
make "$other" b
for file in a/*; do
    case $file in
    *.tif | a/m.zip) ;;
    *.gz) # zlib writes the system into its header
        gzip -dc "$file" >gunzipped.a && gzip -dc "b/${file#a/}" >gunzipped.b && same gunzipped.a gunzipped.b
        ;;
    *) same "$file" "b/${file#a/}" ;;
    esac
done
# what one wrote, the other reads
# shellcheck disable=SC2086
"$first" init $network --in-channels 2 -o two.safetensors --quiet
for kind in $kinds; do
    "$first" convert b/m.$kind a/again_$kind.safetensors --quiet
    "$other" convert a/m.$kind b/again_$kind.safetensors --quiet
    same a/again_$kind.safetensors b/again_$kind.safetensors
done
for file in cells:m p:two; do
    "$first" predict "${file#*:}.safetensors" "b/${file%:*}.tif" -o "a/of_${file%:*}.png" --quiet 2>>said
    "$other" predict "${file#*:}.safetensors" "a/${file%:*}.tif" -o "b/of_${file%:*}.png" --quiet 2>>said
    same "a/of_${file%:*}.png" "b/of_${file%:*}.png"
done
"$other" train --resume run --steps 34 --quiet 2>>said || failed=1
[ "$failed" = 0 ] || { cat said && echo "same_files: the files in $folder differ" >&2 && exit 1; }
echo "same_files: $(find a -type f | wc -l) files of each, the same where they can be"
