/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zarr_array.c - the metadata of an array, of version 2 and 3
 *
 * Version 2 has one field for each thing; 3 has a list of codecs: transpose, then bytes or
 * sharding_indexed (with a list of its own), then one that packs, then crc32c.  Others are refused
 * by name, and so are filters, since samples would be others than those that were stored.
 */
#include "image/zarr/zarr_array.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

size_t un_zarr_chunk_bytes(const struct un_zarr_array *a)
{
    size_t bytes = (size_t)a->bytes;
    for (int k = 0; k < a->axes; k++)
        bytes *= (size_t)a->chunk[k];
    return bytes;
}

/* ---- numbers ----------------------------------------------------------------------------- */

static unet_code take_list(const struct un_json_at *at, const char *field, int *count,
                           uint64_t list[], unet_error *err)
{
    const json_t *found = NULL, *value;
    unet_code code = un_json_field(at, field, JSON_ARRAY, &found, err);
    size_t i;
    if (code)
        return code;
    const size_t size = json_array_size(found);
    if (*count ? size != (size_t)*count : size < 1 || size > UN_ZARR_AXES)
        return un_fail(err, UNET_EFORMAT, "%s: %s%s has %zu numbers; %d wanted", at->what,
                       at->prefix, field, size, *count ? *count : UN_ZARR_AXES);
    json_array_foreach(found, i, value)
    {
        const json_int_t number = json_is_integer(value) ? json_integer_value(value) : 0;
        if (number < 1 || number > INT32_MAX)
            return un_fail(err, UNET_EFORMAT,
                           "%s: %s%s[%zu] is %" JSON_INTEGER_FORMAT
                           "; whole numbers of 1..%d wanted",
                           at->what, at->prefix, field, i, number, INT32_MAX);
        list[i] = (uint64_t)number;
    }
    *count = (int)size;
    return UNET_OK;
}

static const struct {
    const char *two, *three; /* of version 2 behind the byte order */
    enum un_kind kind;
    int bits, bytes;
} types[] = {
    {"b1", "bool", UN_UINT, 1, 1},      {"u1", "uint8", UN_UINT, 8, 1},
    {"i1", "int8", UN_INT, 8, 1},       {"u2", "uint16", UN_UINT, 16, 2},
    {"i2", "int16", UN_INT, 16, 2},     {"u4", "uint32", UN_UINT, 32, 4},
    {"i4", "int32", UN_INT, 32, 4},     {"u8", "uint64", UN_UINT, 64, 8},
    {"i8", "int64", UN_INT, 64, 8},     {"f2", "float16", UN_FLOAT, 16, 2},
    {"f4", "float32", UN_FLOAT, 32, 4}, {"f8", "float64", UN_FLOAT, 64, 8},
};

static unet_code take_type(const struct un_json_at *at, const char *field, bool two,
                           struct un_zarr_array *a, unet_error *err)
{
    const json_t *found = json_object_get(at->object, field);
    const char *text = json_is_string(found) ? json_string_value(found) : "";
    const char *name = two && *text ? text + 1 : text;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(name, two ? types[i].two : types[i].three)) {
            a->kind = types[i].kind;
            a->bits = types[i].bits;
            a->bytes = types[i].bytes;
            a->big_endian = two && *text == '>';
            return UNET_OK;
        }
    return un_fail(
        err, UNET_EFORMAT,
        "%s: samples of type \"%.40s\"; bool, integers of 8 to 64 bits or floats of 16 to "
        "64 bits wanted",
        at->what, text);
}

/* ---- the fill ---------------------------------------------------------------------------- */

static void put_bits(struct un_zarr_array *a, uint64_t bits)
{
    const uint8_t one = (uint8_t)bits;
    const uint16_t two = (uint16_t)bits;
    const uint32_t four = (uint32_t)bits;
    memcpy(a->fill,
           a->bytes == 1   ? (const void *)&one
           : a->bytes == 2 ? (const void *)&two
           : a->bytes == 4 ? (const void *)&four
                           : (const void *)&bits,
           (size_t)a->bytes);
}

