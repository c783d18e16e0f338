/* SPDX-License-Identifier: Apache-2.0 */
/* paths.c - names of files and folders */
#include "shared/paths.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unet_image.h"

int path_list_add(struct path_list *list, char *path)
{
    if (!path)
        return 0;
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 16;
        char **grown = realloc(list->path, room * sizeof(*grown));

        if (!grown) {
            free(path);
            return 0;
        }
        list->path = grown;
        list->room = room;
    }
    list->path[list->count++] = path;
    return 1;
}

void path_list_release(struct path_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->path[i]);
    free(list->path);
    *list = (struct path_list){0};
}

char *path_text(const char *format, ...)
{
    va_list args;
    char *text;
    int length;

    va_start(args, format);
    length = vasprintf(&text, format, args);
    va_end(args);
    return length < 0 ? NULL : text;
}

char *path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);

    return path_text("%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

const char *path_ending(const char *path)
{
    const char *name = last_part(path), *dot = strrchr(name, '.');

    if (dot && dot - name > 4 && !strcasecmp(dot - 4, ".nii.gz"))
        return dot - 4;
    return dot && dot != name ? dot : name + strlen(name);
}

/* Bytes of a path before the choice of channels that it ends in, scan.tif{0,2}. */
static size_t before_channels(const char *path)
{
    size_t length = strlen(path);
    const char *brace = strrchr(path, '{');

    return length && path[length - 1] == '}' && brace && brace != path && !path_exists(path)
               ? (size_t)(brace - path)
               : length;
}

char *path_of_pages(const char *path, const char **pages)
{
    size_t length = before_channels(path);
    const char *bracket = path + length;

    *pages = bracket;
    if (!length || path[length - 1] != ']' || path_exists(path))
        return strndup(path, length);
    while (bracket > path && *bracket != '[')
        bracket--;
    if (bracket == path)
        return strndup(path, length);
    *pages = bracket;
    return strndup(path, (size_t)(bracket - path));
}

/* A list of the files of an image's channels, cell_{ch00,ch01}: cut out with what is beside it. */
static void drop_files(char *stem)
{
    static const char gaps[] = "_- .";
    char *open = strchr(stem, '{'), *close = open ? strchr(open, '}') : NULL;

    if (!close || !memchr(open, ',', (size_t)(close - open)))
        return;
    close++;
    if (open > stem && strchr(gaps, open[-1]))
        open--;
    else if (open == stem && *close && strchr(gaps, *close))
        close++;
    if (open > stem || *close)
        memmove(open, close, strlen(close) + 1);
}

/* slide.svs/1, a level of a slide: the number behind the slide's path; NULL: it is none. */
static char *level_of(char *file)
{
    char *slash = strrchr(file, '/');
    struct stat info;

    if (!slash || slash == file || strspn(slash + 1, "0123456789") != strlen(slash + 1))
        return NULL;
    *slash = 0;
    if (!stat(file, &info) && S_ISREG(info.st_mode))
        return slash + 1;
    *slash = '/';
    return NULL;
}

char *path_stem(const char *path)
{
    const char *pages;
    char *file = path_of_pages(path, &pages), *stem = NULL;

    if (file) {
        const char *level = level_of(file), *name = last_part(file);

        stem = path_text("%.*s%s%s%.*s", (int)(path_ending(file) - name), name, level ? "-" : "",
                         level ? level : "", *pages == '[' ? (int)strcspn(pages, "]") : 0, pages);
        for (char *at = stem; stem && *pages && *at; at++)
            if (*at == '[' || *at == ':')
                *at = '-'; /* scan.tif[2:7]: scan-2-7 */
        if (stem && !path_exists(file))
            drop_files(stem);
    }
    free(file);
    return stem;
}

int path_files(const char *path, char **files, int most)
{
    const char *open = strchr(last_part(path), '{'), *close = open ? strchr(open, '}') : NULL;
    const char *comma = open ? strchr(open, ',') : NULL;
    int count = 0, ok = 1;

    if (!close || !comma || comma > close || path_exists(path) ||
        before_channels(path) <= (size_t)(open - path)) {
        files[0] = strdup(path);
        return files[0] != NULL;
    }
    for (const char *at = open + 1; ok && at < close && count < most;) {
        size_t n = strcspn(at, ",}");

        files[count] = path_text("%.*s%.*s%s", (int)(open - path), path, (int)n, at, close + 1);
        ok = files[count] != NULL;
        count += ok;
        at += n + 1;
    }
    while (!ok && count)
        free(files[--count]);
    return count;
}

char *path_before_ending(const char *path, const char *insert)
{
    const char *ending = path_ending(path);

    return path_text("%.*s%s%s", (int)(ending - path), path, insert, ending);
}

char *path_quote(const char *path)
{
    char *text = malloc(4 * strlen(path) + 3), *end = text;

    if (!text)
        return NULL;
    if (strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=@%,:") ==
        strlen(path))
        return strcpy(text, path);
    *end++ = '\'';
    for (; *path; path++)
        end = *path == '\'' ? stpcpy(end, "'\\''") : (*end = *path, end + 1);
    strcpy(end, "'");
    return text;
}

int path_has_ending(const char *path, const char *const *endings)
{
    for (; *endings; endings++)
        if (!strcasecmp(path_ending(path), *endings))
            return 1;
    return 0;
}

int path_is_folder(const char *path)
{
    struct stat info;

    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

int path_holds_images(const char *path)
{
    return path_is_folder(path) && !unet_image_file(path);
}

char *path_without_slash(const char *path)
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    return strndup(path, length);
}

int path_exists(const char *path)
{
    struct stat info;

    return !lstat(path, &info);
}

/* "./a//b/./c/" becomes "a/b/c": the same folder is spelled the same. */
static void drop_dots(char *path)
{
    char *to = path + (*path == '/'), *start = to;
    const char *from = to;

    while (*from) {
        size_t length = strcspn(from, "/");

        if (length && !(length == 1 && *from == '.')) {
            if (to > start)
                *to++ = '/';
            memmove(to, from, length);
            to += length;
        }
        from += length;
        from += strspn(from, "/");
    }
    *to = 0;
}

char *path_entry(const char *path)
{
    const char *name = last_part(path);
    char *folder = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
    char *real = folder ? realpath(folder, NULL) : NULL, *entry;

    /* a folder that is not there yet: the path as it is written, in one spelling */
    if (folder && !real)
        drop_dots(folder);
    entry = path_join(real ? real : folder ? folder : "", name);
    free(real);
    free(folder);
    return entry;
}

int path_make_folder(const char *path)
{
    char *part = strdup(path), *at = part;
    int ok = part != NULL;

    while (ok && *at) {
        char cut;

        at += strspn(at, "/");
        at += strcspn(at, "/");
        cut = *at;
        *at = 0;
        ok = !mkdir(part, 0777) || errno == EEXIST;
        *at = cut;
    }
    free(part);
    if (ok && !path_is_folder(path)) {
        errno = ENOTDIR;
        ok = 0;
    }
    return ok;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int path_list_images(const char *folder, struct path_list *list)
{
    DIR *dir = opendir(folder);
    size_t first = list->count;
    struct dirent *entry;
    int ok = dir != NULL;

    while (ok && (errno = 0, entry = readdir(dir)))
        if (entry->d_name[0] != '.' && unet_image_name(entry->d_name))
            ok = path_list_add(list, path_join(folder, entry->d_name));
    if (dir) {
        ok = ok && !errno;
        closedir(dir);
    }
    if (ok && list->count > first)
        qsort(list->path + first, list->count - first, sizeof(*list->path), compare_paths);
    return ok;
}

int path_writable(const char *path)
{
    const char *name = last_part(path);
    char *folder = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
    int ok = 0;

    if (!folder) {
        errno = ENOMEM;
    } else if (path_is_folder(path) || !*name) {
        errno = EISDIR;
    } else if (!access(folder, F_OK) && !path_is_folder(folder)) {
        errno = ENOTDIR;
    } else {
        ok = !access(folder, W_OK | X_OK);
    }
    free(folder);
    return ok;
}

int path_is_foreign(const char *path)
{
    static const char *const endings[] = {".pth", ".pt", ".onnx", NULL};

    return path_has_ending(path, endings);
}
