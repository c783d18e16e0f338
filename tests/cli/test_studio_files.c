/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_studio_files.c - the journal when it is torn, broken or long; what pages send
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "studio/labels/image_labels.h"
#include "studio_day.h"
#include "support/folder.h"

enum { HEIGHT = 512, WIDTH = 512 };

/* ---- the journal ------------------------------------------------------------------------- */

struct found {
    int count;
    char first[64]; /* the first byte of each record */
};

static int note_record(void *context, const uint8_t *bytes, size_t size, uint64_t at)
{
    struct found *found = context;

    assert_true(size > 0 && at > 16);
    if (found->count < 64)
        found->first[found->count] = (char)bytes[0];
    found->count++;
    return 1;
}

static void open_it(struct journal *journal, struct found *found, int *lost, uint64_t *cut)
{
    unet_error err;

    *found = (struct found){0};
    if (journal_open(journal, in_folder("journal"), note_record, found, lost, cut, &err))
        fail_msg("%s", err.text);
}

static void add(struct journal *journal, char first, size_t size)
{
    uint8_t bytes[200];
    uint64_t at;

    memset(bytes, first, sizeof(bytes));
    assert_int_equal(journal_add(journal, bytes, size, &at, NULL), UNET_OK);
    bytes[0] = 0;
    assert_int_equal(journal_read(journal, at, bytes, size, NULL), UNET_OK);
    assert_int_equal(bytes[0], first);
}

/* Wherever the last record is cut, those before it are there, and the next one can be added. */
static void test_torn(void **state)
{
    struct journal journal;
    struct found found;
    uint64_t cut;
    int lost;

    (void)state;
    open_it(&journal, &found, &lost, &cut);
    add(&journal, 'a', 100);
    add(&journal, 'b', 1);
    const off_t whole = (off_t)journal.size;
    journal_close(&journal);
    for (off_t more = 1; more < 12 + 40; more++) {
        open_it(&journal, &found, &lost, &cut);
        assert_int_equal(found.count, 2);
        add(&journal, 'c', 40);
        journal_close(&journal);
        assert_int_equal(truncate(in_folder("journal"), whole + more), 0);
        open_it(&journal, &found, &lost, &cut);
        assert_int_equal(found.count, 2);
        assert_int_equal(cut, more);
        assert_int_equal(lost, 0);
        add(&journal, 'd', 30);
        journal_close(&journal);
        open_it(&journal, &found, &lost, &cut);
        assert_int_equal(found.count, 3);
        assert_string_equal(found.first, "abd");
        journal_close(&journal);
        assert_int_equal(truncate(in_folder("journal"), whole), 0);
    }
    for (off_t size = 0; size < 16; size++) { /* before anything was answered */
        assert_int_equal(truncate(in_folder("journal"), size), 0);
        open_it(&journal, &found, &lost, &cut);
        assert_int_equal(found.count, 0);
        journal_close(&journal);
    }
}

