/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_align.c - does a mask lie where its image says?
 *
 * Outlines of a mask run along edges of its image.  Both are reduced to maps of
 * at most 256 pixels a side:
 *
 *     G = sqrt(|gradient of the grey values|)       E = sqrt(pixels at an
 * outline / area)
 *
 * The middle of E (all but a sixth on each side) is laid on G at every second
 * shift that stays inside, and correlated.  The correlations far from the best
 * one say what chance gives, and
 *
 *     fit of a shift = (its correlation - their mean) / their standard
 * deviation
 *
 * A mask that fits has its best correlation at no shift and a fit of 7 to 30;
 * one of another place has 2 to 5.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/survey/survey.h"

enum { LEAST = 48, NEAR = 4 };

struct maps {
    int height, width, factor;
    float *grey, *edge, *outline; /* [height][width] */
    double *sums[2];              /* [height + 1][width + 1] integrals of edge and its square */
    int margin;                   /* largest shift, even */
    int steps;                    /* shifts a side: -margin, -margin + 2 ... margin */
    float *fits;                  /* [steps][steps] */
};

static void release(struct maps *m)
{
    free(m->grey);
    free(m->edge);
    free(m->outline);
    free(m->sums[0]);
    free(m->sums[1]);
    free(m->fits);
}

static unet_code reserve(struct maps *m, unet_error *err)
{
    size_t n = (size_t)m->height * (size_t)m->width, steps = (size_t)m->steps;
    size_t corners = (size_t)(m->height + 1) * (size_t)(m->width + 1);
    m->grey = calloc(n, sizeof *m->grey);
    m->edge = calloc(n, sizeof *m->edge);
    m->outline = calloc(n, sizeof *m->outline);
    m->sums[0] = calloc(corners, sizeof **m->sums);
    m->sums[1] = calloc(corners, sizeof **m->sums);
    m->fits = calloc(steps * steps, sizeof *m->fits);
    return m->grey && m->edge && m->outline && m->sums[0] && m->sums[1] && m->fits
               ? UNET_OK
               : un_fail_memory(err, 5 * n * sizeof(float), "maps of edges");
}

/* Whether pixel (y, x) and one beside it have labels that differ. */
static bool at_outline(const uint8_t *mask, int height, int width, int y, int x)
{
    const uint8_t *p = mask + (size_t)y * (size_t)width + x;
    const uint8_t beside[4] = {x > 0 ? p[-1] : *p, x + 1 < width ? p[1] : *p,
                               y > 0 ? p[-width] : *p, y + 1 < height ? p[width] : *p};
    for (int i = 0; *p != UNET_IGNORE && i < 4; i++)
        if (beside[i] != *p && beside[i] != UNET_IGNORE)
            return true;
    return false;
}

/* Whether a pixel with a label has one without beside it: what is outlined there is not known. */
static bool at_ignored(const uint8_t *mask, int height, int width, int y, int x)
{
    const uint8_t *p = mask + (size_t)y * (size_t)width + x;
    return *p != UNET_IGNORE &&
           ((x > 0 && p[-1] == UNET_IGNORE) || (x + 1 < width && p[1] == UNET_IGNORE) ||
            (y > 0 && p[-width] == UNET_IGNORE) || (y + 1 < height && p[width] == UNET_IGNORE));
}

/* Whether most of what could be an outline is hidden by pixels without a label, as where every
 * object has a rim of them: the rest says little about the place. */
static bool is_hidden(const uint8_t *mask, int height, int width)
{
    size_t outline = 0, hidden = 0;
    if (!memchr(mask, UNET_IGNORE, (size_t)height * (size_t)width))
        return false;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            outline += at_outline(mask, height, width, y, x);
            hidden += at_ignored(mask, height, width, y, x);
        }
    return hidden > outline;
}

