#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real training on the real sets, where they are: the Dice of one class of each stays above what it
# was built to reach.  TRAIN_TIME (15m) for the first two, SET_TIME (4m) for the others.
# Usage: scripts/check_training.sh
set -eu
cd "$(dirname "$0")/.."
time=${TRAIN_TIME:-15m}
set_time=${SET_TIME:-4m}
folder=build-long
mkdir -p "$folder"

make --no-print-directory all
# the Dice of the first set is the membrane's (class 0), of the second the nuclei's (class 1); the
# trivial baselines, by Otsu's threshold, are 0.60 and 0.86
real() { # real SET CLASS LEAST TIME
    scripts/real_training.sh build/unet "$folder/$1" "$1" "$4" | tee "$folder/$1.txt"
    grep -q '^skipped' "$folder/$1.txt" && return
    awk -v class="$2" -v least="$3" '$1 == class { found = 1; if ($(NF - 2) < least) exit 1 }
        END { if (!found) exit 1 }' "$folder/$1.txt" ||
        { echo "check_training: $1: the Dice of class $2 is below $3"; exit 1; }
}
real isbi 0 0.75 "$time"
real dsb 1 0.88 "$time"
real camvid 4 0.5 "$set_time"
real wbc 2 0.8 "$set_time"
real tents 1 0.4 "$set_time"
