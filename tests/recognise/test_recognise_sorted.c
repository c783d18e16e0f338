/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables whose order means nothing, under names that may mean nothing either: what is recognised is
 * right, and what cannot be told is refused.  Nothing is ever taken for another network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "table_maker.h"

static struct un_graph graph;
static struct table table;
static uint64_t drawn;

static int draw(int below)
{
    return (int)(un_rng_uniform(un_rng_key(1, 0, 0, 0), drawn++) * (float)below);
}

static int between(int low, int high)
{
    return low + draw(high - low + 1);
}

static void draw_word(char word[8])
{
    int length = between(3, 6);
    for (int i = 0; i < length; i++)
        word[i] = (char)('a' + draw(26));
    word[length] = 0;
}

/* Widths as usual, or all the same, or from so few that many layers fit in many places. */
static void draw_spec(unet_spec *spec)
{
    static const struct {
        unet_up up;
        unet_up_conv conv;
    } ups[] = {{UNET_UP_TRANSPOSE, UNET_UP_CONV1X1},
               {UNET_UP_BILINEAR, UNET_UP_CONV1X1},
               {UNET_UP_BILINEAR, UNET_UP_CONV3X3},
               {UNET_UP_BILINEAR, UNET_UP_NO_CONV},
               {UNET_UP_NEAREST, UNET_UP_CONV3X3}};
    const int up = draw(5), widths = draw(3);
    *spec = (unet_spec){.in_channels = between(1, 3),
                        .classes = between(1, 3),
                        .width = 4,
                        .depth = between(1, UNET_SET_DEPTH),
                        .padding = UNET_PADDING_SAME,
                        .norm = (unet_norm)draw(3),
                        .up = ups[up].up,
                        .up_conv = ups[up].conv,
                        .leaky_slope = 0.1f,
                        .convs = draw(3) == 0};
    for (int d = 0; d <= spec->depth && widths; d++)
        for (int i = 0; i < 2; i++) {
            spec->channels.enc[d][i] = widths == 1 ? 5 : between(3, 5);
            if (d == spec->depth)
                continue;
            spec->channels.dec[d][i] = widths == 1 ? 5 : between(3, 5);
            spec->channels.up[d] = widths == 1 ? 5 : between(3, 5);
        }
}

enum naming { WORDS, BLOCKS, NUMBERS_FALL, NUMBERS_RISE, NAMINGS };

/* The words of the four roles and of the blocks are drawn anew for each network. */
struct words {
    char role[4][8], block[4][UNET_MAX_DEPTH + 1][8];
};

static void name_layer(enum naming naming, const struct words *words, const struct layer *layer,
                       int depth, char name[80])
{
    const int role = (int)(strchr("eudh", layer->role) - "eudh");
    const bool climbs = layer->role == 'u' || layer->role == 'd';
    char a[8], b[8];
    draw_word(a);
    draw_word(b);
    switch (naming) {
    case WORDS:
        snprintf(name, 80, "%s.%s", a, b);
        break;
    case BLOCKS:
        snprintf(name, 80, "%s.%s", words->block[role][layer->level], a);
        break;
    case NUMBERS_FALL:
        snprintf(name, 80, "%s%d.%s%d", words->role[role], layer->level,
                 layer->norm ? "bn" : "conv", layer->conv);
        break;
    default:
        snprintf(name, 80, "%s%d.%d", words->role[role],
                 climbs ? depth - layer->level : layer->level, 3 * layer->conv + layer->norm);
    }
}

static void make_table(const unet_spec *spec, enum naming naming)
{
    struct layer layers[LAYERS_MOST];
    struct words words;
    char name[80];
    for (int r = 0; r < 4; r++) {
        draw_word(words.role[r]);
        for (int d = 0; d <= UNET_MAX_DEPTH; d++)
            draw_word(words.block[r][d]);
    }
    un_graph_build(&graph, spec);
    int count = list_layers(&graph, layers);
    table_begin(&table, true);
    for (int i = 0; i < count; i++) {
        name_layer(naming, &words, &layers[i], spec->depth, name);
        table_add_layer(&table, &graph, &layers[i], name);
    }
    table_sort(&table);
}

static void test_never_another(void **state)
{
    enum { ROUNDS = 4000 };
    int known_ones = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        const enum naming naming = (enum naming)(round % NAMINGS);
        struct un_recognised found;
        unet_spec spec;
        unet_error err;
        draw_spec(&spec);
        make_table(&spec, naming);
        const unet_known known = known_of_spec(&spec);
        if (un_recognise("x", &table.arrays, &known, &found, &err))
            continue;
        const char *differs = table_differs(&table, &spec, &found);
        if (differs)
            fail_msg("round %d, names %d, depth %d, convs %d, up %d, up_conv %d, enc[0] %d: %s",
                     round, (int)naming, spec.depth, spec.convs, (int)spec.up, (int)spec.up_conv,
                     spec.channels.enc[0][0], differs);
        known_ones++;
    }
    if (known_ones < ROUNDS / 4)
        fail_msg("only %d of %d are recognised", known_ones, ROUNDS);
}

/* Names by people, as other people's: the decoder's numbers are the levels', or count upwards. */
static void check_named(const unet_spec *spec, const char *const layer_names[], bool told)
{
    const unet_known known = known_of_spec(spec);
    struct layer layers[LAYERS_MOST];
    struct un_recognised found;
    unet_error err;
    un_graph_build(&graph, spec);
    int count = list_layers(&graph, layers);
    table_begin(&table, true);
    for (int i = 0; i < count; i++)
        table_add_layer(&table, &graph, &layers[i], layer_names[i]);
    table_sort(&table);
    unet_code code = un_recognise("x", &table.arrays, &known, &found, &err);
    const char *differs = code ? err.text : table_differs(&table, spec, &found);
    if (told ? differs != NULL : code != UNET_EFORMAT)
        fail_msg("%s: %s", layer_names[0], differs ? differs : "recognised");
}

/* Two convolutions of one shape in a block are told apart by numbers and letters, not by words. */
static void test_words(void **state)
{
    const unet_spec spec = {.in_channels = 1,
                            .classes = 2,
                            .width = 5,
                            .depth = 1,
                            .padding = UNET_PADDING_SAME,
                            .leaky_slope = 0.1f,
                            .channels = {.enc = {{5, 5}, {5, 5}}, .up = {5}}};
    static const char *const numbers[] = {"in.c1", "in.c2",  "low.c1", "low.c2",
                                          "raise", "out.c1", "out.c2", "score"};
    static const char *const letters[] = {"in.c_a", "in.c_b",  "low.c_a", "low.c_b",
                                          "raise",  "out.c_a", "out.c_b", "score"};
    static const char *const words[] = {"in.uno", "in.due",  "low.uno", "low.due",
                                        "raise",  "out.uno", "out.due", "score"};
    (void)state;
    check_named(&spec, numbers, true);
    check_named(&spec, letters, true);
    check_named(&spec, words, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_another),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("recognise_sorted", tests, NULL, NULL);
}
