/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - THE SEAM: what a processor must be able to do to train and run a U-Net
 *
 * Above this file, arrays have logical shapes [N][H][W][C] and nobody looks inside them.  Below it,
 * an engine lays them out as it likes.  Two kinds of array cross the seam:
 *
 *   UN_PIXELS    plain float [N][H][W][C]: what goes in (images) and what comes out (logits)
 *   UN_FEATURES  the engine's own layout: everything between
 *
 * Parameters and their gradients are plain float arrays in PyTorch's order.  All pointers to data
 * below are memory of the engine (from alloc): on a CPU that is ordinary memory, on a GPU the
 * device's, and the host must not follow such a pointer.  Where alloc's memory begins may be added
 * to, as with any array.  Data crosses by put, get, upload and download alone.
 *
 * An engine does what it is asked in that order, but perhaps later:
 *
 *   - an operation may have been queued only when it returns; the structs that it was handed
 *     (un_conv, un_norm, un_gradient, unet_loss) and what engine->workspace and engine->exact were
 *     have been read by then
 *   - put and upload have read ordinary memory of the host when they return.  That of host_alloc,
 *     which a device can take without a copy, they may read until the next fence
 *   - get, download and finish are fences: they return when everything asked for before is done.
 *     On a CPU all is done when it returns, and the fence is empty
 *
 * One thread uses an engine at a time.
 *
 * An operation never allocates: the caller asks for the workspace it needs once, while it plans,
 * and hands it over as engine->workspace.  The bytes of tensors, packed weights and workspaces
 * never shrink when a side grows, so memory planned for one size serves all smaller ones.  How an
 * operation is cut into pieces for threads depends on shapes only, and partial sums are added in a
 * fixed order, so results have the same bits for any number of threads.
 *
 * Operations do not fail one by one; what can go wrong on a device is reported by finish().  Once
 * a device is lost operations do nothing, get and download leave the host's memory as it is, and
 * finish() returns UNET_EDEVICE for ever: so what they brought is not believed before finish().
 */
#ifndef UN_ENGINE_H
#define UN_ENGINE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/pool.h"
#include "unet_train.h"

struct un_shape {
    int n, h, w, c;
};

enum un_layout { UN_PIXELS, UN_FEATURES };

struct un_tensor {
    struct un_shape shape; /* shape.c == 0: no tensor */
    enum un_layout layout;
    float *data;
};

enum un_act { UN_ACT_NONE, UN_ACT_RELU, UN_ACT_LEAKY };

/* y = x > 0 ? x : slope * x; slope is 0 for UN_ACT_RELU and ignored for UN_ACT_NONE */
struct un_activation {
    enum un_act kind;
    float slope;
};

/*
 * One input of a convolution.  Pixel (y, x) of the convolution's frame is pixel (y + top, x + left)
 * of the tensor, and zero where that lies outside of it.  So one pair of numbers expresses all of:
 * the paper's crop of a skip connection (top > 0), zero padding (top = -1), and a map that is
 * smaller than its partner.
 */
struct un_operand {
    struct un_tensor tensor;
    int top, left;
};

/*
 * Two parts of a convolution's result, for who reads no more of it: its 2x2 maxima, as
 * maxpool_forward makes them, and a window whose pixel (y, x) is pixel (y + top, x + left) of the
 * result.
 */
struct un_parts {
    struct un_tensor pooled; /* shape.c == 0: the result itself is wanted, not parts of it */
    struct un_tensor window; /* lies in the result */
    int top, left;           /* >= 0 */
};

/*
 * A normalisation, y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, gamma and beta [C];
 * both NULL: 1 and 0, and there are no gradients of them (dgamma and dbeta are NULL, too).
 *
 * groups 0: over the batch (Ioffe & Szegedy 2015): mean and variance [C], over N, H, W.
 * groups > 0: each image by itself (Wu & He 2018): mean and variance [N][C], over H, W and the
 * C / groups neighbouring channels of a group, which all have the same.  groups == C is instance
 * normalisation (Ulyanov, Vedaldi, Lempitsky 2016).
 */
