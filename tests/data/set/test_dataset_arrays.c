/* SPDX-License-Identifier: Apache-2.0 */
/* test_dataset_arrays.c - data sets of arrays: the same as of files, the same sentences, nothing
 * kept */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/set/dataset.h"
#include "support/folder.h"
#include "support/strided.h"
#include "unet_train.h"

enum { COUNT = 4, H = 20, W = 24, PIXELS = H * W };

/* Images of one type, and masks with a class index 0..2 or none in blocks of 4 x 4. */
struct scene {
    unet_image images[COUNT], masks[COUNT];
    struct strided views[2 * COUNT];
    unet_pair pairs[COUNT];
};

static struct scene make_scene(unet_sample sample, int channels, unet_sample mask, int layout)
{
    struct scene s;
    for (int i = 0; i < COUNT; i++) {
        const size_t n = (size_t)PIXELS * (size_t)channels;
        s.images[i] = (unet_image){H, W, channels, sample, 0, malloc(n * sizeof(float))};
        s.masks[i] = (unet_image){H, W, 1, mask, 0, calloc(PIXELS, sizeof(float))};
        for (size_t p = 0; p < n; p++) {
            const uint32_t bits = (uint32_t)un_rng_bits((uint64_t)i + 1, p);
            if (sample == UNET_U8)
                ((uint8_t *)s.images[i].data)[p] = (uint8_t)bits;
            else if (sample == UNET_U16)
                ((uint16_t *)s.images[i].data)[p] = (uint16_t)bits;
            else
                ((float *)s.images[i].data)[p] = (float)(bits & 0xffff) / 300 - 10;
        }
        for (int p = 0; p < PIXELS; p++) {
            const int block = p / W / 4 * 6 + p % W / 4, code = block % 7 == 5 ? 255 : block % 3;
            if (mask == UNET_U8)
                ((uint8_t *)s.masks[i].data)[p] = (uint8_t)code;
            else if (mask == UNET_U16)
                ((uint16_t *)s.masks[i].data)[p] = (uint16_t)code;
            else if (mask == UNET_U32)
                ((uint32_t *)s.masks[i].data)[p] = (uint32_t)code;
            else
                ((float *)s.masks[i].data)[p] = (float)code;
        }
        s.views[2 * i] = strided_make(&s.images[i], layout);
        s.views[2 * i + 1] = strided_make(&s.masks[i], layout);
        s.pairs[i] = (unet_pair){NULL, s.views[2 * i].view, s.views[2 * i + 1].view};
    }
    return s;
}

static void release(struct scene *s)
{
    for (int i = 0; i < COUNT; i++) {
        free(s->images[i].data);
        free(s->masks[i].data);
        free(s->views[2 * i].memory);
        free(s->views[2 * i + 1].memory);
    }
}

static unet_dataset *made_set(const unet_pair *pairs, int count, const char *labels)
{
    const unet_dataset_options options = {.ignore = -1, .labels = labels};
    unet_dataset *set = NULL;
    unet_error err;
    if (unet_dataset_from_arrays(pairs, count, labels ? &options : NULL, &set, &err))
        fail_msg("%s", err.text);
    return set;
}

static void expect_same(const char *what, const unet_dataset *a, const unet_dataset *b)
{
    if (a->count != b->count || a->channels != b->channels ||
        a->coding.labels != b->coding.labels || a->scaling.set != b->scaling.set ||
        a->scaling.offset != b->scaling.offset || a->scaling.scale != b->scaling.scale ||
        a->scaling.trained_on != b->scaling.trained_on ||
        strcmp(a->coding_text, b->coding_text) != 0)
        fail_msg("%s: %d images, %d channels, scaling %g %g, %s; wanted %d, %d, %g %g, %s", what,
                 a->count, a->channels, (double)a->scaling.offset, (double)a->scaling.scale,
                 a->coding_text, b->count, b->channels, (double)b->scaling.offset,
                 (double)b->scaling.scale, b->coding_text);
    for (int i = 0; i < a->count; i++) {
        const struct un_sample_pair *x = &a->pairs[i], *y = &b->pairs[i];
        if (un_image_bytes(&x->image) != un_image_bytes(&y->image) ||
            memcmp(x->image.data, y->image.data, un_image_bytes(&x->image)) ||
            memcmp(x->mask, y->mask, PIXELS))
            fail_msg("%s: image %d or its mask differs", what, i);
    }
}

