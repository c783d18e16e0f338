/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_weights.c - the gradient of a convolution's weights: sums of outer products over pixels
 *
 *   dweight[k][c][tap] = sum over pixels: a(pixel moved by tap, c) * b(pixel, k)
 *
 * a gives the rows of a tile (a broadcast each), b the vectors.  a is the source and b is ddst;
 * only for the last layer, whose ddst is plain pixels of few channels, it is the other way round,
 * and taps are mirrored: the pixel of ddst that tap i of a source's pixel goes into is moved by -i;
 * and for upconv 3x3, which is half's adjoint, once for each source.
 *
 * The sums are [slice][plane][row][group of b's channels], a slice being a block of a's channels:
 *
 *   conv3x3    a plane for each row of taps, 3 x 16 rows in it (first layer: 3 x C, last: 3 x K)
 *   conv7x7    7 x 16 (first layer: 7 x C)
 *   conv1x1    one plane of 16 rows (last layer: K)
 *   half       as these, every second pixel of a for one of b
 *   upconv     four planes, one for each pixel of the 2x2 of b
 *   upconv 3x3 as half, with a and b exchanged
 *
 * Tasks are (group of b) x (chunk of slices whose sums fit the second-level cache, or fewer) x
 * (band of rows of an image); see cut(). Most layers have one band, and a task makes its part of
 * dweight for all images.  Those of few channels have several; their sums are kept in the workspace
 * and added in the order of the bands, image by image.  The sums of images are added in the tree of
 * tree.h.  Within a task rows are cut into runs short enough for both operands to stay in the
 * first-level cache.
 */
#include <string.h>

#include "cpu/image_sums.h"
#include "cpu/conv/conv_plan.h"

enum { CHUNK_BYTES = 256 << 10, TASKS = 48, RUN_FLOATS = 2048 };

struct plan {
    struct un_operand a[2];
    int sources;
    struct un_tensor b;
    struct un_shape frame; /* the pixels that are summed over */
    bool swapped;          /* a is ddst, in pixels */
    bool turned;           /* a is ddst, in features; of two sources b is one */
    int planes, taps;      /* taps in a row of a plane: the kernel's side, of upconv 2x2 1 */
    int a_step, b_step;    /* pixels of a, of b for one of the frame */
    ptrdiff_t by_a, by_b;  /* weight (channel of a, channel of b, tap) = [a by_a + b by_b + tap] */
    /* derived */
    int rows; /* of a plane for each tap */
    int slices, groups, chunks, bands;
    int slots; /* of a part: sums of images on their way to one, behind those of the bands */
    size_t slice_floats, slot_bytes, patch_bytes;
};

/* The sums of a task: slices first .. end - 1 for one group. */
struct part {
    int group, blocks, first, end;
    float *sum, *bias;
};

/* most pixels of a run: a group of b takes 8 kB */
static int run_pixels(const struct un_kernels *k)
{
    return RUN_FLOATS / (k->blocks * UN_BLOCK);
}

/* Pixels of a that a row of taps reads for so many of the frame. */
static int span(const struct plan *p, int pixels)
{
    return (pixels - 1) * p->a_step + p->taps;
}

/*
 * Into how many chunks and bands: as many tasks as wanted, with the least to be read and written
 * besides.  Each chunk reads all of b once more, each band has sums of its own, written and read.
 */
static void cut(struct plan *p, int blocks)
{
    const double b = (double)p->b.shape.h * p->b.shape.w * blocks * UN_BLOCK;
    const double sums = (double)p->slice_floats * p->slices;
    const int chunk = (int)(CHUNK_BYTES / (p->slice_floats * sizeof(float)));
    double least = 0;
    int most = 0;
    for (int chunks = un_ceil_div(p->slices, un_max(1, chunk)); chunks <= p->slices; chunks++) {
        const int bands = un_min(un_ceil_div(TASKS, p->groups * chunks), p->frame.h);
        const int tasks = un_min(p->groups * chunks * bands, TASKS);
        const double cost = chunks * b + (bands > 1 ? 2 * bands * sums : 0);
        if (tasks < most || (tasks == most && cost >= least))
            continue;
        most = tasks;
        least = cost;
        p->chunks = chunks;
        p->bands = bands;
    }
}

/* source: of an upconv 3x3, whose sources have a plan each */
static struct plan make_plan(const struct un_engine *e, const struct un_conv *c, int source)
{
    const struct un_kernels *k = un_cpu_kernels(e);
    const int in = c->src[0].tensor.shape.c + c->src[1].tensor.shape.c, out = c->dst.shape.c;
    const int side = un_conv_side(c->kind);
    struct plan p = {.a = {c->src[0], c->src[1]},
                     .sources = c->src[1].tensor.shape.c ? 2 : 1,
                     .b = c->dst,
                     .frame = c->kind == UN_UPCONV2X2 ? c->src[0].tensor.shape : c->dst.shape,
                     .planes = side,
                     .taps = side,
                     .a_step = un_conv_halves(c->kind) ? 2 : 1,
                     .b_step = 1,
                     .by_a = side * side,
                     .by_b = in * side * side};
    if (c->kind == UN_UPCONV3X3) {
        p.turned = true;
        p.a[0] = (struct un_operand){c->dst, -1, -1};
        p.a[1] = (struct un_operand){0};
        p.sources = 1;
        p.b = c->src[source].tensor;
        p.frame = p.b.shape;
        p.a_step = 2;
        p.by_b = out * side * side;
    } else if (c->kind == UN_UPCONV2X2) {
        p.planes = 4;
        p.taps = 1;
        p.b_step = 2;
        p.by_a = out * 4;
        p.by_b = 4;
    } else if (c->dst.layout == UN_PIXELS) {
        p.swapped = true;
        p.a[0] = (struct un_operand){c->dst, -(side / 2), -(side / 2)};
        p.b = c->src[0].tensor;
        p.by_a = in * side * side;
        p.by_b = side * side;
    }
    bool pixels = p.a[0].tensor.layout == UN_PIXELS;
    p.rows = pixels ? p.a[0].tensor.shape.c : UN_BLOCK;
    p.slices = pixels ? 1 : un_blocks(p.a[0].tensor.shape.c) + un_blocks(p.a[1].tensor.shape.c);
    p.groups = un_ceil_div(un_blocks(p.b.shape.c), k->blocks);
    p.slice_floats = (size_t)(p.planes * p.taps * p.rows * k->blocks * UN_BLOCK);
    cut(&p, k->blocks);
    p.slots = un_image_rooms(p.frame.n) + (p.bands > 1 ? p.bands : 0);
    size_t bias = un_round_up((size_t)un_max(out, k->blocks * UN_BLOCK), UN_BLOCK);
    size_t sums = p.slice_floats * (size_t)un_ceil_div(p.slices, p.chunks);
    p.slot_bytes = (un_round_up(sums, UN_BLOCK) + bias) * sizeof(float);
    p.patch_bytes =
        (size_t)span(&p, run_pixels(k)) * (size_t)un_max(UN_BLOCK, p.rows) * sizeof(float);
    p.patch_bytes = un_round_up(p.patch_bytes, UN_ALIGN);
    return p;
}

static size_t slots(const struct un_engine *e, const struct plan *p)
{
    return (size_t)(p->slots * (p->bands == 1 ? e->threads : p->groups * p->chunks));
}

/* How many plans it takes. */
static int plans(const struct un_conv *c)
{
    return c->kind == UN_UPCONV3X3 && c->src[1].tensor.shape.c ? 2 : 1;
}

size_t un_direct_weights_workspace(struct un_engine *e, const struct un_conv *c)
{
    size_t most = 0;
    for (int source = 0; source < plans(c); source++) {
        struct plan p = make_plan(e, c, source);
        size_t bytes = slots(e, &p) * p.slot_bytes + (size_t)e->threads * p.patch_bytes;
        most = bytes > most ? bytes : most;
    }
    return most;
}

static struct part make_part(const struct plan *p, const struct un_kernels *k, int index,
                             void *slot)
{
    int group = index / p->chunks, chunk = index % p->chunks;
    struct part part = {.group = group,
                        .blocks = un_min(k->blocks, un_blocks(p->b.shape.c) - group * k->blocks),
                        .first = un_piece(p->slices, p->chunks, chunk),
                        .end = un_piece(p->slices, p->chunks, chunk + 1),
                        .sum = slot};
    size_t sums = p->slice_floats * (size_t)un_ceil_div(p->slices, p->chunks);
    part.bias = part.sum + un_round_up(sums, UN_BLOCK);
    return part;
}

/* The slice's source and its block there. */
static const struct un_operand *slice_source(const struct plan *p, int slice, int *block)
{
    int first = p->a[0].tensor.layout == UN_PIXELS ? 1 : un_blocks(p->a[0].tensor.shape.c);
    *block = slice < first ? slice : slice - first;
    return &p->a[slice >= first];
}

/* The pixels of a that a run reads for a row of taps, NULL when it is all zeros. */
static const float *run_of_a(const struct un_operand *src, int n, int block, int y, int x,
                             int count, float *patch)
{
    const struct un_tensor *t = &src->tensor;
    int row = y + src->top, column = x + src->left;
    if (row < 0 || row >= t->shape.h)
        return NULL;
    if (column >= 0 && column + count <= t->shape.w)
        return un_row(t, n, block, row) + (ptrdiff_t)column * un_pixel(t);
    un_copy_padded(t, n, block, row, column, count, patch);
    return patch;
}

/* Adds the pixels x .. x + pixels - 1 of row y to the sums. */
static void add_run(const struct plan *p, const struct un_kernels *k, const struct part *part,
                    int n, int y, int x, int pixels, float *patch)
{
    const bool rows_of_taps = p->taps == 3 && p->a[0].tensor.layout == UN_FEATURES;
    struct un_outer o = {.b_step = p->b_step * UN_BLOCK,
                         .b_block = un_plane(&p->b),
                         .pixels = pixels,
                         .taps = rows_of_taps ? 3 : 1,
                         .rows = rows_of_taps ? UN_BLOCK : p->taps * p->rows,
                         .sum = part->sum};
    const ptrdiff_t plane = (ptrdiff_t)p->taps * p->rows * part->blocks * UN_BLOCK;
    for (int slice = part->first; slice < part->end; slice++) {
        int block;
        const struct un_operand *src = slice_source(p, slice, &block);
        o.a_step = p->a_step * un_pixel(&src->tensor);
        for (int i = 0; i < p->planes; i++, o.sum += plane) {
            const int tap_row = p->taps > 1 ? i : 0;
            o.a = run_of_a(src, n, block, y * p->a_step + tap_row, x * p->a_step, span(p, pixels),
                           patch);
            if (!o.a)
                continue;
            int by = y * p->b_step + (p->b_step == 2 ? i / 2 : 0);
            int bx = x * p->b_step + (p->b_step == 2 ? i % 2 : 0);
            o.b = un_row(&p->b, n, part->group * k->blocks, by) + (ptrdiff_t)bx * UN_BLOCK;
            k->outer(&o, part->blocks);
        }
    }
}

/* The same of two rows of a, by the first group of b: once for each channel. */
static void add_turned_bias(const struct plan *p, const struct un_kernels *k,
                            const struct part *part, int n, int y)
{
    const struct un_tensor *d = &p->a[0].tensor;
    for (int slice = part->first; slice < part->end && part->group == 0; slice++)
        for (int i = 0; i < 2; i++)
            k->sum_row(un_row(d, n, slice, 2 * y + i), d->shape.w, part->bias + slice * UN_BLOCK);
}

/* Adds row y of ddst to the bias's sums: once for each channel, so by the first chunks alone. */
static void add_bias(const struct plan *p, const struct un_kernels *k, const struct part *part,
                     int n, int y)
{
    if (p->turned) {
        add_turned_bias(p, k, part, n, y);
        return;
    }
    if (part->first > 0 || (p->swapped && part->group > 0))
        return;
    if (p->swapped) {
        const struct un_tensor *d = &p->a[0].tensor;
        const float *row = un_row(d, n, 0, y);
        for (int x = 0; x < d->shape.w; x++)
            for (int c = 0; c < d->shape.c; c++)
                part->bias[c] += row[(ptrdiff_t)x * d->shape.c + c];
        return;
    }
    for (int b = 0; b < part->blocks; b++)
        for (int i = 0; i < p->b_step; i++)
            k->sum_row(un_row(&p->b, n, part->group * k->blocks + b, y * p->b_step + i),
                       p->b.shape.w, part->bias + b * UN_BLOCK);
}

/* Rows of image n. */
static void add_band(const struct plan *p, const struct un_kernels *k, const struct part *part,
                     int n, int band, float *patch)
{
    const int rows = p->frame.h, runs = un_ceil_div(p->frame.w, run_pixels(k));
    memset(part->sum, 0, p->slot_bytes);
    for (int y = un_piece(rows, p->bands, band); y < un_piece(rows, p->bands, band + 1); y++) {
        for (int r = 0; r < runs; r++) {
            int x = un_piece(p->frame.w, runs, r);
            add_run(p, k, part, n, y, x, un_piece(p->frame.w, runs, r + 1) - x, patch);
        }
        add_bias(p, k, part, n, y);
    }
}

/* Puts a part's sums where the model has them. */
static void write_part(const struct plan *p, const struct un_kernels *k, const struct part *part,
                       float *dweight, float *dbias)
{
    const int width = part->blocks * UN_BLOCK, first = part->group * k->blocks * UN_BLOCK;
    const int count = un_min(width, p->b.shape.c - first);
    const int taps = p->taps * p->planes;
    const float *sum = part->sum;
    for (int slice = part->first; slice < part->end; slice++) {
        int block;
        const struct un_operand *src = slice_source(p, slice, &block);
        int channel = block * UN_BLOCK; /* among those of its source */
        int channels = un_min(p->rows, src->tensor.shape.c - channel);
        channel += src == p->a ? 0 : p->a[0].tensor.shape.c;
        for (int k_b = 0; k_b < count; k_b++)
            for (int c = 0; c < channels; c++) {
                float *to = dweight + (channel + c) * p->by_a + (first + k_b) * p->by_b;
                for (int t = 0; t < taps; t++)
                    to[p->swapped ? taps - 1 - t : t] =
                        sum[((ptrdiff_t)t * p->rows + c) * width + k_b];
            }
        sum += (ptrdiff_t)taps * p->rows * width;
    }
    if (!dbias || (!p->turned && part->first > 0) || ((p->swapped || p->turned) && part->group > 0))
        return;
    if (p->turned) {
        const int done = part->first * UN_BLOCK, end = part->end * UN_BLOCK;
        memcpy(dbias + done, part->bias + done,
               (size_t)(un_min(end, p->a[0].tensor.shape.c) - done) * sizeof *dbias);
    } else if (p->swapped)
        memcpy(dbias, part->bias, (size_t)p->a[0].tensor.shape.c * sizeof *dbias);
    else
        memcpy(dbias + first, part->bias, (size_t)count * sizeof *dbias);
}

/* The sums of all bands, added in order. */
static void add_bands(const struct plan *p, const float *bands, float *sum)
{
    const size_t floats = p->slot_bytes / sizeof(float);
    memcpy(sum, bands, p->slot_bytes);
    for (int band = 1; band < p->bands; band++) {
        const float *other = bands + (size_t)band * floats;
        for (size_t i = 0; i < floats; i++)
            sum[i] += other[i];
    }
}

/* What the tasks share. */
struct job {
    struct plan plan;
    const struct un_kernels *k;
    char *slots, *patches; /* the sums of all tasks, or of all threads; a patch for each thread */
    float *dweight, *dbias;
    struct un_tree tree; /* of the images before this one */
    int image;
};

/* Slot `slot` of those that part `index`, or thread `index`, has. */
static float *slot_at(const struct job *job, int index, int slot)
{
    const struct plan *p = &job->plan;
    return (float *)(job->slots + (size_t)(index * p->slots + slot) * p->slot_bytes);
}

static float *patch_at(const struct job *job, int thread)
{
    return (float *)(job->patches + (size_t)thread * job->plan.patch_bytes);
}

/* A part for all images. */
static void part_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct plan *p = &job->plan;
    struct un_tree tree = job->tree;
    for (int n = 0; n < p->frame.n; n++) {
        const struct part one = make_part(p, job->k, task, slot_at(job, thread, tree.count));
        add_band(p, job->k, &one, n, 0, patch_at(job, thread));
        un_image_fold(&tree, n, slot_at(job, thread, 0), p->slot_bytes / sizeof(float));
    }
    const struct part sum = make_part(p, job->k, task, slot_at(job, thread, 0));
    write_part(p, job->k, &sum, job->dweight, job->dbias);
}

