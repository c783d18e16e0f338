/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays are placed one by one, each at the lowest offset where it meets no array that exists at
 * the same time: once the largest first (Pisarchyk & Lee 2020, "Efficient memory management for
 * deep neural net inference"), once the most lasting first; what needs less memory is taken.
 */
#include "net/plan.h"

void un_place_want(struct un_placing *p, size_t bytes, int from, int to, size_t *offset)
{
    p->list[p->count++] = (struct un_placed){bytes, from, to, 0, offset};
}

void un_place_give(struct un_placing *p, size_t first, size_t end, int from, int to)
{
    first &= ~(size_t)(UN_ALIGN - 1);
    end = un_round_up(end, UN_ALIGN);
    p->list[p->count++] = (struct un_placed){end - first, from, to, first, NULL};
    p->given = p->count;
}

static int duration(const struct un_placed *a)
{
    return a->to - a->from;
}

static bool is_larger(const struct un_placed *a, const struct un_placed *b)
{
    return a->bytes != b->bytes ? a->bytes > b->bytes : duration(a) > duration(b);
}

static bool lasts_longer(const struct un_placed *a, const struct un_placed *b)
{
    return duration(a) != duration(b) ? duration(a) > duration(b) : a->bytes > b->bytes;
}

static void sort(struct un_placing *p,
                 bool (*before)(const struct un_placed *, const struct un_placed *))
{
    for (int i = p->given + 1; i < p->count; i++) {
        struct un_placed x = p->list[i];
        int j = i;
        for (; j > p->given && before(&x, &p->list[j - 1]); j--)
            p->list[j] = p->list[j - 1];
        p->list[j] = x;
    }
}

/* The lowest offset at which array number k meets none of those placed before it. */
static size_t lowest_offset(const struct un_placing *p, int k)
{
    size_t offset = 0;
    bool moved = true;
    while (moved) {
        moved = false;
        for (int i = 0; i < k; i++) {
            const struct un_placed *a = &p->list[i], *b = &p->list[k];
            bool same_time = a->from <= b->to && b->from <= a->to;
            bool same_place = a->at < offset + b->bytes && offset < a->at + a->bytes;
            if (same_time && same_place) {
                offset = a->at + a->bytes;
                moved = true;
            }
        }
    }
    return offset;
}

/* Finds places in this order; returns the bytes of all. */
static size_t place(struct un_placing *p,
                    bool (*before)(const struct un_placed *, const struct un_placed *))
{
    size_t total = 0;
    sort(p, before);
    for (int i = 0; i < p->count; i++) {
        struct un_placed *a = &p->list[i];
        if (i >= p->given)
            a->at = lowest_offset(p, i);
        if (a->at + a->bytes > total)
            total = a->at + a->bytes;
    }
    return total;
}

size_t un_place_all(struct un_placing *p)
{
    const size_t lasting = place(p, lasts_longer);
    size_t bytes = place(p, is_larger);
    if (lasting < bytes)
        bytes = place(p, lasts_longer);
    for (int i = p->given; i < p->count; i++)
        *p->list[i].offset = p->list[i].at;
    return bytes;
}
