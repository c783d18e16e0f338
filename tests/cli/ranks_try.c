/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranks_try.c - what mpi_test.sh starts under a launcher to try the plugin
 *
 * ranks_try [MEGABYTES]: all ranks talk on two channels at once; rank 0 prints "N ranks in order".
 * ranks_try fail R: rank R fails, and all others wait for it for ever.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/launcher.h"
#include "shared/say.h"

/* What rank `from` sends to rank `to` at byte i. */
static unsigned char byte_of(int from, int to, size_t i)
{
    return (unsigned char)(i * 31 + (size_t)from * 7 + (size_t)to * 3 + i / 4093);
}

/* Everyone sends `count` bytes to everyone, while they also gather on another channel. */
static int exchange(const unet_ranks *r, size_t count)
{
    unet_piece *give = calloc((size_t)r->count, sizeof *give);
    unet_piece *take = calloc((size_t)r->count, sizeof *take);
    int all[64], bad = 0;
    void *pending;

    for (int i = 0; i < r->count; i++) {
        give[i] = (unet_piece){malloc(count), count};
        take[i] = (unet_piece){calloc(1, count), count};
        for (size_t k = 0; k < count; k++)
            ((unsigned char *)give[i].bytes)[k] = byte_of(r->rank, i, k);
    }
    if (r->start(r->context, 1, give, take, &pending, NULL))
        return 1;
    for (int round = 0; round < 20; round++) {
        const int mine = 1000 * round + r->rank;

        bad |= unet_ranks_gather(r, 2, &mine, sizeof(mine), all, NULL) != UNET_OK;
        for (int i = 0; i < r->count; i++)
            bad |= all[i] != 1000 * round + i;
    }
    bad |= r->wait(r->context, pending, NULL) != UNET_OK;
    for (int i = 0; i < r->count; i++) {
        for (size_t k = 0; k < count && i != r->rank; k++)
            bad |= ((unsigned char *)take[i].bytes)[k] != byte_of(i, r->rank, k);
        free(give[i].bytes);
        free(take[i].bytes);
    }
    free(give);
    free(take);
    return bad;
}

/* Numbers are dealt until 100 are gone; together all were dealt once. */
static int deal(const unet_ranks *r)
{
    long number = 0, sum = 0, sums[64], all = 0;

    while (!r->next(r->context, &number, NULL) && number < 100)
        sum += number;
    if (unet_ranks_gather(r, 3, &sum, sizeof(sum), sums, NULL))
        return 1;
    for (int i = 0; i < r->count; i++)
        all += sums[i];
    return all != 99 * 100 / 2;
}

int main(int argc, char **argv)
{
    const unet_ranks *ranks;
    int bad;

    if (ranks_join("trying", &ranks) != EXIT_DONE)
        return EXIT_FAILED;
    if (!ranks)
        return fail_text("alone");
    if (argc > 2 && !strcmp(argv[1], "fail")) {
        if (ranks->rank == atoi(argv[2]))
            return ranks_leave(fail_text("disk full"));
        unet_ranks_barrier(ranks, 0, NULL);
    }
    bad = exchange(ranks, argc > 1 ? (size_t)atoi(argv[1]) << 20 : 1000) || deal(ranks);
    if (!bad && ranks->rank == 0)
        say(stdout, "%d ranks in order\n", ranks->count);
    return ranks_leave(bad ? fail_text("not what was sent") : EXIT_DONE);
}
