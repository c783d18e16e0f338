/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.c - the largest tile with which a prediction stays below a number of bytes
 *
 *     session(tile)                                  the network's maps, packed weights, one tile
 *     + window rows x width x pixel                  of the image, around one row of tiles
 *     + tile rows x width x answers                  mask 1, scores 4 a class; with sums twice
 *     + what reading takes
 *
 * The window is reckoned at its largest, an input tile's side.
 */
#include "predict/stream.h"

/* As in session.c, and smaller ones for those who have little memory. */
static const int choices[] = {1536, 1280, 1024, 768, 512, 384, 256, 192, 128, 96, 64, 32, 16};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t walk_bytes(const unet_model *model, const unet_page *page,
                           const unet_stream *stream, int out, int in, bool sums)
{
    const uint64_t classes = (uint64_t)model->graph.spec.classes, width = (uint64_t)page->width;
    uint64_t sample = un_sample_bytes(page->sample), height = (uint64_t)page->height;
    uint64_t rows_in = height < (uint64_t)in ? height : (uint64_t)in;
    uint64_t rows_out = height < (uint64_t)out ? height : (uint64_t)out;
    uint64_t answer =
        (stream->mask ? 1 : 0) +
        4 * classes * ((stream->logits ? 1 : 0) + (stream->probabilities ? 1 : 0) + (sums ? 1 : 0));
    return rows_in * width * (uint64_t)page->channels * sample + rows_out * width * answer +
           page->reading_bytes;
}

/* Bytes with a tile of this side. */
static unet_code reckon(const unet_model *model, const unet_session_options *options,
                        const unet_page *page, const unet_stream *stream, int side, uint64_t *bytes,
                        unet_error *err)
{
    unet_session_options wanted = *options;
    const unet_spec *spec = &model->graph.spec;
    bool sums = options->tta != UNET_TTA_NONE || !un_spec_local(spec);
    size_t session;
    int out, in;
    wanted.tile = side;
    unet_code code = un_session_foretell(model, &wanted, &session, err);
    if (code)
        return code;
    un_span_sides(spec, side, options->tta != UNET_TTA_NONE, &out, &in);
    *bytes = session + walk_bytes(model, page, stream, out, in, sums);
    return UNET_OK;
}

/* A network that sees whole images: the whole one as a tile. */
static int whole_side(const unet_page *page)
{
    return page->height > page->width ? page->height : page->width;
}

unet_code un_stream_plan(const unet_model *model, const unet_session_options *options,
                         const unet_page *page, const unet_stream *stream, uint64_t limit,
                         unet_memory_plan *plan, unet_error *err)
{
    unet_memory_plan made = {.tile = options->tile};
    bool local = un_spec_local(&model->graph.spec);
    unet_code code =
        reckon(model, options, page, stream, choices[COUNT(choices) - 1], &made.smallest, err);
    if (code)
        return code;
    if (options->tile || limit == 0 || !local) {
        int side = options->tile || local ? options->tile : whole_side(page);
        code = reckon(model, options, page, stream, side, &made.bytes, err);
        made.blended = !local && options->tile;
        if (code || limit == 0 || made.bytes <= limit || options->tile)
            goto settled;
        made.blended = true;
    }
    for (size_t i = 0; i < COUNT(choices); i++) {
        made.tile = choices[i];
        code = reckon(model, options, page, stream, made.tile, &made.bytes, err);
        if (!code && made.bytes <= limit) /* a tile too large to be planned is no obstacle */
            break;
    }
settled:
    if (code)
        return code;
    *plan = made;
    if (limit == 0 || made.bytes <= limit)
        return UNET_OK;
    return un_fail(err, UNET_ENOMEM, "%.0f MB wanted for this image, at least %.0f MB needed%s",
                   (double)limit / 1e6, (double)made.smallest / 1e6,
                   options->tile ? " (with a smaller tile)" : "");
}
