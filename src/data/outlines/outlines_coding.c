/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_coding.c - what the names of shapes mean: a class for each, or objects of one class
 *
 *     cell, nucleus           1 = cell, 2 = nucleus in their natural order; 0 where nothing is
 * drawn cell, cell, cell        numbers of objects, if an image has two or more background, ignore
 * class 0; no label
 *
 * It is said as a wish, as if a person had: from there on these are masks as any others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"
#include "data/outlines/outlines.h"

/* Names that mean the same everywhere; those of LabelMe have underlines, QuPath's a star. */
static bool is_word(const char *name, const char *word)
{
    char bare[UN_OUTLINES_NAME];
    size_t n = 0;
    for (; *name; name++)
        if (*name != '_' && *name != '*')
            bare[n++] = *name;
    bare[n] = 0;
    return !strcasecmp(bare, word);
}

static bool is_background(const char *name)
{
    return is_word(name, "background");
}

static bool is_ignored(const char *name)
{
    return is_word(name, "ignore");
}

static bool has_ignored(const struct un_outlines *set)
{
    for (int i = 0; i < set->name_count; i++)
        if (is_ignored(set->names[i]))
            return true;
    return false;
}

static int compare_names(const void *a, const void *b)
{
    return un_natural_compare(*(const char *const *)a, *(const char *const *)b);
}

struct names {
    const char *name[UN_OUTLINES_NAMES]; /* of classes but the background, in their order */
    int count;
};

static void list_names(const struct un_outlines *set, struct names *names)
{
    names->count = 0;
    for (int i = 0; i < set->name_count; i++)
        if (!is_background(set->names[i]) && !is_ignored(set->names[i]))
            names->name[names->count++] = set->names[i];
    qsort(names->name, (size_t)names->count, sizeof *names->name, compare_names);
}

static int place_of(const struct names *names, const char *name)
{
    for (int i = 0; i < names->count; i++)
        if (!strcmp(names->name[i], name))
            return i;
    return -1;
}

/* Whether some image has several objects. */
static bool has_objects(const struct un_outlines *set)
{
    for (int i = 0; i < set->count; i++)
        for (size_t k = 1; k < set->drawings[i]->shape_count; k++)
            if (set->drawings[i]->shapes[k].object != set->drawings[i]->shapes[0].object)
                return true;
    return false;
}

static unet_code fail_name(const struct un_outlines *set, const char *name, const char *why,
                           unet_error *err)
{
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS, "%s: outlines of \"%s\", %s",
                        set->drawings[0]->file, name, why);
}

/* ---- classes by names -------------------------------------------------------------------- */

/* Codes 1 .. of the names in their order; labels [names] are their classes. */
static void wish_codes(const struct un_outlines *set, const struct names *names, const int *label,
                       const struct un_coding *named, struct un_wish *wish)
{
    struct un_coding *coding = &wish->coding;
    struct un_coding made = {.kind = UN_CODING_GREY, .labels = named->labels, .white = 1};
    memcpy(made.names, named->names, sizeof made.names);
    memcpy(made.colors, named->colors, sizeof made.colors);
    made.colored = named->colored;
    un_coding_add(&made, 0, 0, 0);
    for (int i = 0; i < names->count; i++)
        un_coding_add(&made, (uint32_t)i + 1, (uint32_t)i + 1, label[i]);
    if (has_ignored(set))
        un_coding_add(&made, UN_OUTLINES_IGNORE, UN_OUTLINES_IGNORE, UNET_IGNORE);
    *coding = made;
    wish->what = UN_WISH_CODES;
}

static int label_of(const struct un_coding *coding, const char *name)
{
    for (int k = 0; k < coding->labels; k++)
        if (!strcmp(coding->names[k], name))
            return k;
    return -1;
}

/* ImageJ's groups have numbers alone: these, among classes that are called otherwise; -1: none. */
static int group_of(const struct un_outlines *set, const struct un_coding *coding, const char *name)
{
    int group, end = 0;
    if (strcmp(set->format, "ImageJ") || sscanf(name, "group %3d%n", &group, &end) != 1 ||
        name[end])
        return -1;
    for (int k = 0; k < coding->labels; k++)
        if (!strncmp(coding->names[k], "group ", 6))
            return -1;
    return group < coding->labels ? group : -1;
}

/* As a person listed them; one more name at the head is that of class 0. */
static unet_code use_list(const struct un_outlines *set, const struct names *names,
                          struct un_coding *list, int *label, unet_error *err)
{
    if (place_of(names, list->names[0]) >= 0) {
        if (list->labels == UNET_MAX_CLASSES)
            return fail_name(set, list->names[0], "and no room for a background", err);
        memmove(list->names + 1, list->names, sizeof list->names - sizeof list->names[0]);
        strcpy(list->names[0], "background");
        list->labels++;
    }
    for (int i = 0; i < names->count; i++)
        if ((label[i] = label_of(list, names->name[i])) < 0 &&
            (label[i] = group_of(set, list, names->name[i])) < 0)
            return fail_name(set, names->name[i], "which is not among the classes given", err);
    return UNET_OK;
}

