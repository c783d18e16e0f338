/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/split_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/text_file.h"
#include "unet_survey.h"

enum { SPLIT_FORMAT = 1 };

json_t *split_names(const unet_dataset *dataset)
{
    json_t *list = json_array(), *seen = json_object();
    int count = dataset ? unet_dataset_count(dataset) : 0;

    for (int i = 0; i < count && list && seen; i++) {
        const uint8_t *mask;
        const char *name;
        json_t *text;
        int times;

        unet_dataset_image(dataset, i, &mask, &name);
        text = json_path(name); /* bytes that are no UTF-8 may make two names one */
        times = 1 + (int)json_integer_value(json_object_get(seen, json_string_value(text)));
        json_object_set_new(seen, json_string_value(text), json_integer(times));
        if (times > 1)
            json_array_append_new(list, json_sprintf("%s#%d", json_string_value(text), times));
        else
            json_array_append(list, text);
        json_decref(text);
    }
    json_decref(seen);
    return list;
}

int split_load(const char *folder, json_t **split)
{
    char *path = path_join(folder, "split.json");
    json_error_t error;
    json_t *root = NULL;
    int status = path ? EXIT_DONE : fail_memory();

    *split = NULL;
    if (path && path_exists(path) &&
        (!(root = json_load_file(path, 0, &error)) ||
         json_integer_value(json_object_get(root, "format")) != SPLIT_FORMAT ||
         !json_is_array(json_object_get(root, "trained")) ||
         !json_is_array(json_object_get(root, "held_out"))))
        status =
            fail_text("%s: %s", path, root ? "lists no images as this version does" : error.text);
    if (status == EXIT_DONE)
        *split = json_incref(root);
    json_decref(root);
    free(path);
    return status;
}

int split_save(const char *folder, const json_t *split)
{
    char *path = path_join(folder, "split.json");
    json_t *root = json_pack("{si}", "format", SPLIT_FORMAT);
    struct text_file file;
    int ok = 0;

    if (path && root && split && !json_object_update(root, (json_t *)split) &&
        text_file_begin(&file, path)) {
        ok = !json_dumpf(root, file.stream, JSON_INDENT(1)) && fputc('\n', file.stream) != EOF;
        ok = ok && text_file_finish(&file);
        text_file_abort(&file);
    }
    if (!ok)
        fail_text("%s/split.json: cannot be written: %s", folder, strerror(errno));
    json_decref(root);
    free(path);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

/* The names of a list as the keys of an object. */
static json_t *as_set(const json_t *list)
{
    json_t *set = json_object();

    for (size_t i = 0; set && i < json_array_size(list); i++)
        json_object_set_new(set, json_string_value(json_array_get(list, i)), json_true());
    return set;
}

const char *split_differs(const json_t *a, const json_t *b)
{
    const json_t *const lists[] = {a, b, a};
    const char *found = NULL;

    for (int k = 0; k < 2 && !found; k++) {
        json_t *set = as_set(lists[k + 1]);

        for (size_t i = 0; i < json_array_size(lists[k]) && !found; i++) {
            const char *name = json_string_value(json_array_get(lists[k], i));

            if (name && !json_object_get(set, name))
                found = name;
        }
        json_decref(set);
    }
    return found;
}

static int lists(const json_t *list, const char *name)
{
    json_t *wanted = json_string(name);
    int found = 0;

    for (size_t i = 0; i < json_array_size(list) && !found; i++)
        found = json_equal(json_array_get(list, i), wanted);
    json_decref(wanted);
    return found;
}

const char *split_place(const json_t *split, const char *name)
{
    return lists(json_object_get(split, "held_out"), name)  ? "held out"
           : lists(json_object_get(split, "trained"), name) ? "trained on"
                                                            : "not there";
}

int split_take(const json_t *split, const char *folder, unet_dataset **dataset)
{
    const json_t *wanted = json_object_get(split, "held_out");
    json_t *names = split_names(*dataset), *set = as_set(wanted);
    int count = unet_dataset_count(*dataset), status = EXIT_DONE, taken = 0;
    int *out = calloc((size_t)count + 1, sizeof(*out));
    unet_dataset *held_out = NULL;
    unet_error err;

    if (!names || !set || !out)
        status = fail_memory();
    for (int i = 0; i < count && !status; i++) {
        const char *name = json_string_value(json_array_get(names, (size_t)i));

        out[i] = !json_object_del(set, name ? name : "");
        taken += out[i];
    }
    if (!status && json_object_size(set))
        status =
            fail_text("%s/split.json: %s was held out, and is not among the images now (%zu of "
                      "%zu are not)",
                      folder, json_object_iter_key(json_object_iter(set)), json_object_size(set),
                      json_array_size(wanted));
    if (!status && !taken)
        status = fail_text("%s: held no image out, so there is none that it never saw", folder);
    if (!status && unet_dataset_part(*dataset, out, &held_out, &err))
        status = fail(&err);
    if (!status) {
        unet_dataset_free(*dataset);
        *dataset = held_out;
    }
    json_decref(names);
    json_decref(set);
    free(out);
    return status;
}
