/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zarr_pack.c - what packs chunks; the one file that knows c-blosc and zstd, which a build may lack
 */
#include <stdio.h>

#include "image/formats/gunzip.h"
#include "image/zarr/zarr_array.h"

typedef bool unpacker(const uint8_t *src, size_t size, uint8_t *dst, size_t want);

#ifdef UNET_ZSTD
#include <zstd.h>

static bool zstd_unpack(const uint8_t *src, size_t size, uint8_t *dst, size_t want)
{
    return ZSTD_decompress(dst, want, src, size) == want;
}
#define ZSTD zstd_unpack
#else
#define ZSTD NULL
#endif

#ifdef UNET_BLOSC
#include <blosc.h>

static bool blosc_unpack(const uint8_t *src, size_t size, uint8_t *dst, size_t want)
{
    size_t found = 0;
    return !blosc_cbuffer_validate(src, size, &found) && found == want &&
           blosc_decompress_ctx(src, dst, want, 1) == (int)want;
}
#define BLOSC blosc_unpack
#else
#define BLOSC NULL
#endif

static bool zlib_unpack(const uint8_t *src, size_t size, uint8_t *dst, size_t want)
{
    return un_unzip(src, size, dst, want);
}

static const struct {
    const char *name, *package;
    unpacker *unpack;
} packers[] = {[UN_ZARR_ZLIB] = {"zlib", "", zlib_unpack},
               [UN_ZARR_ZSTD] = {"zstd", "libzstd-dev", ZSTD},
               [UN_ZARR_BLOSC] = {"blosc", "libblosc-dev", BLOSC}};

unet_code un_zarr_unpack(enum un_zarr_packer packer, const char *what, const uint8_t *src,
                         size_t size, uint8_t *dst, size_t want, unet_error *err)
{
    if (!packers[packer].unpack)
        return un_fail(
            err, UNET_EFORMAT,
            "%s: packed by %s, which this build of unet was made without; install %s and "
            "build it again",
            what, packers[packer].name, packers[packer].package);
    if (packers[packer].unpack(src, size, dst, want))
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT, "%s: truncated or broken %s data (%zu bytes for %zu)", what,
                   packers[packer].name, size, want);
}

/* RFC 3720, B.4 */
uint32_t un_zarr_sum(const uint8_t *bytes, size_t size)
{
    uint32_t table[256], sum = 0xffffffffu;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0x82f63b78u : 0);
    }
    for (size_t i = 0; i < size; i++)
        sum = sum >> 8 ^ table[(sum ^ bytes[i]) & 255];
    return ~sum;
}
