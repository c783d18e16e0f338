/* SPDX-License-Identifier: Apache-2.0 */
/*
 * png.c - PNG: rows in their order
 *
 * The chunks are walked first, in the mapped file, to learn how many compressed bytes there are.
 * Deflate makes at most 1032 bytes of one, so a header that claims more rows than those bytes can
 * hold is refused before memory is taken for it; and there EXIF is looked for.  Then libpng decodes
 * row by row; whoever reads bands from top to bottom pays for each row once, and a rectangle
 * further up starts anew. Interlaced files are decoded whole.  Samples stay as in the file (bits
 * below 8 each get a byte); tRNS, gamma and text are passed over.
 */
#include <stdlib.h>
#include <string.h>

#include "image/formats/exif.h"
#include "image/formats/png_io.h"

#define FIXED_BYTES ((size_t)1 << 20) /* libpng's own, whatever the picture */
#define INFLATE_LIMIT 1032            /* deflate: a 258-byte match costs at least two bits */
#define ROW_BYTES 16                  /* a row unpacked from one bit a pixel, and to spare */

struct reader {
    struct un_png_job job;
    png_structp png;
    png_infop info;
    struct un_page page;
    int orientation; /* of EXIF; 0: none */
    bool interlaced;
    int next;       /* the row that libpng gives next */
    uint8_t *rows;  /* one row, or all of an interlaced picture */
    bool has_whole; /* rows holds all */
};

static bool probe(const unsigned char *head, size_t size)
{
    return size >= 8 && !png_sig_cmp(head, 0, 8);
}

void un_png_on_error(png_structp png, png_const_charp message)
{
    struct un_png_job *job = png_get_error_ptr(png);
    snprintf(job->message, sizeof job->message, "%s", message);
    png_longjmp(png, 1);
}

void un_png_on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep data, size_t size)
{
    struct un_png_job *job = png_get_io_ptr(png);
    if (size > job->file->size - job->at) {
        job->past_end = true;
        png_error(png, "the file ends too early");
    }
    if (un_map_read(job->file, "", job->at, data, size, NULL)) {
        job->cut = true;
        png_error(png, "cut while it was read");
    }
    if (job->at >> 20 != (job->at + size) >> 20)
        un_map_forget(job->file, job->file->data, job->at);
    job->at += size;
}

/* What libpng may take at once: little until the header is known, then a few rows. */
static png_voidp on_malloc(png_structp png, png_alloc_size_t size)
{
    const struct un_png_job *job = png_get_mem_ptr(png);
    return size <= job->most ? malloc(size) : NULL;
}

