/* SPDX-License-Identifier: Apache-2.0 */
/*
 * studio_attack.h - what nobody should say to unet studio, and which statuses are right
 */
#ifndef STUDIO_ATTACK_H
#define STUDIO_ATTACK_H

#include <stdarg.h>

#include "studio_http.h"

static int failed;

static const struct attack {
    const char *what, *text; /* {P}: the port, {Q}: another, {K}: the key, {W}: a wrong one */
    int status, other;       /* 0: closed without an answer */
} attacks[] = {
#define HOST "Host: 127.0.0.1:{P}\r\n"
#define KEY "X-Unet-Key: {K}\r\n"
#define GET(path, headers) "GET " path " HTTP/1.1\r\n" headers "\r\n"
#define POST(path, headers, body) "POST " path " HTTP/1.1\r\n" headers "\r\n" body
#define JSON "Content-Type: application/json\r\n"
    {"all is right", GET("/api/project", HOST KEY), 200, 200},
    {"by another name", GET("/api/project", "Host: localhost:{P}\r\n" KEY), 200, 200},
    {"the page without a key", GET("/", HOST), 200, 200},
    {"no key", GET("/api/project", HOST), 401, 401},
    {"a wrong key", GET("/api/project", HOST "X-Unet-Key: {W}\r\n"), 401, 401},
    {"half a key", GET("/api/project", HOST "X-Unet-Key: abc\r\n"), 401, 401},
    {"an empty key", GET("/api/project", HOST "X-Unet-Key:\r\n"), 401, 401},
    {"two keys", GET("/api/project", HOST KEY "X-Unet-Key: {W}\r\n"), 401, 401},
    {"the key in the address", GET("/api/project?key={K}", HOST), 401, 401},
    {"no key for an address that is not there", GET("/api/nothing", HOST), 401, 401},
    {"rebinding", GET("/api/project", "Host: evil.example:{P}\r\n" KEY), 421, 421},
    {"rebinding, the page", GET("/", "Host: evil.example:{P}\r\n"), 421, 421},
    {"a host that begins right", GET("/", "Host: 127.0.0.1.evil.example:{P}\r\n"), 421, 421},
    {"a host with a name before it", GET("/", "Host: a@127.0.0.1:{P}\r\n"), 421, 421},
    {"another port", GET("/api/project", "Host: 127.0.0.1:{Q}\r\n" KEY), 421, 421},
    {"no port", GET("/api/project", "Host: 127.0.0.1\r\n" KEY), 421, 421},
    {"two hosts", GET("/", HOST "Host: evil.example\r\n"), 421, 400},
    {"no host", GET("/", ""), 421, 400},
    {"no host, HTTP/1.0", "GET /api/project HTTP/1.0\r\n" KEY "\r\n", 421, 421},
    {"its own origin", GET("/api/project", HOST KEY "Origin: http://127.0.0.1:{P}\r\n"), 200, 200},
    {"another origin", GET("/api/project", HOST KEY "Origin: http://evil.example\r\n"), 403, 403},
    {"origin null", GET("/api/project", HOST KEY "Origin: null\r\n"), 403, 403},
    {"https", GET("/api/project", HOST KEY "Origin: https://127.0.0.1:{P}\r\n"), 403, 403},
    {"origin of another port", GET("/", HOST "Origin: http://127.0.0.1:{Q}\r\n"), 403, 403},
    {"preflight",
     "OPTIONS /api/images/0/strokes HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n"
     "Access-Control-Request-Method: POST\r\n\r\n",
     403, 403},
    {"traversal", GET("/../../../../etc/passwd", HOST KEY), 404, 404},
    {"traversal, encoded", GET("/%2e%2e/%2e%2e/%2e%2e/etc/passwd", HOST KEY), 404, 404},
    {"traversal, slash encoded", GET("/..%2f..%2fetc%2fpasswd", HOST KEY), 404, 404},
    {"traversal below api", GET("/api/../project", HOST KEY), 404, 404},
    {"traversal for an image", GET("/api/images/../../etc/passwd/tile", HOST KEY), 404, 404},
    {"two slashes", GET("//etc/passwd", HOST KEY), 404, 404},
    {"an absolute address", GET("http://evil.example/api/project", HOST KEY), 404, 400},
    {"a zero byte", GET("/style.css%00.png", HOST KEY), 404, 404},
    {"a zero byte at the end", GET("/style.css%00", HOST KEY), 404, 404},
    {"a zero byte alone", GET("/%00", HOST KEY), 404, 404},
    {"a zero byte below api", GET("/api/project%00x", HOST KEY), 404, 404},
    {"image -1", GET("/api/images/-1/tile?level=0&x=0&y=0", HOST KEY), 404, 404},
    {"an image beyond", GET("/api/images/123456/stats", HOST KEY), 404, 404},
    {"an image far beyond", GET("/api/images/99999999999999999999/stats", HOST KEY), 404, 404},
    {"an image with zeros", GET("/api/images/000/stats", HOST KEY), 404, 404},
    {"a tile beyond", GET("/api/images/0/tile?level=0&x=9&y=0", HOST KEY), 404, 404},
    {"a level beyond", GET("/api/images/0/labels?level=31&x=0&y=0", HOST KEY), 404, 404},
    {"a tile -1", GET("/api/images/0/prediction?level=0&x=-1&y=0", HOST KEY), 404, 404},
    {"a tile of words", GET("/api/images/0/tile?level=a&x=0&y=0", HOST KEY), 404, 404},
    {"no tile", GET("/api/images/0/certainty", HOST KEY), 404, 404},
    {"gamma 0", GET("/api/images/0/thumb?gamma=0", HOST KEY), 400, 400},
    {"low alone", GET("/api/images/0/thumb?low=1", HOST KEY), 400, 400},
    {"not a number", GET("/api/images/0/thumb?low=nan&high=1", HOST KEY), 400, 400},
    {"two channels", GET("/api/images/0/thumb?channels=0,1", HOST KEY), 400, 400},
    {"a channel that is not there", GET("/api/images/0/thumb?channels=77", HOST KEY), 400, 400},
    {"a pixel beyond", GET("/api/images/0/value?x=1&y=99999", HOST KEY), 404, 404},
    {"get what is posted", GET("/api/classes", HOST KEY), 405, 405},
    {"put", "PUT /api/classes HTTP/1.1\r\n" HOST KEY "\r\n", 405, 405},
    {"trace", "TRACE /api/project HTTP/1.1\r\n" HOST KEY "\r\n", 405, 405},
    {"post to the page", POST("/", HOST JSON "Content-Length: 2\r\n", "{}"), 405, 405},
    {"a form", POST("/api/training", HOST KEY "Content-Length: 2\r\n", "{}"), 415, 415},
    {"a plain text",
     POST("/api/training", HOST KEY "Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}"), 415,
     415},
    {"no JSON", POST("/api/training", HOST KEY JSON "Content-Length: 3\r\n", "{on"), 400, 400},
    {"a list", POST("/api/training", HOST KEY JSON "Content-Length: 2\r\n", "[]"), 400, 400},
    {"no body", POST("/api/training", HOST KEY JSON "Content-Length: 0\r\n", ""), 400, 400},
    {"twice the same name",
     POST("/api/training", HOST KEY JSON "Content-Length: 23\r\n", "{\"on\":true,\"on\":false}\n"),
     400, 400},
    {"too large", POST("/api/training", HOST KEY JSON "Content-Length: 1048577\r\n", ""), 413, 413},
    {"far too large",
     POST("/api/training", HOST KEY JSON "Content-Length: 99999999999999999999999\r\n", ""), 413,
     400},
    {"a negative size", POST("/api/training", HOST KEY JSON "Content-Length: -5\r\n", "{}"), 400,
     0},
    {"two sizes",
     POST("/api/training", HOST KEY JSON "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
          "0\r\n\r\n"),
     400, 0},
    {"a broken chunk",
     POST("/api/training", HOST KEY JSON "Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n"), 400, 0},
    {"a huge chunk",
     POST("/api/training", HOST KEY JSON "Transfer-Encoding: chunked\r\n",
          "ffffffffffffffff\r\n{}\r\n"),
     400, 0},
    {"nonsense", "\x16\x03\x01\x02\x01 \xff\xfe hello\r\n\r\n", 400, 0},
    {"no class", POST("/api/classes", HOST KEY JSON "Content-Length: 14\r\n", "{\"classes\":[]}"),
     400, 400},
    {"a view of nothing",
     POST("/api/view", HOST KEY JSON "Content-Length: 34\r\n",
          "{\"image\":0,\"rect\":[0,0,-5,2e1000]}"),
     400, 400},
    {"an image beyond 32 bits",
     POST("/api/view", HOST KEY JSON "Content-Length: 37\r\n",
          "{\"image\":4294967296,\"rect\":[0,0,5,5]}"),
     400, 400},
    {"a place beyond 32 bits",
     POST("/api/view", HOST KEY JSON "Content-Length: 37\r\n",
          "{\"image\":0,\"rect\":[4294967296,0,5,5]}"),
     400, 400},
};

