/* SPDX-License-Identifier: Apache-2.0 */
/* map_kernel.h - rows of the operations that are no sums of products: pooling, doubling, sums */
#ifndef UN_MAP_KERNEL_H
#define UN_MAP_KERNEL_H

#include "cpu/kernels/finish_kernel.h"

static void maxpool_row(const float *row0, const float *row1, float *dst, int pixels)
{
    for (int x = 0; x < pixels; x++, row0 += 2 * UN_BLOCK, row1 += 2 * UN_BLOCK)
        for (int j = 0; j < UN_BLOCK; j += VEC) {
            vec top = vec_max(vec_load(row0 + j), vec_load(row0 + UN_BLOCK + j));
            vec low = vec_max(vec_load(row1 + j), vec_load(row1 + UN_BLOCK + j));
            vec_store(dst + x * UN_BLOCK + j, vec_max(top, low));
        }
}

static void maxpool_back_row(const float *const src[2], const float *ddst, float *const d[2],
                             const float *const y[2], struct un_finish finish, int pixels)
{
    for (int x = 0; x < pixels; x++)
        for (int j = 0; j < UN_BLOCK; j += VEC) {
            ptrdiff_t at = 2 * x * UN_BLOCK + j, next = at + UN_BLOCK;
            vec v[4] = {vec_load(src[0] + at), vec_load(src[0] + next), vec_load(src[1] + at),
                        vec_load(src[1] + next)};
            vec top = vec_max(vec_max(v[0], v[1]), vec_max(v[2], v[3]));
            vec gradient = vec_load(ddst + x * UN_BLOCK + j);
            vec_mask open = (top == top) | -1; /* lanes whose largest is not found yet */
            for (int i = 0; i < 4; i++) {
                vec_mask here = open & ((v[i] == top) | (v[i] != v[i]));
                open &= ~here;
                vec_finish(vec_keep(here, gradient), d[i / 2], y[i / 2], i % 2 ? next : at, finish);
            }
        }
}

static void meanpool_row(const float *row0, const float *row1, float *dst, int pixels)
{
    for (int x = 0; x < pixels; x++, row0 += 2 * UN_BLOCK, row1 += 2 * UN_BLOCK)
        for (int j = 0; j < UN_BLOCK; j += VEC) {
            vec top = vec_load(row0 + j) + vec_load(row0 + UN_BLOCK + j);
            vec low = vec_load(row1 + j) + vec_load(row1 + UN_BLOCK + j);
            vec_store(dst + x * UN_BLOCK + j, 0.25f * (top + low));
        }
}

static void meanpool_back_row(const float *ddst, float *d, const float *y, struct un_finish finish,
                              int pixels)
{
    for (int x = 0; x < 2 * pixels; x++)
        for (int j = 0; j < UN_BLOCK; j += VEC)
            vec_finish(0.25f * vec_load(ddst + x / 2 * UN_BLOCK + j), d, y,
                       (ptrdiff_t)x * UN_BLOCK + j, finish);
}

/* The largest of a column of three pixels, of which only the middle one must be there. */
INLINE vec column_max(const float *const row[3], ptrdiff_t at)
{
    vec most = vec_load(row[1] + at);
    for (int i = 0; i < 3; i += 2)
        if (row[i])
            most = vec_max(most, vec_load(row[i] + at));
    return most;
}

static void maxpool3_row(const float *const src[3], int width, float *dst)
{
    for (int j = 0; j < UN_BLOCK; j += VEC) {
        vec last = column_max(src, j);
        for (int x = 0; 2 * x < width; x++) {
            const ptrdiff_t at = (ptrdiff_t)2 * x * UN_BLOCK + j;
            const vec here = column_max(src, at);
            const vec next = 2 * x + 1 < width ? column_max(src, at + UN_BLOCK) : here;
            vec_store(dst + x * UN_BLOCK + j, vec_max(vec_max(last, here), next));
            last = next;
        }
    }
}

/* Adds to share what the pixels of a window in its row w->row get, in columns first .. end - 1 of
 * the three; at: of its middle pixel.  The first of the largest, row by row, gets all. */
INLINE void add_shares(const struct un_pool_windows *w, ptrdiff_t at, vec gradient, const int first,
                       const int end, vec share[3])
{
    vec top = vec_load(w->src[1] + at);
    for (int i = 0; i < 3; i++)
        for (int k = first; k < end && w->src[i]; k++)
            top = vec_max(top, vec_load(w->src[i] + at + (k - 1) * UN_BLOCK));
    vec_mask open = (top == top) | -1; /* lanes whose largest is not found yet */
    for (int i = 0; i <= w->row; i++)
        for (int k = first; k < end && w->src[i]; k++) {
            const vec v = vec_load(w->src[i] + at + (k - 1) * UN_BLOCK);
            const vec_mask here = open & ((v == top) | (v != v));
            open &= ~here;
            if (i == w->row)
                share[k] += vec_keep(here, gradient);
        }
}

static void maxpool3_back_row(const struct un_pool_windows *windows, int count, int width, float *d,
                              const float *y, struct un_finish finish)
{
    for (int j = 0; j < UN_BLOCK; j += VEC) {
        vec before = {0}; /* what pixel 2x - 1 got from the windows on its left */
        for (int x = 0; 2 * x < width; x++) {
            const ptrdiff_t at = (ptrdiff_t)2 * x * UN_BLOCK + j;
            const int first = x == 0, end = 2 * x + 1 < width ? 3 : 2;
            vec share[3] = {before, {0}, {0}};
            for (int i = 0; i < count; i++) {
                const vec gradient = vec_load(windows[i].ddst + x * UN_BLOCK + j);
                if (first == 0 && end == 3)
                    add_shares(&windows[i], at, gradient, 0, 3, share);
                else
                    add_shares(&windows[i], at, gradient, first, end, share);
            }
            if (x > 0)
                vec_finish(share[0], d, y, at - UN_BLOCK, finish);
            vec_finish(share[1], d, y, at, finish);
            before = share[2];
        }
        if (width % 2 == 0)
            vec_finish(before, d, y, (ptrdiff_t)(width - 1) * UN_BLOCK + j, finish);
    }
}

