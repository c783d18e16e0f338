/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The distance is exact and squared (Meijster, Roerdink, Hesselink 2000): per column the rows to
 * the nearest pixel outside, then per row the lower envelope of parabolas.
 */
#include "objects/objects_stream.h"

#include <stdlib.h>
#include <string.h>

static void columns(uint32_t *map, int height, size_t width)
{
    const uint32_t far = (uint32_t)height + (uint32_t)width;
    for (int y = 0; y < height; y++) {
        uint32_t *row = map + (size_t)y * width;
        for (size_t x = 0; x < width; x++) {
            const uint32_t above = y ? (row - width)[x] : far;
            if (row[x])
                row[x] = above < far ? above + 1 : far;
        }
    }
    for (int y = height - 2; y >= 0; y--) {
        uint32_t *row = map + (size_t)y * width;
        for (size_t x = 0; x < width; x++)
            if (row[x] > row[x + width] + 1)
                row[x] = row[x + width] + 1;
    }
}

/* From where on the parabola of column u lies below that of i < u. */
static int64_t meeting(const uint32_t *g, int64_t i, int64_t u)
{
    const int64_t top = u * u - i * i + (int64_t)g[u] * g[u] - (int64_t)g[i] * g[i];
    const int64_t bottom = 2 * (u - i);
    return (top >= 0 ? top / bottom : -((-top + bottom - 1) / bottom)) + 1;
}

static int64_t parabola(const uint32_t *g, int64_t x, int64_t i)
{
    return (x - i) * (x - i) + (int64_t)g[i] * g[i];
}

/* g: a row after columns(), [width]; s, t: room for as much; squared distances go to out. */
static void across(const uint32_t *g, int width, int *s, int *t, uint32_t *out)
{
    int q = 0;
    s[0] = t[0] = 0;
    for (int u = 1; u < width; u++) {
        while (q >= 0 && parabola(g, t[q], s[q]) > parabola(g, t[q], u))
            q--;
        const int64_t from = q < 0 ? 0 : meeting(g, s[q], u);
        if (from < width) {
            q++;
            s[q] = u;
            t[q] = (int)from;
        }
    }
    for (int u = width - 1; u >= 0; u--) {
        const int64_t value = parabola(g, u, s[q]);
        out[u] = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
        if (u == t[q])
            q--;
    }
}

unet_code un_distance_squared(uint32_t *map, int height, int width, unet_error *err)
{
    const size_t size = (size_t)width;
    int *s = malloc(size * 2 * sizeof *s);
    uint32_t *g = malloc(size * sizeof *g);
    unet_code code = UNET_OK;
    if (s && g) {
        columns(map, height, size);
        for (int y = 0; y < height; y++) {
            uint32_t *row = map + (size_t)y * size;
            memcpy(g, row, size * sizeof *g);
            across(g, width, s, s + size, row);
        }
    } else {
        code = un_fail_memory(err, size * 12, "objects");
    }
    free(s);
    free(g);
    return code;
}
