/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey.c - the walk over all pairs
 *
 * The masks are read twice: first all of them, to find what their values mean
 * (survey_coding.c), then each with its image.  So nothing but one pair is in
 * memory.
 */
#include "data/survey/survey.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "image/fill.h"

static unet_code begin(unet_survey **survey, int count, unet_error *err)
{
    unet_survey *made = calloc(1, sizeof *made);
    if (made) {
        pthread_mutex_init(&made->lock, NULL);
        made->items = calloc((size_t)count + 1, sizeof *made->items);
        made->histogram = calloc(65536, sizeof *made->histogram);
    }
    if (!made || !made->items || !made->histogram) {
        un_survey_free(made);
        return un_fail_memory(err, (size_t)count * sizeof *made->items, "a survey");
    }
    *survey = made;
    return UNET_OK;
}

static unet_code judge(unet_survey *survey, unet_error *err)
{
    static unet_code (*const judges[])(unet_survey *, unet_error *) = {
        un_judge_format,    un_judge_colors, un_judge_classes, un_judge_swapped, un_judge_kinds,
        un_judge_misplaced, un_judge_twins,  un_judge_strokes, un_judge_apart,   un_judge_names};
    unet_code code = UNET_OK;
    un_survey_find_facts(survey);
    for (size_t i = 0; !code && i < sizeof judges / sizeof *judges; i++)
        code = judges[i](survey, err);
    un_survey_sort(survey);
    return code;
}

/* ---- from files ---- */

static unet_code report_lonely(unet_survey *survey, bool only_pairs, unet_error *err)
{
    const struct un_pairs *pairs = &survey->files.pairs;
    const unet_severity lacking = pairs->partial ? UNET_NOTE
                                  : only_pairs   ? UNET_WARNING
                                                 : UNET_ERROR;
    unet_code code = UNET_OK;
    for (int i = 0; !code && i < pairs->image_count; i++)
        code = un_survey_report_file(survey, lacking, UNET_FOUND_NO_MASK, -1, pairs->images[i],
                                     NULL, err);
    if (!code && *pairs->drawn)
        code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_READING, -1, -1, NULL,
                                pairs->drawn, err);
    for (int i = 0; !code && i < pairs->mask_count; i++)
        code = un_survey_report_file(survey, UNET_WARNING, UNET_FOUND_NO_IMAGE, -1, pairs->masks[i],
                                     NULL, err);
    for (int i = 0; !code && i < pairs->count; i++)
        for (int k = 0; !code && k < pairs->class_count; k++) {
            unet_error why;
            if (pairs->pairs[i].files[k])
                continue;
            un_fail(&why, UNET_EINVAL,
                    "%.120s: no file of class \"%.63s\", which is taken to be nowhere in it",
                    pairs->pairs[i].name, pairs->classes[k]);
            code = un_survey_report_file(survey, UNET_WARNING, UNET_FOUND_NO_CLASS_FILE, -1,
                                         pairs->pairs[i].image, &why, err);
        }
    return code;
}

static unet_code report_size(unet_survey *survey, int i, const unet_image *image, int height,
                             int width, unet_error *err)
{
    unet_error why;
    if (un_dataset_planes(image, height, width, survey->items[i].seen.image, NULL, &why))
        return un_survey_report_file(survey, UNET_ERROR, UNET_FOUND_UNREADABLE, i,
                                     survey->items[i].seen.image, &why, err);
    bool turned = image->height == width && image->width == height;
    const double sides[4] = {image->width, image->height, width, height};
    return un_survey_report(survey, UNET_ERROR,
                            turned ? UNET_FOUND_MASK_TURNED : UNET_FOUND_MASK_SIZE, i, -1, sides,
                            NULL, err);
}

/* The mask's classes, or NULL and a finding. */
static unet_code read_classes(unet_survey *survey, int i, const unet_image *image, uint8_t **mask,
                              unet_error *err)
{
    struct un_survey_item *item = &survey->items[i];
    struct un_survey_classes classes;
    unet_error why;
    *mask = NULL;
    if (item->mask_refused || !survey->coded)
        return UNET_OK;
    unet_code code = un_survey_read_classes(&survey->files, i, &survey->coding, image->height,
                                            image->width, &classes, &why);
    if (code == UNET_ENOMEM)
        return un_fail_again(err, &why);
    if (code)
        return un_survey_report_mask(survey, UNET_FOUND_MASK_VALUES, i, &why, err);
    if (!classes.classes)
        return report_size(survey, i, image, classes.height, classes.width, err);
    *mask = classes.classes;
    item->soft = classes.soft;
    item->apart = classes.apart;
    return UNET_OK;
}

