/* SPDX-License-Identifier: Apache-2.0 */
/* json_out.c - JSON on stdout */
#include "shared/json_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/network_options.h"
#include "shared/say.h"

json_t *json_number_short(double value)
{
    char text[32];

    if (!isfinite(value))
        return json_null();
    snprintf(text, sizeof(text), "%.7g", value);
    return json_real(strtod(text, NULL));
}

json_t *json_path(const char *path)
{
    json_t *string = json_string(path);
    char *copy;

    if (string || !(copy = strdup(path)))
        return string;
    for (char *at = copy; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    string = json_string(copy);
    free(copy);
    return string;
}

json_t *json_spec(const unet_spec *spec)
{
    json_t *object = json_object();
    const unet_field *field;

    /* what only networks from elsewhere have is left out where it is as usual; it follows dropout
     */
    for (int i = 0, rare = 0; (field = unet_spec_field(i)); i++) {
        struct network_row row;

        rare |= !strcmp(field->name, "dropout");
        if (network_row(spec, field, &row) && (row.value || !rare))
            json_object_set_new(object, row.name,
                                row.word[0] ? json_string(row.word) : json_integer(row.value));
    }
    json_object_set_new(object, "leaky_slope", json_number_short((double)spec->leaky_slope));
    json_object_set_new(object, "dropout", json_number_short((double)spec->dropout));
    if (spec->norm_epsilon > 0)
        json_object_set_new(object, "norm_epsilon", json_number_short((double)spec->norm_epsilon));
    return object;
}

json_t *json_classes(const unet_model *model)
{
    json_t *classes = json_array();

    for (int label = 0; label < unet_model_labels(model); label++) {
        uint8_t rgb[3];
        char color[8];
        const char *name = unet_model_class(model, label, rgb);

        snprintf(color, sizeof(color), "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
        json_array_append_new(classes,
                              json_pack("{so ss}", "name", json_path(name), "color", color));
    }
    return classes;
}

int json_print(json_t *object)
{
    FILE *out = say_where(stdout);

    if (!object)
        return 0;
    if (!json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(9)))
        putc('\n', out);
    fflush(out);
    json_decref(object);
    return 1;
}
