#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian's packages, made and used in fresh systems: one gets what debian/control asks for, builds this
# repository's HEAD with its tests, and has lintian look at it; another, which has nothing but the
# packages, runs the demo, compiles README's program, and uses Python's package and the plugin for MPI.
# The packages are left in build-fresh/.  Wants root.  NOCHECK=1: without the tests.
# Usage: scripts/check_deb.sh [SYSTEM...], of bookworm trixie sid; the first two by default
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)
folder=$here/build-fresh
[ $# -gt 0 ] || set -- bookworm trixie
if [ "$(id -u)" != 0 ]; then
    echo "skipped: check_deb makes systems of its own, which needs root"
    exit 0
fi
scripts/setup.sh fresh
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$folder"
. scripts/fresh_system.sh

# step NAME WHAT COMMAND
step() {
    echo "  $2"
    if ! inside "$1" "$3" >"$folder/$1-deb.log" 2>&1; then
        echo "check_deb: $1: $2 failed; the end of build-fresh/$1-deb.log:"
        tail -n 20 "$folder/$1-deb.log"
        exit 1
    fi
}

for name in "$@"; do
    echo "$name"
    make_system "$name" || { echo "check_deb: $name could not be had: $(tail -n 1 "$folder/$name.log")"; exit 1; }
    git clone -q --no-hardlinks "$here" "$folder/$name/home/guest/unet"
    inside "$name" 'chown -R guest /home/guest'
    step "$name" "what debian/control asks for" \
        'apt-get install -y -qq --no-install-recommends build-essential lintian fakeroot && apt-get build-dep -y -qq /home/guest/unet'
    step "$name" "dpkg-buildpackage" "su guest -s /bin/sh -c 'cd ~/unet &&
        DEB_BUILD_OPTIONS=\"parallel=$(nproc) ${NOCHECK:+nocheck}\" dpkg-buildpackage -us -uc'"
    step "$name" "lintian" "su guest -s /bin/sh -c 'cd ~ && lintian --fail-on error,warning unet_*.changes'"
    rm -rf "$folder/$name-deb"
    mkdir "$folder/$name-deb"
    cp "$folder/$name"/home/guest/*unet*.* "$folder/$name-deb"
    rm -rf "${folder:?}/$name"

    make_system "$name" || exit 1
    cp "$folder/$name-deb"/*.deb "$folder/$name/home/guest"
    sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' >"$folder/$name/home/guest/segment.c"
    cat >"$folder/$name/home/guest/try.py" <<PYTHON
from importlib.metadata import version
import numpy, unet_c
mask = unet_c.Model(width=4, depth=2, padding="same").predict(numpy.zeros((40, 50)))
assert mask.shape == (40, 50)
assert version("unet-c") == unet_c.__version__
PYTHON
    step "$name" "apt-get install unet alone" 'cd /home/guest && rm -f *dbgsym* &&
        apt-get install -y -qq --no-install-recommends ./unet_*.deb && chown -R guest .'
    step "$name" "unet demo" "su guest -s /bin/sh -c 'cd ~ && unet demo out && test -s out/report.html'"
    step "$name" "README's program" "cd /home/guest &&
        apt-get install -y -qq --no-install-recommends gcc libc6-dev pkg-config ./libunet*.deb && su guest -s /bin/sh -c 'cd ~ &&
        gcc segment.c -o segment \$(pkg-config --cflags --libs unet) && unet init --width 4 --depth 2 -o cells.safetensors &&
        { printf \"P5 64 64 255\\n\"; head -c 4096 segment; } >scan.png && ./segment && test -s mask.png'"
    step "$name" "python3-unet" "cd /home/guest && apt-get install -y -qq --no-install-recommends ./python3-unet_*.deb &&
        su guest -s /bin/sh -c 'cd ~ && python3 try.py'"
    step "$name" "unet-mpi" "cd /home/guest && apt-get install -y -qq --no-install-recommends ./unet-mpi_*.deb openmpi-bin &&
        su guest -s /bin/sh -c 'cd ~ && mpirun --oversubscribe -n 2 unet predict cells.safetensors scan.png -o two.png && test -s two.png'"
    # shellcheck disable=SC2016  # $page is the inner shell's
    step "$name" "the manual pages" 'for page in man1/unet.1 man1/unet-train.1 man3/unet.h.3 man3/unet_predict.3; do
        test -s /usr/share/man/$page.gz || exit 1; done'
    step "$name" "apt-get purge" 'apt-get purge -y -qq unet unet-mpi libunet0 libunet-dev python3-unet && ! find /usr -name "*unet*" | grep -v __pycache__ | grep .'
    rm -rf "${folder:?}/$name"
    ls "$folder/$name-deb"/*.deb
done
