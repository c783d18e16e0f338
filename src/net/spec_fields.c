/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a spec, in the order in which files have them. */
#include "net/graph.h"

static const char *const paddings[] = {"valid", "same", NULL};
static const char *const norms[] = {"none", "batch", "instance", "group", NULL};
static const char *const ups[] = {"transpose", "bilinear", "nearest", NULL};
static const char *const acts[] = {"relu", "leaky_relu", "prelu", NULL};
static const char *const orders[] = {"norm_first", "act_first", "before_conv", NULL};
static const char *const biases[] = {"unless_norm", "always", "never", NULL};
static const char *const concats[] = {"up_skip", "skip_up", NULL};
static const char *const up_convs[] = {"conv1x1", "conv3x3", "none", NULL};
static const char *const downs[] = {"pool", "conv", NULL};
static const char *const residuals[] = {"none", "nnunet", "resnet", "resnet_bottleneck", NULL};
static const char *const families[] = {"plain", "monai", NULL};

#define ROW unet_spec
#define INT(field, low, high, how, help) UN_FIELD(field, UNET_FIELD_INT, low, high, how, help)

enum { MORE = UN_FIELD_SPARSE };

static const struct un_field rows[] = {
    INT(in_channels, 1, 64, 0, "channels of the image"),
    INT(classes, 1, UNET_MAX_CLASSES, 0, "1 class: one logit and a sigmoid"),
    INT(width, 1, 1024, 0, "channels of the first level"),
    INT(depth, 1, UN_MAX_DEPTH, 0, "halvings of the size"),
    UN_FIELD_CHOICE(padding, paddings, 0, "valid: as in the paper, output smaller"),
    UN_FIELD_CHOICE(norm, norms, 0, "after each 3x3 convolution"),
    UN_FIELD_CHOICE(up, ups, 0, "how the way up doubles the size"),
    UN_FIELD_CHOICE(act, acts, 0, "activation"),
    {{.name = "leaky_slope",
      .type = UNET_FIELD_FLOAT,
      .low = 0,
      .high = 1,
      .above = 1,
      .below = 1,
      .help = "of leaky_relu: slope below 0"},
     offsetof(unet_spec, leaky_slope),
     UN_FIELD_LOOSE},
    {{.name = "dropout",
      .type = UNET_FIELD_FLOAT,
      .low = 0,
      .high = 1,
      .below = 1,
      .help = "rate at the two deepest levels"},
     offsetof(unet_spec, dropout),
     0},
    INT(convs, 0, 2, MORE, "3x3 convolutions a block; 0: 2"),
    UN_FIELD_FLAG(single_act, MORE, "one activation a block"),
    INT(groups, 0, 65536, MORE, "of group norm"),
    UN_FIELD_CHOICE(norm_order, orders, MORE, "of norm, activation, convolution"),
    UN_FIELD_CHOICE(bias, biases, MORE, "which 3x3 convolutions have one"),
    UN_FIELD_CHOICE(concat, concats, MORE, "which channels come first"),
    UN_FIELD_FLAG(align_corners, MORE, "of up bilinear, as PyTorch has it"),
    UN_FIELD_CHOICE(up_conv, up_convs, MORE, "after up bilinear, nearest"),
    UN_FIELD_FLAG(up_norm, MORE, "a norm after the up-convolution"),
    UN_FIELD_FLAG(up_act, MORE, "an activation after the up-convolution"),
    UN_FIELD(norm_epsilon, UNET_FIELD_FLOAT, 0, 1, MORE, "added to the variance; 0: 1e-5"),
    INT(rims, 0, UN_MAX_RIMS, MORE, "outputs more for each class, that part objects"),
    UN_FIELD_CHOICE(down, downs, MORE, "conv: stride 2 instead of poolings"),
    INT(widest, 0, 65536, MORE, "most channels of any level; 0: no limit"),
    UN_FIELD_FLAG(norm_plain, MORE, "norms without scale and shift"),
    UN_FIELD_CHOICE(residual, residuals, MORE, "the encoder's blocks, if residual"),
    UN_FIELD_CHOICE(family, families, MORE, "monai: the UNet of MONAI"),
    INT(units, 0, UN_MAX_UNITS, MORE, "of family monai: convolutions of a residual unit"),
};

const struct un_fields un_spec_fields = {rows, sizeof rows / sizeof *rows};
