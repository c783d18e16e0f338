/* SPDX-License-Identifier: Apache-2.0 */
/* coding.c - the table of codes and classes: adding, looking up, comparing, telling it in words */
#include "data/masks/mask.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

struct un_coding un_coding_identity(int labels)
{
    struct un_coding coding = {.labels = labels, .white = 1};
    for (int v = 0; v < labels && v < UNET_IGNORE; v++)
        un_coding_add(&coding, (uint32_t)v, (uint32_t)v, v);
    un_coding_add(&coding, UNET_IGNORE, UNET_IGNORE, UNET_IGNORE);
    return coding;
}

/* The first entry whose last code is not below `code`. */
static int lower_bound(const struct un_coding *coding, uint32_t code)
{
    int low = 0, high = coding->count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (coding->codes[middle].last < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int un_coding_class(const struct un_coding *coding, uint32_t code)
{
    int at = lower_bound(coding, code);
    if (at < coding->count && coding->codes[at].first <= code)
        return coding->codes[at].label;
    return coding->kind == UN_CODING_OBJECTS ? code > 0 : -1;
}

bool un_coding_add(struct un_coding *coding, uint32_t first, uint32_t last, int label)
{
    int at = lower_bound(coding, first);
    if (coding->count == UN_CODING_CODES || (at < coding->count && coding->codes[at].first <= last))
        return false;
    memmove(coding->codes + at + 1, coding->codes + at,
            (size_t)(coding->count - at) * sizeof *coding->codes);
    coding->codes[at] = (struct un_code){first, last, label};
    coding->count++;
    return true;
}

bool un_coding_code(const struct un_coding *coding, int label, uint32_t *code)
{
    for (int i = 0; i < coding->count; i++)
        if (coding->codes[i].label == label) {
            *code = coding->codes[i].first;
            return true;
        }
    *code = (uint32_t)label;
    return (coding->kind == UN_CODING_OBJECTS || coding->kind == UN_CODING_FILES) && label >= 0 &&
           label < coding->labels;
}

bool un_coding_differ(const struct un_coding *a, const struct un_coding *b, uint32_t *code)
{
    for (int i = 0; i < a->count; i++) {
        int other = a->kind == b->kind ? un_coding_class(b, a->codes[i].first) : -2;
        *code = a->codes[i].first;
        if (other == -2 || (other >= 0 && other != a->codes[i].label))
            return true;
    }
    return a->kind != b->kind && !(a->kind <= UN_CODING_PALETTE && b->kind <= UN_CODING_PALETTE);
}

static bool is_named(const struct un_coding *coding, int label)
{
    return label < coding->labels && *coding->names[label];
}

bool un_coding_contradict(const struct un_coding *model, const struct un_coding *here, char *text,
                          size_t size)
{
    const bool numbers = model->kind <= UN_CODING_PALETTE && here->kind <= UN_CODING_PALETTE;
    for (int i = 0; i < model->count && (numbers || model->kind == here->kind); i++) {
        const struct un_code *code = &model->codes[i];
        int other = un_coding_class(here, code->first);
        if (other < 0 || other == code->label || other == UNET_IGNORE || code->label == UNET_IGNORE)
            continue;
        snprintf(text, size, "mask value %u is class %d here, but class %d of the model",
                 code->first, other, code->label);
        return true;
    }
    for (int k = 0; k < here->labels; k++)
        for (int m = 0; m < model->labels; m++)
            if (k != m && is_named(here, k) && is_named(model, m) &&
                !strcmp(here->names[k], model->names[m])) {
                snprintf(text, size, "\"%s\" is class %d here, but class %d of the model",
                         here->names[k], k, m);
                return true;
            }
    return false;
}

/* ---- distances --------------------------------------------------------------------------- */

uint32_t un_code_distance(enum un_coding_kind kind, uint32_t a, uint32_t b)
{
    if (kind != UN_CODING_COLOR)
        return a > b ? a - b : b - a;
    uint32_t most = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        uint32_t d = (uint32_t)abs((int)(a >> shift & 255) - (int)(b >> shift & 255));
        most = d > most ? d : most;
    }
    return most;
}

static double length(uint32_t a, uint32_t b)
{
    double sum = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        double d = (double)(a >> shift & 255) - (double)(b >> shift & 255);
        sum += d * d;
    }
    return sqrt(sum);
}

bool un_code_between(enum un_coding_kind kind, uint32_t code, uint32_t a, uint32_t b)
{
    if (kind != UN_CODING_COLOR)
        return (a < code && code < b) || (b < code && code < a);
    /* rounding, and the coarser colours of a lossy file, leave the line a little */
    return code != a && code != b && length(a, code) + length(code, b) <= 1.03 * length(a, b) + 2;
}

