#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet predict on several images: what goes into one file, what the overlay shows, what it says of
# images unlike those of the training.  Usage: predict_many_test.sh UNET_BINARY SOURCE BUILD
. "$(dirname "$0")/shell/expect.sh"

# blobs FILE SIDE HIGH: a picture of 20 x 20 blobs, and dim between them; HIGH 255 or 65535
blobs() {
    printf 'P5 %s %s %s\n' "$2" "$2" "$3" >"$1"
    LC_ALL=C awk -v side="$2" -v high="$3" 'BEGIN {
        for (y = 0; y < side; y++)
            for (x = 0; x < side; x++) {
                v = x % 20 > 4 && x % 20 < 16 && y % 20 > 4 && y % 20 < 16 ? 200 : 20
                printf((high > 255 ? "\\0%o" : "") "\\0%o", v, v)
            } }' | { read -r codes; printf '%b' "$codes"; } >>"$1"
}
mkdir deep deep_masks flat
blobs flat/a.pgm 40 255
blobs flat/b.pgm 60 255
blobs deep/a.pgm 40 65535
cp flat/a.pgm deep_masks/a.pgm
cp deep/a.pgm deep/b.pgm
cp flat/a.pgm deep_masks/b.pgm
"$unet" init --width 2 --depth 1 -o m.safetensors >/dev/null 2>&1
m=m.safetensors

# ---- samples of another type than those of the training ----

train="--width 2 --depth 1 --steps 1 --batch 1 --tile 32 --val-share 0 --quiet"
expect 0 - '' train --images deep --masks deep_masks $train -o deep.safetensors
expect 0 - '' train --images flat/a.pgm --masks deep_masks/a.pgm $train -o flat.safetensors
only16='the model was trained on 16-bit samples \(5140 to 51400\); if values are on another scale'
expect 0 - "^warning: flat/a.pgm and 1 more of 2 images: 8-bit samples, $only16" \
    predict deep.safetensors flat -o out --quiet
one_line 'one warning for two images'
expect 0 - "^warning: deep/a.pgm: 16-bit samples, the model was trained on 8-bit samples" \
    predict flat.safetensors deep/a.pgm flat/b.pgm -o out/ --quiet
one_line 'one image of two'
expect 0 - - predict flat.safetensors flat -o out --quiet
expect 0 - - predict deep.safetensors deep -o out --quiet
expect 0 - - predict m.safetensors deep -o out --quiet
expect 0 '' "^warning: a.pgm: 8-bit samples, $only16" \
    eval deep.safetensors --images flat/a.pgm --masks deep_masks/a.pgm --quiet
expect 0 '' - eval deep.safetensors --images deep --masks deep_masks --quiet

finish predict_many_test
