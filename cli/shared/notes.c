/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/notes.h"

#include <stdio.h>
#include <string.h>

#include "shared/say.h"
#include "unet_embed.h"
#include "unet_survey.h"

#define MOST 3 /* of each severity */

struct notes {
    char text[2][MOST][512];
    int count[2];
};

static void on_note(void *context, unet_severity severity, const char *text)
{
    struct notes *notes = context;
    int k = severity == UNET_NOTE ? 0 : 1;

    if (notes->count[k] < MOST)
        snprintf(notes->text[k][notes->count[k]], sizeof(notes->text[k][0]), "%s", text);
    notes->count[k]++;
}

unet_code open_noting(const char *images, const char *masks, const unet_dataset_options *options,
                      int quiet, unet_dataset **dataset, unet_error *err)
{
    static const char *const words[] = {"note", "warning"};
    struct notes notes = {0};
    const unet_log log = {.note = on_note, .context = &notes};
    unet_dataset_options own = *options;
    unet_code code;

    own.log = &log;
    code = unet_dataset_open(images, masks, &own, dataset, err);
    for (int k = 1; k >= 0 && !code && !quiet; k--)
        for (int i = 0; i < notes.count[k] && i <= MOST; i++)
            if (i == MOST)
                say(stderr, "%s: and %d more like this\n", words[k], notes.count[k] - MOST);
            else if (strcmp(notes.text[k][i], unet_dataset_left_out(*dataset)))
                say(stderr, "%s: %s\n", words[k], notes.text[k][i]);
    return code;
}
