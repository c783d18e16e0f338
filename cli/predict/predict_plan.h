/* SPDX-License-Identifier: Apache-2.0 */
/* predict_plan.h - which file of unet predict goes where, settled before any work is done */
#ifndef PREDICT_PLAN_H
#define PREDICT_PLAN_H

#include "model/models.h"
#include "predict/objects_out.h"
#include "shared/cli.h"
#include "shared/paths.h"
#include "unet_outlines.h"

enum product {
    PRODUCT_MASK,
    PRODUCT_OVERLAY,
    PRODUCT_PROBABILITIES,
    PRODUCT_LOGITS,
    PRODUCT_INSTANCES, /* from here on: of the objects, when an image is done */
    PRODUCT_MEASURE,
    PRODUCT_ROIS,
    PRODUCTS
};
extern const char *const predict_keys[PRODUCTS]; /* what they are called in JSON */
#define PRODUCT_IMAGES PRODUCT_INSTANCES         /* those before are images of bands */

/* What outlines are written for: ImageJ, or 1 + a unet_outline_format. */
enum outline_kind {
    OUTLINE_IMAGEJ,
    OUTLINE_COCO = 1 + UNET_OUTLINES_COCO,
    OUTLINE_GEOJSON = 1 + UNET_OUTLINES_GEOJSON,
    OUTLINE_LABELME = 1 + UNET_OUTLINES_LABELME,
    OUTLINE_YOLO = 1 + UNET_OUTLINES_YOLO,
    OUTLINE_VIA = 1 + UNET_OUTLINES_VIA,
    OUTLINE_CVAT = 1 + UNET_OUTLINES_CVAT,
    OUTLINE_KINDS
};

struct predict_settings {
    const char *target[PRODUCTS]; /* a file, or a folder; NULL: not asked for */
    int format;                   /* of masks in a folder: -1 not given, 0 png, 1 tif, 2 nii */
    int outlines;                 /* which: -1 not given, 0 ImageJ, then as enum outline_kind */
    const char *fill;             /* sample that is no data; NULL: not given */
    struct said session;          /* of unet_session_options */
    const char *level;            /* of slides: a number, or "auto"; NULL: not given */
    int exact, as_stored;
    double memory;    /* bytes; 0: no limit */
    int values;       /* of masks: 1: as those that the model was trained on; else classes */
    int pyramid;      /* of TIFF: -1 where it is large, 0 no, 1 yes */
    const char *part; /* "3/40"; NULL: not given */
    int part_number, part_count; /* 1..count; count 0: all images */
    int skip_done;
    struct objects_wishes objects;
    struct common_settings common;
};

struct predict_job {
    const char *input;
    char *output[PRODUCTS]; /* NULL: not asked for */
    char *name;             /* in a file of all outlines; NULL: that of its file */
    int pages;              /* of the image; 0: it cannot be read */
    int height, width;      /* of the first */
    unsigned samples;       /* of its pages: samples_bit() */
    int looked_at;          /* 1: distance is how far its values lie from the training's */
    double distance;
    char unit[8]; /* of the pixels' size of the first page that tells it; */
    int has_size; /* 0: none does */
    int objects;  /* 1: they are wanted */
    int pyramid;  /* as in unet_writer_page */
};

struct predict_plan {
    struct path_list inputs, folders; /* folders: those that images were listed from */
    struct predict_job *jobs;         /* inputs.count of them, those to do first */
    size_t count;                     /* of jobs to do */
    int from_folder;                  /* some images are those of a folder */
    int in_folder[PRODUCTS];          /* the target is a folder */
    int joined[PRODUCTS];             /* it is one file, for all images */
    enum outline_kind outlines;
};

/*
 * Lists the images: a folder stands for the images in it.  Refuses, with a line on stderr, what can
 * be told to be wrong without the model.  Returns an exit status; release the plan in any case.
 *
 *   images  [image_count] operands
 */
int predict_plan_list(const struct command *command, const struct predict_settings *settings,
                      int image_count, char **images, struct predict_plan *plan);

/* Has each image be the level of a slide that --level says.  Returns an exit status. */
int predict_level(const struct command *command, const struct predict_settings *settings,
                  const unet_model *model, struct predict_plan *plan);

/*
 * Files of channels become one image where the model was trained on such, and outputs get names.
 * Refuses endings that cannot be written, one file for several images unless it can hold them, two
 * outputs with one name, an output that would replace a model or an image.
 *
 *   models  open
 */
int predict_plan_make(const struct command *command, const struct predict_settings *settings,
                      const struct models *models, struct predict_plan *plan);
void predict_plan_release(struct predict_plan *plan);

