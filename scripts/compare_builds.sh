#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two builds give the same bits: weights after STEPS (20) steps of training, and logits and mask of an
# image by them, for four kinds of network, with each instruction set and 1, 2 and 3 threads, and by
# the reference engine.  What is compared is the content of tensors; versions and times in files may
# differ.  One line for each case; fails when one differs.
#
#     scripts/compare_builds.sh OLD_BUILD NEW_BUILD
#
# ISAS and THREADS are lists of what to go through.  The old build makes the inputs.
set -eu
if [ $# != 2 ] || [ ! -x "$1/unet" ] || [ ! -x "$2/unet" ]; then
    echo "usage: scripts/compare_builds.sh OLD_BUILD NEW_BUILD: folders with a program unet" >&2
    exit 2
fi
old=$1/unet new=$2/unet
steps=${STEPS:-20}
case $(uname -m) in
x86_64) isas=${ISAS:-best avx2 baseline} ;;
*) isas=${ISAS:-best} ;;
esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

"$old" demo "$folder/demo" --time 1s --quiet >/dev/null
mkdir "$folder/images" "$folder/masks"
for number in 001 002 003 004; do
    for kind in images masks; do
        mv "$folder/demo/$kind/cells_$number.png" "$folder/$kind/"
    done
done
"$old" init -o "$folder/made.safetensors" --width 8 --depth 4 --padding same --norm batch \
    --concat skip-up --seed 5 --quiet >/dev/null
"$old" convert "$folder/made.safetensors" "$folder/foreign.pth" --names milesial --quiet >/dev/null

# tensors FILE: what lies behind the header of a safetensors file, whose length comes first
tensors() {
    header=$(od -An -tu8 -N8 "$1")
    tail -c +$((header + 9)) "$1"
}

# work UNET TO NETWORK SIZE: what both builds do in a case
work() {
    unet=$1 to=$2
    mkdir -p "$to"
    case $4 in
    small) set -- "$3" --width 4 --depth 2 --tile 44 ;;
    *) set -- "$3" --width 16 --depth 3 --tile 124 ;;
    esac
    network=$1
    shift
    case $network in
    padded) set -- "$@" --padding same --loss ce+dice --dropout 0.2 --border-weight 5 ;;
    unpadded) set -- "$@" --padding valid --optimizer sgd --rotate 180 --clip 1 ;;
    batch-norm) set -- "$@" --padding same --norm batch --up bilinear --average 0.9 ;;
    imported)
        "$unet" convert "$folder/foreign.pth" "$to/imported.safetensors" --quiet >/dev/null
        set -- --init "$to/imported.safetensors" --tile 64
        ;;
    esac
    "$unet" train --images "$folder/images" --masks "$folder/masks" -o "$to/run" --steps "$steps" \
        --batch 2 --seed 3 --val-share 0.25 --threads "$threads" --quiet "$@" >/dev/null
    "$unet" predict "$to/run/last.safetensors" "$folder/images/cells_001.png" -o "$to/mask.png" \
        --logits "$to/logits.npy" --tile 100 --threads "$threads" --quiet >/dev/null
    tensors "$to/run/last.safetensors" >"$to/weights"
}

different=0
# compare NETWORK SIZE WHAT: one line
compare() {
    rm -rf "$folder/old" "$folder/new"
    result="the same bits"
    work "$old" "$folder/old" "$1" "$2"
    work "$new" "$folder/new" "$1" "$2"
    for file in weights logits.npy mask.png; do
        cmp -s "$folder/old/$file" "$folder/new/$file" || result="$file DIFFERS"
    done
    [ "$result" = "the same bits" ] || different=$((different + 1))
    printf '%-10s  %-9s  %s threads: %s\n' "$1" "$3" "$threads" "$result"
}

for network in padded unpadded batch-norm imported; do
    for isa in $isas; do
        unset UNET_ISA
        [ "$isa" = best ] || export UNET_ISA="$isa"
        for threads in ${THREADS:-1 2 3}; do
            compare "$network" large "$isa"
        done
    done
    unset UNET_ISA
    threads=2
    export UNET_DEVICE=reference
    compare "$network" small reference
    unset UNET_DEVICE
done
if [ "$different" != 0 ]; then
    echo "compare_builds: $different cases differ"
    exit 1
fi
echo "compare_builds: no case differs"
