#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tries a tarball of scripts/release.sh where there is nothing else.  Usage: scripts/try_release.sh TARBALL FOLDER
set -eu
tarball=$1 root=$2
fail() {
    echo "try_release: $*" >&2
    exit 1
}
rm -rf "$root"
mkdir -p "$root/unpacked" "$root/bin" "$root/home"
tar -xzf "$tarball" -C "$root/unpacked"
set -- "$root"/unpacked/*
top=$1
for file in LICENSE README.md NEWS.md THIRD-PARTY.md share/man/man1/unet.1 share/man/man1/unet-train.1 \
    share/bash-completion/completions/unet share/zsh/site-functions/_unet share/fish/vendor_completions.d/unet.fish; do
    [ -s "$top/$file" ] || fail "$file is not in it"
done
for link in $(sed -nE 's/.*\]\((docs[^)#]*).*/\1/p' "$top/README.md"); do
    [ -e "$top/$link" ] || echo "try_release: README.md leads to $link, which is not in it"
done
grep -E '^\| lib' "$top/THIRD-PARTY.md" | while IFS='|' read -r _ library source rest; do
    [ -s "$top/licences/$(echo "$source" | tr -d ' ').txt" ] || fail "no copyright of $library"
done
! grep -qiE 'jbig.*\| *lib|libjbig' "$top/THIRD-PARTY.md" || fail "JBIG, which is under the GPL, is in it"
cp "$top/bin/unet" "$root/bin/unet"

if [ "$(id -u)" = 0 ]; then
    where=""
    unet() { env -i "$(command -v chroot || echo /usr/sbin/chroot)" "$root" /bin/unet "$@"; }
else
    where=$root
    unet() { env -i "$root/bin/unet" "$@"; }
fi
unet --version
unet demo "$where/home/demo" --time 10s --quiet
[ -s "$root/home/demo/report.html" ] || fail "the demo left no report"
# every library once: PNG into TIFF, JSON, gzip, zip, a page of HTML
unet predict "$where/home/demo/model.safetensors" "$where/home/demo/test" -o "$where/home/tiff" --probabilities --quiet 2>"$root/said" ||
    unet predict "$where/home/demo/model.safetensors" "$where/home/demo/test" -o "$where/home/tiff" --quiet
unet convert "$where/home/demo/model.safetensors" "$where/home/model.pth" --quiet
unet convert "$where/home/demo/model.safetensors" "$where/home/model.onnx" --quiet
unet convert "$where/home/model.pth" "$where/home/again.safetensors" --quiet
unet check --images "$where/home/demo/images" --masks "$where/home/demo/masks" -o "$where/home/check.html" >/dev/null 2>&1
[ -s "$root/home/check.html" ] || fail "check left no page"
: >"$root/home/slide.mrxs"
if unet info "$where/home/slide.mrxs" >"$root/said" 2>&1 || ! grep -q 'one file that loads no libraries' "$root/said"; then
    fail "a slide: $(cat "$root/said")"
fi
# the page of the studio, over HTTP
unet studio "$where/home/demo/images" -o "$where/home/project" --no-browser >"$root/said" 2>&1 &
served=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    address=$(sed -nE 's/.*(http:[^ ]*).*/\1/p' "$root/said" | head -n 1)
    [ -n "$address" ] && break
    sleep 1
done
[ -n "$address" ] || fail "unet studio: $(cat "$root/said")"
if command -v curl >/dev/null; then
    curl -sS -L --noproxy '*' -c "$root/cookies" "$address" | grep -qi '<html' || fail "the page of unet studio at $address did not come"
fi
kill "$served"
wait "$served" || true
echo "try_release: $(basename "$tarball") works where there is nothing else"