/* Puts port and keys in their places. */
static char *fill_in(const char *text)
{
    char *made = malloc(strlen(text) + 1024), *to = made;

    for (; *text; text++) {
        if (*text != '{' || text[2] != '}' || !strchr("PQKW", text[1])) {
            *to++ = *text;
            continue;
        }
        if (text[1] == 'P' || text[1] == 'Q')
            to += sprintf(to, "%d", text[1] == 'P' ? port : port ^ 1);
        else
            to += sprintf(to, "%s", key);
        if (text[1] == 'W')
            to[-1] = to[-1] == 'A' ? 'B' : 'A';
        text += 2;
    }
    *to = 0;
    return made;
}

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    failed = 1;
}

static void try_table(void)
{
    for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++) {
        const struct attack *row = &attacks[i];
        char *text = fill_in(row->text);
        const int got = ask(text, strlen(text));

        if (got != row->status && got != row->other)
            complain("%s: status %d, wanted %d", row->what, got, row->status);
        if (strstr(answer, "Access-Control-"))
            complain("%s: the answer lets other pages in", row->what);
        if (strstr(answer, key) || strstr(answer, "root:"))
            complain("%s: the answer has what it must not", row->what);
        if (got && got != 400 && got != 413 &&
            (!strstr(answer, "Content-Security-Policy: default-src 'none'") ||
             !strstr(answer, "X-Content-Type-Options: nosniff")))
            complain("%s: the answer lacks a header", row->what);
        free(text);
    }
}

