/* SPDX-License-Identifier: Apache-2.0 */
/* test_survey_facts.c - what a survey knows of a set, its pictures, and how it is stopped */
#include "survey_files.h"

/* ---- shifts are measured ---- */

static void test_shift_is_right(void **state)
{
    (void)state;
    struct set set = set_make();
    set_shift(&set.mask[3], 12, -7);
    set_write(&set);
    set_release(&set);
    unet_survey *survey = survey_of(in_folder("i"), in_folder("m"), -1);
    assert_int_equal(unet_survey_findings(survey), 1);
    const unet_finding *finding = unet_survey_finding(survey, 0);
    assert_int_equal(finding->kind, UNET_FOUND_MASK_SHIFTED);
    assert_int_equal(finding->pair, 3);
    assert_true(fabs(finding->number[0] + 12) <= 1);
    assert_true(fabs(finding->number[1] - 7) <= 1);
    unet_survey_free(survey);
}

/* ---- masks that lie turned ---- */

/* So that `turn` of a finding puts it right. */
static void spoil_by_turn(unet_image *mask, int turn)
{
    if (turn & 4)
        set_turn(mask);
    if (turn & 1)
        set_flip(mask);
    if (turn & 2) {
        set_turn(mask);
        set_flip(mask);
        set_turn(mask);
    }
}

/* pair -1: all of them.  Square: 180 x 180 pixels, else 180 x 220. */
static void expect_turned(void **state, bool square, int pair, int turn)
{
    struct set set = set_make();
    assert_int_equal(folder_create(state), 0);
    for (int i = 0; i < set.count; i++) {
        if (square) {
            set_crop(&set.image[i], 180, 180);
            set_crop(&set.mask[i], 180, 180);
        }
        if (pair < 0 || i == pair)
            spoil_by_turn(&set.mask[i], turn);
    }
    unet_survey *survey = write_and_survey(&set);
    survey_expect(survey, !turn ? "" : pair < 0 ? "mask-turned -\n" : "mask-turned c03.png\n");
    for (int i = 0; turn && i < unet_survey_findings(survey); i++) {
        const unet_finding *finding = unet_survey_finding(survey, i);
        if (finding->kind != UNET_FOUND_MASK_TURNED)
            continue;
        assert_int_equal(finding->severity, UNET_WARNING);
        assert_int_equal(finding->number[0], turn);
        assert_true(finding->number[2] >= 7 && finding->number[1] < finding->number[2] / 2);
        if (pair < 0)
            assert_true(finding->number[3] >= 6);
    }
    unet_survey_free(survey);
    folder_destroy(state);
}

static void test_turned(void **state)
{
    for (int square = 0; square < 2; square++)
        for (int turn = 0; turn < (square ? 8 : 4); turn++) {
            print_message("%s, turn %d\n", square ? "square" : "wide", turn);
            expect_turned(state, square, -1, turn);
            expect_turned(state, square, 3, turn);
        }
}

/* A ring in the middle, and one half of each picture: as it is, it fits as well as turned. */
static void test_symmetric(void **state)
{
    for (int half = 0; half < 2; half++) {
        struct set set = set_make();
        assert_int_equal(folder_create(state), 0);
        for (int i = 0; i < set.count; i++) {
            set_crop(&set.image[i], 180, 180);
            set_crop(&set.mask[i], 180, 180);
            uint8_t *label = set.mask[i].data, *grey = set.image[i].data;
            for (int p = 0; p < 180 * 180; p++) {
                float away = hypotf((float)(p / 180) - 89.5f, (float)(p % 180) - 89.5f);
                label[p] = half ? p / 180 >= 90 : away > 30 && away < 50;
                for (int c = 0; c < 3; c++)
                    grey[3 * p + c] = (uint8_t)(60 + 80 * label[p] + (grey[3 * p + c] % 16) + i);
            }
        }
        unet_survey *survey = write_and_survey(&set);
        for (int i = 0; i < unet_survey_findings(survey); i++)
            assert_int_not_equal(unet_survey_finding(survey, i)->kind, UNET_FOUND_MASK_TURNED);
        unet_survey_free(survey);
        folder_destroy(state);
    }
}

