/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as a table: a column is a row of `columns`, which docs/objects.md explains. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "objects/objects_stream.h"

enum kind { WHOLE, REAL };
enum unit { NONE, LENGTH, AREA };

struct column {
    const char *name;
    enum kind kind;
    enum unit unit;
    size_t at;
};

#define AT(field) offsetof(unet_object, field)
#define IN(field) offsetof(unet_lengths, field)

static const struct column lengths[] = {
    {"area", REAL, AREA, IN(area)},
    {"centroid_y", REAL, LENGTH, IN(y)},
    {"centroid_x", REAL, LENGTH, IN(x)},
    {"perimeter", REAL, LENGTH, IN(perimeter)},
    {"equivalent_diameter", REAL, LENGTH, IN(equivalent_diameter)},
    {"major_axis", REAL, LENGTH, IN(major_axis)},
    {"minor_axis", REAL, LENGTH, IN(minor_axis)},
    {NULL, REAL, NONE, 0},
};

static const struct column box[] = {
    {"box_top", WHOLE, LENGTH, AT(top)},
    {"box_left", WHOLE, LENGTH, AT(left)},
    {"box_height", WHOLE, LENGTH, AT(height)},
    {"box_width", WHOLE, LENGTH, AT(width)},
    {NULL, WHOLE, NONE, 0},
};

static const struct column shape[] = {
    {"eccentricity", REAL, NONE, AT(eccentricity)},
    {"touches_edge", WHOLE, NONE, AT(touches_edge)},
    {NULL, REAL, NONE, 0},
};

static const struct column intensities[] = {
    {"intensity_mean", REAL, NONE, AT(mean)},
    {"intensity_min", REAL, NONE, AT(minimum)},
    {"intensity_max", REAL, NONE, AT(maximum)},
    {"intensity_integrated", REAL, NONE, AT(integrated)},
    {NULL, REAL, NONE, 0},
};

/* Nine digits, with a point whatever the locale; nothing where there is no number. */
static void put_number(FILE *file, double value)
{
    char text[64];
    if (!isfinite(value))
        return;
    un_decimal_print(text, sizeof text, value == floor(value) && fabs(value) < 1e15 ? 15 : 9,
                     value);
    fputs(text, file);
}

/* Quoted where RFC 4180 wants it.  What a spreadsheet would take for a formula gets an apostrophe,
 * which shows that it is text; control bytes become '?'. */
static void put_text(FILE *file, const char *text)
{
    const bool formula = *text && strchr("=+-@\t\r", *text) != NULL;
    const bool quoted = formula || strpbrk(text, ",\"\r\n") != NULL;
    fputs(quoted ? formula ? "\"'" : "\"" : "", file);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"')
            putc('"', file);
        putc(c < 0x20 || c == 0x7F ? '?' : c, file);
    }
    if (quoted)
        putc('"', file);
}

static void put_names(FILE *file, const struct column *column, const char *unit)
{
    for (; column->name; column++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s%s%s", column->name, column->unit ? "_" : "",
                 column->unit ? unit : "", column->unit == AREA && strcmp(unit, "px") ? "2" : "");
        fputc(',', file);
        put_text(file, name);
    }
}

static void put_values(FILE *file, const struct column *column, const void *from)
{
    for (; column->name; column++) {
        const char *at = (const char *)from + column->at;
        fputc(',', file);
        if (column->kind == WHOLE)
            fprintf(file, "%d", *(const int *)(const void *)at);
        else
            put_number(file, *(const double *)(const void *)at);
    }
}

/* The box in the image's unit. */
static void put_physical_box(FILE *file, const unet_objects *objects, const unet_object *object)
{
    const bool known = objects->options.pixel_height > 0 && objects->options.pixel_width > 0;
    const double height = known ? objects->options.pixel_height : (double)NAN;
    const double width = known ? objects->options.pixel_width : (double)NAN;
    const double sides[] = {object->top * height, object->left * width, object->height * height,
                            object->width * width};
    for (int i = 0; i < 4; i++) {
        fputc(',', file);
        put_number(file, sides[i]);
    }
}

