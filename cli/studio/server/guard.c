/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.c - who may ask
 *
 * Any page in the browser can send requests to this port, and any program of this machine.  Host,
 * looked at first, keeps out pages whose name was made to point here (rebinding); Origin keeps out
 * other pages; the key keeps out all who did not get it from the person who began this.
 */
#include <stdio.h>
#include <string.h>

#include "shared/machine.h"
#include "studio/server/http.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int guard_make_key(struct guard *guard)
{
    uint8_t random[KEY_LENGTH];

    if (!system_random(random, sizeof(random)))
        return 0;
    for (int i = 0; i < KEY_LENGTH; i++)
        guard->key[i] = letters[random[i] & 63];
    guard->key[KEY_LENGTH] = 0;
    return 1;
}

/* A header that must come once. */
struct header {
    const char *name, *value;
    int count;
};

static enum MHD_Result count_header(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct header *header = context;

    (void)kind;
    if (!strcasecmp(name, header->name)) {
        header->value = value;
        header->count++;
    }
    return MHD_YES;
}

static struct header find_header(struct MHD_Connection *connection, const char *name)
{
    struct header header = {name, NULL, 0};

    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, &header);
    return header;
}

/* Whether text is one of our names with our port, after `before`. */
static int is_here(const struct guard *guard, const char *text, const char *before)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    char here[64];

    for (size_t i = 0; text && i < sizeof(names) / sizeof(*names); i++) {
        snprintf(here, sizeof(here), "%s%s:%d", before, names[i], guard->port);
        if (!strcmp(text, here))
            return 1;
    }
    return 0;
}

/* In the same time wherever they differ. */
static int is_key(const struct guard *guard, const char *given)
{
    volatile uint8_t differ = 0;

    if (!given || strlen(given) != KEY_LENGTH)
        return 0;
    for (int i = 0; i < KEY_LENGTH; i++)
        differ |= (uint8_t)(given[i] ^ guard->key[i]);
    return !differ;
}

static int is_json(const char *type)
{
    static const char json[] = "application/json";
    const size_t length = sizeof(json) - 1;

    return type && !strncasecmp(type, json, length) && (!type[length] || type[length] == ';');
}

int guard_check(const struct guard *guard, struct MHD_Connection *connection, int api, int post,
                const char **words)
{
    const struct header host = find_header(connection, "Host");
    const struct header origin = find_header(connection, "Origin");
    const struct header key = find_header(connection, "X-Unet-Key");
    const struct header type = find_header(connection, "Content-Type");

    *words = "this server has another name";
    if (host.count != 1 || !is_here(guard, host.value, ""))
        return MHD_HTTP_MISDIRECTED_REQUEST;
    *words = "not for other pages";
    if (origin.count > 1 || (origin.count && !is_here(guard, origin.value, "http://")))
        return MHD_HTTP_FORBIDDEN;
    *words = "the key is missing: open the address that unet studio printed";
    if (api && (key.count != 1 || !is_key(guard, key.value)))
        return MHD_HTTP_UNAUTHORIZED;
    *words = "application/json wanted";
    if (post && (type.count != 1 || !is_json(type.value)))
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    return MHD_HTTP_OK;
}