/* ---- words ------------------------------------------------------------------------------- */

/* Text that is cut where the room ends. */
struct words {
    char *text;
    size_t size, used;
};

static void say(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct words *words, const char *format, ...)
{
    va_list args;
    if (words->used >= words->size)
        return;
    va_start(args, format);
    words->used += (size_t)un_decimal_vformat(words->text + words->used, words->size - words->used,
                                              format, args);
    va_end(args);
}

static void say_codes(struct words *words, const struct un_coding *coding, int label)
{
    const char *form = coding->kind == UN_CODING_COLOR ? "#%06x" : "%u";
    const char *gap = "";
    for (int i = 0; i < coding->count; i++) {
        const struct un_code *code = &coding->codes[i];
        if (code->label != label)
            continue;
        say(words, "%s", gap);
        char number[32];
        snprintf(number, sizeof number, form, code->first);
        if (code->first == UN_MASK_TOLD && coding->told.set)
            un_fill_text(coding->told, number, sizeof number);
        say(words, "%s",
            label == UNET_IGNORE && code->first == UN_MASK_IGNORED ? "ignore" : number);
        if (code->last > code->first)
            say(words, "-%u", code->last);
        gap = "|";
    }
}

static void say_class(struct words *words, const struct un_coding *coding, int label)
{
    if (*coding->names[label])
        say(words, " = %s", coding->names[label]);
    else
        say(words, " = class %d", label);
}

/* "class indices 0 to 11": every value is its class, and none has a name. */
static bool is_plain(const struct un_coding *coding)
{
    for (int k = 0; k < coding->labels; k++)
        if (*coding->names[k] || coding->kind > UN_CODING_PALETTE || k >= coding->count ||
            coding->codes[k].first != (uint32_t)k || coding->codes[k].last != (uint32_t)k ||
            coding->codes[k].label != k)
            return false;
    return true;
}

static void say_objects(struct words *words, const struct un_coding *coding)
{
    say(words, "object numbers, 0");
    say_class(words, coding, 0);
    say(words, ", others");
    say_class(words, coding, 1);
    if (coding->border) {
        say(words, ", between touching objects");
        say_class(words, coding, 2);
    }
}

static void say_files(struct words *words, const struct un_coding *coding)
{
    say(words, "a file for each class:");
    for (int k = 1; k < coding->labels; k++)
        say(words, "%s %s", k > 1 ? "," : "", coding->names[k]);
    if (coding->ordered)
        say(words, " (later ones over earlier ones)");
}

void un_coding_text(const struct un_coding *coding, char *text, size_t size)
{
    static const char *const kinds[] = {"grey values ", "palette indices ", "colours "};
    struct words words = {text, size, 0};
    if (coding->kind == UN_CODING_OBJECTS) {
        say_objects(&words, coding);
    } else if (coding->kind == UN_CODING_FILES) {
        say_files(&words, coding);
    } else if (is_plain(coding)) {
        say(&words, "%s0 to %d",
            coding->kind == UN_CODING_PALETTE ? "palette indices as classes " : "class indices ",
            coding->labels - 1);
    } else {
        say(&words, "%s", kinds[coding->kind]);
        for (int k = 0; k < coding->labels; k++) {
            say(&words, "%s", k ? ", " : "");
            say_codes(&words, coding, k);
            say_class(&words, coding, k);
        }
    }
    uint32_t code;
    if (un_coding_code(coding, UNET_IGNORE, &code)) {
        say(&words, "; ");
        say_codes(&words, coding, UNET_IGNORE);
        say(&words, " = no label");
    }
    if (coding->clear == UNET_IGNORE + 1)
        say(&words, "; transparent = no label");
    else if (coding->clear) {
        say(&words, "; transparent");
        say_class(&words, coding, coding->clear - 1);
    }
    if (coding->by_file)
        say(&words, "; as dataset.json says");
    if (coding->single)
        say(&words, "; each in one piece in every mask: if they number objects, say labels "
                    "\"instances\"");
    if (coding->inverted)
        say(&words, "; numbers as stored, the files show them inverted");
    if (coding->turned)
        say(&words,
            "; of one bit, read as shown: what a program stored as 1 (True) is black here, 0");
    if (coding->turned && !coding->meant)
        say(&words, "; if 1 was meant, say labels 'a=1,b=0' where all masks are such, else save "
                    "these anew as PNG");
    if (coding->tolerance)
        say(&words, "; values near them and on soft edges taken to the nearest");
}
