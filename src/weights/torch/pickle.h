/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle.h - what a Python pickle describes, as data
 *
 * A pickle is a program for a small stack machine that makes values.  Python's machine may call any
 * function that a pickle names.  This one calls nothing: a call stays a value that says which
 * function was to get which arguments, and only names from a fixed list (pickle_globals.c) are
 * taken at all.  Every other name is an error that tells it.
 *
 * Values are numbered and refer to each other by number.  What is made is bounded by the input:
 * each operation makes at most a few small values, and UN_PICKLE_MAX_VALUES ends it.  Nothing
 * recurses here; whoever walks the values must expect that they are nested deeply, that they are
 * reached on many ways, and that they contain themselves.
 *
 * pickle_machine.c is the loop over operations, pickle_ops.c what each does, pickle_call.c those
 * that name and call, pickle_globals.c the names that are taken, pickle_values.c where values lie.
 */
#ifndef UN_PICKLE_H
#define UN_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    UN_PICKLE_MAX_VALUES = 1 << 22, /* a checkpoint with 1000 arrays has some 30000 */
};

enum un_pickle_kind {
    UN_PICKLE_NONE,
    UN_PICKLE_BOOL,
    UN_PICKLE_INT,
    UN_PICKLE_BIG_INT, /* more than 64 bits: opaque */
    UN_PICKLE_FLOAT,
    UN_PICKLE_TEXT,
    UN_PICKLE_BYTES,
    UN_PICKLE_TUPLE,
    UN_PICKLE_LIST,
    UN_PICKLE_SET,
    UN_PICKLE_DICT,
    UN_PICKLE_GLOBAL,     /* a name from the list */
    UN_PICKLE_OTHER,      /* a name that is not on the list: nothing is known of it */
    UN_PICKLE_CLASS,      /* a class of TorchScript: "__torch__.net\nNet" */
    UN_PICKLE_CALL,       /* what a function or class would have made of its arguments */
    UN_PICKLE_PERSISTENT, /* something outside of the pickle: PyTorch's storages */
};

/* What the names of the list are to us. */
enum un_pickle_meaning {
    UN_MEANS_DICT,      /* becomes UN_PICKLE_DICT */
    UN_MEANS_ARGUMENT,  /* becomes its first argument */
    UN_MEANS_OPAQUE,    /* no weights in it */
    UN_MEANS_STORAGE,   /* a type of storage; .dtype is that of its values, NULL: bytes */
    UN_MEANS_DTYPE,     /* .dtype NULL: one that is not read */
    UN_MEANS_TENSOR,    /* (storage, offset, shape, stride, ...) */
    UN_MEANS_TENSOR_V3, /* (storage, offset, shape, stride, requires_grad, hooks, dtype, ...) */
    UN_MEANS_PARAMETER, /* (tensor, ...) */
    UN_MEANS_FROM_TYPE, /* (function, type, arguments, state) */
    UN_MEANS_NOT_READ,  /* .dtype says what it is, for a message */
};

struct un_pickle_global {
    const char *module, *name;
    enum un_pickle_meaning meaning;
    const char *dtype;
};

/* NULL: the list does not have it. */
const struct un_pickle_global *un_pickle_global_find(const char *module, size_t module_size,
                                                     const char *name, size_t name_size);

struct un_pickle_value {
    uint8_t kind;
    uint32_t count; /* of text: bytes; of a container: items, a dict counts keys and values; of a
                       call: the number of its state, 0 (which is None): it has none */
    union {
        int64_t integer; /* BOOL, INT */
        double number;
        const char *text; /* TEXT, BYTES, CLASS, BIG_INT: [count], no zero byte behind it */
        const struct un_pickle_global *global;
        struct {
            uint32_t first, last; /* cells; 0: none */
        } chain;
        struct {
            uint32_t function, arguments; /* values; a tuple.  PERSISTENT: only arguments, any */
        } call;
        struct {
            uint32_t module, name; /* values, texts */
        } other;
    };
};

/* The items of a container hang together; those of a dict are key, value, key, value... */
struct un_pickle_cell {
    uint32_t value, next; /* next 0: the last */
};

struct un_pickle {
    struct un_pickle_value *values;
    struct un_pickle_cell *cells;
    uint32_t value_count, cell_count;
    uint32_t value_room, cell_room;
    uint32_t root; /* what the pickle describes */
    size_t used;   /* its bytes, to the end of its last operation */
};

/*
 * Parses the pickle at the start of bytes, which must outlive *pickle; path begins every message.
 * script: take classes of TorchScript.  The caller releases *pickle.  UNET_EFORMAT, UNET_ENOMEM.
 */
unet_code un_pickle_parse(const char *path, const unsigned char *bytes, size_t size, bool script,
                          struct un_pickle *pickle, unet_error *err);
void un_pickle_release(struct un_pickle *pickle);

/* Item i of a tuple or list; NULL: value is none, or has fewer. */
const struct un_pickle_value *un_pickle_item(const struct un_pickle *pickle,
                                             const struct un_pickle_value *value, uint32_t i);

/* What a dict has under a key; NULL: value is no dict, or has no such key. */
const struct un_pickle_value *un_pickle_get(const struct un_pickle *pickle,
                                            const struct un_pickle_value *value, const char *key);

bool un_pickle_is_text(const struct un_pickle_value *value, const char *text);

/* "a dict", for a message; NULL is "nothing". */
const char *un_pickle_kind_name(const struct un_pickle_value *value);

/* For the machine: number of a new value or cell; 0: there may be no more, or there is no memory.
 */
uint32_t un_pickle_add(struct un_pickle *pickle, struct un_pickle_value value);
bool un_pickle_append(struct un_pickle *pickle, uint32_t container, uint32_t item);

#endif
