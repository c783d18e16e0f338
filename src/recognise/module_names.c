/* SPDX-License-Identifier: Apache-2.0 */
/* module_names.c - the names of modules as tokens: what two have in common, their order, numbers */
#include <ctype.h>
#include <string.h>

#include "recognise/modules.h"

static int token_class(char c)
{
    return isdigit((unsigned char)c) ? 1 : isalpha((unsigned char)c) ? 2 : 0;
}

/* The length of the token at text[0], which is before end. */
static int token(const char *text, const char *end)
{
    int kind = token_class(*text), length = 1;
    while (kind && text + length < end && token_class(text[length]) == kind)
        length++;
    return length;
}

/* Numbers as numbers, of any length; everything else by its bytes. */
static int compare_tokens(const char *a, int a_length, const char *b, int b_length)
{
    if (token_class(*a) == 1 && token_class(*b) == 1) {
        for (; a_length > 1 && *a == '0'; a_length--)
            a++;
        for (; b_length > 1 && *b == '0'; b_length--)
            b++;
        if (a_length != b_length)
            return a_length - b_length;
    }
    int order = memcmp(a, b, (size_t)(a_length < b_length ? a_length : b_length));
    return order ? order : a_length - b_length;
}

int un_module_compare(const struct un_module *a, const struct un_module *b, int *order, bool *alike)
{
    const char *s = a->name, *s_end = s + a->length, *t = b->name, *t_end = t + b->length;
    int common = 0;
    *order = 0;
    *alike = true;
    while (s < s_end && t < t_end) {
        int s_length = token(s, s_end), t_length = token(t, t_end);
        int differ = compare_tokens(s, s_length, t, t_length);
        if (!*order && !differ)
            common++;
        if (!*order)
            *order = differ;
        const bool numbers = token_class(*s) == 1 && token_class(*t) == 1;
        const bool letters = s_length == 1 && t_length == 1 && isalpha((unsigned char)*s) &&
                             isalpha((unsigned char)*t);
        if (differ && !numbers && !letters)
            *alike = false;
        s += s_length;
        t += t_length;
    }
    if (s < s_end || t < t_end) {
        *alike = false;
        if (!*order)
            *order = s < s_end ? 1 : -1;
    }
    return common;
}

/* The length of the last token of text[length], length > 0. */
static int last_token(const char *text, int length)
{
    int kind = token_class(text[length - 1]), found = 1;
    while (kind && found < length && token_class(text[length - found - 1]) == kind)
        found++;
    return found;
}

int un_module_common_end(const struct un_module *a, const struct un_module *b)
{
    int s = a->length, t = b->length, common = 0;
    while (s > 0 && t > 0) {
        int s_length = last_token(a->name, s), t_length = last_token(b->name, t);
        if (compare_tokens(a->name + s - s_length, s_length, b->name + t - t_length, t_length))
            break;
        s -= s_length;
        t -= t_length;
        common++;
    }
    return common;
}

static int parse_number(const char *text, int length)
{
    int number = 0;
    if (length < 1 || length > 6)
        return -1;
    for (int i = 0; i < length; i++)
        number = 10 * number + (text[i] - '0');
    return number;
}

int un_module_number(const struct un_module *module)
{
    int length = module->length, digits = 0;
    while (digits < length && isdigit((unsigned char)module->name[length - digits - 1]))
        digits++;
    if (digits < length && module->name[length - digits - 1] != '.')
        return -1;
    return parse_number(module->name + length - digits, digits);
}

int un_module_level(const struct un_module *module)
{
    const char *text = module->name, *end = text + module->length;
    while (text < end && !isdigit((unsigned char)*text))
        text++;
    return text < end ? parse_number(text, token(text, end)) : -1;
}

static int parent_length(const struct un_module *module)
{
    int length = module->length;
    while (length > 0 && module->name[length - 1] != '.')
        length--;
    return length;
}

bool un_module_siblings(const struct un_module *a, const struct un_module *b)
{
    int length = parent_length(a);
    return length == parent_length(b) && !memcmp(a->name, b->name, (size_t)length);
}
