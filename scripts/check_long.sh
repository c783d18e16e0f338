#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The long checks: every fuzzer for FUZZ_SECONDS (300), real training for TRAIN_TIME (15m) and on every
# set for SET_TIME (4m), a run that is killed 100 times, its report in a browser, an image of 1.6
# gigapixels below 500 MB, and the tests on an emulated 64-bit Arm.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-300}
time=${TRAIN_TIME:-15m}
set_time=${SET_TIME:-4m}
jobs=$(nproc 2>/dev/null || echo 2)
clang=$(command -v clang-14 || command -v clang)

cmake -S . -B build-fuzz -DCMAKE_C_COMPILER="$clang" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DUNET_FUZZ=ON -DUNET_TESTS=OFF -DUNET_BENCH=OFF -DUNET_SANITIZE=address,undefined >/dev/null
cmake --build build-fuzz -j"$jobs" -- --no-print-directory >/dev/null
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    corpus=build-fuzz/corpus-$name
    mkdir -p "$corpus"
    kind=${name#fuzz_}
    case $kind in
    model) kind=safetensors also=safetensors ;;
    torch) kind=pt also='[pt][ta][hr]' ;; # .pth, .tar
    *) also=${kind}f ;;
    esac
    find tests/fixtures ../shared/data -name "*.$kind" -o -name "*.$also" -o -path "*$kind*" \
        -type f 2>/dev/null | while read -r file; do
        [ "$(stat -c %s "$file")" -gt 65536 ] || cp -n "$file" "$corpus/" 2>/dev/null || true
    done
    # small networks of every kind, of which the test of ONNX writes one file each
    [ "$kind" != onnx ] || UNET_ONNX_FOLDER=$corpus build-sanitize/test_onnx >/dev/null 2>&1 || true
    find "$corpus" -name '*_input.npy' -o -name '*_result.npy' | xargs rm -f
    echo "$name: $seconds s, $(find "$corpus" -type f | wc -l) files to start from"
    rm -f build-fuzz/crash-* build-fuzz/leak-* build-fuzz/timeout-* build-fuzz/oom-*
    status=0
    build-fuzz/"$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix=build-fuzz/ "$corpus" \
        >"build-fuzz/$name.log" 2>&1 || status=$?
    grep -E 'number_of_executed_units|peak_rss|ERROR|SUMMARY|Test unit written' \
        "build-fuzz/$name.log" || true
    if [ "$status" != 0 ]; then
        echo "check_long: $name failed; see build-fuzz/$name.log"
        exit 1
    fi
done

make --no-print-directory all
# the Dice of the first set is the membrane's (class 0), of the second the nuclei's (class 1); the
# trivial baselines, by Otsu's threshold, are 0.60 and 0.86
real() { # real SET CLASS LEAST TIME
    scripts/real_training.sh build/unet "build-fuzz/$1" "$1" "$4" | tee "build-fuzz/$1.txt"
    grep -q '^skipped' "build-fuzz/$1.txt" && return
    awk -v class="$2" -v least="$3" '$1 == class { found = 1; if ($(NF - 2) < least) exit 1 }
        END { if (!found) exit 1 }' "build-fuzz/$1.txt" ||
        { echo "check_long: $1: the Dice of class $2 is below $3"; exit 1; }
}
real isbi 0 0.75 "$time"
real dsb 1 0.88 "$time"
real camvid 4 0.5 "$set_time"
real wbc 2 0.8 "$set_time"
real tents 1 0.4 "$set_time"
scripts/check_resume.sh build/unet build-fuzz/resume
scripts/check_report.sh build/unet build-fuzz/report
cmake --build build -j"$jobs" --target big_tiff peak -- --no-print-directory -s
scripts/check_large.sh build build-fuzz
scripts/check_arm.sh
echo "check_long: done"
