/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channels.c - one image out of several files or pages
 *
 * A source over other sources: each gives some channels of every page, converted and upright, and
 * samples are put beside each other a few rows at a time.  Two more kinds of files have one source
 * below them:
 *
 *     planes   .npy as [channel][row][column], which by itself is [row][column][channel]
 *     rows     a page is a row of the image: [row][column][channel] in a TIFF that says so
 */
#include "image/channels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

#define SLAB 64 /* rows at a time */

enum way { BESIDE, PLANES, ROWS };

struct channels {
    enum way way;
    struct unet_source **parts;
    struct un_page *pages; /* [part_count] of page `index` */
    int part_count, room;
    int index; /* -1: none */
    struct un_channels wish;
    int take[UN_IMAGE_CHANNELS]; /* which channels of all, in their order */
    int take_count;
};

static const struct un_format format_channels;

/* ---- parts ------------------------------------------------------------------------------- */

/* Takes the source. */
static unet_code add_part(struct channels *c, struct unet_source *part, unet_error *err)
{
    size_t bytes = ((size_t)c->part_count + 1) * sizeof(struct un_page);
    struct unet_source **parts = realloc(c->parts, ((size_t)c->part_count + 1) * sizeof *c->parts);
    c->parts = parts ? parts : c->parts;
    struct un_page *pages = parts ? realloc(c->pages, bytes) : NULL;
    c->pages = pages ? pages : c->pages;
    if (!pages) {
        un_source_close(part);
        return un_fail_memory(err, bytes, "channels");
    }
    c->parts[c->part_count++] = part;
    return UNET_OK;
}

static void release(struct channels *c)
{
    for (int i = 0; i < c->part_count; i++)
        un_source_close(c->parts[i]);
    free(c->parts);
    free(c->pages);
    free(c);
}

static unet_code open_part(struct channels *c, const char *path, unet_error *err)
{
    struct unet_source *part;
    unet_code code = un_source_open(path, &part, err);
    return code ? code : add_part(c, part, err);
}

/* A source for each page, so that each keeps its place in the file. */
static unet_code open_pages(struct channels *c, unet_error *err)
{
    struct unet_source *file = c->parts[0];
    struct un_page page;
    unet_code code = un_source_page(file, 0, &page, err);
    if (code)
        return code;
    if (file->format == &un_format_npy && page.channels > 1) {
        c->way = PLANES;
        return UNET_OK;
    }
    if (file->pages == 1)
        return UNET_OK;
    if (file->pages > UN_CHANNELS_MOST)
        return un_fail(err, UNET_EINVAL, "%s: %d pages; up to %d wanted as channels of one image",
                       file->name, file->pages, UN_CHANNELS_MOST);
    c->part_count = 0;
    for (int i = 0; i < file->pages && !code; i++) {
        char *path = un_source_page_path(file, i);
        code = path ? open_part(c, path, err) : un_fail_memory(err, 0, file->name);
        free(path);
    }
    if (!c->part_count) /* c has it no more */
        c->part_count = 1;
    else
        un_source_close(file);
    return code;
}

static unet_code open_files(struct channels *c, const char *path, size_t open, size_t close,
                            unet_error *err)
{
    unet_code code = UNET_OK;
    for (const char *at = path + open + 1; at < path + close && !code;) {
        size_t n = strcspn(at, ",}");
        char *file;
        if (asprintf(&file, "%.*s%.*s%s", (int)open, path, (int)n, at, path + close + 1) < 0)
            return un_fail_memory(err, strlen(path), path);
        code = open_part(c, file, err);
        free(file);
        at += n + 1;
        const struct unet_source *first = c->part_count ? c->parts[0] : NULL,
                                 *last = c->part_count ? c->parts[c->part_count - 1] : NULL;
        if (!code && last->pages != first->pages)
            code = un_fail(err, UNET_EINVAL,
                           "%s has %d pages, but %s %d; files of one image's channels have as many",
                           last->name, last->pages, first->name, first->pages);
    }
    return code;
}

/* ---- a page ------------------------------------------------------------------------------ */

