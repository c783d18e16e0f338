#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds for another processor and runs tests in an emulator, in build-MACHINE/:
#
#   aarch64   64-bit Arm: all tests, some 15 minutes
#   riscv64   RISC-V: the tests that read and write files, and some that compute; not those that limit
#             the address space, which is the emulator's, too
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
tests='^test_(image|known_files|npy|samples|reading|nifti|volumes|volumes_files|bmp|gif|xml|yaml|checksum|jpeg|tiff_bits|tiff_levels|tiff_pages|written|zarr|zarr_ome'
tests=$tests'|values|view|channels|safetensors|onnx|import|model|package|package_steps|told|export|decimal|fields|file|logits|base|tree|objects_files|outline_file'
tests=$tests'|outlines|mask_files|labels|tensorboard|tiff|foreign|foreign_real|keras|nnunet|hints)$'
case $machine in
aarch64) debian=arm64 tests=. ;;
riscv64 | s390x) debian=$machine ;;
*)
    echo "usage: scripts/check_cross.sh aarch64|riscv64|s390x [REGEX]" >&2
    exit 2
    ;;
esac
tests=${2:-$tests}
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
jobs=${CTEST_PARALLEL_LEVEL:-$(nproc 2>/dev/null || echo 2)}
export CTEST_PARALLEL_LEVEL="$jobs"
mkdir -p "$build"

lists() { # lists FOLDER: of this system's archive; where that lacks the processor, of SUITE
    apt-get update -qq 2>/dev/null && [ -n "$(apt-cache show libpng-dev 2>/dev/null)" ] && return 0
    (unset APT_CONFIG && . scripts/fresh_system.sh && echo "deb $DEBIAN_MIRROR ${SUITE:-trixie} main") >"$1/sources.list"
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
    if ! lists "$1" || ! apt-get install -qq --yes --download-only $packages >/dev/null; then
        echo "check_cross: this system's package archives do not give these for $debian: $packages" >&2
        exit 1
    fi
    unset APT_CONFIG
}

if [ "$(cat "$build/sysroot-is-whole" 2>/dev/null)" != "$packages" ]; then
    echo "Unpacking for $machine, in build-$machine/sysroot: $packages, and what they need"
    rm -rf "$root" "$build/apt"
    fetch "$build/apt"
    for folder in lib bin sbin; do # where these are links into /usr, older packages unpack through them, too
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
set(CMAKE_SYSROOT $root)
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
set -- -DCMAKE_TOOLCHAIN_FILE="$build/toolchain.cmake" -DCMAKE_BUILD_TYPE=Release -DUNET_BENCH=OFF \
    -DUNET_TEST_COMMAND="$build/unet-in-qemu"
[ "$tests" != . ] || exec scripts/run_tests.sh "build-$machine" "$@"

cmake -S . -B "$build" "$@" >/dev/null
wanted=$(cd "$build" && ctest -N -R "$tests" | sed -nE 's/.*Test +#[0-9]+: (test_[a-z0-9_]+)$/\1/p')
[ -n "$wanted" ] || { echo "check_cross: no test is called $tests" >&2; exit 2; }
# shellcheck disable=SC2086  # a list of words
scripts/build.sh "$build" -j"$jobs" --target unet_cli $wanted
failed=0
(cd "$build" && ctest -j"$jobs" -R "$tests" --output-on-failure) >"$build/ctest.log" 2>&1 || failed=1
grep -vE '^(Internal|Test project|Total Test|      Start)' "$build/ctest.log" || true
if [ "$machine" = s390x ]; then
    scripts/setup.sh build
    cmake -S . -B build-test -DCMAKE_BUILD_TYPE=Release >/dev/null
    scripts/build.sh build-test -j"$jobs" --target unet_cli
    scripts/same_files.sh build-test/unet "$build/unet-in-qemu" "$build/same" || failed=1
fi
passed=$(grep -cE '^ *[0-9]+/[0-9]+ Test .* Passed' "$build/ctest.log") || true
ran=$(grep -cE '^ *[0-9]+/[0-9]+ Test ' "$build/ctest.log") || true
echo "$passed passed, $((ran - passed)) failed"
exit "$failed"
