/* SPDX-License-Identifier: Apache-2.0 */
/* test_run_page.c - the page of a run, its pictures, and what cannot be written */
#include "run_files.h"

/* ---- the page ---------------------------------------------------------------------------- */

/* Whether a place of a page is within a picture, whose letters say nothing. */
static int in_picture(const char *page, const char *at)
{
    const char *from = at;

    while (from > page && *from != '"')
        from--;
    return !strncmp(from, "\"data:image/png;base64,", 23);
}

/* What must be true of every page. */
static void check_page(const char *page)
{
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "http:"));
    assert_null(strstr(page, "https:"));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, "<link"));
    assert_int_equal(count_of(page, "src="), count_of(page, "src=\"data:image/png;base64,"));
    assert_non_null(strstr(page, "</html>"));
    for (const char *const *tag =
             (const char *const[]){"div", "table", "tr", "td", "ul", "li", "figure", "svg", NULL};
         *tag; tag++) {
        char open[16], more[16], close[16];

        snprintf(open, sizeof(open), "<%s>", *tag);
        snprintf(more, sizeof(more), "<%s ", *tag);
        snprintf(close, sizeof(close), "</%s>", *tag);
        if (count_of(page, open) + count_of(page, more) != count_of(page, close))
            fail_msg("%s: %d opened, %d closed", *tag, count_of(page, open) + count_of(page, more),
                     count_of(page, close));
    }
    for (const char *at = page; (at = strstr(at, "nan")); at++)
        if (!in_picture(page, at))
            fail_msg("nan in ...%.60s", at - (at - page < 30 ? at - page : 30));
}

static void test_page(void **state)
{
    (void)state;
    struct set set;
    char *page;

    make_set(&set);
    struct run_facts facts = facts_of(&set, in_folder("it's a run"));
    whole_run(&facts, 0.1, NULL);
    page = text_in(facts.folder, "report.html");
    check_page(page);
    assert_non_null(strstr(page, "Finished: all 6 epochs are done."));
    assert_null(strstr(page, "http-equiv=\"refresh\""));
    assert_int_equal(count_of(page, "<img"), 3 * PICTURES);
    assert_true(count_of(page, "&lt;script&gt;a&amp;b&quot;c'") >= PICTURES + 1);
    free(page);

    /* a run that is over and goes on shows what it had */
    struct run_folder run;
    struct made_up made = {.run = &run,
                           .facts = &facts,
                           .epochs = EPOCHS,
                           .steps_per_epoch = STEPS,
                           .slowness = 1,
                           .begin_step = EPOCHS * STEPS,
                           .end = UNET_END_LIMIT};
    facts.resumed = 1;
    assert_int_equal(run_begin(&run, &facts), EXIT_DONE);
    made_up_train(&made);
    assert_int_equal(run_end(&run, 0, NULL), EXIT_DONE);
    page = text_in(facts.folder, "report.html");
    check_page(page);
    assert_int_equal(count_of(page, "<img"), 3 * PICTURES);
    assert_non_null(strstr(page, "The best and newest, epoch 6"));
    free(page);
    facts.resumed = 0;

    killed_run(&facts, 0, 7);
    page = text_in(facts.folder, "report.html");
    check_page(page);
    assert_non_null(strstr(page, "http-equiv=\"refresh\""));
    assert_non_null(strstr(page, "Running: "));
    free(page);

    facts.validation = NULL;
    whole_run(&facts, 0.1, NULL);
    page = text_in(facts.folder, "report.html");
    check_page(page);
    assert_non_null(strstr(page, "There is no validation set"));
    assert_non_null(strstr(page, "Trained on, not held out"));
    assert_int_equal(count_of(page, "<img"), 3 * unet_dataset_count(set.dataset));
    free(page);
    free_set(&set);
}

