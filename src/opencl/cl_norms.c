/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_norms.c - batch, instance and group normalisation: kernels/norms.cl
 *
 * The workspace: sums of bands [blocks of all images][bands][2][4], moments [N][2][C], all double;
 * factors [parts][3][C].
 */
#include "opencl/cl_call.h"
#include "opencl/cl_norms.h"

struct layout {
    int blocks, bands, parts, together; /* together: channels that share a mean */
    double *sums, *moments;
    float *factors;
    size_t bytes;
};

/* of pixels; enough of them for every device, and no fewer than 1024 each */
static int bands_of(struct un_shape s)
{
    const int most = 64, bands = (un_cl_plane(s) + 1023) / 1024;
    return bands < most ? bands : most;
}

static struct layout lay_out(void *workspace, struct un_shape s, int groups)
{
    struct layout l = {.blocks = un_cl_blocks(s.c),
                       .bands = bands_of(s),
                       .parts = groups ? s.n : 1,
                       .together = groups ? s.c / groups : 1};
    const size_t images = (size_t)s.n, channels = (size_t)s.c;
    const size_t moments = images * (size_t)l.blocks * (size_t)l.bands * 8;
    const size_t factors = moments + images * 2 * channels;
    l.bytes = factors * sizeof(double) + (size_t)l.parts * 3 * channels * sizeof(float);
    if (workspace) {
        l.sums = workspace;
        l.moments = l.sums + moments;
        l.factors = (float *)(l.sums + factors);
    }
    return l;
}

size_t un_cl_norm_workspace(struct un_engine *e, struct un_shape shape, int groups)
{
    (void)e;
    return lay_out(NULL, shape, groups).bytes;
}

/* Values that share a mean, of the batch that is here. */
static double count_of(struct un_shape s, int groups)
{
    return (double)(groups ? 1 : s.n) * s.h * s.w;
}

static void sum_images(struct un_engine *e, const struct layout *l, struct un_tensor x,
                       const struct un_norm *norm, struct un_tensor dy, double *moments)
{
    const struct un_shape s = x.shape;
    struct un_cl_call c = un_cl_begin(e, UN_CL_NORM_BANDS);
    un_cl_address(&c, x.data);
    un_cl_address(&c, dy.data);
    un_cl_address(&c, dy.data ? norm->mean : NULL);
    un_cl_address(&c, l->sums);
    un_cl_int(&c, un_cl_plane(s));
    un_cl_int(&c, l->bands);
    un_cl_int(&c, s.c);
    un_cl_int(&c, l->blocks);
    un_cl_int(&c, norm->groups);
    un_cl_run(&c, (size_t)l->bands * UN_CL_GROUP, (size_t)s.n * (size_t)l->blocks, 1);
    c = un_cl_begin(e, UN_CL_NORM_IMAGES);
    un_cl_address(&c, l->sums);
    un_cl_address(&c, moments);
    un_cl_int(&c, l->bands);
    un_cl_int(&c, s.c);
    un_cl_int(&c, l->blocks);
    un_cl_run(&c, (size_t)s.c, (size_t)s.n, 1);
}

void un_cl_tree(struct un_engine *e, double *rows, int images, int width)
{
    if (images < 2)
        return;
    struct un_cl_call c = un_cl_begin(e, UN_CL_NORM_TREE);
    un_cl_address(&c, rows);
    un_cl_int(&c, images);
    un_cl_int(&c, width);
    un_cl_run(&c, (size_t)width, 1, 1);
}

/* The moments of each part; those of a batch are in the first image's place. */
static void sum_parts(struct un_engine *e, const struct layout *l, struct un_tensor x,
                      const struct un_norm *norm, struct un_tensor dy)
{
    sum_images(e, l, x, norm, dy, l->moments);
    if (!norm->groups)
        un_cl_tree(e, l->moments, x.shape.n, 2 * x.shape.c);
}

static void measure(struct un_engine *e, const double *sums, const struct un_norm *norm,
                    int channels, int together, int parts, double count)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_NORM_MEASURE);
    un_cl_address(&c, sums);
    un_cl_address(&c, norm->mean);
    un_cl_address(&c, norm->variance);
    un_cl_int(&c, channels);
    un_cl_int(&c, together);
    un_cl_int(&c, parts);
    un_cl_double(&c, count * together);
    un_cl_run(&c, (size_t)parts * (size_t)channels, 1, 1);
}

void un_cl_norm_statistics(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                           void *workspace)
{
    const struct layout l = lay_out(workspace, x.shape, norm->groups);
    sum_parts(e, &l, x, norm, (struct un_tensor){.data = NULL});
    measure(e, l.moments, norm, x.shape.c, l.together, l.parts, count_of(x.shape, norm->groups));
}

static void norm_statistics(struct un_engine *e, struct un_tensor x, const struct un_norm *norm)
{
    un_cl_norm_statistics(e, x, norm, e->workspace);
}

static void norm_moments(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_tensor dy, double *moments)
{
    const struct layout l = lay_out(e->workspace, x.shape, norm->groups);
    sum_images(e, &l, x, norm, dy, moments);
}

static void norm_measure(struct un_engine *e, int channels, const double *sums, double count,
                         const struct un_norm *norm)
{
    measure(e, sums, norm, channels, 1, 1, count);
}

