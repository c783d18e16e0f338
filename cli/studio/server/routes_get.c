/* SPDX-License-Identifier: Apache-2.0 */
/* routes_get.c - what is looked at */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "studio/labels/label_tiles.h"
#include "studio/server/http.h"

enum { PIXELS = STUDIO_TILE * STUDIO_TILE };

static void reply_json(struct reply *reply, json_t *json)
{
    if (!json) {
        reply_failure(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "not enough memory");
        return;
    }
    reply->status = MHD_HTTP_OK;
    reply->json = json;
}

void get_project(struct request *request, struct reply *reply)
{
    reply_json(reply, studio_project(request->studio));
}

void get_scores(struct request *request, struct reply *reply)
{
    reply_json(reply, live_scores(request->studio->live));
}

void get_events(struct request *request, struct reply *reply)
{
    (void)request;
    reply->listen = 1;
}

void get_next(struct request *request, struct reply *reply)
{
    const char *why = "";
    int after = -1, image;

    if (!parameter_whole(request, "after", -1, studio_images(request->studio) - 1, &after)) {
        reply_failure(reply, MHD_HTTP_BAD_REQUEST, "after: the number of an image wanted");
        return;
    }
    image = live_next(request->studio->live, after, &why);
    reply_json(reply, json_pack("{so ss}", "id", image < 0 ? json_null() : json_integer(image),
                                "why", why));
}

/* ---- images ------------------------------------------------------------------------------ */

/* Which tile, which must be there; 0: told. */
struct place {
    int level, x, y;
    int width, height; /* of the tile */
};

static int find_place(const struct request *request, struct place *place, struct reply *reply)
{
    const struct studio_image *image = studio_image(request->studio, request->image);
    const int levels = picture_levels(image);
    int good;

    *place = (struct place){.level = -1, .x = -1, .y = -1};
    good = parameter_whole(request, "level", 0, levels - 1, &place->level) && place->level >= 0;
    const int width = good ? picture_side(image->width, place->level) : 0;
    const int height = good ? picture_side(image->height, place->level) : 0;
    good = good && parameter_whole(request, "x", 0, (width - 1) / STUDIO_TILE, &place->x) &&
           parameter_whole(request, "y", 0, (height - 1) / STUDIO_TILE, &place->y) &&
           place->x >= 0 && place->y >= 0;
    if (!good) {
        reply_failure(reply, MHD_HTTP_NOT_FOUND, "%s: no such tile", image->name);
        return 0;
    }
    const int right = width - place->x * STUDIO_TILE, below = height - place->y * STUDIO_TILE;
    place->width = right < STUDIO_TILE ? right : STUDIO_TILE;
    place->height = below < STUDIO_TILE ? below : STUDIO_TILE;
    return 1;
}

/* "0" or "0,1,2" */
static int read_channels(const struct request *request, struct picture_view *view)
{
    const char *text =
        MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "channels");

    while (text && *text) {
        char *end;
        const long channel = strtol(text, &end, 10);

        if (end == text || *text < '0' || *text > '9' || channel > 1023 || view->channels == 3 ||
            (*end && (*end != ',' || !end[1])))
            return 0;
        view->channel[view->channels++] = (int)channel;
        text = *end ? end + 1 : end;
    }
    return view->channels != 2;
}

static int read_view(const struct request *request, struct picture_view *view, struct reply *reply)
{
    int low, high, gamma;

    *view = (struct picture_view){.gamma = 1};
    if (!parameter_number(request, "low", &view->low, &low) ||
        !parameter_number(request, "high", &view->high, &high) ||
        !parameter_number(request, "gamma", &view->gamma, &gamma) || low != high ||
        !(view->gamma >= 0.1 && view->gamma <= 10) || !read_channels(request, view)) {
        reply_failure(reply, MHD_HTTP_BAD_REQUEST,
                      "low and high, gamma 0.1..10, channels 0 or 0,1,2 wanted");
        return 0;
    }
    view->given = low;
    return 1;
}

static void reply_tile(struct request *request, int level, int x, int y,
                       const struct picture_view *view, struct reply *reply)
{
    unet_error err = {0};
    int coarse = 0;
    const unet_code code = pictures_tile(request->studio->pictures, request->image, level, x, y,
                                         view, &reply->png, &coarse, &err);

    reply->status = MHD_HTTP_OK;
    reply->keep = !coarse;
    if (code)
        reply_error(reply, code, &err, MHD_HTTP_SERVICE_UNAVAILABLE);
}

void get_tile(struct request *request, struct reply *reply)
{
    struct picture_view view;
    struct place place;

    if (find_place(request, &place, reply) && read_view(request, &view, reply))
        reply_tile(request, place.level, place.x, place.y, &view, reply);
}

void get_thumb(struct request *request, struct reply *reply)
{
    const int level = picture_levels(studio_image(request->studio, request->image)) - 1;
    struct picture_view view;

    if (read_view(request, &view, reply))
        reply_tile(request, level, 0, 0, &view, reply);
}

static json_t *channel_json(const struct picture_channel *channel)
{
    json_t *bins = json_array();

    for (size_t i = 0; i < sizeof(channel->histogram) / sizeof(*channel->histogram); i++)
        json_array_append_new(bins, json_integer(channel->histogram[i]));
    return json_pack("{sf sf sf sf so}", "min", channel->min, "max", channel->max, "low",
                     channel->low, "high", channel->high, "histogram", bins);
}

