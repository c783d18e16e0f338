/* SPDX-License-Identifier: Apache-2.0 */
/* studio_http.h - one connection after another to unet studio, by hand */
#ifndef STUDIO_HTTP_H
#define STUDIO_HTTP_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int port;
static char key[128];

enum { ANSWER = 1 << 20 };
static char answer[ANSWER + 1];
static size_t answer_size;

static int dial(int seconds)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const struct timeval limit = {seconds, 0};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        close(fd);
        return -1;
    }
    return fd;
}

static int push(int fd, const char *bytes, size_t size)
{
    while (size) {
        const ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return 0;
        bytes += sent;
        size -= (size_t)sent;
    }
    return 1;
}

/* Reads until the end, or until the head and Content-Length bytes are there. */
static void pull(int fd)
{
    answer_size = 0;
    for (;;) {
        const ssize_t got = recv(fd, answer + answer_size, ANSWER - answer_size, 0);
        const char *body, *length;

        if (got <= 0)
            break;
        answer_size += (size_t)got;
        answer[answer_size] = 0;
        body = strstr(answer, "\r\n\r\n");
        length = strstr(answer, "Content-Length: ");
        if (body && !strncmp(answer, "HTTP/1.1 204", 12))
            break;
        if (body && length && length < body &&
            answer_size >= (size_t)(body + 4 - answer) + (size_t)atol(length + 16))
            break;
    }
    answer[answer_size] = 0;
}

/* The status of the answer; 0: there was none. */
static int status(void)
{
    return answer_size > 12 && !strncmp(answer, "HTTP/1.", 7) ? atoi(answer + 9) : 0;
}

static const char *body(void)
{
    const char *end = strstr(answer, "\r\n\r\n");

    return end ? end + 4 : "";
}

/* Sends bytes and reads the answer; its status. */
static int ask(const char *bytes, size_t size)
{
    const int fd = dial(10);

    answer_size = 0;
    answer[0] = 0;
    if (fd < 0)
        return -1;
    push(fd, bytes, size); /* a refused one may be closed before all is sent */
    pull(fd);
    close(fd);
    return status();
}

/* A request as the page sends it. */
static int proper(const char *method, const char *path, const char *json)
{
    const size_t room = strlen(path) + (json ? strlen(json) : 0) + 512;
    char *text = malloc(room);
    int size = snprintf(text, room,
                        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Unet-Key: %s\r\n"
                        "Connection: close\r\n",
                        method, path, port, key);

    if (json)
        size += snprintf(text + size, room - (size_t)size,
                         "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                         strlen(json), json);
    else
        size += snprintf(text + size, room - (size_t)size, "\r\n");
    const int got = ask(text, (size_t)size);
    free(text);
    return got;
}

#endif
