/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/torch/torch.h"

#include <stdlib.h>
#include <string.h>

#include "weights/torch/torch_file.h"

/* ---- which kind ---- */

static bool is_zip(const unsigned char *bytes, size_t size)
{
    return size >= 4 && !memcmp(bytes, "PK\3\4", 4);
}

static bool is_tar(const unsigned char *bytes, size_t size)
{
    enum { MARK_AT = 257 };
    return size >= 512 && !memcmp(bytes + MARK_AT, "ustar", 5);
}

/* A pickle begins with the number of its protocol. */
static bool is_pickle(const unsigned char *bytes, size_t size)
{
    return size >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
}

static const struct kind {
    const char *name;
    bool (*recognises)(const unsigned char *bytes, size_t size);
    unet_code (*read)(struct un_torch_file *file, const unsigned char *bytes, size_t size);
} kinds[] = {
    {"PyTorch, zip", is_zip, un_torch_read_zip},
    {"PyTorch, tar", is_tar, un_torch_read_tar},
    {"PyTorch, legacy", is_pickle, un_torch_read_legacy},
};

static const struct kind *find_kind(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].recognises(bytes, size))
            return &kinds[i];
    return NULL;
}

bool un_torch_recognises(const unsigned char *bytes, size_t size)
{
    return find_kind(bytes, size) != NULL;
}

/* ---- reading ---- */

/* What the arrays lie in. */
struct owner {
    struct un_mapping mapping;
    struct un_arena arena;
    struct un_array *items;
};

static void release_owner(void *pointer)
{
    struct owner *owner = pointer;
    free(owner->items);
    un_arena_release(&owner->arena);
    un_map_release(&owner->mapping);
    free(owner);
}

static void fill_arrays(const struct kind *kind, const struct un_torch_file *file,
                        struct owner *owner, struct un_arrays *arrays)
{
    owner->arena = file->arena;
    owner->items = file->items;
    *arrays = (struct un_arrays){.format = file->script ? "TorchScript" : kind->name,
                                 .items = file->items,
                                 .count = file->count,
                                 .ordered = true, /* dicts keep the order of registration */
                                 .metadata = file->metadata,
                                 .hints = file->hints,
                                 .owner = owner,
                                 .release = release_owner};
}

unet_code un_torch_parse(const char *path, const unsigned char *bytes, size_t size,
                         struct un_arrays *arrays, unet_error *err)
{
    const struct kind *kind = find_kind(bytes, size);
    if (!kind)
        return un_fail(err, UNET_EFORMAT, "%s: is nothing that torch.save() writes", path);
    struct un_torch_file file = {.path = path, .err = err, .hints = un_hints_none()};
    struct owner *owner = calloc(1, sizeof *owner);
    if (!owner)
        return un_fail_memory(err, sizeof *owner, path);
    unet_code code = kind->read(&file, bytes, size);
    un_pickle_release(&file.pickle);
    un_zip_release(&file.zip);
    if (!code) {
        fill_arrays(kind, &file, owner, arrays);
        return UNET_OK;
    }
    free(file.items);
    un_arena_release(&file.arena);
    free(owner);
    return code;
}

unet_code un_torch_open(const char *path, struct un_arrays *arrays, unet_error *err)
{
    struct un_mapping mapping;
    unet_code code = un_map_whole(path, &mapping, err);
    if (code)
        return code;
    if ((code = un_torch_parse(path, mapping.data, mapping.size, arrays, err)))
        un_map_release(&mapping);
    else
        ((struct owner *)arrays->owner)->mapping = mapping;
    return code;
}
