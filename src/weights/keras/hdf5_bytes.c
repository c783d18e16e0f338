/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/keras/hdf5_bytes.h"

#include <stdarg.h>

#include "base/decimal.h"

/* In all: a small file may have many names for one large header. */
enum { MOST_STEPS = 4000000 };

unet_code un_hdf5_fail(struct un_hdf5_file *file, const char *format, ...)
{
    char text[300];
    va_list arguments;
    if (file->code)
        return file->code;
    va_start(arguments, format);
    un_decimal_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    return file->code = un_fail(file->err, UNET_EFORMAT, "%s: HDF5: %s", file->path, text);
}

unet_code un_hdf5_broken(struct un_hdf5_file *file, const char *what)
{
    return un_hdf5_fail(file, "%s is broken (is the file cut short?)", what);
}

bool un_hdf5_step(struct un_hdf5_file *file)
{
    if (++file->steps > MOST_STEPS)
        un_hdf5_fail(file, "more than %d headers", MOST_STEPS);
    return !file->code;
}

size_t un_hdf5_left(const struct un_hdf5_part *part)
{
    return (size_t)(part->end - part->at);
}

const unsigned char *un_hdf5_take(struct un_hdf5_file *file, struct un_hdf5_part *part, size_t size)
{
    if (file->code || un_hdf5_left(part) < size) {
        un_hdf5_broken(file, "a header");
        return NULL;
    }
    part->at += size;
    return part->at - size;
}

uint64_t un_hdf5_number(struct un_hdf5_file *file, struct un_hdf5_part *part, int size)
{
    const unsigned char *at = un_hdf5_take(file, part, (size_t)size);
    uint64_t value = 0;
    for (int i = 0; at && i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

uint64_t un_hdf5_number_at(const unsigned char *at, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

bool un_hdf5_span(struct un_hdf5_file *file, uint64_t at, uint64_t size, const char *what,
                  struct un_hdf5_part *part)
{
    if (file->code)
        return false;
    if (at > file->size - file->base || size > file->size - file->base - at) {
        un_hdf5_broken(file, what);
        return false;
    }
    part->at = file->bytes + file->base + at;
    part->end = part->at + size;
    return true;
}

bool un_hdf5_rest(struct un_hdf5_file *file, uint64_t at, const char *what,
                  struct un_hdf5_part *part)
{
    const uint64_t there = file->size - file->base;
    return un_hdf5_span(file, at, at < there ? there - at : 0, what, part);
}
