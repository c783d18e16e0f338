/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openslide.c - one level of a slide by OpenSlide, where that is installed
 *
 *     slide.svs/1     level 1 of whatever OpenSlide reads; level 0 is the largest
 *     slide.mrxs      formats that nobody else here reads: level 0
 *
 * The library is looked for when a slide is opened, so that one program runs with it and without.
 * Pixels are composed over the slide's background colour, white if it tells none: where nothing was
 * scanned, that is what there is.  Regions are read in tiles at fixed places, since OpenSlide
 * resamples where a level's pixels are no whole number of the largest one's.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/decimal.h"
#include "image/slides/loaded.h"
#include "image/slides/slides.h"
#include "image/tile_cache.h"

#define TILE 512
#define SLAB 16 /* rows that are taken out of tiles at a time */
#define MOST_LEVELS 64

/* What is called of OpenSlide 3.4 and 4. */
struct library {
    void *handle;
    void *(*open)(const char *path);
    void (*close)(void *slide);
    const char *(*error)(void *slide);
    const char *(*property)(void *slide, const char *name);
    int32_t (*levels)(void *slide);
    void (*sides)(void *slide, int32_t level, int64_t *width, int64_t *height);
    double (*downsample)(void *slide, int32_t level);
    void (*read)(void *slide, uint32_t *pixels, int64_t x, int64_t y, int32_t level, int64_t width,
                 int64_t height);
    const char *const *(*others)(void *slide);
    void (*other_sides)(void *slide, const char *name, int64_t *width, int64_t *height);
};

struct reader {
    struct library library;
    void *slide;
    char *path;
    int level;
    double downsample;
    uint8_t background[3];
    struct un_page page;
    struct un_tile_cache cache; /* red, green, blue, and 0 where nothing was scanned */
    uint32_t *pixels;           /* of a tile */
};

/* ---- the library ------------------------------------------------------------------------- */

static bool find_all(struct library *l)
{
    const struct {
        const char *name;
        void *function;
    } wanted[] = {
        {"openslide_open", &l->open},
        {"openslide_close", &l->close},
        {"openslide_get_error", &l->error},
        {"openslide_get_property_value", &l->property},
        {"openslide_get_level_count", &l->levels},
        {"openslide_get_level_dimensions", &l->sides},
        {"openslide_get_level_downsample", &l->downsample},
        {"openslide_read_region", &l->read},
        {"openslide_get_associated_image_names", &l->others},
        {"openslide_get_associated_image_dimensions", &l->other_sides},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!un_loaded_find(l->handle, wanted[i].name, wanted[i].function))
            return false;
    return true;
}

static unet_code load(const char *name, struct library *l, unet_error *err)
{
    static const char *const files[] = {"libopenslide.so.1", "libopenslide.so.0", NULL};
    if (!un_loaded_possible())
        return un_fail(err, UNET_EFORMAT,
                       "%s: a level of a slide, which OpenSlide reads, and this unet is one file "
                       "that loads no libraries; a unet of your system's packages, or one that you "
                       "build, does",
                       name);
    if (!(l->handle = un_loaded_open(files)))
        return un_fail(err, UNET_EFORMAT,
                       "%s: a level of a slide, which OpenSlide reads, and that is not installed "
                       "(Debian: libopenslide0)",
                       name);
    if (find_all(l))
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT, "%s: the OpenSlide that is installed is no version 3.4 or 4",
                   name);
}

static unet_code check_error(const struct reader *r, unet_error *err)
{
    const char *why = r->library.error(r->slide);
    return why ? un_fail(err, UNET_EFORMAT, "%s: %.300s (OpenSlide)", r->path, why) : UNET_OK;
}

/* ---- which files ------------------------------------------------------------------------- */

static const char *const endings[] = {".mrxs", ".vms", ".vmu", ".svslide", NULL};

static bool is_file(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISREG(status.st_mode);
}

