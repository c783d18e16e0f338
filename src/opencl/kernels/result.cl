/* SPDX-License-Identifier: Apache-2.0 */
/* result.cl - where pixels of a convolution's result, or of a gradient, go: struct un_cl_gather */

/* One pixel of the window, if it is in it; plane: of window. */
static inline void store_window(const struct un_cl_gather *g, __global float4 *window, int y, int x,
                                float4 v)
{
    const int wy = y - g->window_top, wx = x - g->window_left;
    if (wy >= 0 && wy < g->window_h && wx >= 0 && wx < g->window_w)
        window[wy * g->window_w + wx] = v;
}

/* Four pixels of the result go to those parts that they belong to. */
static inline void store_parts(const struct un_cl_gather *g, __global float4 *pooled,
                               __global float4 *window, size_t plane, int y, int x,
                               const float4 v[4])
{
    window += plane * (size_t)(g->window_h * g->window_w);
    for (int q = 0; q < 4; q++)
        store_window(g, window, y + q / 2, x + q % 2, v[q]);
    if (y / 2 >= g->pooled_h || x / 2 >= g->pooled_w)
        return;
    float4 most = v[0];
    most = select(most, v[1], v[1] > most);
    most = select(most, v[2], v[2] > most);
    most = select(most, v[3], v[3] > most);
    pooled[plane * (size_t)(g->pooled_h * g->pooled_w) + (y / 2 * g->pooled_w + x / 2)] = most;
}

static inline void store_pixel(const struct un_cl_gather *g, __global float *dst, int n, int block,
                               int at, float4 v, __global const float4 *y)
{
    const struct un_cl_map *m = &g->dst;
    const size_t plane = (size_t)(m->h * m->w);
    const size_t place = ((size_t)n * (size_t)m->blocks + (size_t)block) * plane + (size_t)at;
    if (m->plain)
        store_plain(dst + ((size_t)n * plane + (size_t)at) * (size_t)m->channels + 4 * block, v,
                    m->channels - 4 * block);
    else if (g->gives)
        give((__global float4 *)dst, place, v, g->accumulate, g->act, g->slope, y);
    else
        ((__global float4 *)dst)[place] = v;
}
