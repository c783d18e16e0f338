/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_losses.c - the loss of a batch, its gradient, and what logits answer: kernels/losses.cl
 *
 * The workspace: scores [pixels] of four floats; sums [N][bands][rows] and [N][rows], double;
 * factors [1 + 2 planes].
 */
#include "opencl/cl_call.h"
#include "opencl/cl_norms.h"
#include "opencl/kernels/arguments.h"

struct layout {
    int planes, rows, made, bands; /* made: rows that this loss needs */
    float *scores;
    double *sums, *images;
    float *factors;
    size_t bytes;
};

static int bands_of(int pixels)
{
    const int most = 128, bands = (pixels + 1023) / 1024;
    return bands < most ? bands : most;
}

static struct layout lay_out(void *workspace, struct un_shape s)
{
    struct layout l = {
        .planes = s.c > 1 ? s.c : 2, .rows = un_loss_rows(s.c), .bands = bands_of(un_cl_plane(s))};
    const size_t scores = (size_t)s.n * (size_t)un_cl_plane(s) * 4 * sizeof(float);
    const size_t rows = (size_t)s.n * (size_t)l.rows * sizeof(double);
    const size_t images = scores + rows * (size_t)l.bands, factors = images + rows;
    l.bytes = factors + (size_t)(1 + 2 * l.planes) * sizeof(float);
    if (workspace) {
        char *base = workspace;
        l.scores = workspace;
        l.sums = (double *)(base + scores);
        l.images = (double *)(base + images);
        l.factors = (float *)(base + factors);
    }
    return l;
}

static size_t loss_workspace(struct un_engine *e, struct un_shape logits)
{
    (void)e;
    return lay_out(NULL, logits).bytes;
}

/* What all passes are told. */
struct batch {
    struct layout l;
    struct un_tensor logits, dlogits;
    const uint8_t *labels;
    const float *weights;
    struct un_cl_loss loss;
};

static struct batch batch_of(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                             const float *weights, const unet_loss *loss, struct un_tensor dlogits)
{
    struct batch b = {.l = lay_out(e->workspace, logits.shape),
                      .logits = logits,
                      .dlogits = dlogits,
                      .labels = labels,
                      .weights = weights};
    b.loss = (struct un_cl_loss){.pixel = loss->pixel,
                                 .overlap = loss->overlap,
                                 .pos_weight = loss->pos_weight,
                                 .focal = loss->focal,
                                 .false_positive = loss->false_positive,
                                 .false_negative = loss->false_negative,
                                 .smooth = loss->smooth,
                                 .first = logits.shape.c == 1 ? 1 : loss->first_class,
                                 .end = b.l.planes};
    b.l.made = loss->overlap > 0 ? b.l.rows : 2;
    return b;
}

static void pixels_of(struct un_cl_call *c, const struct batch *b)
{
    un_cl_address(c, b->logits.data);
    un_cl_address(c, b->labels);
    un_cl_address(c, b->weights);
}

static size_t pixel_count(struct un_shape s)
{
    return (size_t)s.n * (size_t)un_cl_plane(s);
}

static void score(struct un_engine *e, const struct batch *b)
{
    const struct un_shape s = b->logits.shape;
    struct un_cl_call c = un_cl_begin(e, UN_CL_LOSS_SCORES);
    pixels_of(&c, b);
    un_cl_address(&c, b->l.scores);
    un_cl_int(&c, s.c);
    un_cl_ulong(&c, pixel_count(s));
    un_cl_run(&c, pixel_count(s), 1, 1);
}

