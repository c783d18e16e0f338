#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What results keep of their images, by nibabel, rasterio, tifffile imagecodecs and the schema of OME-XML.
# Usage: scripts/check_geometry.sh UNET FOLDER      FOLDER keeps the Python environment
set -eu
cd "$(dirname "$0")/.."
unet=$1
folder=$2
[ -x "$folder/bin/pip" ] || python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check numpy nibabel rasterio tifffile imagecodecs ome-types xmlschema
"$folder/bin/python" scripts/check_geometry.py "$unet"
