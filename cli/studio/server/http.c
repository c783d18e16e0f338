/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - connections and their bounds, bodies, replies
 *
 * Bodies are collected here, up to HTTP_BODY bytes.  libmicrohttpd ends connections that are
 * silent; those that drip are ended by a thread of ours, which looks every second at who has been
 * sending a head or a body for more than HTTP_SECONDS.
 */
#include "studio/server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "studio/server/http_send.h"
#include "studio/server/page_files.h"

/* A connection; since: when a request began to come, or the last one was done; 0: one is answered.
 */
struct slot {
    int fd; /* -1: free */
    double since;
};

struct http {
    struct studio *studio;
    struct guard guard;
    struct MHD_Daemon *daemon;
    pthread_t watcher;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    int ending;
    struct slot slots[HTTP_CONNECTIONS];
    double tokens, counted_at; /* POSTs that may come, and when that was counted */
};

/* A request that comes in. */
struct exchange {
    int post, refused; /* refused: the status */
    const char *words;
    uint8_t *body;
    size_t size, room;
};

/* ---- connections ------------------------------------------------------------------------- */

static void set_since(struct http *http, struct MHD_Connection *connection, double since)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct slot *slot = info ? info->socket_context : NULL;

    pthread_mutex_lock(&http->lock);
    if (slot)
        slot->since = since;
    pthread_mutex_unlock(&http->lock);
}

int http_socket(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info ? (int)info->connect_fd : -1;
}

static void notice(void *context, struct MHD_Connection *connection, void **place,
                   enum MHD_ConnectionNotificationCode what)
{
    struct http *http = context;
    struct slot *slot = *place;

    pthread_mutex_lock(&http->lock);
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        for (int i = 0; i < HTTP_CONNECTIONS && !slot; i++)
            if (http->slots[i].fd < 0)
                slot = &http->slots[i];
        if (slot)
            *slot = (struct slot){http_socket(connection), seconds_now()};
        *place = slot;
    } else if (slot) {
        *slot = (struct slot){.fd = -1};
    }
    pthread_mutex_unlock(&http->lock);
}

static void *watch(void *context)
{
    struct http *http = context;

    pthread_mutex_lock(&http->lock);
    while (!http->ending) {
        struct timespec until;
        const double time = seconds_now();

        for (int i = 0; i < HTTP_CONNECTIONS; i++) {
            struct slot *slot = &http->slots[i];

            if (slot->fd >= 0 && slot->since > 0 && time - slot->since > HTTP_SECONDS)
                shutdown(slot->fd, SHUT_RDWR); /* its thread closes it */
        }
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&http->wake, &http->lock, &until);
    }
    pthread_mutex_unlock(&http->lock);
    return NULL;
}

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

    set_since(http, connection, 0);
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
        set_since(http, connection, seconds_now());
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
    struct exchange *exchange = *state;

    (void)why;
    set_since(context, connection, seconds_now());
    if (exchange)
        free(exchange->body);
    free(exchange);
    *state = NULL;
}

/* ---- beginning and ending ---------------------------------------------------------------- */

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* A socket that listens on this machine's own address; *port becomes the one it has. */
static int listen_here(int six, int *port, unet_error *err)
{
    union address address = {.any.sa_family = six ? AF_INET6 : AF_INET};
    socklen_t size = six ? sizeof(address.six) : sizeof(address.four);
    const int yes = 1;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (six) {
        address.six.sin6_port = htons((uint16_t)*port);
        address.six.sin6_addr = in6addr_loopback;
    } else {
        address.four.sin_port = htons((uint16_t)*port);
        address.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
        bind(fd, &address.any, size) || listen(fd, HTTP_CONNECTIONS) ||
        getsockname(fd, &address.any, &size)) {
        set_error(err, UNET_EIO, "port %d: cannot be listened on: %s", *port, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *port = ntohs(six ? address.six.sin6_port : address.four.sin_port);
    return fd;
}

static struct MHD_Daemon *begin_daemon(struct http *http, int fd)
{
    return MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL,
        NULL, handle, http, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned int)HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)(HTTP_SECONDS + 10),
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_THREAD_STACK_SIZE, (size_t)1 << 20,
        MHD_OPTION_NOTIFY_CONNECTION, notice, http, MHD_OPTION_NOTIFY_COMPLETED, done, http,
        MHD_OPTION_END);
}

unet_code http_begin(struct studio *studio, int port, int six, struct http **http, char **address,
                     unet_error *err)
{
    struct http *made = calloc(1, sizeof(*made));
    int fd = made ? listen_here(six, &port, err) : -1;

    if (fd < 0) {
        free(made);
        return made ? UNET_EIO : set_error(err, UNET_ENOMEM, "not enough memory");
    }
    made->studio = studio;
    made->guard.port = port;
    made->counted_at = seconds_now();
    made->tokens = 2 * HTTP_POSTS;
    for (int i = 0; i < HTTP_CONNECTIONS; i++)
        made->slots[i].fd = -1;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->wake, NULL);
    *address =
        guard_make_key(&made->guard)
            ? path_text("http://%s:%d/#%s", six ? "[::1]" : "127.0.0.1", port, made->guard.key)
            : NULL;
    if (!*address || pthread_create(&made->watcher, NULL, watch, made)) {
        close(fd);
        free(*address);
        free(made);
        return set_error(err, UNET_ENOMEM, "not enough memory");
    }
    made->daemon = begin_daemon(made, fd);
    if (!made->daemon) {
        close(fd);
        http_end(made);
        free(*address);
        return set_error(err, UNET_EIO, "port %d: the server cannot be started", port);
    }
    *http = made;
    return UNET_OK;
}

void http_end(struct http *http)
{
    if (!http)
        return;
    events_end(&http->studio->events);
    if (http->daemon)
        MHD_stop_daemon(http->daemon); /* when all are answered */
    pthread_mutex_lock(&http->lock);
    http->ending = 1;
    pthread_cond_signal(&http->wake);
    pthread_mutex_unlock(&http->lock);
    pthread_join(http->watcher, NULL);
    pthread_mutex_destroy(&http->lock);
    pthread_cond_destroy(&http->wake);
    free(http);
}
