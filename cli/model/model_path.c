/* SPDX-License-Identifier: Apache-2.0 */
#include "model/models.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "unet_image.h"

enum { MOST_FOLDS = 1000 };

static const char best[] = "best.safetensors", newest[] = "last.safetensors";

static unet_code say_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory for a list of models");
}

/* FOLDER/best.safetensors, or that of fold `fold` if it is not 0; NULL: no memory. */
static char *best_of(const char *folder, int fold)
{
    const char *between = folder[0] && folder[strlen(folder) - 1] == '/' ? "" : "/";

    return fold ? path_text("%s%sfold%d/%s", folder, between, fold, best)
                : path_text("%s%s%s", folder, between, best);
}

static int has_best(const char *folder, int fold)
{
    char *file = best_of(folder, fold);
    int found = file && path_exists(file);

    free(file);
    return found;
}

int model_path_is(const char *path)
{
    static const char *const endings[] = {".safetensors", ".pth", ".pt",  ".onnx",
                                          ".ckpt",        ".tar", ".bin", ".pkl",
                                          ".index.json",  ".zip", NULL};

    if (path_is_folder(path))
        return has_best(path, 0) || has_best(path, 1) || model_path_folds(path);
    return path_has_ending(path, endings);
}

static int has_fold(const char *folder, int fold)
{
    char *file = best_of(folder, fold);
    int found = 0;

    if (file) {
        file[strlen(file) - sizeof(best)] = 0; /* the folder that it would be in */
        found = path_is_folder(file);
    }
    free(file);
    return found;
}

int model_path_folds(const char *path)
{
    char *file = path_text("%s/settings.json", path), *own = path_text("%s/split.json", path);
    const int is_fold = own && path_exists(own); /* which knows of how many it is one */
    json_t *root = file && !is_fold ? json_load_file(file, 0, NULL) : NULL;
    json_t *options = json_object_get(root, "options");
    const char *text = json_string_value(json_object_get(options, "folds"));
    long folds = text ? strtol(text, NULL, 10) : 0;

    json_decref(root);
    free(file);
    free(own);
    return folds > 1 && folds <= MOST_FOLDS ? (int)folds : 0;
}

unet_code model_path_list(const char *path, struct path_list *files, unet_error *err)
{
    char text[320], *last;
    int folds = 0, wanted;

    if (!path_is_folder(path))
        return path_list_add(files, strdup(path)) ? UNET_OK : say_memory(err);
    if (has_best(path, 0))
        return path_list_add(files, best_of(path, 0)) ? UNET_OK : say_memory(err);
    wanted = model_path_folds(path);
    while (wanted ? folds < wanted : has_fold(path, folds + 1)) {
        folds++;
        if (!has_best(path, folds))
            return set_error(
                err, UNET_EINVAL,
                "%.300s: fold%d has no %s yet: wait for its training, or name the models of "
                "the folds that are done",
                path, folds, best);
        if (!path_list_add(files, best_of(path, folds)))
            return say_memory(err);
    }
    if (folds)
        return UNET_OK;
    if ((last = path_text("%s/%s", path, newest)) && path_exists(last)) {
        set_error(err, UNET_EINVAL, "%.200s: no %s in this run; its newest model is %.200s", path,
                  best, last);
        free(last);
        return UNET_EINVAL;
    }
    free(last);
    if (unet_known_file(path, text, sizeof(text)))
        return set_error(err, UNET_EINVAL, "%.150s: %s", path, text);
    return set_error(
        err, UNET_EINVAL,
        "%.300s: no model in this folder, wanted %s or fold1/%s, as unet train writes them", path,
        best, best);
}

unet_code model_path_one(const char *path, char **file, unet_error *err)
{
    struct path_list files = {0};
    unet_code code = model_path_list(path, &files, err);

    if (!code && files.count > 1)
        code = set_error(err, UNET_EINVAL, "%.200s: the models of %zu folds, wanted one: %.200s",
                         path, files.count, files.path[0]);
    if (!code && !(*file = strdup(files.path[0])))
        code = say_memory(err);
    path_list_release(&files);
    return code;
}
