#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The libraries that unet is made with, as static archives, for a program that is one file: built from
# the sources of the Debian that this is, with its patches.  FOLDER/prefix has archives, headers and
# pkg-config files, FOLDER/licences each one's copyright, FOLDER/libraries.txt a line for each: source
# package, version, archives, licence.  What is there and whole is not built again.
#
# No library of these is under the GPL: libtiff goes without jbigkit for that reason (bilevel JBIG, a
# fax's compression, is then refused by name), and without Lerc, which is C++; blosc without snappy, C++
# too; libmicrohttpd without GnuTLS (the studio speaks plain HTTP on this machine alone); libzip with
# zlib alone, which is all that PyTorch's archives use.
#
# For Windows, by Debian's compiler of mingw-w64: those that are needed, with TRE for POSIX's patterns, which
# Windows lacks, and cmocka for the tests.
#
# Usage: scripts/libraries.sh FOLDER [windows]   UNET_SOURCES: where sources are kept, FOLDER/sources by default
set -eu
cd "$(dirname "$0")/.."
system=${2:-linux}
if [ $# -lt 1 ] || [ $# -gt 2 ] || { [ "$system" != linux ] && [ "$system" != windows ]; }; then
    echo "usage: scripts/libraries.sh FOLDER [windows]" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
case $folder in *[[:space:]]*)
    echo "libraries: $folder: the libraries' own builds take no folder with spaces in its name" >&2
    exit 1
    ;;
esac
scripts/setup.sh libraries
mkdir -p "${UNET_SOURCES:-$folder/sources}"
sources=$(cd "${UNET_SOURCES:-$folder/sources}" && pwd)
prefix=$folder/prefix
log=$folder/libraries.log
jobs=$(nproc 2>/dev/null || echo 2)
simd=OFF # without its assembler libjpeg-turbo would quietly be another one
[ "$(uname -m)" != x86_64 ] || simd=ON

# nothing of where this was done, or when, is in what is made
flags="-O2 -DNDEBUG -ffile-prefix-map=$folder=. -ffile-prefix-map=$sources=. -fdebug-prefix-map=$folder=."
if [ "$system" = windows ]; then
    cc=x86_64-w64-mingw32-gcc-posix ar=x86_64-w64-mingw32-ar
    flags="$flags -DZIP_STATIC" # no DLL's
else
    cc=gcc ar=ar
    flags="$flags -fPIC -fstack-protector-strong"
fi

# source package, archives, licence, the packages that need it none of: in the order in which they are built
table() {
    if [ "$system" = windows ]; then
        all_of_them | grep -E '^(zlib|libpng1.6|libjpeg-turbo|giflib|jansson|tiff|libzip|tre|cmocka) '
    else
        all_of_them | grep -vE '^(tre|cmocka) '
    fi
}
all_of_them() {
    cat <<TABLE
zlib libz.a Zlib
libpng1.6 libpng16.a libpng-2.0
libjpeg-turbo libjpeg.a IJG and BSD-3-Clause and Zlib
giflib libgif.a MIT
jansson libjansson.a MIT
xz-utils liblzma.a public domain
libdeflate libdeflate.a MIT
libzstd libzstd.a BSD-3-Clause
libwebp libwebp.a,libsharpyuv.a BSD-3-Clause
tiff libtiff.a libtiff
libzip libzip.a BSD-3-Clause
lz4 liblz4.a BSD-2-Clause
c-blosc libblosc.a BSD-3-Clause
libyaml libyaml.a MIT
libmicrohttpd libmicrohttpd.a LGPL-2.1-or-later
tre libtre.a BSD-2-Clause
cmocka libcmocka.a Apache-2.0
TABLE
}

fail() {
    echo "libraries: $*" >&2
    exit 1
}

# -- sources, as apt has them, without a word in this system's own lists --
apt_of_ours() {
    state=$sources/apt
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    apt-get indextargets --format 'deb-src [signed-by=$(SIGNED_BY)] $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' | sed 's/ \[signed-by=\(\$(SIGNED_BY)\)\?\]//' | sort -ru >"$state/sources.list"
    [ -s "$state/sources.list" ] || fail "the sources come from Debian's archive, and this system has none in apt's lists"
    cat >"$state/apt.conf" <<CONF
Acquire::Languages "none";
Dir::State::lists "$state/lists";
Dir::Etc::sourcelist "$state/sources.list";
Dir::Etc::sourceparts "-";
Dir::Cache::srcpkgcache "";
Dir::Cache::pkgcache "";
CONF
    [ "$(id -u)" != 0 ] || echo 'APT::Sandbox::User "root";' >>"$state/apt.conf"
    export APT_CONFIG="$state/apt.conf"
    apt-get update -qq || fail "apt-get could not fetch the lists of sources"
    unset APT_CONFIG
}

