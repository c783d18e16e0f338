#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet predict by several processes: the same files, byte for byte, as by one.
# Usage: predict_mpi_test.sh UNET_BINARY SOURCE BUILD
. "$(dirname "$0")/shell/expect.sh"
build=$(cd "$source" && cd "$3" && pwd)
skip() {
    echo "skipped: $*"
    exit 0
}
command -v mpirun >/dev/null 2>&1 || skip "mpirun is not here (Debian: openmpi-bin)"
[ -e "$build/libunet_mpi.so" ] ||
    skip "libunet_mpi.so was not built: CMake found no MPI (Debian: libopenmpi-dev)"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_plm=isolated OMPI_MCA_orte_base_help_aggregate=0
export ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}" # MPI keeps what it has until the end

# ranks N STATUS ARGUMENTS...: unet by N processes; .out and .err are what they say
ranks() {
    n=$1 want=$2
    shift 2
    checks=$((checks + 1))
    timeout 300 mpirun -n "$n" "$unet" "$@" >.out 2>.err </dev/null
    code=$?
    [ $code -eq "$want" ] || note "$n ranks, unet $*: exit code $code, wanted $want: $(head -5 .err)"
}

# grey FILE WIDTH HEIGHT SEED: a picture of blobs and noise
grey() {
    printf 'P5 %s %s 255\n' "$2" "$3" >"$1"
    LC_ALL=C awk -v w="$2" -v h="$3" -v seed="$4" 'BEGIN {
        for (y = 0; y < h; y++)
            for (x = 0; x < w; x++) {
                seed = (seed * 16807 + 11) % 2147483647
                printf("\\0%o", (x % 23 > 5 && x % 23 < 17 && y % 19 > 4 && y % 19 < 15 ? 140 : 20) + seed % 60)
            } }' | { read -r codes; printf '%b' "$codes"; } >>"$1"
}
mkdir im
for i in 1 2 3 4 5 6 7 8; do grey im/$i.pgm 5$i 4$i "1$i"; done
"$unet" init --width 2 --depth 1 --seed 2 -o m.safetensors >/dev/null 2>&1
m=m.safetensors

# ---- many images: each by the rank that is free ----

files() { echo "-o $1/masks/ --instances $1/ids/ --overlay $1/over/ --logits $1/logits/"; }
joined() { echo "--measure $1.csv --rois $1.json"; }
# shellcheck disable=SC2046  # several words
"$unet" predict $m im $(files one) $(joined one) --json >one.out 2>/dev/null
plain() { sed 's/"seconds":[^,]*,//; s/two/one/g' "$1"; }
for n in 2 3 4; do
    for threads in 1 2; do
        rm -rf two two.csv two.json
        # shellcheck disable=SC2046
        ranks $n 0 predict $m im $(files two) $(joined two) --json --threads $threads
        what="$n ranks of $threads threads"
        check "$what: the files of images" diff -r one two
        check "$what: the table of all" cmp one.csv two.csv
        check "$what: the outlines of all" cmp one.json two.json
        plain one.out >one.said && plain .out >two.said
        check "$what: the reports, in order" cmp one.said two.said
        shares=$(sed -n 's/^ranks: \(.*\) images$/\1/p' .err)
        check "$what: each image once ($shares)" \
            test "$(echo "$shares" | tr -d ' ' | tr ',' '+' | sed 's/^$/0/')" != 0 -a \
            "$(($(echo "${shares:-0}" | tr ',' '+')))" -eq 8
    done
done
mkdir apart
ranks 3 0 predict $m im -o apart/ --measure apart/ --part 1/2
check 'a part by ranks' sh -c 'ls apart/*.png | wc -l | grep -qx 4 && cmp apart/3.png one/masks/3.png'
ranks 3 0 predict $m im -o skip/ --skip-done
ranks 2 0 predict $m im -o skip/ --skip-done
check 'what ranks did is done' grep -q '^done before: 8 of 8 images$' .err
printf '\001' | dd of=im/5.pgm bs=1 seek=200 conv=notrunc 2>/dev/null
ranks 3 0 predict $m im -o skip/ --skip-done
check 'but for an image that changed' grep -q '^made again: 1; the first, im/5.pgm: the image is another' .err

