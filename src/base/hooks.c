/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hooks.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/decimal.h"

bool un_cancelled(const unet_cancel *cancel)
{
    return cancel && __atomic_load_n(&cancel->is_set, __ATOMIC_RELAXED);
}

unet_code un_check_cancel(const unet_cancel *cancel, unet_error *err)
{
    return un_cancelled(cancel) ? un_fail(err, UNET_ESTOPPED, "stopped") : UNET_OK;
}

void un_note(const unet_log *log, unet_severity severity, const char *format, ...)
{
    char text[1024];
    unet_error line;
    va_list args;
    if (!log || !log->note)
        return;
    va_start(args, format);
    un_decimal_vformat(text, sizeof text, format, args);
    va_end(args);
    un_fail(&line, UNET_OK, "%s", text);
    log->note(log->context, severity, line.text);
}
