/* SPDX-License-Identifier: Apache-2.0 */
/* test_survey.c - what a survey says of spoiled sets, and that it is silent about good ones */
#include "survey_files.h"

/* ---- the generated set, spoiled ---- */

/* A way to spoil the set, and what must be found. */
struct spoiled {
    const char *name;
    void (*spoil)(struct set *set);
    const char *wanted;
};

static void nothing(struct set *set)
{
    (void)set;
}

static void shift_12(struct set *set)
{
    set_shift(&set->mask[3], 12, 6);
}

static void shift_up(struct set *set)
{
    set_shift(&set->mask[5], -8, -12);
}

static void exchange_1(struct set *set)
{
    set_map(&set->mask[2], 0, 2, 0);
}

static void halve(struct set *set)
{
    set_halve(&set->mask[4]);
}

static void turn(struct set *set)
{
    set_turn(&set->mask[4]);
}

static void lose_mask(struct set *set)
{
    free(set->mask[1].data);
    set->mask[1].data = NULL;
}

static void lose_image(struct set *set)
{
    free(set->image[1].data);
    set->image[1].data = NULL;
}

static void copy_image(struct set *set)
{
    set_copy(&set->image[2], &set->image[6]);
}

static void copy_pair(struct set *set)
{
    set_copy(&set->image[2], &set->image[6]);
    set_copy(&set->mask[2], &set->mask[6]);
}

static void copy_mask(struct set *set)
{
    set_copy(&set->mask[2], &set->mask[6]);
}

static void brighten_copy(struct set *set)
{
    copy_pair(set);
    uint8_t *p = set->image[6].data;
    for (size_t i = 0; i < un_image_bytes(&set->image[6]); i++)
        p[i] = (uint8_t)(p[i] / 2 + 20 + i % 3);
}

static void swap_channels(struct set *set)
{
    uint8_t *p = set->image[5].data;
    for (int i = 0; i < set->image[5].height * set->image[5].width; i++, p += 3) {
        uint8_t red = p[0];
        p[0] = p[2];
        p[2] = red;
    }
}

static void one_grey(struct set *set)
{
    set_grey(&set->image[0]);
}

static void one_grey_in_rgb(struct set *set)
{
    uint8_t *p = set->image[0].data;
    for (int i = 0; i < set->image[0].height * set->image[0].width; i++)
        p[3 * i + 1] = p[3 * i + 2] = p[3 * i];
}

static void one_deep(struct set *set)
{
    set_deepen(&set->image[7], 200);
}

static void one_size(struct set *set)
{
    set_crop(&set->image[3], 160, 200);
    set_crop(&set->mask[3], 160, 200);
}

static void one_empty(struct set *set)
{
    memset(set->mask[3].data, 0, un_image_bytes(&set->mask[3]));
}

static void one_full(struct set *set)
{
    memset(set->mask[3].data, 1, un_image_bytes(&set->mask[3]));
}

static void one_constant(struct set *set)
{
    memset(set->image[3].data, 77, un_image_bytes(&set->image[3]));
    set_grey(&set->image[3]);
    for (int i = 0; i < set->count; i++)
        if (i != 3)
            set_grey(&set->image[i]);
}

static void offset(struct set *set)
{
    uint8_t *p = set->mask[6].data;
    for (int i = 0; i < set->mask[6].height * set->mask[6].width; i++)
        p[i]++;
}

static void strange(struct set *set)
{
    ((uint8_t *)set->mask[6].data)[500] = 77;
}

static void all_deep(struct set *set)
{
    for (int i = 0; i < set->count; i++)
        set_deepen(&set->image[i], 16);
}

static void all_deep_one_shallow(struct set *set)
{
    for (int i = 0; i < set->count; i++)
        set_deepen(&set->image[i], i == 4 ? 1 : 100);
}

static void deep_of_eight(struct set *set)
{
    for (int i = 0; i < set->count; i++)
        set_deepen(&set->image[i], 257);
}

/* 12 bits among 8 bits that were spread, and the reverse. */
static void other_step(struct set *set)
{
    for (int i = 0; i < set->count; i++)
        set_deepen(&set->image[i], i == 3 ? 16 : 257);
}

static void spread_among_shifted(struct set *set)
{
    for (int i = 0; i < set->count; i++)
        set_deepen(&set->image[i], i == 3 ? 257 : 16);
}

