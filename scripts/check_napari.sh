#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/napari-fiji.md, tried: scripts/check_napari.py with what it needs from the package index, and with the
# Python package of build-test/.  Usage: scripts/check_napari.sh UNET FOLDER
set -eu
cd "$(dirname "$0")/.."
unet=$1 folder=$2
mkdir -p "$folder"
[ -x "$folder/venv/bin/pip" ] || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy roifile tifffile pandas
"$folder/venv/bin/pip" install --quiet napari || echo "check_napari: napari cannot be had here"
PYTHONPATH=$(dirname "$unet")/python "$folder/venv/bin/python" -W ignore scripts/check_napari.py "$unet" "$folder/files" examples/napari_segment.py
