/* SPDX-License-Identifier: Apache-2.0 */
/* check_table.h - findings of a survey as a table of a page */
#ifndef CHECK_TABLE_H
#define CHECK_TABLE_H

#include <stdio.h>

#include "unet_survey.h"

/* The first `count` findings; none: no table.  0: no memory. */
int check_findings_table(const unet_survey *survey, int count, FILE *out);

#endif
