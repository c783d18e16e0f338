/* SPDX-License-Identifier: Apache-2.0 */
/* Models: what is written comes back, a save that fails costs nothing, initial weights. */
#include "model_files.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- what is written comes back ---- */

static unet_spec variant(unsigned bits)
{
    static const int classes[] = {1, 2, 5, 254};
    return (unet_spec){.in_channels = 1 + (int)(bits % 4),
                       .classes = classes[bits / 4 % 4],
                       .width = 1 + (int)(bits % 3),
                       .depth = 1 + (int)(bits % 3),
                       .padding = bits & 1 ? UNET_PADDING_SAME : UNET_PADDING_VALID,
                       .norm = bits & 2 ? UNET_NORM_BATCH : UNET_NORM_NONE,
                       .up = bits & 4 ? UNET_UP_BILINEAR : UNET_UP_TRANSPOSE,
                       .act = bits & 8 ? UNET_ACT_LEAKY_RELU : UNET_ACT_RELU,
                       .leaky_slope = 0.1f / (float)(1 + bits),
                       .dropout = (float)bits / 64};
}

static void test_round_trip_variants(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 64; bits++) {
        unet_spec spec = variant(bits);
        unet_model *model = new_model(&spec, bits);
        write_model(model);
        unet_model *back = read_model();
        assert_same_model(model, back);
        un_model_free(back);
        un_model_free(model);
    }
}

static void test_round_trip_metadata(void **state)
{
    (void)state;
    unet_spec spec = small_spec();
    unet_model *model = new_model(&spec, 1);
    unet_error err;
    const char *settings = " { \"learning_rate\": 0.001, \"steps\":300,\n\"loss\":[\"x\\u00e9\"]}";
    assert_int_equal(un_model_set_settings(model, settings, &err), UNET_OK);
    assert_string_equal(model->settings,
                        "{\"learning_rate\":0.001,\"steps\":300,\"loss\":[\"x\xc3\xa9\"]}");
    char longest[64];
    memset(longest, 'n', 63);
    longest[63] = 0;
    assert_int_equal(un_model_set_class(model, 0, "\"Zelle\" \xc3\xa4", NULL, &err), UNET_OK);
    assert_int_equal(un_model_set_class(model, 1, longest, (uint8_t[]){1, 171, 255}, &err),
                     UNET_OK);
    model->trained = true;
    model->scaling = (struct un_scaling){.set = true, .offset = 103.7f, .scale = 1 / 3.0f};
    model->coding = (struct un_coding){.labels = 2, .white = 1};
    un_coding_add(&model->coding, 0, 0, 0);
    un_coding_add(&model->coding, 128, 128, UNET_IGNORE);
    un_coding_add(&model->coding, 255, 255, 1);
    model->values[0] = -0.0f;
    model->values[1] = 1e-45f; /* the smallest float there is */
    model->values[2] = 3.4028235e38f;
    write_model(model);
    unet_model *back = read_model();
    assert_same_model(model, back);
    un_model_free(back);
    un_model_free(model);
}

/* A network with rims says so in its file, of a format that older versions refuse by its number. */
static void test_rims(void **state)
{
    unet_spec spec = small_spec();
    unet_error err;
    (void)state;
    spec.classes = 3;
    spec.rims = 2;
    unet_model *model = new_model(&spec, 1);
    assert_int_equal(un_model_labels(model), 3);
    assert_int_equal(model->graph.params[model->graph.param_count - 1].count, 3 + 2 * 2);
    model->smallest_object = 17;
    char *text = un_metadata_text(model);
    assert_non_null(strstr(text, "\"format\":5"));
    free(text);
    write_model(model);
    unet_model *back = read_model();
    assert_same_model(model, back);
    assert_int_equal(back->graph.spec.rims, 2);
    assert_int_equal(back->smallest_object, 17);
    unet_objects_options objects = {.size = sizeof objects}, before = {.minimum_area = 9};
    unet_model_objects(back, &objects);
    assert_true(objects.inner == 1 && objects.minimum_area == 9);
    unet_model_objects(back, &before); /* of a program that knows no `inner` */
    assert_true(before.inner == 0 && before.minimum_area == 9);
    un_model_free(back);
    un_model_free(model);
    spec.rims = 0;
    model = new_model(&spec, 1);
    text = un_metadata_text(model);
    assert_null(strstr(text, "rims"));
    assert_null(strstr(text, "objects"));
    free(text);
    un_model_free(model);
    spec.classes = 1;
    spec.rims = 1;
    assert_int_equal(un_model_new(&spec, &model, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "rims"));
}

/* Strided convolutions and more levels than can be set are of a format of their own; an older one
 * has the number that it always had. */
