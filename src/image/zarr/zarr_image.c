/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zarr_image.c - OME-Zarr's metadata
 *
 * "multiscales" in the attributes of a group lists the arrays of one image, the largest first, with
 * axes and how large a pixel is.  bioformats2raw puts images into groups "0", "1" ... of a root;
 * the fields of a plate's wells are such images, too, of which a path names one.
 */
#include "image/zarr/zarr_image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "image/pixel_size.h"

enum { LEVELS = 64, METADATA = 64 << 20 /* bytes of a text of metadata */ };

static const char *const names[] = {".zattrs", ".zarray", ".zgroup", "zarr.json"};

bool un_zarr_folder(const char *path)
{
    struct stat status;
    if (stat(path, &status) || !S_ISDIR(status.st_mode))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char inner[4096];
        if (snprintf(inner, sizeof inner, "%s/%s", path, names[i]) < (int)sizeof inner &&
            !lstat(inner, &status) && S_ISREG(status.st_mode))
            return true;
    }
    return false;
}

/* ---- nodes ------------------------------------------------------------------------------- */

/* What the files of one folder say; version 0: nothing is there. */
struct node {
    int version;
    char what[4 * UN_ZARR_NAME]; /* the file with the array's, or the group's, metadata */
    json_t *array;               /* NULL: a group */
    json_t *owner;               /* of what the next points to */
    const json_t *attributes;
};

static void release(struct node *node)
{
    json_decref(node->array);
    json_decref(node->owner);
    *node = (struct node){0};
}

/* *json: NULL where there is no such file. */
static unet_code load(const char *root, const char *path, const char *name, char what[],
                      json_t **json, unet_error *err)
{
    char inner[2 * UN_ZARR_NAME];
    struct un_mapping file = {0};
    bool absent;
    snprintf(inner, sizeof inner, "%s%s", path, name);
    snprintf(what, 4 * UN_ZARR_NAME, "%s/%s", root, inner);
    unet_code code = un_map_inside(root, inner, &file, &absent, err);
    *json = NULL;
    if (code || absent)
        return code;
    if (file.size > METADATA)
        code = un_fail(err, UNET_EFORMAT, "%s: %zu bytes of metadata; up to %d wanted", what,
                       file.size, METADATA);
    else
        code = un_json_parse(what, (const char *)file.data, file.size, json, err);
    un_map_release(&file);
    return code;
}

static unet_code load_node(const char *root, const char *path, struct node *node, unet_error *err)
{
    json_t *json = NULL, *group = NULL;
    *node = (struct node){0};
    unet_code code = load(root, path, "zarr.json", node->what, &json, err);
    if (code)
        return code;
    if (json) {
        const char *type = json_string_value(json_object_get(json, "node_type"));
        const json_t *attributes = json_object_get(json, "attributes");
        const json_t *ome = json_object_get(attributes, "ome");
        node->version = 3;
        node->array = type && !strcmp(type, "array") ? json_incref(json) : NULL;
        node->owner = json;
        node->attributes = json_is_object(ome) ? ome : attributes;
        return UNET_OK;
    }
    char ignored[4 * UN_ZARR_NAME];
    if ((code = load(root, path, ".zattrs", ignored, &node->owner, err)) ||
        (code = load(root, path, ".zarray", node->what, &node->array, err)))
        return code;
    if (!node->array && (code = load(root, path, ".zgroup", node->what, &group, err)))
        return code;
    node->version = node->array || node->owner || group ? 2 : 0;
    node->attributes = node->owner;
    json_decref(group);
    return UNET_OK;
}

/* ---- axes -------------------------------------------------------------------------------- */

enum { WORDS = 6 };
static const char *const roles[UN_ZARR_ROLES][WORDS] = {
    {"t", "time", "frame"},
    {"c", "channel", "channels", "band", "bands"},
    {"z", "depth", "slice", "plane"},
    {"y", "row", "rows", "height"},
    {"x", "column", "columns", "width"}};

static bool give(struct un_zarr_image *image, int axis, const char *name)
{
    for (int r = 0; name && r < UN_ZARR_ROLES; r++)
        for (int k = 0; k < WORDS && roles[r][k]; k++)
            if (!strcasecmp(name, roles[r][k]) && image->axis[r] < 0) {
                image->axis[r] = axis;
                return true;
            }
    return false;
}

/* Names of axes as texts, or as objects with a name.  false: no list of as many. */
static bool take_names(const json_t *list, struct un_zarr_image *image, const char **wrong)
{
    const json_t *one;
    size_t i;
    *wrong = NULL;
    if (json_array_size(list) != (size_t)image->array.axes)
        return false;
    json_array_foreach(list, i, one)
    {
        const char *name =
            json_string_value(json_is_object(one) ? json_object_get(one, "name") : one);
        if (!give(image, (int)i, name)) {
            *wrong = name ? name : "";
            return false;
        }
    }
    return true;
}

static void forget_axes(struct un_zarr_image *image)
{
    for (int r = 0; r < UN_ZARR_ROLES; r++)
        image->axis[r] = -1;
}