/* Looks for what is no data, unless it was said or the file declares it, and covers it. */
static unet_code cover_fill(struct un_survey_item *item, unet_image *image, unet_error *err)
{
    if (!item->fill.set)
        item->fill = un_fill_find(image);
    item->filled = un_fill_count(image, item->fill, &item->covered);
    return un_fill_over(image, item->fill, err);
}

/* Reads an image; what a user should know of how, is a finding, once for each file. */
static unet_code read_image(unet_survey *survey, int i, unet_image *image, unet_error *why)
{
    struct un_survey_item *item = &survey->items[i];
    const struct un_survey_page *page = &survey->files.pages[i];
    unet_code code = un_survey_read_image(&survey->files, i, image, &item->fill, why);
    if (code)
        return code;
    if (survey->fill.set)
        item->fill = survey->fill;
    if ((code = cover_fill(item, image, why)))
        return code;
    const struct unet_source *source = survey->files.held->image;
    if (!*source->note || page->number)
        return UNET_OK;
    char text[sizeof why->text];
    snprintf(text, sizeof text, "%.300s: %s", source->name, source->note);
    return un_survey_report(survey, UNET_NOTE, UNET_FOUND_READING, i, -1, NULL, text, why);
}

/* What is to be said of a pair of files, at the first of its pages. */
static unet_code report_fits(unet_survey *survey, int i, unet_error *err)
{
    struct un_survey_held *held = survey->files.held;
    unet_code code = UNET_OK;
    if (survey->files.pages[i].number)
        return UNET_OK;
    if (held->image)
        un_fits_image(held->image, &survey->fits);
    for (int k = 0; k < UN_FITS_REMARKS && !code; k++) {
        char text[600];
        un_fits_text(&held->fits, (enum un_fit_remark)k, text, sizeof text);
        if (!*text)
            continue;
        unet_error why;
        un_fail_hint(&why, UNET_EINVAL, k == UN_FITS_TURNED ? UNET_HINT_AS_STORED : 0, "%s", text);
        code =
            un_survey_report_file(survey, k == UN_FITS_ORDERED ? UNET_NOTE : UNET_WARNING,
                                  UNET_FOUND_MASK_PLACE, i, survey->items[i].seen.mask, &why, err);
    }
    return code;
}

/* Shapes that were cut, overlaid or passed over. */
static unet_code report_outlines(unet_survey *survey, unet_error *err)
{
    char text[600] = "";
    if (survey->files.pairs.outlines)
        un_outlines_text(survey->files.pairs.outlines, text, sizeof text);
    return *text ? un_survey_report(survey, UNET_NOTE, UNET_FOUND_READING, -1, -1, NULL, text, err)
                 : UNET_OK;
}

static unet_code look_at(unet_survey *survey, int i, unet_error *err)
{
    struct un_survey_item *item = &survey->items[i];
    unet_image image = {0};
    uint8_t *mask = NULL;
    unet_error why;
    unet_code code = read_image(survey, i, &image, &why);
    if (code == UNET_ENOMEM)
        return un_fail_again(err, &why);
    if (code)
        return un_survey_report_file(survey, UNET_ERROR, UNET_FOUND_UNREADABLE, i, item->seen.image,
                                     &why, err);
    if (!(code = read_classes(survey, i, &image, &mask, err)) &&
        !(code = report_fits(survey, i, err)))
        code = un_survey_measure(survey, item, &image, mask, err);
    free(mask);
    free(image.data);
    return code;
}

