/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zip archive of PyTorch.  All members lie in one folder of any name:
 *
 *   data.pkl       what there is
 *   data/KEY       the bytes of storage KEY
 *   byteorder      "little"; older files have none
 *   constants.pkl, code/...   of TorchScript only
 *   unet.json      ours
 *
 * A storage is unpacked when a tensor is found in it.
 */
#include <string.h>

#include "base/known_files.h"
#include "weights/torch/torch_file.h"

static bool starts_with(const char *text, const char *start, size_t size)
{
    return !strncmp(text, start, size);
}

/* The member of a name in the archive's folder; -1: there is none. */
static int find_member(const struct un_torch_file *file, const char *prefix, size_t prefix_size,
                       const char *name)
{
    for (int i = 0; i < file->zip.count; i++) {
        const char *member = un_zip_name(&file->zip, i);
        if (starts_with(member, prefix, prefix_size) && !strcmp(member + prefix_size, name))
            return i;
    }
    return -1;
}

/* data.pkl in the outermost folder that has one; the folder's name tells where all others are. */
static unet_code find_pickle(struct un_torch_file *file, const unsigned char *bytes, size_t size,
                             int *pickle, const char **prefix, size_t *prefix_size)
{
    static const char name[] = "data.pkl";
    *pickle = -1;
    for (int i = 0; i < file->zip.count; i++) {
        const char *member = un_zip_name(&file->zip, i), *slash = strrchr(member, '/');
        const char *base = slash ? slash + 1 : member;
        const size_t folder = (size_t)(base - member);
        if (strcmp(base, name) || (*pickle >= 0 && folder >= *prefix_size))
            continue;
        *pickle = i;
        *prefix = member;
        *prefix_size = folder;
    }
    const struct un_known_file *known = *pickle < 0 ? un_known_file(file->path, bytes, size) : NULL;
    if (known && known->way)
        return un_fail(file->err, UNET_EFORMAT, "%s: %s; %s", file->path, known->what, known->way);
    if (*pickle < 0)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: a zip archive without data.pkl; torch.save() writes one", file->path);
    return UNET_OK;
}

static unet_code read_member(struct un_torch_file *file, int member, unsigned char **data)
{
    const size_t size = un_zip_size(&file->zip, member);
    *data = un_arena_alloc(&file->arena, size + 1); /* and a zero byte behind it */
    if (!*data)
        return un_fail_memory(file->err, size, file->path);
    return un_zip_read(&file->zip, member, *data, file->err);
}

static unet_code check_byte_order(struct un_torch_file *file, const char *prefix,
                                  size_t prefix_size)
{
    static const char wanted[] = "little";
    int member = find_member(file, prefix, prefix_size, "byteorder");
    if (member < 0)
        return UNET_OK;
    unsigned char *text;
    if (un_zip_size(&file->zip, member) > 16)
        return un_fail(file->err, UNET_EFORMAT, "%s: byteorder has %zu bytes, wanted \"%s\"",
                       file->path, un_zip_size(&file->zip, member), wanted);
    unet_code code = read_member(file, member, &text);
    if (!code && strcmp((char *)text, wanted))
        code = un_fail(file->err, UNET_EFORMAT, "%s: byteorder is \"%s\", wanted \"%s\"",
                       file->path, (char *)text, wanted);
    return code;
}

static unet_code read_metadata(struct un_torch_file *file, const char *prefix, size_t prefix_size)
{
    int member = find_member(file, prefix, prefix_size, "unet.json");
    if (member < 0)
        return UNET_OK;
    const size_t size = un_zip_size(&file->zip, member);
    if (size > UN_TORCH_MAX_METADATA)
        return un_fail(file->err, UNET_EFORMAT, "%s: unet.json has %zu bytes, at most %d are read",
                       file->path, size, UN_TORCH_MAX_METADATA);
    unsigned char *text;
    unet_code code = read_member(file, member, &text);
    if (!code && memchr(text, 0, size))
        code = un_fail(file->err, UNET_EFORMAT, "%s: unet.json has a zero byte in it", file->path);
    if (!code)
        file->metadata = (char *)text;
    return code;
}

static unet_code list_storages(struct un_torch_file *file, const char *prefix, size_t prefix_size)
{
    static const char folder[] = "data/";
    const size_t key_at = prefix_size + strlen(folder);
    file->storages = un_arena_alloc(&file->arena, (size_t)file->zip.count * sizeof *file->storages);
    if (!file->storages)
        return un_fail_memory(file->err, (size_t)file->zip.count * sizeof *file->storages,
                              file->path);
    for (int i = 0; i < file->zip.count; i++) {
        const char *member = un_zip_name(&file->zip, i);
        if (!starts_with(member, prefix, prefix_size) ||
            !starts_with(member + prefix_size, folder, strlen(folder)))
            continue;
        file->storages[file->storage_count++] =
            (struct un_torch_storage){.key = member + key_at,
                                      .key_size = strlen(member + key_at),
                                      .bytes = un_zip_size(&file->zip, i),
                                      .member = i};
    }
    return un_torch_sort_storages(file);
}

static bool is_script(const struct un_torch_file *file, const char *prefix, size_t prefix_size)
{
    for (int i = 0; i < file->zip.count; i++) {
        const char *member = un_zip_name(&file->zip, i);
        if (starts_with(member, prefix, prefix_size) &&
            starts_with(member + prefix_size, "code/", 5))
            return true;
    }
    return find_member(file, prefix, prefix_size, "constants.pkl") >= 0;
}

unet_code un_torch_read_zip(struct un_torch_file *file, const unsigned char *bytes, size_t size)
{
    int member = -1;
    const char *prefix = "";
    size_t prefix_size = 0;
    unsigned char *pickle;
    unet_code code;
    if ((code = un_zip_open(file->path, bytes, size, &file->zip, file->err)) ||
        (code = find_pickle(file, bytes, size, &member, &prefix, &prefix_size)) ||
        (code = check_byte_order(file, prefix, prefix_size)) ||
        (code = read_metadata(file, prefix, prefix_size)) ||
        (code = read_member(file, member, &pickle)))
        return code;
    file->script = is_script(file, prefix, prefix_size);
    if ((code = un_pickle_parse(file->path, pickle, un_zip_size(&file->zip, member), file->script,
                                &file->pickle, file->err)) ||
        (code = list_storages(file, prefix, prefix_size)) || (code = un_torch_list(file)))
        return code;
    return file->script ? un_torch_hints(file, prefix, prefix_size) : UNET_OK;
}
