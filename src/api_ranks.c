/* SPDX-License-Identifier: Apache-2.0 */
/* api_ranks.c - the public functions of unet_ranks.h.  Each checks its arguments, then makes one
 * call into the layers below. */
#include "api.h"

#include "base/ranks.h"

enum { CHANNELS = 64 };

static unet_code check(const unet_ranks *ranks, int channel, int other, unet_error *err)
{
    unet_code code = un_ranks_check(ranks, err);
    if (code)
        return code;
    if (channel < 0 || channel >= CHANNELS)
        return un_fail(err, UNET_EINVAL, "channel is %d, wanted 0..%d", channel, CHANNELS - 1);
    if (other < 0 || other >= un_ranks_count(ranks))
        return un_fail(err, UNET_EINVAL, "rank %d of %d, wanted 0 .. count - 1", other,
                       un_ranks_count(ranks));
    return UNET_OK;
}

unet_code unet_ranks_gather(const unet_ranks *ranks, int channel, const void *mine, size_t bytes,
                            void *all, unet_error *err)
{
    if (bytes && (!mine || !all))
        return un_missing(err, !mine ? "mine" : "all");
    unet_code code = check(ranks, channel, 0, err);
    return code ? code : un_ranks_gather(ranks, channel, mine, bytes, all, err);
}

unet_code unet_ranks_broadcast(const unet_ranks *ranks, int channel, int from, void *bytes,
                               size_t count, unet_error *err)
{
    if (count && !bytes)
        return un_missing(err, "bytes");
    unet_code code = check(ranks, channel, from, err);
    return code ? code : un_ranks_broadcast(ranks, channel, from, bytes, count, err);
}

unet_code unet_ranks_barrier(const unet_ranks *ranks, int channel, unet_error *err)
{
    unet_code code = check(ranks, channel, 0, err);
    return code ? code : un_ranks_barrier(ranks, channel, err);
}

/* Where there is one rank, there is nobody to send to. */
static unet_code check_other(const unet_ranks *ranks, int channel, int other, const void *bytes,
                             size_t count, unet_error *err)
{
    if (count && !bytes)
        return un_missing(err, "bytes");
    if (!ranks)
        return un_missing(err, "ranks");
    if (other == ranks->rank)
        return un_fail(err, UNET_EINVAL, "rank %d is oneself", other);
    return check(ranks, channel, other, err);
}

unet_code unet_ranks_send(const unet_ranks *ranks, int channel, int to, const void *bytes,
                          size_t count, unet_error *err)
{
    unet_code code = check_other(ranks, channel, to, bytes, count, err);
    return code ? code : un_ranks_send(ranks, channel, to, bytes, count, err);
}

unet_code unet_ranks_receive(const unet_ranks *ranks, int channel, int from, void *bytes,
                             size_t count, unet_error *err)
{
    unet_code code = check_other(ranks, channel, from, bytes, count, err);
    return code ? code : un_ranks_receive(ranks, channel, from, bytes, count, err);
}
