#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What others meet after an installation: README's program compiles and runs by pkg-config, by
# find_package(unet) and below another project, that of docs/c-api.md as it says there; the command
# runs where it was put.
# Usage: install_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
. "$2/tests/shell/expect.sh"
build=$(cd "$OLDPWD" && cd "$3" && pwd)

cached() { # cached NAME: a setting of the build
    sed -nE "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}
if [ "$unet" != "$build/unet" ] || [ -n "$(cached UNET_SANITIZE)" ]; then
    echo "skipped: programs of another machine, or with a sanitizer, are not what is installed"
    exit 0
fi
cc=$(cached CMAKE_C_COMPILER)
cc="$cc $(cached CMAKE_C_FLAGS)"

# run WHAT COMMAND...: the command succeeds; says what it said if not
run() {
    what=$1
    shift
    checks=$((checks + 1))
    "$@" >"$work/.log" 2>&1 || note "$what: $(tail -n 12 "$work/.log")"
}

same_pixels() { # but for the colours, 6 bytes and their checksum
    [ "$(wc -c <mask.png)" = "$(wc -c <wanted.png)" ] && [ "$(cmp -l mask.png wanted.png | wc -l)" -le 10 ]
}

# program WHAT COMMAND...: it reads cells.safetensors and scan.png and writes mask.png
program() {
    what=$1
    shift
    rm -f mask.png
    run "$what" "$@"
    check "$what: another mask than that of the command" same_pixels
}

blocks() { # blocks FILE LANGUAGE: the code blocks of a page, one after the other
    sed -n "/^\`\`\`$2\$/,/^\`\`\`\$/p" "$source/$1" | sed '/^```/d'
}

blocks README.md c >readme.c
check "README.md has no C program" grep -q 'int main' readme.c
expect 0 - '' init --width 4 --depth 2 -o cells.safetensors
{ printf 'P5 64 64 255\n'; head -c 4096 "$source/README.md"; } >scan.pgm
mv scan.pgm scan.png # the first bytes tell what it is
expect 0 - - predict cells.safetensors scan.png -o wanted.png --quiet

# ---- what is installed, elsewhere than it was configured for, then moved ----

run "cmake --install" env DESTDIR="$work/first" cmake --install "$build" --prefix /opt/unet
mv first/opt/unet "moved"
prefix=$work/moved
libdir=$(dirname "$(find "$prefix" -name libunet.a)")
check "the installed command does not run" "$prefix/bin/unet" --version
check "no manual page" test -s "$prefix/share/man/man1/unet.1"
for command in $("$prefix/bin/unet" --help | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p' | grep -v '^unet$'); do
    check "no manual page of unet $command" grep -q "^.SH OPTIONS" "$prefix/share/man/man1/unet-$command.1"
done
for function in $(nm -D --defined-only "$libdir/libunet.so" | sed -nE 's/.* T (unet_.*)/\1/p'); do
    check "no manual page of $function" sh -c 'grep -q "^$2" "$1/$(sed -n "s/^.so //p" "$1/man3/$2.3")" ||
        grep -q "[ *]$2(" "$1/$(sed -n "s/^.so //p" "$1/man3/$2.3")"' sh "$prefix/share/man" "$function"
done
for file in bash-completion/completions/unet zsh/site-functions/_unet fish/vendor_completions.d/unet.fish; do
    check "no completions: $file" grep -q paper2015 "$prefix/share/$file"
done
grep -rlF "$build" "$prefix" --include='*.pc' --include='*.cmake' >.named &&
    note "the build folder is named in $(cat .named)"

export PKG_CONFIG_PATH="$libdir/pkgconfig"
# shellcheck disable=SC2046,SC2086  # lists of words
run "README's program by pkg-config" $cc readme.c -o readme $(pkg-config --cflags --libs unet)
program "README's program" ./readme
check "it is not linked to libunet.so.0" sh -c 'readelf -d readme | grep -q "NEEDED.*libunet.so.0\]"'
# libunet.a with the others shared: what unet.pc says it needs, but not what these need in turn,
# which not every system installs with them
private() { # private FIELD: of unet.pc
    sed -n "s/^$1.private: //p" "$libdir/pkgconfig/unet.pc"
}
# shellcheck disable=SC2046,SC2086
run "linked to libunet.a" $cc readme.c -o static $(pkg-config --cflags unet) "$libdir/libunet.a" \
    $(pkg-config --libs $(private Requires)) $(private Libs)
program "linked to libunet.a" ./static
check "it needs libunet.so" sh -c '! readelf -d static | grep -q libunet'

# docs/c-api.md: its pieces of C are one program, built by its line and by its CMakeLists.txt
pieces() { # pieces PROGRAM
    checks=$((checks + 1))
    timeout 120 "$1" >.pieces 2>&1 || note "docs/c-api.md's $1: $(tail -n 5 .pieces)"
    for line in 'augment.rotate = 20 (' 'epoch 1: loss ' '% of the pixels are right' 'a child works: yes' \
        'stopped: yes'; do
        grep -qF "$line" .pieces || note "docs/c-api.md's $1 does not say '$line': $(tail -n 5 .pieces)"
    done
}
mkdir pieces
blocks docs/c-api.md c >pieces/program.c
blocks docs/c-api.md cmake >pieces/CMakeLists.txt
{ printf 'cc() { %s -Wall -Wextra -Werror "$@"; }\n' "$cc"; blocks docs/c-api.md sh; } >pieces/build.sh
run "docs/c-api.md's line of a shell" sh -c 'cd pieces && sh build.sh'
pieces pieces/program

# where the loader looks by itself, plain paths and no more
run "cmake --install /usr" env DESTDIR="$work/system" cmake --install "$build" --prefix /usr
check "unet.pc in /usr: $(cat "$(find system -name unet.pc)")" \
    sh -c 'grep -qx prefix=/usr "$1" && ! grep -q rpath "$1"' - "$(find system -name unet.pc)"

# ---- hardening, and the name that programs remember ----

check "unet is no position independent program" sh -c 'readelf -h "$1" | grep -q DYN' - "$unet"
for file in "$prefix/bin/unet" "$libdir/libunet.so"; do
    check "$file: RELRO is not full" \
        sh -c 'readelf -lW "$1" | grep -q GNU_RELRO && readelf -dW "$1" | grep -q NOW' - "$file"
    check "$file: no stack protector" sh -c 'readelf -sW "$1" | grep -q __stack_chk_fail' - "$file"
    case $(cached CMAKE_BUILD_TYPE) in
    Rel*) check "$file: not fortified" sh -c 'readelf -sW "$1" | grep -Eq "__[a-rt-z][a-z]*_chk"' - "$file" ;;
    esac
done
check "SONAME is not libunet.so.0" \
    sh -c 'readelf -dW "$1" | grep -q "SONAME.*\[libunet.so.0\]"' - "$libdir/libunet.so"

# ---- CMake ----

configure() { # configure FOLDER OPTION...
    folder=$1
    shift
    mkdir "$folder"
    cp "$source/tests/install/$folder.cmake" "$folder/CMakeLists.txt"
    cp readme.c "$folder"
    run "cmake of $folder" cmake -S "$folder" -B "$folder/build" \
        -DCMAKE_C_COMPILER="$(cached CMAKE_C_COMPILER)" -DCMAKE_C_FLAGS="$(cached CMAKE_C_FLAGS)" "$@"
}

configure installed -DCMAKE_PREFIX_PATH="$prefix"
run "a program by find_package(unet)" cmake --build installed/build
program "by unet::unet" installed/build/with_unet
program "by unet::static" installed/build/with_static

run "docs/c-api.md's CMakeLists.txt" sh -c 'cd pieces && cmake -S . -B build "$@" && cmake --build build' - \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$(cached CMAKE_C_COMPILER)"
pieces pieces/build/program

configure parent -DUNET_SOURCE="$source"
check "tests of unet among those of the project above" \
    sh -c 'cd parent/build && ctest -N | grep -q "Total Tests: 1$"'
check "unet would be installed with the project above" \
    sh -c '! grep -q unet.h parent/build/unet/cmake_install.cmake'
if [ -n "${UNET_TEST_LONG:-}" ]; then
    run "a program with unet's source below it" cmake --build parent/build -j2
    program "by unet::unet of the source" parent/build/with_unet
    program "by unet::static of the source" parent/build/with_static
elif [ -f parent/build/unet/Makefile ]; then
    run "a source file of unet below another project" make -C parent/build/unet src/base/error.o
fi
finish install