/* As a model has them, by name; where it has one class, or no names at all, by their order. */
static unet_code use_given(const struct un_outlines *set, const struct names *names,
                           const struct un_coding *given, int *label, unet_error *err)
{
    bool named = false;
    for (int k = 1; k < given->labels; k++)
        named = named || *given->names[k];
    for (int i = 0; i < names->count; i++) {
        label[i] = label_of(given, names->name[i]);
        if (label[i] < 0 && names->count == given->labels - 1 && (names->count == 1 || !named))
            label[i] = i + 1;
        if (label[i] < 0)
            label[i] = group_of(set, given, names->name[i]);
        if (label[i] < 0)
            return fail_name(set, names->name[i],
                             "which is none of the model's classes (or the other set's)", err);
    }
    return UNET_OK;
}

static unet_code wish_classes(struct un_outlines *set, const struct names *names,
                              const struct un_coding *given, struct un_wish *wish, unet_error *err)
{
    int label[UNET_MAX_CLASSES];
    struct un_coding *named = malloc(sizeof *named);
    unet_code code = UNET_OK;
    if (!named)
        return un_fail_memory(err, sizeof *named, "labels");
    if (wish->what == UN_WISH_NAMES) {
        *named = wish->coding;
        code = use_list(set, names, named, label, err);
    } else if (given) {
        *named = *given;
        code = use_given(set, names, given, label, err);
    } else {
        *named = (struct un_coding){.labels = names->count + 1};
        strcpy(named->names[0], "background");
        for (int i = 0; i < names->count; i++) {
            label[i] = i + 1;
            strcpy(named->names[i + 1], names->name[i]);
        }
    }
    if (!code)
        wish_codes(set, names, label, named, wish);
    free(named);
    return code;
}

/* ---- all --------------------------------------------------------------------------------- */

static unet_code set_codes(struct un_outlines *set, const struct names *names, unet_error *err)
{
    if (!(set->codes = calloc((size_t)set->name_count + 1, sizeof *set->codes)))
        return un_fail_memory(err, (size_t)set->name_count * sizeof *set->codes, "labels");
    for (int i = 0; i < set->name_count; i++)
        set->codes[i] = is_ignored(set->names[i]) ? UN_OUTLINES_IGNORE
                                                  : (uint32_t)(place_of(names, set->names[i]) + 1);
    return UNET_OK;
}

static unet_code check(const struct un_outlines *set, const struct names *names, bool given,
                       unet_error *err)
{
    if (!set->count)
        return un_fail(err, UNET_EFORMAT, "outlines of no image");
    if (names->count > UNET_MAX_CLASSES - 2)
        return un_fail(err, UNET_EINVAL, "%s: outlines of %d classes; at most %d wanted",
                       set->drawings[0]->file, names->count, UNET_MAX_CLASSES - 2);
    bool area = false;
    size_t shapes = 0;
    for (int i = 0; i < set->count; i++) {
        shapes += set->drawings[i]->shape_count;
        area = area || un_drawing_has_area(set->drawings[i]);
    }
    if (!area && !given) {
        char text[400], flat[80] = "";
        un_outlines_text(set, text, sizeof text);
        if (shapes)
            snprintf(flat, sizeof flat, "; %zu shape%s without an area", shapes,
                     shapes == 1 ? "" : "s");
        return un_fail(err, UNET_EINVAL, "%s: no outline in it that has an area%s%s%s",
                       set->drawings[0]->file, flat, *text ? "; " : "", text);
    }
    return UNET_OK;
}

unet_code un_outlines_settle(struct un_outlines *set, struct un_wish *wish,
                             const struct un_coding **given, unet_error *err)
{
    struct names *names = malloc(sizeof *names);
    if (!names)
        return un_fail_memory(err, sizeof *names, "labels");
    list_names(set, names);
    unet_code code = check(set, names, *given != NULL, err);
    if (code || (code = set_codes(set, names, err)))
        goto done;
    const struct un_coding *model = wish->what == UN_WISH_NONE ? *given : NULL;
    const bool numbered = model && model->kind == UN_CODING_OBJECTS;
    const bool one =
        names->count == 1 && (!model || numbered) && (numbered || has_objects(set)) &&
        (wish->what == UN_WISH_NONE || (wish->what == UN_WISH_NAMES && wish->coding.labels <= 2));
    if (numbered && !one) {
        code = un_fail(err, UNET_EINVAL,
                       "%s: outlines of %d classes; the model was trained on objects of one",
                       set->drawings[0]->file, names->count);
    } else if (one && wish->what == UN_WISH_NAMES &&
               label_of(&wish->coding, names->name[0]) != wish->coding.labels - 1) {
        code = fail_name(set, names->name[0], "which is not among the classes given", err);
    } else if (one || wish->what == UN_WISH_OBJECTS) {
        set->objects = true;
        if (wish->what != UN_WISH_OBJECTS)
            wish->coding.border = model && model->border;
        wish->what = UN_WISH_OBJECTS;
    } else if (wish->what == UN_WISH_NONE || wish->what == UN_WISH_NAMES) {
        code = wish_classes(set, names, model, wish, err);
    }
    if (!code)
        *given = NULL;
done:
    free(names);
    return code;
}

void un_outlines_name_coding(const struct un_outlines *set, struct un_coding *coding)
{
    int name = -1, classes = 0;
    for (int i = 0; i < set->name_count && set->objects; i++)
        if (!is_ignored(set->names[i]) && !is_background(set->names[i])) {
            name = i;
            classes++;
        }
    if (classes == 1)
        strcpy(coding->names[1], set->names[name]);
    if (set->objects && has_ignored(set))
        un_coding_add(coding, UN_OUTLINES_IGNORE, UN_OUTLINES_IGNORE, UNET_IGNORE);
}
