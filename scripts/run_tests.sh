#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds and runs the tests in a build folder, as many at once as there are cores; the last line is
# "N passed, N failed".
# TESTS_BUT: names of tests to leave out, as a pattern.
# Usage: scripts/run_tests.sh BUILD_FOLDER CMAKE_OPTION...
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
jobs=${CTEST_PARALLEL_LEVEL:-$(nproc 2>/dev/null || echo 2)}
cmake -S . -B "$build" "$@" >/dev/null
scripts/build.sh "$build" -j"$jobs"
status=0
(cd "$build" && exec ctest --output-on-failure -j"$jobs" ${TESTS_BUT:+-E "$TESTS_BUT"}) >"$build/ctest.log" 2>&1 || status=$?
grep -vE '^(Internal|Test project|Total Test|      Start)' "$build/ctest.log" || true
# "91% tests passed, 1 tests failed out of 11"
failed=$(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+).*/\1/p' "$build/ctest.log")
total=$(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+).*/\2/p' "$build/ctest.log")
[ -n "$total" ] || { failed=1; total=1; status=1; }
echo "$((total - failed)) passed, $failed failed"
exit "$status"
