/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_yolo.c - YOLO polygons: a text for each image, a line for each shape
 *
 *     0 0.25 0.5 0.75 0.5 0.5 0.9     class, then x, y as shares of the image's sides
 *
 * An odd number more is how sure a network was, and is not looked at.  Four numbers are a box that
 * was detected, no outline.  Names of classes stand in classes.txt, obj.names or data.yaml, beside
 * the text or one folder up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/outlines/outlines.h"

enum {
    CLASSES = UN_OUTLINES_NAMES,
    NUMBERS = 1000000, /* from CLASSES on it is an error that is said */
    NAMES_BYTES = 1 << 20
};

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
    for (const char *at = (const char *)bytes; at < end;) {
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
    char (*name)[UN_OUTLINES_NAME]; /* [CLASSES], "" where none is said */
};

/* A name without blanks, quotes and commas around it. */
static void set_name(struct names *names, size_t at, const char *from, const char *to)
{
    while (from < to && strchr(" \t\r\n'\",", *from))
        from++;
    while (to > from && strchr(" \t\r\n'\",", to[-1]))
        to--;
    if (at < CLASSES && to > from)
        snprintf(names->name[at], sizeof *names->name, "%.*s", (int)(to - from), from);
}

/* A name in each line. */
static void read_lines(struct names *names, const char *text)
{
    size_t at = 0;
    while (*text) {
        const char *end = text + strcspn(text, "\n");
        set_name(names, at++, text, end);
        text = end + (*end != 0);
    }
}

/* names: [a, b], or lines "- a" or "0: a" behind it. */
static void read_yaml(struct names *names, const char *text)
{
    const char *at = !strncmp(text, "names:", 6) ? text : strstr(text, "\nnames:");
    size_t count = 0;
    if (!at)
        return;
    at = strchr(at, ':') + 1;
    at += strspn(at, " \t\r");
    if (*at == '[') {
        const char *stop = at + strcspn(at, "]");
        for (at++; at < stop; count++) {
            const char *end = at + strcspn(at, ",]");
            set_name(names, count, at, end);
            at = end + (end < stop);
        }
        return;
    }
    at += strcspn(at, "\n");
    while (*at && at[1] && strchr(" \t-\r\n", at[1])) {
        const char *line = at + 1 + strspn(at + 1, " \t"), *end = line + strcspn(line, "\n");
        char *behind;
        const unsigned long key = strtoul(line, &behind, 10);
        if (*line == '-')
            set_name(names, count++, line + 1, end);
        else if (behind > line && *behind == ':')
            set_name(names, key, behind + 1, end);
        at = end;
    }
}

/* Reads a list that is there; false: it is not. */
static bool read_names(struct names *names, const char *path, bool yaml)
{
    FILE *file = fopen(path, "r");
    char *text = file ? calloc(NAMES_BYTES + 1, 1) : NULL;
    if (text && fread(text, 1, NAMES_BYTES, file))
        (yaml ? read_yaml : read_lines)(names, text);
    if (file)
        fclose(file);
    free(text);
    return file != NULL;
}

static void find_names(struct names *names, const char *path)
{
    static const char *const lists[] = {"classes.txt", "obj.names", "data.yaml", "dataset.yaml",
                                        "_classes.txt"};
    const int folder = (int)(un_outlines_file_name(path) - path);
    char list[4096];
    for (int up = 0; up < 3; up++)
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
            snprintf(list, sizeof list, "%.*s%s%s%s", folder, path, up > 0 ? "../" : "",
                     up > 1 ? "../" : "", lists[i]);
            if (read_names(names, list, strstr(lists[i], ".yaml") != NULL))
                return;
        }
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
    unet_code code =
        names.name && drawing ? UNET_OK : un_fail_memory(err, CLASSES * 64u, file->path);
    const char *end = (const char *)file->bytes + file->size;
    int line = 1;
    strcpy(set->format, "YOLO");
    if (!code) {
        drawing->relative = true;
        find_names(&names, file->path);
    }
    for (const char *at = (const char *)file->bytes; at < end && !code; line++) {
        const char *stop = line_end(at, end);
        code = take_line(set, drawing, &names, at, stop, line, err);
        at = stop + (stop < end);
    }
    free(names.name);
    return code;
}