static void fill_maps(const unet_image *image, const uint8_t *mask, double dark, double bright,
                      struct maps *m)
{
    int f = m->factor, W = m->width;
    double scale = bright > dark ? 255 / (bright - dark) / f / f : 0;
    for (int y = 0; y < m->height * f; y++)
        for (int x = 0; x < W * f; x++) {
            double grey = un_grey_at(image, (size_t)y * (size_t)image->width + (size_t)x);
            int at = y / f * W + x / f;
            grey = grey < dark ? dark : grey > bright ? bright : grey;
            m->grey[at] += (float)((grey - dark) * scale);
            m->outline[at] +=
                (float)at_outline(mask, image->height, image->width, y, x) / (float)(f * f);
        }
    for (int i = 0; i < m->height * W; i++)
        m->outline[i] = sqrtf(m->outline[i]);
    for (int y = 1; y < m->height - 1; y++)
        for (int x = 1; x < W - 1; x++) {
            const float *g = m->grey + y * W + x;
            float down = g[W] - g[-W], right = g[1] - g[-1];
            m->edge[y * W + x] = sqrtf(sqrtf(down * down + right * right));
        }
}

static void integrate(struct maps *m)
{
    int W = m->width + 1;
    for (int y = 0; y < m->height; y++)
        for (int x = 0; x < m->width; x++) {
            double v = (double)m->edge[y * m->width + x];
            for (int i = 0; i < 2; i++) {
                double *s = m->sums[i] + (y + 1) * W + x + 1;
                *s = (i ? v * v : v) + s[-1] + s[-W] - s[-W - 1];
            }
        }
}

static double window(const double *sums, int width, int top, int left, int h, int w)
{
    const double *s = sums + top * (width + 1) + left;
    int down = h * (width + 1);
    return s[down + w] - s[down] - s[w] + s[0];
}

/* Sum of products of two rows, in eight sums that the compiler keeps in
 * registers. */
static float dot(const float *a, const float *b, int n)
{
    float sum[8] = {0}, rest = 0;
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            sum[j] += a[i + j] * b[i + j];
    for (; i < n; i++)
        rest += a[i] * b[i];
    for (int j = 0; j < 8; j++)
        rest += sum[j];
    return rest;
}

/* What correlation needs of the middle of the outlines. */
struct middle {
    int height, width;
    double mean, length; /* of the values less their mean */
};

static double correlate(const struct maps *m, const struct middle *t, int down, int right)
{
    int top = m->margin + down, left = m->margin + right;
    double n = (double)t->height * t->width, sum = 0;
    for (int y = 0; y < t->height; y++)
        sum += (double)dot(m->edge + (top + y) * m->width + left,
                           m->outline + (m->margin + y) * m->width + m->margin, t->width);
    double all = window(m->sums[0], m->width, top, left, t->height, t->width);
    double squares = window(m->sums[1], m->width, top, left, t->height, t->width);
    double length = sqrt(fmax(squares - all * all / n, 0)) * t->length;
    return length > 1e-6 ? (sum - all * t->mean) / length : 0;
}

static struct middle find_middle(const struct maps *m)
{
    struct middle t = {.height = m->height - 2 * m->margin, .width = m->width - 2 * m->margin};
    double n = (double)t.height * t.width, sum = 0, squares = 0;
    for (int y = 0; y < t.height; y++)
        for (int x = 0; x < t.width; x++) {
            double v = (double)m->outline[(m->margin + y) * m->width + m->margin + x];
            sum += v;
            squares += v * v;
        }
    t.mean = sum / n;
    t.length = sqrt(fmax(squares - sum * sum / n, 0));
    return t;
}

