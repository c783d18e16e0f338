/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of a class in TorchScript's text we look up constants, in the two ways in which PyTorch writes
 * them, and what it does to its arguments:
 *
 *   negative_slope : Final[float] = 0.01                 a scripted module
 *   input = torch.leaky_relu(argument_1, 0.01)           a traced one
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "weights/torch/torch_file.h"

/* A conflict is infinite until the end. */
static void tell_real(float *hint, const char *text)
{
    double number;
    un_decimal_read(text, &number);
    const float value = (float)number;
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
    tell_real(&hints->told.leaky_slope, value);
}

static void take_epsilon(struct un_torch_hints *hints, const char *value)
{
    tell_real(&hints->told.norm_epsilon, value);
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

/* Those of stride 1 say nothing: a network that halves by convolutions has more of them. */
static void take_stride(struct un_torch_hints *hints, const char *value)
{
    if (strchr(value, '2'))
        hints->told.down = UNET_DOWN_CONV;
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
    {"Conv2d", "stride", "torch._convolution(", 3, take_stride},
    {"Conv2d", "stride", "torch.conv2d(", 3, take_stride},
    {"Upsample", "mode", NULL, 0, un_torch_tell_up},
    {"Upsample", "align_corners", "torch.upsample_bilinear2d(", 2, take_align},
    {"UpsamplingBilinear2d", "align_corners", "torch.upsample_bilinear2d(", 2, take_align},
};

/* The line that gives a function of torch.nn.functional a name in a class, which is
 * "_4 = __torch__.torch.nn.functional.___torch_mangle_7.interpolate"; NULL: there is none. */
static const char *find_functional(const char *text, const char *end, const char *function)
{
    char word[48];
    snprintf(word, sizeof word, ".%s\n", function);
    for (const char *at = text; (at = find(at, end, word)); at++) {
        const char *line = at;
        while (line > text && line[-1] != '\n')
            line--;
        if (find(line, at, "torch.nn.functional"))
            return line;
    }
    return NULL;
}

/* The name that such a line gives, with a bracket: "_4("; false: none that is known. */
enum { CALL_SIZE = 16 };
static bool read_alias(const char *line, char call[CALL_SIZE])
{
    line += strspn(line, " ");
    const size_t size = strspn(line, "_0123456789");
    if (!size || size > CALL_SIZE - 2)
        return false;
    snprintf(call, CALL_SIZE, "%.*s(", (int)size, line);
    return true;
}

static void take_interpolate(struct un_torch_hints *hints, const char *text, const char *end)
{
    char call[CALL_SIZE], value[VALUE_SIZE];
    const char *at = find_functional(text, end, "interpolate");
    if (!at || !read_alias(at, call))
        return;
    /* each of the calls: they may stand in branches that say different things */
    for (; (at = find(at, end, call)); at++) {
        if (find_argument(at, end, call, 3, value))
            un_torch_tell_up(hints, value);
        if (find_argument(at, end, call, 4, value))
            take_align(hints, value);
    }
}

static void take_leaky(struct un_torch_hints *hints, const char *text, const char *end,
                       const char *call)
{
    char value[VALUE_SIZE];
    for (; (text = find(text, end, call)); text++) {
        un_hint_tell(&hints->told.act, UNET_ACT_LEAKY_RELU);
        if (find_argument(text, end, call, 1, value))
            take_slope(hints, value);
    }
}

/* What a class does itself, without a module for it. */
static void take_calls(struct un_torch_hints *hints, const char *text, const char *end)
{
    static const char *const leaky[] = {"torch.leaky_relu(", "torch.leaky_relu_("};
    static const char *const relu[] = {"torch.relu(", "torch.relu_("};
    char call[CALL_SIZE];
    for (int i = 0; i < 2; i++) {
        take_leaky(hints, text, end, leaky[i]);
        if (find(text, end, relu[i]))
            un_hint_tell(&hints->told.act, UNET_ACT_RELU);
    }
    const char *alias = find_functional(text, end, "leaky_relu");
    if (alias && read_alias(alias, call))
        take_leaky(hints, alias, end, call);
    if (find_functional(text, end, "relu"))
        un_hint_tell(&hints->told.act, UNET_ACT_RELU);
    if (find(text, end, "torch.upsample_bilinear2d("))
        un_hint_tell(&hints->told.up, UNET_UP_BILINEAR);
    if (find(text, end, "torch.upsample_nearest2d("))
        un_hint_tell(&hints->told.up, UNET_UP_NEAREST);
    take_interpolate(hints, text, end);
}

/* Layers and functions that no network of ours has; a network with one must not run without it. */
static const struct {
    const char *class, *function;
} strangers[] = {
    {"ELU", "elu"},
    {"SELU", "selu"},
    {"CELU", "celu"},
    {"GELU", "gelu"},
    {"SiLU", "silu"},
    {"Mish", "mish"},
    {"PReLU", "prelu"},
    {"RReLU", "rrelu"},
    {"ReLU6", "relu6"},
    {"Hardswish", "hardswish"},
    {"Hardtanh", "hardtanh"},
    {"Softplus", "softplus"},
    {"Tanh", "tanh"},
    {"AvgPool2d", "avg_pool2d"},
    {"PixelShuffle", "pixel_shuffle"},
};

static void take_strangers(struct un_torch_hints *hints, const char *name, const char *text,
                           const char *end)
{
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers && !hints->told.stranger; i++) {
        char calls[2][48];
        snprintf(calls[0], sizeof calls[0], "torch.%s(", strangers[i].function);
        snprintf(calls[1], sizeof calls[1], "torch.%s_(", strangers[i].function);
        if (!strcmp(name, strangers[i].class) || find(text, end, calls[0]) ||
            find(text, end, calls[1]) || find_functional(text, end, strangers[i].function))
            hints->told.stranger = strangers[i].class;
    }
}

