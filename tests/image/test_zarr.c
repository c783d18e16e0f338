/* SPDX-License-Identifier: Apache-2.0 */
/* test_zarr.c - arrays of Zarr in both versions, damaged ones, and what is refused */
#include "zarr_maker.h"
#include "support/links.h"

static void test_arrays(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT(types); t++)
        for (int way = 0; way < 48 && types[t].descr && t < 11; way++) {
            const int kind = way / 8; /* 0, 1: version 2; 2 and more: 3 */
            const struct form form = {.version = kind < 2 ? 2 : 3,
                                      .big_endian = way & 1,
                                      .packed = way & 2,
                                      .nested = way & 4,
                                      .fortran = kind == 1,
                                      .turned = kind == 3,
                                      .sharded = kind > 3,
                                      .index_first = kind == 5};
            char folder[40], what[60];
            snprintf(folder, sizeof folder, "a%zu-%d", t, way);
            snprintf(what, sizeof what, "type %s, way %d", types[t].descr, way);
            put_array(folder, &form, &types[t]);
            check_array(folder, &types[t], what);
            folder_remove_tree(in_folder(folder));
        }
}

/* ---- damage ------------------------------------------------------------------------------ */

static void test_damage(void **state)
{
    static const struct {
        struct form form;
        const char *chunk;
        const char *cut, *flipped; /* what is said; flipped NULL: it is other samples */
    } rows[] = {
        {{.version = 2}, "0.0.1", "truncated", NULL},
        {{.version = 2, .packed = true}, "0.0.1", "broken zlib data", "broken zlib data"},
        {{.version = 3, .packed = true}, "c.0.0.1", "broken zlib data", "broken zlib data"},
        {{.version = 3, .sharded = true}, "c.0.0.1", "broken index", "broken index"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char chunk[60];
        size_t size = 0;
        put_array("d", &rows[i].form, &types[1]);
        snprintf(chunk, sizeof chunk, "d/%s", rows[i].chunk);
        unsigned char *bytes = get_file(in_folder(chunk), &size);
        put_file(in_folder(chunk), bytes, size - 3);
        expect_failure("d", UNET_EFORMAT, rows[i].cut);
        put_file(in_folder(chunk), bytes, 0);
        expect_failure("d", UNET_EFORMAT, "d/");
        bytes[size - 2] ^= 16;
        put_file(in_folder(chunk), bytes, size);
        if (rows[i].flipped)
            expect_failure("d", UNET_EFORMAT, rows[i].flipped);
        unlink(in_folder(chunk));
        if (make_link("/etc/hostname", in_folder(chunk)))
            expect_failure("d", UNET_EIO, "is a link");
        unlink(in_folder(chunk));
        make_folder(chunk);
        expect_failure("d", UNET_EIO, "a folder, not a file");
        free(bytes);
        folder_remove_tree(in_folder("d"));
    }
}

#define TWO(rest) "{\"zarr_format\": 2, \"shape\": [4, 4], \"chunks\": [2, 2], " rest "}"
#define THREE(codecs)                                                                              \
    "{\"zarr_format\": 3, \"node_type\": \"array\", \"shape\": [4, 4], \"data_type\": \"uint8\", " \
    "\"chunk_grid\": {\"name\": \"regular\", \"configuration\": {\"chunk_shape\": [2, 2]}}, "      \
    "\"codecs\": [" codecs "]}"

static void test_refusals(void **state)
{
    static const struct {
        const char *file, *text, *words;
    } rows[] = {
        {".zarray", "{", "not valid JSON"},
        {".zarray", "[]", "not a JSON object"},
        {".zarray", "{\"zarr_format\": 3}", "zarr_format is 3"},
        {".zarray", "{\"zarr_format\": 2}", "shape is missing"},
        {".zarray", "{\"zarr_format\": 2, \"shape\": []}", "shape has 0 numbers"},
        {".zarray", "{\"zarr_format\": 2, \"shape\": [4, 0]}", "shape[1] is 0"},
        {".zarray", "{\"zarr_format\": 2, \"shape\": [4, 4], \"chunks\": [4]}",
         "1 numbers; 2 wanted"},
        {".zarray", TWO("\"dtype\": \"<c8\""), "type \"<c8\""},
        {".zarray", TWO("\"dtype\": [[\"a\", \"<u2\"]]"), "type \"\""},
        {".zarray", TWO("\"dtype\": \"|u1\", \"filters\": [{\"id\": \"delta\"}]"), "filters"},
        {".zarray", TWO("\"dtype\": \"|u1\", \"compressor\": {\"id\": \"lzma\"}"), "by \"lzma\""},
        {".zarray", TWO("\"dtype\": \"|u1\", \"fill_value\": \"x\""), "fill_value"},
        {".zarray",
         "{\"zarr_format\": 2, \"shape\": [9, 9], \"chunks\": [99999, 99999], \"dtype\": \"<u2\"}",
         "more than 2 GB"},
        {".zarray", "{\"zarr_format\": 2, \"shape\": [9], \"chunks\": [9], \"dtype\": \"<u2\"}",
         "axes that are not named"},
        {".zarray",
         "{\"zarr_format\": 2, \"shape\": [9999999, 9], \"chunks\": [9, 9], \"dtype\": \"<u2\"}",
         "sides of 1..1048576"},
        {"zarr.json", THREE(""), "packed by \"\""},
        {"zarr.json", THREE("{\"name\": \"bytes\"}, {\"name\": \"lz4\"}"), "packed by \"lz4\""},
        {"zarr.json", THREE("{\"name\": \"bytes\"}, {\"name\": \"gzip\"}, {\"name\": \"zstd\"}"),
         "packed by \"zstd\""},
        {"zarr.json",
         THREE("{\"name\": \"transpose\", \"configuration\": {\"order\": [0, 0]}}, "
               "{\"name\": \"bytes\"}"),
         "transpose"},
        {"zarr.json",
         THREE("{\"name\": \"sharding_indexed\", \"configuration\": {\"chunk_shape\": [2, 3], "
               "\"codecs\": [{\"name\": \"bytes\"}]}}"),
         "in chunks of 3"},
        {"zarr.json",
         THREE("{\"name\": \"sharding_indexed\", \"configuration\": {\"chunk_shape\": [1, 1], "
               "\"codecs\": [{\"name\": \"sharding_indexed\"}]}}"),
         "packed by \"sharding_indexed\""},
        {"zarr.json", "{\"zarr_format\": 3, \"node_type\": \"group\"}", "no multiscales"},
        {".zattrs", "{\"plate\": {}}", "a plate or a well; name one field"},
        {".zgroup", "{\"zarr_format\": 2}", "no multiscales"},
        {".zattrs", "{\"multiscales\": [{\"datasets\": [{\"path\": \"0\"}]}]}",
         "no array is there"},
        {".zattrs", "{\"multiscales\": [{\"datasets\": [{\"path\": \"../r2\"}]}]}",
         "lies elsewhere"},
        {".zattrs", "{\"multiscales\": [{\"datasets\": [{\"path\": \"/tmp\"}]}]}",
         "lies elsewhere"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[40];
        make_folder("r");
        snprintf(name, sizeof name, "r/%s", rows[i].file);
        put_text(name, rows[i].text);
        expect_failure("r", strstr(rows[i].words, "elsewhere") ? UNET_EIO : UNET_EFORMAT,
                       rows[i].words);
        folder_remove_tree(in_folder("r"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("zarr", tests, folder_create, folder_destroy);
}
