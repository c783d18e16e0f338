/* SPDX-License-Identifier: Apache-2.0 */
/* preset_auto.h - the recipe for the data and the time at hand */
#ifndef PRESET_AUTO_H
#define PRESET_AUTO_H

#include "recipe/presets.h"

/* Behind preset_make(): depends on nothing but its arguments, so the same call picks the same. */
void preset_auto(const struct preset_facts *facts, const struct network_settings *given,
                 struct recipe *recipe);

#endif
