#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two builds of the command, of processors with other byte orders, read each other's files and write the same
# bytes: models of every format, masks and images of several bits, measurements, outlines.
# Usage: scripts/same_files.sh UNET OTHER_UNET FOLDER
set -eu
first=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") other=$2 folder=$3
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
mkdir a b images
# picture NUMBER LARGEST INSIDE OUTSIDE: a disc, in 8 or 16 bits of two bytes each
picture() {
    printf 'P5 48 40 %s\n' "$2"
    printf '%b' "$(LC_ALL=C awk -v i="$1" -v high="$2" -v inside="$3" -v outside="$4" 'BEGIN {
        for (y = 0; y < 40; y++) for (x = 0; x < 48; x++) {
            v = (x - 12 * i) ^ 2 + (y - 18) ^ 2 < 64 ? inside : outside
            if (high > 255) printf "\\0%o", v
            printf("\\0%o", (high > 255) ? x + y : v) } }')"
}
for i in 1 2 3; do
    picture $i 65535 200 20 >images/$i.pgm
done
"$first" init --width 4 --depth 2 --padding same --classes 2 -o m.safetensors --quiet
make() { # make UNET FOLDER: everything of one build
    "$1" init --width 4 --depth 2 --padding same --classes 2 -o $2/init.safetensors --quiet
    for kind in pth onnx safetensors zip; do
        "$1" convert m.safetensors $2/m.$kind --quiet
        "$1" convert $2/m.$kind $2/from_$kind.safetensors --quiet
    done
    for kind in png tif nii nii.gz npy; do
        "$1" predict m.safetensors images/1.pgm -o $2/mask.$kind --quiet
    done
    "$1" predict m.safetensors images/2.pgm --instances $2/cells.tif --measure $2/cells.csv --rois $2/cells.zip --quiet
    "$1" predict m.safetensors images/2.pgm --instances $2/cells.nii --quiet
    "$1" info $2/cells.tif --json >$2/info.json
}
make "$first" a
make "$other" b
failed=0
for file in a/*; do
    name=${file#a/}
    case $name in
    info.json | m.zip) ;; # has paths; probabilities are rounded by each processor
    *) cmp "a/$name" "b/$name" || failed=1 ;;
    esac
done
# what one wrote, the other reads
for kind in pth onnx safetensors zip; do
    "$first" convert b/m.$kind a/again_$kind.safetensors --quiet
    "$other" convert a/m.$kind b/again_$kind.safetensors --quiet
    cmp a/again_$kind.safetensors b/again_$kind.safetensors || failed=1
done
# a training that one began, the other goes on with
mkdir masks
for i in 1 2 3; do
    picture $i 255 1 0 >masks/$i.pgm
done
"$first" train --images images --masks masks --width 4 --depth 2 --tile 48 --steps 2 -o run --quiet
cp -R run run_of_other
"$other" train --resume run_of_other --steps 4 --quiet || failed=1
[ "$failed" = 0 ] || { echo "same_files: the files in $folder differ" >&2; exit 1; }
echo "same_files: $(ls a | wc -l) files of each, the same"
