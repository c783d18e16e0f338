/* SPDX-License-Identifier: Apache-2.0 */
/* error_words.c - errors of the library with the options of the command that would help */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/cli.h"

static const struct {
    unsigned int hint;
    const char *option;
} options[] = {
    {UNET_HINT_LABELS, "--labels"},
    {UNET_HINT_IGNORE, "--ignore 255"},
    {UNET_HINT_OUTLINES, "unet masks makes masks of outlines in a folder of their own"},
    {UNET_HINT_ONLY_PAIRS, "--only-pairs goes without them"},
    {UNET_HINT_CLIP, "--clip 1"},
    {UNET_HINT_PAIR, "--pair IMAGE MASK, or a list of pairs as --masks; docs/labels.md"},
    {UNET_HINT_CHANNELS, "--channels pages if they are channels"},
    {UNET_HINT_NORM, "unet convert with --norm none or --norm instance says which"},
    {UNET_HINT_PREFIX, "unet convert with --prefix NAME takes one"},
    {UNET_HINT_STANDARDIZE,
     "unet convert with --standardize takes them at mean 0 and variance 1 instead"},
    {UNET_HINT_AUTHOR, "--author NAME --license CC-BY-4.0, or another SPDX identifier"},
    {UNET_HINT_MEMORY, "--tile makes it smaller, in training --batch and --width do, too"},
    {UNET_HINT_DEVICE, "unet info --devices lists what is there, and says what to install"},
    {UNET_HINT_FILL, "--fill nan takes it as no data"},
    {UNET_HINT_AS_STORED, "--as-stored takes pixels as they lie in the files"},
};

void add_hints(unsigned int hints, char *text, size_t size)
{
    size_t used = strlen(text);
    const char *between = " (";

    for (size_t i = 0; i < sizeof(options) / sizeof(*options) && used < size; i++) {
        if (!(hints & options[i].hint))
            continue;
        used += (size_t)snprintf(text + used, size - used, "%s%s", between, options[i].option);
        between = ", ";
    }
    if (*between == ',' && used < size)
        snprintf(text + used, size - used, ")");
}

unet_code set_error(unet_error *err, unet_code code, const char *format, ...)
{
    unet_error made = {.code = code};
    va_list args;

    va_start(args, format);
    vsnprintf(made.text, sizeof(made.text), format, args);
    va_end(args);
    if (err)
        *err = made; /* at the end: the arguments may point into *err */
    return code;
}
