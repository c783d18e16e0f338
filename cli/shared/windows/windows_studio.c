/* SPDX-License-Identifier: Apache-2.0 */
/* windows_studio.c - in the place of cli/studio/: the command, which says that it is not here */
#include "shared/cli.h"
#include "shared/options.h"

static const struct option_row no_options[] = {OPT_END};

static int run_none(const struct command *command, int argc, char **argv)
{
    (void)command, (void)argc, (void)argv;
    return fail_text(
        "unet studio is not in the command for Windows; it is in that for Linux, which "
        "the Windows Subsystem for Linux runs");
}

const struct command command_studio = {
    .name = "studio",
    .arguments = "IMAGES...",
    .summary = "not in the command for Windows",
    .about = "Paints masks in the browser while a network learns; not in the command for Windows.",
    .options = no_options,
    .min_operands = 0,
    .max_operands = -1,
    .run = run_none,
};
