/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnx_table.h - an ONNX file as a table of nodes, values and tensors
 *
 * Values are what nodes read and make, each with its name.  After un_onnx_table_read(), every value
 * that a node reads is a stored tensor, the network's input, or made by a node before it, so
 * whoever goes through the nodes in their order meets nothing unknown and no circles.
 */
#ifndef UN_ONNX_TABLE_H
#define UN_ONNX_TABLE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "weights/arrays.h"
#include "weights/onnx/protobuf.h"

/*
 * A U-Net of depth 6 has some 200 nodes, with all the arithmetic on shapes that exporters add a few
 * thousand.  With these bounds no file makes the table take more than some 20 MB.
 */
enum { UN_ONNX_MAX_NODES = 20000, UN_ONNX_MAX_NAMES = 100000, UN_ONNX_MAX_NAME = 400 };

struct un_onnx_tensor {
    struct un_slice name, message;
    int type; /* ONNX's number of the type of its values */
    int dims;
    size_t shape[UN_ARRAY_MAX_DIMS];
    size_t count;              /* the product of shape */
    bool external;             /* its values lie in another file */
    bool refused;              /* it has been looked at and is of no use as stored numbers */
    const unsigned char *data; /* un_onnx_tensor_load() finds it */
};

struct un_onnx_node {
    struct un_slice op, domain, name, message;
    int first_input, inputs;   /* in table->refs; left out at the end: fewer */
    int first_output, outputs; /* the same */
    bool needed;               /* for the network's output */
};

struct un_onnx_value {
    struct un_slice name;
    int maker;   /* the node, -1: none */
    int tensor;  /* -1: none */
    bool spread; /* the tensor's only number, repeated */
};

struct un_onnx_table {
    const char *path;
    struct un_arena arena;
    struct un_onnx_node *nodes;
    struct un_onnx_value *values;
    struct un_onnx_tensor *tensors;
    int *refs; /* numbers of values, -1: left out */
    int node_count, value_count, tensor_count, ref_count;
    int input, output;        /* values */
    int opset;                /* version of the operators */
    struct un_slice metadata; /* of key "unet"; at NULL: there is none */
    bool beside;              /* path is a file, beside which others with values may lie */
    struct un_onnx_file *files;
    int file_count;
};

/* The table points into the bytes; the caller releases its arena and un_onnx_external_release(),
 * also after a failure. */
unet_code un_onnx_table_read(const char *path, const unsigned char *bytes, size_t size,
                             struct un_onnx_table *table, unet_error *err);

/* The value that input i of a node reads, or output i is; -1: there is none. */
int un_onnx_input(const struct un_onnx_table *table, const struct un_onnx_node *node, int i);
int un_onnx_output(const struct un_onnx_table *table, const struct un_onnx_node *node, int i);

/* ---- onnx_tensor.c ---- */

/* Reads a tensor's name, type and shape. */
unet_code un_onnx_tensor_read(const char *path, struct un_slice message,
                              struct un_onnx_tensor *tensor, unet_error *err);

/*
 * The tensor as an array without a name; its values lie in the file or, when the file spreads them
 * out, once in the table's arena.  UNET_EFORMAT, UNET_ENOMEM.
 */
unet_code un_onnx_tensor_load(struct un_onnx_table *table, int tensor, struct un_array *array,
                              unet_error *err);

/* ---- onnx_external.c: values in files beside the model's ---- */

/*
 * Finds the data of a tensor, so many bytes, in a file that lies in the model's folder or below it;
 * files stay open with the table.  UNET_EFORMAT, UNET_EIO, UNET_ENOMEM.
 */
unet_code un_onnx_external(struct un_onnx_table *table, struct un_onnx_tensor *tensor, size_t bytes,
                           unet_error *err);

/* The sizes of the files together. */
size_t un_onnx_external_bytes(const struct un_onnx_table *table);

void un_onnx_external_release(struct un_onnx_table *table);

/* ---- onnx_tensor.c: attributes, numbers ---- */

/*
 * Attributes of a node.  Whole numbers: as many as there are, at most `most`; one or many.  -1:
 * there is no such attribute.
 */
int un_onnx_ints(const struct un_onnx_node *node, const char *name, int most, int64_t *values);
int64_t un_onnx_int(const struct un_onnx_node *node, const char *name, int64_t otherwise);
float un_onnx_float(const struct un_onnx_node *node, const char *name, float otherwise);
/* The bytes of a text (field 4 of an attribute) or a tensor (field 5); false: there is none. */
bool un_onnx_bytes(const struct un_onnx_node *node, const char *name, uint32_t field,
                   struct un_slice *bytes);
/* Whether the text attribute is `word`; when there is none, whether `otherwise` is. */
bool un_onnx_word(const struct un_onnx_node *node, const char *name, const char *otherwise,
                  const char *word);

/*
 * The numbers of a value that is stored, as many as there are, at most `most`.  -1: the value is
 * not stored, is of another type or has more.
 */
int un_onnx_stored_ints(struct un_onnx_table *table, int value, int most, int64_t *values);
int un_onnx_stored_floats(struct un_onnx_table *table, int value, int most, float *values);

#endif
