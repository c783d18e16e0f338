/* SPDX-License-Identifier: Apache-2.0 */
/* completion_zsh.c - zsh: a specification of _arguments for each option */
#include "completion/completion.h"

#include <stdio.h>

#include "shared/say.h"

/* ":MODEL:_files" */
static void print_value(const struct completion *option)
{
    if (option->completes == COMPLETES_NOTHING)
        return;
    if (option->word_count) {
        fputs(": :(", stdout);
        for (int i = 0; i < option->word_count; i++)
            say(stdout, "%s%s", i ? " " : "", option->words[i]);
        putchar(')');
        return;
    }
    for (int i = 0; i < option->values; i++) {
        putchar(':');
        completion_quote(option->meta, ":");
        fputs(option->completes == COMPLETES_FOLDERS ? ":_files -/"
              : option->completes == COMPLETES_FILES ? ":_files"
                                                     : ": ",
              stdout);
    }
}

static void print_option(const struct completion *option)
{
    /* --name=: the value may also be the next word; --help has a topic or none */
    const char *joined = option->values == 1 ? "=" : "";

    fputs("            ", stdout);
    if (option->letter)
        say(stdout, "'(-%c --%s)'{-%c+,--%s%s}'", option->letter, option->name, option->letter,
            option->name, joined);
    else
        say(stdout, "'--%s%s", option->name, joined);
    putchar('[');
    completion_quote(option->help, "[]\\");
    putchar(']');
    print_value(option);
    fputs("' \\\n", stdout);
}

void completion_zsh(void)
{
    fputs("#compdef unet\n"
          "# zsh completion of unet; made by unet completion zsh\n"
          "local -a commands\n"
          "commands=(\n",
          stdout);
    for (int i = 0; i < command_count; i++) {
        say(stdout, "    '%s:", commands[i]->name);
        completion_quote(commands[i]->summary, ":\\");
        fputs("'\n", stdout);
    }
    fputs("    'help:the options of a command'\n"
          ")\n"
          "if (( CURRENT == 2 )); then\n"
          "    _describe command commands -- '(--help --version)'\n"
          "    return\n"
          "fi\n"
          "local command=$words[2]\n"
          "shift words\n"
          "(( CURRENT-- ))\n"
          "case $command in\n"
          "    help) _describe command commands ;;\n",
          stdout);
    for (int i = 0; i < command_count; i++) {
        say(stdout, "    %s)\n        _arguments -s \\\n", commands[i]->name);
        completion_each(commands[i], print_option);
        fputs("            '*:file:_files' ;;\n", stdout);
    }
    fputs("esac\n", stdout);
}
