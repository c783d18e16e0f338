/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_partition.c - Rand and information scores of one partition against another
 *
 * Arganda-Carreras et al. 2015 ("Crowdsourcing the creation of image segmentation algorithms for
 * connectomics", Frontiers in Neuroanatomy 9:142).  p_ij is the share of pixels that are in
 * predicted object i and true object j, s_i and t_j are its sums; only pixels of true objects are
 * looked at.
 *
 *     V_rand split = sum p_ij^2 / sum t_j^2      merge = sum p_ij^2 / sum s_i^2
 *     V_rand       = sum p_ij^2 / (sum s_i^2 / 2 + sum t_j^2 / 2)
 *     V_info split = I(S; T) / H(S)              merge = I(S; T) / H(T)
 *     V_info       = I(S; T) / (H(S) / 2 + H(T) / 2)
 *
 * with I(S; T) = H(S) + H(T) - H(S, T).  A score of information whose entropies are 0 is 1: one
 * object, found as one.  Sums are over counts n = pixels p; with the sums over n log n
 *
 *     H = log N - (sum n log n) / N
 *
 * so that equal partitions have an information that is exactly their entropy.
 */
#include <math.h>

#include "scores/score.h"

/* Of one set of pieces: sums of squares and of n log n. */
struct sums {
    double squares, logs;
};

static void add_piece(struct sums *sums, uint64_t pixels)
{
    double n = (double)pixels;
    sums->squares += n * n;
    sums->logs += n > 0 ? n * log2(n) : 0;
}

/* As many pieces of one pixel each. */
static void add_singles(struct sums *sums, uint64_t count)
{
    sums->squares += (double)count;
}

/* The sums over one side: its pieces are runs of pairs with the same id.  Pairs without a true
 * object are not there. */
static struct sums sum_side(const struct un_overlap_list *pairs, bool predicted, bool singles)
{
    struct sums sums = {0};
    for (size_t i = 0, end; i < pairs->count; i = end) {
        const struct un_overlap *first = &pairs->pair[i];
        uint64_t pixels = 0;
        for (end = i; end < pairs->count; end++) {
            const struct un_overlap *pair = &pairs->pair[end];
            if (predicted ? pair->predicted != first->predicted : pair->truth != first->truth)
                break;
            pixels += pair->pixels;
        }
        if (predicted && singles && !first->predicted)
            add_singles(&sums, pixels);
        else
            add_piece(&sums, pixels);
    }
    return sums;
}

static struct sums sum_pairs(const struct un_overlap_list *pairs, bool singles, uint64_t *pixels)
{
    struct sums sums = {0};
    *pixels = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        if (singles && !pairs->pair[i].predicted)
            add_singles(&sums, pairs->pair[i].pixels);
        else
            add_piece(&sums, pairs->pair[i].pixels);
        *pixels += pairs->pair[i].pixels;
    }
    return sums;
}

static double entropy(const struct sums *sums, double pixels)
{
    return fmax(0, log2(pixels) - sums->logs / pixels);
}

static double share(double part, double all)
{
    return all > 0 ? part / all : 1;
}

static unet_partition score(const struct sums *both, const struct sums *predicted,
                            const struct sums *truth, uint64_t pixels)
{
    double N = (double)pixels, joint = entropy(both, N);
    double S = entropy(predicted, N), T = entropy(truth, N);
    double information = fmin(fmax(0, S + T - joint), fmin(S, T));
    return (unet_partition){.pixels = pixels,
                            .rand_split = both->squares / truth->squares,
                            .rand_merge = both->squares / predicted->squares,
                            .rand = 2 * both->squares / (predicted->squares + truth->squares),
                            .info_split = share(information, S),
                            .info_merge = share(information, T),
                            .info = share(2 * information, S + T),
                            .entropy_split = fmax(0, joint - T),
                            .entropy_merge = fmax(0, joint - S)};
}

/* Drops what lies in no true object. */
static void keep_foreground(struct un_overlap_list *pairs)
{
    size_t kept = 0;
    for (size_t i = 0; i < pairs->count; i++)
        if (pairs->pair[i].truth)
            pairs->pair[kept++] = pairs->pair[i];
    pairs->count = kept;
}

unet_code un_partition_compare(const uint32_t *predicted, const uint32_t *truth, size_t count,
                               bool singles, unet_partition *partition, unet_error *err)
{
    struct un_overlap_list pairs;
    uint64_t pixels;
    unet_code code = un_overlaps(predicted, truth, NULL, count, &pairs, err);
    if (code)
        return code;
    keep_foreground(&pairs);
    struct sums both = sum_pairs(&pairs, singles, &pixels);
    struct sums of_truth = sum_side(&pairs, false, singles);
    un_overlaps_sort(&pairs, true);
    struct sums of_predicted = sum_side(&pairs, true, singles);
    un_overlaps_release(&pairs);
    *partition = pixels ? score(&both, &of_predicted, &of_truth, pixels)
                        : (unet_partition){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    return UNET_OK;
}
