/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - sums over the samples of a batch that do not depend on who adds up what
 *
 * Samples 0 .. total - 1 are the leaves of a binary tree: a block of level l is the 2^l samples
 * that begin at a multiple of 2^l, as far as they go, and its sum is that of its first half and
 * that of its second, if there is one.  A process that has a range of samples adds up the largest
 * blocks in it; whoever has the blocks of all adds up the rest.  The sums have the same bits
 * whatever the ranges are.
 *
 * Sums on their way are numbered slots, a stack: un_tree_push() of the next sample's (or block's),
 * which lies in slot tree.count, then while un_tree_fold(): slot count is added to slot count - 1.
 */
#ifndef UN_TREE_H
#define UN_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct un_block {
    int first, level; /* samples first .. first + 2^level - 1, as far as they go */
};

enum { UN_TREE_DEPTH = 64 };

struct un_tree {
    int total, count; /* samples in all; blocks in slots 0 .. count - 1 */
    struct un_block block[UN_TREE_DEPTH];
};

/* Blocks come in the order of their samples. */
void un_tree_push(struct un_tree *tree, struct un_block block);
bool un_tree_fold(struct un_tree *tree);

/* What is left of the samples first .. end - 1 when they are added up: its slots are those of the
 * blocks.  *rooms: how many slots that takes. */
struct un_tree un_tree_of(int first, int end, int total, int *rooms);

/* The sum of values [count][width], all samples of a batch, in the place of the first. */
void un_tree_sum(double *values, int count, size_t width);

/* Where the samples of rank `rank` of `ranks` begin; those of the rank behind the last: total. */
int un_tree_first(int total, int ranks, int rank);

#endif
