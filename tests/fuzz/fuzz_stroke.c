/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_stroke.c - what a page sends as a stroke, and what a journal holds
 *
 * The first byte says which: JSON is read, and what is taken is drawn, packed and unpacked; bytes
 * are unpacked and drawn.
 */
#include <stdlib.h>
#include <string.h>

#include "studio/labels/stroke.h"

enum { SIDE = 200 };

static void draw(const struct stroke *stroke)
{
    static uint8_t labels[SIDE * SIDE];
    const struct canvas canvas = {{30, 20, SIDE, SIDE}, labels};

    stroke_draw(stroke, &canvas);
}

static void read_json(const uint8_t *data, size_t size)
{
    json_t *body = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct stroke_wish wish;
    struct stroke again;
    unet_error err;

    if (body && stroke_read(body, 5, &wish, &err)) {
        if (wish.stroke.count) {
            stroke_bound(&wish.stroke, 300, 400);
            draw(&wish.stroke);
            uint8_t *bytes = stroke_pack(&wish.stroke, &size);
            if (wish.stroke.kind != STROKE_RUNS) {
                if (!stroke_unpack(bytes, size, &again) || again.count != wish.stroke.count ||
                    memcmp(again.points, wish.stroke.points,
                           (size_t)again.count * 2 * sizeof(*again.points)))
                    abort();
                stroke_release(&again);
            }
            free(bytes);
        }
        stroke_release(&wish.stroke);
    }
    json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stroke stroke;

    if (size < 1)
        return 0;
    if (*data == '{') {
        read_json(data, size);
    } else if (stroke_unpack(data + 1, size - 1, &stroke)) {
        draw(&stroke);
        stroke_release(&stroke);
    }
    return 0;
}
