#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Work that is cut into jobs: unet predict --part and --skip-done.
# Usage: jobs_test.sh UNET_BINARY SOURCE BUILD
. "$(dirname "$0")/shell/expect.sh"

# grey FILE SIDE SEED: a picture of noise
grey() {
    printf 'P5 %s %s 255\n' "$2" "$2" >"$1"
    LC_ALL=C awk -v n=$(($2 * $2)) -v seed="$3" 'BEGIN {
        for (i = 0; i < n; i++) {
            seed = (seed * 16807 + 11) % 2147483647
            printf("\\0%o", seed % 256)
        } }' | { read -r codes; printf '%b' "$codes"; } >>"$1"
}
mkdir im
for i in 01 02 03 04 05 06 07; do grey im/$i.pgm 40 "1$i"; done
"$unet" init --width 2 --depth 1 --seed 2 -o m.safetensors >/dev/null 2>&1
"$unet" init --width 2 --depth 1 --seed 3 -o n.safetensors >/dev/null 2>&1
m=m.safetensors
expect 0 - - predict $m im -o all --quiet
outputs="-o masks/ --instances ids/ --measure tables/ --rois rois/ --overlay over/"
expect 0 '' - predict $m im $outputs --quiet
mkdir whole && mv masks ids tables rois over whole

# ---- parts: disjoint, together all, whether their numbers begin at 0 or at 1 ----

expect 0 - '^part 2 of 3: 2 of 7 images$' predict $m im -o zero/ --part 2/3
for part in 0 1; do expect 0 - - predict $m im -o zero/ --part $part/3 --quiet; done
for part in 1 2 3; do expect 0 - - predict $m im -o one/part$part/ --part $part/3 --quiet; done
check 'parts 0, 1, 2 make what one job makes' diff -r all zero
check 'no two of the parts 1, 2, 3 have an image in common' \
    sh -c "[ \$(ls one/*/ | grep -c pgm) = 0 ] && [ \$(ls one/part* | grep -c 'png$') = 7 ]"
check 'parts 1, 2, 3 have them all' sh -c 'cp one/*/* one/ && rm -r one/part* && diff -r all one'
for part in 1 2 3; do
    expect 0 '' - predict $m im $outputs --part $part/3 --quiet --threads 1
done
for kind in masks ids tables rois over; do check "parts: $kind" diff -r $kind whole/$kind; done
# the list is dealt by names, in whatever order it is told
"$unet" predict $m im/07.pgm im/03.pgm im/01.pgm im/02.pgm -o told/ --part 1/2 --quiet
check 'the order of a list has no say' test "$(ls told | tr '\n' ' ')" = '01.png 03.png '
expect 0 - '^part 9 of 9: 0 of 7 images$' predict $m im -o none/ --part 9/9

array='this job array has 2 tasks, and --part deals 3 parts: 1 are for others'
checks=$((checks + 1))
SLURM_ARRAY_TASK_COUNT=2 "$unet" predict $m im -o told/ --part 1/3 2>&1 | grep -q "$array" ||
    note 'an array smaller than its parts'
expect 2 - 'found 4/3, wanted 1/3 to 3/3, or 0/3 to 2/3' predict $m im -o zero/ --part 4/3
for wrong in 3 /3 1/ 1/0 -1/3 1/3/4 x/3 1.5/3 99999999999999999999/3 1/99999999999999999999; do
    expect 2 - '--part: found ".*", wanted I/N' predict $m im -o zero/ --part=$wrong
done

# one file for all images becomes one for each part, with the same columns
expect 0 '' - predict $m im --measure cells.csv --quiet
for part in 1 2 3; do
    expect 0 '' - predict $m im --measure p.csv --rois p.json --part $part/3 --quiet
done
expect 0 - '^0 images -> p-part8of8.csv' predict $m im --measure p.csv --part 8/8
check 'a part without images has a table without rows' test "$(wc -l <p-part8of8.csv)" -eq 1
check 'tables of the parts, put together' sh -c "
    awk 'FNR > 1 || NR == 1' p-part?of3.csv | sort >joined
    sort cells.csv | cmp - joined && ls p-part1of3.json p-part2of3.json p-part3of3.json"
