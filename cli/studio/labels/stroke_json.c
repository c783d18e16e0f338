/* SPDX-License-Identifier: Apache-2.0 */
/* stroke_json.c - what a page asks for, checked member by member */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "studio/labels/stroke.h"

#define MOST_PLACE 2097152.0 /* pixels; points may lie outside of the image, but not anywhere */

struct tool {
    const char *name;
    enum stroke_tool tool;
    enum stroke_kind kind;
    int least, most; /* points */
    int labels;      /* 1: has a class; 2: which may be null */
    int radius;
};
static const struct tool tools[] = {
    {"brush", TOOL_BRUSH, STROKE_LINE, 1, STROKE_POINTS, 1, 1},
    {"erase", TOOL_ERASE, STROKE_LINE, 1, STROKE_POINTS, 0, 1},
    {"polygon", TOOL_POLYGON, STROKE_POLYGON, 3, STROKE_POINTS, 2, 0},
    {"fill", TOOL_FILL, STROKE_RUNS, 1, 1, 2, 0},
    {"accept", TOOL_ACCEPT, STROKE_RUNS, 0, 0, 0, 0},
};
/* of accept */
static const struct tool parts[] = {
    {"image", TOOL_ACCEPT, STROKE_RUNS, 0, 0, 0, 0},
    {"region", TOOL_ACCEPT, STROKE_RUNS, 3, STROKE_POINTS, 0, 0},
    {"object", TOOL_ACCEPT, STROKE_RUNS, 1, 1, 0, 0},
};

static const struct tool *find(const struct tool *table, size_t count, const json_t *name)
{
    for (size_t i = 0; i < count && json_is_string(name); i++)
        if (!strcmp(table[i].name, json_string_value(name)))
            return &table[i];
    return NULL;
}

int stroke_read_client(const json_t *body, struct stroke *stroke, unet_error *err)
{
    const json_t *client = json_object_get(body, "client"), *seq = json_object_get(body, "seq");
    const char *name = json_is_string(client) ? json_string_value(client) : "";
    const size_t length = json_is_string(client) ? json_string_length(client) : 0;

    if (length < 8 || length > STROKE_CLIENT ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != length)
        return !set_error(err, UNET_EINVAL,
                          "client: 8 to 32 characters of A-Z, a-z, 0-9, _ and - wanted");
    if (!json_is_integer(seq) || json_integer_value(seq) < 1)
        return !set_error(err, UNET_EINVAL, "seq: a whole number from 1 on wanted");
    memcpy(stroke->client, name, length + 1);
    stroke->seq = json_integer_value(seq);
    return 1;
}

static int read_label(const json_t *body, const struct tool *tool, int classes,
                      struct stroke *stroke, unet_error *err)
{
    const json_t *label = json_object_get(body, "class");

    stroke->label = UNET_IGNORE;
    if (!tool->labels || (tool->labels == 2 && json_is_null(label)))
        return 1;
    if (!json_is_integer(label) || json_integer_value(label) < 0 ||
        json_integer_value(label) >= classes)
        return !set_error(err, UNET_EINVAL, "class: a number 0..%d wanted", classes - 1);
    stroke->label = (uint8_t)json_integer_value(label);
    return 1;
}

static int read_radius(const json_t *body, struct stroke *stroke, unet_error *err)
{
    const json_t *radius = json_object_get(body, "radius");
    const double value = json_is_number(radius) ? json_number_value(radius) : 0;

    if (!(value >= 0.5 && value <= 2048))
        return !set_error(err, UNET_EINVAL, "radius: 0.5 to 2048 pixels wanted");
    stroke->radius = (int)lround(value * STROKE_UNIT);
    return 1;
}

static int read_points(const json_t *body, const struct tool *tool, struct stroke *stroke,
                       unet_error *err)
{
    const json_t *points = json_object_get(body, "points"), *value;
    const size_t numbers = json_is_array(points) ? json_array_size(points) : 0;
    size_t i;

    if (!tool->most)
        return 1;
    if (numbers % 2 || numbers / 2 < (size_t)tool->least || numbers / 2 > (size_t)tool->most)
        return !set_error(err, UNET_EINVAL, "points: %zu numbers, %d to %d wanted, x before y",
                          numbers, 2 * tool->least, 2 * tool->most);
    stroke->points = malloc(numbers * sizeof(*stroke->points));
    if (!stroke->points)
        return !set_error(err, UNET_ENOMEM, "not enough memory");
    stroke->count = (int)(numbers / 2);
    json_array_foreach(points, i, value)
    {
        const double place = json_is_number(value) ? json_number_value(value) : NAN;

        if (!(fabs(place) <= MOST_PLACE))
            return !set_error(err, UNET_EINVAL, "points: number %zu is none, or far outside", i);
        stroke->points[i] = (int32_t)lround(place * STROKE_UNIT);
    }
    return 1;
}

static int read_accept(const json_t *body, const struct tool **tool, struct stroke_wish *wish,
                       unet_error *err)
{
    const json_t *sure = json_object_get(body, "sure"), *over = json_object_get(body, "over");
    const struct tool *part =
        find(parts, sizeof(parts) / sizeof(*parts), json_object_get(body, "what"));

    if (!part)
        return !set_error(err, UNET_EINVAL, "what: \"image\", \"region\" or \"object\" wanted");
    wish->what = (enum accept_what)(part - parts);
    wish->sure = json_is_number(sure) ? json_number_value(sure) : 0;
    if ((sure && !json_is_number(sure)) || !(wish->sure >= 0 && wish->sure <= 1))
        return !set_error(err, UNET_EINVAL, "sure: 0 to 1 wanted");
    if (over && !json_is_boolean(over))
        return !set_error(err, UNET_EINVAL, "over: true or false wanted");
    wish->over = json_is_true(over);
    *tool = part;
    return 1;
}

int stroke_read(const json_t *body, int classes, struct stroke_wish *wish, unet_error *err)
{
    const struct tool *tool =
        find(tools, sizeof(tools) / sizeof(*tools), json_object_get(body, "tool"));
    struct stroke *stroke = &wish->stroke;

    *wish = (struct stroke_wish){.classes = classes};
    if (!tool)
        return !set_error(err, UNET_EINVAL,
                          "tool: \"brush\", \"erase\", \"polygon\", \"fill\" or \"accept\" wanted");
    wish->tool = tool->tool;
    stroke->kind = tool->kind;
    if (stroke_read_client(body, stroke, err) && read_label(body, tool, classes, stroke, err) &&
        (!tool->radius || read_radius(body, stroke, err)) &&
        (wish->tool != TOOL_ACCEPT || read_accept(body, &tool, wish, err)) &&
        read_points(body, tool, stroke, err))
        return 1;
    stroke_release(stroke);
    return 0;
}
