/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml tells of a document event by event: a list or a map begins, a scalar, it ends, or an
 * alias stands for what an anchor was put to.  Open lists and maps lie on a stack of fixed depth;
 * what is complete goes into the one below.
 *
 * An alias costs a few bytes and stands for much, so each anchor keeps how many values it is of and
 * how deep these are nested, and both count again for each alias.  A value takes part in itself
 * never: an anchor is known when it is complete.
 */
#include "base/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/decimal.h"

/* A list or map that is not complete. */
struct open {
    json_t *value;
    char *key;     /* of a map: of the value that comes next; NULL: a key comes */
    char *anchor;  /* NULL: none */
    size_t before; /* values when it began */
    int height;    /* levels of what is in it */
};

struct anchor {
    char *name;
    json_t *value;
    size_t values;
    int height;
    struct anchor *next;
};

struct reader {
    const char *what;
    unet_error *err;
    struct open stack[UN_YAML_MAX_DEPTH];
    int depth;
    size_t values;
    json_t *root;
    struct anchor *anchors;
};

bool un_yaml_reads(void)
{
    return true;
}

static unet_code fail_full(struct reader *r)
{
    return un_fail_memory(r->err, sizeof(json_t), r->what);
}

/* ---- scalars ---- */

static json_t *number_of(const char *text, size_t size)
{
    const char *end;
    double value;
    if (!un_decimal_read_plain(text, &end, &value) || end != text + size)
        return NULL;
    const size_t digits = strspn(text + (*text == '-' || *text == '+'), "0123456789");
    const bool whole = digits + (*text == '-' || *text == '+') == size;
    return whole && digits <= 18 ? json_integer(strtoll(text, NULL, 10)) : json_real(value);
}

static json_t *scalar_of(const yaml_event_t *event)
{
    static const struct {
        const char *word;
        json_type is;
    } words[] = {{"", JSON_NULL},       {"~", JSON_NULL},     {"null", JSON_NULL},
                 {"Null", JSON_NULL},   {"NULL", JSON_NULL},  {"true", JSON_TRUE},
                 {"True", JSON_TRUE},   {"TRUE", JSON_TRUE},  {"false", JSON_FALSE},
                 {"False", JSON_FALSE}, {"FALSE", JSON_FALSE}};
    const char *text = (const char *)event->data.scalar.value;
    const size_t size = event->data.scalar.length;
    const char *tag = (const char *)event->data.scalar.tag;
    const bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                       !(tag && !strcmp(tag, "tag:yaml.org,2002:str"));
    if (strlen(text) != size)
        return NULL;
    for (size_t i = 0; plain && i < sizeof words / sizeof *words; i++)
        if (!strcmp(text, words[i].word))
            return words[i].is == JSON_NULL ? json_null() : json_boolean(words[i].is == JSON_TRUE);
    json_t *number = plain ? number_of(text, size) : NULL;
    return number ? number : json_stringn(text, size);
}

/* ---- what is complete ---- */

static unet_code keep_anchor(struct reader *r, const char *name, json_t *value, size_t values,
                             int height)
{
    if (!name)
        return UNET_OK;
    struct anchor *made = calloc(1, sizeof *made);
    char *copy = strdup(name);
    if (!made || !copy) {
        free(made);
        free(copy);
        return fail_full(r);
    }
    *made = (struct anchor){copy, json_incref(value), values, height, r->anchors};
    r->anchors = made;
    return UNET_OK;
}

/* Takes value, also when it fails. */
static unet_code put(struct reader *r, json_t *value, int height)
{
    if (!r->depth) {
        r->root = value;
        return UNET_OK;
    }
    struct open *top = &r->stack[r->depth - 1];
    top->height = height > top->height ? height : top->height;
    if (json_is_array(top->value))
        return json_array_append_new(top->value, value) ? fail_full(r) : UNET_OK;
    char *key = top->key;
    top->key = NULL;
    unet_code code = json_object_set_new(top->value, key, value) ? fail_full(r) : UNET_OK;
    free(key);
    return code;
}

static bool wants_key(const struct reader *r)
{
    return r->depth && json_is_object(r->stack[r->depth - 1].value) && !r->stack[r->depth - 1].key;
}

static unet_code take_key(struct reader *r, const yaml_event_t *event)
{
    struct open *top = &r->stack[r->depth - 1];
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) != event->data.scalar.length || event->data.scalar.anchor)
        return un_fail(r->err, UNET_EFORMAT, "%s: line %zu: a key that is no plain text", r->what,
                       event->start_mark.line + 1);
    if (json_object_get(top->value, text))
        return un_fail(r->err, UNET_EFORMAT, "%s: line %zu: the key \"%.60s\" for the second time",
                       r->what, event->start_mark.line + 1, text);
    return (top->key = strdup(text)) ? UNET_OK : fail_full(r);
}

