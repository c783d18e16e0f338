/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_rows.h - tests of pairing as rows: the files of a folder, and the pairs or the message */
#ifndef TEST_PAIRS_ROWS_H
#define TEST_PAIRS_ROWS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/set/pairs.h"
#include "support/folder.h"

/* ---- a folder from a line ---------------------------------------------------------------- */

/* Makes empty files, and the folders they are in: "i/a.png i/sub/b.png"; '^' is a blank. */
static inline void make_files(const char *names)
{
    char *copy = strdup(names), *rest = copy;
    for (char *name; (name = strtok_r(rest, " ", &rest));) {
        for (char *blank; (blank = strchr(name, '^'));)
            *blank = ' ';
        for (char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
            *slash = 0;
            mkdir(in_folder(name), 0777);
            *slash = '/';
        }
        put_file(in_folder(name), "", 0);
    }
    free(copy);
}

/* A path below the test's folder, as it was given to make_files(). */
static inline const char *below(const char *path)
{
    return path + strlen(folder_root) + 1;
}

/* "a.png:m/a.png x.png:nucleus=m/nucleus/x.png,cell=..." and what is alone: "-i/b.png +m/c.png" */
static inline void write_pairs(const struct un_pairs *pairs, char *text)
{
    *text = 0;
    for (int i = 0; i < pairs->count; i++) {
        const struct un_pair *pair = &pairs->pairs[i];
        text += sprintf(text, "%s%s:", i ? " " : "", pair->name);
        if (pair->mask)
            text += sprintf(text, "%s", below(pair->mask));
        for (int k = 0; k < pairs->class_count; k++)
            if (pair->files[k])
                text += sprintf(text, "[%s]%s", pairs->classes[k], below(pair->files[k]));
        for (int k = 0; pair->objects && pair->objects[k]; k++)
            text += sprintf(text, "{%s}", below(pair->objects[k]));
    }
    for (int i = 0; i < pairs->image_count; i++)
        text += sprintf(text, " -%s", below(pairs->images[i]));
    for (int i = 0; i < pairs->mask_count; i++)
        text += sprintf(text, " +%s", below(pairs->masks[i]));
}

struct row {
    const char *files, *images, *masks;
    const char *pairs; /* or the message, with "!" before it */
    const char *rule;
};

static inline void check_wish(const struct row *row, const struct un_pair_wish *wish)
{
    void *state = NULL;
    struct un_pairs pairs;
    unet_error err = {0};
    char text[4096] = "";
    folder_create(&state);
    mkdir(in_folder("i"), 0777);
    mkdir(in_folder("m"), 0777);
    make_files(row->files);
    unet_code code =
        un_pairs_find(in_folder(row->images), in_folder(row->masks), wish, &pairs, &err);
    if (*row->pairs == '!') {
        if (!code || !strstr(err.text, row->pairs + 1))
            fail_msg("%s\n'%s', wanted '%s'", row->files, err.text, row->pairs + 1);
    } else {
        if (code)
            fail_msg("%s\n%s", row->files, err.text);
        write_pairs(&pairs, text);
        if (strcmp(text, row->pairs) || strcmp(pairs.rule, row->rule))
            fail_msg("%s\n'%s'\n'%s', wanted\n'%s'\n'%s'", row->files, text, pairs.rule, row->pairs,
                     row->rule);
        un_pairs_release(&pairs);
    }
    folder_destroy(&state);
}

static inline void check_row(const struct row *row)
{
    check_wish(row, NULL);
}

#endif
