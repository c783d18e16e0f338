/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - what a walk over an image that is read as it goes needs */
#ifndef UN_STREAM_H
#define UN_STREAM_H

#include "predict/session.h"

/* The most rows of an image of this height that a row of tiles looks at. */
int un_stream_window(const unet_session *session, int height);

/* The inner half of unet_plan_memory(). */
unet_code un_stream_plan(const unet_model *model, const unet_session_options *options,
                         const unet_page *page, const unet_stream *stream, uint64_t limit,
                         unet_memory_plan *plan, unet_error *err);

#endif
