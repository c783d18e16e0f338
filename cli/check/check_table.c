/* SPDX-License-Identifier: Apache-2.0 */
/* check_table.c - findings of a survey as a table of a page */
#include "check/check_words.h"

#include <stdlib.h>

#include "html/html_page.h"

int check_findings_table(const unet_survey *survey, int count, FILE *out)
{
    const char **cells = calloc(3 * (size_t)count + 3, sizeof(*cells));
    char(*texts)[640] = calloc((size_t)count + 1, sizeof(*texts));
    int ok = cells && texts;

    for (int i = 0; ok && i < count; i++) {
        const unet_finding *finding = unet_survey_finding(survey, i);

        finding_words(finding, texts[i], sizeof(texts[i]));
        cells[3 * i + 3] = severity_words[finding->severity];
        cells[3 * i + 4] = file_name(finding->file);
        cells[3 * i + 5] = texts[i];
    }
    if (ok && count) {
        cells[0] = "severity";
        cells[1] = "file";
        cells[2] = "what";
        html_table_of_words(out, cells, count + 1, 3);
    }
    free(cells);
    free(texts);
    return ok;
}
