/* SPDX-License-Identifier: Apache-2.0 */
/* train_files.c - the folder of a run, and settings.json */
#include "train/train_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/device.h"
#include "shared/folder_lock.h"
#include "shared/options_json.h"
#include "shared/paths.h"
#include "shared/text_file.h"

enum { SETTINGS_FORMAT = 1 };

static const char device_key[] = "device"; /* what it ran on, see device_text() */
/* Runs from before it was there drew images one by one, and go on with those. */
static const char split_key[] = "held_out_by";
static const char objects_key[] = "objects";

static const char *const model_endings[] = {".safetensors", NULL};

int train_files_name(const char *output, struct train_files *files)
{
    if (path_has_ending(output, model_endings)) {
        int stem = (int)(strlen(output) - strlen(path_ending(output)));

        files->folder = path_text("%.*s.run", stem, output);
        files->best = path_text("%s", output);
    } else {
        files->folder = path_text("%s", output);
        files->best = path_join(output, "best.safetensors");
    }
    if (!files->folder || !files->best)
        return 0;
    files->last = path_join(files->folder, "last.safetensors");
    files->checkpoint = path_join(files->folder, "checkpoint");
    files->settings = path_join(files->folder, "settings.json");
    files->history = path_join(files->folder, "history.jsonl");
    return files->last && files->checkpoint && files->settings && files->history;
}

void train_files_release(struct train_files *files)
{
    folder_unlock(files->folder, &files->lock);
    free(files->folder);
    free(files->best);
    free(files->last);
    free(files->checkpoint);
    free(files->settings);
    free(files->history);
}

int train_files_check(const struct train_files *files, int overwrite)
{
    if (path_exists(files->folder) && !path_is_folder(files->folder))
        return fail_text("%s: is a file, wanted a folder for the run", files->folder);
    if (!overwrite && path_exists(files->history) && !path_exists(files->checkpoint))
        return fail_text("%s: has a run already, stopped before its first checkpoint; --overwrite "
                         "begins anew",
                         files->folder);
    if (!overwrite && (path_exists(files->settings) || path_exists(files->checkpoint)))
        return fail_text("%s: has a run already; --resume %s goes on with it, --overwrite begins "
                         "anew",
                         files->folder, files->folder);
    return EXIT_DONE;
}

int train_files_lock(struct train_files *files)
{
    return path_is_folder(files->folder) ? folder_lock(files->folder, "unet train", &files->lock)
                                         : EXIT_DONE;
}

int train_files_begin(struct train_files *files, int overwrite)
{
    int status;

    if (!path_make_folder(files->folder))
        return fail_text("%s: cannot be made: %s", files->folder, strerror(errno));
    /* another may have begun and ended here since the first check */
    if ((status = train_files_lock(files)) != EXIT_DONE ||
        (status = train_files_check(files, overwrite)) != EXIT_DONE)
        return status;
    if (!path_writable(files->best))
        return fail_text("%s: cannot be written: %s", files->best, strerror(errno));
    if (remove(files->checkpoint) && errno != ENOENT) /* no run is resumed from another's */
        return fail_text("%s: cannot be removed: %s", files->checkpoint, strerror(errno));
    return EXIT_DONE;
}

/* Options that say where a run is or how it is told, not what it does. */
static const char *const not_kept[] = {"resume", "dry-run", "overwrite", "fold",
                                       "quiet",  "json",    NULL};
static const char *const path_options[] = {"images",     "masks",     "output", "init",
                                           "val-images", "val-masks", NULL};

/* Paths from the root, so that a run can be resumed from any folder. */
static int absolute_paths(json_t *options)
{
    for (const char *const *name = path_options; *name; name++) {
        const char *path = json_string_value(json_object_get(options, *name));
        char *whole = path ? path_entry(path) : NULL;
        int failed = path && (!whole || json_object_set_new(options, *name, json_string(whole)));

        free(whole);
        if (failed)
            return 0;
    }
    return 1;
}

static json_t *rows_object(const char *const (*rows)[2], int count)
{
    json_t *object = json_object();

    for (int i = 0; i < count; i++)
        json_object_set_new(object, rows[i][0], json_string(rows[i][1]));
    return object;
}

