/* SPDX-License-Identifier: Apache-2.0 */
/* bind.h - what a plan says, with the pointers of a network's memory */
#ifndef UN_BIND_H
#define UN_BIND_H

#include "net/run.h"

/* NULL for UN_NOWHERE, and for parameter -1 */
void *un_bind_at(const struct un_network *network, size_t offset);
float *un_bind_param(const struct un_network *network, int index);

struct un_tensor un_bind_value(const struct un_network *network, int v);
struct un_tensor un_bind_gradient(const struct un_network *network, int v);

/* A node's norm: with its own statistics, or in prediction over the batch with those that training
 * has left. */
struct un_norm un_bind_norm(const struct un_network *network, int i);
struct un_conv un_bind_conv(const struct un_network *network, int i);

#endif
