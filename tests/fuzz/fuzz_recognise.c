/* SPDX-License-Identifier: Apache-2.0 */
/* Any table of arrays as a network: no crash, an end, and what is recognised is in the table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recognise/recognise.h"

static const char *const tokens[] = {
    "enc",         "dec",        "up",     "down", "conv", "norm",   "out",  "0",
    "1",           "2",          "3",      ".",    "_",    "weight", "bias", "running_mean",
    "running_var", "bottleneck", "layers", "10"};
enum { TOKENS = sizeof tokens / sizeof *tokens, MOST = 80 };

struct reader {
    const uint8_t *at, *end;
};

static unsigned take(struct reader *r)
{
    return r->at < r->end ? *r->at++ : 0;
}

static void take_name(struct reader *r, char name[128])
{
    *name = 0;
    for (unsigned i = take(r) % 7; i + 1 > 0 && strlen(name) < 100; i--) {
        unsigned token = take(r);
        strcat(name, token < 240 ? tokens[token % TOKENS] : "\xc3\xa4");
        if (!i)
            break;
    }
}

static size_t take_side(struct reader *r)
{
    static const size_t sides[] = {0, 1, 2, 3, 4, 8, 16, 32, 65536, SIZE_MAX / 2, SIZE_MAX};
    unsigned byte = take(r);
    return byte < 200 ? byte % 9 : sides[byte % 11];
}

static void check(const struct un_recognised *found, const struct un_arrays *arrays)
{
    static struct un_graph graph;
    unet_error err;
    if (un_spec_check(&found->spec, &err) || found->guesses > 16)
        abort();
    un_graph_build(&graph, &found->spec);
    for (int i = 0; i < graph.param_count; i++) {
        const int source = found->source[i];
        if (source < 0)
            continue;
        if (source >= arrays->count || !un_array_fits(&arrays->items[source], &graph, i))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char names[MOST][128];
    static struct un_array items[MOST];
    static const char *const types[] = {"F32", "F16", "I64"};
    struct reader r = {bytes, bytes + size};
    struct un_arrays arrays = {.format = "x", .items = items, .hints = un_hints_none()};
    unet_known known = {.padding = -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, -1, -1};
    struct un_recognised found;
    unet_error err;
    arrays.ordered = take(&r) % 2;
    known.padding = (int)(take(&r) % 3) - 1;
    known.norm = (int)(take(&r) % 5) - 1;
    known.groups = (int)(take(&r) % 4) - 1;
    known.up = (int)(take(&r) % 4) - 1;
    while (r.at < r.end && arrays.count < MOST) {
        const int i = arrays.count++;
        take_name(&r, names[i]);
        const unsigned kind = take(&r);
        struct un_array *a = &items[i];
        *a = (struct un_array){.name = names[i], .dtype = un_dtype_find(types[kind / 64 % 3])};
        a->dims = kind % 8 < 4 ? 4 : kind % 8 < 7 ? 1 : (int)(kind / 8 % 6);
        a->count = 2;
        for (int d = 0; d < a->dims; d++)
            a->shape[d] = take_side(&r);
        if (a->dims == 4 && kind % 4 < 3) /* mostly sides that there are */
            a->shape[2] = a->shape[3] = kind % 4 == 0 ? 3 : kind % 4;
    }
    if (!un_recognise("x", &arrays, &known, &found, &err))
        check(&found, &arrays);
    return 0;
}
