/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TorchScript keeps more than tensors: each class as text (torch_code.c), and the modules in a
 * Sequential, in order.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weights/torch/torch_file.h"

enum { MOST_CODE = 1 << 24 };

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
    if (class->count > UN_TORCH_MAX_NAME)
        return NULL;
    const char *line = memchr(class->text, '\n', class->count);
    size_t size = line ? class->count - (size_t)(line + 1 - class->text) : 0;
    if (!size || size > 63)
        return NULL;
    memcpy(name, line + 1, size);
    name[size] = 0;
    return name;
}

/* An attribute; NULL: there is none, or too much was looked at. */
static const struct un_pickle_value *get(struct un_torch_hints *hints, const struct un_pickle *p,
                                         const struct un_pickle_value *state, const char *name)
{
    if (state->kind != UN_PICKLE_DICT || state->count > hints->steps_left)
        return NULL;
    hints->steps_left -= state->count;
    return un_pickle_get(p, state, name);
}

static bool is_conv3x3(struct un_torch_hints *hints, const struct un_pickle *p,
                       const struct un_pickle_value *module)
{
    const struct un_pickle_value *weight = get(hints, p, &p->values[module->count], "weight");
    if (!weight || weight->kind != UN_PICKLE_CALL)
        return false;
    const struct un_pickle_value *shape = un_pickle_item(p, &p->values[weight->call.arguments], 2);
    const struct un_pickle_value *side = un_pickle_item(p, shape, 3);
    return side && side->kind == UN_PICKLE_INT && side->integer == 3;
}

/* 'C' is a 3x3 convolution, 'c' another, '?' a module that could do anything, 0 no module. */
static char module_letter(struct un_torch_hints *hints, const struct un_pickle *p,
                          const struct un_pickle_value *value)
{
    char text[64];
    const char *name = class_name(p, value, text);
    if (!name)
        return 0;
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (!strcmp(name, letters[i].class))
            return letters[i].letter == 'c' && is_conv3x3(hints, p, value) ? 'C'
                                                                           : letters[i].letter;
    return '?';
}

/* A Sequential as a word such as "CnaCna", or "nCanCa". */
static void take_word(struct un_torch_hints *hints, const char *word)
{
    if (*word == 'n' && strchr(word, 'C')) {
        un_hint_tell(&hints->told.norm_order, UNET_BEFORE_CONV);
        return;
    }
    for (const char *c = word; *c; c++) {
        size_t gap = *c == 'C' ? strspn(c + 1, "na ") : 0;
        if (*c == 'C' && c[1 + gap] == 'C')
            un_hint_tell(&hints->told.single_act, !memchr(c + 1, 'a', gap));
        if (*c == 'C' && c[1] == 'n' && c[2] == 'a')
            un_hint_tell(&hints->told.norm_order, UNET_NORM_FIRST);
        if (*c == 'C' && c[1] == 'a' && c[2] == 'n')
            un_hint_tell(&hints->told.norm_order, UNET_ACT_FIRST);
    }
    if (*word == 'u' && strchr(word, 'a') && !strchr(word, 'C'))
        un_hint_tell(&hints->told.up_act, 1);
}

static void take_sequential(struct un_torch_hints *hints, const struct un_pickle *p,
                            const struct un_pickle_value *state)
{
    char word[64];
    size_t n = 0;
    if (state->kind != UN_PICKLE_DICT || state->count > hints->steps_left)
        return;
    hints->steps_left -= state->count;
    for (uint32_t cell = state->count ? state->chain.first : 0; cell && n < sizeof word - 1;) {
        cell = p->cells[cell].next; /* from the key to the value */
        char letter = module_letter(hints, p, &p->values[p->cells[cell].value]);
        if (letter)
            word[n++] = letter;
        cell = p->cells[cell].next;
    }
    word[n] = 0;
    take_word(hints, word);
}

static void take_modules(struct un_torch_hints *hints, const struct un_pickle *p)
{
    for (uint32_t i = 0; i < p->value_count; i++) {
        char text[64];
        const char *name = class_name(p, &p->values[i], text);
        if (!name)
            continue;
        const struct un_pickle_value *state = &p->values[p->values[i].count];
        if (!strcmp(name, "Sequential"))
            take_sequential(hints, p, state);
        const struct un_pickle_value *mode = get(hints, p, state, "mode");
        if (!strcmp(name, "Upsample") && mode)
            un_torch_tell_up(hints, un_pickle_is_text(mode, "bilinear")  ? "bilinear"
                                    : un_pickle_is_text(mode, "nearest") ? "nearest"
                                                                         : "");
    }
}

/* ---- together ---- */

static void settle(struct un_torch_hints *hints)
{
    struct un_hints *told = &hints->told;
    int *numbers[] = {&told->norm_order,      &told->single_act, &told->act,
                      &told->instance_groups, &told->up,         &told->align_corners,
                      &told->up_act,          &told->concat};
    if (hints->pads || hints->pads_not)
        told->padding = hints->pads ? UNET_PADDING_SAME : UNET_PADDING_VALID;
    if (hints->instance_norm)
        un_hint_tell(&told->instance_groups, 0);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (*numbers[i] == UN_HINT_CONFLICT)
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
    struct un_torch_hints hints = {.told = un_hints_none(),
                                   .steps_left = 4 * (size_t)file->pickle.cell_count};
    unet_code code = UNET_OK;
    for (int i = 0; i < file->zip.count && !code; i++) {
        if (!is_code(un_zip_name(&file->zip, i), prefix, prefix_size))
            continue;
        const size_t size = un_zip_size(&file->zip, i);
        if (size > MOST_CODE)
            continue;                  /* no network is so much text */
        char *text = malloc(size + 1); /* a zero byte behind it ends every search */
        if (!text)
            return un_fail_memory(file->err, size, file->path);
        text[size] = 0;
        code = un_zip_read(&file->zip, i, (unsigned char *)text, file->err);
        if (!code)
            un_torch_take_code(&hints, text, text + size);
        free(text);
    }
    take_modules(&hints, &file->pickle);
    settle(&hints);
    file->hints = hints.told;
    return code;
}
