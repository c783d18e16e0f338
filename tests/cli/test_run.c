/* SPDX-License-Identifier: Apache-2.0 */
/* test_run: a run's folder: the record and its resume, the page, pictures, what cannot be written
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include "shared/cli.h" /* before cmocka, which has a macro fail() */

#include <cmocka.h>

#include "made_up.h"
#include "run/run_report.h"
#include "support/folder.h"

enum { IMAGES = 12, SIDE = 40, EPOCHS = 6, STEPS = 5 };

/* A name that would do harm if it were not escaped. */
#define EVIL "<script>a&b\"c'"

struct set {
    unet_dataset *dataset, *held;
    unet_model *model;
    unet_survey *survey;
};

/* Discs on noise, in a folder of the test. */
static void make_set(struct set *set)
{
    static uint8_t pixels[SIDE * SIDE], mask[SIDE * SIDE];
    unet_image image = {SIDE, SIDE, 1, UNET_U8, 0, pixels};
    unet_dataset_options options = {.ignore = -1, .labels = "background=0,cell=1"};
    unet_spec spec = unet_spec_default();
    unet_error err = {0};

    mkdir(in_folder("images"), 0777);
    mkdir(in_folder("masks"), 0777);
    for (int i = 0; i < IMAGES; i++) {
        char name[64];

        for (int k = 0; k < SIDE * SIDE; k++) {
            int y = k / SIDE - 10 - i, x = k % SIDE - 20;

            mask[k] = y * y + x * x < 60;
            pixels[k] = (uint8_t)(100 * mask[k] + 100 * made_up_noise((uint64_t)(k + 5000 * i)));
        }
        snprintf(name, sizeof(name), "images/%s%02d.png", EVIL, i);
        assert_int_equal(unet_image_write(in_folder(name), &image, &err), UNET_OK);
        snprintf(name, sizeof(name), "masks/%s%02d.png", EVIL, i);
        assert_int_equal(unet_mask_write(in_folder(name), mask, SIDE, SIDE,
                                         (const uint8_t[][3]){{0, 0, 0}, {255, 255, 255}}, 2, &err),
                         UNET_OK);
    }
    if (unet_dataset_open(in_folder("images"), in_folder("masks"), &options, &set->dataset, &err))
        fail_msg("%s", err.text);
    assert_int_equal(unet_survey_dataset(set->dataset, NULL, &set->survey, &err), UNET_OK);
    assert_int_equal(unet_dataset_split(set->dataset, 0.7, 1, &set->held, &err), UNET_OK);
    spec.width = spec.depth = 1;
    assert_int_equal(unet_model_create(&spec, 0, &set->model, &err), UNET_OK);
}

static void free_set(struct set *set)
{
    unet_survey_free(set->survey);
    unet_dataset_free(set->dataset);
    unet_dataset_free(set->held);
    unet_model_free(set->model);
}

static struct run_facts facts_of(const struct set *set, const char *folder)
{
    static const struct run_row recipe[] = {{"preset", EVIL}};

    mkdir(folder, 0777);
    return (struct run_facts){.folder = folder,
                              .model = set->model,
                              .dataset = set->dataset,
                              .validation = set->held,
                              .survey = set->survey,
                              .recipe = recipe,
                              .recipe_rows = 1};
}

/* The text of a file, from malloc. */
static char *text_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t room = 0;

    if (!file)
        fail_msg("%s is not there", path);
    if (getdelim(&text, &room, 0, file) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(file);
    return text;
}

static char *text_in(const char *folder, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return text_of(path);
}

/* Cuts what may differ between two runs from each line: "seconds" and all that follows. */
static char *without_times(char *text)
{
    char *to = text;

    for (const char *from = text; *from;) {
        const char *end = strchr(from, '\n'), *cut = strstr(from, ",\"seconds\"");

        if (!end)
            fail_msg("a line without an end: %s", from);
        if (!cut || cut > end)
            fail_msg("a line without seconds: %.200s", from);
        memmove(to, from, (size_t)(cut - from));
        to += cut - from;
        *to++ = '\n';
        from = end + 1;
    }
    *to = 0;
    return text;
}

