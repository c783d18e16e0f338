#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A run that is killed with SIGKILL at KILLS (100) random moments and resumed each time ends with the
# weights and the history of one that nobody disturbed, bit for bit; whatever file is there when it
# dies is whole.
#
#     scripts/check_resume.sh UNET FOLDER
set -eu
unet=$1 folder=$2
kills=${KILLS:-100}
rm -rf "$folder"
mkdir -p "$folder"
"$unet" demo "$folder/demo" --time 1s --quiet >/dev/null
set -- --images "$folder/demo/images" --masks "$folder/demo/masks" --width 8 --depth 3 --tile 96 \
    --elastic 8 --rotate 180 --border-weight 5 --border-sigma 4 --dropout 0.2 --average 0.99 \
    --clip 1 --schedule plateau --every 2 --seed 7 --quiet
steps=${STEPS:-900}

"$unet" train "$@" -o "$folder/whole" --steps "$steps"
# the same again, with checkpoints so often that most steps can be lost and found
killed=0
"$unet" train "$@" -o "$folder/killed" --steps "$steps" --checkpoint-every 0.2s &
pid=$!
while [ "$killed" -lt "$kills" ]; do
    sleep "$(awk -v seed="$killed" 'BEGIN { srand(seed + 1); printf "%.3f", 0.15 + 0.9 * rand() }')"
    if ! kill -0 "$pid" 2>/dev/null; then
        break
    fi
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    killed=$((killed + 1))
    for file in best last; do
        [ ! -e "$folder/killed/$file.safetensors" ] ||
            "$unet" info "$folder/killed/$file.safetensors" >/dev/null ||
            { echo "check_resume: $file.safetensors is broken after kill $killed"; exit 1; }
    done
    if [ -e "$folder/killed/checkpoint" ]; then
        "$unet" train --resume "$folder/killed" --quiet &
    else
        "$unet" train "$@" -o "$folder/killed" --steps "$steps" --checkpoint-every 0.2s --overwrite &
    fi
    pid=$!
done
wait "$pid" || { echo "check_resume: the last run failed"; exit 1; }
for file in best.safetensors last.safetensors; do
    cmp "$folder/whole/$file" "$folder/killed/$file" ||
        { echo "check_resume: $file differs after $killed kills"; exit 1; }
done
# the history, but for what a clock tells
for run in whole killed; do
    sed 's/,"seconds":.*//; s/, "seconds":.*//' "$folder/$run/history.jsonl" >"$folder/$run.lines"
done
cmp "$folder/whole.lines" "$folder/killed.lines" ||
    { echo "check_resume: the history differs after $killed kills"; exit 1; }
echo "check_resume: $killed kills, $(wc -l <"$folder/killed.lines") lines of history, the same bits"
