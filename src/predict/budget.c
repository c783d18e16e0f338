/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.c - the largest tile with which a prediction stays below a number of bytes
 *
 *     session(tile)                                  the network's maps, packed weights, one tile
 *     + window rows x width x pixel                  of the image, around one row of tiles
 *     + tile rows x width x answers                  mask 1, scores 4 a class; with sums twice,
 *                                                    and what blended rows of tiles share
 *     + what reading takes
 *
 * The window is reckoned at its largest, an input tile's side.  A network that sees whole images
 * has the image as its tile where that fits, with the sides that it has.
 */
#include "predict/session.h"

/* As in session.c, and smaller ones for those who have little memory. */
static const int choices[] = {1536, 1280, 1024, 768, 512, 384, 256, 192, 128, 96, 64, 32, 16};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t walk_bytes(const unet_model *model, const unet_page *page,
                           const unet_stream *stream, int out, int in, bool sums)
{
    const unet_spec *spec = &model->graph.spec;
    const uint64_t classes = (uint64_t)spec->classes, width = (uint64_t)page->width;
    uint64_t sample = un_sample_bytes(page->sample), height = (uint64_t)page->height;
    uint64_t rows_in = height < (uint64_t)in ? height : (uint64_t)in;
    uint64_t rows_out = height < (uint64_t)out ? height : (uint64_t)out;
    uint64_t answer =
        (stream->mask ? 1 : 0) + (stream->inner ? 1 : 0) +
        4 * classes * ((stream->logits ? 1 : 0) + (stream->probabilities ? 1 : 0)) +
        (sums ? 4 * (uint64_t)un_spec_outputs(spec) : 0) +
        (sums && !un_spec_local(spec) && rows_out < height ? (uint64_t)un_spec_outputs(spec) : 0);
    return rows_in * width * (uint64_t)page->channels * sample + rows_out * width * answer +
           page->reading_bytes;
}

/* How many times the arithmetic of an endless tile one takes: a tile's border is worked through,
 * too. */
static double work_of(int out, int in)
{
    return in > out ? (double)in / out * ((double)in / out) : 1;
}

/* What is asked for. */
struct wanted {
    const unet_model *model;
    const unet_session_options *options;
    const unet_page *page;
    const unet_stream *stream;
};

/* Bytes and work with a tile of this side; 0: of whole images the whole, else as sessions choose.
 */
static unet_code reckon(const struct wanted *wanted, int side, uint64_t *bytes, double *work,
                        unet_error *err)
{
    unet_session_options options = *wanted->options;
    const unet_spec *spec = &wanted->model->graph.spec;
    const unet_page *page = wanted->page;
    const bool sums = options.tta != UNET_TTA_NONE || !un_spec_local(spec) || spec->rims ||
                      (options.others && options.other_count > 0);
    size_t session;
    int sides[2];
    options.tile = side;
    unet_code code = un_session_foretell(wanted->model, &options, page->height, page->width,
                                         &session, sides, err);
    if (code)
        return code;
    *bytes = session + walk_bytes(wanted->model, page, wanted->stream, sides[0], sides[1], sums);
    *work = work_of(sides[0], sides[1]);
    return UNET_OK;
}

/* The smallest tile, and the smallest one that spends no more than this on its borders. */
#define USEFUL_WORK 4.0

static unet_code find_smallest(const struct wanted *wanted, unet_memory_plan *plan, unet_error *err)
{
    plan->useful = 0;
    for (size_t i = COUNT(choices); i-- > 0 && !plan->useful;) {
        uint64_t bytes;
        double work;
        unet_code code = reckon(wanted, choices[i], &bytes, &work, err);
        if (code)
            return code;
        if (!plan->smallest_work) {
            plan->smallest = bytes;
            plan->smallest_tile = choices[i];
            plan->smallest_work = work;
        }
        if (work <= USEFUL_WORK || i == 0) {
            plan->useful = bytes;
            plan->useful_tile = choices[i];
        }
    }
    return UNET_OK;
}

/* The largest tile below the limit; plan->bytes is that of the smallest when there is none. */
static unet_code find_largest(const struct wanted *wanted, uint64_t limit, unet_memory_plan *plan,
                              unet_error *err)
{
    unet_code code = UNET_OK;
    for (size_t i = 0; i < COUNT(choices); i++) {
        plan->tile = choices[i];
        code = reckon(wanted, plan->tile, &plan->bytes, &plan->work, err);
        if (!code && plan->bytes <= limit) /* a tile too large to be planned is no obstacle */
            break;
    }
    return code;
}

unet_code un_stream_plan(const unet_model *model, const unet_session_options *options,
                         const unet_page *page, const unet_stream *stream, uint64_t limit,
                         unet_memory_plan *plan, unet_error *err)
{
    const struct wanted wanted = {model, options, page, stream};
    const bool local = un_spec_local(&model->graph.spec);
    const int tile = options->tile;
    unet_memory_plan made = {.tile = tile};
    int side, input;
    unet_code code = find_smallest(&wanted, &made, err);
    if (code)
        return code;
    un_span_sides(&model->graph, tile, options->tta != UNET_TTA_NONE, &side, &input);
    made.blended = !local && tile && (page->height > side || page->width > side);
    if (tile || limit == 0 || !local)
        code = reckon(&wanted, tile, &made.bytes, &made.work, err);
    if (limit && !tile && (local || code || made.bytes > limit)) {
        /* a whole image that is too large to be planned leaves tiles of it */
        code = find_largest(&wanted, limit, &made, err);
        made.blended = !local;
    }
    if (code)
        return code;
    *plan = made;
    if (limit == 0 || made.bytes <= limit)
        return UNET_OK;
    char wished[24], needed[24];
    return un_fail(err, UNET_ENOMEM, "%s wanted for this image, at least %s needed%s",
                   un_bytes_text((double)limit, wished),
                   un_bytes_text((double)made.smallest, needed),
                   tile ? " (with a smaller tile)" : "");
}
