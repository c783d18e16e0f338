/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_hints.c - what was meant by an option that a command does not have
 *
 * The first that fits of: an argument that takes no option here (predict --images: IMAGE), other
 * commands that have this option, and a near name of an option here.
 */
#include "shared/options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "shared/cli.h"

static void suggest(const struct option_row *table, struct nearest *nearest)
{
    for (const struct option_row *row = table; row->type != OPTION_END; row++) {
        if (row->type == OPTION_TABLE || row->type == OPTION_TOPIC)
            suggest(row->table, nearest);
        else if (row->type != OPTION_HEADING)
            nearest_try(nearest, row->name);
    }
}

/* Whether the length letters at `operand`, "IMAGE", are the word, or its plural. */
static int is_operand(const char *operand, size_t length, const char *word)
{
    for (size_t i = 0; i < length; i++)
        if (word[i] != tolower((unsigned char)operand[i]))
            return 0;
    return !word[length] || !strcmp(word + length, "s");
}

/* Whether the arguments of a command, "MODEL... IMAGE... -o PATH", have this word by itself. */
static int has_operand(const char *arguments, const char *word)
{
    int of_option = 0; /* what follows is the value of an option */

    while (*arguments) {
        size_t length = strcspn(arguments, " |");

        if (*arguments == '-') {
            of_option = 1;
        } else {
            size_t open = *arguments == '[';
            size_t letters = strspn(arguments + open, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

            if (!of_option && letters && is_operand(arguments + open, letters, word))
                return 1;
            of_option = 0;
        }
        arguments += length;
        arguments += strspn(arguments, " |");
    }
    return 0;
}

/* " (unet check and unet train have it)", or "" where no command has this option. */
static void name_others(const char *word, char *text, size_t size)
{
    size_t used = 0;
    int having = 0, said = 0;

    *text = 0;
    for (int i = 0; i < command_count; i++)
        having += option_find(commands[i]->options, word) != NULL;
    for (int i = 0; i < command_count && used < size; i++) {
        if (!option_find(commands[i]->options, word))
            continue;
        said++;
        used += (size_t)snprintf(text + used, size - used, "%sunet %s",
                                 said == 1        ? " ("
                                 : said == having ? " and "
                                                  : ", ",
                                 commands[i]->name);
    }
    if (having && used < size)
        snprintf(text + used, size - used, "%s", having == 1 ? " has it)" : " have it)");
}

int option_unknown(const struct command *command, const char *text, size_t length)
{
    char word[64], others[160];
    struct nearest nearest = {.word = word};

    if (text[1] != '-')
        return usage_error(command, "there is no option %s", text);
    snprintf(word, sizeof(word), "%.*s", (int)(length < 60 ? length : 60), text + 2);
    if (has_operand(command->arguments, word))
        return usage_error(
            command, "there is no option --%s, its value stands by itself, wanted: unet %s %s",
            word, command->name, command->arguments);
    name_others(word, others, sizeof(others));
    if (!*others)
        suggest(command->options, &nearest);
    if (nearest.best)
        return usage_error(command, "there is no option --%s, perhaps --%s is meant", word,
                           nearest.best);
    return usage_error(command, "there is no option --%s%s", word, others);
}
