/* SPDX-License-Identifier: Apache-2.0 */
/* completion_bash.c - bash 3 and newer: one function that looks at the word before the cursor's */
#include "completion/completion.h"

#include <stdio.h>

#include "shared/say.h"

static void print_name(const struct completion *option)
{
    if (option->letter)
        say(stdout, "-%c ", option->letter);
    say(stdout, "--%s ", option->name);
}

static void print_value(const struct completion *option)
{
    if (option->completes == COMPLETES_NOTHING)
        return;
    say(stdout, "    '%s --%s'", option->command->name, option->name);
    if (option->letter)
        say(stdout, "|'%s -%c'", option->command->name, option->letter);
    switch (option->completes) {
    case COMPLETES_WORDS:
        fputs(") words='", stdout);
        for (int i = 0; i < option->word_count; i++)
            say(stdout, "%s%s", i ? " " : "", option->words[i]);
        fputs("' ;;\n", stdout);
        break;
    case COMPLETES_FOLDERS:
        fputs(") kind=-d ;;\n", stdout);
        break;
    case COMPLETES_FILES:
        fputs(") kind=-f ;;\n", stdout);
        break;
    default:
        fputs(") return ;;\n", stdout);
    }
}

void completion_bash(void)
{
    fputs("# bash completion of unet; made by unet completion bash\n"
          "_unet()\n"
          "{\n"
          "    local IFS=$' \\t\\n' current=${COMP_WORDS[COMP_CWORD]} "
          "before=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local words= kind= options=\n"
          "    COMPREPLY=()\n"
          "    if [ \"$current\" = = ]; then # --name=VALUE comes as three words\n"
          "        current=\n"
          "    elif [ \"$before\" = = ]; then\n"
          "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
          "        COMPREPLY=($(compgen -W '",
          stdout);
    for (int i = 0; i < command_count; i++)
        say(stdout, "%s ", commands[i]->name);
    fputs("help --help --version' -- \"$current\"))\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          stdout);
    fputs("    help) words='", stdout);
    for (int i = 0; i < command_count; i++)
        say(stdout, "%s%s", i ? " " : "", commands[i]->name);
    fputs("' ;;\n", stdout);
    for (int i = 0; i < command_count; i++) {
        say(stdout, "    %s) options='", commands[i]->name);
        completion_each(commands[i], print_name);
        fputs("' ;;\n", stdout);
    }
    fputs("    esac\n"
          "    case \"${COMP_WORDS[1]} $before\" in\n",
          stdout);
    for (int i = 0; i < command_count; i++)
        completion_each(commands[i], print_value);
    fputs("    *) case $current in\n"
          "        -*) words=$options ;;\n"
          "        *) [ -n \"$words\" ] || kind=-f ;;\n"
          "        esac ;;\n"
          "    esac\n"
          "    if [ -n \"$words\" ]; then\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
          "    elif [ -n \"$kind\" ]; then\n"
          "        IFS=$'\\n'\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        COMPREPLY=($(compgen $kind -- \"$current\"))\n"
          "    fi\n"
          "}\n"
          "complete -F _unet unet\n",
          stdout);
}
