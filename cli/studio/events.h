/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.h - what happens, for all pages that listen
 *
 * The last EVENTS are kept; who is further behind gets "resync" and goes on with the newest.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <jansson.h>
#include <pthread.h>
#include <stdint.h>

enum { EVENTS = 256 };

struct events {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *text[EVENTS]; /* "event: NAME\ndata: JSON\n\n"; number n is at n % EVENTS */
    uint64_t next;      /* number of the next one */
    int ending, listeners;
};

void events_init(struct events *events);
void events_release(struct events *events);

/* Takes data. */
void events_send(struct events *events, const char *name, json_t *data);

/* Ends all waiting. */
void events_end(struct events *events);

/* One more listener, if there are less than `most`; *at: the number that it waits for. */
int events_join(struct events *events, int most, uint64_t *at);
void events_leave(struct events *events);

/*
 * The text of event *at, from malloc, with *at counted on; waits for it up to `seconds`, then a
 * comment.  NULL: the end.
 */
char *events_wait(struct events *events, uint64_t *at, int seconds);

#endif
