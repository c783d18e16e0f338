/* SPDX-License-Identifier: Apache-2.0 */
/* zarr_maker.h - folders of Zarr: an array of two pages in chunks, and what is told of errors */
#ifndef ZARR_MAKER_H
#define ZARR_MAKER_H

#include "source_check.h"

#include <zlib.h>

#include "image/zarr/zarr_array.h"
#include "sample_types.h"
#include "support/folder.h"

static inline void put_text(const char *name, const char *text)
{
    put_file(in_folder(name), text, strlen(text));
}

static inline void make_folder(const char *name)
{
    if (mkdir(in_folder(name), 0700) && access(in_folder(name), F_OK))
        fail_msg("%s cannot be made", name);
}

/* ---- arrays ------------------------------------------------------------------------------ */

enum { T = 2, H = 5, W = 7, CT = 2, CH = 3, CW = 4 }; /* sides of the array and of a chunk */

struct form {
    int version;
    bool big_endian, packed, fortran, nested, sharded, index_first, turned;
};

static inline double value_at(const struct type *type, int t, int y, int x)
{
    return value_of(type, (size_t)((t * H + y) * W + x));
}

/* The samples of the chunk with this first place; beyond the array: anything. */
static inline struct bytes chunk_of(const struct form *form, const struct type *type,
                                    const int from[3], const int side[3])
{
    struct bytes b = {0};
    int at[3];
    const int c_order[3] = {0, 1, 2}, f_order[3] = {2, 1, 0}, turned[3] = {1, 2, 0};
    const int *order = form->fortran ? f_order : form->turned ? turned : c_order;
    for (at[order[0]] = 0; at[order[0]] < side[order[0]]; at[order[0]]++)
        for (at[order[1]] = 0; at[order[1]] < side[order[1]]; at[order[1]]++)
            for (at[order[2]] = 0; at[order[2]] < side[order[2]]; at[order[2]]++) {
                const int t = from[0] + at[0], y = from[1] + at[1], x = from[2] + at[2];
                const bool inside = t < T && y < H && x < W;
                add_value(&b, type, inside ? value_at(type, t, y, x) : 1, form->big_endian);
            }
    if (form->packed) {
        unsigned char out[4096];
        uLongf size = sizeof out;
        assert_int_equal(compress(out, &size, b.data, b.size), Z_OK);
        b.size = 0;
        bytes_add(&b, out, size);
    }
    return b;
}

static inline void add_number(struct bytes *b, uint64_t value, int bytes)
{
    for (int k = 0; k < bytes; k++) {
        const unsigned char byte = (unsigned char)(value >> 8 * k);
        bytes_add(b, &byte, 1);
    }
}

/* A shard of CT x CH x CW places in chunks of 1 x CH x 2. */
static inline struct bytes shard_of(const struct form *form, const struct type *type,
                                    const int from[3])
{
    const int side[3] = {1, CH, 2};
    struct bytes body = {0}, index = {0}, whole = {0};
    const size_t index_size = 4 * 16 + 4;
    for (int i = 0; i < 4; i++) {
        const int at[3] = {from[0] + i / 2, from[1], from[2] + i % 2 * 2};
        struct bytes chunk = chunk_of(form, type, at, side);
        if (at[2] >= W) { /* nothing of it is in the array */
            add_number(&index, UINT64_MAX, 8);
            add_number(&index, UINT64_MAX, 8);
        } else {
            add_number(&index, body.size + (form->index_first ? index_size : 0), 8);
            add_number(&index, chunk.size, 8);
            bytes_add(&body, chunk.data, chunk.size);
        }
        free(chunk.data);
    }
    add_number(&index, un_zarr_sum(index.data, index.size), 4);
    bytes_add(&whole, (form->index_first ? index : body).data,
              (form->index_first ? index : body).size);
    bytes_add(&whole, (form->index_first ? body : index).data,
              (form->index_first ? body : index).size);
    free(body.data);
    free(index.data);
    return whole;
}

