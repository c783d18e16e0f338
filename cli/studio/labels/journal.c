/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - records appended and synced */
#include "studio/labels/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/machine.h"
#include "studio/labels/low_bytes.h"

static const char first_line[16] = "unet strokes 2\n";
enum { FRAME = 12, VERSION_AT = 13 };
#define MARK 0x4b525453u                /* "STRK" */
#define MOST_BYTES ((uint64_t)80 << 20) /* of a record */

/* ---- sums: eight bytes at a time --------------------------------------------------------- */

static uint32_t sums[8][256];

__attribute__((constructor)) static void make_sums(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t sum = i;

        for (int bit = 0; bit < 8; bit++)
            sum = sum & 1 ? 0xedb88320u ^ (sum >> 1) : sum >> 1;
        sums[0][i] = sum;
    }
    for (int k = 1; k < 8; k++)
        for (int i = 0; i < 256; i++)
            sums[k][i] = sums[0][sums[k - 1][i] & 255] ^ (sums[k - 1][i] >> 8);
}

uint32_t crc32_of(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    crc = ~crc;
    for (; size >= 8; size -= 8, at += 8) {
        const uint32_t low =
            crc ^ (at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);

        crc = sums[7][low & 255] ^ sums[6][low >> 8 & 255] ^ sums[5][low >> 16 & 255] ^
              sums[4][low >> 24] ^ sums[3][at[4]] ^ sums[2][at[5]] ^ sums[1][at[6]] ^
              sums[0][at[7]];
    }
    for (; size; size--)
        crc = sums[0][(crc ^ *at++) & 255] ^ (crc >> 8);
    return ~crc;
}

/* ---- frames ------------------------------------------------------------------------------ */

static void make_frame(uint8_t *frame, const uint8_t *bytes, size_t size)
{
    low_put(frame, MARK, 4);
    low_put(frame + 4, (uint32_t)size, 4);
    low_put(frame + 8, crc32_of(0, bytes, size), 4);
}

/* Whether a record's frame can be at `at`, and its bytes lie in the file. */
static int is_frame(const uint8_t *file, uint64_t size, uint64_t at)
{
    return size - at >= FRAME && low_get(file + at, 4) == MARK &&
           low_get(file + at + 4, 4) <= size - at - FRAME;
}

static int is_whole(const uint8_t *file, uint64_t size, uint64_t at)
{
    return is_frame(file, size, at) &&
           crc32_of(0, file + at + FRAME, low_get(file + at + 4, 4)) == low_get(file + at + 8, 4);
}

/* ---- opening ----------------------------------------------------------------------------- */

static unet_code failed(const struct journal *journal, const char *what, unet_error *err)
{
    return set_error(err, UNET_EIO, "%s: %s: %s", journal->path, what, strerror(errno));
}

/* Where the next whole record begins after a broken one; size: there is none. */
static uint64_t next_whole(const uint8_t *file, uint64_t size, uint64_t at)
{
    for (at++; at + FRAME <= size; at++)
        if (low_get(file + at, 4) == MARK && is_whole(file, size, at))
            return at;
    return size;
}

/* Hands over all records; *end is where the last whole one ends. */
static int walk(const uint8_t *file, uint64_t size,
                int (*record)(void *context, const uint8_t *bytes, size_t size, uint64_t at),
                void *context, int *lost, uint64_t *end)
{
    uint64_t at = sizeof(first_line);

    *end = at;
    while (at < size) {
        if (!is_whole(file, size, at)) {
            at = next_whole(file, size, at);
            *lost += at < size;
            continue;
        }
        const uint64_t bytes = low_get(file + at + 4, 4);
        if (!record(context, file + at + FRAME, bytes, at + FRAME))
            return 0;
        at += FRAME + bytes;
        *end = at;
    }
    return 1;
}

