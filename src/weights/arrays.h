/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrays.h - named arrays of numbers from a file of any format
 *
 * un_arrays_open() tells the format by the file's first bytes and hands it to its reader; whoever
 * takes weights from a file sees this table and nothing of the format.  Each format is one reader:
 *
 *   safetensors.c  safetensors
 *   torch.c        PyTorch: zip archive (TorchScript, too), legacy stream, tar
 *   onnx.c         ONNX
 *   keras.c        Keras: .keras and .h5
 *
 * The readers take nothing on trust: every value that shape and stride reach lies in memory that
 * belongs to the table, and what they allocate is bounded by a small multiple of the file's size.
 * Nothing in a file is ever executed.
 */
#ifndef UN_ARRAYS_H
#define UN_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/hooks.h"

/* ---- dtype.c: the number types of model files, and how they become floats ---- */

struct un_dtype {
    const char *name; /* as safetensors calls it: "F32" */
    int bytes;        /* of one value */
    /*
     * Converts count little-endian values at any alignment; what a float cannot hold becomes
     * infinite.  NULL: not a type in which weights are kept.
     */
    void (*to_float)(const unsigned char *src, size_t count, float *dst);
};

/* NULL: no type has this name. */
const struct un_dtype *un_dtype_find(const char *name);

/* ---- arrays ---- */

enum { UN_ARRAY_MAX_DIMS = 8 }; /* more: UNET_EFORMAT */

struct un_mapping;

struct un_array {
    const char *name;   /* "enc_0.conv_block.0.weight" */
    const char *key;    /* in name, behind the dicts around the array: of {"model": {"up.bias": ..}}
                           it is "up.bias"; name itself where a file has no such dicts */
    const char *object; /* the class of the object that it lies in, whose code alone would say what
                           it is for; NULL: in none */
    const struct un_dtype *dtype;
    int dims; /* 0: a single value */
    size_t shape[UN_ARRAY_MAX_DIMS];
    size_t stride[UN_ARRAY_MAX_DIMS]; /* in values */
    size_t offset;                    /* values between the start of its storage and data */
    size_t count;                     /* the product of shape */
    const unsigned char *data;        /* the first value, at any alignment, little-endian */
};

/*
 * What a file says about the network besides names and shapes.  A field that the file does not tell
 * is -1 (slope, epsilon: NAN), so that a default or the user decides.
 */
struct un_hints {
    int padding;    /* unet_padding */
    int norm_order; /* unet_norm_order */
    int single_act; /* as in unet_spec */
    int act;        /* unet_act */
    float leaky_slope;
    float norm_epsilon;
    int instance_groups; /* 0: instance norm, > 0: group norm with so many groups */
    int up;              /* unet_up; of networks without transposed convolutions */
    int align_corners;
    int up_act;
    int concat;              /* unet_concat */
    int down;                /* unet_down */
    float scale, shift;      /* sample * scale + shift is the network's input */
    bool sigmoid;            /* each output is a probability by itself */
    const char *stranger;    /* something in the file that no unet_spec has: "ELU"; NULL: nothing */
    const char *strange_act; /* the same of the words beside the arrays, which may be wrong: who
                                knows the activation says so */
};

struct un_arrays {
    const char *format;     /* for people: "PyTorch, zip" */
    struct un_array *items; /* [count], in the order of the file; of ONNX: in the order of use */
    int count;
    bool ordered;         /* the order is that in which the network was written down or runs, so it
                             may settle what names and shapes leave open */
    bool one_network;     /* all of them are of one network, which the format writes down whole */
    bool sparse_biases;   /* the format leaves out biases of zero */
    const char *metadata; /* this project's own JSON about the model, NULL: there is none */
    struct un_hints hints;
    size_t size;                      /* of the files, 0: not known */
    struct un_made *made;             /* arrays that are in no file, freed with the table */
    const struct un_mapping *mapping; /* of which the data are parts, NULL: not known */
    void *owner;                      /* the reader's own */
    void (*release)(void *owner);
};

/* Memory from malloc, values behind it. */
struct un_made {
    struct un_made *next;
};

/* Everything unknown. */
struct un_hints un_hints_none(void);

/* Takes what a setting beside the arrays says of the activation, if it does (arrays_words.c). */
void un_hints_take_text(struct un_hints *hints, const char *key, const char *text);
void un_hints_take_number(struct un_hints *hints, const char *key, double number);

/*
 * The arrays of the network in a file, under the names that the network gives them
 * (un_arrays_select()).  The caller releases *arrays.  UNET_EIO, UNET_ENOMEM; UNET_EFORMAT names
 * the file, what was found and what was wanted.
 */
unet_code un_arrays_open(const char *path, struct un_arrays *arrays, unet_error *err);
void un_arrays_release(struct un_arrays *arrays);

/* ---- arrays_select.c: which arrays are the network's ---- */

/*
 * Keeps the arrays of the network, under its own names: those below prefix ("student"; NULL or "":
 * not told), or else as un_arrays_select_network().  Tells log (may be NULL) of another copy of the
 * network that is left.  UNET_EFORMAT: nothing lies below prefix, two copies in dicts of one name,
 * or they lie in an object, whose class alone would say what they are; UNET_ENOMEM.
 */
unet_code un_arrays_select(const char *path, const char *prefix, const unet_log *log,
                           struct un_arrays *arrays, unet_error *err);

/* Says that weights lie in an object of this class. */
unet_code un_fail_object(const char *path, const char *object, unet_error *err);

/* As un_arrays_open(), but every array of the file, under its full name. */
unet_code un_arrays_open_all(const char *path, struct un_arrays *arrays, unet_error *err);

/*
 * Of a checkpoint, keeps the arrays of its network: those in a dict of a usual name
 * ("state_dict", "model"...), when there is one; else all of them.  Then drops what all names begin
 * with and the network does not know of ("module.", "_orig_mod.", "model."...).
 */
void un_arrays_select_network(struct un_arrays *arrays);

/* Keeps what lies below prefix, without it; returns how many, 0: none does, and nothing changed. */
int un_arrays_keep(struct un_arrays *arrays, const char *prefix, size_t prefix_size);

/* Whether a network is usually kept under this name by what surrounds it: "model", "net". */
bool un_arrays_usual_wrapper(const char *name, size_t size);

/* NULL: there is none of this name. */
const struct un_array *un_arrays_find(const struct un_arrays *arrays, const char *name);

/*
 * The values of an array of type F64, F32, F16 or BF16 in C order as values[array->count]; what
 * float cannot hold becomes infinite.  path begins a message.  UNET_EFORMAT for other types and for
 * values that are not finite; then values may have been written in part.
 */
unet_code un_array_to_float(const char *path, const struct un_array *array, float *values,
                            unet_error *err);

/* Whether the values lie one behind the other in C order. */
bool un_array_is_contiguous(const struct un_array *array);

/* Fills shape and stride for values one behind the other; false: more than size_t counts. */
bool un_array_set_shape(struct un_array *array, int dims, const size_t *shape);

/* "[2, 1, 3, 3]" for a message; returns text. */
enum { UN_SHAPE_TEXT = 24 * UN_ARRAY_MAX_DIMS };
const char *un_shape_text(int dims, const size_t *shape, char text[UN_SHAPE_TEXT]);

#endif
