#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet predict on several images: what goes into one file, what the overlay shows, what it says of
# images unlike those of the training.  Usage: predict_many_test.sh UNET_BINARY SOURCE BUILD
. "$(dirname "$0")/shell/expect.sh"

# blobs FILE SIDE HIGH: a picture of 20 x 20 blobs, and dim between them; HIGH 255 or 65535
blobs() {
    printf 'P5 %s %s %s\n' "$2" "$2" "$3" >"$1"
    LC_ALL=C awk -v side="$2" -v high="$3" -v upper="${4:-1}" 'BEGIN {
        for (y = 0; y < side; y++)
            for (x = 0; x < side; x++) {
                v = x % 20 > 4 && x % 20 < 16 && y % 20 > 4 && y % 20 < 16 ? 200 : 20
                if (high > 255) printf("\\0%o", v * upper)
                printf("\\0%o", v)
            } }' | { read -r codes; printf '%b' "$codes"; } >>"$1"
}
mkdir deep deep_masks flat
blobs flat/a.pgm 40 255
blobs flat/b.pgm 60 255
blobs deep/a.pgm 40 65535
cp flat/a.pgm deep_masks/a.pgm
cp deep/a.pgm deep/b.pgm
cp flat/a.pgm deep_masks/b.pgm
"$unet" init --width 2 --depth 1 --seed 2 -o m.safetensors >/dev/null 2>&1
m=m.safetensors

# ---- samples of another type than those of the training ----

train="--width 2 --depth 1 --steps 1 --batch 1 --tile 32 --val-share 0 --quiet"
expect 0 - '' train --images deep --masks deep_masks $train -o deep.safetensors
expect 0 - '' train --images flat/a.pgm --masks deep_masks/a.pgm $train -o flat.safetensors
only16='the model was trained on 16-bit samples \(5140 to 51400\); if values are on another scale'
expect 0 - "^warning: flat/a.pgm and 1 more of 2 images: 8-bit samples, $only16" \
    predict deep.safetensors flat -o out --quiet
one_line 'one warning for two images'
mkdir dim
for name in a b; do LC_ALL=C tr '\310\024' '\014\001' <deep/a.pgm >dim/$name.pgm; done
expect 0 - "^warning: dim/a.pgm: 16-bit samples, the model was trained on 8-bit samples" \
    predict flat.safetensors dim/a.pgm flat/b.pgm -o out/ --quiet
# 257 times what the training had: the network sees the same
expect 0 - - predict flat.safetensors deep/a.pgm flat/b.pgm -o out/ --quiet
expect 0 '' - eval flat.safetensors --images deep --masks deep_masks --quiet
expect 0 - - predict flat.safetensors flat -o out --quiet
expect 0 - - predict deep.safetensors deep -o out --quiet
expect 0 - - predict m.safetensors deep -o out --quiet
expect 0 '' "^warning: a.pgm: 8-bit samples, $only16" \
    eval deep.safetensors --images flat/a.pgm --masks deep_masks/a.pgm --quiet
expect 0 '' - eval deep.safetensors --images deep --masks deep_masks --quiet

# ---- values unlike those of the training: the first of a folder, once ----

far='values of 257 to 3084, in the training 5140 to 51400; multiplied by 16 they would fit'
expect 0 - "^warning: dim/a.pgm and 1 more of 2 images that were looked at: $far; the answers" \
    predict deep.safetensors dim -o out --quiet
one_line 'one warning for a folder'
expect 0 '"distance":1[.}]' '^warning' predict deep.safetensors dim/b.pgm -o out/ --json --quiet
expect 0 '"distance":0[,.}]' - predict deep.safetensors deep/a.pgm -o out/ --json --quiet
mkdir dim_masks
cp deep_masks/a.pgm dim_masks/a.pgm
expect 0 '' "^warning: a.pgm: $far" \
    eval deep.safetensors --images dim/a.pgm --masks dim_masks/a.pgm --quiet

