/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that make values and put them together, and the table of all of them: those of
 * protocols 0 to 5 that describe data.  What is missing on purpose: extension codes (EXT1..4, INST,
 * OBJ), which name functions in other ways, and out-of-band buffers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "weights/torch/pickle_machine.h"

#define OPERATION(name)                                                                            \
    static unet_code name(struct un_pickle_machine *m, const struct un_pickle_operand *o)

/* ---- single values ---- */

OPERATION(do_nothing)
{
    (void)m, (void)o;
    return UNET_OK;
}

OPERATION(check_protocol)
{
    enum { NEWEST = 5 };
    if (o->number > NEWEST)
        return un_pickle_fail(m, "protocol %d, at most %d is read", (int)o->number, NEWEST);
    return UNET_OK;
}

OPERATION(push_fixed)
{
    return un_pickle_push(m, (uint32_t)o->argument);
}

OPERATION(push_int)
{
    struct un_pickle_value value = {.kind = UN_PICKLE_INT, .integer = o->number};
    return un_pickle_push_new(m, value);
}

/* Two's complement, little-endian, as many bytes as it needs. */
OPERATION(push_long)
{
    struct un_pickle_value value = {.kind = UN_PICKLE_INT};
    if (o->size > sizeof value.integer) {
        value.kind = UN_PICKLE_BIG_INT;
        value.text = o->text;
        value.count = (uint32_t)o->size;
        return un_pickle_push_new(m, value);
    }
    uint64_t bits = o->size && (signed char)o->text[o->size - 1] < 0 ? UINT64_MAX : 0;
    for (size_t i = o->size; i-- > 0;)
        bits = bits << 8 | (unsigned char)o->text[i];
    value.integer = (int64_t)bits;
    return un_pickle_push_new(m, value);
}

/* Copies a line for strtoll() and un_decimal_read(), which want a zero byte behind it. */
static const char *number_text(const struct un_pickle_operand *o, char text[48])
{
    size_t size = o->size < 47 ? o->size : 47;
    memcpy(text, o->text, size);
    text[size] = 0;
    return text;
}

OPERATION(push_int_text)
{
    char text[48], *end;
    struct un_pickle_value value = {.kind = UN_PICKLE_INT};
    if (o->size == 2 && !memcmp(o->text, "01", 2))
        return un_pickle_push(m, UN_PICKLE_VALUE_TRUE);
    if (o->size == 2 && !memcmp(o->text, "00", 2))
        return un_pickle_push(m, UN_PICKLE_VALUE_FALSE);
    value.integer = strtoll(number_text(o, text), &end, 10);
    if (end == text || (*end && strcmp(end, "L")))
        return un_pickle_fail(m, "\"%.40s\" is no integer", text);
    return un_pickle_push_new(m, value);
}

OPERATION(push_real)
{
    struct un_pickle_value value = {.kind = UN_PICKLE_FLOAT, .number = o->real};
    return un_pickle_push_new(m, value);
}

OPERATION(push_real_text)
{
    char text[48];
    struct un_pickle_value value = {.kind = UN_PICKLE_FLOAT};
    const char *end = un_decimal_read(number_text(o, text), &value.number);
    if (end == text || *end)
        return un_pickle_fail(m, "\"%.40s\" is no number", text);
    return un_pickle_push_new(m, value);
}

OPERATION(push_text)
{
    struct un_pickle_value value = {
        .kind = (uint8_t)o->argument, .text = o->text, .count = (uint32_t)o->size};
    if (o->size > UINT32_MAX)
        return un_pickle_fail(m, "a text of %zu bytes", o->size);
    return un_pickle_push_new(m, value);
}

/* 'in quotes'; escapes stay as they are: no name of an array has any. */
OPERATION(push_quoted)
{
    struct un_pickle_operand inside = *o;
    if (o->size < 2 || (*o->text != '\'' && *o->text != '"') || o->text[o->size - 1] != *o->text)
        return un_pickle_fail(m, "a text without quotes");
    inside.text++;
    inside.size -= 2;
    return push_text(m, &inside);
}

/* ---- containers ---- */

/* The argument is the kind. */
OPERATION(push_empty)
{
    return un_pickle_push_new(m, (struct un_pickle_value){.kind = (uint8_t)o->argument});
}