/* A float of 2 bytes is told exactly where it is 0, infinite, or none. */
static bool put_real(struct un_zarr_array *a, double value)
{
    const float single = (float)value;
    uint32_t bits32;
    uint64_t bits64;
    memcpy(&bits32, &single, sizeof bits32);
    memcpy(&bits64, &value, sizeof bits64);
    if (a->bytes == 2)
        bits64 = isnan(value) ? 0x7e00 : isinf(value) ? (value < 0 ? 0xfc00 : 0x7c00) : 0;
    put_bits(a, a->bytes == 4 ? bits32 : bits64);
    return a->bytes != 2 || value == 0 || !isfinite(value);
}

static bool put_text(struct un_zarr_array *a, const char *text)
{
    double value;
    if (!strncmp(text, "0x", 2)) {
        char *end;
        put_bits(a, strtoull(text, &end, 16));
        return !*end;
    }
    const char *end = un_decimal_read(text, &value);
    return end != text && !*end && a->kind == UN_FLOAT && put_real(a, value);
}

static unet_code take_fill(const struct un_json_at *at, struct un_zarr_array *a, unet_error *err)
{
    const json_t *fill = json_object_get(at->object, "fill_value");
    bool fine = true;
    if (json_is_string(fill))
        fine = put_text(a, json_string_value(fill));
    else if (json_is_number(fill) && a->kind == UN_FLOAT)
        fine = put_real(a, json_number_value(fill));
    else if (json_is_integer(fill))
        put_bits(a, (uint64_t)json_integer_value(fill));
    else if (json_is_boolean(fill))
        put_bits(a, json_is_true(fill));
    else if (json_is_real(fill)) /* of 2^63 and more, or 0.0 */
        put_bits(a, json_real_value(fill) >= 1 ? (uint64_t)-1 : 0);
    else
        fine = !fill || json_is_null(fill);
    return fine ? UNET_OK
                : un_fail(err, UNET_EFORMAT, "%s: fill_value is none of the samples' type",
                          at->what);
}

/* ---- what packs -------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum un_zarr_packer packer;
} packers[] = {{"zlib", UN_ZARR_ZLIB},
               {"gzip", UN_ZARR_ZLIB},
               {"zstd", UN_ZARR_ZSTD},
               {"blosc", UN_ZARR_BLOSC},
               {"numcodecs.zlib", UN_ZARR_ZLIB}};

static enum un_zarr_packer find_packer(const char *name)
{
    for (size_t i = 0; name && i < sizeof packers / sizeof *packers; i++)
        if (!strcmp(packers[i].name, name))
            return packers[i].packer;
    return UN_ZARR_PLAIN;
}

static unet_code fail_codec(const struct un_json_at *at, const char *name, unet_error *err)
{
    return un_fail(err, UNET_EFORMAT,
                   "%s: packed by \"%.40s\"; blosc, zstd, zlib or gzip, or nothing wanted",
                   at->what, name ? name : "");
}

/* ---- both versions ----------------------------------------------------------------------- */

/* order: axes of a chunk, the slowest first. */
static void lay(struct un_zarr_array *a, const int order[])
{
    uint64_t step = 1;
    for (int k = a->axes - 1; k >= 0; k--) {
        a->step[order[k]] = step;
        step *= a->chunk[order[k]];
    }
}

static unet_code check_sizes(const struct un_json_at *at, const struct un_zarr_array *a,
                             unet_error *err)
{
    uint64_t bytes = (uint64_t)a->bytes;
    for (int k = 0; k < a->axes; k++) {
        if (a->chunk[k] > UN_ZARR_CHUNK / bytes)
            return un_fail(err, UNET_EFORMAT, "%s: chunks of more than 2 GB", at->what);
        bytes *= a->chunk[k];
    }
    uint64_t chunks = 1;
    for (int k = 0; k < a->axes && a->sharded; k++) {
        if (a->shard[k] % a->chunk[k])
            return un_fail(err, UNET_EFORMAT,
                           "%s: shards of %" PRIu64 " places of axis %d in chunks of %" PRIu64,
                           at->what, a->shard[k], k, a->chunk[k]);
        chunks *= a->shard[k] / a->chunk[k];
        if (chunks > 1 << 24)
            return un_fail(err, UNET_EFORMAT, "%s: more than 2^24 chunks in a shard", at->what);
    }
    return UNET_OK;
}

