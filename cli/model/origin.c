/* SPDX-License-Identifier: Apache-2.0 */
#include "model/models.h"

#include <stdlib.h>
#include <string.h>

#include "shared/network_options.h"
#include "shared/say.h"
#include "unet_embed.h"

/* Prints the fields that came from one source, or from any but this one; returns how many. */
static int list_fields(FILE *out, const unet_spec *spec, const unet_origin *origin,
                       const char *from, int others, const char *before)
{
    int found = 0;

    for (int i = 0; i < origin->guesses; i++) {
        struct network_row row;
        char option[SAID_WORD];

        if ((strcmp(origin->guess[i].from, from) == 0) == others ||
            !network_find(spec, origin->guess[i].field, &row, option))
            continue;
        say(out, "%s%s", found++ ? ", " : before, option);
        if (row.word[0])
            say(out, " %s", row.word);
        else
            say(out, " %d", row.value);
    }
    return found;
}

void origin_describe(FILE *out, const unet_spec *spec, const unet_origin *origin)
{
    static const struct {
        const char *from, *title, *reason;
    } rows[] = {
        {"layout", "usual      ", ": as is usual for this layout"},
        {"numbers", "numbers    ", ": from the numbers of the layers"},
        {"default", "guessed    ", ": names and shapes do not tell"},
    };

    for (int i = 0; i < 3; i++)
        if (list_fields(out, spec, origin, rows[i].from, 0, rows[i].title))
            say(out, "%s\n", rows[i].reason);
}

void origin_note(void *context, unet_severity severity, const char *text)
{
    (void)context, (void)severity;
    say(stderr, "note: %s\n", text);
}

int origin_test(const char *path, const unet_model *model, unet_package_test *test, char *text,
                size_t size)
{
    unet_error err;

    *test = (unet_package_test){.size = sizeof(*test)};
    *text = 0;
    if (unet_model_test_package(model, path, test, &err))
        snprintf(text, size, "its test tensors were not run: %s", err.text);
    else if (!test->made && strcmp(test->reason, "no bioimage.io package"))
        snprintf(text, size, "its test tensors were not run: %s", test->reason);
    if (!test->made)
        return *text && strcmp(test->reason, "the package has no test tensors");
    snprintf(text, size, "its test output (%s) and this network's differ by at most %.3g of %.3g",
             test->compared, test->difference, test->largest);
    return !(test->difference <= 1e-3 * (test->largest > 1 ? test->largest : 1));
}

unet_code origin_load(const char *path, const struct common_settings *common, unet_model **model,
                      unet_origin *origin, unet_error *err)
{
    const unet_log log = {.note = origin_note};
    unet_known known = unet_known_nothing();
    unet_origin told;
    char *file = NULL;
    unet_code code = model_path_one(path, &file, err);

    known.log = common->quiet ? NULL : &log;
    if (!code)
        code = unet_model_import(file, &known, model, &told, err);
    if (code) {
        free(file);
        return code;
    }
    if (!common->quiet) {
        unet_package_test test;
        char before[512];

        if (origin_test(file, *model, &test, before, sizeof(before)))
            say(stderr, "unet: %s: %s: it may answer otherwise than meant\n", path, before);

        snprintf(before, sizeof(before), "unet: %.400s: guessed ", path);
        if (list_fields(stderr, unet_model_spec(*model), &told, "layout", 1, before))
            fputs("; unet convert takes options that say otherwise\n", stderr);
    }
    free(file);
    if (origin)
        *origin = told;
    return UNET_OK;
}

json_t *origin_json(const unet_origin *origin)
{
    json_t *list = json_array();

    for (int i = 0; i < origin->guesses; i++)
        json_array_append_new(list, json_pack("{ss ss}", "field", origin->guess[i].field, "from",
                                              origin->guess[i].from));
    return list;
}
