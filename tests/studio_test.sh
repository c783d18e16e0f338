#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet studio as a server: who is let in, what is kept when it is killed, what a project is.
# Usage: studio_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
build=$(cd "$3" && pwd)
. "$2/tests/shell/expect.sh"
mkdir -p d/images
for name in one two three; do # discs on a gradient
    LC_ALL=C awk -v seed=${#name} 'BEGIN { srand(seed); print "P5 256 256 255"
        for (i = 0; i < 9; i++) { x[i] = 256 * rand(); y[i] = 256 * rand() }
        for (v = 0; v < 256; v++) for (u = 0; u < 256; u++) { g = 40 + u / 8
            for (i = 0; i < 9; i++) if ((u - x[i]) ^ 2 + (v - y[i]) ^ 2 < 300) g = 180
            printf "%c", int(g) } }' >d/images/$name.pgm
done
expect 0 'Serves a page' - studio --help
expect 2 - 'IMAGES' studio
if "$unet" studio nowhere 2>&1 | grep -q libmicrohttpd; then
    expect 1 - 'libmicrohttpd-dev' studio d/images
    echo "skipped: unet was built without libmicrohttpd, so there is no server to test"
    finish studio_test
    exit
fi
expect 1 - 'nowhere' studio nowhere
echo 'no image' >text.txt
expect 1 - 'text.txt: not an image file' studio text.txt --no-browser
check 'nothing is left of a project that never was' [ ! -e text.unet ]
client=$build/studio_client

# begin ARGUMENTS...: a server in the background; sets pid and address
begin() {
    rm -f address
    "$unet" studio "$@" --no-browser --paused --threads 1 >address 2>said &
    pid=$!
    tries=0
    while [ ! -s address ] && [ $((tries += 1)) -lt 300 ] && kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
    done
    address=$(cat address)
    [ -n "$address" ] || note "unet studio $*: $(cat said)"
}
# end SIGNAL
end() {
    kill -"$1" "$pid"
    wait "$pid" 2>/dev/null
}
# say WHAT PATTERN METHOD PATH [JSON]: the answer has the pattern
say() {
    what=$1 pattern=$2
    shift 2
    checks=$((checks + 1))
    "$client" "$address" "$@" >said_by 2>&1
    grep -Eq -- "$pattern" said_by || note "$what: no \"$pattern\" in: $(head -c 400 said_by)"
}

# -- who may ask --
begin d/images
case $address in
http://127.0.0.1:*/#???????????????????????????????????????????) ;;
*) note "the address is $address" ;;
esac
checks=$((checks + 1))
"$client" "$address" attack >attacks 2>&1 || note "attacks: $(cat attacks)"

# -- two servers --
expect 1 - "another unet studio works there \(process $pid on " studio d/images --no-browser
expect 1 - 'port [0-9]*: cannot be listened on' studio d/images -o busy.unet --no-browser \
    --port "$(echo "$address" | tr -dc '0-9#' | sed 's/#.*//; s/^127001//')"
check 'nothing is left of a project that found its port taken' [ ! -e busy.unet ]
say 'the first goes on' '"name":"one.pgm"' get /api/project

# -- a client's request counts once; two pages see the same --
stroke='{"client":"page-one","seq":5,"tool":"brush","class":1,"radius":4,"points":[50,50,90,60]}'
: >heard
"$client" "$address" listen labels 30 >>heard &
listener=$!
tries=0
while [ ! -s heard ] && [ $((tries += 1)) -lt 300 ]; do
    sleep 0.05
done
say 'a stroke' '"stroke":0.*"revision":1[,}]' post /api/images/1/strokes "$stroke"
wait "$listener" || note "the other page heard nothing"
check 'the other page hears who painted where' grep -q '"client":"page-one"' heard
say 'a stroke again' '"stroke":0.*"repeated":true' post /api/images/1/strokes "$stroke"
say 'an older one' 'seq: 4 after 5' post /api/images/1/undo '{"client":"page-one","seq":4}'
say 'undo' '"painted":0,.*"undo":false,"redo":true,"stroke":0' \
    post /api/images/1/undo '{"client":"page-one","seq":6}'
say 'nothing to undo' '"stroke":null' post /api/images/1/undo '{"client":"page-one","seq":7}'
say 'redo' '"undo":true,"redo":false,"stroke":0' \
    post /api/images/1/redo '{"client":"page-one","seq":8}'
say 'fill' '"stroke":1' post /api/images/1/strokes \
    '{"client":"page-one","seq":9,"tool":"fill","class":0,"points":[200,200]}'
say 'a value' '"label":0' get '/api/images/1/value?x=200&y=200'
say 'one class alone' '2 to 254' post /api/classes '{"classes":[{"name":"a","color":"#000000"}]}'
say 'a third class' '"third"' post /api/classes \
    '{"classes":[{"name":"a","color":"#000000"},{"name":"b","color":"#000001"},{"name":"third","color":"#ffffff"}]}'
say 'a stroke of it' '"stroke":2' post /api/images/1/strokes \
    '{"client":"page-one","seq":10,"tool":"polygon","class":2,"points":[1,1,9,1,1,9]}'
say 'a class that is painted stays' 'class 2 is painted' post /api/classes \
    '{"classes":[{"name":"a","color":"#000000"},{"name":"b","color":"#000001"}]}'
say 'undo' '"stroke":2' post /api/images/1/undo '{"client":"page-one","seq":11}'
say 'other classes, whose names are one line each' '"ce ll"' post /api/classes \
    '{"classes":[{"name":"rest","color":"#102030"},{"name":"ce\nll","color":"#a0b0c0"}]}'
