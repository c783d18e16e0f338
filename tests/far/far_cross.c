/* SPDX-License-Identifier: Apache-2.0 */
/* far_cross.c - what goes to the engine and comes back, and what is known of sizes */
#include "far.h"

/* ---- addresses ---- */

float *far_floats(struct un_engine *e, const float *far, size_t count)
{
    return far_near(e, far, count * sizeof(float));
}

struct un_tensor far_tensor(struct un_engine *e, struct un_tensor t)
{
    struct un_engine *inner = far_inner(e);
    if (t.data)
        t.data = far_near(e, t.data, inner->ops->tensor_bytes(inner, t.layout, t.shape));
    return t;
}

size_t far_values(struct un_shape s)
{
    return (size_t)s.n * (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

/* ---- what crosses ---- */

static void put_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->put(e, c->p[0], c->host, c->count);
}

static void put(struct un_engine *e, void *to, const void *from_host, size_t bytes)
{
    struct far_call *c = far_queue(e, put_now);
    c->p[0] = far_near(e, to, bytes);
    c->host = from_host;
    c->count = bytes;
    if (!far_is_pinned(e, from_host))
        far_flush(e);
}

static void upload_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->upload(e, c->t[0], c->host);
}

static void upload(struct un_engine *e, struct un_tensor to, const float *from_host)
{
    struct far_call *c = far_queue(e, upload_now);
    c->t[0] = far_tensor(e, to);
    c->host = from_host;
    if (!far_is_pinned(e, from_host))
        far_flush(e);
}

static void copy_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->copy(e, c->p[0], c->p[1], c->count);
}

static void copy(struct un_engine *e, void *to, const void *from, size_t bytes)
{
    struct far_call *c = far_queue(e, copy_now);
    c->p[0] = far_near(e, to, bytes);
    c->p[1] = far_near(e, from, bytes);
    c->count = bytes;
}

static void get(struct un_engine *e, void *to_host, const void *from, size_t bytes)
{
    struct far_engine *f = (struct far_engine *)e;
    void *near = far_near(e, from, bytes);
    far_flush(e);
    if (!f->lost)
        f->inner->ops->get(f->inner, to_host, near, bytes);
}

static void download(struct un_engine *e, float *to_host, struct un_tensor from)
{
    struct far_engine *f = (struct far_engine *)e;
    struct un_tensor near = far_tensor(e, from);
    far_flush(e);
    if (!f->lost)
        f->inner->ops->download(f->inner, to_host, near);
}

/* ---- sizes ---- */

static size_t tensor_bytes(struct un_engine *e, enum un_layout layout, struct un_shape shape)
{
    struct un_engine *inner = far_inner(e);
    return inner->ops->tensor_bytes(inner, layout, shape);
}

static size_t image_bytes(struct un_engine *e, enum un_layout layout, struct un_shape shape)
{
    struct un_engine *inner = far_inner(e);
    return inner->ops->image_bytes(inner, layout, shape);
}

static size_t conv_pack_bytes(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    struct un_engine *inner = far_inner(e);
    return inner->ops->conv_pack_bytes(inner, c, pass);
}

static size_t conv_workspace(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    struct un_engine *inner = far_inner(e);
    return inner->ops->conv_workspace(inner, c, pass);
}

static bool conv_parts(struct un_engine *e, const struct un_conv *c)
{
    struct un_engine *inner = far_inner(e);
    return inner->ops->conv_parts(inner, c);
}

static size_t norm_workspace(struct un_engine *e, struct un_shape shape, int groups)
{
    struct un_engine *inner = far_inner(e);
    return inner->ops->norm_workspace(inner, shape, groups);
}

static size_t prelu_workspace(struct un_engine *e, struct un_shape shape)
{
    struct un_engine *inner = far_inner(e);
    return inner->ops->prelu_workspace(inner, shape);
}

static size_t loss_workspace(struct un_engine *e, struct un_shape logits)
{
    struct un_engine *inner = far_inner(e);
    return inner->ops->loss_workspace(inner, logits);
}

void far_cross_operations(struct un_engine_ops *ops)
{
    ops->put = put;
    ops->get = get;
    ops->copy = copy;
    ops->tensor_bytes = tensor_bytes;
    ops->image_bytes = image_bytes;
    ops->upload = upload;
    ops->download = download;
    ops->conv_pack_bytes = conv_pack_bytes;
    ops->conv_workspace = conv_workspace;
    ops->conv_parts = conv_parts;
    ops->norm_workspace = norm_workspace;
    ops->prelu_workspace = prelu_workspace;
    ops->loss_workspace = loss_workspace;
}