struct un_norm {
    int groups;
    float epsilon;
    const float *gamma, *beta;
    float *mean, *variance;
};

enum un_conv_kind {
    UN_CONV3X3,   /* dst(y,x,k) = act(b[k] + sum over i,j<3, c: w[k][c][i][j] * src(y+i, x+j, c)) */
    UN_CONV1X1,   /* dst(y,x,k) = act(b[k] + sum over c: w[k][c] * src(y, x, c)) */
    UN_UPCONV2X2, /* dst(2y+i,2x+j,k) = act(b[k] + sum over c: w[c][k][i][j] * src(y, x, c)) */
    UN_CONV3X3_HALF, /* dst(y,x,k) = act(b[k] + sum over i,j<3, c: w[k][c][i][j] *
                        src(2y+i-1, 2x+j-1, c)): stride 2, and zeros around the map */
    UN_CONV7X7_HALF, /* the same over i,j<7 of src(2y+i-3, 2x+j-3, c) */
    UN_CONV1X1_HALF, /* the same of src(2y, 2x, c) alone */
    UN_UPCONV3X3,    /* dst(y,x,k) = act(b[k] + sum over i,j<3, c: w[c][k][i][j] *
                        src((y+1-i)/2, (x+1-j)/2, c), where these are whole): the adjoint of a HALF */
};

/* The side of its kernel. */
static inline int un_conv_side(enum un_conv_kind kind)
{
    switch (kind) {
    case UN_CONV1X1:
    case UN_CONV1X1_HALF:
        return 1;
    case UN_UPCONV2X2:
        return 2;
    case UN_CONV7X7_HALF:
        return 7;
    case UN_CONV3X3:
    case UN_CONV3X3_HALF:
    case UN_UPCONV3X3:
        break;
    }
    return 3;
}

/* Whether its stride is 2. */
static inline bool un_conv_halves(enum un_conv_kind kind)
{
    return kind == UN_CONV3X3_HALF || kind == UN_CONV7X7_HALF || kind == UN_CONV1X1_HALF;
}

/* Whether it doubles its source; its weights are [in][out]. */
static inline bool un_conv_is_up(enum un_conv_kind kind)
{
    return kind == UN_UPCONV2X2 || kind == UN_UPCONV3X3;
}

/*
 * One convolution, with all an engine needs to run any of its passes.
 *
 * src[1].tensor.shape.c == 0: one source.  With two, the channels of src[0] come first in the
 * weights; the concatenation never exists in memory.  CONV1X1 and UPCONV2X2 have one source with
 * top = left = 0, UPCONV3X3 one or two of h x w with top = left = 0 and a destination of 2h x 2w,
 * those of stride 2 one of h x w with top = left = -(side / 2) and a destination of half of that,
 * rounded up.  Where the kind allows UN_PIXELS: the source of a CONV3X3, CONV3X3_HALF or
 * CONV7X7_HALF (the network's first layer; one source), the destination of a CONV1X1, or of a
 * CONV3X3 with one source of its size in UN_FEATURES with top = left = -1 (its last); everything
 * else is UN_FEATURES.
 *
 * scale and shift, when not NULL, fold a normalisation into the weights: the forward pass computes
 * act(scale[k] * (sum without bias) + shift[k]), and bias is not looked at.  Only for prediction.
 *
 * parts, where they are set, are written by the forward pass instead of dst, which then has a shape
 * but no data; the values have the same bits.  Only where conv_parts() says so.
 *
 * measures: the forward pass also overwrites norm.mean and norm.variance with those of dst, as
 * norm_statistics() does but for rounding.  Of norm no more than these and groups is looked at.
 */