say 'settings' '\{\}' post /api/settings '{"opacity":0.5}'
say 'settings are kept' '"settings":\{"opacity":0.5\}' get /api/project
say 'nothing to take over yet' '"error"' post /api/images/1/strokes \
    '{"client":"page-one","seq":12,"tool":"accept","what":"image"}'

# -- killed while somebody paints: what was answered is there, the next one counts on --
: >answered
"$client" "$address" paint 0 page-two 1 2000 >>answered &
painter=$!
tries=0
while [ "$(wc -l <answered)" -lt 60 ] && [ $((tries += 1)) -lt 300 ]; do
    sleep 0.05
done
end KILL
wait "$painter" 2>/dev/null
last=$(tail -n 1 answered)
begin d/images
"$client" "$address" get /api/project >project
strokes=$(grep -oE '"strokes":[0-9]+' project | head -n 1 | tr -dc 0-9)
checks=$((checks + 1))
# (one more may be on the disk whose answer did not come through)
[ "$strokes" -eq "$last" ] || [ "$strokes" -eq $((last + 1)) ] ||
    note "$last strokes were answered, $strokes are there after kill -9"
check 'the other image is as it was' grep -q '"strokes":2' project
check 'classes are kept' grep -q '"name":"ce ll"' project
say 'the last one again' '"repeated":true' post /api/images/0/strokes \
    "{\"client\":\"page-two\",\"seq\":$strokes,\"tool\":\"brush\",\"class\":0,\"radius\":1,\"points\":[1,1]}"
end TERM
# -- a torn end is cut off --
printf 'STRK\144\0\0\0torn' >>d/images.unet/strokes.journal
begin d/images.unet
check 'what was torn is said' grep -q 'never finished' said
"$client" "$address" get /api/project >project
checks=$((checks + 1))
[ "$(grep -oE '"strokes":[0-9]+' project | head -n 1 | tr -dc 0-9)" = "$strokes" ] ||
    note "strokes are lost with a torn end"
end INT

# -- an ordinary folder: masks are there, and other commands take them --
check 'masks of what is painted alone' [ "$(ls d/images.unet/masks | wc -l)" -eq 2 ]
expect 0 '' '' check --images d/images --masks d/images.unet/masks --only-pairs --labels indices
expect 0 '' - train --images d/images --masks d/images.unet/masks --only-pairs --labels indices \
    -o run --steps 2 --steps-per-epoch 2 --width 4 --depth 2 --tile 32 --threads 1 --quiet --val-share 0

# -- masks made elsewhere begin a project, where nothing is painted; each once --
begin d/images.unet
"$client" "$address" get /api/project | grep -oE '"painted":[0-9]+' >painted
end TERM
for time in first second; do
    begin d/images -o again.unet --masks d/images.unet/masks --labels indices
    "$client" "$address" get /api/project >project
    end TERM
    checks=$((checks + 1))
    grep -oE '"painted":[0-9]+' project | cmp -s - painted ||
        note "masks taken in, $time time: $(grep -oE '"painted":[0-9]+' project | tr '\n' ' ')"
    check 'one stroke for each mask' [ "$(grep -o '"strokes":1[,}]' project | wc -l)" -eq 2 ]
done
check 'nothing is taken in twice' grep -q 'masks were taken in for 0 images' said
expect 1 - 'nothing: ' studio d/images -o third.unet --masks nothing --no-browser
check 'nothing is left of a project whose masks are not there' [ ! -e third.unet ]

# -- also into a project that is there; names and values as --labels says, and it is said --
mkdir grey
for name in one two; do
    {
        printf 'P5 256 256 255\n'
        head -c 32768 /dev/zero
        head -c 32768 /dev/zero | tr '\0' '\310'
    } >grey/$name.pgm
done
begin d/images -o later.unet
end TERM
begin later.unet --masks grey --labels 'rest=0,cell=200'
say 'masks are taken into a project' '"name":"rest".*"name":"cell"' get /api/project
"$client" "$address" get /api/project >project
check 'of the images that have some' [ "$(grep -oE '"painted":65536,' project | wc -l)" -eq 2 ]
check 'and what they were taken for is said' grep -q 'masks: grey values 0 = rest, 200 = cell' said
say 'values are classes' '"label":1' get '/api/images/0/value?x=200&y=200'
end TERM

# -- a name that project.json cannot hold would move the numbers of others --
cp -r d/images odd
cp d/images/one.pgm "$(printf 'odd/p\377.pgm')"
begin odd -o odd.unet
check 'it is said' grep -q 'its name is no UTF-8' said
say 'and left out' '"name":"one.pgm".*"name":"three.pgm".*"id":2,.*"name":"two.pgm"' get /api/project
end TERM

# -- an array of floats goes in as it is, and one that is far from 0 to 1 is said --
mkdir arrays
{
    printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (16, 16), }"
    LC_ALL=C awk 'BEGIN { for (i = 0; i < 256; i++) printf "%c", 67 + i % 2 }' |
        LC_ALL=C sed 's/[CD]/\x01\x01\x7a&/g' # C: about 129, D: about 500
} >arrays/raw.npy
begin arrays
check 'a float array that is not scaled is said' grep -q 'raw.npy: values from .* go to the network as they are' said
checks=$((checks + 1))
"$client" "$address" listen trouble 20 2>&1 | grep -q 'raw.npy: values from' || note 'the page does not hear of it'
end TERM

# -- a folder of somebody else --
if [ "$(id -u)" -ne 0 ]; then
    mkdir closed
    chmod 555 closed
    expect 1 - 'closed/lock: cannot be written: Permission denied' studio d/images -o closed
    chmod 755 closed
fi
finish studio_test
