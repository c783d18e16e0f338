#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds, and says so in one line that moves on (a few lines where nobody watches); whatever else the
# compiler says, warnings and errors, is shown as it comes.  Fails as the build does.
# Usage: scripts/build.sh BUILD_FOLDER ARGUMENTS_OF_CMAKE_BUILD...
set -eu
build=$1
shift
unset MAKEFLAGS MFLAGS MAKELEVEL # this is not a part of the make that called us
live=""
[ ! -t 1 ] || [ "${TERM:-dumb}" = dumb ] || live=yes

clear_line() {
    [ -z "$live" ] || printf '\r\033[K'
}

# step LINE: "[ 12%] Building C object CMakeFiles/x.dir/src/rng.c.o" of make, "[35/290] ..." of ninja
step() {
    number=${1#\[}
    number=${number%%\]*}
    case $number in
    */*) percent=$((100 * ${number%/*} / ${number#*/})) ;;
    *) percent=${number%\%} percent=${percent##* } ;;
    esac
    if [ -n "$live" ]; then
        name=${1##* }
        name=${name#CMakeFiles/*.dir/}
        printf '\r\033[K%s: %s %% %.50s' "$build" "$percent" "${name%.o}"
    elif [ "$percent" -ge "$next" ]; then
        echo "$build: $percent %"
        next=$((percent - percent % 25 + 25))
    fi
}

show() {
    status=1 next=0
    while IFS= read -r line; do
        case $line in
        'cmake --build ended with '*) status=${line##* } ;;
        \[*%\]' Built target '*) ;; # was there
        \[*%\]' '* | \[[0-9]*/[0-9]*\]' '*) step "$line" ;;
        '-- '* | 'Consolidate compiler generated '* | 'Scanning dependencies of '*) ;;
        'ninja: no work to do.' | 'ninja: Entering directory '* | 'make: '*' directory '*) ;;
        make\[*\]:' Entering directory '* | make\[*\]:' Leaving directory '*) ;;
        *)
            clear_line
            printf '%s\n' "$line"
            ;;
        esac
    done
    clear_line
    return "$status"
}

{
    status=0
    cmake --build "$build" "$@" 2>&1 || status=$?
    echo "cmake --build ended with $status"
} | show || {
    status=$?
    echo "$build: the build failed" >&2
    exit "$status"
}
