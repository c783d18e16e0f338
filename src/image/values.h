/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values.h - what values the images of a training had, and how far those of another one lie from
 * them
 *
 * An image is three numbers for each channel, as the network takes it: its 1, 50 and 99
 * percentiles. Of a training, the smallest and largest of each are kept.  An image is as far from
 * it as its values lie beyond these, measured in the widest contrast that an image of the training
 * had:
 *
 *     two of the three beyond by 0.18, values darker or brighter than all by 1, or faint ones that
 * are all on one side of every image's middle: distance 1
 *
 * So is an image of which much more is at its lowest or its highest value than of any of the
 * training: a field of view, a frame, a white page around it.
 *
 * One percentile alone says little: an image without a cell in it has no bright values.  Halves of
 * six public sets lie within 0.7 of the other halves; a quarter of the brightness is 1 to 3, 255
 * times the values 100 and more.
 */
#ifndef UN_VALUES_H
#define UN_VALUES_H

#include "image/pixel_size.h"
#include "image/reading.h"

enum { UN_VALUES_CHANNELS = 16 }; /* those beyond are not looked at */

/* The percentiles, in this order. */
enum { UN_VALUES_LOW, UN_VALUES_MIDDLE, UN_VALUES_HIGH, UN_VALUES };

struct un_values {
    int channels;
    float at[UN_VALUES][UN_VALUES_CHANNELS];
    float offset, scale; /* that made them of the image's samples */
    float mean, spread;  /* of all of them */
    float flat[2];       /* share of the pixels that are at the lowest value of all channels, at the
                            highest; 0 where these are one */
    float end[2];        /* that value in the first channel */
    struct un_size size; /* of the pixels, for who knows it */
};

/* What is kept of a training; images 0: nothing. */
struct un_seen {
    int images, channels;
    float least[UN_VALUES][UN_VALUES_CHANNELS], most[UN_VALUES][UN_VALUES_CHANNELS];
    float widest[UN_VALUES_CHANNELS]; /* from the 1 to the 99 percentile of one image */
    float lean[2]; /* smallest and largest: how much farther the 99 percentile is from the middle
                      than the 1 percentile, -1..1 */
    float size[3]; /* of pixels: un_size_kind, smallest, largest; kind 0: not known */
    float flat[2]; /* the largest share of pixels at one image's lowest value, highest; 1: not known
                    */
};

/* Looks at up to 8192 pixels of the rows that the reading has.  UNET_ENOMEM. */
unet_code un_values_of(const struct un_reading *reading, struct un_values *values, unet_error *err);

/* Where the middle lies between the ends, over all channels: -1..1. */
float un_values_lean(const struct un_values *values);

void un_seen_add(struct un_seen *seen, const struct un_values *values);

/* Adds what another training saw; of another count of channels, it replaces it. */
void un_seen_join(struct un_seen *seen, const struct un_seen *more);

/*
 * The distance; -1: nothing is known; from 1 on text says why: "values of 24 to 133, in the
 * training 0.09 to 0.52". prepared: the image was, for a model that takes images of mean 0 and
 * variance 1.
 */
double un_values_distance(const struct un_seen *seen, const struct un_values *values, bool prepared,
                          char *text, size_t size);

/* Those of a page, from evenly spaced rows of it. */
unet_code un_values_of_page(struct unet_source *source, int page, int channels,
                            const struct un_scaling *scaling, struct un_values *values,
                            unet_error *err);

#endif
