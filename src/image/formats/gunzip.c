/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip.c - the one file that knows zlib
 *
 * A gzip file is one or more members, each with the length and sum of what it unpacks to at its
 * end, which zlib checks; a stream of zlib ends in a sum, too.  The stream stays open where it was
 * read last.
 */
#include "image/formats/gunzip.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#define ONLY_GZIP (16 + MAX_WBITS)
#define MOST_INPUT ((size_t)1 << 30) /* zlib counts in unsigned int */

struct un_gunzip {
    const char *name;
    const struct un_mapping *file;
    size_t from; /* byte of the file where it begins */
    int window;  /* as zlib wants it: of gzip or of zlib */
    z_stream stream;
    size_t taken;      /* bytes of the file that zlib was given */
    size_t forgotten;  /* of them, whose pages need not be kept */
    uint64_t position; /* bytes unpacked */
    bool ended, failed;
};

bool un_gunzip_probe(const unsigned char *head, size_t size)
{
    return size >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8;
}

unet_code un_gunzip_open(const char *name, const struct un_mapping *file, uint64_t from,
                         struct un_gunzip **gunzip, unet_error *err)
{
    struct un_gunzip *made = calloc(1, sizeof *made);
    const size_t begin = from < file->size ? (size_t)from : file->size;
    const bool gzip = un_gunzip_probe(file->data + begin, file->size - begin);
    const int window = gzip ? ONLY_GZIP : MAX_WBITS;
    if (!made || inflateInit2(&made->stream, window) != Z_OK) {
        free(made);
        return un_fail_memory(err, UN_GUNZIP_WORKING, name);
    }
    made->name = name;
    made->file = file;
    made->taken = made->from = begin;
    made->window = window;
    *gunzip = made;
    return UNET_OK;
}

void un_gunzip_close(struct un_gunzip *gunzip)
{
    if (!gunzip)
        return;
    inflateEnd(&gunzip->stream);
    free(gunzip);
}

static void start_anew(struct un_gunzip *g)
{
    inflateReset2(&g->stream, g->window);
    g->stream.avail_in = 0;
    g->taken = g->from;
    g->position = 0;
    g->ended = g->failed = false;
}

/* Gives zlib more of the file; false: there is no more. */
static bool feed(struct un_gunzip *g)
{
    size_t left = g->file->size - g->taken;
    if (g->stream.avail_in)
        return true;
    g->stream.next_in = (z_const Bytef *)g->file->data + g->taken;
    g->stream.avail_in = (uInt)(left < MOST_INPUT ? left : MOST_INPUT);
    g->taken += g->stream.avail_in;
    return left > 0;
}

/* Lets go of the file's pages that zlib is through with, now and then. */
static void forget(struct un_gunzip *g)
{
    size_t passed = g->taken - g->stream.avail_in;
    if (passed >> 20 != g->forgotten >> 20)
        un_map_forget(g->file, g->file->data, passed);
    g->forgotten = passed;
}

/* Unpacks up to `size` bytes; fewer only at the end. */
static unet_code unpack(struct un_gunzip *g, unsigned char *dst, size_t size, size_t *got,
                        unet_error *err)
{
    *got = 0;
    while (*got < size && !g->ended) {
        size_t part = size - *got < MOST_INPUT ? size - *got : MOST_INPUT;
        const bool more = feed(g);
        g->stream.next_out = dst + *got;
        g->stream.avail_out = (uInt)part;
        int status = inflate(&g->stream, Z_NO_FLUSH);
        *got += part - g->stream.avail_out;
        g->position += part - g->stream.avail_out;
        forget(g);
        if (status == Z_STREAM_END) {
            feed(g);
            /* what else follows the last member is passed over, as gzip does */
            g->ended =
                g->window != ONLY_GZIP || !un_gunzip_probe(g->stream.next_in, g->stream.avail_in);
            if (!g->ended)
                inflateReset(&g->stream);
        } else if (status != Z_OK) {
            g->failed = true;
            if (status == Z_MEM_ERROR)
                return un_fail_memory(err, UN_GUNZIP_WORKING, g->name);
            return un_fail(err, UNET_EFORMAT, "%s: %s %s data (%s after %llu bytes)", g->name,
                           more ? "broken" : "truncated", g->window == ONLY_GZIP ? "gzip" : "zlib",
                           g->stream.msg ? g->stream.msg : "they end",
                           (unsigned long long)g->position);
        }
    }
    return UNET_OK;
}