static unet_code fail_unlike(const struct unet_source *a, const unet_image *x,
                             const struct unet_source *b, const unet_image *y, unet_error *err)
{
    return un_fail(err, UNET_EINVAL,
                   "%s is %d x %d pixels of %d bits, but %s %d x %d of %d; channels of one image "
                   "are alike",
                   b->name, y->width, y->height, 8 * (int)un_sample_bytes(y->sample), a->name,
                   x->width, x->height, 8 * (int)un_sample_bytes(x->sample));
}

/* The image of a part as it is seen from here. */
static unet_image image_of(const struct channels *c, int part)
{
    unet_image image = un_page_image(&c->pages[part]), turned = image;
    if (c->way == PLANES) {
        turned.height = image.width;
        turned.width = image.channels;
        turned.channels = image.height;
    } else if (c->way == ROWS) {
        turned.height = c->parts[0]->pages;
        turned.width = image.height;
        turned.channels = image.width;
    }
    return turned;
}

/* Files of channels lie where the first one does, and so does the image; pages and planes nowhere.
 */
static unet_code settle_place(const struct channels *c, int part, bool as_stored,
                              struct un_page *page, unet_error *err)
{
    struct un_order order;
    char text[200];
    if (c->way != BESIDE || c->wish.pages)
        return UNET_OK;
    if (!part)
        page->place = c->pages[0].place;
    const enum un_fit fit =
        un_place_compare(&page->place, &c->pages[part].place, &order, text, sizeof text);
    if (as_stored || (fit != UN_FIT_NOT && fit != UN_FIT_ORDERED))
        return UNET_OK;
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_AS_STORED,
                        "%.160s, a channel beside %.160s, %s; channels of one image are alike",
                        c->parts[part]->name, c->parts[0]->name, text);
}

static unet_code choose(struct unet_source *source, struct channels *c, int channels,
                        unet_error *err)
{
    c->take_count = c->wish.count ? c->wish.count : channels;
    for (int i = 0; i < c->take_count && i < UN_IMAGE_CHANNELS; i++) {
        c->take[i] = c->wish.count ? c->wish.index[i] : i;
        if (c->take[i] >= channels)
            return un_fail(err, UNET_EINVAL, "%s: no channel %d; 0 to %d wanted, there %s %d",
                           source->name, c->take[i], channels - 1, channels == 1 ? "is" : "are",
                           channels);
    }
    return UNET_OK;
}

static unet_code channels_page(struct unet_source *source, int index, struct un_page *page,
                               unet_error *err)
{
    struct channels *c = source->state;
    unet_image first = {0};
    int channels = 0;
    unet_code code = UNET_OK;
    c->index = -1;
    *page = (struct un_page){.orientation = 1};
    for (int i = 0; i < c->part_count && !code; i++) {
        struct un_page *part = &c->pages[i];
        c->parts[i]->manner.as_stored = source->manner.as_stored;
        if ((code = un_source_page(c->parts[i], index - source->first, part, err)))
            break;
        unet_image image = image_of(c, i);
        if (!i) {
            first = image;
            unet_page what;
            un_page_describe(part, &what);
            page->pixel_height = what.pixel_height;
            page->pixel_width = what.pixel_width;
            page->fill = part->fill;
            memcpy(page->unit, what.unit, sizeof page->unit);
        } else if (image.height != first.height || image.width != first.width ||
                   image.sample != first.sample || image.prepared != first.prepared) {
            code = fail_unlike(c->parts[0], &first, c->parts[i], &image, err);
        }
        if (!code)
            code = settle_place(c, i, source->manner.as_stored, page, err);
        channels += image.channels;
        page->lossy = page->lossy || part->lossy;
        page->in_order = page->in_order || part->in_order;
        page->working += part->working + (size_t)2 * SLAB * (size_t)image.width *
                                             (size_t)image.channels * (size_t)part->bytes;
    }
    if (code || (code = choose(source, c, channels, err)))
        return code;
    page->height = first.height;
    page->width = first.width;
    page->channels = c->take_count;
    page->kind = first.sample == UNET_F32 ? UN_FLOAT : UN_UINT;
    page->bytes = (int)un_sample_bytes(first.sample);
    page->bits = 8 * page->bytes;
    page->prepared = first.prepared;
    c->index = index;
    return UNET_OK;
}

