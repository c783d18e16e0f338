/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live.h - training and prediction while somebody paints, inside
 *
 *     live.c          begin, end, what the server asks for
 *     live_train.c    a thread: changes -> learner -> steps -> snapshots, files in PROJECT/run/
 *     live_predict.c  a thread: snapshot -> tiles: what is on the screen first, then spots of other
 *                     images, to know where the network is unsure
 *     live_view.c     which block of the screen is next
 *     live_look.c     an image or a block of it, with the newest snapshot
 *     live_tiles.c    the tiles that are kept
 *     live_scores.c   how predictions went with what was painted then
 *     live_export.c   all images into files, by `unet predict` as a process of its own
 *
 * Training and prediction share the cores by turns: before a step the trainer waits while somebody
 * wants to predict.  Both are nicer than the server's threads, which therefore run when they want.
 *
 * Locks: `lock` for all members below it, never held for long; `looking` for the session and its
 * model, held while something is predicted; who wants both takes `looking` first.
 */
#ifndef LIVE_H
#define LIVE_H

#include <pthread.h>
#include <sys/types.h>

#include "studio/live/learner.h"

enum {
    LIVE_BLOCK = 2 * STUDIO_TILE,
    LIVE_WHOLE = 1 << 20, /* pixels of an image that is looked at whole: 1024 x 1024 */
    LIVE_TILES = 768,
    LIVE_LOSSES = 1000,
    LIVE_DICE = 4096
};

/* A tile of full size with its prediction. */
struct live_tile {
    int image, x, y; /* counted in tiles */
    long generation;
    uint64_t used; /* when it was looked at last, counted in looks */
    uint8_t classes[STUDIO_TILE * STUDIO_TILE], certainty[STUDIO_TILE * STUDIO_TILE];
};

struct live_tiles {
    struct live_tile *list[LIVE_TILES];
    int count;
    uint64_t looks;
};

struct live_change {
    int image;
    struct studio_rect rect;
};

/* Of one image. */
struct live_image {
    long predicted, asked; /* generations: of a tile that is shown; of what is known of it */
    double certainty;      /* mean over what was predicted of it lately */
    int changes;           /* strokes since the server started */
    struct learner_tally tally;
};

struct live_dice {
    int image, stroke;
    double dice, seconds;
};

struct live_scores {
    struct live_dice dice[LIVE_DICE];
    int dice_count;
    long loss_step[LIVE_LOSSES];
    double loss[LIVE_LOSSES];
    int loss_count;
    long every; /* steps from one number to the next; doubles when there is no room */
    double sum;
    long summed;
};

struct live {
    struct studio *studio;
    struct live_options options;
    char *model_path, *checkpoint_path, *scores_path;
    pthread_t trainer, predictor;
    int running[2];
    unet_model *begin; /* what the trainer begins with; NULL: fresh weights */

    pthread_mutex_t looking;
    unet_session *session; /* NULL: nothing can be predicted yet */
    unet_model *model;     /* the session's */
    int reach;             /* pixels around a tile that its prediction depends on, at most */

    pthread_mutex_t lock;
    pthread_cond_t work; /* something changed that a thread may wait for */
    int leave, on, wanted /* predictions that wait or run */, exporting;
    int saving;        /* the trainer writes its last steps, before it rests */
    unet_model *fresh; /* the newest snapshot, not yet the session's; NULL: it is */
    long generation;   /* of `model`; 0: none */
    struct live_change *changes;
    int change_count, change_room;
    int classes_changed; /* or what there is shall be looked at again */
    const char *state;   /* a word of docs/studio-api.md */
    char message[256];
    long step;
    double loss;            /* mean of the last steps */
    double began, ready_at; /* seconds_now(); ready_at 0: not known */
    double before;          /* seconds of earlier runs */
    struct studio_rect view;
    int view_image; /* -1: none */
    struct live_image *images;
    struct live_tiles tiles;
    struct live_scores scores;
    /* live_export.c */
    pthread_t exporter;
    int exporter_running;
    int export_ends; /* 1: somebody wants it to end */
    pid_t child;     /* 0: none */
};

/* ---- live.c ---- */

/* Makes this thread and those that it starts give way to others, by so much. */
void live_be_nice(int by);

/* With the lock held. */
double live_seconds(const struct live *live);
void live_set_state(struct live *live, const char *state, const char *message);

/* Sends the event "training". */
void live_tell(struct live *live);

/* ---- live_train.c ---- */

void *live_train_thread(void *live);

/* ---- live_predict.c ---- */

void *live_predict_thread(void *live);

/* ---- live_view.c: with the lock held ---- */

/* A block that is to be predicted. */
struct live_spot {
    struct studio_rect core;
    long generation; /* of what is known of it; 0: nothing is */
    int is_far;      /* 1: not in the middle of the view: it can wait */
    double distance;
};

/* The next one of a view, of which not all is of this generation; 0: none. */
int live_view_next(struct live_tiles *tiles, int image, const struct studio_image *what,
                   struct studio_rect view, long generation, struct live_spot *spot);

/* ---- live_look.c: with `looking` held ---- */

/* Whether the model predicts this project's classes from its images. */
int live_model_fits(const struct live *live, const unet_model *model);

/* The newest snapshot becomes the session's, if there is a newer one. */
unet_code live_take_fresh(struct live *live, unet_error *err);

/* The block that has tile (x, y). */
struct studio_rect live_block_at(const struct studio_image *image, int x, int y);

/* Predicts a block and keeps its tiles; there is a session.  *mean: how sure it is (may be NULL).
 */
unet_code live_predict_block(struct live *live, int image, struct studio_rect core, double *mean,
                             unet_error *err);

/* ---- live_tiles.c: with the lock held ---- */

struct live_tile *live_tiles_find(struct live_tiles *tiles, int image, int x, int y);

/* A tile to be filled, in place of the one that nobody looked at for longest; NULL: no memory. */
struct live_tile *live_tiles_take(struct live_tiles *tiles, int image, int x, int y);
void live_tiles_release(struct live_tiles *tiles);

/* What is known of a rectangle of an image, UNET_IGNORE where nothing is; the highest generation
 * among it. */
long live_tiles_read(struct live_tiles *tiles, int image, struct studio_rect rect, int step,
                     uint8_t *classes, uint8_t *certainty, int stride);

/* Pixels of each class in the tiles of an image; counts [UNET_MAX_CLASSES]. */
void live_tiles_count(const struct live_tiles *tiles, int image, int64_t *counts);

/* ---- live_scores.c: with the lock held, but for the event and the files ---- */

/* What was painted of an image in one change; sends the event "score" where it says something. */
void live_scores_take(struct live *live, int image, const struct learner_tally *tally);
void live_scores_loss(struct live_scores *scores, long step, double loss);
unet_code live_scores_save(struct live *live, unet_error *err);
void live_scores_load(struct live *live);

/* ---- live_export.c ---- */

void live_export_stop(struct live *live);

#endif
