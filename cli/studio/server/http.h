/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - the server: who may ask, and what is answered (docs/studio-api.md)
 *
 *     connection -> door.c -> http.c: bounds, body -> guard.c: Host, Origin, key -> routes.c -> one
 * function
 *
 * Each connection has a thread, so a function may take its time; there are HTTP_CONNECTIONS at
 * most, and others wait.
 */
#ifndef HTTP_H
#define HTTP_H

#include <microhttpd.h>

#include "studio/pictures/png_out.h"
#include "studio/studio_inside.h"

enum {
    HTTP_CONNECTIONS = 64,
    HTTP_LISTENERS = 8, /* event streams among them */
    HTTP_BODY = 1 << 20,
    HTTP_SECONDS = 6, /* for a head, for a body, and between requests */
    HTTP_POSTS = 100, /* a second, on average; twice as many at once */
    KEY_LENGTH = 43
};

struct http;

/* Takes the port, 0: any that is free; six: of ::1 instead of 127.0.0.1. */
unet_code http_listen(int port, int six, struct http **http, unet_error *err);
/* Answers from now on.  *address: "http://127.0.0.1:PORT/#KEY", from malloc. */
unet_code http_begin(struct http *http, struct studio *studio, char **address, unet_error *err);
void http_end(struct http *http);

/* ---- inside the server ------------------------------------------------------------------- */

struct request {
    struct studio *studio;
    struct MHD_Connection *connection;
    int image; /* of /api/images/ID/...; -1 */
    json_t *body;
};

/* Zeroed: 204, nothing. */
struct reply {
    int status;
    json_t *json;         /* a new reference */
    struct png_bytes png; /* from malloc */
    int keep;             /* 1: the browser may keep it */
    int listen;           /* 1: events */
};

/* What a reply to a failure is; the status depends on the code, and on who asked. */
void reply_failure(struct reply *reply, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void reply_error(struct reply *reply, unet_code code, const unet_error *err, int stopped);

/* ---- guard.c ---- */

/* Where the server is, and its key. */
struct guard {
    int port;
    char key[KEY_LENGTH + 1];
};

/* 0: no random numbers. */
int guard_make_key(struct guard *guard);

/* 200, or the status of a request that is refused, with why in *words.  api: with a key. */
int guard_check(const struct guard *guard, struct MHD_Connection *connection, int api, int post,
                const char **words);

/* ---- routes.c ---- */

enum route_method { ROUTE_GET = 1, ROUTE_POST = 2 };

/* Which methods an address below /api/ has (or-ed); 0: there is no such address. */
int route_methods(const struct studio *studio, const char *path);

/* Answers; request->image is set here. */
void route(struct request *request, const char *path, int post, struct reply *reply);

/* A parameter as a whole number or any number; absent: value stays.  0: it is none. */
int parameter_whole(const struct request *request, const char *name, int low, int high, int *value);
int parameter_number(const struct request *request, const char *name, double *value, int *given);

/* ---- routes_get.c, routes_post.c ---- */

typedef void route_function(struct request *request, struct reply *reply);
route_function get_project, get_tile, get_thumb, get_stats, get_labels, get_prediction,
    get_certainty, get_value, get_next, get_scores, get_events;
route_function post_strokes, post_undo, post_redo, post_classes, post_training, post_view,
    post_settings, post_export;

#endif
