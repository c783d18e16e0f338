/* SPDX-License-Identifier: Apache-2.0 */
/* engine_cpu.c - the CPU behind the seam: its table, its memory, and how channels lie in it */
#include "cpu/engine_cpu.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/host.h"
#include "cpu/kernels/kernels.h"

static void engine_free(struct un_engine *e)
{
    un_pool_free(e->pool);
    free(e);
}

static size_t tensor_bytes(struct un_engine *e, enum un_layout layout, struct un_shape s)
{
    (void)e;
    size_t channels = (size_t)(layout == UN_FEATURES ? un_blocks(s.c) * UN_BLOCK : s.c);
    size_t floats = (size_t)s.n * (size_t)s.h * (size_t)s.w * channels;
    return un_round_up(floats * sizeof(float), UN_ALIGN);
}

static size_t image_bytes(struct un_engine *e, enum un_layout layout, struct un_shape s)
{
    (void)e;
    size_t channels = (size_t)(layout == UN_FEATURES ? un_blocks(s.c) * UN_BLOCK : s.c);
    return (size_t)s.h * (size_t)s.w * channels * sizeof(float);
}

/* A tensor and what lies plainly as [N][H][W][C]; one of the two is written. */
struct transfer {
    struct un_tensor tensor;
    const float *from;
    float *to;
};

/* floats before row y of all rows of all images */
static size_t plain_row(const struct transfer *t, int y)
{
    return (size_t)y * (size_t)t->tensor.shape.w * (size_t)t->tensor.shape.c;
}

static void upload_row(void *context, int y, int thread)
{
    const struct transfer *t = context;
    const struct un_shape s = t->tensor.shape;
    const float *from = t->from + plain_row(t, y);
    (void)thread;
    for (int c = 0; c < un_blocks(s.c) * UN_BLOCK; c++) {
        float *at = un_row(&t->tensor, y / s.h, c / UN_BLOCK, y % s.h) + c % UN_BLOCK;
        for (int x = 0; x < s.w; x++)
            at[x * UN_BLOCK] = c < s.c ? from[(size_t)x * (size_t)s.c + (size_t)c] : 0;
    }
}

static void download_row(void *context, int y, int thread)
{
    const struct transfer *t = context;
    const struct un_shape s = t->tensor.shape;
    float *to = t->to + plain_row(t, y);
    (void)thread;
    for (int c = 0; c < s.c; c++) {
        const float *at = un_row(&t->tensor, y / s.h, c / UN_BLOCK, y % s.h) + c % UN_BLOCK;
        for (int x = 0; x < s.w; x++)
            to[(size_t)x * (size_t)s.c + (size_t)c] = at[x * UN_BLOCK];
    }
}

static void upload(struct un_engine *e, struct un_tensor to, const float *from)
{
    struct transfer t = {.tensor = to, .from = from};
    const int rows = to.shape.n * to.shape.h;
    if (to.layout == UN_PIXELS)
        memcpy(to.data, from, plain_row(&t, rows) * sizeof(float));
    else
        un_pool_run(e->pool, rows, upload_row, &t);
}

static void download(struct un_engine *e, float *to, struct un_tensor from)
{
    struct transfer t = {.tensor = from, .to = to};
    const int rows = from.shape.n * from.shape.h;
    if (from.layout == UN_PIXELS)
        memcpy(to, from.data, plain_row(&t, rows) * sizeof(float));
    else
        un_pool_run(e->pool, rows, download_row, &t);
}

void un_copy_padded(const struct un_tensor *t, int n, int b, int row, int x, int count, float *to)
{
    const size_t pixel = (size_t)un_pixel(t);
    int from = un_min(un_max(x, 0), t->shape.w), end = un_max(un_min(x + count, t->shape.w), from);
    if (row < 0 || row >= t->shape.h || from == end) {
        memset(to, 0, (size_t)count * pixel * sizeof *to);
        return;
    }
    size_t before = (size_t)(from - x), inside = (size_t)(end - from);
    memset(to, 0, before * pixel * sizeof *to);
    memcpy(to + before * pixel, un_row(t, n, b, row) + (size_t)from * pixel,
           inside * pixel * sizeof *to);
    memset(to + (before + inside) * pixel, 0,
           ((size_t)count - before - inside) * pixel * sizeof *to);
}

