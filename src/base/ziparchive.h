/* SPDX-License-Identifier: Apache-2.0 */
/* ziparchive.h - zip archives: members that are stored or deflated, zip64; writing stored ones */
#ifndef UN_ZIPARCHIVE_H
#define UN_ZIPARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"

enum {
    UN_ZIP_MAX_MEMBERS = 1 << 17,
    UN_ZIP_MAX_EXPANSION = 16, /* all members together, compared with the archive */
};

struct un_zip {
    const char *path; /* for messages; the caller's */
    struct zip *archive;
    int count;
};

/*
 * Opens an archive in memory, which must outlive *zip, and looks at all of its members before
 * anything of them is read: their compressed bytes fit into the archive, so they do not share any,
 * and unpacked they are no more than UN_ZIP_MAX_EXPANSION times as large as it, plus 1 MiB.  The
 * caller releases *zip.  UNET_EFORMAT, UNET_ENOMEM.
 */
unet_code un_zip_open(const char *path, const unsigned char *bytes, size_t size, struct un_zip *zip,
                      unet_error *err);
void un_zip_release(struct un_zip *zip);

/* 0 <= member < count.  The name belongs to zip. */
const char *un_zip_name(const struct un_zip *zip, int member);
size_t un_zip_size(const struct un_zip *zip, int member);

/* Unpacks a member to data[un_zip_size()] and checks its CRC. */
unet_code un_zip_read(const struct un_zip *zip, int member, unsigned char *data, unet_error *err);

struct un_zip_entry {
    const char *name;
    const void *data; /* borrowed until un_zip_write() returns */
    size_t size;
};

/*
 * Writes an archive of stored members, the data of each at a multiple of UN_ALIGN of file.  The
 * same entries give the same bytes.  path is what messages call it.
 */
unet_code un_zip_write(const char *path, FILE *file, const struct un_zip_entry *entries, int count,
                       unet_error *err);

#endif