/* Where a rim without a label lies around every object, the little of the outlines that is left
 * says nothing of the place: no mask is called shifted by it. */
static void test_rims(void **state)
{
    (void)state;
    enum { H = 180, W = 220, RIM = 2 };
    struct set set = set_make();
    set_shift(&set.mask[3], 12, -7);
    for (int i = 0; i < set.count; i++) {
        uint8_t *mask = set.mask[i].data, was[H * W];
        memcpy(was, mask, sizeof was);
        for (int p = 0; p < H * W; p++)
            for (int q = 0; q < (2 * RIM + 1) * (2 * RIM + 1); q++) {
                const int y = p / W + q / (2 * RIM + 1) - RIM, x = p % W + q % (2 * RIM + 1) - RIM;
                if (y >= 0 && y < H && x >= 0 && x < W && (was[y * W + x] > 0) != (was[p] > 0))
                    mask[p] = 255;
            }
    }
    set_write(&set);
    set_release(&set);
    unet_survey *survey = survey_of(in_folder("i"), in_folder("m"), -1);
    assert_int_equal(unet_survey_findings(survey), 0);
    unet_survey_free(survey);
}

/* ---- facts ---- */

static void test_facts(void **state)
{
    (void)state;
    struct set set = set_make();
    uint64_t pixels[3] = {0}, ignored = 0;
    ((uint8_t *)set.mask[0].data)[7] = 255;
    for (int i = 0; i < set.count; i++)
        for (int p = 0; p < 180 * 220; p++) {
            int v = ((uint8_t *)set.mask[i].data)[p];
            if (v == 255)
                ignored++;
            else
                pixels[v]++;
        }
    set_write(&set);
    set_release(&set);
    unet_survey *survey = survey_of(in_folder("i"), in_folder("m"), -1);
    const unet_survey_facts *facts = unet_survey_all(survey);
    assert_int_equal(facts->pairs, 8);
    assert_int_equal(facts->readable, 8);
    assert_int_equal(facts->channels, 3);
    assert_int_equal(facts->labels, 3);
    assert_int_equal(facts->min_height, 180);
    assert_int_equal(facts->max_width, 220);
    assert_int_equal(facts->smallest_side, 180);
    assert_int_equal(facts->largest_side, 180);
    assert_true(facts->low == 0 && facts->high == 255);
    assert_true(facts->bytes == 8u * 180 * 220 * 4);
    assert_true(facts->ignored == ignored);
    for (int k = 0; k < 3; k++)
        assert_true(facts->pixels[k] == pixels[k]);
    const unet_survey_pair *seen = unet_survey_at(survey, 3);
    assert_true(seen->fit > 7);
    assert_int_equal(seen->grey, 0);
    assert_null(unet_survey_at(survey, 8));
    assert_null(unet_survey_finding(survey, unet_survey_findings(survey)));
    unet_survey_free(survey);
}

/* In memory and from files it is the same survey. */
static void test_dataset(void **state)
{
    (void)state;
    struct set set = set_make();
    unet_dataset *dataset;
    unet_survey *survey;
    set_shift(&set.mask[3], 12, 6);
    set_write(&set);
    set_release(&set);
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m"), NULL, &dataset, NULL),
                     UNET_OK);
    assert_int_equal(unet_survey_dataset(dataset, NULL, &survey, NULL), UNET_OK);
    survey_expect(survey, "mask-shifted c03.png\n");
    const unet_survey_facts *facts = unet_survey_all(survey);
    assert_int_equal(facts->channels, unet_dataset_channels(dataset));
    assert_int_equal(facts->labels, unet_dataset_labels(dataset));
    unet_survey_free(survey);
    unet_dataset_free(dataset);
}

static void test_picture(void **state)
{
    (void)state;
    static const uint8_t colors[3][3] = {{0, 0, 0}, {255, 0, 0}, {0, 255, 0}};
    struct set set = set_make();
    unet_image image, overlay;
    unet_error err;
    set_write(&set);
    set_release(&set);
    unet_survey *survey = survey_of(in_folder("i"), in_folder("m"), -1);
    assert_int_equal(unet_survey_picture(survey, 2, 100, colors, 3, &image, &overlay, &err),
                     UNET_OK);
    assert_true(image.width <= 100 && image.width > 60 && image.channels == 3);
    assert_true(overlay.height == image.height && overlay.width == image.width);
    assert_memory_not_equal(image.data, overlay.data, un_image_bytes(&image));
    unet_image_release(&image);
    unet_image_release(&overlay);
    assert_int_equal(unet_survey_picture(survey, 8, 100, colors, 3, &image, &overlay, &err),
                     UNET_EINVAL);
    unet_survey_free(survey);
}