struct un_conv {
    enum un_conv_kind kind;
    struct un_operand src[2];
    struct un_tensor dst;
    const float *weight;        /* [out][in][side][side], of UPCONV2X2 and 3X3 [in][out] first */
    const float *bias;          /* [out], or NULL */
    const float *scale, *shift; /* [out], or NULL */
    struct un_activation act;
    struct un_parts parts;
    bool measures; /* not with parts, nor where dst is UN_PIXELS */
    struct un_norm norm;
    void *packed[2]; /* the weights as pack() laid them out for each un_pass; NULL until needed */
};

/* How a map is doubled in height and width; size is a side of the source. */
enum un_doubling {
    UN_BILINEAR, /* sample points at pixel centres (PyTorch: align_corners=False): output position
                    p lies at source position (p + 0.5) / 2 - 0.5, clamped to the map */
    UN_CORNERS, /* bilinear, corners on corners (align_corners=True): p (size - 1) / (2 size - 1) */
    UN_NEAREST, /* each pixel becomes four */
};

enum un_pass { UN_PASS_FORWARD, UN_PASS_BACKWARD_DATA, UN_PASS_BACKWARD_WEIGHTS };

/*
 * How an operation writes the gradient d of a value y that an activation made.  Several operations
 * may add to one gradient: the first overwrites (accumulate false), later ones add, and the last
 * one finishes it by multiplying with the derivative of the activation (act), which it reads off
 * the sign of y: y > 0 ? 1 : slope.  y has d's shape; with act.kind == UN_ACT_NONE y is not read.
 */
struct un_gradient {
    struct un_tensor d;
    bool accumulate;
    struct un_activation act;
    struct un_tensor y;
};

struct un_engine;

/* Sums of a loss: of losses, of weights, and of true positives, false positives and false negatives
 * for each class. */
static inline int un_loss_rows(int classes)
{
    return 2 + 3 * (classes > 1 ? classes : 2);
}

struct un_engine_ops {
    const char *name;
    bool host_memory; /* alloc gives ordinary memory: what the host has need not be put */
    void (*free)(struct un_engine *e);

    /* -- memory; alloc returns zeroed memory aligned to 64 bytes, or NULL -- */
    void *(*alloc)(struct un_engine *e, size_t bytes);
    void (*release)(struct un_engine *e, void *memory);
    /* bytes that all alloc()s together can hope for: those that are free on a device, those that
     * the machine has on a host; 0: not known */
    size_t (*memory)(struct un_engine *e);
    /* memory of the host for what crosses often, aligned to 64 bytes, not zeroed; or NULL */
    void *(*host_alloc)(struct un_engine *e, size_t bytes);
    void (*host_release)(struct un_engine *e, void *memory);
    /* bytes 0: nothing happens, whatever the pointers are */
    void (*put)(struct un_engine *e, void *to, const void *from_host, size_t bytes);
    void (*get)(struct un_engine *e, void *to_host, const void *from, size_t bytes);
    /* within the engine's memory; the two do not overlap */
    void (*copy)(struct un_engine *e, void *to, const void *from, size_t bytes);
    /* bytes of a tensor, a multiple of 64; its data need not be zeroed before it is written */
    size_t (*tensor_bytes)(struct un_engine *e, enum un_layout layout, struct un_shape shape);
    /* bytes from one image of a tensor to the next: each is a tensor of one image */
    size_t (*image_bytes)(struct un_engine *e, enum un_layout layout, struct un_shape shape);
    /* between host float [N][H][W][C] and a tensor of either layout */
    void (*upload)(struct un_engine *e, struct un_tensor to, const float *from_host);
    void (*download)(struct un_engine *e, float *to_host, struct un_tensor from);
    /* waits until all is done; UNET_EDEVICE when something failed, now or before */
    unet_code (*finish)(struct un_engine *e, unet_error *err);

