/* SPDX-License-Identifier: Apache-2.0 */
/* What a file may hold that no model has: refused before it does harm, by whatever format it came.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/number.h"
#include "model/model.h"
#include "recognise/recognise.h"
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

/* ---- several networks in a file, weights in other forms, several files ---- */

/* One array of a file to be written. */
struct entry {
    const char *begin, *name; /* of its name */
    int dims;
    size_t shape[4];
    const float *values; /* NULL: zeros */
};

enum { MOST_ENTRIES = 100 };
struct entries {
    struct entry items[MOST_ENTRIES];
    int count;
};

static size_t entry_values(const struct entry *e)
{
    size_t count = 1;
    for (int i = 0; i < e->dims; i++)
        count *= e->shape[i];
    return count;
}

static void add(struct entries *list, const char *begin, const char *name, int dims,
                const size_t *shape, const float *values)
{
    struct entry *e = &list->items[list->count++];
    assert_true(list->count <= MOST_ENTRIES);
    *e = (struct entry){begin, name, dims, {0}, values};
    memcpy(e->shape, shape, (size_t)dims * sizeof *shape);
}

/* The parameters of a model. */
static void add_model(struct entries *list, const char *begin, unet_model *model)
{
    for (int i = 0; i < model->graph.param_count; i++) {
        const struct un_param *p = &model->graph.params[i];
        size_t shape[4];
        for (int d = 0; d < p->dims; d++)
            shape[d] = (size_t)p->shape[d];
        add(list, begin, p->name, p->dims, shape, model->values + p->offset);
    }
}

/* A plain safetensors file of the entries from `first` up to `end`. */
static void write_entries(const char *path, const struct entries *list, int first, int end)
{
    static char header[1 << 16];
    size_t at = 0, size = 0;
    size += (size_t)sprintf(header, "{");
    for (int i = first; i < end; i++) {
        const struct entry *e = &list->items[i];
        char shape[UN_SHAPE_TEXT];
        const size_t bytes = 4 * entry_values(e);
        size += (size_t)sprintf(header + size,
                                "%s\"%s%s\":{\"dtype\":\"F32\",\"shape\":%s,"
                                "\"data_offsets\":[%zu,%zu]}",
                                i > first ? "," : "", e->begin, e->name,
                                un_shape_text(e->dims, e->shape, shape), at, at + bytes);
        at += bytes;
    }
    size += (size_t)sprintf(header + size, "}");
    const uint64_t length = size;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    un_little_write(&length, sizeof length, 1, file);
    fwrite(header, 1, size, file);
    for (int i = first; i < end; i++) {
        const struct entry *e = &list->items[i];
        for (size_t k = 0; k < entry_values(e); k++)
            un_little_write(e->values ? &e->values[k] : &(float){0}, sizeof(float), 1, file);
    }
    assert_int_equal(fclose(file), 0);
}

