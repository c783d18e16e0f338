/* SPDX-License-Identifier: Apache-2.0 */
/* test_outlines_yolo.c - names of classes as other programs write them beside YOLO's polygons */
#include "support/outlines_drawn.h"

#include "base/yaml.h"
#include "support/folder.h"

#define SHAPES "0 0.1 0.1 0.3 0.1 0.3 0.3\n1 0.5 0.5 0.7 0.5 0.7 0.7\n"

/* The names of both shapes, or the error; text in the list `name` for it. */
static unet_code read_names(const char *list, const char *text, const char *shapes, char *names,
                            unet_error *err)
{
    struct un_outlines *set = calloc(1, sizeof *set);
    *names = 0;
    put_file(in_folder(list), text, strlen(text));
    unet_code code = un_outlines_read_bytes(set, in_folder("a.txt"), shapes, strlen(shapes), err);
    for (int i = 0; i < set->name_count && !code; i++)
        strcat(strcat(names, set->names[i]), "|");
    un_outlines_free(set);
    unlink(in_folder(list));
    return code;
}

static void test_names(void **state)
{
    static const struct {
        const char *list, *text, *want;
    } rows[] = {
        {"data.yaml", "names: ['cell, live', 'nucleus']\nnc: 2\n", "cell, live|nucleus|"},
        {"data.yaml", "names: {0: cell, 1: nucleus}\nnc: 2\n", "cell|nucleus|"},
        {"data.yaml", "names:\n- cell # living\n- nucleus\n", "cell|nucleus|"},
        {"data.yaml", "names:\n  - cell\n  # comment\n  - nucleus\n", "cell|nucleus|"},
        {"data.yaml", "names: # list\n  - cell\n  - nucleus\n", "cell|nucleus|"},
        {"data.yaml", "names: ['cell', # first\n 'nucleus']\n", "cell|nucleus|"},
        {"data.yaml", "names:\n  '0': cell\n  '1': nucleus\n", "cell|nucleus|"},
        {"data.yaml", "train: x\nnames :\n  1: nucleus\n  0: cell\n", "cell|nucleus|"},
        {"data.yaml", "\"names\":\n  0: it's\n  1: \"nu, cleus\"\n", "it's|nu, cleus|"},
        {"data.yaml", "\xef\xbb\xbfnames: [7, 8]\n", "7|8|"},
        {"data.yaml", "train: x\n", "class 0|class 1|"},
        {"classes.txt",
         "\xef\xbb\xbf"
         "cell\nnucleus\n",
         "cell|nucleus|"},
        {"classes.txt", "cell\r\nnucleus\r\n\r\n", "cell|nucleus|"},
        {"classes.txt", "", "class 0|class 1|"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char names[400];
        unet_error err = {0};
        if (strstr(rows[i].list, ".yaml") && !un_yaml_reads())
            continue;
        if (read_names(rows[i].list, rows[i].text, SHAPES, names, &err) ||
            strcmp(names, rows[i].want))
            fail_msg("%s\ngives %s%s\nwanted %s", rows[i].text, names, err.text, rows[i].want);
    }
}

static void test_refused_names(void **state)
{
    static const struct {
        const char *list, *text, *want;
    } rows[] = {
        {"data.yaml", "names: [cell, nucleus\n", "data.yaml is not valid YAML at line"},
        {"data.yaml", "names: cell\n", "names is no list of classes"},
        {"data.yaml", "names: [cell, ~]\n", "the name of class 1 is no text"},
        {"data.yaml", "names: {cell: 0}\n", "names has \"cell\", where the number"},
        {"classes.txt", "\ncell\nnucleus\n", "classes.txt: line 1 is empty"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char names[400];
        unet_error err = {0};
        if (strstr(rows[i].list, ".yaml") && !un_yaml_reads())
            continue;
        if (read_names(rows[i].list, rows[i].text, SHAPES, names, &err) != UNET_EFORMAT ||
            !strstr(err.text, rows[i].want))
            fail_msg("%s\ngives %s%s\nwanted %s", rows[i].text, names, err.text, rows[i].want);
    }
}

/* Programs of Windows begin a text with a mark. */
static void test_mark(void **state)
{
    char names[400];
    unet_error err = {0};
    (void)state;
    if (read_names("classes.txt", "a\nb\n", "\xef\xbb\xbf" SHAPES, names, &err))
        fail_msg("%s", err.text);
    assert_string_equal(names, "a|b|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_refused_names),
        cmocka_unit_test(test_mark),
    };
    return cmocka_run_group_tests_name("outlines_yolo", tests, folder_create, folder_destroy);
}
