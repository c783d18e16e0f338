/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TorchScript keeps more than tensors: the modules in a Sequential, in order, and each class as
 * text.  Of a class we look up constants, in the two ways in which PyTorch writes them:
 *
 *   negative_slope : Final[float] = 0.01                 a scripted module
 *   input = torch.leaky_relu(argument_1, 0.01)           a traced one
 *
 * A thing that is told twice in different ways is not told at all.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/torch_file.h"

enum { CONFLICT = -2 };

struct hints {
    struct un_hints told;
    bool pads, pads_not; /* some convolution does, does not */
    bool group_norm, instance_norm;
};

static void tell(int *hint, int value)
{
    *hint = *hint == -1 || *hint == value ? value : CONFLICT;
}

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

static void tell_up(struct hints *hints, const char *mode)
{
    if (strstr(mode, "bilinear"))
        tell(&hints->told.up, UNET_UP_BILINEAR);
    else if (strstr(mode, "nearest"))
        tell(&hints->told.up, UNET_UP_NEAREST);
}

static void take_slope(struct hints *hints, const char *value)
{
    tell_real(&hints->told.leaky_slope, strtof(value, NULL));
}

static void take_epsilon(struct hints *hints, const char *value)
{
    tell_real(&hints->told.norm_epsilon, strtof(value, NULL));
}

static void take_groups(struct hints *hints, const char *value)
{
    tell(&hints->told.instance_groups, (int)strtol(value, NULL, 10));
}

static void take_align(struct hints *hints, const char *value)
{
    if (!strcmp(value, "True") || !strcmp(value, "False") || !strcmp(value, "None"))
        tell(&hints->told.align_corners, !strcmp(value, "True"));
}

/* "(1, 1)" or "[1, 1]" */
static void take_padding(struct hints *hints, const char *value)
{
    hints->pads |= strchr(value, '1') != NULL;
    hints->pads_not |= strchr(value, '0') != NULL;
}

static const struct fact {
    const char *class, *constant;
    const char *function; /* when there is no such constant: an argument of this */
    int argument;
    void (*take)(struct hints *hints, const char *value);
} facts[] = {
    {"LeakyReLU", "negative_slope", "torch.leaky_relu(", 1, take_slope},
    {"LeakyReLU", "negative_slope", "torch.leaky_relu_(", 1, take_slope},
    {"BatchNorm2d", "eps", "torch.batch_norm(", 7, take_epsilon},
    {"InstanceNorm2d", "eps", "torch.instance_norm(", 7, take_epsilon},
    {"GroupNorm", "eps", "torch.group_norm(", 4, take_epsilon},
    {"GroupNorm", "num_groups", "torch.group_norm(", 1, take_groups},
    {"Conv2d", "padding", "torch._convolution(", 4, take_padding},
    {"Conv2d", "padding", "torch.conv2d(", 4, take_padding},
    {"Upsample", "mode", NULL, 0, tell_up},
    {"Upsample", "align_corners", "torch.upsample_bilinear2d(", 2, take_align},
    {"UpsamplingBilinear2d", "align_corners", "torch.upsample_bilinear2d(", 2, take_align},
};

/* A call of torch.nn.functional.interpolate goes by a name of its own: "_4 = ...interpolate". */
static void take_interpolate(struct hints *hints, const char *text, const char *end)
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
    if (find_argument(at, end, call, 3, value))
        tell_up(hints, value);
    if (find_argument(at, end, call, 4, value))
        take_align(hints, value);
}

static void take_class(struct hints *hints, const char *name, const char *text, const char *end)
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
        tell(&hints->told.act, UNET_ACT_LEAKY_RELU);
    else if (!strcmp(name, "ReLU"))
        tell(&hints->told.act, UNET_ACT_RELU);
    if (find(text, end, "torch.upsample_bilinear2d("))
        tell(&hints->told.up, UNET_UP_BILINEAR);
    hints->group_norm |= !strcmp(name, "GroupNorm");
    hints->instance_norm |= !strcmp(name, "InstanceNorm2d");
    take_interpolate(hints, text, end);
}

static void take_code(struct hints *hints, const char *text, const char *end)
{
    static const char start[] = "class ";
    while (text) {
        const char *next = find(text, end, "\nclass "), *stop = next ? next : end;
        const char *open = memchr(text, '(', (size_t)(stop - text));
        char name[64] = "";
        if (open && !strncmp(text, start, strlen(start)) && open - text < (int)sizeof name)
            snprintf(name, sizeof name, "%.*s", (int)(open - text - 6), text + 6);
        take_class(hints, name, text, stop);
        text = next ? next + 1 : NULL;
    }
}

/* ---- what the modules of a Sequential tell ---- */

static const struct {
    const char *class;
    char letter;
} letters[] = {{"Conv2d", 'c'},      {"ConvTranspose2d", 'u'}, {"Upsample", 'u'},
               {"BatchNorm2d", 'n'}, {"InstanceNorm2d", 'n'},  {"GroupNorm", 'n'},
               {"ReLU", 'a'},        {"LeakyReLU", 'a'},       {"Dropout", ' '},
               {"Dropout2d", ' '},   {"Identity", ' '}};

