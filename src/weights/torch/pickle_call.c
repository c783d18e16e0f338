/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and calls.  Nothing is ever called: a name that is not on the list becomes a value of which
 * nothing is known, and what it would have made an object that is skipped as data, so that the
 * settings, losses and paths which programs save beside weights do not stop the reading.  Names of
 * what acts on a system do: nobody saves them, and who has such a file should know.
 */
#include <string.h>

#include "weights/torch/pickle_machine.h"

struct name {
    uint32_t module, name; /* values, texts */
};

static bool starts_with(const char *text, size_t size, const char *start)
{
    size_t length = strlen(start);
    return size >= length && !memcmp(text, start, length);
}

static bool is_of(const struct un_pickle_value *text, const char *module)
{
    return starts_with(text->text, text->count, module) &&
           (strlen(module) == text->count || text->text[strlen(module)] == '.');
}

/* Modules whose names do things rather than keep things. */
static bool is_of_system(const struct un_pickle_value *module)
{
    static const char *const modules[] = {
        "os",     "posix", "nt",    "sys",       "subprocess", "builtins", "__builtin__", "socket",
        "shutil", "pty",   "runpy", "importlib", "webbrowser", "asyncio",  "ctypes",      "pickle",
    };
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (is_of(module, modules[i]))
            return true;
    return false;
}

static unet_code push_name(struct un_pickle_machine *m, const struct name *n)
{
    const struct un_pickle_value *module = &m->pickle->values[n->module];
    const struct un_pickle_value *name = &m->pickle->values[n->name];
    struct un_pickle_value value = {.kind = UN_PICKLE_GLOBAL};
    value.global = un_pickle_global_find(module->text, module->count, name->text, name->count);
    if (value.global && value.global->meaning == UN_MEANS_NOT_READ)
        return un_fail(m->err, UNET_EFORMAT, "%s: holds %s (%s.%s), which is not read", m->path,
                       value.global->dtype, value.global->module, value.global->name);
    if (!value.global && is_of_system(module))
        return un_fail(m->err, UNET_EFORMAT,
                       "%s: refers to %.*s.%.*s; this is not a list of weights", m->path,
                       module->count < 100 ? (int)module->count : 100, module->text,
                       name->count < 100 ? (int)name->count : 100, name->text);
    if (!value.global)
        value = (struct un_pickle_value){.kind = UN_PICKLE_OTHER, .other = {n->module, n->name}};
    return un_pickle_push_new(m, value);
}

static unet_code add_text(struct un_pickle_machine *m, const char *text, size_t size,
                          uint32_t *value)
{
    if (size > UINT32_MAX)
        return un_pickle_fail(m, "a name of %zu bytes", size);
    *value = un_pickle_add(
        m->pickle,
        (struct un_pickle_value){.kind = UN_PICKLE_TEXT, .count = (uint32_t)size, .text = text});
    return *value ? UNET_OK : un_pickle_fail_room(m);
}

unet_code un_pickle_op_global(struct un_pickle_machine *m, const struct un_pickle_operand *o)
{
    struct name name = {0};
    unet_code code;
    if (m->script && starts_with(o->text, o->size, "__torch__")) {
        /* the two lines follow each other in the input */
        struct un_pickle_value value = {.kind = UN_PICKLE_CLASS, .text = o->text};
        size_t size = o->size + 1 + o->second_size;
        if (size > UINT32_MAX)
            return un_pickle_fail(m, "a name of %zu bytes", size);
        value.count = (uint32_t)size;
        return un_pickle_push_new(m, value);
    }
    if ((code = add_text(m, o->text, o->size, &name.module)) ||
        (code = add_text(m, o->second, o->second_size, &name.name)))
        return code;
    return push_name(m, &name);
}

unet_code un_pickle_op_stack_global(struct un_pickle_machine *m, const struct un_pickle_operand *o)
{
    (void)o;
    uint32_t name, module;
    unet_code code;
    if ((code = un_pickle_pop(m, &name)) || (code = un_pickle_pop(m, &module)))
        return code;
    const struct un_pickle_value *n = &m->pickle->values[name], *d = &m->pickle->values[module];
    if (n->kind != UN_PICKLE_TEXT || d->kind != UN_PICKLE_TEXT)
        return un_pickle_fail(m, "a name that is %s in %s", un_pickle_kind_name(n),
                              un_pickle_kind_name(d));
    return push_name(m, &(struct name){module, name});
}

/* ---- calls ---- */

