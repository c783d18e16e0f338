#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The rules of the house that a machine can check: who includes whom, what the library exports, how
# the code is formatted.  Usage: house_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
set -u
cd "$2" || exit 1
build=$3
failed=0
complain() {
    echo "house: $*"
    failed=1
}

# -- arrows point down: room -> rooms it may include --
allowed() {
    case $1 in
    base) echo base ;;
    engine) echo base engine ;;
    cpu) echo base engine cpu ;;
    data) echo base data ;;
    net) echo base engine net ;;
    model) echo base engine net data model ;;
    predict) echo base engine net data model predict ;;
    train) echo base engine net data model predict train ;;
    api) echo base engine net data model predict train ;;
    esac
}
for file in $(find src -name '*.[ch]'); do
    room=$(echo "$file" | sed -E 's|^src/([a-z]+)(/.*\|\.c)$|\1|')
    ok=" $(allowed "$room") "
    for included in $(sed -nE 's|^#include "([a-z]+)/.*"|\1|p' "$file"); do
        case "$ok" in
        *" $included "*) ;;
        *)
            # choose.c picks the engine: the one place that knows them by name
            [ "$file:$included" = src/engine/choose.c:cpu ] ||
                complain "$file includes $included/, which $room/ must not know"
            ;;
        esac
    done
done
for file in cli/*.[ch] examples/*.c; do
    grep -HnE '#include "([a-z]+/|\.\./)' "$file" && complain "$file includes the library's inside"
done

# -- each format library is known to one file --
one_file() { # one_file HEADER FILE
    found=$(grep -rlE "#include <$1>" src | tr '\n' ' ')
    [ "$found" = "$2 " ] || complain "<$1> is included by '$found', wanted $2 alone"
}
one_file png.h src/data/png_io.h
one_file tiffio.h src/data/tiff_io.h
one_file jpeglib.h src/data/jpeg.c
one_file gif_lib.h src/data/gif.c
one_file zlib.h src/data/gunzip.c
one_file zip.h src/model/ziparchive.c

# -- names --
names=$(find src cli tests bench examples -name '*.[ch]' -exec basename {} \; | sort | uniq -d)
[ -z "$names" ] || complain "file names that are not unique:" $names
rooms="include src cli tests bench examples"
for file in $(find $rooms scripts -name '*.[ch]' -o -name '*.sh' -o -name '*.py'); do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
        complain "$file has no SPDX line"
done
grep -nE '\b(printf|puts|putchar|perror|exit|_exit|abort)\(|\bstd(out|err)\b' -r src && complain "the library prints or exits"

# -- exported symbols are the public header's functions, no more and no fewer --
library=$(ls "$build"/libunet.so 2>/dev/null)
if [ -n "$library" ]; then
    # (a sanitizer adds symbols of its own, which do not start with un)
    nm -D --defined-only "$library" | awk '$2 ~ /[TDB]/ {print $3}' | grep '^un' | sort \
        >"$build/exported.txt"
    # functions named in comments only do not count: a declaration starts with UNET_API
    tr '\n' ' ' <include/unet.h | grep -oE 'UNET_API[^;]*;' | grep -oE '\bunet_[a-z_]+\(' |
        tr -d '(' | sort -u >"$build/declared.txt"
    diff "$build/declared.txt" "$build/exported.txt" >"$build/symbols.diff" || {
        cat "$build/symbols.diff"
        complain "declared (<) and exported (>) functions differ"
    }
fi

# -- format: wanted by no test, but where clang-format 14 is, the code is as it has it --
format=$(command -v clang-format-14 || command -v clang-format)
if [ -n "$format" ] && "$format" --version | grep -q 'version 14'; then
    find $rooms -name '*.[ch]' | xargs -n 40 -P "$(nproc 2>/dev/null || echo 2)" \
        "$format" --dry-run >"$build/format.txt" 2>&1
    for file in $(sed -nE 's/^([^: ]+):[0-9]+:[0-9]+: .*/\1/p' "$build/format.txt" | sort -u); do
        complain "$file is not as clang-format has it"
    done
else
    echo "skipped: clang-format 14, which decides how code is formatted, is not here"
fi
[ "$failed" = 0 ] && echo "house: in order"
exit "$failed"
