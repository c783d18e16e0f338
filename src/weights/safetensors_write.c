/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson writes keys in the order in which they were set: the order of the arguments.  Values
 * become little-endian bytes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "weights/safetensors.h"

static size_t entry_bytes(const struct un_safetensors_entry *entry)
{
    size_t count = 1;
    for (int i = 0; i < entry->dims; i++)
        count *= (size_t)entry->shape[i];
    return count * sizeof(float);
}

/* NULL: no memory. */
static json_t *describe_entry(const struct un_safetensors_entry *entry, size_t begin)
{
    json_t *shape = json_array();
    for (int i = 0; i < entry->dims; i++)
        json_array_append_new(shape, json_integer(entry->shape[i]));
    if (json_array_size(shape) != (size_t)entry->dims) {
        json_decref(shape);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)(begin + entry_bytes(entry)));
}

/* The header's JSON; NULL: no memory, or a string is not UTF-8. */
static char *make_header(const struct un_safetensors_entry *entries, int entry_count,
                         const char *const (*metadata)[2], int metadata_count)
{
    json_t *header = json_object(), *pairs = json_object();
    bool failed = !header || !pairs;
    for (int i = 0; i < metadata_count; i++)
        failed |= json_object_set_new(pairs, metadata[i][0], json_string(metadata[i][1])) != 0;
    failed |= json_object_set_new(header, "__metadata__", pairs) != 0;
    size_t begin = 0;
    for (int i = 0; i < entry_count; i++) {
        json_t *info = describe_entry(&entries[i], begin);
        failed |= json_object_set_new(header, entries[i].name, info) != 0;
        begin += entry_bytes(&entries[i]);
    }
    char *text = failed ? NULL : un_json_text(header);
    json_decref(header);
    return text;
}

static void write_all(FILE *file, const char *header, const struct un_safetensors_entry *entries,
                      int entry_count)
{
    size_t used = strlen(header);
    uint64_t length = un_round_up(8 + used, UN_ALIGN) - 8;
    un_little_write(&length, sizeof length, 1, file);
    fprintf(file, "%-*s", (int)length, header);
    for (int i = 0; i < entry_count; i++)
        un_little_write(entries[i].values, sizeof(float), entry_bytes(&entries[i]) / sizeof(float),
                        file);
}

unet_code un_safetensors_write(const char *path, const struct un_safetensors_entry *entries,
                               int entry_count, const char *const (*metadata)[2],
                               int metadata_count, unet_error *err)
{
    struct un_save save = {0};
    unet_code code;
    char *header = make_header(entries, entry_count, metadata, metadata_count);
    if (!header)
        return un_fail(err, UNET_ENOMEM, "%s: no memory for the header", path);
    if (strlen(header) > UN_SAFETENSORS_MAX_HEADER - UN_ALIGN) {
        code =
            un_fail(err, UNET_EINVAL, "%s: the header has %zu bytes, at most %d can be read back",
                    path, strlen(header), UN_SAFETENSORS_MAX_HEADER - UN_ALIGN);
        goto done;
    }
    if ((code = un_save_begin(&save, path, err)))
        goto done;
    write_all(save.file, header, entries, entry_count); /* commit sees what failed */
    code = un_save_commit(&save, err);
done:
    free(header);
    return code;
}
