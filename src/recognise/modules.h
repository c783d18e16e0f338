/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modules.h - the layers with parameters in a table of arrays
 *
 * PyTorch calls a layer's arrays PREFIX.weight, PREFIX.bias and so on.  Arrays of one prefix are
 * one module; its shapes say what it is.  How modules follow each other is chain.h's question; here
 * are the two things that help to answer it: the order of the file, and what names have in common.
 *
 * Names are looked at as tokens: a run of letters, a run of digits, or one other character, so that
 * "enc2.conv10" is enc 2 . conv 10.
 */
#ifndef UN_MODULES_H
#define UN_MODULES_H

#include <stdbool.h>

#include "base/error.h"
#include "weights/arrays.h"

enum {
    /* the largest network, of 50 bottlenecks on 4 levels, has 154 convolutions there and a stem,
     * and 10 more on its way up, all with norms, and a head */
    UN_MAX_MODULES = 336,
    UN_MAX_MODULE_NAME = 255,
    UN_MAX_CHANNELS = 65536,
};

enum un_module_kind {
    UN_MODULE_CONV3X3,
    UN_MODULE_UP2X2,
    UN_MODULE_CONV1X1,
    UN_MODULE_NORM,
    UN_MODULE_CONV7X7, /* only under the name that a ResNet's first layer has */
    /* in layouts that have them, MONAI's UNet: transposed as its bias tells, and PReLU */
    UN_MODULE_UP3X3,
    UN_MODULE_SLOPE,
    UN_MODULE_KINDS
};

struct un_module {
    const char *name; /* [length], not terminated: "enc1.0" */
    int length;
    enum un_module_kind kind;
    int in, out;            /* channels */
    int weight, bias;       /* indices of arrays, -1: none */
    int mean, var;          /* running statistics */
    int file_rank, natural; /* its place in the file, and in the natural order of names */
    int norm;               /* of a convolution: the module that normalises what it makes, or in
                               some classes what it reads; -1 */
};

struct un_modules {
    const char *path;
    const struct un_arrays *arrays;
    int count, kinds[UN_MODULE_KINDS]; /* all, and of each kind */
    struct un_module items[UN_MAX_MODULES];
    unsigned char common[UN_MAX_MODULES][UN_MAX_MODULES]; /* tokens with which both names begin */
    /* names that differ in nothing but numbers and single letters */
    bool alike[UN_MAX_MODULES][UN_MAX_MODULES];
};

/*
 * Groups the arrays and finds the convolution that each norm belongs to.  UNET_EFORMAT names the
 * first array that no plain U-Net has.
 */
unet_code un_modules_group(const char *path, const struct un_arrays *arrays,
                           struct un_modules *modules, unet_error *err);

/* Refuses 7x7 convolutions, after all: the network is no ResNet. */
unet_code un_modules_refuse_stem(const struct un_modules *modules, unet_error *err);

/* Fails with "path: tensor NAME: has shape SHAPE; " and what was wanted, of a module's weight. */
unet_code un_module_fail(const struct un_modules *modules, int module, unet_error *err,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- extras.c ---- */

/* What lies in checkpoints beside the layers that make a network's answer. */
bool un_array_is_extra(const struct un_arrays *arrays, int index);

/* ---- module_names.c ---- */

/*
 * Walks over two names at once: the number of tokens with which both begin, their natural order,
 * and whether they differ in nothing but numbers and single letters (conv_a, conv_b).
 */
int un_module_compare(const struct un_module *a, const struct un_module *b, int *order,
                      bool *alike);

/* How many tokens the names end with in common. */
int un_module_common_end(const struct un_module *a, const struct un_module *b);

/* The number that a module has in its nn.Sequential ("enc1.3": 3), -1: its name ends in none. */
int un_module_number(const struct un_module *module);

/* Whether both are in the same container: the names are the same up to the last dot. */
bool un_module_siblings(const struct un_module *a, const struct un_module *b);

/* The first number in a name, -1: there is none. */
int un_module_level(const struct un_module *module);

/* attach.c: sets the field norm of the convolutions; part of un_modules_group(). */
unet_code un_modules_attach_norms(struct un_modules *modules, unet_error *err);

#endif
