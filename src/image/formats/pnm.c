/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pnm.c - Netpbm's binary grey and colour maps
 *
 *     P5 or P6  width  height  largest sample    numbers in text, with spaces and # comments
 * between one space, then samples of one byte, or of two (big-endian) where the largest is above
 * 255
 *
 * A largest sample of 2^n - 1 makes samples of n bits; with another one they stay as they stand.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "image/source.h"

struct reader {
    struct un_page page;
    size_t start;
    unsigned most;
};

static bool probe(const unsigned char *head, size_t size)
{
    return size >= 3 && head[0] == 'P' && (head[1] == '5' || head[1] == '6') &&
           (isspace(head[2]) || head[2] == '#');
}

/* A number behind spaces and comments; false: there is none of up to 7 digits. */
static bool take_number(const struct un_mapping *file, size_t *at, int *number)
{
    bool comment = false;
    for (; *at < file->size; ++*at) {
        unsigned char c = file->data[*at];
        comment = comment ? c != '\n' : c == '#';
        if (!comment && !isspace(c))
            break;
    }
    int digits = 0, value = 0;
    for (; *at < file->size && file->data[*at] >= '0' && file->data[*at] <= '9'; ++*at, digits++) {
        if (digits == 7)
            return false;
        value = 10 * value + (file->data[*at] - '0');
    }
    *number = value;
    return digits > 0;
}

static unet_code pnm_open(struct unet_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    const struct un_mapping *file = &source->file;
    int width, height, most;
    size_t at = 2;
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    source->file_pages = 1;
    if (!take_number(file, &at, &width) || !take_number(file, &at, &height) ||
        !take_number(file, &at, &most) || at == file->size || most < 1 || most > 65535)
        return un_fail(err, UNET_EFORMAT,
                       "%s: broken Netpbm header; width, height and a largest sample of 1..65535 "
                       "wanted",
                       source->name);
    int bits = 32 - __builtin_clz((unsigned)most);
    r->most = (unsigned)most;
    r->start = at + 1;
    r->page = (struct un_page){.height = height,
                               .width = width,
                               .channels = file->data[1] == '5' ? 1 : 3,
                               .bits = most & (most + 1) ? (most > 255 ? 16 : 8) : bits,
                               .bytes = most > 255 ? 2 : 1};
    unet_code code = un_page_check(source->name, &r->page, err);
    if (code)
        return code;
    size_t need = un_rect_bytes(&r->page, (struct un_rect){0, 0, height, width});
    size_t have = file->size - r->start;
    if (have < need)
        return un_fail(err, UNET_EFORMAT, "%s: truncated Netpbm file (%zu of %zu bytes of samples)",
                       source->name, have, need);
    if (have > need + 1)
        snprintf(source->note, sizeof source->note,
                 "%zu bytes behind the first picture are not read", have - need);
    return UNET_OK;
}

static unet_code pnm_page(struct unet_source *source, int index, struct un_page *page,
                          unet_error *err)
{
    (void)index;
    (void)err;
    *page = ((struct reader *)source->state)->page;
    return UNET_OK;
}

static unet_code pnm_read(struct unet_source *source, int index, const struct un_page *page,
                          struct un_rect rect, void *samples, unet_error *err)
{
    const struct reader *r = source->state;
    const size_t count = un_rect_bytes(page, rect) / (size_t)page->bytes;
    const uint8_t *u8 = samples;
    const uint16_t *u16 = samples;
    (void)index;
    unet_code code = un_rect_read(&source->file, source->name, r->start, page, rect, samples, err);
    if (code)
        return code;
    if (un_other_order(true))
        un_swap(samples, count, page->bytes);
    for (size_t i = 0; i < count; i++)
        if ((page->bytes == 1 ? u8[i] : u16[i]) > r->most)
            return un_fail(err, UNET_EFORMAT, "%s: broken Netpbm file (a sample of %u, up to %u)",
                           source->name, page->bytes == 1 ? u8[i] : u16[i], r->most);
    return UNET_OK;
}

static void pnm_close(struct unet_source *source)
{
    free(source->state);
}

static const char *const endings[] = {".pgm", ".ppm", ".pnm", NULL};
const struct un_format un_format_pnm = {"Netpbm", endings,  probe,    pnm_open,
                                        pnm_page, pnm_read, pnm_close};
