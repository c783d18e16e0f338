/* SPDX-License-Identifier: Apache-2.0 */
/* tensorboard.c - events as bytes; the header says the format */
#include "run/tensorboard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/paths.h"

/* Kinds of fields on the wire. */
enum { VARINT = 0, EIGHT = 1, BYTES = 2, FOUR = 5 };

/* Bytes that grow; failed: no memory, and what follows is not added. */
struct bytes {
    uint8_t *data;
    size_t count, room;
    int failed;
};

static void put(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->count + size > bytes->room) {
        size_t room = 2 * (bytes->count + size);
        uint8_t *grown = bytes->failed ? NULL : realloc(bytes->data, room);

        if (!grown) {
            bytes->failed = 1;
            return;
        }
        bytes->data = grown;
        bytes->room = room;
    }
    memcpy(bytes->data + bytes->count, data, size);
    bytes->count += size;
}

static void put_little(struct bytes *bytes, uint64_t value, int size)
{
    uint8_t out[8];

    for (int i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> 8 * i);
    put(bytes, out, (size_t)size);
}

static void put_varint(struct bytes *bytes, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put(bytes, &(uint8_t){(uint8_t)(value | 0x80)}, 1);
    put(bytes, &(uint8_t){(uint8_t)value}, 1);
}

static void put_key(struct bytes *bytes, int field, int kind)
{
    put_varint(bytes, (uint64_t)(field * 8 + kind));
}

static void put_bytes(struct bytes *bytes, int field, const void *data, size_t size)
{
    put_key(bytes, field, BYTES);
    put_varint(bytes, size);
    put(bytes, data, size);
}

static void put_message(struct bytes *bytes, int field, struct bytes *message)
{
    bytes->failed |= message->failed;
    put_bytes(bytes, field, message->data ? message->data : (uint8_t *)"", message->count);
    free(message->data);
}

/* wall_time and step, which every event has. */
static void begin_event(struct bytes *event, long step)
{
    struct timespec now;
    double seconds;
    uint64_t bits;

    clock_gettime(CLOCK_REALTIME, &now);
    seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    memcpy(&bits, &seconds, sizeof(bits));
    put_key(event, 1, EIGHT);
    put_little(event, bits, 8);
    put_key(event, 2, VARINT);
    put_varint(event, (uint64_t)step);
}

/* ---- records ----------------------------------------------------------------------------- */

uint32_t board_crc(const void *data, size_t size)
{
    const uint8_t *at = data;
    uint32_t crc = 0xffffffffu;

    for (; size; size--, at++) {
        crc ^= *at;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return ~crc;
}

static uint32_t masked_crc(const void *data, size_t size)
{
    uint32_t crc = board_crc(data, size);

    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* Frames an event, writes it, and frees it. */
static int write_event(struct board *board, struct bytes *event)
{
    struct bytes record = {0};
    ssize_t written = -1;

    put_little(&record, event->count, 8);
    if (!record.failed)
        put_little(&record, masked_crc(record.data, 8), 4);
    put(&record, event->data, event->count);
    put_little(&record, masked_crc(event->data, event->count), 4);
    errno = ENOMEM;
    if (!record.failed && !event->failed) {
        errno = ENOSPC; /* of a write that was cut short */
        written = write(board->fd, record.data, record.count);
    }
    free(event->data);
    free(record.data);
    return written >= 0 && (size_t)written == record.count;
}

/* ---- what the header offers -------------------------------------------------------------- */

int board_open(struct board *board, const char *folder, long step)
{
    static const char version[] = "brain.Event:2";
    char host[256] = "localhost", *path;
    struct bytes first = {0}, start = {0}, log = {0};

    gethostname(host, sizeof(host) - 1);
    path = path_text("%s/events.out.tfevents.%lld.%s.%ld", folder, (long long)time(NULL), host,
                     (long)getpid());
    board->fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    free(path);
    if (board->fd < 0)
        return 0;
    begin_event(&first, 0);
    put_bytes(&first, 3, version, strlen(version));
    if (!write_event(board, &first))
        return 0;
    put_key(&log, 1, VARINT);
    put_varint(&log, 1);
    begin_event(&start, step + 1);
    put_message(&start, 7, &log);
    return write_event(board, &start);
}

int board_add(struct board *board, long step, const struct board_scalar *scalar, int count)
{
    struct bytes event = {0}, summary = {0};

    for (int i = 0; i < count; i++) {
        struct bytes value = {0};
        float number = (float)scalar[i].value;
        uint32_t bits;

        memcpy(&bits, &number, sizeof(bits));
        put_bytes(&value, 1, scalar[i].tag, strlen(scalar[i].tag));
        put_key(&value, 2, FOUR);
        put_little(&value, bits, 4);
        put_message(&summary, 1, &value);
    }
    begin_event(&event, step);
    put_message(&event, 5, &summary);
    return write_event(board, &event);
}

void board_close(struct board *board)
{
    if (board->fd >= 0)
        close(board->fd);
    board->fd = -1;
}
