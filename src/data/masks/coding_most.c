/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_most.c - a set of masks of which a few were resampled or came through JPEG
 *
 * What most masks say is what the values mean; the few are then read by that, or refused by name.
 *
 *     codes of all masks -> those that a quarter of the masks have -> their reading
 *                           the others, if a third of the masks at most have any of them
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/masks/census_view.h"

static bool is_common(const struct un_view *view, const struct un_census_entry *entry)
{
    return 4 * (uint64_t)entry->files >= (uint64_t)view->census->file_count;
}

bool un_view_of_most(const struct un_view *view, struct un_view *most)
{
    const int files = view->census->file_count;
    bool *odd = calloc((size_t)files + 1, sizeof *odd);
    struct un_census_entry *kept = malloc((view->count + 1) * sizeof *kept);
    size_t count = 0;
    int out = 0;
    for (size_t i = 0; odd && kept && i < view->count; i++) {
        const struct un_census_entry *entry = &view->entries[i];
        if (is_common(view, entry))
            kept[count++] = *entry;
        else
            odd[entry->file] = odd[entry->last_file] = true;
    }
    for (int i = 0; odd && i < files; i++)
        out += odd[i];
    free(odd);
    if (!kept || !out || 3 * out > files || !count) {
        free(kept);
        return false;
    }
    *most = *view;
    most->entries = kept;
    most->count = count;
    return true;
}

/* "say 'a=0-63,b=64-191,c=192-255'": each code with what is nearest to it. */
static void say_ranges(const struct un_coding *coding, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "say '");
    bool plain = coding->kind != UN_CODING_COLOR && coding->count <= 8;
    for (int i = 0; i < coding->count && plain; i++) {
        const struct un_code *code = &coding->codes[i], *next = code + 1;
        const bool last = i + 1 == coding->count;
        const char letter[2] = {(char)('a' + i), 0};
        const char *name = code->label == UNET_IGNORE ? "ignore" : coding->names[code->label];
        uint32_t first = i ? (code[-1].last + code->first) / 2 + 1 : 0;
        uint32_t end = last ? (code->last > 255 ? 65535 : 255) : (code->last + next->first) / 2;
        plain = code->first == code->last && used < size;
        if (plain)
            used += (size_t)snprintf(text + used, size - used, "%s%s=%u-%u%s", i ? "," : "",
                                     *name ? name : letter, first, end, last ? "'" : "");
    }
    if (!plain || used >= size)
        snprintf(text, size, "say which value is which class");
}

void un_coding_advice(const struct un_coding *coding, char *text, size_t size)
{
    char ranges[160];
    say_ranges(coding, ranges, sizeof ranges);
    snprintf(text, size,
             "resampled, or saved as JPEG? make it again with nearest neighbour, or "
             "%s",
             ranges);
}

unet_code un_coding_fail_few(const struct un_view *view, const struct un_coding *coding,
                             const struct un_census_entry *odd, unet_error *err)
{
    char value[40], wanted[160], advice[256];
    un_code_text(view->kind == UN_CODING_COLOR ? UN_CODE_COLOR : UN_CODE_GREY, odd->code, value,
                 sizeof value);
    un_coding_text(coding, wanted, sizeof wanted);
    un_coding_advice(coding, advice, sizeof advice);
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS,
                        "%s: mask %s in row %d, column %d; most masks have %s: %s",
                        un_view_file(view, odd), value, odd->row, odd->column, wanted, advice);
}
