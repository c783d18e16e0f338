/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_wrap.h - pickles made here, in an archive, and what is said of them */
#ifndef TEST_PICKLE_WRAP_H
#define TEST_PICKLE_WRAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/zip_maker.h"
#include "weights/torch/pickle.h"
#include "weights/torch/torch.h"

/* A pickle as data.pkl of an archive with one storage, "0", of four floats. */
static inline struct bytes wrap(const void *pickle, size_t size, bool script)
{
    static const float values[4] = {1, 2, 3, 4};
    struct zip_maker zip = {0};
    zip_add(&zip, "a/data.pkl", pickle, size);
    zip_add(&zip, "a/data/0", values, sizeof values);
    if (script)
        zip_add(&zip, "a/constants.pkl", "", 0);
    return zip_end(&zip);
}

static inline void expect_refused(const void *pickle, size_t size, const char *want)
{
    struct un_arrays arrays = {0}, untouched = {0};
    unet_error err = {0};
    struct bytes zip = wrap(pickle, size, false);
    unet_code code = un_torch_parse("evil.pth", zip.data, zip.size, &arrays, &err);
    free(zip.data);
    if (code != UNET_EFORMAT || err.code != code || strcmp(err.text, want))
        fail_msg("code %d, text \"%s\", wanted \"%s\"", code, err.text, want);
    assert_memory_equal(&arrays, &untouched, sizeof arrays);
}

struct row {
    const char *pickle;
    size_t size;
    const char *want;
};
#define ROW(text, want)                                                                            \
    {                                                                                              \
        text, sizeof text - 1, "evil.pth: " want                                                   \
    }
#define EXPECT_ROWS(rows)                                                                          \
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)                                        \
    expect_refused(rows[i].pickle, rows[i].size, rows[i].want)

#define TEXT(size, text) "X" size "\0\0\0" text
/* ("storage", FloatStorage, "0", "cpu", 4), of the archive's only storage */
#define STORAGE(type, key)                                                                         \
    "(" TEXT("\7", "storage") "ctorch\n" type "\n" TEXT("\1", key) TEXT("\3", "cpu") "K\4tQ"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n"
#define HOOKS                                                                                      \
    "\x89"                                                                                         \
    "ccollections\nOrderedDict\n)R"
/* {"w": a tensor} */
#define DICT(tensor) "\x80\2}" TEXT("\1", "w") tensor "s."
#define TENSOR(offset, shape, stride)                                                              \
    REBUILD "(" STORAGE("FloatStorage", "0") offset "(" shape "t(" stride "t" HOOKS "tR"
#define MINUS_1 "J\xff\xff\xff\xff"
#define TWO_TO_62 "\x8a\x08\0\0\0\0\0\0\0\x40"

#endif
