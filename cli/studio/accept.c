/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accept.c - a prediction becomes a stroke: of the whole image, a region, or one object
 *
 * What is already painted stays unless the person said otherwise; that is decided when the stroke
 * is drawn, not here.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "studio/labels/flood.h"
#include "studio/studio_inside.h"

enum { ACCEPT_PIXELS = 64 << 20, BAND_PIXELS = 4 << 20 };

struct accepting {
    struct studio *studio;
    int image;
    double sure;
};

/* Classes that are predicted surely enough; UNET_IGNORE elsewhere. */
static unet_code predict(void *context, struct studio_rect rect, uint8_t *classes, unet_error *err)
{
    const struct accepting *job = context;
    const size_t count = (size_t)rect.width * (size_t)rect.height;
    const double least = job->sure * 255;
    uint8_t *certainty = malloc(count);
    unet_code code =
        certainty ? live_predict_now(job->studio->live, job->image, rect, classes, certainty, err)
                  : set_error(err, UNET_ENOMEM, "not enough memory");

    for (size_t i = 0; i < count && !code; i++)
        if (certainty[i] < least)
            classes[i] = UNET_IGNORE;
    free(certainty);
    return code;
}

/* Leaves what is in a polygon. */
static unet_code cut(const struct stroke *region, struct studio_rect rect, uint8_t *classes,
                     unet_error *err)
{
    const size_t count = (size_t)rect.width * (size_t)rect.height;
    struct canvas inside = {rect, malloc(count)};
    int drawn = 0;

    if (inside.labels) {
        memset(inside.labels, 0, count);
        drawn = stroke_draw(region, &inside);
    }
    for (size_t i = 0; i < count && drawn; i++)
        if (!inside.labels[i])
            classes[i] = UNET_IGNORE;
    free(inside.labels);
    return drawn ? UNET_OK : set_error(err, UNET_ENOMEM, "not enough memory");
}

static unet_code accept_area(struct accepting *job, const struct stroke *region,
                             struct stroke *stroke, unet_error *err)
{
    const struct studio_rect all = stroke->rect;
    const int most = BAND_PIXELS / all.width, rows = most > STUDIO_TILE ? most : STUDIO_TILE;
    uint8_t *classes;
    unet_code code = UNET_OK;

    if ((int64_t)all.width * all.height > ACCEPT_PIXELS)
        return set_error(err, UNET_EINVAL,
                         "%d x %d pixels, at most 64 million are taken over at once", all.width,
                         all.height);
    classes = malloc((size_t)all.width * (size_t)rows);
    if (!classes)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    for (int y = all.y; y < all.y + all.height && !code; y += rows) {
        const struct studio_rect rect =
            rect_common(all, (struct studio_rect){all.x, y, all.width, rows});
        const size_t count = (size_t)rect.width * (size_t)rect.height;

        code = predict(job, rect, classes, err);
        if (!code && region)
            code = cut(region, rect, classes, err);
        if (!code && !stroke_runs_add_pixels(stroke, classes, count))
            code = set_error(err, UNET_EINVAL, "too many small pieces to be taken over at once");
    }
    free(classes);
    return code;
}

static unet_code accept_object(struct accepting *job, struct stroke *stroke, unet_error *err)
{
    const struct studio_image *image = &job->studio->project.images[job->image];
    const struct flood_source source = {image->height, image->width, predict, job};
    const int x = (int)floor(stroke->points[0] / (double)STROKE_UNIT);
    const int y = (int)floor(stroke->points[1] / (double)STROKE_UNIT);

    if (x < 0 || y < 0 || x >= image->width || y >= image->height)
        return set_error(err, UNET_EINVAL, "the point is not in the image");
    return flood(&source, x, y, 1, stroke, err);
}

unet_code accept_prediction(struct studio *studio, int image, struct stroke_wish *wish,
                            unet_error *err)
{
    const struct studio_image *what = &studio->project.images[image];
    struct accepting job = {studio, image, wish->sure};
    struct stroke *stroke = &wish->stroke, region;
    unet_code code;

    if (!studio->live)
        return set_error(err, UNET_ESTOPPED, "there is no network yet");
    stroke->rect = (struct studio_rect){0, 0, what->width, what->height};
    if (wish->what == ACCEPT_REGION)
        stroke_bound(stroke, what->height, what->width);
    if (!stroke->rect.width)
        return set_error(err, UNET_EINVAL, "nothing of it is in the image");
    region = *stroke;
    region.kind = STROKE_POLYGON;
    region.label = 1;
    if (wish->what == ACCEPT_OBJECT)
        code = accept_object(&job, stroke, err);
    else
        code = accept_area(&job, wish->what == ACCEPT_REGION ? &region : NULL, stroke, err);
    stroke->label = UNET_IGNORE;
    stroke->keep = (uint8_t)!wish->over;
    return code;
}