static void on_free(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

enum { TAIL = 1024 }; /* bytes in which the end of a whole file lies, with what is behind it */

/* Bytes in the IDAT chunks, and whether the file holds all of its chunks up to IEND; orientation:
 * what an eXIf chunk says, if one does. */
static uint64_t count_compressed(const struct un_mapping *file, bool *whole, int *orientation)
{
    static const unsigned char end[] = "IEND\xae\x42\x60\x82";
    const size_t tail = file->size < TAIL ? file->size : TAIL;
    uint64_t sum = 0;
    /* where the end is there, what does not lead to it is damaged */
    *whole = memmem(file->data + file->size - tail, tail, end, sizeof end - 1) != NULL;
    for (size_t at = 8; file->size - at >= 12;) {
        uint32_t size = big_endian(file->data + at);
        const unsigned char *type = file->data + at + 4;
        size_t have = file->size - at - 12;
        if (!memcmp(type, "IDAT", 4))
            sum += size < have ? size : have;
        if (size > have)
            return sum;
        if (!memcmp(type, "eXIf", 4) && un_exif_orientation(type + 4, size))
            *orientation = un_exif_orientation(type + 4, size);
        if (!memcmp(type, "IEND", 4)) {
            *whole = true;
            return sum;
        }
        at += 12 + (size_t)size;
    }
    return sum;
}

/* What the header says. */
static void take_header(struct reader *r)
{
    uint32_t width, height;
    int bits, type;
    png_get_IHDR(r->png, r->info, &width, &height, &bits, &type, NULL, NULL, NULL);
    r->page = (struct un_page){.height = height <= UN_IMAGE_SIDE ? (int)height : -1,
                               .width = width <= UN_IMAGE_SIDE ? (int)width : -1,
                               .channels = png_get_channels(r->png, r->info),
                               .bits = bits,
                               .bytes = bits == 16 ? 2 : 1,
                               .alpha = type & PNG_COLOR_MASK_ALPHA,
                               .orientation = r->orientation,
                               .in_order = true};
    r->interlaced = png_get_interlace_type(r->png, r->info) != PNG_INTERLACE_NONE;
    png_colorp colors;
    int count;
    if (type == PNG_COLOR_TYPE_PALETTE && png_get_PLTE(r->png, r->info, &colors, &count)) {
        r->page.palette_size = count;
        for (int i = 0; i < count; i++) {
            r->page.palette[i][0] = colors[i].red;
            r->page.palette[i][1] = colors[i].green;
            r->page.palette[i][2] = colors[i].blue;
        }
    }
}

/* Whether the compressed bytes can be as many as the header claims. */
static unet_code check_claim(const char *name, struct reader *r, unet_error *err)
{
    struct un_page *page = &r->page;
    bool whole;
    uint64_t compressed = count_compressed(r->job.file, &whole, &r->orientation);
    page->orientation = r->orientation;
    uint64_t bits = (uint64_t)page->width * (uint64_t)page->channels * (uint64_t)page->bits;
    /* interlacing changes the padding of rows a little, so it gets no filter bytes counted */
    uint64_t packed = r->interlaced ? bits * (uint64_t)page->height / 8
                                    : ((bits + 7) / 8 + 1) * (uint64_t)page->height;
    if (packed / INFLATE_LIMIT <= compressed)
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT, "%s: %s PNG (%llu compressed bytes for %d x %d pixels)", name,
                   whole ? "broken" : "truncated", (unsigned long long)compressed, page->width,
                   page->height);
}

/* Nothing but the picture is wanted: all other chunks are passed over (-1), and no length that one
 * claims is believed beyond the file's. */
static void limit(png_structp png, const struct un_mapping *file)
{
    static const png_byte also[] = "tRNS";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, also, 1);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_chunk_cache_max(png, 1);
    png_set_chunk_malloc_max(png, file->size);
    png_set_crc_action(png, PNG_CRC_DEFAULT, PNG_CRC_WARN_DISCARD);
}

/* After libpng has jumped back. */
static unet_code fail_decode(const char *name, const struct reader *r, unet_error *err)
{
    bool whole = false;
    int orientation;
    if (!r->job.cut)
        count_compressed(r->job.file, &whole, &orientation);
    return un_fail(err, UNET_EFORMAT, "%s: %s PNG (%s)", name, whole ? "broken" : "truncated",
                   whole && r->job.past_end ? "a length in it is wrong" : r->job.message);
}

/* Reads up to the first row. */
static unet_code start(struct unet_source *source, unet_error *err)
{
    struct reader *r = source->state;
    png_destroy_read_struct(&r->png, &r->info, NULL);
    r->job = (struct un_png_job){.file = &source->file, .most = FIXED_BYTES};
    r->next = 0;
    r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r->job, un_png_on_error,
                                      un_png_on_warning, &r->job, on_malloc, on_free);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    if (!r->info)
        return un_fail_memory(err, 0, source->name);
    if (setjmp(png_jmpbuf(r->png)))
        return fail_decode(source->name, r, err);
    limit(r->png, &source->file);
    png_set_read_fn(r->png, &r->job, on_read);
    png_read_info(r->png, r->info);
    take_header(r);
    r->job.most += ROW_BYTES * png_get_rowbytes(r->png, r->info);
    png_set_packing(r->png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (r->page.bits == 16)
        png_set_swap(r->png);
#endif
    return UNET_OK;
}