static void flip(off_t at)
{
    const int fd = open(in_folder("journal"), O_RDWR);
    uint8_t byte;

    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* A byte that goes bad in the middle costs one record, not those behind it. */
static void test_broken(void **state)
{
    struct journal journal;
    struct found found;
    uint64_t cut;
    int lost;

    (void)state;
    open_it(&journal, &found, &lost, &cut);
    for (char first = 'a'; first < 'f'; first++)
        add(&journal, first, 50);
    const off_t whole = (off_t)journal.size;
    journal_close(&journal);
    for (off_t at = 16; at < whole; at++) {
        const int last = at >= whole - 62;

        flip(at);
        open_it(&journal, &found, &lost, &cut);
        journal_close(&journal);
        if (found.count != 4 || lost != !last || !cut != !last)
            fail_msg("byte %ld: %d records, %d lost, %d bytes cut", (long)at, found.count, lost,
                     (int)cut);
        if (last)
            break; /* it is gone now */
        flip(at);
    }
    assert_int_equal(truncate(in_folder("journal"), 16), 0);
    flip(3);
    assert_int_equal(
        journal_open(&journal, in_folder("journal"), note_record, &found, &lost, &cut, NULL),
        UNET_EFORMAT);
}

/* ---- a day's strokes --------------------------------------------------------------------- */

static int take_in(void *context, const uint8_t *bytes, size_t size, uint64_t at)
{
    struct stroke stroke;
    struct studio_rect changed;

    if (!stroke_unpack_head(bytes, size, &stroke))
        return 0;
    return labels_recall((struct image_labels *)context + stroke.image, &stroke, at, size,
                         &changed);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void test_day(void **state)
{
    enum { STROKES = 100000, IMAGES = 200 };
    struct image_labels *labels = calloc(IMAGES, sizeof(*labels));
    struct journal journal;
    double begun;
    uint64_t cut;
    uint32_t count = 0;
    int lost;

    (void)state;
    write_day(in_folder("journal"), STROKES, IMAGES, HEIGHT);
    for (int i = 0; i < IMAGES; i++)
        labels[i] = (struct image_labels){.image = i, .height = HEIGHT, .width = WIDTH};
    begun = now();
    assert_int_equal(
        journal_open(&journal, in_folder("journal"), take_in, labels, &lost, &cut, NULL), UNET_OK);
    printf("%d strokes, %.1f MB: %.3f s", STROKES, (double)journal.size / 1e6, now() - begun);
    begun = now();
    assert_int_equal(labels_load(&labels[0], &journal, in_folder(""), NULL), UNET_OK);
    printf("; an image's %d drawn: %.3f s\n", (int)labels[0].count, now() - begun);
    for (int i = 0; i < IMAGES; i++) {
        count += labels[i].count;
        labels_release(&labels[i]);
    }
    assert_int_equal(count, STROKES);
    journal_close(&journal);
    /* it was one of before strokes noted what they correct, and is not any more */
    char line[16];
    FILE *stream = fopen(in_folder("journal"), "rb");
    assert_int_equal(fread(line, 1, sizeof(line), stream), sizeof(line));
    fclose(stream);
    assert_string_equal(line, "unet strokes 2\n");
    free(labels);
}

/* ---- what pages send --------------------------------------------------------------------- */

#define WHO "'client':'abcdefgh','seq':3,"

static const struct {
    const char *json;
    const char *words; /* NULL: taken */
} bodies[] = {
    {"{" WHO "'tool':'brush','class':1,'radius':3,'points':[1,2,3.5,4]}", NULL},
    {"{" WHO "'tool':'brush','class':1,'radius':0.5,'points':[-1,2e3]}", NULL},
    {"{" WHO "'tool':'erase','radius':2048,'points':[1,2]}", NULL},
    {"{" WHO "'tool':'polygon','class':null,'points':[1,2,3,4,5,6]}", NULL},
    {"{" WHO "'tool':'fill','class':0,'points':[1,2]}", NULL},
    {"{" WHO "'tool':'accept','what':'image'}", NULL},
    {"{" WHO "'tool':'accept','what':'region','sure':0.5,'over':true,'points':[1,2,3,4,5,6]}",
     NULL},
    {"{" WHO "'tool':'accept','what':'object','points':[1,2]}", NULL},
    {"{}", "tool: "},
    {"{'tool':7}", "tool: "},
    {"{" WHO "'tool':'spray'}", "tool: "},
    {"{'tool':'brush'}", "client: "},
    {"{'tool':'brush','client':'short','seq':1}", "client: "},
    {"{'tool':'brush','client':'abcdefgh/../','seq':1}", "client: "},
    {"{'tool':'brush','client':'abcdefgh\\u0000','seq':1}", "client: "},
    {"{'tool':'brush','client':'abcdefghabcdefghabcdefghabcdefgha','seq':1}", "client: "},
    {"{'tool':'brush','client':'abcdefgh','seq':0}", "seq: "},
    {"{'tool':'brush','client':'abcdefgh','seq':1.5}", "seq: "},
    {"{" WHO "'tool':'brush','radius':3,'points':[1,2]}", "class: "},
    {"{" WHO "'tool':'brush','class':null,'radius':3,'points':[1,2]}", "class: "},
    {"{" WHO "'tool':'brush','class':3,'radius':3,'points':[1,2]}", "class: "},
    {"{" WHO "'tool':'brush','class':-1,'radius':3,'points':[1,2]}", "class: "},
    {"{" WHO "'tool':'brush','class':1,'points':[1,2]}", "radius: "},
    {"{" WHO "'tool':'brush','class':1,'radius':0.4,'points':[1,2]}", "radius: "},
    {"{" WHO "'tool':'brush','class':1,'radius':1e9,'points':[1,2]}", "radius: "},
    {"{" WHO "'tool':'brush','class':1,'radius':3,'points':[]}", "points: "},
    {"{" WHO "'tool':'brush','class':1,'radius':3,'points':[1,2,3]}", "points: "},
    {"{" WHO "'tool':'brush','class':1,'radius':3,'points':[1,'2']}", "points: "},
    {"{" WHO "'tool':'brush','class':1,'radius':3,'points':[1,[2]]}", "points: "},
    {"{" WHO "'tool':'brush','class':1,'radius':3,'points':[1,1e300]}", "points: "},
    {"{" WHO "'tool':'brush','class':1,'radius':3,'points':{'0':1}}", "points: "},
    {"{" WHO "'tool':'polygon','class':1,'points':[1,2,3,4]}", "points: "},
    {"{" WHO "'tool':'fill','class':1,'points':[1,2,3,4]}", "points: "},
    {"{" WHO "'tool':'accept'}", "what: "},
    {"{" WHO "'tool':'accept','what':'all'}", "what: "},
    {"{" WHO "'tool':'accept','what':'image','sure':2}", "sure: "},
    {"{" WHO "'tool':'accept','what':'image','sure':'0'}", "sure: "},
    {"{" WHO "'tool':'accept','what':'image','over':1}", "over: "},
    {"{" WHO "'tool':'accept','what':'object'}", "points: "},
};

static void test_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        char text[512];
        struct stroke_wish wish;
        unet_error err = {0};
        json_t *body;
        int taken;

        snprintf(text, sizeof(text), "%s", bodies[i].json);
        for (char *at = text; *at; at++)
            *at = *at == '\'' ? '"' : *at;
        body = json_loads(text, JSON_ALLOW_NUL, NULL);
        assert_non_null(body);
        taken = stroke_read(body, 3, &wish, &err);
        if (taken != !bodies[i].words ||
            (!taken && strncmp(err.text, bodies[i].words, strlen(bodies[i].words))))
            fail_msg("%s: %s", bodies[i].json, taken ? "taken" : err.text);
        if (taken)
            stroke_release(&wish.stroke);
        json_decref(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_torn, folder_create, folder_destroy),
        cmocka_unit_test_setup_teardown(test_broken, folder_create, folder_destroy),
        cmocka_unit_test_setup_teardown(test_day, folder_create, folder_destroy),
        cmocka_unit_test(test_bodies),
    };

    return cmocka_run_group_tests_name("studio files", tests, NULL, NULL);
}