/* A band of a part for one image. */
static void band_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct plan *p = &job->plan;
    const int index = task / p->bands, band = task % p->bands;
    const struct part part = make_part(p, job->k, index, slot_at(job, index, band));
    add_band(p, job->k, &part, job->image, band, patch_at(job, thread));
}

/* A part whose bands of one image are there. */
static void add_task(void *context, int i, int thread)
{
    const struct job *job = context;
    const struct plan *p = &job->plan;
    float *sums = slot_at(job, i, p->bands);
    const struct part sum = make_part(p, job->k, i, sums);
    struct un_tree tree = job->tree;
    (void)thread;
    add_bands(p, slot_at(job, i, 0), slot_at(job, i, p->bands + tree.count));
    un_image_fold(&tree, job->image, sums, p->slot_bytes / sizeof(float));
    if (job->image == p->frame.n - 1)
        write_part(p, job->k, &sum, job->dweight, job->dbias);
}

static void run(struct un_engine *e, const struct un_conv *c, int source, struct un_tensor ddst,
                float *dweight, float *dbias)
{
    struct job job = {.plan = make_plan(e, c, source),
                      .k = un_cpu_kernels(e),
                      .slots = e->workspace,
                      .dweight = dweight,
                      .dbias = dbias};
    struct plan *p = &job.plan;
    *(p->swapped || p->turned ? &p->a[0].tensor.data : &p->b.data) = ddst.data;
    job.patches = job.slots + slots(e, p) * p->slot_bytes;
    job.tree.total = p->frame.n;
    if (p->bands == 1)
        un_pool_run(e->pool, p->groups * p->chunks, part_task, &job);
    for (; p->bands > 1 && job.image < p->frame.n; job.image++) {
        un_pool_run(e->pool, p->groups * p->chunks * p->bands, band_task, &job);
        un_pool_run(e->pool, p->groups * p->chunks, add_task, &job);
        un_image_push(&job.tree, job.image);
    }
}

void un_direct_backward_weights(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                                float *dweight, float *dbias)
{
    run(e, c, 0, ddst, dweight, dbias);
    if (plans(c) > 1)
        run(e, c, 1, ddst, dweight + (size_t)c->src[0].tensor.shape.c * (size_t)c->dst.shape.c * 9,
            NULL);
}
