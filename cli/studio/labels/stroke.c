/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stroke.c - strokes as bytes
 *
 * A head of fixed size, numbers with the low byte first, then the client's name, then, if the head
 * says so, how many bytes of runs are noted and these, then points or runs.  Points are differences
 * to the one before, runs are how many pixels stay, how many get a label, and the label; lengths
 * and differences are in groups of seven bits, the low one first.
 */
#include "studio/labels/stroke.h"

#include <stdlib.h>
#include <string.h>

#include "studio/labels/label_tiles.h"
#include "studio/labels/low_bytes.h"

enum { HEAD = 44, KEEPS = 1, NOTES = 2, MOST_SIDE = 1 << 20, MOST_RADIUS = 2048 * STROKE_UNIT };

void stroke_release(struct stroke *stroke)
{
    free(stroke->points);
    free(stroke->runs);
    free(stroke->wrong);
    stroke->points = NULL;
    stroke->runs = stroke->wrong = NULL;
}

/* To pixels, down and up. */
static int floor_unit(int64_t value)
{
    return (int)(value >= 0 ? value / STROKE_UNIT : -((-value + STROKE_UNIT - 1) / STROKE_UNIT));
}

void stroke_bound(struct stroke *stroke, int height, int width)
{
    const struct studio_rect all = {0, 0, width, height};
    int64_t least[2], most[2];

    for (int k = 0; k < 2; k++) {
        least[k] = most[k] = stroke->points[k];
        for (int i = 1; i < stroke->count; i++) {
            int64_t value = stroke->points[2 * i + k];

            least[k] = value < least[k] ? value : least[k];
            most[k] = value > most[k] ? value : most[k];
        }
    }
    const int x = floor_unit(least[0] - stroke->radius), y = floor_unit(least[1] - stroke->radius);
    const int right = floor_unit(most[0] + stroke->radius) + 1;
    const int bottom = floor_unit(most[1] + stroke->radius) + 1;
    stroke->rect = rect_common((struct studio_rect){x, y, right - x, bottom - y}, all);
}

/* ---- numbers ----------------------------------------------------------------------------- */

static size_t put_groups(uint8_t *bytes, uint64_t value)
{
    size_t count = 0;

    for (; value > 127; value >>= 7)
        bytes[count++] = (uint8_t)(value | 128);
    bytes[count++] = (uint8_t)value;
    return count;
}

size_t stroke_groups(const uint8_t *bytes, size_t size, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < size && i < 9; i++) {
        *value |= (uint64_t)(bytes[i] & 127) << (7 * i);
        if (bytes[i] < 128)
            return i + 1;
    }
    return 0;
}

/* ---- runs -------------------------------------------------------------------------------- */

int stroke_runs_add(struct stroke *stroke, int64_t length, uint8_t label)
{
    if (stroke->run_bytes + 32 > stroke->run_room) {
        const size_t room = stroke->run_room ? 2 * stroke->run_room : 1024;
        uint8_t *runs = room <= STROKE_RUN_BYTES ? realloc(stroke->runs, room) : NULL;

        if (!runs)
            return 0;
        stroke->runs = runs;
        stroke->run_room = room;
    }
    uint8_t *at = stroke->runs + stroke->run_bytes;
    at += put_groups(at, (uint64_t)stroke->run_skip);
    at += put_groups(at, (uint64_t)length);
    *at++ = label;
    stroke->run_skip = 0;
    stroke->run_bytes = (size_t)(at - stroke->runs);
    return 1;
}

int stroke_runs_add_pixels(struct stroke *stroke, const uint8_t *labels, size_t count)
{
    for (size_t at = 0, end; at < count; at = end) {
        for (end = at + 1; end < count && labels[end] == labels[at];)
            end++;
        if (labels[at] == UNET_IGNORE)
            stroke->run_skip += (int64_t)(end - at);
        else if (!stroke_runs_add(stroke, (int64_t)(end - at), labels[at]))
            return 0;
    }
    return 1;
}

void stroke_note(struct stroke *stroke, struct stroke *of)
{
    stroke->wrong = of->runs;
    stroke->wrong_bytes = of->run_bytes;
    of->runs = NULL;
}

/* ---- packing ----------------------------------------------------------------------------- */

static uint64_t zigzag(int64_t value)
{
    return value < 0 ? 2 * (uint64_t)-value - 1 : 2 * (uint64_t)value;
}

