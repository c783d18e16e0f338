/* SPDX-License-Identifier: Apache-2.0 */
/* The table of arrays: files of all formats as other programs wrote them, and which are a
 * network's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "weights/arrays.h"

/* ---- every array of the shared checkpoints ---- */

static const struct {
    const char *storage, *dtype;
} storages[] = {{"FloatStorage", "F32"},  {"HalfStorage", "F16"}, {"BFloat16Storage", "BF16"},
                {"DoubleStorage", "F64"}, {"LongStorage", "I64"}, {"IntStorage", "I32"},
                {"ShortStorage", "I16"},  {"CharStorage", "I8"},  {"ByteStorage", "U8"},
                {"BoolStorage", "BOOL"}};

static const char *dtype_of(const char *storage)
{
    for (size_t i = 0; i < sizeof storages / sizeof *storages; i++)
        if (!strcmp(storage, storages[i].storage))
            return storages[i].dtype;
    return "?";
}

/* The bytes of an array in C order, index by index: the plain way, to compare with. */
static unsigned char *copy_in_order(const struct un_array *array, size_t *size)
{
    const size_t bytes = (size_t)array->dtype->bytes;
    *size = array->count * bytes;
    unsigned char *copy = malloc(*size + 1);
    assert_non_null(copy);
    for (size_t i = 0; i < array->count; i++) {
        size_t rest = i, at = 0;
        for (int d = array->dims; d-- > 0; rest /= array->shape[d])
            at += rest % array->shape[d] * array->stride[d];
        memcpy(copy + i * bytes, array->data + at * bytes, bytes);
    }
    return copy;
}

/* One value as a double; 64-bit integers in the tables are small. */
static double value_of(const struct un_array *array, const unsigned char *at)
{
    const char *type = array->dtype->name;
    float f;
    double d;
    int64_t i = 0;
    if (!strcmp(type, "F64")) {
        memcpy(&d, at, sizeof d);
        return d;
    }
    if (array->dtype->to_float) {
        array->dtype->to_float(at, 1, &f);
        return f;
    }
    memcpy(&i, at, (size_t)array->dtype->bytes);
    int unused = 64 - 8 * array->dtype->bytes;
    return *type == 'I' ? (double)((int64_t)((uint64_t)i << unused) >> unused) : (double)i;
}

