/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.h - what a program hangs into the library's work: a stop, and an ear for notes */
#ifndef UN_HOOKS_H
#define UN_HOOKS_H

#include <stdbool.h>

#include "base/error.h"
#include "unet_embed.h"

/* Whether another thread asked for an end; cancel may be NULL. */
bool un_cancelled(const unet_cancel *cancel);

/* The same as an error: UNET_ESTOPPED, "stopped". */
unet_code un_check_cancel(const unet_cancel *cancel, unet_error *err);

/* Tells a line, as printable as an error's text.  log may be NULL. */
void un_note(const unet_log *log, unet_severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