/* ---- rectangles -------------------------------------------------------------------------- */

/* Puts the samples of a part, whose first channel is `first` of all, to their places. */
static void spread(const struct channels *c, const uint8_t *from, size_t pixels, int first,
                   int channels, size_t bytes, uint8_t *to)
{
    for (int k = 0; k < c->take_count; k++) {
        const int channel = c->take[k] - first;
        if (channel < 0 || channel >= channels)
            continue;
        for (size_t i = 0; i < pixels; i++)
            memcpy(to + (i * (size_t)c->take_count + (size_t)k) * bytes,
                   from + (i * (size_t)channels + (size_t)channel) * bytes, bytes);
    }
}

static unet_code read_beside(struct channels *c, int index, struct un_rect rect, size_t bytes,
                             uint8_t *some, uint8_t *samples, unet_error *err)
{
    int first = 0;
    unet_code code = UNET_OK;
    for (int i = 0; i < c->part_count && !code; i++) {
        const int channels = un_page_image(&c->pages[i]).channels;
        code = un_source_read(c->parts[i], index, &c->pages[i], rect, some, err);
        if (!code)
            spread(c, some, (size_t)rect.height * (size_t)rect.width, first, channels, bytes,
                   samples);
        first += channels;
    }
    return code;
}

static unet_code read_planes(struct channels *c, struct un_rect rect, size_t bytes, uint8_t *some,
                             uint8_t *samples, unet_error *err)
{
    const struct un_page *page = &c->pages[0];
    const size_t row = (size_t)page->channels * bytes, width = (size_t)rect.width;
    unet_code code = UNET_OK;
    for (int k = 0; k < c->take_count && !code; k++) {
        const struct un_rect plane = {c->take[k], rect.top, 1, rect.height};
        code = un_source_read(c->parts[0], 0, page, plane, some, err);
        for (int y = 0; y < rect.height && !code; y++)
            for (size_t x = 0; x < width; x++)
                memcpy(samples +
                           (((size_t)y * width + x) * (size_t)c->take_count + (size_t)k) * bytes,
                       some + (size_t)y * row + ((size_t)rect.left + x) * bytes, bytes);
    }
    return code;
}

static unet_code read_rows(struct channels *c, struct un_rect rect, size_t bytes, uint8_t *some,
                           uint8_t *samples, unet_error *err)
{
    const size_t width = (size_t)rect.width;
    unet_code code = UNET_OK;
    for (int y = 0; y < rect.height && !code; y++) {
        struct un_page page;
        if ((code = un_source_page(c->parts[0], rect.top + y, &page, err)))
            break;
        if (page.height != c->pages[0].height || page.width != c->pages[0].width)
            return un_fail(err, UNET_EFORMAT, "%s: rows that differ", c->parts[0]->name);
        const struct un_rect all = {rect.left, 0, rect.width, page.width};
        code = un_source_read(c->parts[0], rect.top + y, &page, all, some, err);
        if (!code)
            spread(c, some, width, 0, page.width, bytes,
                   samples + (size_t)y * width * (size_t)c->take_count * bytes);
    }
    return code;
}

static unet_code channels_read(struct unet_source *source, int index, const struct un_page *page,
                               struct un_rect rect, void *samples, unet_error *err)
{
    struct channels *c = source->state;
    struct un_page again;
    unet_code code = c->index == index ? UNET_OK : channels_page(source, index, &again, err);
    size_t bytes = (size_t)page->bytes, most = 1, row = (size_t)rect.width * page->channels * bytes;
    if (code)
        return code;
    for (int i = 0; i < c->part_count; i++) { /* of a row of a part */
        const unet_image whole = un_page_image(&c->pages[i]), image = image_of(c, i);
        size_t wide =
            c->way == PLANES ? (size_t)whole.channels : (size_t)rect.width * (size_t)image.channels;
        most = wide > most ? wide : most;
    }
    uint8_t *some = malloc(SLAB * most * bytes);
    if (!some)
        return un_fail_memory(err, SLAB * most * bytes, source->name);
    for (int y = 0; y < rect.height && !code; y += SLAB) {
        struct un_rect slab = {rect.top + y, rect.left, rect.height - y, rect.width};
        uint8_t *to = (uint8_t *)samples + (size_t)y * row;
        slab.height = slab.height < SLAB ? slab.height : SLAB;
        code = c->way == PLANES ? read_planes(c, slab, bytes, some, to, err)
               : c->way == ROWS ? read_rows(c, slab, bytes, some, to, err)
                                : read_beside(c, index - source->first, slab, bytes, some, to, err);
    }
    free(some);
    return code;
}

