/* SPDX-License-Identifier: Apache-2.0 */
/* serve_none.c - what is there without libmicrohttpd: the command, which says what to install */
#include "shared/cli.h"
#include "studio/serve.h"

int serve_is_here(void)
{
    return 0;
}

unet_code serve_begin(const struct serve_given *given, struct served **served, char **address,
                      unet_error *err)
{
    (void)given;
    (void)served;
    (void)address;
    return set_error(err, UNET_EINVAL, "built without a server");
}

void serve_end(struct served *served)
{
    (void)served;
}
