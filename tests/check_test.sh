#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet check as a person meets it, and what unet train says of the same data.
# Usage: check_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
. "$2/tests/shell/expect.sh"

expect 0 '' '' demo d --time 1s --quiet
[ -d d/images ] || {
    echo "no demo data"
    exit 1
}
first=$(ls d/images | head -1)
second=$(ls d/images | sed -n 2p)
copy() { # copy FOLDER: fresh data to spoil
    rm -rf "$1"
    mkdir "$1"
    cp -r d/images d/masks "$1"
}
count() { # count TEXT FILE
    grep -o "$1" "$2" | wc -l
}

# ---- one image that is smaller than all others ----

copy small
python='import sys; sys.stdout.buffer.write(b"P5 40 40 255\n" + bytes([int(sys.argv[1])] * 800 + [0] * 800))'
if command -v python3 >/dev/null 2>&1; then
    python3 -c "$python" 90 >small/images/tiny.pgm
    python3 -c "$python" 255 >small/masks/tiny.pgm
    expect 0 'depth 1 is for small/images/tiny\.pgm, 40 x 40 pixels; without, it would be [234]' '' \
        check --images small/images --masks small/masks --no-page
    expect 0 '' 'warning: depth 1 is for .*tiny\.pgm, .*leave it out, or give --depth [234]' \
        train --images small/images --masks small/masks --dry-run
    expect 0 '' '' train --images small/images --masks small/masks --depth 2 --dry-run
    check 'who says a depth knows it' sh -c '! grep -q tiny .err'
fi
expect 0 '' '' train --images d/images --masks d/masks --dry-run
check 'images of one size say nothing of depth' sh -c '! grep -q "depth . is for" .err'
rm -rf small

# ---- good data ----

expect 0 '^found      0 errors, 0 warnings' - check --images d/images --masks d/masks
check 'the page is there' test -s check.html
check 'a picture and an overlay for each pair' test "$(count 'data:image/png' check.html)" -ge 16
check 'the page loads nothing' sh -c '! grep -Eq "(src|href)=\"?http" check.html'
check 'nothing else is left' test "$(ls | grep -vc '^d$')" -eq 1
check 'a command to train with' grep -q '^unet train --images d/images --masks d/masks' .out
rm check.html
expect 0 '"errors":0,' - check --images d/images --masks d/masks --json --no-page
expect 0 '"command":"unet train' - check --images d/images --masks d/masks --json --no-page
check 'no page' test ! -e check.html
expect 0 '2 of [0-9]+ pairs are drawn in p\.html' - check --images d/images --masks d/masks -o p.html \
    --pictures 2
check 'two pairs' test "$(count 'data:image/png' p.html)" -eq 4

check 'a folder for the run' grep -q -- ' -o d\.run$' .out
mkdir -p 'd d/images' d.run
expect 0 ' -o d2\.run$' - check --images d/images --masks d/masks --no-page
rmdir d.run
cp d/images/* 'd d/images'
expect 0 "^unet train --images 'd d/images' --masks d/masks --depth 2 --norm batch -o 'd d\.run'" - \
    check --images 'd d/images' --masks d/masks --no-page --depth 2 --norm batch

# ---- --memory ----

expect 0 '^memory +954 MiB is enough' - check --images d/images --masks d/masks --no-page \
    --memory 1G
expect 0 '^unet train .* --memory 100M -o d.run$' - check --images d/images --masks d/masks --no-page --memory 100M
bytes=$(sed -n 's/^training .*about \(.*\) with the images/\1/p' .out) # which training takes, too
expect 0 "^memory +$bytes" - train --images d/images --masks d/masks --memory 100M --dry-run
expect 1 'is not enough' 'not enough to train on' check --images d/images --masks d/masks --no-page --memory 1M
least=$(sed -n 's/^unet train.*--memory \([0-9]*M\).*/\1/p' .out)
expect 0 '' - train --images d/images --masks d/masks --memory "$least" --dry-run
expect 0 'width 4' - check --images d/images --masks d/masks --no-page --memory "$least"
expect 2 - 'memory' check --images d/images --masks d/masks --memory much

# ---- spoiled data ----

