/* SPDX-License-Identifier: Apache-2.0 */
/* channel_files.c - files of channels found among names, and joined to paths of images */
#include "data/set/channel_files.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"

static const char gaps[] = "_- .";

/* A path in parts: what is before a word for a channel, the word, and the rest. */
struct parts {
    char *path;
    size_t from, to; /* of the word */
    int word;        /* its number; -1: it has none */
};

/* ---- words ------------------------------------------------------------------------------- */

/* ch00, C1, d0, channel_2's last part, w1DAPI, ch1sk1fk1fl1; 0000 at the end of a name */
static bool is_word(const char *word, size_t size, bool last)
{
    static const struct {
        const char *begins;
        bool more; /* letters may follow the number */
    } kinds[] = {{"channel", false}, {"ch", true}, {"c", false}, {"d", false}, {"w", true}};
    if (last && size == 4 && !strncmp(word, "00", 2))
        return strspn(word, "0123456789") >= 4;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = strlen(kinds[i].begins), digits;
        if (size <= n || strncasecmp(word, kinds[i].begins, n))
            continue;
        digits = strspn(word + n, "0123456789");
        digits = digits < size - n ? digits : size - n;
        if (!digits || digits > 3)
            return false;
        for (size_t k = n + digits; k < size; k++)
            if (!kinds[i].more || !isalnum((unsigned char)word[k]))
                return false;
        return true;
    }
    return false;
}

static bool is_one_of(const struct un_channels *channels, const char *word, size_t size, int *which)
{
    for (int i = 0; i < channels->file_count; i++)
        if (strlen(channels->files[i]) == size && !strncmp(channels->files[i], word, size)) {
            *which = i;
            return true;
        }
    return false;
}

/* The last word of the name that is one of a channel, or one of those that are known. */
static bool find_word(const struct un_channels *known, struct parts *parts)
{
    const char *slash = strrchr(parts->path, '/'), *name = slash ? slash + 1 : parts->path;
    const char *end = name + un_stem_size(name);
    parts->word = -1;
    for (const char *to = end; to > name;) {
        const char *from = to;
        while (from > name && !strchr(gaps, from[-1]))
            from--;
        size_t size = (size_t)(to - from);
        parts->from = (size_t)(from - parts->path);
        parts->to = (size_t)(to - parts->path);
        if (size && size < UN_CHANNEL_WORD && size < (size_t)(end - name) &&
            (known ? is_one_of(known, from, size, &parts->word) : is_word(from, size, to == end)))
            return true;
        to = from > name ? from - 1 : name;
    }
    return false;
}

/* Same image: alike but for the word. */
static int compare_images(const struct parts *a, const struct parts *b)
{
    size_t n = a->from < b->from ? a->from : b->from;
    int order = memcmp(a->path, b->path, n);
    if (order || a->from != b->from)
        return order ? order : a->from < b->from ? -1 : 1;
    return strcmp(a->path + a->to, b->path + b->to);
}

static int by_image(const void *a, const void *b)
{
    const struct parts *x = a, *y = b;
    if ((x->word < 0) != (y->word < 0))
        return x->word < 0 ? 1 : -1;
    int order = x->word < 0 ? 0 : compare_images(x, y);
    return order ? order : un_natural_compare(x->path, y->path);
}

/* The end of a run of files of one image. */
static int end_of_image(const struct parts *parts, int first, int count)
{
    int end = first + 1;
    while (end < count && parts[end].word >= 0 && !compare_images(&parts[first], &parts[end]))
        end++;
    return end;
}

