/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and calls.  A name that is not on the list ends the reading, so no value of such a name
 * ever exists.  What the message says depends on what it was going to be: an object of a class
 * (somebody saved a whole module) gets advice, everything else is named and called what it is.
 */
#include <string.h>

#include "weights/torch/pickle_machine.h"

struct name {
    const char *module, *name;
    size_t module_size, name_size;
};

static bool starts_with(const char *text, size_t size, const char *start)
{
    size_t length = strlen(start);
    return size >= length && !memcmp(text, start, length);
}

static bool is_module(const struct name *name, const char *module)
{
    return starts_with(name->module, name->module_size, module) &&
           (strlen(module) == name->module_size || name->module[strlen(module)] == '.');
}

/* Modules whose classes do things rather than keep things. */
static bool is_of_system(const struct name *name)
{
    static const char *const modules[] = {
        "os",      "posix",  "nt",       "sys",    "subprocess", "builtins",  "__builtin__",
        "socket",  "shutil", "pty",      "code",   "runpy",      "importlib", "webbrowser",
        "asyncio", "ctypes", "commands", "pickle", "operator",   "functools", "types",
    };
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (is_module(name, modules[i]))
            return true;
    return false;
}

/* Whether the operations that follow make an object of it: a tuple without items, NEWOBJ. */
static bool becomes_object(const struct un_pickle_machine *m)
{
    enum { BINPUT = 'q', LONG_BINPUT = 'r', MEMOIZE = 0x94, EMPTY_TUPLE = ')', NEWOBJ = 0x81 };
    for (size_t at = m->at; at < m->size;) {
        unsigned char byte = m->bytes[at];
        if (byte == NEWOBJ)
            return true;
        if (byte != BINPUT && byte != LONG_BINPUT && byte != MEMOIZE && byte != EMPTY_TUPLE)
            return false;
        at += byte == BINPUT ? 2 : byte == LONG_BINPUT ? 5 : 1;
    }
    return false;
}

/* Old files keep the source of a module's class beside it: ("module", class, file, source). */
static bool follows_word_module(const struct un_pickle_machine *m)
{
    const struct un_pickle_value *below =
        m->stack_count ? &m->pickle->values[m->stack[m->stack_count - 1]] : NULL;
    return un_pickle_is_text(below, "module");
}

static unet_code fail_name(struct un_pickle_machine *m, const struct name *n)
{
    const int module_size = n->module_size < 100 ? (int)n->module_size : 100;
    const int name_size = n->name_size < 100 ? (int)n->name_size : 100;
    bool class = n->name_size && *n->name >= 'A' && *n->name <= 'Z' && !is_of_system(n);
    if (is_module(n, "torch.nn.modules") ||
        (class && (is_module(n, "__main__") || becomes_object(m) || follows_word_module(m))))
        return un_fail(m->err, UNET_EFORMAT,
                       "%s: holds an object of class %.*s.%.*s, not only weights; in Python, save "
                       "these alone: torch.save(model.state_dict(), \"weights.pth\")",
                       m->path, module_size, n->module, name_size, n->name);
    return un_fail(m->err, UNET_EFORMAT, "%s: refers to %.*s.%.*s; this is not a list of weights",
                   m->path, module_size, n->module, name_size, n->name);
}

static unet_code push_name(struct un_pickle_machine *m, const struct name *n)
{
    struct un_pickle_value value = {.kind = UN_PICKLE_GLOBAL};
    value.global = un_pickle_global_find(n->module, n->module_size, n->name, n->name_size);
    if (!value.global)
        return fail_name(m, n);
    if (value.global->meaning == UN_MEANS_NOT_READ)
        return un_fail(m->err, UNET_EFORMAT, "%s: holds %s (%s.%s), which is not read", m->path,
                       value.global->dtype, value.global->module, value.global->name);
    return un_pickle_push_new(m, value);
}

unet_code un_pickle_op_global(struct un_pickle_machine *m, const struct un_pickle_operand *o)
{
    struct name name = {o->text, o->second, o->size, o->second_size};
    if (m->script && starts_with(o->text, o->size, "__torch__")) {
        /* the two lines follow each other in the input */
        struct un_pickle_value value = {.kind = UN_PICKLE_CLASS, .text = o->text};
        size_t size = o->size + 1 + o->second_size;
        if (size > UINT32_MAX)
            return un_pickle_fail(m, "a name of %zu bytes", size);
        value.count = (uint32_t)size;
        return un_pickle_push_new(m, value);
    }
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
    return push_name(m, &(struct name){d->text, n->text, d->count, n->count});
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
    if (f->kind != UN_PICKLE_GLOBAL && f->kind != UN_PICKLE_CLASS)
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

/* What else an object remembers.  A dict's is not its items, so it is let go. */
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
    else if (value->kind != UN_PICKLE_DICT && value->kind != UN_PICKLE_SET)
        return un_pickle_fail(m, "gives a state to %s", un_pickle_kind_name(value));
    return UNET_OK;
}
