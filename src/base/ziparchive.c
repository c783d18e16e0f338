/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zip archives by libzip.  Reading: the archive's list of members is checked as a whole, then each
 * member is unpacked into memory of the size that the list says; a stream that is longer or shorter
 * than that, or has another CRC, is an error.
 *
 * Writing: libzip writes through a source of ours into an open file, so that it appears whole or
 * not at all (base/file.h).  PyTorch puts each member's data at a multiple of 64 bytes by an extra
 * field "FB" in the local header; so do we.  libzip lays members down one after the other, with
 * nothing else in their local headers, so the places are known before: each takes 30 bytes, its
 * name, the extra field, its data.
 */
#include "base/ziparchive.h"

#include <errno.h>
#include <string.h>

#include <zip.h>

#include "base/arena.h"

static unet_code fail_zip(const char *path, zip_error_t *error, const char *what, unet_error *err)
{
    unet_code code = zip_error_code_zip(error) == ZIP_ER_MEMORY ? UNET_ENOMEM : UNET_EFORMAT;
    return un_fail(err, code, "%s: %s: %s", path, what, zip_error_strerror(error));
}

/* ---- reading ---- */

static unet_code check_member(const struct un_zip *zip, const zip_stat_t *member, unet_error *err)
{
    const zip_uint64_t wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if ((member->valid & wanted) != wanted)
        return un_fail(err, UNET_EFORMAT, "%s: a zip member without a name or size", zip->path);
    if (member->encryption_method != ZIP_EM_NONE)
        return un_fail(err, UNET_EFORMAT, "%s: zip member %.100s is encrypted", zip->path,
                       member->name);
    if (member->comp_method != ZIP_CM_STORE && member->comp_method != ZIP_CM_DEFLATE)
        return un_fail(err, UNET_EFORMAT,
                       "%s: zip member %.100s is packed by method %d, wanted stored or deflated",
                       zip->path, member->name, member->comp_method);
    if (member->comp_method == ZIP_CM_STORE && member->size != member->comp_size)
        return un_fail(err, UNET_EFORMAT,
                       "%s: zip member %.100s is stored, but its %llu bytes take %llu", zip->path,
                       member->name, (unsigned long long)member->size,
                       (unsigned long long)member->comp_size);
    return UNET_OK;
}

static unet_code check_members(const struct un_zip *zip, size_t size, unet_error *err)
{
    const zip_uint64_t most = (zip_uint64_t)size * UN_ZIP_MAX_EXPANSION + (1 << 20);
    zip_uint64_t packed = 0, unpacked = 0;
    for (int i = 0; i < zip->count; i++) {
        zip_stat_t member;
        if (zip_stat_index(zip->archive, (zip_uint64_t)i, 0, &member))
            return fail_zip(zip->path, zip_get_error(zip->archive), "a zip member", err);
        unet_code code = check_member(zip, &member, err);
        if (code)
            return code;
        if (member.comp_size > size - packed)
            return un_fail(err, UNET_EFORMAT,
                           "%s: its members overlap: up to %.100s they take more than the file's "
                           "%zu bytes",
                           zip->path, member.name, size);
        if (member.size > most - unpacked)
            return un_fail(err, UNET_EFORMAT,
                           "%s: its members would unpack to more than %d times the file's %zu "
                           "bytes",
                           zip->path, UN_ZIP_MAX_EXPANSION, size);
        packed += member.comp_size;
        unpacked += member.size;
    }
    return UNET_OK;
}