    /* -- convolution, all kinds.  Shapes and layouts in c must be set, data may be NULL for the
     *    two _bytes functions.  pack() reads weight, bias, scale and shift and fills
     *    c->packed[pass] (FORWARD and BACKWARD_DATA; pack_bytes is 0 for BACKWARD_WEIGHTS) -- */
    size_t (*conv_pack_bytes)(struct un_engine *e, const struct un_conv *c, enum un_pass pass);
    size_t (*conv_workspace)(struct un_engine *e, const struct un_conv *c, enum un_pass pass);
    void (*conv_pack)(struct un_engine *e, const struct un_conv *c, enum un_pass pass);
    /* whether the forward pass can write parts of c's result; kinds, layouts and channels decide */
    bool (*conv_parts)(struct un_engine *e, const struct un_conv *c);
    /* writes c->dst, or c->parts */
    void (*conv_forward)(struct un_engine *e, const struct un_conv *c);
    /* ddst: gradient of dst before its activation.  Writes the gradient of each source, dsrc[1]
     * only when there are two; pixels that the frame does not reach get zero */
    void (*conv_backward_data)(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                               const struct un_gradient dsrc[2]);
    /* overwrites dweight (the order of weight) and dbias [out] (may be NULL).  What an image gives
     * has the same bits whatever other images are there, and the sums of images are added in the
     * tree of base/tree.h, as its samples 0 .. n - 1 */
    void (*conv_backward_weights)(struct un_engine *e, const struct un_conv *c,
                                  struct un_tensor ddst, float *dweight, float *dbias);

    /* -- 2x2 max pooling, stride 2: dst [N][H/2][W/2][C], a last odd row or column is left out;
     *    the gradient goes to the first of the four (row by row) that is the largest -- */
    void (*maxpool_forward)(struct un_engine *e, struct un_tensor src, struct un_tensor dst);
    void (*maxpool_backward)(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                             const struct un_gradient *dsrc);

    /* -- the sum of two maps of dst's channels: dst(y,x,c) = act(sum over both sources:
     *    src(y + top, x + left, c), zero outside of it).  The gradient of one source, of which dst
     *    is a frame that begins at (top, left); ddst is before the activation; pixels that the
     *    frame does not reach get zero.  UN_FEATURES; where it is the network's answer dst is
     *    UN_PIXELS, and src[1] may be missing (shape.c == 0) -- */
    void (*add_forward)(struct un_engine *e, const struct un_operand src[2],
                        struct un_activation act, struct un_tensor dst);
    void (*add_backward)(struct un_engine *e, struct un_tensor ddst, int top, int left,
                         const struct un_gradient *dsrc);

    /* -- doubling: dst [N][2H - 2 trim][2W - 2 trim][C]; trim 0, or 1 (UN_BILINEAR only): the
     *    outermost ring of the doubled map is left out -- */
    void (*upsample_forward)(struct un_engine *e, struct un_tensor src, struct un_tensor dst,
                             enum un_doubling how, int trim);
    void (*upsample_backward)(struct un_engine *e, struct un_tensor ddst, enum un_doubling how,
                              int trim, const struct un_gradient *dsrc);

    /* -- normalisation: see struct un_norm -- */
    /* workspace of the functions below for a tensor of this shape */
    size_t (*norm_workspace)(struct un_engine *e, struct un_shape shape, int groups);
    /* overwrites norm->mean and norm->variance (biased) with those of x */
    void (*norm_statistics)(struct un_engine *e, struct un_tensor x, const struct un_norm *norm);
    /* y = act(normalised x); y may be x */
    void (*norm_forward)(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_activation act, struct un_tensor y);
    /* dy: gradient before the activation of y; mean and variance are those of x.  Overwrites dgamma
     * [C], dbeta [C], and dx (may be dy), which is the gradient of what act made x from */
    void (*norm_backward)(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                          struct un_tensor dy, struct un_activation act, float *dgamma,
                          float *dbeta, struct un_tensor dx);
    /* -- norms over a batch (groups 0) of which other processes have images, too: statistics and
     *    backward pass in two steps each, between which moments are added up over all images, as
     *    un_tree_sum() does and norm_statistics() and norm_backward() by themselves -- */
    /* moments [N][2][C]: of each image the sums of x and x^2, or where dy has data those of dy and
     * dy * (x - mean) */
    void (*norm_moments)(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_tensor dy, double *moments);
    /* overwrites norm->mean and norm->variance [channels] with those of count values, of sums
     * [2][channels] */
    void (*norm_measure)(struct un_engine *e, int channels, const double *sums, double count,
                         const struct un_norm *norm);
    /* norm_backward() with the sums [2][C] over count values of a channel */
    void (*norm_backward_of)(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                             struct un_tensor dy, struct un_activation act, const double *sums,
                             double count, float *dgamma, float *dbeta, struct un_tensor dx);
    /* running = (1 - momentum) * running + momentum * batch; the running variance takes the
     * unbiased one, variance * count / (count - 1); with count 1, the biased one */
    void (*norm_running)(struct un_engine *e, int channels, double count, float momentum,
                         const float *mean, const float *variance, float *running_mean,
                         float *running_variance);
    /* groups 0: scale = gamma / sqrt(variance + epsilon), shift = beta + (bias - mean) * scale;
     * bias [C], or NULL */
    void (*norm_fold)(struct un_engine *e, int channels, const struct un_norm *norm,
                      const float *bias, float *scale, float *shift);

