/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several that train as one: the weights have the bits of one process's, whatever the network, the
 * loss and the number of ranks; runs go on with another number; who differs is named.  The ranks
 * are threads here, mpi_test.sh does the same with processes.
 */
#include <stdio.h>

#include "support/folder.h"
#include "support/thread_ranks.h"
#include "train/loop.h"
#include "training_set.h"
#include "unet_train.h"

/* ---- what is trained ---- */

struct kind {
    const char *name;
    unet_norm norm;
    float dropout;
    int batch, accumulate, freeze;
    float overlap;
    const char *engine; /* "": the usual one */
    unet_norm_order order;
    int family;
};

enum { PLAIN = UNET_FAMILY_PLAIN, MONAI = UNET_FAMILY_MONAI };

static const struct kind kinds[] = {
    {"no norm", UNET_NORM_NONE, 0, 5, 1, 0, 0, "", UNET_NORM_FIRST, PLAIN},
    {"batch norm", UNET_NORM_BATCH, 0, 5, 1, 0, 0, "", UNET_NORM_FIRST, PLAIN},
    {"instance norm", UNET_NORM_INSTANCE, 0, 6, 1, 0, 0, "", UNET_NORM_FIRST, PLAIN},
    {"group norm", UNET_NORM_GROUP, 0, 4, 1, 0, 0, "", UNET_NORM_FIRST, PLAIN},
    {"dropout", UNET_NORM_NONE, 0.4f, 5, 1, 0, 0, "", UNET_NORM_FIRST, PLAIN},
    {"batch norm, dropout, Dice", UNET_NORM_BATCH, 0.3f, 4, 2, 0, 1, "", UNET_NORM_FIRST, PLAIN},
    {"frozen encoder, batch norm", UNET_NORM_BATCH, 0, 4, 1, 1, 1, "", UNET_NORM_FIRST, PLAIN},
    {"another memory, batch norm", UNET_NORM_BATCH, 0.2f, 4, 1, 0, 1, "far", UNET_NORM_FIRST,
     PLAIN},
    {"batch norm before convolutions", UNET_NORM_BATCH, 0.2f, 5, 1, 0, 0, "", UNET_BEFORE_CONV,
     PLAIN},
    {"frozen encoder, group norm before convolutions", UNET_NORM_GROUP, 0, 4, 1, 1, 0, "",
     UNET_BEFORE_CONV, PLAIN},
    {"MONAI's, instance norm", UNET_NORM_INSTANCE, 0, 5, 1, 0, 0, "", UNET_NORM_FIRST, MONAI},
    {"MONAI's, another memory, batch norm, dropout", UNET_NORM_BATCH, 0.2f, 6, 1, 0, 1, "far",
     UNET_NORM_FIRST, MONAI},
};
enum { KINDS = sizeof kinds / sizeof *kinds, MOST_RANKS = 5 };

static unet_spec spec_of(const struct kind *k)
{
    unet_spec spec = {.size = sizeof spec,
                      .in_channels = 1,
                      .classes = 2,
                      .width = 4,
                      .depth = 2,
                      .padding = UNET_PADDING_SAME,
                      .norm = k->norm,
                      .groups = k->norm == UNET_NORM_GROUP ? 2 : 0,
                      .norm_order = k->order,
                      .dropout = k->dropout};
    if (k->family == PLAIN)
        return spec;
    spec.family = (unet_family)k->family;
    spec.units = 2;
    spec.act = UNET_ACT_PRELU;
    spec.norm_plain = k->norm == UNET_NORM_INSTANCE;
    spec.bias = UNET_BIAS_ALWAYS;
    spec.concat = UNET_CONCAT_SKIP_UP;
    spec.down = UNET_DOWN_CONV;
    return spec;
}

static unet_train_options options_of(const struct kind *k, long steps)
{
    const unet_spec spec = spec_of(k);
    unet_train_options o = unet_train_options_default(&spec);
    o.steps = steps;
    o.steps_per_epoch = 3;
    o.batch = k->batch;
    o.accumulate = k->accumulate;
    o.tile = 32;
    o.loss.overlap = k->overlap;
    o.freeze_encoder = k->freeze;
    o.seed = 11;
    o.schedule = UNET_SCHEDULE_CONSTANT; /* so that a run may go on for longer than it was told */
    return o;
}

/* ---- a training by so many ---- */

