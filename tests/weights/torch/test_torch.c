/* SPDX-License-Identifier: Apache-2.0 */
/* PyTorch's containers: zip archives, the legacy stream, tar archives, made here byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/zip_maker.h"
#include "weights/torch/torch.h"

static void expect_refused(const void *data, size_t size, const char *want)
{
    struct un_arrays arrays = {0}, untouched = {0};
    unet_error err = {0};
    unsigned char *bytes = bytes_exact(data, size);
    unet_code code = un_torch_parse("x.pth", bytes, size, &arrays, &err);
    free(bytes);
    if (code != UNET_EFORMAT || err.code != code || strncmp(err.text, "x.pth: ", 7) ||
        !strstr(err.text, want))
        fail_msg("code %d, text \"%s\", wanted \"%s\"", code, err.text, want);
    assert_memory_equal(&arrays, &untouched, sizeof arrays);
}

static void expect_values(const struct bytes *file, const char *name, const char *shape,
                          const float *want, size_t offset)
{
    struct un_arrays arrays;
    unet_error err = {0};
    float values[16];
    char text[UN_SHAPE_TEXT];
    if (un_torch_parse("x.pth", file->data, file->size, &arrays, &err))
        fail_msg("%s", err.text);
    const struct un_array *array = un_arrays_find(&arrays, name);
    assert_non_null(array);
    assert_string_equal(un_shape_text(array->dims, array->shape, text), shape);
    assert_int_equal(array->offset, offset);
    assert_int_equal(un_array_to_float("x.pth", array, values, &err), UNET_OK);
    assert_memory_equal(values, want, array->count * sizeof *want);
    un_arrays_release(&arrays);
}

/* Every beginning of a file, in memory of just that size, is refused. */
static void expect_beginnings_refused(const struct bytes *file)
{
    for (size_t size = 0; size < file->size; size++)
        expect_refused(file->data, size, "");
}

#define TEXT(size, text) "X" size "\0\0\0" text
#define TENSOR(type, key, part, offset, shape, stride)                                             \
    "ctorch._utils\n_rebuild_tensor_v2\n((" TEXT("\7", "storage") "ctorch\n" type "\n" TEXT(       \
        "\1", key) TEXT("\4", "cuda") "K\4" part "tQ" offset "(" shape "t(" stride "t\x89NtR"
#define DICT(tensor) "\x80\2}" TEXT("\1", "w") tensor "s."
static const char simple[] = DICT(TENSOR("FloatStorage", "0", "", "K\0", "K\2K\2", "K\2K\1"));
static const float four[4] = {1, 2, 3, 4};

/* ---- zip archives ---- */

static void add_simple(struct zip_maker *zip)
{
    zip_add(zip, "a/data.pkl", simple, sizeof simple - 1);
    zip_add(zip, "a/data/0", four, sizeof four);
}

static void expect_zip_refused(struct zip_maker *zip, const char *want)
{
    struct bytes file = zip_end(zip);
    expect_refused(file.data, file.size, want);
    free(file.data);
}

static void test_zip_reads(void **state)
{
    (void)state;
    struct zip_maker zip = {0};
    add_simple(&zip);
    zip_add(&zip, "a/byteorder", "little", 6);
    zip_add(&zip, "a/unet.json", "{\"format\":1}", 12);
    zip_add(&zip, "a/other/data.pkl", "not looked at", 13);
    struct bytes file = zip_end(&zip);
    expect_values(&file, "w", "[2, 2]", four, 0);
    struct un_arrays arrays;
    unet_error err;
    assert_int_equal(un_torch_parse("x", file.data, file.size, &arrays, &err), UNET_OK);
    assert_string_equal(arrays.metadata, "{\"format\":1}");
    un_arrays_release(&arrays);
    expect_beginnings_refused(&file);
    free(file.data);
}