static void norm_forward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_activation act, struct un_tensor y)
{
    const struct un_shape s = x.shape;
    struct un_cl_call c = un_cl_begin(e, UN_CL_NORM_FORWARD);
    un_cl_address(&c, x.data);
    un_cl_address(&c, y.data);
    un_cl_address(&c, norm->mean);
    un_cl_address(&c, norm->variance);
    un_cl_address(&c, norm->gamma);
    un_cl_address(&c, norm->beta);
    un_cl_int(&c, un_cl_plane(s));
    un_cl_int(&c, s.c);
    un_cl_int(&c, un_cl_blocks(s.c));
    un_cl_int(&c, norm->groups);
    un_cl_float(&c, norm->epsilon);
    un_cl_act(&c, act);
    un_cl_run(&c, (size_t)un_cl_plane(s), (size_t)s.n * (size_t)un_cl_blocks(s.c), 1);
}

/* dgamma and dbeta, where they are wanted, and the factors of dx; count: of a channel's values. */
static void make_factors(struct un_engine *e, const struct layout *l, struct un_shape s,
                         const struct un_norm *norm, const double *sums, double count,
                         float *dgamma, float *dbeta)
{
    struct un_cl_call c;
    if (dgamma) {
        c = un_cl_begin(e, UN_CL_NORM_PARAMETERS);
        un_cl_address(&c, sums);
        un_cl_address(&c, norm->variance);
        un_cl_address(&c, dgamma);
        un_cl_address(&c, dbeta);
        un_cl_int(&c, s.c);
        un_cl_int(&c, l->parts);
        un_cl_float(&c, norm->epsilon);
        un_cl_run(&c, (size_t)s.c, 1, 1);
    }
    c = un_cl_begin(e, UN_CL_NORM_FACTORS);
    un_cl_address(&c, sums);
    un_cl_address(&c, norm->variance);
    un_cl_address(&c, norm->gamma);
    un_cl_address(&c, l->factors);
    un_cl_int(&c, s.c);
    un_cl_int(&c, l->together);
    un_cl_int(&c, l->parts);
    un_cl_float(&c, norm->epsilon);
    un_cl_double(&c, count * l->together);
    un_cl_run(&c, (size_t)l->parts * (size_t)s.c, 1, 1);
}

static void go_back(struct un_engine *e, const struct layout *l, struct un_tensor x,
                    const struct un_norm *norm, struct un_tensor dy, struct un_activation act,
                    struct un_tensor dx)
{
    const struct un_shape s = x.shape;
    struct un_cl_call c = un_cl_begin(e, UN_CL_NORM_BACKWARD);
    un_cl_address(&c, x.data);
    un_cl_address(&c, dy.data);
    un_cl_address(&c, dx.data);
    un_cl_address(&c, norm->mean);
    un_cl_address(&c, l->factors);
    un_cl_int(&c, un_cl_plane(s));
    un_cl_int(&c, s.c);
    un_cl_int(&c, l->blocks);
    un_cl_int(&c, norm->groups);
    un_cl_act(&c, act);
    un_cl_run(&c, (size_t)un_cl_plane(s), (size_t)s.n * (size_t)l->blocks, 1);
}

static void norm_backward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                          struct un_tensor dy, struct un_activation act, float *dgamma,
                          float *dbeta, struct un_tensor dx)
{
    const struct layout l = lay_out(e->workspace, x.shape, norm->groups);
    sum_parts(e, &l, x, norm, dy);
    make_factors(e, &l, x.shape, norm, l.moments, count_of(x.shape, norm->groups), dgamma, dbeta);
    go_back(e, &l, x, norm, dy, act, dx);
}

static void norm_backward_of(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                             struct un_tensor dy, struct un_activation act, const double *sums,
                             double count, float *dgamma, float *dbeta, struct un_tensor dx)
{
    const struct layout l = lay_out(e->workspace, x.shape, norm->groups);
    make_factors(e, &l, x.shape, norm, sums, count, dgamma, dbeta);
    go_back(e, &l, x, norm, dy, act, dx);
}

static void norm_running(struct un_engine *e, int channels, double count, float momentum,
                         const float *mean, const float *variance, float *running_mean,
                         float *running_variance)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_NORM_RUNNING);
    un_cl_address(&c, mean);
    un_cl_address(&c, variance);
    un_cl_address(&c, running_mean);
    un_cl_address(&c, running_variance);
    un_cl_int(&c, channels);
    un_cl_float(&c, momentum);
    un_cl_float(&c, count > 1 ? (float)(count / (count - 1)) : 1);
    un_cl_run(&c, (size_t)channels, 1, 1);
}

static void norm_fold(struct un_engine *e, int channels, const struct un_norm *norm,
                      const float *bias, float *scale, float *shift)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_NORM_FOLD);
    un_cl_address(&c, norm->mean);
    un_cl_address(&c, norm->variance);
    un_cl_address(&c, norm->gamma);
    un_cl_address(&c, norm->beta);
    un_cl_address(&c, bias);
    un_cl_address(&c, scale);
    un_cl_address(&c, shift);
    un_cl_int(&c, channels);
    un_cl_float(&c, norm->epsilon);
    un_cl_run(&c, (size_t)channels, 1, 1);
}

void un_cl_norm_operations(struct un_engine_ops *ops)
{
    ops->norm_workspace = un_cl_norm_workspace;
    ops->norm_statistics = norm_statistics;
    ops->norm_forward = norm_forward;
    ops->norm_backward = norm_backward;
    ops->norm_moments = norm_moments;
    ops->norm_measure = norm_measure;
    ops->norm_backward_of = norm_backward_of;
    ops->norm_running = norm_running;
    ops->norm_fold = norm_fold;
}
