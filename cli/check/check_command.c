/* SPDX-License-Identifier: Apache-2.0 */
/* check_command.c - the command that trains on what unet check has read, for a shell */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "check/check.h"
#include "shared/network_options.h"
#include "shared/options_json.h"
#include "shared/paths.h"

/* Appends to *command, which is freed and NULL when there is no memory. */
static void append(char **command, const char *option, const char *value)
{
    char *quoted = value ? path_quote(value) : NULL, *longer = NULL;

    if (*command && (quoted || !value))
        longer = path_text("%s %s%s%s", *command, option, quoted && *option ? " " : "",
                           quoted ? quoted : "");
    free(quoted);
    free(*command);
    *command = longer;
}

/* Options of the network as they were given. */
static void append_network(char **command, const struct network_settings *given)
{
    const struct network_settings none = {0};
    json_t *options = options_to_json(network_options, given, &none, (const char *[]){NULL});
    const char *name;
    json_t *value;

    json_object_foreach(options, name, value)
    {
        char option[64];

        snprintf(option, sizeof(option), "--%s", name);
        append(command, option, json_string_value(value));
    }
    json_decref(options);
}

/* The part of a path that says most: of cells/images, cells. */
static char *telling_part(const char *path)
{
    static const char *const plain[] = {"images", "image", "img", "imgs", "imagesTr", "train",
                                        "data",   "raw",   ".",   "..",   "training", "input"};
    size_t size = strlen(path), end;

    for (;;) {
        while (size && path[size - 1] == '/')
            size--;
        end = size;
        while (size && path[size - 1] != '/')
            size--;
        if (size == end)
            return strdup("unet");
        int found = 0;

        for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
            found |=
                strlen(plain[i]) == end - size && !strncasecmp(plain[i], path + size, end - size);
        if (!found)
            return strndup(path + size, end - size);
    }
}

/* A folder for the run that is not there yet: cells.run, cells2.run ... */
static char *free_folder(const char *images)
{
    char *part = telling_part(images), *name = NULL;

    for (int i = 1; part && i < 1000; i++) {
        char number[8] = "";

        if (i > 1)
            snprintf(number, sizeof(number), "%d", i);
        free(name);
        name = path_text("%s%s%s.run", *part == '-' ? "./" : "", part, number);
        if (!name || access(name, F_OK))
            break;
    }
    free(part);
    return name;
}

char *check_command(const struct check *check)
{
    char *command = strdup("unet train"), *folder = free_folder(check->images);
    char text[16 * UNET_MAX_CLASSES] = "";
    size_t used = 0;

    append(&command, "--images", check->images);
    append(&command, "--masks", check->masks);
    if (check->only_pairs)
        append(&command, "--only-pairs", NULL);
    if (check->as_stored)
        append(&command, "--as-stored", NULL);
    if (check->pair[0]) {
        append(&command, "--pair", check->pair[0]);
        append(&command, "", check->pair[1]);
    }
    if (check->channels)
        append(&command, "--channels", check->channels);
    if (check->labels)
        append(&command, "--labels", check->labels);
    if (check->fill)
        append(&command, "--fill", check->fill);
    if (check->ignore)
        append(&command, "--ignore", check->ignore);
    append_network(&command, check->network);
    if (check->memory > 0) { /* training makes of it what was proposed */
        const double memory =
            check->fits ? check->memory : ceil(check->least / 1e6) * 1e6; /* the least that would */
        const int mega = fmod(memory, 1e6) == 0;

        snprintf(text, sizeof(text), "%.0f%s", mega ? memory / 1e6 : memory, mega ? "M" : "");
        append(&command, "--memory", text);
    } else if (check->options.tile > 0) {
        snprintf(text, sizeof(text), "%d", check->options.tile);
        append(&command, "--tile", text);
    }
    for (int k = 0; check->weighted && k < check->facts->labels && used < sizeof(text); k++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.3g", k ? "," : "",
                                 (double)check->weights[k]);
    if (check->weighted)
        append(&command, "--class-weights", text);
    append(&command, "-o", folder);
    if (!folder) {
        free(command);
        return NULL;
    }
    free(folder);
    return command;
}