/*
 * The names of images in one file of outlines: those of their files, or, where two of these are the
 * same, with the folders that not all images are in.  Refuses (told) what is the same even then.
 * (predict_outlines.c)
 */
int predict_outlines_name(struct predict_plan *plan, const struct predict_settings *settings);

/* The option that asks for a product. */
const char *predict_plan_option(enum product product);

/* How many files a product of this job is: one, or one for each page. */
int predict_plan_files(const struct predict_job *job, enum product product);

/*
 * The file of a product for one page: the job's output, but for ids and outlines of a stack
 * NAME-3.zip for page 3, with as many digits as the last page has, so that names sort as pages do.
 * The caller frees it.
 */
char *predict_plan_file(const struct predict_job *job, enum product product, int page);

/* Makes the folders that are not there. */
int predict_plan_make_folders(const struct predict_plan *plan,
                              const struct predict_settings *settings);

/* Opens a job's image as the model takes it. */
unet_code predict_plan_open(const struct predict_settings *settings, const unet_model *model,
                            const struct predict_job *job, unet_source **source, unet_error *err);

/* ---- predict_clash.c: that nothing is overwritten by mistake ---- */

/* Refuses (told) two outputs with one name, and one that is a model or an image. */
int predict_clash_check(const struct path_list *models, const struct predict_plan *plan);

/* ---- predict_part.c: --part I/N ---- */

enum { PART_MOST = 1000000 };

/* What --part says; EXIT_USAGE (told): it says nothing that can be meant. */
int predict_part_read(const struct command *command, struct predict_settings *settings);

/* The file of a part where one file holds several images: cells.csv -> cells-part03of40.csv; path
 * itself where there are no parts.  The caller frees it. */
char *predict_part_file(const struct predict_settings *settings, const char *path);

/* Of a plan that is made, leaves the images of this part to do, which may be none, and says how
 * many. */
int predict_part_take(const struct predict_settings *settings, struct predict_plan *plan);

/* ---- predict_memory.c: the promise of --memory: which tile keeps it ---- */

/*
 * Sets work->tile so that the whole process stays below settings->memory while any of the images is
 * predicted, and says what the peak will be.  Does nothing without a limit.  An exit status.
 */
int predict_memory_plan(const struct predict_settings *settings, const struct predict_plan *plan,
                        const unet_model *model, unet_session_options *work);

/* The share of the limit that a job's objects may take; 0: no limit. */
uint64_t predict_memory_objects(const struct predict_settings *settings,
                                const struct predict_job *job);

/* ---- predict_table.c: the table of --measure: one for each image, or one for all ---- */

struct predict_table {
    unet_table *table; /* NULL: none is open */
    const char *path;
    const char *names[UNET_MAX_CLASSES]; /* of classes */
};

/* Opens the table of a job where it is wanted; job NULL: the one of all images.  Its columns are
 * those of all images of the plan, whichever are to do.  path: instead of where it belongs, or
 * NULL. */
unet_code predict_table_open(struct predict_table *table, const struct predict_plan *plan,
                             const struct predict_job *job, const char *path,
                             const unet_model *model, unet_error *err);

/* Closes it where it is open; whole or not at all. */
unet_code predict_table_commit(struct predict_table *table, unet_error *err);
void predict_table_abort(struct predict_table *table);

/* ---- predict_outlines.c: outlines, a file for each page, or one for all ---- */

struct predict_outlines {
    unet_outlines *file; /* NULL: none is open */
    const char *path;
    const char *names[UNET_MAX_CLASSES]; /* of classes */
};

/* The kind that the settings say, or else the file's ending; the ending of such files, and whether
 * one of them holds all images. */
enum outline_kind predict_outline_kind(const struct predict_settings *settings);
const char *predict_outline_ending(enum outline_kind kind);
int predict_outline_joins(enum outline_kind kind);

/* Opens the file of all images where that is wanted; path: instead of where it belongs, or NULL. */
unet_code predict_outlines_open(struct predict_outlines *outlines, const struct predict_plan *plan,
                                const char *path, const unet_model *model, unet_error *err);

/* Adds the objects of a page of the open image, to the open file or to one of its own at path. */
unet_code predict_outlines_add(struct predict_outlines *outlines, const struct predict_plan *plan,
                               const struct predict_job *job, unet_source *source, int page,
                               const char *path, const unet_model *model, unet_objects *objects,
                               unet_error *err);

/* Closes it where it is open; whole or not at all. */
unet_code predict_outlines_commit(struct predict_outlines *outlines, unet_error *err);
void predict_outlines_abort(struct predict_outlines *outlines);

#endif
