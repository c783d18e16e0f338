/* SPDX-License-Identifier: Apache-2.0 */
/* windows_wide.h - between our text and that of Windows; for src/base/windows/ alone */
#ifndef UN_WINDOWS_WIDE_H
#define UN_WINDOWS_WIDE_H

#include <stddef.h>

/* The path in UTF-16, to be freed; NULL with errno. */
wchar_t *un_wide(const char *path);

/* The text in UTF-8, with "/" for "\" and without "\\?\" before it, to be freed; NULL with errno.
 */
char *un_narrow(const wchar_t *path);

/* Sets errno to what the last call of Windows failed by; -1. */
int un_windows_failed(void);

#endif
