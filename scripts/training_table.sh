#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The table of docs/training.md: isbi2012, slices 00-15 to train on, 16-19 to score, with and without
# elastic deformation and border weights, the same number of steps each.
#
#     scripts/training_table.sh UNET FOLDER STEPS [train options...]
#
# Rows whose model is in FOLDER are not trained again.
set -eu
unet=$1 folder=$2 steps=$3
shift 3
mkdir -p "$folder"
"$(dirname "$0")/real_training.sh" "$unet" "$folder" isbi 0
[ -d "$folder/test/images" ] || exit 0

row() { # row NAME OPTIONS...
    name=$1
    shift
    [ -f "$folder/$name/done" ] || {
        "$unet" train --images "$folder/train/images" --masks "$folder/train/masks" \
            --val-share 0 -o "$folder/$name" --overwrite --steps "$steps" --quiet "$@"
        touch "$folder/$name/done"
    }
    "$unet" eval "$folder/$name/last.safetensors" --images "$folder/test/images" \
        --masks "$folder/test/masks" --isbi --json --quiet >"$folder/$name.json"
    echo "$name: $(cat "$folder/$name.json")"
}
plain='--elastic 0 --rotate 0 --border-weight 0'
elastic='--elastic 10 --elastic-grid 150 --rotate 180'
border='--border-weight 10 --border-sigma 5'
row plain $plain "$@"
row elastic $plain $elastic "$@"
row border $plain $border "$@"
row both $plain $elastic $border "$@"
