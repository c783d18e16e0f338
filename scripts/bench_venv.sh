#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes (or completes) the Python environment that bench/networks.py measures other engines in.
# Usage: scripts/bench_venv.sh FOLDER        Fails when Python or the package index is not there.
set -eu
folder=$1
packages="torch onnx onnxscript onnxruntime openvino ncnn pnnx safetensors numpy pillow"

command -v python3 >/dev/null 2>&1 || {
    echo "bench: no python3, so other engines cannot be measured" >&2
    exit 1
}
if ! [ -x "$folder/bin/pip" ]; then
    python3 -m venv "$folder" 2>/dev/null || {
        rm -rf "$folder"
        echo "bench: python3 -m venv does not work (Debian: apt-get install python3-venv)" >&2
        exit 1
    }
fi
command -v g++ >/dev/null 2>&1 ||
    echo "bench: no g++, so torch.compile will fail (Debian: apt-get install g++)" >&2
missing=""
for package in $packages; do
    ls -d "$folder"/lib/python3*/site-packages/"$package"-*.dist-info >/dev/null 2>&1 ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "Installing into $folder what is missing:$missing"
case $missing in
*torch*) echo "(torch brings its CUDA libraries along, used or not: 6 GB of disk)" ;;
esac
# shellcheck disable=SC2086  # a list of words
"$folder/bin/pip" install --quiet --disable-pip-version-check $missing || {
    echo "bench: pip failed, so other engines cannot be measured" >&2
    exit 1
}
