/* SPDX-License-Identifier: Apache-2.0 */
/*
 * models.h - models: the files that a path stands for, loading, averaging, what is said of them
 *
 *     struct models models = {0};
 *     models_load(count, operands, &settings.common, &models)
 *     unet_session_options work = {...};   models_average(&models, &work);
 *     unet_session_create(models.first, &work, ...)
 *     models_release(&models)              after the session
 */
#ifndef MODELS_H
#define MODELS_H

#include <stdio.h>

#include <jansson.h>

#include "shared/cli.h"
#include "shared/paths.h"
#include "unet.h"
#include "unet_exchange.h"
#include "unet_image.h"
#include "unet_survey.h"

struct models {
    struct path_list files;
    const unet_model *first; /* which says what the classes are; of list */
    unet_model **list;       /* [files.count] */
};

/* Names the files that operands stand for: files, run folders, folders of folds.  An exit status,
 * said on stderr; release in any case, as after the two below. */
int models_list(int count, char **operands, struct models *models);

/* Loads those files, and checks that they go together. */
int models_open(const struct common_settings *common, struct models *models);

/* Both. */
int models_load(int count, char **operands, const struct common_settings *common,
                struct models *models);
void models_release(struct models *models);

/* Lets a session average all of them. */
void models_average(const struct models *models, unet_session_options *work);

/* What was said of a session, and of views, where none was, what the model's preset left in its
 * settings. */
void model_views(const unet_model *model, const struct said *said, unet_session_options *work);

/* What makes a prediction take longer, and what turns it off where it was not asked for. */
void say_views(unet_tta tta, const struct said *said);

/* Whether tiles were asked for and change what this image is told; says so.  options: of sessions.
 */
int warn_of_tile(const unet_model *model, const unet_session_options *options,
                 const unet_page *page);

/* What samples are no data, given or (NULL) as the model knows. */
void say_fill(const unet_model *model, const char *given);

/* ---- model_path.c ---- */

/*
 * The models that a path stands for: a file's, or those of unet train's folder.
 *
 *     run/best.safetensors                       a run: this is its model
 *     run/fold1/best.safetensors, run/fold2/..   a cross-validation: one model of each fold
 */

/* Whether an operand is a model by its name, its ending or what the folder holds, so that it cannot
 * be an image. */
int model_path_is(const char *path);

/*
 * Adds the model files that an operand stands for: itself, or those of a folder.  UNET_EINVAL: the
 * folder has none, or one of its folds has none yet; UNET_ENOMEM.
 */
unet_code model_path_list(const char *path, struct path_list *files, unet_error *err);

/* How many folds the run in a folder was told to have; 0: it is no such run, or does not say. */
int model_path_folds(const char *path);

/* The same where only one model is of use; the caller frees *file.  Also UNET_EINVAL: it stands for
 * several. */
unet_code model_path_one(const char *path, char **file, unet_error *err);

/* ---- origin.c: models of other programs: what had to be guessed of them is said ---- */

/*
 * Loads a model of any kind, or that of a run folder.  What neither its file nor its layout tells
 * is said in one line on stderr, unless quiet: a wrong guess makes a wrong mask.  origin may be
 * NULL.
 */
unet_code origin_load(const char *path, const struct common_settings *common, unet_model **model,
                      unet_origin *origin, unet_error *err);

/* Of a bioimage.io package, what its test tensors say of the model: a line, "" where path is no
 * package.  Returns whether they say that it is another network, *test what they say in full. */
int origin_test(const char *path, const unet_model *model, unet_package_test *test, char *text,
                size_t size);

/* unet_log.note of unet_known: what of a file was left, a line on stderr. */
void origin_note(void *context, unet_severity severity, const char *text);

/* The guesses by their sources, a line each. */
void origin_describe(FILE *out, const unet_spec *spec, const unet_origin *origin);

/* [{"field": "padding", "from": "layout"}, ...] */
json_t *origin_json(const unet_origin *origin);

/* ---- samples_warn.c ---- */

/* Says when images have other samples than those that a model was trained on. */

#define SAMPLE_KINDS 4 /* each unet_sample, and what is prepared */

/* How many images have samples of each kind; starts zeroed. */
struct sample_count {
    int images;
    struct {
        int images;
        const char *first; /* borrowed */
    } kind[SAMPLE_KINDS];
};

/* The bit of a kind: an image whose pages differ has several. */
unsigned samples_bit(unet_sample sample, int prepared);
void samples_count(struct sample_count *count, unsigned bits, const char *name);

/* Images whose values lie far from those that a model was trained on; starts zeroed but for fill.
 */
struct values_count {
    const char *fill; /* what --fill says; NULL: nothing */
    int looked_at, far;
    unsigned fitting, other; /* samples_bit() of images whose values are those of the training, and
                                of others */
    char first[4096], text[320]; /* the first of them, and what is the matter with it */
};

/* Looks at page 0 of a file, or at an image (source NULL); what cannot be read is told later, by
 * who reads all of it.  bits: of its samples.  Returns the largest distance to a model, -1: no
 * model knows. */
double values_look(struct values_count *count, const struct models *models, unet_source *source,
                   const unet_image *image, unsigned bits, const char *name);

/* One line on stderr for each kind that a model was not trained on, unless all images of it that
 * were looked at have such values as those of the training. */
void samples_warn(const struct sample_count *count, const struct values_count *values,
                  const struct models *models);

/* One line on stderr, where there are such. */
void values_warn(const struct values_count *count);

/* How many images of a folder are looked at, evenly spaced: number i of `looks` of `images`. */
enum { VALUES_LOOKS = 8 };
static inline int values_place(int i, int looks, int images)
{
    return (int)((long)i * images / looks);
}

/* ---- info_image.c: unet info on an image: its pages, sizes and samples ---- */

/* Whether a path, which may end in a choice of pages, is an image, by its name or its content. */
int info_image_is(const char *path);

/* Prints what the file holds; returns an exit status. */
int info_image_print(const char *path, const struct common_settings *common);

/* ---- info_devices.c: unet info --devices ---- */

/* Prints a table, or JSON; returns an exit status. */
int info_devices_print(int as_json);

#endif
