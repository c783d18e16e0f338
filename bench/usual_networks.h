/* SPDX-License-Identifier: Apache-2.0 */
/* usual_networks.h - the networks of bench_network, of bench_workers and of bench/networks.py */
#ifndef USUAL_NETWORKS_H
#define USUAL_NETWORKS_H

#include "network_bench.h"

static const struct network networks[] = {
    {"paper", {.in_channels = 1, .classes = 2, .width = 64, .depth = 4}, 572, 1},
    {"milesial",
     {.in_channels = 3,
      .classes = 2,
      .width = 64,
      .depth = 4,
      .padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_BATCH},
     512,
     1},
    {"small",
     {.in_channels = 1, .classes = 2, .width = 16, .depth = 4, .padding = UNET_PADDING_SAME},
     512,
     1},
    {"auto", /* a tile of what `unet train` picks */
     {.in_channels = 1,
      .classes = 2,
      .width = 16,
      .depth = 4,
      .padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_INSTANCE},
     192,
     1},
};

#define NETWORKS ((int)(sizeof networks / sizeof *networks))

#endif