/* slide.svs/1 -> the slide's path, to be freed, and 1; NULL: it is none, or there is no memory. */
static char *split(const char *path, int *level)
{
    const char *slash = strrchr(path, '/');
    const size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;
    *level = 0;
    if (!digits || digits > 2 || slash[1 + digits] || slash == path)
        return strdup(path);
    char *slide = strndup(path, (size_t)(slash - path));
    if (slide && is_file(slide)) {
        *level = atoi(slash + 1);
        return slide;
    }
    free(slide);
    return strdup(path);
}

bool un_slide_named(const char *path)
{
    int level;
    char *slide = split(path, &level);
    bool is = slide && strcmp(slide, path);
    for (const char *const *ending = endings; slide && *ending && !is; ending++) {
        const size_t n = strlen(path), m = strlen(*ending);
        is = n > m && !strcasecmp(path + n - m, *ending) && is_file(path);
    }
    free(slide);
    return is;
}

static bool probe(const unsigned char *head, size_t size)
{
    (void)head;
    (void)size;
    return false;
}

/* ---- opening ----------------------------------------------------------------------------- */

static double number(const struct reader *r, const char *name)
{
    const char *text = r->library.property(r->slide, name), *end;
    double value = 0;
    return text && un_decimal_read_plain(text, &end, &value) ? value : 0;
}

static bool has_length(double size)
{
    return size > 1e-3 && size < 1e4;
}

static void take_background(struct reader *r)
{
    const char *text = r->library.property(r->slide, "openslide.background-color");
    unsigned long rgb = text && strlen(text) == 6 ? strtoul(text, NULL, 16) : 0xffffff;
    for (int c = 0; c < 3; c++)
        r->background[c] = (uint8_t)(rgb >> (16 - 8 * c));
}

static void add_unread(struct unet_source *source, const char *what, int64_t height, int64_t width)
{
    const int n = source->unread_count;
    struct un_unread *more = realloc(source->unread, ((size_t)n + 1) * sizeof *more);
    if (!more || height < 1 || width < 1 || height > INT32_MAX || width > INT32_MAX) {
        source->unread = more ? more : source->unread;
        return;
    }
    source->unread = more;
    more[n] = (struct un_unread){what, (int)height, (int)width};
    source->unread_count = n + 1;
}

/* The other levels, and photographs of the slide. */
static void list_unread(struct unet_source *source, const struct reader *r, int levels)
{
    static const char *const known[] = {"thumbnail", "label", "macro"};
    const struct library *l = &r->library;
    int64_t width, height;
    for (int k = 0; k < levels; k++)
        if (k != r->level) {
            l->sides(r->slide, k, &width, &height);
            add_unread(source, "level", height, width);
        }
    for (const char *const *name = l->others(r->slide); name && *name; name++)
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (!strcmp(*name, known[i])) {
                l->other_sides(r->slide, *name, &width, &height);
                add_unread(source, known[i], height, width);
            }
}

static unet_code open_slide(const char *name, struct reader *r, int *levels, unet_error *err)
{
    struct library *l = &r->library;
    unet_code code = load(name, l, err);
    if (code)
        return code;
    if (!(r->slide = l->open(r->path)))
        return un_fail(err, UNET_EFORMAT, "%s: no slide that OpenSlide reads", r->path);
    if ((code = check_error(r, err)))
        return code;
    *levels = l->levels(r->slide);
    if (r->level < *levels && *levels <= MOST_LEVELS)
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "%s: level %d; the slide has levels 0 to %d", r->path,
                   r->level, *levels - 1);
}

static unet_code fill_tile(void *context, struct un_tile *tile, unet_error *err);
static unet_code mark_empty(struct unet_source *source, int index, struct un_rect rect,
                            uint8_t value, uint8_t *mask, unet_error *err);

