/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_pattern.c - names that a pattern turns into those of masks
 *
 *     (.+)_0000 -> \1            cell_001_0000.png -> cell_001.png
 *
 * A person's pattern is for the end of an image's path, from a folder on, and gives the end of its
 * mask's, with or without the ending of the name.  Those of known layouts are for the name without
 * its ending, in whatever capitals.  Of several masks that fit, that whose folder begins most like
 * the image's is taken; two that do so alike are asked.
 */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/pairs_rules.h"

struct pattern {
    const char *image, *mask;
    const char *layout; /* whose; NULL: a person's */
    bool partial;       /* not every image has a mask */
};

static const struct pattern known[] = {
    {"(.+)_0000", "\\1", "nnU-Net", false},
    {"([0-9]+)_(test|training)", "\\1_manual1", "DRIVE", false},
    {"(.+)_leftImg8bit", "\\1_gtFine_labelIds", "Cityscapes", false},
    {"(.+)_leftImg8bit", "\\1_gtCoarse_labelIds", "Cityscapes (coarse)", false},
    {"t([0-9]{3,})", "man_seg\\1", "the Cell Tracking Challenge", true},
};

enum { KNOWN = sizeof known / sizeof *known, NONE = -1, SEVERAL = -2, GROUPS = 12 };

/* The masks by their names. */
struct named {
    const char *text;
    int mask;
};

struct finder {
    const struct un_pairing *work;
    const struct pattern *pattern;
    regex_t regex;
    struct named *names;
    int count;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->text, ((const struct named *)b)->text);
}

/* ---- from an image to a name ------------------------------------------------------------- */

/* The mask's name of a match; NULL: no memory.  Groups begin behind two of our own. */
static char *expand(const char *template, const char *text, const regmatch_t *groups)
{
    size_t room = strlen(template) + 1 + strlen(template) * strlen(text), used = 0;
    char *made = malloc(room);
    for (const char *p = template; made && *p; p++) {
        if (*p != '\\' || !p[1]) {
            made[used++] = *p;
        } else if (*++p < '0' || *p > '9') {
            made[used++] = *p;
        } else {
            const regmatch_t *group = &groups[*p - '0' + 2];
            size_t size = group->rm_so < 0 ? 0 : (size_t)(group->rm_eo - group->rm_so);
            memcpy(made + used, text + (size ? group->rm_so : 0), size);
            used += size;
        }
    }
    if (made)
        made[used] = 0;
    return made;
}

/* What the pattern makes of an image; *target NULL: it is for other names. */
static unet_code make_target(const struct finder *find, int image, char **target, unet_error *err)
{
    const struct un_listed *file = &find->work->image.files[image];
    regmatch_t groups[GROUPS];
    const int folders = find->pattern->layout ? 0 : (int)(file->name - file->path);
    char *bare = NULL;
    if (asprintf(&bare, "%.*s%s", folders, file->path, file->stem) < 0)
        bare = NULL;
    const char *texts[2] = {bare, find->pattern->layout ? NULL : file->path};
    unet_code code = bare ? UNET_OK : un_fail_memory(err, 0, file->path);
    *target = NULL;
    for (int k = 1; k >= 0 && !code && !*target; k--)
        if (texts[k] && !regexec(&find->regex, texts[k], GROUPS, groups, 0) &&
            !(*target = expand(find->pattern->mask, texts[k], groups)))
            code = un_fail_memory(err, 0, file->path);
    if (!code && *target && find->pattern->layout) {
        char *folded = un_fold_name(*target);
        free(*target);
        if (!(*target = folded))
            code = un_fail_memory(err, 0, file->path);
    }
    free(bare);
    return code;
}

/* ---- from a name to a mask --------------------------------------------------------------- */

/* Whether a path ends in a target, whole folders of it. */
static bool ends_in(const char *path, size_t size, const char *target)
{
    size_t n = strlen(target);
    return size >= n && !memcmp(path + size - n, target, n) &&
           (size == n || path[size - n - 1] == '/');
}

static bool fits(const struct finder *find, const struct un_listed *mask, const char *target)
{
    if (find->pattern->layout)
        return true; /* names are whole */
    size_t all = strlen(mask->path), ending = strlen(mask->name) - un_stem_size(mask->name);
    return ends_in(mask->path, all, target) || ends_in(mask->path, all - ending, target);
}

