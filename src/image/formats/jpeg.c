/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jpeg.c - JPEG: the one file that knows libjpeg
 *
 * Files of one scan give their rows in order while they are decoded: whoever reads bands from top
 * to bottom pays for each row once, and a rectangle further up starts anew.  Progressive files, and
 * others whose components come one after the other, need the coefficients of the whole picture, two
 * bytes each.  Samples are grey or RGB: CMYK and YCCK become RGB as on white paper.
 *
 * Every block of 8 x 8 coefficients costs at least a bit, so a header that claims more blocks than
 * the file has bits is refused before memory is taken for it (arithmetic coding can do with less).
 *
 * libjpeg goes on after damage and makes up what is missing, with a warning.  Here such a warning
 * is an error, so that no partial picture is taken for a whole one; harmless ones are listed below.
 * Errors come by on_error(), which must not return: it jumps to the setjmp() of whoever called.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "image/formats/exif.h"
#include "base/number.h"
#include "image/source.h"

#define MAX_SCANS 200 /* encoders make about ten; each goes over the whole picture */
/* How often scans may go to blocks, so that no small file takes long: so often, and for each byte.
 */
#define VISITS_FREE ((uint64_t)4 << 20)
#define VISITS_PER_BYTE 128
#define BLOCKS_PER_BYTE 8
#define ARITHMETIC_BLOCKS_PER_BYTE 64
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct reader {
    struct jpeg_decompress_struct jpeg; /* zeroed: not created */
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr input;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    int error; /* libjpeg's number */
    bool past_end, failed;
    const struct un_mapping *file;
    size_t forgotten; /* bytes of the file whose pages need not be kept */
    uint64_t blocks;  /* of 8 x 8 coefficients */
    int orientation;
    struct un_page page;
    bool started;
    int next;     /* the row that libjpeg gives next */
    uint8_t *row; /* as libjpeg gives it */
};

static bool probe(const unsigned char *head, size_t size)
{
    return size >= 3 && !memcmp(head, "\xff\xd8\xff", 3);
}

/* ---- what libjpeg calls ------------------------------------------------------------------ */

static void on_error(j_common_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    r->error = jpeg->err->msg_code;
    jpeg->err->format_message(jpeg, r->message);
    longjmp(r->jump, 1);
}

/* level -1: a warning; 0 and up: the decoder tells what it does. */
static void on_message(j_common_ptr jpeg, int level)
{
    static const int harmless[] = {JWRN_ADOBE_XFORM, JWRN_BOGUS_PROGRESSION, JWRN_EXTRANEOUS_DATA,
                                   JWRN_JFIF_MAJOR, JWRN_NOT_SEQUENTIAL};
    if (level >= 0)
        return;
    for (size_t i = 0; i < COUNT(harmless); i++)
        if (jpeg->err->msg_code == harmless[i])
            return;
    on_error(jpeg);
}

