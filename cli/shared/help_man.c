/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_man.c - the manual page of a command, from the same table as its help, for man(1)
 *
 * Text is escaped as roff wants it: a hyphen that is typed is \-, a backslash \e, and a line that
 * begins with a dot or an apostrophe, which would be a request, begins with \& instead.
 */
#include <ctype.h>

#include "shared/cli.h"
#include "shared/say.h"

static void print_roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else
            say(stdout, "%c", *text);
}

static void print_name(const struct option_row *row, const char *before)
{
    const char *const *words =
        row->type == OPTION_FIELD ? said_field(row->kind, row->field)->words : row->choices;
    char word[SAID_WORD];

    fputs(before, stdout);
    if (row->letter)
        say(stdout, "\\fB\\-%c\\fR, ", row->letter);
    fputs("\\fB\\-\\-", stdout);
    print_roff(row->name);
    fputs("\\fR", stdout);
    if (row->meta) {
        fputs(" \\fI", stdout);
        print_roff(row->meta);
        fputs("\\fR", stdout);
        return;
    }
    for (int i = 0; words && words[i]; i++) {
        fputs(i ? "|" : " ", stdout);
        print_roff(said_word(words[i], word));
    }
}

static void print_rows(const struct option_row *table)
{
    char help[240];
    int first = 1;

    for (const struct option_row *row = table; row->type != OPTION_END; row++) {
        if (row->type == OPTION_TABLE) {
            print_rows(row->table);
            continue;
        }
        if (row->type == OPTION_TOPIC || row->type == OPTION_HEADING) {
            fputs(".SS ", stdout);
            print_roff(row->type == OPTION_TOPIC ? row->help : row->name);
            putchar('\n');
            if (row->type == OPTION_TOPIC)
                print_rows(row->table);
            continue;
        }
        print_name(row, first ? ".TP\n" : ", ");
        first = !!row->help; /* a row without belongs to the line of the next */
        if (!row->help)
            continue;
        option_help(row, help, sizeof(help));
        putchar('\n');
        print_roff(help);
        putchar('\n');
    }
}

void options_man(const struct command *command)
{
    char title[32];
    size_t n = 0;

    for (; command->name[n] && n + 1 < sizeof(title); n++)
        title[n] = (char)toupper((unsigned char)command->name[n]);
    title[n] = 0;
    say(stdout,
        ".\\\" made by unet help %s \\-\\-man\n"
        ".TH UNET\\-%s 1 \"\" \"unet %s\" \"User Commands\"\n"
        ".SH NAME\nunet\\-%s \\- ",
        command->name, title, UNET_VERSION, command->name);
    print_roff(command->summary);
    say(stdout, "\n.SH SYNOPSIS\n\\fBunet %s\\fR ", command->name);
    print_roff(command->arguments);
    fputs("\n.SH DESCRIPTION\n", stdout);
    print_roff(command->about ? command->about : command->summary);
    fputs("\n.PP\n.BR unet (1)\nsays more of these options, and of images, masks and models.\n"
          ".SH OPTIONS\n",
          stdout);
    print_rows(command->options);
    fputs(".SH EXIT STATUS\n0: done; 1: it failed, and a line on standard error says why; 2: the "
          "command line was wrong, and nothing was touched; 130: it was interrupted, and what "
          "could be saved was saved.\n.SH SEE ALSO\n",
          stdout);
    for (int i = 0; i < command_count; i++)
        if (commands[i] != command)
            say(stdout, ".BR unet\\-%s (1),\n", commands[i]->name);
    fputs(".BR unet (1),\n.BR unet.h (3)\n", stdout);
}