/* Of an object: the name of its class; NULL: value is none. */
static const char *class_name(const struct un_pickle *p, const struct un_pickle_value *value,
                              char name[64])
{
    if (value->kind != UN_PICKLE_CALL || p->values[value->call.function].kind != UN_PICKLE_CLASS)
        return NULL;
    const struct un_pickle_value *class = &p->values[value->call.function];
    const char *line = memchr(class->text, '\n', class->count);
    size_t size = line ? class->count - (size_t)(line + 1 - class->text) : 0;
    if (!size || size > 63)
        return NULL;
    memcpy(name, line + 1, size);
    name[size] = 0;
    return name;
}

static bool is_conv3x3(const struct un_pickle *p, const struct un_pickle_value *module)
{
    const struct un_pickle_value *state = &p->values[module->count];
    const struct un_pickle_value *weight = un_pickle_get(p, state, "weight");
    if (!weight || weight->kind != UN_PICKLE_CALL)
        return false;
    const struct un_pickle_value *shape = un_pickle_item(p, &p->values[weight->call.arguments], 2);
    const struct un_pickle_value *side = un_pickle_item(p, shape, 3);
    return side && side->kind == UN_PICKLE_INT && side->integer == 3;
}

/* 'C' is a 3x3 convolution, 'c' another, '?' a module that could do anything, 0 no module. */
static char module_letter(const struct un_pickle *p, const struct un_pickle_value *value)
{
    char text[64];
    const char *name = class_name(p, value, text);
    if (!name)
        return 0;
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (!strcmp(name, letters[i].class))
            return letters[i].letter == 'c' && is_conv3x3(p, value) ? 'C' : letters[i].letter;
    return '?';
}

/* A Sequential as a word such as "CnaCna". */
static void take_word(struct hints *hints, const char *word)
{
    for (const char *c = word; *c; c++) {
        size_t gap = *c == 'C' ? strspn(c + 1, "na ") : 0;
        if (*c == 'C' && c[1 + gap] == 'C')
            tell(&hints->told.single_act, !memchr(c + 1, 'a', gap));
        if (*c == 'C' && c[1] == 'n' && c[2] == 'a')
            tell(&hints->told.norm_order, UNET_NORM_FIRST);
        if (*c == 'C' && c[1] == 'a' && c[2] == 'n')
            tell(&hints->told.norm_order, UNET_ACT_FIRST);
    }
    if (*word == 'u' && strchr(word, 'a') && !strchr(word, 'C'))
        tell(&hints->told.up_act, 1);
}

static void take_sequential(struct hints *hints, const struct un_pickle *p,
                            const struct un_pickle_value *state)
{
    char word[64];
    size_t n = 0;
    if (state->kind != UN_PICKLE_DICT)
        return;
    for (uint32_t cell = state->count ? state->chain.first : 0; cell && n < sizeof word - 1;) {
        cell = p->cells[cell].next; /* from the key to the value */
        char letter = module_letter(p, &p->values[p->cells[cell].value]);
        if (letter)
            word[n++] = letter;
        cell = p->cells[cell].next;
    }
    word[n] = 0;
    take_word(hints, word);
}

static void take_modules(struct hints *hints, const struct un_pickle *p)
{
    for (uint32_t i = 0; i < p->value_count; i++) {
        char text[64];
        const char *name = class_name(p, &p->values[i], text);
        if (!name)
            continue;
        const struct un_pickle_value *state = &p->values[p->values[i].count];
        if (!strcmp(name, "Sequential"))
            take_sequential(hints, p, state);
        const struct un_pickle_value *mode = un_pickle_get(p, state, "mode");
        if (!strcmp(name, "Upsample") && mode)
            tell_up(hints, un_pickle_is_text(mode, "bilinear")  ? "bilinear"
                           : un_pickle_is_text(mode, "nearest") ? "nearest"
                                                                : "");
    }
}

/* ---- together ---- */

static void settle(struct hints *hints)
{
    struct un_hints *told = &hints->told;
    int *numbers[] = {&told->norm_order, &told->single_act,    &told->act,   &told->instance_groups,
                      &told->up,         &told->align_corners, &told->up_act};
    if (hints->pads || hints->pads_not)
        told->padding = hints->pads ? UNET_PADDING_SAME : UNET_PADDING_VALID;
    if (hints->instance_norm)
        tell(&told->instance_groups, 0);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (*numbers[i] == CONFLICT)
            *numbers[i] = -1;
    if (isinf(told->leaky_slope))
        told->leaky_slope = NAN;
    if (isinf(told->norm_epsilon))
        told->norm_epsilon = NAN;
}

static bool is_code(const char *name, const char *prefix, size_t prefix_size)
{
    const size_t size = strlen(name);
    return size > prefix_size + 8 && !memcmp(name, prefix, prefix_size) &&
           !memcmp(name + prefix_size, "code/", 5) && !strcmp(name + size - 3, ".py");
}

unet_code un_torch_hints(struct un_torch_file *file, const char *prefix, size_t prefix_size)
{
    struct hints hints = {.told = un_hints_none()};
    unet_code code = UNET_OK;
    for (int i = 0; i < file->zip.count && !code; i++) {
        if (!is_code(un_zip_name(&file->zip, i), prefix, prefix_size))
            continue;
        const size_t size = un_zip_size(&file->zip, i);
        char *text = malloc(size + 1); /* a zero byte behind it ends every search */
        if (!text)
            return un_fail_memory(file->err, size, file->path);
        text[size] = 0;
        code = un_zip_read(&file->zip, i, (unsigned char *)text, file->err);
        if (!code)
            take_code(&hints, text, text + size);
        free(text);
    }
    take_modules(&hints, &file->pickle);
    settle(&hints);
    file->hints = hints.told;
    return code;
}
