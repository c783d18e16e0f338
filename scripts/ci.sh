#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What continuous integration runs: the tests as people build them, then most of them built by clang
# with AddressSanitizer and UBSan, where there is a clang.  The last line is "N passed, N failed",
# the sum of both.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
passed=0 failed=0

suite() { # suite BUILD_FOLDER CMAKE_OPTION...
    scripts/run_tests.sh "$@" 2>&1 | tee "$work/log"
    counts=$(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$work/log")
    counts=${counts:-0 1} # it did not come to the tests
    passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
}

# a clang that has its sanitizers
find_clang() {
    echo 'int main(void) { return 0; }' >"$work/empty.c"
    for clang in clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14; do
        "$clang" -fsanitize=address,undefined "$work/empty.c" -o "$work/empty" \
            >/dev/null 2>&1 && return 0
    done
    return 1
}

scripts/setup.sh test
scripts/setup.sh opencl || true # a compiler with it, which people need not have: theirs skip
suite build-test -DCMAKE_BUILD_TYPE=Release
find_clang || scripts/setup.sh fuzz || true
if find_clang; then
    echo "The same by $clang with AddressSanitizer and UBSan:"
    # these train for minutes when instrumented; check_long.sh sanitize runs them, too
    export TESTS_BUT='^(check|train|train_lock|demo|far)_test$|^far_'
    suite build-clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER="$clang" \
        -DUNET_SANITIZE=address,undefined -DUNET_BENCH=OFF
else
    echo "skipped: there is no clang with sanitizers (Debian: clang and libclang-rt-dev)"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
