#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A generated image of SIDE x SIDE pixels (40000: 1.6 gigapixels, a BigTIFF in strips) is predicted
# below 500 MB: the promise is kept, the time is that of its tiles, and an interruption leaves
# nothing.  Writes 4 GB into FOLDER, and removes them.
# Usage: check_large.sh BUILD_FOLDER FOLDER [SIDE]
set -eu
build=$(cd "$1" && pwd)
side=${3:-40000}
mkdir -p "$2"
work=$(mktemp -d "$2/large.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"
unet=$build/unet
limit=500

fail() {
    echo "check_large: $*"
    exit 1
}

"$unet" init --width 8 -o model.safetensors >/dev/null
"$build/big_tiff" image.tif "$side"

# the speed of single tiles, before and after: six images of one tile each, the middle one counts
single() { # seconds of one tile
    "$unet" predict model.safetensors tiles -o out --tile "$tile" --json |
        sed 's/.*"seconds": *\([0-9.e-]*\).*/\1/' | sort -g | sed -n 4p
}
"$unet" predict model.safetensors image.tif -o mask.tif --memory ${limit}M 2>log &
pid=$!
while ! grep -q 'tiles of' log && kill -0 $pid 2>/dev/null; do
    sleep 0.2
done
kill -INT $pid 2>/dev/null || true
wait $pid || true
tile=$(sed -n 's/.*tiles of \([0-9]*\).*/\1/p' log)
[ -n "$tile" ] || fail "$(cat log)"
mkdir tiles
"$build/big_tiff" tiles/0.tif "$tile"
for i in 1 2 3 4 5; do
    cp tiles/0.tif tiles/$i.tif
done
before=$(single)

"$build/peak" "$unet" predict model.safetensors image.tif -o mask.tif --memory ${limit}M 2>log ||
    fail "$(cat log)"
cat log
after=$(single)
peak=$(sed -n 's/^peak \([0-9.]*\) MB.*/\1/p' log)
seconds=$(sed -n 's/^peak .* MB, \([0-9.]*\) s/\1/p' log)
promised=$(sed -n 's/^memory: at most \([0-9]*\)M.*/\1/p' log)
awk -v p="$peak" -v m="$promised" -v l="$limit" 'BEGIN { exit !(p <= m && m <= l) }' ||
    fail "a peak of $peak MB; $promised MB were promised"
awk -v s="$seconds" -v side="$side" -v tile="$tile" -v a="$before" -v b="$after" 'BEGIN {
    ours = side * side / s / 1e6; of_tile = tile * tile / ((a + b) / 2) / 1e6
    printf "%.2f megapixels a second, %.2f in single tiles of %d: %.2f\n", ours, of_tile, tile,
        ours / of_tile
    exit ours < 0.9 * of_tile }' || fail "slower than its tiles by more than a tenth"

rm mask.tif
"$unet" predict model.safetensors image.tif -o mask.tif --memory ${limit}M 2>log &
pid=$!
sleep 5
kill -INT $pid
status=0
wait $pid || status=$?
[ $status = 130 ] || fail "interrupted: exit code $status, wanted 130"
left=$(ls | grep -v -e '^image.tif$' -e '^log$' -e '^model.safetensors$' -e '^out$' -e '^tiles$' || true)
[ -z "$left" ] || fail "interrupted: it leaves $left"
echo "check_large: done"
