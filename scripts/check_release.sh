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
fail() {
    echo "check_release: $*" >&2
    exit 1
}
UNET_COMMIT=$(git rev-parse HEAD) # both times, whatever is committed meanwhile
export UNET_COMMIT UNET_SOURCES="${UNET_SOURCES:-$folder/sources}"
scripts/release.sh "$folder/a"
scripts/release.sh "$folder/another/place"
tarball=$(cd "$folder/a" && ls unet-*.tar.gz)
cmp "$folder/a/$tarball" "$folder/another/place/$tarball"
cmp "$folder/a/SHA256SUMS" "$folder/another/place/SHA256SUMS"
(cd "$folder/a" && sha256sum --quiet -c SHA256SUMS)
echo "check_release: two builds have the same bytes"

root=$folder/root
rm -rf "$root"
mkdir -p "$root/unpacked" "$root/bin" "$root/home" "$root/var/tmp"
tar -xzf "$folder/a/$tarball" -C "$root/unpacked"
top=$(echo "$root"/unpacked/*)
for file in LICENSE README.md NEWS.md THIRD-PARTY.md share/man/man1/unet.1 share/man/man1/unet-train.1 \
    share/bash-completion/completions/unet share/zsh/site-functions/_unet share/fish/vendor_completions.d/unet.fish; do
    [ -s "$top/$file" ] || fail "$file is not in the tarball"
done
for link in $(sed -nE 's/.*\]\((docs[^)#]*).*/\1/p' "$top/README.md"); do
    [ -e "$top/$link" ] || fail "README.md leads to $link, which is not in the tarball"
done
grep -E '^\| lib[^ ]*[.]a ' "$top/THIRD-PARTY.md" | while IFS='|' read -r _ library source rest; do
    [ -s "$top/licences/$(echo "$source" | tr -d ' ').txt" ] || fail "no copyright of $library"
done
mv "$top/bin/unet" "$root/bin/unet"
rm -r "$root/unpacked"

at="" # of the folder, as the command sees it
if [ "$(id -u)" = 0 ]; then
    PATH=$PATH:/usr/sbin
    unet() { env -i "$(command -v chroot)" "$root" /bin/unet "$@"; }
else
    at=$root
    unet() { env -i "$root/bin/unet" "$@"; }
fi
try() { # try FILE UNET'S ARGUMENTS: and the file is there
    made=$1
    shift
    unet "$@" --quiet >"$folder/said" 2>&1 || fail "unet $*: $(cat "$folder/said")"
    [ -s "$root/home/$made" ] || fail "unet $*: no $made"
}
unet --version | grep -q '^without: .*OpenSlide' || fail "--version does not say what is left out"
demo=$at/home/demo
try demo/report.html demo "$demo" --time 10s
try masks/cells_501.tif predict "$demo/model.safetensors" "$demo/test/images" -o "$at/home/masks" --format tif
# what the libraries pack and unpack: TIFF, gzip, zip, JSON
try mask.nii.gz predict "$demo/model.safetensors" "$demo/test/images/cells_501.png" -o "$at/home/mask.nii.gz" --rois "$at/home/rois.zip"
try model.pth convert "$demo/model.safetensors" "$at/home/model.pth"
try model.onnx convert "$demo/model.safetensors" "$at/home/model.onnx"
try package.zip convert "$demo/model.safetensors" "$at/home/package.zip" --author us --license MIT
try package.png predict "$at/home/package.zip" "$demo/test/images/cells_501.png" -o "$at/home/package.png"
try direct.png predict "$demo/model.safetensors" "$demo/test/images/cells_501.png" -o "$at/home/direct.png"
cmp "$root/home/package.png" "$root/home/direct.png"
try check.html check --images "$demo/test/images" --masks "$at/home/masks" -o "$at/home/check.html"
: >"$root/home/slide.mrxs"
! unet info "$at/home/slide.mrxs" >"$folder/said" 2>&1 || fail "a slide is no error"
grep -q 'one file that loads no libraries' "$folder/said" || fail "a slide: $(cat "$folder/said")"

# the page of the studio, over HTTP
unet studio "$demo/images" -o "$at/home/project" --no-browser >"$folder/said" 2>&1 &
served=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    address=$(sed -nE 's/.*(http:[^ ]*).*/\1/p' "$folder/said" | head -n 1)
    [ -z "$address" ] || break
    sleep 1
done
[ -n "$address" ] || fail "unet studio: $(cat "$folder/said")"
python3 -c 'import sys, urllib.request as u
o = u.build_opener(u.ProxyHandler({}), u.HTTPCookieProcessor())
sys.exit(b"<html" not in o.open(sys.argv[1]).read())' "$address" || fail "the page of unet studio at $address did not come"
kill "$served"
wait "$served" || true
echo "check_release: $tarball works where there is nothing else"
