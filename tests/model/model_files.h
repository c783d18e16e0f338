/* SPDX-License-Identifier: Apache-2.0 */
/* model_files.h - a folder of one's own with one model file in it, for the tests of model files */
#ifndef MODEL_FILES_H
#define MODEL_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "model/model.h"
#include "same_model.h"
#include "unet_objects.h"

static char folder[] = "/tmp/unet_test_XXXXXX";
static char path[64]; /* "folder/m.safetensors" */

static inline int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails when a test left a file behind */
}

static inline unet_spec small_spec(void)
{
    unet_spec spec = un_spec_default();
    spec.width = 2;
    spec.depth = 1;
    return spec;
}

static inline unet_model *new_model(const unet_spec *spec, uint64_t seed)
{
    unet_model *model = NULL;
    unet_error err;
    if (un_model_new(spec, &model, &err))
        fail_msg("%s", err.text);
    un_model_init(model, seed);
    return model;
}

static inline void write_model(const unet_model *model)
{
    unet_error err;
    if (un_model_write(model, path, &err))
        fail_msg("%s", err.text);
}

static inline unet_model *read_model(void)
{
    unet_model *model = NULL;
    unet_error err;
    if (un_model_read(path, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

static inline char *read_bytes(size_t *size)
{
    struct un_mapping mapping;
    assert_int_equal(un_map_open(path, &mapping, NULL), UNET_OK);
    char *bytes = malloc(mapping.size);
    assert_non_null(bytes);
    *size = mapping.size;
    memcpy(bytes, mapping.data, mapping.size);
    un_map_release(&mapping);
    return bytes;
}

static inline void write_bytes(const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline char *write_small(size_t *size)
{
    unet_spec spec = small_spec();
    unet_model *model = new_model(&spec, 7);
    assert_int_equal(un_model_set_settings(model, "{\"steps\":3}", NULL), UNET_OK);
    write_model(model);
    un_model_free(model);
    return read_bytes(size);
}

#endif