fetch() { # fetch SOURCE: unpacked and patched, in $sources/SOURCE
    [ ! -f "$sources/$1/.unet-version" ] || return 0
    [ -n "${have_lists:-}" ] || apt_of_ours
    have_lists=yes
    export APT_CONFIG="$sources/apt/apt.conf"
    newest=""
    # an archive of updates may name a source that it does not give: the one before it is taken, and said
    for version in $(apt-cache showsrc "$1" 2>/dev/null | sed -n 's/^Version: //p' | sort -Vru); do
        newest=${newest:-$version}
        rm -rf "${sources:?}/$1" "$sources/$1.fetched"
        mkdir "$sources/$1.fetched"
        if (cd "$sources/$1.fetched" && apt-get source -qq --download-only --only-source "$1=$version" &&
            dpkg-source --no-check -x ./*.dsc "$sources/$1") >>"$log" 2>&1; then
            echo "$version" >"$sources/$1/.unet-version"
            [ "$version" = "$newest" ] ||
                echo "libraries: $1 $newest is not in the archive's pool: $version is taken, without its fixes" >&2
            break
        fi
    done
    unset APT_CONFIG
    rm -rf "$sources/$1.fetched"
    [ -f "$sources/$1/.unet-version" ] || fail "the source of $1 could not be had; the end of $log says why"
}

# -- building --
export PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig" PKG_CONFIG_PATH=

configure() { # configure SOURCE FOLDER_IN_IT OPTION...
    name=$1 where=$2
    shift 2
    [ "$system" = linux ] || set -- "$@" -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=x86_64 \
        -DCMAKE_CXX_COMPILER=x86_64-w64-mingw32-g++-posix -DCMAKE_RC_COMPILER=x86_64-w64-mingw32-windres -DCMAKE_FIND_ROOT_PATH="$prefix" \
        -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY
    cmake -S "$sources/$name/$where" -B "$folder/$name" -DCMAKE_C_COMPILER="$cc" \
        -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$flags" -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_INSTALL_LIBDIR="$prefix/lib" -DBUILD_SHARED_LIBS=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
        -DCMAKE_POLICY_VERSION_MINIMUM=3.5 "$@"
}

by_cmake() { # as configure, and all of it is built and installed
    configure "$@" && cmake --build "$folder/$1" -j"$jobs" && cmake --install "$folder/$1"
}

by_hand() { # by_hand SOURCE ARCHIVE "FLAGS" FILE...: compiled and put together in $folder/SOURCE
    name=$1 archive=$2 extra=$3
    shift 3
    mkdir -p "$folder/$name"
    (cd "$folder/$name" && for file in "$@"; do
        # shellcheck disable=SC2086  # lists of words
        $cc $flags $extra -I"$sources/$name" -c "$sources/$name/$file" || exit 1
    done && rm -f "$archive" && $ar rcsD "$archive" ./*.o && cp "$archive" "$prefix/lib/")
}

headers() { # headers SOURCE FILE...
    name=$1
    shift
    for file in "$@"; do
        cp "$sources/$name/$file" "$prefix/include/"
    done
}

pc() { # pc NAME VERSION LIBS
    printf 'prefix=%s\nName: %s\nDescription: %s\nVersion: %s\nCflags: -I${prefix}/include\nLibs: -L${prefix}/lib %s\n' \
        "$prefix" "$1" "$1" "$2" "$3" >"$prefix/lib/pkgconfig/$1.pc"
}

upstream() { # upstream SOURCE: 1.2.13 of 1:1.2.13.dfsg-1
    sed -E 's/^[0-9]+://; s/^([0-9.]*[0-9]).*/\1/' "$sources/$1/.unet-version"
}

build() {
    case $1 in
    zlib)
        by_hand zlib libz.a "-DHAVE_UNISTD_H=1 -DHAVE_STDARG_H=1 -D_LARGEFILE64_SOURCE=1" adler32.c compress.c crc32.c \
            deflate.c gzclose.c gzlib.c gzread.c gzwrite.c infback.c inffast.c inflate.c inftrees.c trees.c uncompr.c zutil.c &&
            headers zlib zlib.h zconf.h && pc zlib "$(upstream zlib)" -lz
        ;;
    libpng1.6)
        by_cmake libpng1.6 . -DPNG_SHARED=OFF -DPNG_TESTS=OFF -DPNG_EXECUTABLES=OFF -DPNG_DEBUG=OFF &&
            { [ -f "$prefix/lib/pkgconfig/libpng.pc" ] || pc libpng "$(upstream libpng1.6)" "-lpng16 -lz -lm"; }
        ;;
    libjpeg-turbo)
        configure libjpeg-turbo . -DENABLE_SHARED=OFF -DWITH_TURBOJPEG=OFF -DWITH_JAVA=OFF -DREQUIRE_SIMD="$simd" &&
            cmake --build "$folder/libjpeg-turbo" -j"$jobs" --target jpeg-static &&
            cp "$folder/libjpeg-turbo/libjpeg.a" "$prefix/lib/" && cp "$folder/libjpeg-turbo/jconfig.h" "$prefix/include/" &&
            headers libjpeg-turbo jpeglib.h jmorecfg.h jerror.h && pc libjpeg "$(upstream libjpeg-turbo)" -ljpeg
        ;;
    giflib)
        by_hand giflib libgif.a "" dgif_lib.c egif_lib.c gifalloc.c gif_err.c gif_hash.c openbsd-reallocarray.c &&
            headers giflib gif_lib.h
        ;;
    jansson) by_cmake jansson . -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF ;;
    xz-utils)
        configure xz-utils . && cmake --build "$folder/xz-utils" -j"$jobs" --target liblzma &&
            cp "$folder/xz-utils/liblzma.a" "$prefix/lib/" && cp -R "$sources/xz-utils/src/liblzma/api/lzma" "$prefix/include/" &&
            headers xz-utils src/liblzma/api/lzma.h && pc liblzma "$(upstream xz-utils)" "-llzma -pthread"
        ;;
    libdeflate)
        by_hand libdeflate libdeflate.a "-I$sources/libdeflate" \
            $(cd "$sources/libdeflate" && ls lib/*.c lib/x86/cpu_features.c lib/arm/cpu_features.c | grep -v testing) &&
            headers libdeflate libdeflate.h && pc libdeflate "$(upstream libdeflate)" -ldeflate
        ;;
    libzstd) by_cmake libzstd build/cmake -DZSTD_BUILD_PROGRAMS=OFF -DZSTD_BUILD_SHARED=OFF -DZSTD_BUILD_TESTS=OFF \
        -DZSTD_LEGACY_SUPPORT=OFF -DZSTD_MULTITHREAD_SUPPORT=OFF ;;
    libwebp)
        by_cmake libwebp . -DWEBP_BUILD_ANIM_UTILS=OFF -DWEBP_BUILD_CWEBP=OFF -DWEBP_BUILD_DWEBP=OFF -DWEBP_BUILD_GIF2WEBP=OFF \
            -DWEBP_BUILD_IMG2WEBP=OFF -DWEBP_BUILD_VWEBP=OFF -DWEBP_BUILD_WEBPINFO=OFF -DWEBP_BUILD_WEBPMUX=OFF \
            -DWEBP_BUILD_LIBWEBPMUX=OFF -DWEBP_BUILD_EXTRAS=OFF
        ;;
    tiff)
        packers=ON pack="-lwebp $([ ! -f "$prefix/lib/libsharpyuv.a" ] || echo -lsharpyuv) -llzma -lzstd -ldeflate"
        [ "$system" = linux ] || packers=OFF pack=
        by_cmake tiff . -Dtiff-tools=OFF -Dtiff-tests=OFF -Dtiff-contrib=OFF -Dtiff-docs=OFF -Dtiff-deprecated=OFF -Dcxx=OFF \
            -Djbig=OFF -Dlerc=OFF -Dlzma=$packers -Dzstd=$packers -Dwebp=$packers -Dlibdeflate=$packers -Dpixarlog=ON -Djpeg=ON -Dzlib=ON &&
            pc libtiff-4 "$(upstream tiff)" "-ltiff $pack -ljpeg -lz -lm"
        ;;
    libzip)
        by_cmake libzip . -DENABLE_COMMONCRYPTO=OFF -DENABLE_GNUTLS=OFF -DENABLE_MBEDTLS=OFF -DENABLE_OPENSSL=OFF \
            -DENABLE_WINDOWS_CRYPTO=OFF -DENABLE_BZIP2=OFF -DENABLE_LZMA=OFF -DENABLE_ZSTD=OFF -DBUILD_TOOLS=OFF \
            -DBUILD_REGRESS=OFF -DBUILD_EXAMPLES=OFF -DBUILD_DOC=OFF &&
            pc libzip "$(upstream libzip)" "-lzip -lz"
        ;;
    lz4) by_hand lz4 liblz4.a "-I$sources/lz4/lib" lib/lz4.c lib/lz4hc.c && headers lz4 lib/lz4.h lib/lz4hc.h &&
        pc liblz4 "$(upstream lz4)" -llz4 ;;
    c-blosc)
        by_cmake c-blosc . -DBUILD_STATIC=ON -DBUILD_SHARED=OFF -DBUILD_TESTS=OFF -DBUILD_FUZZERS=OFF -DBUILD_BENCHMARKS=OFF \
            -DDEACTIVATE_SNAPPY=ON -DPREFER_EXTERNAL_LZ4=ON -DPREFER_EXTERNAL_ZLIB=ON -DPREFER_EXTERNAL_ZSTD=ON &&
            pc blosc "$(upstream c-blosc)" "-lblosc -llz4 -lzstd -lz -pthread"
        ;;
    libyaml) by_cmake libyaml . -DBUILD_TESTING=OFF -DYAML_STATIC_LIB_NAME=yaml -DINSTALL_CMAKE_DIR=lib/cmake/yaml &&
        pc yaml-0.1 "$(upstream libyaml)" -lyaml ;;
    libmicrohttpd)
        mkdir -p "$folder/libmicrohttpd" && (cd "$folder/libmicrohttpd" &&
            "$sources/libmicrohttpd/configure" --prefix="$prefix" --libdir="$prefix/lib" \
                --disable-shared --enable-static --disable-https --disable-doc --disable-examples --disable-curl \
                --disable-postprocessor --disable-dauth --disable-bauth CC=gcc CFLAGS="$flags" &&
            make -j"$jobs" -C src/microhttpd && make -C src/microhttpd install && make -C src/include install &&
            make install-pkgconfigDATA)
        ;;
    tre)
        mkdir -p "$folder/tre" "$prefix/include/tre" &&
            printf '#define %s\n' 'HAVE_SYS_TYPES_H 1' 'HAVE_STDINT_H 1' 'TRE_APPROX 1' 'TRE_VERSION "0.8"' \
                'TRE_REGEX_T_FIELD value' 'NDEBUG 1' >"$folder/tre/config.h" && cp "$folder/tre/config.h" "$folder/tre/tre-config.h" &&
            by_hand tre libtre.a "-DHAVE_CONFIG_H -I$folder/tre" lib/regcomp.c lib/regexec.c lib/regerror.c lib/tre-ast.c \
                lib/tre-compile.c lib/tre-match-approx.c lib/tre-match-backtrack.c lib/tre-match-parallel.c \
                lib/tre-mem.c lib/tre-parse.c lib/tre-stack.c lib/xmalloc.c &&
            cp "$sources/tre/lib/tre.h" "$sources/tre/lib/regex.h" "$folder/tre/tre-config.h" "$prefix/include/tre/" && pc tre "$(upstream tre)" -ltre
        ;;
    cmocka)
        by_cmake cmocka . -DWITH_STATIC_LIB=ON -DUNIT_TESTING=OFF -DWITH_EXAMPLES=OFF &&
            mv "$prefix/lib/libcmocka-static.a" "$prefix/lib/libcmocka.a" && rm -f "$prefix"/lib/libcmocka*.dll.a
        ;;
    esac
}

mkdir -p "$prefix/lib/pkgconfig" "$prefix/include" "$folder/licences" "$folder/built"
table | while read -r source archives licence; do
    fetch "$source"
    version=$(cat "$sources/$source/.unet-version")
    line="$source $version $archives $licence"
    [ "$(cat "$folder/built/$source" 2>/dev/null)" != "$line" ] || continue
    echo "  $source $version"
    rm -rf "${folder:?}/$source"
    build "$source" >>"$log" 2>&1 || fail "$source could not be built; the end of $log says why"
    for archive in $(echo "$archives" | tr ',' ' '); do
        [ -f "$prefix/lib/$archive" ] || [ "$archive" = libsharpyuv.a ] || # newer libwebp alone
            fail "$source made no $archive; see $log"
    done
    cp "$sources/$source/debian/copyright" "$folder/licences/$source.txt"
    rm -rf "${folder:?}/$source"
    echo "$line" >"$folder/built/$source"
done
table | while read -r source rest; do
    cat "$folder/built/$source"
done >"$folder/libraries.txt"
