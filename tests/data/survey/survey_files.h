/* SPDX-License-Identifier: Apache-2.0 */
/* survey_files.h - sets that are written as files and surveyed */
#ifndef SURVEY_FILES_H
#define SURVEY_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "survey_set.h"

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

/* ---- the generated set, spoiled ---- */

/* Two classes as 0 and 255. */
static inline struct set black_and_white(void)
{
    struct set set = set_make();
    for (int i = 0; i < set.count; i++) {
        uint8_t *p = set.mask[i].data;
        for (int k = 0; k < set.mask[i].height * set.mask[i].width; k++)
            p[k] = p[k] ? 255 : 0;
    }
    return set;
}

static inline unet_survey *write_and_survey(struct set *set)
{
    set_write(set);
    set_release(set);
    return survey_of(in_folder("i"), in_folder("m"), -1);
}

#endif