static inline void put_metadata(const char *folder, const struct form *form,
                                const struct type *type)
{
    static const char *const three[] = {"uint8", "int16",  "int32",  "float32", "float64", "",
                                        "int8",  "uint16", "uint32", "int64",   "uint64"};
    char text[2048], path[100], codecs[300];
    if (form->version == 2) {
        snprintf(
            text, sizeof text,
            "{\"zarr_format\": 2, \"shape\": [%d, %d, %d], \"chunks\": [%d, %d, %d], \"dtype\": "
            "\"%s%s\", \"fill_value\": 9, \"order\": \"%s\", \"filters\": null, "
            "\"dimension_separator\": \"%s\", \"compressor\": %s}",
            T, H, W, CT, CH, CW, form->big_endian ? ">" : "<", type->descr,
            form->fortran ? "F" : "C", form->nested ? "/" : ".",
            form->packed ? "{\"id\": \"zlib\", \"level\": 1}" : "null");
        snprintf(path, sizeof path, "%s/.zarray", folder);
        put_text(path, text);
        return;
    }
    snprintf(codecs, sizeof codecs,
             "%s{\"name\": \"bytes\", \"configuration\": {\"endian\": \"%s\"}}%s",
             form->turned ? "{\"name\": \"transpose\", \"configuration\": {\"order\": [1, 2, 0]}}, "
                          : "",
             form->big_endian ? "big" : "little",
             form->packed ? ", {\"name\": \"gzip\", \"configuration\": {\"level\": 1}}" : "");
    int n = snprintf(text, sizeof text,
                     "{\"zarr_format\": 3, \"node_type\": \"array\", \"shape\": [%d, %d, %d], "
                     "\"data_type\": \"%s\", \"fill_value\": 9, \"chunk_grid\": {\"name\": "
                     "\"regular\", \"configuration\": {\"chunk_shape\": [%d, %d, %d]}}, "
                     "\"chunk_key_encoding\": {\"name\": \"default\", \"configuration\": "
                     "{\"separator\": \"%s\"}}, \"codecs\": [",
                     T, H, W, three[type - types], CT, CH, CW, form->nested ? "/" : ".");
    if (form->sharded)
        snprintf(
            text + n, sizeof text - (size_t)n,
            "{\"name\": \"sharding_indexed\", \"configuration\": {\"chunk_shape\": [1, %d, 2], "
            "\"codecs\": [%s], \"index_location\": \"%s\", \"index_codecs\": [{\"name\": "
            "\"bytes\"}, {\"name\": \"crc32c\"}]}}]}",
            CH, codecs, form->index_first ? "start" : "end");
    else
        snprintf(text + n, sizeof text - (size_t)n, "%s]}", codecs);
    snprintf(path, sizeof path, "%s/zarr.json", folder);
    put_text(path, text);
}

/* All chunks but the one at the lower right, which is the fill. */
static inline void put_array(const char *folder, const struct form *form, const struct type *type)
{
    const int side[3] = {CT, CH, CW};
    char name[100], c[8] = "";
    make_folder(folder);
    put_metadata(folder, form, type);
    if (form->version == 3)
        strcpy(c, form->nested ? "c/" : "c.");
    for (int i = 0; i < 3; i++) {
        const int from[3] = {0, i / 2 * CH, i % 2 * CW};
        struct bytes b =
            form->sharded ? shard_of(form, type, from) : chunk_of(form, type, from, side);
        if (form->nested) {
            snprintf(name, sizeof name, "%s/c", folder);
            if (*c)
                make_folder(name);
            snprintf(name, sizeof name, "%s/%s0", folder, c);
            make_folder(name);
            snprintf(name, sizeof name, "%s/%s0/%d", folder, c, i / 2);
            make_folder(name);
        }
        const char dot = form->nested ? '/' : '.';
        snprintf(name, sizeof name, "%s/%s0%c%d%c%d", folder, c, dot, i / 2, dot, i % 2);
        put_file(in_folder(name), b.data, b.size);
        free(b.data);
    }
}

static inline void check_array(const char *folder, const struct type *type, const char *what)
{
    struct unet_source *source;
    unet_error err;
    if (un_source_open(in_folder(folder), &source, &err))
        fail_msg("%s: %s", what, err.text);
    assert_int_equal(source->pages, T);
    for (int t = T - 1; t >= 0; t--) {
        struct un_page page;
        uint8_t *whole = NULL;
        if (read_raw(source, t, &page, &whole, &err))
            fail_msg("%s: %s", what, err.text);
        if (page.height != H || page.width != W || page.kind != type->kind ||
            page.bytes != type->bytes)
            fail_msg("%s: %d x %d, kind %d", what, page.width, page.height, (int)page.kind);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                const double want = y >= CH && x >= CW ? 9 : value_at(type, t, y, x);
                const double found = un_page_value(&page, whole, (size_t)(y * W + x));
                if (found != want)
                    fail_msg("%s: page %d, row %d, column %d: %g, wanted %g", what, t, y, x, found,
                             want);
            }
        uint8_t part[2 * 3 * 8];
        const struct un_rect rect = {2, 3, 2, 3}; /* of all four chunks */
        assert_int_equal(un_source_raw(source, t, &page, rect, part, &err), UNET_OK);
        for (int y = 0; y < 2; y++)
            assert_memory_equal(part + y * 3 * page.bytes, whole + ((2 + y) * W + 3) * page.bytes,
                                (size_t)(3 * page.bytes));
        free(whole);
    }
    un_source_close(source);
}

static inline void expect_failure(const char *path, unet_code want, const char *words)
{
    struct unet_source *source;
    unet_error err = {0};
    unet_code code = un_source_open(in_folder(path), &source, &err);
    if (!code) {
        for (int i = 0; i < source->pages && !code; i++) {
            struct un_page page;
            uint8_t *samples = NULL;
            code = read_raw(source, i, &page, &samples, &err);
            if (!code)
                free(samples);
        }
        un_source_close(source);
    }
    if (code != want || !strstr(err.text, words))
        fail_msg("%s: code %d, \"%s\"; wanted \"%s\"", path, code, err.text, words);
}

#endif
