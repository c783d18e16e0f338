/* SPDX-License-Identifier: Apache-2.0 */
/* coding_hard.c - readings that take each value for what it is: 0 and 255, class indices, and few
 * values well apart */
#include "data/masks/census_view.h"

enum {
    APART = 4,        /* grey codes differ by this at least */
    APART_COLORS = 8, /* so do colours, in some channel */
    MOST_GREY_CODES = 64
};

/* ---- 0 and 255 --------------------------------------------------------------------------- */

bool un_coding_is_black_and_white(const struct un_view *view, int ignore)
{
    if (view->kind == UN_CODING_COLOR || ignore == 255 || ignore == 0 || !un_view_find(view, 255))
        return false;
    for (size_t i = 0; i < view->count; i++) {
        uint32_t v = view->entries[i].code;
        if (v != 0 && v != 255 && v != (uint32_t)ignore)
            return false;
    }
    return true;
}

static unet_code find_black_and_white(const struct un_view *view, int classes,
                                      struct un_coding *coding, unet_error *err)
{
    if (classes > 2)
        return un_fail(err, UNET_EINVAL,
                       "%s: mask values 0 and 255, two classes; %d classes expected",
                       un_view_file(view, un_view_find(view, 255)), classes);
    coding->labels = 2;
    un_coding_add(coding, 0, 0, 0);
    un_coding_add(coding, 255, 255, 1);
    return UNET_OK;
}

/* ---- class indices ----------------------------------------------------------------------- */

/* What the values are as class indices: the largest, the first that is missing, how many. */
struct indices {
    uint32_t most;
    int64_t missing;
    int present;
    const struct un_census_entry *last;
};

static struct indices look_at_indices(const struct un_view *view, int ignore)
{
    struct indices found = {.missing = -1};
    int64_t next = 0;
    for (size_t i = 0; i < view->count; i++) {
        const struct un_census_entry *e = &view->entries[i];
        if (e->code == UNET_IGNORE || (int64_t)e->code == ignore)
            continue;
        while (next < e->code && found.missing < 0) {
            if (next != ignore)
                found.missing = next;
            next++;
        }
        next = (int64_t)e->code + 1;
        found.most = e->code;
        found.last = e;
        found.present++;
    }
    return found;
}

/* 1 in some masks and 255 in others, never both, is two codings of the same, or one with ignore. */
static unet_code check_white(const struct un_view *view, const struct indices *found,
                             unet_error *err)
{
    const struct un_census *census = view->census;
    const struct un_census_entry *white = un_view_find(view, 255);
    int only_white = -1, only_one = -1;
    if (!white || found->present > 2 || found->most != 1)
        return UNET_OK;
    for (int i = 0; i < census->file_count; i++) {
        const struct un_census_file *file = &census->files[i];
        if (file->most == 255 && file->kinds == 1)
            only_white = i;
        else if (file->most == 255)
            return UNET_OK;
        else if (file->most == 1)
            only_one = i;
    }
    if (only_white < 0 || only_one < 0)
        return UNET_OK;
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_IGNORE | UNET_HINT_LABELS,
                        "%s has mask values 0 and 255, but %s 0 and 1; if 255 carries no label "
                        "ignore it, if it is what 1 is elsewhere say 'a=0,b=1|255'",
                        census->files[only_white].name, census->files[only_one].name);
}

/* Numbers of a file that a lossy compression went over are near what was meant, and class numbers
 * lie next to each other: an edge makes new ones. */
static unet_code check_lossy(const struct un_view *view, const struct indices *found,
                             unet_error *err)
{
    const struct un_census_file *file = view->census->files;
    char values[128];
    if (!view->lossy || found->most < 1 || found->most > 32)
        return UNET_OK;
    while (!file->lossy)
        file++;
    un_view_list(view, values, sizeof values);
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS,
                        "%s: mask values %s in a file with a lossy compression (JPEG), which makes "
                        "class numbers of its own at edges: save masks as PNG or TIFF, or say what "
                        "the values mean",
                        file->name, values);
}

static unet_code add_indices(const struct un_view *view, const struct un_wish *wish, int labels,
                             struct un_coding *coding, unet_error *err)
{
    if (labels > UNET_MAX_CLASSES)
        return un_fail(err, UNET_EINVAL, "%s: %d mask values; at most %d classes wanted",
                       view->census->files[0].name, labels, UNET_MAX_CLASSES);
    const bool told = wish->classes > 0; /* classes are those of somebody else */
    coding->labels = told ? labels : 0;
    for (int v = 0; v < labels; v++)
        if (v != wish->ignore)
            un_coding_add(coding, (uint32_t)v, (uint32_t)v, told ? v : coding->labels++);
    if (wish->ignore != UNET_IGNORE)
        un_coding_add(coding, UNET_IGNORE, UNET_IGNORE, UNET_IGNORE);
    return UNET_OK;
}