/* Bodies of 2 MiB in chunks, JSON a hundred thousand deep, a head without end. */
static void try_large(void)
{
    const size_t room = 3 << 20;
    char *text = malloc(room), *at = text;

    at += sprintf(at,
                  "POST /api/training HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Unet-Key: %s\r\n"
                  "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
                  port, key);
    at += sprintf(at, "200000\r\n");
    memset(at, ' ', 0x200000);
    at += 0x200000;
    at += sprintf(at, "\r\n0\r\n\r\n");
    if (ask(text, (size_t)(at - text)) / 100 == 2)
        complain("2 MiB in a chunk: status %d", status());

    at = text;
    at += sprintf(at,
                  "POST /api/training HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Unet-Key: %s\r\n"
                  "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
                  port, key);
    memset(at, '[', 100000);
    if (ask(text, (size_t)(at - text) + 100000) != 400)
        complain("deep JSON: status %d, wanted 400", status());

    at = text + sprintf(text, "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Long: ", port);
    memset(at, 'a', 1000000);
    if (ask(text, (size_t)(at - text) + 1000000) / 100 == 2)
        complain("a head without end: status %d", status());
    free(text);
}

/* Random bytes, and proper requests with some bytes changed. */
static void try_random(void)
{
    unsigned int seed = 5;

    for (int round = 0; round < 200; round++) {
        char *text = fill_in(attacks[round % 10].text);
        const size_t size = strlen(text);
        const int fd = dial(10);

        for (int i = 0; i < 1 + round / 20; i++)
            text[(size_t)rand_r(&seed) % size] = (char)rand_r(&seed);
        if (fd >= 0) {
            push(fd, text, size);
            shutdown(fd, SHUT_WR);
            pull(fd);
            close(fd);
        } else {
            complain("round %d of random bytes: no connection", round);
        }
        free(text);
    }
}