static void append(const char *folder, const char *what)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/history.jsonl", folder);
    file = fopen(path, "a");
    assert_non_null(file);
    fputs(what, file);
    fclose(file);
}

static int count_of(const char *text, const char *what)
{
    int count = 0;

    while ((text = strstr(text, what))) {
        count++;
        text += strlen(what);
    }
    return count;
}

/* ---- the record -------------------------------------------------------------------------- */

static void whole_run(const struct run_facts *facts, double slowness, struct run_history *kept)
{
    struct run_folder run;
    struct made_up made = {.run = &run,
                           .facts = facts,
                           .epochs = EPOCHS,
                           .steps_per_epoch = STEPS,
                           .slowness = slowness,
                           .end = UNET_END_LIMIT};

    assert_int_equal(run_begin(&run, facts), EXIT_DONE);
    made_up_train(&made);
    assert_int_equal(made.failed, 0);
    if (kept) { /* takes what run_end() would free */
        *kept = run.history;
        run.history = (struct run_history){.fd = -1};
        run.begun = 0;
    }
    assert_int_equal(run_end(&run, 0, NULL), EXIT_DONE);
}

/* Until `killed`, as if by kill -9: nothing is closed or flushed in an orderly way. */
static void killed_run(const struct run_facts *facts, int begin, int killed)
{
    struct run_folder run;
    struct made_up made = {.run = &run,
                           .facts = facts,
                           .epochs = EPOCHS,
                           .steps_per_epoch = STEPS,
                           .slowness = 0.7,
                           .begin_step = begin,
                           .stop_step = killed};
    struct run_folder copy;

    assert_int_equal(run_begin(&run, facts), EXIT_DONE);
    made_up_train(&made);
    assert_int_equal(made.failed, 0);
    /* what is on the disk is checked; memory is given back without writing anything */
    copy = run;
    copy.begun = 0;
    assert_int_equal(run_end(&copy, 0, NULL), EXIT_DONE);
}

/*
 * A run that is killed after any step, whose newest checkpoint is any older step, with half a line
 * at the end, leaves the same record after its resume as one that was never stopped.
 */
static void test_resume(void **state)
{
    (void)state;
    struct set set;
    char *want, *got;

    make_set(&set);
    struct run_facts facts = facts_of(&set, in_folder("whole"));
    whole_run(&facts, 0.1, NULL);
    want = without_times(text_in(facts.folder, "history.jsonl"));
    assert_int_equal(count_of(want, "\"kind\":\"step\""), EPOCHS * STEPS);
    assert_int_equal(count_of(want, "\"kind\":\"epoch\""), EPOCHS);

    for (int killed = 1; killed < EPOCHS * STEPS; killed += 4) {
        for (int saved = 0; saved <= killed; saved += 3) {
            struct run_folder run;
            struct made_up made = {.run = &run,
                                   .facts = &facts,
                                   .epochs = EPOCHS,
                                   .steps_per_epoch = STEPS,
                                   .slowness = 0.3,
                                   .begin_step = saved,
                                   .end = UNET_END_LIMIT};

            facts = facts_of(&set, in_folder("killed"));
            killed_run(&facts, 0, killed);
            append(facts.folder, "{\"kind\":\"step\",\"step\":1");
            facts.resumed = 1;
            assert_int_equal(run_begin(&run, &facts), EXIT_DONE);
            made_up_train(&made);
            assert_int_equal(run_end(&run, 0, NULL), EXIT_DONE);
            got = without_times(text_in(facts.folder, "history.jsonl"));
            if (strcmp(want, got))
                fail_msg("killed at %d, saved at %d: wanted\n%s\ngot\n%s", killed, saved, want,
                         got);
            free(got);
        }
    }
    free(want);
    free_set(&set);
}