static void test_zip_deflated(void **state)
{
    (void)state;
    const size_t size = 1 + 258 * 30; /* of zeros; the tensor has the first four */
    unsigned char *zeros = calloc(size, 1);
    struct bytes packed = zip_deflate_zeros(size);
    struct zip_claim claim = {.method = ZIP_DEFLATED,
                              .crc = zip_crc(zeros, size),
                              .packed = (uint32_t)packed.size,
                              .size = (uint32_t)size};
    struct zip_maker zip = {0};
    zip_add(&zip, "data.pkl", simple, sizeof simple - 1);
    zip_add_claim(&zip, "data/0", packed.data, packed.size, claim);
    struct bytes file = zip_end(&zip);
    expect_values(&file, "w", "[2, 2]", (float[4]){0}, 0);
    free(file.data);

    claim.size -= 258; /* more comes out than is claimed */
    zip_add(&zip, "data.pkl", simple, sizeof simple - 1);
    zip_add_claim(&zip, "data/0", packed.data, packed.size, claim);
    expect_zip_refused(&zip, "zip member data/0");
    claim.size += 2 * 258; /* less */
    zip_add(&zip, "data.pkl", simple, sizeof simple - 1);
    zip_add_claim(&zip, "data/0", packed.data, packed.size, claim);
    expect_zip_refused(&zip, "zip member data/0");
    free(packed.data);
    free(zeros);
}

static void test_zip_bombs(void **state)
{
    (void)state;
    struct zip_maker zip = {0};
    const size_t size = 1 + 258 * 100000;
    struct bytes packed = zip_deflate_zeros(size);
    add_simple(&zip);
    zip_add_claim(&zip, "a/data/1", packed.data, packed.size,
                  (struct zip_claim){.method = ZIP_DEFLATED,
                                     .packed = (uint32_t)packed.size,
                                     .size = (uint32_t)size});
    expect_zip_refused(&zip,
                       "its members would unpack to more than 16 times the file's 162936 bytes");
    free(packed.data);

    /* many members of the same bytes */
    unsigned char *data = calloc(4096, 1);
    struct zip_claim claim = {.packed = 4096, .size = 4096, .crc = zip_crc(data, 4096)};
    add_simple(&zip);
    claim.at = (uint32_t)zip.out.size;
    zip_add_claim(&zip, "a/data/1", data, 4096, claim);
    for (int i = 0; i < 100; i++)
        zip_add_claim(&zip, "a/data/2", NULL, 0, claim);
    expect_zip_refused(&zip, "its members overlap: up to a/data/2 they take more than the file's");
    free(data);

    /* a list that has fewer members than the end claims */
    add_simple(&zip);
    zip.count = 65535;
    expect_zip_refused(&zip, "not a whole zip archive");
}

static void test_zip_broken(void **state)
{
    (void)state;
    static const struct {
        struct zip_claim claim;
        const char *want;
    } rows[] = {
        {{.crc = 7, .packed = 16, .size = 16}, "zip member a/data/0: CRC error"},
        {{.method = 12, .packed = 16, .size = 16},
         "a/data/0 is packed by method 12, wanted stored"},
        {{.flags = 1, .packed = 16, .size = 16}, "zip member a/data/0 is encrypted"},
        {{.packed = 16, .size = 17}, "a/data/0 is stored, but its 17 bytes take 16"},
        {{.packed = 4000000000, .size = 4000000000}, "its members overlap: up to a/data/0"},
    };
    struct zip_maker zip = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        zip_add(&zip, "a/data.pkl", simple, sizeof simple - 1);
        zip_add_claim(&zip, "a/data/0", four, sizeof four, rows[i].claim);
        expect_zip_refused(&zip, rows[i].want);
    }
    zip_add(&zip, "word/document.xml", "", 0);
    expect_zip_refused(&zip, "a zip archive without data.pkl; torch.save() writes one");
    zip_add(&zip, "a/data.pkl", simple, sizeof simple - 1);
    expect_zip_refused(&zip, "tensor w: its storage 0 is missing");
    add_simple(&zip);
    zip_add(&zip, "a/data/0", four, sizeof four);
    expect_zip_refused(&zip, "two storages are called 0");
    add_simple(&zip);
    zip_add(&zip, "a/byteorder", "big", 3);
    expect_zip_refused(&zip, "byteorder is \"big\", wanted \"little\"");
    add_simple(&zip);
    zip_add(&zip, "a/unet.json", "{}\0", 3);
    expect_zip_refused(&zip, "unet.json has a zero byte in it");
    expect_refused("PK\3\4", 4, "not a whole zip archive (is the file cut short?)");
    expect_refused("what", 4, "is nothing that torch.save() writes");
}

/* ---- the legacy stream ---- */

