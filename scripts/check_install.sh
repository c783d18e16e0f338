#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The installation in full, a part of check-long: make install and make uninstall as a person runs them,
# by DESTDIR, for oneself alone and, where root may have file systems of its own, in /usr/local; and
# all of unet built below another project.
# Usage: check_install.sh BUILD_FOLDER_OF_THE_TESTS
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"

fail() {
    echo "check_install: $*"
    exit 1
}

readme() { # README's program, compiled as it says
    # shellcheck disable=SC2046  # a list of words
    cc segment.c -o segment $(pkg-config --cflags --libs unet) || fail "$1: it does not compile"
    rm -f mask.png
    ./segment || fail "$1: README's program does not run"
    [ -s mask.png ] || fail "$1: no mask.png"
}

uninstall() { # uninstall WHERE ARGUMENTS...
    make -s -C "$root" uninstall "$@"
    left=$(find "$1" ! -type d 2>/dev/null || true)
    [ -z "$left" ] || fail "make uninstall leaves $left"
}

sed -n '/^```c$/,/^```$/p' "$root/README.md" | sed '/^```/d' >segment.c
{ printf 'P5 64 64 255\n'; head -c 4096 "$root/README.md"; } >scan.png
"$build/unet" init --width 4 --depth 2 -o cells.safetensors >/dev/null

if [ "${2:-}" = system ]; then # in file systems of our own, see below
    make -s -C "$root" install
    readme /usr/local
    unet --version
    make -s -C "$root" uninstall
    left=$(find /usr/local ! -type d -name '*unet*')
    [ -z "$left" ] || fail "make uninstall leaves $left"
    exit 0
fi

make -s -C "$root" install DESTDIR="$work/stage" PREFIX=/usr
uninstall "$work/stage" DESTDIR="$work/stage" PREFIX=/usr
make -s -C "$root" install PREFIX="$work/own"
(
    PKG_CONFIG_PATH=$(dirname "$(find "$work/own" -name unet.pc)")
    export PKG_CONFIG_PATH
    readme "for oneself alone"
)
"$work/own/bin/unet" --version
uninstall "$work/own" PREFIX="$work/own"

# an empty /usr/local and a copy of /etc, which only this one process sees
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    cp -a /etc "$work/etc"
    unshare -m sh -ec 'mount -t tmpfs none /usr/local; mount --bind "$1/etc" /etc; mkdir /usr/local/lib
        exec sh "$2" "$3" system' - "$work" "$root/scripts/check_install.sh" "$build" ||
        fail "/usr/local"
else
    echo "skipped: /usr/local, which wants root and file systems of its own"
fi
UNET_TEST_LONG=1 sh "$root/tests/install_test.sh" "$build/unet" "$root" "$build"
echo "check_install: done"
