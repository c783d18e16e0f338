/* SPDX-License-Identifier: Apache-2.0 */
/* predict_done.c - what was done, told by content */
#include "predict/predict_done.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/json_out.h"
#include "shared/machine.h"
#include "shared/say.h"
#include "shared/text_sum.h"
#include "shared/text_file.h"
#include "unet_exchange.h"

enum { RECORD_FORMAT = 1, MOST_FILES = 16, LONGEST_NAME = 200 };

/* ---- what a record is compared by ------------------------------------------------------- */

json_t *predict_done_options(const struct predict_settings *settings,
                             const struct predict_plan *plan, const unet_session_options *work)
{
    const struct objects_wishes *objects = &settings->objects;
    json_t *made =
        json_pack("{si si si si sb sb so*}", "values", settings->values, "pyramid",
                  objects->pyramid, "outlines", (int)plan->outlines, "tta", (int)work->tta, "exact",
                  settings->exact, "as_stored", settings->as_stored, "fill",
                  settings->fill ? json_path(settings->fill) : NULL);

    if (made && plan->jobs[0].objects) /* large ones are not split where memory is short */
        json_object_set_new(made, "objects",
                            json_pack("{sb sf sb si si sf}", "split", objects->split, "split_depth",
                                      objects->split_depth, "keep_holes", objects->keep_holes,
                                      "min_area", objects->minimum_area, "channel",
                                      objects->channel, "memory", settings->memory));
    return made;
}

int predict_done_open(struct predict_done *done, const struct predict_settings *settings,
                      const struct predict_plan *plan, const struct models *models,
                      const unet_session_options *work)
{
    json_t *sums = json_array();
    char text[UNET_CHECKSUM_TEXT];
    unet_error err;

    *done = (struct predict_done){.plan = plan};
    for (size_t i = 0; settings->skip_done && i < models->files.count; i++) {
        if (unet_model_checksum(models->list[i], text, &err)) {
            json_decref(sums);
            return fail(&err);
        }
        json_array_append_new(sums, json_string(text));
    }
    if (settings->skip_done) {
        json_t *options = predict_done_options(settings, plan, work);

        done->with = json_pack("{si ss sO so}", "format", RECORD_FORMAT, "version", UNET_VERSION,
                               "models", sums, "options", options);
    }
    json_decref(sums);
    return settings->skip_done && !done->with ? fail_memory() : EXIT_DONE;
}

/* The image's name without its folder: "scan.tif[2:7]"; of a slide's level "slide.svs/2". */
static const char *name_of(const char *input)
{
    const char *slash = strrchr(input, '/'), *name = slash ? slash + 1 : input;
    char *folder = slash ? strndup(input, (size_t)(slash - input)) : NULL;

    if (folder && !path_is_folder(folder))
        while (name > input && (--name == input || name[-1] != '/' || name - 1 == slash))
            ;
    free(folder);
    return name;
}

static void add_stamp(char *stamp, size_t size, const struct stat *info)
{
    const struct timespec changed = system_changed(info);

    snprintf(stamp, size, "%llx %llx %llx.%lx ", (unsigned long long)info->st_ino,
             (unsigned long long)info->st_size, (unsigned long long)changed.tv_sec,
             (unsigned long)changed.tv_nsec);
}

/* What its files are like, by which a change while it is at work is seen. */
static void take_stamp(const char *input, char *stamp, size_t size)
{
    char *part[MOST_FILES];
    int files = path_files(input, part, MOST_FILES);

    *stamp = 0;
    for (int i = 0; i < files; i++) {
        const char *pages;
        char *file = path_of_pages(part[i], &pages);
        struct stat info;
        size_t length = strlen(stamp);

        if (file && !stat(file, &info))
            add_stamp(stamp + length, size - length, &info);
        free(file);
        free(part[i]);
    }
}

/* 0: it cannot be read, which is told by whoever predicts it. */
static int sum_image(struct predict_done *done, const char *input)
{
    unet_source *source;

    if (*done->sum)
        return 1;
    if (unet_source_open(input, &source, NULL))
        return 0;
    if (unet_source_checksum(source, done->sum, NULL))
        *done->sum = 0;
    unet_source_close(source);
    return *done->sum != 0;
}

/* Checksums of a job's files, by product: {"mask": ["12ab.."], "rois": ["..", ".."]}; NULL: one
 * cannot be read. */
static json_t *sum_files(const struct predict_job *job)
{
    json_t *all = json_object();
    char text[UNET_CHECKSUM_TEXT];
    int ok = all != NULL;

    for (int p = 0; p < PRODUCTS && ok; p++) {
        json_t *list = job->output[p] ? json_array() : NULL;

        for (int page = 0; list && ok && page < predict_plan_files(job, (enum product)p); page++) {
            char *file = predict_plan_file(job, (enum product)p, page);

            ok = file && !unet_file_checksum(file, text, NULL) &&
                 !json_array_append_new(list, json_string(text));
            free(file);
        }
        if (list)
            json_object_set_new(all, predict_keys[p], list);
    }
    if (ok)
        return all;
    json_decref(all);
    return NULL;
}

/* ---- records ----------------------------------------------------------------------------- */

/* The file of a record; *folder is where it lies. */
static char *record_path(const struct predict_job *job, char **folder)
{
    const char *first = NULL, *slash, *name;
    char *path = NULL, sum[24] = "";

    for (int p = 0; p < PRODUCTS && !first; p++)
        first = job->output[p];
    slash = strrchr(first, '/');
    name = slash ? slash + 1 : first;
    *folder = path_text("%.*s.unet-done", (int)(name - first), first);
    if (strlen(name) > LONGEST_NAME) /* what is cut off tells it from others */
        snprintf(sum, sizeof(sum), "~%016llx",
                 (unsigned long long)bytes_sum(TEXT_SUM_START, name, strlen(name)));
    if (*folder)
        path = path_text("%s/%.*s%s.json", *folder, LONGEST_NAME, name, sum);
    return path;
}

