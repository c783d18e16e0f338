/* SPDX-License-Identifier: Apache-2.0 */
/* train_classes.c - whether images to train on and held-out images have the same classes,
 * and no image in common */
#include <stdio.h>
#include <string.h>

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

static size_t image_bytes(const unet_image *image)
{
    static const size_t bytes[] = {[UNET_U8] = 1, [UNET_U16] = 2, [UNET_F32] = 4, [UNET_U32] = 4};

    return (size_t)image->height * image->width * image->channels * bytes[image->sample];
}

static int same_image(const unet_image *a, const unet_image *b)
{
    return a->height == b->height && a->width == b->width && a->channels == b->channels &&
           a->sample == b->sample && !memcmp(a->data, b->data, image_bytes(a));
}

/* Images that are held out by a folder of their own and yet are among those trained on. */
static void tell_trained_on(const struct train_run *run)
{
    const int count = unet_dataset_count(run->validation);
    const char *held = NULL, *trained = NULL;
    int found = 0;

    for (int i = 0; i < count; i++) {
        const char *name, *other;
        const unet_image *image = unet_dataset_image(run->validation, i, NULL, &name);

        for (int j = 0; j < unet_dataset_count(run->dataset); j++) {
            if (!same_image(image, unet_dataset_image(run->dataset, j, NULL, &other)))
                continue;
            held = found ? held : name;
            trained = found++ ? trained : other;
            break;
        }
    }
    if (found)
        say(stderr,
            "warning  %d of %d image%s of --val-images %s trained on too (%s is %s), so the scores "
            "flatter\n",
            found, count, plural(count, "s"), found == 1 ? "is" : "are", held, trained);
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
    if (own)
        tell_trained_on(run);
    return EXIT_DONE;
}
