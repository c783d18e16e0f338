/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_sizes.c - structs that a caller fills, as this library has them
 *
 * A program may have been built when a struct was shorter, or will be longer than it is here; its
 * size member says so.  The rows below say of each struct which members the first version had,
 * which is what size 0 means, and what its members are by default.  Nothing below api*.c looks at
 * a size; inside it is 0.
 */
#include "api.h"

#include <string.h>

#include "recognise/recognise.h"
#include "train/train_options.h"

/* The bytes of a struct up to and with a member. */
#define UP_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* Replaces the first bytes of own, which has known bytes, by what is given. */
static unet_code take(void *own, size_t known, const void *given, size_t size, const char *what,
                      unet_error *err)
{
    const unsigned char *bytes = given;
    if (size < sizeof size)
        return un_fail(err, UNET_EINVAL, "%s: size is %zu, wanted sizeof(%s)", what, size, what);
    for (size_t i = known; i < size; i++)
        if (bytes[i])
            return un_fail(err, UNET_EINVAL,
                           "%s: has %zu bytes and sets some beyond the %zu that this library knows "
                           "of: it is version " UNET_VERSION ", the program wants a later one",
                           what, size, known);
    memcpy(own, given, size < known ? size : known);
    memset(own, 0, sizeof size);
    return UNET_OK;
}

#define SIZED(name, last, ...)                                                                     \
    size_t un_size_##name(const unet_##name *given)                                                \
    {                                                                                              \
        _Static_assert(offsetof(unet_##name, size) == 0, "size comes first");                      \
        return given->size ? given->size : UP_TO(unet_##name, last);                               \
    }                                                                                              \
    unet_code un_take_##name(const unet_##name *given, unet_##name *own, unet_error *err)          \
    {                                                                                              \
        *own = (__VA_ARGS__);                                                                      \
        return given ? take(own, sizeof *own, given, un_size_##name(given), "unet_" #name, err)    \
                     : UNET_OK;                                                                    \
    }

SIZED(spec, channels, un_spec_default())
SIZED(session_options, log, (unet_session_options){.threads = 0})
SIZED(dataset_options, pair_mask, (unet_dataset_options){.ignore = -1})
SIZED(train_options, standardize, un_train_options_default(NULL))
SIZED(train_job, cancel, (unet_train_job){.model = NULL})
SIZED(known, standardize, un_known_nothing())
SIZED(export_options, normalize, (unet_export_options){.names = NULL})
SIZED(writer_page, like_page, (unet_writer_page){.height = 0})
SIZED(answers, context, (unet_answers){.mask = NULL})
SIZED(stream, context, (unet_stream){.mask = 0})
SIZED(objects_options, like_page, (unet_objects_options){.minimum_area = 0})
SIZED(table_options, unit, (unet_table_options){.images = 0})
SIZED(boundary_options, distance, (unet_boundary_options){.connectivity = 0})
SIZED(patch, draws, (unet_patch){.name = NULL})

void un_give(void *to, size_t size, const void *own, size_t known)
{
    if (size < sizeof size)
        return;
    memset(to, 0, size);
    memcpy(to, own, size < known ? size : known);
    memcpy(to, &size, sizeof size);
}
