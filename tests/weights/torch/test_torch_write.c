/* SPDX-License-Identifier: Apache-2.0 */
/* What we write for PyTorch: read back, at its places, the same bytes again, and on a full disk. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "weights/torch/torch.h"

static const char metadata[] = "{\"format\":1}";

static void check_written(const char *path, const struct un_torch_entry *entries, int count,
                          const float *values)
{
    struct un_arrays arrays;
    unet_error err;
    if (un_arrays_open(path, &arrays, &err))
        fail_msg("%s", err.text);
    assert_string_equal(arrays.metadata, metadata);
    assert_true(arrays.ordered);
    assert_int_equal(arrays.count, count);
    for (int i = 0; i < count; i++) {
        const struct un_array *array = &arrays.items[i];
        assert_string_equal(array->name, entries[i].name);
        assert_string_equal(array->dtype->name, entries[i].values ? "F32" : "I64");
        assert_true(un_array_is_contiguous(array));
        assert_int_equal(array->dims, entries[i].dims);
        for (int d = 0; d < array->dims; d++)
            assert_int_equal(array->shape[d], entries[i].shape[d]);
        assert_memory_equal(array->data, entries[i].values ? entries[i].values : values,
                            array->count * (size_t)array->dtype->bytes);
    }
    un_arrays_release(&arrays);
}

/* Where the data of each member begin: at a multiple of 64 bytes. */
static void check_alignment(const unsigned char *file, size_t size)
{
    int members = 0;
    for (size_t at = 0; at + 30 < size && !memcmp(file + at, "PK\3\4", 4); members++) {
        uint32_t packed = file[at + 18] | file[at + 19] << 8 | file[at + 20] << 16;
        at += 30u + (file[at + 26] | file[at + 27] << 8) + (file[at + 28] | file[at + 29] << 8);
        assert_int_equal(at % 64, 0);
        at += packed;
    }
    assert_int_equal(members, 8);
}

static size_t read_file(const char *path, unsigned char *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

static void test_writes(void **state)
{
    (void)state;
    static unsigned char first[16384], second[16384];
    char folder[] = "/tmp/unet_test_XXXXXX", path[64], other[64];
    float values[24] = {0};
    for (int i = 2; i < 24; i++)
        values[i] = 0.1f * (float)i;
    const struct un_torch_entry entries[] = {
        {"enc_0.conv_block.0.weight", 4, (int[]){2, 1, 3, 4}, values},
        {"enc_0.conv_block.0.bias", 1, (int[]){2}, values + 3},
        {"enc_0.conv_block.1.num_batches_tracked", 0, NULL, NULL},
        {"nothing", 2, (int[]){0, 3}, values},
    };
    unet_error err;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.pth", folder);
    snprintf(other, sizeof other, "%s/b.pth", folder);
    assert_int_equal(un_torch_write(path, entries, 4, metadata, &err), UNET_OK);
    assert_int_equal(un_torch_write(other, entries, 4, metadata, &err), UNET_OK);
    check_written(path, entries, 4, values); /* values begin with 8 bytes of zero */
    size_t size = read_file(path, first, sizeof first);
    assert_int_equal(read_file(other, second, sizeof second), size);
    assert_memory_equal(first, second, size);
    check_alignment(first, size);

    assert_int_equal(un_torch_write(other, entries, 4, NULL, &err), UNET_OK);
    struct un_arrays arrays;
    assert_int_equal(un_arrays_open(other, &arrays, &err), UNET_OK);
    assert_null(arrays.metadata);
    un_arrays_release(&arrays);
    assert_int_equal(un_torch_write(folder, entries, 4, NULL, &err), UNET_EIO);
    struct rlimit before, small = {100, RLIM_INFINITY}; /* as on a disk that is full */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    unet_code code = un_torch_write(other, entries, 4, metadata, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(code, UNET_EIO);
    assert_string_equal(strrchr(err.text, ':'), ": File too large");
    check_written(path, entries, 4, values);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(rmdir(folder), 0); /* nothing half written is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
