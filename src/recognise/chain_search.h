/* SPDX-License-Identifier: Apache-2.0 */
/* chain_search.h - what the search for a chain (chain.c), the order in which it tries modules
 * (chain_order.c) and what it says when there is none (chain_explain.c) share */
#ifndef UN_CHAIN_SEARCH_H
#define UN_CHAIN_SEARCH_H

#include "recognise/chain.h"

struct un_search {
    const struct un_modules *modules;
    const struct un_names *layout;
    enum un_direction direction; /* of the numbers along the decoder, by who knows it */
    struct un_chain chain;       /* being filled */
    struct un_chain found;       /* the first that is complete */
    bool used[UN_MAX_MODULES];
    int mate[UN_MAX_MODULES]; /* the other convolution of the block, -1: not known */
    int steps;
    bool gave_up;            /* a search was too long to be finished */
    bool by_order;           /* the order of the file is asked, not that of names */
    bool all_used;           /* a chain counts only when no convolution is left over */
    int deepest;             /* the last slot that nothing was found for */
    struct un_chain partial; /* the chain up to there */
    int first;               /* the only module that slot 0 may take, -1: any */
    int rivals[2];           /* modules between which there is no telling, -1: none */
};

/* The lower, the sooner a module is tried; common counts against, so it is negative. */
struct un_order {
    int module;
    int common, level; /* what its name has to do with that of the module it follows */
    int rank;
};

/* The inputs that slot s must have; of a decoder's first convolution, those of the skip connection
 * in *skip (else 0).  0: any number. */
int un_search_inputs(const struct un_modules *modules, const struct un_chain *chain, int s,
                     int *skip);
/* Why module m would be tried in slot s before another, and the order of two such reasons. */
struct un_order un_search_order(const struct un_search *search, int s, int m);
int un_search_compare(const void *a, const void *b);
/* Whether what orders a before b is good enough to choose by. */
bool un_search_is_settled(const struct un_search *search, int s, const struct un_order *a,
                          const struct un_order *b);
/* The modules that slot s may take, best first; returns how many. */
int un_search_list(const struct un_search *search, int s, struct un_order list[UN_MAX_MODULES]);
void un_search_find_mates(struct un_search *search);
/* The 3x3 convolution that can stand nowhere but at the beginning, -1: there is none. */
int un_search_first(const struct un_modules *modules);
/* How many chains of this shape there are: 0, 1, or 2 for several. */
int un_search_try(struct un_search *search, int depth, int convs, int up);

/* Whether some module, or two that are concatenated, make what module m takes in. */
bool un_search_can_follow(const struct un_modules *modules, int m);

/* Names the module that would be next in the slot where the search came to an end. */
unet_code un_search_explain_slot(struct un_search *search, unet_error *err);
/* The numbers of convolutions are those of no U-Net: looks how far the most likely one goes. */
unet_code un_search_explain_counts(struct un_search *search, unet_error *err);

#endif
