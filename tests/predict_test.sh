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

expect 1 - 'strips\.tif: 700 x 700 pixels do not fit into --memory 1M; [0-9]+M would do with' \
    predict $m strips.tif -o x.png --memory 1M
would=$(sed 's/.* \([0-9]*\)M would do.*/\1/' .err)
least=$would
expect 0 - "memory: at most [0-9]+M of ${would}M, tiles of [0-9]+" \
    predict $m strips.tif -o strips.png --memory "${would}M" --exact
check 'the least memory: another mask' cmp strips.png whole.png
expect 1 - 'do not fit .*with another --tile' \
    predict $m strips.tif -o x.png --memory "${would}M" --tile 512
expect 2 - 'a size in bytes such as 500M' predict $m strips.tif -o x.png --memory lots
absent "a prediction that does not fit" x.png
expect 0 - '' init --width 4 --depth 4 -o deep.safetensors
slow='tiles of (16|32), which take [0-9]+ times as long as large ones; [0-9]+M gives tiles of [0-9]+'
expect 1 - "would do with $slow$" predict deep.safetensors strips.tif -o x.png --memory 1M
would=$(sed 's/.* \([0-9]*\)M would do.*/\1/' .err)
useful=$(sed 's/.* \([0-9]*\)M gives.*/\1/' .err)
side=$(sed 's/.* \([0-9]*\)$/\1/' .err)
expect 0 - "memory: at most [0-9]+M of ${would}M, $slow" \
    predict deep.safetensors strips.tif -o x.png --memory "${would}M"
expect 0 - "memory: at most [0-9]+M of ${useful}M, tiles of $side$" \
    predict deep.safetensors strips.tif -o x.png --memory "${useful}M"
expect 0 - 'warning: this network looks at whole images' \
    predict whole.safetensors strips.tif -o x.png --memory "$((least + 3))M"
expect 0 - 'warning: this network looks at whole images: with tiles of 64, which are blended' \
    predict whole.safetensors strips.tif -o x.png --tile 64 --exact
expect 0 - - predict whole.safetensors strips.tif -o x.png --tile 700 --quiet
expect 0 - - predict $m strips.tif -o x.png --tile 64 --quiet

# ---- levels, and OME-XML ----

expect 0 '' '' predict $m tiles.tif -o py.ome.tif --pyramid yes --overlay over.tif --instances no.tif
expect 0 'not read, level: 350 x 350' '' info py.ome.tif
expect 0 'not read, level: 350 x 350' '' info over.tif
expect 0 'not read, level: 350 x 350' '' info no.tif
expect 0 - '' predict $m tiles.tif -o flat.tif --pyramid no
expect 2 - '--pyramid: found "2"' predict $m tiles.tif -o py.tif --pyramid 2

# ---- NIfTI keeps what it says of space: so a folder gets it, and stacks may be it ----

expect 0 - '' predict $m tiles.tif -o a.nii.gz --exact
expect 0 '700 x 700' '' info a.nii.gz
expect 0 - 'nifti/a\.nii\.gz' predict $m a.nii.gz -o nifti/
expect 0 - 'nifti/a\.png' predict $m a.nii.gz -o nifti/ --format png
expect 0 - 'nifti/tiles\.nii\.gz' predict $m tiles.tif -o nifti/ --format nii
expect 0 - '' predict $m tiles.tif -o b.nii --exact
gzip -cd a.nii.gz | cmp - b.nii || check 'NIfTI and its compressed twin differ' false
{ # so does a volume that is no NIfTI
    printf 'NDims = 3\nDimSize = 40 40 2\nElementSpacing = 0.5 0.5 2\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n'
    head -c 3200 /dev/zero
} >v.mha
expect 0 '0.5 x 0.5 mm' '' info v.mha
expect 0 - 'nifti/v\.nii\.gz' predict $m v.mha -o nifti/

# ---- a folder that is an image, among images and by itself ----

mkdir -p z/x.ome.zarr
printf '{"zarr_format": 2, "shape": [40, 40], "chunks": [40, 40], "dtype": "|u1", "fill_value": 9,
    "order": "C", "filters": null, "compressor": null}' >z/x.ome.zarr/.zarray
