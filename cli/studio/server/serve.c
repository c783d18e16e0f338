/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - what begins first ends last */
#include "studio/serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/cli.h"
#include "studio/server/http.h"

struct served {
    struct studio *studio;
    struct http *http;
};

/* Takes in the masks of each operand. */
static unet_code import(struct studio *studio, const struct serve_given *given, unet_error *err)
{
    unet_code code = UNET_OK;
    char words[64];
    int taken = 0;

    for (int i = 0; i < given->operand_count && given->masks && !code; i++)
        code = studio_import(
            studio,
            &(struct import_given){given->operands[i], given->masks, given->labels, given->note},
            &taken, err);
    if (!code && given->masks) {
        snprintf(words, sizeof(words), "masks were taken in for %d images", taken);
        given->note(words);
    }
    return code;
}

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
    json_object_seed(0);                                            /* before threads use objects */
    code = http_listen(given->port, given->ipv6, &made->http, err); /* before anything is made */
    if (!code)
        code = studio_open(&project, &made->studio, err);
    if (!code)
        code = import(made->studio, given, err);
    if (!code)
        code = live_start(made->studio, &given->live, &made->studio->live, err);
    if (!code)
        code = http_begin(made->http, made->studio, address, err);
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
