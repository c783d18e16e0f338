/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_yolo.c - YOLO polygons: a text for each image, a line for each shape
 *
 *     0 0.25 0.5 0.75 0.5 0.5 0.9     class, then x, y as shares of the image's sides
 *
 * An odd number more is how sure a network was, and is not looked at.  Four numbers are a box that
 * was detected, no outline.  Names of classes stand in classes.txt or obj.names, a line each, or as
 * "names" in data.yaml, beside the text or up to two folders up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"
#include "data/outlines/outlines.h"

enum {
    CLASSES = UN_OUTLINES_NAMES,
    NUMBERS = 1000000 /* from CLASSES on it is an error that is said */
};

static size_t mark_of(const void *bytes, size_t size)
{
    return size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0; /* of UTF-8 */
}

static const char *pass_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

/* A number of a line; false: there is none. */
static bool take_number(const char **at, const char *end, double *number)
{
    *at = pass_blanks(*at, end);
    return un_outlines_number(at, end, number) && (*at == end || strchr(" \t\r", **at));
}

static const char *line_end(const char *at, const char *end)
{
    const char *found = memchr(at, '\n', (size_t)(end - at));
    return found ? found : end;
}

bool un_is_yolo(const unsigned char *bytes, size_t size)
{
    const char *end = (const char *)bytes + size;
    for (const char *at = (const char *)bytes + mark_of(bytes, size); at < end;) {
        const char *stop = line_end(at, end);
        double number, class = 0;
        int count = 0;
        for (at = pass_blanks(at, stop); at < stop; at = pass_blanks(at, stop), count++) {
            if (!take_number(&at, stop, &number))
                return false;
            class = count ? class : number;
            if (!count && !(number >= 0 && number < NUMBERS && number == (int)number))
                return false;
            if (count && class >= CLASSES && !(number >= 0 && number <= 1))
                return false;
        }
        if (count && count < 5)
            return false;
        at = stop + (stop < end);
    }
    return true;
}

/* ---- names ------------------------------------------------------------------------------- */

struct names {
    char (*name)[UN_OUTLINES_NAME + 4]; /* [CLASSES], "" where none is said; may be too long */
};

static void set_name(struct names *names, size_t at, const char *from, size_t size)
{
    if (at < CLASSES)
        snprintf(names->name[at], sizeof *names->name, "%.*s", (int)size, from);
}

/* A name in each line, without quotes and commas around it. */
static unet_code read_lines(struct names *names, const char *path, const char *text, size_t size,
                            bool *found, unet_error *err)
{
    static const char around[] = " \t\r'\",";
    const char *end = text + size;
    size_t line = 0, empty = 0;
    for (text += mark_of(text, size); text < end; line++) {
        const char *stop = line_end(text, end), *from = text, *to = stop;
        while (from < to && strchr(around, *from))
            from++;
        while (to > from && strchr(around, to[-1]))
            to--;
        if (to > from && empty)
            return un_fail(err, UNET_EFORMAT,
                           "%s: line %zu is empty, and whether it counts among the classes is not "
                           "told; a name in each line wanted",
                           path, empty);
        set_name(names, line, from, (size_t)(to - from));
        *found = *found || to > from;
        empty = to > from ? empty : line + 1;
        text = stop + (stop < end);
    }
    return UNET_OK;
}

static unet_code take_name(struct names *names, const char *path, long long at, const json_t *value,
                           unet_error *err)
{
    char number[32];
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        text = number;
    }
    if (!text)
        return un_fail(err, UNET_EFORMAT, "%s: the name of class %lld is no text; quotes wanted",
                       path, at);
    set_name(names, (size_t)at, text, strlen(text) < 4096 ? strlen(text) : 4096);
    return UNET_OK;
}

