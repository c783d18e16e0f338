#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian's libjpeg-turbo speaks the interface of libjpeg 6.2, Ubuntu's that of 8.0, in which names and
# structs differ.  What includes it must compile for each, whichever is here.
# Usage: jpeg_versions_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
set -eu
cd "$2"
folder=$3/jpeg_versions
cc=${CC:-cc}
flags=$(pkg-config --cflags libjpeg 2>/dev/null || true)
# shellcheck disable=SC2086  # a list of words
config=$(printf '#include <stdio.h>\n#include <jpeglib.h>\n' | $cc $flags -E - |
    sed -nE 's/^# [0-9]+ "(.*jconfig\.h)".*/\1/p' | head -n 1)
if ! grep -q '^#define JPEG_LIB_VERSION' "$config" 2>/dev/null; then
    echo "skipped: no jconfig.h of libjpeg-turbo here"
    exit 0
fi
for version in 62 70 80; do
    mkdir -p "$folder/$version"
    sed -E "s/^(#define JPEG_LIB_VERSION).*/\1 $version/" "$config" >"$folder/$version/jconfig.h"
    for file in $(grep -rlE --include='*.c' '#include <jpeglib.h>' src tests bench); do
        # shellcheck disable=SC2086
        $cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -DTEST_FIXTURES='""' \
            -DTEST_SHARED='""' -I"$folder/$version" $flags -Iinclude -Isrc -Itests "$file" || {
            echo "$file does not compile with JPEG_LIB_VERSION $version"
            exit 1
        }
    done
done
echo "compiled for the interfaces of libjpeg 6.2, 7 and 8"