copy lost
rm "lost/masks/$first"
expect 1 "^error +$first: the image has no mask" 'lost/images: 1 error' check \
    --images lost/images --masks lost/masks --no-page
expect 1 '"kind":"no-mask"' '' check --images lost/images --masks lost/masks --json --no-page
expect 1 - "$first" train --images lost/images --masks lost/masks -o x.safetensors

expect 0 '^left out +1 image without a mask$' - check --images lost/images --masks lost/masks \
    --no-page --only-pairs
cp "d/masks/$first" lost/masks/none.png
expect 0 '"images_left_out":1,"masks_left_out":1,' - check --images lost/images --masks lost/masks \
    --no-page --only-pairs --json

copy twice
cp "d/images/$first" "twice/images/$second"
cp "d/masks/$first" "twice/masks/$second"
expect 0 "^warning +$second: image and mask are the same as those of $first" - check \
    --images twice/images --masks twice/masks --no-page
expect 0 '' "^warning +$second: image and mask are the same" train --images twice/images \
    --masks twice/masks -o x.safetensors --steps 1 --width 2 --depth 1
expect 0 - '' train --images twice/images --masks twice/masks -o x.safetensors --overwrite --steps 1 \
    --width 2 --depth 1 --quiet

copy late
last=$(ls d/images | tail -1)
cp "d/images/$first" "late/images/$last"
cp "d/masks/$first" "late/masks/$last"
expect 0 '^found      0 errors, 1 warning, [0-9]+ notes?$' - check --images late/images \
    --masks late/masks -o late.html --pictures 3
check 'the pair with a finding comes first on the page' \
    sh -c "grep -o '<figcaption>[^<]*' late.html | head -1 | grep -qF '>$last'"
check 'the page says how many pairs it left out' \
    grep -q '3 of [0-9]* pairs: those with findings, the gravest first' late.html
check 'the style sheet is in the page, without its comments' \
    sh -c 'grep -q "^\.gallery{" late.html && ! grep -q "SPDX" late.html'
check 'a command on the page wraps' grep -q 'white-space:pre-wrap' late.html

copy broken
echo nothing >"broken/images/$first"
expect 1 "^error +broken/images/$first: not an image" '' check --images broken/images \
    --masks broken/masks -o broken.html
check 'the page names it' grep -q "$first" broken.html

# ---- masks that number objects: what cutting them apart would gain ----

# numbers FILE LIGHT: 25 squares of 8 x 8 pixels, as numbers times LIGHT
numbers() {
    printf 'P5 50 50 255\n' >"$1"
    LC_ALL=C awk -v light="$2" 'BEGIN {
        for (y = 0; y < 50; y++)
            for (x = 0; x < 50; x++)
                printf("\\0%o", x % 10 < 8 && y % 10 < 8 ? light * (int(y / 10) * 5 + int(x / 10) + 1) : 0)
    }' | { read -r codes; printf '%b' "$codes"; } >>"$1"
}
mkdir -p cells/images cells/masks
numbers cells/images/a.pgm 5
numbers cells/masks/a.pgm 1
expect 0 '^objects    F1 of the true masks themselves: 1.000 as connected parts' '' \
    check --images cells/images --masks cells/masks --no-page

# ---- what cannot be looked at ----

mkdir empty
expect 1 - 'empty' check --images empty --masks d/masks
expect 1 - 'nowhere' check --images nowhere --masks d/masks
expect 1 '' 'cannot be written' check --images d/images --masks d/masks -o none/p.html
mkdir full
for blocks in 1 24; do # a limit on the size of files acts as a full disk does
    checks=$((checks + 1))
    (
        trap '' XFSZ
        ulimit -f $blocks
        "$unet" check --images d/images --masks d/masks -o full/p.html >/dev/null 2>.small
    )
    code=$?
    [ $code -eq 1 ] || note "a full disk: exit code $code, wanted 1"
    grep -Eq '^unet: full/p\.html: .*(No space left|File too large)' .small ||
        note "a full disk: no reason in: $(cat .small)"
done
check 'a full disk leaves nothing' test -z "$(ls full)"
expect 2 - '--images DIR is missing' check --masks d/masks
expect 0 'look at images and masks' - --help
expect 0 'usage: unet check' - check --help

finish check
