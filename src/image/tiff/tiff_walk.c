/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_walk.c - the chain of IFDs, walked once in the bytes of the file
 *
 *     classic:  u16 count, count x 12 bytes, u32 next        BigTIFF:  u64, 20 bytes, u64
 *     an entry: u16 tag, u16 type, u32 or u64 count, the value or where it is
 *
 * Offsets are remembered: libtiff would walk the chain from its start to find a page.  So is what
 * tells pages from thumbnails and pyramids.
 */
#include <stdlib.h>
#include <string.h>

#include "image/tiff/tiff_read.h"

#define ENTRIES 128 /* of an IFD that are looked at */
#define SUBS 64     /* SubIFDs of an IFD that are looked at */

enum { NDPI_FORMAT = 65420, NDPI_LENS = 65421 }; /* tags of Hamamatsu's */

/* A file's bytes as numbers; what lies beyond the end reads as 0 and is noted. */
struct bytes {
    const struct un_mapping *file;
    bool big_endian, big; /* big: BigTIFF */
    bool beyond;
};

static uint64_t number(struct bytes *bytes, uint64_t at, int size)
{
    uint64_t v = 0;
    if (at > bytes->file->size || (uint64_t)size > bytes->file->size - at) {
        bytes->beyond = true;
        return 0;
    }
    for (int i = 0; i < size; i++)
        v = v << 8 | bytes->file->data[at + (uint64_t)(bytes->big_endian ? i : size - 1 - i)];
    return v;
}

/* ---- entries ----------------------------------------------------------------------------- */

struct entry {
    unsigned tag, type;
    uint64_t count, at; /* at: where the values are */
    int size;           /* bytes of one */
};

static struct entry read_entry(struct bytes *bytes, uint64_t at)
{
    static const uint8_t sizes[] = {
        [TIFF_BYTE] = 1,  [TIFF_ASCII] = 1, [TIFF_SHORT] = 2, [TIFF_LONG] = 4,
        [TIFF_FLOAT] = 4, [TIFF_IFD] = 4,   [TIFF_LONG8] = 8, [TIFF_IFD8] = 8};
    const int word = bytes->big ? 8 : 4;
    struct entry entry = {.tag = (unsigned)number(bytes, at, 2),
                          .type = (unsigned)number(bytes, at + 2, 2),
                          .count = number(bytes, at + 4, word),
                          .at = at + 4 + (uint64_t)word};
    entry.size = entry.type < sizeof sizes ? sizes[entry.type] : 0;
    if (entry.size && entry.count > (uint64_t)(word / entry.size))
        entry.at = number(bytes, entry.at, word);
    return entry;
}

/* The first value; 0: none, or beyond the file, which its reader will tell. */
static uint64_t first_value(struct bytes *bytes, const struct entry *entry)
{
    struct bytes apart = *bytes;
    return entry->size && entry->count ? number(&apart, entry->at, entry->size) : 0;
}

static void take_lens(uint64_t bits, struct un_tiff_ifd *ifd)
{
    uint32_t word = (uint32_t)bits;
    float lens;
    memcpy(&lens, &word, sizeof lens);
    ifd->lens = lens;
}

static void take_entry(struct bytes *bytes, const struct entry *entry, struct un_tiff_ifd *ifd)
{
    const uint64_t value = first_value(bytes, entry);
    switch (entry->tag) {
    case TIFFTAG_SUBFILETYPE:
        if (value & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) {
            ifd->what = value & FILETYPE_MASK ? UN_TIFF_MASK : UN_TIFF_LEVEL;
            ifd->marked = true;
        }
        break;
    case TIFFTAG_OSUBFILETYPE:
        if (value == OFILETYPE_REDUCEDIMAGE && !ifd->marked) {
            ifd->what = UN_TIFF_LEVEL;
            ifd->marked = true;
        }
        break;
    case TIFFTAG_IMAGEWIDTH:
        ifd->width = (uint32_t)value;
        break;
    case TIFFTAG_IMAGELENGTH:
        ifd->height = (uint32_t)value;
        break;
    case TIFFTAG_BITSPERSAMPLE:
        ifd->bits = (uint16_t)value;
        break;
    case TIFFTAG_SAMPLESPERPIXEL:
        ifd->samples = (uint16_t)value;
        break;
    case TIFFTAG_TILEWIDTH:
        ifd->tiled = true;
        break;
    case TIFFTAG_IMAGEDESCRIPTION:
        ifd->text = entry->at;
        ifd->text_bytes = entry->type == TIFF_ASCII ? entry->count : 0;
        break;
    case TIFFTAG_SUBIFD:
        ifd->subs = entry->at;
        ifd->sub_bytes = (uint8_t)entry->size;
        ifd->sub_count = entry->count < SUBS ? (uint8_t)entry->count : SUBS;
        break;
    case NDPI_FORMAT:
        ifd->ndpi = true;
        break;
    case NDPI_LENS:
        take_lens(value, ifd);
        break;
    }
}

