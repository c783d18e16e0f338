/* SPDX-License-Identifier: Apache-2.0 */
/* geometry_set.h - the images in the folder i with the masks in m, read or refused */
#ifndef GEOMETRY_SET_H
#define GEOMETRY_SET_H

#include <math.h>

#include "data/set/dataset.h"
#include "data/survey/survey.h"
#include "geometry_files.h"

/* What is said while a set is read. */
struct heard {
    int notes, warnings;
    char text[1024];
};

static inline void hear(void *context, unet_severity severity, const char *text)
{
    struct heard *h = context;
    h->notes += severity == UNET_NOTE;
    h->warnings += severity == UNET_WARNING;
    snprintf(h->text, sizeof h->text, "%s", text);
}

static inline unet_code open_set(int as_stored, struct heard *heard, unet_dataset **set,
                                 unet_error *err)
{
    const unet_log log = {.note = hear, .context = heard};
    const unet_dataset_options options = {.ignore = -1, .as_stored = as_stored, .log = &log};
    *heard = (struct heard){0};
    return un_dataset_open(in_folder("i"), in_folder("m"), &options, NULL, set, err);
}

static inline unet_dataset *must_open(int as_stored, int notes, int warnings, const char *said)
{
    struct heard heard;
    unet_dataset *set;
    unet_error err;
    if (open_set(as_stored, &heard, &set, &err))
        fail_msg("%s", err.text);
    if (heard.notes != notes || heard.warnings != warnings || !strstr(heard.text, said))
        fail_msg("%d notes and %d warnings, %d and %d wanted, with \"%s\": %s", heard.notes,
                 heard.warnings, notes, warnings, said, heard.text);
    return set;
}

/* Refused, by the survey too; `said` and `more` are in the message. */
static inline void must_refuse(const char *said, const char *more)
{
    struct heard heard;
    unet_dataset *set;
    unet_survey *survey;
    unet_error err;
    if (!open_set(0, &heard, &set, &err))
        fail_msg("not refused; \"%s\" wanted", said);
    if (!(err.hints & UNET_HINT_AS_STORED) || !strstr(err.text, said) || !strstr(err.text, more))
        fail_msg("\"%s\" and \"%s\" wanted, with a hint: %s", said, more, err.text);
    if (unet_survey_open(in_folder("i"), in_folder("m"), NULL, NULL, NULL, &survey, &err))
        fail_msg("%s", err.text);
    const unet_finding *first = unet_survey_finding(survey, 0);
    if (!first || first->kind != UNET_FOUND_MASK_PLACE || first->severity != UNET_ERROR ||
        !(first->hints & UNET_HINT_AS_STORED))
        fail_msg("the survey finds %s: %s", first ? unet_finding_name(first->kind) : "nothing",
                 first ? first->text : "");
    unet_survey_free(survey);
}

static inline void make_folders(void)
{
    folder_remove_tree(in_folder("i"));
    folder_remove_tree(in_folder("m"));
    mkdir(in_folder("i"), 0777);
    mkdir(in_folder("m"), 0777);
}

#endif
