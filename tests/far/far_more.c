/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of src/engine/more.c: programs of the tests can choose `far`, too. */
#include "far.h"

const struct un_engine_kind *const un_more_engines[] = {&un_far, NULL};
