/* SPDX-License-Identifier: Apache-2.0 */
/* train_dry.c - unet train --dry-run: what would be done, and how long it would take */
#include <stdio.h>

#include "shared/json_out.h"
#include "shared/progress.h"
#include "shared/say.h"
#include "train/train_run.h"

/* Two steps after the first, which meets cold caches. */
static unet_code measure(unet_trainer *trainer, double *seconds, unet_error *err)
{
    unet_code code = unet_trainer_step(trainer, NULL, err);
    double start = seconds_now();

    for (int i = 0; i < 2 && !code; i++)
        code = unet_trainer_step(trainer, NULL, err);
    *seconds = (seconds_now() - start) / 2;
    return code;
}

static int print_json(const struct train_run *run, const struct recipe_words *words,
                      const unet_trainer_facts *facts, double seconds, double data_bytes)
{
    json_t *recipe = json_object(), *reasons = json_array();

    for (int i = 0; i < words->count; i++)
        json_object_set_new(recipe, words->name[i], json_string(words->text[i]));
    for (int i = 0; i < run->recipe.reasons; i++)
        json_array_append_new(reasons, json_string(run->recipe.reason[i]));
    return json_print(json_pack(
               "{ss so so so si si sf sf sI sI}", "preset", preset_words[run->settings->preset],
               "recipe", recipe, "reasons", reasons, "network", json_spec(&run->recipe.spec),
               "tile", facts->in_tile, "steps_per_epoch", facts->steps_per_epoch,
               "seconds_per_step", seconds, "seconds_per_epoch", seconds * facts->steps_per_epoch,
               "trainer_bytes", (json_int_t)facts->bytes, "data_bytes", (json_int_t)data_bytes))
               ? EXIT_DONE
               : fail_memory();
}

static void print_text(const struct train_run *run, const struct recipe_words *words,
                       const unet_trainer_facts *facts, double seconds, double data_bytes)
{
    char a[24], b[24], c[24];

    say(stdout, "data       %d image%s to train on, %d held out to check\n",
        unet_dataset_count(run->dataset), plural(unet_dataset_count(run->dataset), "s"),
        run->validation ? unet_dataset_count(run->validation) : 0);
    train_run_held_out(run, stdout);
    say(stdout, "masks      %s\n", unet_dataset_coding_text(run->dataset));
    train_run_left_out(run, stdout);
    say(stdout, "preset     %s\n", preset_words[run->settings->preset]);
    for (int i = 0; i < words->count; i++)
        say(stdout, "%-10s %s\n", words->name[i], words->text[i]);
    say(stdout, "memory     %s: %s to train, %s for the images\n",
        format_bytes((double)facts->bytes + data_bytes, a), format_bytes((double)facts->bytes, b),
        format_bytes(data_bytes, c));
    say(stdout,
        "time       %s an epoch: %d step%s of %.3g s, measured on two; validation comes on top\n",
        format_seconds(seconds * facts->steps_per_epoch, a), facts->steps_per_epoch,
        plural(facts->steps_per_epoch, "s"), seconds);
    if (run->recipe.options.seconds > 0)
        say(stdout, "           so %s are %.2g epochs at most\n",
            format_seconds(run->recipe.options.seconds, a),
            run->recipe.options.seconds / (seconds * facts->steps_per_epoch));
    if (run->recipe.reasons)
        say(stdout, "\nwhy\n");
    for (int i = 0; i < run->recipe.reasons; i++)
        say(stdout, "  %s\n", run->recipe.reason[i]);
}

int train_run_dry(struct train_run *run)
{
    const unet_survey_facts *data = unet_survey_all(run->survey);
    unet_trainer *trainer = NULL;
    unet_trainer_facts facts;
    struct recipe_words words;
    double seconds = 0;
    unet_error err;
    int status = EXIT_DONE;

    if (unet_trainer_create(run->model, run->dataset, &run->recipe.options, &trainer, &err) ||
        measure(trainer, &seconds, &err)) {
        status = fail(&err);
    } else {
        facts = unet_trainer_all(trainer);
        recipe_describe(&run->recipe.spec, &run->recipe.options, facts.in_tile,
                        unet_model_labels(run->model), &words);
        if (run->settings->common.json)
            status = print_json(run, &words, &facts, seconds, (double)data->bytes);
        else
            print_text(run, &words, &facts, seconds, (double)data->bytes);
    }
    unet_trainer_free(trainer);
    return status;
}
