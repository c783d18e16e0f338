/* SPDX-License-Identifier: Apache-2.0 */
/* htmltext.h - what the files that write a page share */
#ifndef HTMLTEXT_H
#define HTMLTEXT_H

#include <stdio.h>

/* Plain text, as it may stand between tags and in attributes. */
void html_escape(FILE *stream, const char *text);

extern const char html_style[]; /* the style sheet */

#endif
