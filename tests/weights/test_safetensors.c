/* SPDX-License-Identifier: Apache-2.0 */
/* The safetensors reader: what it must refuse, with which words, and what it must read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/number.h"
#include "unet.h"
#include "weights/safetensors.h"

/* A file of exactly this size, so that a sanitizer sees a byte read too many. */
static unsigned char *make_file(uint64_t length, const char *header, size_t header_size,
                                size_t data_size, size_t *size)
{
    *size = 8 + header_size + data_size;
    unsigned char *bytes = calloc(*size, 1);
    assert_non_null(bytes);
    un_little_copy(bytes, &length, 1, 8);
    memcpy(bytes + 8, header, header_size);
    return bytes;
}

static void expect_refused(const unsigned char *bytes, size_t size, const char *want)
{
    struct un_safetensors file = {0}, untouched = {0};
    unet_error err = {0};
    unet_code code = un_safetensors_parse("x.safetensors", bytes, size, &file, &err);
    if (code != UNET_EFORMAT || err.code != code || strncmp(err.text, "x.safetensors: ", 15) ||
        !strstr(err.text, want))
        fail_msg("code %d, text \"%s\", wanted \"%s\"", code, err.text, want);
    assert_memory_equal(&file, &untouched, sizeof file);
}

static void test_broken_start(void **state)
{
    (void)state;
    static const struct {
        uint64_t length;
        const char *header;
        size_t data;
        const char *want;
    } rows[] = {
        {0, "", 0, "not a safetensors file: 8 bytes, wanted 10 or more"},
        {0, "{}", 0, "a header of 0 bytes, wanted 2..2"},
        {1, "{}", 0, "a header of 1 bytes, wanted 2..2"},
        {3, "{}", 0, "ends within its header of 3 bytes (is the file cut short?)"},
        {UINT64_MAX, "{}", 0, "a header of 18446744073709551615 bytes"},
        {UINT64_MAX - 7, "{}", 4, "a header of 18446744073709551608 bytes"},
        {2, "[]", 0, "the header begins with byte 0x5b, wanted '{'"},
        {3, " {}", 0, "the header begins with byte 0x20, wanted '{'"},
        {5, "{\"a\":", 0, "the header ends with byte 0x3a, wanted '}'"},
        {3, "{}\n", 0, "the header ends with byte 0x0a, wanted '}'"},
        {4, "{} x", 0, "the header ends with byte 0x78, wanted '}'"},
        {4, "{}{}", 0, "header is not valid JSON at byte 3"},
        {6, "{\"a\":}", 0, "header is not valid JSON at byte 6"},
        {2, "{}", 1, "1 bytes of data, its tensors have 0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size;
        unsigned char *bytes =
            make_file(rows[i].length, rows[i].header, strlen(rows[i].header), rows[i].data, &size);
        expect_refused(bytes, size, rows[i].want);
        free(bytes);
    }
    expect_refused(NULL, 0, "0 bytes, wanted 10 or more");
}

#define T(dtype, shape, offsets)                                                                   \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_broken_header(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *want;
    } rows[] = {
        {"{\"a\":1}", 0, "tensor a: is no JSON object"},
        {"{\"a\":{}}", 0, "tensor a: dtype is missing or no string"},
        {"{\"a\":{\"dtype\":7}}", 0, "tensor a: dtype is missing or no string"},
        {"{\"a\":" T("Q4", "[]", "[0,1]") "}", 1, "tensor a: unknown dtype \"Q4\""},
        {"{\"a\":" T("f32", "[]", "[0,4]") "}", 4, "tensor a: unknown dtype \"f32\""},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "shape is missing or no array"},
        {"{\"a\":" T("F32", "[-1]", "[0,4]") "}", 4, "shape[0] is no integer of 0 or more"},
        {"{\"a\":" T("F32", "[1,1.0]", "[0,4]") "}", 4, "shape[1] is no integer of 0 or more"},
        {"{\"a\":" T("F32", "[1,\"1\"]", "[0,4]") "}", 4, "shape[1] is no integer of 0 or more"},
        {"{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "9 dimensions, at most 8"},
        {"{\"a\":" T("U8", "[4294967296,4294967296]", "[0,0]") "}", 0, "shape is too large"},
        {"{\"a\":" T("F64", "[4611686018427387904]", "[0,0]") "}", 0,
         "shape [4611686018427387904] is too large"},
        {"{\"a\":" T("F64", "[18446744073709551616]", "[0,0]") "}", 0, "not valid JSON"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "data_offsets is missing"},
        {"{\"a\":" T("F32", "[1]", "[0]") "}", 4, "data_offsets is missing or not two integers"},
        {"{\"a\":" T("F32", "[1]", "[0,4,8]") "}", 4, "not two integers"},
        {"{\"a\":" T("F32", "[1]", "[0,4.0]") "}", 4, "not two integers"},
        {"{\"a\":" T("F32", "[1]", "[-4,0]") "}", 4, "data_offsets [-4, 0] outside of the 4 bytes"},
        {"{\"a\":" T("F32", "[1]", "[4,0]") "}", 4, "data_offsets [4, 0] outside of the 4 bytes"},
        {"{\"a\":" T("F32", "[2]", "[0,8]") "}", 4, "[0, 8] outside of the 4 bytes of data (is "},
        {"{\"a\":" T("F32", "[1]", "[0,9223372036854775807]") "}", 4, "outside of the 4 bytes"},
        {"{\"a\":" T("F32", "[2]", "[0,4]") "}", 4,
         "tensor a: has 4 bytes, F32 of shape [2] needs 8"},
        {"{\"a\":" T("F16", "[2]", "[0,8]") "}", 8,
         "tensor a: has 8 bytes, F16 of shape [2] needs 4"},
        {"{\"a\":" T("I64", "[]", "[0,4]") "}", 4, "has 4 bytes, I64 of shape [] needs 8"},
        {"{\"a\":" T("F32", "[1]", "[0,4]") ",\"b\":" T("F32", "[1]", "[2,6]") "}", 6,
         "tensor b: begins at byte 2, inside of tensor a"},
        {"{\"b\":" T("F32", "[1]", "[0,4]") ",\"a\":" T("F32", "[1]", "[0,4]") "}", 4,
         "tensor b: begins at byte 0, inside of tensor a"},
        {"{\"a\":" T("F32", "[1]", "[0,4]") ",\"b\":" T("F32", "[1]", "[8,12]") "}", 12,
         "tensor b: begins at byte 8, 4 bytes behind the end of a"},
        {"{\"a\":" T("F32", "[1]", "[4,8]") "}", 8, "4 bytes behind the end of the header"},
        {"{\"a\":" T("F32", "[1]", "[0,4]") "}", 7, "7 bytes of data, its tensors have 4"},
        {"{\"a\":" T("U8", "[1]", "[0,1]") ",\"a\":" T("U8", "[1]", "[1,2]") "}", 2,
         "duplicate object key"},
        {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0, "duplicate object key"},
        {"{\"__metadata__\":[]}", 0, "__metadata__ is no JSON object"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "__metadata__: k is no string"},
        {"{\"__metadata__\":{\"k\":\"\\u0000\"}}", 0, "\\u0000 is not allowed"},
        {"{\"a\\u0000\":1}", 0, "not valid JSON"},
        {"{\"\xff\":1}", 0, "not valid JSON"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size, length = strlen(rows[i].header);
        unsigned char *bytes = make_file(length, rows[i].header, length, rows[i].data, &size);
        expect_refused(bytes, size, rows[i].want);
        free(bytes);
    }
}

