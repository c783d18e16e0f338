/* SPDX-License-Identifier: Apache-2.0 */
#include "train/loop.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/logits.h"

struct un_validator {
    const unet_train_job *job;
    unet_session *session;
    unet_scores *scores; /* of the last run */
    uint8_t *mask;       /* as large as the largest image, as is logits [classes] */
    float *logits;
    double *rows; /* [the largest height] */
    double class_dice[UNET_MAX_CLASSES];
};

struct losses {
    const float *logits;
    const uint8_t *truth;
    size_t plane, width;
    int classes;
    double *rows;
    atomic_uint_least64_t counted;
};

static void lose_row(void *context, int y, int thread)
{
    struct losses *l = context;
    const int labels = l->classes > 1 ? l->classes : 2;
    uint64_t counted = 0;
    double row = 0;
    (void)thread;
    for (size_t i = (size_t)y * l->width; i < (size_t)(y + 1) * l->width; i++) {
        if (l->truth[i] >= labels)
            continue;
        row += un_cross_entropy(l->logits + i, l->plane, l->classes, l->truth[i]);
        counted++;
    }
    l->rows[y] = row;
    atomic_fetch_add_explicit(&l->counted, counted, memory_order_relaxed);
}

double un_validation_loss(const float *logits, const uint8_t *truth, int classes, int height,
                          int width, struct un_pool *pool, double *rows, uint64_t *count)
{
    struct losses l = {.logits = logits,
                       .truth = truth,
                       .plane = (size_t)height * width,
                       .width = (size_t)width,
                       .classes = classes,
                       .rows = rows};
    double all = 0;
    un_pool_run(pool, height, lose_row, &l);
    for (int y = 0; y < height; y++)
        all += rows[y];
    *count = l.counted;
    return all;
}

static unet_code check_coding(const unet_train_job *job, unet_error *err)
{
    const struct un_coding *mine = &job->dataset->coding, *other = &job->validation->coding;
    uint32_t value;
    if (!un_coding_differ(mine, other, &value))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL,
                   "mask value %u is class %d in the training set, %d in the validation set "
                   "(%d: no label; -1: not known)",
                   value, un_coding_class(mine, value), un_coding_class(other, value), UNET_IGNORE);
}

static unet_code allocate(struct un_validator *v, unet_error *err)
{
    const unet_dataset *set = v->job->validation;
    const size_t classes = (size_t)v->job->model->graph.spec.classes;
    size_t largest = 0;
    int tallest = 0;
    for (int i = 0; i < set->count; i++) {
        const unet_image *image = &set->pairs[i].image;
        size_t pixels = (size_t)image->height * image->width;
        largest = pixels > largest ? pixels : largest;
        tallest = image->height > tallest ? image->height : tallest;
    }
    v->mask = malloc(largest);
    v->logits = malloc(largest * classes * sizeof(float));
    v->rows = malloc((size_t)tallest * sizeof *v->rows);
    if (!v->mask || !v->logits || !v->rows)
        return un_fail_memory(err, largest * (1 + classes * sizeof(float)), "validation");
    return UNET_OK;
}

unet_code un_validator_create(const unet_train_job *job, int threads,
                              struct un_validator **validator, unet_error *err)
{
    const unet_session_options options = {
        .threads = threads, .tile = job->tile, .cancel = job->cancel};
    unet_code code = un_trainer_check(job->model, job->validation, err);
    if (code || (code = check_coding(job, err)))
        return code;
    struct un_validator *v = calloc(1, sizeof *v);
    if (!v)
        return un_fail_memory(err, sizeof *v, "validation");
    v->job = job;
    if ((code = allocate(v, err)) ||
        (code = un_session_create(job->model, &options, &v->session, err)))
        un_validator_free(v);
    else
        *validator = v;
    return code;
}

void un_validator_free(struct un_validator *v)
{
    if (!v)
        return;
    un_session_free(v->session);
    un_scores_free(v->scores);
    free(v->mask);
    free(v->logits);
    free(v->rows);
    free(v);
}

/* Whether one column of the matrix has all pixels, though more than one row has some. */
static bool says_one_class(const unet_scores *scores, int labels)
{
    int rows = 0, columns = 0;
    for (int i = 0; i < labels; i++) {
        uint64_t row = 0, column = 0;
        for (int j = 0; j < labels; j++) {
            row += un_scores_pixels(scores, i, j);
            column += un_scores_pixels(scores, j, i);
        }
        rows += row > 0;
        columns += column > 0;
    }
    return rows > 1 && columns == 1;
}

static void summarize(struct un_validator *v, struct un_validation *r)
{
    for (int k = 0; k < r->labels; k++)
        v->class_dice[k] = un_scores_dice(v->scores, k);
    r->dice = un_scores_mean_dice(v->scores);
    r->iou = un_scores_mean_iou(v->scores);
    r->accuracy = un_scores_accuracy(v->scores);
    /* the first class counts, too: it may be the one that matters (membranes drawn in black) */
    const double all = un_scores_all_dice(v->scores);
    r->score = isnan(all) ? 0 : all;
    r->one_class = says_one_class(v->scores, r->labels);
    r->class_dice = v->class_dice;
    r->scores = v->scores;
}

