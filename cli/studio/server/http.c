/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - requests: heads and their bounds, bodies, replies
 *
 * Bodies are collected here, up to HTTP_BODY bytes; connections are door.c's.
 */
#include "studio/server/http.h"

#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "studio/server/door.h"
#include "studio/server/http_send.h"
#include "studio/server/page_files.h"

struct http {
    struct studio *studio;
    struct guard guard;
    struct door *door;
    struct MHD_Daemon *daemon;
    int six;
    pthread_mutex_t lock;      /* of all below */
    double tokens, counted_at; /* POSTs that may come, and when that was counted */
};

/* A request that comes in. */
struct exchange {
    int post, refused; /* refused: the status */
    const char *words;
    uint8_t *body;
    size_t size, room;
};

/* Whether one more change may come now. */
static int take_token(struct http *http)
{
    const double time = seconds_now();
    int taken;

    pthread_mutex_lock(&http->lock);
    http->tokens += (time - http->counted_at) * HTTP_POSTS;
    http->counted_at = time;
    if (http->tokens > 2 * HTTP_POSTS)
        http->tokens = 2 * HTTP_POSTS;
    taken = http->tokens >= 1;
    http->tokens -= taken;
    pthread_mutex_unlock(&http->lock);
    return taken;
}

/* ---- requests ---------------------------------------------------------------------------- */

static const struct page_file *find_page(const char *path)
{
    const char *name = strcmp(path, "/") ? path + 1 : "index.html";

    for (const struct page_file *file = page_files; file->name && *path == '/'; file++)
        if (!strcmp(file->name, name))
            return file;
    return NULL;
}

/* Which methods an address has; 0: there is no such address. */
static int methods_of(const struct http *http, const char *path)
{
    return find_page(path) ? ROUTE_GET : route_methods(http->studio, path);
}

/* Looks at the head of a request: whether it is refused, and why. */
static void meet(struct http *http, struct MHD_Connection *connection, const char *path,
                 const char *method, struct exchange *exchange)
{
    const int get = !strcmp(method, "GET") || !strcmp(method, "HEAD");
    const int methods = methods_of(http, path), api = !find_page(path);
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");

    exchange->post = !strcmp(method, "POST");
    exchange->refused =
        guard_check(&http->guard, connection, api, exchange->post, &exchange->words);
    if (exchange->refused != MHD_HTTP_OK)
        return;
    exchange->refused = 0;
    exchange->words = "no such address";
    if (!methods)
        exchange->refused = MHD_HTTP_NOT_FOUND;
    else if (!(methods & (get ? ROUTE_GET : exchange->post ? ROUTE_POST : 0)))
        exchange->refused = MHD_HTTP_METHOD_NOT_ALLOWED, exchange->words = "no such method";
    else if (length && (strlen(length) > 9 || atol(length) > HTTP_BODY))
        exchange->refused = MHD_HTTP_CONTENT_TOO_LARGE, exchange->words = "more than 1 MiB";
    else if (exchange->post && !take_token(http))
        exchange->refused = MHD_HTTP_SERVICE_UNAVAILABLE, exchange->words = "too many at once";
}

/* Adds to the body; 0: too much, or where none is wanted. */
static int collect(struct exchange *exchange, const char *bytes, size_t size)
{
    if (!exchange->post || size > HTTP_BODY - exchange->size)
        return 0;
    if (exchange->size + size > exchange->room) {
        const size_t room = 2 * (exchange->size + size);
        uint8_t *body = realloc(exchange->body, room);

        if (!body)
            return 0;
        exchange->body = body;
        exchange->room = room;
    }
    memcpy(exchange->body + exchange->size, bytes, size);
    exchange->size += size;
    return 1;
}

static void do_request(struct http *http, struct MHD_Connection *connection, const char *path,
                       struct exchange *exchange, struct reply *reply)
{
    struct request request = {.studio = http->studio, .connection = connection};
    json_error_t where;

    if (exchange->post) {
        request.body = json_loadb(exchange->body ? (const char *)exchange->body : "",
                                  exchange->size, JSON_REJECT_DUPLICATES, &where);
        if (!json_is_object(request.body)) {
            json_decref(request.body);
            reply_failure(reply, MHD_HTTP_BAD_REQUEST, "an object in JSON wanted");
            return;
        }
    }
    route(&request, path, exchange->post, reply);
    json_decref(request.body);
}

