#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what building (and, with "test", testing) needs and is not there yet; says so first.
# Whoever may not install is told, in one line, what to ask an administrator for.
# Usage: scripts/setup.sh build|libraries|test|fuzz|opencl|page|aarch64|riscv64|s390x|windows|fresh|slurm
set -eu
need=""

want() { # want PACKAGE COMMAND...: the package, unless the command succeeds
    package=$1
    shift
    "$@" >/dev/null 2>&1 || need="$need $package"
}

# for a part that is left out without it: installed along with others, and by root, but never insisted on
wish=""
like() { # like PACKAGE COMMAND...
    package=$1
    shift
    "$@" >/dev/null 2>&1 || wish="$wish $package"
}

compiles() { # compiles COMPILER_AND_OPTIONS... <SOURCE
    "$@" -x c - -o /dev/null
}

want_build() {
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
    like libzstd-dev pkg-config --exists libzstd # chunks of OME-Zarr
    like libblosc-dev pkg-config --exists blosc
    like libmicrohttpd-dev pkg-config --exists libmicrohttpd # unet studio
    like libyaml-dev pkg-config --exists yaml-0.1 # bioimage.io packages
    like opencl-c-headers sh -c 'echo "#include <CL/cl.h>" | ${CC:-gcc} -E -' # graphics cards
}

# what the fuzzers are built with: clang, and its run-time library where that is a package of its own
want_clang() {
    if ! command -v clang >/dev/null 2>&1; then
        need="$need clang"
        fuzzes=no
    else
        fuzzes=yes
        echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return p && n > 9; }' |
            compiles clang -fsanitize=fuzzer,address >/dev/null 2>&1 || fuzzes=no
    fi
    if [ "$fuzzes" = no ] && apt-cache show libclang-rt-dev >/dev/null 2>&1; then
        need="$need libclang-rt-dev"
    elif [ "$fuzzes" = no ]; then # older systems name it after the version
        need="$need $(apt-cache depends clang 2>/dev/null |
            sed -nE 's/.*Depends: clang-([0-9]+)$/libclang-rt-\1-dev/p' | head -n 1)"
    fi
}

want_build
case "${1:-build}" in
build) ;;
libraries)
    want dpkg-dev command -v dpkg-source
    want nasm command -v nasm # the fast half of libjpeg-turbo
    ;;
test)
    want libcmocka-dev pkg-config --exists cmocka
    like libopenmpi-dev sh -c 'command -v mpicc' # several processes as one
    like openmpi-bin sh -c 'command -v mpirun'
    like "python3-dev python3-numpy python3-pytest" sh -c 'python3 -c "import numpy, pytest" || /usr/bin/python3 -c "import numpy, pytest"'
    like libopenslide0 sh -c 'PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -q libopenslide' # levels of slides
    ;;
fuzz)
    want libcmocka-dev pkg-config --exists cmocka
    want_clang
    ;;
opencl) # for the processor, where there is none for a graphics card
    like "ocl-icd-libopencl1 pocl-opencl-icd" sh -c 'PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -q libOpenCL && ls /etc/OpenCL/vendors/*.icd'
    ;;
page) want chromium sh -c 'command -v chromium || command -v google-chrome' ;;
aarch64 | riscv64 | s390x)
    want "gcc-$1-linux-gnu" command -v "$1-linux-gnu-gcc"
    want qemu-user command -v "qemu-$1"
    ;;
windows)
    want gcc-mingw-w64-x86-64-posix command -v x86_64-w64-mingw32-gcc-posix
    want g++-mingw-w64-x86-64-posix command -v x86_64-w64-mingw32-g++-posix # libtiff's build asks for one
    want wine64 sh -c 'command -v wine64 || [ -x /usr/lib/wine/wine64 ]'
    ;;
fresh) want debootstrap sh -c 'PATH=$PATH:/usr/sbin command -v debootstrap' ;;
slurm)
    want slurm-wlm sh -c 'PATH=$PATH:/usr/sbin command -v slurmctld'
    want munge sh -c 'PATH=$PATH:/usr/sbin command -v munged'
    ;;
*)
    echo "usage: scripts/setup.sh build|libraries|test|fuzz|opencl|page|aarch64|riscv64|s390x|windows|fresh|slurm" >&2
    exit 2
    ;;
esac

need=${need# }
wish=${wish# }
if [ -z "$need" ]; then
    [ -n "$wish" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "unet needs these packages (Debian's names); install them, then try again: $need" >&2
    exit 1
fi

# who may install: root, and whom sudo lets (asking for a password only where somebody can answer)
if [ "$(id -u)" = 0 ]; then
    sudo=""
elif ! command -v sudo >/dev/null 2>&1; then
    sudo=none
elif [ -t 0 ] && [ -t 2 ]; then
    sudo=sudo
else
    sudo="sudo -n"
fi
if [ "$sudo" != none ]; then
    echo "Installing what is missing: $need${need:+${wish:+ }}$wish"
    $sudo true 2>/dev/null || sudo=none
fi
if [ "$sudo" = none ]; then
    echo "unet needs packages that only an administrator can install; ask for: apt-get install $need" >&2
    exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    # shellcheck disable=SC2086  # "sudo -n" is two words
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$log" 2>&1
}
take() { # take PACKAGE...
    apt install -y -qq --no-install-recommends "$@" ||
        { apt update -qq && apt install -y -qq --no-install-recommends "$@"; }
}
# shellcheck disable=SC2086  # lists of words
[ -z "$need" ] || take $need || {
    grep -E '^(E|W|Err):' "$log" | tail -n 5 >&2
    echo "unet could not install: $need (apt-get said why, above)" >&2
    exit 1
}
# shellcheck disable=SC2086
if [ -n "$wish" ] && ! take $wish; then # what this system does not have keeps the rest from nobody
    for package in $wish; do
        apt install -y -qq --no-install-recommends "$package" || echo "without $package: it could not be installed"
    done
fi
