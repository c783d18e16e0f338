/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - the help text of a command, made from its option table, 80 columns wide */
#include "shared/options.h"

#include <stdio.h>
#include <string.h>

#include "shared/say.h"

#define COLUMNS 79
#define HELP_COLUMN 35

/* Prints words from column `at`, wrapped; lines after the first are indented. */
static void print_wrapped(const char *text, int at, int indent)
{
    while (*text) {
        int length = (int)strcspn(text, " ");

        if (at > indent && at + 1 + length > COLUMNS) {
            say(stdout, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            putchar(' ');
            at++;
        }
        say(stdout, "%.*s", length, text);
        at += length;
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* "-o, --output FILE" or "--padding valid|same", appended to text. */
static void add_name(const struct option_row *row, char *text, size_t size)
{
    size_t used = strlen(text);

    used += (size_t)snprintf(text + used, size - used, "%s", used ? ", " : "");
    if (row->letter)
        used += (size_t)snprintf(text + used, size - used, "-%c, ", row->letter);
    used += (size_t)snprintf(text + used, size - used, "--%s", row->name);
    if (row->meta) {
        snprintf(text + used, size - used, " %s", row->meta);
        return;
    }
    const char *const *words =
        row->type == OPTION_FIELD ? said_field(row->kind, row->field)->words : row->choices;
    char word[SAID_WORD];

    for (int i = 0; words && words[i] && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%c%s", i ? '|' : ' ',
                                 said_word(words[i], word));
}

/* In the help of a field's row {..} stand for what the field says of itself. */
void option_help(const struct option_row *row, char *text, size_t size)
{
    const char *at = row->type == OPTION_FIELD && !*row->help ? "{}" : row->help;
    char name[48], value[SAID_WORD];
    size_t used = 0;

    while (*at && used + 1 < size) {
        if (*at != '{' || row->type != OPTION_FIELD) {
            text[used++] = *at++;
            continue;
        }
        int length = (int)strcspn(++at, "}");

        snprintf(name, sizeof(name), "%.*s", length, at);
        used += (size_t)snprintf(
            text + used, size - used, "%s",
            !length ? said_field(row->kind, row->field)->help
                    : said_default(row->kind, *name == '=' ? row->field : name, value));
        at += length + 1;
    }
    text[used < size ? used : size - 1] = 0;
}

static void print_rows(const struct option_row *table)
{
    char names[160] = "", help[240];

    for (const struct option_row *row = table; row->type != OPTION_END; row++) {
        if (row->type == OPTION_TABLE) {
            print_rows(row->table);
            continue;
        }
        if (row->type == OPTION_TOPIC) {
            say(stdout, "  --help %-*s%s\n", HELP_COLUMN - 9, row->name, row->help);
            continue;
        }
        if (row->type == OPTION_HEADING) {
            say(stdout, "%s\n", row->name);
            continue;
        }
        add_name(row, names, sizeof(names));
        if (!row->help)
            continue;
        say(stdout, "  %s", names);
        if (strlen(names) + 4 > HELP_COLUMN)
            say(stdout, "\n%*s", HELP_COLUMN, "");
        else
            say(stdout, "%*s", HELP_COLUMN - 2 - (int)strlen(names), "");
        option_help(row, help, sizeof(help));
        print_wrapped(help, HELP_COLUMN, HELP_COLUMN);
        names[0] = 0;
    }
}

static const struct option_row *find_topic(const struct option_row *table, const char *name)
{
    for (const struct option_row *row = table; row->type != OPTION_END; row++)
        if (row->type == OPTION_TOPIC && !strcmp(row->name, name))
            return row;
    return NULL;
}

static int has_topics(const struct option_row *table)
{
    for (const struct option_row *row = table; row->type != OPTION_END; row++)
        if (row->type == OPTION_TOPIC)
            return 1;
    return 0;
}

int options_help(const struct command *command, const char *topic)
{
    if (topic && has_topics(command->options)) {
        const struct option_row *row = find_topic(command->options, topic);

        if (!row)
            return 0;
        say(stdout, "unet %s, %s: %s\n", command->name, row->name, row->help);
        print_rows(row->table);
        return 1;
    }
    int used = say(stdout, "usage: unet %s", command->name);

    print_wrapped(command->arguments, used, 12);
    if (command->about)
        print_wrapped(command->about, 0, 0);
    print_rows(command->options);
    return 1;
}
