/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/launcher.h"
#include "shared/say.h"

void device_text(char *text, size_t size)
{
    unet_device device;

    if (size)
        *text = '\0';
    if (unet_device_chosen(&device, NULL))
        return;
    if (!strcmp(device.type, "cpu") && !strcmp(device.driver, unet_isa()))
        snprintf(text, size, "%s", device.driver);
    else
        snprintf(text, size, "%s%s%s", device.name, *device.driver ? ", " : "", device.driver);
}

int device_begin(const struct common_settings *common)
{
    const char *wanted = getenv("UNET_DEVICE");
    unet_device device;
    unet_error err;
    char number[16];
    int automatic;

    if (!wanted || !*wanted || !strcmp(wanted, "cpu"))
        return EXIT_DONE;
    automatic = !strcmp(wanted, "auto");
    if (unet_device_chosen(&device, &err))
        return fail(&err);
    if (automatic) { /* measured once, and not again by each session */
        snprintf(number, sizeof(number), "%d", device.number);
        setenv("UNET_DEVICE", number, 1);
    }
    if (!common->quiet && ranks_first() && (common->device || automatic))
        say(stderr, "unet: runs on %s%s%s%s\n", device.name, *device.driver ? " (" : "",
            device.driver, *device.driver ? ")" : "");
    return EXIT_DONE;
}

void device_say_other(const char *before, int quiet)
{
    char now[200];

    device_text(now, sizeof(now));
    if (!quiet && before && *before && *now && strcmp(before, now) != 0)
        say(stderr,
            "unet: this training was on %s and goes on on %s, which rounds differently: it learns "
            "as "
            "well, but its bits are not those of one that stays\n",
            before, now);
}