static const char legacy_start[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                                   "\x80\2M\xe9\3."
                                   "\x80\2}" TEXT("\15", "little_endian") "\x88s.";

static struct bytes make_legacy(const void *pickle, size_t size)
{
    struct bytes file = {0};
    bytes_add(&file, legacy_start, sizeof legacy_start - 1);
    bytes_add(&file, pickle, size);
    bytes_add(&file, "\x80\2]" TEXT("\1", "0") "a.", 11);
    bytes_number(&file, 4, 8);
    bytes_add(&file, four, sizeof four);
    return file;
}

static void test_legacy_reads(void **state)
{
    (void)state;
    static const char part[] =
        DICT(TENSOR("FloatStorage", "0", "(" TEXT("\1", "5") "K\1K\3t", "K\1", "K\2", "K\1"));
    struct bytes file = make_legacy(simple, sizeof simple - 1);
    expect_values(&file, "w", "[2, 2]", four, 0);
    expect_beginnings_refused(&file);
    free(file.data);
    file = make_legacy(part, sizeof part - 1);
    expect_values(&file, "w", "[2]", four + 2, 2);
    free(file.data);
}

/* Settings beside the arrays: {"w": ..., "hyper": {"act": "elu", "negative_slope": 0.25}} */
static void test_settings(void **state)
{
    static const char pickle[] =
        "\x80\2}" TEXT("\1", "w") TENSOR("FloatStorage", "0", "", "K\0", "K\2K\2",
                                         "K\2K\1") "s" TEXT("\5", "hyper") "}" TEXT("\3", "act")
            TEXT("\3", "elu") "s" TEXT("\16", "negative_slope") "G\x3f\xd0\0\0\0\0\0\0ss.";
    struct bytes file = make_legacy(pickle, sizeof pickle - 1);
    struct un_arrays arrays;
    unet_error err;
    (void)state;
    if (un_torch_parse("x", file.data, file.size, &arrays, &err))
        fail_msg("%s", err.text);
    assert_int_equal(arrays.count, 1);
    assert_string_equal(arrays.hints.strange_act, "ELU");
    assert_true(arrays.hints.leaky_slope == 0.25f);
    un_arrays_release(&arrays);
    free(file.data);
}

static void test_legacy_broken(void **state)
{
    (void)state;
#define ROW(pickle, want)                                                                          \
    {                                                                                              \
        pickle, sizeof pickle - 1, want                                                            \
    }
    static const struct {
        const char *pickle;
        size_t size;
        const char *want;
    } rows[] = {
        ROW(DICT(TENSOR("FloatStorage", "1", "", "K\0", "", "")),
            "the keys of its storages have a text that no tensor uses, or twice"),
        ROW(DICT(TENSOR("DoubleStorage", "0", "", "K\0", "", "")),
            "storage 0 needs 4 values of 8 bytes, 16 bytes are left (is the file cut short?)"),
        ROW(DICT(TENSOR("FloatStorage", "0", "(" TEXT("\1", "5") "K\1K\4t", "K\0", "", "")),
            "tensor w: values 1 and 4 more of a storage of 4"),
        ROW(DICT(TENSOR("FloatStorage", "0", "(" TEXT("\1", "5") "K\1K\3t", "K\0", "K\4", "K\1")),
            "tensor w: shape [4], stride [1], offset 0 reach outside of its storage of 3 values"),
        ROW("\x80\2](" TENSOR("FloatStorage", "0", "", "K\0", "", "")
                TENSOR("DoubleStorage", "0", "", "K\0", "", "") "e.",
            "storage 0 has values of two sizes"),
        ROW("\x80\2N.", "the keys of its storages have a text that no tensor uses, or twice"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes file = make_legacy(rows[i].pickle, rows[i].size);
        expect_refused(file.data, file.size, rows[i].want);
        free(file.data);
    }
    expect_refused("\x80\2K\1.", 5,
                   "is a pickle, but none that torch.save() wrote: begins with an integer");
    struct bytes file = make_legacy(simple, sizeof simple - 1);
    file.data[15 + 4] = 4; /* protocol 1257 */
    expect_refused(file.data, file.size, "its protocol is an integer 1257, wanted 1001");
    file.data[15 + 4] = 3;
    *(unsigned char *)memchr(file.data, 0x88, file.size) = 0x89;
    expect_refused(file.data, file.size, "written by a big-endian computer, wanted little-endian");
    free(file.data);
}

/* ---- tar archives ---- */

static void tar_add(struct bytes *tar, const char *name, const void *data, size_t size)
{
    unsigned char header[512] = {0};
    static const unsigned char zeros[512];
    strcpy((char *)header, name);
    sprintf((char *)header + 124, "%011zo", size);
    memcpy(header + 257, "ustar", 5);
    bytes_add(tar, header, sizeof header);
    bytes_add(tar, data, size);
    bytes_add(tar, zeros, (512 - size % 512) % 512);
}

/* One storage, 7, of four floats; a part of it, 8, from the second on; tensors 1 (all) and 2. */
static struct bytes make_tar(const char *pickle, size_t size, uint64_t stride)
{
    struct bytes storages = {0}, tensors = {0}, tar = {0};
    bytes_add(&storages, "\x80\2K\1.\x80\2(K\7U\3cpuctorch\nFloatStorage\nt.", 37);
    bytes_number(&storages, 4, 8);
    bytes_add(&storages, four, sizeof four);
    bytes_add(&storages, "\x80\2](K\x08K\7K\1K\3ta.", 15);
    bytes_add(&tensors, "\x80\2K\2.", 5);
    for (int i = 1; i <= 2; i++) {
        bytes_add(&tensors, "\x80\2(K", 4);
        bytes_number(&tensors, (uint64_t)i, 1);
        bytes_add(&tensors, "K", 1);
        bytes_number(&tensors, (uint64_t)i + 6, 1);
        bytes_add(&tensors, "ctorch\nFloatTensor\nt.", 21);
        bytes_number(&tensors, i == 1 ? 2 : 0, 8); /* dimensions */
        for (int side = 0; side < (i == 1 ? 2 : 0); side++)
            bytes_number(&tensors, 2, 8);
        if (i == 1) {
            bytes_number(&tensors, stride, 8);
            bytes_number(&tensors, 1, 8);
        }
        bytes_number(&tensors, i == 1 ? 0 : 2, 8); /* offset */
    }
    tar_add(&tar, "sys_info", "\x80\2}U\15little_endian\x88s.", 21);
    tar_add(&tar, "pickle", pickle, size);
    tar_add(&tar, "tensors", tensors.data, tensors.size);
    tar_add(&tar, "./storages", storages.data, storages.size);
    free(storages.data);
    free(tensors.data);
    return tar;
}

static void test_tar(void **state)
{
    (void)state;
    static const char pickle[] =
        "\x80\2}(" TEXT("\1", "a") "K\1Q" TEXT("\1", "b") "ctorch.nn.parameter\nParameter\n(U\1"
                                                          "2Q\x88tR"
                                                          "u.";
    struct bytes tar = make_tar(pickle, sizeof pickle - 1, 2);
    expect_values(&tar, "a", "[2, 2]", four, 0);
    expect_values(&tar, "b", "[]", four + 3, 3);
    for (size_t size = 0; size < tar.size; size += size < 2048 ? 1 : 97) {
        struct un_arrays arrays;
        unet_error err;
        unsigned char *bytes = bytes_exact(tar.data, size);
        if (!un_torch_parse("x", bytes, size, &arrays, &err))
            un_arrays_release(&arrays); /* only blocks of nothing were cut */
        free(bytes);
    }
    free(tar.data);
    tar = make_tar(pickle, sizeof pickle - 1, 3);
    expect_refused(tar.data, tar.size,
                   "tensor 1: shape [2, 2], stride [3, 1], offset 0 reach outside");
    free(tar.data);
    tar = make_tar(pickle, sizeof pickle - 1, (uint64_t)-1);
    expect_refused(tar.data, tar.size, "tensor 1: stride[0] is -1, wanted 0 or more");
    free(tar.data);
    tar = make_tar("\x80\2]K\5Qa.", 8, 2);
    expect_refused(tar.data, tar.size, "tensor 0: number 5 is not listed");
    memset(tar.data, 'x', 8); /* not sys_info */
    sprintf((char *)tar.data + 124, "%011o", 077777777);
    expect_refused(tar.data, tar.size, "tar member xxxxxxxx does not end in the file");
    free(tar.data);
    tar = (struct bytes){0};
    tar_add(&tar, "pickle", pickle, sizeof pickle - 1);
    expect_refused(tar.data, tar.size, "a tar archive without storages, not one of PyTorch's");
    free(tar.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zip_reads),     cmocka_unit_test(test_zip_deflated),
        cmocka_unit_test(test_zip_bombs),     cmocka_unit_test(test_zip_broken),
        cmocka_unit_test(test_legacy_reads),  cmocka_unit_test(test_settings),
        cmocka_unit_test(test_legacy_broken), cmocka_unit_test(test_tar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
