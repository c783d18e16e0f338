/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - the file in which every stroke is before anybody is told that it counts
 *
 * A first line that says what it is, then records: a mark, how many bytes, their CRC-32, the bytes.
 * Only ever appended to, but for the version in the first line: 2 since strokes may note what they
 * correct; a journal of version 1 is read as it is, and becomes one of 2.  A record that is not
 * whole at the end (the machine went down while it was written) was never answered, and is cut off;
 * one that is broken in the middle is passed over.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "unet.h"

struct journal {
    int fd;
    uint64_t size; /* bytes that are whole */
    char *path;
    int broken; /* 1: a failure could not be undone; nothing more is written */
};

/*
 * Opens or makes the file and hands over what is in it: record() gets each one's bytes and where
 * they are in the file, and returns 0 to end that (no memory).  *lost: records that were broken,
 * *cut: bytes that were cut off.
 */
unet_code journal_open(struct journal *journal, const char *path,
                       int (*record)(void *context, const uint8_t *bytes, size_t size, uint64_t at),
                       void *context, int *lost, uint64_t *cut, unet_error *err);
void journal_close(struct journal *journal);

/* Appends a record; on return it is on the disk, and *at says where its bytes are.  After a failure
 * the file is as before. */
unet_code journal_add(struct journal *journal, const uint8_t *bytes, size_t size, uint64_t *at,
                      unet_error *err);

/* Reads bytes of a record again. */
unet_code journal_read(const struct journal *journal, uint64_t at, void *bytes, size_t size,
                       unet_error *err);

/* As in PNG and zip; begin with 0. */
uint32_t crc32_of(uint32_t crc, const void *bytes, size_t size);

#endif
