/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gif.c - GIF: the one file that knows giflib
 *
 *     "GIF89a"  screen: width height flags background aspect  [colours]
 *     any number of:  '!' extension   ','  left top width height flags [colours]  LZW data
 *     ';'
 *
 * Each frame is a page as large as the screen: its indices where it lies, the background's index
 * around it.  Frames are not laid over each other, since each may have colours of its own; which
 * index is transparent is passed over.  The blocks are walked when the file is opened, so a file
 * that ends too early is refused then; giflib only sees the screen and the frame that is read, and
 * never holds more than one.  A code of LZW has at most 12 bits and stands for at most 4096 pixels.
 */
#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

#include "base/number.h"
#include "image/source.h"

#define PIXELS_PER_BYTE 2731 /* 4096 pixels in 12 bits */

struct frame {
    size_t at, end; /* its bytes in the file, from the ',' */
};

struct reader {
    struct frame *frames;
    int count, room;
    int width, height, background;
    size_t colors_at, colors; /* the screen's */
    size_t position;          /* of giflib in the file */
    const struct un_mapping *file;
    uint8_t *pixels; /* of frame `decoded` */
    int decoded;
};

static bool probe(const unsigned char *head, size_t size)
{
    return size >= 6 && (!memcmp(head, "GIF87a", 6) || !memcmp(head, "GIF89a", 6));
}

/* ---- walking the blocks ------------------------------------------------------------------ */

static size_t color_count(unsigned flags)
{
    return flags & 0x80 ? (size_t)2 << (flags & 7) : 0;
}

/* Moves *at behind sub-blocks, each its size and then so many bytes, up to one of size 0. */
static bool skip_blocks(const struct un_mapping *file, size_t *at)
{
    while (*at < file->size) {
        size_t size = file->data[*at];
        *at += 1 + size;
        if (!size)
            return true;
    }
    return false;
}

/* Notes the frame at *at and moves behind it. */
static unet_code take_frame(const char *name, struct reader *r, size_t *at, bool *whole,
                            unet_error *err)
{
    const struct un_mapping *file = r->file;
    struct frame frame = {.at = *at};
    *whole = false;
    if (file->size - *at < 11)
        return UNET_OK;
    const unsigned char *p = file->data + *at;
    const unsigned left = un_le16(p + 1), top = un_le16(p + 3);
    const unsigned width = un_le16(p + 5), height = un_le16(p + 7);
    *at += 10 + 3 * color_count(p[9]) + 1;
    *whole = *at <= file->size && skip_blocks(file, at);
    frame.end = *at;
    if (!*whole)
        return UNET_OK;
    if (!width || !height || left + width > (unsigned)r->width ||
        top + height > (unsigned)r->height)
        return un_fail(err, UNET_EFORMAT,
                       "%s: frame %d has %u x %u pixels at %u, %u; inside of the screen of %d x %d "
                       "wanted",
                       name, r->count, width, height, left, top, r->width, r->height);
    if (r->count == r->room) {
        int room = r->room ? 2 * r->room : 16;
        struct frame *frames = realloc(r->frames, (size_t)room * sizeof *frames);
        if (!frames)
            return un_fail_memory(err, (size_t)room * sizeof *frames, name);
        r->frames = frames;
        r->room = room;
    }
    r->frames[r->count++] = frame;
    return UNET_OK;
}

static unet_code walk(const char *name, struct reader *r, size_t at, unet_error *err)
{
    while (at < r->file->size && r->count <= UN_SOURCE_PAGES) {
        unsigned char what = r->file->data[at];
        bool whole = true;
        unet_code code = UNET_OK;
        if (what == ';')
            return r->count ? UNET_OK : un_fail(err, UNET_EFORMAT, "%s: a GIF of no frames", name);
        if (what == ',') {
            code = take_frame(name, r, &at, &whole, err);
        } else if (what == '!') {
            at += 2;
            whole = skip_blocks(r->file, &at);
        } else {
            return un_fail(err, UNET_EFORMAT, "%s: broken GIF (byte 0x%02x where a block begins)",
                           name, what);
        }
        if (code)
            return code;
        if (!whole)
            break;
    }
    if (r->count > UN_SOURCE_PAGES)
        return un_fail(err, UNET_EFORMAT, "%s: more than %d frames", name, UN_SOURCE_PAGES);
    return un_fail(err, UNET_EFORMAT, "%s: truncated GIF (it ends in or behind frame %d)", name,
                   r->count);
}

static unet_code gif_open(struct unet_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    r->file = &source->file;
    r->decoded = -1;
    const unsigned char *p = source->file.data;
    if (source->file.size < 13 || source->file.size - 13 < 3 * color_count(p[10]))
        return un_fail(err, UNET_EFORMAT, "%s: truncated GIF (it ends in its header)",
                       source->name);
    r->width = (int)un_le16(p + 6);
    r->height = (int)un_le16(p + 8);
    r->colors_at = 13;
    r->colors = color_count(p[10]);
    r->background = r->colors ? p[11] : 0;
    uint64_t pixels = (uint64_t)r->width * (uint64_t)r->height;
    if (pixels / PIXELS_PER_BYTE > source->file.size)
        return un_fail(err, UNET_EFORMAT, "%s: broken GIF (%zu bytes for %d x %d pixels)",
                       source->name, source->file.size, r->width, r->height);
    unet_code code = walk(source->name, r, r->colors_at + 3 * r->colors, err);
    source->file_pages = r->count;
    return code;
}