static unet_code take_two(const struct un_json_at *at, struct un_zarr_array *a, unet_error *err)
{
    const json_t *packer = json_object_get(at->object, "compressor");
    const json_t *filters = json_object_get(at->object, "filters");
    const char *order = json_string_value(json_object_get(at->object, "order"));
    const char *dot = json_string_value(json_object_get(at->object, "dimension_separator"));
    unet_code code = take_list(at, "shape", &a->axes, a->shape, err);
    if (code || (code = take_list(at, "chunks", &a->axes, a->chunk, err)) ||
        (code = take_type(at, "dtype", true, a, err)))
        return code;
    if (json_array_size(filters))
        return un_fail(err, UNET_EFORMAT, "%s: samples that filters changed; none wanted",
                       at->what);
    if (packer && !json_is_null(packer)) {
        const char *name = json_string_value(json_object_get(packer, "id"));
        if (!(a->packer = find_packer(name)))
            return fail_codec(at, name, err);
    }
    int axes[UN_ZARR_AXES];
    for (int k = 0; k < a->axes; k++)
        axes[k] = order && *order == 'F' ? a->axes - 1 - k : k;
    lay(a, axes);
    a->separator = dot && *dot == '/' ? '/' : '.';
    return UNET_OK;
}

/* ---- version 3 --------------------------------------------------------------------------- */

static const json_t *configuration(const json_t *of)
{
    return json_object_get(of, "configuration");
}

/* "transpose": which axis is the k-th of a chunk as it is stored. */
static unet_code take_transpose(const struct un_json_at *at, const json_t *codec,
                                const struct un_zarr_array *a, int order[], unet_error *err)
{
    const json_t *list = json_object_get(configuration(codec), "order");
    unsigned seen = 0;
    for (int k = 0; k < a->axes; k++) {
        const json_t *value = json_array_get(list, (size_t)k);
        const json_int_t axis = json_is_integer(value) ? json_integer_value(value) : -1;
        if (axis < 0 || axis >= a->axes || seen >> axis & 1)
            return un_fail(err, UNET_EFORMAT, "%s: a transpose of no order of %d axes", at->what,
                           a->axes);
        seen |= 1u << axis;
        order[k] = (int)axis;
    }
    return UNET_OK;
}

static unet_code take_codecs(const struct un_json_at *at, const json_t *list, bool in_shard,
                             struct un_zarr_array *a, unet_error *err);

static unet_code take_shards(const struct un_json_at *at, const json_t *codec,
                             struct un_zarr_array *a, unet_error *err)
{
    const struct un_json_at inner = {at->what, "sharding_indexed.", configuration(codec)};
    const json_t *codecs = NULL, *last, *index = json_object_get(inner.object, "index_codecs");
    const char *where = json_string_value(json_object_get(inner.object, "index_location"));
    memcpy(a->shard, a->chunk, sizeof a->shard);
    a->sharded = true;
    if (!json_is_object(inner.object))
        return fail_codec(at, "sharding_indexed", err);
    unet_code code = take_list(&inner, "chunk_shape", &a->axes, a->chunk, err);
    if (code || (code = un_json_field(&inner, "codecs", JSON_ARRAY, &codecs, err)))
        return code;
    a->index_first = where && !strcmp(where, "start");
    const size_t n = json_array_size(index);
    last = n ? json_object_get(json_array_get(index, n - 1), "name") : NULL;
    a->index_sum = n == 2 && json_is_string(last) && !strcmp(json_string_value(last), "crc32c");
    if (n > 2 || (n == 2 && !a->index_sum))
        return un_fail(err, UNET_EFORMAT, "%s: an index of shards that is packed; plain wanted",
                       at->what);
    return take_codecs(at, codecs, true, a, err);
}

