/* SPDX-License-Identifier: Apache-2.0 */
/* html_text.h - what the files that write a page share */
#ifndef HTML_TEXT_H
#define HTML_TEXT_H

#include <stdio.h>

/* Plain text, as it may stand between tags and in attributes. */
void html_escape(FILE *stream, const char *text);

extern const char html_style[]; /* the style sheet */

#endif
