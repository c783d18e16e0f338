/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.h - connections: who comes in, who waits outside, and who has been there for too long
 *
 *     door_open(), which takes the port -> door_begin() -> door_shut() -> door_free()
 *
 * At most HTTP_CONNECTIONS are inside; those that come then wait in the socket's queue, where
 * nobody is sent away, and come in as others leave.
 */
#ifndef DOOR_H
#define DOOR_H

#include <microhttpd.h>

#include "unet.h"

struct door;

/* Listens on 127.0.0.1, six: ::1; port 0: any that is free, and *port becomes the one it has. */
unet_code door_open(int *port, int six, struct door **door, unet_error *err);

/* Lets in to the daemon.  0: no thread. */
int door_begin(struct door *door, struct MHD_Daemon *daemon);

/* Lets nobody in any more. */
void door_shut(struct door *door);
/* After the daemon has ended. */
void door_free(struct door *door);

/* For MHD_OPTION_NOTIFY_CONNECTION; context: the door. */
void door_notice(void *context, struct MHD_Connection *connection, void **place,
                 enum MHD_ConnectionNotificationCode what);

/* Since when a connection has been sending a request, or doing nothing; 0: one is answered. */
void door_since(struct door *door, struct MHD_Connection *connection, double since);

/* The connection's; -1: not known. */
int door_socket(struct MHD_Connection *connection);

#endif