static bool same_values(const struct un_array *array, const unsigned char *bytes, const char *text)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {
        {"true", 1}, {"false", 0}, {"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    const char *p = text + 1;
    for (size_t i = 0; i < array->count; i++, p += strspn(p, ", ")) {
        double want = 0, have = value_of(array, bytes + i * (size_t)array->dtype->bytes);
        size_t w = 0;
        while (w < 5 && strncmp(p, words[w].word, strlen(words[w].word)))
            w++;
        if (w < 5) {
            want = words[w].value;
            p += strlen(words[w].word);
        } else {
            want = strtod(p, (char **)&p);
        }
        if (have != want && !(isnan(have) && isnan(want)))
            return false;
    }
    return !strcmp(p, "]");
}

static bool same_contents(const struct un_array *array, const char *want)
{
    size_t size;
    char text[80];
    unsigned char *bytes = copy_in_order(array, &size);
    bool same;
    if (!strncmp(want, "sha256:", 7)) {
        un_sha256_text(bytes, size, text);
        same = !strcmp(text, want + 7);
    } else if (!strncmp(want, "(bf16 raw) ", 11)) {
        for (size_t i = 0; i < size && i < 32; i++)
            sprintf(text + 2 * i, "%02x", bytes[i]);
        same = !strcmp(text, want + 11);
    } else {
        same = same_values(array, bytes, want);
    }
    free(bytes);
    return same;
}

/* path format key storage shape stride offset contiguous values, separated by tabs */
static void check_row(const char *path, char *cell[9])
{
    struct un_arrays arrays;
    unet_error err;
    for (char *p = cell[2]; *p; p++)
        *p = *p == '/' ? '.' : *p;
    if (un_arrays_open_all(path, &arrays, &err))
        fail_msg("%s", err.text);
    const struct un_array *array = un_arrays_find(&arrays, cell[2]);
    if (!array)
        fail_msg("%s: %s: is missing", path, cell[2]);
    char shape[UN_SHAPE_TEXT], stride[UN_SHAPE_TEXT];
    un_shape_text(array->dims, array->shape, shape);
    un_shape_text(array->dims, array->stride, stride);
    if (strcmp(array->dtype->name, dtype_of(cell[3])) || strcmp(shape, cell[4]) ||
        strcmp(stride, cell[5]) || array->offset != strtoull(cell[6], NULL, 10) ||
        un_array_is_contiguous(array) != (*cell[7] == '1'))
        fail_msg("%s: %s: %s %s %s offset %zu, not as expected", path, cell[2], array->dtype->name,
                 shape, stride, array->offset);
    if (!same_contents(array, cell[8]))
        fail_msg("%s: %s: has other values than expected", path, cell[2]);
    un_arrays_release(&arrays);
}

static void check_refused(const char *path, const char *want)
{
    struct un_arrays arrays;
    unet_error err = {0};
    assert_int_equal(un_arrays_open_all(path, &arrays, &err), UNET_EFORMAT);
    if (!strstr(err.text, want))
        fail_msg("text \"%s\", wanted \"%s\"", err.text, want);
}

static int count_rows(FILE *list, const char *file)
{
    static char row[65536];
    long place = ftell(list);
    int rows = 0;
    rewind(list);
    while (fgets(row, sizeof row, list))
        rows += !strncmp(row, file, strlen(file)) && row[strlen(file)] == '\t';
    fseek(list, place, SEEK_SET);
    return rows;
}

static void test_shared_checkpoints(void **state)
{
    (void)state;
    FILE *list = fopen(TEST_SHARED "/EXPECT_checkpoints.tsv", "r");
    if (!list) {
        print_message("no shared data at %s\n", TEST_SHARED);
        skip();
    }
    static char row[65536];
    int rows = 0;
    assert_non_null(fgets(row, sizeof row, list)); /* the heading */
    for (; fgets(row, sizeof row, list); rows++) {
        char *cell[9] = {0}, path[4096], *rest = row;
        for (int i = 0; i < 9; i++)
            cell[i] = strsep(&rest, "\t\n");
        snprintf(path, sizeof path, "%s/%s", TEST_SHARED, cell[0]);
        if (!strncmp(cell[1], "ERROR", 5)) {
            check_refused(path, "is no model file: begins with 61 62 63"); /* "abc" */
            continue;
        }
        check_row(path, cell);
        struct un_arrays arrays;
        unet_error err;
        assert_int_equal(un_arrays_open_all(path, &arrays, &err), UNET_OK);
        assert_int_equal(arrays.count, count_rows(list, cell[0]));
        un_arrays_release(&arrays);
    }
    fclose(list);
    assert_true(rows > 0);
}

/* What lies there in a model's place. */
static void test_not_the_file(void **state)
{
    static const char *const rows[][2] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
         "a Git LFS pointer, not the file; git lfs pull fetches it"},
        {"<!DOCTYPE html><html></html>", "a web page, not the file; the download was refused"},
        {"%PDF-1.7", "a PDF file, which is not read"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[] = "/tmp/unet_test_XXXXXX";
        const int descriptor = mkstemp(path);
        assert_true(descriptor >= 0);
        assert_int_equal(write(descriptor, rows[i][0], strlen(rows[i][0])), strlen(rows[i][0]));
        close(descriptor);
        check_refused(path, rows[i][1]);
        unlink(path);
    }
}

/* ---- what TorchScript tells besides ---- */

static void test_shared_hints(void **state)
{
    (void)state;
    struct un_arrays arrays;
    unet_error err;
    const char *path = TEST_SHARED "/weights/nuclei_broad/weights.pt";
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("no shared data at %s\n", TEST_SHARED);
        skip();
    }
    fclose(file);
    assert_int_equal(un_arrays_open(path, &arrays, &err), UNET_OK);
    assert_int_equal(arrays.hints.padding, UNET_PADDING_SAME);
    assert_int_equal(arrays.hints.single_act, 1);
    assert_int_equal(arrays.hints.act, UNET_ACT_RELU);
    assert_int_equal(arrays.hints.up, UNET_UP_BILINEAR);
    assert_int_equal(arrays.hints.align_corners, 0);
    assert_int_equal(arrays.hints.norm_order, -1);
    assert_true(isnan(arrays.hints.leaky_slope));
    un_arrays_release(&arrays);
}

