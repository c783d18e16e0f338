/* SPDX-License-Identifier: Apache-2.0 */
/* check_json.c - what unet check found, for programs */
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "check/check_words.h"
#include "shared/json_out.h"

static json_t *path_or_null(const char *path)
{
    return path ? json_path(path) : json_null();
}

static json_t *finding_json(const unet_finding *finding)
{
    char text[640];
    json_t *numbers = json_array();

    finding_words(finding, text, sizeof(text));
    for (int i = 0; i < 4; i++)
        json_array_append_new(numbers, json_number_short(finding->number[i]));
    return json_pack("{ss ss so so so so}", "severity", severity_words[finding->severity], "kind",
                     unet_finding_name(finding->kind), "file", path_or_null(finding->file), "other",
                     path_or_null(finding->other), "numbers", numbers, "text", json_path(text));
}

static json_t *pair_json(const struct check *check, const unet_survey_pair *seen)
{
    json_t *object =
        json_pack("{so so}", "image", path_or_null(seen->image), "mask", path_or_null(seen->mask));
    json_t *pixels = json_array();

    if (!seen->readable) {
        json_decref(pixels);
        return object;
    }
    for (int k = 0; seen->pixels && k < check->facts->labels; k++)
        json_array_append_new(pixels, json_integer((json_int_t)seen->pixels[k]));
    json_object_update_new(
        object,
        json_pack("{si si si ss sb so so so so so so so sI}", "height", seen->height, "width",
                  seen->width, "channels", seen->channels, "samples", sample_words(seen->sample),
                  "grey", seen->grey, "low", json_number_short(seen->low), "dark",
                  json_number_short(seen->dark), "bright", json_number_short(seen->bright), "high",
                  json_number_short(seen->high), "saturated", json_number_short(seen->saturated),
                  "fit", json_number_short(seen->fit), "pixels", pixels, "ignored",
                  (json_int_t)seen->ignored));
    return object;
}

static json_t *facts_json(const struct check *check)
{
    const unet_survey_facts *facts = check->facts;
    json_t *shares = json_array();

    for (int k = 0; k < facts->labels; k++)
        json_array_append_new(shares, json_number_short(check_share(facts, k)));
    return json_pack("{si si si si ss so si si s[ii] s[ii] so so so sI sI}", "pairs", facts->pairs,
                     "images_left_out", check_left_out(check, UNET_FOUND_NO_MASK), "masks_left_out",
                     check_left_out(check, UNET_FOUND_NO_IMAGE), "readable", facts->readable,
                     "paired", facts->rule, "masks", json_path(facts->coding), "channels",
                     facts->channels, "classes", facts->labels, "height", facts->min_height,
                     facts->max_height, "width", facts->min_width, facts->max_width, "low",
                     json_number_short(facts->low), "high", json_number_short(facts->high),
                     "shares", shares, "ignored", (json_int_t)facts->ignored, "bytes",
                     (json_int_t)facts->bytes);
}

static json_t *proposal_json(const struct check *check)
{
    char *command = check_command(check), scaling[128];
    json_t *weights = check->weighted ? json_array() : json_null();

    for (int k = 0; check->weighted && k < check->facts->labels; k++)
        json_array_append_new(weights, json_number_short((double)check->weights[k]));
    check_scaling(check->facts, scaling, sizeof(scaling));
    json_t *object = json_pack("{so ss si si sI so so}", "spec", json_spec(&check->spec), "scaling",
                               scaling, "tile", check->tile, "batch", check->options.batch, "bytes",
                               (json_int_t)check->bytes, "class_weights", weights, "command",
                               json_path(command ? command : ""));
    if (check->memory > 0) {
        json_object_set_new(object, "fits", json_boolean(check->fits));
        json_object_set_new(object, "largest_batch", json_integer(check->batch_most));
    }
    if (check->has_split)
        json_object_set_new(
            object, "objects",
            json_pack("{so so}", "f1_whole",
                      json_number_short(unet_matches_scores(&check->split.whole).f1[0]), "f1_split",
                      json_number_short(unet_matches_scores(&check->split.cut).f1[0])));
    free(command);
    return object;
}

json_t *check_json(const struct check *check)
{
    const unet_survey_facts *facts = check->facts;
    json_t *findings = json_array(), *pairs = json_array();

    for (int i = 0; i < unet_survey_findings(check->survey); i++)
        json_array_append_new(findings, finding_json(unet_survey_finding(check->survey, i)));
    for (int i = 0; i < facts->pairs; i++)
        json_array_append_new(pairs, pair_json(check, unet_survey_at(check->survey, i)));
    return json_pack("{si si si so so so so}", "errors", facts->errors, "warnings", facts->warnings,
                     "notes", facts->notes, "all", facts_json(check), "findings", findings,
                     "proposed", check->proposed ? proposal_json(check) : json_null(), "images",
                     pairs);
}
