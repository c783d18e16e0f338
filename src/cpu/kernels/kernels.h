/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernels.h - the inner loops of the CPU engine, one table per instruction set
 *
 * UN_FEATURES on a CPU is [N][blocks][H][W][16]: channels in blocks of 16, a cache line a pixel.
 * Channels past the last real one are always zero.  A "row" below is a run of such pixels of one
 * block, aligned to 64 bytes.
 *
 * Kernels work on one thread and never check bounds: who calls them points them at padded copies
 * where a map ends.
 */
#ifndef UN_KERNELS_H
#define UN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "unet_train.h"

enum { UN_BLOCK = 16 };

/* How a result v gets to its place: d = act'(y) * (accumulate ? d + v : v); see un_gradient. */
struct un_finish {
    bool accumulate;
    struct un_activation act;
};

/*
 * One tile of a convolution: a few neighbouring pixels, one group of output channels.
 *
 *   result[x][k] = sum over segments s, channels c:
 *                      segment[s][x * src_step + c] * weight[s][c][k]
 *
 * A segment is where the tile's first pixel finds `depth` channels for one tap and one block of one
 * source.  So taps, blocks, sources, crops, padding and strides are all a list of pointers, and one
 * loop computes every convolution of the network, forward and backward.
 *
 * Each result is made by the same additions in the order of the list, whatever the size of the
 * tile: so it has the same bits wherever a tile begins.
 */
struct un_gather {
    const float *const *segment;
    int segments, depth;
    ptrdiff_t src_step;
    const float *weight; /* [segments][depth][blocks * 16] */
    float *dst;          /* pixel x, block b: dst + x * dst_step + b * dst_block */
    ptrdiff_t dst_step, dst_block;
    const float *bias;        /* [blocks * 16]: forward, act is applied; NULL: backward, below */
    struct un_activation act; /* forward */
    struct un_finish finish;  /* backward */
    const float *y;           /* addressed as dst; read when finish.act asks for it */
};

/*
 * A tile of the gradient of weights: rows x one group of channels, summed over a run of pixels.
 *
 *   sum[r][k] += sum over x < pixels: a[x * a_step + r] * b[x * b_step + k]
 *
 * For taps == 3 the rows are 3 neighbouring pixels of a of 16 channels each, row 16 * tap + r.
 */
struct un_outer {
    const float *a;
    ptrdiff_t a_step;
    const float *b; /* pixel x, block i: b + x * b_step + i * b_block */
    ptrdiff_t b_step, b_block;
    int pixels;
    int rows, taps; /* taps 1: any number of rows; taps 3: rows == 16, b_step == 16 */
    bool fresh;     /* sum is overwritten, else added to */
    float *sum;     /* [taps * rows][blocks * 16] */
};

/* A row that is added to another; nothing is there beyond its ends.  NULL: no row at all. */
struct un_add_source {
    const float *row;
    int left, width;
};

/* A row of windows of a 3x3 pooling of stride 2: its rows of the source, NULL beyond the map; their
 * gradients; and which of the three rows is asked for its part of them. */
struct un_pool_windows {
    const float *src[3], *ddst;
    int row;
};

/* The two source positions that an output position of a doubled side is made of. */
struct un_taps {
    int at[2]; /* the second may be the first */
    float weight[2];
};

/* output positions 2 i - 2 .. 2 i + 3 are all that source position i may go into */
enum { UN_REACH = 6, UN_REACH_BEFORE = 2 };

static inline struct un_taps un_taps(enum un_doubling how, int output, int size)
{
    struct un_taps taps = {{output / 2, output / 2}, {1, 0}};
    if (how == UN_NEAREST)
        return taps;
    /* UN_CORNERS: output * (size - 1) / (2 size - 1), as a whole number and a rest */
    int whole = (int)((int64_t)output * (size - 1) / (2 * size - 1));
    int rest = (int)((int64_t)output * (size - 1) % (2 * size - 1));
    taps.at[0] = whole;
    taps.at[1] = rest ? whole + 1 : whole;
    taps.weight[1] = (float)rest / (float)(2 * size - 1);
    taps.weight[0] = 1 - taps.weight[1];
    return taps;
}

/* What source position i gives to an output position of these taps. */
static inline float un_tap_share(struct un_taps taps, int i)
{
    return (taps.at[0] == i ? taps.weight[0] : 0) + (taps.at[1] == i ? taps.weight[1] : 0);
}

/* first .. end - 1 */
struct un_range {
    int first, end;
};

/*
 * A row of neighbouring tiles of a Winograd convolution's result, one block of channels: 4 rows of
 * 4 * tiles pixels.  Frequency f of tile t is at m[f * by_frequency + t * 16].
 */
