/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The convolutions, forward and backward.
 *
 * A convolution is linear in its input and in its weights (before bias and activation), so both
 * gradients are the forward sum read from another side.  With g = ddst, the gradient of
 *
 *   dst(y,x,k) = sum over i,j,c: w[k][c][i][j] * frame(y+i, x+j, c)
 *
 * is
 *
 *   dframe(y,x,c)   = sum over i,j,k: w[k][c][i][j] * g(y-i, x-j, k)        (g zero outside)
 *   dw[k][c][i][j]  = sum over n,y,x: g(y,x,k) * frame(y+i, x+j, c)
 *   dbias[k]        = sum over n,y,x: g(y,x,k)
 *
 * where the sums of images are added in a tree.  CONV1X1 is the same with i = j = 0.  UPCONV2X2
 * (the paper's "up-convolution", PyTorch's ConvTranspose2d with kernel 2 and stride 2) writes four
 * output pixels for each input pixel, and no two of them meet, so no sum over i,j arises in the
 * forward pass:
 *
 *   dst(2y+i,2x+j,k) = sum over c: w[c][k][i][j] * src(y, x, c)
 *   dsrc(y,x,c)      = sum over i,j,k: w[c][k][i][j] * g(2y+i, 2x+j, k)
 *   dw[c][k][i][j]   = sum over n,y,x: g(2y+i, 2x+j, k) * src(y, x, c)
 *
 * CONV3X3_HALF is CONV3X3 at every second pixel: y and x of the frame are twice those of the
 * destination, and of the gradient only those g count whose places are whole.  CONV7X7_HALF and
 * CONV1X1_HALF are the same with more taps, and with one:
 *
 *   dframe(y,x,c)   = sum over i,j,k: w[k][c][i][j] * g((y-i)/2, (x-j)/2, k)    (y-i, x-j even)
 *
 * UPCONV3X3 (PyTorch's ConvTranspose2d with kernel 3, stride 2, padding 1 and output_padding 1) is
 * the same read from its other side, with the weights of UPCONV2X2's order:
 *
 *   dst(y,x,k)       = sum over i,j,c: w[c][k][i][j] * src((y+1-i)/2, (x+1-j)/2, c)
 *   dsrc(y,x,c)      = sum over i,j,k: w[c][k][i][j] * g(2y+i-1, 2x+j-1, k)
 *   dw[c][k][i][j]   = sum over n,y,x: g(2y+i-1, 2x+j-1, k) * src(y, x, c)
 */
#include "cpu/reference/reference.h"

static int in_channels(const struct un_conv *c)
{
    return c->src[0].tensor.shape.c + c->src[1].tensor.shape.c;
}

/* Where weight (out k, in c, row i, column j) lies in the weights' array. */
static size_t weight_index(const struct un_conv *conv, int k, int c, int i, int j)
{
    const size_t in = (size_t)in_channels(conv), out = (size_t)conv->dst.shape.c;
    const size_t side = (size_t)un_conv_side(conv->kind);
    const size_t pair = un_conv_is_up(conv->kind) ? c * out + k : k * in + c;
    return (pair * side + i) * side + j;
}

/* Pixels of the frame from one of the destination to the next. */
static int step_of(const struct un_conv *conv)
{
    return un_conv_halves(conv->kind) ? 2 : 1;
}

/* Pixels that an up-convolution's kernel begins before twice its source's place. */
static int first_of(enum un_conv_kind kind)
{
    return kind == UN_UPCONV3X3;
}

/* Pixel (y, x) of the frame, channel c of one source: zero outside of the source. */
static double frame(const struct un_operand *s, int n, int y, int x, int c)
{
    y += s->top;
    x += s->left;
    return un_ref_inside(s->tensor, y, x) ? *un_ref_at(s->tensor, n, y, x, c) : 0;
}

/* Pixel (y, x) of a map of which only every second row and column is there. */
static double spread(const struct un_operand *s, int n, int y, int x, int c)
{
    return y % 2 == 0 && x % 2 == 0 ? frame(s, n, y / 2, x / 2, c) : 0;
}

/* Sum of weight * input for one output value; the channels of src[0] come first. */
static double weighted_sum(const struct un_conv *conv, int n, int y, int x, int k)
{
    if (conv->kind == UN_UPCONV2X2) {
        double sum = 0;
        for (int c = 0; c < in_channels(conv); c++)
            sum += conv->weight[weight_index(conv, k, c, y % 2, x % 2)] *
                   frame(&conv->src[0], n, y / 2, x / 2, c);
        return sum;
    }
    const int side = un_conv_side(conv->kind), step = step_of(conv);
    const bool up = conv->kind == UN_UPCONV3X3;
    int first = 0;
    double sum = 0;
    for (int s = 0; s < 2; s++) {
        int channels = conv->src[s].tensor.shape.c;
        for (int i = 0; i < side; i++)
            for (int j = 0; j < side; j++)
                for (int c = 0; c < channels; c++)
                    sum += conv->weight[weight_index(conv, k, first + c, i, j)] *
                           (up ? spread(&conv->src[s], n, y + 1 - i, x + 1 - j, c)
                               : frame(&conv->src[s], n, y * step + i, x * step + j, c));
        first += channels;
    }
    return sum;
}

static float result(const struct un_conv *c, int n, int y, int x, int k)
{
    double sum = weighted_sum(c, n, y, x, k);
    if (c->scale)
        sum = c->scale[k] * sum + c->shift[k];
    else if (c->bias)
        sum += c->bias[k];
    return (float)un_ref_activate(c->act, sum);
}

bool un_ref_conv_parts(struct un_engine *e, const struct un_conv *c)
{
    (void)e;
    (void)c;
    return true;
}

/* Gives one value of the result to those parts that it belongs to. */
static void give_parts(const struct un_parts *p, int n, int y, int x, int k, float v)
{
    if (un_ref_inside(p->window, y - p->top, x - p->left))
        *un_ref_at(p->window, n, y - p->top, x - p->left, k) = v;
    if (un_ref_inside(p->pooled, y / 2, x / 2)) {
        float *most = un_ref_at(p->pooled, n, y / 2, x / 2, k);
        bool first = y % 2 == 0 && x % 2 == 0;
        if (first || v > *most)
            *most = v;
    }
}

void un_ref_conv_forward(struct un_engine *e, const struct un_conv *c)
{
    struct un_shape d = c->dst.shape;
    for (int n = 0; n < d.n; n++)
        for (int y = 0; y < d.h; y++)
            for (int x = 0; x < d.w; x++)
                for (int k = 0; k < d.c; k++) {
                    float v = result(c, n, y, x, k);
                    if (c->parts.pooled.shape.c)
                        give_parts(&c->parts, n, y, x, k, v);
                    else
                        *un_ref_at(c->dst, n, y, x, k) = v;
                }
    if (c->measures)
        un_ref_norm_statistics(e, c->dst, &c->norm);
}

/* The gradient of one value of the frame; c counts the channels of both sources. */
static double gradient_sum(const struct un_conv *conv, struct un_tensor g, int n, int y, int x,
                           int c)
{
    const bool up = un_conv_is_up(conv->kind);
    const int side = un_conv_side(conv->kind), first = first_of(conv->kind), step = step_of(conv);
    double sum = 0;
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
            const int by = up ? 2 * y + i - first : y - i, bx = up ? 2 * x + j - first : x - j;
            const int gy = by / step, gx = bx / step;
            if (by % step == 0 && bx % step == 0 && un_ref_inside(g, gy, gx))
                for (int k = 0; k < g.shape.c; k++)
                    sum += conv->weight[weight_index(conv, k, c, i, j)] *
                           (double)*un_ref_at(g, n, gy, gx, k);
        }
    return sum;
}