static unet_code take_scalar(struct reader *r, const yaml_event_t *event)
{
    if (wants_key(r))
        return take_key(r, event);
    json_t *value = scalar_of(event);
    if (!value)
        return un_fail(r->err, UNET_EFORMAT, "%s: line %zu: a text that is none", r->what,
                       event->start_mark.line + 1);
    unet_code code = keep_anchor(r, (const char *)event->data.scalar.anchor, value, 1, 0);
    if (!code)
        return put(r, value, 0);
    json_decref(value);
    return code;
}

static unet_code take_alias(struct reader *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *found = r->anchors;
    while (found && strcmp(found->name, name))
        found = found->next;
    if (!found || wants_key(r))
        return un_fail(r->err, UNET_EFORMAT, "%s: line %zu: the alias %.60s stands for nothing",
                       r->what, event->start_mark.line + 1, name);
    r->values += found->values;
    if (r->depth + found->height > UN_YAML_MAX_DEPTH)
        return un_fail(r->err, UNET_EFORMAT, "%s is nested deeper than %d levels", r->what,
                       UN_YAML_MAX_DEPTH);
    return put(r, json_incref(found->value), found->height);
}

static unet_code take_begin(struct reader *r, json_t *value, const char *anchor)
{
    if (!value)
        return fail_full(r);
    if (r->depth == UN_YAML_MAX_DEPTH || wants_key(r)) {
        json_decref(value);
        return un_fail(r->err, UNET_EFORMAT,
                       r->depth == UN_YAML_MAX_DEPTH ? "%s is nested deeper than %d levels"
                                                     : "%s: has a key that is a list or map",
                       r->what, UN_YAML_MAX_DEPTH);
    }
    struct open made = {.value = value, .before = r->values};
    if (anchor && !(made.anchor = strdup(anchor))) {
        json_decref(value);
        return fail_full(r);
    }
    r->stack[r->depth++] = made;
    return UNET_OK;
}

static unet_code take_end(struct reader *r)
{
    struct open done = r->stack[--r->depth];
    const int height = done.height + 1;
    unet_code code = keep_anchor(r, done.anchor, done.value, r->values - done.before + 1, height);
    free(done.anchor);
    if (!code)
        return put(r, done.value, height);
    json_decref(done.value);
    return code;
}

/* ---- the document ---- */

static unet_code take(struct reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return r->root ? un_fail(r->err, UNET_EFORMAT, "%s: has a second document", r->what)
                       : UNET_OK;
    case YAML_ALIAS_EVENT:
        return take_alias(r, event);
    case YAML_SCALAR_EVENT:
        return take_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return take_begin(r, json_array(), (const char *)event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return take_begin(r, json_object(), (const char *)event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return take_end(r);
    default:
        return UNET_OK;
    }
}

static unet_code take_all(struct reader *r, yaml_parser_t *parser)
{
    unet_code code = UNET_OK;
    for (bool ended = false; !ended && !code;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return un_fail(r->err, UNET_EFORMAT, "%s is not valid YAML at line %zu: %.200s",
                           r->what, parser->problem_mark.line + 1,
                           parser->problem ? parser->problem : "unknown");
        ended = event.type == YAML_STREAM_END_EVENT;
        r->values++;
        code = take(r, &event);
        yaml_event_delete(&event);
        if (!code && r->values > UN_YAML_MAX_VALUES)
            code = un_fail(r->err, UNET_EFORMAT, "%s has more than %d values", r->what,
                           UN_YAML_MAX_VALUES);
    }
    return code;
}

static void release(struct reader *r)
{
    while (r->depth) {
        struct open *top = &r->stack[--r->depth];
        json_decref(top->value);
        free(top->key);
        free(top->anchor);
    }
    for (struct anchor *anchor = r->anchors, *next; anchor; anchor = next) {
        next = anchor->next;
        json_decref(anchor->value);
        free(anchor->name);
        free(anchor);
    }
}

unet_code un_yaml_parse(const char *what, const char *text, size_t size, json_t **value,
                        unet_error *err)
{
    if (size > UN_YAML_MAX_BYTES)
        return un_fail(err, UNET_EFORMAT, "%s has %zu bytes, at most %d are read", what, size,
                       UN_YAML_MAX_BYTES);
    yaml_parser_t parser;
    struct reader r = {.what = what, .err = err};
    if (!yaml_parser_initialize(&parser))
        return un_fail_memory(err, sizeof parser, what);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    unet_code code = take_all(&r, &parser);
    if (!code && !r.root)
        code = un_fail(err, UNET_EFORMAT, "%s: nothing is in it", what);
    yaml_parser_delete(&parser);
    release(&r);
    if (code)
        json_decref(r.root);
    else
        *value = r.root;
    return code;
}
