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
# a room is a folder of src/ with all below it; those of data/ are rooms of their own
allowed() {
    case $1 in
    base) echo base ;;
    engine) echo base engine ;;
    cpu) echo base engine cpu ;;
    opencl) echo base engine opencl ;;
    net) echo base engine net ;;
    image) echo base image ;;
    scores) echo base scores ;;
    objects) echo base image objects ;;
    weights) echo base engine net weights ;;
    recognise) echo base engine net weights recognise ;;
    data/masks) echo base image data/masks ;;
    data/outlines) echo base image data/masks data/outlines ;;
    data/set) echo base image data/masks data/outlines data/set ;;
    data/survey) echo base image data/masks data/outlines data/set data/survey ;;
    data/draw) echo base image data/masks data/set data/draw ;;
    model) echo base engine net image weights recognise data/masks model ;;
    predict) echo base engine net image data/masks model predict ;;
    train) echo base engine net image weights scores data/masks data/set data/draw model predict train ;;
    api) echo base engine net image weights recognise scores objects data/masks data/outlines data/set data/survey \
        data/draw model predict train ;;
    esac
}
# the same of the command, whose folders are named after its commands or what these share
allowed_cli() {
    case $1 in
    main) echo shared ;;
    shared | html) echo "$1" ;;
    model | recipe) echo shared "$1" ;;
    eval | predict) echo shared model "$1" ;;
    check) echo shared html recipe check ;;
    run) echo shared html check run ;;
    studio) echo shared model recipe run studio ;;
    augment) echo shared recipe augment ;;
    masks) echo shared masks ;;
    completion) echo shared completion ;;
    train) echo shared model recipe check run train ;;
    demo) echo shared html train demo ;;
    esac
}
room_of() { # room_of PATH: of a path below src/ or cli/; sets room
    case $1 in
    data/*/*) room=${1#data/} room=data/${room%%/*} ;;
    */*) room=${1%%/*} ;;
    api*.[ch]) room=api ;;
    *) room=${1%.[ch]} ;;
    esac
}
check_arrows() { # check_arrows ROOT ALLOWED: reads FILE:INCLUDED, one a line
    while IFS=: read -r file included; do
        room_of "${file#"$1"/}"
        from=$room
        room_of "$included"
        case " $($2 "$from") " in
        *" $room "*) ;;
        *)
            # choose.c picks the engine: the one place that knows them by name
            [ "$file:$room" = src/engine/choose.c:cpu ] || [ "$file:$room" = src/engine/choose.c:opencl ] ||
                echo "$file includes $included, which $from/ must not know"
            ;;
        esac
    done
}
for root in src cli; do
    list=allowed
    [ $root = src ] || list=allowed_cli
    wrong=$(grep -rE --include='*.[ch]' '^#include "[a-z_]+/' $root |
        sed -E 's/:#include "([^"]+)".*/:\1/' | check_arrows $root $list)
    [ -z "$wrong" ] || complain "$wrong"
done
inside=$(grep -rHE --include='*.[ch]' '^#include "' cli examples python |
    sed -E 's/:#include "([^"]+)".*/:\1/' | while IFS=: read -r file included; do
    [ "$file:$included" = "python/src/${file##*/}:core.h" ] || [ -e "cli/$included" ] ||
        [ -e "include/$included" ] || echo "$file includes $included"
done)
[ -z "$inside" ] || complain "the library's inside is not for these: $inside"
for folder in $(find src cli tests python -type d -not -path 'tests/fixtures*'); do
    count=$(find "$folder" -maxdepth 1 -type f | wc -l)
    [ "$count" -le 45 ] || complain "$folder has $count files: that is a heap, not a room"
done

for file in $(find tests -name '*.[ch]'); do
    lines=$(wc -l <"$file")
    [ "$lines" -le 500 ] || complain "$file has $lines lines: a test is cut by subject before it passes 500"
done

# -- each format library is known to one file --
one_file() { # one_file HEADER FILE
    found=$(grep -rlE "#include <$1>" src | tr '\n' ' ')
    [ "$found" = "$2 " ] || complain "<$1> is included by '$found', wanted $2 alone"
}
one_file png.h src/image/formats/png_io.h
one_file tiffio.h src/image/tiff/tiff_io.h
one_file jpeglib.h src/image/formats/jpeg.c
one_file gif_lib.h src/image/formats/gif.c
one_file zlib.h src/image/formats/gunzip.c
one_file zip.h src/base/ziparchive.c
one_file zstd.h src/image/zarr/zarr_pack.c
one_file blosc.h src/image/zarr/zarr_pack.c
one_file yaml.h src/base/yaml.c
one_file CL/cl.h src/opencl/cl_api.h
speaks=$(grep -rlE "^#include <mpi" --include="*.[ch]" include src cli mpi tests bench examples python | tr "\n" " ")
[ "$speaks" = "mpi/ranks_mpi.c " ] || complain "<mpi.h> is included by '$speaks', wanted mpi/ranks_mpi.c alone"

# -- what the Python package is made of is in its source distribution --
for folder in $(grep -o '{cli}/[a-z]*/' python/CMakeLists.txt | sed 's,{cli}/,,; s,/,,' | sort -u); do
    grep -qF "\"!/cli/$folder\"" pyproject.toml || complain "pyproject.toml leaves out cli/$folder, of which python/CMakeLists.txt takes files"
done

# -- nothing that a command left lies at the top --
if [ -e .git ]; then
    for entry in $(git ls-files | cut -d/ -f1 | sort -u); do
        case $entry in
        .ci | .clang-format | .gitignore | .gitattributes | CMakeLists.txt | CONTRIBUTING.md | LICENSE | Makefile) ;;
        NEWS.md | README.md | pyproject.toml | unet.pc.in) ;;
        bench | cli | cmake | debian | docs | examples | include | man | mpi | python | scripts | src | tests) ;;
        *) complain "$entry: it has no place at the top of the tree" ;;
        esac
    done