/* ---- finding ----------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has(const char **names, size_t count, const char *name)
{
    return bsearch(&name, names, count, sizeof *names, by_text) != NULL;
}

/* Whether a mask is called as the image is without its word. */
static bool has_base(const char **names, size_t count, const struct parts *parts, char *room)
{
    const char *slash = strrchr(parts->path, '/'), *name = slash ? slash + 1 : parts->path;
    size_t from = parts->from - (size_t)(name - parts->path), to = from + parts->to - parts->from;
    size_t end = un_stem_size(name);
    if (from) /* with the gap before it, or behind it */
        from--;
    else
        to += to < end;
    sprintf(room, "%.*s%.*s", (int)from, name, (int)(end - to), name + to);
    return *room && has(names, count, room);
}

/* Numbers the words of all files; false: too many, or one is not of a channel. */
static bool number_words(struct parts *parts, int count, struct un_channels *found)
{
    for (int i = 0; i < count; i++) {
        const size_t size = parts[i].to - parts[i].from;
        const char *word = parts[i].path + parts[i].from;
        if (is_one_of(found, word, size, &parts[i].word))
            continue;
        if (found->file_count == UN_CHANNEL_FILES)
            return false;
        parts[i].word = found->file_count;
        snprintf(found->files[found->file_count++], UN_CHANNEL_WORD, "%.*s", (int)size, word);
    }
    return found->file_count > 1;
}

static int by_word(const void *a, const void *b)
{
    return un_natural_compare(a, b);
}

/* Whether masks say that these are files of channels. */
static bool judge(const struct un_listing *images, struct parts *parts, const char **names,
                  size_t name_count, int words, char *room)
{
    int groups = 0, whole = 0, with_mask = 0;
    for (int i = 0; i < images->count; i++)
        if (has(names, name_count, images->files[i].stem))
            return false;
    for (int i = 0, end; i < images->count; i = end) {
        end = end_of_image(parts, i, images->count);
        groups++;
        whole += end - i == words;
        with_mask += has_base(names, name_count, &parts[i], room);
    }
    return whole > 0 && 2 * whole >= groups && 2 * with_mask >= groups;
}

unet_code un_channel_files_find(const struct un_listing *images, const struct un_listing *masks,
                                struct un_channels *found, unet_error *err)
{
    size_t longest = 1, names = 2 * (size_t)masks->count;
    struct un_channels made = *found;
    struct parts *parts = calloc((size_t)images->count + 1, sizeof *parts);
    const char **name = malloc((names + 1) * sizeof *name);
    char *room = NULL;
    unet_code code = UNET_OK;
    bool all = parts && images->count > 1;
    for (int i = 0; i < images->count && all; i++) {
        parts[i].path = images->files[i].path;
        longest = strlen(parts[i].path) > longest ? strlen(parts[i].path) : longest;
        all = find_word(NULL, &parts[i]);
    }
    if (!parts || !name || !(room = malloc(longest + 1))) {
        code = un_fail_memory(err, longest, "file names");
        goto done;
    }
    if (!all || !number_words(parts, images->count, &made))
        goto done;
    for (int i = 0; i < masks->count; i++) {
        name[2 * i] = masks->files[i].stem;
        name[2 * i + 1] = masks->files[i].mask_stem;
    }
    qsort(name, names, sizeof *name, by_text);
    qsort(parts, (size_t)images->count, sizeof *parts, by_image);
    if (judge(images, parts, name, names, made.file_count, room)) {
        qsort(made.files, (size_t)made.file_count, sizeof *made.files, by_word);
        *found = made;
    }
done:
    free(parts);
    free(name);
    free(room);
    return code;
}

/* ---- joining ----------------------------------------------------------------------------- */

static unet_code fail_lacking(const struct un_channels *channels, const struct parts *part,
                              int lacks, unet_error *err)
{
    char words[160] = "";
    for (int i = 0; i < channels->file_count; i++) {
        size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, "%s%s", i ? ", " : "", channels->files[i]);
    }
    return un_fail(err, UNET_EINVAL,
                   "%.*s%s%s: this file lacks: images have their channels, %s, in a file each, and "
                   "there is %s",
                   (int)part->from, part->path, channels->files[lacks], part->path + part->to,
                   words, part->path);
}