unet_code un_zip_open(const char *path, const unsigned char *bytes, size_t size, struct un_zip *zip,
                      unet_error *err)
{
    struct un_zip made = {.path = path};
    zip_error_t error;
    zip_error_init(&error);
    unet_code code = UNET_OK;
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
    if (source)
        made.archive = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (!made.archive) {
        code = fail_zip(path, &error, "not a whole zip archive (is the file cut short?)", err);
        zip_source_free(source);
    }
    zip_error_fini(&error);
    if (code)
        return code;

    zip_int64_t count = zip_get_num_entries(made.archive, 0);
    if (count > UN_ZIP_MAX_MEMBERS)
        code = un_fail(err, UNET_EFORMAT, "%s: %lld zip members, at most %d are read", path,
                       (long long)count, UN_ZIP_MAX_MEMBERS);
    made.count = (int)count;
    if (!code)
        code = check_members(&made, size, err);
    if (code)
        un_zip_release(&made);
    else
        *zip = made;
    return code;
}

void un_zip_release(struct un_zip *zip)
{
    if (zip->archive)
        zip_discard(zip->archive);
    *zip = (struct un_zip){0};
}

const char *un_zip_name(const struct un_zip *zip, int member)
{
    const char *name = zip_get_name(zip->archive, (zip_uint64_t)member, ZIP_FL_ENC_RAW);
    return name ? name : "";
}

size_t un_zip_size(const struct un_zip *zip, int member)
{
    zip_stat_t status;
    return zip_stat_index(zip->archive, (zip_uint64_t)member, 0, &status) ? 0 : status.size;
}

/* PyTorch can be told not to calculate CRCs, and then writes zeros. */
static bool has_crc(const struct un_zip *zip, int member)
{
    zip_stat_t status;
    return zip_stat_index(zip->archive, (zip_uint64_t)member, 0, &status) ||
           status.comp_method != ZIP_CM_STORE || status.crc != 0;
}

/* libzip compares the CRC when it finds the end, so the end is asked for, too. */
static unet_code read_all(const struct un_zip *zip, int member, zip_file_t *file,
                          unsigned char *data, unet_error *err)
{
    const char *name = un_zip_name(zip, member);
    size_t size = un_zip_size(zip, member), at = 0;
    zip_int64_t got = 1;
    while (at < size && (got = zip_fread(file, data + at, size - at)) > 0)
        at += (size_t)got;
    unsigned char more;
    if (got > 0 && has_crc(zip, member))
        got = zip_fread(file, &more, 1);
    else if (got > 0)
        got = 0;
    char what[160];
    snprintf(what, sizeof what, "zip member %.100s", name);
    if (got < 0)
        return fail_zip(zip->path, zip_file_get_error(file), what, err);
    if (got > 0 || at < size)
        return un_fail(err, UNET_EFORMAT, "%s: %s unpacks to %s than the %zu bytes it claims",
                       zip->path, what, at < size ? "less" : "more", size);
    return UNET_OK;
}

unet_code un_zip_read(const struct un_zip *zip, int member, unsigned char *data, unet_error *err)
{
    zip_file_t *file = zip_fopen_index(zip->archive, (zip_uint64_t)member, 0);
    if (!file)
        return fail_zip(zip->path, zip_get_error(zip->archive), un_zip_name(zip, member), err);
    unet_code code = read_all(zip, member, file, data, err);
    zip_fclose(file);
    return code;
}

/* ---- writing ---- */

struct output {
    FILE *file;
    zip_error_t error;
};

static zip_int64_t fail_output(struct output *output)
{
    zip_error_set(&output->error, ZIP_ER_WRITE, errno);
    return -1;
}

/* A stream may report that it is broken in any call that empties its buffer. */
static zip_int64_t answer_tell(struct output *output)
{
    const off_t at = ftello(output->file);
    return at < 0 || ferror(output->file) ? fail_output(output) : (zip_int64_t)at;
}

static zip_int64_t answer_write(struct output *output, const void *data, zip_uint64_t size)
{
    const bool whole = fwrite(data, 1, size, output->file) == size && !fflush(output->file);
    return whole ? (zip_int64_t)size : fail_output(output);
}

static zip_int64_t answer_seek(struct output *output, const void *data, zip_uint64_t size)
{
    const zip_source_args_seek_t *seek =
        ZIP_SOURCE_GET_ARGS(zip_source_args_seek_t, data, size, &output->error);
    return seek && !fseeko(output->file, seek->offset, seek->whence) ? 0 : fail_output(output);
}

