#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Images that unet predict takes side by side: the files and words of one after the other.
# Usage: predict_lanes_test.sh UNET_BINARY SOURCE BUILD
. "$(dirname "$0")/shell/expect.sh"

# grey FILE SIDE SEED: a picture of spots
grey() {
    printf 'P5 %s %s 255\n' "$2" "$2" >"$1"
    LC_ALL=C awk -v n="$2" -v seed="$3" 'BEGIN {
        for (i = 0; i < n * n; i++) {
            v = 128 + 100 * sin(i % n / (2 + seed % 5)) * cos(int(i / n) / (2 + seed % 3))
            printf("\\0%o", v)
        } }' | { read -r codes; printf '%b' "$codes"; } >>"$1"
}
mkdir im
for i in $(seq 10 49); do grey im/$i.pgm $((24 + i % 9)) "$i"; done
"$unet" init --width 4 --depth 2 --padding same --norm instance --seed 2 -o m.safetensors \
    >/dev/null 2>&1
m=m.safetensors

# all FOLDER OPTION..: every product, into FOLDER; what was said without the folder and the times
all() {
    to=$1 && shift
    mkdir "$to"
    "$unet" predict $m im -o "$to/masks/" --instances "$to/ids/" --overlay "$to/over/" \
        --measure "$to/all.csv" --rois "$to/all.json" "$@" >out 2>err
    status=$?
    sed -e "s|$to/||g" -e 's/, [0-9.a-z]*s)/)/' -e 's/"seconds":[^,]*,//' out err >"said-$to"
    echo "status $status" >>"said-$to"
}
all alone --threads 1
all beside --threads 4
check 'files' diff -r alone beside
check 'words, in the order of the list' cmp said-alone said-beside
check 'a table of all' test "$(grep -c '^im/' beside/all.csv)" -gt 40
all alone-json --threads 1 --json
all beside-json --threads 4 --json
check 'reports in the order of the list' cmp said-alone-json said-beside-json

# ---- one that cannot be read does not stop the others, and no file of all is written ----

head -c 200 im/20.pgm >cut && mv cut im/20.pgm
all alone-cut --threads 1
all beside-cut --threads 4
check 'files without it' diff -r alone-cut beside-cut
check 'what is said of it' cmp said-alone-cut said-beside-cut
check 'it failed' grep -q '^status 1$' said-beside-cut
check 'no file of all' test ! -e beside-cut/all.csv -a ! -e beside-cut/all.json
check 'the others have masks' test "$(ls beside-cut/masks | wc -l)" -eq 39
rm im/20.pgm

# ---- what is done stays done ----

expect 0 - - predict $m im -o done/ --threads 4 --skip-done --quiet
expect 0 - '^done before: 39 of 39 images$' predict $m im -o done/ --threads 4 --skip-done
grey im/30.pgm 24 99
grey im/31.pgm 24 99
expect 0 - 'made again: 2; the first, im/30.pgm: the image is another now' \
    predict $m im -o done/ --threads 4 --skip-done

# ---- Ctrl-C: what is there is whole, and the rest can be gone on with ----

mkdir many
for i in $(seq 100 499); do cp im/30.pgm many/$i.pgm; done
"$unet" predict $m many -o stopped/ --tta rotations --exact --threads 4 --skip-done 2>stop &
job=$!
while ! ls stopped/*.png >/dev/null 2>&1 && kill -0 $job 2>/dev/null; do sleep 0.02; done
kill -TERM $job 2>/dev/null
wait $job
status=$?
checks=$((checks + 1))
# on a fast machine all may be done before the signal comes
[ $status -eq 0 ] || grep -q 'interrupted: not all of 400 images are done; the same command goes' stop ||
    note "a signal: status $status, $(cat stop)"
expect 0 - - predict $m many -o stopped/ --tta rotations --exact --threads 4 --skip-done --quiet
check 'all are there' test "$(ls stopped/*.png | wc -l)" -eq 400
check 'nothing half written' sh -c '[ -z "$(find stopped -name ".*" -type f ! -path "*unet-done*")" ]'

finish predict_lanes_test