/* Without names: y and x last; before them z, c, t; a last one of up to 4 places is colours. */
static void guess_axes(struct un_zarr_image *image)
{
    const struct un_zarr_array *a = &image->array;
    static const char *const orders[] = {"", "x", "yx", "zyx", "czyx", "tczyx"};
    const bool colours = a->axes == 3 && a->shape[2] <= 4 && a->shape[1] > 4 && a->shape[0] > 4;
    const char *order = colours ? "yxc" : a->axes < 6 ? orders[a->axes] : "";
    forget_axes(image);
    for (int k = 0; order[k]; k++)
        give(image, k, (const char[2]){order[k], 0});
}

static unet_code check_axes(const struct un_zarr_image *image, const char *what, const char *wrong,
                            unet_error *err)
{
    if (wrong)
        return un_fail(err, UNET_EFORMAT,
                       "%s: an axis \"%.40s\"; each of t, c, z, y and x once wanted", what, wrong);
    if (image->axis[UN_ZARR_Y] < 0 || image->axis[UN_ZARR_X] < 0)
        return un_fail(err, UNET_EFORMAT,
                       "%s: an array of %d axes that are not named; y and x wanted", what,
                       image->array.axes);
    return UNET_OK;
}

/* ---- sizes ------------------------------------------------------------------------------- */

static void scale_by(const json_t *transforms, const struct un_zarr_image *image, double size[2])
{
    const json_t *one;
    size_t i;
    json_array_foreach(transforms, i, one)
    {
        const json_t *scale = json_object_get(one, "scale");
        for (int k = 0; k < 2 && json_is_array(scale); k++)
            size[k] *= json_number_value(
                json_array_get(scale, (size_t)image->axis[k ? UN_ZARR_X : UN_ZARR_Y]));
    }
}

static void take_sizes(const json_t *scales, const json_t *dataset, struct un_zarr_image *image)
{
    const json_t *axes = json_object_get(scales, "axes");
    double size[2] = {1, 1}, factor[2];
    char unit[2][8];
    scale_by(json_object_get(dataset, "coordinateTransformations"), image, size);
    scale_by(json_object_get(scales, "coordinateTransformations"), image, size);
    for (int k = 0; k < 2; k++) {
        const json_t *axis = json_array_get(axes, (size_t)image->axis[k ? UN_ZARR_X : UN_ZARR_Y]);
        const char *name = json_string_value(json_object_get(axis, "unit"));
        if (!name || !un_length_unit(name, &factor[k], unit[k]))
            return;
        size[k] *= factor[k];
        if (!(size[k] > 0) || !isfinite(size[k]))
            return;
    }
    size[1] *= un_length_in(unit[1], unit[0]);
    memcpy(image->pixel, size, sizeof size);
    strcpy(image->unit, unit[0]);
}

/* ---- images ------------------------------------------------------------------------------ */

static bool add_level(struct unet_source *source, const struct un_zarr_image *image,
                      const struct un_zarr_array *level)
{
    const int n = source->unread_count;
    struct un_unread *more = realloc(source->unread, ((size_t)n + 1) * sizeof *more);
    if (!more)
        return false;
    source->unread = more;
    more[n] = (struct un_unread){"level", (int)level->shape[image->axis[UN_ZARR_Y]],
                                 (int)level->shape[image->axis[UN_ZARR_X]]};
    source->unread_count = n + 1;
    return true;
}

static unet_code take_array(const struct node *node, struct un_zarr_array *array, unet_error *err)
{
    return un_zarr_array_take(node->what, node->array, node->version, array, err);
}

/* The levels besides the one that is read, as far as they can be. */
static void list_levels(struct unet_source *source, const json_t *datasets, size_t chosen,
                        const char *group, struct un_zarr_image *image)
{
    const json_t *one;
    size_t i;
    json_array_foreach(datasets, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "path"));
        char path[UN_ZARR_NAME];
        struct un_zarr_array level;
        struct node node;
        if (i == chosen || i >= LEVELS || !name ||
            snprintf(path, sizeof path, "%s%s/", group, name) >= UN_ZARR_NAME)
            continue;
        if (!load_node(image->root, path, &node, NULL) && node.array &&
            !take_array(&node, &level, NULL) && level.axes == image->array.axes)
            add_level(source, image, &level);
        release(&node);
    }
}

/* The dataset of this name; NULL: the first. */
static size_t find_dataset(const json_t *datasets, const char *wanted)
{
    for (size_t i = 0; i < json_array_size(datasets); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(datasets, i), "path"));
        if (name && (!wanted || !strcmp(name, wanted)))
            return i;
    }
    return SIZE_MAX;
}