/* As a camera of 12 bits gives them, one of them shifted up. */
static void one_shifted(struct set *set)
{
    for (int i = 0; i < set->count; i++) {
        set_deepen(&set->image[i], i == 5 ? 256 : 16);
        uint16_t *p = set->image[i].data;
        size_t n = un_image_bytes(&set->image[i]) / 2;
        for (size_t k = 0; k < n; k++)
            p[k] = (uint16_t)(p[k] + (k % 16) * (i == 5 ? 16 : 1));
    }
}

/* Few values have a large step by chance. */
static void one_of_few_values(struct set *set)
{
    for (int i = 0; i < set->count; i++) {
        set_deepen(&set->image[i], 16);
        uint16_t *p = set->image[i].data;
        size_t n = un_image_bytes(&set->image[i]) / 2;
        for (size_t k = 0; k < n; k++)
            p[k] = i == 2 ? (uint16_t)(p[k] / 128 * 128) : (uint16_t)(p[k] + k % 16);
    }
}

static const struct spoiled spoilt[] = {
    {"as it is", nothing, ""},
    {"shifted by 12, 6", shift_12, "mask-shifted c03.png\n"},
    {"shifted by -8, -12", shift_up, "mask-shifted c05.png\n"},
    {"classes 0 and 2 exchanged", exchange_1, "classes-swapped c02.png\n"},
    {"mask of half the size", halve, "mask-size c04.png\n"},
    {"mask turned", turn, "mask-turned c04.png\n"},
    {"mask missing", lose_mask, "no-mask c01.png\n"},
    {"image missing", lose_image, "no-image c01.png\n"},
    {"image twice", copy_image, "same-image c06.png\nmask-of-other c06.png\n"},
    {"pair twice", copy_pair, "same-pair c06.png\n"},
    {"mask twice", copy_mask, "same-mask c06.png\n"},
    {"pair twice, other brightness", brighten_copy, "near-image c06.png\nsame-mask c06.png\n"},
    {"red and blue exchanged", swap_channels, "channel-order c05.png\n"},
    {"one grey", one_grey, "channels c00.png\n"},
    {"one grey in RGB", one_grey_in_rgb, "channels c00.png\n"},
    {"one of 16 bits", one_deep, "sample c07.png\n"},
    {"one of another size", one_size, "size c03.png\n"},
    {"one empty mask", one_empty, "mask-empty c03.png\n"},
    {"one full mask", one_full, "mask-full c03.png\n"},
    {"one constant image", one_constant, "constant c03.png\n"},
    {"class numbers from 1", offset, "class-offset c06.png\n"},
    {"a value of its own", strange, "mask-strange c06.png\n"},
    {"12 bits of 16", all_deep, "bits -\n"},
    {"8 bits among 16", all_deep_one_shallow, "bits c04.png\n"},
    {"8 bits times 257", deep_of_eight, "bits-spread -\n"},
    {"times 16 among times 257", other_step, "bits-spread c03.png\n"},
    {"times 257 among times 16", spread_among_shifted, "bits-spread c03.png\n"},
    {"12 bits shifted among 12 bits", one_shifted, "bits-spread c05.png\n"},
    {"few values among 12 bits", one_of_few_values, ""},
};

static void test_spoilt(void **state)
{
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        struct set set = set_make();
        assert_int_equal(folder_create(state), 0);
        print_message("%s\n", spoilt[i].name);
        spoilt[i].spoil(&set);
        set_expect(&set, spoilt[i].wanted);
        folder_destroy(state);
    }
}

static void test_inverted(void **state)
{
    (void)state;
    struct set set = black_and_white();
    set_map(&set.mask[4], 0, 255, 0);
    set_expect(&set, "mask-inverted c04.png\n");
}

/* Nothing but the share can tell that all are. */
static void test_all_inverted(void **state)
{
    (void)state;
    struct set set = black_and_white();
    for (int i = 0; i < set.count; i++)
        set_map(&set.mask[i], 0, 255, 0);
    set_expect(&set, "background-small -\n");
}

/* Soft edges are taken to the nearest code where that is clear, else refused: either way said. */
static void test_soft(void **state)
{
    (void)state;
    struct set set = black_and_white();
    set_smooth(&set.mask[4]);
    unet_survey *survey = write_and_survey(&set);
    bool soft = survey_has(survey, UNET_FOUND_MASK_SOFT, "c04.png");
    bool refused = survey_has(survey, UNET_FOUND_MASK_VALUES, "c04.png");
    assert_true(soft != refused);
    assert_int_equal(unet_survey_findings(survey), 1);
    unet_survey_free(survey);
}