/* Pixels inside the class that a set is full of are those of the image; its outline is drawn. */
static void test_largest_is_outline(void **state)
{
    (void)state;
    static const uint8_t colors[2][3] = {{0, 0, 0}, {255, 0, 255}};
    struct set set = black_and_white();
    unet_image image, overlay;
    for (int i = 0; i < set.count; i++)
        set_map(&set.mask[i], 0, 255, 0);
    unet_survey *survey = write_and_survey(&set);
    assert_int_equal(unet_survey_picture(survey, 2, 220, colors, 2, &image, &overlay, NULL),
                     UNET_OK);
    int same = 0, drawn = 0, pixels = image.height * image.width;
    for (int i = 0; i < pixels; i++) {
        const uint8_t *p = (uint8_t *)overlay.data + 3 * i;
        same += !memcmp(p, (uint8_t *)image.data + 3 * i, 3);
        drawn += !memcmp(p, colors[1], 3);
    }
    assert_true(drawn > 100 && same > pixels / 2);
    assert_int_equal(same + drawn, pixels);
    unet_image_release(&image);
    unet_image_release(&overlay);
    unet_survey_free(survey);
}

static int stop_now(void *context, int done, int count)
{
    assert_int_equal(count, 8);
    *(int *)context = done;
    return done == 3;
}

static void test_stopped(void **state)
{
    (void)state;
    struct set set = set_make();
    unet_survey *survey = NULL;
    int done = 0;
    set_write(&set);
    set_release(&set);
    assert_int_equal(
        unet_survey_open(in_folder("i"), in_folder("m"), NULL, stop_now, &done, &survey, NULL),
        UNET_ESTOPPED);
    assert_null(survey);
    assert_int_equal(done, 3);
}

/* Cells and background, some pictures (bits of which) changed: v becomes base + v / divisor, in
 * images or masks. */
static struct set two_kinds(unsigned which, int base, int divisor, bool masks)
{
    struct set set = set_make();
    for (int i = 0; i < set.count; i++) {
        unet_image *mask = &set.mask[i];
        uint8_t *label = mask->data;
        for (int p = 0; p < mask->height * mask->width; p++)
            label[p] = label[p] > 0;
        unet_image *change = masks ? mask : &set.image[i];
        uint8_t *v = change->data;
        for (size_t p = 0; which >> i & 1 && p < un_image_bytes(change); p++)
            v[p] = (uint8_t)(base + v[p] / divisor);
    }
    return set;
}

/* A set of which half is another kind: what is said of it, how severely, and nothing else. */
static void test_two_kinds(void **state)
{
    (void)state;
    static const struct {
        int base, divisor;
        bool masks;
        unet_finding_kind kind;
        unet_severity severity;
    } kinds[] = {
        {0, 6, false, UNET_FOUND_SCALES, UNET_WARNING},
        {255, -1, false, UNET_FOUND_CONTRAST, UNET_WARNING},
        {1, -1, true, UNET_FOUND_INVERTED, UNET_WARNING},
        {90, -3, false, UNET_FOUND_CONTRAST, UNET_NOTE},  /* dark field and bright field */
        {20, 2, false, UNET_FINDING_KINDS, UNET_WARNING}, /* exposures: nothing */
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct set set = two_kinds(0xaa, kinds[k].base, kinds[k].divisor, kinds[k].masks);
        set_write(&set);
        set_release(&set);
        unet_survey *survey = survey_of(in_folder("i"), in_folder("m"), -1);
        bool found = kinds[k].kind == UNET_FINDING_KINDS;
        for (int i = 0; i < unet_survey_findings(survey); i++) {
            const unet_finding *f = unet_survey_finding(survey, i);
            if (f->kind == kinds[k].kind && f->severity == kinds[k].severity && f->pair < 0 &&
                f->number[0] == 4)
                found = true;
            else if (f->severity != UNET_NOTE || f->kind == UNET_FOUND_CONTRAST)
                fail_msg("%d + v / %d: %s (%d) of pair %d, of %g", kinds[k].base, kinds[k].divisor,
                         unet_finding_name(f->kind), (int)f->severity, f->pair, f->number[0]);
        }
        unet_survey_free(survey);
        if (!found)
            fail_msg("%d + v / %d: no %s", kinds[k].base, kinds[k].divisor,
                     unet_finding_name(kinds[k].kind));
    }
}

