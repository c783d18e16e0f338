/* SPDX-License-Identifier: Apache-2.0 */
/*
 * project.c - opening, extending and saving a project
 *
 * Sizes of images are kept, too: labels belong to pixels, so a file that has other ones than before
 * is as good as gone.
 */
#include "studio/project.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/text_file.h"
#include "studio/project_files.h"
#include "unet_image.h"

static const struct studio_class first_classes[] = {
    {"background", {0x4c, 0x78, 0xa8}},
    {"object", {0xf5, 0x85, 0x18}},
};

static unet_code no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory");
}

void project_release(struct project *project)
{
    for (int i = 0; i < project->file_count; i++) {
        free(project->files[i].stored);
        free(project->files[i].path);
        free(project->files[i].mask);
    }
    for (int i = 0; i < project->image_count; i++) {
        free((char *)project->images[i].name);
        free((char *)project->images[i].path);
    }
    free(project->files);
    free(project->images);
    free(project->pages);
    json_decref(project->settings);
    free(project->folder);
    free(project->name);
    *project = (struct project){0};
}

/* ---- classes ----------------------------------------------------------------------------- */

json_t *project_classes(const struct project *project)
{
    json_t *list = json_array();

    for (int i = 0; i < project->class_count; i++) {
        const struct studio_class *class = &project->classes[i];
        char color[8];

        snprintf(color, sizeof(color), "#%02x%02x%02x", class->rgb[0], class->rgb[1],
                 class->rgb[2]);
        json_array_append_new(list, json_pack("{ss ss}", "name", class->name, "color", color));
    }
    return list;
}

static int read_color(const char *text, uint8_t rgb[3])
{
    unsigned int parts[3];
    int length = 0;

    if (strlen(text) != 7 || strspn(text + 1, "0123456789abcdefABCDEF") != 6 ||
        sscanf(text, "#%2x%2x%2x%n", &parts[0], &parts[1], &parts[2], &length) != 3 || length != 7)
        return 0;
    for (int i = 0; i < 3; i++)
        rgb[i] = (uint8_t)parts[i];
    return 1;
}

/* Names go into tables, models and file names: each is one line. */
static void copy_name(const char *text, char *name)
{
    strcpy(name, text);
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == 127)
            *name = ' ';
}

int project_read_classes(const json_t *list, struct studio_class *classes, int *count,
                         unet_error *err)
{
    const size_t size = json_is_array(list) ? json_array_size(list) : 0;

    if (size < 2 || size > UNET_MAX_CLASSES)
        return !set_error(err, UNET_EINVAL, "classes: a list of 2 to %d wanted", UNET_MAX_CLASSES);
    for (size_t i = 0; i < size; i++) {
        const json_t *name = json_object_get(json_array_get(list, i), "name");
        const json_t *color = json_object_get(json_array_get(list, i), "color");

        if (!json_is_string(name) || json_string_length(name) < 1 ||
            json_string_length(name) >= sizeof(classes->name) ||
            strlen(json_string_value(name)) != json_string_length(name))
            return !set_error(err, UNET_EINVAL, "class %zu: a name of 1 to %zu bytes wanted", i,
                              sizeof(classes->name) - 1);
        if (!json_is_string(color) || !read_color(json_string_value(color), classes[i].rgb))
            return !set_error(err, UNET_EINVAL, "class %zu: a colour like #f58518 wanted", i);
        copy_name(json_string_value(name), classes[i].name);
    }
    *count = (int)size;
    return 1;
}

static void begin_classes(struct project *project, const unet_model *model)
{
    project->class_count = model ? unet_model_labels(model) : 2;
    for (int i = 0; i < project->class_count; i++) {
        struct studio_class *class = &project->classes[i];

        if (!model) {
            *class = first_classes[i];
            continue;
        }
        const char *name = unet_model_class(model, i, class->rgb);
        if (*name)
            snprintf(class->name, sizeof(class->name), "%s", name);
        else
            snprintf(class->name, sizeof(class->name), i ? "class %d" : "background", i);
    }
}

/* ---- project.json ------------------------------------------------------------------------ */

static json_t *file_json(const struct project *project, const struct project_file *file)
{
    json_t *pages = json_array();

    for (int i = 0, alike; i < file->pages; i += alike) {
        const struct studio_image *image = &project->images[file->first + i];

        for (alike = 1; i + alike < file->pages; alike++)
            if (image[alike].width != image->width || image[alike].height != image->height ||
                image[alike].channels != image->channels || image[alike].sample != image->sample)
                break;
        json_array_append_new(pages, json_pack("[i i i i i]", alike, image->width, image->height,
                                               image->channels, (int)image->sample));
    }
    return json_pack("{ss ss so}", "path", file->stored, "mask", file->mask, "pages", pages);
}

