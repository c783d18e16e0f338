/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in checkpoints beside the layers that make a network's answer: counters, what belongs
 * to a loss or to images, a head that classifies these (segmentation_models_pytorch's), and of
 * nnU-Net's networks
 *
 *   encoder.stages.0.0.convs.0.all_modules.0.weight   the same tensor under a second name,
 *   decoder.encoder.stages...                         a third and a fourth
 *   decoder.seg_layers.0.weight                       a head of a lower level, which training alone
 *                                                     looks at: of all of them the last one is used
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/hooks.h"
#include "recognise/layouts.h"
#include "recognise/recognise.h"

/* A network has fewer; so looking for a name among all of them takes bounded time. */
enum { MOST = 4096 };

static bool fits(const char *pattern, const char *name)
{
    return un_layout_matches(pattern, name, (int)strnlen(name, UN_MAX_MODULE_NAME));
}

/* Whether there is a head of the level above that of this one. */
static bool is_lower_head(const struct un_arrays *arrays, const char *name)
{
    static const char heads[] = "decoder.seg_layers.";
    char above[sizeof heads + 40];
    char *end;
    if (arrays->count > MOST || !fits("decoder.seg_layers.#.*", name))
        return false;
    const unsigned long level = strtoul(name + strlen(heads), &end, 10);
    if (level > UN_MAX_MODULES || strlen(end) > 16)
        return false;
    snprintf(above, sizeof above, "%s%lu%s", heads, level + 1, end);
    return un_arrays_find(arrays, above);
}

/* Whether a name is one of several that nnU-Net gives to one tensor. */
static bool is_second_name(const struct un_arrays *arrays, const char *name)
{
    static const char inner[] = "decoder.";
    static const char *const second[] = {
        "encoder.stages.#.#.convs.#.all_modules.*", "encoder.stem.convs.#.all_modules.*",
        "encoder.stages.#.blocks.#.conv#.all_modules.*",
        "encoder.stages.#.blocks.#.skip.#.all_modules.*", "decoder.stages.#.convs.#.all_modules.*"};
    for (size_t i = 0; i < sizeof second / sizeof *second; i++)
        if (fits(second[i], name))
            return true;
    return (arrays->count <= MOST && fits("decoder.encoder.*", name) &&
            (strstr(name, ".all_modules.") || un_arrays_find(arrays, name + strlen(inner))));
}

/* Whether it is what a module of Lightning's brings images to mean 0 and variance 1 with, as in the
 * examples of segmentation_models_pytorch. */
static bool is_of_images(const struct un_array *array)
{
    return array->dims == 4 && array->count == array->shape[1] &&
           (!strcmp(array->name, "mean") || !strcmp(array->name, "std"));
}

/* The numbers of an array; false: there are too many, or they cannot be read. */
static bool list(const char *path, const struct un_array *array, char *text, size_t size)
{
    float values[8];
    if (array->count > sizeof values / sizeof *values ||
        un_array_to_float(path, array, values, NULL))
        return false;
    un_decimal_list(text, size, values, array->count);
    return true;
}

void un_extras_tell(const char *path, const struct un_arrays *arrays, const unet_known *known)
{
    char mean[100] = "", std[100] = "";
    for (int i = 0; i < arrays->count && !known->mean; i++) {
        const struct un_array *array = &arrays->items[i];
        const bool first = !strcmp(array->name, "mean");
        if (is_of_images(array) &&
            !list(path, array, first ? mean : std, first ? sizeof mean : sizeof std))
            return;
    }
    if (*mean && *std)
        un_note(known->log, UNET_WARNING,
                "%s: the module around the network had mean %s and std %s for its images; they are "
                "left: tell them as mean and std if it was trained on samples / 255 brought to "
                "these",
                path, mean, std);
}

bool un_array_is_extra(const struct un_arrays *arrays, int index)
{
    static const char *const owners[] = {"criterion.", "loss.", "loss_fn."};
    static const char *const ends[] = {"num_batches_tracked", "mask_values", "pos_weight"};
    const struct un_array *array = &arrays->items[index];
    const size_t length = strlen(array->name);
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
        if (!strncmp(array->name, owners[i], strlen(owners[i])))
            return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (length >= strlen(ends[i]) && !strcmp(array->name + length - strlen(ends[i]), ends[i]))
            return true;
    return (!array->dtype->to_float && array->count <= 1) || is_second_name(arrays, array->name) ||
           un_layout_matches_within("classification_head.#.*", array->name) ||
           is_of_images(array) || is_lower_head(arrays, array->name);
}
