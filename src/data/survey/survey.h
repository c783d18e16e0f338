/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey.h - a look at a set of images and masks before any training
 *
 *     names -> pairs                               survey_read.c
 *     masks -> what their values mean              survey_coding.c
 *     pair  -> un_survey_measure: numbers, maps    survey_measure.c, survey_looks.c,
 *                                                  survey_align.c
 *     all   -> un_judge_...: findings              survey_format.c, survey_classes.c,
 *                                                  survey_swapped.c, survey_kinds.c,
 *                                                  survey_misplaced.c, survey_turned.c,
 *                                                  survey_twins.c, survey_strokes.c,
 *                                                  survey_apart.c
 *     a set -> what is held out of it              survey_sequences.c
 *
 * Only numbers and maps of some 36 KB stay of a pair.  A judge compares one pair with all others
 * and keeps silent where they do not agree among themselves.
 */
#ifndef UN_SURVEY_H
#define UN_SURVEY_H

#include <pthread.h>
#include <stdbool.h>

#include "base/hooks.h"
#include "data/set/dataset.h"
#include "data/survey/survey_read.h"
#include "unet_survey.h"

enum {
    UN_SURVEY_MAP = 256,  /* longest side of the maps in which a mask is looked for */
    UN_SURVEY_KEPT = 128, /* of those that are kept */
    UN_SURVEY_THUMB = 32, /* side of the thumbnail that twins are told by */
    UN_SURVEY_FEW = 64    /* up to so many pairs, one is compared with medians of the others
                             alone; beyond, it is too little among them to matter */
};

/* What a class is like, against all that is not it (survey_looks.c); the first three are of the
 * mask alone. */
enum un_look {
    UN_LOOK_SHARE,
    UN_LOOK_BORDER,
    UN_LOOK_CORNERS,
    UN_LOOK_BRIGHT,
    UN_LOOK_TEXTURE,
    UN_LOOK_EDGES,
    UN_LOOKS
};

/* Edges of an image and outlines of its mask: bytes [height][width]. */
struct un_edge_maps {
    int height, width;
    uint8_t *image, *mask; /* in one piece of memory that begins at image */
};

/* Where the mask's outlines lie best on the image's edges, in pixels of the image. */
struct un_alignment {
    bool known;          /* false: too small, or no outlines */
    int right, down;     /* moving the mask by this fits best */
    double best, here;   /* how far above chance that fits, and how far the mask as it is does */
    double second;       /* the best fit elsewhere */
    double mean, spread; /* of the correlations by chance */
    double step;         /* pixels of the image in one of the map */
};

struct un_survey_item {
    unet_survey_pair seen;
    struct un_survey_apart apart;
    char *name;               /* of the image, without folder, owned; NULL when files has it */
    uint64_t hash[2];         /* of the image's samples and of the mask's classes */
    int twin;                 /* 1 + an earlier one whose image is the same or nearly; 0: none */
    uint32_t palette[2];      /* hashes of the mask's colours, in their order and in any; 0: none */
    uint64_t *pixels;         /* [UNET_MAX_CLASSES] that seen.pixels is */
    float (*looks)[UN_LOOKS]; /* [UNET_MAX_CLASSES] of each class that is in the mask */
    struct un_fill fill;      /* its sample that is no data */
    size_t filled, covered;   /* samples that are; the first of them, which shows the median now */
    double soft;              /* share of pixels whose value was on a soft edge between codes */
    double strokes;           /* length in widths of what is drawn; 0: hardly strokes */
    bool mask_refused;        /* its values or its file are of no use; a finding says so */
    unsigned step;            /* 16-bit samples are all multiples of this; 0: all are 0 */
    float *thumb;             /* [32][32], mean 0, length 1; all 0: flat */
    struct un_edge_maps maps;
    struct un_alignment align;
};

struct un_finding {
    unet_finding shown;
    char *text;
    int order;
};

