/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_clash.c - that no output of unet predict is an input, or another output
 *
 * Every name, of inputs and outputs alike, is written in one spelling and sorted; equal neighbours
 * of which one is an output are an error.  So nothing is overwritten by mistake and nothing is done
 * twice.
 */
#include <stdlib.h>
#include <string.h>

#include "predict/predict_plan.h"

#define CHANNEL_FILES 16 /* most files of one image's channels */

/* One file name in the spelling of path_entry(), and whose it is. */
struct entry {
    char *path;
    const char *shown;
    int is_output;
    const struct predict_job *job; /* of an output */
    enum product product;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    order = order ? order : x->is_output - y->is_output;
    return order ? order : (int)x->product - (int)y->product;
}

/* Adds a name, and for an input that is a link also the file it leads to. */
static int add_entry(struct entry *entries, size_t *count, const char *path, int is_output)
{
    const char *pages;
    char *file = path_of_pages(path, &pages);
    char *real = is_output || !file ? NULL : realpath(file, NULL);

    entries[*count] = (struct entry){
        .path = file ? path_entry(file) : NULL, .shown = path, .is_output = is_output};
    free(file);
    if (!entries[(*count)++].path)
        return 0;
    if (real)
        entries[(*count)++] = (struct entry){.path = real, .shown = path};
    return 1;
}

/* An image's file, or files where each holds a channel. */
static int add_input(struct entry *entries, size_t *count, const char *path)
{
    char *part[CHANNEL_FILES];
    int files = path_files(path, part, CHANNEL_FILES), ok = files > 0;

    for (int i = 0; i < files; i++) {
        ok = ok && add_entry(entries, count, part[i], 0);
        if (ok)
            for (size_t k = *count; k-- > 0 && entries[k].shown == part[i];)
                entries[k].shown = path;
        free(part[i]);
    }
    return ok;
}

/* The files of a product, which may be one a page. */
static int add_outputs(struct entry *entries, size_t *count, const struct predict_job *job,
                       enum product product)
{
    int files = predict_plan_files(job, product), ok = 1;

    for (int page = 0; ok && page < files; page++) {
        char *file = predict_plan_file(job, product, page);

        ok = file && add_entry(entries, count, file, 1);
        if (ok) {
            struct entry *entry = &entries[*count - 1];

            entry->shown = job->output[product];
            entry->job = job;
            entry->product = product;
        }
        free(file);
    }
    return ok;
}

static int report_clash(const struct entry *a, const struct entry *b)
{
    if (!a->is_output)
        return fail_text("%s: would be overwritten by an output, wanted another place", a->shown);
    if (a->job == b->job && a->product != b->product)
        return fail_text("%s: %s and %s would both be written there, wanted another name for one",
                         b->shown, predict_plan_option(a->product),
                         predict_plan_option(b->product));
    return fail_text("%s: two images would be written there, wanted images with different names "
                     "or another folder",
                     b->shown);
}

int predict_clash_check(const struct path_list *models, const struct predict_plan *plan)
{
    size_t room = 2 * models->count, count = 0;
    struct entry *entries;
    int status = EXIT_DONE, ok;

    for (size_t i = 0; i < plan->inputs.count; i++)
        room += 2 * CHANNEL_FILES +
                PRODUCTS * (size_t)(plan->jobs[i].pages > 1 ? plan->jobs[i].pages : 1);
    entries = calloc(room, sizeof(*entries));
    ok = entries != NULL;

    for (size_t i = 0; ok && i < models->count; i++)
        ok = add_entry(entries, &count, models->path[i], 0);
    for (size_t i = 0; ok && i < plan->inputs.count; i++) {
        ok = add_input(entries, &count, plan->jobs[i].input);
        for (int p = 0; ok && p < PRODUCTS; p++)
            if (plan->jobs[i].output[p] && !(plan->joined[p] && i))
                ok = add_outputs(entries, &count, &plan->jobs[i], (enum product)p);
    }
    if (!ok) {
        status = fail_memory();
    } else {
        qsort(entries, count, sizeof(*entries), compare_entries);
        for (size_t i = 1; !status && i < count; i++)
            if (entries[i].is_output && !strcmp(entries[i - 1].path, entries[i].path))
                status = report_clash(&entries[i - 1], &entries[i]);
    }
    for (size_t i = 0; i < count; i++)
        free(entries[i].path);
    free(entries);
    return status;
}
