/* SPDX-License-Identifier: Apache-2.0 */
/*
 * studio_inside.h - the project while a server runs, for the files of the server
 *
 * Locks, always taken in this order:
 *     writing  what is appended to the journal, and who sent what last
 *     labels   strokes and maps of labels; held for writing for no longer than it takes to draw
 *     facts    classes, settings, revision
 */
#ifndef STUDIO_INSIDE_H
#define STUDIO_INSIDE_H

#include <pthread.h>

#include "studio/events.h"
#include "studio/labels/image_labels.h"
#include "studio/labels/journal.h"
#include "studio/pictures/pictures.h"
#include "studio/project.h"
#include "studio/studio.h"

enum { STUDIO_CLIENTS = 256 };

/* The last request of a client, so that one that comes again is answered again. */
struct seen {
    char client[STROKE_CLIENT + 1];
    int64_t seq, stroke;
    int image;
    struct studio_rect rect;
    uint64_t used;
};

struct studio {
    struct project project;
    struct image_labels *labels; /* [images] */
    char *label_folder, *mask_folder;
    struct journal journal;
    struct pictures *pictures;
    struct live *live; /* NULL: none yet, or not any more */
    struct events events;
    pthread_mutex_t writing;
    pthread_rwlock_t reading; /* "labels" above */
    pthread_mutex_t facts;
    struct seen seen[STUDIO_CLIENTS];
    int seen_count;
    uint64_t seen_clock;
    uint64_t revision;
    char caution[STUDIO_WORDS]; /* what a person should know of the images; "": nothing */

    /* the keeper's */
    pthread_t keeper;
    pthread_mutex_t keeping;
    pthread_cond_t wake;
    int has_keeper, ending;
    uint8_t *stale; /* [files]: 1: the mask has older colours */
};

struct studio_given {
    const char *folder; /* exists */
    char *const *paths; /* images that are to be in it */
    size_t count;
    const unet_model *model;
    void (*note)(const char *text); /* for a person */
};

/* Opens a project, and ends work in it: all that was painted is in masks/ then. */
unet_code studio_open(const struct studio_given *given, struct studio **studio, unet_error *err);
void studio_close(struct studio *studio);

/* Makes an image's map of labels if it is not there. */
unet_code studio_load_labels(struct studio *studio, int image, unet_error *err);

/* ---- studio_paint.c: what pages ask for; a reply is a new reference ---- */

unet_code studio_stroke(struct studio *studio, int image, const json_t *body, json_t **reply,
                        unet_error *err);
unet_code studio_turn(struct studio *studio, int image, int back, const json_t *body,
                      json_t **reply, unet_error *err);
/* Takes in what the journal says of a client. */
void studio_saw(struct studio *studio, const struct stroke *stroke, int64_t which,
                struct studio_rect rect);

/* Puts a stroke, undo or redo on the disk and into the labels, which are loaded; under "writing" or
 * before the server runs.  *rect: what it changed. */
unet_code studio_commit(struct studio *studio, const struct stroke *stroke,
                        struct studio_rect *rect, unet_error *err);

/* ---- mask_import.c ---- */

struct import_given {
    const char *images, *masks;     /* paired as by unet_dataset_open(); or images: the project */
    const char *labels;             /* what the masks' values mean; NULL: found */
    void (*note)(const char *text); /* hears what they were taken for */
};

/* Before the server runs.  Adds to *taken how many images got a mask. */
unet_code studio_import(struct studio *studio, const struct import_given *given, int *taken,
                        unet_error *err);

/* ---- studio_facts.c ---- */

json_t *studio_project(struct studio *studio);
unet_code studio_set_classes(struct studio *studio, const json_t *body, unet_error *err);
unet_code studio_set_settings(struct studio *studio, const json_t *body, unet_error *err);
json_t *studio_class_list(struct studio *studio);
uint64_t studio_revision(struct studio *studio, int step); /* adds step before */

/* ---- keeper.c: a thread that brings masks and snapshots up to date ---- */

unet_code keeper_begin(struct studio *studio, unet_error *err);
/* Brings all up to date and ends it. */
void keeper_end(struct studio *studio);

/* ---- accept.c ---- */

struct stroke_wish;
/* Makes runs of what is predicted. */
unet_code accept_prediction(struct studio *studio, int image, struct stroke_wish *wish,
                            unet_error *err);

#endif
