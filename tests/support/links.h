/* SPDX-License-Identifier: Apache-2.0 */
/* links.h - symbolic links, where who runs the tests may make any */
#ifndef UN_LINKS_H
#define UN_LINKS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* false: nobody may here, and a line says so. */
static inline bool make_link(const char *target, const char *path)
{
    if (!symlink(target, path))
        return true;
    if (errno != EPERM)
        fail_msg("%s: %s", path, strerror(errno));
    printf("skipped: links, which want a privilege here\n");
    return false;
}

#endif
