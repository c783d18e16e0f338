/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What settings that lie beside the arrays say of the activation: of a checkpoint's hyperparameters
 * and of metadata, "act": "elu", "nonlin": "nn.LeakyReLU(0.2)", "negative_slope": 0.1.  Only words
 * that are known are believed; sigmoid and its like are mostly of what follows the network.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"
#include "unet_exchange.h"
#include "weights/arrays.h"

#define SLOPE "slope="

enum { CONFLICT = -2 }; /* two settings that differ tell nothing */

static const char *const act_keys[] = {
    "act",      "act_fn",        "act_func",      "act_layer",           "act_name",
    "act_type", "activation",    "activation_fn", "activation_function", "activation_type",
    "nonlin",   "non_linearity", "nonlinearity",
};

static const char *const slope_keys[] = {"leaky_slope", "leaky_relu_slope", "negative_slope",
                                         "relu_slope"};

static const struct {
    const char *word, *stranger;
    int act;
} acts[] = {
    {"relu", NULL, UNET_ACT_RELU},
    {"leakyrelu", NULL, UNET_ACT_LEAKY_RELU},
    {"lrelu", NULL, UNET_ACT_LEAKY_RELU},
    {"leaky", NULL, UNET_ACT_LEAKY_RELU},
    {"elu", "ELU", -1},
    {"selu", "SELU", -1},
    {"celu", "CELU", -1},
    {"gelu", "GELU", -1},
    {"silu", "SiLU", -1},
    {"swish", "SiLU (swish)", -1},
    {"mish", "Mish", -1},
    {"prelu", "PReLU", -1},
    {"rrelu", "RReLU", -1},
    {"relu6", "ReLU6", -1},
    {"hardswish", "Hardswish", -1},
};

static bool is_one_of(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(key, keys[i]))
            return true;
    return false;
}

static void take_slope(struct un_hints *hints, double slope)
{
    if (slope > 0 && slope < 1 && isnan(hints->leaky_slope))
        hints->leaky_slope = (float)slope;
}

/* "torch.nn.LeakyReLU(negative_slope=0.2)": the word is "leakyrelu", then the number in it. */
static void take_act(struct un_hints *hints, const char *text)
{
    char word[32];
    size_t n = 0;
    const char *open = strchr(text, '('), *end = open ? open : text + strlen(text), *at = text;
    for (const char *dot = text; dot < end; dot++)
        at = *dot == '.' ? dot + 1 : at;
    for (; at < end && n < sizeof word - 1; at++)
        if (isalnum((unsigned char)*at))
            word[n++] = (char)tolower((unsigned char)*at);
    word[n] = 0;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(word, acts[i].word))
            continue;
        if (acts[i].stranger) {
            hints->strange_act = acts[i].stranger;
            return;
        }
        hints->act = hints->act == -1 || hints->act == acts[i].act ? acts[i].act : CONFLICT;
        const char *named = open ? strstr(open, SLOPE) : NULL;
        double slope = 0;
        if (open && acts[i].act == UNET_ACT_LEAKY_RELU)
            un_decimal_read(named ? named + sizeof SLOPE - 1 : open + 1, &slope);
        take_slope(hints, slope);
    }
}

void un_hints_take_text(struct un_hints *hints, const char *key, const char *text)
{
    double number;
    const char *end;
    if (is_one_of(key, act_keys, sizeof act_keys / sizeof *act_keys))
        take_act(hints, text);
    else if (un_decimal_read_plain(text, &end, &number) && !*end)
        un_hints_take_number(hints, key, number);
}

void un_hints_take_number(struct un_hints *hints, const char *key, double number)
{
    if (is_one_of(key, slope_keys, sizeof slope_keys / sizeof *slope_keys))
        take_slope(hints, number);
}
