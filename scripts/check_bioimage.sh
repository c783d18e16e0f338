#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bioimage.io packages by the public validator and its test run, there and back.
# Usage: scripts/check_bioimage.sh UNET FOLDER      FOLDER keeps the Python environment
set -eu
cd "$(dirname "$0")/.."
unet=$1
folder=$2
# what bioimageio.spec 0.5.12 says of itself, later versions of pydantic contradict
[ -x "$folder/bin/pip" ] || python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check bioimageio.spec bioimageio.core onnxruntime numpy 'pydantic<2.12'
"$folder/bin/python" scripts/check_bioimage.py "$unet"