fi

# -- names --
names=$(find src cli mpi tests bench examples python -name '*.[ch]' -exec basename {} \; | sort | uniq -d)
[ -z "$names" ] || complain "file names that are not unique:" $names
rooms="include src cli mpi tests bench examples python"
for file in $(find $rooms scripts -name '*.[ch]' -o -name '*.sh' -o -name '*.py'); do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
        complain "$file has no SPDX line"
done
grep -rnE "\b(umask|signal|sigaction|mkstemp)\(" src --include='*.[ch]' && complain "the library changes what is its host's, or makes files that no umask reaches"
grep -nE '\b(printf|puts|putchar|perror|exit|_exit|abort)\(|\bstd(out|err)\b' -r src && complain "the library prints or exits"

# -- the command prints by say() alone, which cleans what names and files bring along --
raw=$(grep -rnE "\\b(v?printf|v?fprintf)\((std(out|err)|\")" cli --include='*.[ch]')
[ -z "$raw" ] || complain "printed past say(): $raw"

# -- what one system alone has is in src/base/ and cli/shared/machine.c, with another way beside it --
alone='__linux__|__APPLE__|_WIN32|cpu_set_t|sched_[gs]etaffinity|pthread_(setaffinity|setname|condattr_setclock)|sendfile|epoll_|prctl'
alone="$alone|memfd_create|O_TMPFILE|O_PATH|fallocate|fdatasync|sysinfo|getrandom|getentropy|gettid|accept4|pipe2|SOCK_CLOEXEC|MSG_NOSIGNAL"
alone="$alone|MADV_[A-Z]+|st_mtim|program_invocation|qsort_r|strverscmp|strchrnul|mempcpy|memrchr|fopencookie|eventfd|inotify|mremap|getauxval"
foreign=$(grep -rnwE --include='*.[ch]' "$alone|\"/(proc|sys)/[^\"]*" src cli python/src mpi |
    grep -vE '^(src/base/|cli/shared/(machine\.c|windows/))|:[0-9]+:( ?\*|/\*)')
