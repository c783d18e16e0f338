/* SPDX-License-Identifier: Apache-2.0 */
/* conv.c - which way a convolution goes: by tiles (winograd.h) or directly (conv_plan.h) */
#include "cpu/conv/conv_plan.h"
#include "cpu/winograd/winograd.h"

size_t un_cpu_pack_bytes(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    if (pass == UN_PASS_BACKWARD_WEIGHTS)
        return 0;
    return un_winograd_takes(e, c) ? un_winograd_pack_bytes(e, c, pass)
                                   : un_direct_pack_bytes(c, pass);
}

size_t un_cpu_conv_workspace(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    bool weights = pass == UN_PASS_BACKWARD_WEIGHTS;
    if (un_winograd_takes(e, c))
        return weights ? un_winograd_weights_workspace(e, c) : un_winograd_workspace(e, c, pass);
    size_t bytes = weights ? un_direct_weights_workspace(e, c) : un_direct_workspace(e, c, pass);
    size_t norm = pass == UN_PASS_FORWARD && c->measures
                      ? un_cpu_norm_workspace(e, c->dst.shape, c->norm.groups)
                      : 0;
    return norm > bytes ? norm : bytes;
}

void un_cpu_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    if (un_winograd_takes(e, c))
        un_winograd_pack(e, c, pass);
    else
        un_direct_pack(e, c, pass);
}

bool un_cpu_conv_parts(struct un_engine *e, const struct un_conv *c)
{
    return un_winograd_takes(e, c);
}

void un_cpu_forward(struct un_engine *e, const struct un_conv *c)
{
    if (un_winograd_takes(e, c)) {
        un_winograd_forward(e, c);
        return;
    }
    un_direct_forward(e, c);
    if (c->measures)
        un_cpu_norm_statistics(e, c->dst, &c->norm);
}

void un_cpu_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                          const struct un_gradient dsrc[2])
{
    if (un_winograd_takes(e, c))
        un_winograd_backward_data(e, c, ddst, dsrc);
    else
        un_direct_backward_data(e, c, ddst, dsrc);
}

void un_cpu_backward_weights(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                             float *dweight, float *dbias)
{
    if (un_winograd_takes(e, c))
        un_winograd_backward_weights(e, c, ddst, dweight, dbias);
    else
        un_direct_backward_weights(e, c, ddst, dweight, dbias);
}
