#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet studio's page in a real browser, from the first stroke to masks of all images.
# Usage: studio_page_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
unet=$1 source=$2 build=$3
skip() {
    echo "skipped: $1"
    exit 0
}
command -v python3 >/dev/null || skip "there is no python3, which drives the browser"
! "$unet" studio --port 1 nowhere 2>&1 | grep -q libmicrohttpd || skip "unet was built without libmicrohttpd"
PYTHONDONTWRITEBYTECODE=1 exec timeout 400 python3 "$source/scripts/studio_page.py" "$unet" "$build/studio_page"