# an image that fails is named, and stops no other; what would lack its rows is not written
cp -r im bad && head -c 30 im/3.pgm >bad/3.pgm
ranks 3 1 predict $m bad -o bad_out/ --measure bad.csv
check 'a bad image among others' sh -c "grep -q 'bad/3.pgm: ' .err && ls bad_out | wc -l | grep -qx 7"
check 'how many' grep -q 'bad.csv: not written: 1 of 8 images failed' .err
absent 'a table that would lack rows' bad.csv
ranks 3 2 predict $m im -o a.png
check 'a wrong command line is told once' sh -c "grep -c 'wanted a folder' .err | grep -qx 1"

# ranks that were told, or see, other things
"$unet" init --width 2 --depth 1 --seed 3 -o n.safetensors >/dev/null 2>&1
unlike() { # unlike WORDS ARGUMENTS_OF_RANK_0 : ARGUMENTS_OF_RANK_1
    words=$1
    checks=$((checks + 1))
    # shellcheck disable=SC2086  # several words
    timeout 200 mpirun -n 1 "$unet" predict $2 : -n 1 "$unet" predict $3 >.out 2>.err </dev/null &&
        note "unlike ranks: $2 : $3"
    grep -q "$words" .err || note "unlike ranks, wanted $words: $(head -3 .err)"
}
unlike 'rank 1 has another model' "$m im -o odd/" "n.safetensors im -o odd/"
unlike 'rank 1 lists other images than rank 0 (7, not 8)' "$m im -o odd/" "$m im/1.pgm im/2.pgm im/3.pgm im/4.pgm \
    im/5.pgm im/6.pgm im/7.pgm -o odd/"
unlike 'rank 1 cuts images into other tiles than rank 0' "$m im/1.pgm -o odd/ --tile 32" "$m im/1.pgm -o odd/ --tile 64"
absent 'what unlike ranks would have made' odd/1.png

# the signal of a scheduler
"$unet" init --width 8 --depth 2 --seed 2 -o slow.safetensors >/dev/null 2>&1
mkdir list && grey big.pgm 300 300 5
for i in 1 2 3 4 5 6 7 8 9; do cp big.pgm list/$i.pgm; done
expect 0 - '' predict slow.safetensors list -o calm --quiet
mpirun -n 2 "$unet" predict slow.safetensors list -o cut/ --skip-done --quiet --threads 1 >.out 2>.err </dev/null &
job=$!
while [ ! -e cut/2.png ] && kill -0 $job 2>/dev/null; do sleep 0.05; done
kill -TERM $job 2>/dev/null
wait $job
ranks 2 0 predict slow.safetensors list -o cut/ --skip-done
check 'after SIGTERM some were done' grep -q '^done before: [1-9] of 9 images$' .err
rm -r cut/.unet-done
check 'and in the end all, whole' diff -r calm cut

# ---- fewer images than ranks: each in bands, by all of them ----

grey tall.pgm 61 203 7
grey wide.pgm 150 90 8
"$unet" init --width 2 --depth 2 --padding same --norm instance --seed 2 -o blend.safetensors >/dev/null 2>&1
"$unet" init --width 2 --depth 2 --padding same --norm batch --rims 3 --seed 4 -o rims.safetensors >/dev/null 2>&1
bands() { # bands FOLDER: all that can be made of images
    echo "-o $1/masks/ --instances $1/ids/ --overlay $1/over/ --logits $1/logits/ --probabilities $1/scores/ \
        --measure $1/tables/ --rois $1/rois/ --format tif --pyramid yes"
}
for model in m blend rims; do
    rm -rf whole
    said=-
    [ "$model" != blend ] || said='looks at whole images: with tiles of 32'
    # shellcheck disable=SC2046
    expect 0 '' "$said" predict $model.safetensors tall.pgm wide.pgm $(bands whole) --tile 32 --quiet
    cp .out whole.out
    for n in 3 4 7; do
        rm -rf cut_up
        # shellcheck disable=SC2046
        ranks $n 0 predict $model.safetensors tall.pgm wide.pgm $(bands cut_up) --tile 32 --quiet --threads 1
        check "$model by $n ranks: the files of images in bands" diff -r whole cut_up
        check "$model by $n ranks: what is counted" cmp whole.out .out
    done