blobs asis.pgm 40 65535 0 # numbers of 8 bits in 16
expect 0 - '^warning: asis.pgm: .*; multiplied by 257 they would fit' \
    predict deep.safetensors asis.pgm -o out/ --quiet

# alpha FILE LIGHT: an RGBA TIFF of 32 x 32 pixels whose alpha says something
alpha() {
    entry() { printf "\\$1\\$2\\$3\\000\\$4\\000\\000\\000\\$5\\$6\\000\\000"; }
    {
        printf 'II*\000\010\000\000\000\012\000'
        entry 000 001 003 001 040 000 # width, height, bits of the four, no compression, RGB
        entry 001 001 003 001 040 000
        entry 002 001 003 004 206 000
        entry 003 001 003 001 001 000
        entry 006 001 003 001 002 000
        entry 021 001 004 001 220 000 # where pixels are, four samples, rows, bytes, alpha
        entry 025 001 003 001 004 000
        entry 026 001 003 001 040 000
        entry 027 001 004 001 000 020
        entry 122 001 003 001 002 000
        printf '\000\000\000\000\010\000\010\000\010\000\010\000\000\000'
        printf '%b' "$(LC_ALL=C awk -v light="$2" 'BEGIN {
            for (i = 0; i < 1024; i++) {
                v = light * (i % 16 > 5 ? 10 : 1)
                printf("\\0%o\\0%o\\0%o\\0%o", v, v / 2, v / 4, 101 + i % 100)
            }
        }')"
    } >"$1"
}
mkdir rgba rgba_masks
alpha rgba/a.tif 20
alpha dark.tif 1
blobs rgba_masks/a.pgm 32 255
expect 0 - '' train --images rgba --masks rgba_masks $train -o rgba.safetensors
expect 0 '4 channels ->' '' info rgba.safetensors
expect 0 - - predict rgba.safetensors rgba/a.tif -o f.png --quiet
expect 0 - '^warning: dark.tif: values of .*, in the training ' \
    predict rgba.safetensors dark.tif -o f.png --quiet

# ---- samples that are no data ----

expect 0 '' '^fill: samples of 5140 are no data$' predict deep.safetensors deep/a.pgm -o f.png --fill 5140
expect 1 - 'fill: found "much", a number or nan wanted' predict deep.safetensors deep/a.pgm -o f.png --fill much
expect 0 - '^fill       samples of 51400 are no data: [0-9.]* % of all, in 2 of 2 images$' \
    train --images deep --masks deep_masks --width 2 --depth 1 --steps 1 --batch 1 --tile 32 \
    --val-share 0 -o fill.safetensors --fill 51400
expect 0 '^fill       samples of 51400 are no data$' - info fill.safetensors
expect 0 - '^fill: samples of 51400 are no data, as in the training' \
    predict fill.safetensors deep/a.pgm -o f.png
expect 0 'note +samples of 51400 are no data' - \
    check --images deep --masks deep_masks --no-page --fill 51400

# ---- one file, or one for each image ----

