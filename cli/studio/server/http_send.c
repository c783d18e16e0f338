/* SPDX-License-Identifier: Apache-2.0 */
/* http_send.c - replies */
#include "studio/server/http_send.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/json_out.h"
#include "shared/paths.h"
#include "studio/server/door.h"

enum { EVENT_BYTES = 4096, COMMENT_SECONDS = 10 };

static const struct {
    const char *name, *value;
} headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
     "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
};

/* Takes response; NULL: no memory. */
static enum MHD_Result queue(struct MHD_Connection *connection, int status, const char *type,
                             int keep, struct MHD_Response *response)
{
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        MHD_add_response_header(response, headers[i].name, headers[i].value);
    MHD_add_response_header(response, "Cache-Control", keep ? "private, max-age=3600" : "no-store");
    if (type)
        MHD_add_response_header(response, "Content-Type", type);
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, "Retry-After", "1");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET, HEAD, POST");
    result = MHD_queue_response(connection, (unsigned int)status, response);
    MHD_destroy_response(response);
    return result;
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (!strcmp(path_ending(name), types[i].ending))
            return types[i].type;
    return "application/octet-stream";
}

enum MHD_Result http_send_page(struct MHD_Connection *connection, const struct page_file *file)
{
    return queue(
        connection, MHD_HTTP_OK, type_of(file->name), 0,
        MHD_create_response_from_buffer(file->size, (void *)file->bytes, MHD_RESPMEM_PERSISTENT));
}

/* ---- events ------------------------------------------------------------------------------ */

struct listener {
    struct events *events;
    int fd;
    uint64_t at;
    char *text; /* what is being sent */
    size_t sent;
};

static int is_gone(int fd)
{
    char byte;

    return fd >= 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* The next text, looking every second whether anybody is there. */
static char *next_text(struct listener *listener)
{
    char *text = NULL;

    for (int i = 0; i < COMMENT_SECONDS; i++) {
        free(text);
        text = events_wait(listener->events, &listener->at, 1);
        if (!text || *text != ':')
            return text;
        if (is_gone(listener->fd)) {
            free(text);
            return NULL;
        }
    }
    return text;
}

static ssize_t read_events(void *context, uint64_t at, char *bytes, size_t most)
{
    struct listener *listener = context;
    size_t size;

    (void)at;
    if (!listener->text) {
        listener->text = next_text(listener);
        listener->sent = 0;
    }
    if (!listener->text)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size = strlen(listener->text + listener->sent);
    size = size < most ? size : most;
    memcpy(bytes, listener->text + listener->sent, size);
    listener->sent += size;
    if (!listener->text[listener->sent]) {
        free(listener->text);
        listener->text = NULL;
    }
    return (ssize_t)size;
}

static void stop_listening(void *context)
{
    struct listener *listener = context;

    events_leave(listener->events);
    free(listener->text);
    free(listener);
}

/* What a page hears first. */
static char *greeting(struct studio *studio)
{
    json_t *trouble = json_pack("{so}", "message", json_path(studio->caution));
    char *words = *studio->caution && trouble ? json_dumps(trouble, JSON_COMPACT) : NULL;
    char *text =
        path_text("event: hello\ndata: {\"revision\": %llu}\n\n%s%s%s",
                  (unsigned long long)studio_revision(studio, 0),
                  words ? "event: trouble\ndata: " : "", words ? words : "", words ? "\n\n" : "");

    json_decref(trouble);
    free(words);
    return text;
}

static enum MHD_Result listen_to(struct studio *studio, struct MHD_Connection *connection)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    struct MHD_Response *response;
    struct reply busy = {0};

    if (!listener || !events_join(&studio->events, HTTP_LISTENERS, &listener->at)) {
        free(listener);
        reply_failure(&busy, MHD_HTTP_SERVICE_UNAVAILABLE, "too many pages listen");
        return http_send(studio, connection, &busy);
    }
    listener->events = &studio->events;
    listener->fd = door_socket(connection);
    listener->text = greeting(studio);
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, EVENT_BYTES, read_events,
                                                 listener, stop_listening);
    if (!response)
        stop_listening(listener);
    return queue(connection, MHD_HTTP_OK, "text/event-stream", 0, response);
}

/* ---- all others -------------------------------------------------------------------------- */

enum MHD_Result http_send(struct studio *studio, struct MHD_Connection *connection,
                          struct reply *reply)
{
    const char *type = reply->json ? "application/json" : reply->png.bytes ? "image/png" : NULL;
    char *text = reply->json ? json_dumps(reply->json, JSON_COMPACT) : NULL;
    void *bytes = reply->json ? (void *)text : reply->png.bytes;
    const size_t size = text ? strlen(text) : reply->json ? 0 : reply->png.size;

    if (reply->listen)
        return listen_to(studio, connection);
    if (reply->json)
        free(reply->png.bytes);
    json_decref(reply->json);
    return queue(
        connection, reply->status ? reply->status : MHD_HTTP_NO_CONTENT, type,
        reply->keep && reply->status == MHD_HTTP_OK,
        MHD_create_response_from_buffer(size, bytes ? bytes : "",
                                        bytes ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT));
}