done
"$unet" predict $m tall.pgm -o tall.tif --measure tall.csv --rois tall.json --quiet >/dev/null
ranks 3 0 predict $m tall.pgm -o tall3.tif --measure tall3.csv --rois tall3.json --quiet
check 'one image, one file each' sh -c 'cmp tall.tif tall3.tif && cmp tall.csv tall3.csv && cmp tall.json tall3.json'
ranks 3 0 predict $m tall.pgm wide.pgm --measure both3.csv --rois both3.json --quiet
expect 0 '' - predict $m tall.pgm wide.pgm --measure both.csv --rois both.json --quiet
check 'two images in one file' sh -c 'cmp both.csv both3.csv && cmp both.json both3.json'
ranks 3 0 predict $m tall.pgm wide.pgm -o skips/ --skip-done
ranks 3 0 predict $m tall.pgm wide.pgm -o skips/ --skip-done
check 'what is done is left out by all' grep -q '^done before: 2 of 2 images$' .err
# pages, of sizes that differ
ranks 4 0 predict $m 'whole/ids/tall.tif' -o again.tif --quiet
# one of them is no image: the others are done all the same
ranks 4 1 predict $m bad/3.pgm wide.pgm -o left/ --quiet
check 'a bad image in bands' sh -c "[ \$(grep -c 'bad/3.pgm: ' .err) -eq 1 ] && cmp left/wide.png skips/wide.png"
# who has other images by the same names, or was told something else, is named before anything is written
mkdir -p a/im b/im && cp im/*.pgm a/im && cp im/*.pgm b/im && cp tall.pgm a && cp tall.pgm b
cp "$m" a && cp "$m" b && grey b/tall.pgm 61 203 9 && cp im/7.pgm b/im/4.pgm
differ() { # differ WORDS ARGUMENTS-OF-RANK-0 ARGUMENTS-OF-RANK-1
    checks=$((checks + 1))
    # shellcheck disable=SC2086
    timeout 60 mpirun -n 1 -wdir "$work/a" "$unet" predict $m $2 : -n 1 -wdir "$work/${4-b}" "$unet" predict $m $3 \
        >.out 2>.err </dev/null && note "ranks with $2 and $3 go on"
    grep -q "^unet: rank 0 on .*: rank 1 $1" .err || note "ranks with $2 and $3: $(head -3 .err)"
    absent "ranks with $2 and $3" out a/out b/out
}
differ 'has other images by these names than rank 0' "im -o $work/out/" "im -o $work/out/"
differ 'has other images by these names than rank 0' "tall.pgm -o $work/out/" "tall.pgm -o $work/out/"
for other in '--tta flips' '--skip-done' '--part 1/2' '--measure t.csv' '--min-area 3' '--fill 7'; do
    differ 'was told other options than rank 0' 'im -o out/' "im -o out/ $other" a
done
differ 'was told other options than rank 0' 'im -o out/' 'im -o other/' a
# an image that fails says so in a line of its own, also where ranks have not yet said what was before it
ranks 2 1 predict $m bad/*.pgm -o lines/
check 'an error ends its line' grep -q 'bad/3.pgm: truncated .* of samples)$' .err
# a folder for parts of one file is made where there is one, so that a killed rank leaves none else
apart() { # apart OUTPUT...: what two ranks make without a place for such a folder
    timeout 60 mpirun -n 2 sh -c "TMPDIR=$work/none; export TMPDIR; exec '$unet' predict $m im $* --quiet" \
        >.out 2>.err </dev/null
}
check 'masks want no folder for parts' apart -o apart/
apart --measure apart.csv
check 'a table does, and says so' grep -q 'none/unet-.*: cannot make this folder: No such file' .err
# outlines that are not put together of parts are refused before the work, and go into a folder
for kind in 'all.xml' 'all.json --as via'; do
    # shellcheck disable=SC2086
    ranks 2 1 predict $m im -o early/ --rois $kind --quiet
    check "$kind by ranks" grep -q 'all.*: several processes put one file .* wanted a folder, such as all/' .err
    absent "$kind by ranks" all.xml all.json early/1.png
done
ranks 2 0 predict $m im --rois xmls/ --as cvat --quiet
check 'a file for each image' test -s xmls/8.xml
# a disk that is full for rank 0 ends all, and leaves nothing that looks whole
start=$(date +%s)
OMPI_MCA_btl=self,tcp timeout 200 mpirun -n 3 \
    sh -c "ulimit -f 128; exec '$unet' predict $m tall.pgm --logits full.npy --tile 32 --quiet" >.out 2>.err </dev/null
code=$?
checks=$((checks + 1))
[ $code -eq 1 ] && [ ! -e full.npy ] && [ $(($(date +%s) - start)) -le 90 ] && grep -q 'full.npy: ' .err ||
    note "a full disk: exit code $code, $(head -3 .err)"

finish predict_mpi_test