/* ---- which arrays are the network's ---- */

/* Names separated by spaces; a key begins behind a colon, which is a dot in the name. */
static void expect_selection(const char *names, const char *want)
{
    static char text[512];
    struct un_array items[16] = {{0}};
    struct un_arrays arrays = {.items = items};
    char have[512] = "", *rest = strcpy(text, names);
    for (char *name; (name = strsep(&rest, " "));) {
        char *colon = strrchr(name, ':');
        items[arrays.count++] = (struct un_array){.name = name, .key = colon ? colon + 1 : name};
        for (; colon; colon = strrchr(name, ':'))
            *colon = '.';
    }
    un_arrays_select_network(&arrays);
    for (int i = 0; i < arrays.count; i++) {
        strcat(strcat(have, i ? " " : ""), items[i].name);
        assert_true(items[i].key >= items[i].name);
    }
    assert_string_equal(have, want);
}

static void test_selection(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"enc.weight enc.bias", "enc.weight enc.bias"},
        {"module.enc.weight module.enc.bias", "enc.weight enc.bias"},
        {"module.enc.weight head.bias", "module.enc.weight head.bias"},
        {"_orig_mod.module.enc.weight", "enc.weight"},
        {"model.enc.w model.head.w", "enc.w head.w"},
        {"model.enc.w head.w", "model.enc.w head.w"},
        {"model:enc.w optimizer:state:0:momentum", "enc.w"},
        {"rng state_dict:module.enc.w state_dict:module.enc.b", "enc.w enc.b"},
        {"model:enc.w model_state_dict:enc.w", "enc.w"},
        {"ema:a.w model:b.w", "b.w"},
        {"checkpoint:model:state_dict:a.w other:x", "a.w"},
        {"model:encoder:0.w model:decoder:0.w x", "encoder.0.w decoder.0.w"},
        {"state:encoder:w state:decoder:w", "state.encoder.w state.decoder.w"},
        {"net.", "net."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_selection(rows[i][0], rows[i][1]);
}

/* ---- values ---- */

static void test_strides(void **state)
{
    (void)state;
    static const float data[24] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                   12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
    static const struct un_array rows[] = {
        {.dims = 3, .shape = {2, 3, 4}, .stride = {12, 4, 1}},
        {.dims = 3, .shape = {4, 3, 2}, .stride = {1, 4, 12}},
        {.dims = 3, .shape = {2, 2, 2}, .stride = {12, 4, 1}},
        {.dims = 2, .shape = {3, 4}, .stride = {0, 2}},
        {.dims = 4, .shape = {1, 2, 1, 3}, .stride = {99, 3, 7, 1}},
        {.dims = 1, .shape = {0}, .stride = {5}},
        {.dims = 0},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct un_array array = rows[r];
        size_t size;
        float values[24];
        unet_error err;
        array.name = "a";
        array.dtype = un_dtype_find("F32");
        array.data = (const unsigned char *)data;
        array.count = 1;
        for (int d = 0; d < array.dims; d++)
            array.count *= array.shape[d];
        unsigned char *want = copy_in_order(&array, &size);
        assert_int_equal(un_array_to_float("x", &array, values, &err), UNET_OK);
        assert_memory_equal(values, want, size);
        assert_int_equal(un_array_is_contiguous(&array), r == 0 || r == 4 || r == 5 || r == 6);
        free(want);
    }
}

static void test_values_refused(void **state)
{
    (void)state;
    const float data[2] = {0, INFINITY};
    struct un_array array = {
        .name = "a", .dtype = un_dtype_find("F32"), .data = (const void *)data};
    float values[2];
    unet_error err;
    assert_true(un_array_set_shape(&array, 1, (size_t[]){2}));
    assert_int_equal(un_array_to_float("x.pth", &array, values, &err), UNET_EFORMAT);
    assert_string_equal(err.text, "x.pth: tensor a: value 1 is inf, not finite");
    array.dtype = un_dtype_find("I64");
    assert_int_equal(un_array_to_float("x.pth", &array, values, &err), UNET_EFORMAT);
    assert_string_equal(err.text, "x.pth: tensor a: is I64, wanted F32, F64, F16 or BF16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_checkpoints),
        cmocka_unit_test(test_not_the_file),
        cmocka_unit_test(test_shared_hints),
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_strides),
        cmocka_unit_test(test_values_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
