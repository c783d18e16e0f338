/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_outlines.h - bytes -> drawings -> codes of a small image
 *
 * Whatever is read must be painted, in bounds.
 */
#ifndef FUZZ_OUTLINES_H
#define FUZZ_OUTLINES_H

#include <stdlib.h>
#include <string.h>

#include "data/outlines/outlines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_paint(struct un_outlines *set)
{
    enum { HEIGHT = 37, WIDTH = 53 };
    const struct un_stack stack = {"fuzz.tif", 3, 12, 0, 1, 1};
    const struct un_coding *given = NULL;
    struct un_wish *wish = calloc(1, sizeof *wish);
    uint32_t *codes = malloc(HEIGHT * WIDTH * sizeof *codes);
    unet_error err = {0};
    wish->ignore = -1;
    if (!un_outlines_settle(set, wish, &given, &err))
        for (int i = 0; i < set->count; i++) {
            struct un_painted painted;
            memset(codes, 0, HEIGHT * WIDTH * sizeof *codes);
            if (un_drawing_paint(set, set->drawings[i], NULL, HEIGHT, WIDTH, codes, &painted, &err))
                abort();
            err.text[0] = 0; /* of a stack it may say no page */
            if (un_drawing_paint(set, set->drawings[i], &stack, HEIGHT, WIDTH, codes, &painted,
                                 &err) &&
                !err.text[0])
                abort();
        }
    else if (!err.text[0])
        abort();
    free(wish);
    free(codes);
}

static int fuzz_outlines(const char *name, const uint8_t *data, size_t size)
{
    struct un_outlines *set = calloc(1, sizeof *set);
    unet_error err = {0};
    unet_code code = un_outlines_read_bytes(set, name, data, size, &err);
    if (code && (err.code != code || !err.text[0]))
        abort();
    if (!code)
        fuzz_paint(set);
    un_outlines_free(set);
    return 0;
}

#endif