unet_code project_save(const struct project *project, unet_error *err)
{
    char *path = path_join(project->folder, "project.json");
    json_t *files = json_array(), *all;
    struct text_file file;
    unet_code code = UNET_OK;

    for (int i = 0; i < project->file_count; i++)
        json_array_append_new(files, file_json(project, &project->files[i]));
    all = json_pack("{si so so sO so sb}", "unet_studio", 1, "name", json_path(project->name),
                    "classes", project_classes(project), "settings", project->settings, "files",
                    files, "masks_stale", project->masks_stale);
    if (!path || !all)
        code = no_memory(err);
    else if (!text_file_begin(&file, path))
        code = no_memory(err);
    else if (json_dumpf(all, file.stream, JSON_INDENT(1) | JSON_SORT_KEYS) ||
             !text_file_finish(&file))
        code = set_error(err, UNET_EIO, "%s: cannot be written: %s", path, strerror(errno));
    json_decref(all);
    free(path);
    return code;
}

static unet_code read_project(struct project *project, const char *path, const json_t *all,
                              unet_error *err)
{
    const json_t *files = json_object_get(all, "files"), *settings, *file;
    unet_error wrong = {0};
    size_t i;

    if (json_integer_value(json_object_get(all, "unet_studio")) != 1 || !json_is_array(files))
        return set_error(err, UNET_EFORMAT, "%s: not a project of unet studio, or a later one's",
                         path);
    if (!project_read_classes(json_object_get(all, "classes"), project->classes,
                              &project->class_count, &wrong))
        return set_error(err, UNET_EFORMAT, "%s: %s", path, wrong.text);
    settings = json_object_get(all, "settings");
    if (json_is_object(settings))
        json_object_update(project->settings, (json_t *)settings);
    project->masks_stale = json_is_true(json_object_get(all, "masks_stale"));
    json_array_foreach(files, i, file)
    {
        unet_code code = project_restore(project, path, file, err);

        if (code)
            return code;
    }
    return UNET_OK;
}

static unet_code load(struct project *project, const char *path, unet_error *err)
{
    json_error_t where;
    json_t *all;
    unet_code code;

    if (!path_exists(path))
        return UNET_OK;
    all = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    code = all ? read_project(project, path, all, err)
               : set_error(err, UNET_EFORMAT, "%s: line %d: %s", path, where.line, where.text);
    json_decref(all);
    return code;
}

/* "images.unet" -> "images" */
static char *name_of(const char *folder)
{
    const char *slash = strrchr(folder, '/');
    char *name = path_stem(slash ? slash + 1 : folder);

    return name && *name ? name : (free(name), strdup("project"));
}

unet_code project_open(struct project *project, const char *folder, char *const *paths,
                       size_t count, const unet_model *model, void (*note)(const char *text),
                       unet_error *err)
{
    char *path = NULL;
    unet_code code;

    *project = (struct project){.settings = json_object()};
    project->folder = realpath(folder, NULL);
    if (!project->folder) {
        code = set_error(err, UNET_EIO, "%s: %s", folder, strerror(errno));
        goto done;
    }
    project->name = name_of(project->folder);
    path = path_join(project->folder, "project.json");
    code = project->name && path ? load(project, path, err) : no_memory(err);
    if (code)
        goto done;
    if (!project->class_count)
        begin_classes(project, model);
    project_look(project, note);
    for (size_t i = 0; i < count && !code; i++)
        code = project_add(project, paths[i], note, err);
    if (!code && !project->image_count)
        code = set_error(err, UNET_EINVAL, "%s: no images that can be read", folder);
    if (!code)
        code = project_save(project, err);
done:
    free(path);
    if (code)
        project_release(project);
    return code;
}

void project_unmake(const char *folder)
{
    static const char *const names[] = {"masks",  "labels", "cache",           "run",
                                        "export", "lock",   "strokes.journal", "project.json"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *path = path_join(folder, names[i]);
        const int is_left = path && path_is_folder(path) ? rmdir(path) : path ? unlink(path) : 1;

        free(path);
        if (is_left && errno != ENOENT)
            return; /* a folder that has something in it */
    }
}
