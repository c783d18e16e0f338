/* SPDX-License-Identifier: Apache-2.0 */
/* api_fields.c - the public functions of unet_fields.h: settings by name, and what there is.  Each
 * checks its arguments, then makes one call into the layers below. */
#include "api.h"

#include <string.h>

#include "engine/choose.h"
#include "image/image.h"
#include "net/graph.h"
#include "predict/session_fields.h"
#include "recognise/recognise.h"
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
    return set_field(&un_spec_fields, spec, spec ? un_size_spec(spec) : 0, field, text, err);
}

unet_code unet_train_options_set(unet_train_options *options, const char *field, const char *text,
                                 unet_error *err)
{
    return set_field(&un_train_fields, options, options ? un_size_train_options(options) : 0, field,
                     text, err);
}

unet_code unet_session_options_set(unet_session_options *options, const char *field,
                                   const char *text, unet_error *err)
{
    return set_field(&un_session_fields, options, options ? un_size_session_options(options) : 0,
                     field, text, err);
}

unet_code unet_known_set(unet_known *known, const char *field, const char *text, unet_error *err)
{
    if (!known || !field || !text)
        return un_missing(err, !known ? "known" : !field ? "field" : "text");
    return un_known_set(known, field, text, err);
}

unet_code unet_spec_get(const unet_spec *spec, const char *field, char *text, size_t size,
                        unet_error *err)
{
    return get_field(&un_spec_fields, spec, spec ? un_size_spec(spec) : 0, field, text, size, err);
}

unet_code unet_train_options_get(const unet_train_options *options, const char *field, char *text,
                                 size_t size, unet_error *err)
{
    return get_field(&un_train_fields, options, options ? un_size_train_options(options) : 0, field,
                     text, size, err);
}

unet_code unet_session_options_get(const unet_session_options *options, const char *field,
                                   char *text, size_t size, unet_error *err)
{
    return get_field(&un_session_fields, options, options ? un_size_session_options(options) : 0,
                     field, text, size, err);
}

const char *unet_version(void)
{
    return UNET_VERSION;
}

int unet_has(const char *feature)
{
    static const char *const models[] = {"safetensors", "pytorch", "onnx"};
    if (!feature)
        return 0;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (!strcmp(feature, models[i]))
            return 1;
    return un_engine_known(feature) || un_cpu_has(feature) || un_format_known(feature);
}

const char *unet_isa(void)
{
    return un_cpu_isa();
}

int unet_device_count(void)
{
    return un_device_count();
}

unet_code unet_device_get(int i, unet_device *device, unet_error *err)
{
    if (!device)
        return un_missing(err, "device");
    if (un_device_at(i, device))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "device %d: there are %d, counted from 0", i,
                   un_device_count());
}

const char *unet_device_lacks(void)
{
    return un_device_lacks();
}

unet_code unet_device_chosen(unet_device *device, unet_error *err)
{
    struct un_choice choice;
    if (!device)
        return un_missing(err, "device");
    const unet_code code = un_choice_here(&choice, err);
    if (!code)
        un_choice_facts(&choice, device);
    return code;
}