struct un_winograd_result {
    const float *m;
    ptrdiff_t by_frequency;
    float *dst[4]; /* rows of the map; y: the same, when finish.act asks for it */
    const float *y[4];
    int column;                    /* of the map, where the first tile begins; may be negative */
    struct un_range rows, columns; /* of the 4 and of the 4 * tiles: the others are left alone */
    const float *bias;             /* [16]: forward, act is applied; NULL: backward, finish is */
    struct un_activation act;
    struct un_finish finish;
    /* forward: the maxima of 2x2 pixels, of rows 0 and 1 and of rows 2 and 3, from the first tile
     * on; a row may be NULL */
    bool pools;
    float *pooled[2];
    int pooled_pixels;
};

/*
 * A piece of a batch's pixels, for the two passes of a loss (loss_kernel.h).  planes and sums are
 * 64-byte aligned and of `lanes` values for each of max(2, classes) classes, and of each row of
 * sums: losses * weights, weights, and with an overlap term for each class its weighted true
 * positives, false positives and false negatives.
 */
struct un_loss_piece {
    const float *logits; /* [pixels][classes] */
    const uint8_t *labels;
    const float *weights;
    float *d; /* [pixels][classes], or NULL: not wanted */
    size_t pixels;
    int classes;
    const unet_loss *loss;
    float *planes;
    double *sums;
    /* second pass */
    float scale;              /* of the pixels' gradients: loss->pixel / sum of weights */
    const float *own, *other; /* [max(2, classes)] derivative of the loss by a probability of the
                                 class, of a pixel of the class and of another, weight 1 */
};

struct un_kernels {
    const char *isa;
    int lanes;     /* floats in a register */
    int tile;      /* most pixels of a gather */
    int blocks;    /* most blocks of 16 output channels of a gather or outer: 1 or 2 */
    int peak_fmas; /* multiply-adds of one round of peak() */

    void (*gather)(const struct un_gather *g, int pixels, int blocks);
    void (*outer)(const struct un_outer *o, int blocks);

    /* Winograd's transforms, see winograd.h.  Tile t of the source begins at pixel 4 t of six rows
     * and of a gradient at pixel 4 t of four rows; v[f * by_frequency + t * 16] is frequency f;
     * sum[16] += the pixels of the tiles, or NULL */
    void (*winograd_source)(const float *const row[6], int tiles, float *v, ptrdiff_t by_frequency);
    void (*winograd_gradient)(const float *const row[4], int tiles, float *v,
                              ptrdiff_t by_frequency, float *sum);
    void (*winograd_result)(const struct un_winograd_result *r, int tiles);
    /* g [9][lanes] to u [36][lanes], u's rows by_frequency apart; and the adjoint */
    void (*winograd_weights)(const float *g, int lanes, float *u, ptrdiff_t by_frequency);
    void (*winograd_weights_back)(const float *u, ptrdiff_t by_frequency, int lanes, float *g);

    /* to[c * to_row + r] = from[r * from_row + c]; the two do not overlap */
    void (*transpose)(const float *from, ptrdiff_t from_row, int rows, int columns, float *to,
                      ptrdiff_t to_row);

    /* sum[16] += the pixels of a row */
    void (*sum_row)(const float *row, int pixels, float *sum);

    /* dst[x] = max of the four pixels 2x, 2x + 1 of two rows */
    void (*maxpool_row)(const float *row0, const float *row1, float *dst, int pixels);
    /* for pixels windows; d and y are pairs of rows like src; y may be NULL */
    void (*maxpool_back_row)(const float *const src[2], const float *ddst, float *const d[2],
                             const float *const y[2], struct un_finish finish, int pixels);
    /* dst[x] = mean of the four pixels 2x, 2x + 1 of two rows */
    void (*meanpool_row)(const float *row0, const float *row1, float *dst, int pixels);
    /* pixels 2x and 2x + 1 of a row of d get a quarter of ddst[x] */
    void (*meanpool_back_row)(const float *ddst, float *d, const float *y, struct un_finish finish,
                              int pixels);
    /* dst[x] = max of pixels 2x - 1 .. 2x + 1 of three rows of `width`, of which the first and the
     * last may be NULL */
    void (*maxpool3_row)(const float *const src[3], int width, float *dst);
    /* a row of d, which count (1, 2) rows of windows have in common */
    void (*maxpool3_back_row)(const struct un_pool_windows *windows, int count, int width, float *d,
                              const float *y, struct un_finish finish);
    /* nothing was added here: d = act'(y) * (accumulate ? d : 0) */
    void (*finish_row)(float *d, const float *y, struct un_finish finish, int pixels);

