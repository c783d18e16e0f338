#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what building (and, with "test", testing) needs and is not there yet; says so first.
# Usage: scripts/setup.sh build|test|long|arm
set -eu
need=""

want() { # want PACKAGE COMMAND...: the package, unless the command succeeds
    package=$1
    shift
    "$@" >/dev/null 2>&1 || need="$need $package"
}

want gcc sh -c 'command -v cc || command -v gcc'
want libc6-dev sh -c 'echo "#include <stdio.h>" | ${CC:-gcc} -E -'
want make command -v make
want cmake command -v cmake
want pkg-config command -v pkg-config
want libpng-dev pkg-config --exists libpng
want libtiff-dev pkg-config --exists libtiff-4
want libjpeg-dev pkg-config --exists libjpeg
want libgif-dev sh -c 'echo "#include <gif_lib.h>" | ${CC:-gcc} -E -'
want zlib1g-dev pkg-config --exists zlib
want libjansson-dev pkg-config --exists jansson
want libzip-dev pkg-config --exists libzip
case "${1:-build}" in
test | long)
    want libcmocka-dev pkg-config --exists cmocka
    want clang-format-14 sh -c 'command -v clang-format-14 || clang-format --version | grep -q "version 14"'
    ;;
esac
if [ "${1:-build}" = long ]; then
    want clang-14 sh -c 'command -v clang-14 || command -v clang'
    want libclang-rt-14-dev sh -c 'ls /usr/lib/llvm-14/lib/clang/14*/lib/linux/libclang_rt.fuzzer-*.a'
    want chromium sh -c 'command -v chromium || command -v google-chrome'
fi
if [ "${1:-build}" = arm ]; then
    want gcc-aarch64-linux-gnu command -v aarch64-linux-gnu-gcc
    want qemu-user command -v qemu-aarch64
fi

[ -n "$need" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "unet needs these (Debian's names), please install them:$need" >&2
    exit 1
fi
echo "Installing what is missing:$need"
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of words
$sudo apt-get install -y -qq --no-install-recommends $need >/dev/null 2>&1 || {
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends $need >/dev/null
}
