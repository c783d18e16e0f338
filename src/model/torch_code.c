/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of a class in TorchScript's text we look up constants, in the two ways in which PyTorch writes
 * them:
 *
 *   negative_slope : Final[float] = 0.01                 a scripted module
 *   input = torch.leaky_relu(argument_1, 0.01)           a traced one
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/torch_hints.h"

/* A conflict is infinite until the end. */
static void tell_real(float *hint, float value)
{
    *hint = isnan(*hint) || *hint == value ? value : INFINITY;
}

/* ---- the text of a class ---- */

enum { VALUE_SIZE = 48 };

/* Copies the text up to the comma, bracket or line that ends a value; brackets inside count. */
static void copy_value(const char *text, const char *end, char value[VALUE_SIZE])
{
    int depth = 0, n = 0;
    for (; text < end && *text != '\n' && n < VALUE_SIZE - 1; text++) {
        depth += (*text == '(' || *text == '[') - (*text == ')' || *text == ']');
        if (depth < 0 || (depth == 0 && *text == ','))
            break;
        value[n++] = *text;
    }
    value[n] = 0;
}

static const char *find(const char *text, const char *end, const char *word)
{
    return memmem(text, (size_t)(end - text), word, strlen(word));
}

static bool find_constant(const char *text, const char *end, const char *name,
                          char value[VALUE_SIZE])
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "  %s : Final[", name);
    const char *at = find(text, end, wanted);
    const char *line = at ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    at = line ? find(at, line, "] = ") : NULL;
    if (!at)
        return false;
    copy_value(at + strlen("] = "), end, value);
    return true;
}

/* Argument `number` of the first call of a function, whose name ends with a bracket. */
static bool find_argument(const char *text, const char *end, const char *function, int number,
                          char value[VALUE_SIZE])
{
    const char *at = find(text, end, function);
    if (!at)
        return false;
    int depth = 0;
    for (at += strlen(function); at < end && number > 0 && depth >= 0; at++) {
        depth += (*at == '(' || *at == '[') - (*at == ')' || *at == ']');
        number -= depth == 0 && *at == ',';
    }
    while (at < end && (*at == ' ' || *at == '\n'))
        at++;
    copy_value(at, end, value);
    return number == 0;
}

/* ---- what classes tell ---- */

void un_torch_tell_up(struct un_torch_hints *hints, const char *mode)
{
    if (strstr(mode, "bilinear"))
        un_hint_tell(&hints->told.up, UNET_UP_BILINEAR);
    else if (strstr(mode, "nearest"))
        un_hint_tell(&hints->told.up, UNET_UP_NEAREST);
}

static void take_slope(struct un_torch_hints *hints, const char *value)
{
    tell_real(&hints->told.leaky_slope, strtof(value, NULL));
}

static void take_epsilon(struct un_torch_hints *hints, const char *value)
{
    tell_real(&hints->told.norm_epsilon, strtof(value, NULL));
}

static void take_groups(struct un_torch_hints *hints, const char *value)
{
    un_hint_tell(&hints->told.instance_groups, (int)strtol(value, NULL, 10));
}

static void take_align(struct un_torch_hints *hints, const char *value)
{
    if (!strcmp(value, "True") || !strcmp(value, "False") || !strcmp(value, "None"))
        un_hint_tell(&hints->told.align_corners, !strcmp(value, "True"));
}

/* "(1, 1)" or "[1, 1]" */
static void take_padding(struct un_torch_hints *hints, const char *value)
{
    hints->pads |= strchr(value, '1') != NULL;
    hints->pads_not |= strchr(value, '0') != NULL;
}

static const struct fact {
    const char *class, *constant;
    const char *function; /* when there is no such constant: an argument of this */
    int argument;
    void (*take)(struct un_torch_hints *hints, const char *value);
} facts[] = {
    {"LeakyReLU", "negative_slope", "torch.leaky_relu(", 1, take_slope},
    {"LeakyReLU", "negative_slope", "torch.leaky_relu_(", 1, take_slope},
    {"BatchNorm2d", "eps", "torch.batch_norm(", 7, take_epsilon},
    {"InstanceNorm2d", "eps", "torch.instance_norm(", 7, take_epsilon},
    {"GroupNorm", "eps", "torch.group_norm(", 4, take_epsilon},
    {"GroupNorm", "num_groups", "torch.group_norm(", 1, take_groups},
    {"Conv2d", "padding", "torch._convolution(", 4, take_padding},
    {"Conv2d", "padding", "torch.conv2d(", 4, take_padding},
    {"Upsample", "mode", NULL, 0, un_torch_tell_up},
    {"Upsample", "align_corners", "torch.upsample_bilinear2d(", 2, take_align},
    {"UpsamplingBilinear2d", "align_corners", "torch.upsample_bilinear2d(", 2, take_align},
};

/* A call of torch.nn.functional.interpolate goes by a name of its own: "_4 = ...interpolate". */
static void take_interpolate(struct un_torch_hints *hints, const char *text, const char *end)
{
    char call[16] = "", value[VALUE_SIZE];
    const char *at = find(text, end, "interpolate\n"), *line = at;
    while (line && line > text && line[-1] != '\n')
        line--;
    if (!line)
        return;
    line += strspn(line, " ");
    const size_t size = strspn(line, "_0123456789");
    if (!size || size > sizeof call - 2)
        return;
    snprintf(call, sizeof call, "%.*s(", (int)size, line);
    /* each of the calls: they may stand in branches that say different things */
    for (; (at = find(at, end, call)); at++) {
        if (find_argument(at, end, call, 3, value))
            un_torch_tell_up(hints, value);
        if (find_argument(at, end, call, 4, value))
            take_align(hints, value);
    }
}

static void take_class(struct un_torch_hints *hints, const char *name, const char *text,
                       const char *end)
{
    char value[VALUE_SIZE];
    const char *done = NULL; /* the constant that was found */
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        const struct fact *fact = &facts[i];
        if (strcmp(name, fact->class) || (done && !strcmp(done, fact->constant)))
            continue;
        if (find_constant(text, end, fact->constant, value) ||
            (fact->function && find_argument(text, end, fact->function, fact->argument, value))) {
            fact->take(hints, value);
            done = fact->constant;
        }
    }
    if (!strcmp(name, "LeakyReLU"))
        un_hint_tell(&hints->told.act, UNET_ACT_LEAKY_RELU);
    else if (!strcmp(name, "ReLU"))
        un_hint_tell(&hints->told.act, UNET_ACT_RELU);
    if (find(text, end, "torch.upsample_bilinear2d("))
        un_hint_tell(&hints->told.up, UNET_UP_BILINEAR);
    if (find(text, end, "torch.upsample_nearest2d("))
        un_hint_tell(&hints->told.up, UNET_UP_NEAREST);
    hints->instance_norm |= !strcmp(name, "InstanceNorm2d");
    take_interpolate(hints, text, end);
}

void un_torch_take_code(struct un_torch_hints *hints, const char *text, const char *end)
{
    static const char start[] = "class ";
    while (text) {
        const char *next = find(text, end, "\nclass "), *stop = next ? next : end;
        const char *open = memchr(text, '(', (size_t)(stop - text));
        char name[64] = "";
        if (open && !strncmp(text, start, strlen(start)) && open - text < (int)sizeof name)
            snprintf(name, sizeof name, "%.*s", (int)(open - text - 6), text + 6);
        if (*name) /* functions are of PyTorch's own, and have a branch for everything */
            take_class(hints, name, text, stop);
        text = next ? next + 1 : NULL;
    }
}