/* OrderedDict([(key, value), ...]) */
static unet_code push_dict_of_pairs(struct un_pickle_machine *m, uint32_t pairs)
{
    struct un_pickle *p = m->pickle;
    uint32_t made = un_pickle_add(p, (struct un_pickle_value){.kind = UN_PICKLE_DICT});
    if (!made)
        return un_pickle_fail_room(m);
    uint32_t cell = p->values[pairs].count ? p->values[pairs].chain.first : 0;
    for (; cell; cell = p->cells[cell].next) {
        const struct un_pickle_value *pair = &p->values[p->cells[cell].value];
        if ((pair->kind != UN_PICKLE_TUPLE && pair->kind != UN_PICKLE_LIST) || pair->count != 2)
            return un_pickle_fail(m, "a dict made of %s, wanted pairs", un_pickle_kind_name(pair));
        uint32_t first = pair->chain.first, second = p->cells[first].next;
        uint32_t key = p->cells[first].value, value = p->cells[second].value;
        if (!un_pickle_append(p, made, key) || !un_pickle_append(p, made, value))
            return un_pickle_fail_room(m);
    }
    return un_pickle_push(m, made);
}

static unet_code push_dict_call(struct un_pickle_machine *m, const struct un_pickle_value *tuple)
{
    const struct un_pickle *p = m->pickle;
    uint32_t first = tuple->count ? p->cells[tuple->chain.first].value : 0;
    uint8_t kind = p->values[first].kind;
    if (kind == UN_PICKLE_DICT)
        return un_pickle_push(m, first);
    if (kind == UN_PICKLE_LIST || kind == UN_PICKLE_TUPLE)
        return push_dict_of_pairs(m, first);
    return un_pickle_push_new(m, (struct un_pickle_value){.kind = UN_PICKLE_DICT});
}

static unet_code push_call(struct un_pickle_machine *m, uint32_t function, uint32_t arguments)
{
    const struct un_pickle_value *f = &m->pickle->values[function];
    const struct un_pickle_value *a = &m->pickle->values[arguments];
    if (f->kind != UN_PICKLE_GLOBAL && f->kind != UN_PICKLE_CLASS && f->kind != UN_PICKLE_OTHER &&
        f->kind != UN_PICKLE_CALL)
        return un_pickle_fail(m, "calls %s", un_pickle_kind_name(f));
    if (a->kind != UN_PICKLE_TUPLE)
        return un_pickle_fail(m, "calls with %s, wanted a tuple", un_pickle_kind_name(a));
    enum un_pickle_meaning meaning =
        f->kind == UN_PICKLE_GLOBAL ? f->global->meaning : UN_MEANS_OPAQUE;
    if (meaning == UN_MEANS_DICT)
        return push_dict_call(m, a);
    if (meaning == UN_MEANS_ARGUMENT && a->count)
        return un_pickle_push(m, m->pickle->cells[a->chain.first].value);
    struct un_pickle_value call = {.kind = UN_PICKLE_CALL, .call = {function, arguments}};
    return un_pickle_push_new(m, call);
}

unet_code un_pickle_op_reduce(struct un_pickle_machine *m, const struct un_pickle_operand *o)
{
    (void)o;
    uint32_t function, arguments;
    unet_code code;
    if ((code = un_pickle_pop(m, &arguments)) || (code = un_pickle_pop(m, &function)))
        return code;
    return push_call(m, function, arguments);
}

unet_code un_pickle_op_newobj(struct un_pickle_machine *m, const struct un_pickle_operand *o)
{
    return un_pickle_op_reduce(m, o);
}

unet_code un_pickle_op_newobj_ex(struct un_pickle_machine *m, const struct un_pickle_operand *o)
{
    uint32_t keywords;
    unet_code code = un_pickle_pop(m, &keywords);
    return code ? code : un_pickle_op_reduce(m, o);
}

/* What else an object remembers.  That of a dict or list is not its items, so it is let go. */
unet_code un_pickle_op_build(struct un_pickle_machine *m, const struct un_pickle_operand *o)
{
    (void)o;
    uint32_t state, object;
    unet_code code;
    if ((code = un_pickle_pop(m, &state)) || (code = un_pickle_top(m, &object)))
        return code;
    struct un_pickle_value *value = &m->pickle->values[object];
    if (value->kind == UN_PICKLE_CALL)
        value->count = state;
    else if (value->kind < UN_PICKLE_LIST || value->kind > UN_PICKLE_DICT)
        return un_pickle_fail(m, "gives a state to %s", un_pickle_kind_name(value));
    return UNET_OK;
}
