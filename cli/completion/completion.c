/* SPDX-License-Identifier: Apache-2.0 */
#include "completion/completion.h"

#include <stdio.h>
#include <string.h>

#include "shared/say.h"

static void add_word(struct completion *option, const char *word)
{
    int most = sizeof(option->words) / sizeof(option->words[0]);

    if (option->word_count < most)
        said_word(word, option->words[option->word_count++]);
}

/* By what the help calls a value. */
static enum completes completes_meta(const char *meta)
{
    static const char *const files[] = {"FILE", "PATH", "MODEL", "RUN", "IMAGE", "MASK", "PNG"};

    if (!strcmp(meta, "DIR"))
        return COMPLETES_FOLDERS;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (!strcmp(meta, files[i]))
            return COMPLETES_FILES;
    return COMPLETES_TEXT;
}

static void fill(struct completion *option, const struct option_row *row)
{
    const char *const *words =
        row->type == OPTION_FIELD ? said_field(row->kind, row->field)->words : row->choices;

    option->name = row->name;
    option->letter = row->letter;
    option->meta = row->meta;
    option->values = row->type == OPTION_TWO ? 2 : row->type != OPTION_FLAG;
    option->word_count = 0;
    for (; words && *words; words++)
        add_word(option, *words);
    option->completes = row->type == OPTION_FLAG     ? COMPLETES_NOTHING
                        : option->word_count         ? COMPLETES_WORDS
                        : row->type == OPTION_STRING ? completes_meta(row->meta)
                                                     : COMPLETES_TEXT;
}

static void each_row(const struct command *command, const struct option_row *table,
                     void (*print)(const struct completion *))
{
    char help[240];

    for (const struct option_row *row = table; row->type != OPTION_END; row++) {
        struct completion option = {.command = command, .help = help};
        const struct option_row *told = row;

        if (row->type == OPTION_TABLE || row->type == OPTION_TOPIC)
            each_row(command, row->table, print);
        if (row->type == OPTION_TABLE || row->type == OPTION_TOPIC || row->type == OPTION_HEADING)
            continue;
        while (!told->help) /* rows of one line */
            told++;
        option_help(told, help, sizeof(help));
        fill(&option, row);
        print(&option);
    }
}

void completion_each(const struct command *command, void (*print)(const struct completion *option))
{
    struct completion help = {
        .command = command, .name = "help", .help = "what there is", .meta = "TOPIC"};

    each_row(command, command->options, print);
    for (const struct option_row *row = command->options; row->type != OPTION_END; row++)
        if (row->type == OPTION_TOPIC)
            add_word(&help, row->name);
    help.completes = help.word_count ? COMPLETES_WORDS : COMPLETES_NOTHING;
    print(&help);
}

void completion_quote(const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", stdout);
        else if (strchr(special, *text))
            putchar('\\');
        putchar(*text);
    }
}