/* The values from `first` up on the stack become items of a container. */
static unet_code move_items(struct un_pickle_machine *m, uint32_t container, uint32_t first)
{
    for (uint32_t i = first; i < m->stack_count; i++)
        if (!un_pickle_append(m->pickle, container, m->stack[i]))
            return un_pickle_fail_room(m);
    m->stack_count = first;
    return UNET_OK;
}

/* A new container of what lies above the stack's height `first`. */
static unet_code push_from(struct un_pickle_machine *m, enum un_pickle_kind kind, uint32_t first)
{
    if (kind == UN_PICKLE_DICT && (m->stack_count - first) % 2)
        return un_pickle_fail(m, "a dict with a key and no value");
    uint32_t made = un_pickle_add(m->pickle, (struct un_pickle_value){.kind = kind});
    if (!made)
        return un_pickle_fail_room(m);
    unet_code code = move_items(m, made, first);
    return code ? code : un_pickle_push(m, made);
}

OPERATION(push_from_mark)
{
    uint32_t first;
    unet_code code = un_pickle_pop_mark(m, &first);
    return code ? code : push_from(m, o->argument, first);
}

/* A tuple of as many values as the argument says. */
OPERATION(push_tuple)
{
    uint32_t floor = un_pickle_floor(m), count = (uint32_t)o->argument;
    if (m->stack_count - floor < count)
        return un_pickle_fail(m, "takes a value from an empty stack");
    return push_from(m, UN_PICKLE_TUPLE, m->stack_count - count);
}

/* Adds what lies above height `first` to the container just below, which must be of this kind. */
static unet_code add_items(struct un_pickle_machine *m, enum un_pickle_kind kind, uint32_t first)
{
    uint32_t floor = un_pickle_floor(m);
    if (first <= floor)
        return un_pickle_fail(m, "takes a value from an empty stack");
    uint32_t container = m->stack[first - 1];
    struct un_pickle_value *value = &m->pickle->values[container];
    if (value->kind == UN_PICKLE_CALL &&
        m->pickle->values[value->call.function].kind == UN_PICKLE_OTHER)
        /* of a class that is not known, but it is a list or a dict, too */
        *value = (struct un_pickle_value){.kind = (uint8_t)kind};
    if (value->kind != kind) {
        /* objects of a known kind that are lists or dicts, too, keep no weights there */
        if (value->kind == UN_PICKLE_CALL) {
            m->stack_count = first;
            return UNET_OK;
        }
        return un_pickle_fail(m, "adds items to %s", un_pickle_kind_name(value));
    }
    if (kind == UN_PICKLE_DICT && (m->stack_count - first) % 2)
        return un_pickle_fail(m, "a dict with a key and no value");
    return move_items(m, container, first);
}

OPERATION(add_from_mark)
{
    uint32_t first;
    unet_code code = un_pickle_pop_mark(m, &first);
    return code ? code : add_items(m, o->argument, first);
}

/* One item to a list, one key and its value to a dict. */
OPERATION(add_one)
{
    uint32_t count = o->argument == UN_PICKLE_DICT ? 2 : 1;
    return add_items(m, o->argument, m->stack_count > count ? m->stack_count - count : 0);
}

/* ---- the stack and the memo ---- */

OPERATION(mark)
{
    (void)o;
    return un_pickle_put_mark(m);
}

OPERATION(pop)
{
    (void)o;
    uint32_t value;
    if (m->mark_count && m->stack_count == un_pickle_floor(m)) /* POP of a mark takes the mark */
        return un_pickle_pop_mark(m, &value);
    return un_pickle_pop(m, &value);
}

OPERATION(pop_to_mark)
{
    (void)o;
    return un_pickle_pop_mark(m, &m->stack_count);
}

OPERATION(duplicate)
{
    (void)o;
    uint32_t value;
    unet_code code = un_pickle_top(m, &value);
    return code ? code : un_pickle_push(m, value);
}

OPERATION(memo_put)
{
    return un_pickle_memo_put(m, o->number);
}

OPERATION(memo_get)
{
    return un_pickle_memo_get(m, o->number);
}

