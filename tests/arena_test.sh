#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The arena of recipes: its lists hold no image twice, its table marks what counts, and what is
# finished is not done again.  Usage: arena_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
unet=$1 source=$2 folder=$3/arena
skip() {
    echo "skipped: $1"
    exit 0
}
fail() {
    echo "arena_test: $*"
    exit 1
}
command -v python3 >/dev/null || skip "there is no python3, which runs the arena"
arena="env PYTHONDONTWRITEBYTECODE=1 python3 $source/bench/recipes/arena.py"
rm -rf "$folder"
mkdir -p "$folder/known" || exit 1

twice=$(awk '/^\[/ { task = $0; list = "" } /^[a-z_]+ = / { list = $1 }
    list == "train" || list == "test" { for (i = 1; i <= NF; i++)
        if ($i != "=" && $i != list && seen[task $i]++) print task, $i }' "$source/bench/recipes/tasks.ini")
[ -z "$twice" ] || fail "tasks.ini has these twice: $twice"

row() { # row OPTIONS SEED DICE
    echo "{\"kind\": \"run\", \"task\": \"wbc1\", \"options\": \"$1\", \"minutes\": 1.0, \"seed\": $2," \
        "\"steps\": 9, \"scores\": {\"dice\": $3}}"
}
{
    row "" 0 0.80
    row "" 1 0.81
    row "" 2 0.82
    row "--preset auto1" 0 0.90
    row "--preset auto1" 1 0.91
    row "--preset auto1" 2 0.92
    row "--clip 1" 0 0.82
} >"$folder/known/results.jsonl"
$arena table "$folder/known" --scores dice >"$folder/table.txt" || fail "no table"
# deviation 0.01 with 4 degrees of freedom, Student 2.78: 0.0227 is the least that counts of means
# of three, 0.0321 of three and one
grep -qF '| auto | 0.810 (0.800 to 0.820, 3) |' "$folder/table.txt" &&
    grep -qF '| auto1 | 0.910 + (0.900 to 0.920, 3) |' "$folder/table.txt" &&
    grep -qF '| clip | 0.820 |' "$folder/table.txt" &&
    grep -qF '| *deviation of runs* | 0.0100 |' "$folder/table.txt" ||
    fail "the table is another one: $(cat "$folder/table.txt")"

go() { $arena run "$unet" "$folder/real" --tasks wbc1:3 --recipes auto --seeds 0 --minutes 0.001; }
first=$(go) || fail "a run failed"
case $first in
skipped*) skip "${first#skipped: }" ;;
*"wbc1:3 auto seed 0: "*) ;;
*) fail "a run says '$first'" ;;
esac
again=$(go) || fail "a second call failed"
[ -z "$again" ] || fail "what is finished was done again: $again"
[ "$(grep -c '"kind": "run"' "$folder/real/results.jsonl")" = 1 ] || fail "results.jsonl has not one run"