/* The path of the image whose files are parts [count]. */
static unet_code join_image(const struct un_channels *channels, const struct parts *parts,
                            int count, char **path, unet_error *err)
{
    char words[UN_CHANNELS_TEXT] = "";
    for (int k = 0; k < channels->file_count; k++) {
        bool there = false;
        for (int i = 0; i < count; i++)
            there = there || parts[i].word == k;
        if (!there)
            return fail_lacking(channels, &parts[0], k, err);
        size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, "%s%s", k ? "," : "", channels->files[k]);
    }
    return asprintf(path, "%.*s{%s}%s", (int)parts->from, parts->path, words,
                    parts->path + parts->to) < 0
               ? un_fail_memory(err, strlen(parts->path), parts->path)
               : UNET_OK;
}

static unet_code join_files(const struct un_channels *channels, char **paths, int *count,
                            unet_error *err)
{
    struct parts *parts = calloc((size_t)*count + 1, sizeof *parts);
    unet_code code = parts ? UNET_OK : un_fail_memory(err, sizeof *parts, "file names");
    int made = 0;
    for (int i = 0; i < *count && !code; i++) {
        parts[i].path = paths[i];
        find_word(channels, &parts[i]);
    }
    if (code)
        return code;
    qsort(parts, (size_t)*count, sizeof *parts, by_image);
    for (int i = 0, end; i < *count; i = end) {
        char *path = NULL;
        end = parts[i].word < 0 ? i + 1 : end_of_image(parts, i, *count);
        if (parts[i].word < 0) {
            paths[made++] = parts[i].path;
            continue;
        }
        if (!code)
            code = join_image(channels, parts + i, end - i, &path, err);
        for (int k = i + (code != UNET_OK); k < end; k++)
            free(parts[k].path);
        paths[made++] = code ? parts[i].path : path;
    }
    *count = made;
    free(parts);
    return code;
}

unet_code un_channel_files_join(const struct un_channels *channels, char **paths, int *count,
                                unet_error *err)
{
    char ending[UN_CHANNELS_TEXT];
    size_t begin;
    unet_code code = channels->file_count ? join_files(channels, paths, count, err) : UNET_OK;
    un_channels_ending(channels, ending, sizeof ending);
    for (int i = 0; i < *count && !code && *ending; i++) {
        char *path;
        if (un_channels_chosen(paths[i], &begin))
            continue;
        if (asprintf(&path, "%s%s", paths[i], ending) < 0)
            return un_fail_memory(err, strlen(paths[i]), paths[i]);
        free(paths[i]);
        paths[i] = path;
    }
    return code;
}

unet_code un_channel_files_list(struct un_channels *channels, struct un_listing *images,
                                const struct un_listing *masks, unet_error *err)
{
    unet_code code = UNET_OK;
    if (!channels->file_count)
        code = un_channel_files_find(images, masks, channels, err);
    if (code || (!channels->file_count && !channels->pages && !channels->count))
        return code;
    struct un_listing made = {0};
    int count = images->count;
    char **paths = calloc((size_t)count + 1, sizeof *paths);
    if (!paths)
        return un_fail_memory(err, (size_t)count * sizeof *paths, "file names");
    size_t root = count ? (size_t)(images->files[0].relative - images->files[0].path) : 0;
    for (int i = 0; i < count && !code; i++)
        if (!(paths[i] = strdup(images->files[i].path)))
            code = un_fail_memory(err, 0, "file names");
    if (!code)
        code = un_channel_files_join(channels, paths, &count, err);
    for (int i = 0; i < count; i++) {
        if (!code)
            code = un_listing_add(&made, paths[i], root, err);
        else
            free(paths[i]);
    }
    free(paths);
    if (code) {
        un_listing_release(&made);
        return code;
    }
    un_listing_sort(&made);
    un_listing_release(images);
    *images = made;
    return UNET_OK;
}