    /* -- dropout in place: element i of the logical array [N][H][W][C] is dropped when
     *    un_rng_uniform(key, first + i) < rate, the others are divided by (1 - rate).  The backward
     *    pass is the same call on the gradient -- */
    void (*dropout)(struct un_engine *e, struct un_tensor x, float rate, uint64_t key,
                    uint64_t first);

    /* -- the loss that unet_loss in unet.h describes, of UN_PIXELS logits [N][H][W][K] (K == 1:
     *    sigmoid, labels 0 and 1, the overlap is that of class 1; else softmax), labels [N*H*W],
     *    weights [N*H*W] (0: ignored, and neither label nor logits are then looked at).
     *    result[0] = loss * result[1], result[1] = sum of weights, double, in engine memory;
     *    dlogits (data NULL: not wanted) = gradient of the loss, which is zero when the sum of
     *    weights is zero.  A batch with logits that are not finite gives a loss that is not -- */
    size_t (*loss_workspace)(struct un_engine *e, struct un_shape logits);
    void (*loss)(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                 const float *weights, const unet_loss *loss, double *result,
                 struct un_tensor dlogits);
    /* The same in two steps, between which sums are added up over the images of all processes, as
     * un_tree_sum() does and loss() by itself: sums [N][un_loss_rows(K)] of each image; then sums
     * [un_loss_rows(K)] of all.  dlogits, which has data, goes from the first to the second. */
    void (*loss_sums)(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                      const float *weights, const unet_loss *loss, double *sums,
                      struct un_tensor dlogits);
    void (*loss_of)(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                    const float *weights, const unet_loss *loss, const double *sums, double *result,
                    struct un_tensor dlogits);

    /* -- logits to answers: softmax (K >= 2) or sigmoid (K == 1) in place; the index of the largest
     *    logit, the lowest on a tie (K == 1: 1 where the logit is > 0) -- */
    void (*probabilities)(struct un_engine *e, struct un_tensor logits);
    void (*argmax)(struct un_engine *e, struct un_tensor logits, uint8_t *labels);

    /* -- optimisers: one step on count weights w with gradients g (formulas: PyTorch's) -- */
    /* g += decay * w; m = momentum * m + g; w -= rate * m   (m starts at 0);
     * nesterov: w -= rate * (g + momentum * m) */
    void (*sgd_step)(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                     float rate, float momentum, float decay, bool nesterov);
    /* Kingma & Ba 2015, bias-corrected, step from 1; decoupled: Loshchilov & Hutter 2019, w is
     * first multiplied by 1 - rate * decay, else g += decay * w */
    void (*adam_step)(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                      float *v, float rate, float beta1, float beta2, float epsilon, float decay,
                      bool decoupled, long step);