static void test_strided(void **state)
{
    unet_spec spec = small_spec();
    (void)state;
    for (int i = 0; i < 4; i++) {
        unet_spec made = spec;
        made.padding = UNET_PADDING_SAME;
        made.down = i == 0 ? UNET_DOWN_CONV : UNET_DOWN_POOL;
        made.widest = i == 1 ? 5 : 0;
        made.depth = i == 2 ? 7 : 3;
        made.width = 1;
        made.channels.enc[1][0] = i < 3 ? 4 : 0;
        unet_model *model = new_model(&made, 1);
        char *text = un_metadata_text(model);
        assert_int_equal(strstr(text, "\"format\":6") != NULL, i < 3);
        assert_int_equal(strstr(text, "\"down\":\"conv\"") != NULL, i == 0);
        assert_int_equal(strstr(text, "\"widest\":5") != NULL, i == 1);
        free(text);
        write_model(model);
        unet_model *back = read_model();
        assert_same_model(model, back);
        assert_memory_equal(&model->graph.spec, &back->graph.spec, sizeof back->graph.spec);
        un_model_free(back);
        un_model_free(model);
    }
}

static void test_same_bytes(void **state)
{
    (void)state;
    unet_spec spec = small_spec();
    size_t size[2];
    char *bytes[2];
    for (int i = 0; i < 2; i++) {
        unet_model *model = new_model(&spec, 42);
        write_model(model);
        bytes[i] = read_bytes(&size[i]);
        un_model_free(model);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* ---- a save that fails ---- */

static int entries_of_folder(void)
{
    DIR *dir = opendir(folder);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void test_save_nowhere(void **state)
{
    (void)state;
    unet_spec spec = small_spec();
    unet_model *model = new_model(&spec, 1);
    char nowhere[96];
    snprintf(nowhere, sizeof nowhere, "%s/none/m.safetensors", folder);
    unlink(path);
    unet_error err;
    assert_int_equal(un_model_write(model, nowhere, &err), UNET_EIO);
    assert_non_null(strstr(err.text, nowhere));
    assert_int_equal(un_model_write(model, folder, &err), UNET_EIO);
    if (geteuid() != 0) { /* root may write anywhere */
        assert_int_equal(chmod(folder, 0500), 0);
        assert_int_equal(un_model_write(model, path, &err), UNET_EIO);
        assert_int_equal(chmod(folder, 0700), 0);
    }
    assert_int_equal(entries_of_folder(), 0);
    un_model_free(model);
}

static void test_failed_save_keeps_old(void **state)
{
    (void)state;
    size_t size, size_after;
    char *before = write_small(&size);
    unet_spec spec = small_spec();
    unet_model *model = new_model(&spec, 8);
    unet_error err;

    model->values[3] = NAN;
    assert_int_equal(un_model_write(model, path, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "tensor enc_0.conv_block.0.weight: value 3 is nan"));
    model->values[3] = 0;

    /* as on a full disk: writing stops in the middle of the file */
    struct rlimit limit, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    low = limit;
    low.rlim_cur = size / 2;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    assert_int_equal(un_model_write(model, path, &err), UNET_EIO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_non_null(strstr(err.text, path));

    char *after = read_bytes(&size_after);
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    assert_int_equal(entries_of_folder(), 1);
    un_model_free(model);
    free(before);
    free(after);
}

/* ---- without files ---- */

static void test_initial_values(void **state)
{
    (void)state;
    unet_spec spec = small_spec();
    spec.width = 32;
    spec.norm = UNET_NORM_BATCH;
    unet_model *model = new_model(&spec, 1), *same = new_model(&spec, 1);
    unet_model *other = new_model(&spec, 2);
    assert_memory_equal(model->values, same->values, model->graph.values * sizeof(float));
    assert_memory_not_equal(model->values, other->values, 64);
    for (int p = 0; p < model->graph.param_count; p++) {
        const struct un_param *param = &model->graph.params[p];
        const float *values = model->values + param->offset;
        double sum = 0, squares = 0, n = (double)param->count;
        for (size_t i = 0; i < param->count; i++) {
            sum += values[i];
            squares += (double)values[i] * values[i];
            if (param->fan_in == 0)
                assert_true(values[i] == param->initial);
        }
        /* the mean of n normals has deviation sqrt(v / n), their mean square v * sqrt(2 / n);
         * five of them each */
        double v = param->fan_in ? 2.0 / param->fan_in : 0;
        if (v > 0 &&
            (fabs(sum / n) > 5 * sqrt(v / n) || fabs(squares / n - v) > 5 * v * sqrt(2 / n)))
            fail_msg("%s: mean %g, mean square %g, wanted 0, %g", param->name, sum / n, squares / n,
                     v);
    }
    un_model_free(model);
    un_model_free(same);
    un_model_free(other);
}

static void test_classes_and_settings(void **state)
{
    (void)state;
    unet_spec spec = small_spec();
    spec.classes = UNET_MAX_CLASSES;
    unet_model *model = new_model(&spec, 1);
    unet_error err;
    uint8_t rgb[UNET_MAX_CLASSES][3];
    for (int i = 0; i < UNET_MAX_CLASSES; i++) {
        assert_string_equal(un_model_class(model, i, rgb[i]), "");
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(rgb[i], rgb[j], 3);
    }
    assert_memory_equal(rgb[0], "\0\0\0", 3);
    char name[65];
    memset(name, 'x', 64);
    name[64] = 0;
    static const uint8_t white[3] = {255, 255, 255};
    assert_int_equal(un_model_set_class(model, 254, "a", white, &err), UNET_EINVAL);
    assert_string_equal(err.text, "class 254, the model has 0..253");
    assert_int_equal(un_model_set_class(model, -1, "a", white, &err), UNET_EINVAL);
    assert_int_equal(un_model_set_class(model, 1, name, white, &err), UNET_EINVAL);
    assert_int_equal(un_model_set_class(model, 1, "\xff", white, &err), UNET_EINVAL);
    assert_int_equal(un_model_set_class(model, 1, "a\nb", white, &err), UNET_EINVAL);
    assert_string_equal(un_model_class(model, 1, rgb[2]), "");
    assert_memory_equal(rgb[1], rgb[2], 3);
    assert_int_equal(un_model_set_settings(model, "{\"a\":1}", &err), UNET_OK);
    assert_int_equal(un_model_set_settings(model, "[1]", &err), UNET_EFORMAT);
    assert_string_equal(err.text, "training settings is not a JSON object");
    assert_string_equal(model->settings, "{\"a\":1}");
    assert_int_equal(un_model_set_settings(model, NULL, &err), UNET_OK);
    assert_null(model->settings);
    un_model_free(model);
    un_model_free(NULL);
    model = NULL;
    spec.width = 0;
    assert_int_equal(un_model_new(&spec, &model, &err), UNET_EINVAL);
    assert_null(model);
}

/* What fits is taken, what does not is as a new model of the seed has it. */
static void test_adapt(void **state)
{
    unet_spec spec = unet_spec_default();
    unet_model *from, *model, *fresh;
    unet_error err;
    int taken[UN_MAX_PARAMS];
    (void)state;
    spec.width = 3;
    spec.depth = 2;
    spec.norm = UNET_NORM_BATCH;
    assert_int_equal(unet_model_create(&spec, 1, &from, &err), UNET_OK);
    spec.in_channels = 3;
    spec.classes = 5;
    assert_int_equal(unet_model_create(&spec, 2, &fresh, &err), UNET_OK);
    assert_int_equal(unet_model_adapt(from, 3, 5, 2, &model, taken, &err), UNET_OK);
    for (int i = 0; i < unet_model_tensor_count(model); i++) {
        const struct un_param *p = &model->graph.params[i];
        bool other = !strcmp(p->name, "enc_0.conv_block.0.weight") || !strncmp(p->name, "out", 3);
        const unet_model *source = other ? fresh : from;
        if (taken[i] == other ||
            memcmp(model->values + p->offset, source->values + source->graph.params[i].offset,
                   p->count * sizeof(float)))
            fail_msg("%s: taken is %d", p->name, taken[i]);
    }
    unet_model_free(model);
    model = NULL;
    assert_int_equal(unet_model_adapt(from, 65, 5, 2, &model, NULL, &err), UNET_EINVAL);
    assert_null(model);
    unet_model_free(from);
    unet_model_free(fresh);
}

/* Rims need a class besides the background, and outputs for each. */
static void test_adapt_rims(void **state)
{
    static const struct {
        int classes, rims;
    } cases[] = {{1, 0}, {2, 3}, {3, 3}, {64, 3}, {65, 0}};
    unet_spec spec = unet_spec_default();
    unet_model *from;
    unet_error err;
    (void)state;
    spec.width = 2;
    spec.depth = 1;
    spec.rims = 3;
    assert_int_equal(unet_model_create(&spec, 1, &from, &err), UNET_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unet_model *model = NULL;
        if (unet_model_adapt(from, 1, cases[i].classes, 2, &model, NULL, &err))
            fail_msg("%d classes: %s", cases[i].classes, err.text);
        if (unet_model_spec(model)->rims != cases[i].rims)
            fail_msg("%d classes: %d rims, wanted %d", cases[i].classes,
                     unet_model_spec(model)->rims, cases[i].rims);
        unet_model_free(model);
    }
    assert_int_not_equal(unet_model_adapt(from, 1, INT_MAX, 2, &(unet_model *){NULL}, NULL, &err),
                         UNET_OK);
    unet_model_free(from);
}

/* A copy writes the same file; its tensors, in a checkpoint's dict, make the same network. */
static void test_copy_and_tensors(void **state)
{
    unet_spec spec = unet_spec_default();
    unet_model *model = NULL, *copy = NULL, *again;
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
        cmocka_unit_test(test_round_trip_variants),
        cmocka_unit_test(test_round_trip_metadata),
        cmocka_unit_test(test_rims),
        cmocka_unit_test(test_strided),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_save_nowhere),
        cmocka_unit_test(test_failed_save_keeps_old),
        cmocka_unit_test(test_initial_values),
        cmocka_unit_test(test_classes_and_settings),
        cmocka_unit_test(test_adapt),
        cmocka_unit_test(test_adapt_rims),
        cmocka_unit_test(test_copy_and_tensors),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
