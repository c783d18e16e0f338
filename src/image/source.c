/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.c - opening a file, choosing its pages, and reading rectangles of them upright
 *
 *     rectangle of the upright image -> un_turn_back -> the format's read -> un_turn -> un_convert
 *
 * Steps that have nothing to do are left out: most files are read straight into the caller's array.
 */
#include "image/source.h"

#include "base/known_files.h"
#include "image/channels.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- opening ----------------------------------------------------------------------------- */

/* The pages that a path asks for: [first:end], either may be left out or negative. */
struct choice {
    size_t file_name; /* bytes of path before the bracket */
    bool given, one;
    bool has_first, has_end;
    long first, end;
};

static bool take_number(const char **at, long *number, bool *has)
{
    char *end;
    if (**at == ':' || **at == ']')
        return true;
    errno = 0;
    *number = strtol(*at, &end, 10);
    *has = true;
    if (end == *at || errno || **at == ' ' || **at == '+')
        return false;
    *at = end;
    return true;
}

/* Splits "scan.tif[2:7]"; false: what stands between the brackets is no choice of pages. */
static bool split(const char *path, struct choice *choice)
{
    size_t length = strlen(path);
    const char *bracket = strrchr(path, '[');
    *choice = (struct choice){.file_name = length};
    if (!bracket || bracket == path || path[length - 1] != ']')
        return true;
    const char *at = bracket + 1;
    choice->file_name = (size_t)(bracket - path);
    choice->given = true;
    if (!take_number(&at, &choice->first, &choice->has_first))
        return false;
    choice->one = *at == ']';
    if (choice->one)
        return choice->has_first && !at[1];
    return *at++ == ':' && take_number(&at, &choice->end, &choice->has_end) && *at == ']' && !at[1];
}

/* Settles which of the file's pages are meant. */
static unet_code choose(struct unet_source *source, const struct choice *choice, unet_error *err)
{
    long count = source->file_pages;
    source->first = 0;
    source->pages = source->file_pages;
    if (!choice->given)
        return UNET_OK;
    long first = choice->has_first ? choice->first : 0;
    first += first < 0 ? count : 0;
    long end = choice->one ? first + 1 : choice->has_end ? choice->end : count;
    end += end < 0 && !choice->one ? count : 0;
    if (first < 0 || first >= end || end > count)
        return un_fail(err, UNET_EINVAL, "%s: the file has %ld page%s, 0 to %ld", source->name,
                       count, count == 1 ? "" : "s", count - 1);
    source->first = (int)first;
    source->pages = (int)(end - first);
    return UNET_OK;
}

/* Takes the mapping, also on failure; format: NULL: none of ours. */
static unet_code open_mapping(const char *name, const struct un_mapping *mapping,
                              const struct un_format *format, const struct choice *choice,
                              struct unet_source **source, unet_error *err)
{
    struct unet_source *made = calloc(1, sizeof *made);
    unet_code code;
    if (!made || !(made->name = strdup(name))) {
        free(made);
        return un_fail_memory(err, sizeof *made, name);
    }
    made->file = *mapping;
    made->file_name = choice->given ? choice->file_name : strlen(name);
    made->format = format;
    code = made->format ? made->format->open(made, err) : un_fail_foreign(name, mapping, err);
    if (!code && (made->file_pages < 1 || made->file_pages > UN_SOURCE_PAGES))
        code = un_fail(err, UNET_EFORMAT, "%s: %d pages; 1 to %d wanted", name, made->file_pages,
                       UN_SOURCE_PAGES);
    if (!code)
        code = choose(made, choice, err);
    if (code) {
        made->file = (struct un_mapping){0}; /* stays the caller's */
        un_source_close(made);
        return code;
    }
    *source = made;
    return UNET_OK;
}

