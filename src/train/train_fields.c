/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting of a training but class_weights, which is an array.  A name with a dot is a field
 * of a struct inside the struct, and of an object inside the JSON object.
 */
#include <limits.h>

#include "predict/session_fields.h"
#include "train/train_options.h"

static const char *const schedules[] = {"constant", "poly", "cosine", "step", "plateau", NULL};
static const char *const optimizers[] = {"sgd", "adam", "adamw", "rmsprop", NULL};

/* a long of Windows has 32 bits */
#define MOST_STEPS (LONG_MAX < 1000000000000000 ? (double)LONG_MAX : 1e15)

#define ROW unet_train_options
#define INT(field, low, high, how, help) UN_FIELD(field, UNET_FIELD_INT, low, high, how, help)
#define LONG(field, low, high, how, help) UN_FIELD(field, UNET_FIELD_LONG, low, high, how, help)
#define FLOAT(field, low, high, how, help) UN_FIELD(field, UNET_FIELD_FLOAT, low, high, how, help)
#define DOUBLE(field, low, high, how, help) UN_FIELD(field, UNET_FIELD_DOUBLE, low, high, how, help)
/* at least 0 and less than 1 */
#define DECAY(field, text)                                                                         \
    {                                                                                              \
        {.name = #field, .type = UNET_FIELD_FLOAT, .high = 1, .below = 1, .help = text},           \
            offsetof(ROW, field), 0                                                                \
    }

enum { FREE = UN_FIELD_FREE };

static const struct un_field rows[] = {
    INT(epochs, 0, 1e9, FREE, "stop after this many"),
    LONG(steps, 0, MOST_STEPS, FREE, "stop after this many"),
    DOUBLE(seconds, 0, 1e12, FREE, "stop after these"),
    INT(patience, 0, 1e9, FREE, "stop after so many epochs without a better score"),
    INT(batch, 1, 4096, 0, "tiles of a pass"),
    INT(accumulate, 0, 4096, 0, "passes of a step"),
    INT(tile, 0, 1 << 16, 0, "side in pixels; 0: chosen"),
    INT(steps_per_epoch, 0, 1e9, 0, "0: covers images"),
    FLOAT(loss.pixel, 0, 1e6, 0, "share of the cross-entropy"),
    FLOAT(loss.overlap, 0, 1e6, 0, "share of the overlap"),
    FLOAT(loss.pos_weight, 0, 1e9, 0, "1 class: weight of the foreground"),
    FLOAT(loss.focal, 0, 100, 0, "cross-entropy times (1 - p)^this"),
    FLOAT(loss.false_positive, 0, 1e6, 0, "weight of false positives in the overlap"),
    FLOAT(loss.false_negative, 0, 1e6, 0, "weight of false negatives in the overlap"),
    FLOAT(loss.smooth, 1e-30, 1e9, 0, "added to both halves of an overlap"),
    INT(loss.first_class, 0, 1, 0, "first class whose overlap counts"),
    FLOAT(border.weight, 0, 1e6, 0, "added between two objects"),
    FLOAT(border.sigma, 0, 1e6, 0, "of border.weight, pixels"),
    FLOAT(border.near_weight, 0, 1e6, 0, "added near one object"),
    FLOAT(border.near_sigma, 0, 1e6, 0, "of border.near_weight, pixels"),
    UN_FIELD_FLAG(border.gap, 0, "background between objects that touch"),
    UN_FIELD_CHOICE(optimizer, optimizers, 0, "how a gradient becomes a step"),
    FLOAT(learning_rate, 0, 1e6, FREE, "learning rate"),
    FLOAT(momentum, 0, 1, 0, "of sgd, rmsprop"),
    UN_FIELD_FLAG(nesterov, 0, "of sgd"),
    DECAY(beta1, "of adam, adamw"),
    DECAY(beta2, "of adam, adamw"),
    FLOAT(epsilon, 0, 1, 0, "of all but sgd"),
    DECAY(alpha, "of rmsprop"),
    FLOAT(weight_decay, 0, 1e6, 0, "adamw: decoupled"),
    FLOAT(clip, 0, 1e12, 0, "largest norm of the gradient; 0: any"),
    FLOAT(bias_rate, 0, 1e6, 0, "rate of biases, times that of weights"),
    DECAY(average, "decay of averaged weights, which are saved; 0: none"),
    UN_FIELD_CHOICE(schedule, schedules, FREE, "of the learning rate"),
    FLOAT(power, 0, 100, FREE, "poly: (1 - share done)^this"),
    FLOAT(factor, 1e-30, 1, FREE, "step, plateau: times this"),
    INT(every, 0, 1e9, FREE, "step, plateau: after so many epochs"),
    FLOAT(lowest, 0, 1, FREE, "the rate ends at this share of learning_rate"),
    LONG(warmup, 0, MOST_STEPS, FREE, "steps in which the rate rises from 0"),
    UN_FIELD_FLAG(augment.flip, 0, "mirror, and turn by quarters"),
    FLOAT(augment.rotate, 0, 180, 0, "turned by up to so many degrees"),
    FLOAT(augment.scale, 0, 10, 0, "zoomed by up to 1 + this, either way"),
    FLOAT(augment.elastic, 0, 1e4, 0, "pixels by which points of a grid move"),
    FLOAT(augment.elastic_grid, 0, 1e6, 0, "its spacing in pixels; 0: 3x3 points"),
    UN_FIELD_FLAG(augment.cubic, 0, "resample with bicubic weights"),
    FLOAT(augment.grey, 0, 10, 0, "brightness, contrast, gamma; 1: strong"),
    FLOAT(augment.curve, 0, 1, 0, "a monotone grey curve; 1: strong"),
    FLOAT(augment.noise, 0, 100, 0, "noise of up to this, in standard deviations"),
    FLOAT(augment.blur, 0, 20, 0, "blurred by up to so many pixels"),
    FLOAT(augment.channel, 0, 10, 0, "each channel by itself; 1: strong"),
    FLOAT(augment.at_foreground, 0, 1e6, 0, "weight of foreground as the middle of a tile"),
    FLOAT(augment.at_background, 0, 1e6, 0, "weight of background as the middle of a tile"),
    FLOAT(augment.at_ignored, 0, 1e6, 0,
          "weight of pixels without a label as the middle of a tile"),
    UN_FIELD_VIEWS(tta, FREE, "views that a prediction averages"),
    UN_FIELD_FLAG(freeze_encoder, 0, "leave the way down as it is"),
    UN_FIELD_FLAG(standardize, 0, "each image to mean 0, variance 1"),
    UN_FIELD(seed, UNET_FIELD_SEED, 0, (double)UINT64_MAX, 0, "of all random numbers"),
    INT(threads, 0, 1 << 16, FREE, "0: one per core"),
    UN_FIELD_FLAG(recompute, FREE, "about half the memory, more time"),
};

const struct un_fields un_train_fields = {rows, sizeof rows / sizeof *rows};
