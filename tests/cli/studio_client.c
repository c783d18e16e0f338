/* SPDX-License-Identifier: Apache-2.0 */
/*
 * studio_client.c - what a page, and what nobody should, says to unet studio
 *
 *     studio_client ADDRESS get PATH            prints the body; exit code 1: not 2xx
 *     studio_client ADDRESS post PATH JSON
 *     studio_client ADDRESS paint IMAGE CLIENT FIRST COUNT
 *                                               prints each seq when it was answered, until all are
 *                                               or the server is gone
 *     studio_client ADDRESS scatter IMAGE SIDE ACROSS
 *                                               ACROSS x ACROSS strokes all over an image
 *     studio_client ADDRESS day FILE STROKES IMAGES SIDE
 *                                               asks nobody: writes a journal, studio_day.h
 *     studio_client ADDRESS listen NAME SECONDS prints that it listens, then the data of the first
 *                                               event of that name
 *     studio_client ADDRESS attack              exit code 1: something came through, or the server
 *                                               is gone
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "studio_attack.h"
#include "studio_day.h"
#include "studio_http.h"

static int print_answer(int got)
{
    printf("%s\n", body());
    return got / 100 != 2;
}

/* ---- a page ------------------------------------------------------------------------------ */

static int paint(const char *image, const char *client, long first, long count)
{
    for (long seq = first; seq < first + count; seq++) {
        char path[64], json[256];

        snprintf(path, sizeof(path), "/api/images/%s/strokes", image);
        snprintf(json, sizeof(json),
                 "{\"client\":\"%s\",\"seq\":%ld,\"tool\":\"brush\",\"class\":%ld,\"radius\":0.5,"
                 "\"points\":[%ld.5,%ld.5]}",
                 client, seq, seq % 2, seq % 200, seq / 200);
        if (proper("POST", path, json) != 200) {
            if (status() == 503) { /* too many at once */
                seq--;
                usleep(20000);
                continue;
            }
            return 1;
        }
        printf("%ld\n", seq);
        fflush(stdout);
    }
    return 0;
}

static int scatter(const char *image, long side, long across)
{
    for (long i = 0; i < across * across; i++) {
        const long x = (2 * (i % across) + 1) * side / (2 * across);
        const long y = (2 * (i / across) + 1) * side / (2 * across);
        char path[64], json[256];

        snprintf(path, sizeof(path), "/api/images/%s/strokes", image);
        snprintf(json, sizeof(json),
                 "{\"client\":\"scatterer\",\"seq\":%ld,\"tool\":\"brush\",\"class\":%ld,"
                 "\"radius\":4,\"points\":[%ld,%ld,%ld,%ld]}",
                 i + 1, i % 2, x, y, x + 60, y + 20);
        while (proper("POST", path, json) == 503)
            usleep(20000);
        if (status() != 200)
            return print_answer(status());
    }
    return 0;
}

static int listen_for(const char *name, int seconds)
{
    char *text = fill_in(GET("/api/events", HOST KEY)), wanted[64];
    const int fd = dial(seconds);
    const char *at = NULL;
    int heard = 0;

    snprintf(wanted, sizeof(wanted), "event: %s\n", name);
    push(fd, text, strlen(text));
    for (answer_size = 0; !at;) {
        const ssize_t got = recv(fd, answer + answer_size, ANSWER - answer_size, 0);

        if (got <= 0)
            return 1;
        answer_size += (size_t)got;
        answer[answer_size] = 0;
        if (!heard && strstr(answer, "event: hello")) {
            heard = 1;
            printf("listening\n");
            fflush(stdout);
        }
        at = strstr(answer, wanted);
        at = at ? strstr(at, "data: ") : NULL;
        at = at && strchr(at, '\n') ? at : NULL;
    }
    printf("%.*s\n", (int)strcspn(at + 6, "\n"), at + 6);
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[2] : "";

    if (argc < 3 || sscanf(argv[1], "http://127.0.0.1:%d/#%127s", &port, key) != 2)
        return 2;
    if (!strcmp(what, "get") && argc == 4)
        return print_answer(proper("GET", argv[3], NULL));
    if (!strcmp(what, "post") && argc == 5)
        return print_answer(proper("POST", argv[3], argv[4]));
    if (!strcmp(what, "paint") && argc == 7)
        return paint(argv[3], argv[4], atol(argv[5]), atol(argv[6]));
    if (!strcmp(what, "scatter") && argc == 6)
        return scatter(argv[3], atol(argv[4]), atol(argv[5]));
    if (!strcmp(what, "day") && argc == 7) {
        write_day(argv[3], atoi(argv[4]), atoi(argv[5]), atoi(argv[6]));
        return 0;
    }
    if (!strcmp(what, "listen") && argc == 5)
        return listen_for(argv[3], atoi(argv[4]));
    if (!strcmp(what, "attack"))
        return attack();
    return 2;
}