absent 'a file that no part has to itself' p.csv p.json
# an image of another part has the same name: nobody's mask may be overwritten by it
mkdir twin && cp im/02.pgm twin/01.pgm
expect 1 - 'two images would be written there' predict $m im twin -o zero/ --part 1/3
expect 2 - 'is the folder of the images, so that the list' predict $m im -o im --part 1/3
expect 2 - 'is the folder of the images, so that the list' predict $m im -o im/ --skip-done
absent 'a refused command' im/01.png

# ---- --skip-done: what is done is told by content ----

expect 0 - '^im/01.pgm -> done/01.png' predict $m im -o done/ --skip-done
expect 0 - '^done before: 7 of 7 images$' predict $m im -o done/ --skip-done
one_line 'nothing to do'
check 'the same masks' sh -c 'for f in all/*; do cmp $f done/${f#all/} || exit 1; done'
check 'a record has the checksum of the image' \
    grep -q "\"$(sha256sum <im/01.pgm | cut -c 1-64)\"" done/.unet-done/01.png.json
check 'and of the mask' grep -q "\"$(sha256sum <done/01.png | cut -c 1-64)\"" done/.unet-done/01.png.json
expect 0 '"skipped":true,.*"pixels":\[[0-9]+,[0-9]+\]' - predict $m im -o done/ --skip-done --json --quiet
touch im/*.pgm
expect 0 - '^done before: 7 of 7 images$' predict $m im -o done/ --skip-done --threads 1
expect 0 - '^done before: 3 of 3 images$' predict $m im -o done/ --skip-done --part 0/2
mv done moved && cp -r im im2
expect 0 - '^done before: 7 of 7 images$' predict ./m.safetensors im2/ -o moved --skip-done

# again REASON COMMAND: after this, one image is done again, and then none
again() {
    reason=$1
    shift
    "$@"
    expect 0 - "^made again: 1; the first, im2/04.pgm: $reason" predict $m im2 -o moved --skip-done
    check "$reason: the others are not" grep -q '^done before: 6 of 7 images' .err
    expect 0 - '^done before: 7 of 7 images$' predict $m im2 -o moved --skip-done
}
change() { printf '\001' | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
again 'the image is another now' change im2/04.pgm 100
again 'a file of it was changed' change moved/04.png 60
again 'a file of it was changed' sh -c 'head -c 50 moved/04.png >x; mv x moved/04.png'
again 'a file of it is gone' rm moved/04.png
again 'nothing tells what it was made from' rm moved/.unet-done/04.png.json
again 'nothing tells what it was made from' sh -c ': >moved/.unet-done/04.png.json'
again 'another version made it' sh -c 'echo "{}" >moved/.unet-done/04.png.json'

for other in 'another model made it:n.safetensors' 'it was made with other options:m.safetensors --tta flips' \
    'it was made with other options:m.safetensors --fill 7' 'another model made it:m.safetensors n.safetensors' \
    'it was made with other options:m.safetensors --min-area 5' 'not all of its files were made:m.safetensors --logits logits/'; do
    cp -r moved once
    # shellcheck disable=SC2086  # several words
    expect 0 '' "^made again: 7; the first, im2/01.pgm: ${other%%:*}" predict ${other#*:} im2 -o once --skip-done
    # shellcheck disable=SC2086
    expect 0 '' '^done before: 7 of 7 images$' predict ${other#*:} im2 -o once --skip-done
    rm -r once
done
# what a killed job left beside a file that another has done goes, too
: >moved/04.png.unet0.tmp && : >moved/.unet-done/04.png.json.unet1.tmp
expect 0 - '^done before: 7 of 7 images$' predict $m im2 -o moved --skip-done
absent 'what a killed job left' moved/04.png.unet0.tmp moved/.unet-done/04.png.json.unet1.tmp
# a model written anew says the same
"$unet" convert m.safetensors same.pth >/dev/null 2>&1
expect 0 - '^done before: 7 of 7 images$' predict same.pth im2 -o moved --skip-done
expect 2 - 't.csv holds all images, and would lack what is left out; wanted a folder, such as t/' \
    predict $m im --measure t.csv --skip-done
expect 0 '' - predict $m im/01.pgm --measure one.csv -o one.png --skip-done --quiet
expect 0 - '^done before: 1 of 1 image$' predict $m im/01.pgm --measure one.csv -o one.png --skip-done

# an image whose samples lie in another file, and pages of one
printf 'NDims = 2\nDimSize = 40 40\nElementType = MET_UCHAR\nElementDataFile = v.raw\n' >v.mhd
tail -c 1600 im/01.pgm >v.raw
expect 0 - '^v.mhd -> v.png' predict $m v.mhd -o v.png --skip-done
expect 0 - '^done before: 1 of 1' predict $m v.mhd -o v.png --skip-done
change v.raw 100
expect 0 - '^made again: 1; the first, v.mhd: the image is another now' predict $m v.mhd -o v.png --skip-done
expect 0 '' - predict $m im/01.pgm --instances stack.tif --quiet
expect 0 - - predict $m 'stack.tif[0]' -o page.png --skip-done --quiet
expect 0 - '^done before: 1 of 1' predict $m 'stack.tif[0]' -o page.png --skip-done
expect 0 - 'the image is another now' predict $m 'stack.tif[:]' -o page.png --skip-done

# names as long as they may be
long=$(printf '%0240d' 7)
cp im/01.pgm "$long.pgm"
expect 0 - - predict $m "$long.pgm" -o long/ --skip-done --quiet
expect 0 - '^done before: 1 of 1' predict $m "$long.pgm" -o long/ --skip-done
# a record that cannot be written is no silence
mkdir deaf && : >deaf/.unet-done
expect 1 - 'deaf/.unet-done: cannot make this folder' predict $m im/01.pgm -o deaf/ --skip-done --quiet

# ---- killed at any moment, by several jobs at once: in the end every file is as it should be ----

mkdir kill && for i in 1 2 3 4 5 6 7 8 9; do grey kill/$i.pgm 150 "3$i"; done
expect 0 - - predict $m kill -o calm --quiet
for pause in 02 03 04 05 06 07 09 12 15 20; do
    timeout --foreground -s KILL 0.$pause "$unet" predict $m kill -o killed/ --skip-done --quiet 2>/dev/null &
    timeout --foreground -s KILL 0.$pause "$unet" predict $m kill -o killed/ --skip-done --part 1/2 --quiet 2>/dev/null
    wait $!
done
expect 0 - '' predict $m kill -o killed/ --skip-done
expect 0 - '^done before: 9 of 9 images$' predict $m kill -o killed/ --skip-done
check 'no unfinished record' sh -c '! ls killed/.unet-done | grep tmp'
rm -rf killed/.unet-done
check 'after kill -9 the same files, and no others' diff -r calm killed

# the signal of a scheduler: the image at work is left, and said how to go on
"$unet" init --width 8 --depth 2 --seed 2 -o slow.safetensors >/dev/null 2>&1
grey big.pgm 300 5 && mkdir long_list
for i in 1 2 3 4 5 6 7 8 9; do cp big.pgm long_list/$i.pgm; done
"$unet" predict slow.safetensors long_list -o ended/ --skip-done --quiet --threads 1 2>.term &
job=$!
while [ ! -e ended/2.png ] && kill -0 $job 2>/dev/null; do sleep 0.05; done
kill -TERM $job 2>/dev/null
wait $job
status=$?
checks=$((checks + 1))
[ $status -eq 130 ] && grep -Eq '^unet: interrupted: [1-8] of 9 images are done; the same command goes on with the others$' .term ||
    note "SIGTERM: status $status: $(cat .term)"
expect 0 - '^done before: [1-8] of 9 images' predict slow.safetensors long_list -o ended/ --skip-done

finish jobs_test
