#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scripts/release.sh twice, in folders of other names and depths, must give the same bytes.  Then what is in
# the tarball is tried where there is nothing else: a folder that has the command alone becomes the root of
# a system (as root; else an empty environment must do), and there it trains, segments, and serves its page.
# Usage: scripts/check_release.sh FOLDER
set -eu
cd "$(dirname "$0")/.."
if [ $# -ne 1 ]; then
    echo "usage: scripts/check_release.sh FOLDER" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
UNET_SOURCES=${UNET_SOURCES:-$folder/sources}
export UNET_SOURCES
scripts/release.sh "$folder/a"
scripts/release.sh "$folder/another place/b"
tarball=$(cd "$folder/a" && ls unet-*.tar.gz)
cmp "$folder/a/$tarball" "$folder/another place/b/$tarball"
cmp "$folder/a/SHA256SUMS" "$folder/another place/b/SHA256SUMS"
(cd "$folder/a" && sha256sum --quiet -c SHA256SUMS)
echo "check_release: two builds have the same bytes"
scripts/try_release.sh "$folder/a/$tarball" "$folder/tried"
