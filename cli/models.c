/* SPDX-License-Identifier: Apache-2.0 */
#include "models.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"
#include "runfolder.h"

/* Whether a model goes with the first one: a plan for a small page says so before any work. */
static int check_pair(const struct models *models, size_t i)
{
    const unet_model *other = models->list[i];
    const unet_session_options work = {.others = &other, .other_count = 1};
    const unet_page page = {
        .height = 16, .width = 16, .channels = unet_model_spec(models->first)->in_channels};
    const unet_stream stream = {.mask = 1};
    unet_memory_plan plan;
    unet_error err;

    if (!unet_plan_memory(models->first, &work, &page, &stream, 0, &plan, &err))
        return EXIT_DONE;
    return fail_text("%s: cannot be averaged with %s: %s", models->files.path[i],
                     models->files.path[0], err.text);
}

int models_list(int count, char **operands, struct models *models)
{
    unet_error err;

    for (int i = 0; i < count; i++)
        if (run_folder_list(operands[i], &models->files, &err))
            return fail(&err);
    return EXIT_DONE;
}

int models_open(const struct common_settings *common, struct models *models)
{
    unet_error err;
    int status = EXIT_DONE;

    models->list = calloc(models->files.count + 1, sizeof(*models->list));
    if (!models->list)
        return fail_memory();
    for (size_t i = 0; i < models->files.count && !status; i++) {
        if (origin_load(models->files.path[i], common, &models->list[i], NULL, &err))
            return fail(&err);
        models->first = models->list[0];
        status = i ? check_pair(models, i) : EXIT_DONE;
    }
    return status;
}

int models_load(int count, char **operands, const struct common_settings *common,
                struct models *models)
{
    int status = models_list(count, operands, models);

    return status ? status : models_open(common, models);
}

void models_release(struct models *models)
{
    for (size_t i = 0; models->list && i < models->files.count; i++)
        unet_model_free(models->list[i]);
    free(models->list);
    path_list_release(&models->files);
    *models = (struct models){0};
}

void models_average(const struct models *models, unet_session_options *work)
{
    work->others = (const unet_model *const *)models->list + 1;
    work->other_count = (int)models->files.count - 1;
}

unet_tta models_views(const unet_model *model, int given)
{
    static const char *const words[] = {"none", "flips", "rotations"};
    json_t *trained = given < 0 ? json_loads(unet_model_settings(model), 0, NULL) : NULL;
    const char *wish = json_string_value(json_object_get(trained, "tta"));
    int views = given < 0 ? UNET_TTA_NONE : given;

    for (int i = 0; wish && i <= UNET_TTA_ROTATIONS; i++)
        if (!strcmp(wish, words[i]))
            views = i;
    json_decref(trained);
    return (unet_tta)views;
}
