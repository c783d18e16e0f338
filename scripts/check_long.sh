#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The long checks: every fuzzer for FUZZ_SECONDS (300), real training for TRAIN_TIME (15m).
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-300}
time=${TRAIN_TIME:-15m}
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
    [ "$kind" != model ] || kind=safetensors
    find tests/fixtures ../shared/data -name "*.$kind" -o -name "*.${kind}f" -o -path "*$kind*" \
        -type f 2>/dev/null | while read -r file; do
        [ "$(stat -c %s "$file")" -gt 65536 ] || cp -n "$file" "$corpus/" 2>/dev/null || true
    done
    echo "$name: $seconds s, $(find "$corpus" -type f | wc -l) files to start from"
    build-fuzz/"$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix=build-fuzz/ "$corpus" 2>&1 |
        grep -E 'number_of_executed_units|peak_rss|ERROR|SUMMARY|Test unit written' || true
    if ls build-fuzz/crash-* build-fuzz/timeout-* build-fuzz/oom-* >/dev/null 2>&1; then
        echo "check_long: $name found something: $(ls build-fuzz/*-????????????????????* | head -n 1)"
        exit 1
    fi
done

make --no-print-directory all
for which in isbi dsb; do
    scripts/real_training.sh build/unet "build-fuzz/$which" "$which" "$time"
done
echo "check_long: done"