struct training {
    const struct kind *kind;
    const unet_dataset *set, *held_out;
    const unet_dataset *other; /* what rank 1 has instead, or NULL */
    unet_train_options options;
    const char *checkpoint;
    int resume, stop_rank; /* which asks for an end after its second step; -1: none */
    /* what came of it, by rank */
    float *values[MOST_RANKS];
    unet_code code[MOST_RANKS];
    unet_error err[MOST_RANKS];
    long steps[MOST_RANKS];
    double score[MOST_RANKS];
    int images; /* that were shown, and by whom else than rank 0 */
    int shown_by_others;
    size_t count;
};

struct seat {
    struct training *t;
    int rank;
};

static int on_progress(void *context, const unet_progress *p)
{
    const struct seat *s = context;
    s->t->steps[s->rank] = p->step;
    s->t->score[s->rank] = p->score;
    return s->rank == s->t->stop_rank && p->step == 2;
}

static int on_validated(void *context, const unet_validated *v)
{
    const struct seat *s = context;
    s->t->images += v->index == s->t->images % v->count;
    s->t->shown_by_others += s->rank > 0;
    return 0;
}

static void train(const unet_ranks *ranks, void *context)
{
    struct training *t = context;
    const int rank = ranks ? ranks->rank : 0;
    const unet_spec spec = spec_of(t->kind);
    struct seat seat = {t, rank};
    unet_model *model;
    t->code[rank] = unet_model_create(&spec, 3, &model, &t->err[rank]);
    if (t->code[rank])
        return;
    const unet_train_job job = {.size = sizeof job,
                                .model = model,
                                .dataset = rank == 1 && t->other ? t->other : t->set,
                                .validation = t->held_out,
                                .checkpoint_path = t->checkpoint,
                                .resume = t->resume,
                                .progress = on_progress,
                                .validated = on_validated,
                                .context = &seat,
                                .ranks = ranks};
    unet_train_options options = t->options;
    options.threads = 1 + rank % 2;
    t->code[rank] = unet_train(&job, &options, &t->err[rank]);
    t->count = model->graph.values;
    t->values[rank] = malloc(t->count * sizeof(float));
    memcpy(t->values[rank], model->values, t->count * sizeof(float));
    unet_model_free(model);
}

static void run(struct training *t, int ranks)
{
    const char *engine = getenv("UNET_DEVICE");
    char before[64];
    snprintf(before, sizeof before, "%s", engine ? engine : "");
    if (*t->kind->engine)
        setenv("UNET_DEVICE", t->kind->engine, 1);
    if (ranks == 1)
        train(NULL, t);
    else if (!meet(ranks, train, t))
        fail_msg("%s, %d ranks: a message was left", t->kind->name, ranks);
    if (engine)
        setenv("UNET_DEVICE", before, 1);
    else
        unsetenv("UNET_DEVICE");
}

/* The reference engine adds up in one go what it is asked for in one, and rounds otherwise then. */
static void skip_reference(void)
{
    const char *engine = getenv("UNET_DEVICE");
    if (engine && !strcmp(engine, "reference"))
        skip();
}

static void release(struct training *t)
{
    for (int r = 0; r < MOST_RANKS; r++)
        free(t->values[r]);
}

static void expect_same(const struct training *want, const struct training *got, int ranks)
{
    for (int r = 0; r < ranks; r++) {
        if (got->code[r])
            fail_msg("%s, rank %d of %d: %s", got->kind->name, r, ranks, got->err[r].text);
        if (got->steps[r] != want->steps[0] || got->score[r] != want->score[0])
            fail_msg("%s, rank %d of %d: %ld steps, score %.17g; want %ld, %.17g", got->kind->name,
                     r, ranks, got->steps[r], got->score[r], want->steps[0], want->score[0]);
        for (size_t i = 0; i < want->count; i++)
            if (memcmp(&got->values[r][i], &want->values[0][i], sizeof(float)))
                fail_msg("%s, rank %d of %d: value %zu is %.9g, want %.9g", got->kind->name, r,
                         ranks, i, (double)got->values[r][i], (double)want->values[0][i]);
    }
}

static void any_number_of_ranks(void **state)
{
    (void)state;
    skip_reference();
    unet_dataset *set = make_dataset(4, 70, 90, 1), *held_out = make_dataset(3, 48, 64, 1);
    for (int k = 0; k < KINDS; k++) {
        const struct training plain = {.kind = &kinds[k],
                                       .set = set,
                                       .held_out = held_out,
                                       .options = options_of(&kinds[k], 4),
                                       .stop_rank = -1};
        struct training one = plain;
        run(&one, 1);
        assert_int_equal(one.code[0], UNET_OK);
        for (int ranks = 2; ranks <= MOST_RANKS && ranks <= kinds[k].batch; ranks++) {
            struct training some = plain;
            run(&some, ranks);
            expect_same(&one, &some, ranks);
            assert_int_equal(some.images, one.images);
            assert_int_equal(some.shown_by_others, 0);
            release(&some);
        }
        release(&one);
    }
    free_dataset(held_out);
    free_dataset(set);
}