expect 0 '40 x 40' '' info z/x.ome.zarr/
expect 0 - 'zarr/x\.ome\.png' predict $m z -o zarr/
expect 0 - 'zarr/x\.ome\.png' predict $m z/x.ome.zarr/ -o zarr/

# ---- levels of slides: by a number behind the path, or by the option ----

head -c 100 /dev/zero >z/none.svs
expect 1 - 'none\.svs' predict $m z/none.svs/1 -o x.png
expect 1 - 'none\.svs' predict $m z/none.svs --level auto -o x.png
expect 2 - 'wanted 0, 1 \.\. or auto' predict $m z/none.svs --level big -o x.png

# ---- pages and rows that are odd ----

printf 'P5 300 1 255\n' >row.pgm
head -c 300 strips.tif | tr '\000-\377' 'a-za-za-za-za-za-za-za-za-za-z' >>row.pgm
expect 0 - '300' predict $m row.pgm -o row.png --overlay row_over.png
mkdir mixed
printf 'P5 9000 40 255\n' >mixed/wide.pgm
head -c 360000 /dev/zero >>mixed/wide.pgm
printf 'P5 4000 900 255\n' >mixed/tall.pgm
head -c 3600000 /dev/zero >>mixed/tall.pgm
expect 0 - '' init --width 6 --depth 2 --seed 9 -o whole2.safetensors
promise() { # promise ARGUMENT...: the peak is below what was promised
    checks=$((checks + 1))
    "$build/peak" "$unet" predict "$@" >.out 2>.err || note "unet predict $*: $(cat .err)"
    awk '/^memory: at most/ { most = $4 + 0 } /^peak/ { peak = $2 + 0 }
         END { exit !(most && peak <= most) }' .err || note "unet predict $*: $(cat .err)"
}
if "$unet" --version | grep -q . && [ -x "$build/peak" ] && ! nm "$unet" | grep -q __asan_init; then
    promise $m mixed -o mixed_out --memory 60M
    promise $m tiles.tif -o x.tif --overlay y.tif --measure x.csv --memory 90M
    promise $m $m whole2.safetensors mixed -o mixed_out --memory 90M
    promise whole.safetensors mixed/wide.pgm -o x.tif --memory 140M
    check 'a long image is not blended' sh -c '! grep -q blended .err'
fi
expect 1 - '[0-9]+M would do' predict $m mixed/tall.pgm --instances x.tif --memory 10M
would=$(sed 's/.* \([0-9]*\)M would do.*/\1/' .err)
expect 0 '' 'memory: at most' predict $m mixed/tall.pgm --instances x.tif --memory "${would}M"

# ---- views ----

expect 0 - 'tta: .* 4 views' predict $m strips.tif -o x.png --tta flips
expect 0 - 'tta: .* 8 views' predict $m strips.tif -o x.png --tta rotations
expect 2 - 'none or flips or rotations' predict $m strips.tif -o x.png --tta some

# ---- several models ----

mkdir -p run cv/fold1 cv/fold2
expect 0 - '' init --width 4 --depth 2 --seed 1 -o run/best.safetensors
expect 0 - '' init --width 6 --depth 2 --seed 2 -o cv/fold2/best.safetensors
cp run/best.safetensors cv/fold1
expect 0 - 'models: the probabilities of 2 models are averaged' \
    predict cv strips.tif --probabilities cv.npy --exact
expect 0 - - predict cv/fold1 cv/fold2/best.safetensors tiles.tif --probabilities two.npy --exact \
    --quiet --tile 40
check 'folds named one by one' cmp cv.npy two.npy
expect 0 - - predict run strips.tif --probabilities one.npy --quiet
check 'two models say what one says' sh -c '! cmp -s cv.npy one.npy'
expect 0 - - predict run run/best.safetensors strips.tif -o x.png --quiet
expect 0 - - predict run strips.tif -o y.png --quiet
check 'one model twice' cmp x.png y.png
expect 2 - 'no IMAGE, only models' predict run cv -o x.png
expect 1 - 'deep.safetensors: cannot be averaged with run/best.safetensors: depth is 4' \
    predict run deep.safetensors strips.tif -o z.png
