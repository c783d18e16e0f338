/* SPDX-License-Identifier: Apache-2.0 */
/* train_split.c - what a run is trained on and what it holds out, kept in its folder */
#include <stdlib.h>

#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/split_file.h"
#include "train/train_run.h"
#include "unet_survey.h"

/* A path from the root; NULL where it cannot be kept. */
static json_t *whole_path(const char *path)
{
    char *whole = path ? path_entry(path) : NULL;
    json_t *text = whole ? json_string(whole) : NULL;

    free(whole);
    return text ? text : json_null();
}

/* How images and masks are read, as unet eval has to. */
static json_t *reading_of(const struct train_settings *settings)
{
    json_t *made =
        json_pack("{sb sb}", "only-pairs", settings->only_pairs, "as-stored", settings->as_stored);

    if (settings->ignore)
        json_object_set_new(made, "ignore", json_path(settings->ignore));
    if (settings->fill)
        json_object_set_new(made, "fill", json_path(settings->fill));
    if (settings->pair[0])
        json_object_set_new(
            made, "pair",
            json_pack("[oo]", json_path(settings->pair[0]), json_path(settings->pair[1])));
    return made;
}

static json_t *make(const struct train_run *run)
{
    const struct train_settings *settings = run->settings;
    const int own = settings->val_images != NULL;
    json_t *split = json_pack(
        "{so so so so so so}", "images", whole_path(own ? settings->val_images : settings->images),
        "masks", whole_path(own ? settings->val_masks : settings->masks), "options",
        reading_of(settings), "how",
        json_path(run->validation ? unet_dataset_held_out_text(run->validation) : ""), "trained",
        split_names(run->dataset), "held_out", split_names(run->validation));

    if (split && run->fold >= 0) {
        json_object_set_new(split, "fold", json_integer(run->fold + 1));
        json_object_set_new(split, "folds", json_integer(settings->folds));
    }
    return split;
}

int train_split_keep(const struct train_run *run)
{
    static const char *const lists[] = {"held_out", "trained"};
    json_t *now = make(run), *before = NULL;
    int status = now ? EXIT_DONE : fail_memory();

    if (!status && run->resumed)
        status = split_load(run->files.folder, &before);
    for (int k = 0; k < 2 && before && !status; k++) {
        const char *name =
            split_differs(json_object_get(before, lists[k]), json_object_get(now, lists[k]));

        if (name)
            status = fail_text("%s/split.json: %s was %s when this run began, and is %s now; "
                               "wanted the same images, --seed and --val-by, or a new run",
                               run->files.folder, name, split_place(before, name),
                               split_place(now, name));
    }
    if (!status && !before)
        status = split_save(run->files.folder, now);
    json_decref(before);
    json_decref(now);
    return status;
}
