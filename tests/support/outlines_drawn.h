/* SPDX-License-Identifier: Apache-2.0 */
/* outlines_drawn.h - outlines in memory as the pixels that they become, in characters */
#ifndef OUTLINES_DRAWN_H
#define OUTLINES_DRAWN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/outlines/outlines.h"
#include "support/bytes_maker.h"

enum { OUTLINES_MOST = 4096 };

/* One drawing as text: '.' 0, '1' ... codes or numbers, 'x' no label; rows end in a blank. */
static inline void draw(struct un_outlines *set, int i, int height, int width, char *text)
{
    static uint32_t codes[OUTLINES_MOST];
    struct un_painted painted;
    unet_error err;
    memset(codes, 0, sizeof codes);
    if (un_drawing_paint(set, set->drawings[i], NULL, height, width, codes, &painted, &err))
        fail_msg("%s", err.text);
    set->painted = painted;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            const uint32_t code = codes[y * width + x];
            *text++ = !code ? '.' : code == UN_OUTLINES_IGNORE ? 'x' : (char)('0' + code % 10);
        }
        *text++ = ' ';
    }
    text[-1] = 0;
}

static inline struct un_outlines *read_set(const char *path, const void *bytes, size_t size,
                                           const char *labels, struct un_wish *wish)
{
    const struct un_coding *given = NULL;
    struct un_outlines *set = calloc(1, sizeof *set);
    unsigned char *copy = bytes_exact(bytes, size);
    unet_error err;
    if (un_wish_parse(labels, wish, &err) || un_outlines_read_bytes(set, path, copy, size, &err) ||
        un_outlines_settle(set, wish, &given, &err))
        fail_msg("%s: %s", path, err.text);
    free(copy);
    return set;
}

static inline void check_bytes(const char *path, const void *bytes, size_t size, const char *labels,
                               int height, int width, const char *want)
{
    static struct un_wish wish;
    struct un_outlines *set = read_set(path, bytes, size, labels, &wish);
    char text[2 * OUTLINES_MOST];
    draw(set, 0, height, width, text);
    if (strcmp(text, want))
        fail_msg("%s: %.200s\ngives  %s\nwanted %s", path, (const char *)bytes, text, want);
    un_outlines_free(set);
}

static inline void check(const char *path, const char *bytes, const char *labels, int height,
                         int width, const char *want)
{
    check_bytes(path, bytes, strlen(bytes), labels, height, width, want);
}

#define LABELME(shapes)                                                                            \
    "{\"shapes\": [" shapes "], \"imagePath\": \"a.png\", \"imageHeight\": 4, \"imageWidth\": 6}"
#define SHAPE(label, points, more)                                                                 \
    "{\"label\": \"" label "\", \"points\": [" points "], \"shape_type\": " more "}"

#define BOX(label, points) SHAPE(label, points, "\"rectangle\"")

#define COCO(outline)                                                                              \
    "{\"images\": [{\"id\": 3, \"file_name\": \"a.png\", \"height\": 4, \"width\": 4}], "          \
    "\"categories\": [{\"id\": 9, \"name\": \"cell\"}], \"annotations\": [{\"id\": 1, "            \
    "\"image_id\": 3, \"category_id\": 9, \"segmentation\": " outline "}]}"

#endif
