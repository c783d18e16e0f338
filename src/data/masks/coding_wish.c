/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_wish.c - what a person says of the masks: "background=0,cell=255,ignore=11"
 *
 *     labels = item , item ...        item  = [name =] codes  |  name
 *     codes  = code | code ...        code  = number  |  number - number  |  #rrggbb
 *
 * Items are classes in their order; "ignore" is none.  Names alone are classes with files of their
 * own, but for the words in words[].
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "data/masks/mask.h"

#define LONGEST 65536 /* bytes of the whole text */

static const struct {
    const char *word;
    int what;
    bool border;
} words[] = {{"indices", UN_WISH_INDICES, false},
             {"instances", UN_WISH_OBJECTS, false},
             {"objects", UN_WISH_OBJECTS, false},
             {"instances+border", UN_WISH_OBJECTS, true},
             {"objects+border", UN_WISH_OBJECTS, true}};

/* A piece of the text, without the space around it. */
struct piece {
    const char *at;
    size_t size;
};

static struct piece trimmed(const char *at, const char *end)
{
    while (at < end && isspace((unsigned char)*at))
        at++;
    while (end > at && isspace((unsigned char)end[-1]))
        end--;
    return (struct piece){at, (size_t)(end - at)};
}

/* Cuts the text before the first `mark`, and moves *rest behind it. */
static struct piece cut(struct piece *rest, char mark)
{
    const char *end = rest->at + rest->size;
    const char *found = memchr(rest->at, mark, rest->size);
    struct piece first = trimmed(rest->at, found ? found : end);
    rest->size = found ? (size_t)(end - found - 1) : 0;
    rest->at = found ? found + 1 : NULL;
    return first;
}

static bool take_digits(struct piece *text, int base, size_t most, uint32_t *number)
{
    uint64_t value = 0;
    size_t n = 0;
    for (; n < text->size && n < most; n++) {
        int c = tolower((unsigned char)text->at[n]);
        int digit = isdigit(c) ? c - '0' : base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            break;
        value = value * (unsigned)base + (unsigned)digit;
    }
    if (!n || value > UINT32_MAX)
        return false;
    text->at += n;
    text->size -= n;
    *number = (uint32_t)value;
    return true;
}

/* One code or range; false: it is none. */
static bool take_code(struct piece text, bool *color, uint32_t *first, uint32_t *last)
{
    *color = text.size == 7 && *text.at == '#';
    if (*color) {
        text.at++;
        text.size--;
        bool fine = take_digits(&text, 16, 6, first) && !text.size;
        *last = *first;
        return fine;
    }
    if (!take_digits(&text, 10, 10, first))
        return false;
    *last = *first;
    if (text.size && *text.at == '-') {
        text.at++;
        text.size--;
        if (!take_digits(&text, 10, 10, last))
            return false;
    }
    return !text.size && *first <= *last;
}

static unet_code fail_item(struct piece item, const char *why, unet_error *err)
{
    return un_fail(err, UNET_EINVAL, "labels: \"%.*s\": %s", item.size > 60 ? 60 : (int)item.size,
                   item.at, why);
}

static unet_code take_codes(struct piece item, struct piece codes, int label, struct un_wish *wish,
                            unet_error *err)
{
    struct un_coding *coding = &wish->coding;
    while (codes.at) {
        struct piece one = cut(&codes, '|');
        uint32_t first, last;
        bool color;
        if (!take_code(one, &color, &first, &last))
            return fail_item(item, "a number, a range such as 1-99, or a colour #rrggbb wanted",
                             err);
        enum un_coding_kind kind = color ? UN_CODING_COLOR : UN_CODING_GREY;
        if (coding->count && coding->kind != kind)
            return fail_item(item, "numbers and colours do not go together", err);
        coding->kind = kind;
        if (coding->count == UN_CODING_CODES)
            return fail_item(item, "more codes than 512", err);
        if (!un_coding_add(coding, first, last, label))
            return fail_item(item, "a code that another class has already", err);
    }
    return UNET_OK;
}

static unet_code take_name(struct piece item, struct piece name, int label, struct un_wish *wish,
                           unet_error *err)
{
    struct un_coding *coding = &wish->coding;
    if (name.size >= sizeof coding->names[0])
        return fail_item(item, "a name has at most 63 bytes", err);
    for (int k = 0; k < label; k++)
        if (strlen(coding->names[k]) == name.size && name.size &&
            !memcmp(coding->names[k], name.at, name.size))
            return fail_item(item, "this name was given before", err);
    memcpy(coding->names[label], name.at, name.size);
    return UNET_OK;
}