/* {"a":PPPP...} of n times a pattern */
static void expect_bomb_refused(const char *pattern, size_t n, const char *want)
{
    size_t size, step = strlen(pattern), length = 5 + n * step + 1;
    char *header = malloc(length);
    assert_non_null(header);
    memcpy(header, "{\"a\":", 5);
    for (size_t i = 0; i < n; i++)
        memcpy(header + 5 + i * step, pattern, step);
    header[length - 1] = '}';
    unsigned char *bytes = make_file(length, header, length, 0, &size);
    expect_refused(bytes, size, want);
    free(bytes);
    free(header);
}

static void test_bombs(void **state)
{
    (void)state;
    expect_bomb_refused("[", 1000000, "header is nested deeper than 32 levels");
    expect_bomb_refused("{\"\":", 1000000, "header is nested deeper than 32 levels");
    expect_bomb_refused("0,", 1000001, "header has more than 1000000 values");
    expect_bomb_refused("[],", 500001, "header has more than 1000000 values");
}

static void test_reads(void **state)
{
    (void)state;
    /* odd header length: no value is aligned; out of order; tensors without values */
    const char *header = "{\"b\":" T("F32", "[1,2]", "[2,10]") ",\"e\":" T(
        "F64", "[0,3]", "[2,2]") ",\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"BF16\",\"x\":"
                                 "null,\"shape\":[],\"data_offsets\":[0,2]}}   ";
    const float two[2] = {1.5f, -0.1f};
    size_t size, length = strlen(header);
    unsigned char *bytes = make_file(length, header, length, 10, &size);
    memcpy(bytes + 8 + length, "\x80\x3f", 2);
    un_little_copy(bytes + 8 + length + 2, two, 2, sizeof *two);

    struct un_safetensors file;
    unet_error err;
    assert_int_equal(un_safetensors_parse("x", bytes, size, &file, &err), UNET_OK);
    assert_int_equal(file.count, 3);
    assert_string_equal(file.tensors[0].name, "a");
    assert_string_equal(file.tensors[1].name, "e");
    assert_string_equal(un_safetensors_metadata(&file, "k"), "v");
    assert_null(un_safetensors_metadata(&file, "a"));
    assert_null(un_safetensors_find(&file, "__metadata__"));
    float values[2];
    const struct un_array *b = un_safetensors_find(&file, "b");
    assert_int_equal(b->dims, 2);
    assert_int_equal(b->count, 2);
    assert_int_equal(un_array_to_float("x", b, values, &err), UNET_OK);
    assert_memory_equal(values, two, sizeof two);
    assert_int_equal(un_array_to_float("x", &file.tensors[0], values, &err), UNET_OK);
    assert_float_equal(values[0], 1, 0);
    un_safetensors_release(&file);
    free(bytes);
}

