/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.c - two threads: one lets in, one ends what drips
 *
 * libmicrohttpd closes connections beyond its limit at once, so a page that asks for many tiles
 * would lose some; therefore we take them from the socket, and only as many as may be inside.  It
 * ends those that are silent; those that drip are ended here, by looking every second at who has
 * been sending a head or a body for more than HTTP_SECONDS.
 */
#include "studio/server/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/progress.h"
#include "shared/machine.h"
#include "studio/server/http.h"

enum { QUEUE = 1024 }; /* that may wait outside; the system may allow less */

struct slot {
    int fd; /* -1: free */
    double since;
};

struct door {
    int fd; /* listens; -1: not any more */
    struct MHD_Daemon *daemon;
    pthread_t porter, watcher;
    int has_porter, has_watcher;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t left, wake;
    int inside, ending;
    struct slot slots[HTTP_CONNECTIONS];
};

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* ---- opening ----------------------------------------------------------------------------- */

static int listen_here(int six, int *port, unet_error *err)
{
    union address address = {.any.sa_family = six ? AF_INET6 : AF_INET};
    socklen_t size = six ? sizeof(address.six) : sizeof(address.four);
    const int yes = 1;
    int fd = system_socket(address.any.sa_family);

    if (six) {
        address.six.sin6_port = htons((uint16_t)*port);
        address.six.sin6_addr = in6addr_loopback;
    } else {
        address.four.sin_port = htons((uint16_t)*port);
        address.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
        bind(fd, &address.any, size) || listen(fd, QUEUE) || getsockname(fd, &address.any, &size)) {
        set_error(err, UNET_EIO, "port %d: cannot be listened on: %s", *port, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *port = ntohs(six ? address.six.sin6_port : address.four.sin_port);
    return fd;
}

unet_code door_open(int *port, int six, struct door **door, unet_error *err)
{
    struct door *made = calloc(1, sizeof(*made));

    if (!made)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    made->fd = listen_here(six, port, err);
    if (made->fd < 0) {
        free(made);
        return UNET_EIO;
    }
    for (int i = 0; i < HTTP_CONNECTIONS; i++)
        made->slots[i].fd = -1;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->left, NULL);
    system_cond_init(&made->wake);
    *door = made;
    return UNET_OK;
}

/* ---- in and out -------------------------------------------------------------------------- */

/* Waits until there is room; 0: the end. */
static int wait_for_room(struct door *door)
{
    int goes_on;

    pthread_mutex_lock(&door->lock);
    while (!door->ending && door->inside >= HTTP_CONNECTIONS)
        pthread_cond_wait(&door->left, &door->lock);
    goes_on = !door->ending;
    door->inside += goes_on;
    pthread_mutex_unlock(&door->lock);
    return goes_on;
}

static void leave(struct door *door)
{
    pthread_mutex_lock(&door->lock);
    door->inside--;
    pthread_cond_signal(&door->left);
    pthread_mutex_unlock(&door->lock);
}

static void *let_in(void *context)
{
    struct door *door = context;

    while (wait_for_room(door)) {
        const struct timespec moment = {0, 50000000};
        union address address;
        socklen_t size = sizeof(address);
        const int fd = system_accept(door->fd, &address.any, &size);

        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
            nanosleep(&moment, NULL); /* some will be free again */
        if (fd < 0 || MHD_add_connection(door->daemon, fd, &address.any, size) != MHD_YES)
            leave(door);
    }
    return NULL;
}

static void *watch(void *context)
{
    struct door *door = context;

    pthread_mutex_lock(&door->lock);
    while (!door->ending) {
        struct timespec until;
        const double time = seconds_now();

        for (int i = 0; i < HTTP_CONNECTIONS; i++) {
            struct slot *slot = &door->slots[i];

            if (slot->fd >= 0 && slot->since > 0 && time - slot->since > HTTP_SECONDS)
                shutdown(slot->fd, SHUT_RDWR); /* its thread closes it */
        }
        system_clock(&until);
        until.tv_sec++;
        pthread_cond_timedwait(&door->wake, &door->lock, &until);
    }
    pthread_mutex_unlock(&door->lock);
    return NULL;
}

int door_begin(struct door *door, struct MHD_Daemon *daemon)
{
    door->daemon = daemon;
    door->has_porter = !pthread_create(&door->porter, NULL, let_in, door);
    door->has_watcher = !pthread_create(&door->watcher, NULL, watch, door);
    return door->has_porter && door->has_watcher;
}

void door_shut(struct door *door)
{
    pthread_mutex_lock(&door->lock);
    door->ending = 1;
    pthread_cond_broadcast(&door->left);
    pthread_cond_broadcast(&door->wake);
    pthread_mutex_unlock(&door->lock);
    shutdown(door->fd, SHUT_RDWR); /* wakes who waits for a connection */
    if (door->has_porter)
        pthread_join(door->porter, NULL);
    if (door->has_watcher)
        pthread_join(door->watcher, NULL);
    door->has_porter = door->has_watcher = 0;
    close(door->fd);
    door->fd = -1;
}

void door_free(struct door *door)
{
    pthread_mutex_destroy(&door->lock);
    pthread_cond_destroy(&door->left);
    pthread_cond_destroy(&door->wake);
    free(door);
}

/* ---- what libmicrohttpd says ------------------------------------------------------------- */

int door_socket(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info ? (int)info->connect_fd : -1;
}

void door_since(struct door *door, struct MHD_Connection *connection, double since)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct slot *slot = info ? info->socket_context : NULL;

    pthread_mutex_lock(&door->lock);
    if (slot)
        slot->since = since;
    pthread_mutex_unlock(&door->lock);
}

void door_notice(void *context, struct MHD_Connection *connection, void **place,
                 enum MHD_ConnectionNotificationCode what)
{
    struct door *door = context;
    struct slot *slot = *place;

    pthread_mutex_lock(&door->lock);
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        for (int i = 0; i < HTTP_CONNECTIONS && !slot; i++)
            if (door->slots[i].fd < 0)
                slot = &door->slots[i];
        if (slot)
            *slot = (struct slot){door_socket(connection), seconds_now()};
        *place = slot;
    } else if (slot) {
        *slot = (struct slot){.fd = -1};
    }
    pthread_mutex_unlock(&door->lock);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED)
        leave(door);
}
