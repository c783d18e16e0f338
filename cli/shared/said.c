/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/said.h"

#include <stdio.h>
#include <string.h>

static unet_code check_spec(const char *field, const char *text)
{
    unet_spec spec = unet_spec_default();

    return unet_spec_set(&spec, field, text, NULL);
}

const struct said_kind said_spec = {unet_spec_field, check_spec};

const unet_field *said_field(const struct said_kind *kind, const char *name)
{
    const unet_field *field;
    int i = 0;

    while ((field = kind->field(i++)) && strcmp(field->name, name))
        ;
    return field;
}

int said_put(struct said *said, const struct said_kind *kind, const char *field, const char *text)
{
    int i = 0;

    if (kind->check(field, text))
        return 0;
    while (i < said->count && strcmp(said->list[i].field, field))
        i++;
    if (i == SAID_MAX)
        return 0;
    said->list[i].field = field;
    said->list[i].text = text;
    said->count += i == said->count;
    return 1;
}

const char *said_text(const struct said *said, const char *field)
{
    for (int i = 0; i < said->count; i++)
        if (!strcmp(said->list[i].field, field))
            return said->list[i].text;
    return NULL;
}

const char *said_word(const char *word, char text[SAID_WORD])
{
    snprintf(text, SAID_WORD, "%s", word);
    for (char *at = text; *at; at++)
        if (*at == '_')
            *at = '-';
    return text;
}
