/* SPDX-License-Identifier: Apache-2.0 */
/* comma.h - a locale with a decimal comma, made for the test if need be; include after cmocka.h */
#ifndef COMMA_H
#define COMMA_H

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/folder.h"

/* Sets it for the whole process, or says why not and skips the test.  The folder of the test holds
 * the locale, so it has to exist; comma_end() before it goes. */
static inline void comma_begin(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    char command[512];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_ALL, names[i]))
            return;
    snprintf(command, sizeof command, "localedef -f UTF-8 -i de_DE '%s' >/dev/null 2>&1",
             in_folder("de_DE.UTF-8"));
    if (!system(command)) {
        setenv("LOCPATH", in_folder(""), 1);
        if (setlocale(LC_ALL, "de_DE.UTF-8"))
            return;
    }
    print_message("skipped: no locale with a decimal comma, and localedef makes none\n");
    skip();
}

static inline void comma_end(void)
{
    setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
}

#endif
