/* SPDX-License-Identifier: Apache-2.0 */
/* The members of unet_known that are fields of unet_spec, whose types, ranges and words they have;
 * an int of -1 and a float of NAN are not known. */
#include "recognise/recognise.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/decimal.h"

#define MEMBER(field)                                                                              \
    {                                                                                              \
#field, offsetof(unet_known, field)                                                        \
    }
static const struct {
    const char *field;
    size_t offset;
} members[] = {
    MEMBER(padding), MEMBER(norm),          MEMBER(groups),      MEMBER(norm_order),
    MEMBER(act),     MEMBER(single_act),    MEMBER(concat),      MEMBER(up),
    MEMBER(up_act),  MEMBER(align_corners), MEMBER(leaky_slope), MEMBER(norm_epsilon),
    MEMBER(down),
};

unet_known un_known_nothing(void)
{
    unet_known known = {.padding = -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, NAN, NAN, -1, -1};
    known.down = -1;
    return known;
}

unet_code un_known_set(unet_known *known, const char *field, const char *text, unet_error *err)
{
    const struct un_field *row = un_field_find(&un_spec_fields, field);
    unet_spec spec = {0};
    size_t i = 0;
    while (row && i < sizeof members / sizeof *members && strcmp(members[i].field, row->open.name))
        i++;
    if (!row || i == sizeof members / sizeof *members)
        return un_fail(err, UNET_EINVAL, "%s: there is no such field", field);
    unet_code code = un_field_set(&spec, sizeof spec, &un_spec_fields, field, text, err);
    if (code)
        return code;
    const size_t width = row->open.type == UNET_FIELD_FLOAT ? sizeof(float) : sizeof(int);
    memcpy((char *)known + members[i].offset, (const char *)&spec + row->offset, width);
    return UNET_OK;
}

/* What a member says, as a number; NAN: nothing. */
static double told(const unet_known *known, size_t i, const struct un_field *row)
{
    float real;
    int whole;
    if (row->open.type == UNET_FIELD_FLOAT) {
        memcpy(&real, (const char *)known + members[i].offset, sizeof real);
        return (double)real;
    }
    memcpy(&whole, (const char *)known + members[i].offset, sizeof whole);
    return whole < 0 ? (double)NAN : whole;
}

unet_code un_known_check(const unet_known *known, const unet_spec *spec, const char *path,
                         unet_error *err)
{
    unet_spec has = *spec;
    char text[UN_DECIMAL_TEXT];
    has.norm_epsilon = un_spec_epsilon(spec);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const struct un_field *row = un_field_find(&un_spec_fields, members[i].field);
        const double wanted = told(known, i, row);
        if (isnan(wanted) || wanted == un_field_number(&has, row))
            continue;
        unet_code code =
            un_field_get(&has, sizeof has, &un_spec_fields, row->open.name, text, sizeof text, err);
        return code ? code
                    : un_fail(err, UNET_EINVAL,
                              "%s: its %s is %s, as the file itself says; what is told besides is "
                              "for files that do not",
                              path, row->open.name, text);
    }
    return UNET_OK;
}
