#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet studio with an image of SIDE x SIDE pixels (40000: 1.6 gigapixels, a BigTIFF in strips, which is
# neither in tiles nor a pyramid) and with a day's strokes: memory, and how long a person waits.
# Writes 2 GB into FOLDER, and removes them.
# Usage: check_studio.sh BUILD_FOLDER FOLDER [SIDE]
set -eu
build=$(cd "$1" && pwd)
side=${3:-40000}
mkdir -p "$2"
work=$(mktemp -d "$2/studio.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"
unet=$build/unet client=$build/studio_client
limit=700 # MB: patches 256, predictions 96, and the files that are mapped

fail() {
    echo "check_studio: $*"
    exit 1
}
now() { date +%s.%N; }
# since MOMENT: seconds, with a decimal
since() { echo "$1 $(now)" | awk '{ printf "%.1f", $2 - $1 }'; }
say() { printf '%-66s %s\n' "$1" "$2"; }

begin() { # begin ARGUMENTS...: sets pid, address and took
    begun=$(now)
    : >address
    "$unet" studio "$@" --no-browser >address 2>said &
    pid=$!
    until [ -s address ]; do
        kill -0 "$pid" 2>/dev/null || fail "$(cat said)"
        sleep 0.02
    done
    took=$(since "$begun") address=$(cat address)
}
end() {
    kill -"$1" "$pid"
    wait "$pid" 2>/dev/null || true
    pid=
}
get() { "$client" "$address" get "$1"; }
step() { get /api/project | sed 's/.*"step": *\([0-9]*\).*/\1/'; }
# the picture of the whole image; sets seen to the seconds since the server began
see() {
    until get "/api/images/0/thumb" >/dev/null 2>&1; do
        sleep 0.1
    done
    seen=$(since "$begun")
}

# -- a gigapixel image --
"$build/big_tiff" image.tif "$side"
begin image.tif -o big.unet
see
say "$side x $side: seconds from the start to the whole image, coarse" "$seen"
"$client" "$address" scatter 0 "$side" 15
until [ -s big.unet/cache/0.overview ]; do
    sleep 0.2
done
say 'seconds until it was read once and is sharp, while it is painted' "$(since "$begun")"
"$client" "$address" post /api/view "{\"image\":0,\"rect\":[0,0,$side,$side]}" >/dev/null
until [ "$(step)" -ge 100 ]; do
    kill -0 "$pid" 2>/dev/null || fail "$(cat said)"
    sleep 0.5
done
peak=$(awk '/VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$pid/status")
say 'MB at most, after 225 strokes all over it and 100 steps of training' "$peak"
end KILL
begin big.unet
see
say 'seconds to the whole image when it is opened again' "$seen"
get /api/project | grep -q '"strokes": *225' || fail 'strokes are lost'
end TERM
rm -r image.tif big.unet
[ "$peak" -le $limit ] || fail "a peak of $peak MB, at most $limit wanted"

# -- a day's strokes --
mkdir images
for i in $(seq 100 299); do
    printf 'P5 512 512 255\n' >"images/$i.pgm"
    head -c 262144 /dev/zero >>"images/$i.pgm"
done
begin images --paused
end TERM
say 'seconds to open 200 images without a stroke' "$took"
empty=$took
"$client" http://127.0.0.1:1/#none day images.unet/strokes.journal 100000 200 512
begin images.unet --paused
say 'with 100,000 strokes, none of which is in a snapshot yet' "$took"
end TERM
begin images.unet --paused
say 'with 100,000 strokes' "$took"
count=$(get /api/project | grep -o '"strokes": *[0-9]*' | awk -F: '{ sum += $2 } END { print sum }')
[ "$count" = 100000 ] || fail "$count strokes, wanted 100000"
end TERM
awk -v a="$empty" -v b="$took" 'BEGIN { exit !(b - a < 1) }' ||
    fail '100,000 strokes take a second or more'
echo 'check_studio: done'