    /* g += decay * w; v = alpha * v + (1 - alpha) * g^2; u = g / (sqrt(v) + epsilon);
     * momentum > 0: m = momentum * m + u; w -= rate * m; else w -= rate * u, m not looked at
     * (m and v start at 0; formula: PyTorch's RMSprop, not centred) */
    void (*rmsprop_step)(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                         float *v, float rate, float momentum, float alpha, float epsilon,
                         float decay);

    /* y = a * y + b * x; b == 0: x is not read */
    void (*blend)(struct un_engine *e, size_t count, float *y, float a, const float *x, float b);
    /* the sum of squares, double, in *result (engine memory) */
    void (*sum_squares)(struct un_engine *e, const float *x, size_t count, double *result);
    /* how many of count values are not finite, in *result (engine memory) */
    void (*count_nonfinite)(struct un_engine *e, const float *x, size_t count, uint64_t *result);

    /* -- 2x2 mean pooling, stride 2: dst [N][H/2][W/2][C]; each of four pixels gets a quarter of
     *    the gradient, and a last odd row or column, which is left out, none -- */
    void (*meanpool_forward)(struct un_engine *e, struct un_tensor src, struct un_tensor dst);
    void (*meanpool_backward)(struct un_engine *e, struct un_tensor ddst,
                              const struct un_gradient *dsrc);

    /* -- 3x3 max pooling, stride 2, around every second pixel: dst(y,x,c) [N][(H+1)/2][(W+1)/2][C]
     * is the largest of src(2y+i-1, 2x+j-1, c), i,j<3, of those that are inside; the gradient goes
     * to the first of them (row by row) that is the largest, and a pixel may get that of four -- */
    void (*maxpool3_forward)(struct un_engine *e, struct un_tensor src, struct un_tensor dst);
    void (*maxpool3_backward)(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                              const struct un_gradient *dsrc);
    /* -- PReLU (He et al. 2015), a slope [1] that is learnt: y = x > 0 ? x : slope * x.  y may be
     * x, dx may be dy.  Overwrites dslope [1] with the sum of x * dy where x is not above 0.
     *    UN_FEATURES -- */
    size_t (*prelu_workspace)(struct un_engine *e,
                              struct un_shape shape); /* of the backward pass */
    void (*prelu_forward)(struct un_engine *e, struct un_tensor x, const float *slope,
                          struct un_tensor y);
    void (*prelu_backward)(struct un_engine *e, struct un_tensor x, const float *slope,
                           struct un_tensor dy, float *dslope, struct un_tensor dx);
};

struct un_engine {
    const struct un_engine_ops *ops;
    int threads;          /* that work on operations, where these are the host's */
    struct un_pool *pool; /* the host's threads: a CPU engine's operations run on them, and between
                             operations they are anyone's; NULL: the calling thread alone */
    /* set by the owner before it plans: do not convolve by way of tiles, so that the bits of a
     * pixel do not depend on where a map begins */
    bool exact;
    void *workspace;   /* set by the owner: the largest of the _workspace() sizes it plans with */
    char refused[160]; /* why alloc() last gave NULL, where the engine knows: "the card has ..." */
};

/* UNET_ENOMEM with UNET_HINT_MEMORY, as un_fail_memory(), for what alloc() did not give. */
unet_code un_fail_engine_memory(const struct un_engine *e, size_t bytes, const char *what,
                                unet_error *err);

/*
 * The engines.  isa: "avx512", "avx2", "baseline" (x86), "neon" (64-bit Arm), or NULL for the best
 * this machine has (capped by the environment variable UNET_ISA); asking for one that the machine
 * lacks is UNET_EDEVICE.
 * threads 0: one per core.
 */
unet_code un_engine_cpu_create(const char *isa, int threads, struct un_engine **engine,
                               unet_error *err);

/* Naive loops in double on plain [N][H][W][C] arrays: the specification, for tests. */
unet_code un_engine_reference_create(struct un_engine **engine, unet_error *err);

/*
 * The engine to use on this machine, as UNET_DEVICE in the environment says (choose.h).
 */
unet_code un_engine_choose(int threads, struct un_engine **engine, unet_error *err);

#endif