expect 1 - 'whole.safetensors: cannot be averaged with .*: padding is same, .* none' \
    predict run whole.safetensors strips.tif -o z.png
mkdir empty_run cv/fold3 no_best
cp run/best.safetensors no_best/last.safetensors
expect 1 - 'no_best: no best.safetensors in this run; its newest model is no_best/last' \
    predict no_best strips.tif -o z.png
expect 1 - 'empty_run: no model in this folder, wanted best.safetensors' \
    predict empty_run strips.tif -o z.png
expect 1 - 'cv: fold3 has no best.safetensors yet' predict cv strips.tif -o z.png
absent 'models that do not go together' z.png
expect 0 '^model +run/best.safetensors' '' info run
rmdir cv/fold3
expect 1 - 'cv/: the models of 2 folds, wanted one: cv/fold1/best' info cv/
expect 0 - '' convert run run.onnx

# ---- one class for everything ----

note='note: every pixel of every image is class 1: perhaps the model was trained too little'
expect 0 - '' init --width 2 --depth 1 --seed 1 -o poor.safetensors
printf 'P5 40 40 255\n' >black.pgm
head -c 1600 /dev/zero >>black.pgm
expect 0 - '' predict poor.safetensors black.pgm black.pgm[0] -o ones/
check 'one class is noted' grep -Eq 'note: every pixel of every image is class [01]: ' .err
checks=$((checks + 1))
[ "$(grep -c '^note' .err)" -eq 1 ] || note "one class: $(cat .err)"
expect 0 - - predict poor.safetensors black.pgm -o x.png --quiet

# ---- objects ----

put() { # put OFFSET BYTES: into stack.nii
    printf "$2" | dd of=stack.nii bs=1 seek="$1" conv=notrunc 2>/dev/null
}
head -c $((352 + 12 * 40 * 40)) /dev/zero >stack.nii # 12 pages of 40 x 40
put 0 '\134\001\000\000'
put 40 '\003\000\050\000\050\000\014\000\001\000\001\000\001\000\001\000'
put 70 '\002\000\010\000'
put 108 '\000\000\260\103'
put 344 'n+1\000'
expect 0 '' - predict $m stack.nii --instances stack.tif --measure stack.csv --quiet
check 'ids of pages sort as pages do' test -s stack-00.tif -a -s stack-09.tif -a -s stack-11.tif
absent 'ids of a stack' stack-0.tif stack-9.tif stack-012.tif stack.tif
check 'a stack has one table' test -s stack.csv
absent 'tables of a stack' stack-00.csv stack-0.csv
expect 0 '' - predict $m 'stack.nii[2:5]' --instances three.tif --quiet
check 'three pages need one digit' test -s three-0.tif -a -s three-2.tif

expect 0 'strips\.tif: class 1: [0-9]+ objects?, area [0-9]+ px' 'strips\.tif -> ids\.tif' \
    predict $m strips.tif --instances ids.tif --measure a.csv --rois a.zip --exact
expect 0 '' - predict $m strips.tif --instances tiled.tif --measure b.csv --rois b.zip --tile 32 \
    --exact --quiet
check 'ids depend on the tile' cmp ids.tif tiled.tif
check 'measurements depend on the tile' cmp a.csv b.csv
check 'a table begins with its columns' grep -q '^id,class,class_name,area_px,' a.csv
checks=$((checks + 1))
[ "$(sed 1d a.csv | wc -l)" = "$(sed -n 's/.*tif: class 1: \([0-9]*\) object.*/\1/p' .out)" ] ||
    note "rows of a.csv: $(sed 1d a.csv | wc -l), $(cat .out)"
expect 0 '"objects":\[\{"class":1' - predict $m strips.tif --measure a.csv --json
expect 1 - 'an image of 1 channel; 2 or more wanted, of which the last' \
    predict $m strips.tif --measure a.csv --channel 2
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
