/* SPDX-License-Identifier: Apache-2.0 */
/* What a file may hold that no model has: refused before it does harm, by whatever format it came;
 * and models of tensors in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/model.h"
#include "weights/arrays.h"

static const char *const endings[] = {"safetensors", "pth", "onnx"};

static unet_model *make(void)
{
    unet_spec spec = unet_spec_default();
    unet_model *model = NULL;
    unet_error err;
    spec.width = 2;
    spec.depth = 1;
    spec.norm = UNET_NORM_BATCH;
    spec.padding = UNET_PADDING_SAME;
    if (unet_model_create(&spec, 1, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

static const char *path_of(const char *ending)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/unet_test_import_%d.%s", (int)getpid(), ending);
    return path;
}

static void expect(unet_code code, const unet_error *err, const char *want)
{
    if (code != UNET_EFORMAT || !strstr(err->text, want))
        fail_msg("code %d, \"%s\", wanted \"%s\"", code, err->text, want);
}

/* A variance below zero would make every result not a number. */
static void test_variance(void **state)
{
    (void)state;
    for (int e = 0; e < 3; e++) {
        unet_model *model = make(), *back = NULL;
        unet_error err;
        for (int i = 0; i < model->graph.param_count; i++)
            if (strstr(model->graph.params[i].name, "bottleneck.conv_block.4.running_var"))
                model->values[model->graph.params[i].offset + 1] = -0.25f;
        assert_int_equal(unet_model_export(model, path_of(endings[e]), NULL, &err), UNET_OK);
        expect(un_model_read(path_of(endings[e]), &back, &err), &err,
               "tensor bottleneck.conv_block.4.running_var: value 1 is -0.25, and a variance is "
               "not negative");
        assert_null(back);
        unlink(path_of(endings[e]));
        unet_model_free(model);
    }
}

/* More weights than the file can hold: one value stands for many. */
static void test_expansion(void **state)
{
    unet_model *model = make(), *back = NULL;
    struct un_arrays arrays;
    unet_error err;
    (void)state;
    assert_int_equal(unet_model_export(model, path_of("pth"), NULL, &err), UNET_OK);
    assert_int_equal(un_arrays_open(path_of("pth"), &arrays, &err), UNET_OK);
    struct stat status;
    assert_int_equal(stat(path_of("pth"), &status), 0);
    assert_int_equal(arrays.size, status.st_size);
    assert_int_equal(un_model_from_arrays("x", &arrays, NULL, &back, NULL, &err), UNET_OK);
    unet_model_free(back);
    back = NULL;
    arrays.size = 20; /* as if all of it were views of five values */
    expect(un_model_from_arrays("x", &arrays, NULL, &back, NULL, &err), &err,
           "x: 20 bytes hold weights of");
    assert_null(back);
    un_arrays_release(&arrays);
    unlink(path_of("pth"));
    unet_model_free(model);
}

/* Sets the CRCs of all members of an archive to zero, as PyTorch does when it is told to. */
static void drop_crcs(const char *path)
{
    static unsigned char bytes[1 << 16];
    FILE *file = fopen(path, "r+b");
    size_t size = fread(bytes, 1, sizeof bytes, file), found = 0;
    for (size_t i = 0; i + 30 < size; i++) {
        int field = !memcmp(bytes + i, "PK\3\4", 4) ? 14 : !memcmp(bytes + i, "PK\1\2", 4) ? 16 : 0;
        if (field) {
            memset(bytes + i + field, 0, 4);
            found++;
        }
    }
    assert_true(found > 10);
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void test_no_crc(void **state)
{
    unet_model *model = make(), *back = NULL;
    unet_error err;
    (void)state;
    assert_int_equal(unet_model_export(model, path_of("pth"), NULL, &err), UNET_OK);
    drop_crcs(path_of("pth"));
    if (un_model_read(path_of("pth"), &back, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(model->values, back->values, model->graph.values * sizeof(float));
    unlink(path_of("pth"));
    unet_model_free(model);
    unet_model_free(back);
}

/* A copy writes the same file; its tensors, in a checkpoint's dict, make the same network. */
static void test_copy_and_tensors(void **state)
{
    unet_spec spec = unet_spec_default();
    unet_model *model, *copy, *again;
    unet_origin origin;
    unet_tensor tensors[64];
    char names[64][80];
    unet_error err;
    (void)state;
    spec.width = 4;
    spec.depth = 2;
    spec.padding = UNET_PADDING_SAME;
    spec.norm = UNET_NORM_BATCH;
    if (unet_model_create(&spec, 3, &model, &err) ||
        unet_model_set_class(model, 1, "cell", (const uint8_t[3]){1, 2, 3}, &err) ||
        unet_model_copy(model, &copy, &err))
        fail_msg("%s", err.text);
    char *one = un_metadata_text(model), *two = un_metadata_text(copy);
    assert_string_equal(one, two);
    free(one);
    free(two);
    assert_memory_equal(model->values, copy->values, model->graph.values * sizeof(float));
    unet_model_free(copy);

    const int count = unet_model_tensor_count(model);
    assert_true(count <= 64);
    for (int i = 0; i < count; i++) {
        assert_int_equal(unet_model_tensor(model, i, &tensors[i], &err), UNET_OK);
        snprintf(names[i], sizeof names[i], "module.%s", tensors[i].name);
        tensors[i].name = names[i];
    }
    unet_known known = unet_known_nothing();
    known.padding = UNET_PADDING_SAME;
    if (unet_model_from_tensors(tensors, count, &known, &again, &origin, &err))
        fail_msg("%s", err.text);
    assert_int_equal(origin.arrays, count);
    assert_memory_equal(&again->graph.spec, &model->graph.spec, sizeof spec);
    assert_memory_equal(model->values, again->values, model->graph.values * sizeof(float));
    unet_model_free(again);

    tensors[0].shape[1] = 0;
    assert_int_equal(unet_model_from_tensors(tensors, count, NULL, &again, NULL, &err),
                     UNET_EINVAL);
    if (!strstr(err.text, "tensor 0, module."))
        fail_msg("the tensor is not named: %s", err.text);
    assert_int_equal(unet_model_from_tensors(tensors, 0, NULL, &again, NULL, &err), UNET_EINVAL);
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variance),
        cmocka_unit_test(test_expansion),
        cmocka_unit_test(test_no_crc),
        cmocka_unit_test(test_copy_and_tensors),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
