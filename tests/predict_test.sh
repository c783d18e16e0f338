#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet predict on images of any size: streams, pages, the promise of --memory, interruptions.
# Usage: predict_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
. "$2/tests/shell/expect.sh"
build=$(cd "$OLDPWD" && cd "$3" && pwd)

expect 0 - '' init --width 4 --depth 2 -o m.safetensors
expect 0 - '' init --width 4 --depth 2 --padding same --norm instance -o whole.safetensors
m=m.safetensors
if [ ! -x "$build/big_tiff" ]; then
    echo "skipped: no $3/big_tiff, which writes the images"
    exit 0
fi
"$build/big_tiff" strips.tif 700
"$build/big_tiff" tiles.tif 700 deflate tiles

# ---- what is read makes no difference, nor how much at a time ----

expect 0 - '' predict $m tiles.tif -o tiles.png --overlay over.png --tile 64 --exact
expect 0 - '' predict $m strips.tif -o whole.png --exact
check 'tiles and strips: other masks' cmp tiles.png whole.png
expect 0 - - predict $m tiles.tif --probabilities a.npy --logits a.tif --quiet --exact
expect 0 - - predict $m tiles.tif --probabilities b.npy --logits b.tif --quiet --exact --tile 48
check 'probabilities depend on the tile' cmp a.npy b.npy
check 'logits depend on the tile' cmp a.tif b.tif

# ---- --memory ----

expect 1 - 'strips\.tif: 700 x 700 pixels do not fit into --memory 1M; [0-9]+M would do$' \
    predict $m strips.tif -o x.png --memory 1M
would=$(sed 's/.* \([0-9]*\)M would do.*/\1/' .err)
expect 0 - "memory: at most [0-9]+M of ${would}M, tiles of [0-9]+" \
    predict $m strips.tif -o strips.png --memory "${would}M" --exact
check 'the least memory: another mask' cmp strips.png whole.png
expect 1 - 'do not fit .*with another --tile' \
    predict $m strips.tif -o x.png --memory "${would}M" --tile 512
expect 2 - 'a size in bytes such as 500M' predict $m strips.tif -o x.png --memory lots
absent "a prediction that does not fit" x.png
expect 0 - 'warning: this network looks at whole images' \
    predict whole.safetensors strips.tif -o x.png --memory "$((would + 3))M"

# ---- pages and rows that are odd ----

printf 'P5 300 1 255\n' >row.pgm
head -c 300 strips.tif | tr '\000-\377' 'a-za-za-za-za-za-za-za-za-za-z' >>row.pgm
expect 0 - '300' predict $m row.pgm -o row.png --overlay row_over.png
mkdir mixed
printf 'P5 9000 40 255\n' >mixed/wide.pgm
head -c 360000 /dev/zero >>mixed/wide.pgm
printf 'P5 4000 900 255\n' >mixed/tall.pgm
head -c 3600000 /dev/zero >>mixed/tall.pgm
promise() { # promise ARGUMENT...: the peak is below what was promised
    checks=$((checks + 1))
    "$build/peak" "$unet" predict "$@" >.out 2>.err || note "unet predict $*: $(cat .err)"
    awk '/^memory: at most/ { most = $4 + 0 } /^peak/ { peak = $2 + 0 }
         END { exit !(most && peak <= most) }' .err || note "unet predict $*: $(cat .err)"
}
if "$unet" --version | grep -q . && [ -x "$build/peak" ] && ! nm "$unet" | grep -q __asan_init; then
    promise $m mixed -o mixed_out --memory 60M
    promise $m tiles.tif -o x.tif --overlay y.tif --measure x.csv --memory 90M
fi
expect 1 - '[0-9]+M would do' predict $m mixed/tall.pgm --instances x.tif --memory 10M
would=$(sed 's/.* \([0-9]*\)M would do.*/\1/' .err)
expect 0 '' 'memory: at most' predict $m mixed/tall.pgm --instances x.tif --memory "${would}M"

# ---- views ----

expect 0 - 'tta: .* 4 views' predict $m strips.tif -o x.png --tta flips
expect 0 - 'tta: .* 8 views' predict $m strips.tif -o x.png --tta rotations
expect 2 - 'none or flips or rotations' predict $m strips.tif -o x.png --tta some

# ---- objects ----

expect 0 'strips\.tif: [0-9]+ class 1, area [0-9]+ px' 'strips\.tif -> ids\.tif' \
    predict $m strips.tif --instances ids.tif --measure a.csv --rois a.zip --exact
expect 0 '' - predict $m strips.tif --instances tiled.tif --measure b.csv --rois b.zip --tile 32 \
    --exact --quiet
check 'ids depend on the tile' cmp ids.tif tiled.tif
check 'measurements depend on the tile' cmp a.csv b.csv
check 'a table begins with its columns' grep -q '^id,class,class_name,area_px,' a.csv
checks=$((checks + 1))
[ "$(sed 1d a.csv | wc -l)" = "$(sed -n 's/.*tif: \([0-9]*\) class 1.*/\1/p' .out)" ] ||
    note "rows of a.csv: $(sed 1d a.csv | wc -l), $(cat .out)"
expect 0 '"objects":\[\{"class":1' - predict $m strips.tif --measure a.csv --json
expect 2 - 'a name ending in \.csv' predict $m strips.tif --measure a.txt
expect 2 - 'a name ending in \.zip' predict $m strips.tif --rois a.roi

# ---- interruptions leave nothing that looks finished ----

"$build/big_tiff" large.tif 6000
"$unet" predict $m large.tif -o half.tif --overlay half.png >.out 2>.err &
pid=$!
sleep 1
kill -INT $pid
wait $pid
code=$?
checks=$((checks + 1))
[ $code -eq 130 ] || note "an interrupted prediction: exit code $code, wanted 130: $(tail -2 .err)"
check 'an interrupted prediction says so' grep -q '^unet: interrupted' .err
absent 'an interrupted prediction' half.tif half.png

finish predict_test