static unet_code take_item(struct piece item, struct un_wish *wish, unet_error *err)
{
    struct piece codes = item, name = {item.at, 0};
    uint32_t first, last;
    bool color, equals = memchr(item.at, '=', item.size) != NULL;
    if (equals)
        name = cut(&codes, '=');
    struct piece parts = codes, one = cut(&parts, '|');
    bool alone = !equals && !take_code(one, &color, &first, &last);
    int what = alone ? UN_WISH_NAMES : UN_WISH_CODES, label = wish->coding.labels;
    if (!item.size || (equals && (!name.size || !codes.size)))
        return fail_item(item, "NAME=CODES wanted, such as cell=255", err);
    if (wish->what != UN_WISH_NONE && (int)wish->what != what)
        return fail_item(item, "classes with codes and names alone do not go together", err);
    wish->what = what;
    if (equals && name.size == 6 && !memcmp(name.at, "ignore", 6))
        return take_codes(item, codes, UNET_IGNORE, wish, err);
    if (label == UNET_MAX_CLASSES)
        return fail_item(item, "more than 254 classes", err);
    wish->coding.labels++;
    unet_code code = take_name(item, alone ? item : name, label, wish, err);
    return code || alone ? code : take_codes(item, codes, label, wish, err);
}

/* "ignore=11" alone says nothing of the classes. */
static unet_code settle(const char *labels, struct un_wish *wish, unet_error *err)
{
    const struct un_coding *coding = &wish->coding;
    if (wish->what == UN_WISH_CODES && !coding->labels && coding->count == 1 &&
        coding->kind == UN_CODING_GREY && coding->codes[0].last <= INT32_MAX &&
        coding->codes[0].first == coding->codes[0].last) {
        *wish = (struct un_wish){.ignore = (int)coding->codes[0].first, .coding.white = 1};
        return UNET_OK;
    }
    if (coding->labels >= 2 || wish->what == UN_WISH_NAMES)
        return UNET_OK;
    return fail_item((struct piece){labels, strlen(labels)}, "two classes or more wanted", err);
}

unet_code un_wish_parse(const char *labels, struct un_wish *wish, unet_error *err)
{
    struct un_wish made = {.what = UN_WISH_NONE, .ignore = -1};
    made.coding.white = 1;
    unet_code code = UNET_OK;
    *wish = made;
    if (!labels || !*labels)
        return UNET_OK;
    if (strlen(labels) > LONGEST)
        return un_fail(err, UNET_EINVAL, "labels: %zu bytes, at most %d wanted", strlen(labels),
                       LONGEST);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(labels, words[i].word)) {
            wish->what = words[i].what;
            wish->coding.border = words[i].border;
            return UNET_OK;
        }
    struct piece rest = {labels, strlen(labels)};
    while (!code && rest.at)
        code = take_item(cut(&rest, ','), &made, err);
    if (!code && !(code = settle(labels, &made, err)))
        *wish = made;
    return code;
}

/* A number: of 0 and more and whole it is a code, else a value that has none. */
unet_code un_wish_ignored(const char *text, int *ignore, struct un_fill *told, unet_error *err)
{
    double value;
    if (!text)
        return UNET_OK;
    const char *end = un_decimal_read(text, &value);
    if (end == text || *end || isinf(value))
        return un_fail(err, UNET_EINVAL, "ignore: found \"%.40s\", a number or nan wanted", text);
    if (value >= 0 && value < UN_MASK_TOLD && value == (double)(int)value) {
        *ignore = (int)value;
        return UNET_OK;
    }
    *ignore = UN_MASK_TOLD;
    *told = (struct un_fill){true, (float)value};
    return UNET_OK;
}

unet_code un_wish_of_options(const unet_dataset_options *options, struct un_wish *wish,
                             unet_error *err)
{
    unet_code code = un_wish_parse(options ? options->labels : NULL, wish, err);
    if (code)
        return code;
    if (options && options->ignore != -1)
        wish->ignore = options->ignore;
    wish->classes = options ? options->classes : 0;
    return un_wish_ignored(options ? options->ignore_value : NULL, &wish->ignore, &wish->told, err);
}

unet_code un_wish_join(struct un_wish *wish, const struct un_coding **given, unet_error *err)
{
    const struct un_coding *known = *given;
    if (wish->what != UN_WISH_NONE)
        return UNET_OK;
    if (known && known->kind != UN_CODING_OBJECTS && known->labels != 2)
        return un_fail(err, UNET_EINVAL,
                       "masks with a file for each object; the model (or the other set) has %d "
                       "classes",
                       known->labels);
    wish->what = UN_WISH_OBJECTS;
    wish->coding.border = known && known->border;
    *given = NULL;
    return UNET_OK;
}