    /* dst = act(src[0] + src[1]); pixel x of dst is pixel x + left of a source */
    void (*add_row)(const struct un_add_source src[2], struct un_activation act, float *dst,
                    int pixels);
    /* pixel x of d gets pixel x + left of ddst */
    void (*add_back_row)(const struct un_add_source *ddst, float *d, const float *y,
                         struct un_finish finish, int pixels);

    /* dst[p] of 2 * width - 2 * trim pixels, from rows near (3/4) and far (1/4) */
    void (*upsample_row)(const float *near, const float *far, int width, int trim, float *dst);
    /* the adjoint: rows of ddst with their weights, 2 * width - 2 * trim pixels each */
    void (*upsample_back_row)(const float *const row[4], const float weight[4], int width, int trim,
                              float *d, const float *y, struct un_finish finish);

    /* UN_CORNERS and UN_NEAREST: 2 * width pixels from two rows with their weights */
    void (*blend_row)(const float *const row[2], const float weight[2], enum un_doubling how,
                      int width, float *dst);
    /* the adjoint, from up to UN_REACH rows of ddst, 2 * width pixels each; NULL: no such row */
    void (*blend_back_row)(const float *const row[UN_REACH], const float weight[UN_REACH],
                           enum un_doubling how, int width, float *d, const float *y,
                           struct un_finish finish);

    /* y = act((x - mean) * scale + shift), each [16] */
    void (*affine_row)(const float *x, const float *mean, const float *scale, const float *shift,
                       struct un_activation act, float *y, int pixels);
    /* dx = act'(x) * (scale * dy - a - (x - mean) * b), each [16] */
    void (*norm_back_row)(const float *x, const float *dy, const float *mean, const float *scale,
                          const float *a, const float *b, struct un_activation act, float *dx,
                          int pixels);
    /* sum[0][16] += x, sum[1][16] += x^2; sum is aligned to 64 bytes */
    void (*moments_row)(const float *x, double sum[2][16], int pixels);
    /* sum[0][16] += dy, sum[1][16] += dy * (x - mean), mean [16] */
    void (*norm_sums_row)(const float *x, const float *dy, const float *mean, double sum[2][16],
                          int pixels);

    /* y = x > 0 ? x : slope * x; y may be x */
    void (*prelu_row)(const float *x, float slope, float *y, int pixels);
    /* dx = x > 0 ? dy : slope * dy, which may be dy; sum[16] += x * dy where x is not above 0 */
    void (*prelu_back_row)(const float *x, const float *dy, float slope, float *dx, double sum[16],
                           int pixels);

    /* adds to sums, and fills d for the second pass or, without an overlap term, with the gradient
     * of the sum of losses * weights */
    void (*loss_sums)(const struct un_loss_piece *p);
    /* makes the gradient of what is in d */
    void (*loss_overlap)(const struct un_loss_piece *p);

    void (*sgd)(size_t count, float *w, const float *g, float *m, float rate, float momentum,
                float decay, bool nesterov);
    /* grad_decay is added to g as grad_decay * w; w is first multiplied by keep;
     * correct1 = 1 - beta1^step, correct2 = sqrt(1 - beta2^step) */
    void (*adam)(size_t count, float *w, const float *g, float *m, float *v, float rate,
                 float beta1, float beta2, float epsilon, float grad_decay, float keep,
                 double correct1, double correct2);
    void (*rmsprop)(size_t count, float *w, const float *g, float *m, float *v, float rate,
                    float momentum, float alpha, float epsilon, float decay);
    void (*blend)(size_t count, float *y, float a, const float *x, float b);
    double (*sum_squares)(const float *x, size_t count);
    size_t (*nonfinite)(const float *x, size_t count);

    /* rounds of independent multiply-adds in registers: what the machine can do at most */
    float (*peak)(long rounds);
};

/* which of them there are: dispatch.c */
extern const struct un_kernels un_kernels_baseline, un_kernels_avx2, un_kernels_avx512,
    un_kernels_neon;

/* ---- dispatch.c: which kernels this processor can run ---- */

/*
 * The kernels of the named instruction set; isa NULL: the best one the processor and the operating
 * system support, but none above UNET_ISA in the environment.  There, baseline is the plainest that
 * the processor has, whatever its name.  UNET_EINVAL: no such name; UNET_EDEVICE: the processor
 * lacks it.
 */
unet_code un_kernels_find(const char *isa, const struct un_kernels **kernels, unet_error *err);

#endif