/* A group with "multiscales"; wanted: the level's name.  *found: whether there is such a one. */
static unet_code take_scales(struct unet_source *source, const struct node *group, const char *path,
                             const char *wanted, struct un_zarr_image *image, bool *found,
                             unet_error *err)
{
    const json_t *all = json_object_get(group->attributes, "multiscales");
    const json_t *scales = json_array_get(all, 0), *datasets = json_object_get(scales, "datasets");
    const size_t chosen = find_dataset(datasets, wanted);
    const json_t *dataset = json_array_get(datasets, chosen);
    const json_t *axes = json_object_get(scales, "axes");
    struct node node = {0};
    *found = dataset != NULL;
    if (!dataset)
        return UNET_OK;
    const char *name = json_string_value(json_object_get(dataset, "path")), *wrong = NULL;
    if (snprintf(image->path, UN_ZARR_NAME, "%s%s/", path, name) >= UN_ZARR_NAME)
        return un_fail(err, UNET_EFORMAT, "%s: a path of %zu bytes", group->what, strlen(name));
    unet_code code = load_node(image->root, image->path, &node, err);
    if (!code && !node.array)
        code = un_fail(err, UNET_EFORMAT, "%s/%s: no array is there, but %s says so", image->root,
                       image->path, group->what);
    if (!code && !(code = take_array(&node, &image->array, err)) && json_is_array(axes) &&
        json_array_size(axes) != (size_t)image->array.axes)
        code = un_fail(err, UNET_EFORMAT, "%s: an array of %d axes; %s names %zu", node.what,
                       image->array.axes, group->what, json_array_size(axes));
    if (!code) {
        forget_axes(image);
        if (!take_names(axes, image, &wrong) && !wrong)
            guess_axes(image);
        code = check_axes(image, node.what, wrong, err);
    }
    if (!code) {
        take_sizes(scales, dataset, image);
        list_levels(source, datasets, chosen, path, image);
    }
    release(&node);
    return code;
}

/* x.zarr/1 -> x.zarr and 1, where x.zarr lists it; else nothing is changed. */
static unet_code take_level(struct unet_source *source, struct un_zarr_image *image, bool *found,
                            unet_error *err)
{
    char *slash = strrchr(image->root, '/');
    struct node parent;
    *found = false;
    if (!slash || slash == image->root || !slash[1])
        return UNET_OK;
    char *wanted = strdup(slash + 1);
    if (!wanted)
        return un_fail_memory(err, UN_ZARR_NAME, image->root);
    *slash = 0;
    unet_code code = UNET_OK;
    if (un_zarr_folder(image->root) && !(code = load_node(image->root, "", &parent, err))) {
        code = take_scales(source, &parent, "", wanted, image, found, err);
        release(&parent);
    }
    if (!*found)
        *slash = '/';
    free(wanted);
    return code;
}

/* Names are those of version 3, or xarray's, which calls axes without one dim_0, dim_1. */
static unet_code take_plain(const struct node *node, struct un_zarr_image *image, unet_error *err)
{
    const json_t *dims = json_object_get(node->array, "dimension_names");
    const char *wrong;
    if (!json_is_array(dims))
        dims = json_object_get(node->attributes, "_ARRAY_DIMENSIONS");
    image->path[0] = 0;
    unet_code code = take_array(node, &image->array, err);
    if (code)
        return code;
    forget_axes(image);
    if (!take_names(dims, image, &wrong)) {
        if (image->array.axes > 2 && wrong && *wrong && strncmp(wrong, "dim_", 4))
            return check_axes(image, node->what, wrong, err);
        guess_axes(image);
    }
    return check_axes(image, node->what, NULL, err);
}

/* A group, or the first one in a root of bioformats2raw. */
static unet_code take_group(struct unet_source *source, const struct node *root,
                            struct un_zarr_image *image, unet_error *err)
{
    const bool rooted = json_object_get(root->attributes, "bioformats2raw.layout") != NULL;
    struct node inner = {0};
    bool found;
    unet_code code = take_scales(source, root, "", NULL, image, &found, err);
    if (code || found)
        return code;
    if (rooted && !(code = load_node(image->root, "0/", &inner, err)) &&
        !(code = take_scales(source, &inner, "0/", NULL, image, &found, err)) && found) {
        struct node next;
        if (!load_node(image->root, "1/", &next, NULL) && next.version)
            snprintf(source->note, sizeof source->note,
                     "the first of several images; the next is %.100s/1", image->root);
        release(&next);
    }
    release(&inner);
    if (code || found)
        return code;
    const bool plate =
        json_object_get(root->attributes, "plate") || json_object_get(root->attributes, "well");
    return un_fail(err, UNET_EFORMAT, "%s: a Zarr group that is %s; name %s wanted", image->root,
                   plate ? "a plate or a well" : "no image of OME-Zarr (no multiscales)",
                   plate ? "one field of it, such as its A/1/0," : "one array of it, its folder,");
}

unet_code un_zarr_image_find(struct unet_source *source, struct un_zarr_image *image,
                             unet_error *err)
{
    struct node node;
    bool found = false;
    if (!(image->root = strndup(source->name, source->file_name)))
        return un_fail_memory(err, source->file_name, source->name);
    for (size_t n = strlen(image->root); n > 1 && image->root[n - 1] == '/'; n--)
        image->root[n - 1] = 0;
    unet_code code = load_node(image->root, "", &node, err);
    if (!code && !node.array)
        code = take_group(source, &node, image, err);
    else if (!code && !(code = take_level(source, image, &found, err)) && !found)
        code = take_plain(&node, image, err);
    release(&node);
    return code;
}
