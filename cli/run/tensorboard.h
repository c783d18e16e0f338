/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensorboard.h - event files that TensorBoard reads, written by hand
 *
 * A file is a sequence of records (TFRecord):
 *
 *   uint64  length of the data, little endian, as all numbers
 *   uint32  masked CRC32C of these 8 bytes
 *   data
 *   uint32  masked CRC32C of the data
 *
 * CRC32C is the CRC with Castagnoli's polynomial (RFC 3720, appendix B.4); masked:
 * ((crc >> 15) | (crc << 17)) + 0xa282ead8.  The data is a protocol buffer message Event:
 *
 *   Event    1 double wall_time   2 int64 step   3 string file_version ("brain.Event:2", the first
 *            record)   5 Summary summary   7 SessionLog session_log
 *   Summary  1 Value value, any number        Value  1 string tag   2 float simple_value
 *   SessionLog  1 enum status (1: START, by which a reader drops older events from `step` on)
 *
 * A field begins with number * 8 + kind (0: varint, 1: 8 bytes, 2: varint length and bytes, 5: 4
 * bytes).
 */
#ifndef TENSORBOARD_H
#define TENSORBOARD_H

#include <stddef.h>
#include <stdint.h>

struct board {
    int fd; /* -1: not open */
};

struct board_scalar {
    const char *tag;
    double value; /* one that is not finite is written as it is */
};

/*
 * Begins folder/events.out.tfevents.SECONDS.HOST.PID.  step: steps done before, whose later events
 * in older files of the folder count no more.  0: errno.
 */
int board_open(struct board *board, const char *folder, long step);

/* Adds scalars of a step in one write().  0: errno. */
int board_add(struct board *board, long step, const struct board_scalar *scalar, int count);
void board_close(struct board *board);

/* The CRC32C of bytes, not masked. */
uint32_t board_crc(const void *data, size_t size);

#endif