/* NULL: a path cannot be kept. */
static json_t *options_of(const struct train_settings *settings)
{
    json_t *options = options_to_json(train_options, settings, &train_settings_none, not_kept);

    if (options && absolute_paths(options))
        return options;
    json_decref(options);
    return NULL;
}

int train_files_same(const struct train_files *files, const struct train_settings *settings,
                     int *there)
{
    static const char *const alike[] = {"threads", "checkpoint-every", "tensorboard", NULL};
    json_t *root = json_load_file(files->settings, 0, NULL), *value;
    json_t *before = json_object_get(root, "options"), *now = root ? options_of(settings) : NULL;
    const char *other = NULL, *key;

    *there = root != NULL;
    for (const char *const *name = alike; root && *name; name++) {
        json_object_del(before, *name);
        json_object_del(now, *name);
    }
    json_object_foreach(before, key, value) if (!json_equal(value, json_object_get(now, key)))
        other = key;
    json_object_foreach(now, key, value) if (!json_object_get(before, key)) other = key;
    if (other)
        fail_text("%s: has a run already that was told another --%s; its folds are of one run, "
                  "wanted the same options or another folder",
                  files->folder, other);
    json_decref(now);
    json_decref(root);
    return other ? EXIT_FAILED : EXIT_DONE;
}

int train_files_save(const struct train_files *files, const struct train_settings *settings,
                     const char *const (*recipe)[2], int recipe_rows)
{
    json_t *options = options_of(settings);
    struct text_file file;
    char device[200];
    json_t *root;
    int status = EXIT_DONE;

    if (!options)
        return fail_text("%s: the paths given must be UTF-8 to be kept", files->settings);
    device_text(device, sizeof(device));
    root = json_pack(
        "{si ss ss ss ss so so}", "format", SETTINGS_FORMAT, "version", UNET_VERSION, device_key,
        device, split_key, settings->val_by == VAL_BY_IMAGES ? "images" : "sequences", objects_key,
        "by themselves", "options", options, "recipe", rows_object(recipe, recipe_rows));
    if (!root)
        return fail_memory();
    if (!text_file_begin(&file, files->settings)) {
        status = fail_text("%s: cannot be written: %s", files->settings, strerror(errno));
    } else if (json_dumpf(root, file.stream, JSON_INDENT(2)) || fputc('\n', file.stream) == EOF) {
        text_file_abort(&file);
        status = fail_text("%s: cannot be written", files->settings);
    } else if (!text_file_finish(&file)) {
        status = fail_text("%s: cannot be written: %s", files->settings, strerror(errno));
    }
    json_decref(root);
    return status;
}

void train_files_say_device(const json_t *kept, int quiet)
{
    device_say_other(json_string_value(json_object_get(kept, device_key)), quiet);
}

int train_files_load(const char *folder, struct train_settings *settings, json_t **kept)
{
    char *path = path_join(folder, "settings.json"), problem[256];
    json_error_t error;
    json_t *root, *options;
    int status = EXIT_DONE, format;

    if (!path)
        return fail_memory();
    if (!path_is_folder(folder)) {
        free(path);
        return fail_text("--resume %s: wanted the folder of a run, where its checkpoint is",
                         folder);
    }
    root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    options = json_object_get(root, "options");
    format = (int)json_integer_value(json_object_get(root, "format"));
    if (!root)
        status = fail_text("%s: %s", path, error.text);
    else if (format != SETTINGS_FORMAT)
        status = fail_text("%s: format %d, this version knows %d", path, format, SETTINGS_FORMAT);
    else if (!json_is_object(options))
        status = fail_text("%s: has no object \"options\"", path);
    else if (!options_from_json(train_options, options, settings, problem, sizeof(problem)))
        status = fail_text("%s: %s", path, problem);
    free(path);
    if (status != EXIT_DONE) {
        json_decref(root);
        return status;
    }
    if (!json_object_get(root, split_key))
        settings->val_by = VAL_BY_IMAGES;
    if (!json_object_get(root, objects_key) &&
        !settings->init) /* a run from before objects were learnt unasked */
        said_put(&settings->network.said, &said_spec, "rims", "0");
    *kept = root;
    return EXIT_DONE;
}