/* How a run ended is what the page says, and how to go on. */
static void test_states(void **state)
{
    (void)state;
    static const struct {
        unet_train_end end;
        int interrupted, failed, one_class;
        const char *want;
    } cases[] = {
        {UNET_END_TIME, 0, 0, 0, "Finished: the time"},
        {UNET_END_PATIENCE, 0, 0, 0, "Finished: no better score in "},
        {UNET_END_ASKED, 0, 0, 0, "unet train --resume '"},
        {UNET_END_ASKED, 1, 0, 0, "Stopped after 30 steps, and can go on"},
        {UNET_RUNNING, 0, 1, 0, "step 3: the loss is &lt;nothing&gt;"},
        {UNET_END_LIMIT, 0, 0, 1, "answers with one class everywhere"},
    };
    const unet_error error = {.code = UNET_EINVAL, .text = "step 3: the loss is <nothing>"};
    struct set set;

    make_set(&set);
    const struct run_facts facts = facts_of(&set, in_folder("it's another"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct run_folder run;
        struct made_up made = {.run = &run,
                               .facts = &facts,
                               .epochs = EPOCHS,
                               .steps_per_epoch = STEPS,
                               .slowness = 1,
                               .one_class = cases[i].one_class,
                               .end = cases[i].end};
        char *page;

        assert_int_equal(run_begin(&run, &facts), EXIT_DONE);
        made_up_train(&made);
        assert_int_equal(run_end(&run, cases[i].interrupted, cases[i].failed ? &error : NULL),
                         EXIT_DONE);
        page = text_in(facts.folder, "report.html");
        check_page(page);
        if (!strstr(page, cases[i].want))
            fail_msg("case %zu: the page does not say \"%s\"", i, cases[i].want);
        assert_null(strstr(page, "http-equiv=\"refresh\""));
        free(page);
    }
    free_set(&set);
}

/* ---- pictures ---------------------------------------------------------------------------- */

/* Of any number of images, in any order, the three of lowest and of highest Dice stay. */
static void test_choice(void **state)
{
    (void)state;
    uint8_t truth[100], predicted[100], pixels[100] = {0};
    const unet_image image = {10, 10, 1, UNET_U8, 0, pixels};
    struct set set;

    make_set(&set);
    for (int i = 0; i < 100; i++)
        truth[i] = i < 50;
    for (int count = 1; count <= 23; count++) {
        struct run_images images = {0};
        unet_error err = {0};

        assert_int_equal(images_open(&images, in_folder("none"), set.model, 0), 1);
        for (int n = 0; n < count; n++) {
            int rank = n * 7 % count; /* how many pixels are wrong */
            char name[16];
            struct unet_scores *scores = unet_scores_create(2);

            if (count % 7 == 0)
                rank = count - 1 - n;
            memcpy(predicted, truth, sizeof(truth));
            for (int k = 0; k < rank; k++)
                predicted[k] ^= 1;
            unet_scores_add(scores, predicted, truth, 100);
            snprintf(name, sizeof(name), "%d", rank);
            const unet_validated one = {1, n, count, name, &image, truth, predicted, scores};
            assert_int_equal(images_add(&images, &one, &err), UNET_OK);
            unet_scores_free(scores);
        }
        images_done(&images);
        assert_int_equal(images.shown.count, count < PICTURES ? count : PICTURES);
        for (int i = 0; i < images.shown.count; i++) {
            int want = i < PICTURES / 2 ? count - 1 - i : images.shown.count - 1 - i;

            if (count <= PICTURES)
                want = count - 1 - i;
            if (atoi(images.shown.picture[i].name) != want)
                fail_msg("%d images: place %d has the one with %s wrong pixels, wanted %d", count,
                         i, images.shown.picture[i].name, want);
        }
        images_release(&images);
    }
    free_set(&set);
}

static const uint8_t *pixel(const unet_image *image, int y, int x)
{
    return (const uint8_t *)image->data + 3 * (y * image->width + x);
}

/* Errors have the colours of the legend; a large image is made small; ignored pixels are greyed. */
static void test_errors(void **state)
{
    (void)state;
    enum { H = 720, W = 1440 };
    uint8_t *truth = calloc(3, H * W), *predicted = truth + H * W, *grey = truth + 2 * H * W;
    const unet_image image = {H, W, 1, UNET_U8, 0, grey};
    struct unet_scores *scores = unet_scores_create(2);
    struct run_images images = {0};
    unet_error err = {0};
    struct set set;

    make_set(&set);
    assert_int_equal(images_open(&images, in_folder("none"), set.model, 0), 1);
    for (int i = 0; i < H * W; i++) {
        int quarter = 4 * (i % W) / W;

        truth[i] = quarter == 1 ? 1 : quarter == 2 ? UNET_IGNORE : 0;
        predicted[i] = quarter == 0;
        grey[i] = (uint8_t)(i % 251);
    }
    unet_scores_add(scores, predicted, truth, H * W);
    const unet_validated one = {1, 0, 1, "x", &image, truth, predicted, scores};
    assert_int_equal(images_add(&images, &one, &err), UNET_OK);
    images_done(&images);
    const unet_image *errors = &images.shown.picture[0].view[VIEW_ERRORS];
    assert_int_equal(errors->width, PICTURE_SIDE);
    assert_int_equal(errors->height, PICTURE_SIDE / 2);
    assert_memory_equal(pixel(errors, 90, 45), error_colors[ERROR_EXTRA], 3);
    assert_memory_equal(pixel(errors, 90, 135), error_colors[ERROR_MISSED], 3);
    assert_true(fabs(images.shown.picture[0].errors - 2.0 / 3) < 1e-9);
    images_release(&images);
    unet_scores_free(scores);
    free(truth);
    free_set(&set);
}

/* ---- what cannot be written -------------------------------------------------------------- */

static void test_unwritable(void **state)
{
    (void)state;
    struct run_folder run;
    struct set set;
    char path[512];

    make_set(&set);
    struct run_facts facts = facts_of(&set, in_folder("blocked"));
    struct made_up made = {
        .run = &run, .facts = &facts, .epochs = 2, .steps_per_epoch = 2, .slowness = 1};
    snprintf(path, sizeof(path), "%s/history.jsonl", facts.folder);
    mkdir(path, 0777);
    assert_int_equal(run_begin(&run, &facts), EXIT_DONE);
    made_up_train(&made);
    assert_int_not_equal(made.failed, 0);
    assert_int_equal(run_end(&run, 0, NULL), EXIT_FAILED);
    rmdir(path);

    /* pictures that have no place do not end the training, but are told */
    snprintf(path, sizeof(path), "%s/images", facts.folder);
    FILE *file = fopen(path, "w");
    fclose(file);
    made.failed = 0;
    assert_int_equal(run_begin(&run, &facts), EXIT_DONE);
    made_up_train(&made);
    assert_int_equal(made.failed, 0);
    assert_int_equal(run_end(&run, 0, NULL), EXIT_FAILED);

    facts.folder = in_folder("nowhere/at all");
    assert_int_equal(run_begin(&run, &facts), EXIT_FAILED);
    free_set(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),       cmocka_unit_test(test_states),
        cmocka_unit_test(test_choice),     cmocka_unit_test(test_errors),
        cmocka_unit_test(test_unwritable),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