/* The sums of each image. */
static void sum_images(struct un_engine *e, const struct batch *b, double *images)
{
    const struct un_shape s = b->logits.shape;
    score(e, b);
    struct un_cl_call c = un_cl_begin(e, UN_CL_LOSS_BANDS);
    pixels_of(&c, b);
    un_cl_address(&c, b->l.scores);
    un_cl_address(&c, b->l.sums);
    un_cl_int(&c, s.c);
    un_cl_int(&c, un_cl_plane(s));
    un_cl_int(&c, b->l.bands);
    un_cl_float(&c, b->loss.focal);
    un_cl_float(&c, b->loss.pos_weight);
    un_cl_run(&c, (size_t)b->l.bands * UN_CL_GROUP,
              1 + (size_t)(b->loss.overlap > 0 ? b->l.planes : 0), (size_t)s.n);
    c = un_cl_begin(e, UN_CL_LOSS_IMAGES);
    un_cl_address(&c, b->l.sums);
    un_cl_address(&c, images);
    un_cl_int(&c, b->l.bands);
    un_cl_int(&c, b->l.rows);
    un_cl_int(&c, b->l.made);
    un_cl_run(&c, (size_t)b->l.rows, (size_t)s.n, 1);
}

static void finish(struct un_engine *e, const struct batch *b, const double *sums, double *result)
{
    const struct un_shape s = b->logits.shape;
    struct un_cl_call c = un_cl_begin(e, UN_CL_LOSS_FACTORS);
    un_cl_address(&c, sums);
    un_cl_address(&c, b->l.factors);
    un_cl_address(&c, result);
    un_cl_int(&c, b->l.planes);
    un_cl_value(&c, &b->loss, sizeof b->loss);
    un_cl_run(&c, (size_t)b->l.planes, 1, 1);
    if (!b->dlogits.data)
        return;
    c = un_cl_begin(e, UN_CL_LOSS_GRADIENT);
    pixels_of(&c, b);
    un_cl_address(&c, b->l.scores);
    un_cl_address(&c, b->l.factors);
    un_cl_address(&c, b->dlogits.data);
    un_cl_int(&c, s.c);
    un_cl_ulong(&c, pixel_count(s));
    un_cl_value(&c, &b->loss, sizeof b->loss);
    un_cl_run(&c, pixel_count(s), 1, 1);
}

static void loss(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                 const float *weights, const unet_loss *options, double *result,
                 struct un_tensor dlogits)
{
    const struct batch b = batch_of(e, logits, labels, weights, options, dlogits);
    sum_images(e, &b, b.l.images);
    un_cl_tree(e, b.l.images, logits.shape.n, b.l.rows);
    finish(e, &b, b.l.images, result);
}

static void loss_sums(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                      const float *weights, const unet_loss *options, double *sums,
                      struct un_tensor dlogits)
{
    const struct batch b = batch_of(e, logits, labels, weights, options, dlogits);
    sum_images(e, &b, sums);
}

/* The scores are made again: the workspace may have been another's between the two steps. */
static void loss_of(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                    const float *weights, const unet_loss *options, const double *sums,
                    double *result, struct un_tensor dlogits)
{
    const struct batch b = batch_of(e, logits, labels, weights, options, dlogits);
    score(e, &b);
    finish(e, &b, sums, result);
}

static void probabilities(struct un_engine *e, struct un_tensor logits)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_PROBABILITIES);
    un_cl_address(&c, logits.data);
    un_cl_int(&c, logits.shape.c);
    un_cl_ulong(&c, pixel_count(logits.shape));
    un_cl_run(&c, pixel_count(logits.shape), 1, 1);
}

static void argmax(struct un_engine *e, struct un_tensor logits, uint8_t *labels)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_ARGMAX);
    un_cl_address(&c, logits.data);
    un_cl_address(&c, labels);
    un_cl_int(&c, logits.shape.c);
    un_cl_ulong(&c, pixel_count(logits.shape));
    un_cl_run(&c, pixel_count(logits.shape), 1, 1);
}

void un_cl_loss_operations(struct un_engine_ops *ops)
{
    ops->loss_workspace = loss_workspace;
    ops->loss = loss;
    ops->loss_sums = loss_sums;
    ops->loss_of = loss_of;
    ops->probabilities = probabilities;
    ops->argmax = argmax;
}
