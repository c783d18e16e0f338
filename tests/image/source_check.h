/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_check.h - what holds for every reader: rectangles are cuts of the page, and what is cut
 * off is missed
 */
#ifndef SOURCE_CHECK_H
#define SOURCE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "image/image.h"
#include "support/expect_table.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The raw samples of page i, upright; the caller frees them. */
static inline unet_code read_raw(struct unet_source *source, int i, struct un_page *page,
                                 uint8_t **samples, unet_error *err)
{
    unet_code code = un_source_page(source, i, page, err);
    if (code)
        return code;
    struct un_rect all = {0, 0, un_page_upright_height(page), un_page_upright_width(page)};
    uint8_t *made = malloc(un_rect_bytes(page, all));
    if ((code = un_source_raw(source, i, page, all, made, err)))
        free(made);
    else
        *samples = made;
    return code;
}

/* All of page i of a file in memory, which must be read; prints why not. */
static inline uint8_t *must_read(const void *bytes, size_t size, int i, struct un_page *page)
{
    struct unet_source *source;
    uint8_t *samples = NULL;
    unet_error err = {0};
    unet_code code = un_source_open_bytes("made", bytes, size, &source, &err);
    if (!code) {
        code = read_raw(source, i, page, &samples, &err);
        un_source_close(source);
    }
    if (code)
        fail_msg("%s", err.text);
    return samples;
}

/* The file in memory is refused, when it is opened or read, with these words in the message. */
static inline void must_fail(const void *bytes, size_t size, const char *words)
{
    struct unet_source *source;
    unet_error err = {0};
    unet_code code = un_source_open_bytes("made", bytes, size, &source, &err);
    if (!code) {
        struct un_page page;
        uint8_t *samples = NULL;
        for (int i = 0; i < source->pages && !code; i++) {
            code = read_raw(source, i, &page, &samples, &err);
            if (!code)
                free(samples);
        }
        un_source_close(source);
    }
    if (code != UNET_EFORMAT || strncmp(err.text, "made: ", 6) || !strstr(err.text, words))
        fail_msg("code %d, \"%s\"; an error with \"%s\" wanted", code, err.text, words);
}

/* Rectangles at random places, in any order, are what they are in the whole page. */
static inline void check_rects(const void *bytes, size_t size, int i, int count)
{
    struct unet_source *source;
    struct un_page page;
    unet_error err = {0};
    uint8_t *whole = must_read(bytes, size, i, &page);
    assert_int_equal(un_source_open_bytes("made", bytes, size, &source, &err), UNET_OK);
    const unsigned H = (unsigned)un_page_upright_height(&page);
    const unsigned W = (unsigned)un_page_upright_width(&page);
    const size_t pixel = (size_t)page.channels * (size_t)page.bytes;
    for (int n = 0; n < count; n++) {
        uint32_t r[4];
        for (int k = 0; k < 4; k++)
            r[k] = un_rng_bits(7, (uint64_t)(4 * n + k));
        struct un_rect rect = {.top = (int)(r[0] % H), .left = (int)(r[1] % W)};
        rect.height = (int)(1 + r[2] % (H - (unsigned)rect.top));
        rect.width = n % 3 ? (int)(1 + r[3] % (W - (unsigned)rect.left)) : (int)W - rect.left;
        const size_t row = (size_t)rect.width * pixel;
        uint8_t *part = malloc(row * (size_t)rect.height);
        if (un_source_raw(source, i, &page, rect, part, &err))
            fail_msg("%s", err.text);
        for (int y = 0; y < rect.height; y++)
            if (memcmp(part + (size_t)y * row,
                       whole + ((size_t)(rect.top + y) * W + (size_t)rect.left) * pixel, row))
                fail_msg("rows %d+%d, columns %d+%d of %u x %u: row %d differs", rect.top,
                         rect.height, rect.left, rect.width, W, H, y);
        free(part);
    }
    un_source_close(source);
    free(whole);
}

/* Whether all pages of a file can be read; sum: a number made of all samples. */
static inline bool reads_whole(const void *bytes, size_t size, uint64_t *sum)
{
    struct unet_source *source;
    unet_error err = {0};
    *sum = 0;
    if (un_source_open_bytes("made", bytes, size, &source, &err)) {
        assert_int_not_equal(err.text[0], 0);
        return false;
    }
    bool good = true;
    for (int i = 0; i < source->pages && good; i++) {
        struct un_page page;
        uint8_t *samples;
        good = !read_raw(source, i, &page, &samples, &err);
        if (!good)
            break;
        struct un_rect all = {0, 0, un_page_upright_height(&page), un_page_upright_width(&page)};
        for (size_t k = 0; k < un_rect_bytes(&page, all); k++)
            *sum = (*sum ^ samples[k]) * 0x100000001b3u + 1;
        free(samples);
    }
    un_source_close(source);
    return good;
}

/* A file that is cut off anywhere is refused, unless all samples are there all the same. */
static inline void check_truncation(const void *bytes, size_t size)
{
    uint64_t whole, sum;
    assert_true(reads_whole(bytes, size, &whole));
    size_t step = size > 4000 ? size / 1500 : 1;
    for (size_t n = 0; n < size; n += size - n < 600 ? 1 : step) {
        uint8_t *cut = malloc(n ? n : 1); /* by itself, so that a read beyond it is seen */
        memcpy(cut, bytes, n);
        if (reads_whole(cut, n, &sum) && sum != whole)
            fail_msg("the first %zu of %zu bytes are taken for a whole file", n, size);
        free(cut);
    }
}

/* Any byte changed: an error or a picture, and nothing worse. */
static inline void check_damage(const void *bytes, size_t size, int count)
{
    uint8_t *copy = malloc(size);
    for (int i = 0; i < count; i++) {
        uint64_t sum;
        memcpy(copy, bytes, size);
        for (int k = 0; k <= i % 3; k++) {
            size_t at = un_rng_bits(11, (uint64_t)(8 * i + k)) % (k            ? size
                                                                  : size < 200 ? size
                                                                               : 200);
            copy[at] = (uint8_t)un_rng_bits(12, (uint64_t)(8 * i + k));
        }
        reads_whole(copy, size, &sum);
    }
    free(copy);
}

static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
