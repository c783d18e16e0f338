/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h - a project, the training beside it and the server, begun and ended together */
#ifndef SERVE_H
#define SERVE_H

#include "studio/studio_inside.h"

struct served;

struct serve_given {
    const char *folder;
    char *const *paths;
    size_t count;
    const unet_model *model;
    void (*note)(const char *text);
    char *const *operands; /* [operand_count], of which masks are taken in */
    int operand_count;
    const char *masks, *labels; /* masks NULL: none */
    int port, ipv6;
    struct live_options live;
};

/* Whether the server was built. */
int serve_is_here(void);

/* *address: with the key; from malloc. */
unet_code serve_begin(const struct serve_given *given, struct served **served, char **address,
                      unet_error *err);
void serve_end(struct served *served);

#endif
