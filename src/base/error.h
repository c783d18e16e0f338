/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - one way to fail: return un_fail(err, code, "file: found, wanted") */
#ifndef UN_ERROR_H
#define UN_ERROR_H

#include "unet.h"

/*
 * Fills *err (unless NULL) and returns code.  The text is cut at the size of err->text; bytes that
 * are no printable UTF-8 start (control characters from a file name, say) become '?'.
 */
unet_code un_fail(unet_error *err, unet_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As un_fail(), with UNET_HINT_*: the settings that would help, which the text does not name. */
unet_code un_fail_hint(unet_error *err, unet_code code, unsigned int hints, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Passes on what failed elsewhere. */
unet_code un_fail_again(unet_error *err, const unet_error *why);

/* As un_fail(), for a failed system call: appends ": " and strerror(errno). */
unet_code un_fail_errno(unet_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Bytes in the unit of their size, "2.5 MB" or "1.2 GB", from 1 MB on in thousands; returns text.
 */
const char *un_bytes_text(double bytes, char text[24]);

/* UNET_ENOMEM, naming what the memory was for and how much it was. */
unet_code un_fail_memory(unet_error *err, size_t bytes, const char *what);

#endif
