/* SPDX-License-Identifier: Apache-2.0 */
#include "model/models.h"

#include <stdio.h>
#include <string.h>

#include "shared/say.h"
#include "unet_exchange.h"

/* A distance at which samples of another kind are on the scale of the training after all. */
#define VALUES_FIT 0.25

/* The kind of samples that are prepared: the one after all others. */
#define PREPARED (SAMPLE_KINDS - 1)

unsigned samples_bit(unet_sample sample, int prepared)
{
    return 1u << (prepared ? PREPARED : (int)sample);
}

void samples_count(struct sample_count *count, unsigned bits, const char *name)
{
    count->images++;
    for (int k = 0; k < SAMPLE_KINDS; k++)
        if (bits >> k & 1 && !count->kind[k].images++)
            count->kind[k].first = name;
}

/* What the first model that minds says of a kind; 0: none does. */
static int minds(const struct models *models, int k, unet_error *err)
{
    unet_sample sample = k == PREPARED ? UNET_F32 : (unet_sample)k;

    for (size_t m = 0; m < models->files.count; m++)
        if (unet_model_check_samples(models->list[m], sample, k == PREPARED, err))
            return 1;
    return 0;
}

void samples_warn(const struct sample_count *count, const struct values_count *values,
                  const struct models *models)
{
    const unsigned fitting = values->fitting & ~values->other;

    unet_error err;

    for (int k = 0; k < SAMPLE_KINDS; k++) {
        int images = count->kind[k].images;

        if (!images || fitting >> k & 1 || !minds(models, k, &err))
            continue;
        say(stderr, "warning: %s", count->kind[k].first);
        if (images > 1)
            say(stderr, " and %d more of %d images", images - 1, count->images);
        say(stderr, ": %s; if values are on another scale, its answers are wrong\n", err.text);
    }
}

/* Whether what is said is that a value is no data, and the person has told so. */
static int is_told(const struct values_count *count, const char *text)
{
    char words[64];

    if (!count->fill)
        return 0;
    snprintf(words, sizeof(words), "give %.30s as its fill", count->fill);
    return strstr(text, words) != NULL;
}

double values_look(struct values_count *count, const struct models *models, unet_source *source,
                   const unet_image *image, unsigned bits, const char *name)
{
    double farthest = -1;
    int fits = 1;

    for (size_t m = 0; m < models->files.count; m++) {
        const unet_model *model = models->list[m];
        double far = 0;
        char text[sizeof(count->text)];
        unet_code code =
            source ? unet_model_check_page(model, source, 0, &far, text, sizeof(text), NULL)
                   : unet_model_check_values(model, image, &far, text, sizeof(text), NULL);

        fits = fits && !code && far >= 0 && far < VALUES_FIT;
        if (code || far <= farthest || is_told(count, text))
            continue;
        farthest = far;
        if (far >= 1 && !count->far) {
            snprintf(count->first, sizeof(count->first), "%s", name);
            snprintf(count->text, sizeof(count->text), "%s", text);
        }
    }
    count->looked_at++;
    *(fits ? &count->fitting : &count->other) |= bits;
    count->far += farthest >= 1;
    return farthest;
}

void values_warn(const struct values_count *count)
{
    if (!count->far)
        return;
    say(stderr, "warning: %s", count->first);
    if (count->far > 1)
        say(stderr, " and %d more of %d images that were looked at", count->far - 1,
            count->looked_at);
    say(stderr, ": %s%s; the answers are not to be trusted\n", count->text,
        strstr(count->text, "as its fill") ? " (--fill)" : "");
}
