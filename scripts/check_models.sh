#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Networks that other programs make, read by unet and compared; and ours, there and back.
# Usage: scripts/check_models.sh UNET FOLDER      FOLDER keeps the Python environment
set -eu
cd "$(dirname "$0")/.."
unet=$1
folder=$2
[ -x "$folder/bin/pip" ] || python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check torch numpy pillow dynamic_network_architectures \
    torch_em keras h5py segmentation_models_pytorch monai onnx onnxruntime safetensors
"$folder/bin/python" scripts/check_models.py "$unet"
"$folder/bin/python" scripts/check_exchange.py "$unet"
