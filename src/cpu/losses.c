/* SPDX-License-Identifier: Apache-2.0 */
/*
 * losses.c - the loss of a batch and its gradient, in pieces of the pixels of each image
 *
 * First pass: each piece gives its sums (of losses, of weights, and for the overlap term of true
 * positives, false positives and false negatives of each class) and leaves in dlogits what the
 * second pass needs; see loss_kernel.h.  The sums of all pieces of an image, added in order, and
 * those of the images, added pairwise (base/tree.h), make the factors of the second pass.  How the
 * pixels are cut does not depend on threads, so neither does a bit of the result.
 *
 * The workspace: for each thread its planes and sums by lanes, then for each piece its sums, then
 * those of the images, then the factors of the classes.
 */
#include <string.h>

#include "base/tree.h"
#include "cpu/engine_cpu.h"

enum { PIECES = 256 }; /* of an image */

/* Rows of sums: losses, weights, then three for each class. */
enum { LOSSES, WEIGHTS, CLASSES };

struct layout {
    int planes, rows;   /* rows of sums */
    size_t thread;      /* bytes of a thread, which begin with its sums by lanes */
    double *pieces;     /* [images][PIECES][rows] */
    double *images;     /* [images][rows]; the first becomes the sum of all */
    float *own, *other; /* [planes] */
    size_t bytes;
};

static struct layout lay_out(const struct un_engine *e, int images, int classes)
{
    const size_t lanes = (size_t)un_cpu_kernels(e)->lanes;
    struct layout l = {.planes = un_max(classes, 2)};
    l.rows = CLASSES + 3 * l.planes;
    l.thread = un_round_up(
        lanes * ((size_t)l.rows * sizeof(double) + (size_t)l.planes * sizeof(float)), UN_ALIGN);
    const size_t row = (size_t)l.rows * sizeof(double);
    size_t pieces = l.thread * (size_t)e->threads;
    size_t sums = pieces + PIECES * (size_t)images * row;
    size_t own = sums + (size_t)images * row;
    size_t other = own + (size_t)l.planes * sizeof(float);
    l.bytes = other + (size_t)l.planes * sizeof(float);
    if (e->workspace) {
        char *base = e->workspace;
        l.pieces = (double *)(base + pieces);
        l.images = (double *)(base + sums);
        l.own = (float *)(base + own);
        l.other = (float *)(base + other);
    }
    return l;
}

size_t un_cpu_loss_workspace(struct un_engine *e, struct un_shape logits)
{
    return lay_out(e, logits.n, logits.c).bytes;
}

/* of an image */
static size_t pixels_of(const struct un_tensor *t)
{
    return (size_t)t->shape.h * (size_t)t->shape.w;
}

static size_t piece_of(size_t count, int i)
{
    return count * (size_t)i / PIECES;
}

/* Moves what describes the first image to a piece, in this thread's workspace. */
static struct un_loss_piece cut(const struct un_engine *e, const struct layout *l,
                                struct un_loss_piece all, int i, int thread)
{
    const size_t image = all.pixels * (size_t)(i / PIECES);
    const size_t from = image + piece_of(all.pixels, i % PIECES);
    const size_t to = image + piece_of(all.pixels, i % PIECES + 1);
    const size_t lanes = (size_t)un_cpu_kernels(e)->lanes, values = from * (size_t)all.classes;
    all.logits += values;
    all.labels += from;
    all.weights += from;
    if (all.d)
        all.d += values;
    all.pixels = to - from;
    all.sums = un_workspace(e, l->thread, thread);
    all.planes = (float *)(all.sums + lanes * (size_t)l->rows);
    return all;
}

/* What the tasks share; each does a piece. */
struct batch {
    const struct un_engine *e;
    struct layout layout;
    struct un_loss_piece all; /* of the first image */
    int images;
};

static void sum_piece(void *context, int i, int thread)
{
    const struct batch *b = context;
    const struct layout *l = &b->layout;
    const int lanes = un_cpu_kernels(b->e)->lanes;
    const int rows = b->all.loss->overlap > 0 ? l->rows : CLASSES;
    const struct un_loss_piece p = cut(b->e, l, b->all, i, thread);
    double *to = l->pieces + (size_t)i * (size_t)l->rows;
    memset(p.sums, 0, (size_t)rows * (size_t)lanes * sizeof(double));
    un_cpu_kernels(b->e)->loss_sums(&p);
    for (int row = 0; row < rows; row++) {
        to[row] = 0;
        for (int lane = 0; lane < lanes; lane++)
            to[row] += p.sums[row * lanes + lane];
    }
}

