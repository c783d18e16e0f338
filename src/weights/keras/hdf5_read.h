/* SPDX-License-Identifier: Apache-2.0 */
/* hdf5_read.h - the parts of an HDF5 file, each held against the file's end; see hdf5.h */
#ifndef UN_HDF5_READ_H
#define UN_HDF5_READ_H

#include <stdint.h>

#include "weights/arrays.h"

struct un_hdf5_file {
    const char *path;
    const unsigned char *bytes;
    size_t size;
    uint64_t base; /* addresses count from here */
    int steps;     /* messages and texts that have been looked at, all together */
    unet_code code;
    unet_error *err;
};

/* "path: HDF5: ..."; returns file->code, which is set. */
unet_code un_hdf5_fail(struct un_hdf5_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Bytes that are read from their front. */
struct un_hdf5_part {
    const unsigned char *at, *end;
};

/* All functions return file->code. */

unet_code un_hdf5_superblock(struct un_hdf5_file *file, uint64_t *root);

/* ---- object headers ---- */

enum {
    UN_HDF5_SPACE = 1,
    UN_HDF5_LINK_INFO = 2,
    UN_HDF5_TYPE = 3,
    UN_HDF5_LINK = 6,
    UN_HDF5_EXTERNAL = 7,
    UN_HDF5_LAYOUT = 8,
    UN_HDF5_FILTERS = 11,
    UN_HDF5_ATTRIBUTE = 12,
    UN_HDF5_MORE = 16,
    UN_HDF5_TABLE = 17,
};

enum { UN_HDF5_CHUNKS = 64 };

struct un_hdf5_messages {
    int version;                                /* of the header: 1, 2 */
    bool ordered;                               /* 2: each message has a number */
    struct un_hdf5_part part;                   /* of the present chunk */
    struct un_hdf5_part chunks[UN_HDF5_CHUNKS]; /* those to come */
    int first, count;
};

struct un_hdf5_message {
    int type;
    struct un_hdf5_part part;
};

unet_code un_hdf5_messages(struct un_hdf5_file *file, uint64_t at, struct un_hdf5_messages *all);
/* false: there is none any more, or file->code is set. */
bool un_hdf5_next(struct un_hdf5_file *file, struct un_hdf5_messages *all,
                  struct un_hdf5_message *message);

/* ---- what messages say ---- */

struct un_hdf5_space {
    int dims;
    uint64_t sides[UN_ARRAY_MAX_DIMS];
};

struct un_hdf5_type {
    const struct un_dtype *dtype; /* NULL: of none that is read as numbers */
    bool text, heaped;            /* a text; one of any length, in a heap */
    size_t bytes;
};

struct un_hdf5_attribute {
    char name[64]; /* "": longer */
    bool text;
    const unsigned char *value;
    size_t bytes;
};

struct un_hdf5_link {
    const char *name; /* [size] */
    size_t size;
    uint64_t at;
    bool soft; /* leads to a name, or to another file */
};

unet_code un_hdf5_space(struct un_hdf5_file *file, struct un_hdf5_part part,
                        struct un_hdf5_space *space);
unet_code un_hdf5_type(struct un_hdf5_file *file, struct un_hdf5_part part,
                       struct un_hdf5_type *type);
unet_code un_hdf5_layout(struct un_hdf5_file *file, struct un_hdf5_part part,
                         const unsigned char **data, size_t *bytes, const char **unread);
unet_code un_hdf5_attribute(struct un_hdf5_file *file, struct un_hdf5_part part,
                            struct un_hdf5_attribute *attribute);
unet_code un_hdf5_table(struct un_hdf5_file *file, struct un_hdf5_part part, uint64_t *tree,
                        uint64_t *heap);
unet_code un_hdf5_link(struct un_hdf5_file *file, struct un_hdf5_part part,
                       struct un_hdf5_link *link);
/* elsewhere: its links are in a heap of the newer kind, which is not read. */
unet_code un_hdf5_link_info(struct un_hdf5_file *file, struct un_hdf5_part part, bool *elsewhere);

/* ---- groups ---- */

struct un_hdf5_tree {
    int level, count;
    const unsigned char *entries;
};

struct un_hdf5_symbols {
    int count;
    const unsigned char *entries, *names, *names_end;
};

struct un_hdf5_symbol {
    const char *name; /* [size] */
    size_t size;
    uint64_t at;
    bool soft;
};

unet_code un_hdf5_tree(struct un_hdf5_file *file, uint64_t at, struct un_hdf5_tree *tree);
uint64_t un_hdf5_child(const struct un_hdf5_tree *tree, int i);
unet_code un_hdf5_symbols(struct un_hdf5_file *file, uint64_t at, uint64_t heap,
                          struct un_hdf5_symbols *symbols);
unet_code un_hdf5_symbol(struct un_hdf5_file *file, const struct un_hdf5_symbols *symbols, int i,
                         struct un_hdf5_symbol *symbol);

#endif
