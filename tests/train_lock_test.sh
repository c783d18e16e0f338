#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two trainings in one folder: the second is refused, until the first ends, however it ends.
# Usage: train_lock_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
. "$2/tests/shell/expect.sh"
expect 0 '' - demo d --time 1s --quiet
set -- --images d/images --masks d/masks --width 4 --depth 2 --batch 1 --tile 32 --threads 1

# begin FOLDER OPTIONS...: a training in the background that does not end; waits for its lock
begin() {
    folder=$1
    shift
    "$unet" train "$@" -o "$folder" --steps 1000000 --steps-per-epoch 2 --quiet 2>/dev/null &
    pid=$!
    tries=0
    while [ ! -s "$folder/${inside}last.safetensors" ] && [ $((tries += 1)) -lt 600 ]; do
        sleep 0.1
    done
}
# end_by SIGNAL
end_by() {
    kill -"$1" "$pid"
    wait "$pid" 2>/dev/null
}

inside=
begin run "$@"
for way in '--overwrite' ''; do
    expect 1 - "^unet: run: another unet train works there \(process $pid on " \
        train "$@" $way -o run --steps 4
    one_line 'a second training'
done
expect 1 - "another unet train works there \(process $pid on " train --resume run --steps 4
expect 0 '' - predict run d/images/cells_001.png -o seen.png --quiet
expect 0 '' - info run/best.safetensors
expect 0 '^tiles ' - train "$@" --dry-run
end_by KILL
check 'a killed run leaves its lock file' test -f run/lock
expect 0 - - train "$@" -o run --overwrite --steps 4 --steps-per-epoch 2 --quiet
absent 'a run that ended' run/lock
check 'the record has all steps, once' test "$(grep -c '"kind":"step"' run/history.jsonl)" -eq 4
expect 0 - - train --resume run --steps 6 --quiet
check 'and those of the resumed' test "$(grep -c '"kind":"step"' run/history.jsonl)" -eq 6

inside=fold1/
begin folds "$@" --folds 2
expect 1 - "^unet: folds: another unet train works there \(process $pid on " \
    train "$@" -o folds --folds 2 --overwrite --steps 4
expect 1 - "^unet: folds: another unet train works there \(process $pid on " train --resume folds
end_by INT

# both begin a run that is not there: one trains
"$unet" train "$@" -o both --steps 40 --quiet 2>one.err &
pid=$!
"$unet" train "$@" -o both --steps 40 --quiet 2>two.err
first=$?
wait "$pid"
second=$?
checks=$((checks + 1))
[ $((first + second)) -eq 1 ] || note "two at once end with $first and $second: $(cat one.err two.err)"
check 'forty steps and no more' test "$(grep -c '"kind":"step"' both/history.jsonl)" -eq 40

finish train_lock_test