static unet_code open_file(const char *path, struct unet_source **source, unet_error *err)
{
    struct choice choice = {.file_name = strlen(path)};
    if (access(path, F_OK) && !split(path, &choice))
        return un_fail(err, UNET_EINVAL,
                       "%s: not a choice of pages; [3], [2:7], [2:], [:7] or [-1] wanted, counted "
                       "from 0",
                       path);
    char *file = strndup(path, choice.file_name);
    if (!file)
        return un_fail_memory(err, choice.file_name, path);
    struct un_mapping mapping = {.borrowed = true}; /* nothing of those by path */
    const struct un_format *format = un_format_of_path(file);
    unet_code code = format ? UNET_OK : un_map_open(file, &mapping, err);
    if (!code && !format && !un_known_name_first(path))
        format = un_format_of_bytes(mapping.data, mapping.size);
    if (!code && (code = open_mapping(path, &mapping, format, &choice, source, err)))
        un_map_release(&mapping);
    free(file);
    return code;
}

unet_code un_source_open(const char *path, struct unet_source **source, unet_error *err)
{
    size_t begin, end;
    if (un_channels_chosen(path, &begin) || un_channels_files(path, &begin, &end))
        return un_channels_open(path, source, err);
    unet_code code = open_file(path, source, err);
    return code || !(*source)->pages_are_rows ? code : un_channels_of_rows(*source, source, err);
}

unet_code un_source_open_as(const char *path, const struct un_manner *manner,
                            struct unet_source **source, unet_error *err)
{
    unet_code code = un_source_open(path, source, err);
    if (!code)
        (*source)->manner = *manner;
    return code;
}

unet_code un_source_open_bytes(const char *name, const void *bytes, size_t size,
                               struct unet_source **source, unet_error *err)
{
    const struct un_mapping mapping = {.data = bytes, .size = size, .borrowed = true};
    const struct choice all = {0};
    const struct un_format *format =
        un_known_name_first(name) ? NULL : un_format_of_bytes(bytes, size);
    return open_mapping(name, &mapping, format, &all, source, err);
}

char *un_source_page_path(const struct unet_source *source, int i)
{
    char *path;
    if (source->file_pages == 1)
        return strdup(source->name);
    const char *rest = source->name + source->file_name, *choice = strchr(rest, ']');
    rest = *rest == '[' && choice ? choice + 1 : rest;
    int length = asprintf(&path, "%.*s[%d]%s", (int)source->file_name, source->name,
                          source->first + i, rest);
    return length < 0 ? NULL : path;
}

void un_source_close(struct unet_source *source)
{
    if (!source)
        return;
    if (source->format)
        source->format->close(source);
    un_ordered_free(source->ordered);
    un_map_release(&source->file);
    free(source->unread);
    free(source->name);
    free(source);
}

unet_code un_source_page(struct unet_source *source, int i, struct un_page *page, unet_error *err)
{
    if (i < 0 || i >= source->pages)
        return un_fail(err, UNET_EINVAL, "%s: page %d of %d", source->name, i, source->pages);
    if (source->ordered)
        return un_ordered_page(source, i, page, err);
    struct un_page made = {0};
    unet_code code = source->format->page(source, source->first + i, &made, err);
    if (code || (code = un_page_check(source->name, &made, err)))
        return code;
    if (source->manner.as_stored)
        made.orientation = 1;
    if (made.alpha && made.channels == source->manner.with_alpha)
        made.alpha = false;
    made.ramp = un_palette_is_ramp(&made);
    *page = made;
    return UNET_OK;
}

unet_code un_source_place(struct unet_source *source, struct un_place *place, unet_error *err)
{
    struct un_page page;
    unet_code code = un_source_page(source, 0, &page, err);
    if (code)
        return code;
    *place = page.place;
    if (!place->kind)
        return UNET_OK;
    if (place->count[2] == 1 ? source->pages > 1 && source->file_pages > 1
                             : source->first % place->count[2] + source->pages > place->count[2] &&
                                   source->pages % place->count[2])
        place->kind = UN_PLACE_NONE; /* pages with places of their own, or parts of several grids */
    else if (source->pages < place->count[2])
        un_place_part(place, source->first % place->count[2], source->pages);
    return UNET_OK;
}

unet_code un_page_check(const char *name, const struct un_page *page, unet_error *err)
{
    if (page->height < 1 || page->width < 1 || page->channels < 1 || page->height > UN_IMAGE_SIDE ||
        page->width > UN_IMAGE_SIDE || page->channels > UN_IMAGE_CHANNELS)
        return un_fail(err, UNET_EFORMAT,
                       "%s: %d x %d pixels with %d channels; sides of 1..%d and up to %d channels "
                       "wanted",
                       name, page->width, page->height, page->channels, UN_IMAGE_SIDE,
                       UN_IMAGE_CHANNELS);
    return UNET_OK;
}