static unet_code take_page(const char *name, struct reader *r, unet_error *err)
{
    struct un_page *page = &r->page;
    int64_t width = 0, height = 0;
    r->library.sides(r->slide, r->level, &width, &height);
    r->downsample = r->library.downsample(r->slide, r->level);
    if (width < 1 || height < 1 || width > UN_IMAGE_SIDE || height > UN_IMAGE_SIDE ||
        !(r->downsample > 0) || !isfinite(r->downsample))
        return un_fail(err, UNET_EFORMAT, "%s: %lld x %lld pixels; sides of 1..%d wanted", name,
                       (long long)width, (long long)height, UN_IMAGE_SIDE);
    *page = (struct un_page){.height = (int)height,
                             .width = (int)width,
                             .channels = 3,
                             .kind = UN_UINT,
                             .bits = 8,
                             .bytes = 1,
                             .lossy = true};
    const double x = number(r, "openslide.mpp-x"), y = number(r, "openslide.mpp-y");
    if (has_length(x) && has_length(y)) {
        page->pixel_width = x * r->downsample;
        page->pixel_height = y * r->downsample;
        strcpy(page->unit, "um");
    }
    r->cache.page = *page;
    r->cache.page.channels = 4;
    r->cache.name = name;
    r->cache.height = page->height < TILE ? page->height : TILE;
    r->cache.width = page->width < TILE ? page->width : TILE;
    r->cache.fill = fill_tile;
    r->cache.context = r;
    const size_t bytes = (size_t)r->cache.height * (size_t)r->cache.width * sizeof *r->pixels;
    if (!(r->pixels = malloc(bytes)))
        return un_fail_memory(err, bytes, name);
    unet_code code = un_tile_cache_make(&r->cache, err);
    if (!code)
        page->working = un_tile_cache_bytes(&r->cache) + bytes + (size_t)page->width * SLAB * 4;
    return code;
}

static unet_code slide_open(struct unet_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    int levels = 0;
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    char *path = strndup(source->name, source->file_name);
    r->path = path ? split(path, &r->level) : NULL;
    free(path);
    if (!r->path)
        return un_fail_memory(err, source->file_name, source->name);
    unet_code code = open_slide(source->name, r, &levels, err);
    if (code || (code = take_page(source->name, r, err)))
        return code;
    take_background(r);
    list_unread(source, r, levels);
    source->file_pages = 1;
    source->mark_empty = mark_empty;
    return UNET_OK;
}

static unet_code slide_page(struct unet_source *source, int index, struct un_page *page,
                            unet_error *err)
{
    (void)index;
    (void)err;
    *page = ((struct reader *)source->state)->page;
    return UNET_OK;
}

/* ---- pixels ------------------------------------------------------------------------------ */

/* Alpha, red, green, blue from the highest byte on, colours multiplied by alpha. */
static void compose(const struct reader *r, uint32_t pixel, uint8_t rgb[4])
{
    const unsigned clear = 255 - (pixel >> 24);
    for (int c = 0; c < 3; c++) {
        const unsigned v = (pixel >> (16 - 8 * c) & 255) + (clear * r->background[c] + 127) / 255;
        rgb[c] = (uint8_t)(v < 255 ? v : 255);
    }
    rgb[3] = (uint8_t)(pixel >> 24);
}

static unet_code fill_tile(void *context, struct un_tile *tile, unet_error *err)
{
    struct reader *r = context;
    const struct un_tile_cache *cache = &r->cache;
    const int top = tile->row * cache->height, left = tile->column * cache->width;
    const int height =
        cache->page.height - top < cache->height ? cache->page.height - top : cache->height;
    const int width =
        cache->page.width - left < cache->width ? cache->page.width - left : cache->width;
    r->library.read(r->slide, r->pixels, (int64_t)floor(left * r->downsample),
                    (int64_t)floor(top * r->downsample), r->level, width, height);
    unet_code code = check_error(r, err);
    for (int y = 0; y < height && !code; y++)
        for (int x = 0; x < width; x++)
            compose(r, r->pixels[(size_t)y * (size_t)width + (size_t)x],
                    tile->samples + ((size_t)y * (size_t)cache->width + (size_t)x) * 4);
    return code;
}

