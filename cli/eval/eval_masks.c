/* SPDX-License-Identifier: Apache-2.0 */
/* eval_masks.c - masks of any program instead of a model's predictions */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "eval/eval.h"
#include "shared/cli.h"
#include "shared/notes.h"
#include "shared/paths.h"
#include "shared/progress.h"

/* Whether image i of one set and of the other are named after each other: cell7, cell7_mask. */
static int check_names(const unet_dataset *truth, const unet_dataset *predicted, int i)
{
    const uint8_t *mask;
    const char *a, *b;
    const unet_image *one = unet_dataset_image(truth, i, &mask, &a);
    const unet_image *other = unet_dataset_image(predicted, i, &mask, &b);
    char *stem = path_stem(a), *other_stem = path_stem(b);
    int status = EXIT_DONE;

    if (!stem || !other_stem)
        status = fail_memory();
    else if ((!strstr(stem, other_stem) && !strstr(other_stem, stem)) ||
             one->height != other->height || one->width != other->width)
        status =
            fail_text("%s and %s: not sure that one is the other's mask; equal names wanted", a, b);
    free(stem);
    free(other_stem);
    return status;
}

static int is_same_place(const char *a, const char *b)
{
    struct stat x, y;

    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Whether a person said which mask is whose, by a pattern or a list. */
static int is_told(const struct eval_masks *given)
{
    struct stat status;

    return given->options.pair_image || (!stat(given->masks, &status) && !S_ISDIR(status.st_mode));
}

static int fail_open(const struct eval_masks *given, unet_error *err)
{
    if (is_same_place(given->predicted, given->masks))
        return fail_text("%s: --predicted and --masks are one folder, so each mask would be scored "
                         "against itself; the true masks wanted",
                         given->masks);
    return fail(err);
}

/* In one set the predicted masks are the images, in the other the masks; the pairs are the same. */
int eval_open_masks(const struct eval_masks *given, unet_dataset **truth, unet_dataset **predicted)
{
    unet_dataset_options data = given->options;
    unet_code code;
    unet_error err;

    data.predicted = 1;
    if (open_noting(given->predicted, given->masks, &data, given->quiet, truth, &err))
        return fail_open(given, &err);
    if (given->predicted_labels) {
        data.labels = given->predicted_labels;
        data.classes = unet_dataset_labels(*truth);
    } else {
        data.like = *truth;
        data.labels = NULL;
    }
    data.keep_masks = 1; /* both in the order of what was predicted */
    data.predicted = 2;
    code = unet_dataset_open(given->predicted, given->masks, &data, predicted, &err);
    if (code && err.hints & (UNET_HINT_ONLY_PAIRS | UNET_HINT_AS_STORED))
        return fail_open(given, &err);
    if (code)
        return fail_text("%s%s", err.text,
                         given->predicted_labels ? ""
                                                 : " (--predicted-labels says what predicted "
                                                   "values mean)");
    int count = unet_dataset_count(*truth), labels = unet_dataset_labels(*truth);

    if (unet_dataset_labels(*predicted) > labels || unet_dataset_count(*predicted) != count)
        return fail_text("%s: %d mask%s of %d classes; the truth has %d of %d", given->predicted,
                         unet_dataset_count(*predicted),
                         plural(unet_dataset_count(*predicted), "s"),
                         unet_dataset_labels(*predicted), count, labels);
    for (int i = 0; i < count && !is_told(given); i++) {
        int status = check_names(*truth, *predicted, i);

        if (status != EXIT_DONE)
            return status;
    }
    return EXIT_DONE;
}
