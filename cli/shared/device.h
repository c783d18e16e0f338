/* SPDX-License-Identifier: Apache-2.0 */
/* device.h - what networks run on, in words */
#ifndef DEVICE_H
#define DEVICE_H

#include "shared/cli.h"
#include "unet_fields.h"

/* What bits depend on: "avx2" for a processor, else the name and the driver; "": nothing can be
 * chosen, and who makes a session is told why. */
void device_text(char *text, size_t size);

/*
 * Once options are parsed: says on stderr what is taken, where another than "cpu" was asked for
 * here, or "auto" anywhere. EXIT_FAILED (told): what was asked for is not there.
 */
int device_begin(const struct common_settings *common);

/* Says that a training began on another device, `before`, than it goes on (NULL: not known). */
void device_say_other(const char *before, int quiet);

#endif
