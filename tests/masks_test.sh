#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Outlines as a person meets them: unet masks, training from what LabelMe and COCO hold, and the
# outlines that unet predict writes.  Usage: masks_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
. "$2/tests/shell/expect.sh"

# pgm AWK_EXPRESSION: an image of 32 x 24 whose bytes are the characters that it gives for x, y
pgm() {
    printf 'P5\n32 24\n255\n'
    LC_ALL=C awk "BEGIN { for (y = 0; y < 24; y++) for (x = 0; x < 32; x++) printf \"%s\", ($1) }"
}
# shape LABEL LEFT TOP RIGHT BOTTOM: of LabelMe
shape() {
    echo "{\"label\": \"$1\", \"points\": [[$2,$3],[$4,$3],[$4,$5],[$2,$5]], \"shape_type\": \"polygon\"}"
}
whole_json() { # whole_json FILE: it is one object, in lines
    tr -d '\n' <"$1" >.one && echo >>.one && is_json .one
}
weights() { # weights MODEL: its tensors without the header
    tail -c +$(($(od -An -tu8 -N8 "$1") + 9)) "$1" >"$2"
}

# images, label images with the characters 0, 1, 2 as values, and the same as outlines
mkdir images labels labelme
for i in 1 2 3 4; do
    pgm "substr(\"0246acegikmoqsuwyACEGIKMOQSUWYZZ\", 1 + (x * $i + y * 7) % 20 + (x > 9) * 6, 1)" >images/$i.pgm
    pgm "x >= 4 + $i && x < 12 && y >= 3 && y < 9 ? 2 : x >= 2 && x < 20 && y >= 2 && y < 15 ? 1 : 0" >labels/$i.pgm
    echo "{\"shapes\": [$(shape cell 2 2 20 15), $(shape nucleus $((4 + i)) 3 12 9)], \"imagePath\": \"$i.pgm\", \"imageHeight\": 24, \"imageWidth\": 32}" >labelme/$i.json
done

# ---- there and back ----

expect 2 - '--images DIR is missing' masks
expect 2 - 'wanted a name ending in .json' masks --images images --masks labelme -o x --as coco
expect 0 - 'masks +grey values 0 = background, 1 = cell, 2 = nucleus' \
    masks --images images --masks labelme -o out --as png
check 'pixels in two shapes are not said' grep -Eq 'lie in two shapes' .err
names='--labels background=48,cell=49,nucleus=50'
expect 0 - '' masks --images images --masks labels $names -o coco.json --as coco
check 'coco.json is no JSON' whole_json coco.json
expect 0 - '' masks --images images --masks labels $names -o geo --as geojson
expect 0 - '' masks --images images --masks labels $names -o yolo --as yolo
check 'YOLO without names' grep -qx nucleus yolo/classes.txt
expect 0 - '' masks --images images --masks labels $names -o via.json --as via
check 'via.json is no JSON' whole_json via.json
expect 0 - '' masks --images images --masks labels $names -o cvat.xml --as cvat
expect 0 - '' masks --images images --masks labels $names -o rois --as imagej
expect 2 - 'wanted a name ending in .xml' masks --images images --masks labelme -o x.json --as cvat
for from in coco.json geo yolo via.json cvat.xml rois; do
    expect 0 - '2 = nucleus' masks --images images --masks $from -o back --as png \
        --labels background,cell,nucleus
    for i in 1 2 3 4; do
        check "$from gives other pixels of $i" cmp -s back/$i.png out/$i.png
    done
done

# objects: in a hole of another, with one that touches it, in parts, of one pixel; and what has no label
mkdir nested
echo "{\"shapes\": [$(shape cell 2 2 16 16), $(shape background 4 4 14 14), $(shape cell 6 6 12 12),
    $(shape background 8 8 10 10), $(shape cell 9 9 10 10), $(shape cell 16 2 24 10),
    $(shape background 19 2 21 10), $(shape background 23 4 24 5), $(shape cell 0 0 1 1),
    $(shape cell 23 4 24 5), $(shape ignore 26 0 32 5), $(shape ignore 31 23 32 24)],
    \"imagePath\": \"1.pgm\"}" >nested/1.json