static unet_model *make_seeded(uint64_t seed)
{
    unet_spec spec = unet_spec_default();
    unet_model *model = NULL;
    unet_error err;
    spec.width = 2;
    spec.depth = 1;
    if (unet_model_create(&spec, seed, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

static char heard[512];

static void hear(void *context, unet_severity severity, const char *text)
{
    (void)context, (void)severity;
    snprintf(heard, sizeof heard, "%s", text);
}

/* Reads path; the model has the weights of want, or the text of the error has `text` in it. */
static void expect_read(const char *path, const char *prefix, const unet_model *want,
                        const char *note, const char *text)
{
    const unet_log log = {.note = hear};
    unet_known known = un_known_nothing();
    unet_model *model = NULL;
    unet_error err = {0};
    known.prefix = prefix;
    known.log = &log;
    *heard = 0;
    unet_code code = un_model_import(path, &known, &model, NULL, &err);
    if (!want) {
        expect(code, &err, text);
        return;
    }
    if (code)
        fail_msg("%s", err.text);
    if (note ? !strstr(heard, note) : *heard)
        fail_msg("\"%s\", wanted \"%s\"", heard, note ? note : "");
    assert_int_equal(model->graph.values, want->graph.values);
    for (size_t i = 0; i < want->graph.values; i++)
        if (!(fabsf(model->values[i] - want->values[i]) <= 1e-6f * (1 + fabsf(want->values[i]))))
            fail_msg("value %zu is %g, wanted %g", i, (double)model->values[i],
                     (double)want->values[i]);
    unet_model_free(model);
}

static void test_parts(void **state)
{
    (void)state;
    unet_model *a = make_seeded(1), *b = make_seeded(2);
    const size_t conv[4] = {2, 2, 3, 3}, three[1] = {3};
    const char *path = path_of("safetensors");
    const struct {
        const char *a, *b; /* begins of names; NULL: no second network */
        const char *other; /* a convolution beside them */
        const char *prefix;
        const unet_model *want;
        const char *note, *text;
    } rows[] = {
        {"student.", "teacher.", NULL, NULL, NULL, NULL,
         "has 2 networks, below student and teacher"},
        {"student.", "teacher.", NULL, "student", a, NULL, NULL},
        {"student.", "teacher.", NULL, "teacher", b, NULL, NULL},
        {"student.", "teacher.", NULL, "teachers", NULL, NULL,
         "no tensor lies below teachers, but below student, teacher"},
        {"nets.0.", "nets.1.", NULL, "nets.1", b, NULL, NULL},
        {"model.", "ema_model.", NULL, NULL, a, "taken: the network below model; left: ema_model",
         NULL},
        {"model.", "ema_model.", NULL, "ema_model", b, NULL, NULL},
        {"G.", NULL, "D.0.weight", NULL, NULL, NULL,
         "has a network below G, and other layers below D that are none"},
        {"G.", NULL, "D.0.weight", "G.", a, NULL, NULL},
        {"0.", NULL, "1.state.0.exp_avg", NULL, a, "taken: the network below 0; left: 1", NULL},
        {"model.module.", NULL, NULL, NULL, a, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct entries list = {.count = 0};
        add_model(&list, rows[i].a, a);
        if (rows[i].b)
            add_model(&list, rows[i].b, b);
        if (rows[i].other)
            add(&list, "", rows[i].other, 4, conv, NULL);
        write_entries(path, &list, 0, list.count);
        expect_read(path, rows[i].prefix, rows[i].want, rows[i].note, rows[i].text);
    }
    struct entries list = {.count = 0}; /* a metric beside the network */
    add_model(&list, "net.", a);
    add(&list, "", "dice.total", 1, three, NULL);
    write_entries(path, &list, 0, list.count);
    expect_read(path, NULL, a, "taken: the network below net; left: dice", NULL);
    unlink(path);
    unet_model_free(a);
    unet_model_free(b);
}

/* Each convolution as weight_norm or spectral_norm keep it; in *made the weights that they mean. */
static void add_normed(struct entries *list, unet_model *model, bool spectral, float *memory)
{
    for (int i = 0; i < model->graph.param_count; i++) {
        const struct un_param *p = &model->graph.params[i];
        float *w = model->values + p->offset;
        size_t shape[4] = {1, 1, 1, 1}, one[4] = {1, 1, 1, 1};
        for (int d = 0; d < p->dims; d++)
            shape[d] = (size_t)p->shape[d];
        char *names = (char *)(memory + 3 * p->count + 200);
        float *v = memory, *g = memory + p->count, *u = g + 100, *x = u + 100;
        memory += 3 * p->count + 300;
        if (p->dims != 4) {
            add(list, "", p->name, p->dims, shape, w);
            continue;
        }
        const size_t rows = shape[0], row = p->count / rows;
        const bool up = shape[2] == 2;
        const size_t outs = up ? shape[1] : shape[0], ins = p->count / outs;
        char *end = names + sprintf(names, "%s", p->name) - strlen("weight");
        char *second = names + 100, *third = names + 200;
        double sigma = 0;
        for (size_t k = 0; k < p->count; k++)
            v[k] = 3 * w[k];
        for (size_t r = 0; r < rows && !spectral; r++) {
            double sum = 0;
            for (size_t k = 0; k < row; k++)
                sum += (double)w[r * row + k] * (double)w[r * row + k];
            g[r] = (float)sqrt(sum);
        }
        for (size_t k = 0; k < outs; k++)
            u[k] = 0.5f + (float)k;
        for (size_t k = 0; k < ins; k++)
            x[k] = 0.25f + (float)(k % 3);
        /* [out][in][3][3] or [in][out][2][2]: index by index */
        for (size_t s0 = 0, k = 0; s0 < shape[0]; s0++)
            for (size_t s1 = 0; s1 < shape[1]; s1++)
                for (size_t s2 = 0; s2 < shape[2] * shape[3]; s2++, k++)
                    sigma +=
                        up ? (double)u[s1] * (double)v[k] * (double)x[s0 * shape[2] * shape[3] + s2]
                           : (double)u[s0] * (double)v[k] *
                                 (double)x[s1 * shape[2] * shape[3] + s2];
        strcpy(second, names);
        strcpy(third, names);
        one[0] = rows;
        if (spectral) {
            strcpy(end, "weight_orig");
            strcpy(second + (end - names), "weight_u");
            strcpy(third + (end - names), "weight_v");
            add(list, "", names, 4, shape, v);
            add(list, "", second, 1, &outs, u);
            add(list, "", third, 1, &ins, x);
            for (size_t k = 0; k < p->count; k++)
                w[k] = (float)((double)v[k] / sigma);
        } else {
            strcpy(end, "parametrizations.weight.original1");
            strcpy(second + (end - names), "parametrizations.weight.original0");
            add(list, "", second, 4, one, g);
            add(list, "", names, 4, shape, v);
        }
    }
}

static void test_weight_norms(void **state)
{
    (void)state;
    static float memory[1 << 16];
    const char *path = path_of("safetensors");
    for (int spectral = 0; spectral < 2; spectral++) {
        unet_model *model = make_seeded(3);
        struct entries list = {.count = 0};
        add_normed(&list, model, spectral, memory);
        write_entries(path, &list, 0, list.count);
        expect_read(path, NULL, model, NULL, NULL);
        list.items[spectral ? 1 : 0].values = NULL; /* g or u of zero */
        list.items[spectral ? 0 : 1].values = NULL; /* v or w, too */
        write_entries(path, &list, 0, list.count);
        expect_read(path, NULL, NULL, NULL, "its norm is zero, so its weight is not finite");
        unlink(path);
        unet_model_free(model);
    }
}

/* torch.nn.utils.prune keeps what it set to zero. */
static void test_pruned(void **state)
{
    (void)state;
    const char *path = path_of("safetensors");
    unet_model *model = make_seeded(5);
    struct entries list = {.count = 0};
    static float before[18], mask[18];
    const size_t shape[4] = {2, 1, 3, 3};
    float *w = model->values + model->graph.params[0].offset;
    for (int i = 0; i < 18; i++) {
        before[i] = w[i];
        mask[i] = i % 2 == 0;
        w[i] *= mask[i];
    }
    add_model(&list, "", model);
    assert_string_equal(list.items[0].name, "enc_0.conv_block.0.weight");
    list.items[0] = (struct entry){"", "enc_0.conv_block.0.weight_orig", 4, {2, 1, 3, 3}, before};
    add(&list, "", "enc_0.conv_block.0.weight_mask", 4, shape, mask);
    write_entries(path, &list, 0, list.count);
    expect_read(path, NULL, model, NULL, NULL);
    unlink(path);
    unet_model_free(model);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void test_shards(void **state)
{
    (void)state;
    char one[100], two[100], index[100], text[400];
    unet_model *model = make_seeded(4);
    struct entries list = {.count = 0};
    snprintf(one, sizeof one, "/tmp/unet_test_%d-00001-of-00002.safetensors", (int)getpid());
    snprintf(two, sizeof two, "/tmp/unet_test_%d-00002-of-00002.safetensors", (int)getpid());
    snprintf(index, sizeof index, "/tmp/unet_test_%d.safetensors.index.json", (int)getpid());
    add_model(&list, "", model);
    write_entries(one, &list, 0, 5);
    write_entries(two, &list, 5, list.count);
    expect_read(one, NULL, model, NULL, NULL);
    expect_read(two, NULL, model, NULL, NULL);
    snprintf(text, sizeof text, "{\"weight_map\": {\"a\": \"%s\", \"b\": \"%s\", \"c\": \"%s\"}}",
             one + 5, two + 5, one + 5);
    write_text(index, text);
    expect_read(index, NULL, model, NULL, NULL);
    write_text(index, "{\"weight_map\": {\"a\": \"../x.safetensors\"}}");
    expect_read(index, NULL, NULL, NULL, "names \"../x.safetensors\", wanted a file beside it");
    write_text(index, "{}");
    expect_read(index, NULL, NULL, NULL, "has no \"weight_map\"");
    write_entries(two, &list, 4, list.count);
    expect_read(one, NULL, NULL, NULL, "two tensors of its files are called");
    unlink(two);
    expect_read(one, NULL, NULL, NULL, "is one of 2 files of a model, and unet_test_");
    unlink(one);
    unlink(index);
    assert_int_equal(unet_model_save(model, one, NULL), UNET_OK); /* ours, whatever its name */
    expect_read(one, NULL, model, NULL, NULL);
    unlink(one);
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variance),     cmocka_unit_test(test_expansion),
        cmocka_unit_test(test_no_crc),       cmocka_unit_test(test_parts),
        cmocka_unit_test(test_weight_norms), cmocka_unit_test(test_shards),
        cmocka_unit_test(test_pruned),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
