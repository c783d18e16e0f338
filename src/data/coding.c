/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding.c - what mask values mean
 *
 * Nothing is guessed that could be wrong: 0/255 is taken as two classes, 0, 1, 2 ... as class
 * indices; a set of values that is neither (grey codes such as 0/128/255, an anti-aliased edge,
 * object numbers with gaps) is refused with the values and a file that has them.
 */
#include "data/coding.h"

#include <stdio.h>
#include <string.h>

struct un_coding un_coding_identity(int labels)
{
    struct un_coding coding = {.labels = labels};
    memset(coding.map, UNET_IGNORE, sizeof coding.map);
    for (int v = 0; v < labels && v < UNET_IGNORE; v++) {
        coding.map[v] = (uint8_t)v;
        coding.known[v] = true;
    }
    coding.known[UNET_IGNORE] = true;
    return coding;
}

/* "0, 32, 64 ... 255 (9 values)": the first few values and the last. */
static void list_values(const bool seen[256], char *text, size_t size)
{
    int count = 0, last = 0, shown = 0;
    for (int v = 0; v < 256; v++)
        if (seen[v]) {
            count++;
            last = v;
        }
    size_t n = 0;
    text[0] = 0;
    for (int v = 0; v < 256 && n < size; v++) {
        if (!seen[v] || (count > 8 && shown >= 6 && v != last))
            continue;
        const char *gap = !shown ? "" : count > 8 && v == last ? " ... " : ", ";
        n += (size_t)snprintf(text + n, size - n, "%s%d", gap, v);
        shown++;
    }
    if (count > 8 && n < size)
        snprintf(text + n, size - n, " (%d values)", count);
}

static const char *file_of(const char *const example[256], int value)
{
    return example[value] ? example[value] : "masks";
}

/* Values 0 and 255 alone, with 255 among them, and nothing else but `ignore`. */
static bool is_black_and_white(const bool seen[256], int ignore)
{
    if (ignore == 255 || ignore == 0 || !seen[255])
        return false;
    for (int v = 1; v < 255; v++)
        if (seen[v] && v != ignore)
            return false;
    return true;
}

static unet_code find_black_and_white(const char *const example[256], int ignore, int classes,
                                      struct un_coding *coding, unet_error *err)
{
    if (classes > 2)
        return un_fail(err, UNET_EINVAL,
                       "%s: mask values 0 and 255, two classes; %d classes expected",
                       file_of(example, 255), classes);
    *coding = un_coding_identity(1);
    coding->labels = 2;
    coding->map[255] = 1;
    if (ignore >= 0)
        coding->known[ignore] = true; /* its map is UNET_IGNORE already */
    return UNET_OK;
}

unet_code un_coding_find(const bool seen[256], const char *const example[256], int ignore,
                         int classes, struct un_coding *coding, unet_error *err)
{
    if (is_black_and_white(seen, ignore))
        return find_black_and_white(example, ignore, classes, coding, err);

    char values[128];
    list_values(seen, values, sizeof values);
    int most = 0, missing = -1, present = 0;
    for (int v = 0; v < 255; v++)
        if (seen[v] && v != ignore) {
            most = v;
            present++;
        }
    for (int v = 0; v < most && missing < 0; v++)
        if (!seen[v] && v != ignore)
            missing = v;
    int labels = classes > 2 ? classes : classes > 0 || most < 1 ? 2 : most + 1;
    if (classes > 0 && most >= labels)
        return un_fail(err, UNET_EINVAL, "%s: mask value %d (of %s); %d classes are 0..%d",
                       file_of(example, most), most, values, labels, labels - 1);
    bool all_one = present == 1 && most == 1; /* one class fills every mask */
    if (classes <= 0 && missing >= 0 && !all_one)
        return un_fail(err, UNET_EINVAL,
                       "%s: mask values %s; 0 and 255, or class indices 0, 1, 2 ... without gaps "
                       "wanted (%d is missing)",
                       file_of(example, most), values, missing);
    if (labels > UNET_MAX_CLASSES)
        return un_fail(err, UNET_EINVAL, "%s: %d mask values; at most %d classes wanted",
                       file_of(example, most), labels, UNET_MAX_CLASSES);
    *coding = un_coding_identity(labels);
    if (ignore >= 0) {
        coding->map[ignore] = UNET_IGNORE;
        coding->known[ignore] = true;
    }
    return UNET_OK;
}
