#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds for 64-bit Arm in build-arm/ and runs the tests in an emulator; some minutes.  The last line
# is "N passed, N failed".
#
# The libraries for Arm are Debian's: apt-get fetches them, with the dependencies, for a system that
# has nothing yet, into build-arm/, where they are unpacked.  Nothing of it is installed, and this
# system's own packages and lists stay as they are.
set -eu
cd "$(dirname "$0")/.."
if [ "$(uname -m)" = aarch64 ]; then
    echo "check_arm: this is a 64-bit Arm: make test does all of it"
    scripts/setup.sh test
    exec scripts/run_tests.sh build-test -DCMAKE_BUILD_TYPE=Release
fi
scripts/setup.sh arm
packages="libpng-dev libtiff-dev libjpeg-dev libgif-dev zlib1g-dev libjansson-dev libzip-dev
    libyaml-dev libcmocka-dev"
build=$(pwd)/build-arm
root=$build/sysroot

fetch() { # fetch FOLDER: the packages and all that they need
    mkdir -p "$1/lists/partial" "$1/archives/partial"
    : >"$1/installed"
    cat >"$1/apt.conf" <<CONF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
Acquire::Languages "none";
Dir::State "$1";
Dir::State::status "$1/installed";
Dir::Cache "$1";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG="$1/apt.conf"
    # shellcheck disable=SC2086  # a list of words
    if ! apt-get update -qq ||
        ! apt-get install -qq --yes --download-only $packages >/dev/null; then
        echo "check_arm: this system's package archives do not give these for arm64: $packages" >&2
        exit 1
    fi
    unset APT_CONFIG
}

if [ "$(cat "$build/sysroot-is-whole" 2>/dev/null)" != "$packages" ]; then
    echo "Unpacking for Arm, in build-arm/sysroot: $packages, and what they need"
    rm -rf "$root" "$build/apt"
    mkdir -p "$root"
    fetch "$build/apt"
    for package in "$build"/apt/archives/*.deb; do
        dpkg-deb --extract "$package" "$root"
    done
    rm -rf "$build/apt"
    echo "$packages" >"$build/sysroot-is-whole"
fi

cat >"$build/unet-in-qemu" <<RUN
#!/bin/sh
exec qemu-aarch64 -L "$root" "$build/unet" "\$@"
RUN
chmod +x "$build/unet-in-qemu"

export UNET_TEST_SLOW=1
CTEST_PARALLEL_LEVEL=$(nproc 2>/dev/null || echo 2)
export CTEST_PARALLEL_LEVEL
scripts/run_tests.sh build-arm -DCMAKE_TOOLCHAIN_FILE="$(pwd)/scripts/aarch64.cmake" \
    -DCMAKE_SYSROOT="$root" -DCMAKE_BUILD_TYPE=Release -DUNET_TEST_COMMAND="$build/unet-in-qemu"
