#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The long checks, by parts.  Usage: scripts/check_long.sh [PART...]; all of them by default
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc 2>/dev/null || echo 2)

# name, minutes on two cores, what it does
parts() {
    cat <<PARTS
isa        10  make test with the instruction sets below this processor's best
far        10  the tests by an engine whose memory the host cannot touch
opencl     60  the OpenCL engine: kernels by clang's compilers, operations under oclgrind, the tests by PoCL
reference  60  the C tests by the reference engine, and more where the processor is slow
install     5  installations of every kind, and a build below another project
sanitize   20  the tests under AddressSanitizer and UBSan
fuzz       90  every fuzzer for FUZZ_SECONDS (300)
training   45  real training for TRAIN_TIME (15m) and on every set for SET_TIME (4m)
arena     120  bench/recipes, ARENA="--minutes 3 --recipes auto"; what is finished is not done again
resume      5  a run that is killed 100 times
ranks       3  training by ranks on three hosts (network namespaces), one of which is cut off
report      2  its pages in a browser, at three widths
firefox     2  the page of unet studio in Firefox, where it is installed
outlines    2  outlines there and back by pycocotools, shapely and roifile
images      3  images that pynrrd, SimpleITK, zarr, ome-zarr and tifffile write, sample by sample
models      5  networks of other programs (nnU-Net, Keras), read and compared; ours to PyTorch and back
bioimage    3  bioimage.io packages by the public validator and its test run
geometry    2  what results keep of images, by nibabel, rasterio, tifffile and ome-types
large       6  an image of 1.6 gigapixels below 500 MB
studio      5  unet studio with an image of 1.6 gigapixels, and with 100,000 strokes
slurm       5  the job scripts of docs/cluster.md, by Slurm on one node
napari      4  masks, outlines and measurements as napari and Fiji open them, by roifile, tifffile, pandas, napari
arm        15  the tests on an emulated 64-bit Arm
riscv      10  the tests that read and write files on an emulated RISC-V
s390x      15  the same on an emulated big-endian processor, whose files are those of this one
windows    30  the command for Windows by mingw-w64, its tests and its files under wine
python     10  the Python package: source distribution, wheel, its tests where there is nothing but NumPy
fresh      60  make demo and make test on fresh systems (scripts/check_fresh.sh)
release    15  the static command and its tarball, made twice and tried where there is nothing else
deb        40  Debian's packages made and used on fresh systems (scripts/check_deb.sh)
PARTS
}

part_isa() {
    for isa in avx2 baseline; do
        echo "UNET_ISA=$isa"
        UNET_ISA=$isa make --no-print-directory test
    done
}
build_tests() {
    scripts/setup.sh test
    cmake -S . -B build-test -DCMAKE_BUILD_TYPE=Release >/dev/null
    scripts/build.sh build-test -j"$jobs" "$@"
}
part_far() {
    build_tests
    build_tests --target unet_far
    (cd build-test && UNET_DEVICE=far ctest -R '^test_' -j"$jobs" --output-on-failure)
    for test in predict train eval cli check; do
        UNET_DEVICE=far sh "tests/${test}_test.sh" "$(pwd)/build-test/unet_far" "$(pwd)" "$(pwd)/build-test"
    done
}
part_opencl() {
    scripts/setup.sh opencl
    build_tests
    scripts/check_opencl.sh build-test
}
part_reference() {
    build_tests
    (cd build-test && UNET_DEVICE=reference ctest -R '^test_' -j"$jobs" --output-on-failure)
}
part_install() {
    build_tests
    scripts/check_install.sh build-test
}
part_sanitize() { make --no-print-directory sanitize; }
part_fuzz() { scripts/check_fuzz.sh; }
part_training() { scripts/check_training.sh; }
part_arena() {
    make --no-print-directory all
    # shellcheck disable=SC2086  # a list of words
    bench/recipes/arena.py run build/unet build-long/arena ${ARENA:---minutes 3 --recipes auto}
    # shellcheck disable=SC2086
    bench/recipes/arena.py table build-long/arena ${ARENA:---minutes 3 --recipes auto}
}
part_resume() {
    make --no-print-directory all
    scripts/check_resume.sh build/unet build-long/resume
}
part_ranks() {
    make --no-print-directory all
    scripts/check_ranks.sh build/unet build-long/ranks
}
part_report() {
    build_tests
    scripts/setup.sh page
    scripts/check_report.sh build-test build-long/report
}
part_firefox() {
    build_tests --target unet_cli
    python3 scripts/studio_page.py build-test/unet build-long/firefox --firefox
}
part_outlines() {
    build_tests
    [ -x build-long/outlines/bin/pip ] || python3 -m venv build-long/outlines
    build-long/outlines/bin/pip install --quiet numpy pillow pycocotools shapely roifile jsonschema
    build-long/outlines/bin/python scripts/check_outlines.py build-test/unet
}
part_images() {
    build_tests --target unet_cli unet_shared
    [ -x build-long/images/bin/pip ] || python3 -m venv build-long/images
    build-long/images/bin/pip install --quiet numpy pynrrd SimpleITK zarr ome-zarr tifffile
    build-long/images/bin/python -W ignore scripts/check_images.py build-test volumes zarr slides
}
part_models() {
    build_tests --target unet_cli
    scripts/check_models.sh build-test/unet build-long/models
}
part_bioimage() {
    build_tests --target unet_cli
    scripts/check_bioimage.sh build-test/unet build-long/bioimage
}
part_geometry() {
    build_tests --target unet_cli
    scripts/check_geometry.sh build-test/unet build-long/geometry
}
part_large() {
    make --no-print-directory all
    cmake --build build -j"$jobs" --target big_tiff peak -- --no-print-directory -s
    scripts/check_large.sh build build-long
}
part_studio() {
    build_tests --target unet_cli studio_client big_tiff
    scripts/check_studio.sh build-test build-long
}
part_slurm() {
    build_tests
    scripts/setup.sh slurm
    scripts/check_slurm.sh build-test/unet build-long/slurm
}
part_arm() { scripts/check_cross.sh aarch64; }
part_riscv() { scripts/check_cross.sh riscv64; }
part_s390x() { scripts/check_cross.sh s390x; }
part_windows() { scripts/check_windows.sh; }
part_napari() {
    build_tests --target unet_cli unet_core
    scripts/check_napari.sh build-test/unet build-long/napari
}
part_python() {
    make --no-print-directory all
    scripts/check_python.sh build-long/python
}
part_fresh() { scripts/check_fresh.sh; }
part_release() { scripts/check_release.sh build-long/release; }
part_deb() { scripts/check_deb.sh; }

if [ "$*" = help ]; then
    parts
    exit 0
fi
known=$(parts | awk '{ print $1 }')
for part in "$@"; do
    if ! echo "$known" | grep -qx -- "$part"; then
        echo "usage: scripts/check_long.sh [PART...], of (minutes):" >&2
        parts >&2
        exit 2
    fi
done
# shellcheck disable=SC2086  # a list of words
[ $# -gt 0 ] || set -- $known
mkdir -p build-long
for part in "$@"; do
    echo "check_long: $part"
    "part_$part"
done
echo "check_long: done: $*"
