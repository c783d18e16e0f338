/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - unet COMMAND: finds the command and runs it */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/launcher.h"
#include "shared/say.h"

#include "unet_fields.h"

#ifndef UNET_WITHOUT
#define UNET_WITHOUT "" /* what this build lacks, a line; CMakeLists.txt knows */
#endif

const struct command *const commands[] = {
    &command_demo,    &command_check, &command_train,  &command_predict,
    &command_eval,    &command_init,  &command_info,   &command_convert,
    &command_augment, &command_masks, &command_studio, &command_completion,
};
const int command_count = (int)(sizeof(commands) / sizeof(commands[0]));

#define AT(field) offsetof(struct common_settings, field)

const struct option_row common_options[] = {
    OPT_HEADING("all commands:"),
    OPT_INT("threads", AT(threads), 1, 1024, "N", NULL),
    OPT_ENVIRONMENT("device", AT(device), "UNET_DEVICE", "D",
                    "threads [one per core], device [cpu]"),
    OPT_SEED("seed", AT(seed), "S", NULL),
    OPT_FLAG("quiet", AT(quiet), NULL),
    OPT_FLAG("json", AT(json), "seed [0]; say less; report as JSON on stdout"),
    OPT_END,
};

int fail_text(const char *format, ...)
{
    va_list args;

    say_anyway(stderr, "unet: %s", ranks_blame());
    va_start(args, format);
    say_list(stderr, format, args);
    va_end(args);
    say_anyway(stderr, "\n");
    return EXIT_FAILED;
}

int fail(const unet_error *err)
{
    char text[640];

    snprintf(text, sizeof(text), "%s", err->text);
    add_hints(err->hints, text, sizeof(text));
    return fail_text("%s", text);
}

int fail_memory(void)
{
    return fail_text("not enough memory");
}

int finish_output(int status)
{
    errno = 0; /* what was refused before is no longer known by it */
    if (fflush(stdout) || ferror(stdout))
        return fail_text("standard output: cannot write%s%s", errno ? ": " : "",
                         errno ? strerror(errno) : "");
    return status;
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < command_count; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    struct nearest nearest = {.word = name};

    for (int i = 0; i < command_count; i++)
        nearest_try(&nearest, commands[i]->name);
    nearest_try(&nearest, "help");
    say(stderr, "unet: there is no command \"%s\"", name);
    if (nearest.best)
        say(stderr, ", perhaps \"%s\" is meant", nearest.best);
    fputs("; see unet --help\n", stderr);
    return EXIT_USAGE;
}

static void print_overview(FILE *stream)
{
    fputs("usage: unet COMMAND [options]\n\n"
          "Trains U-Nets on pictures and their masks, and segments new pictures with them.\n\n",
          stream);
    for (int i = 0; i < command_count; i++)
        fprintf(stream, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n"
          "  unet help COMMAND, unet COMMAND --help   the options of a command\n"
          "  unet --version                           version and instruction set in use\n\n"
          "Try it:            unet demo /tmp/unet-demo\n"
          "On your own data:  unet check --images DIR --masks DIR\n"
          "                   unet train --images DIR --masks DIR -o cells.safetensors\n"
          "                   unet predict cells.safetensors scan.png -o mask.png\n",
          stream);
}

static int run_help(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        print_overview(stdout);
        return EXIT_DONE;
    }
    command = find_command(argv[1]);
    if (!command)
        return unknown_command(argv[1]);
    if (argc > 2 && !strcmp(argv[2], "--man"))
        options_man(command);
    else
        options_help(command, NULL);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return finish_output(run_help(argc - 1, argv + 1));
    if (!strcmp(argv[1], "--version")) {
        say(stdout, "unet %s (%s)\n" UNET_WITHOUT, UNET_VERSION, unet_isa());
        return finish_output(EXIT_DONE);
    }
    command = find_command(argv[1]);
    if (!command)
        return unknown_command(argv[1]);
    interrupt_watch_files();
    return ranks_leave(finish_output(command->run(command, argc - 1, argv + 1)));
}