tab=$(printf '\r')
expect 0 'flat/b.pgm: class 1: [0-9]+ objects?' '^2 images -> all.csv$' predict $m flat --measure all.csv
check 'one table for two images' test -f all.csv
check 'it begins with its columns' grep -q "^image,id,class,class_name,area_px,.*$tab\$" all.csv
checks=$((checks + 1))
[ "$(sed 1d all.csv | cut -d, -f1 | uniq)" = "flat/a.pgm
flat/b.pgm" ] || note "rows of all.csv: $(cut -c1-40 all.csv)"
expect 0 '' - predict $m flat --measure tables --quiet
sed 's/^flat.a.pgm,//; s/^flat.b.pgm,//; s/^image,//' all.csv >cut.csv
{ cat tables/a.csv && sed 1d tables/b.csv; } >both.csv
check 'tables of a folder hold the same' cmp cut.csv both.csv
expect 0 '' - predict $m flat --measure dots.csv/ --quiet
check 'a name that ends in / is a folder' test -f dots.csv/a.csv
for wrong in "-o w.png" "-o w.jpg" "--overlay w.png" "--instances w.tif" "--probabilities w.npy" \
    "--logits w.tif" "--rois w.zip" "--measure w.txt"; do
    expect 2 - 'found "w\.[a-z]*"' predict $m flat $wrong
    one_line "$wrong for two images"
done
expect 2 - '--rois: found "w.zip" for 2 images, wanted a folder, such as w/' \
    predict $m flat --rois w.zip
absent 'files that were refused' w.png w.jpg w.tif w.npy w.zip w.txt w
mkdir one
cp flat/a.pgm one
expect 0 - '' predict $m one -o one.png --overlay one/../o.png
check 'a folder with one image gives a file' test -f one.png
mkdir broken
cp flat/a.pgm broken
echo P5 40 40 255 >broken/b.pgm
cp all.csv before.csv
expect 1 '' '^unet: all.csv: not written: 1 of 2 images failed$' predict $m broken --measure all.csv
check 'a table is written whole or not at all' cmp all.csv before.csv

# ---- pages: a column, where an image has several ----

head -c $((352 + 2 * 40 * 40)) /dev/zero >stack.nii # 2 pages of 40 x 40
put() { # put OFFSET BYTES: into stack.nii
    printf "$2" | dd of=stack.nii bs=1 seek="$1" conv=notrunc 2>/dev/null
}
put 0 '\134\001\000\000'
put 40 '\003\000\050\000\050\000\002\000\001\000\001\000\001\000\001\000'
put 70 '\002\000\010\000'
put 108 '\000\000\260\103'
put 344 'n+1\000'
expect 0 '' - predict flat.safetensors stack.nii flat/a.pgm --measure stacks.csv --quiet --keep-holes
check 'a column of pages' grep -q '^image,page,id,' stacks.csv
expect 0 '' - predict flat.safetensors stack.nii --measure alone.csv --quiet
check 'of one stack' grep -q '^page,id,' alone.csv
put 123 '\003' # pixels in micrometres, of 2
put 80 '\000\000\000\100\000\000\000\100\000\000\000\100'
expect 0 '' - predict $m stack.nii flat/a.pgm --measure um.csv --quiet
check 'columns of the unit that one image has' grep -q ',area_um2,' um.csv
checks=$((checks + 1))
grep '^flat' um.csv | grep -v ',,,,,,,,,,' && note "an image without size: $(grep ^flat um.csv)"
cp stack.nii mm.nii
printf '\002' | dd of=mm.nii bs=1 seek=123 conv=notrunc 2>/dev/null
expect 1 - 'mm.nii: pixels measured in mm, those of stack.nii in um; .* such as two/' \
    predict $m stack.nii mm.nii --measure two.csv

# ---- the overlay shows objects as they are counted ----

expect 0 '^flat/a.pgm: ' - predict $m flat/a.pgm --overlay s.png --split --quiet
expect 0 - - predict $m flat/a.pgm --overlay p.png --quiet
expect 0 '^flat/a.pgm: no objects$' - predict $m flat/a.pgm --overlay e.png --quiet --min-area 100000
expect 0 '"objects":\[\{"class":1,"name":"class 1","count":0' - \
    predict $m flat/a.pgm --overlay e.png --min-area 100000 --json --quiet
expect 0 '' - predict $m flat/a.pgm --overlay f.png --quiet --keep-holes
check 'an overlay without objects is another one' sh -c '! cmp -s e.png f.png'
check 'objects that are whole are drawn as the mask' cmp f.png p.png

# ---- what stands by itself ----

expect 2 - 'no option --images, its value stands by itself, wanted: unet predict MODEL' \
    predict $m --images flat -o x/
expect 2 - 'no option --image, its value' predict $m --image flat/a.pgm -o x.png
expect 2 - 'no option --epochs \(unet train has it\)' predict $m flat --epochs 3
expect 2 - '"flat" is one argument too many, wanted: unet eval MODEL --images DIR' eval $m flat
expect 2 - 'no option --overlai, perhaps --overlay is meant' predict $m flat --overlai x

finish predict_many_test
