/* SPDX-License-Identifier: Apache-2.0 */
/*
 * He et al. 2015, "Delving deep into rectifiers", section 2.2: with variance 2 / fan_in, a
 * rectified layer keeps the size of its signal.  A 3x3 convolution of 64 channels has fan_in 576,
 * so its weights have standard deviation 0.059.
 *
 * Value i of parameter p is number i of stream (seed, p): it depends neither on the number of
 * threads nor on the other parameters.
 */
#include <math.h>

#include "base/pool.h"
#include "base/rng.h"
#include "model/model.h"

enum { STREAM = 0x494e4954 }; /* "INIT": tells this key from those of other uses of the seed */

enum { PIECE = 1 << 12 }; /* values of a task */

struct filling {
    float *values, deviation;
    size_t count;
    uint64_t key;
};

static void fill_piece(void *context, int index, int thread)
{
    const struct filling *f = context;
    const size_t from = (size_t)index * PIECE;
    const size_t end = f->count - from < PIECE ? f->count : from + PIECE;
    (void)thread;
    for (size_t i = from; i < end; i++)
        f->values[i] = f->deviation * un_rng_normal(f->key, i);
}

static void fill_normal(struct un_pool *pool, float *values, size_t count, uint64_t key,
                        float deviation)
{
    struct filling f = {.values = values, .deviation = deviation, .count = count, .key = key};
    un_pool_run(pool, (int)((count + PIECE - 1) / PIECE), fill_piece, &f);
}

void un_model_init(unet_model *model, uint64_t seed)
{
    struct un_pool *pool = un_pool_create(0); /* NULL, for want of memory, will do */
    for (int p = 0; p < model->graph.param_count; p++) {
        const struct un_param *param = &model->graph.params[p];
        float *values = model->values + param->offset;
        if (param->fan_in > 0)
            fill_normal(pool, values, param->count, un_rng_key(seed, STREAM, (uint64_t)p, 0),
                        sqrtf(2.0f / (float)param->fan_in));
        else
            for (size_t i = 0; i < param->count; i++)
                values[i] = param->initial;
    }
    un_pool_free(pool);
}
