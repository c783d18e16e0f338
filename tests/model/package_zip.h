/* SPDX-License-Identifier: Apache-2.0 */
/* package_zip.h - bioimage.io packages put together for a test: descriptions, weights of fixtures
 */
#ifndef PACKAGE_ZIP_H
#define PACKAGE_ZIP_H

#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/checksum.h"
#include "base/number.h"
#include "base/yaml.h"
#include "base/ziparchive.h"
#include "image/formats/npy_header.h"
#include "model/bioimage/package.h"
#include "model_files.h"
#include "support/known.h"
#include "weights/arrays.h"
#include "weights/safetensors.h"

#define FOREIGN TEST_FIXTURES "/foreign/"

static char zip_path[80];

static inline int setup_zip(void **state)
{
    const int status = setup(state);
    snprintf(zip_path, sizeof zip_path, "%s/m.zip", folder);
    return status;
}

static inline int teardown_zip(void **state)
{
    unlink(zip_path);
    return teardown(state);
}

/* ---- made packages ---- */

enum { MEMBERS = 4 };

static struct un_zip_entry members[MEMBERS];
static int member_count;

static inline void add_member(const char *name, char *data, size_t size)
{
    assert_true(member_count < MEMBERS);
    members[member_count++] = (struct un_zip_entry){name, data, size};
}

static inline void add_file(const char *name, const char *from)
{
    struct un_mapping map;
    unet_error err;
    if (un_map_whole(from, &map, &err))
        fail_msg("%s", err.text);
    char *copy = malloc(map.size);
    memcpy(copy, map.data, map.size);
    add_member(name, copy, map.size);
    un_map_release(&map);
}

/* An array of expect.safetensors, plus `more` in its first value. */
static inline void add_tensor(const char *name, const char *array, float more)
{
    static struct un_safetensors expected;
    unet_error err;
    if (!expected.count && un_safetensors_open(FOREIGN "expect.safetensors", &expected, &err))
        fail_msg("%s", err.text);
    const struct un_array *a = un_safetensors_find(&expected, array);
    assert_non_null(a);
    float *values = malloc(a->count * sizeof *values);
    if (un_array_to_float("expected", a, values, &err))
        fail_msg("%s", err.text);
    values[0] += more;
    int shape[4];
    for (int i = 0; i < 4; i++)
        shape[i] = (int)a->shape[i];
    char *bytes;
    size_t size, start;
    FILE *file = open_memstream(&bytes, &size);
    assert_int_equal(un_npy_begin(name, file, 4, shape, &start, &err), UNET_OK);
    un_little_write(values, sizeof *values, a->count, file);
    fclose(file);
    free(values);
    add_member(name, bytes, size);
}

/* Writes what was added, with this description, and forgets it. */
static inline void write_zip(const char *description, const char *text)
{
    struct un_zip_entry all[MEMBERS + 1] = {{description, text, strlen(text)}};
    unet_error err;
    for (int i = 0; i < member_count; i++)
        all[i + 1] = members[i];
    FILE *file = fopen(zip_path, "wb");
    if (un_zip_write(zip_path, file, all, member_count + 1, &err))
        fail_msg("%s", err.text);
    fclose(file);
    for (int i = 0; i < member_count; i++)
        free((void *)members[i].data);
    member_count = 0;
}

static inline unet_model *import_zip(unet_origin *origin)
{
    unet_model *model = NULL;
    unet_error err;
    if (un_model_import(zip_path, NULL, &model, origin, &err))
        fail_msg("%s", err.text);
    return model;
}

static inline unet_package_test tested(const unet_model *model)
{
    unet_package_test test = {.size = sizeof test};
    unet_error err;
    if (unet_model_test_package(model, zip_path, &test, &err))
        fail_msg("%s", err.text);
    return test;
}

/* ---- other programs' ---- */

#define OLD                                                                                        \
    "format_version: 0.4.10\nname: x\ninputs:\n- name: input0\n  axes: bcyx\n"                     \
    "  shape: {min: [1, 1, 16, 16], step: [0, 0, 4, 4]}\n%s"                                       \
    "outputs:\n- name: output0\n  axes: bcyx\ntest_inputs: [test-in.npy]\n"                        \
    "test_outputs: [test-out.npy]\n"                                                               \
    "weights:\n  %s\n"

#define NEW                                                                                        \
    "format_version: 0.5.3\ntype: model\ninputs:\n- id: raw\n"                                     \
    "  axes: [{type: batch}, {type: channel, channel_names: [a]}, {type: space, id: y, size: "     \
    "20},\n"                                                                                       \
    "    {type: space, id: x, size: 16}]\n"                                                        \
    "  test_tensor: {source: test-in.npy}\n%s"                                                     \
    "outputs:\n- id: out\n"                                                                        \
    "  axes: [{type: batch}, {type: channel, channel_names: [nucleus]}, {type: space, id: y},\n"   \
    "    {type: space, id: x}]\n"                                                                  \
    "  test_tensor: {source: test-out.npy}\n"                                                      \
    "weights:\n  %s\n"

static inline void make_foreign(const char *description, const char *pattern, const char *steps,
                                const char *weights, const char *file, float wrong)
{
    char text[2048], from[256];
    snprintf(text, sizeof text, pattern, steps, weights);
    snprintf(from, sizeof from, FOREIGN "%s", file);
    const char *folder_end = strrchr(description, '/');
    static char names[3][64];
    static const char *const bare[3] = {"test-in.npy", "test-out.npy", "weights"};
    for (int i = 0; i < 3; i++)
        snprintf(names[i], sizeof names[i], "%.*s%s",
                 folder_end ? (int)(folder_end + 1 - description) : 0, description, bare[i]);
    add_tensor(names[0], "bioimage.input", 0);
    add_tensor(names[1], "bioimage.logits", wrong);
    add_file(names[2], from);
    write_zip(description, text);
}

#define STATE "pytorch_state_dict: {source: weights}"

static inline void expect_refused(const char *want)
{
    unet_model *model = NULL;
    unet_error err = {0};
    assert_int_not_equal(un_model_import(zip_path, NULL, &model, NULL, &err), UNET_OK);
    if (!strstr(err.text, want))
        fail_msg("found \"%s\", wanted \"%s\"", err.text, want);
}

#endif
