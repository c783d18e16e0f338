#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The two commands of the README on fresh systems: each is made by debootstrap in build-fresh/ and gets
# make and git, and nothing else.  There, a clone of this repository's HEAD:
#
#   - a user who may not install is told so in one line
#   - root: make demo, make test
#   - the user, now that the packages are there: make test
#
# It ends with a table (build-fresh/table.md).  Wants root.  An archive that cannot be reached is said.
# A system is removed when it is done; KEEP=1 leaves it.  DEBIAN_MIRROR is else the one this system installs from, UBUNTU_MIRROR has no default but on Ubuntu.
# The libjpeg-turbo of *-jpeg8 is built from Debian's source with the interface that Ubuntu's has.
#
# Usage: scripts/check_fresh.sh [SYSTEM...]
#        of bookworm trixie sid bookworm-jpeg8 bullseye-jpeg8 jammy noble; all of them by default
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)
folder=$here/build-fresh

title() {
    case $1 in
    bookworm) echo "Debian 12" ;;
    trixie) echo "Debian 13" ;;
    sid) echo "Debian sid" ;;
    bookworm-jpeg8) echo "Debian 12, libjpeg as Ubuntu's" ;;
    bullseye-jpeg8) echo "Debian 11, libjpeg as Ubuntu's" ;;
    jammy) echo "Ubuntu 22.04" ;;
    noble) echo "Ubuntu 24.04" ;;
    *) return 1 ;;
    esac
}

[ $# -gt 0 ] || set -- bookworm trixie sid bookworm-jpeg8 bullseye-jpeg8 jammy noble
for name in "$@"; do
    title "$name" >/dev/null || { echo "check_fresh: no system is called $name" >&2; exit 2; }
done
if [ "$(id -u)" != 0 ]; then
    echo "skipped: check_fresh makes systems of its own, which needs root"
    exit 0
fi
scripts/setup.sh fresh
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$folder"

. scripts/fresh_system.sh

with_libjpeg() { # with_libjpeg NAME: the library that the name says
    case $1 in
    *-jpeg8) jpeg8 "$1" >>"$folder/$1.log" 2>&1 ;;
    esac
}

jpeg8() { # jpeg8 NAME: its libjpeg becomes one with the interface of libjpeg 8
    sed 's/^deb /deb-src /' "$folder/$1/etc/apt/sources.list" >>"$folder/$1/etc/apt/sources.list.d/src.list"
    inside "$1" 'set -e
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends dpkg-dev gcc libc6-dev cmake pkg-config libjpeg-dev
        mkdir /jpeg8
        cd /jpeg8
        apt-get source -qq libjpeg-turbo
        cmake -S libjpeg-turbo-*/ -B build -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_BUILD_TYPE=Release \
            -DCMAKE_INSTALL_LIBDIR=/usr/lib/$(gcc -print-multiarch) -DWITH_JPEG8=1 -DWITH_SIMD=0 -DWITH_TURBOJPEG=0
        cmake --build build -j"$(nproc)"
        rm -f /usr/include/*/jconfig.h # Debian keeps it apart, and it would be found first
        cmake --install build
        ldconfig'
}

# step NAME USER TARGET: make TARGET in the user's clone; sets `result` to its seconds, and the log's path
step() {
    log=$folder/$1-$2-$3.log
    start=$(date +%s)
    result=
    inside "$1" "su $2 -s /bin/sh -c 'cd ~$2/unet && make $3'" >"$log" 2>&1 || result="failed, "
    result="$result$(($(date +%s) - start))"
    case $result in failed*) failed=1 ;; esac
}

# refused NAME: make demo by a user without packages and sudo ends with one line that helps
refused() {
    log=$folder/$1-refused.log
    if inside "$1" "su guest -s /bin/sh -c 'cd ~guest/unet && make demo'" >"$log" 2>&1; then
        echo "check_fresh: $1: make demo worked without the packages it needs"
        return 1
    fi
    if [ "$(grep -vc '^make: ' "$log")" != 1 ] || ! grep -q 'ask for: apt-get install' "$log"; then
        echo "check_fresh: $1: make demo by a user without sudo said:"
        cat "$log"
        return 1
    fi
}

failed=0
table=$folder/table.md
{
    echo "| system | compiler, libtiff, libjpeg | make demo, s | make test | s | as a user | s |"
    echo "| --- | --- | --- | --- | --- | --- | --- |"
} >"$table"
for name in "$@"; do
    echo "$name"
    if ! make_system "$name" || ! with_libjpeg "$name"; then
        echo "check_fresh: $(title "$name") could not be had: $(tail -n 1 "$folder/$name.log")"
        echo "| $(title "$name") | could not be had | | | | | |" >>"$table"
        continue
    fi
    for home in root home/guest; do
        git clone -q --no-hardlinks "$here" "$folder/$name/$home/unet"
    done
    inside "$name" 'chown -R guest /home/guest'
    refused "$name" || failed=1
    step "$name" root demo
    row=" | $result"
    for user in root guest; do
        step "$name" "$user" test
        row="$row | $(tail -n 1 "$log" | sed 's/ passed, 0 failed//') | $result"
    done
    # shellcheck disable=SC2016  # the inner shell's
    versions=$(inside "$name" 'echo "$(gcc -dumpfullversion), $(pkg-config --modversion \
        libtiff-4), $(pkg-config --modversion libjpeg)"')
    echo "| $(title "$name") | gcc $versions$row |" | tee -a "$table"
    [ -n "${KEEP:-}" ] || rm -rf "${folder:?}/$name"
done
cat "$table"
[ "$failed" = 0 ] || echo "check_fresh: failed; the logs are in build-fresh/"
exit "$failed"
