/* SPDX-License-Identifier: Apache-2.0 */
/* channels_text.c - choices of channels as text, and in paths */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/channels.h"

#define WANTED                                                                                     \
    "channels counted from 0, such as 0,2; pages (those of a file are channels); pages:0,2; or "   \
    "files:ch00,ch01 (what the names of a channel's file end in) wanted"

/* "0,2" up to end; false: it is no such list. */
static bool parse_list(const char *at, const char *end, struct un_channels *channels)
{
    do {
        char *next;
        if (at == end || !isdigit((unsigned char)*at) || channels->count == UN_CHANNELS_MOST)
            return false;
        long i = strtol(at, &next, 10);
        if (next > end || i > 1023)
            return false;
        channels->index[channels->count++] = (int)i;
        at = next;
    } while (at < end && *at++ == ',');
    return at == end && end[-1] != ',';
}

static bool parse_files(const char *at, const char *end, struct un_channels *channels)
{
    while (at < end) {
        size_t n = strcspn(at, ",:");
        if (!n || n >= UN_CHANNEL_WORD || channels->file_count == UN_CHANNEL_FILES)
            return false;
        memcpy(channels->files[channels->file_count], at, n);
        channels->files[channels->file_count++][n] = 0;
        at += n + (at + n < end);
    }
    return channels->file_count > 1;
}

static bool parse(const char *text, struct un_channels *channels)
{
    static const char files[] = "files:";
    *channels = (struct un_channels){0};
    if (!strncmp(text, files, sizeof files - 1)) {
        const char *at = text + sizeof files - 1, *end = at + strcspn(at, ":");
        if (strpbrk(text, "{}/[]") || !parse_files(at, end, channels))
            return false;
        text = end + (*end == ':');
        if (!*text)
            return *end != ':';
    } else if (!strncmp(text, "pages", 5) && (!text[5] || text[5] == ':')) {
        channels->pages = true;
        if (!text[5])
            return true;
        text += 6;
    }
    return parse_list(text, text + strlen(text), channels);
}

unet_code un_channels_parse(const char *text, struct un_channels *channels, unet_error *err)
{
    *channels = (struct un_channels){0};
    if (!text || !*text || parse(text, channels))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "channels: \"%.60s\"; " WANTED, text);
}

static void append(char *text, size_t size, const char *between, const char *word)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", between, word);
}

static void append_list(const struct un_channels *channels, char *text, size_t size)
{
    for (int i = 0; i < channels->count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", channels->index[i]);
        append(text, size, i ? "," : *text ? ":" : "", number);
    }
}

void un_channels_text(const struct un_channels *channels, char *text, size_t size)
{
    snprintf(text, size, "%s", channels->pages ? "pages" : "");
    for (int i = 0; i < channels->file_count; i++)
        append(text, size, i ? "," : "files:", channels->files[i]);
    append_list(channels, text, size);
}

void un_channels_ending(const struct un_channels *channels, char *text, size_t size)
{
    char inside[UN_CHANNELS_TEXT];
    snprintf(inside, sizeof inside, "%s", channels->pages ? "pages" : "");
    append_list(channels, inside, sizeof inside);
    snprintf(text, size, *inside ? "{%s}" : "%s", inside);
}

bool un_channels_chosen(const char *path, size_t *begin)
{
    size_t length = strlen(path);
    const char *open = strrchr(path, '{');
    char inside[UN_CHANNELS_TEXT];
    struct un_channels channels;
    if (!open || open == path || path[length - 1] != '}' || !access(path, F_OK))
        return false;
    snprintf(inside, sizeof inside, "%.*s", (int)(path + length - 1 - (open + 1)), open + 1);
    if (!*inside || !strncmp(inside, "files", 5) || un_channels_parse(inside, &channels, NULL))
        return false;
    *begin = (size_t)(open - path);
    return true;
}

bool un_channels_files(const char *path, size_t *open, size_t *close)
{
    const char *slash = strrchr(path, '/'), *from = strchr(slash ? slash : path, '{');
    const char *to = from ? strchr(from, '}') : NULL, *comma = from ? strchr(from, ',') : NULL;
    if (!to || !comma || comma > to || !access(path, F_OK))
        return false;
    *open = (size_t)(from - path);
    *close = (size_t)(to - path);
    return true;
}
