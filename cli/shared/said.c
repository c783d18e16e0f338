/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/said.h"

#include <stdio.h>
#include <string.h>

/* The functions of unet_fields.h for a struct, and one with its defaults. */
#define KIND(name, type)                                                                           \
    static unet_code set_##name(void *object, const char *field, const char *text)                 \
    {                                                                                              \
        return type##_set(object, field, text, NULL);                                              \
    }                                                                                              \
    static unet_code get_##name(const void *object, const char *field, char *text, size_t size)    \
    {                                                                                              \
        return type##_get(object, field, text, size, NULL);                                        \
    }                                                                                              \
    const struct said_kind said_##name = {type##_field, set_##name, get_##name, fresh_##name}

static void fresh_spec(void *object)
{
    unet_spec_init(object, sizeof(unet_spec));
}

static void fresh_train(void *object)
{
    const unet_spec spec = unet_spec_default();

    unet_train_options_init(object, sizeof(unet_train_options), &spec);
}

static void fresh_session(void *object)
{
    *(unet_session_options *)object = (unet_session_options){.size = sizeof(unet_session_options)};
}

KIND(spec, unet_spec);
KIND(train, unet_train_options);
KIND(session, unet_session_options);

union any_object {
    unet_spec spec;
    unet_train_options train;
    unet_session_options session;
};

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
    union any_object tried;
    int i = 0;

    kind->fresh(&tried);
    if (kind->set(&tried, field, text))
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

void said_drop(struct said *said, const char *field)
{
    int kept = 0;

    for (int i = 0; i < said->count; i++)
        if (strcmp(said->list[i].field, field))
            said->list[kept++] = said->list[i];
    said->count = kept;
}

void said_apply(const struct said *said, const struct said_kind *kind, void *object)
{
    for (int i = 0; i < said->count; i++)
        kind->set(object, said->list[i].field, said->list[i].text);
}

const char *said_word(const char *word, char text[SAID_WORD])
{
    snprintf(text, SAID_WORD, "%s", word);
    for (char *at = text; *at; at++)
        if (*at == '_')
            *at = '-';
    return text;
}

const char *said_default(const struct said_kind *kind, const char *field, char text[SAID_WORD])
{
    union any_object object;
    char value[SAID_WORD];

    kind->fresh(&object);
    if (kind->get(&object, field, value, sizeof(value)))
        value[0] = 0;
    return said_field(kind, field)->words ? said_word(value, text) : strcpy(text, value);
}
