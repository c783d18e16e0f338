/* SPDX-License-Identifier: Apache-2.0 */
/* coding_json.c - each form has its writer and its reader side by side */
#include "data/masks/coding_json.h"

#include <limits.h>
#include <string.h>

#include "base/json.h"
#include "data/masks/mask.h"

static const char *const kinds[] = {"grey", "palette", "color", "objects", "files"};

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

bool un_coding_is_list(const struct un_coding *coding)
{
    for (int i = 0; i < coding->count; i++)
        if (coding->codes[i].first != UN_MASK_TOLD &&
            (coding->codes[i].last > 255 || coding->codes[i].first != coding->codes[i].last))
            return false;
    return coding->kind == UN_CODING_GREY && !coding->tolerance && coding->white <= 1 &&
           !coding->clear;
}

/* ---- [[value, class], ...] ---- */

static json_t *write_list(const struct un_coding *coding)
{
    json_t *list = json_array();
    bool failed = !list;
    for (int i = 0; i < coding->count; i++)
        if (coding->codes[i].first != UN_MASK_TOLD)
            failed |= json_array_append_new(list, json_pack("[i, i]", (int)coding->codes[i].first,
                                                            coding->codes[i].label)) != 0;
    if (!failed)
        return list;
    json_decref(list);
    return NULL;
}

static unet_code check_label(const char *what, size_t i, json_int_t label, int labels,
                             unet_error *err)
{
    if (label == UNET_IGNORE || (label >= 0 && label < labels))
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT, "%s: coding[%zu]: class %lld, wanted 0..%d or %d", what, i,
                   (long long)label, labels - 1, UNET_IGNORE);
}

static unet_code read_list(const char *what, const json_t *list, int labels,
                           struct un_coding *coding, unet_error *err)
{
    struct un_coding made = {.labels = labels, .white = 1};
    size_t i;
    json_t *pair;
    json_array_foreach(list, i, pair)
    {
        const json_t *first = json_array_get(pair, 0), *second = json_array_get(pair, 1);
        if (json_array_size(pair) != 2 || !json_is_integer(first) || !json_is_integer(second))
            return un_fail(err, UNET_EFORMAT, "%s: coding[%zu] is not two integers", what, i);
        json_int_t value = json_integer_value(first), label = json_integer_value(second);
        if (value < 0 || value > 255)
            return un_fail(err, UNET_EFORMAT, "%s: coding[%zu]: mask value %lld, wanted 0..255",
                           what, i, (long long)value);
        unet_code code = check_label(what, i, label, labels, err);
        if (code)
            return code;
        if (!un_coding_add(&made, (uint32_t)value, (uint32_t)value, (int)label))
            return un_fail(err, UNET_EFORMAT, "%s: coding[%zu]: mask value %lld occurs twice", what,
                           i, (long long)value);
    }
    *coding = made;
    return UNET_OK;
}

/* ---- {"kind": ...} ---- */

/* Names as they are in file names, which those of the classes need not be; NULL: not wanted. */
static json_t *write_files(const struct un_coding *coding)
{
    json_t *list = coding->kind == UN_CODING_FILES ? json_array() : NULL;
    for (int k = 0; list && k < coding->labels; k++)
        if (json_array_append_new(list, json_string(coding->names[k]))) {
            json_decref(list); /* no UTF-8: the names of the classes must do */
            return NULL;
        }
    return list;
}

static unet_code read_files(const char *what, const json_t *list, struct un_coding *coding,
                            unet_error *err)
{
    size_t i;
    json_t *name;
    json_array_foreach(list, i, name)
    {
        const char *text = json_string_value(name);
        if (!text || (int)i >= coding->labels || strlen(text) >= sizeof coding->names[0])
            return un_fail(err, UNET_EFORMAT,
                           "%s: coding.files[%zu]: %d names of at most 63 bytes wanted", what, i,
                           coding->labels);
        strcpy(coding->names[i], text);
    }
    return UNET_OK;
}