/* What stands where in the list. */
enum stage { AXES, BYTES, PACKED, SUMMED };

static unet_code take_codecs(const struct un_json_at *at, const json_t *list, bool in_shard,
                             struct un_zarr_array *a, unet_error *err)
{
    int order[UN_ZARR_AXES];
    enum stage stage = AXES;
    const json_t *codec;
    size_t i;
    for (int k = 0; k < a->axes; k++)
        order[k] = k;
    json_array_foreach(list, i, codec)
    {
        const char *name = json_string_value(json_object_get(codec, "name"));
        const enum un_zarr_packer packer = find_packer(name);
        unet_code code = UNET_OK;
        if (!name || a->sharded != in_shard)
            return fail_codec(at, name, err);
        if (stage == AXES && !strcmp(name, "transpose")) {
            code = take_transpose(at, codec, a, order, err);
        } else if (stage == AXES && !strcmp(name, "bytes")) {
            const char *endian = json_string_value(json_object_get(configuration(codec), "endian"));
            a->big_endian = endian && !strcmp(endian, "big");
            stage = BYTES;
        } else if (stage == AXES && !in_shard && i == 0 && !strcmp(name, "sharding_indexed")) {
            code = take_shards(at, codec, a, err);
            if (code || json_array_size(list) == 1)
                return code;
        } else if (stage == BYTES && packer) {
            a->packer = packer;
            stage = PACKED;
        } else if ((stage == BYTES || stage == PACKED) && !strcmp(name, "crc32c")) {
            a->sum = true;
            stage = SUMMED;
        } else {
            return fail_codec(at, name, err);
        }
        if (code)
            return code;
    }
    if (stage == AXES)
        return fail_codec(at, "", err);
    lay(a, order);
    return UNET_OK;
}

static unet_code take_three(const struct un_json_at *at, struct un_zarr_array *a, unet_error *err)
{
    const json_t *grid = json_object_get(at->object, "chunk_grid"), *codecs = NULL;
    const json_t *key = json_object_get(at->object, "chunk_key_encoding");
    const char *encoding = json_string_value(json_object_get(key, "name"));
    const char *dot = json_string_value(json_object_get(configuration(key), "separator"));
    const char *regular = json_string_value(json_object_get(grid, "name"));
    const struct un_json_at chunks = {at->what, "chunk_grid.", configuration(grid)};
    unet_code code = take_list(at, "shape", &a->axes, a->shape, err);
    if (code)
        return code;
    if (!regular || strcmp(regular, "regular") || !json_is_object(chunks.object))
        return un_fail(err, UNET_EFORMAT, "%s: no regular grid of chunks", at->what);
    if ((code = take_list(&chunks, "chunk_shape", &a->axes, a->chunk, err)) ||
        (code = take_type(at, "data_type", false, a, err)) ||
        (code = un_json_field(at, "codecs", JSON_ARRAY, &codecs, err)))
        return code;
    a->prefixed = !encoding || strcmp(encoding, "v2") != 0;
    a->separator = dot ? (*dot == '.' ? '.' : '/') : a->prefixed ? '/' : '.';
    return take_codecs(at, codecs, false, a, err);
}

unet_code un_zarr_array_take(const char *what, const json_t *metadata, int version,
                             struct un_zarr_array *array, unet_error *err)
{
    const struct un_json_at at = {what, "", metadata};
    struct un_zarr_array made = {0};
    int found = 0;
    unet_code code = un_json_int(&at, "zarr_format", version, version, &found, err);
    if (code || (code = (version == 2 ? take_two : take_three)(&at, &made, err)) ||
        (code = check_sizes(&at, &made, err)) || (code = take_fill(&at, &made, err)))
        return code;
    *array = made;
    return UNET_OK;
}