/* Class indices, when they are; coding->labels stays 0 when they are not. */
static unet_code find_indices(const struct un_view *view, const struct un_wish *wish,
                              struct un_coding *coding, unet_error *err)
{
    struct indices found = look_at_indices(view, wish->ignore);
    bool said = wish->classes > 0 || wish->what == UN_WISH_INDICES;
    bool all_one = found.present == 1 && found.most == 1; /* one class fills every mask */
    int most = found.most < 1 ? 1 : found.most > 65535 ? 65535 : (int)found.most;
    int labels = wish->classes > 2 ? wish->classes : wish->classes > 0 ? 2 : most + 1;
    unet_code code = check_white(view, &found, err);
    char values[128];
    if (!code && wish->what != UN_WISH_INDICES)
        code = check_lossy(view, &found, err);
    if (code)
        return code;
    if (wish->classes > 0 && found.most >= (uint32_t)labels) {
        un_view_list(view, values, sizeof values);
        return un_fail(err, UNET_EINVAL, "%s: mask value %u (of %s); %d classes are 0..%d",
                       un_view_file(view, found.last), found.most, values, labels, labels - 1);
    }
    if (!said && ((view->lossy && found.most > 0) || (found.missing >= 0 && !all_one)))
        return UNET_OK;
    if (!said && labels > 32 && un_view_is_grain(view))
        return UNET_OK;
    return add_indices(view, wish, labels, coding, err);
}

/* ---- codes ------------------------------------------------------------------------------- */

static bool is_far_apart(const struct un_view *view)
{
    bool color = view->kind == UN_CODING_COLOR;
    if (view->count > (color ? UNET_MAX_CLASSES + 1 : MOST_GREY_CODES))
        return false;
    for (size_t i = 0; i < view->count; i++)
        for (size_t j = i + 1; j < view->count; j++)
            if (un_code_distance(view->kind, view->entries[i].code, view->entries[j].code) <
                (color                             ? APART_COLORS
                 : view->kind == UN_CODING_PALETTE ? 1
                                                   : APART))
                return false;
    return true;
}

/* Values that occur in thin lines only, and lie between two that make areas: classes of their own,
 * or soft edges.  How many; the first. */
static int count_between(const struct un_view *view, const struct un_census_entry **first)
{
    int count = 0;
    for (size_t i = 0; i < view->count && view->kind != UN_CODING_PALETTE; i++) {
        const struct un_census_entry *e = &view->entries[i];
        bool between = false;
        for (size_t j = 0; j < view->count && !e->flat && !between; j++)
            for (size_t k = j + 1; k < view->count && !between; k++)
                between = view->entries[j].flat && view->entries[k].flat &&
                          un_code_between(view->kind, e->code, view->entries[j].code,
                                          view->entries[k].code);
        if (between && !count++)
            *first = e;
    }
    return count;
}

static unet_code fail_thin(const struct un_view *view, const struct un_census_entry *thin,
                           unet_error *err)
{
    char text[40], values[128];
    un_code_text(view->kind == UN_CODING_COLOR ? UN_CODE_COLOR : UN_CODE_GREY, thin->code, text,
                 sizeof text);
    un_view_list(view, values, sizeof values);
    return un_fail_hint(
        err, UNET_EINVAL, UNET_HINT_LABELS,
        "%s: %s in row %d, column %d, which is in thin lines only, may be a class or a "
        "soft edge; the masks have %s: say which are classes",
        un_view_file(view, thin), text, thin->row, thin->column, values);
}

static unet_code fail_slopes(const struct un_view *view, const struct un_census_entry *slope,
                             unet_error *err)
{
    const struct un_census_entry *unused;
    char text[40], values[128];
    un_code_text(view->kind == UN_CODING_COLOR ? UN_CODE_COLOR : UN_CODE_GREY, slope->code, text,
                 sizeof text);
    un_view_list(view, values, sizeof values);
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS,
                        "%s: %s in row %d, column %d, and %d values more lie between others, in "
                        "value and in place: soft edges? the masks have %s; make them again with "
                        "nearest neighbour, or say which are classes",
                        un_view_file(view, slope), text, slope->row, slope->column,
                        un_view_slopes(view, &unused) - 1, values);
}

/* Values of masks of 8 bits and of 16, none of which is in both but 0, are two codings of the same,
 * as 255 and 65535 are white in either. */
