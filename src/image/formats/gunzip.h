/* SPDX-License-Identifier: Apache-2.0 */
/* gunzip.h - any place in what gzip or zlib packed, in bounded memory; and files that are packed */
#ifndef UN_GUNZIP_H
#define UN_GUNZIP_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/file.h"

#define UN_GUNZIP_LIMIT 1032         /* bytes that deflate makes of one, at most */
#define UN_GUNZIP_WORKING (64 << 10) /* bytes that one that is open takes */

struct un_gunzip;

/* Whether a file begins as gzip's do. */
bool un_gunzip_probe(const unsigned char *head, size_t size);

/* What is packed begins at byte `from`: gzip's members, or a stream of zlib, told by how it begins.
 * name and file are borrowed. */
unet_code un_gunzip_open(const char *name, const struct un_mapping *file, uint64_t from,
                         struct un_gunzip **gunzip, unet_error *err);
void un_gunzip_close(struct un_gunzip *gunzip);

/*
 * Bytes at .. at + size - 1 of what is unpacked.  Going forward costs what lies between, going back
 * starts anew.  UNET_EFORMAT when it is broken, or ends before.
 */
unet_code un_gunzip_read(struct un_gunzip *gunzip, uint64_t at, void *dst, size_t size,
                         unet_error *err);

/*
 * Whether the rest, of up to `most` bytes, ends as it should, with sums that are right; after
 * the last of the bytes that are wanted.
 */
unet_code un_gunzip_end(struct un_gunzip *gunzip, size_t most, unet_error *err);

/* ---- streams of zlib that somebody else unpacks ------------------------------------------ */

/* The sum of bytes behind those of a sum; of bytes NULL: that of none. */
uint32_t un_zlib_sum(uint32_t sum, const void *bytes, size_t size);

/* Unpacks a stream to nowhere: false where it is broken, or its sum is another's.  One that lacks
 * the sum, but has the bytes wanted, and bytes behind it are no matter. */
bool un_zlib_fits(const uint8_t *bytes, size_t size, size_t want);

/* Unpacks gzip or zlib to exactly `want` bytes, up to 2 GB of each; false: broken, or another size.
 */
bool un_unzip(const void *src, size_t size, void *dst, size_t want);

/* ---- packing ----------------------------------------------------------------------------- */

#define UN_GZIP_WORKING (400 << 10) /* bytes that a packer takes */
#define UN_GZIP_STORED 23           /* bytes that un_gzip_store() adds */

struct un_gzip;

/* What is written goes to file, packed.  NULL: no memory. */
struct un_gzip *un_gzip_open(FILE *file);

/* Up to 1 GB at once.  false: as errno says.  End it, then close it in any case. */
bool un_gzip_write(struct un_gzip *gzip, const void *bytes, size_t size);
bool un_gzip_end(struct un_gzip *gzip);
void un_gzip_close(struct un_gzip *gzip);

/* Bytes as a gzip member of their own, [size + UN_GZIP_STORED], which has that size whatever they
 * are. */
void un_gzip_store(const void *bytes, uint16_t size, unsigned char *member);

#endif
