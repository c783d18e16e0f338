#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command as one static file, and a tarball with it: FOLDER/unet-VERSION-linux-MACHINE.tar.gz and
# FOLDER/SHA256SUMS.  It runs on any Linux of that processor, with nothing installed.  What is made is
# this repository's HEAD, with the libraries of scripts/libraries.sh; the same commit, compiler and
# library sources give the same bytes, in whatever folder and whenever (scripts/check_release.sh).
#
# Not in it is what would have to be loaded, OpenSlide and MPI, and what the libraries go without: `unet
# --version` names all of it.
#
# Usage: scripts/release.sh [FOLDER]   build-release by default; UNET_COMMIT: another commit
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)
mkdir -p "${1:-build-release}"
folder=$(cd "${1:-build-release}" && pwd)
fail() {
    echo "release: $*" >&2
    exit 1
}
commit=$(git rev-parse --verify -q "${UNET_COMMIT:-HEAD}") || fail "a release is made of a commit, and this is no git repository"
[ -z "$(git status --porcelain --untracked-files=no)" ] ||
    echo "release: what is not committed is not in it" >&2
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$commit")
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC0
umask 022
version=$(sed -nE 's/^project\(unet VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
name=unet-$version-linux-$(uname -m)
most=8388608 # bytes of the command

scripts/setup.sh build
echo "release: $name: libraries"
scripts/libraries.sh "$folder/libraries"
libraries=$folder/libraries

echo "release: $name: unet"
source=$folder/source build=$folder/build stage=$folder/stage
rm -rf "$source" "$build" "$stage" "$folder/$name.tar.gz" "$folder/SHA256SUMS"
mkdir "$source"
git archive "$commit" | tar -x -C "$source"
export PKG_CONFIG_LIBDIR="$libraries/prefix/lib/pkgconfig" PKG_CONFIG_PATH=
map="-ffile-prefix-map=$build=. -ffile-prefix-map=$source=. -ffile-prefix-map=$libraries=."
{
    cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS="$map" \
        -DCMAKE_PREFIX_PATH="$libraries/prefix" -DPKG_CONFIG_ARGN=--static -DCMAKE_EXE_LINKER_FLAGS="-Wl,-Map=link.map" \
        -DGIF_INCLUDE_DIR="$libraries/prefix/include" -DGIF_LIBRARY="$libraries/prefix/lib/libgif.a" \
        -DUNET_STATIC=ON -DUNET_LACKS="JBIG and Lerc in TIFF;snappy in OME-Zarr" -DUNET_TESTS=OFF -DUNET_BENCH=OFF &&
        cmake --build "$build" -j"$(nproc 2>/dev/null || echo 2)" --target unet_cli unet_completions
} >"$folder/unet.log" 2>&1 || { tail -n 20 "$folder/unet.log" >&2; fail "it could not be built; $folder/unet.log"; }

for part in TIFF ZSTD BLOSC LIBYAML MICROHTTPD; do # a library that is there and was passed over would go unnoticed
    grep -qx "UNET_${part}_FOUND:INTERNAL=1" "$build/CMakeCache.txt" || fail "it is built without $part"
done

# -- what is linked: each archive of which the linker took something --
echo "release: $name: licences"
mkdir -p "$stage/$name/bin" "$stage/$name/licences"
archives=$(sed -n '/^Archive member included/,/^\(Discarded\|Memory Conf\|There are no\)/p' "$build/link.map" |
    sed -nE 's/^([^ (]+\.a)\(.*/\1/p' | sort -u)
debian() { # debian ARCHIVE: the package that it belongs to, for what comes with the compiler
    dpkg -S "$(readlink -f "$1")" 2>/dev/null | sed 's/:.*//' | head -n 1
}
{
    echo "# What is linked into this command"
    echo
    echo "unet itself is under the Apache License 2.0 (LICENSE). Its binary contains these libraries, each built from the Debian source"
    echo "package of this name and version, with Debian's patches; \`licences/\` has the copyright of each. None is under the GPL"
    echo "without an exception: libtiff is built without jbigkit, which is (bilevel JBIG in TIFF is refused by name)."
    echo
    echo "| library | source package | version | licence |"
    echo "| --- | --- | --- | --- |"
    for archive in $archives; do
        file=${archive##*/}
        case $file in
        libunet.a) continue ;;
        libjbig*) fail "$archive is linked, and is under the GPL" ;;
        esac
        row=$(awk -v file="$file" '("," $3 ",") ~ ("," file ",") {
            line = $4; for (i = 5; i <= NF; i++) line = line " " $i; print $1 " | " $2 " | " line }' "$libraries/libraries.txt")
        case $archive in
        *"$libraries"/* | *libraries/prefix/*)
            [ -n "$row" ] || fail "$archive is linked, and no licence of it is known"
            cp "$libraries/licences/${row%% *}.txt" "$stage/$name/licences/"
            ;;
        *)
            package=$(debian "$archive")
            [ -n "$package" ] || fail "$archive is linked, and no package has it"
            case $file in
            libgcc*.a) licence="GPL-3.0 with the GCC Runtime Library Exception" ;;
            libc.a | libm*.a | libpthread.a) licence="LGPL-2.1-or-later" ;;
            *) fail "$archive is linked, and no licence of it is known" ;;
            esac
            row=$(dpkg-query -W -f '${source:Package} | ${source:Version}' "$package")" | $licence"
            cp "/usr/share/doc/$package/copyright" "$stage/$name/licences/${row%% *}.txt"
            ;;
        esac
        echo "| $file | $row |"
    done
    echo
    echo "glibc and libmicrohttpd are under the LGPL: you may link this program with other versions of them. All that takes is this"
    echo "commit's source and \`scripts/release.sh\`, which fetches and builds the rest: $commit"
} >"$stage/$name/THIRD-PARTY.md"

# -- the tarball --
strip -o "$stage/$name/bin/unet" "$build/unet"
if readelf -lW "$stage/$name/bin/unet" | grep -q INTERP || readelf -dW "$stage/$name/bin/unet" | grep -q NEEDED; then
    fail "the command asks for a loader or a library"
fi
size=$(wc -c <"$stage/$name/bin/unet")
[ "$size" -le "$most" ] || fail "the command has $size bytes, more than $most"
if grep -qaF "$folder" "$stage/$name/bin/unet"; then
    fail "the command has the path of this folder in it"
fi
cd "$stage/$name"
mkdir -p share/man/man1 share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d
cp "$source/man/unet.1" "$build"/man1/*.1 share/man/man1/
cp "$build/completion/unet.bash" share/bash-completion/completions/unet
cp "$build/completion/unet.zsh" share/zsh/site-functions/_unet
cp "$build/completion/unet.fish" share/fish/vendor_completions.d/
cp -R "$source/LICENSE" "$source/README.md" "$source/NEWS.md" "$source/docs" .
cd "$stage"
find . -type d -exec chmod 755 {} + -o -type f ! -path '*/bin/*' -exec chmod 644 {} +
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=ustar -c "$name" |
    gzip -9n >"$folder/$name.tar.gz"
cp "$name/bin/unet" "$folder/$name"
cd "$folder"
sha256sum "$name.tar.gz" "$name" >SHA256SUMS
cd "$here"
rm -rf "$stage" "$source"
echo "release: bin/unet has $size bytes"
cat "$folder/SHA256SUMS"
