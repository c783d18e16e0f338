#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Looks at the pages in headless Chromium: those of made-up runs over real images, one of a real
# training of 20 seconds, those of unet check over good and spoiled folders, and that of a short unet
# demo; at desktop and phone width, light and dark.  Fails when a page is wider than its window, hides
# code or pictures beside it, names anything to load, or runs a script; leaves the screenshots for a
# person.
# Usage: check_report.sh BUILD_FOLDER_WITH_TESTS OUT_FOLDER
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
data=$root/../shared/data/seg
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    { echo "skipped: there is no chromium; scripts/setup.sh page installs it"; exit 0; }
[ -d "$data" ] || { echo "skipped: no images at $data"; exit 0; }
sample=$build/report_sample
flags="--headless --disable-gpu --hide-scrollbars --allow-file-access-from-files
    --virtual-time-budget=3000 --user-data-dir=$out/profile"
[ "$(id -u)" != 0 ] || flags="$flags --no-sandbox"
offline=""
unshare -rn true 2>/dev/null && offline="unshare -rn" # no network at all, where that is allowed
failed=0

browse() { # browse ARGUMENTS...: the browser, without a network
    # shellcheck disable=SC2086  # lists of words
    timeout 120 $offline "$browser" $flags --host-resolver-rules='MAP * ~NOTFOUND' "$@" 2>/dev/null
}

complain() {
    failed=1
    echo "check_report: $*"
}

# shoot NAME WIDTH [dark]: a headless window is 500 pixels wide or more, so the page is in a frame
shoot() {
    page=$out/$1/report.html wrap=$out/wrap.html picture=$out/$1-$2${3:+-$3}.png
    mode=""
    [ -z "${3:-}" ] || mode=--blink-settings=preferredColorScheme=0
    cat >"$wrap" <<END
<!doctype html><body style="margin:0"><iframe id="f" src="$1/report.html"
style="border:0;display:block;width:$2px;height:400px"></iframe><script>
f.onload = () => { const d = f.contentDocument;
f.style.height = d.documentElement.scrollHeight + "px";
const cut = [...d.querySelectorAll("pre,p,figure,.triple,.gallery,.figures,.box,.legend")].filter(
  e => e.scrollWidth > e.clientWidth + 1).length;
document.body.dataset.cut = cut;
document.body.dataset.size = d.documentElement.scrollWidth + "x" + d.documentElement.scrollHeight }
</script>
END
    browse --window-size=1700,1000 --dump-dom "file://$wrap" >"$out/dom"
    size=$(sed -nE 's/.*data-size="([0-9x]+)".*/\1/p' "$out/dom")
    cut=$(sed -nE 's/.*data-cut="([0-9]+)".*/\1/p' "$out/dom")
    [ -n "$size" ] || { complain "$1: Chromium did not show it"; return; }
    [ "${size%x*}" -le "$2" ] || complain "$1: ${size%x*} pixels wide in a window of $2"
    [ "$cut" = 0 ] || complain "$1: $cut parts are cut in a window of $2"
    # shellcheck disable=SC2086
    browse $mode --window-size="$(($2 < 500 ? 500 : $2)),${size#*x}" --screenshot="$picture" \
        "file://$wrap" >/dev/null || complain "$1: no screenshot"
    [ -s "$picture" ] || complain "$1: no screenshot"
    echo "$1 at $2${3:+, $3}: ${size#*x} pixels high, $(($(stat -c %s "$page") / 1024)) KiB"
}

# look NAME: a page loads nothing, and fits
look() {
    page=$out/$1/report.html
    [ -s "$page" ] || { complain "$1: no page"; return; }
    grep -oE '(src|href|action|data)="[^"]{0,40}|url\([^)]{0,40}|@import.{0,40}|https?://.{0,40}' \
        "$page" | grep -v '^src="data:image/png;base64,' && complain "$1: it names something to load"
    grep -oiE '<(script|link|iframe|object|embed)[^>]{0,40}|\bon[a-z]+="' "$page" &&
        complain "$1: it has what a page that is only read does not have"
    for width in 1280 390 320; do
        shoot "$1" "$width"
    done
    shoot "$1" 1280 dark
}

made_up() { # made_up NAME ARGUMENTS...: see tests/cli/report_sample.c
    name=$1
    shift
    rm -rf "${out:?}/$name"
    "$sample" "$out/$name" "$@" || complain "$name: report_sample failed"
    look "$name"
}

made_up finished "$data/isbi2012/image" "$data/isbi2012/label" membrane=0,cell=255 0.35 30 finished
made_up classes "$data/camvid/image" "$data/camvid/label" "" 0.6 30 running
made_up one-epoch "$data/dsb2018/image" "$data/dsb2018/mask" "" 0.1 1 one-class
made_up no-validation "$data/isbi2012/image" "$data/isbi2012/label" "" 0 40 failed

long='a <very> long & "quoted" name that a microscope'"'"'s software made up'
rm -rf "$out/names" "$out/odd"
mkdir -p "$out/names/i" "$out/names/m"
for number in 001 007 013 021 030 044 050 060; do
    name="${long}_${number}_20um_CH01_Z003_T0001_stitched_denoised_v12.3.1_final_final2"
    cp "$data/wbc1/$number.bmp" "$out/names/i/$name.bmp"
    cp "$data/wbc1/$number.png" "$out/names/m/$name.png"
done
made_up long-names "$out/names/i" "$out/names/m" background=0,cytoplasm=128,nucleus=255 0.8 12 stopped

rm -rf "$out/real"
if "$build/unet" train --help | grep -q -e '--resume'; then
    "$build/unet" train --images "$data/wbc1" --masks "$data/wbc1" --time 20s --quiet -o "$out/real" ||
        complain "unet train failed"
    look real
else
    echo "skipped: this unet train writes no folder"
fi
checked() { # checked NAME IMAGES MASKS [OPTIONS...]: the page of unet check; errors in the data are fine
    name=$1 images=$2 masks=$3
    shift 3
    rm -rf "${out:?}/$name"
    mkdir "$out/$name"
    "$build/unet" check --images "$images" --masks "$masks" "$@" -o "$out/$name/report.html" --quiet \
        >"$out/$name/text" 2>&1 || [ $? = 1 ] || complain "$name: unet check failed"
    look "$name"
}
checked check-membranes "$data/isbi2012/image" "$data/isbi2012/label" --pictures 8
checked check-classes "$data/camvid/image" "$data/camvid/label" --memory 2G
checked check-long-names "$out/names/i" "$out/names/m"
mkdir "$out/odd" "$out/odd/i" "$out/odd/m"
cp "$data"/wbc1/00*.bmp "$out/odd/i"
cp "$data"/wbc1/00*.png "$out/odd/m"
cp "$data/wbc1/010.bmp" "$out/odd/i/001.bmp"
cp "$data/wbc1/020.png" "$out/odd/m/002.png"
cp "$data/wbc1/003.bmp" "$out/odd/i/004.bmp"
rm "$out/odd/m/005.png"
echo nothing >"$out/odd/i/006.bmp"
checked check-odd "$out/odd/i" "$out/odd/m"

rm -rf "$out/demo"
"$build/unet" demo "$out/demo" --time 10s --quiet || complain "unet demo failed"
look demo
rm -rf "$out/profile" "$out/names" "$out/odd" "$out/wrap.html" "$out/dom"
[ "$failed" = 0 ] && echo "check_report: in order; look at $out/*.png"
exit "$failed"