static void on_output(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void on_init(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

static boolean on_fill(j_decompress_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    r->past_end = true;
    ERREXIT(jpeg, JERR_INPUT_EOF);
    return FALSE;
}

static void on_skip(j_decompress_ptr jpeg, long bytes)
{
    if (bytes > 0 && (size_t)bytes > jpeg->src->bytes_in_buffer)
        on_fill(jpeg);
    jpeg->src->next_input_byte += bytes > 0 ? bytes : 0;
    jpeg->src->bytes_in_buffer -= bytes > 0 ? (size_t)bytes : 0;
}

static void on_progress(j_common_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    const size_t passed = r->file->size - r->input.bytes_in_buffer;
    if (passed >> 20 != r->forgotten >> 20)
        un_map_forget(r->file, r->file->data, passed);
    r->forgotten = passed;
    const uint64_t scans = (uint64_t)r->jpeg.input_scan_number;
    if (scans <= MAX_SCANS &&
        scans * r->blocks <= VISITS_FREE + VISITS_PER_BYTE * (uint64_t)r->file->size)
        return;
    snprintf(r->message, sizeof r->message, "%llu scans of %llu blocks are too many for its size",
             (unsigned long long)scans, (unsigned long long)r->blocks);
    longjmp(r->jump, 1);
}

/* The orientation in an APP1 segment: "Exif", then EXIF; or 0. */
static int exif_orientation(const unsigned char *p, size_t size)
{
    return size < 14 || memcmp(p, "Exif\0", 6) ? 0 : un_exif_orientation(p + 6, size - 6);
}

static boolean on_app1(j_decompress_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    const JOCTET *p = jpeg->src->next_input_byte;
    if (jpeg->src->bytes_in_buffer < 2)
        return on_fill(jpeg);
    size_t size = (size_t)un_number(p, 2, true);
    if (size < 2)
        ERREXIT(jpeg, JERR_BAD_LENGTH);
    on_skip(jpeg, (long)size);
    int found = exif_orientation(p + 2, size - 2);
    r->orientation = found ? found : r->orientation;
    return TRUE;
}

/* ---- opening ----------------------------------------------------------------------------- */

/* Kinds of JPEG that libjpeg names and does not decode. */
static const int refused[] = {
    JERR_BAD_PRECISION,      JERR_SOF_UNSUPPORTED,      JERR_EMPTY_IMAGE,
#if JPEG_LIB_VERSION < 70 /* from there on, also in libjpeg-turbo, it is never said */
    JERR_ARITH_NOTIMPL,
#endif
    JERR_CCIR601_NOTIMPL,    JERR_FRACT_SAMPLE_NOTIMPL, JERR_NOTIMPL,
    JERR_CONVERSION_NOTIMPL, JERR_COMPONENT_COUNT,      JERR_IMAGE_TOO_BIG};

/* After libjpeg has jumped back. */
static unet_code fail_decode(const char *name, struct reader *r, unet_error *err)
{
    r->failed = true;
    if (r->error == JERR_OUT_OF_MEMORY)
        return un_fail(err, UNET_ENOMEM, "%s: not enough memory to decode the JPEG", name);
    for (size_t i = 0; i < COUNT(refused); i++)
        if (r->error == refused[i])
            return un_fail(err, UNET_EFORMAT,
                           "%s: %s; 8-bit baseline or progressive JPEG with its height wanted",
                           name, r->message);
    return un_fail(err, UNET_EFORMAT, "%s: %s JPEG (%s)", name,
                   r->past_end ? "truncated" : "broken", r->message);
}

static uint64_t count_blocks(const struct jpeg_decompress_struct *jpeg)
{
    uint64_t blocks = 0;
    for (int i = 0; i < jpeg->num_components; i++)
        blocks +=
            (uint64_t)jpeg->comp_info[i].width_in_blocks * jpeg->comp_info[i].height_in_blocks;
    return blocks;
}

/* What libjpeg allocates: buffers of some rows, and with several scans all coefficients. */
static uint64_t count_working(struct jpeg_decompress_struct *jpeg)
{
    uint64_t rows = 32 * (uint64_t)jpeg->image_width * (uint64_t)jpeg->num_components;
    uint64_t all = jpeg_has_multiple_scans(jpeg) ? count_blocks(jpeg) * sizeof(JBLOCK) : 0;
    return rows + all + (256 << 10);
}

static unet_code take_header(const char *name, struct reader *r, unet_error *err)
{
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    const uint64_t blocks = r->blocks = count_blocks(jpeg), working = count_working(jpeg);
    const unsigned most = jpeg->arith_code ? ARITHMETIC_BLOCKS_PER_BYTE : BLOCKS_PER_BYTE;
    if (jpeg->jpeg_color_space == JCS_UNKNOWN)
        return un_fail(err, UNET_EFORMAT,
                       "%s: %d channels of no known meaning; grey, YCbCr, RGB, CMYK or YCCK wanted",
                       name, jpeg->num_components);
    if (blocks / most > r->file->size)
        return un_fail(err, UNET_EFORMAT, "%s: truncated or broken JPEG (%zu bytes for %u x %u)",
                       name, r->file->size, jpeg->image_width, jpeg->image_height);
    if (working > UN_IMAGE_BYTES)
        return un_fail(err, UNET_EFORMAT,
                       "%s: decoding this JPEG takes %llu MB; up to %d GB wanted", name,
                       (unsigned long long)(working >> 20), (int)(UN_IMAGE_BYTES >> 30));
    jpeg->mem->max_memory_to_use = (long)(2 * working); /* beyond it, libjpeg fails */
    const bool grey = jpeg->jpeg_color_space == JCS_GRAYSCALE;
    const bool inks = jpeg->num_components == 4;
    jpeg->out_color_space = grey ? JCS_GRAYSCALE : inks ? JCS_CMYK : JCS_RGB;
    r->page = (struct un_page){.height = (int)jpeg->image_height,
                               .width = (int)jpeg->image_width,
                               .channels = grey ? 1 : 3,
                               .bits = 8,
                               .bytes = 1,
                               .lossy = true,
                               .orientation = r->orientation,
                               .in_order = true,
                               .working = (size_t)working};
    return un_page_check(name, &r->page, err);
}

/* Reads up to the first scan. */
static unet_code start(struct unet_source *source, unet_error *err)
{
    struct reader *r = source->state;
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    jpeg_destroy_decompress(jpeg);
    r->started = r->failed = r->past_end = false;
    r->next = r->error = r->orientation = 0;
    jpeg->err = jpeg_std_error(&r->errors);
    r->errors.error_exit = on_error;
    r->errors.emit_message = on_message;
    r->errors.output_message = on_output;
    jpeg->client_data = r;
    if (setjmp(r->jump))
        return fail_decode(source->name, r, err);
    jpeg_create_decompress(jpeg); /* keeps err and client_data */
    r->input = (struct jpeg_source_mgr){.next_input_byte = r->file->data,
                                        .bytes_in_buffer = r->file->size,
                                        .init_source = on_init,
                                        .fill_input_buffer = on_fill,
                                        .skip_input_data = on_skip,
                                        .resync_to_restart = jpeg_resync_to_restart,
                                        .term_source = on_init};
    jpeg->src = &r->input;
    r->progress.progress_monitor = on_progress;
    jpeg->progress = &r->progress;
    jpeg_set_marker_processor(jpeg, JPEG_APP0 + 1, on_app1);
    jpeg_read_header(jpeg, TRUE);
    return take_header(source->name, r, err);
}

static unet_code jpeg_open(struct unet_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    source->file_pages = 1;
    r->file = &source->file;
    unet_code code = start(source, err);
    if (code)
        return code;
    size_t row = (size_t)r->page.width * (size_t)r->jpeg.num_components;
    if (!(r->row = malloc(row)))
        return un_fail_memory(err, row, source->name);
    return UNET_OK;
}

static unet_code jpeg_page(struct unet_source *source, int index, struct un_page *page,
                           unet_error *err)
{
    (void)index;
    (void)err;
    *page = ((struct reader *)source->state)->page;
    return UNET_OK;
}

/* ---- rows -------------------------------------------------------------------------------- */

/* What remains of white light under inks: 255 is none when the marker of Adobe is there. */
static void inks_to_rgb(const uint8_t *inks, size_t count, bool inverted, uint8_t *rgb)
{
    const unsigned flip = inverted ? 0 : 255;
    for (size_t i = 0; i < count; i++, inks += 4)
        for (int c = 0; c < 3; c++)
            *rgb++ = (uint8_t)(((inks[c] ^ flip) * (inks[3] ^ flip) + 127) / 255);
}

/* The part that libjpeg may leave by longjmp(): its variables live in the caller. */
static unet_code decode_rows(const char *name, struct reader *r, const struct un_rect *rect,
                             uint8_t *dst, unet_error *err)
{
    if (setjmp(r->jump))
        return fail_decode(name, r, err);
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    const size_t bytes = (size_t)rect->width * (size_t)r->page.channels;
    const size_t from = (size_t)jpeg->num_components;
    if (!r->started)
        jpeg_start_decompress(jpeg);
    r->started = true;
    while (r->next < rect->top + rect->height) {
        JSAMPROW row = r->row;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (r->next >= rect->top) {
            const uint8_t *src = r->row + (size_t)rect->left * from;
            uint8_t *to = dst + (size_t)(r->next - rect->top) * bytes;
            if (from == 4)
                inks_to_rgb(src, (size_t)rect->width, jpeg->saw_Adobe_marker, to);
            else
                memcpy(to, src, bytes);
        }
        if (++r->next == r->page.height)
            jpeg_finish_decompress(jpeg); /* which checks that the file is whole */
    }
    return UNET_OK;
}

static unet_code jpeg_read(struct unet_source *source, int index, const struct un_page *page,
                           struct un_rect rect, void *samples, unet_error *err)
{
    struct reader *r = source->state;
    unet_code code;
    (void)index;
    (void)page;
    if ((rect.top < r->next || r->failed) && (code = start(source, err)))
        return code;
    return decode_rows(source->name, r, &rect, samples, err);
}

static void jpeg_close(struct unet_source *source)
{
    struct reader *r = source->state;
    if (!r)
        return;
    jpeg_destroy_decompress(&r->jpeg);
    free(r->row);
    free(r);
}

static const char *const endings[] = {".jpg", ".jpeg", ".jpe", NULL};
const struct un_format un_format_jpeg = {"JPEG",    endings,   probe,     jpeg_open,
                                         jpeg_page, jpeg_read, jpeg_close};