static void same_numbers(const struct run_history *a, const struct run_history *b)
{
    size_t cells = (size_t)a->labels * (size_t)a->labels;

    assert_int_equal(a->curve.count, b->curve.count);
    assert_int_equal(a->epoch_count, b->epoch_count);
    assert_int_equal(a->labels, b->labels);
    assert_int_equal(a->best_epoch, b->best_epoch);
    assert_int_equal(a->latest_epoch, b->latest_epoch);
    assert_memory_equal(a->best, b->best, cells * sizeof(*a->best));
    assert_memory_equal(a->latest, b->latest, cells * sizeof(*a->latest));
    for (int i = 0; i < a->curve.count; i++)
        if (fabs(a->curve.point[i].loss - b->curve.point[i].loss) > 1e-8 ||
            a->curve.point[i].step != b->curve.point[i].step)
            fail_msg("point %d: %g at %g, read again %g at %g", i, a->curve.point[i].loss,
                     a->curve.point[i].step, b->curve.point[i].loss, b->curve.point[i].step);
    for (int i = 0; i < a->epoch_count; i++)
        for (int k = 0; k < a->labels; k++)
            if (fabs(a->epochs[i].class_dice[k] - b->epochs[i].class_dice[k]) > 1e-8)
                fail_msg("epoch %d, class %d: %g, read again %g", i, k, a->epochs[i].class_dice[k],
                         b->epochs[i].class_dice[k]);
}

/* What is read from the file is what was kept in memory; lines of others do no harm. */
static void test_read(void **state)
{
    (void)state;
    struct run_history kept, read = {0};
    struct set set;

    make_set(&set);
    const struct run_facts facts = facts_of(&set, in_folder("read"));
    whole_run(&facts, 0.1, &kept);
    append(facts.folder, "\n[]\n{\"kind\":7}\nnull\n{\"kind\":\"epoch\",\"epoch\":1,"
                         "\"class_dice\":[1,2],\"confusion\":[[1],[2]]}\n"
                         "{\"kind\":\"step\",\"step\":-3,\"loss\":1}\n"
                         "{\"kind\":\"epoch\",\"epoch\":-2,\"step\":4,\"class_dice\":[],"
                         "\"confusion\":[]}\n");
    for (int bad = 0; bad < 3; bad++) {
        static const char *const counts[] = {"-97", "1.5", "9223372036854775807"};
        char line[160];
        snprintf(line, sizeof(line),
                 "{\"kind\":\"epoch\",\"epoch\":1,\"step\":4,\"class_dice\":[1,1],"
                 "\"confusion\":[[%s,1],[2,3]]}\n",
                 counts[bad]);
        append(facts.folder, line);
    }
    char path[512];
    snprintf(path, sizeof(path), "%s/history.jsonl", facts.folder);
    assert_int_equal(history_open(&read, path, EPOCHS * STEPS, EPOCHS), 1);
    same_numbers(&kept, &read);
    history_release(&kept);
    history_release(&read);
    free_set(&set);
}

/* A curve never has more than RUN_CURVE points, and their weighted mean is that of all steps. */
static void test_curve(void **state)
{
    (void)state;
    struct run_history history = {.fd = -1};
    double sum = 0, steps = 0, want = 0;
    int count = 100003;

    assert_int_equal(history_open(&history, in_folder("long.jsonl"), 0, 0), 1);
    for (int i = 1; i <= count; i++) {
        const unet_progress progress = {
            .event = UNET_EVENT_STEP, .step = i, .step_loss = made_up_noise((uint64_t)i)};

        assert_int_equal(history_step(&history, &progress), 1);
        want += progress.step_loss / count;
        assert_true(history.curve.count >= 1 && history.curve.count <= RUN_CURVE);
    }
    for (int i = 0; i < history.curve.count; i++) {
        sum += history.curve.point[i].loss * (double)history.curve.point[i].steps;
        steps += (double)history.curve.point[i].steps;
    }
    assert_true(history.curve.count >= RUN_CURVE / 2);
    assert_true(steps == count);
    if (fabs(sum / steps - want) > 1e-9)
        fail_msg("mean of the points %.12g, of the steps %.12g", sum / steps, want);
    assert_true(history.curve.point[history.curve.count - 1].step == count);
    history_release(&history);
}

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
        cmocka_unit_test(test_resume), cmocka_unit_test(test_read),
        cmocka_unit_test(test_curve),  cmocka_unit_test(test_page),
        cmocka_unit_test(test_states), cmocka_unit_test(test_choice),
        cmocka_unit_test(test_errors), cmocka_unit_test(test_unwritable),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
