/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_joined.c - tables and COCO files put together
 *
 * Both are files of lines, as the library writes them.  A table: its header, and a line for each
 * object.  COCO:
 *
 *     {"info": {}, "licenses": [], "annotations": [
 *     {"id": 1, "image_id": 1, ...},
 *     ], "images": [
 *     {"id": 1, ...}
 *     ], "categories": [
 *     ...
 */
#include "predict/predict_joined.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/text_file.h"

int joined_add(struct joined_text *all, const char *text, size_t size)
{
    char **grown = realloc(all->text, (all->count + 1) * sizeof(*grown));
    char *copy = grown ? malloc(size + 1) : NULL;

    all->text = grown ? grown : all->text;
    if (!copy)
        return 0;
    memcpy(copy, text, size);
    copy[size] = 0;
    all->text[all->count++] = copy;
    return 1;
}

void joined_release(struct joined_text *all)
{
    for (size_t i = 0; i < all->count; i++)
        free(all->text[i]);
    free(all->text);
    *all = (struct joined_text){0};
}

/* Behind the first line that begins so; NULL: there is none. */
static const char *after_line(const char *text, const char *begin)
{
    size_t length = strlen(begin);

    for (; text && *text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
        if (!strncmp(text, begin, length))
            return strchr(text, '\n') ? strchr(text, '\n') + 1 : text + strlen(text);
    return NULL;
}

static int finish(struct text_file *file, const char *path, int whole)
{
    if (!whole) {
        text_file_abort(file);
        return fail_text("%s: not written: the part of an image is not as it was to be", path);
    }
    return text_file_finish(file) ? EXIT_DONE
                                  : fail_text("%s: cannot be written: %s", path, strerror(errno));
}

int joined_save_table(const struct joined_text *all, const char *path)
{
    struct text_file file;
    int whole = 1;

    if (!text_file_begin(&file, path))
        return fail_memory();
    for (size_t i = 0; i < all->count && whole; i++) {
        const char *rows = i ? after_line(all->text[i], "") : all->text[i];

        whole = rows != NULL;
        if (whole)
            fputs(rows, file.stream);
    }
    return finish(&file, path, whole);
}

/* The numbers that all parts so far have had. */
struct numbers {
    unsigned long long annotations, images;
};

static const char id[] = "{\"id\": ", of_image[] = ", \"image_id\": ";

/* Copies a line, which the next one does not follow, with other numbers.  0: it is none. */
static int put_line(FILE *out, const char *line, int annotation, const struct numbers *before,
                    int any)
{
    const char *end = line + strcspn(line, "\n");
    unsigned long long number, image = 0;
    char *rest;

    if (strncmp(line, id, sizeof(id) - 1))
        return 0;
    number = strtoull(line + sizeof(id) - 1, &rest, 10);
    if (annotation) {
        if (strncmp(rest, of_image, sizeof(of_image) - 1))
            return 0;
        image = strtoull(rest + sizeof(of_image) - 1, &rest, 10);
    }
    end -= end > rest && end[-1] == ',';
    fprintf(out, "%s\n%s%llu", any ? "," : "", id,
            number + (annotation ? before->annotations : before->images));
    if (annotation)
        fprintf(out, "%s%llu", of_image, image + before->images);
    fwrite(rest, 1, (size_t)(end - rest), out);
    return 1;
}

/* All lines of a kind, of all parts.  0: a part is not as it was written. */
static int put_lines(const struct joined_text *all, int annotations, FILE *out)
{
    static const char images[] = "], \"images\": [";
    struct numbers before = {0};
    int any = 0;

    for (size_t i = 0; i < all->count; i++) {
        const char *line = after_line(all->text[i], "{\"info\"");
        unsigned long long lines[2] = {0, 0};

        for (int kind = 1; kind >= 0; kind--) { /* annotations stand before images */
            for (; line && *line == '{'; line = after_line(line, "")) {
                lines[kind]++;
                if (kind == annotations) {
                    if (!put_line(out, line, annotations, &before, any))
                        return 0;
                    any = 1;
                }
            }
            if (!line || *line != ']' || (kind && strncmp(line, images, sizeof(images) - 1)))
                return 0;
            line = after_line(line, "");
        }
        before.annotations += lines[1];
        before.images += lines[0];
    }
    return 1;
}

int joined_save_coco(const struct joined_text *all, const char *path)
{
    const char *first = all->count ? all->text[0] : "", *line = after_line(first, "], \"images\"");
    const char *categories = line;
    struct text_file file;
    int whole = all->count > 0;

    while (categories && *categories == '{')
        categories = after_line(categories, "");
    if (!text_file_begin(&file, path))
        return fail_memory();
    fprintf(file.stream, "%.*s", (int)strcspn(first, "\n"), first);
    whole = whole && categories && put_lines(all, 1, file.stream);
    fputs("\n], \"images\": [", file.stream);
    whole = whole && put_lines(all, 0, file.stream);
    if (whole)
        fprintf(file.stream, "\n%s", categories);
    return finish(&file, path, whole);
}
