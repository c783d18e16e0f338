# SPDX-License-Identifier: Apache-2.0
# What the tests of the command share; a test sources it with its own arguments, and ends in finish.
# It runs in an empty folder, $work, which is removed when it ends.
set -u

unet=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
source=$(cd "$2" && pwd)
work=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work" || exit 1
export TERM=dumb
checks=0
failed=0

# note TEXT: one check failed
note() {
    failed=$((failed + 1))
    echo "FAIL: $*"
}

# expect CODE OUT ERR ARGUMENTS...: runs unet; OUT and ERR are regular expressions that a line of
# stdout and stderr has to match, "" matches anything, "-" wants nothing there at all
expect() {
    want=$1 out=$2 err=$3
    shift 3
    checks=$((checks + 1))
    "$unet" "$@" >"$work/.out" 2>"$work/.err" </dev/null
    code=$?
    [ "$code" -eq "$want" ] ||
        note "unet $*: exit code $code, wanted $want; stderr: $(head -3 "$work/.err")"
    matches "$work/.out" "$out" || note "unet $*: stdout has no \"$out\": $(head -5 "$work/.out")"
    matches "$work/.err" "$err" || note "unet $*: stderr has no \"$err\": $(head -5 "$work/.err")"
    # a failure is one line, and says whose
    if [ "$want" -eq 1 ] || [ "$want" -eq 2 ]; then
        grep -Eq '^(unet|usage)' "$work/.err" || note "unet $*: its error does not start with unet"
    fi
}

matches() {
    case $2 in
    "") return 0 ;;
    -) [ ! -s "$1" ] ;;
    *) grep -Eq -- "$2" "$1" ;;
    esac
}

# check WHAT COMMAND...: the command succeeds
check() {
    what=$1
    shift
    checks=$((checks + 1))
    "$@" >/dev/null 2>&1 || note "$what"
}

# one_line WHAT: the last command printed one line on stderr
one_line() {
    checks=$((checks + 1))
    [ "$(wc -l <"$work/.err")" -eq 1 ] || note "$1: more than one line: $(cat "$work/.err")"
}

# absent WHAT PATTERN...: no such files
absent() {
    what=$1
    shift
    checks=$((checks + 1))
    for path in "$@"; do
        [ ! -e "$path" ] || note "$what: $path is there"
    done
}

# is_json FILE: each line is one JSON object, as far as brackets and quotes can tell
is_json() {
    awk '{ if ($0 !~ /^\{.*\}$/) exit 1
           gsub(/\\./, ""); gsub(/"[^"]*"/, "\"\"")
           if (gsub(/\{/, "{") != gsub(/\}/, "}") || gsub(/\[/, "[") != gsub(/\]/, "]")) exit 1
           if ($0 ~ /nan|inf|,\}|,\]|,,/) exit 1 } END { if (NR == 0) exit 1 }' "$1"
}

# left_over: no temporary file anywhere
left_over() {
    checks=$((checks + 1))
    left=$(find . -name '*.tmp*' -o -not -path '*/.unet-done/*' \
        \( -name '*.safetensors.*' -o -name '*.png.*' -o -name '*.html.*' \))
    [ -z "$left" ] || note "files left over: $left"
}

# finish NAME: says how it went
finish() {
    left_over
    echo "$1: $checks checks, $failed failed"
    [ "$failed" -eq 0 ]
}