/* Three codes, of which the middle one is a ring that is two pixels wide. */
static struct set three_codes(void)
{
    static const uint8_t codes[] = {0, 128, 255};
    struct set set = set_make();
    for (int i = 0; i < set.count; i++) {
        unet_image *mask = &set.mask[i];
        const uint8_t *old = mask->data;
        int H = mask->height, W = mask->width;
        uint8_t *made = malloc((size_t)H * (size_t)W);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                bool inner = true, outer = old[y * W + x] > 0;
                for (int v = y - 2; v <= y + 2; v++)
                    for (int u = x - 2; u <= x + 2; u++)
                        inner = inner && v >= 0 && v < H && u >= 0 && u < W && old[v * W + u];
                made[y * W + x] = codes[inner ? 2 : outer];
            }
        free(mask->data);
        mask->data = made;
    }
    return set;
}

/* One mask that was resampled is named, alone, with what to do; its neighbours are as they were. */
static void test_one_soft_of_three(void **state)
{
    (void)state;
    struct set set = three_codes();
    unet_dataset *dataset;
    unet_error err;
    set_smooth(&set.mask[4]);
    unet_survey *survey = write_and_survey(&set);
    for (int i = 0; i < unet_survey_findings(survey); i++) {
        const unet_finding *f = unet_survey_finding(survey, i);
        if (f->severity == UNET_ERROR && strcmp(set_file(f->file), "c04.png") != 0)
            fail_msg("%s of %s: %s", unet_finding_name(f->kind), set_file(f->file), f->text);
    }
    assert_true(survey_has(survey, UNET_FOUND_MASK_VALUES, "c04.png"));
    assert_int_equal(unet_survey_all(survey)->labels, 3);
    assert_int_equal(unet_survey_all(survey)->errors, 1);
    unet_survey_free(survey);
    /* training says the same */
    unet_dataset_options options = {.ignore = -1};
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m"), &options, &dataset, &err),
                     UNET_EINVAL);
    if (!strstr(err.text, "c04.png: mask value") ||
        !strstr(err.text, "say 'a=0-64,b=65-191,c=192-255'") || err.hints != UNET_HINT_LABELS)
        fail_msg("'%s', hints %u: names another file, or no way", err.text, err.hints);
    options.labels = "a=0-64,b=65-191,c=192-255";
    if (unet_dataset_open(in_folder("i"), in_folder("m"), &options, &dataset, &err))
        fail_msg("%s", err.text);
    assert_int_equal(unet_dataset_labels(dataset), 3);
    unet_dataset_free(dataset);
}

static void test_all_soft(void **state)
{
    (void)state;
    struct set set = black_and_white();
    for (int i = 0; i < set.count; i++)
        set_smooth(&set.mask[i]);
    unet_survey *survey = write_and_survey(&set);
    for (int i = 0; i < unet_survey_findings(survey); i++) {
        unet_finding_kind kind = unet_survey_finding(survey, i)->kind;
        assert_true(kind == UNET_FOUND_MASK_SOFT || kind == UNET_FOUND_MASK_VALUES);
    }
    assert_true(unet_survey_findings(survey) > 0);
    unet_survey_free(survey);
}

static void test_masks_exchanged(void **state)
{
    (void)state;
    struct set set = set_make();
    unet_image mask = set.mask[2];
    set.mask[2] = set.mask[5];
    set.mask[5] = mask;
    set_expect(&set, "mask-of-other c02.png\nmask-of-other c05.png\n");
}

/* Each image has the mask of the next. */
static void test_masks_off_by_one(void **state)
{
    (void)state;
    struct set set = set_make();
    unet_image first = set.mask[0];
    char wanted[512] = "";
    for (int i = 0; i < set.count; i++) {
        set.mask[i] = i + 1 < set.count ? set.mask[i + 1] : first;
        snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted),
                 "mask-of-other c%02d.png\n", i);
    }
    set_expect(&set, wanted);
}

static void test_not_finite(void **state)
{
    (void)state;
    struct set set = set_make();
    for (int i = 0; i < set.count; i++) {
        snprintf(set.name[i], sizeof set.name[i], "c%02d.tif", i);
        snprintf(set.mask_name[i], sizeof set.mask_name[i], "c%02d.png", i);
        set_float(&set.image[i]);
    }
    ((float *)set.image[3].data)[1234] = NAN;
    set_expect(&set, "not-finite c03.tif\n");
}

