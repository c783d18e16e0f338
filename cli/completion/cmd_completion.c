/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_completion.c - unet completion: what bash, zsh or fish source to complete command lines */
#include <string.h>

#include "completion/completion.h"

struct completion_settings {
    struct common_settings common;
};

#define AT(field) offsetof(struct completion_settings, field)

static const struct option_row completion_options[] = {
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

static const struct shell {
    const char *name;
    void (*print)(void);
} shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};

static int run_completion(const struct command *command, int argc, char **argv)
{
    struct completion_settings given = {0};
    int operands, status;

    if (!options_parse(command, argc, argv, &given, &operands, &status))
        return status;
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
        if (!strcmp(argv[0], shells[i].name)) {
            shells[i].print();
            return EXIT_DONE;
        }
    return usage_error(command, "found \"%s\", wanted bash, zsh or fish", argv[0]);
}

const struct command command_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "print what a shell needs to complete command lines",
    .about =
        "make install puts it where the shells look. Without: source <(unet completion bash) in "
        "~/.bashrc; unet completion zsh > _unet in a folder of $fpath; unet completion fish > "
        "~/.config/fish/completions/unet.fish.",
    .options = completion_options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_completion,
};
