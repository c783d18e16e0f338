/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_files.c - masks with a file for each class: which class is which
 *
 * Class 0 is what no file has.  A file of the background says the same, so it is no class of its
 * own, and is not read.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "data/masks/coding.h"

static bool has_name(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static bool is_background(const char *name)
{
    return !strcasecmp(name, "background") || !strcasecmp(name, "bg");
}

/* Classes in the order of a list of names; one more name at its head is that of class 0. */
static unet_code use_list(const char *const *names, int count, const struct un_coding *list,
                          struct un_coding *coding, unet_error *err)
{
    int at = 0;
    if (list->labels && (!has_name(names, count, list->names[0]) || is_background(list->names[0])))
        memcpy(coding->names[0], list->names[at++], sizeof coding->names[0]);
    for (; at < list->labels; at++) {
        if (!has_name(names, count, list->names[at]) && !list->ordered)
            return un_fail(err, UNET_EINVAL,
                           "labels: \"%s\" has no masks; those of \"%s\" and %d other classes are "
                           "there",
                           list->names[at], names[0], count - 1);
        memcpy(coding->names[coding->labels++], list->names[at], sizeof coding->names[0]);
    }
    for (int i = 0; i < count; i++) {
        bool found = is_background(names[i]);
        for (int k = 1; k < coding->labels; k++)
            found = found || !strcmp(coding->names[k], names[i]);
        if (!found)
            return un_fail(err, UNET_EINVAL,
                           "masks of class \"%s\" are there, which is not among the classes given",
                           names[i]);
    }
    return UNET_OK;
}

unet_code un_coding_of_files(const char *const *names, int count, const struct un_wish *wish,
                             const struct un_coding *given, struct un_coding *coding,
                             unet_error *err)
{
    struct un_coding made = {.kind = UN_CODING_FILES, .labels = 1, .white = 1};
    unet_code code = UNET_OK;
    if (count >= UNET_MAX_CLASSES)
        return un_fail(err, UNET_EINVAL, "masks of %d classes; fewer than %d wanted", count,
                       UNET_MAX_CLASSES);
    strcpy(made.names[0], "background");
    if (wish->what != UN_WISH_NONE && wish->what != UN_WISH_NAMES)
        return un_fail_hint(
            err, UNET_EINVAL, UNET_HINT_LABELS,
            "labels: the masks are a file for each class (%s ...); names in their order "
            "wanted: background,%s",
            names[0], names[0]);
    if (wish->what != UN_WISH_NONE)
        given = NULL; /* what a person says goes first */
    if (given && given->kind != UN_CODING_FILES)
        return un_fail(err, UNET_EINVAL,
                       "masks with a file for each class (%s ...); the model was trained on one "
                       "mask for each image",
                       names[0]);
    made.ordered = wish->what == UN_WISH_NAMES || (given && given->ordered);
    if (wish->what == UN_WISH_NAMES) {
        code = use_list(names, count, &wish->coding, &made, err);
    } else if (given) {
        struct un_coding list = *given;
        list.ordered = true; /* a class may have no masks here */
        code = use_list(names, count, &list, &made, err);
    } else {
        for (int i = 0; i < count; i++)
            if (!is_background(names[i]))
                snprintf(made.names[made.labels++], sizeof made.names[0], "%s", names[i]);
        if (made.labels == 1)
            code = un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS,
                                "masks of \"%s\" alone; those of another class wanted", names[0]);
    }
    if (!code)
        *coding = made;
    return code;
}
