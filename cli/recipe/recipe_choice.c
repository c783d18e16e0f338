/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe_choice.c - what unet train picks when it is not told, and unet check proposes
 *
 * The aim: a good model in minutes on a laptop's CPU.  Every choice of that kind is here.
 */
#include "recipe/recipe_choice.h"
#include "unet_image.h"
#include "unet_train.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The deepest level keeps 16 pixels of the smallest image: below, it sees mostly padding. */
static int depth_for(int side)
{
    int depth = 4;

    while (depth > 1 && side < 16 << depth)
        depth--;
    return depth;
}

static int shorter_side(const unet_survey_pair *seen)
{
    return seen->height < seen->width ? seen->height : seen->width;
}

unet_spec choose_spec(const struct network_settings *settings, const unet_survey_facts *facts)
{
    unet_spec spec = unet_spec_default();

    /* a quarter of the paper's width costs a sixteenth of its time; the two or three classes that
     * most people have do not need more */
    spec.width = 16;
    /* an output as large as the input: no border is computed only to be thrown away */
    spec.padding = UNET_PADDING_SAME;
    /* each channel of each tile by its own mean and variance: dark and bright images say the same,
     * and learning begins at once.  A batch norm predicts with the mean of its batches, which fails
     * without a word where images differ much (docs/quality.md) */
    spec.norm = UNET_NORM_INSTANCE;
    spec.in_channels = facts->channels;
    spec.classes = facts->labels > 1 ? facts->labels : 2;
    spec.depth = depth_for(facts->smallest_side);
    return network_spec(settings, spec);
}

int depth_words(const struct network_settings *settings, const unet_survey *survey,
                const unet_spec *spec, char *text, size_t size)
{
    const int readable = unet_survey_all(survey)->readable, pairs = unet_survey_all(survey)->pairs;
    const unet_survey_pair *smallest = NULL;
    int few = 0, others = INT_MAX; /* the smallest side of those that would have more levels */

    if (said_text(&settings->said, "depth"))
        return 0;
    for (int i = 0; i < pairs; i++) {
        const unet_survey_pair *seen = unet_survey_at(survey, i);

        if (seen->readable && depth_for(shorter_side(seen)) > spec->depth) {
            others = shorter_side(seen) < others ? shorter_side(seen) : others;
        } else if (seen->readable) {
            few++;
            if (!smallest || shorter_side(seen) < shorter_side(smallest))
                smallest = seen;
        }
    }
    if (!few || others == INT_MAX || few > 1 + readable / 20)
        return 0;
    snprintf(text, size,
             "depth %d is for %s, %d x %d pixels%s; without, it would be %d (the others have %d "
             "and more): leave %s out, or give --depth %d",
             spec->depth, smallest->image, smallest->width, smallest->height,
             few > 1 ? ", and others as small" : "", depth_for(others), others,
             few > 1 ? "them" : "it", depth_for(others));
    return 1;
}