static void search(struct maps *m, const struct middle *t, struct un_alignment *align)
{
    double best = -2, second = -2, sum = 0, squares = 0, count = 0;
    int down = 0, right = 0;
    for (int i = 0; i < m->steps * m->steps; i++) {
        int y = 2 * (i / m->steps) - m->margin, x = 2 * (i % m->steps) - m->margin;
        m->fits[i] = (float)correlate(m, t, y, x);
        if ((double)m->fits[i] > best) {
            best = (double)m->fits[i];
            down = y;
            right = x;
        }
    }
    for (int y = down - 1, about = down, across = right; y <= about + 1; y++)
        for (int x = across - 1; x <= across + 1; x++) {
            bool inside = abs(y) <= m->margin && abs(x) <= m->margin;
            double found = inside ? correlate(m, t, y, x) : -2;
            if (found > best) {
                best = found;
                down = y;
                right = x;
            }
        }
    for (int i = 0; i < m->steps * m->steps; i++) {
        int y = 2 * (i / m->steps) - m->margin, x = 2 * (i % m->steps) - m->margin;
        if (abs(y - down) <= NEAR && abs(x - right) <= NEAR)
            continue;
        sum += (double)m->fits[i];
        squares += (double)m->fits[i] * (double)m->fits[i];
        second = fmax(second, (double)m->fits[i]);
        count++;
    }
    double mean = sum / count, spread = sqrt(fmax(squares / count - mean * mean, 0));
    if (!(spread > 1e-6))
        return;
    *align = (struct un_alignment){.known = true,
                                   .right = right * m->factor,
                                   .down = down * m->factor,
                                   .best = (best - mean) / spread,
                                   .here = (correlate(m, t, 0, 0) - mean) / spread,
                                   .second = (second - mean) / spread,
                                   .mean = mean,
                                   .spread = spread,
                                   .step = m->factor};
}

/* Maps small enough to keep, as bytes. */
static unet_code keep(const struct maps *m, struct un_edge_maps *kept, unet_error *err)
{
    int longest = m->height > m->width ? m->height : m->width;
    int f = longest > UN_SURVEY_KEPT ? 2 : 1, H = m->height / f, W = m->width / f;
    float most = 1e-6f;
    for (int i = 0; i < m->height * m->width; i++)
        most = m->edge[i] > most ? m->edge[i] : most;
    uint8_t *made = malloc(2 * (size_t)H * (size_t)W);
    if (!made)
        return un_fail_memory(err, 2 * (size_t)H * (size_t)W, "maps of edges");
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            float edge = 0, outline = 0;
            for (int i = 0; i < f * f; i++) {
                int at = (y * f + i / f) * m->width + x * f + i % f;
                edge += m->edge[at] / (float)(f * f);
                outline += m->outline[at] / (float)(f * f);
            }
            made[y * W + x] = (uint8_t)lrintf(255 * edge / most);
            made[H * W + y * W + x] = (uint8_t)lrintf(255 * fminf(outline, 1));
        }
    *kept = (struct un_edge_maps){.height = H, .width = W, .image = made, .mask = made + H * W};
    return UNET_OK;
}

unet_code un_survey_align(const unet_image *image, const uint8_t *mask, double dark, double bright,
                          struct un_edge_maps *maps, struct un_alignment *align, unet_error *err)
{
    int longest = image->height > image->width ? image->height : image->width;
    struct maps m = {.factor = (longest + UN_SURVEY_MAP - 1) / UN_SURVEY_MAP};
    m.height = image->height / m.factor;
    m.width = image->width / m.factor;
    int shortest = m.height < m.width ? m.height : m.width;
    m.margin = shortest / 6 / 2 * 2;
    m.steps = m.margin + 1;
    if (shortest < LEAST)
        return UNET_OK;
    unet_code code = reserve(&m, err);
    if (code)
        goto done;
    fill_maps(image, mask, dark, bright, &m);
    integrate(&m);
    const struct middle t = find_middle(&m);
    if ((code = keep(&m, maps, err)) || !(t.length > 1e-3) ||
        is_hidden(mask, image->height, image->width))
        goto done;
    search(&m, &t, align);
done:
    release(&m);
    return code;
}