/* Reads the IFD at ifd->at; false: it is not there.  next: may be NULL. */
static bool read_ifd(struct bytes *bytes, struct un_tiff_ifd *ifd, uint64_t *next)
{
    const int count_bytes = bytes->big ? 8 : 2, entry_bytes = bytes->big ? 20 : 12;
    uint64_t entries = number(bytes, ifd->at, count_bytes);
    uint64_t first = ifd->at + (uint64_t)count_bytes;
    if (bytes->beyond || entries > (bytes->file->size - first) / (uint64_t)entry_bytes)
        return false;
    for (uint64_t i = 0; i < entries && i < ENTRIES; i++) {
        struct entry entry = read_entry(bytes, first + i * (uint64_t)entry_bytes);
        take_entry(bytes, &entry, ifd);
    }
    if (next)
        *next = number(bytes, first + entries * (uint64_t)entry_bytes, bytes->big ? 8 : 4);
    return true;
}

/* ---- the chain --------------------------------------------------------------------------- */

static bool add_ifd(struct un_tiff_table *table, const struct un_tiff_ifd *ifd)
{
    uint32_t n = table->ifd_count;
    if (!(n & (n - 1))) { /* room for the next power of two */
        uint32_t room = n ? 2 * n : 1;
        struct un_tiff_ifd *ifds = realloc(table->ifds, room * sizeof *ifds);
        if (!ifds)
            return false;
        table->ifds = ifds;
    }
    table->ifds[n] = *ifd;
    table->ifd_count = n + 1;
    return true;
}

static struct bytes bytes_of(const struct unet_source *source)
{
    const struct un_mapping *file = &source->file;
    struct bytes bytes = {.file = file, .big_endian = file->size && file->data[0] == 'M'};
    bytes.big = number(&bytes, 2, 2) == 43;
    return bytes;
}

unet_code un_tiff_walk(struct unet_source *source, struct un_tiff_table *table, unet_error *err)
{
    const struct un_mapping *file = &source->file;
    struct bytes bytes = bytes_of(source);
    /* IFDs that do not overlap take some bytes each: more of them than that are a loop */
    uint64_t most = file->size / (bytes.big ? 8 + 20 + 8 : 2 + 12 + 4);
    most = most < UN_SOURCE_PAGES ? most : UN_SOURCE_PAGES;
    uint64_t at = number(&bytes, bytes.big ? 8 : 4, bytes.big ? 8 : 4);
    while (at && !bytes.beyond) {
        struct un_tiff_ifd ifd = {.at = at, .samples = 1, .bits = 1};
        uint64_t next;
        if (!read_ifd(&bytes, &ifd, &next))
            break;
        if (table->ifd_count >= most)
            return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (its chain of pages is a loop%s)",
                           source->name, most == UN_SOURCE_PAGES ? ", or too long" : "");
        if (!add_ifd(table, &ifd))
            return un_fail_memory(err, table->ifd_count * sizeof *table->ifds, source->name);
        at = next;
    }
    if (!table->ifd_count && !at)
        return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (no image in it)", source->name);
    if (at)
        return un_fail(err, UNET_EFORMAT,
                       "%s: truncated or broken TIFF (page %u begins at byte %llu, the file has "
                       "%zu)",
                       source->name, table->ifd_count, (unsigned long long)at, file->size);
    return bytes.beyond ? un_fail(err, UNET_EFORMAT,
                                  "%s: truncated or broken TIFF (page %u ends "
                                  "beyond the file's %zu bytes)",
                                  source->name, table->ifd_count - 1, file->size)
                        : UNET_OK;
}

/* ---- more of an IFD ---------------------------------------------------------------------- */

void un_tiff_text(const struct unet_source *source, const struct un_tiff_ifd *ifd, char *text,
                  size_t room)
{
    uint64_t size = source->file.size;
    size_t n = ifd->text_bytes < room ? (size_t)ifd->text_bytes : room - 1;
    if (ifd->text > size || n > size - ifd->text ||
        un_map_read(&source->file, source->name, (size_t)ifd->text, text, n, NULL))
        n = 0;
    text[n] = 0;
}

bool un_tiff_sub(const struct unet_source *source, const struct un_tiff_ifd *ifd, int i,
                 struct un_tiff_ifd *sub)
{
    struct bytes bytes = bytes_of(source);
    if (i >= ifd->sub_count || ifd->sub_bytes < 4)
        return false;
    *sub = (struct un_tiff_ifd){.samples = 1, .bits = 1};
    sub->at = number(&bytes, ifd->subs + (uint64_t)i * ifd->sub_bytes, ifd->sub_bytes);
    return sub->at && read_ifd(&bytes, sub, NULL) && sub->width && sub->height;
}