unet_code un_gunzip_read(struct un_gunzip *g, uint64_t at, void *dst, size_t size, unet_error *err)
{
    unsigned char passed[16384];
    size_t got;
    if (at < g->position || g->failed)
        start_anew(g);
    while (g->position < at) {
        uint64_t gap = at - g->position;
        unet_code code =
            unpack(g, passed, gap < sizeof passed ? (size_t)gap : sizeof passed, &got, err);
        if (code)
            return code;
        if (!got)
            break;
    }
    unet_code code = unpack(g, dst, size, &got, err);
    if (code || (got == size && g->position == at + size))
        return code;
    return un_fail(err, UNET_EFORMAT, "%s: truncated (unpacks to %llu bytes; %llu wanted)", g->name,
                   (unsigned long long)g->position, (unsigned long long)(at + size));
}

unet_code un_gunzip_end(struct un_gunzip *g, size_t most, unet_error *err)
{
    unsigned char passed[4096];
    size_t got, sum = 0;
    while (!g->ended) {
        unet_code code = unpack(g, passed, sizeof passed, &got, err);
        if (code)
            return code;
        sum += got;
        if (sum > most)
            return un_fail(err, UNET_EFORMAT, "%s: unpacks to more than it should, %llu bytes",
                           g->name, (unsigned long long)(g->position - sum));
    }
    return UNET_OK;
}

/* ---- streams of zlib --------------------------------------------------------------------- */

uint32_t un_zlib_sum(uint32_t sum, const void *bytes, size_t size)
{
    return (uint32_t)adler32_z(sum, bytes, size);
}

bool un_zlib_fits(const uint8_t *bytes, size_t size, size_t want)
{
    unsigned char nowhere[1 << 14];
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = 0};
    int status = Z_OK;
    if (inflateInit(&stream) != Z_OK)
        return true;         /* no memory: nobody can tell */
    while (status == Z_OK) { /* nothing more to give: Z_BUF_ERROR */
        const size_t more = stream.avail_in ? 0 : size < MOST_INPUT ? size : MOST_INPUT;
        stream.avail_in += (uInt)more;
        size -= more;
        stream.next_out = nowhere;
        stream.avail_out = sizeof nowhere;
        status = inflate(&stream, Z_NO_FLUSH);
    }
    const bool all = stream.total_out == want;
    inflateEnd(&stream);
    return status == Z_STREAM_END || status == Z_MEM_ERROR || (status == Z_BUF_ERROR && all);
}

bool un_unzip(const void *src, size_t size, void *dst, size_t want)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)src, .avail_in = (uInt)size};
    stream.next_out = dst;
    stream.avail_out = (uInt)want;
    if (size > UINT32_MAX || want > UINT32_MAX || inflateInit2(&stream, 32 + MAX_WBITS) != Z_OK)
        return false;
    const int status = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return status == Z_STREAM_END && stream.avail_out == 0;
}

/* ---- writing ----------------------------------------------------------------------------- */

#define BLOCK (64 << 10)

struct un_gzip {
    FILE *file;
    z_stream stream;
    unsigned char block[BLOCK];
};

struct un_gzip *un_gzip_open(FILE *file)
{
    struct un_gzip *made = calloc(1, sizeof *made);
    if (made && deflateInit2(&made->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, ONLY_GZIP, 8,
                             Z_DEFAULT_STRATEGY) == Z_OK) {
        made->file = file;
        return made;
    }
    free(made);
    return NULL;
}

static bool pack(struct un_gzip *g, const void *bytes, size_t size, int flush)
{
    g->stream.next_in = (z_const Bytef *)bytes;
    g->stream.avail_in = (uInt)size;
    do {
        g->stream.next_out = g->block;
        g->stream.avail_out = BLOCK;
        deflate(&g->stream, flush);
        size_t made = BLOCK - g->stream.avail_out;
        if (fwrite(g->block, 1, made, g->file) != made)
            return false;
    } while (g->stream.avail_out == 0);
    return true;
}

bool un_gzip_write(struct un_gzip *gzip, const void *bytes, size_t size)
{
    return pack(gzip, bytes, size, Z_NO_FLUSH);
}

bool un_gzip_end(struct un_gzip *gzip)
{
    return pack(gzip, "", 0, Z_FINISH);
}

void un_gzip_close(struct un_gzip *gzip)
{
    if (gzip)
        deflateEnd(&gzip->stream);
    free(gzip);
}

static void put(unsigned char *p, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

/* RFC 1952, with one block of RFC 1951 that is stored. */
void un_gzip_store(const void *bytes, uint16_t size, unsigned char *member)
{
    static const unsigned char head[11] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1};
    memcpy(member, head, sizeof head);
    put(member + 11, size, 2);
    put(member + 13, (uint16_t)~size, 2);
    memcpy(member + 15, bytes, size);
    put(member + 15 + size, (uint32_t)crc32(crc32(0, NULL, 0), bytes, size), 4);
    put(member + 19 + size, size, 4);
}