static void finish_row(float *d, const float *y, struct un_finish finish, int pixels)
{
    for (ptrdiff_t at = 0; at < (ptrdiff_t)pixels * UN_BLOCK; at += VEC)
        vec_finish((vec){0}, d, y, at, finish);
}

/* Lanes j of pixel x of the frame. */
INLINE vec lanes_at(const struct un_add_source *s, int x, int j)
{
    const int at = x + s->left;
    return s->row && at >= 0 && at < s->width ? vec_load(s->row + (ptrdiff_t)at * UN_BLOCK + j)
                                              : (vec){0};
}

static void add_row(const struct un_add_source src[2], struct un_activation act, float *dst,
                    int pixels)
{
    for (int x = 0; x < pixels; x++, dst += UN_BLOCK)
        for (int j = 0; j < UN_BLOCK; j += VEC) {
            vec sum = lanes_at(&src[0], x, j) + lanes_at(&src[1], x, j);
            vec_store(dst + j, vec_act(sum, act.kind, vec_all(act.slope)));
        }
}

static void add_back_row(const struct un_add_source *ddst, float *d, const float *y,
                         struct un_finish finish, int pixels)
{
    for (int x = 0; x < pixels; x++)
        for (int j = 0; j < UN_BLOCK; j += VEC)
            vec_finish(lanes_at(ddst, x, j), d, y, (ptrdiff_t)x * UN_BLOCK + j, finish);
}

/*
 * Output position q of the untrimmed double map lies a quarter of a source pixel from source
 * q / 2, towards q / 2 - 1 when q is even and q / 2 + 1 when it is odd; past the ends the map goes
 * on as its last pixel.
 */
static void upsample_row(const float *near, const float *far, int width, int trim, float *dst)
{
    for (int q = trim; q < 2 * width - trim; q++, dst += UN_BLOCK) {
        int x = q / 2, beside = q % 2 ? x + 1 : x - 1;
        if (beside < 0 || beside >= width)
            beside = x;
        for (int j = 0; j < UN_BLOCK; j += VEC) {
            vec here = 0.75f * vec_load(near + x * UN_BLOCK + j) +
                       0.25f * vec_load(far + x * UN_BLOCK + j);
            vec there = 0.75f * vec_load(near + beside * UN_BLOCK + j) +
                        0.25f * vec_load(far + beside * UN_BLOCK + j);
            vec_store(dst + j, 0.75f * here + 0.25f * there);
        }
    }
}

static void upsample_back_row(const float *const row[4], const float weight[4], int width, int trim,
                              float *d, const float *y, struct un_finish finish)
{
    for (int x = 0; x < width; x++)
        for (int j = 0; j < UN_BLOCK; j += VEC) {
            vec sum = {0};
            for (int i = 0; i < 4; i++) {
                int q = 2 * x - 1 + i;
                if (q < trim || q >= 2 * width - trim)
                    continue;
                float side = i == 1 || i == 2 ? 0.75f : 0.25f;
                if (q == 0 || q == 2 * width - 1)
                    side = 1;
                ptrdiff_t at = (ptrdiff_t)(q - trim) * UN_BLOCK + j;
                vec column = {0};
                for (int r = 0; r < 4; r++)
                    if (row[r])
                        column += weight[r] * vec_load(row[r] + at);
                sum += side * column;
            }
            vec_finish(sum, d, y, (ptrdiff_t)x * UN_BLOCK + j, finish);
        }
}

static void blend_row(const float *const row[2], const float weight[2], enum un_doubling how,
                      int width, float *dst)
{
    for (int q = 0; q < 2 * width; q++, dst += UN_BLOCK) {
        const struct un_taps taps = un_taps(how, q, width);
        for (int j = 0; j < UN_BLOCK; j += VEC) {
            vec column[2];
            UNROLL_FOR (int i = 0; i < 2; i++) {
                ptrdiff_t at = (ptrdiff_t)taps.at[i] * UN_BLOCK + j;
                column[i] = weight[0] * vec_load(row[0] + at) + weight[1] * vec_load(row[1] + at);
            }
            vec_store(dst + j, taps.weight[0] * column[0] + taps.weight[1] * column[1]);
        }
    }
}

static void blend_back_row(const float *const row[UN_REACH], const float weight[UN_REACH],
                           enum un_doubling how, int width, float *d, const float *y,
                           struct un_finish finish)
{
    for (int x = 0; x < width; x++) {
        float share[UN_REACH];
        for (int i = 0; i < UN_REACH; i++) {
            int q = 2 * x - UN_REACH_BEFORE + i;
            bool there = q >= 0 && q < 2 * width;
            share[i] = there ? un_tap_share(un_taps(how, q, width), x) : 0;
        }
        for (int j = 0; j < UN_BLOCK; j += VEC) {
            vec sum = {0};
            for (int i = 0; i < UN_REACH; i++) {
                ptrdiff_t at = (ptrdiff_t)(2 * x - UN_REACH_BEFORE + i) * UN_BLOCK + j;
                vec column = {0};
                for (int r = 0; r < UN_REACH && share[i] != 0; r++)
                    if (row[r])
                        column += weight[r] * vec_load(row[r] + at);
                sum += share[i] * column;
            }
            vec_finish(sum, d, y, (ptrdiff_t)x * UN_BLOCK + j, finish);
        }
    }
}

#endif