static void test_palette_order(void **state)
{
    (void)state;
    struct set set = set_make();
    uint8_t palette[3][3] = {{0, 0, 0}, {255, 0, 0}, {0, 255, 0}};
    set_write(&set);
    for (int i = 0; i < set.count; i++) {
        char path[64];
        snprintf(path, sizeof path, "m/%s", set.name[i]);
        if (i == 3) {
            memcpy(palette[1], "\0\377\0", 3);
            memcpy(palette[2], "\377\0\0", 3);
        } else {
            memcpy(palette[1], "\377\0\0", 3);
            memcpy(palette[2], "\0\377\0", 3);
        }
        assert_int_equal(un_image_write_palette(in_folder(path), &set.mask[i],
                                                (const uint8_t(*)[3])palette, 3, NULL),
                         UNET_OK);
    }
    set_release(&set);
    unet_survey *survey = survey_of(in_folder("i"), in_folder("m"), -1);
    survey_expect(survey, "palette-order c03.png\nclasses-swapped c03.png\n"); /* by its colours */
    unet_survey_free(survey);
}

/* A patch of another value in one of many masks becomes a class, and is no secret. */
static void test_strange_patch(void **state)
{
    (void)state;
    struct set set = set_make();
    for (int i = 0; i < set.count; i++) {
        uint8_t *values = set.mask[i].data;
        for (int p = 0; p < set.mask[i].height * set.mask[i].width; p++)
            values[p] = (uint8_t)(values[p] * 100);
    }
    uint8_t *values = set.mask[4].data;
    for (int y = 10; y < 20; y++)
        memset(values + y * set.mask[4].width + 10, 50, 10);
    set_expect(&set, "mask-strange c04.png\n");
}

/* A file that is no picture hides nothing else. */
static void test_broken_files(void **state)
{
    (void)state;
    struct set set = set_make();
    set_shift(&set.mask[3], 12, 6);
    set_write(&set);
    set_release(&set);
    put_file(in_folder("i/c01.png"), "\x89PNG\r\n\x1a\n", 8);
    put_file(in_folder("m/c05.png"), "nothing", 7);
    unet_survey *survey = survey_of(in_folder("i"), in_folder("m"), -1);
    survey_expect(survey, "unreadable c01.png\nunreadable c05.png\nmask-shifted c03.png\n");
    unet_survey_free(survey);
}

/* A file for each class: an image that lacks one is named with the class. */
static void test_no_class_file(void **state)
{
    (void)state;
    struct set set = set_make();
    set_write(&set);
    set_release(&set);
    for (int i = 0; i < 8; i++) {
        char from[32], to[32];
        snprintf(from, sizeof from, "m/c%02d.png", i);
        snprintf(to, sizeof to, "m/c%02d_cell.png", i);
        assert_int_equal(rename(in_folder(from), in_folder(to)), 0);
    }
    unet_image dots = {180, 220, 1, UNET_U8, 0, calloc(180, 220)};
    memset((uint8_t *)dots.data + 90 * 220, 1, 220);
    for (int i = 0; i < 8; i += 3) { /* 0, 3, 6 */
        char name[32];
        snprintf(name, sizeof name, "m/c%02d_line.png", i);
        assert_int_equal(un_image_write(in_folder(name), &dots, NULL), UNET_OK);
    }
    free(dots.data);
    unet_survey *survey = survey_of(in_folder("i"), in_folder("m"), -1);
    int lacking = 0;
    for (int i = 0; i < survey->finding_count; i++) {
        const unet_finding *finding = &survey->findings[i].shown;
        if (finding->kind != UNET_FOUND_NO_CLASS_FILE)
            continue;
        assert_int_equal(finding->severity, UNET_WARNING);
        assert_non_null(strstr(finding->text, "no file of class \"line\", which is taken"));
        lacking++;
    }
    assert_int_equal(lacking, 5);
    unet_survey_free(survey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spoilt),     IN_FOLDER(test_inverted),
        IN_FOLDER(test_all_inverted),      IN_FOLDER(test_soft),
        IN_FOLDER(test_one_soft_of_three), IN_FOLDER(test_all_soft),
        IN_FOLDER(test_masks_exchanged),   IN_FOLDER(test_masks_off_by_one),
        IN_FOLDER(test_not_finite),        IN_FOLDER(test_palette_order),
        IN_FOLDER(test_strange_patch),     IN_FOLDER(test_broken_files),
        IN_FOLDER(test_no_class_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
