/* SPDX-License-Identifier: Apache-2.0 */
/* test_run: a run's folder: the record and its resume, the page, pictures, what cannot be written
 */
#include "run_files.h"

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

/* ---- the record -------------------------------------------------------------------------- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_curve),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