/* What is written to files and read again is what arrays give, for every type and layout. */
static void test_as_files(void **state)
{
    static const unet_sample masks[] = {UNET_U8, UNET_U16, UNET_F32, UNET_U32};
    (void)state;
    for (int sample = UNET_U8; sample <= UNET_F32; sample++) {
        struct scene s = make_scene((unet_sample)sample, 3, UNET_U8, STRIDED_C);
        char name[64];
        unet_dataset *files;
        unet_error err;
        mkdir(in_folder("i"), 0777);
        mkdir(in_folder("m"), 0777);
        for (int i = 0; i < COUNT; i++) {
            snprintf(name, sizeof name, "i/%d.tif", i);
            assert_int_equal(un_image_write(in_folder(name), &s.images[i], NULL), UNET_OK);
            snprintf(name, sizeof name, "m/%d.tif", i);
            assert_int_equal(un_image_write(in_folder(name), &s.masks[i], NULL), UNET_OK);
        }
        if (unet_dataset_open(in_folder("i"), in_folder("m"), NULL, &files, &err))
            fail_msg("%s", err.text);
        release(&s);
        for (int m = 0; m < 4; m++)
            for (int layout = 0; layout < STRIDED_LAYOUTS; layout++) {
                s = make_scene((unet_sample)sample, 3, masks[m], layout);
                unet_dataset *set = made_set(s.pairs, COUNT, NULL);
                expect_same(strided_names[layout], set, files);
                release(&s); /* the set has copies */
                expect_same(strided_names[layout], set, files);
                unet_dataset_free(set);
            }
        unet_dataset_free(files);
    }
}

static unet_code give(void *context, int i, unet_pair *pair, unet_error *err)
{
    struct {
        const unet_pair *pairs;
        int next, fails;
    } *from = context;
    assert_int_equal(i, from->next++);
    assert_null(pair->image.data);
    if (i == from->fails) {
        snprintf(err->text, sizeof err->text, "no camera");
        return err->code = UNET_EIO;
    }
    *pair = from->pairs[i];
    return UNET_OK;
}

/* Each pair is asked for once, in order; names, parts and surveys are as those of files. */
static void test_function(void **state)
{
    struct scene s = make_scene(UNET_U16, 1, UNET_U16, STRIDED_TURNED);
    struct {
        const unet_pair *pairs;
        int next, fails;
    } from = {s.pairs, 0, -1};
    unet_dataset *set, *held = NULL, *arrays = made_set(s.pairs, COUNT, NULL);
    unet_survey *survey;
    const char *name;
    unet_error err;
    (void)state;
    s.pairs[1].name = "cell 7";
    if (unet_dataset_from_function(COUNT, give, &from, NULL, &set, &err))
        fail_msg("%s", err.text);
    expect_same("function", set, arrays);
    assert_int_equal(unet_dataset_count(set), COUNT);
    assert_string_equal(unet_dataset_pairing_text(set), "given together");
    assert_string_equal(unet_dataset_left_out(set), "");
    assert_string_equal(unet_dataset_coding_text(set), "class indices 0 to 2; 255 = no label");
    unet_dataset_image(set, 1, NULL, &name);
    assert_string_equal(name, "cell 7");
    unet_dataset_image(set, 2, NULL, &name);
    assert_string_equal(name, "image 2");
    assert_int_equal(unet_survey_dataset(set, NULL, &survey, &err), UNET_OK);
    assert_int_equal(unet_survey_all(survey)->readable, COUNT);
    assert_string_equal(unet_survey_at(survey, 1)->image, "cell 7");
    unet_survey_free(survey);
    assert_int_equal(unet_dataset_fold(set, 1, 2, 3, &held, &err), UNET_OK);
    assert_int_equal(unet_dataset_count(set) + unet_dataset_count(held), COUNT);
    unet_dataset_free(held);
    unet_dataset_free(set);
    from.next = 0;
    from.fails = 2;
    set = NULL;
    assert_int_equal(unet_dataset_from_function(COUNT, give, &from, NULL, &set, &err), UNET_EIO);
    assert_string_equal(err.text, "no camera");
    assert_null(set);
    unet_dataset_free(arrays);
    release(&s);
}

