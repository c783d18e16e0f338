/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: a stack, marks in it, and a memo of values that are used again.  Marks are heights
 * of the stack.  What lies below the last mark cannot be taken before the mark is.
 *
 * PyTorch numbers the memo one after the other, and each entry costs two bytes or more of input, so
 * a number beyond half of what was read so far is refused: the memo stays small.
 */
#include "weights/torch/pickle_machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

unet_code un_pickle_fail(struct un_pickle_machine *m, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    un_decimal_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    return un_fail(m->err, UNET_EFORMAT, "%s: pickle: byte %zu: %s", m->path, m->start, text);
}

unet_code un_pickle_fail_room(struct un_pickle_machine *m)
{
    if (m->pickle->value_count >= UN_PICKLE_MAX_VALUES ||
        m->pickle->cell_count >= UN_PICKLE_MAX_VALUES || m->stack_count >= UN_PICKLE_MAX_VALUES)
        return un_pickle_fail(m, "has more than %d values", UN_PICKLE_MAX_VALUES);
    return un_fail(m->err, UNET_ENOMEM, "%s: no memory for what its pickle describes", m->path);
}

static bool make_room(uint32_t **numbers, uint32_t *room, uint32_t wanted)
{
    if (wanted <= *room)
        return true;
    if (wanted > UN_PICKLE_MAX_VALUES)
        return false;
    uint32_t more = *room ? *room : 64;
    while (more < wanted)
        more *= 2;
    uint32_t *made = realloc(*numbers, more * sizeof *made);
    if (!made)
        return false;
    *numbers = made;
    *room = more;
    return true;
}

unet_code un_pickle_push(struct un_pickle_machine *m, uint32_t value)
{
    if (!make_room(&m->stack, &m->stack_room, m->stack_count + 1))
        return un_pickle_fail_room(m);
    m->stack[m->stack_count++] = value;
    return UNET_OK;
}

unet_code un_pickle_push_new(struct un_pickle_machine *m, struct un_pickle_value value)
{
    uint32_t number = un_pickle_add(m->pickle, value);
    return number ? un_pickle_push(m, number) : un_pickle_fail_room(m);
}

unet_code un_pickle_top(struct un_pickle_machine *m, uint32_t *value)
{
    if (m->stack_count <= un_pickle_floor(m))
        return un_pickle_fail(m, "takes a value from an empty stack");
    *value = m->stack[m->stack_count - 1];
    return UNET_OK;
}

unet_code un_pickle_pop(struct un_pickle_machine *m, uint32_t *value)
{
    unet_code code = un_pickle_top(m, value);
    if (!code)
        m->stack_count--;
    return code;
}

unet_code un_pickle_put_mark(struct un_pickle_machine *m)
{
    if (!make_room(&m->marks, &m->mark_room, m->mark_count + 1))
        return un_pickle_fail(m, "has more than %d marks", UN_PICKLE_MAX_VALUES);
    m->marks[m->mark_count++] = m->stack_count;
    return UNET_OK;
}

unet_code un_pickle_pop_mark(struct un_pickle_machine *m, uint32_t *first)
{
    if (!m->mark_count)
        return un_pickle_fail(m, "wants a mark on the stack, there is none");
    *first = m->marks[--m->mark_count];
    return UNET_OK;
}

unet_code un_pickle_memo_put(struct un_pickle_machine *m, int64_t number)
{
    uint32_t value = 0;
    unet_code code = un_pickle_top(m, &value);
    if (code)
        return code;
    if (number < 0 || (uint64_t)number > m->at / 2)
        return un_pickle_fail(m, "memo entry %lld, PyTorch counts them from 0", (long long)number);
    if (!make_room(&m->memo, &m->memo_room, (uint32_t)number + 1))
        return un_pickle_fail(m, "has more than %d memo entries", UN_PICKLE_MAX_VALUES);
    while (m->memo_count <= (uint32_t)number)
        m->memo[m->memo_count++] = 0;
    m->memo[number] = value + 1;
    return UNET_OK;
}

unet_code un_pickle_memo_get(struct un_pickle_machine *m, int64_t number)
{
    if (number < 0 || number >= m->memo_count || !m->memo[number])
        return un_pickle_fail(m, "asks for memo entry %lld, which is not set", (long long)number);
    return un_pickle_push(m, m->memo[number] - 1);
}

/* ---- operands ---- */

static unet_code take(struct un_pickle_machine *m, uint64_t size, const unsigned char **bytes)
{
    if (size > m->size - m->at)
        return un_pickle_fail(m, "needs %llu bytes, %zu are left (is the file cut short?)",
                              (unsigned long long)size, m->size - m->at);
    *bytes = m->bytes + m->at;
    m->at += (size_t)size;
    return UNET_OK;
}

static unet_code take_number(struct un_pickle_machine *m, int size, uint64_t *number)
{
    const unsigned char *bytes = NULL;
    unet_code code = take(m, (uint64_t)size, &bytes);
    *number = 0;
    for (int i = 0; i < size && !code; i++)
        *number |= (uint64_t)bytes[i] << 8 * i;
    return code;
}

