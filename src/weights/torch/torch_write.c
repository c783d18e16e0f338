/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state_dict as torch.save() writes it: a zip archive of the members
 *
 *   archive/data.pkl    OrderedDict: name -> _rebuild_tensor_v2(storage, 0, shape, stride, ...)
 *   archive/byteorder   "little"
 *   archive/data/N      the values of tensor N
 *   archive/version     "3\n"
 *   archive/unet.json   ours
 *
 * The pickle's operations are those that weights_only loading knows, without a memo: it would save
 * some bytes of names and nothing else.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/ziparchive.h"
#include "weights/torch/torch.h"

enum { NAME_SIZE = 32, FIXED_MEMBERS = 4, FIRST_VALUES = 2 };

static const int64_t zero = 0;

static size_t entry_count(const struct un_torch_entry *entry)
{
    size_t count = 1;
    for (int i = 0; i < entry->dims && entry->values; i++)
        count *= (size_t)entry->shape[i];
    return count;
}

/* ---- the pickle ---- */

static void put_text(FILE *file, const char *text)
{
    uint32_t size = (uint32_t)strlen(text);
    fputc('X', file); /* BINUNICODE */
    un_little_write(&size, sizeof size, 1, file);
    fwrite(text, 1, size, file);
}

static void put_number(FILE *file, size_t number)
{
    uint64_t wide = number;
    uint32_t narrow = (uint32_t)number;
    if (number <= INT32_MAX) {
        fputc('J', file); /* BININT */
        un_little_write(&narrow, sizeof narrow, 1, file);
    } else {
        fputs("\x8a\x08", file); /* LONG1 of 8 bytes */
        un_little_write(&wide, sizeof wide, 1, file);
    }
}

static void put_sides(FILE *file, const struct un_torch_entry *entry)
{
    const int dims = entry->values ? entry->dims : 0;
    fputc('(', file);
    for (int i = 0; i < dims; i++)
        put_number(file, (size_t)entry->shape[i]);
    fputs("t(", file);
    for (int i = 0; i < dims; i++) {
        size_t stride = 1;
        for (int j = i + 1; j < dims; j++)
            stride *= (size_t)entry->shape[j];
        put_number(file, stride);
    }
    fputc('t', file);
}

static void put_tensor(FILE *file, const struct un_torch_entry *entry, int number)
{
    char key[NAME_SIZE];
    snprintf(key, sizeof key, "%d", number);
    put_text(file, entry->name);
    fputs("ctorch._utils\n_rebuild_tensor_v2\n((", file);
    put_text(file, "storage");
    fputs(entry->values ? "ctorch\nFloatStorage\n" : "ctorch\nLongStorage\n", file);
    put_text(file, key);
    put_text(file, "cpu");
    put_number(file, entry_count(entry));
    fputs("tQ", file); /* the storage, by its key; then the offset in it */
    put_number(file, 0);
    put_sides(file, entry);
    fputs("\x89" /* no gradient; no hooks: */ "ccollections\nOrderedDict\n)RtR", file);
}

/* From malloc; NULL: no memory. */
static char *make_pickle(const struct un_torch_entry *entries, int count, size_t *size)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, size);
    if (!file)
        return NULL;
    fputs("\x80\x02"
          "ccollections\nOrderedDict\n)R(",
          file);
    for (int i = 0; i < count; i++)
        put_tensor(file, &entries[i], i);
    fputs("u.", file);
    bool failed = ferror(file);
    if (fclose(file) || failed) {
        free(text);
        return NULL;
    }
    return text;
}

/* ---- the archive ---- */

static struct un_zip_entry text_member(const char *name, const char *text)
{
    return (struct un_zip_entry){name, text, strlen(text)};
}

static int list_members(const struct un_torch_entry *entries, int count, char (*names)[NAME_SIZE],
                        const char *metadata, struct un_zip_entry *members)
{
    int n = 1; /* the pickle is there */
    members[n++] = text_member("archive/byteorder", "little");
    for (int i = 0; i < count; i++) {
        const struct un_torch_entry *entry = &entries[i];
        snprintf(names[i], NAME_SIZE, "archive/data/%d", i);
        members[n++] = entry->values
                           ? (struct un_zip_entry){names[i], entry->values,
                                                   entry_count(entry) * sizeof *entry->values}
                           : (struct un_zip_entry){names[i], &zero, sizeof zero};
    }
    members[n++] = text_member("archive/version", "3\n");
    if (metadata)
        members[n++] = text_member("archive/unet.json", metadata);
    return n;
}

/* On a big-endian processor values are turned where they lie in memory of their own: what is freed
 * with it; *turned is NULL elsewhere.  false: no memory. */
static bool turn_values(struct un_zip_entry *members, const struct un_torch_entry *entries,
                        int count, float **turned)
{
    size_t all = 0, done = 0;
    for (int i = 0; i < count; i++)
        all += entries[i].values ? entry_count(&entries[i]) : 0;
    if (!UN_HOST_BIG || !all)
        return true;
    if (!(*turned = malloc(all * sizeof **turned)))
        return false;
    for (int i = 0; i < count; i++) {
        const size_t n = entries[i].values ? entry_count(&entries[i]) : 0;
        if (!n)
            continue;
        un_little_copy(*turned + done, entries[i].values, n, sizeof(float));
        members[FIRST_VALUES + i].data = *turned + done;
        done += n;
    }
    return true;
}

static unet_code write_members(const char *path, const struct un_zip_entry *members, int count,
                               unet_error *err)
{
    struct un_save save = {0};
    unet_code code = un_save_begin(&save, path, err);
    if (!code)
        code = un_zip_write(path, save.file, members, count, err);
    if (code)
        un_save_abort(&save);
    else
        code = un_save_commit(&save, err);
    return code;
}

unet_code un_torch_write(const char *path, const struct un_torch_entry *entries, int count,
                         const char *metadata, unet_error *err)
{
    size_t size = 0;
    const size_t most = (size_t)count + FIXED_MEMBERS;
    char *pickle = make_pickle(entries, count, &size);
    char(*names)[NAME_SIZE] = calloc(most, sizeof *names);
    struct un_zip_entry *members = calloc(most, sizeof *members);
    float *turned = NULL;
    unet_code code;
    if (!pickle || !names || !members) {
        code = un_fail(err, UNET_ENOMEM, "%s: no memory for the list of tensors", path);
    } else if (metadata && strlen(metadata) > UN_TORCH_MAX_METADATA) {
        code = un_fail(err, UNET_EINVAL, "%s: %zu bytes of metadata, at most %d can be read back",
                       path, strlen(metadata), UN_TORCH_MAX_METADATA);
    } else {
        members[0] = (struct un_zip_entry){"archive/data.pkl", pickle, size};
        const int listed = list_members(entries, count, names, metadata, members);
        code = turn_values(members, entries, count, &turned)
                   ? write_members(path, members, listed, err)
                   : un_fail(err, UNET_ENOMEM, "%s: no memory for the values", path);
    }
    free(turned);
    free(members);
    free(names);
    free(pickle);
    return code;
}