/* ---- pages ------------------------------------------------------------------------------- */

static struct un_rect place_of(const struct reader *r, int index)
{
    const unsigned char *p = r->file->data + r->frames[index].at;
    return (struct un_rect){(int)un_le16(p + 3), (int)un_le16(p + 1), (int)un_le16(p + 7),
                            (int)un_le16(p + 5)};
}

static unet_code gif_page(struct unet_source *source, int index, struct un_page *page,
                          unet_error *err)
{
    const struct reader *r = source->state;
    const size_t at = r->frames[index].at;
    size_t colors = color_count(r->file->data[at + 9]), colors_at = at + 10;
    if (!colors) {
        colors = r->colors;
        colors_at = r->colors_at;
    }
    if (!colors)
        return un_fail(err, UNET_EFORMAT, "%s: frame %d has no colours", source->name, index);
    const struct un_rect place = place_of(r, index);
    *page = (struct un_page){.height = r->height,
                             .width = r->width,
                             .channels = 1,
                             .bits = 8,
                             .bytes = 1,
                             .palette_size = (int)colors,
                             .working = (size_t)place.height * (size_t)place.width + (64 << 10)};
    memcpy(page->palette, r->file->data + colors_at, 3 * colors);
    return UNET_OK;
}

/* ---- pixels ------------------------------------------------------------------------------ */

/* Nothing behind the frame is ever given. */
static int on_read(GifFileType *gif, GifByteType *bytes, int count)
{
    struct reader *r = gif->UserData;
    size_t end = r->decoded < 0 ? r->file->size : r->frames[r->decoded].end;
    size_t have = end - r->position, given = (size_t)count < have ? (size_t)count : have;
    memcpy(bytes, r->file->data + r->position, given);
    r->position += given;
    return (int)given;
}

static bool decode_lines(GifFileType *gif, const struct un_rect *place, uint8_t *pixels)
{
    static const struct {
        int first, step;
    } passes[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
    const size_t W = (size_t)place->width;
    if (!gif->Image.Interlace) {
        for (int y = 0; y < place->height; y++)
            if (DGifGetLine(gif, pixels + (size_t)y * W, place->width) != GIF_OK)
                return false;
        return true;
    }
    for (int pass = 0; pass < 4; pass++)
        for (int y = passes[pass].first; y < place->height; y += passes[pass].step)
            if (DGifGetLine(gif, pixels + (size_t)y * W, place->width) != GIF_OK)
                return false;
    return true;
}

/* Decodes a frame into r->pixels. */
static unet_code decode(const char *name, struct reader *r, int index, unet_error *err)
{
    const struct un_rect place = place_of(r, index);
    const size_t bytes = (size_t)place.height * (size_t)place.width;
    int error = 0;
    free(r->pixels);
    r->decoded = -1;
    r->position = 0;
    if (!(r->pixels = malloc(bytes)))
        return un_fail_memory(err, bytes, name);
    GifFileType *gif = DGifOpen(r, on_read, &error);
    if (gif) {
        GifRecordType type;
        r->position = r->frames[index].at;
        r->decoded = index;
        if (DGifGetRecordType(gif, &type) != GIF_OK || DGifGetImageDesc(gif) != GIF_OK ||
            !decode_lines(gif, &place, r->pixels)) {
            error = gif->Error ? gif->Error : D_GIF_ERR_READ_FAILED;
            r->decoded = -1;
        }
        DGifCloseFile(gif, NULL);
    }
    if (r->decoded == index)
        return UNET_OK;
    const char *why = GifErrorString(error);
    return un_fail(err, UNET_EFORMAT, "%s: broken GIF (frame %d: %s)", name, index,
                   why ? why : "it cannot be decoded");
}

static unet_code gif_read(struct unet_source *source, int index, const struct un_page *page,
                          struct un_rect rect, void *samples, unet_error *err)
{
    struct reader *r = source->state;
    unet_code code = r->decoded == index ? UNET_OK : decode(source->name, r, index, err);
    (void)page;
    if (code)
        return code;
    const struct un_rect place = place_of(r, index);
    uint8_t *dst = samples;
    for (int y = rect.top; y < rect.top + rect.height; y++, dst += rect.width) {
        memset(dst, r->background, (size_t)rect.width);
        int left = place.left > rect.left ? place.left : rect.left;
        int right = place.left + place.width, end = rect.left + rect.width;
        right = right < end ? right : end;
        if (y >= place.top && y < place.top + place.height && left < right)
            memcpy(dst + (left - rect.left),
                   r->pixels + (size_t)(y - place.top) * (size_t)place.width + (left - place.left),
                   (size_t)(right - left));
    }
    return UNET_OK;
}

static void gif_close(struct unet_source *source)
{
    struct reader *r = source->state;
    if (!r)
        return;
    free(r->frames);
    free(r->pixels);
    free(r);
}

static const char *const endings[] = {".gif", NULL};
const struct un_format un_format_gif = {"GIF",    endings,  probe,    gif_open,
                                        gif_page, gif_read, gif_close};