static const struct un_engine_ops cpu_ops = {
    .name = "cpu",
    .host_memory = true,
    .free = engine_free,
    .alloc = un_cpu_alloc,
    .release = un_cpu_release,
    .memory = un_host_memory,
    .host_alloc = un_host_alloc,
    .host_release = un_host_release,
    .put = un_host_copy,
    .get = un_host_copy,
    .copy = un_host_copy,
    .tensor_bytes = tensor_bytes,
    .image_bytes = image_bytes,
    .upload = upload,
    .download = download,
    .finish = un_host_finish,
    .conv_pack_bytes = un_cpu_pack_bytes,
    .conv_workspace = un_cpu_conv_workspace,
    .conv_pack = un_cpu_pack,
    .conv_parts = un_cpu_conv_parts,
    .conv_forward = un_cpu_forward,
    .conv_backward_data = un_cpu_backward_data,
    .conv_backward_weights = un_cpu_backward_weights,
    .maxpool_forward = un_cpu_maxpool_forward,
    .maxpool_backward = un_cpu_maxpool_backward,
    .add_forward = un_cpu_add_forward,
    .add_backward = un_cpu_add_backward,
    .upsample_forward = un_cpu_upsample_forward,
    .upsample_backward = un_cpu_upsample_backward,
    .norm_workspace = un_cpu_norm_workspace,
    .norm_statistics = un_cpu_norm_statistics,
    .norm_forward = un_cpu_norm_forward,
    .norm_backward = un_cpu_norm_backward,
    .norm_moments = un_cpu_norm_moments,
    .norm_measure = un_cpu_norm_measure,
    .norm_backward_of = un_cpu_norm_backward_of,
    .norm_running = un_cpu_norm_running,
    .norm_fold = un_cpu_norm_fold,
    .dropout = un_cpu_dropout,
    .loss_workspace = un_cpu_loss_workspace,
    .loss = un_cpu_loss,
    .loss_sums = un_cpu_loss_sums,
    .loss_of = un_cpu_loss_of,
    .probabilities = un_cpu_probabilities,
    .argmax = un_cpu_argmax,
    .sgd_step = un_cpu_sgd_step,
    .adam_step = un_cpu_adam_step,
    .rmsprop_step = un_cpu_rmsprop_step,
    .blend = un_cpu_blend,
    .sum_squares = un_cpu_sum_squares,
    .count_nonfinite = un_cpu_count_nonfinite,
    .meanpool_forward = un_cpu_meanpool_forward,
    .meanpool_backward = un_cpu_meanpool_backward,
    .maxpool3_forward = un_cpu_maxpool3_forward,
    .maxpool3_backward = un_cpu_maxpool3_backward,
    .prelu_workspace = un_cpu_prelu_workspace,
    .prelu_forward = un_cpu_prelu_forward,
    .prelu_backward = un_cpu_prelu_backward,
};

unet_code un_engine_cpu_create(const char *isa, int threads, struct un_engine **engine,
                               unet_error *err)
{
    const struct un_kernels *kernels;
    unet_code code = un_kernels_find(isa, &kernels, err);
    if (code)
        return code;
    struct un_engine_cpu *made = malloc(sizeof *made);
    if (!made)
        return un_fail_memory(err, sizeof *made, "the CPU engine");
    struct un_pool *pool = un_pool_create(threads);
    if (!pool) {
        free(made);
        return un_fail_memory(err, 0, "the CPU engine's threads");
    }
    *made = (struct un_engine_cpu){
        .base = {.ops = &cpu_ops, .threads = un_pool_threads(pool), .pool = pool},
        .kernels = kernels,
        .cache = un_cache_bytes()};
    *engine = &made->base;
    return UNET_OK;
}