uint8_t *stroke_pack(const struct stroke *stroke, size_t *size)
{
    const size_t client = strlen(stroke->client);
    uint8_t *bytes = malloc(HEAD + client + 4 + stroke->wrong_bytes + (size_t)stroke->count * 20 +
                            stroke->run_bytes);
    const int fields[] = {stroke->image,
                          (int)stroke->which,
                          0,
                          0,
                          stroke->rect.x,
                          stroke->rect.y,
                          stroke->rect.width,
                          stroke->rect.height,
                          stroke->radius,
                          stroke->count};

    if (!bytes)
        return NULL;
    bytes[0] = (uint8_t)stroke->kind;
    bytes[1] = stroke->label;
    bytes[2] = (uint8_t)(stroke->keep | (stroke->wrong_bytes ? NOTES : 0));
    bytes[3] = (uint8_t)client;
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        low_put(bytes + 4 + 4 * i, (uint32_t)fields[i], 4);
    low_put(bytes + 12, (uint64_t)stroke->seq, 8);
    memcpy(bytes + HEAD, stroke->client, client);
    *size = HEAD + client;
    if (stroke->wrong_bytes) {
        low_put(bytes + *size, (uint32_t)stroke->wrong_bytes, 4);
        memcpy(bytes + *size + 4, stroke->wrong, stroke->wrong_bytes);
        *size += 4 + stroke->wrong_bytes;
    }
    for (int i = 0; i < 2 * stroke->count; i++) {
        const int64_t before = i < 2 ? 0 : stroke->points[i - 2];

        *size += put_groups(bytes + *size, zigzag(stroke->points[i] - before));
    }
    if (stroke->run_bytes)
        memcpy(bytes + *size, stroke->runs, stroke->run_bytes);
    *size += stroke->run_bytes;
    return bytes;
}

static int is_side(int value)
{
    return value >= 0 && value <= MOST_SIDE;
}

int stroke_unpack_head(const uint8_t *bytes, size_t size, struct stroke *stroke)
{
    int fields[10];

    *stroke = (struct stroke){0};
    if (size < HEAD || bytes[0] < STROKE_LINE || bytes[0] > STROKE_REDO ||
        bytes[2] > (KEEPS | NOTES) || bytes[3] > STROKE_CLIENT || size < HEAD + (size_t)bytes[3])
        return 0;
    for (int i = 0; i < 10; i++)
        fields[i] = (int)(uint32_t)low_get(bytes + 4 + 4 * i, 4);
    stroke->kind = (enum stroke_kind)bytes[0];
    stroke->label = bytes[1];
    stroke->keep = bytes[2] & KEEPS;
    memcpy(stroke->client, bytes + HEAD, bytes[3]);
    stroke->image = fields[0];
    stroke->which = (uint32_t)fields[1];
    stroke->seq = (int64_t)low_get(bytes + 12, 8);
    stroke->rect = (struct studio_rect){fields[4], fields[5], fields[6], fields[7]};
    stroke->radius = fields[8];
    stroke->count = fields[9];
    for (int i = 4; i < 8; i++)
        if (!is_side(fields[i]))
            return 0;
    if (bytes[2] & NOTES) {
        const size_t head = HEAD + (size_t)bytes[3];

        stroke->wrong_bytes = size - head < 4 ? 0 : (size_t)low_get(bytes + head, 4);
        if (!stroke->wrong_bytes || stroke->wrong_bytes > size - head - 4)
            return 0;
    }
    return stroke->image >= 0 && stroke->radius >= 0 && stroke->radius <= MOST_RADIUS &&
           stroke->count >= 0 && stroke->count <= STROKE_POINTS;
}

static int unpack_points(const uint8_t *bytes, size_t size, struct stroke *stroke)
{
    stroke->points = malloc((size_t)stroke->count * 2 * sizeof(*stroke->points));
    if (!stroke->points)
        return 0;
    for (int i = 0; i < 2 * stroke->count; i++) {
        uint64_t value;
        const size_t used = stroke_groups(bytes, size, &value);
        const int64_t step = value & 1 ? -(int64_t)(value / 2) - 1 : (int64_t)(value / 2);
        const int64_t at = step + (i < 2 ? 0 : stroke->points[i - 2]);

        if (!used || at < INT32_MIN / 4 || at > INT32_MAX / 4)
            return 0;
        stroke->points[i] = (int32_t)at;
        bytes += used;
        size -= used;
    }
    return size == 0;
}

int stroke_unpack(const uint8_t *bytes, size_t size, struct stroke *stroke)
{
    size_t head;
    int good;

    if (!stroke_unpack_head(bytes, size, stroke))
        return 0;
    head = HEAD + (size_t)bytes[3];
    if (stroke->wrong_bytes) {
        stroke->wrong = malloc(stroke->wrong_bytes);
        if (!stroke->wrong)
            return 0;
        memcpy(stroke->wrong, bytes + head + 4, stroke->wrong_bytes);
        head += 4 + stroke->wrong_bytes;
    }
    if (stroke->kind == STROKE_RUNS) {
        stroke->run_bytes = size - head;
        stroke->runs = malloc(stroke->run_bytes + 1);
        good = stroke->runs != NULL && !stroke->count;
        if (stroke->runs)
            memcpy(stroke->runs, bytes + head, stroke->run_bytes);
    } else if (stroke->count) {
        good = unpack_points(bytes + head, size - head, stroke);
    } else {
        good = size == head && stroke->kind >= STROKE_UNDO;
    }
    if (!good)
        stroke_release(stroke);
    return good;
}
