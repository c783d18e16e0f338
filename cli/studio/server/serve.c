/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - what begins first ends last */
#include "studio/serve.h"

#include <stdlib.h>

#include "shared/cli.h"
#include "studio/server/http.h"

struct served {
    struct studio *studio;
    struct http *http;
};

int serve_is_here(void)
{
    return 1;
}

unet_code serve_begin(const struct serve_given *given, struct served **served, char **address,
                      unet_error *err)
{
    const struct studio_given project = {given->folder, given->paths, given->count, given->model,
                                         given->note};
    struct served *made = calloc(1, sizeof(*made));
    unet_code code;

    if (!made)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    json_object_seed(0); /* before threads use objects */
    code = studio_open(&project, &made->studio, err);
    if (!code)
        code = live_start(made->studio, &given->live, &made->studio->live, err);
    if (!code)
        code = http_begin(made->studio, given->port, given->ipv6, &made->http, address, err);
    if (code) {
        serve_end(made);
        return code;
    }
    *served = made;
    return UNET_OK;
}

void serve_end(struct served *served)
{
    http_end(served->http);
    if (served->studio && served->studio->live)
        live_stop(served->studio->live);
    studio_close(served->studio);
    free(served);
}
