/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs.c - which mask belongs to which image
 *
 * Every file has a key, its name without the ending; a mask like cell_mask.png has a second one,
 * "cell".  The keys of the masks' folder are sorted, and each image looks its own key up.
 */
#include "data/pairs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/image.h"

#define SHOWN 3 /* names in the message about images without a mask */

static const char *const suffixes[] = {"_mask", "_label", "_seg", "-mask", "-label", "-seg"};

struct entry {
    const char *name; /* of the file */
    char *key;
    bool owner;   /* of name; an entry for the second key only borrows it */
    bool foreign; /* an image format that we do not read */
};

struct listing {
    struct entry *entries;
    size_t count, room;
};

static void release(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->entries[i].key);
        if (listing->entries[i].owner)
            free((char *)listing->entries[i].name);
    }
    free(listing->entries);
    *listing = (struct listing){0};
}

int un_natural_compare(const char *a, const char *b)
{
    const char *p = a, *q = b;
    while (*p && *q) {
        if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
            p += strspn(p, "0");
            q += strspn(q, "0");
            size_t n = strspn(p, "0123456789"), m = strspn(q, "0123456789");
            int order = n != m ? (n < m ? -1 : 1) : memcmp(p, q, n);
            if (order)
                return order;
            p += n;
            q += m;
        } else if (*p != *q) {
            return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
        } else {
            p++;
            q++;
        }
    }
    return *p ? 1 : *q ? -1 : strcmp(a, b); /* 07 and 7 are still two names */
}

