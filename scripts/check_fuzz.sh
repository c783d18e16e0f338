#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each fuzzer for FUZZ_SECONDS (300), with AddressSanitizer and UBSan, in build-fuzz/.
# Usage: scripts/check_fuzz.sh [NAME...]   such as fuzz_png; all of them by default
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh fuzz
seconds=${FUZZ_SECONDS:-300}
jobs=$(nproc 2>/dev/null || echo 2)
[ $# -gt 0 ] || set -- $(find tests/fuzz -name 'fuzz_*.c' -exec basename {} .c \; | sort)

cmake -S . -B build-fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DUNET_FUZZ=ON -DUNET_TESTS=OFF -DUNET_BENCH=OFF -DUNET_SANITIZE=address,undefined >/dev/null
cmake --build build-fuzz -j"$jobs" -- --no-print-directory >/dev/null
for name in "$@"; do
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
    [ "$kind" != onnx ] || UNET_ONNX_FOLDER=$corpus build-test/test_onnx >/dev/null 2>&1 || true
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
        echo "check_fuzz: $name failed; see build-fuzz/$name.log"
        exit 1
    fi
done
