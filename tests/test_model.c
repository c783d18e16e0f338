/* SPDX-License-Identifier: Apache-2.0 */
/* The model file: what comes back is what was written, and what is wrong is named. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/model.h"
#include "model/safetensors.h"

static char folder[] = "/tmp/unet_test_XXXXXX";
static char path[64]; /* "folder/m.safetensors" */

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails when a test left a file behind */
}

static int entries_of_folder(void)
{
    DIR *dir = opendir(folder);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static unet_spec small_spec(void)
{
    unet_spec spec = unet_spec_default();
    spec.width = 2;
    spec.depth = 1;
    return spec;
}

static unet_model *new_model(const unet_spec *spec, uint64_t seed)
{
    unet_model *model = NULL;
    unet_error err;
    if (un_model_new(spec, &model, &err))
        fail_msg("%s", err.text);
    un_model_init(model, seed);
    return model;
}

static void write_model(const unet_model *model)
{
    unet_error err;
    if (un_model_write(model, path, &err))
        fail_msg("%s", err.text);
}

static unet_model *read_model(void)
{
    unet_model *model = NULL;
    unet_error err;
    if (un_model_read(path, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

static char *read_bytes(size_t *size)
{
    struct un_mapping mapping;
    assert_int_equal(un_map_open(path, &mapping, NULL), UNET_OK);
    char *bytes = malloc(mapping.size);
    assert_non_null(bytes);
    *size = mapping.size;
    memcpy(bytes, mapping.data, mapping.size);
    un_map_release(&mapping);
    return bytes;
}

static void write_bytes(const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* ---- what is written comes back ---- */

static void assert_same_model(const unet_model *a, const unet_model *b)
{
    assert_memory_equal(&a->graph.spec, &b->graph.spec, sizeof a->graph.spec);
    assert_int_equal(a->graph.values, b->graph.values);
    assert_memory_equal(a->values, b->values, a->graph.values * sizeof *a->values);
    assert_int_equal(a->trained, b->trained);
    assert_int_equal(a->scaling.set, b->scaling.set);
    assert_memory_equal(&a->scaling.offset, &b->scaling.offset, sizeof(float));
    assert_memory_equal(&a->scaling.scale, &b->scaling.scale, sizeof(float));
    assert_int_equal(a->coding.labels, b->coding.labels);
    assert_memory_equal(a->coding.known, b->coding.known, sizeof a->coding.known);
    for (int v = 0; v < 256; v++)
        if (a->coding.known[v])
            assert_int_equal(a->coding.map[v], b->coding.map[v]);
    for (int i = 0; i < un_model_labels(a); i++) {
        assert_string_equal(a->classes[i].name, b->classes[i].name);
        assert_memory_equal(a->classes[i].rgb, b->classes[i].rgb, 3);
    }
    assert_int_equal(!a->settings, !b->settings);
    if (a->settings)
        assert_string_equal(a->settings, b->settings);
}

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
    model->scaling = (struct un_scaling){true, 103.7f, 1 / 3.0f};
    model->coding = (struct un_coding){.labels = 2};
    model->coding.known[0] = model->coding.known[128] = model->coding.known[255] = true;
    model->coding.map[128] = UNET_IGNORE;
    model->coding.map[255] = 1;
    model->values[0] = -0.0f;
    model->values[1] = 1e-45f; /* the smallest float there is */
    model->values[2] = 3.4028235e38f;
    write_model(model);
    unet_model *back = read_model();
    assert_same_model(model, back);
    un_model_free(back);
    un_model_free(model);
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

/* ---- what is wrong is named ---- */

/* A well-formed file with one part of its header replaced. */
static void write_edited(const char *bytes, size_t size, const char *from, const char *to)
{
    uint64_t length;
    memcpy(&length, bytes, 8);
    char *text = malloc(length + 1), *made = malloc(size + strlen(to));
    assert_non_null(text);
    assert_non_null(made);
    memcpy(text, bytes + 8, length);
    text[length] = 0;
    char *at = strstr(text, from);
    if (!at)
        fail_msg("no %s in %s", from, text);
    uint64_t edited =
        (uint64_t)sprintf(made + 8, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    memcpy(made, &edited, 8);
    memcpy(made + 8 + edited, bytes + 8 + length, size - 8 - length);
    write_bytes(made, 8 + edited + size - 8 - length);
    free(made);
    free(text);
}

static void expect_refused(const char *want)
{
    unet_model *model = NULL;
    unet_error err = {0};
    unet_code code = un_model_read(path, &model, &err);
    if (code != UNET_EFORMAT || !strstr(err.text, path) || !strstr(err.text, want))
        fail_msg("code %d, text \"%s\", wanted \"%s\"", code, err.text, want);
    assert_null(model);
}

#define Q "\\\"" /* a quote inside of the metadata's string */
#define META "m.safetensors: unet metadata: "

static const struct edit {
    const char *from, *to, *want;
} edits[] = {
    {"\"unet\":", "\"tenu\":", "m.safetensors: has no unet metadata; wanted a model that unet"},
    {"\"__metadata__\":", "\"__metadat__\":", "tensor __metadat__: dtype is missing"},
    {"{" Q "format" Q ":1", "", "unet metadata is not valid JSON at byte 1"},
    {"\"{" Q "format" Q ":1", "\"[{" Q "format" Q ":1", "unet metadata is not valid JSON at byte"},
    {Q "format" Q ":1", Q "format" Q ":2", META "format is 2, this version of unet reads 1"},
    {Q "format" Q ":1", Q "format" Q ":0", META "format is 0, wanted 1..2147483647"},
    {Q "format" Q ":1", Q "forma" Q ":1", META "format is missing"},
    {Q "format" Q ":1", Q "format" Q ":" Q "1" Q, META "format is a string, wanted an integer"},
    {Q "spec" Q, Q "specs" Q, META "spec is missing"},
    {Q "spec" Q ":", Q "spec" Q ":1," Q "x" Q ":", META "spec is an integer, wanted an object"},
    {Q "width" Q ":2", Q "width" Q ":0", META "spec.width is 0, wanted 1 to 1024"},
    {Q "width" Q ":2", Q "width" Q ":1e3", META "spec.width is a number, wanted an integer"},
    {Q "width" Q ":2", Q "width" Q ":99999999999", META "spec.width is 99999999999, wanted"},
    {Q "width" Q ":2", Q "width" Q ":2," Q "width" Q ":2", "unet metadata is not valid JSON"},
    {Q "width" Q ":2", Q "width" Q ":3", "weight: has shape [2, 1, 3, 3], the network needs [3, 1"},
    {Q "depth" Q ":1", Q "depth" Q ":6", "is missing"},
    {Q "depth" Q ":1", Q "depth" Q ":7", META "spec.depth is 7, wanted 1 to 6"},
    {Q "classes" Q ":2", Q "classes" Q ":255", META "spec.classes is 255, wanted 1 to 254"},
    {Q "in_channels" Q ":1", Q "in_channels" Q ":-1", META "spec.in_channels is -1, wanted"},
    {Q "valid" Q, Q "full" Q, META "spec.padding is \"full\", wanted valid or same"},
    {Q "transpose" Q, "true", META "spec.up is true or false, wanted a string"},
    {Q "leaky_slope" Q ":", Q "slope" Q ":", META "spec.leaky_slope is missing"},
    {Q "dropout" Q ":0.0", Q "dropout" Q ":1", META "spec.dropout is 1, wanted at least 0"},
    {Q "dropout" Q ":0.0", Q "dropout" Q ":1e99", META "spec.dropout is 1e+99, too large for"},
    {Q "dropout" Q ":0.0", Q "dropout" Q ":1e999", "unet metadata is not valid JSON"},
    {Q "dropout" Q ":0.0", Q "dropout" Q ":NaN", "unet metadata is not valid JSON"},
    {Q "set" Q ":false", Q "set" Q ":0", META "scaling.set is an integer, wanted true or false"},
    {Q "offset" Q, Q "off" Q, META "scaling.offset is missing"},
    {"[[0,0],", "[[0,0],[0,1],", META "coding[1]: mask value 0 occurs twice"},
    {"[[0,0],", "[[256,0],", META "coding[0]: mask value 256, wanted 0..255"},
    {"[[0,0],", "[[0,2],", META "coding[0]: class 2, wanted 0..1 or 255"},
    {"[[0,0],", "[[0,-1],", META "coding[0]: class -1, wanted 0..1 or 255"},
    {"[[0,0],", "[7,", META "coding[0] is not two integers"},
    {"[[0,0],", "[[0],", META "coding[0] is not two integers"},
    {Q "trained" Q ":false", Q "trained" Q ":null", META "trained is null, wanted true or false"},
    {"{" Q "name" Q, "{" Q "nam" Q, META "classes[0].name is missing"},
    {Q "name" Q ":" Q Q, Q "name" Q ":" Q "\\\\n" Q, META "classes[0]: class name \"?\" is not"},
    {Q "#000000" Q, Q "000000" Q, META "classes[0].color is \"000000\", wanted \"#rrggbb\""},
    {Q "#000000" Q, Q "#00 00+" Q, META "classes[0].color is \"#00 00+\", wanted"},
    {Q "classes" Q ":[", Q "classes" Q ":[1,", META "classes has 3 entries, the network has 2"},
    {Q "settings" Q ":{", Q "settings" Q ":[]," Q "x" Q ":{",
     META "settings is an array, wanted an"},
    {"\"enc_0.conv_block.0.weight\"", "\"z\"", "tensor enc_0.conv_block.0.weight is missing"},
    {"\"out_conv.bias\"", "\"out_conv.bia\"", "tensor out_conv.bias is missing"},
    {"[2,1,3,3]", "[2,1,9]", "enc_0.conv_block.0.weight: has shape [2, 1, 9], the network needs"},
    {"[2,1,3,3]", "[1,2,3,3]", "has shape [1, 2, 3, 3], the network needs [2, 1, 3, 3]"},
    {"\"F32\"", "\"I32\"", "tensor enc_0.conv_block.0.weight: is I32, wanted F32, F64, F16"},
    {"\"__metadata__\"",
     "\"y\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
     "\"__metadata__\"",
     "m.safetensors: tensor y: the network has none of this name"},
};

static char *write_small(size_t *size)
{
    unet_spec spec = small_spec();
    unet_model *model = new_model(&spec, 7);
    assert_int_equal(un_model_set_settings(model, "{\"steps\":3}", NULL), UNET_OK);
    write_model(model);
    un_model_free(model);
    return read_bytes(size);
}

static void test_broken_files(void **state)
{
    (void)state;
    size_t size;
    char *bytes = write_small(&size);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        write_edited(bytes, size, edits[i].from, edits[i].to);
        expect_refused(edits[i].want);
    }
    for (size_t cut = 0; cut < size; cut++) {
        write_bytes(bytes, cut);
        expect_refused("");
    }
    write_bytes(bytes, size - 4);
    expect_refused("(is the file cut short?)");
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        memcpy(bytes + size - 4, &bad[i], 4);
        write_bytes(bytes, size);
        expect_refused("tensor out_conv.bias: value 1 is ");
    }
    free(bytes);
}

static void test_harmless_edits(void **state)
{
    (void)state;
    static const char *const harmless[][2] = {
        {Q "format" Q, Q "new" Q ":[1,{}]," Q "format" Q}, /* a field of a later version */
        {"\"__metadata__\"", "\"n.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[0],"
                             "\"data_offsets\":[0,0]},\"__metadata__\""},
        {"\"format\":\"pt\"", "\"other\":\"x\""},
        {Q "offset" Q ":0.0", Q "offset" Q ":0"},
    };
    size_t size;
    char *bytes = write_small(&size);
    unet_model *want = read_model();
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        write_edited(bytes, size, harmless[i][0], harmless[i][1]);
        unet_model *model = read_model();
        assert_same_model(want, model);
        un_model_free(model);
    }
    un_model_free(want);
    free(bytes);
}

/* ---- a save that fails ---- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_variants),
        cmocka_unit_test(test_round_trip_metadata),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_harmless_edits),
        cmocka_unit_test(test_save_nowhere),
        cmocka_unit_test(test_failed_save_keeps_old),
        cmocka_unit_test(test_initial_values),
        cmocka_unit_test(test_classes_and_settings),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