/* "names", a list or a map from numbers. */
static unet_code read_yaml(struct names *names, const char *path, const char *text, size_t size,
                           bool *found, unet_error *err)
{
    json_t *root = NULL, *value;
    const char *key;
    unet_code code = un_yaml_parse(path, text, size, &root, err);
    const json_t *list = json_object_get(root, "names");
    *found = list != NULL;
    if (!code && list && !json_is_array(list) && !json_is_object(list))
        code = un_fail(err, UNET_EFORMAT, "%s: names is no list of classes", path);
    for (size_t i = 0; i < json_array_size(list) && !code; i++)
        code = take_name(names, path, (long long)i, json_array_get(list, i), err);
    json_object_foreach((json_t *)list, key, value)
    {
        char *end;
        const long long at = strtoll(key, &end, 10);
        const bool plain = end > key && !*end && at >= 0 && (key[0] != '0' || !key[1]);
        if (!code && !plain) /* with 00 beside 0 one of them would be lost */
            code = un_fail(err, UNET_EFORMAT,
                           "%s: names has \"%.60s\", where the number of a class "
                           "belongs",
                           path, key);
        if (!code)
            code = take_name(names, path, at, value, err);
    }
    json_decref(root);
    return code;
}

static unet_code find_names(struct names *names, const char *path, unet_error *err)
{
    static const char *const lists[] = {"classes.txt", "obj.names", "data.yaml", "dataset.yaml",
                                        "_classes.txt"};
    const int folder = (int)(un_outlines_file_name(path) - path);
    char list[4096];
    bool found = false;
    unet_code code = UNET_OK;
    for (int up = 0; up < 3 && !found && !code; up++)
        for (size_t i = 0; i < sizeof lists / sizeof *lists && !found && !code; i++) {
            struct un_mapping file;
            snprintf(list, sizeof list, "%.*s%s%s%s", folder, path, up > 0 ? "../" : "",
                     up > 1 ? "../" : "", lists[i]);
            if ((code = un_map_open(list, &file, err))) {
                code = access(list, F_OK) ? UNET_OK : code;
                continue;
            }
            if (file.size)
                code = (strstr(lists[i], ".yaml") ? read_yaml : read_lines)(
                    names, list, (const char *)file.data, file.size, &found, err);
            un_map_release(&file);
        }
    return code;
}

/* ---- shapes ------------------------------------------------------------------------------ */

static unet_code fail_line(const char *path, int line, const char *why, unet_error *err)
{
    return un_fail(err, UNET_EFORMAT, "%s: line %d: %s", path, line, why);
}

static unet_code take_line(struct un_outlines *set, struct un_drawing *drawing,
                           const struct names *names, const char *at, const char *end, int line,
                           unet_error *err)
{
    double class, x, y, more;
    char text[32];
    int count = 0;
    if (!take_number(&at, end, &class))
        return UNET_OK;
    for (const char *p = at; take_number(&p, end, &more);)
        count++;
    if (count < 6) {
        set->skipped[UN_SKIPPED_BOX]++;
        return UNET_OK;
    }
    if (class >= CLASSES) {
        set->crowded = true; /* which un_outlines_read_bytes() tells */
        return fail_line(drawing->file, line, "a class that is too high", err);
    }
    snprintf(text, sizeof text, "class %d", (int)class);
    const char *name = names->name[(int)class];
    un_drawing_shape(drawing, un_outlines_name(set, *name ? name : text));
    un_drawing_area(drawing, UN_AREA_RINGS);
    un_drawing_ring(drawing);
    for (; count > 1; count -= 2) {
        if (!take_number(&at, end, &x) || !take_number(&at, end, &y) ||
            !(x >= -1 && x <= 2 && y >= -1 && y <= 2))
            return fail_line(drawing->file, line,
                             "a coordinate that is no share of the image's side, 0 to 1", err);
        un_drawing_point(drawing, x, y);
    }
    return un_drawing_check(drawing, err);
}

unet_code un_read_yolo(struct un_outlines *set, const struct un_outlines_file *file,
                       unet_error *err)
{
    struct names names = {calloc(CLASSES, sizeof *names.name)};
    struct un_drawing *drawing = un_outlines_add(set, file->path, "");
    unet_code code = names.name && drawing
                         ? UNET_OK
                         : un_fail_memory(err, CLASSES * sizeof *names.name, file->path);
    const char *end = (const char *)file->bytes + file->size;
    int line = 1;
    strcpy(set->format, "YOLO");
    if (!code) {
        drawing->relative = true;
        code = find_names(&names, file->path, err);
    }
    const size_t mark = mark_of(file->bytes, file->size);
    for (const char *at = (const char *)file->bytes + mark; at < end && !code; line++) {
        const char *stop = line_end(at, end);
        code = take_line(set, drawing, &names, at, stop, line, err);
        at = stop + (stop < end);
    }
    free(names.name);
    return code;
}