/* What becomes of `count` pixels [4] of the cache. */
typedef void taker(const uint8_t *pixels, size_t count, uint8_t value, uint8_t *dst);

static void take_colours(const uint8_t *pixels, size_t count, uint8_t value, uint8_t *dst)
{
    (void)value;
    for (size_t i = 0; i < count; i++, pixels += 4, dst += 3)
        memcpy(dst, pixels, 3);
}

static void take_empty(const uint8_t *pixels, size_t count, uint8_t value, uint8_t *dst)
{
    for (size_t i = 0; i < count; i++, pixels += 4)
        dst[i] = pixels[3] ? dst[i] : value;
}

/* dst: of `bytes` for each pixel. */
static unet_code take(struct reader *r, struct un_rect rect, taker *how, uint8_t value,
                      size_t bytes, uint8_t *dst, unet_error *err)
{
    const size_t width = (size_t)rect.width;
    uint8_t *slab = malloc(width * SLAB * 4);
    unet_code code = slab ? UNET_OK : un_fail_memory(err, width * SLAB * 4, r->path);
    for (int done = 0; done < rect.height && !code; done += SLAB) {
        const int rows = rect.height - done < SLAB ? rect.height - done : SLAB;
        const struct un_rect part = {rect.top + done, rect.left, rows, rect.width};
        code = un_tile_cache_read(&r->cache, 0, part, slab, err);
        if (!code)
            how(slab, (size_t)rows * width, value, dst + (size_t)done * width * bytes);
    }
    free(slab);
    return code;
}

static unet_code slide_read(struct unet_source *source, int index, const struct un_page *page,
                            struct un_rect rect, void *samples, unet_error *err)
{
    (void)index;
    (void)page;
    return take(source->state, rect, take_colours, 0, 3, samples, err);
}

static unet_code mark_empty(struct unet_source *source, int index, struct un_rect rect,
                            uint8_t value, uint8_t *mask, unet_error *err)
{
    (void)index;
    return take(source->state, rect, take_empty, value, 1, mask, err);
}

static void slide_close(struct unet_source *source)
{
    struct reader *r = source->state;
    if (!r)
        return;
    if (r->slide)
        r->library.close(r->slide);
    un_tile_cache_release(&r->cache);
    free(r->pixels);
    free(r->path);
    free(r);
}

const struct un_format un_format_slide = {"slide",    endings,    probe,      slide_open,
                                          slide_page, slide_read, slide_close};

/* ---- levels ------------------------------------------------------------------------------ */

unet_code un_slide_level(const char *path, enum un_size_kind kind, float least, float most,
                         int *level, struct un_size *size, unet_error *err)
{
    struct reader r = {.path = strdup(path)};
    int levels = 0;
    double best = INFINITY;
    if (!r.path)
        return un_fail_memory(err, strlen(path), path);
    unet_code code = open_slide(path, &r, &levels, err);
    *level = 0;
    *size = (struct un_size){UN_SIZE_NONE, 0};
    const double x = code ? 0 : number(&r, "openslide.mpp-x");
    const double y = code ? 0 : number(&r, "openslide.mpp-y");
    for (int k = 0; k < levels && has_length(x) && has_length(y); k++) {
        const float side = (float)(sqrt(x * y) * r.library.downsample(r.slide, k));
        const float near = side < least ? least : side > most ? most : side;
        const double ratio = un_size_ratio(UN_SIZE_LENGTH, side, kind, near);
        if (ratio < best) {
            best = ratio;
            *level = k;
            *size = (struct un_size){UN_SIZE_LENGTH, side};
        }
    }
    if (r.slide)
        r.library.close(r.slide);
    free(r.path);
    return code;
}