/* Shows one image to the caller. */
static unet_code show(struct un_validator *v, int epoch, int index, int labels, bool *stop,
                      unet_error *err)
{
    const unet_dataset *set = v->job->validation;
    const struct un_sample_pair *pair = &set->pairs[index];
    if (!v->job->validated)
        return UNET_OK;
    unet_scores *scores = un_scores_create(labels);
    if (!scores)
        return un_fail_memory(err, (size_t)labels * labels * 8, "the scores");
    un_scores_add(scores, v->mask, pair->mask, (size_t)pair->image.height * pair->image.width);
    const unet_validated seen = {.epoch = epoch,
                                 .index = index,
                                 .count = set->count,
                                 .name = pair->name,
                                 .image = &pair->image,
                                 .truth = pair->mask,
                                 .predicted = v->mask,
                                 .scores = scores};
    *stop |= v->job->validated(v->job->context, &seen) != 0;
    un_scores_free(scores);
    return UNET_OK;
}

/* What is found of an image besides the mask. */
struct found {
    double loss;
    uint64_t count;
    int stop;
};

/* Predicts image i: the mask goes to v->mask. */
static unet_code look_at(struct un_validator *v, int i, struct found *found, unet_error *err)
{
    const struct un_sample_pair *pair = &v->job->validation->pairs[i];
    const unet_answers answers = {.mask = v->mask, .logits = v->logits};
    const int classes = v->job->model->graph.spec.classes;
    unet_code code =
        un_session_predict(v->session, un_view_of(&pair->image), pair->name, &answers, err);
    found->stop = code == UNET_ESTOPPED; /* by job->cancel */
    if (code)
        return found->stop ? UNET_OK : code;
    found->loss =
        un_validation_loss(v->logits, pair->mask, classes, pair->image.height, pair->image.width,
                           v->session->engine->pool, v->rows, &found->count);
    return UNET_OK;
}

/* Image i is predicted by one of the processes, and comes to rank 0. */
static unet_code look_together(struct un_validator *v, int i, struct found *found, bool stopped,
                               unet_error *err)
{
    const unet_ranks *ranks = v->job->ranks;
    const struct un_sample_pair *pair = &v->job->validation->pairs[i];
    const size_t pixels = (size_t)pair->image.height * pair->image.width;
    const int count = un_ranks_count(ranks), owner = i % count, rank = un_ranks_rank(ranks);
    unet_code code = UNET_OK;
    *found = (struct found){0, 0, stopped};
    if (rank == owner && !stopped)
        code = look_at(v, i, found, err);
    if (code || owner == 0 || (rank != owner && rank != 0))
        return code;
    if (rank == 0) {
        code = un_ranks_receive(ranks, UN_CHANNEL_TALK, owner, found, sizeof *found, err);
        if (!code)
            code = un_ranks_receive(ranks, UN_CHANNEL_TALK, owner, v->mask, pixels, err);
        return code;
    }
    code = un_ranks_send(ranks, UN_CHANNEL_TALK, 0, found, sizeof *found, err);
    return code ? code : un_ranks_send(ranks, UN_CHANNEL_TALK, 0, v->mask, pixels, err);
}

/* All processes get what rank 0 found; pointers are each one's own. */
static unet_code hand_out(struct un_validator *v, struct un_validation *r, bool *stop,
                          unet_error *err)
{
    const unet_ranks *ranks = v->job->ranks;
    struct un_validation all = *r;
    unet_code code = un_ranks_broadcast(ranks, UN_CHANNEL_TALK, 0, stop, sizeof *stop, err);
    if (!code)
        code = un_ranks_broadcast(ranks, UN_CHANNEL_TALK, 0, &all, sizeof all, err);
    if (!code)
        code =
            un_ranks_broadcast(ranks, UN_CHANNEL_TALK, 0, v->class_dice, sizeof v->class_dice, err);
    all.class_dice = v->class_dice;
    all.scores = v->scores;
    *r = all;
    return code;
}

/* Once all have stopped or seen their images. */
unet_code un_validator_run(struct un_validator *v, int epoch, struct un_validation *result,
                           bool *stop, unet_error *err)
{
    const unet_dataset *set = v->job->validation;
    const bool first = un_ranks_rank(v->job->ranks) == 0;
    struct un_validation made = {.labels = un_model_labels(v->job->model)};
    uint64_t all = 0;
    un_scores_free(v->scores);
    if (!(v->scores = un_scores_create(made.labels)))
        return un_fail_memory(err, (size_t)made.labels * made.labels * 8, "the scores");
    unet_code code = un_session_refresh(v->session, err);
    if (code)
        return code;
    /* with several processes a stop here waits for what the others send */
    for (int i = 0; i < set->count && !(*stop && un_ranks_count(v->job->ranks) == 1); i++) {
        const struct un_sample_pair *pair = &set->pairs[i];
        struct found found;
        if ((code = look_together(v, i, &found, *stop, err)))
            return code;
        if ((*stop |= found.stop) || !first)
            continue;
        un_scores_add(v->scores, v->mask, pair->mask,
                      (size_t)pair->image.height * pair->image.width);
        made.loss += found.loss;
        all += found.count;
        if ((code = show(v, epoch, i, made.labels, stop, err)))
            return code;
    }
    if (first && !*stop) {
        made.loss = all ? made.loss / (double)all : NAN;
        summarize(v, &made);
    }
    if ((code = hand_out(v, &made, stop, err)) || *stop)
        return code;
    *result = made;
    return UNET_OK;
}