static int by_name(const void *a, const void *b)
{
    return un_natural_compare(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* Adds an entry; takes name when owner, also on failure. */
static bool add(struct listing *listing, const char *name, size_t key_size, bool owner)
{
    struct entry entry = {.name = name,
                          .key = strndup(name, key_size),
                          .owner = owner,
                          .foreign = !un_image_name(name)};
    if (listing->count == listing->room) {
        size_t room = 2 * listing->room + 64;
        struct entry *more = realloc(listing->entries, room * sizeof *more);
        if (more) {
            listing->entries = more;
            listing->room = room;
        }
    }
    if (!entry.key || listing->count == listing->room) {
        free(entry.key);
        if (owner)
            free((char *)name);
        return false;
    }
    listing->entries[listing->count++] = entry;
    return true;
}

static size_t stem_size(const char *name)
{
    return (size_t)(strrchr(name, '.') - name);
}

/* The size of a key without a suffix such as _mask; the key's own size if it has none. */
static size_t bare_size(const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t m = strlen(suffixes[i]);
        if (n > m && !strcmp(key + n - m, suffixes[i]))
            return n - m;
    }
    return n;
}

/* The images of a folder, ours and foreign ones, in natural order. */
static unet_code list_folder(const char *folder, struct listing *listing, unet_error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return un_fail_errno(err, "%s", folder);
    struct dirent *file;
    unet_code code = UNET_OK;
    while (!code && (errno = 0, file = readdir(dir))) {
        if (file->d_name[0] == '.' || file->d_type == DT_DIR ||
            (!un_image_name(file->d_name) && !un_image_name_foreign(file->d_name)))
            continue;
        char *name = strdup(file->d_name);
        if (!name || !add(listing, name, stem_size(name), true))
            code = un_fail_memory(err, 0, folder);
    }
    if (!code && errno)
        code = un_fail_errno(err, "%s", folder);
    closedir(dir);
    if (!code && listing->count)
        qsort(listing->entries, listing->count, sizeof *listing->entries, by_name);
    return code;
}

/* Gives masks named like cell_mask.png their second key and sorts all keys. */
static bool index_masks(struct listing *masks)
{
    size_t files = masks->count;
    for (size_t i = 0; i < files; i++) {
        size_t bare = bare_size(masks->entries[i].key);
        if (bare < strlen(masks->entries[i].key) &&
            !add(masks, masks->entries[i].name, bare, false))
            return false;
    }
    if (masks->count)
        qsort(masks->entries, masks->count, sizeof *masks->entries, by_key);
    return true;
}

static const struct entry *find_key(const struct listing *listing, const char *key)
{
    const struct entry wanted = {.key = (char *)key};
    if (!listing->count)
        return NULL;
    const struct entry *found =
        bsearch(&wanted, listing->entries, listing->count, sizeof wanted, by_key);
    while (found && found > listing->entries && !strcmp(found[-1].key, key))
        found--;
    return found;
}

/*
 * The mask of an image: the one file with its key, of a format that we read if there is one.
 * *second is another such file, or NULL.  When both lie in one folder the image is not its own
 * mask.
 */
static const struct entry *find_mask(const struct listing *masks, const struct entry *image,
                                     bool same_folder, const struct entry **second)
{
    const struct entry *end = masks->entries + masks->count, *best = NULL;
    *second = NULL;
    for (const struct entry *e = find_key(masks, image->key);
         e && e < end && !strcmp(e->key, image->key); e++) {
        if (same_folder && !strcmp(e->name, image->name))
            continue;
        if (!best || (best->foreign && !e->foreign)) {
            best = e;
            *second = NULL;
        } else if (best->foreign == e->foreign) {
            *second = e;
        }
    }
    return best;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISDIR(status.st_mode);
}

static bool is_same(const char *a, const char *b)
{
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static char *join(const char *folder, const char *name)
{
    size_t n = strlen(folder);
    char *path = malloc(n + strlen(name) + 2);
    if (path)
        sprintf(path, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
    return path;
}

/* With images and masks in one folder: a file that is a mask of another is no image. */
static bool is_mask_of_other(const struct listing *masks, const struct entry *image)
{
    size_t bare = bare_size(image->key);
    if (bare == strlen(image->key))
        return false;
    char *key = strndup(image->key, bare);
    bool other = false;
    const struct entry *e = key ? find_key(masks, key) : NULL;
    for (; e && e < masks->entries + masks->count && !strcmp(e->key, key); e++)
        other = other || strcmp(e->name, image->name) != 0;
    free(key);
    return other;
}

static unet_code fail_unpaired(const char *images, const char *masks, const char *const *names,
                               int count, int of, unet_error *err)
{
    char list[256] = "";
    for (int i = 0; i < count && i < SHOWN; i++) {
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%.70s", i ? ", " : "", names[i]);
    }
    return un_fail(err, UNET_EINVAL, "%s: %d of %d images have no mask in %s: %s%s", images, count,
                   of, masks, list, count > SHOWN ? " ..." : "");
}

/* A foreign name among the images is an error at once, in the words of the file's own reader. */
static unet_code check_foreign(const char *path, unet_error *err)
{
    struct un_source *source;
    unet_code code = un_source_open(path, &source, err);
    if (!code)
        un_source_close(source); /* one of ours under a wrong name */
    return code;
}

/* Pairs what is listed; room for every image is there. */
static unet_code match(const char *images, const char *masks, const struct listing *listed,
                       const struct listing *keys, struct un_pair *pairs, int *count,
                       unet_error *err)
{
    bool same = is_same(images, masks);
    const char *alone[SHOWN];
    int missing = 0;
    *count = 0;
    for (size_t i = 0; i < listed->count; i++) {
        const struct entry *image = &listed->entries[i], *second;
        if (same && is_mask_of_other(keys, image))
            continue;
        struct un_pair *pair = &pairs[*count];
        if (!(pair->image = join(images, image->name)))
            return un_fail_memory(err, 0, images);
        ++*count;
        pair->name = strrchr(pair->image, '/') + 1;
        unet_code code = image->foreign ? check_foreign(pair->image, err) : UNET_OK;
        if (code)
            return code;
        if (i && !same && !strcmp(image->key, listed->entries[i - 1].key))
            return un_fail(err, UNET_EINVAL, "%s: two images of one name, %s and %s", images,
                           listed->entries[i - 1].name, image->name);
        const struct entry *mask = find_mask(keys, image, same, &second);
        if (mask && second)
            return un_fail(err, UNET_EINVAL, "%s: two masks in %s, %s and %s; one wanted",
                           pair->image, masks, mask->name, second->name);
        if (!mask && missing++ < SHOWN)
            alone[missing - 1] = image->name;
        if (mask && !(pair->mask = join(masks, mask->name)))
            return un_fail_memory(err, 0, masks);
    }
    if (missing)
        return fail_unpaired(images, masks, alone, missing, *count, err);
    return *count ? UNET_OK : un_fail(err, UNET_EINVAL, "%s: no PNG, TIFF or .npy images", images);
}

static unet_code pair_files(const char *image, const char *mask, struct un_pair *pair,
                            unet_error *err)
{
    const char *slash = strrchr(image, '/');
    size_t at = slash ? (size_t)(slash + 1 - image) : 0;
    pair->image = strdup(image);
    pair->mask = strdup(mask);
    if (!pair->image || !pair->mask)
        return un_fail_memory(err, 0, image);
    pair->name = pair->image + at;
    return UNET_OK;
}

/* One image whose mask lies in a folder: as if its folder held nothing else. */
static unet_code pair_file_and_folder(const char *image, const char *masks,
                                      const struct listing *keys, struct un_pair *pair,
                                      unet_error *err)
{
    const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image;
    const char *dot = strrchr(name, '.');
    char *folder = slash ? strndup(image, (size_t)(slash + 1 - image)) : strdup(".");
    struct entry entry = {.name = name, .key = strndup(name, dot ? stem_size(name) : strlen(name))};
    unet_code code = UNET_OK;
    if (!folder || !entry.key) {
        code = un_fail_memory(err, 0, image);
        goto done;
    }
    const struct entry *second, *mask = find_mask(keys, &entry, is_same(folder, masks), &second);
    if (!mask || second) {
        code = un_fail(err, UNET_EINVAL, "%s: %s in %s; one wanted", image,
                       mask ? "several masks" : "no mask", masks);
        goto done;
    }
    char *path = join(masks, mask->name);
    code = path ? pair_files(image, path, pair, err) : un_fail_memory(err, 0, image);
    free(path);
done:
    free(folder);
    free(entry.key);
    return code;
}

unet_code un_pairs_find(const char *images, const char *masks, struct un_pair **pairs, int *count,
                        unet_error *err)
{
    struct listing listed = {0}, keys = {0};
    bool folder = is_folder(images), mask_folder = is_folder(masks);
    unet_code code = UNET_OK;
    int n = 1;
    if (folder && !mask_folder)
        return un_fail(err, UNET_EINVAL, "%s: is no folder; %s is one, so a folder of masks wanted",
                       masks, images);
    if ((folder && (code = list_folder(images, &listed, err))) ||
        (mask_folder && (code = list_folder(masks, &keys, err)))) {
        release(&listed);
        release(&keys);
        return code;
    }
    struct un_pair *made = calloc(listed.count + 1, sizeof *made);
    if (!made || !index_masks(&keys))
        code = un_fail_memory(err, 0, images);
    else if (folder)
        code = match(images, masks, &listed, &keys, made, &n, err);
    else if (mask_folder)
        code = pair_file_and_folder(images, masks, &keys, made, err);
    else
        code = pair_files(images, masks, made, err);
    release(&listed);
    release(&keys);
    if (code) {
        un_pairs_free(made, made ? n : 0);
        return code;
    }
    *pairs = made;
    *count = n;
    return UNET_OK;
}

void un_pairs_free(struct un_pair *pairs, int count)
{
    for (int i = 0; i < count; i++) {
        free(pairs[i].image);
        free(pairs[i].mask);
    }
    free(pairs);
}