OPERATION(memo_put_next)
{
    (void)o;
    return un_pickle_memo_put(m, m->memo_count);
}

static unet_code memo_line(struct un_pickle_machine *m, const struct un_pickle_operand *o,
                           int64_t *number)
{
    char text[48], *end;
    *number = strtoll(number_text(o, text), &end, 10);
    return end == text || *end ? un_pickle_fail(m, "\"%.40s\" is no integer", text) : UNET_OK;
}

OPERATION(memo_put_text)
{
    int64_t number;
    unet_code code = memo_line(m, o, &number);
    return code ? code : un_pickle_memo_put(m, number);
}

OPERATION(memo_get_text)
{
    int64_t number;
    unet_code code = memo_line(m, o, &number);
    return code ? code : un_pickle_memo_get(m, number);
}

OPERATION(push_persistent)
{
    (void)o;
    struct un_pickle_value value = {.kind = UN_PICKLE_PERSISTENT};
    unet_code code = un_pickle_pop(m, &value.call.arguments);
    return code ? code : un_pickle_push_new(m, value);
}

OPERATION(stop)
{
    (void)o;
    m->stopped = true;
    return UNET_OK;
}

/* ---- all of them, with the names of Python's pickletools ---- */

static const struct un_pickle_op table[256] = {
    [0x80] = {check_protocol, UN_OPERAND_U8, 0},                     /* PROTO */
    [0x95] = {do_nothing, UN_OPERAND_U64, 0},                        /* FRAME */
    ['('] = {mark, UN_OPERAND_NONE, 0},                              /* MARK */
    ['0'] = {pop, UN_OPERAND_NONE, 0},                               /* POP */
    ['1'] = {pop_to_mark, UN_OPERAND_NONE, 0},                       /* POP_MARK */
    ['2'] = {duplicate, UN_OPERAND_NONE, 0},                         /* DUP */
    ['.'] = {stop, UN_OPERAND_NONE, 0},                              /* STOP */
    ['N'] = {push_fixed, UN_OPERAND_NONE, UN_PICKLE_VALUE_NONE},     /* NONE */
    [0x88] = {push_fixed, UN_OPERAND_NONE, UN_PICKLE_VALUE_TRUE},    /* NEWTRUE */
    [0x89] = {push_fixed, UN_OPERAND_NONE, UN_PICKLE_VALUE_FALSE},   /* NEWFALSE */
    ['J'] = {push_int, UN_OPERAND_I32, 0},                           /* BININT */
    ['K'] = {push_int, UN_OPERAND_U8, 0},                            /* BININT1 */
    ['M'] = {push_int, UN_OPERAND_U16, 0},                           /* BININT2 */
    ['I'] = {push_int_text, UN_OPERAND_LINE, 0},                     /* INT */
    ['L'] = {push_int_text, UN_OPERAND_LINE, 0},                     /* LONG */
    [0x8a] = {push_long, UN_OPERAND_DATA8, 0},                       /* LONG1 */
    [0x8b] = {push_long, UN_OPERAND_DATA32, 0},                      /* LONG4 */
    ['G'] = {push_real, UN_OPERAND_REAL, 0},                         /* BINFLOAT */
    ['F'] = {push_real_text, UN_OPERAND_LINE, 0},                    /* FLOAT */
    ['X'] = {push_text, UN_OPERAND_DATA32, UN_PICKLE_TEXT},          /* BINUNICODE */
    [0x8c] = {push_text, UN_OPERAND_DATA8, UN_PICKLE_TEXT},          /* SHORT_BINUNICODE */
    [0x8d] = {push_text, UN_OPERAND_DATA64, UN_PICKLE_TEXT},         /* BINUNICODE8 */
    ['V'] = {push_text, UN_OPERAND_LINE, UN_PICKLE_TEXT},            /* UNICODE */
    ['T'] = {push_text, UN_OPERAND_DATA32, UN_PICKLE_TEXT},          /* BINSTRING */
    ['U'] = {push_text, UN_OPERAND_DATA8, UN_PICKLE_TEXT},           /* SHORT_BINSTRING */
    ['S'] = {push_quoted, UN_OPERAND_LINE, UN_PICKLE_TEXT},          /* STRING */
    ['B'] = {push_text, UN_OPERAND_DATA32, UN_PICKLE_BYTES},         /* BINBYTES */
    ['C'] = {push_text, UN_OPERAND_DATA8, UN_PICKLE_BYTES},          /* SHORT_BINBYTES */
    [0x8e] = {push_text, UN_OPERAND_DATA64, UN_PICKLE_BYTES},        /* BINBYTES8 */
    [0x96] = {push_text, UN_OPERAND_DATA64, UN_PICKLE_BYTES},        /* BYTEARRAY8 */
    [']'] = {push_empty, UN_OPERAND_NONE, UN_PICKLE_LIST},           /* EMPTY_LIST */
    ['}'] = {push_empty, UN_OPERAND_NONE, UN_PICKLE_DICT},           /* EMPTY_DICT */
    [0x8f] = {push_empty, UN_OPERAND_NONE, UN_PICKLE_SET},           /* EMPTY_SET */
    [')'] = {push_fixed, UN_OPERAND_NONE, UN_PICKLE_VALUE_NO_ITEMS}, /* EMPTY_TUPLE */
    ['t'] = {push_from_mark, UN_OPERAND_NONE, UN_PICKLE_TUPLE},      /* TUPLE */
    ['l'] = {push_from_mark, UN_OPERAND_NONE, UN_PICKLE_LIST},       /* LIST */
    ['d'] = {push_from_mark, UN_OPERAND_NONE, UN_PICKLE_DICT},       /* DICT */
    [0x91] = {push_from_mark, UN_OPERAND_NONE, UN_PICKLE_SET},       /* FROZENSET */
    [0x85] = {push_tuple, UN_OPERAND_NONE, 1},                       /* TUPLE1 */
    [0x86] = {push_tuple, UN_OPERAND_NONE, 2},                       /* TUPLE2 */
    [0x87] = {push_tuple, UN_OPERAND_NONE, 3},                       /* TUPLE3 */
    ['a'] = {add_one, UN_OPERAND_NONE, UN_PICKLE_LIST},              /* APPEND */
    ['e'] = {add_from_mark, UN_OPERAND_NONE, UN_PICKLE_LIST},        /* APPENDS */
    ['s'] = {add_one, UN_OPERAND_NONE, UN_PICKLE_DICT},              /* SETITEM */
    ['u'] = {add_from_mark, UN_OPERAND_NONE, UN_PICKLE_DICT},        /* SETITEMS */
    [0x90] = {add_from_mark, UN_OPERAND_NONE, UN_PICKLE_SET},        /* ADDITEMS */
    ['q'] = {memo_put, UN_OPERAND_U8, 0},                            /* BINPUT */
    ['r'] = {memo_put, UN_OPERAND_U32, 0},                           /* LONG_BINPUT */
    [0x94] = {memo_put_next, UN_OPERAND_NONE, 0},                    /* MEMOIZE */
    ['p'] = {memo_put_text, UN_OPERAND_LINE, 0},                     /* PUT */
    ['h'] = {memo_get, UN_OPERAND_U8, 0},                            /* BINGET */
    ['j'] = {memo_get, UN_OPERAND_U32, 0},                           /* LONG_BINGET */
    ['g'] = {memo_get_text, UN_OPERAND_LINE, 0},                     /* GET */
    ['Q'] = {push_persistent, UN_OPERAND_NONE, 0},                   /* BINPERSID */
    ['c'] = {un_pickle_op_global, UN_OPERAND_LINES, 0},              /* GLOBAL */
    [0x93] = {un_pickle_op_stack_global, UN_OPERAND_NONE, 0},        /* STACK_GLOBAL */
    ['R'] = {un_pickle_op_reduce, UN_OPERAND_NONE, 0},               /* REDUCE */
    [0x81] = {un_pickle_op_newobj, UN_OPERAND_NONE, 0},              /* NEWOBJ */
    [0x92] = {un_pickle_op_newobj_ex, UN_OPERAND_NONE, 0},           /* NEWOBJ_EX */
    ['b'] = {un_pickle_op_build, UN_OPERAND_NONE, 0},                /* BUILD */
};

const struct un_pickle_op *un_pickle_op_find(unsigned char byte)
{
    return table[byte].run ? &table[byte] : NULL;
}