/* ---- rectangles -------------------------------------------------------------------------- */

size_t un_rect_bytes(const struct un_page *page, struct un_rect rect)
{
    return (size_t)rect.height * (size_t)rect.width * (size_t)page->channels * (size_t)page->bytes;
}

void un_rect_copy(const struct un_page *page, const void *samples, struct un_rect rect, void *dst)
{
    size_t pixel = (size_t)page->channels * (size_t)page->bytes;
    size_t stride = (size_t)page->width * pixel, row = (size_t)rect.width * pixel;
    const uint8_t *src =
        (const uint8_t *)samples + (size_t)rect.top * stride + (size_t)rect.left * pixel;
    for (int y = 0; y < rect.height; y++)
        memcpy((uint8_t *)dst + (size_t)y * row, src + (size_t)y * stride, row);
}

unet_code un_rect_read(const struct un_mapping *file, const char *name, uint64_t start,
                       const struct un_page *page, struct un_rect rect, void *dst, unet_error *err)
{
    const size_t pixel = (size_t)page->channels * (size_t)page->bytes;
    const size_t stride = (size_t)page->width * pixel, row = (size_t)rect.width * pixel;
    const size_t from = (size_t)start + (size_t)rect.top * stride + (size_t)rect.left * pixel;
    unet_code code = UNET_OK;
    if (row == stride)
        return un_map_read(file, name, from, dst, row * (size_t)rect.height, err);
    for (int y = 0; y < rect.height && !code; y++)
        code = un_map_read(file, name, from + (size_t)y * stride, (uint8_t *)dst + (size_t)y * row,
                           row, err);
    return code;
}

static bool is_inside(const struct un_page *page, struct un_rect rect)
{
    int height = un_page_upright_height(page), width = un_page_upright_width(page);
    return rect.top >= 0 && rect.left >= 0 && rect.height > 0 && rect.width > 0 &&
           rect.height <= height - rect.top && rect.width <= width - rect.left;
}

static unet_code read_stored(struct unet_source *source, int index, const struct un_page *page,
                             struct un_rect rect, void *samples, unet_error *err)
{
    unet_code code = un_map_check(&source->file, source->name, err);
    return code ? code : source->format->read(source, index, page, rect, samples, err);
}

unet_code un_source_raw(struct unet_source *source, int i, const struct un_page *page,
                        struct un_rect rect, void *samples, unet_error *err)
{
    if (i < 0 || i >= source->pages || !is_inside(page, rect))
        return un_fail(err, UNET_EINVAL, "%s: rows %d+%d, columns %d+%d of page %d are not in it",
                       source->name, rect.top, rect.height, rect.left, rect.width, i);
    int index = source->first + i;
    if (source->ordered) {
        un_ordered_read(source, i, page, rect, samples);
        return UNET_OK;
    }
    if (page->orientation <= 1)
        return read_stored(source, index, page, rect, samples, err);
    struct un_rect stored = un_turn_back(page, rect);
    size_t bytes = un_rect_bytes(page, stored);
    void *raw = malloc(bytes);
    if (!raw)
        return un_fail_memory(err, bytes, source->name);
    unet_code code = read_stored(source, index, page, stored, raw, err);
    if (!code)
        un_turn(page, stored, raw, samples);
    free(raw);
    return code;
}

unet_code un_source_read(struct unet_source *source, int i, const struct un_page *page,
                         struct un_rect rect, void *samples, unet_error *err)
{
    if (un_page_plain(page))
        return un_source_raw(source, i, page, rect, samples, err);
    size_t bytes = un_rect_bytes(page, rect);
    void *raw = malloc(bytes ? bytes : 1);
    if (!raw)
        return un_fail_memory(err, bytes, source->name);
    unet_code code = un_source_raw(source, i, page, rect, raw, err);
    if (!code)
        un_convert(page, raw, (size_t)rect.height * (size_t)rect.width, samples);
    free(raw);
    return code;
}
