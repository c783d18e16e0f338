/* SPDX-License-Identifier: Apache-2.0 */
#include "image/formats/header_text.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"
#include "image/pixel_size.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool un_header_line(struct un_header_text *text, char *line, size_t size)
{
    const size_t left = (size_t)(text->end - text->at);
    if (!left)
        return false;
    const unsigned char *end = memchr(text->at, '\n', left);
    size_t length = end ? (size_t)(end - text->at) : left;
    const size_t whole = length + (end != NULL);
    if (length > size - 1)
        length = size - 1;
    memcpy(line, text->at, length);
    while (length && is_blank(line[length - 1]))
        length--;
    line[length] = 0;
    text->at += whole;
    return true;
}

/* What follows one of the names in "data file|datafile"; NULL: the line begins otherwise. */
static const char *behind_name(const char *line, const char *names)
{
    for (; *names; names += *names == '|') {
        const size_t n = strcspn(names, "|");
        if (!strncasecmp(line, names, n) && strchr(" \t:=", line[n]))
            return line + n;
        names += n;
    }
    return NULL;
}

int un_header_field(const char *line, char separator, const char *const names[], int count,
                    const char **value)
{
    for (int i = 0; i < count; i++) {
        const char *at = behind_name(line, names[i]);
        while (at && is_blank(*at))
            at++;
        if (!at || *at != separator || at[1] == '=')
            continue;
        for (at++; is_blank(*at);)
            at++;
        *value = at;
        return i;
    }
    return -1;
}

int un_header_numbers(const char *text, double numbers[], int most)
{
    int count = 0;
    for (;;) {
        text += strspn(text, " \t\r,()");
        if (!*text)
            return count;
        double value;
        const char *end = un_decimal_read(text, &value);
        if (end == text || count == most || (*end && !strchr(" \t\r,()", *end)))
            return -1;
        numbers[count++] = value;
        text = end;
    }
}

int un_header_integers(const char *text, int64_t numbers[], int most)
{
    double read[UN_VOLUME_AXES];
    const int count = un_header_numbers(text, read, most < UN_VOLUME_AXES ? most : UN_VOLUME_AXES);
    for (int i = 0; i < count; i++) {
        if (!(fabs(read[i]) <= 9007199254740992.0) || read[i] != floor(read[i]))
            return -1;
        numbers[i] = (int64_t)read[i];
    }
    return count;
}

bool un_header_sample(const struct un_header_type types[], const char *name, struct un_page *page)
{
    for (; types->name; types++)
        if (!strcasecmp(types->name, name)) {
            page->kind = types->kind;
            page->bytes = types->bytes;
            page->bits = 8 * types->bytes;
            return true;
        }
    return false;
}

static double length(const double v[3])
{
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

void un_header_place(struct un_volume *v, const double step[3][3], const double origin[3],
                     const char *unit, bool body)
{
    struct un_page *page = &v->page;
    struct un_place place = {.kind = body ? UN_PLACE_BODY : UN_PLACE_SIZES,
                             .count = {page->width, page->height, 1}};
    const double width = length(step[0]), height = length(step[1]), depth = length(step[2]);
    double factor;
    if (!(width > 0) || !(height > 0) || !isfinite(width) || !isfinite(height))
        return;
    if (un_length_unit(unit, &factor, page->unit)) {
        page->pixel_width = width * factor;
        page->pixel_height = height * factor;
        place.unit = factor * (!strcmp(page->unit, "mm")   ? 1
                               : !strcmp(page->unit, "um") ? 1e-3
                                                           : 1e-6);
    }
    if (!(depth > 0) || !isfinite(depth + origin[0] + origin[1] + origin[2]))
        return;
    if (v->page_axes)
        place.count[2] = (int)v->page_axis[0].side;
    for (int k = 0; k < 3; k++) {
        place.origin[k] = body ? origin[k] : 0;
        for (int r = 0; r < 3; r++)
            place.step[k][r] = body ? step[k][r] : r == k ? length(step[k]) : 0;
    }
    page->place = place;
}

unet_code un_header_beside(const struct unet_source *source, const char *name,
                           struct un_mapping *mapping, unet_error *err)
{
    unet_error why;
    if (source->file.borrowed)
        return un_fail(err, UNET_EFORMAT, "%s: only the header of an image; its samples are in %s",
                       source->name, name);
    const unet_code code = un_map_beside(source->name, name, mapping, &why);
    return code ? un_fail(err, code, "%s: its samples are in a file of their own: %.300s",
                          source->name, why.text)
                : UNET_OK;
}
