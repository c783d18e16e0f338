/* SPDX-License-Identifier: Apache-2.0 */
/* api_image.c - the public functions of unet_image.h: files by rows, and predictions that stream.
 * Each checks its arguments, then makes one call into the layers below. */
#include "api.h"

#include <math.h>

#include "base/known_files.h"
#include "base/ranks.h"
#include "data/set/channel_files.h"
#include "image/sink.h"
#include "predict/session.h"

int unet_known_file(const char *path, char *text, size_t size)
{
    return path && text && size && un_known_path(path, text, size);
}

int unet_image_name(const char *path)
{
    return path && un_image_name(path);
}

int unet_image_file(const char *path)
{
    return path && un_image_file(path);
}

unet_code unet_source_open(const char *path, unet_source **source, unet_error *err)
{
    if (!path || !source)
        return un_missing(err, !path ? "path" : "source");
    return un_source_open(path, source, err);
}

unet_code unet_join_channels(const char *channels, char **paths, int *count, unet_error *err)
{
    struct un_channels wanted;
    if (!paths || !count)
        return un_missing(err, !paths ? "paths" : "count");
    unet_code code = un_channels_parse(channels, &wanted, err);
    return code ? code : un_channel_files_join(&wanted, paths, count, err);
}

const char *unet_model_channels(const unet_model *model)
{
    return model->channels;
}

void unet_source_close(unet_source *source)
{
    un_source_close(source);
}

void unet_source_read_as(unet_source *source, int as_stored, int channels)
{
    source->manner = (struct un_manner){.as_stored = as_stored != 0, .with_alpha = channels};
}

unet_code unet_source_drops_alpha(unet_source *source, int page, int *drops, unet_error *err)
{
    if (!source || !drops)
        return un_missing(err, !source ? "source" : "drops");
    struct un_page found;
    double range[2] = {INFINITY, -INFINITY};
    unet_code code = un_source_page(source, page, &found, err);
    const bool has = !code && found.alpha && found.channels > 1;
    if (has)
        code = un_source_alpha(source, page, range, err);
    if (!code)
        *drops = has && range[1] > range[0];
    return code;
}

int unet_source_pages(const unet_source *source)
{
    return source->pages;
}

const char *unet_source_note(const unet_source *source)
{
    return source->note;
}

const char *unet_source_unread(const unet_source *source, int i, int *height, int *width)
{
    if (i < 0 || i >= source->unread_count)
        return NULL;
    if (height)
        *height = source->unread[i].height;
    if (width)
        *width = source->unread[i].width;
    return source->unread[i].what;
}

unet_code unet_source_page(unet_source *source, int page, unet_page *what, unet_error *err)
{
    struct un_page found;
    if (!source || !what)
        return un_missing(err, !source ? "source" : "what");
    unet_code code = un_source_page(source, page, &found, err);
    if (!code)
        un_page_describe(&found, what);
    return code;
}

unet_code unet_source_stored(unet_source *source, int page, char name[12], unet_error *err)
{
    static const char *const kinds[] = {"uint", "int", "float"}; /* enum un_kind */
    struct un_page found;
    if (!source || !name)
        return un_missing(err, !source ? "source" : "name");
    unet_code code = un_source_page(source, page, &found, err);
    if (!code)
        snprintf(name, 12, "%s%d", kinds[found.kind], found.bits);
    return code;
}

unet_code unet_source_checksum(unet_source *source, char text[65], unet_error *err)
{
    if (!source || !text)
        return un_missing(err, !source ? "source" : "text");
    return un_source_sum(source, text, err);
}

unet_code unet_source_read(unet_source *source, int page, int top, int rows, void *samples,
                           unet_error *err)
{
    struct un_page found;
    if (!source || !samples)
        return un_missing(err, !source ? "source" : "samples");
    unet_code code = un_source_page(source, page, &found, err);
    const struct un_rect rect = {top, 0, rows, un_page_upright_width(&found)};
    return code ? code : un_source_read(source, page, &found, rect, samples, err);
}

unet_code unet_source_read_part(unet_source *source, int page, int top, int left, int height,
                                int width, void *samples, unet_error *err)
{
    struct un_page found;
    if (!source || !samples)
        return un_missing(err, !source ? "source" : "samples");
    unet_code code = un_source_page(source, page, &found, err);
    const struct un_rect rect = {top, left, height, width};
    return code ? code : un_source_read(source, page, &found, rect, samples, err);
}

unet_code unet_writer_open(const char *path, uint64_t bytes, unet_writer **writer, unet_error *err)
{
    if (!path || !writer)
        return un_missing(err, !path ? "path" : "writer");
    return un_sink_open(path, bytes, writer, err);
}

static struct un_sink_page sink_page(const unet_writer_page *page)
{
    struct un_sink_page made = {.height = page->height,
                                .width = page->width,
                                .channels = page->channels,
                                .kind = page->sample == UNET_F32 ? UN_FLOAT : UN_UINT,
                                .bytes = (int)un_sample_bytes(page->sample),
                                .planar = page->planar,
                                .palette = page->colors,
                                .colors = page->color_count,
                                .pixel_height = page->pixel_height,
                                .pixel_width = page->pixel_width,
                                .picture = page->picture,
                                .pyramid = page->pyramid,
                                .pages = page->pages};
    snprintf(made.unit, sizeof made.unit, "%.*s", (int)sizeof page->unit, page->unit);
    return made;
}

