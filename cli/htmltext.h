/* SPDX-License-Identifier: Apache-2.0 */
/* htmltext.h - escaping, for the files that write the page */
#ifndef HTMLTEXT_H
#define HTMLTEXT_H

#include <stdio.h>

void html_escape(FILE *stream, const char *text);

#endif
