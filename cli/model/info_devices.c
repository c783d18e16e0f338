/* SPDX-License-Identifier: Apache-2.0 */
/* info_devices.c - unet info --devices: what networks can run on here */
#include <string.h>

#include "model/models.h"
#include "shared/json_out.h"
#include "shared/progress.h"
#include "shared/say.h"
#include "unet_fields.h"

static void print_row(const unet_device *device, int taken)
{
    char memory[32];

    say(stdout, "%c %2d  %-5s  %-40s  %10s  %4d  %s\n", taken ? '*' : ' ', device->number,
        device->type, device->name,
        device->bytes ? format_bytes((double)device->bytes, memory) : "-", device->units,
        device->driver);
}

static json_t *row_object(const unet_device *device, int taken)
{
    return json_pack("{ss ss ss sI si sb}", "name", device->name, "type", device->type, "driver",
                     device->driver, "bytes", (json_int_t)device->bytes, "units", device->units,
                     "taken", taken);
}

int info_devices_print(int as_json)
{
    json_t *rows = as_json ? json_array() : NULL;
    unet_device device, chosen;
    unet_error err;

    const unet_code code = unet_device_chosen(&chosen, &err);

    if (code)
        chosen.number = -1; /* the list is what helps then */
    if (!as_json)
        say(stdout, "   N  type   name                                          memory  units  "
                    "driver\n");
    for (int i = 0; !unet_device_get(i, &device, NULL); i++) {
        if (as_json)
            json_array_append_new(rows, row_object(&device, device.number == chosen.number));
        else
            print_row(&device, device.number == chosen.number);
    }
    if (as_json && !json_print(json_pack("{so}", "devices", rows)))
        return fail_memory();
    if (as_json)
        return code ? fail(&err) : EXIT_DONE;
    say(stdout, "\n* is taken; another one: --device N, a part of its name, gpu, or auto\n");
    if (*unet_device_lacks())
        say(stdout, "\nNo graphics card: %s\n", unet_device_lacks());
    if (code)
        err.hints = 0; /* which would say to look at this list */
    return code ? fail(&err) : EXIT_DONE;
}