for to in coco:.json via:.json cvat:.xml geojson: labelme: imagej:; do
    as=${to%%:*} file=nested-$as${to#*:}
    expect 0 - '' masks --images images/1.pgm --masks nested -o "$file" --as $as
    expect 0 - 'object numbers.*; ignore = no label' \
        masks --images images/1.pgm --masks "$file" -o again.json --as coco
    sed 's/"object"/"cell"/' again.json >renamed # ImageJ has no names
    check "$as: objects and what has no label" cmp -s renamed nested-coco.json
done

# ---- what is refused, and what is asked ----

mkdir wrong few
sed 's/"imageHeight": 24/"imageHeight": 25/' labelme/1.json >wrong/1.json
expect 1 - '1.pgm is 32 x 24 pixels, but in wrong/1.json it is 32 x 25' \
    masks --images images/1.pgm --masks wrong/1.json -o x
cp labelme/1.json labelme/2.json few
expect 1 - '2 of 4 images have no mask in few: 3.pgm, 4.pgm.*--only-pairs' \
    masks --images images --masks few -o x
expect 0 - 'pairs +2, paired outlines of LabelMe' masks --images images --masks few -o x --only-pairs
expect 1 - 'outlines of "nucleus", which is not among the classes given' \
    masks --images images --masks labelme -o x --labels background,cell

mkdir alike
for i in 1 2 3 4; do
    sed 's/"nucleus"/"Cell "/' labelme/$i.json >alike/$i.json
done
expect 0 'classes 1 "Cell" and 2 "cell" differ in case' '' check --images images --masks alike --no-page
printf '#filename,file_size,region_shape_attributes\n1.pgm,9,"{""name"":""rect""}"\n' >via.csv
expect 1 - 'outlines of VIA .* as a table' masks --images images --masks via.csv -o x
sed 's/"points": [^"]*"/"points": [[0.1,0.1],[1.01,0.1],[1.01,0.2]], "/g' labelme/1.json >shares.json
expect 1 - 'shares.json: all coordinates lie from 0 to 1.01.*multiply x by' \
    masks --images images/1.pgm --masks shares.json -o x

cp labels/1.pgm labels/9.pgm
expect 0 - 'left out +1 mask without an image: 9.pgm' masks --images images --masks labels $names -o x
rm labels/9.pgm

# beside masks that are images
mkdir mixed
cp labels/1.pgm labels/2.pgm labelme/3.json labelme/4.json mixed
expect 1 '2 files of outlines there \(3.json \.\.\.\) are not read beside masks' '' \
    check --images images --masks mixed --no-page
expect 1 - '2 of 4 images have no mask in mixed: .*2 files of outlines there.*unet masks makes masks' \
    masks --images images --masks mixed -o x

# beside the images, as LabelMe does, and in a list
cp -r images both
cp labelme/*.json both
expect 0 '132 pixels lie in two shapes' '' check --images images --masks labelme --no-page
expect 0 'paired outlines of LabelMe, by name' '' check --images both --masks both --no-page
printf 'image,mask\nimages/1.pgm,labelme/1.json\nimages/2.pgm,labelme/2.json\n' >list.csv
expect 0 - 'pairs +2, paired as a list says' masks --images images --masks list.csv -o x

# ---- training from outlines gives the bits of training from label images ----

set -- --images images --width 4 --depth 1 --tile 32 --batch 1 --steps 4 --seed 3 --val-share 0.25 --quiet
expect 0 - - train "$@" --masks labels $names -o a.safetensors
expect 0 - - train "$@" --masks labelme -o b.safetensors
expect 0 - - train "$@" --masks coco.json --labels background,cell,nucleus -o c.safetensors
weights a.safetensors a
for model in b c; do
    weights $model.safetensors $model
    check "$model.safetensors has other weights" cmp -s a $model
done
# a model finds its classes by their names, and its outlines are read again
expect 0 nucleus - eval b.safetensors --images images --masks coco.json --quiet
expect 0 '' - predict b.safetensors images --rois all.json --quiet
check 'all.json is no JSON' whole_json all.json
check 'the names of the model' grep -q '"name": "nucleus"' all.json
expect 0 '' - predict b.safetensors images --rois lm/ --as labelme --quiet
check 'lm/1.json is no JSON' whole_json lm/1.json
expect 0 '' - predict b.safetensors images/1.pgm --rois 1.geojson --quiet
expect 0 '' - predict b.safetensors images --rois all.xml --quiet
check 'all.xml has not all images' test "$(grep -c '<image ' all.xml)" = 4
expect 0 '' - predict b.safetensors images --rois v.json --as via --quiet
check 'v.json is no JSON' whole_json v.json
for to in coco via cvat; do # the same objects in each
    file=$(echo $to | sed 's/coco/all.json/; s/via/v.json/; s/cvat/all.xml/')
    expect 0 - '' masks --images images --masks $file --labels background,cell,nucleus -o p-$to
    check "$to: other pixels than COCO's" cmp -s p-$to/3.png p-coco/3.png
done
# images of one name in two folders go by both, and come back
mkdir -p two/x two/y
cp images/1.pgm images/2.pgm two/x
cp images/3.pgm two/y/1.pgm
cp images/4.pgm two/y/2.pgm
for to in coco.json via.json cvat.xml; do
    expect 0 '' - predict b.safetensors two/x two/y --rois two-$to --as ${to%.*} --quiet
    check "two-$to names no folders" grep -q 'y/1.pgm' two-$to
    expect 0 - 'pairs +4, paired' masks --images two --masks two-$to --labels background,cell,nucleus -o two-back
    check "two-$to: other pixels than of one folder" cmp -s two-back/y/1.png p-coco/3.png
done
expect 1 - 'x/1.pgm: two images would have this name in t.json.*a folder, such as t/' \
    predict b.safetensors two/x/1.pgm two/x/1.pgm two/y/1.pgm --rois t.json
check '1.geojson is no JSON' whole_json 1.geojson
expect 2 - '--as and the ending of 1.zip do not agree' \
    predict b.safetensors images/1.pgm --rois 1.zip --as coco

finish masks_test
