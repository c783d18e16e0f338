/* SPDX-License-Identifier: Apache-2.0 */
/* http_send.h - replies with the headers that all have, and streams of events */
#ifndef HTTP_SEND_H
#define HTTP_SEND_H

#include "studio/server/http.h"
#include "studio/server/page_files.h"

/* Sends what a reply holds, and takes it. */
enum MHD_Result http_send(struct studio *studio, struct MHD_Connection *connection,
                          struct reply *reply);
enum MHD_Result http_send_page(struct MHD_Connection *connection, const struct page_file *file);

#endif
