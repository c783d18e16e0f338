/* SPDX-License-Identifier: Apache-2.0 */
/* routes.c - which address is answered by which function */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "studio/server/http.h"

static const struct route {
    int of_image;
    const char *name;
    route_function *get, *post;
} routes[] = {
    {0, "project", get_project, NULL},     {0, "next", get_next, NULL},
    {0, "scores", get_scores, NULL},       {0, "events", get_events, NULL},
    {0, "classes", NULL, post_classes},    {0, "training", NULL, post_training},
    {0, "view", NULL, post_view},          {0, "settings", NULL, post_settings},
    {0, "export", NULL, post_export},      {1, "tile", get_tile, NULL},
    {1, "thumb", get_thumb, NULL},         {1, "stats", get_stats, NULL},
    {1, "labels", get_labels, NULL},       {1, "prediction", get_prediction, NULL},
    {1, "certainty", get_certainty, NULL}, {1, "value", get_value, NULL},
    {1, "strokes", NULL, post_strokes},    {1, "undo", NULL, post_undo},
    {1, "redo", NULL, post_redo},
};

/* "images/12/tile": 12 and "tile".  An ID is digits as the server writes them. */
static const char *after_image(const struct studio *studio, const char *path, int *image)
{
    static const char before[] = "images/";
    const char *digits = path + sizeof(before) - 1;
    size_t count;

    if (strncmp(path, before, sizeof(before) - 1))
        return NULL;
    count = strspn(digits, "0123456789");
    if (!count || count > 9 || digits[count] != '/' || (*digits == '0' && count > 1))
        return NULL;
    *image = atoi(digits);
    return *image < studio_images(studio) ? digits + count + 1 : NULL;
}

static const struct route *find(const struct studio *studio, const char *path, int *image)
{
    static const char api[] = "/api/";
    const char *name;

    *image = -1;
    if (strncmp(path, api, sizeof(api) - 1))
        return NULL;
    path += sizeof(api) - 1;
    name = after_image(studio, path, image);
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
        if (routes[i].of_image ? name && !strcmp(routes[i].name, name)
                               : !strcmp(routes[i].name, path))
            return &routes[i];
    return NULL;
}

int route_methods(const struct studio *studio, const char *path)
{
    int image;
    const struct route *row = find(studio, path, &image);

    return row ? (row->get ? ROUTE_GET : 0) | (row->post ? ROUTE_POST : 0) : 0;
}

void route(struct request *request, const char *path, int post, struct reply *reply)
{
    const struct route *row = find(request->studio, path, &request->image);

    (post ? row->post : row->get)(request, reply);
}

/* ---- what the functions share ------------------------------------------------------------ */

void reply_failure(struct reply *reply, int status, const char *format, ...)
{
    char words[640];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    reply->status = status;
    reply->json = json_pack("{so}", "error", json_path(words)); /* may have a name */
}

void reply_error(struct reply *reply, unet_code code, const unet_error *err, int stopped)
{
    static const int statuses[] = {
        [UNET_EINVAL] = MHD_HTTP_BAD_REQUEST,
        [UNET_ENOMEM] = MHD_HTTP_SERVICE_UNAVAILABLE,
        [UNET_EIO] = MHD_HTTP_INTERNAL_SERVER_ERROR,
        [UNET_EFORMAT] = MHD_HTTP_INTERNAL_SERVER_ERROR,
        [UNET_EDEVICE] = MHD_HTTP_INTERNAL_SERVER_ERROR,
    };

    reply_failure(reply, code == UNET_ESTOPPED ? stopped : statuses[code], "%s", err->text);
}

/* JSON's numbers are the decimal ones that we want, in no locale. */
static json_t *number_of(const struct request *request, const char *name, int *given)
{
    const char *text =
        MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
    json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    *given = text != NULL;
    if (value && !json_is_number(value)) {
        json_decref(value);
        value = NULL;
    }
    return value;
}

int parameter_whole(const struct request *request, const char *name, int low, int high, int *value)
{
    int given, good;
    json_t *number = number_of(request, name, &given);

    good = !given || (json_is_integer(number) && json_integer_value(number) >= low &&
                      json_integer_value(number) <= high);
    if (number && good)
        *value = (int)json_integer_value(number);
    json_decref(number);
    return good;
}

int parameter_number(const struct request *request, const char *name, double *value, int *given)
{
    json_t *number = number_of(request, name, given);
    const int good = !*given || (number && isfinite(json_number_value(number)));

    if (number && good)
        *value = json_number_value(number);
    json_decref(number);
    return good;
}