struct unet_survey {
    pthread_mutex_t lock; /* of the histogram and the findings, while pairs are measured */
    struct un_survey_files files;
    struct un_survey_item *items; /* [files.count] */
    struct un_coding coding;
    bool coded;                /* coding is known */
    struct un_fill fill;       /* that was said */
    const unet_cancel *cancel; /* while it is made */
    char coding_text[480];
    uint64_t bytes[256]; /* of all 8-bit samples, in bins */
    struct un_fits fits; /* the directions of all images */
    uint64_t *histogram; /* [65536] of all 16-bit and float samples */
    struct un_finding *findings;
    int finding_count, finding_room;
    unet_survey_facts facts;
};

unet_code un_survey_open(const char *images, const char *masks, const unet_dataset_options *options,
                         const struct un_coding *coding,
                         int (*progress)(void *context, int done, int count), void *context,
                         unet_survey **survey, unet_error *err);
unet_code un_survey_dataset(const unet_dataset *dataset, const unet_cancel *cancel,
                            unet_survey **survey, unet_error *err);
void un_survey_item_release(struct un_survey_item *item);
void un_survey_free(unet_survey *survey);

unet_code un_survey_picture(const unet_survey *survey, int i, int side, const uint8_t (*colors)[3],
                            int color_count, unet_image *image, unet_image *overlay,
                            unet_error *err);

/* ---- findings ---- */

/* pair -1: of the set; file NULL: the image of the pair.  Copies text, which may be NULL. */
unet_code un_survey_report(unet_survey *survey, unet_severity severity, unet_finding_kind kind,
                           int pair, int other, const double number[4], const char *text,
                           unet_error *err);

/* A finding about a file that is in no pair, or about a pair's mask; why: its text and hints. */
unet_code un_survey_report_file(unet_survey *survey, unet_severity severity, unet_finding_kind kind,
                                int pair, const char *file, const unet_error *why, unet_error *err);

/* Why a pair's mask is of no use; kind: unless why is that it lies elsewhere than its image. */
unet_code un_survey_report_mask(unet_survey *survey, unet_finding_kind kind, int pair,
                                const unet_error *why, unet_error *err);
void un_survey_sort(unet_survey *survey);

/* ---- one pair ---- */

/*
 * mask [height][width] of class indices, or NULL.  Fills everything of item but name, and adds to
 * the histogram.  Several threads may measure items of one survey.
 */
unet_code un_survey_measure(unet_survey *survey, struct un_survey_item *item,
                            const unet_image *image, const uint8_t *mask, unet_error *err);

/* Pixels and looks of each class. */
unet_code un_survey_look(struct un_survey_item *item, const unet_image *image, const uint8_t *mask,
                         unet_error *err);

/* How long in widths its classes but 0 are, if they cover little; after un_survey_look(). */
double un_survey_strokes(const struct un_survey_item *item, const unet_image *image,
                         const uint8_t *mask);

/* The maps and the alignment.  dark, bright: grey values beyond which differences do not count. */
unet_code un_survey_align(const unet_image *image, const uint8_t *mask, double dark, double bright,
                          struct un_edge_maps *maps, struct un_alignment *align, unet_error *err);

/*
 * Bins of samples: an 8 or 16-bit sample is its bin, a float's are the upper 16 bits of its key
 * (see quantile.c).  Value of a bin; sample of rank floor(share * (n - 1)) of those that 65536 bins
 * count, of 8-bit samples the first 256.
 */
double un_survey_bin_value(unet_sample sample, uint32_t bin);
double un_survey_quantile(const uint64_t *bins, unet_sample sample, double share);

/* Sample i of an image as a number. */
static inline double un_sample_at(const unet_image *image, size_t i)
{
    return image->sample == UNET_U8    ? ((const uint8_t *)image->data)[i]
           : image->sample == UNET_U16 ? ((const uint16_t *)image->data)[i]
                                       : (double)((const float *)image->data)[i];
}

/* Mean of the channels of pixel i. */
static inline double un_grey_at(const unet_image *image, size_t i)
{
    double sum = 0;
    for (int c = 0; c < image->channels; c++)
        sum += un_sample_at(image, i * (size_t)image->channels + (size_t)c);
    return sum / image->channels;
}

/* ---- all pairs ---- */