/* Those that say nothing, or drip, are ended, and the server answers again. */
static void try_slow(void)
{
    enum { SILENT = 80, DRIPPING = 20 };
    int fd[SILENT + DRIPPING];
    char *head =
        fill_in("POST /api/training HTTP/1.1\r\n" HOST KEY JSON "Content-Length: 900\r\n\r\n");
    const time_t begun = time(NULL);

    for (int i = 0; i < SILENT + DRIPPING; i++) {
        fd[i] = dial(1);
        if (fd[i] >= 0 && i >= SILENT)
            push(fd[i], i % 2 ? head : "GET / HT", i % 2 ? strlen(head) : 8);
    }
    for (int open = 1; open && time(NULL) - begun < 40;) {
        open = 0;
        for (int i = SILENT; i < SILENT + DRIPPING; i++)
            if (fd[i] >= 0 && !push(fd[i], " ", 1)) {
                close(fd[i]);
                fd[i] = -1;
            } else if (fd[i] >= 0) {
                open = 1;
            }
        usleep(200000);
    }
    for (int i = SILENT; i < SILENT + DRIPPING; i++)
        if (fd[i] >= 0)
            complain("connection %d drips for 40 s", i);
    while (proper("GET", "/api/project", NULL) != 200 && time(NULL) - begun < 40)
        usleep(200000);
    if (status() != 200)
        complain("after 100 slow connections: status %d, wanted 200", status());
    for (int i = 0; i < SILENT + DRIPPING; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    free(head);
}

/* A hundred at once, each with a request, all open until the last one is answered: some wait for a
 * while, none is sent away. */
static void try_many(void)
{
    enum { MANY = 100 };
    char *text = fill_in(GET("/api/project", HOST KEY "Connection: close\r\n"));
    int fd[MANY];

    for (int i = 0; i < MANY; i++) {
        fd[i] = dial(30);
        if (fd[i] < 0 || !push(fd[i], text, strlen(text)))
            complain("connection %d of %d cannot be made", i, MANY);
    }
    for (int i = MANY; i-- > 0;) {
        answer_size = 0;
        pull(fd[i]);
        if (status() != 200)
            complain("connection %d of %d: status %d", i, MANY, status());
    }
    for (int i = 0; i < MANY; i++)
        close(fd[i]);
    free(text);
}

/* So many pages may listen and no more; when they leave, others may. */
static void try_listeners(void)
{
    char *text = fill_in(GET("/api/events", HOST KEY));
    int fd[9], got = 0;

    for (int i = 0; i < 9; i++) {
        fd[i] = dial(10);
        push(fd[i], text, strlen(text));
        answer_size = 0;
        answer_size = (size_t)recv(fd[i], answer, ANSWER, 0);
        answer[answer_size < ANSWER ? answer_size : 0] = 0;
        if (status() != (i < 8 ? 200 : 503))
            complain("listener %d: status %d", i, status());
    }
    for (int i = 0; i < 9; i++)
        close(fd[i]);
    for (int i = 0; i < 50 && got != 200; i++) {
        usleep(100000);
        fd[0] = dial(10);
        push(fd[0], text, strlen(text));
        answer_size = (size_t)recv(fd[0], answer, ANSWER, 0);
        answer[answer_size < ANSWER ? answer_size : 0] = 0;
        got = status();
        close(fd[0]);
    }
    if (got != 200)
        complain("a listener after others left: status %d", got);
    free(text);
}

static int attack(void)
{
    try_table();
    try_large();
    try_random();
    try_many();
    try_listeners();
    try_slow();
    if (proper("GET", "/api/project", NULL) != 200)
        complain("after all attacks: status %d, wanted 200", status());
    return failed;
}

#endif
