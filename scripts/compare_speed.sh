#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two builds of this project on the same networks, by turns: medians in milliseconds.
# BUSY=1: while another program takes one core.
# Usage: scripts/compare_speed.sh OLD_BUILD NEW_BUILD [ROUNDS]: folders with a program bench_network
set -eu
[ $# -ge 2 ] && [ -x "$1/bench_network" ] && [ -x "$2/bench_network" ] || {
    echo "usage: scripts/compare_speed.sh OLD_BUILD NEW_BUILD [ROUNDS]: folders with a program bench_network" >&2
    exit 2
}
old=$1 new=$2 rounds=${3:-5}
work=$(mktemp -d)
hog=""
trap 'rm -rf "$work"; [ -z "$hog" ] || kill "$hog"' EXIT
trap 'exit 1' INT TERM
if [ "${BUSY:-0}" != 0 ]; then
    sh -c 'while :; do :; done' &
    hog=$!
fi

printf '%-8s %-8s %8s %8s %6s\n' network pass old new ratio
for network in auto small paper; do
    for pass in predict train; do
        : >"$work/old"
        : >"$work/new"
        for _ in $(seq "$rounds"); do
            for which in old new; do
                [ $which = old ] && build=$old || build=$new
                "$build/bench_network" --network $network --$pass |
                    awk -v pass=$pass '$2 == pass { print $4 }' >>"$work/$which"
            done
        done
        for which in old new; do
            sort -n "$work/$which" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }' \
                >"$work/$which.median"
        done
        awk -v a="$(cat "$work/old.median")" -v b="$(cat "$work/new.median")" -v n=$network -v p=$pass \
            'BEGIN { printf "%-8s %-8s %8.1f %8.1f %6.2f\n", n, p, a, b, a / b }'
    done
done
