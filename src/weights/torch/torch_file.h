/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch_file.h - a PyTorch file while it is read: what its containers have in common
 *
 * torch_zip.c, torch_legacy.c and torch_tar.c find the pickle and the storages.  torch_list.c walks
 * through what the pickle describes, and torch_tensor.c turns each tensor in it into an array.
 */
#ifndef UN_TORCH_FILE_H
#define UN_TORCH_FILE_H

#include "base/arena.h"
#include "base/ziparchive.h"
#include "weights/arrays.h"
#include "weights/torch/pickle.h"
#include "weights/torch/torch.h"

enum {
    UN_TORCH_MAX_ARRAYS = 1 << 16,
    UN_TORCH_MAX_NAME = 511,
};

/* A piece of memory that tensors lie in. */
struct un_torch_storage {
    const char *key; /* [key_size] */
    size_t key_size;
    const unsigned char *data; /* [bytes]; NULL: a member of the zip that is not read yet */
    size_t bytes;
    int member;
    const struct un_dtype *dtype; /* NULL: who uses it says so */
    size_t offset;                /* bytes from the start of the storage that this is a part of */
};

/* A tensor of a tar archive, which has a list of them. */
struct un_torch_listed {
    int64_t key;
    struct un_array array;
};

struct un_torch_file {
    const char *path;
    unet_error *err;
    struct un_arena arena; /* of what outlives the reading */
    struct un_pickle pickle;
    struct un_zip zip;
    bool script;                       /* TorchScript */
    bool plain_ids;                    /* a storage may be a tuple in the pickle itself */
    struct un_torch_storage *storages; /* [storage_count], by key after un_torch_sort_storages() */
    size_t storage_count;
    struct un_torch_listed *listed; /* [listed_count], by key */
    size_t listed_count;
    struct un_array *items; /* [count]; from malloc */
    int count, room;
    const char *metadata;
    struct un_hints hints;
};

/* Each fills pickle and storages, and in the end the items. */
unet_code un_torch_read_zip(struct un_torch_file *file, const unsigned char *bytes, size_t size);
unet_code un_torch_read_legacy(struct un_torch_file *file, const unsigned char *bytes, size_t size);
unet_code un_torch_read_tar(struct un_torch_file *file, const unsigned char *bytes, size_t size);

/* Sorts them; UNET_EFORMAT: two of a key. */
unet_code un_torch_sort_storages(struct un_torch_file *file);
/* NULL: there is none. */
struct un_torch_storage *un_torch_find_storage(const struct un_torch_file *file, const char *key,
                                               size_t key_size);

/*
 * What a value is, seen as a tensor: *is_tensor false, or *array is filled but for its names.
 * name is what messages call it.
 */
unet_code un_torch_tensor(struct un_torch_file *file, const char *name,
                          const struct un_pickle_value *value, struct un_array *array,
                          bool *is_tensor);

/*
 * Places a tensor in a storage: checks that all values which shape and stride reach lie in it.
 * offset is in values.
 */
unet_code un_torch_locate(struct un_torch_file *file, const char *name,
                          struct un_torch_storage *storage, int64_t offset, struct un_array *array);

/* shape[i] or stride[i] from a number of the file; UNET_EFORMAT: negative. */
unet_code un_torch_side(struct un_torch_file *file, const char *name, const char *what, int i,
                        int64_t number, size_t *side);

/* The number of a tensor or storage of a tar archive, which may be text; false: it is none. */
bool un_torch_number_key(const struct un_pickle_value *value, int64_t *key);
int un_torch_compare_listed(const void *a, const void *b);

/* Lists every tensor that the pickle's root leads to. */
unet_code un_torch_list(struct un_torch_file *file);

/* What the modules of TorchScript tell about the network besides their tensors. */
unet_code un_torch_hints(struct un_torch_file *file, const char *prefix, size_t prefix_size);

/* Old files tell the byte order of the computer that wrote them; it must be ours. */
unet_code un_torch_check_sys_info(struct un_torch_file *file, const struct un_pickle *sys_info);

/* A count of 8 bytes, then the values of a storage, from *at on, where *at is moved behind. */
unet_code un_torch_take_storage(struct un_torch_file *file, const unsigned char *bytes, size_t size,
                                size_t *at, size_t item, struct un_torch_storage *storage);

/* ---- torch_hints.c: what TorchScript tells, while it is collected ---- */

/* A thing that is told twice in different ways is not told at all. */
enum { UN_HINT_CONFLICT = -2 }; /* of real numbers: infinity */

struct un_torch_hints {
    struct un_hints told;
    size_t steps_left;   /* in dicts: few bytes can make many objects of the same attributes */
    bool pads, pads_not; /* some convolution does, does not */
    bool instance_norm;
};

static inline void un_hint_tell(int *hint, int value)
{
    *hint = *hint == -1 || *hint == value ? value : UN_HINT_CONFLICT;
}

/* "bilinear", "nearest"; others tell nothing. */
void un_torch_tell_up(struct un_torch_hints *hints, const char *mode);

/* What the classes in a text [end - text] tell; *end is a zero byte. */
void un_torch_take_code(struct un_torch_hints *hints, const char *text, const char *end);

#endif
