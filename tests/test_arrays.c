/* SPDX-License-Identifier: Apache-2.0 */
/* The table of arrays: files of all formats as other programs wrote them, and which are a
 * network's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/arrays.h"
#include "sha256.h"

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
        sha256(bytes, size, text);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
