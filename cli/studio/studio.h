/* SPDX-License-Identifier: Apache-2.0 */
/*
 * studio.h - what the server of `unet studio` and the training beside it know of each other
 *
 *     page  <- HTTP ->  server  - studio.h ->  live training
 *                          \-- project: images, labels by tiles, classes (studio_*)
 *
 * The server owns the project and all that a person did; the training (live_*) reads images and
 * labels through studio_*() and hands back predictions, events and numbers.  Everything here may be
 * called from any thread.  An image is one plane: a stack has as many as pages.  Its number is the
 * ID of docs/studio-api.md and stays its own as long as the project lives.
 */
#ifndef STUDIO_H
#define STUDIO_H

#include <jansson.h>
#include <stdint.h>

#include "unet.h"

enum { STUDIO_TILE = 256 }; /* side of the tiles in which labels and pictures are kept and sent */

struct studio_rect {
    int x, y, width, height;
};

/* ---- the project, for the training ------------------------------------------------------- */

struct studio; /* images, labels, classes and who listens */

struct studio_image {
    const char *name; /* for a person: "scan.tif", "stack.tif[3]" */
    const char *path; /* of the file, with [page] where it has several; absolute */
    int file, page, pages;
    int height, width, channels;
    unet_sample sample;
    int prepared; /* as in unet_image */
    int missing;  /* 1: the file is not there any more; reading it fails */
};

static inline size_t studio_pixel_bytes(const struct studio_image *image)
{
    const size_t sample = image->sample == UNET_U8 ? 1 : image->sample == UNET_U16 ? 2 : 4;
    return sample * (size_t)image->channels;
}

struct studio_class {
    char name[64];
    uint8_t rgb[3];
};

/* How many images; they do not become less or other ones while the server runs. */
int studio_images(const struct studio *studio);
const struct studio_image *studio_image(const struct studio *studio, int image);

/* The project's folder; run/ in it is the training's own. */
const char *studio_folder(const struct studio *studio);

/* Copies the classes, at most `room` of them; how many there are: 2..UNET_MAX_CLASSES.  Class k is
 * k in labels and masks. */
int studio_classes(struct studio *studio, struct studio_class *classes, int room);

/* samples [rect.height][rect.width][channels] of the image's sample type, from the caller; of every
 * file, however large, only about as much is read as the rectangle needs.  rect lies within. */
unet_code studio_pixels(struct studio *studio, int image, struct studio_rect rect, void *samples,
                        unet_error *err);

/* labels [rect.height][rect.width]: class numbers, UNET_IGNORE where nothing is painted. */
unet_code studio_labels(struct studio *studio, int image, struct studio_rect rect, uint8_t *labels,
                        unet_error *err);

/* corrected [rect.height][rect.width]: 1: this pixel got its class because another one was
 * predicted; as long as it has it, and over restarts. */
unet_code studio_corrected(struct studio *studio, int image, struct studio_rect rect,
                           uint8_t *corrected, unet_error *err);

/* Grows with each change of the image's labels; 0: nothing was ever painted. */
uint64_t studio_labels_revision(struct studio *studio, int image);

/* Pixels that are painted, of each class in counts [UNET_MAX_CLASSES] (may be NULL). */
int64_t studio_painted(struct studio *studio, int image, int64_t *counts);

/* The tiles of STUDIO_TILE (cut at the image's edge) that have something painted, at most `room` of
 * them into tiles (may be NULL with room 0); how many there are. */
int studio_painted_tiles(struct studio *studio, int image, struct studio_rect *tiles, int room);

/* Sends an event of docs/studio-api.md to all pages; takes data. */
void studio_event(struct studio *studio, const char *name, json_t *data);

/* Sends the event "trouble", but not with the words that were said last; "": all is well again. */
enum { STUDIO_WORDS = sizeof(((unet_error *)0)->text) };
void studio_trouble(struct studio *studio, const char *words, char said[STUDIO_WORDS]);

/* ---- the live training, for the server --------------------------------------------------- */

struct live;

struct live_options {
    int threads;       /* 0: one per core */
    uint64_t seed;     /* of weights and of what is drawn */
    const char *model; /* to begin from; NULL: fresh weights */
    int paused;        /* 1: trains when live_train() says so */
};

/* Begins, or goes on where PROJECT/run/ ends; returns soon.  live_stop() saves and frees all. */
unet_code live_start(struct studio *studio, const struct live_options *options, struct live **live,
                     unet_error *err);
void live_stop(struct live *live);

/* The person wants training on (1) or off (0). */
void live_train(struct live *live, int on);

/* Labels of an image changed within rect; classes changed.  Both return at once. */
void live_changed(struct live *live, int image, struct studio_rect rect);
void live_classes(struct live *live);

/* What is on a person's screen (of the page that said so last): predicted first. */
void live_looks_at(struct live *live, int image, struct studio_rect rect);

/*
 * The newest prediction of a tile, without waiting.
 *
 *   level      0: full size; L: every 2^L-th pixel
 *   x, y       of the tile, counted in tiles of that level
 *   classes    [256][256] class numbers, UNET_IGNORE where nothing is predicted (or no image is);
 *              may be NULL
 *   certainty  [256][256] 0..255, 255: sure; may be NULL
 *
 * Returns the generation of the network that made it, 1 or more; 0: no prediction of this tile yet.
 */
long live_prediction(struct live *live, int image, int level, int x, int y, uint8_t *classes,
                     uint8_t *certainty);

/*
 * The same of a rectangle in full size, for accepting: arrays [height][width].  What is not
 * predicted yet is predicted now, so this takes time.  ESTOPPED: there is no network yet.
 */
unet_code live_predict_now(struct live *live, int image, struct studio_rect rect, uint8_t *classes,
                           uint8_t *certainty, unet_error *err);

/* What the person sees of it now: classes [height][width], UNET_IGNORE: nothing. */
void live_shown(struct live *live, int image, struct studio_rect rect, uint8_t *classes);

/* Generation of the newest prediction of an image, 0: none. */
long live_predicted(struct live *live, int image);

/* The data of the event "training", now; a new reference. */
json_t *live_state(struct live *live);

/* What GET /api/scores sends; a new reference. */
json_t *live_scores(struct live *live);

/* The image to look at next, where the network is least sure; why: words for the person, constant.
 * -1: none but this one.  after: the image that is open, -1: none. */
int live_next(struct live *live, int after, const char **why);

/* Segments all images into PROJECT/export/ in the background; wishes: the body of POST /api/export,
 * borrowed; "stop" ends the one that is under way.  Sends events "export".  EINVAL: unknown wishes,
 * no network yet, or one is under way.
 */
unet_code live_export(struct live *live, const json_t *wishes, unet_error *err);

#endif
