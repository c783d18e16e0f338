/* SPDX-License-Identifier: Apache-2.0 */
/* Alone in its file, so that a program may be linked with another list. */
#include "engine/choose.h"

const struct un_engine_kind *const un_more_engines[] = {NULL};
