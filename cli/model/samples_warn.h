/* SPDX-License-Identifier: Apache-2.0 */
/* samples_warn.h - says when images have other samples than those that a model was trained on */
#ifndef SAMPLES_WARN_H
#define SAMPLES_WARN_H

#include "model/models.h"
#include "unet.h"

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

/* One line on stderr for each kind that a model was not trained on. */
void samples_warn(const struct sample_count *count, const struct models *models);

#endif