/* A number of this machine, as a file has it. */
static float convert(const char *dtype, const void *number)
{
    unsigned char bytes[8];
    float value;
    un_little_copy(bytes, number, 1, un_dtype_find(dtype)->bytes);
    un_dtype_find(dtype)->to_float(bytes, 1, &value);
    return value;
}

static void test_conversions(void **state)
{
    (void)state;
    static const struct {
        uint16_t half;
        float want;
    } rows[] = {{0x0000, 0},        {0x3c00, 1},           {0xc000, -2},
                {0x7bff, 65504},    {0x0001, 0x1p-24f},    {0x83ff, -1023 * 0x1p-24f},
                {0x0400, 0x1p-14f}, {0x3555, 0x1.554p-2f}, {0x7c00, INFINITY},
                {0xfc00, -INFINITY}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(convert("F16", &rows[i].half) == rows[i].want);
    assert_true(signbit(convert("F16", &(uint16_t){0x8000})));
    assert_true(isnan(convert("F16", &(uint16_t){0x7e01})));
    assert_true(convert("BF16", &(uint16_t){0xc049}) == -0x1.92p1f);
    assert_true(isnan(convert("BF16", &(uint16_t){0x7fc0})));
    assert_true(convert("F64", &(double){0.1}) == 0.1f);
    assert_true(isinf(convert("F64", &(double){1e300})));
    assert_null(un_dtype_find("I64")->to_float);
}

static size_t product(const char *shape, int *dims)
{
    size_t count = 1;
    *dims = 0;
    for (const char *p = shape + strspn(shape, "[ "); *p && *p != ']'; p += strspn(p, ", ")) {
        count *= strtoull(p, (char **)&p, 10);
        ++*dims;
    }
    return count;
}

/* path bytes key dtype shape begin end sha256, separated by tabs */
static void check_row(char *row)
{
    char *cell[8], path[4096], *rest = row;
    for (int i = 0; i < 8; i++)
        assert_non_null(cell[i] = strsep(&rest, "\t\n"));
    snprintf(path, sizeof path, "%s/%s", TEST_SHARED, cell[0]);
    struct un_safetensors file;
    unet_error err;
    if (un_safetensors_open(path, &file, &err))
        fail_msg("%s", err.text);
    const struct un_array *tensor = un_safetensors_find(&file, cell[2]);
    assert_non_null(tensor);
    int dims;
    size_t count = product(cell[4], &dims), begin = strtoull(cell[5], NULL, 10);
    if (file.mapping.size != strtoull(cell[1], NULL, 10) || strcmp(tensor->dtype->name, cell[3]) ||
        tensor->dims != dims || tensor->count != count ||
        (size_t)(tensor->data - file.data) != begin ||
        begin + count * (size_t)tensor->dtype->bytes != strtoull(cell[6], NULL, 10))
        fail_msg("%s: %s: not as expected", path, cell[2]);
    char text[UN_SHAPE_TEXT];
    assert_string_equal(un_shape_text(dims, tensor->shape, text), cell[4]);
    un_safetensors_release(&file);
}

static void test_shared_files(void **state)
{
    (void)state;
    FILE *list = fopen(TEST_SHARED "/EXPECT_safetensors.tsv", "r");
    if (!list) {
        print_message("no shared data at %s\n", TEST_SHARED);
        skip();
    }
    char row[8192];
    int rows = 0;
    assert_non_null(fgets(row, sizeof row, list)); /* the heading */
    for (; fgets(row, sizeof row, list); rows++)
        check_row(row);
    fclose(list);
    assert_true(rows > 0);
}

static void test_writes(void **state)
{
    (void)state;
    char folder[] = "/tmp/unet_test_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.safetensors", folder);
    const float values[6] = {0, 1, 2, 3, 4, 5};
    const struct un_safetensors_entry entries[] = {{"z", 2, (int[]){2, 2}, values},
                                                   {"a", 1, (int[]){2}, values + 4}};
    const char *const metadata[][2] = {{"format", "pt"},
                                       {"k", "\"quoted\" \xc3\xa4"},
                                       {"activation", "LeakyReLU"},
                                       {"config", "{\"net\": {\"negative_slope\": 0.2}}"}};
    unet_error err;
    assert_int_equal(un_safetensors_write(path, entries, 2, metadata, 4, &err), UNET_OK);

    struct un_safetensors file;
    assert_int_equal(un_safetensors_open(path, &file, &err), UNET_OK);
    assert_int_equal((file.data - file.mapping.data) % 64, 0);
    assert_int_equal(file.count, 2);
    assert_string_equal(file.tensors[0].name, "z");
    assert_string_equal(un_safetensors_metadata(&file, "k"), metadata[1][1]);
    float written[sizeof values / sizeof *values];
    un_little_copy(written, file.data, sizeof values / sizeof *values, sizeof *values);
    assert_memory_equal(written, values, sizeof values);
    un_safetensors_release(&file);
    struct un_arrays arrays;
    assert_int_equal(un_safetensors_arrays(path, &arrays, &err), UNET_OK);
    assert_int_equal(arrays.hints.act, UNET_ACT_LEAKY_RELU);
    assert_true(arrays.hints.leaky_slope == 0.2f);
    un_arrays_release(&arrays);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_start), cmocka_unit_test(test_broken_header),
        cmocka_unit_test(test_bombs),        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_conversions),  cmocka_unit_test(test_shared_files),
        cmocka_unit_test(test_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