/* One image alone that is another kind than all others: its name, and nothing else. */
static void test_lone(void **state)
{
    (void)state;
    static const struct {
        int base, divisor, deep;
        const char *found;
        unet_severity severity;
    } lone[] = {
        {0, 4, 0, "scales c05.png", UNET_WARNING},
        {0, 4, 40, "scales c05.png", UNET_WARNING},
        {0, 12, 257, "scales c05.png", UNET_WARNING},
        {255, -1, 0, "contrast c05.png", UNET_WARNING},
        {255, -1, 100, "contrast c05.png", UNET_WARNING},
        {90, -3, 0, "contrast c05.png", UNET_NOTE}, /* dark field among bright field */
        {20, 2, 0, "", UNET_WARNING},               /* another exposure */
        {0, 1, 0, "", UNET_WARNING},
    };
    for (size_t k = 0; k < sizeof lone / sizeof *lone; k++) {
        struct set set = two_kinds(1u << 5, lone[k].base, lone[k].divisor, false);
        for (int i = 0; lone[k].deep && i < set.count; i++)
            set_deepen(&set.image[i], lone[k].deep);
        unet_survey *survey = write_and_survey(&set);
        char all[400] = "";
        for (int i = 0; i < unet_survey_findings(survey); i++) {
            const unet_finding *f = unet_survey_finding(survey, i);
            if (f->severity > UNET_NOTE || f->pair >= 0)
                snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s %s", *all ? "; " : "",
                         unet_finding_name(f->kind), set_file(f->file));
            if ((f->severity > UNET_NOTE || f->pair >= 0) && f->severity != lone[k].severity)
                fail_msg("%d + v / %d: severity %d", lone[k].base, lone[k].divisor, f->severity);
        }
        if (strcmp(all, lone[k].found) != 0)
            fail_msg("%d + v / %d, times %d: found '%s', wanted '%s'", lone[k].base,
                     lone[k].divisor, lone[k].deep, all, lone[k].found);
        unet_survey_free(survey);
    }
}

/* Strokes on cells: of one class nothing is said, nor where 0 is no label; cells are none. */
static void test_scribbles(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct set set = set_make();
        for (int i = 0; i < set.count && way < 3; i++) {
            unet_image *mask = &set.mask[i];
            memset(mask->data, 0, un_image_bytes(mask));
            for (int x = 0; x < 120; x++)
                for (int y = 0; y < 4; y++) {
                    uint8_t *p = (uint8_t *)mask->data + (size_t)(30 + y + i) * 220 + 20 + x;
                    p[0] = 1;
                    p[(size_t)(60 + x / 4) * 220] = way == 1 ? 1 : 2;
                }
        }
        set_write(&set);
        set_release(&set);
        unet_survey *survey = survey_of(in_folder("i"), in_folder("m"), way == 2 ? 0 : -1);
        if (survey_has(survey, UNET_FOUND_SCRIBBLES, "-") != (way == 0))
            fail_msg("way %d: %s", way, way ? "scribbles" : "no scribbles");
        unet_survey_free(survey);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_shift_is_right),
        IN_FOLDER(test_rims),
        IN_FOLDER(test_facts),
        IN_FOLDER(test_dataset),
        IN_FOLDER(test_picture),
        IN_FOLDER(test_largest_is_outline),
        IN_FOLDER(test_stopped),
        cmocka_unit_test(test_turned),
        cmocka_unit_test(test_symmetric),
        IN_FOLDER(test_two_kinds),
        IN_FOLDER(test_lone),
        IN_FOLDER(test_scribbles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