struct unet_table {
    struct un_save save;
    unet_table_options options;
    char unit[8];
};

static void put_header(const struct unet_table *table)
{
    const unet_table_options *o = &table->options;
    FILE *file = table->save.file;
    fputs(o->images ? "image," : "", file);
    fputs(o->pages ? "page," : "", file);
    fputs(o->class_names ? "id,class,class_name" : "id,class", file);
    put_names(file, lengths, "px");
    put_names(file, box, "px");
    put_names(file, shape, "");
    if (o->intensities)
        put_names(file, intensities, "");
    if (o->unit) {
        put_names(file, lengths, table->unit);
        put_names(file, box, table->unit);
    }
    fputs("\r\n", file);
}

static void put_object(const struct unet_table *table, const unet_objects *objects,
                       const unet_object *object)
{
    const unet_table_options *o = &table->options;
    FILE *file = table->save.file;
    fprintf(file, "%u,%d", (unsigned)object->id, object->label);
    if (o->class_names) {
        fputc(',', file);
        put_text(file, o->class_names[object->label]);
    }
    put_values(file, lengths, &object->pixels);
    put_values(file, box, object);
    put_values(file, shape, object);
    if (o->intensities)
        put_values(file, intensities, object);
    if (o->unit) {
        put_values(file, lengths, &object->physical);
        put_physical_box(file, objects, object);
    }
    fputs("\r\n", file);
}

static bool has_size(const unet_objects *objects)
{
    return objects->options.pixel_height > 0 && objects->options.pixel_width > 0;
}

unet_code un_table_open(const char *path, const unet_table_options *options, unet_table **table,
                        unet_error *err)
{
    unet_table *made = calloc(1, sizeof *made);
    if (!made)
        return un_fail_memory(err, sizeof *made, path);
    unet_code code = un_save_begin(&made->save, path, err);
    if (code) {
        free(made);
        return code;
    }
    made->options = *options;
    if (options->unit)
        snprintf(made->unit, sizeof made->unit, "%s", *options->unit ? options->unit : "unit");
    put_header(made);
    *table = made;
    return UNET_OK;
}

unet_code un_table_add(unet_table *table, const unet_objects *objects, const char *image, int page,
                       unet_error *err)
{
    const unet_table_options *o = &table->options;
    const char *unit = *objects->options.unit ? objects->options.unit : "unit";
    FILE *file = table->save.file;
    if (o->unit && has_size(objects) && strcmp(unit, table->unit))
        return un_fail(err, UNET_EINVAL, "%s: pixels measured in %s, those of the table in %s",
                       image ? image : table->save.path, unit, table->unit);
    for (size_t i = 0; i < objects->sums.count && !ferror(file); i++) {
        unet_object object;
        un_objects_get(objects, i, &object);
        if (o->images) {
            put_text(file, image ? image : "");
            fputc(',', file);
        }
        if (o->pages)
            fprintf(file, "%d,", page);
        put_object(table, objects, &object);
    }
    return UNET_OK; /* the commit sees what could not be written */
}

unet_code un_table_commit(unet_table *table, unet_error *err)
{
    unet_code code = un_save_commit(&table->save, err);
    free(table);
    return code;
}

void un_table_abort(unet_table *table)
{
    if (table)
        un_save_abort(&table->save);
    free(table);
}

unet_code un_objects_write_csv(const unet_objects *objects, const char *path,
                               const char *const *class_names, unet_error *err)
{
    const unet_table_options options = {.class_names = class_names,
                                        .intensities = objects->measured,
                                        .unit = has_size(objects) ? objects->options.unit : NULL};
    unet_table *table = NULL;
    unet_code code = un_table_open(path, &options, &table, err);
    if (code)
        return code;
    if ((code = un_table_add(table, objects, NULL, 0, err))) {
        un_table_abort(table);
        return code;
    }
    return un_table_commit(table, err);
}