static void add_image(void *context, int image, int thread)
{
    const struct batch *b = context;
    const struct layout *l = &b->layout;
    const int rows = b->all.loss->overlap > 0 ? l->rows : CLASSES;
    (void)thread;
    for (int row = 0; row < l->rows; row++) {
        double sum = 0;
        for (int i = 0; i < PIECES && row < rows; i++)
            sum += l->pieces[((size_t)image * PIECES + (size_t)i) * (size_t)l->rows + (size_t)row];
        l->images[(size_t)image * (size_t)l->rows + (size_t)row] = sum;
    }
}

/*
 * 1 - mean T, and share * its derivatives by w p of pixels of the class (own) and of others
 * (other): T = N / D, dN = 1 and dD = 1 - false_negative in the one case, 0 and false_positive in
 * the other.
 */
static double overlap_loss(const struct layout *l, const double *total, const unet_loss *loss,
                           int classes)
{
    const int first = classes == 1 ? 1 : loss->first_class;
    const double count = l->planes - first, share = loss->overlap / count;
    double sum = 0;
    for (int k = 0; k < l->planes; k++) {
        l->own[k] = l->other[k] = 0;
        if (k < first)
            continue;
        const double tp = total[CLASSES + 3 * k], fp = total[CLASSES + 3 * k + 1];
        const double fn = total[CLASSES + 3 * k + 2], n = tp + loss->smooth;
        const double d = n + loss->false_positive * fp + loss->false_negative * fn;
        sum += n / d;
        l->own[k] = (float)(-share * (d - n * (1 - (double)loss->false_negative)) / (d * d));
        l->other[k] = (float)(share * n * loss->false_positive / (d * d));
    }
    return 1 - sum / count;
}

static void overlap_piece(void *context, int i, int thread)
{
    const struct batch *b = context;
    const struct un_loss_piece p = cut(b->e, &b->layout, b->all, i, thread);
    un_cpu_kernels(b->e)->loss_overlap(&p);
}

/* The gradient times the scale; 0: zeros, also where there was something not finite. */
static void scale_piece(void *context, int i, int thread)
{
    const struct batch *b = context;
    const struct un_loss_piece p = cut(b->e, &b->layout, b->all, i, thread);
    for (size_t j = 0; j < p.pixels * (size_t)p.classes; j++)
        p.d[j] = p.scale != 0 ? p.d[j] * p.scale : 0;
}

static struct batch batch_of(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                             const float *weights, const unet_loss *loss, struct un_tensor dlogits)
{
    struct batch b = {
        .e = e, .layout = lay_out(e, logits.shape.n, logits.shape.c), .images = logits.shape.n};
    b.all = (struct un_loss_piece){.logits = logits.data,
                                   .labels = labels,
                                   .weights = weights,
                                   .d = dlogits.data,
                                   .pixels = pixels_of(&logits),
                                   .classes = logits.shape.c,
                                   .loss = loss,
                                   .own = b.layout.own,
                                   .other = b.layout.other};
    return b;
}

static void sum_images(struct un_engine *e, struct batch *b)
{
    un_pool_run(e->pool, b->images * PIECES, sum_piece, b);
    un_pool_run(e->pool, b->images, add_image, b);
}

static void finish(struct un_engine *e, struct batch *b, const double *total, double *result)
{
    const unet_loss *loss = b->all.loss;
    const double weight = total[WEIGHTS], sum = loss->pixel * total[LOSSES];
    const bool overlap = loss->overlap > 0 && weight > 0;
    result[0] = sum;
    result[1] = weight;
    b->all.scale = weight > 0 ? (float)(loss->pixel / weight) : 0;
    if (overlap)
        result[0] += weight * loss->overlap * overlap_loss(&b->layout, total, loss, b->all.classes);
    if (b->all.d)
        un_pool_run(e->pool, b->images * PIECES, overlap ? overlap_piece : scale_piece, b);
}

void un_cpu_loss(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                 const float *weights, const unet_loss *loss, double *result,
                 struct un_tensor dlogits)
{
    struct batch b = batch_of(e, logits, labels, weights, loss, dlogits);
    sum_images(e, &b);
    un_tree_sum(b.layout.images, b.images, (size_t)b.layout.rows);
    finish(e, &b, b.layout.images, result);
}

void un_cpu_loss_sums(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                      const float *weights, const unet_loss *loss, double *sums,
                      struct un_tensor dlogits)
{
    struct batch b = batch_of(e, logits, labels, weights, loss, dlogits);
    sum_images(e, &b);
    memcpy(sums, b.layout.images, (size_t)b.images * (size_t)b.layout.rows * sizeof *sums);
}

void un_cpu_loss_of(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                    const float *weights, const unet_loss *loss, const double *sums, double *result,
                    struct un_tensor dlogits)
{
    struct batch b = batch_of(e, logits, labels, weights, loss, dlogits);
    finish(e, &b, sums, result);
}
