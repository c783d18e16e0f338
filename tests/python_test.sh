#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests of the Python package, where the build found Python with its headers, NumPy and pytest.
# Usage: python_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
set -eu
unet=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
build=$(cd "$3/python" 2>/dev/null && pwd) || build=""
if [ -z "$build" ] || [ ! -e "$build/interpreter" ]; then
    echo "skipped: no Python 3.9 or newer here with its headers, NumPy and pytest"
    exit 0
fi
cd "$2"
UNET_COMMAND=$unet PYTHONPATH=$build PYTHONDONTWRITEBYTECODE=1 exec "$(cat "$build/interpreter")" -m pytest -q \
    -p no:cacheprovider python/tests
