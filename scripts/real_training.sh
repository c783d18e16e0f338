#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Trains on the real images beside the project and scores images that were held out; the figures in
# docs/quality.md and docs/training.md come from here.
#
#     scripts/real_training.sh UNET FOLDER isbi|dsb|nuclei|camvid|wbc|tents TIME [train options...]
#
# nuclei is dsb with numbered objects.  TIME 0: the images are only put into FOLDER/train and
# FOLDER/test.
set -eu
unet=$1 out=$2 which=$3 time=$4
shift 4
data=$(dirname "$0")/../../shared/data/seg
data=$(cd "$data" 2>/dev/null && pwd) || {
    echo "skipped: the real images are not beside the project"
    exit 0
}
rm -rf "$out/train" "$out/test"
mkdir -p "$out/train/images" "$out/train/masks" "$out/test/images" "$out/test/masks"

add() { # add SET IMAGE MASK
    ln -s "$2" "$out/$1/images/"
    ending=${3##*.}
    name=$(basename "$2")
    ln -s "$3" "$out/$1/masks/${name%.*}.$ending"
}

# fourth FOLDER MASKS IMAGE-ENDING MASK-ENDING: every fourth image is held out
fourth() {
    n=0
    for image in "$1"/*."$3"; do
        n=$((n + 1))
        set_name=train
        [ $((n % 4)) -ne 0 ] || set_name=test
        add $set_name "$image" "$2/$(basename "$image" ".$3").$4"
    done
}

kind=mask
case $which in
isbi) # slices 00-15 to train on, 16-19 to score
    for image in "$data"/isbi2012/image/*.png; do
        n=$(basename "$image" .png)
        set_name=train
        [ "$n" -le 15 ] || set_name=test
        add $set_name "$image" "$data/isbi2012/label/$n.png"
    done
    ;;
dsb | nuclei) # of every size, the last five images by name (all but one, where there are fewer than six)
    [ "$which" = dsb ] || kind=label16
    for image in "$data"/dsb2018/image/*.png; do
        size=$(dd if="$image" bs=1 skip=16 count=8 2>/dev/null | od -An -tx1 | tr -d ' ')
        echo "$size $image"
    done | sort | awk '{ n[$1]++; line[NR] = $0 }
        END { for (i = 1; i <= NR; i++) { split(line[i], f, " "); seen[f[1]]++
              hold = n[f[1]] > 5 ? 5 : n[f[1]] - 1
              print (seen[f[1]] > n[f[1]] - hold ? "test" : "train"), f[2] } }' |
        while read -r set_name image; do
            mask=$data/dsb2018/$kind/$(basename "$image")
            add "$set_name" "$image" "$mask"
        done
    ;;
camvid)
    fourth "$data/camvid/image" "$data/camvid/label" png png
    set -- --ignore 11 "$@"
    ;;
wbc) fourth "$data/wbc1" "$data/wbc1" bmp png ;;
tents) fourth "$data/sarpol_tents/image" "$data/sarpol_tents/label" jpg jpg ;;
*)
    echo "real_training: there is no set $which"
    exit 2
    ;;
esac
[ "$time" != 0 ] || exit 0
"$unet" train --images "$out/train/images" --masks "$out/train/masks" \
    --val-images "$out/test/images" --val-masks "$out/test/masks" \
    -o "$out/run" --overwrite --time "$time" "$@"
# the newest weights, not those that did best on the images scored here
"$unet" eval "$out/run/last.safetensors" --images "$out/test/images" --masks "$out/test/masks"
"$unet" predict "$out/run/last.safetensors" "$out"/test/images/* -o "$out/masks/" \
    --overlay "$out/overlays/" --quiet
