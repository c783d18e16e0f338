/* SPDX-License-Identifier: Apache-2.0 */
/* api_fields.c - the public functions of unet_fields.h: settings by name.  Each checks its
 * arguments, then makes one call into the layers below. */
#include "api.h"

#include "net/graph.h"
#include "predict/session_fields.h"
#include "train/train_options.h"

static const unet_field *field_at(const struct un_fields *fields, int i)
{
    return i < 0 || i >= fields->count ? NULL : &fields->rows[i].open;
}

static unet_code set_field(const struct un_fields *fields, void *object, size_t size,
                           const char *field, const char *text, unet_error *err)
{
    if (!object || !field || !text)
        return un_missing(err, !object ? "the struct" : !field ? "field" : "text");
    return un_field_set(object, size, fields, field, text, err);
}

static unet_code get_field(const struct un_fields *fields, const void *object, size_t size,
                           const char *field, char *text, size_t room, unet_error *err)
{
    if (!object || !field || !text)
        return un_missing(err, !object ? "the struct" : !field ? "field" : "text");
    return un_field_get(object, size, fields, field, text, room, err);
}

const unet_field *unet_spec_field(int i)
{
    return field_at(&un_spec_fields, i);
}

const unet_field *unet_train_options_field(int i)
{
    return field_at(&un_train_fields, i);
}

const unet_field *unet_session_options_field(int i)
{
    return field_at(&un_session_fields, i);
}

unet_code unet_spec_set(unet_spec *spec, const char *field, const char *text, unet_error *err)
{
    return set_field(&un_spec_fields, spec, sizeof *spec, field, text, err);
}

unet_code unet_train_options_set(unet_train_options *options, const char *field, const char *text,
                                 unet_error *err)
{
    return set_field(&un_train_fields, options, sizeof *options, field, text, err);
}

unet_code unet_session_options_set(unet_session_options *options, const char *field,
                                   const char *text, unet_error *err)
{
    return set_field(&un_session_fields, options, sizeof *options, field, text, err);
}

unet_code unet_spec_get(const unet_spec *spec, const char *field, char *text, size_t size,
                        unet_error *err)
{
    return get_field(&un_spec_fields, spec, sizeof *spec, field, text, size, err);
}

unet_code unet_train_options_get(const unet_train_options *options, const char *field, char *text,
                                 size_t size, unet_error *err)
{
    return get_field(&un_train_fields, options, sizeof *options, field, text, size, err);
}

unet_code unet_session_options_get(const unet_session_options *options, const char *field,
                                   char *text, size_t size, unet_error *err)
{
    return get_field(&un_session_fields, options, sizeof *options, field, text, size, err);
}