static void channels_close(struct unet_source *source)
{
    if (source->state)
        release(source->state);
}

static bool never(const unsigned char *head, size_t size)
{
    (void)head;
    (void)size;
    return false;
}

static const char *const no_endings[] = {NULL};
static const struct un_format format_channels = {"channels",    no_endings,    never,         NULL,
                                                 channels_page, channels_read, channels_close};

/* ---- opening ----------------------------------------------------------------------------- */

/* A source over c, which it takes, also on failure.  begin: bytes of the name before the choice of
 * channels. */
static unet_code wrap(struct channels *c, const char *name, size_t begin,
                      struct unet_source **source, unet_error *err)
{
    const struct unet_source *part = c->parts[0];
    struct unet_source *made = calloc(1, sizeof *made);
    if (!made || !(made->name = strdup(name))) {
        free(made);
        release(c);
        return un_fail_memory(err, sizeof *made, name);
    }
    const bool one = c->way != BESIDE || c->wish.pages;
    made->state = c;
    made->format = &format_channels;
    made->file.borrowed = true;
    made->file_name = one ? begin : begin - (strlen(part->name) - part->file_name);
    made->file_pages = one ? 1 : part->file_pages;
    made->first = one ? 0 : part->first;
    made->pages = one ? 1 : part->pages;
    made->depth = one ? 0 : part->depth;
    made->planes = c->wish.pages ? part->file_pages : one ? 0 : part->planes;
    memcpy(made->note, part->note, sizeof made->note);
    c->index = -1;
    *source = made;
    return UNET_OK;
}

unet_code un_channels_open(const char *path, struct unet_source **source, unet_error *err)
{
    size_t begin = strlen(path), open, close;
    struct channels *c = calloc(1, sizeof *c);
    char *file;
    if (!c)
        return un_fail_memory(err, sizeof *c, path);
    unet_code code = UNET_OK;
    if (un_channels_chosen(path, &begin)) {
        char inside[UN_CHANNELS_TEXT];
        snprintf(inside, sizeof inside, "%.*s", (int)(strlen(path) - begin - 2), path + begin + 1);
        code = un_channels_parse(inside, &c->wish, err);
    }
    if (!code && !(file = strndup(path, begin)))
        code = un_fail_memory(err, begin, path);
    if (code) {
        release(c);
        return code;
    }
    code = un_channels_files(file, &open, &close) ? open_files(c, file, open, close, err)
                                                  : open_part(c, file, err);
    if (!code && c->wish.pages)
        code =
            c->part_count > 1 && c->parts[0]->pages > 1
                ? un_fail(err, UNET_EINVAL, "%s: channels in files and in pages; one wanted", path)
                : open_pages(c, err);
    if (code)
        release(c);
    else
        code = wrap(c, path, begin, source, err);
    free(file);
    return code;
}

unet_code un_channels_of_rows(struct unet_source *rows, struct unet_source **source,
                              unet_error *err)
{
    struct channels *c = calloc(1, sizeof *c);
    unet_code code;
    if (!c) {
        code = un_fail_memory(err, sizeof *c, rows->name);
        un_source_close(rows);
        return code;
    }
    c->way = ROWS;
    code = add_part(c, rows, err);
    if (code)
        release(c);
    return code ? code : wrap(c, rows->name, strlen(rows->name), source, err);
}
