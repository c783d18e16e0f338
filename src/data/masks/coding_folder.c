/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_folder.c - what nnU-Net's dataset.json says of the masks that lie beside it
 *
 *     "labels": {"background": 0, "cell": 1, "ignore": 2}        names, and what has no label
 *     "labels": {"0": "background", "1": "cell"}                 as of its first version
 *     "labels": {"background": 0, "whole": [1, 2], "core": [2]}  regions: these overlap
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "data/masks/coding.h"

#define LARGEST ((size_t)16 << 20) /* bytes of such a file */

/* One class of the file. */
struct item {
    const char *name;
    const json_t *values; /* a number, or several; NULL: least alone */
    json_int_t least;
};

/* ---- the file ---------------------------------------------------------------------------- */

/* "set/dataset.json" of "set/labelsTr/" or "set"; NULL: none is there, or no memory. */
static char *path_of(const char *masks)
{
    char *path = NULL;
    size_t n = strlen(masks);
    while (n > 1 && masks[n - 1] == '/')
        n--;
    size_t name = n;
    while (name && masks[name - 1] != '/')
        name--;
    const bool beside = !strncmp(masks + name, "labels", 6);
    for (int up = 0; up <= beside; up++) {
        if (asprintf(&path, "%.*s%sdataset.json", (int)(up ? name : n), masks, up ? "" : "/") < 0)
            return NULL;
        if (!access(path, R_OK))
            return path;
        free(path);
    }
    return NULL;
}

static bool is_value(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0 &&
           json_integer_value(value) <= INT32_MAX;
}

/* One entry of the labels; false: it is none. */
static bool take_entry(const char *key, const json_t *value, struct item *item)
{
    const size_t digits = strspn(key, "0123456789");
    *item = (struct item){key, value, INT32_MAX};
    if (json_is_string(value) && digits && digits < 10 && !key[digits]) {
        *item = (struct item){json_string_value(value), NULL, atol(key)};
        return true;
    }
    if (is_value(value))
        item->least = json_integer_value(value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *one = json_array_get(value, i);
        if (!is_value(one))
            return false;
        if (json_integer_value(one) < item->least)
            item->least = json_integer_value(one);
    }
    return is_value(value) || json_array_size(value);
}

static int by_value(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return (x->least > y->least) - (x->least < y->least);
}

/* The classes in the order of their values; 0: the file is another program's. */
static size_t take_items(const json_t *labels, struct item *items)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    json_object_foreach((json_t *)labels, key, value)
    {
        if (!take_entry(key, value, &items[count++]))
            return 0;
    }
    qsort(items, count, sizeof *items, by_value);
    return count;
}

/* ---- what it says ------------------------------------------------------------------------ */

/* A name as models keep it: of 63 bytes at most, and only once. */
static void set_name(struct un_coding *coding, int label, const char *name)
{
    char *to = coding->names[label];
    size_t n = strlen(name);
    if (n >= sizeof coding->names[0])
        for (n = sizeof coding->names[0] - 1; n && (name[n] & 0xc0) == 0x80;)
            n--;
    for (size_t i = 0; i < n; i++)
        to[i] = (unsigned char)name[i] < ' ' || name[i] == 127 ? '_' : name[i];
    for (int k = 0; k < label; k++)
        if (!strcmp(coding->names[k], to))
            *to = 0;
}

static unet_code add_values(const char *path, const struct item *item, int label,
                            struct un_coding *coding, unet_error *err)
{
    const size_t count = json_is_array(item->values) ? json_array_size(item->values) : 1;
    for (size_t i = 0; i < count; i++) {
        const uint32_t v = json_is_array(item->values)
                               ? (uint32_t)json_integer_value(json_array_get(item->values, i))
                               : (uint32_t)item->least;
        if (coding->count == UN_CODING_CODES)
            return un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS,
                                "%s: labels with more than %d values", path, UN_CODING_CODES);
        if (!un_coding_add(coding, v, v, label))
            return un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS,
                                "%s: label \"%.60s\" has value %u, which another has, too (regions "
                                "of nnU-Net); a class for each value wanted: say "
                                "'background=0,a=1,b=2'",
                                path, item->name, v);
    }
    return UNET_OK;
}

static bool is_ignored(const struct item *item)
{
    return !strcmp(item->name, "ignore");
}

static unet_code use_items(const char *path, const struct item *items, size_t count,
                           struct un_wish *wish, unet_error *err)
{
    struct un_coding made = {.kind = UN_CODING_GREY, .white = 1, .by_file = true};
    unet_code code = UNET_OK;
    for (size_t i = 0; i < count && !code; i++) {
        const bool none = is_ignored(&items[i]) ||
                          (!json_is_array(items[i].values) && items[i].least == wish->ignore);
        if (!none && made.labels == UNET_MAX_CLASSES)
            return un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS, "%s: more than %d labels", path,
                                UNET_MAX_CLASSES);
        if (!none)
            set_name(&made, made.labels, items[i].name);
        code = add_values(path, &items[i], none ? UNET_IGNORE : made.labels++, &made, err);
    }
    if (code || made.labels < 2)
        return code;
    wish->what = UN_WISH_CODES;
    wish->coding = made;
    return UNET_OK;
}

static unet_code use_labels(const char *path, const json_t *labels, bool classes_known,
                            struct un_wish *wish, unet_error *err)
{
    struct item *items = calloc(json_object_size(labels) + 1, sizeof *items);
    if (!items)
        return un_fail_memory(err, json_object_size(labels) * sizeof *items, path);
    const size_t count = take_items(labels, items);
    unet_code code = UNET_OK;
    if (!classes_known)
        code = use_items(path, items, count, wish, err);
    for (size_t i = 0; i < count && wish->ignore < 0 && wish->what == UN_WISH_NONE; i++)
        if (is_ignored(&items[i])) {
            wish->ignore = (int)items[i].least;
            wish->coding.by_file = true;
        }
    free(items);
    return code;
}

unet_code un_wish_of_folder(const char *masks, bool classes_known, struct un_wish *wish,
                            unet_error *err)
{
    char *path = wish->what == UN_WISH_NONE ? path_of(masks) : NULL;
    struct un_mapping file = {0};
    json_t *object = NULL;
    if (!path)
        return UNET_OK;
    unet_code code = un_map_open(path, &file, err);
    if (!code && file.size <= LARGEST)
        code = un_json_parse(path, (const char *)file.data, file.size, &object, err);
    const json_t *labels = json_object_get(object, "labels");
    if (!code && json_is_object(labels))
        code = use_labels(path, labels, classes_known || wish->classes > 0, wish, err);
    json_decref(object);
    un_map_release(&file);
    free(path);
    return code;
}