/* Four begin, two go on, then one: the bits of one that was never disturbed. */
static void runs_go_on_with_others(void **state)
{
    skip_reference();
    unet_dataset *set = make_dataset(4, 70, 90, 1), *held_out = make_dataset(3, 48, 64, 1);
    struct training whole = {.kind = &kinds[5],
                             .set = set,
                             .held_out = held_out,
                             .options = options_of(&kinds[5], 7),
                             .stop_rank = -1};
    static const struct {
        int ranks;
        long steps;
    } parts[] = {{4, 2}, {2, 5}, {1, 7}};
    (void)state;
    whole.options.average = 0.9f;
    run(&whole, 1);
    for (int i = 0; i < 3; i++) {
        struct training part = {.kind = &kinds[5],
                                .set = set,
                                .held_out = held_out,
                                .options = whole.options,
                                .checkpoint = in_folder("checkpoint"),
                                .resume = i > 0,
                                .stop_rank = -1};
        part.options.steps = parts[i].steps;
        run(&part, parts[i].ranks);
        for (int r = 0; r < parts[i].ranks; r++)
            if (part.code[r] || part.steps[r] != parts[i].steps)
                fail_msg("%d ranks to step %ld: %ld, %s", parts[i].ranks, parts[i].steps,
                         part.steps[r], part.code[r] ? part.err[r].text : "");
        if (i == 2)
            expect_same(&whole, &part, 1);
        release(&part);
    }
    release(&whole);
    free_dataset(held_out);
    free_dataset(set);
}

static void all_end_where_one_is_asked_to(void **state)
{
    unet_dataset *set = make_dataset(4, 70, 90, 1);
    (void)state;
    for (int asked = 0; asked < 3; asked += 2) {
        struct training t = {
            .kind = &kinds[0], .set = set, .options = options_of(&kinds[0], 9), .stop_rank = asked};
        run(&t, 3);
        for (int r = 0; r < 3; r++) {
            assert_int_equal(t.code[r], UNET_OK);
            assert_int_equal(t.steps[r], 2);
        }
        release(&t);
    }
    free_dataset(set);
}

static void expect_refusal(struct training *t, int ranks, const char *wanted)
{
    run(t, ranks);
    for (int r = 0; r < ranks; r++)
        if (t->code[r] != UNET_EINVAL || !strstr(t->err[r].text, wanted))
            fail_msg("rank %d: code %d, \"%s\", wanted \"%s\"", r, t->code[r],
                     t->code[r] ? t->err[r].text : "", wanted);
    release(t);
}

static void who_differs_is_named(void **state)
{
    unet_dataset *set = make_dataset(4, 70, 90, 1), *more = make_dataset(5, 70, 90, 1);
    unet_dataset *other = make_dataset(4, 70, 90, 1), *names = make_dataset(4, 70, 90, 1);
    const struct training plain = {
        .kind = &kinds[0], .set = set, .options = options_of(&kinds[0], 2), .stop_rank = -1};
    struct training t = plain;
    (void)state;
    other->pairs[2].mask[77] ^= 1;
    names->pairs[1].name[0] = 'G';
    t.other = more;
    expect_refusal(&t, 3, "rank 0: has 4 training images, this run has 5");
    t = plain;
    t.other = other;
    expect_refusal(&t, 3, "rank 0: has other masks in the training set than this run");
    t = plain;
    t.other = names;
    expect_refusal(&t, 2, "rank 0: has images of other names");
    t = plain;
    t.other = other;
    run(&t, 2);
    assert_int_equal(strncmp(t.err[0].text, "rank 1 on ", 10), 0);
    release(&t);
    t = plain;
    t.options.batch = 2;
    expect_refusal(&t, 3, "batch is 2, wanted at least 3: a tile for each of 3 processes");
    free_dataset(set);
    free_dataset(more);
    free_dataset(other);
    free_dataset(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_ranks),
        cmocka_unit_test_setup_teardown(runs_go_on_with_others, folder_create, folder_destroy),
        cmocka_unit_test(all_end_where_one_is_asked_to),
        cmocka_unit_test(who_differs_is_named),
    };
    return cmocka_run_group_tests_name("together", tests, NULL, NULL);
}