static enum MHD_Result finish(struct http *http, struct MHD_Connection *connection,
                              const char *path, struct exchange *exchange)
{
    const struct page_file *file = find_page(path);
    struct reply reply = {0};

    door_since(http->door, connection, 0);
    if (exchange->refused)
        reply_failure(&reply, exchange->refused, "%s", exchange->words);
    else if (file)
        return http_send_page(connection, file);
    else
        do_request(http, connection, path, exchange, &reply);
    return http_send(http->studio, connection, &reply);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *bytes,
                              size_t *size, void **state)
{
    struct http *http = context;
    struct exchange *exchange = *state;

    (void)version;
    if (!exchange) {
        door_since(http->door, connection, seconds_now());
        *state = exchange = calloc(1, sizeof(*exchange));
        if (!exchange)
            return MHD_NO;
        meet(http, connection, path, method, exchange);
        /* what is refused is told before its body comes */
        return exchange->refused ? finish(http, connection, path, exchange) : MHD_YES;
    }
    if (*size) {
        const int taken = collect(exchange, bytes, *size);

        *size = 0;
        return taken ? MHD_YES : MHD_NO;
    }
    return finish(http, connection, path, exchange);
}

static void done(void *context, struct MHD_Connection *connection, void **state,
                 enum MHD_RequestTerminationCode why)
{
    struct http *http = context;
    struct exchange *exchange = *state;

    (void)why;
    door_since(http->door, connection, seconds_now());
    if (exchange)
        free(exchange->body);
    free(exchange);
    *state = NULL;
}

/* ---- beginning and ending ---------------------------------------------------------------- */

unet_code http_listen(int port, int six, struct http **http, unet_error *err)
{
    struct http *made = calloc(1, sizeof(*made));
    unet_code code = made ? door_open(&port, six, &made->door, err)
                          : set_error(err, UNET_ENOMEM, "not enough memory");

    if (code) {
        free(made);
        return code;
    }
    made->guard.port = port;
    made->six = six;
    pthread_mutex_init(&made->lock, NULL);
    *http = made;
    return UNET_OK;
}

/* An address with a zero byte is that of nothing: it would end there. */
static size_t unescape(void *context, struct MHD_Connection *connection, char *text)
{
    const size_t size = MHD_http_unescape(text);

    (void)context;
    (void)connection;
    for (size_t i = 0; i < size; i++)
        if (!text[i])
            text[i] = 1;
    return size;
}

/* Connections are handed to it; so its own limit is beyond ours. */
static struct MHD_Daemon *begin_daemon(struct http *http)
{
    return MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET,
        0, NULL, NULL, handle, http, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned int)(2 * HTTP_CONNECTIONS), MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)(HTTP_SECONDS + 10),
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)1 << 20, MHD_OPTION_NOTIFY_CONNECTION, door_notice,
        http->door, MHD_OPTION_NOTIFY_COMPLETED, done, http, MHD_OPTION_END);
}

unet_code http_begin(struct http *http, struct studio *studio, char **address, unet_error *err)
{
    char *made = guard_make_key(&http->guard)
                     ? path_text("http://%s:%d/#%s", http->six ? "[::1]" : "127.0.0.1",
                                 http->guard.port, http->guard.key)
                     : NULL;

    if (!made)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    http->studio = studio;
    http->counted_at = seconds_now();
    http->tokens = 2 * HTTP_POSTS;
    http->daemon = begin_daemon(http);
    if (!http->daemon || !door_begin(http->door, http->daemon)) {
        free(made);
        return set_error(err, UNET_EIO, "port %d: the server cannot be started", http->guard.port);
    }
    *address = made;
    return UNET_OK;
}

void http_end(struct http *http)
{
    if (!http)
        return;
    if (http->studio)
        events_end(&http->studio->events);
    door_shut(http->door);
    if (http->daemon)
        MHD_stop_daemon(http->daemon); /* when all are answered */
    door_free(http->door);
    pthread_mutex_destroy(&http->lock);
    free(http);
}
