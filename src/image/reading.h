/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reading.h - from the samples of an image to the network's input
 *
 * Positions outside of an image are mirrored without repeating the edge pixel: -1 is 1, H is H - 2.
 */
#ifndef UN_READING_H
#define UN_READING_H

#include "image/image.h"

/*
 * How a sample becomes the network's input: (sample - offset) * scale.  8-bit samples always use
 * offset 0, scale 1/255; 16-bit and float ones use these values, found in the training images (the
 * 0.1 and 99.9 percentiles go to 0 and 1) and stored in the model; before any training 16-bit uses
 * 0 and 1/65535, float 0 and 1.
 *
 * Dim 8-bit samples, of which 99 of 100 lie in the lowest quarter, are scaled as 16-bit ones are,
 * where all of a training were 8-bit ones: dim_scale is not 0 then.
 *
 * Samples that are the fill are no data: the network sees 0 there, and they count in no statistics.
 *
 * per_image: instead of all that, each image is brought to mean 0 and variance 1 over its samples;
 * apart: each of its channels by itself.
 *
 * clips: samples below low or above high count as these.
 *
 * centred > 0: what comes of all that, x, goes in as (x - means[c]) / deviations[c], as networks
 * want it that began with weights of ImageNet; of so many channels, and not with per_image.
 */
enum { UN_READING_CHANNELS = 64 }; /* most that a network has */

struct un_scaling {
    bool set; /* false: the defaults above */
    bool per_image;
    float offset, scale;
    float dim_offset, dim_scale; /* of 8-bit samples; dim_scale 0: 0 and 1/255 */
    struct un_fill fill;
    unsigned trained_on; /* UN_SAMPLES_.. of samples.h; 0: not known */
    bool apart, clips;
    float low, high;
    int centred;
    float means[UN_READING_CHANNELS], deviations[UN_READING_CHANNELS];
};

/* Whether 8-bit samples with these 0.1 and 99 percentiles are dim. */
static inline bool un_is_dim(float low, float high)
{
    return high < 64 && high > low;
}

/* What one sample of an image is for the network; see struct un_scaling. */
struct un_reading {
    unet_view view;      /* the image: all of it, or some of its rows */
    int top, height;     /* the first row that view has; the rows of all of it */
    int channels;        /* of the network; an image of another count is read as its grey */
    float offset, scale; /* apart: those of the first channel, before it is centred */
    struct un_fill fill;
    bool apart, clips;
    float low, high;
    float offsets[UN_READING_CHANNELS], scales[UN_READING_CHANNELS]; /* apart: of each channel */
};

/*
 * Whether a network of `channels` can take this image: the same count, a grey image (replicated),
 * or for channels = 1 an image whose channels are all equal.  UNET_EINVAL: "name: 3 channels, the
 * model takes 1".
 */
unet_code un_reading_check(unet_view image, const char *name, int channels, unet_error *err);

/* What a scaling does, in words; cut at size bytes. */
void un_scaling_text(const struct un_scaling *scaling, char *text, size_t size);

/* scaling may be NULL: the defaults for the sample type.  image is all of it; with
 * scaling->per_image all its samples are looked at. */
struct un_reading un_reading_of(unet_view image, int channels, const struct un_scaling *scaling);

/* Whether a channel of this pixel of the image is fill. */
bool un_pixel_is_fill(const struct un_reading *reading, int y, int x);

/* Mirrors position i into 0..n-1. */
int un_mirror(int i, int n);

/* Of all samples together, or (apart) of each channel: how many there are that are no fill, their
 * sum, and the sum of their squared distances from a mean. */
struct un_moments_of {
    double count[UN_READING_CHANNELS], sum[UN_READING_CHANNELS], squares[UN_READING_CHANNELS];
};

/* Adds those of a part of an image, in the order of its samples: first counts and sums of all
 * parts, then squares; what per_image needs when an image comes in parts. */
void un_tile_sum(unet_view part, struct un_fill fill, bool apart, struct un_moments_of *all);
void un_tile_squares(unet_view part, struct un_fill fill, bool apart, struct un_moments_of *all);

/* Sets the offsets and scales that bring samples of these to mean 0 and variance 1. */
void un_reading_standardize(struct un_reading *reading, bool apart,
                            const struct un_moments_of *all);

/* The rectangle at (top, left), which may lie beyond the image, as [height][width][channels]; the
 * rows that it needs are there. */
void un_tile_read(const struct un_reading *reading, int top, int left, int height, int width,
                  float *tile);

#endif