/* What masks mean may be said as for files: objects, codes, colours, a set to be like. */
static void test_meanings(void **state)
{
    (void)state;
    struct scene s = make_scene(UNET_U8, 1, UNET_U32, STRIDED_FORTRAN);
    for (int p = 0; p < PIXELS; p++) /* not 1, 2 ...: numbers of objects */
        ((uint32_t *)s.masks[0].data)[p] = p / W < 4 ? 70000 : p / W < 8 ? 3000000000u : 0;
    struct strided numbers = strided_make(&s.masks[0], STRIDED_FORTRAN);
    unet_pair pair = s.pairs[0];
    pair.mask = numbers.view;
    unet_dataset *set = made_set(&pair, 1, "instances");
    const uint32_t *objects = unet_dataset_objects(set, 0);
    assert_int_equal(unet_dataset_labels(set), 2);
    assert_memory_equal(objects, s.masks[0].data, sizeof(uint32_t) * PIXELS);
    assert_int_equal(set->pairs[0].mask[0], 1);
    unet_dataset_free(set);
    set = made_set(&pair, 1, "nothing=0,few=70000,many=3000000000");
    assert_int_equal(unet_dataset_labels(set), 3);
    assert_int_equal(set->pairs[0].mask[5 * W], 2);
    const unet_dataset_options like = {.ignore = -1, .like = set};
    unet_dataset *other = NULL;
    unet_error err;
    assert_int_equal(unet_dataset_from_arrays(&pair, 1, &like, &other, &err), UNET_OK);
    assert_string_equal(unet_dataset_coding_text(other), unet_dataset_coding_text(set));
    unet_dataset_free(other);
    assert_int_equal(unet_dataset_from_arrays(s.pairs, 1, &like, &other, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "mask of image 0: mask value 1 in row 0, column 4"));
    unet_dataset_free(set);
    free(numbers.memory);
    uint8_t rgb[PIXELS * 3] = {0};
    for (int p = 0; p < PIXELS / 2; p++)
        rgb[3 * p] = 200;
    const unet_image colors = {H, W, 3, UNET_U8, 0, rgb};
    pair.mask = unet_view_of(&colors);
    set = made_set(&pair, 1, "sky=#000000,road=#c80000");
    assert_int_equal(set->pairs[0].mask[0], 1);
    assert_int_equal(set->pairs[0].mask[PIXELS - 1], 0);
    unet_dataset_free(set);
    release(&s);
}

static void expect_refusal(const unet_pair *pairs, int count, const unet_dataset_options *options,
                           unet_code want, const char *text)
{
    unet_dataset *set = NULL;
    unet_error err = {0};
    unet_code code = unet_dataset_from_arrays(pairs, count, options, &set, &err);
    if (code != want || err.code != want || !strstr(err.text, text))
        fail_msg("code %d, '%s'; wanted %d, '%s'", code, err.text, want, text);
    assert_null(set);
    assert_int_equal(unet_dataset_from_arrays(pairs, count, options, &set, NULL), want);
}

static void test_refused(void **state)
{
    (void)state;
    struct scene s = make_scene(UNET_F32, 1, UNET_U16, STRIDED_C);
    const struct scene good = s;
    unet_pair *const p = &s.pairs[2];
    unet_cancel cancel;
    const unet_dataset_options three = {.ignore = -1, .classes = 2}, names = {.labels = "a,b"},
                               stopped = {.ignore = -1, .cancel = &cancel};
    assert_int_equal(unet_dataset_from_arrays(s.pairs, 1, NULL, NULL, NULL), UNET_EINVAL);
    assert_int_equal(unet_dataset_from_function(1, NULL, NULL, NULL, NULL, NULL), UNET_EINVAL);
    expect_refusal(NULL, 1, NULL, UNET_EINVAL, "pairs is NULL");
    expect_refusal(s.pairs, 0, NULL, UNET_EINVAL, "0 images; 1 or more wanted");
    expect_refusal(s.pairs, -1, NULL, UNET_EINVAL, "-1 images; 1 or more wanted");
    p->image.data = NULL;
    expect_refusal(s.pairs, COUNT, NULL, UNET_EINVAL, "image 2: data is NULL");
    p->image = good.pairs[2].image;
    p->image.height = 0;
    expect_refusal(s.pairs, COUNT, NULL, UNET_EINVAL, "image 2: 24 x 0 pixels with 1 channels");
    p->image = good.pairs[2].image;
    p->image.row = 0;
    p->name = "Zelle";
    expect_refusal(s.pairs, COUNT, NULL, UNET_EINVAL, "Zelle: a stride of 0 between 20 rows");
    p->image = good.pairs[2].image;
    p->mask.data = NULL;
    expect_refusal(s.pairs, COUNT, NULL, UNET_EINVAL, "mask of Zelle: data is NULL");
    p->mask = good.pairs[2].mask;
    p->mask.width--;
    expect_refusal(s.pairs, COUNT, NULL, UNET_EINVAL,
                   "Zelle is 24 x 20 pixels, but its mask is 23 x 20");
    p->mask = good.pairs[2].image;
    expect_refusal(s.pairs, COUNT, NULL, UNET_EFORMAT, "mask of Zelle: value ");
    p->mask = good.pairs[2].mask;
    p->mask.channels = 2;
    p->mask.channel = 2;
    p->mask.width = p->image.width = 11;
    expect_refusal(s.pairs, COUNT, NULL, UNET_EINVAL, "mask of Zelle has 2 channels of 16 bits");
    *p = good.pairs[2];
    ((float *)s.views[4].memory)[3 * W + 5] = NAN;
    expect_refusal(s.pairs, COUNT, NULL, UNET_EINVAL,
                   "image 2: NaN in row 3, column 5; finite values wanted");
    ((float *)s.views[4].memory)[3 * W + 5] = 0;
    expect_refusal(s.pairs, COUNT, &three, UNET_EINVAL, "mask value 2 (of ");
    expect_refusal(s.pairs, COUNT, &names, UNET_EINVAL, "labels: names alone");
    ((uint16_t *)s.views[5].memory)[7] = 254;
    expect_refusal(s.pairs, COUNT, NULL, UNET_EINVAL, "255 mask values; at most 254 classes");
    ((uint16_t *)s.views[5].memory)[7] = 0;
    memset(s.views[1].memory, 0, PIXELS * 2);
    for (int i = 0; i < PIXELS; i++)
        ((uint16_t *)s.views[1].memory)[i] = 255;
    ((uint16_t *)s.views[1].memory)[0] = 254;
    expect_refusal(s.pairs, 1,
                   &(unet_dataset_options){.ignore = 254, .labels = "a=0,b=1,ignore=255"},
                   UNET_EINVAL, "masks: no pixel has a label");
    unet_cancel_init(&cancel);
    unet_cancel_set(&cancel);
    expect_refusal(good.pairs, COUNT, &stopped, UNET_ESTOPPED, "stopped");
    release(&s);
}