/* Finds what the values of the masks, as given, mean, and reports those whose values do not fit. */
unet_code un_survey_find_coding(unet_survey *survey, const char *masks,
                                const unet_dataset_options *options, const struct un_coding *given,
                                unet_error *err);

unet_code un_judge_format(unet_survey *survey, unet_error *err);
unet_code un_judge_colors(unet_survey *survey, unet_error *err);
unet_code un_judge_classes(unet_survey *survey, unet_error *err);
unet_code un_judge_swapped(unet_survey *survey, unet_error *err);
unet_code un_judge_kinds(unet_survey *survey, unet_error *err); /* after un_judge_swapped() */
unet_code un_judge_strokes(unet_survey *survey, unet_error *err);
unet_code un_judge_apart(unet_survey *survey, unet_error *err);
unet_code un_judge_names(unet_survey *survey, unet_error *err);
unet_code un_judge_misplaced(unet_survey *survey, unet_error *err);
/* explained[files.count]: whose bad fit is because the mask lies turned or mirrored. */
unet_code un_judge_turned(unet_survey *survey, bool *explained, unet_error *err);
unet_code un_judge_twins(unet_survey *survey, unet_error *err);
/* Puts groups in one where an image of one is, or nearly is, one of the other. */
void un_survey_join_twins(const unet_survey *survey, int *group);

/* Median of values[count], which are put in order; NAN when there are none. */
double un_median(double *values, int count);

/* The only class of a mask, 0 also where nothing is labelled; -1: it has several. */
int un_survey_only_class(const struct un_survey_item *item);

/* Median, and 1.4826 times the median distance from it (which is sigma for normal values). */
struct un_middle {
    double median, spread;
};
struct un_middle un_middle(double *values, int count);

/*
 * Which images are neighbours in a sequence, a stack or a picture that was cut into tiles: the same
 * group[] for each of the survey's images (survey_sequences.c).
 */
unet_code un_survey_sequences(const unet_survey *survey, int *group, unet_error *err);

/* The name of an image, or its path. */
static inline const char *un_survey_name(const unet_survey *survey, int i)
{
    const struct un_survey_item *item = &survey->items[i];
    return item->name ? item->name : item->seen.image;
}

/* Puts the group of image i into that of image j (survey_parts.c). */
void un_survey_join(const unet_survey *survey, int *group, int i, int j);

/* Whether groups are pieces of many things, none with more than its share: these need no looks. */
static inline bool un_survey_are_pieces(int groups, int largest, int count)
{
    enum { MANY = 5 };
    return groups >= MANY && 2 * groups <= count && largest * MANY <= count;
}

/* |a - b|^2 of two arrays [n], which for thumbnails is 2 - 2 times their correlation
 * (survey_finding.c). */
double un_survey_apart(const float *a, const float *b, int n);

/* ---- survey_facts.c ---- */

/* Sets survey->facts when all pairs were looked at. */
void un_survey_find_facts(unet_survey *survey);

/* ---- survey_copies.c: names and looks of copies ---- */

/* Puts groups in one where an image of one is, by its name or turned, a copy of one of the other:
 * UNET_ENOMEM. */
unet_code un_survey_join_copies(const unet_survey *survey, int *group, unet_error *err);
/* Whether names end in a letter that counts (a, b of 1a, 1b, 2a, ...) in each of many things, which
 * are then group[]. */
bool un_survey_letters(const unet_survey *survey, int *group);
/* Whether the numbers at these places of a name are called a row and a column. */
bool un_survey_are_places(const char *text, int first, int second);

/* The inner halves of unet_survey_split() and unet_survey_fold(). */
unet_code un_survey_split(const unet_survey *survey, unet_dataset *dataset, double share,
                          uint64_t seed, unet_dataset **held_out, unet_error *err);
unet_code un_survey_fold(const unet_survey *survey, unet_dataset *dataset, int fold, int folds,
                         uint64_t seed, unet_dataset **held_out, unet_error *err);

/* The inner half of unet_finding_name(). */
const char *un_finding_name(unet_finding_kind kind);

#endif
