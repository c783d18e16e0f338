#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Cross-validation as an array of jobs, what a run held out, and the signal of a scheduler.
# Usage: folds_test.sh UNET_BINARY SOURCE BUILD
. "$(dirname "$0")/shell/expect.sh"

expect 0 '' - demo d --time 1s --quiet
mkdir i m
for k in 1 2 3 4 5 6 7; do
    cp "d/images/cells_00$k.png" i/$k.png
    cp "d/masks/cells_00$k.png" m/$k.png
done
set -- train --images i --masks m --width 2 --depth 2 --batch 1 --tile 32 --threads 1 --val-by images
folds="--folds 3 --steps 12 --steps-per-epoch 6"

# held_out FILE, trained FILE: the names in a split.json, sorted
names() { sed -n "/\"$1\": \[/,/\]/p" "$2" | sed -n 's/^ *"\([^"]*\.png[^"]*\)",*$/\1/p' | sort; }

# ---- one process for all folds, and one for each of them at the same time ----

# shellcheck disable=SC2086  # several words
expect 0 '^mean ' '' "$@" -o whole $folds
for fold in 0 1 2; do
    # shellcheck disable=SC2086
    "$unet" "$@" -o array $folds --fold $fold >fold$fold.out 2>fold$fold.err &
    jobs="${jobs-} $!"
done
for job in $jobs; do check "fold by itself: $(cat fold*.err)" wait "$job"; done
for fold in 1 2 3; do
    check "fold $fold is the same by itself" \
        cmp whole/fold$fold/best.safetensors array/fold$fold/best.safetensors
done
check 'and the summary is' cmp whole/folds.json array/folds.json
check 'which the last one prints' sh -c 'cat fold?.out | grep -q "^mean "'
check 'fold 0 is the last' grep -q '^fold 3 of 3$' fold0.err
absent 'locks of folds that are done' array/lock array/fold1/lock array/fold3/lock
expect 0 '^mean ' 'nothing left to do: all 3 folds are done' train --resume array
expect 0 '^mean ' 'nothing left to do: fold 3 of 3 is done' train --resume array --fold 0

# each image is held out once
for fold in 1 2 3; do names held_out array/fold$fold/split.json; done >held
ls i >images
checks=$((checks + 1))
sort held | cmp -s - images || note "held out, all folds: $(sort held | tr '\n' ' ')"
for fold in 1 2 3; do
    { names held_out array/fold$fold/split.json; names trained array/fold$fold/split.json; } | sort >both
    check "fold $fold trains on the others" cmp both images
done
check 'the split does not hang on who asks' cmp whole/fold2/split.json array/fold2/split.json

# ---- folds that are not all there ----

# shellcheck disable=SC2086
expect 0 '' '^fold 2 of 3 is done; 2 others are not yet: unet train --resume some --fold I$' "$@" -o some $folds --fold 2
expect 1 - 'some: fold1 has no best.safetensors yet' predict some i/1.png -o x.png
# shellcheck disable=SC2086
expect 1 - 'some/fold2: has a run already; --resume some --fold 2 goes on with it' "$@" -o some $folds --fold 2
# shellcheck disable=SC2086
expect 1 - 'some: has a run already that was told another --lr; ' "$@" -o some $folds --fold 1 --lr 0.1
# shellcheck disable=SC2086
expect 1 - 'some: has a run already' "$@" -o some $folds
expect 0 '' 'fold 1 of 3 is done; 1 other is not yet' train --resume some --fold 1
check 'a fold begun by --resume is the same' cmp whole/fold1/best.safetensors some/fold1/best.safetensors
# shellcheck disable=SC2086
expect 0 '' 'fold 2 of 3 is done; 1 other' "$@" -o some $folds --fold 2 --overwrite --threads 2
expect 0 '^mean ' '' train --resume some
check 'all folds after one by one' cmp whole/folds.json some/folds.json
expect 0 - '' predict some i/1.png -o x.png --quiet
expect 2 - '--fold 1: of how many, --folds K says' "$@" -o no --fold 1
expect 2 - '--fold: found 4 of 3, wanted 1 to 3, or 0 to 2' "$@" -o no --folds 3 --fold 4
expect 2 - '--fold: found "-1"' "$@" -o no --folds 3 --fold=-1
absent 'a refused fold' no
# a plain run is no place for folds
expect 0 '' '' "$@" -o plain --steps 6
# shellcheck disable=SC2086
expect 1 - 'plain: has a run already' "$@" -o plain $folds --fold 1

# two that begin one fold at once: the second trains it neither beside the first nor after it
for k in 1 2; do
    "$unet" "$@" -o twice --folds 3 --fold 2 --steps 2 --quiet 2>twice.$k &
    eval "job$k=\$!"
done
wait "$job1"
one=$?
wait "$job2"
two=$?
checks=$((checks + 1))
[ $((one + two)) -eq 1 ] && cat twice.1 twice.2 | grep -Eq 'has a run already|another unet train works there' ||
    note "two of one fold end with $one and $two: $(cat twice.1 twice.2)"

# ---- eval --held-out ----

# dice FILE: those of all classes and without class 0, and how many images
dice() { sed 's/"per_image".*//; s/"classes".*"all_/"all_/' "$1" | grep -oE '"(all_dice|mean_dice|images)":[0-9.]+' | sort | tr '\n' ' '; }
for run in plain array/fold2; do
    expect 0 '"held_out":true' - eval $run --held-out --json --quiet
    cp .out told
    rm -rf sub && mkdir -p sub/i sub/m
    names held_out $run/split.json | while read -r name; do cp i/$name sub/i; cp m/$name sub/m; done
    expect 0 '' - eval $run --images sub/i --masks sub/m --json --quiet
    checks=$((checks + 1))
    [ "$(dice told)" = "$(dice .out)" ] || note "$run, held out: $(dice told), by hand $(dice .out)"
