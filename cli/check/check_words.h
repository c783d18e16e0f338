/* SPDX-License-Identifier: Apache-2.0 */
/* check_words.h - findings of a survey as sentences and as a table, for unet check and train */
#ifndef CHECK_WORDS_H
#define CHECK_WORDS_H

#include <stddef.h>
#include <stdio.h>

#include "unet_survey.h"

/* "error", "warning", "note". */
extern const char *const severity_words[];

/* What a finding says, without the file that it is about. */
void finding_words(const unet_finding *finding, char *text, size_t size);

/* One line for each finding of at least that severity, up to `most` of a kind. */
void print_findings(FILE *stream, const unet_survey *survey, unet_severity least, int most);

/* "8-bit", "16-bit", "float". */
const char *sample_words(unet_sample sample);

/* The last part of a path; "" for NULL. */
const char *file_name(const char *path);

/* ---- check_table.c: findings of a survey as a table of a page ---- */

/* The first `count` findings; none: no table.  0: no memory. */
int check_findings_table(const unet_survey *survey, int count, FILE *out);

#endif