/* What libzip asks of a file that is written anew: there is nothing to read. */
static zip_int64_t answer(void *state, void *data, zip_uint64_t size, zip_source_cmd_t command)
{
    struct output *output = state;
    switch (command) {
    case ZIP_SOURCE_SUPPORTS:
        return ZIP_SOURCE_SUPPORTS_WRITABLE;
    case ZIP_SOURCE_STAT:
        if (size < sizeof(zip_stat_t))
            return -1;
        zip_stat_init(data);
        ((zip_stat_t *)data)->valid = ZIP_STAT_SIZE;
        ((zip_stat_t *)data)->size = 0;
        return sizeof(zip_stat_t);
    case ZIP_SOURCE_WRITE:
        return answer_write(output, data, size);
    case ZIP_SOURCE_SEEK_WRITE:
        return answer_seek(output, data, size);
    case ZIP_SOURCE_TELL_WRITE:
        return answer_tell(output);
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&output->error, data, size);
    case ZIP_SOURCE_BEGIN_WRITE:
    case ZIP_SOURCE_COMMIT_WRITE:
    case ZIP_SOURCE_ROLLBACK_WRITE:
    case ZIP_SOURCE_OPEN:
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_READ:
    case ZIP_SOURCE_FREE:
        return 0;
    default:
        zip_error_set(&output->error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}

/* Adds a member whose local header begins at byte *at; false: libzip refused. */
static bool add_entry(zip_t *archive, const struct un_zip_entry *entry, size_t *at)
{
    enum { HEADER = 30, FIELD_HEADER = 4, FB = 0x4246, FIRST_DAY = 1 << 5 | 1 /* of 1980 */ };
    static const unsigned char zeros[UN_ALIGN];
    zip_source_t *source = zip_source_buffer(archive, entry->data, entry->size, 0);
    if (!source)
        return false;
    zip_int64_t member = zip_file_add(archive, entry->name, source, 0);
    if (member < 0) {
        zip_source_free(source);
        return false;
    }
    size_t begin = *at + HEADER + strlen(entry->name) + FIELD_HEADER;
    size_t filling = un_round_up(begin, UN_ALIGN) - begin;
    *at = begin + filling + entry->size;
    return !zip_set_file_compression(archive, (zip_uint64_t)member, ZIP_CM_STORE, 0) &&
           !zip_file_set_dostime(archive, (zip_uint64_t)member, 0, FIRST_DAY, 0) &&
           !zip_file_extra_field_set(archive, (zip_uint64_t)member, FB, ZIP_EXTRA_FIELD_NEW, zeros,
                                     (zip_uint16_t)filling, ZIP_FL_LOCAL);
}

unet_code un_zip_write(const char *path, FILE *file, const struct un_zip_entry *entries, int count,
                       unet_error *err)
{
    struct output output = {.file = file};
    zip_error_t error;
    zip_error_init(&error);
    zip_error_init(&output.error);
    unet_code code = UNET_OK;
    zip_t *archive = NULL;
    zip_source_t *target = zip_source_function_create(answer, &output, &error);
    if (target)
        archive = zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &error);
    if (!archive) {
        code = fail_zip(path, &error, "cannot be written", err);
        zip_source_free(target);
        goto done;
    }
    size_t at = 0;
    for (int i = 0; i < count && !code; i++)
        if (!add_entry(archive, &entries[i], &at))
            code = fail_zip(path, zip_get_error(archive), "cannot be written", err);
    if (!code && zip_close(archive))
        code = un_fail(err, UNET_EIO, "%s: cannot be written: %s", path, zip_strerror(archive));
    else if (!code)
        archive = NULL;
    if (archive)
        zip_discard(archive);
done:
    zip_error_fini(&output.error);
    zip_error_fini(&error);
    return code;
}
