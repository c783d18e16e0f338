/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/class_names.h"

#include <stdio.h>
#include <string.h>

int class_names_check(const struct network_settings *settings, const struct command *command)
{
    const char *at = settings->class_names, *end;

    for (; at; at = *end ? end + 1 : NULL) {
        const char *before = settings->class_names;
        const size_t length = strcspn(at, ",");

        end = at + length;
        for (; length && before < at; before += strcspn(before, ",") + 1)
            if (strcspn(before, ",") == length && !memcmp(before, at, length))
                return usage_error(command, "--class-names: \"%.*s\": this name was given before",
                                   length > 60 ? 60 : (int)length, at);
    }
    return EXIT_DONE;
}

unet_code class_names_give(const struct network_settings *settings, unet_model *model,
                           unet_error *err)
{
    const char *at = settings->class_names;
    unet_code code;

    for (int label = 0; at; label++) {
        size_t length = strcspn(at, ",");
        char name[256];

        snprintf(name, sizeof(name), "%.*s", (int)(length < 255 ? length : 255), at);
        if ((code = unet_model_set_class(model, label, name, NULL, err)))
            return code;
        at = at[length] ? at + length + 1 : NULL;
    }
    return UNET_OK;
}