/* ---- what is done to the arguments of a class ---- */

/* Whether a value is a word, and one that stands so in the class: "x: Tensor", "mean = self.". */
static bool is_word(const char *value, const char *form, const char *text, const char *end)
{
    char wanted[VALUE_SIZE + 16];
    snprintf(wanted, sizeof wanted, form, value);
    const char *at = text;
    if (!*value ||
        value[strspn(value, "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")])
        return false;
    for (; (at = find(at, end, wanted)); at++)
        if (at == text || strchr(" \n(,", at[-1]))
            return true;
    return false;
}

static bool is_argument(const char *value, const char *text, const char *end)
{
    return is_word(value, "%s: Tensor", text, end);
}

/* A number, a constant of the file, or a tensor that the module keeps. */
static bool is_constant(const char *value, const char *text, const char *end)
{
    return strchr("-.0123456789", *value) || !strncmp(value, "CONSTANTS.", 10) ||
           is_word(value, "%s = self.", text, end);
}

/* What a value is a copy of in another type: "torch.to(x, 6)", or a name that a line gave to that.
 */
static void look_through(char value[VALUE_SIZE], const char *text, const char *end)
{
    char line[VALUE_SIZE + 24], inner[VALUE_SIZE];
    snprintf(line, sizeof line, "  %s = torch.to(", value);
    const char *at = find(text, end, line);
    const char *copy = at ? at + strlen(line) : strncmp(value, "torch.to(", 9) ? NULL : value + 9;
    if (!copy)
        return;
    copy_value(copy, at ? end : value + strlen(value), inner);
    memcpy(value, inner, sizeof inner);
}

/* Whether one of two values is an argument, in whatever type, and the other a constant. */
static bool is_scaled(char a[VALUE_SIZE], char b[VALUE_SIZE], const char *text, const char *end)
{
    look_through(a, text, end);
    look_through(b, text, end);
    return (is_argument(a, text, end) && is_constant(b, text, end)) ||
           (is_argument(b, text, end) && is_constant(a, text, end));
}