unet_code un_survey_open(const char *images, const char *masks, const unet_dataset_options *options,
                         const struct un_coding *coding,
                         int (*progress)(void *context, int done, int count), void *context,
                         unet_survey **survey, unet_error *err)
{
    const struct un_pair_wish wish = {
        options ? options->pair_image : NULL, options ? options->pair_mask : NULL,
        options ? options->channels : NULL, options ? options->predicted : 0,
        un_pairs_by_class(options, coding)};
    struct un_survey_files files;
    unet_survey *made = NULL;
    unet_code code = un_survey_list(images, masks, &wish, &files, err);
    if (code)
        return code;
    if ((code = begin(&made, files.count, err))) {
        un_survey_files_free(&files);
        return code;
    }
    made->files = files;
    made->cancel = options ? options->cancel : NULL;
    for (int i = 0; i < files.count; i++) {
        made->items[i].seen.image = files.pages[i].image;
        made->items[i].seen.mask = files.pages[i].mask;
    }
    char text[600];
    if ((code = un_pairs_manner(&made->files.pairs, options, err)) ||
        (code = un_pairs_alpha(&made->files.pairs, options ? options->expect_channels : 0, text,
                               sizeof text, err)) ||
        (*text &&
         (code = un_survey_report(made, UNET_WARNING, UNET_FOUND_ALPHA, -1, -1, NULL, text, err))))
        goto done;
    if ((code = un_fill_of_text(options ? options->fill : NULL, &made->fill, err)) ||
        (code = report_lonely(made, options && options->only_pairs, err)) ||
        (code = un_survey_find_coding(made, masks, options, coding, err)))
        goto done;
    for (int i = 0; !code && i < files.count; i++) {
        code = un_check_cancel(made->cancel, err);
        if (!code)
            code = look_at(made, i, err);
        if (!code && progress && progress(context, i + 1, files.count))
            code = un_fail(err, UNET_ESTOPPED, "stopped after %d of %d pairs", i + 1, files.count);
    }
    if (code)
        goto done;
    un_fits_directions_text(&made->fits, text, sizeof text);
    if (*text && (code = un_survey_report(made, UNET_WARNING, UNET_FOUND_DIRECTIONS, -1, -1, NULL,
                                          text, err)))
        goto done;
    un_sizes_text(&made->fits.sizes, text, sizeof text);
    if ((*text && (code = un_survey_report(made, UNET_WARNING, UNET_FOUND_PIXEL_SIZE, -1, -1, NULL,
                                           text, err))) ||
        (code = report_outlines(made, err)) || (code = judge(made, err)))
        goto done;
    *survey = made;
done:
    if (code)
        un_survey_free(made);
    return code;
}

/* ---- from memory ---- */

struct measuring {
    unet_survey *survey;
    const unet_dataset *dataset;
};

static unet_code measure_one(void *context, int i, unet_error *err)
{
    const struct measuring *m = context;
    const struct un_sample_pair *pair = &m->dataset->pairs[i];
    unet_code code = un_check_cancel(m->survey->cancel, err);
    if (code)
        return code;
    struct un_survey_item *item = &m->survey->items[i];
    unet_image image = pair->image;
    if (pair->objects && (code = un_survey_find_apart(pair->objects, pair->mask, image.height,
                                                      image.width, &item->apart, err)))
        return code;
    item->fill = pair->fill;
    if (!pair->fill.set || !un_fill_count(&image, pair->fill, NULL))
        return un_survey_measure(m->survey, item, &image, pair->mask, err);
    if ((code = un_view_copy(un_view_of(&pair->image), pair->name, &image, err)))
        return code;
    if (!(code = cover_fill(item, &image, err)))
        code = un_survey_measure(m->survey, item, &image, pair->mask, err);
    free(image.data);
    return code;
}

/* All pairs, on all threads: what is found does not depend on which is first. */
static unet_code measure_all(unet_survey *survey, const unet_dataset *dataset, unet_error *err)
{
    struct measuring m = {survey, dataset};
    struct un_pool *pool = un_pool_create(dataset->threads); /* NULL, for want of memory, will do */
    unet_code code = un_pool_try(pool, dataset->count, measure_one, &m, err);
    un_pool_free(pool);
    return code;
}

unet_code un_survey_dataset(const unet_dataset *dataset, const unet_cancel *cancel,
                            unet_survey **survey, unet_error *err)
{
    unet_survey *made = NULL;
    unet_code code = begin(&made, dataset->count, err);
    if (code)
        return code;
    made->files.count = dataset->count;
    made->cancel = cancel;
    made->coding = dataset->coding;
    snprintf(made->files.pairs.rule, sizeof made->files.pairs.rule, "%s", dataset->rule);
    made->coded = true;
    for (int i = 0; !code && i < dataset->count; i++) {
        if (!(made->items[i].name = strdup(dataset->pairs[i].name)))
            code = un_fail_memory(err, strlen(dataset->pairs[i].name), dataset->pairs[i].name);
        made->items[i].seen.image = made->items[i].name;
    }
    if (code || (code = measure_all(made, dataset, err)) || (code = judge(made, err))) {
        un_survey_free(made);
        return code;
    }
    *survey = made;
    return UNET_OK;
}

void un_survey_item_release(struct un_survey_item *item)
{
    free(item->name);
    free(item->pixels);
    free(item->looks);
    free(item->thumb);
    free(item->maps.image);
}

void un_survey_free(unet_survey *survey)
{
    if (!survey)
        return;
    for (int i = 0; survey->items && i < survey->files.count; i++)
        un_survey_item_release(&survey->items[i]);
    for (int i = 0; i < survey->finding_count; i++)
        free(survey->findings[i].text);
    free(survey->findings);
    free(survey->items);
    free(survey->histogram);
    pthread_mutex_destroy(&survey->lock);
    if (survey->files.pages)
        un_survey_files_free(&survey->files);
    free(survey);
}