/* Whether any file of a job is there. */
static int is_there(const struct predict_job *job)
{
    for (int p = 0; p < PRODUCTS; p++) {
        char *file = job->output[p] ? predict_plan_file(job, (enum product)p, 0) : NULL;
        int found = file && path_exists(file);

        free(file);
        if (found)
            return 1;
    }
    return 0;
}

/* Removes what another job, killed since, was writing beside the files of one that is done. */
static void sweep(const struct predict_job *job, const char *record)
{
    for (int p = 0; p < PRODUCTS; p++)
        for (int page = 0; job->output[p] && page < predict_plan_files(job, (enum product)p);
             page++) {
            char *file = predict_plan_file(job, (enum product)p, page);

            unet_remove_unfinished(file);
            free(file);
        }
    unet_remove_unfinished(record);
}

/* Why a record does not stand for what would be made; NULL: it does. */
static const char *differs(struct predict_done *done, const struct predict_job *job,
                           const json_t *record)
{
    static const struct {
        const char *key, *why;
    } rows[] = {{"format", "another version made it"},
                {"version", "another version made it"},
                {"models", "another model made it"},
                {"options", "it was made with other options"}};
    const char *why = NULL;
    json_t *files, *kept = json_object_get(record, "files");
    const char *key;
    json_t *list;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!json_equal(json_object_get(record, rows[i].key),
                        json_object_get(done->with, rows[i].key)))
            return rows[i].why;
    json_t *name = json_path(name_of(job->input));
    if (!json_equal(json_object_get(record, "image"), name) || !sum_image(done, job->input) ||
        !json_is_string(json_object_get(record, "sha256")) ||
        strcmp(json_string_value(json_object_get(record, "sha256")), done->sum))
        why = "the image is another now";
    json_decref(name);
    if (why)
        return why;
    for (int p = 0; p < PRODUCTS; p++)
        if (job->output[p] && !json_object_get(kept, predict_keys[p]))
            return "not all of its files were made";
    files = sum_files(job);
    if (!files)
        why = "a file of it is gone";
    json_object_foreach(files, key, list) if (!json_equal(json_object_get(kept, key), list)) why =
        "a file of it was changed";
    json_decref(files);
    return why;
}

int predict_done_has(struct predict_done *done, const struct predict_job *job, json_t **facts)
{
    const char *why = NULL;
    char *folder = NULL, *path;
    json_t *record;

    *facts = NULL;
    if (!done->with)
        return 0;
    *done->sum = 0;
    take_stamp(job->input, done->stamp, sizeof(done->stamp));
    path = record_path(job, &folder);
    record = path ? json_load_file(path, 0, NULL) : NULL;
    if (record)
        why = differs(done, job, record);
    else if (is_there(job))
        why = "nothing tells what it was made from";
    if (record && !why && !json_is_object(json_object_get(record, "facts")))
        why = "its record is not whole";
    if (record && !why) {
        done->skipped++;
        sweep(job, path);
        *facts = json_incref(json_object_get(record, "facts"));
    } else if (why && !done->again++) {
        snprintf(done->why, sizeof(done->why), "%s", why);
        done->first = strdup(job->input);
    }
    json_decref(record);
    free(path);
    free(folder);
    return *facts != NULL;
}

static int save(const char *folder, const char *path, const json_t *record)
{
    struct text_file file;

    if (!path_make_folder(folder))
        return fail_text("%s: cannot make this folder: %s", folder, strerror(errno));
    if (!text_file_begin(&file, path))
        return fail_memory();
    if (json_dumpf(record, file.stream, JSON_INDENT(1)) || fputc('\n', file.stream) == EOF) {
        text_file_abort(&file);
        return fail_memory();
    }
    return text_file_finish(&file)
               ? EXIT_DONE
               : fail_text("%s: cannot be written: %s; the files of this image are whole, but "
                           "--skip-done will not know it",
                           path, strerror(errno));
}

int predict_done_keep(struct predict_done *done, const struct predict_job *job, json_t *facts)
{
    char stamp[sizeof(done->stamp)], *folder = NULL, *path;
    json_t *record, *files;
    int status;

    if (!done->with)
        return EXIT_DONE;
    files = sum_image(done, job->input) ? sum_files(job) : NULL;
    take_stamp(job->input, stamp, sizeof(stamp));
    if (!files || strcmp(stamp, done->stamp)) {
        json_decref(files);
        say(stderr,
            "warning: %s: was changed while it was segmented, so it does not count as done\n",
            job->input);
        return EXIT_DONE;
    }
    path = record_path(job, &folder);
    record = json_copy(done->with);
    if (record)
        json_object_update_new(record,
                               json_pack("{so ss sO sO}", "image", json_path(name_of(job->input)),
                                         "sha256", done->sum, "files", files, "facts", facts));
    status = path && record ? save(folder, path, record) : fail_memory();
    json_decref(record);
    json_decref(files);
    free(path);
    free(folder);
    return status;
}

void predict_done_say(const struct predict_done *done)
{
    if (done->skipped)
        say(stderr, "done before: %zu of %zu image%s\n", done->skipped, done->plan->count,
            done->plan->count == 1 ? "" : "s");
    if (done->again)
        say(stderr, "made again: %zu; the first, %s: %s\n", done->again,
            done->first ? done->first : "", done->why);
}

void predict_done_release(struct predict_done *done)
{
    json_decref(done->with);
    free(done->first);
    *done = (struct predict_done){0};
}