unet_code unet_writer_begin(unet_writer *writer, const unet_writer_page *page, unet_error *err)
{
    if (!writer || !page)
        return un_missing(err, !writer ? "writer" : "page");
    unet_writer_page own;
    unet_code code = un_take_writer_page(page, &own, err);
    if (code)
        return code;
    if (own.colors && (own.color_count < 1 || own.color_count > 256))
        return un_fail(err, UNET_EINVAL, "%d colours, 1 to 256 wanted", own.color_count);
    struct un_sink_page wanted = sink_page(&own);
    if (own.like && (code = un_sink_like(&wanted, own.like, own.like_page, err)))
        return code;
    return un_sink_page(writer, &wanted, err);
}

unet_code unet_writer_rows(unet_writer *writer, const void *samples, int rows, unet_error *err)
{
    if (!writer || !samples)
        return un_missing(err, !writer ? "writer" : "samples");
    return un_sink_rows(writer, samples, rows, err);
}

unet_code unet_writer_commit(unet_writer *writer, unet_error *err)
{
    return writer ? un_sink_commit(writer, err) : un_missing(err, "writer");
}

void unet_writer_abort(unet_writer *writer)
{
    un_sink_abort(writer);
}

uint64_t unet_writer_bytes(const char *path, const unet_writer_page *page)
{
    unet_writer_page own;
    if (un_take_writer_page(page, &own, NULL))
        return 0;
    const struct un_sink_page wanted = sink_page(&own);
    return un_sink_working(path, &wanted);
}

unet_code unet_npy_write(const char *path, const float *data, int dims, const int *shape,
                         unet_error *err)
{
    if (!path || !data || !shape)
        return un_missing(err, !path ? "path" : !data ? "data" : "shape");
    return un_npy_write(path, data, dims, shape, err);
}

unet_code unet_overlay(const unet_image *image, const uint8_t *mask, const uint8_t (*colors)[3],
                       int color_count, float opacity, unet_image *overlay, unet_error *err)
{
    if (!image || !mask || !colors || !overlay)
        return un_missing(err, !image ? "image" : !mask ? "mask" : !colors ? "colors" : "overlay");
    if (color_count < 1 || color_count > 256)
        return un_fail(err, UNET_EINVAL, "%d colours, 1 to 256 wanted", color_count);
    return un_overlay(image, mask, colors, color_count, opacity, overlay, err);
}

unet_code unet_overlay_range(unet_source *source, int page, float range[2], unet_error *err)
{
    if (!source || !range)
        return un_missing(err, !source ? "source" : "range");
    return un_overlay_range(source, page, range, err);
}

unet_code unet_overlay_rows(const unet_image *image, const uint8_t *mask, const uint8_t *above,
                            const uint8_t *below, const uint8_t (*colors)[3], int color_count,
                            float opacity, const float range[2], uint8_t *rgb, unet_error *err)
{
    if (!image || !mask || !colors || !range || !rgb)
        return un_missing(err, !image    ? "image"
                               : !mask   ? "mask"
                               : !colors ? "colors"
                               : !range  ? "range"
                                         : "rgb");
    if (color_count < 1 || color_count > 256)
        return un_fail(err, UNET_EINVAL, "%d colours, 1 to 256 wanted", color_count);
    const struct un_overlay overlay = {.image = image,
                                       .mask = mask,
                                       .above = above,
                                       .below = below,
                                       .colors = colors,
                                       .color_count = color_count,
                                       .opacity = opacity,
                                       .range = {range[0], range[1]}};
    return un_overlay_draw(&overlay, rgb, err);
}

unet_code unet_predict_all(unet_session *session, const unet_image *image,
                           const unet_answers *answers, unet_error *err)
{
    if (!session || !image || !image->data || !answers)
        return un_missing(err, !session ? "session" : !image || !image->data ? "image" : "answers");
    const unet_view view = un_view_of(image);
    return unet_predict_view(session, &view, answers, err);
}

unet_code unet_predict_stream(unet_session *session, unet_source *source, int page,
                              const unet_stream *stream, unet_error *err)
{
    if (!session || !source || !stream || !stream->band)
        return un_missing(err, !session ? "session" : !source ? "source" : "band function");
    unet_page what;
    unet_stream own;
    unet_code code = un_take_stream(stream, &own, err);
    if (!code)
        code = un_ranks_check(own.ranks, err);
    if (!code)
        code = unet_source_page(source, page, &what, err);
    if (!code)
        code = un_session_check(session, what.sample, what.prepared, source->name, err);
    return code ? code : un_session_stream(session, source, page, &own, err);
}

unet_code unet_session_rows(unet_session *session, int height, int width, int *rows,
                            unet_error *err)
{
    if (!session || !rows)
        return un_missing(err, !session ? "session" : "rows");
    if (height < 1 || width < 1)
        return un_fail(err, UNET_EINVAL, "%d x %d pixels, 1 or more wanted", height, width);
    return un_session_count_rows(session, height, width, rows, err);
}

unet_code unet_plan_memory(const unet_model *model, const unet_session_options *options,
                           const unet_page *page, const unet_stream *stream, uint64_t limit,
                           unet_memory_plan *plan, unet_error *err)
{
    if (!model || !page || !stream || !plan)
        return un_missing(err, !model ? "model" : !page ? "page" : !stream ? "stream" : "plan");
    unet_session_options own;
    unet_stream own_stream;
    unet_code code = un_take_session_options(options, &own, err);
    if (code || (code = un_take_stream(stream, &own_stream, err)))
        return code;
    return un_stream_plan(model, &own, page, &own_stream, limit, plan, err);
}
