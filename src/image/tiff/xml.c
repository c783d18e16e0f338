/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tiff/xml.h"

#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind the next `text`, or the end. */
static const char *behind(const char *at, const char *end, const char *text)
{
    size_t size = strlen(text);
    const char *found = memmem(at, (size_t)(end - at), text, size);
    return found ? found + size : end;
}

/* The '>' that ends a tag: not one between quotes. */
static const char *find_close(const char *at, const char *end)
{
    while (at < end && *at != '>') {
        const char *quote =
            *at == '"' || *at == '\'' ? memchr(at + 1, *at, (size_t)(end - at - 1)) : at;
        if (!quote)
            return end;
        at = quote + 1;
    }
    return at;
}

bool un_xml_next(struct un_xml *xml)
{
    for (;;) {
        const char *tag = memchr(xml->at, '<', (size_t)(xml->end - xml->at));
        if (!tag)
            break;
        size_t left = (size_t)(xml->end - tag);
        if (left >= 4 && !memcmp(tag, "<!--", 4))
            xml->at = behind(tag + 4, xml->end, "-->");
        else if (left >= 9 && !memcmp(tag, "<![CDATA[", 9))
            xml->at = behind(tag + 9, xml->end, "]]>");
        else if (left >= 2 && (tag[1] == '/' || tag[1] == '?' || tag[1] == '!'))
            xml->at = behind(tag, xml->end, ">");
        else {
            xml->name = tag + 1;
            xml->close = find_close(tag + 1, xml->end);
            xml->at = xml->close < xml->end ? xml->close + 1 : xml->end;
            const char *p = xml->name;
            for (; p < xml->close && !is_space(*p) && *p != '/'; p++)
                if (*p == ':')
                    xml->name = p + 1;
            xml->name_size = (size_t)(p - xml->name);
            return xml->close < xml->end;
        }
    }
    xml->at = xml->end;
    return false;
}

bool un_xml_is(const struct un_xml *xml, const char *name)
{
    return strlen(name) == xml->name_size && !memcmp(name, xml->name, xml->name_size);
}

/* A character as UTF-8; one that XML has not is a question mark.  Returns how many bytes it is. */
static size_t put_character(long code, char bytes[4])
{
    const bool control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    if (control || code == 0x7f || surrogate || code > 0x10ffff)
        code = '?';
    const size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(lead[size] | code);
    return size;
}

/* One character: a reference such as &amp; or &#181; is resolved.  Returns where it ends. */
static const char *take_character(const char *at, const char *end, char bytes[4], size_t *size)
{
    enum { LONGEST = 12 }; /* of a reference by number */
    static const struct {
        const char *name;
        char c;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    bytes[0] = *at;
    *size = 1;
    for (size_t i = 0; *at == '&' && i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i].name);
        if ((size_t)(end - at) >= length && !memcmp(at, known[i].name, length)) {
            bytes[0] = known[i].c;
            return at + length;
        }
    }
    const char *semicolon =
        *at == '&' ? memchr(at, ';', (size_t)(end - at < LONGEST ? end - at : LONGEST)) : NULL;
    if (semicolon && at[1] == '#') {
        *size = put_character(at[2] == 'x' ? strtol(at + 3, NULL, 16) : strtol(at + 2, NULL, 10),
                              bytes);
        return semicolon + 1;
    }
    return at + 1;
}

bool un_xml_raw(const struct un_xml *xml, const char *name, const char **value, size_t *bytes)
{
    size_t size = strlen(name);
    const char *at = xml->name + xml->name_size, *close = xml->close, *from = NULL, *to = NULL;
    while (at < close && !from) {
        while (at < close && (is_space(*at) || *at == '/'))
            at++;
        const char *key = at;
        while (at < close && *at != '=' && !is_space(*at))
            at++;
        bool wanted = (size_t)(at - key) == size && !memcmp(key, name, size);
        while (at < close && *at != '"' && *at != '\'')
            at++;
        to = at < close ? memchr(at + 1, *at, (size_t)(close - at - 1)) : NULL;
        if (!to)
            return false;
        from = wanted ? at + 1 : NULL;
        at = to + 1;
    }
    if (!from)
        return false;
    *value = from;
    *bytes = (size_t)(to - from);
    return true;
}

bool un_xml_attribute(const struct un_xml *xml, const char *name, char *value, size_t room)
{
    const char *from, *to;
    size_t size, used = 0;
    if (!un_xml_raw(xml, name, &from, &size) || size >= room)
        return false;
    to = from + size;
    while (from < to) {
        char bytes[4];
        size_t count;
        from = take_character(from, to, bytes, &count);
        memcpy(value + used, bytes, count); /* never longer than what it is written for */
        used += count;
    }
    value[used] = 0;
    return true;
}

void un_xml_text(const struct un_xml *xml, char *text, size_t room)
{
    const char *from = xml->at, *end = xml->end;
    while (from < end && is_space(*from))
        from++;
    const char *to = from;
    while (to < end && *to != '<' && (size_t)(to - from) < room - 1)
        to++;
    while (to > from && is_space(to[-1]))
        to--;
    memcpy(text, from, (size_t)(to - from));
    text[to - from] = 0;
}
