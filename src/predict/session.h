/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - a model ready to predict images of any size, by overlap-tile
 *
 * Output tiles start at multiples of the network's grid.  Unpadded: the input tile is a border
 * larger on each side, real neighbours inside the image and mirrored pixels beyond its edge.
 * Padded: the input tile is as much larger as the receptive field reaches, but ends at the image's
 * edge, where the network pads with zeros just as it would for the whole image.  Either way each
 * output pixel is computed from the same numbers whatever the tile; with options->exact also in the
 * same order, so that it has the same bits.
 *
 * That holds for networks that look at a neighbourhood (un_spec_local()).  Where a norm takes its
 * statistics from the image, or an interpolation stretches over all of it, only the whole image as
 * one tile gives what the network is meant to give.  Unless a tile was asked for, the session then
 * grows to the largest image it meets.
 */
#ifndef UN_SESSION_H
#define UN_SESSION_H

#include "data/image.h"
#include "model/model.h"
#include "net/run.h"

struct unet_session {
    const unet_model *model;
    struct un_engine *engine;
    struct un_network network;
    struct un_geometry geometry;
    bool whole;        /* no tile was asked for, and the network sees the whole image at once */
    int tile;          /* output side of a full tile */
    int height, width; /* its input sides */
    float *pixels;     /* [height][width][channels] */
    float *logits;     /* [output][output][classes] */
    uint8_t *labels;   /* [output][output]; engine memory unless that is host memory */
    uint8_t *mask;     /* [output][output] on the host */
};

unet_code un_session_create(const unet_model *model, const unet_session_options *options,
                            unet_session **session, unet_error *err);
void un_session_free(unet_session *session);
size_t un_session_bytes(const unet_session *session);

/* Bytes of a session besides its network, for inputs of so many pixels. */
size_t un_session_extra_bytes(const unet_spec *spec, size_t pixels);

/* After the model's weights have changed. */
void un_session_refresh(unet_session *session);

/* name: of the image, for messages; NULL: the caller adds it. */
unet_code un_session_predict(unet_session *session, const unet_image *image, const char *name,
                             const unet_answers *answers, unet_error *err);

#endif
