/* SPDX-License-Identifier: Apache-2.0 */
/* train_classes.c - whether images to train on and held-out images have the same classes */
#include <stdio.h>

#include "shared/progress.h"
#include "shared/say.h"
#include "train/train_run.h"

/* Lists the classes that one set has and the other has not into text; returns how many. */
static int list_missing(const uint64_t *has, const uint64_t *lacks, char *text, size_t size)
{
    int count = 0;
    size_t used = 0;

    *text = '\0';
    for (int k = 0; k < UNET_MAX_CLASSES; k++) {
        if (!has[k] || lacks[k])
            continue;
        if (used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%d", count ? ", " : "", k);
        count++;
    }
    return count;
}

static int count_classes(const uint64_t *pixels)
{
    int count = 0;

    for (int k = 0; k < UNET_MAX_CLASSES; k++)
        count += pixels[k] > 0;
    return count;
}

int train_classes_check(const struct train_run *run)
{
    uint64_t here[UNET_MAX_CLASSES], there[UNET_MAX_CLASSES];
    const int own = run->settings->val_images != NULL;
    char text[128];
    int missing;

    if (!run->validation)
        return EXIT_DONE;
    unet_dataset_class_pixels(run->dataset, here);
    unet_dataset_class_pixels(run->validation, there);
    missing = list_missing(there, here, text, sizeof(text));
    if (missing && count_classes(here) < 2)
        return fail_text("%s: the %d image%s to train on %s one class alone, and class %s is in "
                         "held-out images only: %s",
                         run->settings->images, unet_dataset_count(run->dataset),
                         plural(unet_dataset_count(run->dataset), "s"),
                         unet_dataset_count(run->dataset) == 1 ? "has" : "have", text,
                         own ? "masks that show it are wanted"
                             : "another --seed draws others, --val-share 0 holds none out");
    if (run->settings->common.quiet)
        return EXIT_DONE;
    if (missing)
        say(stderr, "warning  class %s is in held-out images only, so it is not learned\n", text);
    if (list_missing(here, there, text, sizeof(text)))
        say(stderr,
            "warning  no held-out image has class %s, so no score tells how it is found%s\n", text,
            own ? "" : "; another --seed draws others");
    return EXIT_DONE;
}
