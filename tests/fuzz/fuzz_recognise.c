/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any table of arrays: names of words that layers have and of any bytes, shapes of any size.  What
 * is recognised is a network, and each of its parameters has an array of its shape.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/recognise.h"

enum { MOST_ARRAYS = 200, MOST_NAME = 64 };

struct input {
    const uint8_t *at, *end;
};

static unsigned next(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static const char *const words[] = {
    "enc",     "dec",     "up",         "down",    "conv", "bn",    "norm",     "head",  "block",
    "0",       "1",       "2",          "3",       "4",    ".",     "_",        "inc",   "outc",
    "double_", "conv_up", "bottleneck", "module.", "ups",  "downs", ".weight",  ".bias", "weight.",
    "b_",      ".gamma",  "pool",       "10",      "00",   "x",     "encoders", "base",  "output",
};

static void make_name(struct input *in, char name[MOST_NAME * 2])
{
    static const char *const ends[] = {".weight", ".bias", ".running_mean", ".running_var", ""};
    size_t length = 0;
    unsigned tokens = 1 + next(in) % 7;
    for (unsigned i = 0; i < tokens; i++) {
        unsigned b = next(in);
        if (b < 240) {
            const char *word = words[b % (sizeof words / sizeof *words)];
            if (length + strlen(word) < MOST_NAME)
                length += (size_t)sprintf(name + length, "%s", word);
        } else if (length + 1 < MOST_NAME && (b = next(in)) != 0) {
            name[length++] = (char)b;
        }
    }
    snprintf(name + length, MOST_NAME, "%s", ends[next(in) % 5]);
}

static size_t make_side(struct input *in)
{
    unsigned b = next(in);
    if (b < 250)
        return b % 40;
    return b < 254 ? (size_t)1 << (next(in) & 63) : SIZE_MAX >> (b & 1);
}

static void make_shape(struct input *in, struct un_array *a)
{
    static const size_t sides[] = {3, 3, 3, 2, 1, 1};
    unsigned b = next(in);
    a->dims = b < 100 ? 4 : b < 220 ? 1 : (int)(b % (UN_ARRAY_MAX_DIMS + 1));
    for (int d = 0; d < a->dims; d++)
        a->shape[d] = d > 1 && b < 220 ? sides[b % 6] : make_side(in);
    a->count = 1;
    for (int d = 0; d < a->dims; d++) /* as readers do, when it fits */
        if (__builtin_mul_overflow(a->count, a->shape[d], &a->count))
            a->count = SIZE_MAX;
}

/* A plausible network, of which single arrays are changed below. */
static int make_network(struct input *in, struct un_array *items, char names[][MOST_NAME * 2])
{
    static struct un_graph graph;
    unsigned b = next(in), c = next(in), style = next(in);
    unet_spec spec = {.in_channels = 1 + (int)(b & 1),
                      .classes = 2,
                      .width = 1 + (int)(b >> 1 & 3),
                      .depth = 1 + (int)(b >> 3) % 6,
                      .convs = 1 + (int)(c & 1),
                      .norm = (unet_norm)(c >> 1 & 3) % 3,
                      .bias = (unet_bias)((c >> 3 & 3) % 3),
                      .up = (unet_up)(c >> 5 & 1),
                      .leaky_slope = 0.1f};
    spec.up_conv = spec.up ? (unet_up_conv)((c >> 6) % 3) : UNET_UP_CONV1X1;
    for (int d = 0; d <= spec.depth && b & 128; d++)
        spec.channels.enc[d][0] = spec.channels.enc[d][1] = spec.width; /* all fit everywhere */
    un_graph_build(&graph, &spec);
    int count = 0;
    for (int i = 0; i < graph.param_count && count < MOST_ARRAYS; i++) {
        const struct un_param *p = &graph.params[i];
        struct un_array *a = &items[count];
        if (style & 1)
            snprintf(names[count], MOST_NAME, "l.%u%s", style & 2 ? (unsigned)p->name[5] : 0u,
                     p->name);
        else if (style & 2) /* names that differ in nothing but a number */
            snprintf(names[count], MOST_NAME, "a%d.%s", i / 2,
                     strrchr(p->name, '.') ? strrchr(p->name, '.') + 1 : "");
        else
            snprintf(names[count], MOST_NAME, "%s", p->name);
        a->dims = p->dims;
        a->count = p->count;
        for (int d = 0; d < p->dims; d++)
            a->shape[d] = (size_t)p->shape[d];
        count++;
    }
    return count;
}

static unet_known make_known(struct input *in)
{
    unet_known known = un_known_nothing();
    int *const fields[] = {&known.padding,       &known.norm,  &known.groups, &known.norm_order,
                           &known.single_act,    &known.act,   &known.concat, &known.up,
                           &known.align_corners, &known.up_act};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        unsigned b = next(in);
        *fields[i] = b < 128 ? -1 : (int)(b % 5) - (b > 250);
    }
    unsigned b = next(in);
    known.leaky_slope = b < 128 ? NAN : (float)(b - 128) / 64;
    known.norm_epsilon = b & 1 ? NAN : (float)b / 100;
    return known;
}

static void check(const struct un_arrays *arrays, const struct un_recognised *found)
{
    static struct un_graph graph;
    bool used[MOST_ARRAYS] = {false};
    unet_error err;
    if (un_spec_check(&found->spec, &err) || found->guesses < 0 || found->guesses > 16)
        abort();
    un_graph_build(&graph, &found->spec);
    for (int i = 0; i < graph.param_count; i++) {
        const int a = found->source[i];
        const struct un_param *p = &graph.params[i];
        if (a < -1 || a >= arrays->count || (a < 0 && p->dims != 1))
            abort();
        if (a < 0)
            continue;
        if (used[a] || arrays->items[a].dims != p->dims)
            abort();
        used[a] = true;
        for (int d = 0; d < p->dims; d++)
            if (arrays->items[a].shape[d] != (size_t)p->shape[d])
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct un_array items[MOST_ARRAYS];
    static char names[MOST_ARRAYS][MOST_NAME * 2];
    static const char *const types[] = {"F32", "F32", "F16", "I64", "BOOL", "BF16"};
    struct input in = {bytes, bytes + size};
    struct un_arrays arrays = {.format = "fuzz", .items = items, .hints = un_hints_none()};
    struct un_recognised found;
    unet_error err;
    memset(items, 0, sizeof items);
    const unet_known known = make_known(&in);
    const unsigned flags = next(&in);
    arrays.ordered = flags & 1;
    if (flags & 2)
        arrays.count = make_network(&in, items, names);
    const int whole = arrays.count;
    while (in.at < in.end) {
        const unsigned at = next(&in);
        const int i = whole && at < 200 ? (int)(at % (unsigned)whole) : arrays.count;
        if (i >= MOST_ARRAYS)
            break;
        if (i == arrays.count || at & 1)
            make_name(&in, names[i]);
        if (i == arrays.count || at & 2)
            make_shape(&in, &items[i]);
        arrays.count += i == arrays.count;
    }
    for (int i = 0; i < arrays.count; i++) {
        items[i].name = items[i].key = names[i];
        items[i].dtype = un_dtype_find(types[(flags >> 2) % 2 ? (unsigned)i % 6 : 0]);
    }
    if (un_recognise("x", &arrays, &known, &found, &err) == UNET_OK)
        check(&arrays, &found);
    return 0;
}
