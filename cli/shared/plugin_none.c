/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_none.c - in the place of plugin.c in a program that is one static file */
#include <stddef.h>

#include "shared/plugin.h"

void *plugin_load(const char *symbol)
{
    (void)symbol;
    return NULL;
}

const char *plugin_why(void)
{
    return "this command is one static file, which loads nothing";
}
