/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - what unet check found and proposes, for its three reports: text, JSON and page */
#ifndef CHECK_H
#define CHECK_H

#include <jansson.h>
#include <stddef.h>

#include "unet_scores.h"
#include "unet_survey.h"
#include "unet_train.h"

struct network_settings;

struct check {
    const char *images, *masks, *labels, *channels, *fill; /* as given */
    const char *pair[2];                                   /* as given; NULL: not */
    const char *ignore;                                    /* as given; NULL: not */
    int only_pairs, as_stored;                             /* as given */
    const unet_survey *survey;
    const unet_survey_facts *facts;
    int proposed; /* 0: the classes are not known, and the fields below are not set */
    const struct network_settings *network; /* as given */
    unet_spec spec;
    unet_train_options options;
    int tile, batch_most; /* side of the tiles; largest batch for memory, 0: not asked */
    double bytes, memory,
        least;    /* to train; allowed, 0: not said; with all else that training does */
    int fits;     /* 0: not even the smallest does */
    int weighted; /* 1: weights are proposed */
    float weights[UNET_MAX_CLASSES];
    int has_split; /* 1: the masks number objects, and it is known what cutting them would gain */
    struct check_split {
        unet_matches whole, cut; /* connected parts, and these cut at necks, of the true masks */
    } split;
};

/* Share of the labelled pixels that a class has. */
double check_share(const unet_survey_facts *facts, int label);

/* The share as percent, for a person: "14.72 %", "< 0.01 %". */
const char *check_percent(double share, char text[24]);

/* How many images without a mask (UNET_FOUND_NO_MASK), or masks without an image, are left out. */
int check_left_out(const struct check *check, unet_finding_kind kind);

/* Fills *found from the masks; options as of the survey.  0: they number no objects, or too much
 * memory would be needed.  (check_split.c) */
int check_split_gain(const struct check *check, const unet_dataset_options *options,
                     struct check_split *found);

/* How samples become the network's input, in words. */
void check_scaling(const unet_survey_facts *facts, char *text, size_t size);

/* The command that trains as proposed on what was read, into a folder that is not there yet; the
 * caller frees it; NULL: no memory.  (check_command.c) */
char *check_command(const struct check *check);

/* Everything, as one object. */
json_t *check_json(const struct check *check);

/*
 * The page, with up to `pictures` pairs: those with findings first, the gravest of them first, then
 * others evenly from all; *shown: how many there are.
 * Prints why and returns EXIT_FAILED when it cannot be written.
 */
int check_write_page(const struct check *check, const char *path, int pictures, int *shown);

#endif