/* Scales what it is given by numbers: read of ONNX, where each operation stands in the graph. */
static void take_arithmetic(struct un_torch_hints *hints, const char *text, const char *end)
{
    static const char *const calls[] = {"torch.mul(",  "torch.mul_(", "torch.div(",
                                        "torch.div_(", "torch.sub(",  "torch.sub_(",
                                        "torch.add(",  "torch.add_(", "torch.rsub("};
    char value[2][VALUE_SIZE];
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (const char *at = text; (at = find(at, end, calls[i])); at++)
            if (find_argument(at, end, calls[i], 0, value[0]) &&
                find_argument(at, end, calls[i], 1, value[1]) &&
                is_scaled(value[0], value[1], text, end))
                hints->told.stranger =
                    "a scaling of what it is given in its own code (as ONNX it would be read)";
}

/* The two things of a list "[a, b]"; false: there are more, or fewer. */
static bool split_list(const char *list, char items[2][VALUE_SIZE])
{
    const char *end = list + strlen(list);
    int depth = 0, count = 0;
    if (*list != '[')
        return false;
    copy_value(list + 1, end, items[0]);
    for (const char *c = list + 1; c < end && depth >= 0; c++) {
        depth += (*c == '(' || *c == '[') - (*c == ')' || *c == ']');
        if (depth == 0 && *c == ',' && !count++)
            copy_value(c + 1 + strspn(c + 1, " "), end, items[1]);
    }
    return count == 1;
}

/* Whether a value is made in this class by a layer, or by a doubling: "(up).forward(x, )", or a
 * name that a line gave to that. */
static bool is_made(const char *value, const char *text, const char *end)
{
    static const char *const makers[] = {".forward(", "conv_transpose2d(", "upsample_",
                                         "interpolate"};
    char line[VALUE_SIZE + 8];
    snprintf(line, sizeof line, "  %s = ", value);
    const char *at = find(text, end, line);
    const char *from = at ? at + strlen(line) : value;
    const char *to = at ? memchr(from, '\n', (size_t)(end - from)) : value + strlen(value);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (find(from, to ? to : end, makers[i]))
            return true;
    return false;
}

/* Of two maps side by side one is an argument as it is, which is the skip, and the other is made of
 * what comes from below: a class that doubles that and joins both.  One that cuts the skip to size
 * has it the other way round. */
static void take_concat(struct un_torch_hints *hints, const char *text, const char *end)
{
    char list[4 * VALUE_SIZE], items[2][VALUE_SIZE], line[VALUE_SIZE + 8];
    for (const char *at = text; (at = find(at, end, "torch.cat(")); at++) {
        const char *from = at + strlen("torch.cat(");
        if (*from != '[') { /* a name, which a line above has given to the list */
            copy_value(from, end, items[0]);
            snprintf(line, sizeof line, "  %s = [", items[0]);
            from = find(text, end, line);
            from = from ? from + strlen(line) - 1 : end;
        }
        const size_t size = strcspn(from, "\n");
        if (size >= sizeof list)
            continue;
        snprintf(list, sizeof list, "%.*s", (int)size, from);
        if (!split_list(list, items))
            continue;
        const bool first = is_argument(items[0], text, end);
        if (first != is_argument(items[1], text, end) && is_made(items[first], text, end))
            un_hint_tell(&hints->told.concat, first ? UNET_CONCAT_SKIP_UP : UNET_CONCAT_UP_SKIP);
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
    hints->instance_norm |= !strcmp(name, "InstanceNorm2d");
    hints->told.sigmoid |= !strcmp(name, "Sigmoid") || find(text, end, "torch.sigmoid(");
    take_calls(hints, text, end);
    take_strangers(hints, name, text, end);
    take_arithmetic(hints, text, end);
    take_concat(hints, text, end);
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
