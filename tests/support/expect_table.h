/* SPDX-License-Identifier: Apache-2.0 */
/* expect_table.h - real files, which need not be here, and the tables of what they hold:
 * tab-separated, a line of names */
#ifndef EXPECT_TABLE_H
#define EXPECT_TABLE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whether a file is not here, which is said. */
static inline bool skip_without(const char *path)
{
    if (!access(path, R_OK))
        return false;
    printf("skipped: no %s\n", path);
    return true;
}

/* Column number of a name in the first line of a table. */
static inline int column_of(const char *line, const char *name)
{
    size_t n = strlen(name);
    for (int column = 0; line; column++) {
        if (!strncmp(line, name, n) && strchr("\t\n", line[n]))
            return column;
        line = strchr(line, '\t');
        line += line ? 1 : 0;
    }
    return -1;
}

static inline void take_field(const char *line, int column, char *text, size_t size)
{
    for (; column > 0 && line; column--)
        line = strchr(line, '\t') ? strchr(line, '\t') + 1 : NULL;
    line = line ? line : "";
    snprintf(text, size, "%.*s", (int)strcspn(line, "\t\n"), line);
}

#endif
