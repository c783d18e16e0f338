/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference engine: memory, and the table of its operations.
 *
 * Where to read what:
 *
 *   reference_conv.c   the three convolutions and their gradients
 *   reference_map.c    pooling, bilinear doubling, dropout
 *   reference_norm.c   batch normalisation
 *   reference_loss.c   losses, probabilities, argmax
 *   reference_step.c   optimisers, sums, the check for non-finite values
 */
#include "cpu/reference/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cpu/host.h"

static void engine_free(struct un_engine *e)
{
    free(e);
}

static void *memory_alloc(struct un_engine *e, size_t bytes)
{
    (void)e;
    void *memory = un_aligned_alloc(bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

static size_t values(struct un_shape s)
{
    return (size_t)s.n * s.h * s.w * s.c;
}

static size_t tensor_bytes(struct un_engine *e, enum un_layout layout, struct un_shape shape)
{
    (void)e;
    (void)layout;
    return un_round_up(values(shape) * sizeof(float), UN_ALIGN);
}

static size_t image_bytes(struct un_engine *e, enum un_layout layout, struct un_shape shape)
{
    (void)e;
    (void)layout;
    shape.n = 1;
    return values(shape) * sizeof(float);
}

static void tensor_upload(struct un_engine *e, struct un_tensor to, const float *from_host)
{
    (void)e;
    memcpy(to.data, from_host, values(to.shape) * sizeof(float));
}

static void tensor_download(struct un_engine *e, float *to_host, struct un_tensor from)
{
    (void)e;
    memcpy(to_host, from.data, values(from.shape) * sizeof(float));
}

static size_t conv_no_bytes(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    (void)e;
    (void)c;
    (void)pass;
    return 0;
}

static void conv_no_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    (void)e;
    (void)c;
    (void)pass;
}

static size_t no_norm_workspace(struct un_engine *e, struct un_shape shape, int groups)
{
    (void)e, (void)shape, (void)groups;
    return 0;
}

static size_t no_workspace(struct un_engine *e, struct un_shape shape)
{
    (void)e;
    (void)shape;
    return 0;
}

static const struct un_engine_ops reference_ops = {
    .name = "reference",
    .host_memory = true,
    .free = engine_free,
    .alloc = memory_alloc,
    .release = un_host_release,
    .memory = un_host_memory,
    .host_alloc = un_host_alloc,
    .host_release = un_host_release,
    .put = un_host_copy,
    .get = un_host_copy,
    .copy = un_host_copy,
    .tensor_bytes = tensor_bytes,
    .image_bytes = image_bytes,
    .upload = tensor_upload,
    .download = tensor_download,
    .finish = un_host_finish,
    .conv_pack_bytes = conv_no_bytes,
    .conv_workspace = conv_no_bytes,
    .conv_pack = conv_no_pack,
    .conv_parts = un_ref_conv_parts,
    .conv_forward = un_ref_conv_forward,
    .conv_backward_data = un_ref_conv_backward_data,
    .conv_backward_weights = un_ref_conv_backward_weights,
    .maxpool_forward = un_ref_maxpool_forward,
    .maxpool_backward = un_ref_maxpool_backward,
    .add_forward = un_ref_add_forward,
    .add_backward = un_ref_add_backward,
    .upsample_forward = un_ref_upsample_forward,
    .upsample_backward = un_ref_upsample_backward,
    .norm_workspace = no_norm_workspace,
    .norm_statistics = un_ref_norm_statistics,
    .norm_forward = un_ref_norm_forward,
    .norm_backward = un_ref_norm_backward,
    .norm_moments = un_ref_norm_moments,
    .norm_measure = un_ref_norm_measure,
    .norm_backward_of = un_ref_norm_backward_of,
    .norm_running = un_ref_norm_running,
    .norm_fold = un_ref_norm_fold,
    .dropout = un_ref_dropout,
    .loss_workspace = no_workspace,
    .loss = un_ref_loss,
    .loss_sums = un_ref_loss_sums,
    .loss_of = un_ref_loss_of,
    .probabilities = un_ref_probabilities,
    .argmax = un_ref_argmax,
    .sgd_step = un_ref_sgd_step,
    .adam_step = un_ref_adam_step,
    .rmsprop_step = un_ref_rmsprop_step,
    .blend = un_ref_blend,
    .sum_squares = un_ref_sum_squares,
    .count_nonfinite = un_ref_count_nonfinite,
    .meanpool_forward = un_ref_meanpool_forward,
    .meanpool_backward = un_ref_meanpool_backward,
    .maxpool3_forward = un_ref_maxpool3_forward,
    .maxpool3_backward = un_ref_maxpool3_backward,
    .prelu_workspace = no_workspace,
    .prelu_forward = un_ref_prelu_forward,
    .prelu_backward = un_ref_prelu_backward,
};

unet_code un_engine_reference_create(struct un_engine **engine, unet_error *err)
{
    struct un_engine *made = calloc(1, sizeof *made);
    if (!made)
        return un_fail_memory(err, sizeof *made, "reference engine");
    made->ops = &reference_ops;
    made->threads = 1;
    *engine = made;
    return UNET_OK;
}