static unet_code check_depths(const struct un_view *view, int ignore, unet_error *err)
{
    const struct un_census_entry *last[4] = {NULL};
    size_t count = 0;
    char values[128];
    if (view->kind == UN_CODING_COLOR)
        return UNET_OK;
    for (size_t i = 0; i < view->count; i++) {
        const struct un_census_entry *e = &view->entries[i];
        if ((int64_t)e->code == ignore)
            continue;
        count++;
        if (e->code)
            last[e->depths] = e;
    }
    if (last[3] || !last[1] || !last[2])
        return UNET_OK;
    const char *shallow = un_view_file(view, last[1]), *deep = un_view_file(view, last[2]);
    if (count > 3 || view->entries[0].code) {
        un_view_list(view, values, sizeof values);
        return un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS,
                            "%s has 8 bits and %s more, and no value of the masks is in both (%s): "
                            "say which mean the same, as 'a=0,b=255|65535'",
                            shallow, deep, values);
    }
    return un_fail_hint(
        err, UNET_EINVAL, UNET_HINT_LABELS,
        "%s has mask values 0 and %u (8 bits), but %s 0 and %u (more bits); if both "
        "mean the same say 'a=0,b=%u|%u', if they are two classes "
        "'a=0,b=%u,c=%u'",
        shallow, last[1]->code, deep, last[2]->code, last[1]->code, last[2]->code, last[1]->code,
        last[2]->code);
}

/* Few values, well apart; coding->labels stays 0 when they are not. */
static unet_code find_codes(const struct un_view *view, const struct un_wish *wish,
                            struct un_coding *coding, unet_error *err)
{
    const struct un_census_entry *thin = NULL;
    if (view->lossy || !is_far_apart(view))
        return UNET_OK;
    const unet_code failed = check_depths(view, wish->ignore, err);
    if (failed)
        return failed;
    const int between = count_between(view, &thin);
    const struct un_census_entry *slope;
    if (between > 2 || un_view_slopes(view, &slope) >= UN_SLOPES)
        return UNET_OK; /* soft edges */
    if (between > 0)
        return fail_thin(view, thin, err);
    bool void_index = view->kind == UN_CODING_PALETTE && view->count > 2;
    for (size_t i = 0; i < view->count; i++) {
        uint32_t code = view->entries[i].code;
        if (view->kind != UN_CODING_COLOR && (int64_t)code == wish->ignore)
            continue;
        if (void_index && code == UNET_IGNORE)
            un_coding_add(coding, code, code, UNET_IGNORE);
        else if (un_coding_add(coding, code, code, coding->labels))
            coding->labels++;
    }
    if (coding->labels < 2) {
        coding->labels = 0;
        coding->count = 0;
    }
    return UNET_OK;
}

unet_code un_coding_fail_unclear(const struct un_view *view, const struct un_wish *wish,
                                 unet_error *err)
{
    char values[128], labels[160];
    struct indices found = look_at_indices(view, wish->ignore);
    const struct un_census_entry *last = found.last ? found.last : view->entries, *slope;
    un_view_list(view, values, sizeof values);
    if (is_far_apart(view) && !view->lossy && un_view_slopes(view, &slope) >= UN_SLOPES)
        return fail_slopes(view, slope, err);
    if (view->kind == UN_CODING_COLOR)
        return un_fail_hint(
            err, UNET_EINVAL, UNET_HINT_LABELS,
            "%s: %zu colours in the masks, %s; up to %d that are well apart wanted: say "
            "what they mean, as 'a=#000000,b=#ff0000', or 'instances'",
            view->census->files[0].name, view->count, values, UNET_MAX_CLASSES);
    un_coding_propose(view, labels, sizeof labels);
    if (view->count <= 3 && view->entries[0].code == 1 && view->entries[1].code == UNET_IGNORE)
        return un_fail_hint(
            err, UNET_EINVAL, UNET_HINT_LABELS,
            "%s: mask values %s; if 255 is the background say labels 'a=255,b=1', if 1 is "
            "say labels 'a=1,b=255'; with one class and pixels without a label there is "
            "nothing to tell apart",
            un_view_file(view, last), values);
    return un_fail_hint(
        err, UNET_EINVAL, UNET_HINT_LABELS,
        "%s: mask values %s; 0 and 255, class indices 0, 1, 2 ... without gaps (%lld is "
        "missing), or a few values well apart wanted: say labels '%s' if each is a "
        "class, indices if "
        "each is its class and gaps are meant, instances if they are numbers of objects",
        un_view_file(view, last), values, (long long)found.missing, labels);
}

unet_code un_coding_find_hard(const struct un_view *view, const struct un_wish *wish,
                              struct un_coding *coding, unet_error *err)
{
    unet_code code = UNET_OK;
    if (un_coding_is_black_and_white(view, wish->ignore))
        return find_black_and_white(view, wish->classes, coding, err);
    if (view->kind != UN_CODING_COLOR && (code = find_indices(view, wish, coding, err)))
        return code;
    return coding->labels ? UNET_OK : find_codes(view, wish, coding, err);
}