done
expect 0 '^images +7$' '' eval array --held-out
check 'each fold has a row' sh -c "grep -cE '^[123] +[23] ' .out | grep -q 3"
check 'and a mean, and a spread' sh -c "grep -qE '^mean +0' .out && grep -qE '^\+- +0' .out"
expect 0 '"folds":\[\{"fold":1,"images":[23],' - eval array --held-out --json --quiet
for fold in 1 2 3; do
    "$unet" eval array/fold$fold --held-out --json --quiet >one
    value=$(grep -oE '"all_dice":[0-9.]+' one | head -1)
    check "fold $fold in the sum" grep -q "\"fold\":$fold,\"images\":[23],\"mean_dice\":[0-9.]*,$value" .out
done
check 'of each image, who held it out' sh -c "grep -oE '\"fold\":[123]}' .out | wc -l | grep -qx 7"
expect 0 '' - eval array --held-out --csv table.csv --quiet
check 'a table of all images' test "$(wc -l <table.csv)" -eq 8
# a fold that was copied, or whose record is not whole, counts no image twice and none by chance
cp -r array odd && cp odd/fold1/split.json odd/fold2/split.json
expect 1 - 'odd/fold2/split.json: [1-7].png was held out, and odd/fold1/split.json says so, too' eval odd --held-out
echo '{"format": 1, "trained": [], "held_out": [1]}' >odd/fold2/split.json
expect 1 - 'odd/fold2/split.json: lists no images' eval odd --held-out
echo '{"format": 1, "trained": [], "held_out": ["1.png"]}' >odd/fold2/split.json
expect 1 - 'odd/fold2/split.json: does not say where the images were; wanted --images' eval odd/fold2 --held-out --quiet
rm odd/fold2/best.safetensors
expect 1 - 'odd/fold2: no best.safetensors in this run; its newest model is odd/fold2/last' predict odd/fold2 i -o x/
rm -r odd
# moved, and from another folder
mv i elsewhere
expect 1 - 'i: ' eval array --held-out --quiet
expect 0 '^images +7$' - eval array --held-out --images elsewhere --quiet
rm elsewhere/3.png
expect 1 - 'fold[123]/split.json: 3.png was held out, and is not among the images now' eval array --held-out \
    --images elsewhere --only-pairs --quiet
mv elsewhere i && cp "d/images/cells_003.png" i/3.png
expect 0 '' '' "$@" -o all --steps 2 --val-share 0
expect 1 - 'all: held no image out' eval all --held-out
expect 2 - '--held-out is for a RUN' eval --held-out
expect 2 - '--masks DIR is missing' eval plain --images i
expect 1 - '--held-out wants the folder of a run' eval plain/best.safetensors --held-out
expect 0 '' '' "$@" -o beside --steps 2 --val-images i --val-masks m
expect 0 '^images +7$' - eval beside --held-out --quiet
rm plain/split.json
expect 1 - 'plain/split.json: not there, which says what was held out' eval plain --held-out
expect 0 '' '' train --resume plain --steps 8 --schedule poly
check 'a run that goes on writes it' test -s plain/split.json
expect 1 - 'plain/split.json: [1-7].png was (trained on|held out) when this run began, and is' \
    train --resume plain --steps 10 --schedule poly --seed 12

# ---- a scheduler's signal ----

endless="--steps 1000000 --steps-per-epoch 4 --schedule constant"
# cut_off FOLDER ARGUMENTS...: a training that gets SIGTERM when it has begun, after more seconds where
# the machine is slow; sets status
cut_off() {
    folder=$1
    shift
    for seconds in 2 5 12 30 60; do
        rm -rf "$folder"
        timeout --preserve-status -s TERM $seconds "$unet" "$@" -o "$folder" --quiet 2>.err
        status=$?
        [ $status -eq 143 ] || return 0 # it was still about to begin
    done
}
# shellcheck disable=SC2086
cut_off cut "$@" $endless
checks=$((checks + 1))
[ $status -eq 130 ] && grep -q '^unet: interrupted: .* unet train --resume cut goes on$' .err ||
    note "timeout -s TERM: $status, $(cat .err)"
steps=$(grep -c '"kind":"step"' cut/history.jsonl)
steps=$((steps + 8))
expect 0 - '' train --resume cut --steps $steps --quiet
# shellcheck disable=SC2086
expect 0 - '' "$@" -o calm $endless --steps $steps --quiet
check "a run of $steps steps after SIGTERM" cmp cut/last.safetensors calm/last.safetensors
# shellcheck disable=SC2086
cut_off cuts "$@" $endless --folds 2 --fold 1
checks=$((checks + 1))
[ $status -eq 130 ] && grep -q '^unet: interrupted: .* unet train --resume cuts --fold 1 goes on$' .err ||
    note "timeout -s TERM, a fold: $status, $(cat .err)"
# shellcheck disable=SC2086
timeout --foreground -s KILL 2 "$unet" train --resume cuts --fold 1 --quiet 2>/dev/null
expect 0 - 'fold 1 of 2, resumed' train --resume cuts --fold 1 --steps $(($(grep -c '"kind":"step"' cuts/fold1/history.jsonl) + 2))

finish folds_test
