#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command and the library for Windows (64 bits), by Debian's mingw-w64, in build-windows/: unet.exe,
# which needs no DLL, libunet.dll and libunet.a, with libraries from Debian's sources (scripts/libraries.sh).
# Then, under Debian's wine, the C tests, and the command as a person uses it: it trains, predicts and
# scores, and makes the files that this system's command makes.  Windows itself is not asked.
#
# Not there: unet studio, MPI, OpenSlide.  Left out of the tests are those that end a process by a
# signal, limit it (ulimit), fork it, put something in the place of the C library's functions, or make
# files with names that Windows does not take, or that differ by capitals alone.
# The last line is "N passed, N failed".
# Usage: scripts/check_windows.sh [REGEX]   REGEX: of the tests, as ctest -R takes it
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)
build=$here/build-windows
only=${1:-.}
left_out='^(test_(far|opencl|file|killed|pool|threads|together|training|stream_ranks|ranks|slide|abi|model|torch_write|image_refused'
left_out=$left_out'|objects_split|objects_shown|pairs_layouts|run|run_page)|far_.*)$'
jobs=${CTEST_PARALLEL_LEVEL:-$(nproc 2>/dev/null || echo 2)}

scripts/setup.sh build
scripts/setup.sh windows
mkdir -p "$build"
UNET_SOURCES=${UNET_SOURCES:-$build/sources} scripts/libraries.sh "$build/libraries" windows
prefix=$build/libraries/prefix
cat >"$build/toolchain.cmake" <<TOOLS
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
set(CMAKE_CROSSCOMPILING_EMULATOR $build/in-wine)
set(CMAKE_FIND_ROOT_PATH $prefix)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} $prefix/lib/pkgconfig)
TOOLS
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
cat >"$build/in-wine" <<RUN
#!/bin/sh
WINEPREFIX="$build/wine" WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" exec "$wine" "\$@"
RUN
cat >"$build/unet-in-wine" <<RUN
#!/bin/sh
exec "$build/in-wine" "$build/unet.exe" "\$@"
RUN
chmod +x "$build/in-wine" "$build/unet-in-wine"

export PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig" PKG_CONFIG_PATH=
cmake -S . -B "$build" -DCMAKE_TOOLCHAIN_FILE="$build/toolchain.cmake" -DCMAKE_BUILD_TYPE=Release -DUNET_BENCH=OFF \
    -DPKG_CONFIG_ARGN=--static -DCMAKE_PREFIX_PATH="$prefix" -DGIF_INCLUDE_DIR="$prefix/include" \
    -DGIF_LIBRARY="$prefix/lib/libgif.a" -DUNET_LACKS="JBIG, Lerc, LZMA, zstd and WebP in TIFF" >"$build/cmake.log"
unset PKG_CONFIG_LIBDIR PKG_CONFIG_PATH
wanted=$(cd "$build" && ctest -N -R "$only" -E "$left_out" | sed -nE 's/.*Test +#[0-9]+: (test_[a-z0-9_]+)$/\1/p')
[ -n "$wanted" ] || { echo "check_windows: no test is called $only" >&2; exit 2; }
# shellcheck disable=SC2086  # a list of words
scripts/build.sh "$build" -j"$jobs" --target unet_cli unet_shared unet_static $wanted
dlls=$(x86_64-w64-mingw32-objdump -p "$build/unet.exe" | sed -nE 's/.*DLL Name: //p' | tr 'A-Z\n' 'a-z ')
case " $dlls" in
*winpthread* | *libgcc* | *libunet* | *png* | *tiff*) echo "check_windows: unet.exe asks for $dlls" >&2; exit 1 ;;
esac
"$build/in-wine" wineboot -i >/dev/null 2>&1 || true
(cd "$build" && ctest -j"$jobs" -R "$only" -E "$left_out|_test$" --output-on-failure) >"$build/ctest.log" 2>&1 || true
grep -vE '^(Internal|Test project|Total Test|      Start)' "$build/ctest.log" || true
passed=$(grep -cE '^ *[0-9]+/[0-9]+ Test .* Passed' "$build/ctest.log") || true
failed=$(($(echo "$wanted" | wc -l) - passed))

# -- the command, beside this system's --
scripts/setup.sh build
cmake -S . -B build-test -DCMAKE_BUILD_TYPE=Release >/dev/null
scripts/build.sh build-test -j"$jobs" --target unet_cli
try() { # try NAME COMMAND...: one more that passed or failed
    name=$1
    shift
    if "$@" >"$build/said" 2>&1; then
        passed=$((passed + 1))
        echo "passed: $name"
    else
        failed=$((failed + 1))
        echo "FAILED: $name: $(tail -n 5 "$build/said")"
    fi
}
unet() { "$build/unet-in-wine" "$@"; }
says() { # says WORDS COMMAND...: which fails and says so
    words=$1
    shift
    ! "$@" >"$build/words" 2>&1 && grep -q "$words" "$build/words" || { cat "$build/words"; return 1; }
}
same_folder() { # masks of both commands
    for file in "$1"/*; do
        cmp "$file" "$2/${file##*/}" || return 1
    done
}
same_pixels() { # of TIFFs, which another library may have packed
    "$here/build-test/unet" eval --predicted "$1" --masks "$2" --json --quiet | grep -q '"accuracy":1.0,"classes"'
}
work=$build/try
rm -rf "$work"
mkdir "$work"
cd "$work"
try "unet --version" unet --version
try "unet demo: images, training, scores, a report" unet demo demo --time 20s --quiet
model=demo/model.safetensors
try "predict, to PNG" unet predict $model 'demo\test\images' -o 'masks\png' --quiet
try "predict, to PNG that is there" unet predict $model demo/test/images -o masks/png --quiet
try "predict, to TIFF" unet predict $model demo/test/images -o masks/tif --format tif --quiet
try "this system's, to PNG" "$here/build-test/unet" predict $model demo/test/images -o here/png --quiet
try "this system's, to TIFF" "$here/build-test/unet" predict $model demo/test/images -o here/tif --format tif --quiet
try "PNG with the same bytes" same_folder masks/png here/png
try "TIFF with the same pixels" same_pixels masks/tif here/tif
try "eval" unet eval $model --images demo/test/images --masks demo/test/masks --quiet
try "objects, as TIFF" unet predict $model demo/test/images/cells_501.png --instances cells.tif --quiet
try "predict, of TIFF" unet predict $model cells.tif -o again.png --quiet
try "this system's, of TIFF" "$here/build-test/unet" predict $model cells.tif -o again_here.png --quiet
try "the same bytes of TIFF" cmp again.png again_here.png
{
    printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (64, 64), }"
    head -c 4096 "$build/unet.exe"
} >scan.npy
try "predict, of .npy" unet predict $model scan.npy -o scan.png --quiet
try "this system's, of .npy" "$here/build-test/unet" predict $model scan.npy -o here.png --quiet
try "the same bytes of .npy" cmp scan.png here.png
cp demo/test/images/cells_501.png 'zellen grün.png'
try "a name in UTF-8" unet predict $model 'zellen grün.png' -o 'maske grün.png' --quiet
try "a file of that name" cmp 'maske grün.png' masks/png/cells_501.png
try "one that is not there" says 'nowhere.png' unet predict $model nowhere.png -o x.png
try "unet studio says what it is not in" says 'not in the command for Windows' unet studio demo/images
cd "$here"
try "files of both, there and back (scripts/same_files.sh)" \
    scripts/same_files.sh build-test/unet "$build/unet-in-wine" "$build/same"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