unet_train_options choose_training(const unet_spec *spec)
{
    unet_train_options options = unet_train_options_default(spec);

    /* one tile a step makes the most steps in the minutes that a person waits; the statistics of a
     * batch norm need more */
    if (spec->norm == UNET_NORM_BATCH)
        options.batch = 4;
    /* what a norm scales stays calm at twice the rate */
    if (spec->norm == UNET_NORM_INSTANCE || spec->norm == UNET_NORM_GROUP)
        options.learning_rate = 2e-3f;
    options.seconds = 600;
    return options;
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void balance_weights(const unet_survey_facts *facts, double power, float *weights)
{
    double sorted[UNET_MAX_CLASSES], median = 0;
    int count = 0;

    for (int k = 0; k < facts->labels; k++)
        if (facts->pixels[k])
            sorted[count++] = (double)facts->pixels[k];
    if (count) {
        qsort(sorted, (size_t)count, sizeof(*sorted), compare_numbers);
        median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    }
    for (int k = 0; k < facts->labels; k++)
        weights[k] = facts->pixels[k] ? (float)pow(median / (double)facts->pixels[k], power) : 1;
}

double foreground_share(const unet_survey_facts *facts)
{
    double all = 0;

    for (int k = 0; k < facts->labels; k++)
        all += (double)facts->pixels[k];
    return all > 0 ? 1 - (double)facts->pixels[0] / all : 0;
}

int foreground_is_rare(const unet_survey_facts *facts)
{
    double share = foreground_share(facts);

    return share > 0 && share < 0.05;
}

double rarest_share(const unet_survey_facts *facts)
{
    double all = 0, rarest = 1;

    for (int k = 0; k < facts->labels; k++)
        all += (double)facts->pixels[k];
    for (int k = 0; k < facts->labels; k++)
        if (facts->pixels[k])
            rarest = fmin(rarest, (double)facts->pixels[k] / all);
    return rarest;
}

int choose_weights(const unet_survey_facts *facts, float weights[UNET_MAX_CLASSES])
{
    /* the root: full weights would make a rare class as loud as a common one, and found where it
     * is not */
    balance_weights(facts, 0.5, weights);
    return rarest_share(facts) < 0.01 && !foreground_is_rare(facts);
}

int training_tile(const unet_survey_facts *facts, const unet_spec *spec,
                  const unet_train_options *options)
{
    unet_cost cost;
    int side = facts->largest_side, layers = 0;

    if (options->tile > 0)
        side = options->tile;
    else if (spec->padding == UNET_PADDING_SAME)
        side = side < 192 ? side : 192;
    else if (!unet_spec_cost(spec, 1, 1, 1, &cost, NULL, &layers, NULL))
        side = (side < 196 ? side : 196) + cost.in_height - cost.out_height;
    if (unet_spec_cost(spec, side, side, 1, &cost, NULL, &layers, NULL))
        return side;
    if (spec->padding == UNET_PADDING_VALID)
        return cost.in_height;
    return (side + (1 << spec->depth) - 1) >> spec->depth << spec->depth;
}

double training_bytes(const unet_survey_facts *facts, const unet_spec *spec,
                      const unet_train_options *options)
{
    size_t bytes;

    if (unet_train_bytes(spec, options, training_tile(facts, spec, options), &bytes, NULL))
        return -1;
    return (double)bytes + (double)facts->bytes;
}

/* The program, its libraries, and what reading and writing files takes. */
#define PROCESS_BYTES 20e6
/* Smaller tiles than those that take so many times the arithmetic are mostly border. */
#define MOST_WORK 4

/* How a session of this model with no more than `limit` bytes (0: any) sees the largest image,
 * beside the scores of its pixels; 0: it does not. */
static int plan_seeing(const unet_survey_facts *facts, const unet_model *model, int threads,
                       double limit, unet_memory_plan *plan)
{
    const unet_session_options work = {.size = sizeof(work), .threads = threads};
    const unet_page page = {.height = facts->max_height,
                            .width = facts->max_width,
                            .channels = unet_model_spec(model)->in_channels};
    const unet_stream stream = {.size = sizeof(stream), .mask = 1};

    *plan = (unet_memory_plan){0};
    return unet_plan_memory(model, &work, &page, &stream, (uint64_t)limit, plan, NULL) == UNET_OK &&
           plan->work <= MOST_WORK;
}

/* A mask and scores of the largest image. */
static double scores_bytes(const unet_survey_facts *facts, const unet_spec *spec)
{
    const int outputs = spec->classes + spec->rims * (spec->classes - 1);

    return (double)facts->max_height * facts->max_width * (1 + (double)sizeof(float) * outputs);
}

double seeing_bytes(const unet_survey_facts *facts, const unet_spec *spec, int threads)
{
    unet_memory_plan plan = {0};
    unet_model *model = NULL;

    if (unet_model_create(spec, 0, &model, NULL) == UNET_OK)
        plan_seeing(facts, model, threads, 0, &plan);
    unet_model_free(model);
    return (double)(plan.useful < plan.bytes ? plan.useful : plan.bytes) +
           scores_bytes(facts, spec) + PROCESS_BYTES;
}

/* *model: one of this spec, or NULL: made when it is wanted, since that takes a while. */
static int fits(const unet_survey_facts *facts, double memory, const unet_spec *spec,
                const unet_train_options *options, unet_model **model, struct seen *seen)
{
    double bytes = training_bytes(facts, spec, options);
    unet_memory_plan plan;

    memory -= bytes + scores_bytes(facts, spec) + PROCESS_BYTES;
    if (bytes < 0 || memory < 1 ||
        (!*model && unet_model_create(spec, 0, model, NULL) != UNET_OK) ||
        !plan_seeing(facts, *model, options->threads, memory, &plan))
        return 0;
    *seen = (struct seen){plan.tile, plan.blended};
    return 1;
}

int choose_for_memory(const unet_survey_facts *facts, double memory, struct said_parts said,
                      unet_spec *spec, unet_train_options *options, struct seen *seen)
{
    unet_model *model = NULL;
    int found;

    while (!(found = fits(facts, memory, spec, options, &model, seen))) {
        int side = training_tile(facts, spec, options);

        if (!options->recompute && !said.recompute)
            options->recompute = 1;
        else if (options->batch > 1 && !said.batch)
            options->batch /= 2;
        else if (side > 96 && !said.tile)
            options->tile = (side / 2 + 15) / 16 * 16;
        else if (spec->width > 4 && !said.width)
            spec->width /= 2;
        else
            break;
        if (model && unet_model_spec(model)->width != spec->width) {
            unet_model_free(model);
            model = NULL;
        }
    }
    unet_model_free(model);
    return found;
}

int largest_batch(const unet_survey_facts *facts, double memory, const unet_spec *spec,
                  const unet_train_options *options)
{
    unet_train_options tried = *options;
    struct seen seen;
    unet_model *model = NULL;
    int least = options->batch;

    tried.batch = 64;
    while (tried.batch > least && !fits(facts, memory, spec, &tried, &model, &seen))
        tried.batch /= 2;
    unet_model_free(model);
    return tried.batch > least ? tried.batch : least;
}
