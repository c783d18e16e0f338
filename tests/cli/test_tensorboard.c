/* SPDX-License-Identifier: Apache-2.0 */
/* test_tensorboard: event files, read back by a parser that knows only the wire format */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/tensorboard.h"
#include "support/folder.h"

/* RFC 3720, appendix B.4, and the usual check value of nine digits. */
static void test_crc(void **state)
{
    (void)state;
    uint8_t data[32];

    assert_int_equal(board_crc("123456789", 9), 0xe3069283u);
    assert_int_equal(board_crc("", 0), 0);
    memset(data, 0, sizeof(data));
    assert_int_equal(board_crc(data, 32), 0x8a9136aau);
    memset(data, 0xff, sizeof(data));
    assert_int_equal(board_crc(data, 32), 0x62a8ab43u);
    for (int i = 0; i < 32; i++)
        data[i] = (uint8_t)i;
    assert_int_equal(board_crc(data, 32), 0x46dd794eu);
    for (int i = 0; i < 32; i++)
        data[i] = (uint8_t)(31 - i);
    assert_int_equal(board_crc(data, 32), 0x113fdb5cu);
}

struct reader {
    const uint8_t *at, *end;
};

static uint64_t little(struct reader *r, int size)
{
    uint64_t value = 0;

    if (r->end - r->at < size)
        fail_msg("%d bytes wanted, %td there", size, r->end - r->at);
    for (int i = 0; i < size; i++)
        value |= (uint64_t)r->at[i] << 8 * i;
    r->at += size;
    return value;
}

static uint64_t varint(struct reader *r)
{
    uint64_t value = 0;

    for (int shift = 0;; shift += 7) {
        uint64_t byte = little(r, 1);

        value |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static struct reader part(struct reader *r, uint64_t size)
{
    struct reader inner = {r->at, r->at + size};

    assert_true((uint64_t)(r->end - r->at) >= size);
    r->at += size;
    return inner;
}

struct event {
    double time;
    int64_t step;
    int version, start, scalars;
    char tag[8][64];
    float value[8];
};

static void read_scalar(struct reader r, struct event *event)
{
    int i = event->scalars++;

    while (r.at < r.end) {
        uint64_t key = varint(&r);

        if (key == (1 << 3 | 2)) {
            struct reader text = part(&r, varint(&r));

            snprintf(event->tag[i], 64, "%.*s", (int)(text.end - text.at), (const char *)text.at);
        } else if (key == (2 << 3 | 5)) {
            uint32_t bits = (uint32_t)little(&r, 4);

            memcpy(&event->value[i], &bits, 4);
        } else {
            fail_msg("a value has key %u", (unsigned)key);
        }
    }
}

static struct event read_event(struct reader r)
{
    struct event event = {0};

    while (r.at < r.end) {
        uint64_t key = varint(&r), bits;
        struct reader inner;

        switch (key) {
        case 1 << 3 | 1:
            bits = little(&r, 8);
            memcpy(&event.time, &bits, 8);
            break;
        case 2 << 3 | 0:
            event.step = (int64_t)varint(&r);
            break;
        case 3 << 3 | 2:
            inner = part(&r, varint(&r));
            event.version = inner.end - inner.at == 13 && !memcmp(inner.at, "brain.Event:2", 13);
            break;
        case 5 << 3 | 2:
            inner = part(&r, varint(&r));
            while (inner.at < inner.end) {
                assert_int_equal(varint(&inner), 1 << 3 | 2);
                read_scalar(part(&inner, varint(&inner)), &event);
            }
            break;
        case 7 << 3 | 2:
            inner = part(&r, varint(&r));
            assert_int_equal(varint(&inner), 1 << 3 | 0);
            event.start = (int)varint(&inner);
            break;
        default:
            fail_msg("an event has key %u", (unsigned)key);
        }
    }
    return event;
}

static uint32_t masked(const uint8_t *data, size_t size)
{
    uint32_t crc = board_crc(data, size);

    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

/* All events of the only file in a folder. */
static int read_all(const char *folder, struct event *events, int room)
{
    static uint8_t bytes[1 << 16];
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[512] = "";
    int count = 0;
    FILE *file;

    while ((entry = readdir(dir)))
        if (!strncmp(entry->d_name, "events.out.tfevents.", 20))
            snprintf(path, sizeof(path), "%s/%.200s", folder, entry->d_name);
    closedir(dir);
    file = fopen(path, "rb");
    assert_non_null(file);
    struct reader r = {bytes, bytes + fread(bytes, 1, sizeof(bytes), file)};
    fclose(file);
    while (r.at < r.end && count < room) {
        const uint8_t *head = r.at;
        uint64_t size = little(&r, 8);
        struct reader data;

        assert_int_equal(little(&r, 4), masked(head, 8));
        data = part(&r, size);
        assert_int_equal(little(&r, 4), masked(data.at, size));
        events[count++] = read_event(data);
    }
    return count;
}

static void test_events(void **state)
{
    (void)state;
    static struct event events[600];
    struct board board;
    int count;

    mkdir(in_folder("board"), 0777);
    assert_int_equal(board_open(&board, in_folder("board"), 300), 1);
    for (int i = 1; i <= 500; i++) {
        const struct board_scalar scalar[] = {{"loss", 1.0 / i}, {"dice/a class, \xc3\xa9", i}};

        assert_int_equal(board_add(&board, 300 + 1000L * i, scalar, 1 + i % 2), 1);
    }
    board_close(&board);
    board_close(&board);
    count = read_all(in_folder("board"), events, 600);
    assert_int_equal(count, 502);
    assert_int_equal(events[0].version, 1);
    assert_true(events[0].time > 1e9);
    assert_int_equal(events[1].start, 1);
    assert_int_equal(events[1].step, 301);
    for (int i = 1; i <= 500; i++) {
        const struct event *event = &events[i + 1];

        assert_int_equal(event->step, 300 + 1000L * i);
        assert_int_equal(event->scalars, 1 + i % 2);
        assert_string_equal(event->tag[0], "loss");
        if (event->value[0] != (float)(1.0 / i))
            fail_msg("event %d: %g, wanted %g", i, (double)event->value[0], 1.0 / i);
        if (i % 2)
            assert_string_equal(event->tag[1], "dice/a class, \xc3\xa9");
    }
}

static void test_no_folder(void **state)
{
    (void)state;
    struct board board;

    assert_int_equal(board_open(&board, in_folder("nowhere"), 0), 0);
    board_close(&board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_crc), cmocka_unit_test(test_events),
                                       cmocka_unit_test(test_no_folder)};

    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
