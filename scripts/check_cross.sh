#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds for other processors and runs tests in an emulator, each in build-MACHINE/:
#
#   aarch64   64-bit Arm: all tests, some 15 minutes
#   riscv64   RISC-V: the tests that read and write files, and a training
#   s390x     big-endian: the same, and the files that it makes are those that this processor makes
#
# The libraries are Debian's: apt-get fetches them, with the dependencies, for a system that has nothing
# yet, into build-MACHINE/, where they are unpacked.  Nothing of it is installed, and this system's own
# packages and lists stay as they are.  Debian 12 has no riscv64: its libraries are then those of SUITE,
# trixie by default.  The last line is "N passed, N failed".
# Usage: scripts/check_cross.sh MACHINE [REGEX]   REGEX: of the tests, as ctest -R takes it
set -eu
cd "$(dirname "$0")/.."
machine=${1:-}
case $machine in
aarch64) debian=arm64 tests=. ;;
riscv64) debian=riscv64 ;;
s390x) debian=s390x ;;
*)
    echo "usage: scripts/check_cross.sh aarch64|riscv64|s390x [REGEX]" >&2
    exit 2
    ;;
esac
readers='test_(image|npy|samples|nifti|volumes|bmp_gif|jpeg|tiff|tiff_bits|tiff_levels|tiff_pages|written|zarr|zarr_ome'
readers=$readers'|values|view|arrays|safetensors|torch|pickle|onnx|foreign|import|model|package|decimal|fields|file|logits'
readers=$readers'|objects_files|outline_file|outlines|resume|loop|tensorboard)'
tests=${2:-${tests:-^$readers\$}}
if [ "$(uname -m)" = "$machine" ]; then
    echo "check_cross: this is a $machine: make test does all of it"
    scripts/setup.sh test
    exec scripts/run_tests.sh build-test -DCMAKE_BUILD_TYPE=Release
fi
scripts/setup.sh "$machine"
packages="libpng-dev libtiff-dev libjpeg-dev libgif-dev zlib1g-dev libjansson-dev libzip-dev
    libyaml-dev libzstd-dev libcmocka-dev"
build=$(pwd)/build-$machine
root=$build/sysroot
mkdir -p "$build"

lists() { # lists FOLDER: whether this system's archives have the processor; else those of SUITE
    apt-get update -qq 2>/dev/null && [ -n "$(apt-cache show libpng-dev 2>/dev/null)" ] && return 0
    . scripts/fresh_system.sh
    [ -n "$DEBIAN_MIRROR" ] || return 1
    echo "deb $DEBIAN_MIRROR ${SUITE:-trixie} main" >"$1/sources.list"
    printf 'Dir::Etc::sourcelist "%s";\nDir::Etc::sourceparts "-";\n' "$1/sources.list" >>"$1/apt.conf"
    apt-get update -qq
}

fetch() { # fetch FOLDER: the packages and all that they need
    mkdir -p "$1/lists/partial" "$1/archives/partial"
    : >"$1/installed"
    cat >"$1/apt.conf" <<CONF
APT::Architecture "$debian";
APT::Architectures { "$debian"; };
APT::Install-Recommends "false";
Acquire::Languages "none";
Dir::State "$1";
Dir::State::status "$1/installed";
Dir::Cache "$1";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG="$1/apt.conf"
    # shellcheck disable=SC2086  # a list of words
    if ! lists "$1" ||
        ! apt-get install -qq --yes --download-only $packages >/dev/null; then
        echo "check_cross: this system's package archives do not give these for $debian: $packages" >&2
        exit 1
    fi
    unset APT_CONFIG
}

if [ "$(cat "$build/sysroot-is-whole" 2>/dev/null)" != "$packages" ]; then
    echo "Unpacking for $machine, in build-$machine/sysroot: $packages, and what they need"
    rm -rf "$root" "$build/apt"
    mkdir -p "$root"
    fetch "$build/apt"
    # where /lib is a link into /usr, older packages unpack through it, too
    for folder in lib lib64 bin sbin; do
        mkdir -p "$root/usr/$folder"
        ln -s "usr/$folder" "$root/$folder"
    done
    for package in "$build"/apt/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$root"
    done
    rm -rf "$build/apt"
    echo "$packages" >"$build/sysroot-is-whole"
fi

cat >"$build/toolchain.cmake" <<TOOLS
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $machine)
set(CMAKE_C_COMPILER $machine-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-$machine -L $root)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} $root)
set(ENV{PKG_CONFIG_LIBDIR} $root/usr/lib/$machine-linux-gnu/pkgconfig:$root/usr/share/pkgconfig)
TOOLS
cat >"$build/unet-in-qemu" <<RUN
#!/bin/sh
exec qemu-$machine -L "$root" "$build/unet" "\$@"
RUN
chmod +x "$build/unet-in-qemu"

export UNET_TEST_SLOW=1
CTEST_PARALLEL_LEVEL=$(nproc 2>/dev/null || echo 2)
export CTEST_PARALLEL_LEVEL
if [ "$machine" = s390x ]; then
    scripts/setup.sh test
    cmake -S . -B build-test -DCMAKE_BUILD_TYPE=Release >/dev/null
    scripts/build.sh build-test -j"$CTEST_PARALLEL_LEVEL" --target unet_cli
fi
configure() {
    cmake -S . -B "$build" -DCMAKE_TOOLCHAIN_FILE="$build/toolchain.cmake" -DCMAKE_SYSROOT="$root" \
        -DCMAKE_BUILD_TYPE=Release -DUNET_BENCH=OFF -DUNET_TEST_COMMAND="$build/unet-in-qemu" >"$build/configure.log" || {
        cat "$build/configure.log"
        exit 1
    }
}
if [ "$tests" = . ]; then
    scripts/run_tests.sh "build-$machine" -DCMAKE_TOOLCHAIN_FILE="$build/toolchain.cmake" \
        -DCMAKE_SYSROOT="$root" -DCMAKE_BUILD_TYPE=Release -DUNET_TEST_COMMAND="$build/unet-in-qemu"
    exit
fi
configure
# the tests that were asked for, and the command
wanted=$(cd "$build" && ctest -N -R "$tests" | sed -nE 's/.*Test +#[0-9]+: (test_[a-z0-9_]+)$/\1/p')
[ -n "$wanted" ] || { echo "check_cross: no test is called $tests" >&2; exit 2; }
# shellcheck disable=SC2086  # a list of words
scripts/build.sh "$build" -j"$CTEST_PARALLEL_LEVEL" --target unet_cli $wanted
failed=0
(cd "$build" && ctest -R "$tests" --output-on-failure) >"$build/tests.log" 2>&1 || failed=1
if [ "$machine" = s390x ] && ! sh scripts/same_files.sh build-test/unet "$build/unet-in-qemu" "$build/same"; then
    failed=1
fi
[ "$failed" = 0 ] || sed -n '/FAILED\|Failed\|\*\*\*/p' "$build/tests.log"
sed -nE 's/^([0-9]+)% tests passed, ([0-9]+) tests failed out of ([0-9]+).*/\2 \3/p' "$build/tests.log" | {
    read -r bad all
    echo "$((all - bad)) passed, $((bad + failed * !bad)) failed"
}
exit "$failed"
