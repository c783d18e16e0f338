/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_machine.h - the inside of the pickle reader: its registers, and what operations share
 *
 * pickle_machine.c reads operations and their operands from a table, pickle_ops.c carries them out.
 */
#ifndef UN_PICKLE_MACHINE_H
#define UN_PICKLE_MACHINE_H

#include "weights/torch/pickle.h"

struct un_pickle_machine {
    const char *path;
    const unsigned char *bytes;
    size_t size;
    size_t at;    /* the operation behind this one */
    size_t start; /* of this operation, for messages */
    bool script;
    bool stopped;
    struct un_pickle *pickle;
    uint32_t *stack, *marks, *memo; /* values; heights of the stack; values + 1, 0: not set */
    uint32_t stack_count, mark_count, memo_count;
    uint32_t stack_room, mark_room, memo_room;
    unet_error *err;
};

/* What stands behind an operation's byte.  Texts lie in the input. */
struct un_pickle_operand {
    int64_t number;
    double real;
    const char *text, *second;
    size_t size, second_size;
    int argument; /* from the table: operations that differ in a number share a function */
};

typedef unet_code un_pickle_operation(struct un_pickle_machine *m,
                                      const struct un_pickle_operand *o);

enum {
    /* The values that every pickle has: without them, one byte of input could make many. */
    UN_PICKLE_VALUE_NONE,
    UN_PICKLE_VALUE_TRUE,
    UN_PICKLE_VALUE_FALSE,
    UN_PICKLE_VALUE_NO_ITEMS, /* an empty tuple */
    UN_PICKLE_FIRST_VALUE,
};

/* "PATH: pickle: byte 17: WHAT" */
unet_code un_pickle_fail(struct un_pickle_machine *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
unet_code un_pickle_fail_room(struct un_pickle_machine *m);

/* The height of the stack that the last mark stands at. */
static inline uint32_t un_pickle_floor(const struct un_pickle_machine *m)
{
    return m->mark_count ? m->marks[m->mark_count - 1] : 0;
}

unet_code un_pickle_push(struct un_pickle_machine *m, uint32_t value);
unet_code un_pickle_push_new(struct un_pickle_machine *m, struct un_pickle_value value);
/* From above the last mark only. */
unet_code un_pickle_pop(struct un_pickle_machine *m, uint32_t *value);
unet_code un_pickle_top(struct un_pickle_machine *m, uint32_t *value);
/* Takes the last mark away; *first is the height of the stack it stood at. */
unet_code un_pickle_pop_mark(struct un_pickle_machine *m, uint32_t *first);
unet_code un_pickle_put_mark(struct un_pickle_machine *m);
unet_code un_pickle_memo_put(struct un_pickle_machine *m, int64_t number);
unet_code un_pickle_memo_get(struct un_pickle_machine *m, int64_t number);

/* pickle_call.c: names, and what is made of calling them. */
un_pickle_operation un_pickle_op_global, un_pickle_op_stack_global, un_pickle_op_reduce,
    un_pickle_op_newobj, un_pickle_op_newobj_ex, un_pickle_op_build;

/* pickle_ops.c: NULL: there is no such operation. */
enum un_pickle_operand_kind {
    UN_OPERAND_NONE,
    UN_OPERAND_U8,
    UN_OPERAND_U16,
    UN_OPERAND_I32,
    UN_OPERAND_U32,
    UN_OPERAND_U64,
    UN_OPERAND_REAL,  /* 8 bytes, big-endian */
    UN_OPERAND_LINE,  /* a text that ends with a newline */
    UN_OPERAND_LINES, /* two of them */
    UN_OPERAND_DATA8, /* the number of bytes in 1, 4 or 8 bytes, and the bytes */
    UN_OPERAND_DATA32,
    UN_OPERAND_DATA64,
};
struct un_pickle_op {
    un_pickle_operation *run;
    enum un_pickle_operand_kind operand;
    int argument;
};
const struct un_pickle_op *un_pickle_op_find(unsigned char byte);

#endif
