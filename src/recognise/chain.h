/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain.h - the order in which the convolutions of a U-Net run
 *
 * A network of depth D with `convs` convolutions in a block is a row of slots: the blocks of the
 * encoder from level 0 to the bottleneck D; then for each level upwards an up-convolution (if there
 * are any) and the decoder's block; and the head.  un_chain_find() puts a module into each slot.
 */
#ifndef UN_CHAIN_H
#define UN_CHAIN_H

#include "recognise/layouts.h"

struct un_slot {
    enum un_role role; /* role, level and conv: as struct un_where has them */
    int level;
    int conv;
    enum un_module_kind kind;
    int module;
};

enum {
    UN_MAX_SLOTS = 2 * (2 * UNET_MAX_DEPTH + 1) + UNET_MAX_DEPTH + 1,
    UN_NO_UP = UN_MODULE_NORM /* in the place of the kind of the up-convolutions */
};

struct un_chain {
    int depth, convs;
    int up; /* the un_module_kind of the up-convolutions, UN_NO_UP: there are none */
    int count;
    struct un_slot slots[UN_MAX_SLOTS];
};

/* The module of a slot. */
int un_chain_module(const struct un_chain *chain, enum un_role role, int level, int conv);

/*
 * layout may be NULL; direction is that of the numbers along the decoder, where who calls knows it.
 * UNET_EFORMAT: the channels make no chain of all convolutions, naming the tensor that fits
 * nowhere; or they make several, and neither names nor order tell which is right.
 */
unet_code un_chain_find(const struct un_modules *modules, const struct un_names *layout,
                        enum un_direction direction, struct un_chain *chain, unet_error *err);

#endif
