/* SPDX-License-Identifier: Apache-2.0 */
/* source_open.h - image files that have to open; include after cmocka.h */
#ifndef SOURCE_OPEN_H
#define SOURCE_OPEN_H

#include "image/source.h"

static inline struct unet_source *must_open(const char *path)
{
    struct unet_source *source;
    unet_error err;
    if (un_source_open(path, &source, &err))
        fail_msg("%s", err.text);
    return source;
}

static inline struct un_page must_page(struct unet_source *source, int i)
{
    struct un_page page;
    unet_error err;
    if (un_source_page(source, i, &page, &err))
        fail_msg("page %d: %s", i, err.text);
    return page;
}

#endif
