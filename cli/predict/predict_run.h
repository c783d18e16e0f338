/* SPDX-License-Identifier: Apache-2.0 */
/* predict_run.h - the images of unet predict, one after the other, or dealt to lanes or ranks */
#ifndef PREDICT_RUN_H
#define PREDICT_RUN_H

#include "predict/predict_done.h"
#include "predict/predict_joined.h"
#include "predict/predict_out.h"
#include "predict/predict_plan.h"
#include "shared/progress.h"
#include "unet_ranks.h"

struct predict_lanes;

/*
 * Segments the images of a plan that are to do, but for those done before, and says what there is
 * to say.  lanes: with their sessions (predict_lanes.h).  ranks: who does it together, as in
 * unet_ranks.h; NULL: this process.  An exit status.
 */
int predict_run(const struct predict_settings *settings, const struct predict_plan *plan,
                struct predict_done *done, const unet_model *model,
                const struct predict_lanes *lanes, const unet_ranks *ranks);

/* ---- what predict_run.c and those who deal share ---- */

/* What is counted of images. */
struct predict_tally {
    uint64_t pixels[256]; /* of each class */
    size_t one_channel;   /* images of one channel, though the model takes several */
    size_t alphas;        /* images whose alpha says something and is left out */
};

/* What all images share. */
struct predict_run {
    const unet_model *model;
    unet_session *session;
    struct progress_line line;
    const struct predict_plan *plan;
    struct predict_done *before;
    size_t now;     /* number of the image at work */
    int page;       /* and of its page */
    double started; /* seconds_now() */
    struct predict_out out;
    struct objects_out objects;
    struct predict_outlines outlines;
    struct predict_table table; /* of the image at work, or of all */
    json_t *totals;             /* of objects: of each page */
    struct predict_tally tally; /* of all images so far */
    const char *alpha;          /* the first whose alpha says something and is left out */
    const struct predict_lanes *lanes;
    const unet_ranks *ranks; /* NULL: this process does all */
    int bands;               /* 1: all ranks predict each image, in bands */
    int dealt;               /* 1: images are dealt, to ranks or lanes */
    int abandoned;           /* ranks agreed to leave the image at work */
    int broken;              /* they were left in the midst of it, and cannot go on */
    char *scratch; /* a folder of this rank or lane alone, for its parts of joined files */
    struct joined_text rows, shapes; /* dealt, on rank 0: of the table and the outlines of all */
    const struct predict_settings *settings;
};

/* One image from file to files, unless it was done before.  An exit status. */
int predict_image(struct predict_run *run, const struct predict_job *job);

/* ---- predict_bands.c: an image by all ranks ---- */

enum { PREDICT_SKIP = -1 }; /* of predict_agree(): no failure, but the image is left out */

/*
 * Before an image, and before each of its pages: tells the others whether this rank can go on, code
 * UNET_OK, and hears of them.  Returns code, or that another cannot.  Does nothing where images are
 * not predicted in bands.
 */
unet_code predict_agree(struct predict_run *run, int code, unet_error *err);

/*
 * Sets run->bands to whether images are sooner done in bands, one after the other, than dealt to
 * ranks: as many as there are rows of tiles can work on one.  EXIT_FAILED (told): ranks have tiles
 * that differ.
 */
int predict_choose_bands(struct predict_run *run);

/* All images, on the ranks that write nothing. */
int predict_bands(struct predict_run *run);

/* ---- predict_ranks.c ---- */

/* Whether all ranks are to do the same: models, images, options, version.  EXIT_FAILED: told. */
int predict_ranks_alike(const unet_ranks *ranks, const struct predict_settings *settings,
                        const struct predict_plan *plan, const struct models *models,
                        const unet_session_options *work);

/* All images, each by the rank that is free; *failed: how many, on rank 0.  An exit status. */
int predict_ranks(struct predict_run *run, size_t *failed);

#endif