void un_ref_conv_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                               const struct un_gradient dsrc[2])
{
    (void)e;
    for (int s = 0, first = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        const struct un_operand *src = &c->src[s];
        struct un_shape d = dsrc[s].d.shape;
        for (int n = 0; n < d.n; n++)
            for (int y = 0; y < d.h; y++)
                for (int x = 0; x < d.w; x++)
                    for (int i = 0; i < d.c; i++)
                        un_ref_give(
                            &dsrc[s], n, y, x, i,
                            gradient_sum(c, ddst, n, y - src->top, x - src->left, first + i));
        first += d.c;
    }
}

/* A weight (out k, channel c of one source, row i, column j), or the bias of k. */
struct place {
    const struct un_conv *conv;
    struct un_tensor g;
    const struct un_operand *s; /* NULL: the bias */
    int k, c, i, j;
};

static double gradient_at(struct un_tensor g, int n, int y, int x, int k)
{
    return un_ref_inside(g, y, x) ? *un_ref_at(g, n, y, x, k) : 0;
}

/* Sum of gradient * input over one image. */
static double correlation(const struct place *p, int n)
{
    const bool up = p->s && un_conv_is_up(p->conv->kind);
    const struct un_shape d = up ? p->s->tensor.shape : p->g.shape;
    const int step = step_of(p->conv), first = first_of(p->conv->kind);
    double sum = 0;
    for (int y = 0; y < d.h; y++)
        for (int x = 0; x < d.w; x++)
            if (up)
                sum += gradient_at(p->g, n, 2 * y + p->i - first, 2 * x + p->j - first, p->k) *
                       frame(p->s, n, y, x, p->c);
            else
                sum += *un_ref_at(p->g, n, y, x, p->k) *
                       (p->s ? frame(p->s, n, y * step + p->i, x * step + p->j, p->c) : 1);
    return sum;
}

/* Over images first .. first + count - 1, a block of the tree of base/tree.h. */
static float sum_of_images(const struct place *p, int first, int count)
{
    int half = 1;
    if (count == 1)
        return (float)correlation(p, first);
    while (2 * half < count)
        half *= 2;
    return sum_of_images(p, first, half) + sum_of_images(p, first + half, count - half);
}

void un_ref_conv_backward_weights(struct un_engine *e, const struct un_conv *c,
                                  struct un_tensor ddst, float *dweight, float *dbias)
{
    (void)e;
    const int side = un_conv_side(c->kind);
    for (int k = 0; k < c->dst.shape.c; k++) {
        struct place p = {.conv = c, .g = ddst, .k = k};
        int first = 0;
        if (dbias)
            dbias[k] = sum_of_images(&p, 0, ddst.shape.n);
        for (int s = 0; s < 2; s++) {
            int channels = c->src[s].tensor.shape.c;
            p.s = &c->src[s];
            for (p.c = 0; p.c < channels; p.c++)
                for (p.i = 0; p.i < side; p.i++)
                    for (p.j = 0; p.j < side; p.j++)
                        dweight[weight_index(c, k, first + p.c, p.i, p.j)] =
                            sum_of_images(&p, 0, ddst.shape.n);
            first += channels;
        }
    }
}
