/* SPDX-License-Identifier: Apache-2.0 */
#include "model/models.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/say.h"
#include "unet_image.h"

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

    if (strcmp(unet_model_channels(other), unet_model_channels(models->first)))
        return fail_text("%s: cannot be averaged with %s: its images' channels are \"%s\", not "
                         "\"%s\"",
                         models->files.path[i], models->files.path[0], unet_model_channels(other),
                         unet_model_channels(models->first));
    if (!unet_plan_memory(models->first, &work, &page, &stream, 0, &plan, &err))
        return EXIT_DONE;
    return fail_text("%s: cannot be averaged with %s: %s", models->files.path[i],
                     models->files.path[0], err.text);
}

int models_list(int count, char **operands, struct models *models)
{
    unet_error err;

    for (int i = 0; i < count; i++)
        if (model_path_list(operands[i], &models->files, &err))
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

void model_views(const unet_model *model, const struct said *said, unet_session_options *work)
{
    json_t *settings;
    const char *word;

    said_apply(said, &said_session, work);
    if (said_text(said, "tta"))
        return;
    settings = json_loads(unet_model_settings(model), 0, NULL);
    if ((word = json_string_value(json_object_get(settings, "tta"))))
        unet_session_options_set(work, "tta", word, NULL);
    json_decref(settings);
}

void say_views(unet_tta tta, const struct said *said)
{
    int views = tta == UNET_TTA_NONE ? 1 : tta == UNET_TTA_FLIPS ? 4 : 8;

    if (views > 1)
        say(stderr, "tta: each tile is predicted in %d views, which takes %d times as long%s\n",
            views, views,
            said_text(said, "tta") ? "" : "; the model's preset says so, --tta none does not");
}

int warn_of_tile(const unet_model *model, const unet_session_options *options,
                 const unet_page *page)
{
    const unet_stream stream = {.size = sizeof(stream)};
    unet_memory_plan found = {0};

    if (!options->tile ||
        unet_plan_memory(model, options, page, &stream, 0, &found, NULL) != UNET_OK ||
        !found.blended)
        return 0;
    say(stderr,
        "warning: this network looks at whole images: with tiles of %d, which are blended, the "
        "result is only near that of the whole image\n",
        options->tile);
    return 1;
}

void say_fill(const unet_model *model, const char *given)
{
    char known[32];

    unet_model_fill_text(model, known, sizeof(known));
    if (given || *known)
        say(stderr, "fill: samples of %s are no data%s\n", given ? given : known,
            given ? "" : ", as in the training; --fill V names another value");
}