/* Bytes that two folders begin with alike. */
static int alike(const char *a, const char *b)
{
    int n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

/* The mask of an image: NONE, or two of some[] and SEVERAL. */
static int choose(const struct finder *find, int image, const char *target, int some[2])
{
    const struct un_listed *files = find->work->mask.files;
    const char *slash = find->pattern->layout ? NULL : strrchr(target, '/');
    const char *name = slash ? slash + 1 : target;
    int low = 0, high = find->count, best = -1, found = NONE;
    while (low < high) {
        int middle = (low + high) / 2;
        if (strcmp(find->names[middle].text, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < find->count && !strcmp(find->names[low].text, name); low++) {
        int mask = find->names[low].mask;
        if (!fits(find, &files[mask], target) || (found >= 0 && found == mask))
            continue;
        int rank = alike(files[mask].folder, find->work->image.files[image].folder);
        if (rank == best) {
            some[1] = mask;
            found = SEVERAL;
        } else if (rank > best) {
            best = rank;
            some[0] = found = mask;
        }
    }
    return found;
}

/* ---- a pattern ready to use -------------------------------------------------------------- */

static void release(struct finder *find)
{
    regfree(&find->regex);
    free(find->names);
}

static unet_code compile(const struct pattern *pattern, regex_t *regex, unet_error *err)
{
    char *whole = NULL, why[120];
    if (asprintf(&whole, "^(.*/)?(%s)$", pattern->image) < 0)
        return un_fail_memory(err, strlen(pattern->image), "pattern");
    int bad = regcomp(regex, whole, REG_EXTENDED | (pattern->layout ? REG_ICASE : 0));
    free(whole);
    if (bad) {
        regerror(bad, regex, why, sizeof why);
        return un_fail(err, UNET_EINVAL, "pattern \"%.100s\": %s", pattern->image, why);
    }
    for (const char *p = pattern->mask; (p = strchr(p, '\\')) && p[1]; p += 2)
        if (p[1] > '0' && p[1] <= '9' && (size_t)(p[1] - '0') + 2 > regex->re_nsub) {
            regfree(regex);
            return un_fail(err, UNET_EINVAL,
                           "pattern \"%.100s\": \\%c is used for the mask, but there is no such "
                           "group in parentheses",
                           pattern->image, p[1]);
        }
    return UNET_OK;
}

static unet_code prepare(const struct un_pairing *work, const struct pattern *pattern,
                         struct finder *find, unet_error *err)
{
    size_t masks = (size_t)work->mask.count;
    *find = (struct finder){.work = work, .pattern = pattern};
    if (!(find->names = malloc((2 * masks + 1) * sizeof *find->names)))
        return un_fail_memory(err, masks * sizeof *find->names, work->masks);
    unet_code code = compile(pattern, &find->regex, err);
    if (code) {
        free(find->names);
        return code;
    }
    for (int i = 0; i < work->mask.count; i++) {
        const struct un_listed *mask = &work->mask.files[i];
        if (pattern->layout) {
            find->names[find->count++] = (struct named){mask->folded[UN_STEM], i};
            continue;
        }
        find->names[find->count++] = (struct named){mask->name, i};
        if (un_stem_size(mask->name) < strlen(mask->name))
            find->names[find->count++] = (struct named){mask->stem, i};
    }
    qsort(find->names, (size_t)find->count, sizeof *find->names, by_text);
    return UNET_OK;
}

/* The mask of an image, NONE or SEVERAL; *matched: the pattern is for its name. */
static unet_code look_up(const struct finder *find, int image, int *mask, int some[2],
                         bool *matched, unet_error *err)
{
    char *target;
    unet_code code = make_target(find, image, &target, err);
    *matched = target != NULL;
    *mask = target ? choose(find, image, target, some) : NONE;
    free(target);
    return code;
}

static struct pattern wished(const struct un_pairing *work)
{
    return (struct pattern){work->wish->image, work->wish->mask, NULL, false};
}

/* ---- the rule ---------------------------------------------------------------------------- */

static unet_code fail_several(const struct un_pairing *work, int image, int a, int b,
                              unet_error *err)
{
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_PAIR,
                        "%s: two masks in %s, %s and %s; one wanted", work->image.files[image].path,
                        work->masks, work->mask.files[a].relative, work->mask.files[b].relative);
}

static void describe(struct un_pairing *work, const struct pattern *pattern)
{
    if (pattern->layout)
        snprintf(work->rule, sizeof work->rule, "as %s names them, %s with %s", pattern->layout,
                 pattern->image, pattern->mask);
    else
        snprintf(work->rule, sizeof work->rule, "by the pattern %.60s with %.60s", pattern->image,
                 pattern->mask);
}

/* Of a person's own: that it finds nothing has a reason. */
static unet_code check_found(const struct un_pairing *work, const struct pattern *own, int matches,
                             int pairs, unet_error *err)
{
    if (!work->image.count || pairs)
        return UNET_OK;
    if (!matches)
        return un_fail(err, UNET_EINVAL,
                       "pattern \"%.100s\": is for none of the %d images, such as %s", own->image,
                       work->image.count, work->image.files[0].path);
    return un_fail(err, UNET_EINVAL,
                   "pattern \"%.100s\" with \"%.100s\": none of the masks that it names for %d of "
                   "%d images is in %s",
                   own->image, own->mask, matches, work->image.count, work->masks);
}

/* Pairs by one pattern; *done: it found masks. */
static unet_code pair_by(struct un_pairing *work, const struct pattern *pattern, bool *done,
                         unet_error *err)
{
    struct finder find;
    int matches = 0, pairs = 0;
    unet_code code = un_pairing_room(work, NULL, 1, err);
    if (code || (code = prepare(work, pattern, &find, err)))
        return code;
    for (int i = 0; i < work->image.count && !code; i++) {
        int mask, some[2];
        bool matched;
        if ((code = look_up(&find, i, &mask, some, &matched, err)))
            break;
        matches += matched;
        if (mask == SEVERAL)
            code = fail_several(work, i, some[0], some[1], err);
        else if (mask >= 0 && !(code = un_pairing_set(work, i, 0, mask, err)))
            pairs++;
    }
    release(&find);
    if (!code && !pattern->layout)
        code = check_found(work, pattern, matches, pairs, err);
    *done = !code && pairs;
    if (*done)
        describe(work, pattern);
    work->partial = *done && (pattern->partial || (!pattern->layout && pairs == matches));
    return code;
}

unet_code un_pairing_by_pattern(struct un_pairing *work, bool *done, unet_error *err)
{
    unet_code code = UNET_OK;
    if (work->wish) {
        const struct pattern own = wished(work);
        return pair_by(work, &own, done, err);
    }
    for (int k = 0; k < KNOWN && !code && !*done; k++)
        code = pair_by(work, &known[k], done, err);
    return code;
}

unet_code un_pairing_contradicted(struct un_pairing *work, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int k = 0; k < KNOWN && !code; k++) {
        struct finder find;
        if ((code = prepare(work, &known[k], &find, err)))
            break;
        for (int i = 0; i < work->image.count && !code; i++) {
            const int *found = work->found + i * work->class_count;
            int mask, some[2];
            bool matched;
            if (*found < 0 || (code = look_up(&find, i, &mask, some, &matched, err)))
                continue;
            mask = mask == SEVERAL ? some[0] : mask;
            if (mask >= 0 && work->mask.files[mask].used < 0)
                code = un_fail_hint(err, UNET_EINVAL, UNET_HINT_PAIR,
                                    "%s: two masks in %s: %s, %s, and %s, as %s names them; one "
                                    "folder of masks wanted",
                                    work->image.files[i].path, work->masks,
                                    work->mask.files[*found].relative, work->rule,
                                    work->mask.files[mask].relative, known[k].layout);
        }
        release(&find);
    }
    return code;
}

unet_code un_pairing_targets(struct un_pairing *work, bool *is, unet_error *err)
{
    struct un_pairing all = *work;
    const bool own = work->wish != NULL;
    const struct pattern mine = own ? wished(work) : known[0];
    unet_code code = UNET_OK;
    all.mask = work->image; /* each file may be the mask of another */
    for (int k = 0; k < (own ? 1 : KNOWN) && !code; k++) {
        struct finder find;
        if ((code = prepare(&all, own ? &mine : &known[k], &find, err)))
            break;
        for (int i = 0; i < all.image.count && !code; i++) {
            int mask, some[2];
            bool matched;
            if ((code = look_up(&find, i, &mask, some, &matched, err)) || mask == NONE)
                continue;
            mask = mask == SEVERAL ? some[0] : mask;
            is[mask] = is[mask] || mask != i;
        }
        release(&find);
    }
    return code;
}
