#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what was built, and says in a line or two what is still to be done to use it; or removes
# what was installed from this build folder.  DESTDIR from the environment stands before every path.
# Usage: scripts/install.sh install|uninstall BUILD_FOLDER PREFIX
set -eu
what=$1 build=$2 prefix=${3%/}
record=$build/installed.txt # of every installation, without DESTDIR
export DESTDIR="${DESTDIR:-}"
PATH=$PATH:/usr/sbin:/sbin # ldconfig

fail() {
    echo "make $what: $*" >&2
    exit 1
}

system_folder() { # one that the loader of programs knows, once ldconfig ran
    [ -z "$DESTDIR" ] && { [ "$prefix" = /usr ] || [ "$prefix" = /usr/local ]; }
}

refresh_loader() {
    system_folder && command -v ldconfig >/dev/null || return 0
    if [ "$(id -u)" = 0 ]; then
        ldconfig
    else
        echo "Programs find the library after: sudo ldconfig"
    fi
}

writable() {
    folder=$DESTDIR$prefix
    while [ ! -e "$folder" ]; do
        folder=$(dirname "$folder")
    done
    [ -w "$folder" ] ||
        fail "may not write into $folder; sudo make $what, or for yourself alone: make $what PREFIX=\$HOME/.local"
}

advise() { # what a person has to set, where this is not one of the system's own folders
    [ -z "$DESTDIR" ] || return 0
    [ "$(command -v unet)" = "$prefix/bin/unet" ] ||
        echo "Put the command on your path:  export PATH=\"$prefix/bin:\$PATH\""
    [ "$(pkg-config --variable=pcfiledir unet 2>/dev/null)" = "$libdir/pkgconfig" ] ||
        echo "To compile against it:  export PKG_CONFIG_PATH=\"$libdir/pkgconfig\""
}

case $prefix in
/*) ;;
*) fail "PREFIX: found \"$prefix\", wanted a path that starts with /" ;;
esac
writable
case $what in
install)
    cmake --install "$build" --prefix "$prefix" >/dev/null
    { cat "$record" 2>/dev/null || true; cat "$build/install_manifest.txt"; echo; } |
        sed '/^$/d' | sort -u >"$record.new"
    mv -f "$record.new" "$record"
    libdir=$(dirname "$(grep "^$prefix/.*/libunet\.a$" "$build/install_manifest.txt")")
    echo "Installed in $DESTDIR$prefix: bin/unet, include/unet*.h, ${libdir#"$prefix/"}/libunet.{a,so}"
    refresh_loader
    advise
    ;;
uninstall)
    files=$(grep -s "^$prefix/" "$record") ||
        fail "$build has no record of an installation in $prefix; make install writes one"
    echo "$files" | while IFS= read -r file; do
        rm -f "$DESTDIR$file"
        case $file in # the only folder that nobody shares
        */cmake/unet/*) rmdir "$DESTDIR$(dirname "$file")" 2>/dev/null || true ;;
        esac
    done
    refresh_loader
    echo "Removed from $DESTDIR$prefix"
    ;;
*) fail "wanted install or uninstall" ;;
esac