static json_t *write_object(const struct un_coding *coding)
{
    json_t *codes = json_array();
    bool failed = !codes;
    for (int i = 0; i < coding->count; i++) {
        const struct un_code *code = &coding->codes[i];
        if (code->first == UN_MASK_TOLD) /* no value of a mask, but what was said of this set's */
            continue;
        failed |= json_array_append_new(codes, json_pack("[I, I, i]", (json_int_t)code->first,
                                                         (json_int_t)code->last, code->label)) != 0;
    }
    if (failed) {
        json_decref(codes);
        return NULL;
    }
    json_t *clear = coding->clear ? json_integer(coding->clear - 1) : NULL;
    return json_pack("{s:s, s:o, s:i, s:i, s:b, s:b, s:o*, s:o*}", "kind", kinds[coding->kind],
                     "codes", codes, "tolerance", coding->tolerance, "white", (int)coding->white,
                     "border", coding->border, "ordered", coding->ordered, "files",
                     write_files(coding), "transparent", clear);
}

static unet_code read_codes(const char *what, const json_t *list, struct un_coding *coding,
                            unet_error *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        json_int_t number[3];
        for (size_t k = 0; k < 3; k++) {
            const json_t *one = json_array_get(entry, k);
            if (json_array_size(entry) != 3 || !json_is_integer(one))
                return un_fail(err, UNET_EFORMAT, "%s: coding.codes[%zu] is not three integers",
                               what, i);
            number[k] = json_integer_value(one);
        }
        unet_code code = check_label(what, i, number[2], coding->labels, err);
        if (code)
            return code;
        if (number[0] < 0 || number[1] < number[0] || number[1] > UINT32_MAX ||
            !un_coding_add(coding, (uint32_t)number[0], (uint32_t)number[1], (int)number[2]))
            return un_fail(err, UNET_EFORMAT,
                           "%s: coding.codes[%zu]: mask values %lld to %lld; at most %d entries "
                           "apart from one another wanted",
                           what, i, (long long)number[0], (long long)number[1], UN_CODING_CODES);
    }
    return UNET_OK;
}

/* NULL: the masks had no transparent pixels. */
static unet_code read_clear(const char *what, const json_t *label, struct un_coding *coding,
                            unet_error *err)
{
    json_int_t value = json_integer_value(label);
    if (!label)
        return UNET_OK;
    if (!json_is_integer(label) || (value != UNET_IGNORE && (value < 0 || value >= coding->labels)))
        return un_fail(err, UNET_EFORMAT, "%s: coding.transparent: wanted 0..%d or %d", what,
                       coding->labels - 1, UNET_IGNORE);
    coding->clear = (int)value + 1;
    return UNET_OK;
}

static unet_code read_object(const char *what, const json_t *object, int labels,
                             struct un_coding *coding, unet_error *err)
{
    struct un_json_at at = {what, "coding.", object};
    struct un_coding made = {.labels = labels};
    const json_t *codes = NULL;
    int kind = 0, white = 1;
    unet_code code = un_json_word(&at, "kind", kinds, COUNT(kinds), &kind, err);
    if (code || (code = un_json_int(&at, "tolerance", 0, 255, &made.tolerance, err)) ||
        (code = un_json_int(&at, "white", 0, 255, &white, err)) ||
        (code = un_json_bool(&at, "border", &made.border, err)) ||
        (code = un_json_bool(&at, "ordered", &made.ordered, err)) ||
        (code = un_json_field(&at, "codes", JSON_ARRAY, &codes, err)))
        return code;
    made.kind = (enum un_coding_kind)kind;
    made.white = (uint32_t)white;
    if (made.border && (labels < 3 || made.kind != UN_CODING_OBJECTS))
        return un_fail(err, UNET_EFORMAT, "%s: coding.border with %d classes of kind %s", what,
                       labels, kinds[kind]);
    if ((code = read_codes(what, codes, &made, err)) ||
        (code = read_clear(what, json_object_get(object, "transparent"), &made, err)) ||
        (code = read_files(what, json_object_get(object, "files"), &made, err)))
        return code;
    *coding = made;
    return UNET_OK;
}

json_t *un_coding_to_json(const struct un_coding *coding)
{
    return un_coding_is_list(coding) ? write_list(coding) : write_object(coding);
}

unet_code un_coding_from_json(const char *what, const json_t *root, int labels,
                              struct un_coding *coding, unet_error *err)
{
    struct un_json_at at = {what, "", root};
    const json_t *field = json_object_get(root, "coding");
    bool object = json_is_object(field);
    unet_code code = un_json_field(&at, "coding", object ? JSON_OBJECT : JSON_ARRAY, &field, err);
    if (code)
        return code;
    return object ? read_object(what, field, labels, coding, err)
                  : read_list(what, field, labels, coding, err);
}