[ -z "$foreign" ] || complain "not every system has this: $foreign"

# -- numbers are read and printed under no locale but "C": base/decimal.c --
listens='\b(strto(f|d|ld)|atof|v[a-z]*printf|localeconv|setlocale|json_(loads|dump[a-z]*|load[a-z]*))\('
listens=$(grep -rnE "$listens" src --include='*.[ch]' | grep -vE '^src/base/(decimal\.[ch]|windows/windows_locale\.c):' |
    grep -vE ':[0-9]+: ?(\*|/\*)' | while IFS=: read -r file line text; do
    case $text in
    *json_*) # between un_plain_begin() and un_plain_end()
        sed -n "$((line - 4)),$((line - 1))p" "$file" | grep -q un_plain_begin && continue ;;
    esac
    echo "$file:$line:$text"
done)
listens="$listens$(for file in $(find src -name '*.[ch]'); do
    tr '\n' ' ' <"$file" | grep -oE '\b(snprintf|[fs]printf|[fsv]+scanf)\([^;]*;' |
        grep -E '%[-+ #0-9.*]*l?[aefgAEFG]' | sed "s|^|$file: |"
done)"
[ -z "$listens" ] || complain "a number that listens to the host's locale: $listens"
grep -nE '"[^"]*--[a-z]' -r src && complain "the library names an option of the command: give the error a hint"

# -- the public functions are in api*.c, and nothing below them calls or defines one --
public=$(cat include/*.h | tr '\n' ' ' | grep -oE 'UNET_API[^;]*;' | grep -oE '\bunet_[a-z_]+\(' | sort -u |
    tr '\n' '|' | sed 's/(|/|/g; s/|$//')
called=$(find src -name '*.[ch]' -not -name 'api*' | xargs grep -nE "\\b($public)\(" |
    grep -vE ':[0-9]+:( ?\*|/\*)|/\*[^*]*unet_|"[^"]*unet_' || true)
[ -z "$called" ] || complain "the library uses its own public functions, which are for others: $called"
for file in include/*.h; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 450 ] || complain "$file has $lines lines: a chapter is read in one sitting"
    grep -nE '\bun_[a-z]' "$file" && complain "$file names what is inside"
done

# -- exported symbols are the public headers' functions, no more and no fewer --
library=$(ls "$build"/libunet.so 2>/dev/null)
if [ -n "$library" ]; then
    # (a sanitizer adds symbols of its own, which do not start with un)
    nm -D --defined-only "$library" | awk '$2 ~ /[TDB]/ {print $3}' | grep '^un' | sort \
        >"$build/exported.txt"
    # functions named in comments only do not count: a declaration starts with UNET_API
    cat include/*.h | tr '\n' ' ' | grep -oE 'UNET_API[^;]*;' | grep -oE '\bunet_[a-z_]+\(' |
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

# -- Python: each script is parsed, and not compiled, so that no .pyc is left --
if command -v python3 >/dev/null 2>&1; then
    # shellcheck disable=SC2046  # a list of names
    unread=$(python3 - $(find scripts bench python tests examples -name '*.py') 2>&1 <<'PARSE'
import ast
import sys
for name in sys.argv[1:]:
    try:
        with open(name, encoding="utf-8") as file:
            ast.parse(file.read(), name)
    except (SyntaxError, ValueError) as why:
        print(f"{name}:{getattr(why, 'lineno', '?')}: {why}")
PARSE
    ) || complain "python3 cannot be run"
    [ -z "$unread" ] || complain "Python cannot read: $unread"
else
    echo "skipped: python3, which reads the scripts, is not here"
fi
[ "$failed" = 0 ] && echo "house: in order"
exit "$failed"