void get_stats(struct request *request, struct reply *reply)
{
    const struct studio_image *image = studio_image(request->studio, request->image);
    struct picture_channel *channels;
    int so_far;
    unet_error err = {0};
    const unet_code code =
        pictures_stats(request->studio->pictures, request->image, &channels, &so_far, &err);
    json_t *list;

    if (code) {
        reply_error(reply, code, &err, MHD_HTTP_SERVICE_UNAVAILABLE);
        return;
    }
    list = json_array();
    for (int c = 0; c < image->channels; c++)
        json_array_append_new(list, channel_json(&channels[c]));
    free(channels);
    reply_json(reply, json_pack("{so}", "channels", list));
}

/* ---- labels and predictions -------------------------------------------------------------- */

/* Labels in the colours of their classes; what has none is transparent. */
static void reply_classes(struct request *request, const struct place *place, const uint8_t *labels,
                          struct reply *reply)
{
    struct studio_class classes[UNET_MAX_CLASSES];
    const int count = studio_classes(request->studio, classes, UNET_MAX_CLASSES);
    uint8_t rgb[256][3] = {{0}};

    for (int i = 0; i < count; i++)
        memcpy(rgb[i], classes[i].rgb, 3);
    reply->status = MHD_HTTP_OK;
    if (!png_indexed(labels, place->height, place->width, STUDIO_TILE, (const uint8_t(*)[3])rgb,
                     256, UNET_IGNORE, &reply->png))
        reply_failure(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "not enough memory");
}

void get_labels(struct request *request, struct reply *reply)
{
    struct studio *studio = request->studio;
    uint8_t labels[PIXELS];
    struct place place;
    unet_error err = {0};
    unet_code code;
    int painted = 0;

    if (!find_place(request, &place, reply))
        return;
    code = studio_load_labels(studio, request->image, &err);
    if (code) {
        reply_error(reply, code, &err, MHD_HTTP_SERVICE_UNAVAILABLE);
        return;
    }
    pthread_rwlock_rdlock(&studio->reading);
    if (studio->labels[request->image].map)
        painted = label_tiles_level(studio->labels[request->image].map, place.level, place.x,
                                    place.y, labels);
    pthread_rwlock_unlock(&studio->reading);
    if (painted)
        reply_classes(request, &place, labels, reply);
}

void get_prediction(struct request *request, struct reply *reply)
{
    uint8_t classes[PIXELS];
    struct place place;

    if (find_place(request, &place, reply) &&
        live_prediction(request->studio->live, request->image, place.level, place.x, place.y,
                        classes, NULL))
        reply_classes(request, &place, classes, reply);
}

void get_certainty(struct request *request, struct reply *reply)
{
    uint8_t certainty[PIXELS];
    struct place place;

    if (!find_place(request, &place, reply) ||
        !live_prediction(request->studio->live, request->image, place.level, place.x, place.y, NULL,
                         certainty))
        return;
    reply->status = MHD_HTTP_OK;
    if (!png_picture(certainty, place.height, place.width, 1, STUDIO_TILE, &reply->png))
        reply_failure(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "not enough memory");
}

/* ---- one pixel --------------------------------------------------------------------------- */

static json_t *samples_json(struct studio *studio, int image, struct studio_rect pixel)
{
    const struct studio_image *what = studio_image(studio, image);
    void *samples = malloc((size_t)what->channels * sizeof(float));
    json_t *list = json_array();

    if (samples && !studio_pixels(studio, image, pixel, samples, NULL))
        for (int c = 0; c < what->channels; c++) {
            const double value = what->sample == UNET_U8    ? ((uint8_t *)samples)[c]
                                 : what->sample == UNET_U16 ? ((uint16_t *)samples)[c]
                                                            : (double)((float *)samples)[c];

            json_array_append_new(list, isfinite(value) ? json_real(value) : json_null());
        }
    free(samples);
    return list;
}

static json_t *label_json(int label)
{
    return label == UNET_IGNORE ? json_null() : json_integer(label);
}

void get_value(struct request *request, struct reply *reply)
{
    struct studio *studio = request->studio;
    const struct studio_image *image = studio_image(studio, request->image);
    uint8_t label = UNET_IGNORE, classes[PIXELS], certainty[PIXELS];
    int x = -1, y = -1, predicted = UNET_IGNORE, at;

    if (!parameter_whole(request, "x", 0, image->width - 1, &x) ||
        !parameter_whole(request, "y", 0, image->height - 1, &y) || x < 0 || y < 0) {
        reply_failure(reply, MHD_HTTP_NOT_FOUND, "%s: no such pixel", image->name);
        return;
    }
    const struct studio_rect pixel = {x, y, 1, 1};
    studio_labels(studio, request->image, pixel, &label, NULL);
    at = y % STUDIO_TILE * STUDIO_TILE + x % STUDIO_TILE;
    if (live_prediction(studio->live, request->image, 0, x / STUDIO_TILE, y / STUDIO_TILE, classes,
                        certainty))
        predicted = classes[at];
    reply_json(
        reply,
        json_pack("{so so so so}", "samples", samples_json(studio, request->image, pixel), "label",
                  label_json(label), "prediction", label_json(predicted), "certainty",
                  predicted == UNET_IGNORE ? json_null() : json_real(certainty[at] / 255.0)));
}