static unet_code png_open(struct unet_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    source->file_pages = 1;
    unet_code code = start(source, err);
    if (code || (code = un_page_check(source->name, &r->page, err)))
        return code;
    size_t row = (size_t)r->page.width * (size_t)r->page.channels * (size_t)r->page.bytes;
    r->page.working = (r->interlaced ? row * (size_t)r->page.height : row) + (256 << 10);
    return check_claim(source->name, r, err);
}

static unet_code png_page_of(struct unet_source *source, int index, struct un_page *page,
                             unet_error *err)
{
    (void)index;
    (void)err;
    *page = ((struct reader *)source->state)->page;
    return UNET_OK;
}

/* Room for a row, or for all rows of an interlaced picture. */
static unet_code make_room(struct unet_source *source, struct reader *r, unet_error *err)
{
    size_t row = (size_t)r->page.width * (size_t)r->page.channels * (size_t)r->page.bytes;
    size_t bytes = r->interlaced ? row * (size_t)r->page.height : row;
    if (bytes > UN_IMAGE_BYTES)
        return un_fail(err, UNET_EFORMAT, "%s: %zu MB of interlaced pixels; up to %d GB wanted",
                       source->name, bytes >> 20, (int)(UN_IMAGE_BYTES >> 30));
    /* zeroed: libpng merges interlaced rows with what is there */
    if (!r->rows && !(r->rows = calloc(bytes, 1)))
        return un_fail_memory(err, bytes, source->name);
    return UNET_OK;
}

/* The parts that libpng may leave by longjmp(): all their variables live in the caller. */
static unet_code decode_whole(const char *name, struct reader *r, unet_error *err)
{
    if (setjmp(png_jmpbuf(r->png)))
        return fail_decode(name, r, err);
    size_t stride = (size_t)r->page.width * (size_t)r->page.channels * (size_t)r->page.bytes;
    int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < r->page.height; y++)
            png_read_row(r->png, r->rows + (size_t)y * stride, NULL);
    png_read_end(r->png, NULL);
    r->has_whole = true;
    return UNET_OK;
}

static unet_code decode_rows(const char *name, struct reader *r, const struct un_rect *rect,
                             uint8_t *dst, unet_error *err)
{
    if (setjmp(png_jmpbuf(r->png)))
        return fail_decode(name, r, err);
    size_t pixel = (size_t)r->page.channels * (size_t)r->page.bytes;
    size_t bytes = (size_t)rect->width * pixel, at = (size_t)rect->left * pixel;
    bool whole = rect->width == r->page.width;
    if (r->next == 0)
        png_read_update_info(r->png, r->info);
    while (r->next < rect->top + rect->height) {
        bool wanted = r->next >= rect->top;
        uint8_t *to = wanted ? dst + (size_t)(r->next - rect->top) * bytes : NULL;
        png_read_row(r->png, wanted && whole ? to : r->rows, NULL);
        if (wanted && !whole)
            memcpy(to, r->rows + at, bytes);
        if (++r->next == r->page.height)
            png_read_end(r->png, NULL); /* which checks that the file is whole */
    }
    return UNET_OK;
}

static unet_code png_read(struct unet_source *source, int index, const struct un_page *page,
                          struct un_rect rect, void *samples, unet_error *err)
{
    struct reader *r = source->state;
    (void)index;
    unet_code code = make_room(source, r, err);
    if (code)
        return code;
    if (!r->has_whole && (rect.top < r->next || r->job.message[0]) && (code = start(source, err)))
        return code;
    if (!r->interlaced)
        return decode_rows(source->name, r, &rect, samples, err);
    if (!r->has_whole && (code = decode_whole(source->name, r, err))) {
        r->next = r->page.height; /* so that the next try starts anew */
        return code;
    }
    un_rect_copy(page, r->rows, rect, samples);
    return UNET_OK;
}

static void png_close(struct unet_source *source)
{
    struct reader *r = source->state;
    if (!r)
        return;
    png_destroy_read_struct(&r->png, &r->info, NULL);
    free(r->rows);
    free(r);
}

static const char *const endings[] = {".png", NULL};
const struct un_format un_format_png = {"PNG",       endings,  probe,    png_open,
                                        png_page_of, png_read, png_close};
