/* SPDX-License-Identifier: Apache-2.0 */
/* windows_text.c - what <string.h> and <stdio.h> of POSIX and GNU have for text */
char *un_posix_strndup(const char *text, size_t size)
{
    const size_t length = strnlen(text, size);
    char *copy = malloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = 0;
    }
    return copy;
}

void *un_posix_memmem(const void *in, size_t size, const void *what, size_t bytes)
{
    const unsigned char *from = in, *wanted = what;
    if (!bytes)
        return (void *)in;
    while (size >= bytes) {
        const unsigned char *first = memchr(from, *wanted, size - bytes + 1);
        if (!first)
            return NULL;
        if (!memcmp(first, wanted, bytes))
            return (void *)first;
        size -= (size_t)(first + 1 - from);
        from = first + 1;
    }
    return NULL;
}

char *un_posix_strcasestr(const char *in, const char *what)
{
    const size_t bytes = strlen(what);
    for (; *in || !bytes; in++)
        if (!strncasecmp(in, what, bytes))
            return (char *)in;
    return NULL;
}

char *un_posix_stpcpy(char *to, const char *from)
{
    const size_t bytes = strlen(from);
    memcpy(to, from, bytes + 1);
    return to + bytes;
}

char *un_posix_strsep(char **rest, const char *ends)
{
    char *word = *rest;
    if (word) {
        char *end = word + strcspn(word, ends);
        *rest = *end ? end + 1 : NULL;
        *end = 0;
    }
    return word;
}

ssize_t un_posix_getdelim(char **line, size_t *room, int end, FILE *file)
{
    size_t used = 0;
    for (int c; (c = getc(file)) != EOF;) {
        if (used + 2 > *room || !*line) {
            const size_t wanted = *room < 60 ? 120 : 2 * *room;
            char *grown = realloc(*line, wanted);
            if (!grown)
                return -1;
            *line = grown;
            *room = wanted;
        }
        (*line)[used++] = (char)c;
        if (c == end)
            break;
    }
    if (!used)
        return -1;
    (*line)[used] = 0;
    return (ssize_t)used;
}

ssize_t un_posix_getline(char **line, size_t *room, FILE *file)
{
    return un_posix_getdelim(line, room, '\n', file);
}