static unet_code take_line(struct un_pickle_machine *m, const char **text, size_t *size)
{
    const unsigned char *bytes = m->bytes + m->at;
    const unsigned char *end = memchr(bytes, '\n', m->size - m->at);
    if (!end)
        return un_pickle_fail(m, "a line without an end (is the file cut short?)");
    *text = (const char *)bytes;
    *size = (size_t)(end - bytes);
    m->at += *size + 1;
    return UNET_OK;
}

static unet_code take_data(struct un_pickle_machine *m, int size_bytes,
                           struct un_pickle_operand *operand)
{
    uint64_t size;
    const unsigned char *bytes = NULL;
    unet_code code = take_number(m, size_bytes, &size);
    if (!code && size > UINT32_MAX)
        code = un_pickle_fail(m, "a text of %llu bytes, at most %u are read",
                              (unsigned long long)size, UINT32_MAX);
    if (code || (code = take(m, size, &bytes)))
        return code;
    operand->text = (const char *)bytes;
    operand->size = (size_t)size;
    return UNET_OK;
}

static unet_code take_real(struct un_pickle_machine *m, double *real)
{
    uint64_t bits;
    unet_code code = take_number(m, 8, &bits);
    bits = __builtin_bswap64(bits);
    memcpy(real, &bits, sizeof bits);
    return code;
}

static unet_code take_operand(struct un_pickle_machine *m, enum un_pickle_operand_kind kind,
                              struct un_pickle_operand *operand)
{
    static const struct {
        int number, data; /* bytes of a number; of the size of data */
    } sizes[] = {
        [UN_OPERAND_U8] = {1, 0},     [UN_OPERAND_U16] = {2, 0},   [UN_OPERAND_I32] = {4, 0},
        [UN_OPERAND_U32] = {4, 0},    [UN_OPERAND_U64] = {8, 0},   [UN_OPERAND_DATA8] = {0, 1},
        [UN_OPERAND_DATA32] = {0, 4}, [UN_OPERAND_DATA64] = {0, 8}};
    unet_code code = UNET_OK;
    uint64_t number = 0;
    if (kind == UN_OPERAND_REAL)
        code = take_real(m, &operand->real);
    else if (kind == UN_OPERAND_LINE || kind == UN_OPERAND_LINES)
        code = take_line(m, &operand->text, &operand->size);
    else if (sizes[kind].data)
        code = take_data(m, sizes[kind].data, operand);
    else
        code = take_number(m, sizes[kind].number, &number);
    if (!code && kind == UN_OPERAND_LINES)
        code = take_line(m, &operand->second, &operand->second_size);
    operand->number = kind == UN_OPERAND_I32 ? (int32_t)number : (int64_t)number;
    return code;
}

/* ---- running ---- */

static unet_code step(struct un_pickle_machine *m)
{
    m->start = m->at;
    if (m->at >= m->size)
        return un_pickle_fail(m, "ends before its last operation (is the file cut short?)");
    unsigned char byte = m->bytes[m->at++];
    const struct un_pickle_op *op = un_pickle_op_find(byte);
    if (!op)
        return un_pickle_fail(m, "operation 0x%02x, which torch.save() does not write", byte);
    struct un_pickle_operand operand = {.argument = op->argument};
    unet_code code = take_operand(m, op->operand, &operand);
    return code ? code : op->run(m, &operand);
}

static bool add_fixed_values(struct un_pickle *pickle)
{
    const struct un_pickle_value fixed[] = {
        [UN_PICKLE_VALUE_NONE] = {.kind = UN_PICKLE_NONE},
        [UN_PICKLE_VALUE_TRUE] = {.kind = UN_PICKLE_BOOL, .integer = 1},
        [UN_PICKLE_VALUE_FALSE] = {.kind = UN_PICKLE_BOOL, .integer = 0},
        [UN_PICKLE_VALUE_NO_ITEMS] = {.kind = UN_PICKLE_TUPLE},
    };
    for (uint32_t i = 0; i < UN_PICKLE_FIRST_VALUE; i++)
        if (un_pickle_add(pickle, fixed[i]) != i || !pickle->values)
            return false;
    return true;
}

unet_code un_pickle_parse(const char *path, const unsigned char *bytes, size_t size, bool script,
                          struct un_pickle *pickle, unet_error *err)
{
    struct un_pickle made = {0};
    struct un_pickle_machine m = {
        .path = path, .bytes = bytes, .size = size, .script = script, .pickle = &made, .err = err};
    unet_code code = add_fixed_values(&made) ? UNET_OK : un_pickle_fail_room(&m);
    while (!code && !m.stopped)
        code = step(&m);
    if (!code)
        code = un_pickle_pop(&m, &made.root);
    free(m.stack);
    free(m.marks);
    free(m.memo);
    made.used = m.at;
    if (code)
        un_pickle_release(&made);
    else
        *pickle = made;
    return code;
}
