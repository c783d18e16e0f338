/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - a ring of the last events */
#include "studio/events.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/paths.h"
#include "shared/machine.h"

void events_init(struct events *events)
{

    *events = (struct events){0};
    pthread_mutex_init(&events->lock, NULL);
    system_cond_init(&events->changed);
}

void events_release(struct events *events)
{
    for (int i = 0; i < EVENTS; i++)
        free(events->text[i]);
    pthread_mutex_destroy(&events->lock);
    pthread_cond_destroy(&events->changed);
}

void events_send(struct events *events, const char *name, json_t *data)
{
    char *json = data ? json_dumps(data, JSON_COMPACT) : NULL;
    char *text = json ? path_text("event: %s\ndata: %s\n\n", name, json) : NULL;

    free(json);
    json_decref(data);
    pthread_mutex_lock(&events->lock);
    if (text) {
        free(events->text[events->next % EVENTS]);
        events->text[events->next++ % EVENTS] = text;
    }
    pthread_cond_broadcast(&events->changed);
    pthread_mutex_unlock(&events->lock);
}

void events_end(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    events->ending = 1;
    pthread_cond_broadcast(&events->changed);
    pthread_mutex_unlock(&events->lock);
}

int events_join(struct events *events, int most, uint64_t *at)
{
    int joined;

    pthread_mutex_lock(&events->lock);
    joined = events->listeners < most;
    events->listeners += joined;
    *at = events->next;
    pthread_mutex_unlock(&events->lock);
    return joined;
}

void events_leave(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    events->listeners--;
    pthread_mutex_unlock(&events->lock);
}

char *events_wait(struct events *events, uint64_t *at, int seconds)
{
    struct timespec until;
    char *text;
    int late = 0;

    system_clock(&until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&events->lock);
    while (!events->ending && *at == events->next && !late)
        late = pthread_cond_timedwait(&events->changed, &events->lock, &until) != 0;
    if (events->ending) {
        text = NULL;
    } else if (*at == events->next) {
        text = strdup(":\n\n");
    } else if (events->next - *at > EVENTS) {
        *at = events->next;
        text = strdup("event: resync\ndata: {}\n\n");
    } else {
        text = strdup(events->text[(*at)++ % EVENTS]);
    }
    pthread_mutex_unlock(&events->lock);
    return text;
}
