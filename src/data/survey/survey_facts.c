/* SPDX-License-Identifier: Apache-2.0 */
/* survey_facts.c - what is known of all pairs together */
#include "data/survey/survey.h"

#include <math.h>

static void add_sides(unet_survey_facts *facts, const unet_survey_pair *seen)
{
    bool first = !facts->readable++;
    int side = seen->height < seen->width ? seen->height : seen->width;
    facts->smallest_side = first || side < facts->smallest_side ? side : facts->smallest_side;
    facts->largest_side = side > facts->largest_side ? side : facts->largest_side;
    facts->min_height =
        first || seen->height < facts->min_height ? seen->height : facts->min_height;
    facts->max_height =
        first || seen->height > facts->max_height ? seen->height : facts->max_height;
    facts->min_width = first || seen->width < facts->min_width ? seen->width : facts->min_width;
    facts->max_width = first || seen->width > facts->max_width ? seen->width : facts->max_width;
}

/* As data sets find them: 1 when all are grey, else as many as an image has. */
static void find_channels(const unet_survey *survey, unet_survey_facts *facts)
{
    bool grey = true;
    facts->channels = facts->readable > 0;
    facts->prepared = facts->readable > 0;
    for (int i = 0; i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (!seen->readable)
            continue;
        grey &= seen->grey && (seen->channels == 1 || seen->channels == 3);
        facts->channels = seen->channels > facts->channels ? seen->channels : facts->channels;
        facts->prepared &= seen->prepared;
    }
    facts->channels = grey && facts->channels > 0 ? 1 : facts->channels;
}

/* As data sets tell: un_is_dim(). */
static bool is_dim(const unet_survey *survey)
{
    for (int i = 0; i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (seen->readable && (seen->sample != UNET_U8 || seen->prepared))
            return false;
    }
    return survey->facts.readable > 0 &&
           un_is_dim((float)un_survey_quantile(survey->bytes, UNET_U8, 0.001),
                     (float)un_survey_quantile(survey->bytes, UNET_U8, 0.99));
}

static void find_range(const unet_survey *survey, unet_survey_facts *facts)
{
    bool deep = false, mixed = false;
    unet_sample sample = UNET_U8;
    for (int i = 0; i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (!seen->readable || seen->sample == UNET_U8)
            continue;
        mixed |= deep && seen->sample != sample;
        sample = seen->sample;
        deep = true;
    }
    double shallow[2] = {0, 255};
    if (!deep && is_dim(survey))
        for (int i = 0; i < 2; i++)
            shallow[i] = un_survey_quantile(survey->bytes, UNET_U8, i ? 0.999 : 0.001);
    facts->low = deep ? un_survey_quantile(survey->histogram, sample, 0.001) : shallow[0];
    facts->high = deep ? un_survey_quantile(survey->histogram, sample, 0.999) : shallow[1];
    if (mixed)
        facts->low = facts->high = NAN;
}

void un_survey_find_facts(unet_survey *survey)
{
    unet_survey_facts *facts = &survey->facts;
    facts->pairs = survey->files.count;
    facts->labels = survey->coded ? survey->coding.labels : 0;
    facts->rule = survey->files.pairs.rule;
    if (survey->coded)
        un_coding_text(&survey->coding, survey->coding_text, sizeof survey->coding_text);
    facts->coding = survey->coding_text;
    facts->objects = survey->coded && survey->coding.kind == UN_CODING_OBJECTS;
    for (int i = 0; i < survey->files.count; i++) {
        const struct un_survey_item *item = &survey->items[i];
        const unet_survey_pair *seen = &item->seen;
        if (!seen->readable)
            continue;
        uint64_t pixels = (uint64_t)seen->height * (uint64_t)seen->width;
        add_sides(facts, seen);
        facts->bytes += pixels * ((uint64_t)seen->channels * un_sample_bytes(seen->sample) + 1);
        facts->ignored += seen->ignored;
        for (int k = 0; item->pixels && k < UNET_MAX_CLASSES; k++)
            facts->pixels[k] += item->pixels[k];
    }
    find_channels(survey, facts);
    find_range(survey, facts);
}
