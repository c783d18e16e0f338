/* SPDX-License-Identifier: Apache-2.0 */
/* completion_fish.c - fish: a line for each option */
#include "completion/completion.h"

#include <stdio.h>

#include "shared/say.h"

static void print_option(const struct completion *option)
{
    say(stdout, "complete -c unet -n '__fish_seen_subcommand_from %s' -l %s", option->command->name,
        option->name);
    if (option->letter)
        say(stdout, " -s %c", option->letter);
    if (option->completes == COMPLETES_FILES)
        fputs(" -r -F", stdout);
    else if (option->completes == COMPLETES_FOLDERS)
        fputs(" -x -a '(__fish_complete_directories)'", stdout);
    else if (option->completes != COMPLETES_NOTHING && option->values)
        fputs(" -x", stdout);
    if (option->word_count) {
        fputs(option->values ? " -a '" : " -f -a '", stdout);
        for (int i = 0; i < option->word_count; i++)
            say(stdout, "%s%s", i ? " " : "", option->words[i]);
        putchar('\'');
    }
    fputs(" -d '", stdout);
    completion_quote(option->help, "\\");
    fputs("'\n", stdout);
}

void completion_fish(void)
{
    fputs("# fish completion of unet; made by unet completion fish\n", stdout);
    for (int i = 0; i < command_count; i++) {
        say(stdout, "complete -c unet -n __fish_use_subcommand -f -a %s -d '", commands[i]->name);
        completion_quote(commands[i]->summary, "\\");
        fputs("'\n", stdout);
    }
    fputs(
        "complete -c unet -n __fish_use_subcommand -f -a help -d 'the options of a command'\n"
        "complete -c unet -n __fish_use_subcommand -f -l version -d 'version and instruction set'\n"
        "complete -c unet -n '__fish_seen_subcommand_from help' -f -a '",
        stdout);
    for (int i = 0; i < command_count; i++)
        say(stdout, "%s%s", i ? " " : "", commands[i]->name);
    fputs("'\n", stdout);
    for (int i = 0; i < command_count; i++)
        completion_each(commands[i], print_option);
}