/* Thousands of sets, sessions' worth of them refused half way (a sanitizer looks for leaks). */
static void test_many(void **state)
{
    (void)state;
    struct scene s = make_scene(UNET_U8, 1, UNET_U8, STRIDED_GAPS);
    for (int i = 0; i < 3000; i++) {
        unet_dataset *set = NULL;
        const bool spoilt = i % 3 == 2;
        s.pairs[3].mask.height = spoilt ? H - 1 : H;
        unet_code code = unet_dataset_from_arrays(s.pairs, COUNT, NULL, &set, NULL);
        assert_int_equal(code, spoilt ? UNET_EINVAL : UNET_OK);
        unet_dataset_free(set);
    }
    release(&s);
}

/* ---- what files tell --------------------------------------------------------------------- */

static void keep_note(void *context, unet_severity severity, const char *text)
{
    char *all = context;
    assert_true(severity == UNET_NOTE || severity == UNET_WARNING);
    snprintf(all + strlen(all), 400 - strlen(all), "%s\n", text);
}

static void test_notes_of_files(void **state)
{
    (void)state;
    uint8_t samples[16] = {1, 2, 3}, classes[16] = {0, 1};
    const unet_image image = {4, 4, 1, UNET_U8, 0, samples}, mask = {4, 4, 1, UNET_U8, 0, classes};
    char text[400] = "";
    const unet_log log = {keep_note, text};
    unet_cancel cancel;
    const unet_dataset_options options = {
        .ignore = -1, .only_pairs = 1, .log = &log, .cancel = &cancel};
    unet_dataset *set = NULL;
    unet_survey *survey = NULL;
    unet_error err;
    unet_cancel_init(&cancel);
    mkdir(in_folder("i"), 0777);
    mkdir(in_folder("m"), 0777);
    un_image_write(in_folder("i/a.png"), &image, NULL);
    un_image_write(in_folder("i/b.png"), &image, NULL);
    un_image_write(in_folder("m/a.png"), &mask, NULL);
    if (unet_dataset_open(in_folder("i"), in_folder("m"), &options, &set, &err))
        fail_msg("%s", err.text);
    if (!strstr(text, "1 image without a mask: b.png\n"))
        fail_msg("'%s' does not tell of b.png", text);
    unet_dataset_free(set);
    set = NULL;
    unet_cancel_set(&cancel);
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m"), &options, &set, &err),
                     UNET_ESTOPPED);
    assert_null(set);
    assert_int_equal(
        unet_survey_open(in_folder("i"), in_folder("m"), &options, NULL, NULL, &survey, &err),
        UNET_ESTOPPED);
    assert_null(survey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_files, folder_create, folder_destroy),
        cmocka_unit_test(test_function),
        cmocka_unit_test(test_meanings),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many),
        cmocka_unit_test_setup_teardown(test_notes_of_files, folder_create, folder_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
