/* SPDX-License-Identifier: Apache-2.0 */
/* predict_level.c - --level: slide.svs becomes slide.svs/1, which is a level of it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "predict/predict_plan.h"
#include "shared/cli.h"
#include "shared/say.h"
#include "unet_exchange.h"

/* The number in the option; -1: it is "auto", -2: neither. */
static int read_level(const char *text)
{
    const size_t digits = strspn(text, "0123456789");

    if (!strcmp(text, "auto"))
        return -1;
    return digits && digits < 3 && !text[digits] ? atoi(text) : -2;
}

static int choose(const struct predict_settings *settings, const unet_model *model,
                  const char *slide, int *level)
{
    char text[200];
    unet_error err;

    if (unet_model_level(model, slide, level, text, sizeof(text), &err))
        return fail(&err);
    if (!settings->common.quiet)
        say(stderr, "%s: %s\n", slide, text);
    return EXIT_DONE;
}

int predict_level(const struct command *command, const struct predict_settings *settings,
                  const unet_model *model, struct predict_plan *plan)
{
    if (!settings->level)
        return EXIT_DONE;
    const int wanted = read_level(settings->level);

    if (wanted < -1)
        return usage_error(command, "--level: found \"%s\", wanted 0, 1 .. or auto",
                           settings->level);
    for (size_t i = 0; i < plan->inputs.count; i++) {
        int level = wanted, status = EXIT_DONE;
        char *path;

        if (wanted < 0 && (status = choose(settings, model, plan->inputs.path[i], &level)))
            return status;
        if (!(path = path_text("%s/%d", plan->inputs.path[i], level)))
            return fail_memory();
        free(plan->inputs.path[i]);
        plan->inputs.path[i] = path;
    }
    return EXIT_DONE;
}