static unet_code read_all(struct journal *journal, uint64_t size,
                          int (*record)(void *context, const uint8_t *bytes, size_t size,
                                        uint64_t at),
                          void *context, int *lost, unet_error *err)
{
    uint8_t *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, journal->fd, 0);
    unet_code code = UNET_OK;

    if (file == MAP_FAILED)
        return failed(journal, "cannot be read", err);
    if (memcmp(file, first_line, VERSION_AT) || file[VERSION_AT] < '1' ||
        file[VERSION_AT] > first_line[VERSION_AT] ||
        memcmp(file + VERSION_AT + 1, first_line + VERSION_AT + 1, 2))
        code = set_error(err, UNET_EFORMAT, "%s: not a journal of strokes, or a later one's",
                         journal->path);
    else if (!walk(file, size, record, context, lost, &journal->size))
        code = set_error(err, UNET_ENOMEM, "not enough memory");
    munmap(file, size);
    return code;
}

static int write_all(int fd, const void *bytes, size_t size, uint64_t at)
{
    const uint8_t *from = bytes;

    while (size) {
        const ssize_t done = pwrite(fd, from, size, (off_t)at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return 0;
        from += done;
        at += (uint64_t)done;
        size -= (size_t)done;
    }
    return 1;
}

static unet_code begin(struct journal *journal, unet_error *err)
{
    if (ftruncate(journal->fd, 0) || !write_all(journal->fd, first_line, sizeof(first_line), 0) ||
        fsync(journal->fd))
        return failed(journal, "cannot be written", err);
    journal->size = sizeof(first_line);
    return UNET_OK;
}

unet_code journal_open(struct journal *journal, const char *path,
                       int (*record)(void *context, const uint8_t *bytes, size_t size, uint64_t at),
                       void *context, int *lost, uint64_t *cut, unet_error *err)
{
    struct stat facts;
    unet_code code = UNET_OK;

    *journal = (struct journal){.fd = -1, .path = strdup(path)};
    *lost = 0;
    *cut = 0;
    if (!journal->path)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    journal->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (journal->fd < 0 || fstat(journal->fd, &facts))
        code = failed(journal, "cannot be opened", err);
    else if ((uint64_t)facts.st_size < sizeof(first_line))
        code = begin(journal, err); /* nothing was ever answered */
    else if (!(code = read_all(journal, (uint64_t)facts.st_size, record, context, lost, err)))
        *cut = (uint64_t)facts.st_size - journal->size;
    if (!code && *cut && ftruncate(journal->fd, (off_t)journal->size))
        code = failed(journal, "cannot be cut", err);
    if (!code && !write_all(journal->fd, first_line, sizeof(first_line), 0))
        code = failed(journal, "cannot be written", err);
    if (code)
        journal_close(journal);
    return code;
}

void journal_close(struct journal *journal)
{
    if (journal->fd >= 0)
        close(journal->fd);
    free(journal->path);
    *journal = (struct journal){.fd = -1};
}

unet_code journal_add(struct journal *journal, const uint8_t *bytes, size_t size, uint64_t *at,
                      unet_error *err)
{
    uint8_t frame[FRAME];
    unet_code code;

    if (journal->broken)
        return set_error(err, UNET_EIO, "%s: could not be written before; start again",
                         journal->path);
    if (size > MOST_BYTES)
        return set_error(err, UNET_EINVAL, "a stroke of %zu bytes, too much for the journal", size);
    make_frame(frame, bytes, size);
    if (write_all(journal->fd, frame, FRAME, journal->size) &&
        write_all(journal->fd, bytes, size, journal->size + FRAME) && !system_sync(journal->fd)) {
        *at = journal->size + FRAME;
        journal->size = *at + size;
        return UNET_OK;
    }
    code = failed(journal, "cannot be written", err);
    journal->broken = ftruncate(journal->fd, (off_t)journal->size) || system_sync(journal->fd);
    return code;
}

unet_code journal_read(const struct journal *journal, uint64_t at, void *bytes, size_t size,
                       unet_error *err)
{
    uint8_t *to = bytes;

    while (size) {
        const ssize_t done = pread(journal->fd, to, size, (off_t)at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return failed(journal, "cannot be read", err);
        to += done;
        at += (uint64_t)done;
        size -= (size_t)done;
    }
    return UNET_OK;
}
