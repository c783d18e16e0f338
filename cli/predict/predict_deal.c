/* SPDX-License-Identifier: Apache-2.0 */
/* predict_deal.c - an image by whoever has it, and what comes of it */
#include "predict/predict_deal.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/say.h"

/* What rank 0 has to know of an image, before the bytes of its parts of joined files. */
struct came {
    struct predict_tally tally;
    uint64_t skipped, again, rows, shapes; /* rows, shapes: bytes */
    char why[64];
};

/* ---- parts of joined files --------------------------------------------------------------- */

static char *part_path(const struct predict_run *run, enum product product)
{
    if (!run->scratch)
        return NULL;
    return path_join(run->scratch, product == PRODUCT_MEASURE ? "rows.csv" : "shapes.json");
}

static unet_code open_parts(struct predict_run *run, char *paths[2], unet_error *err)
{
    unet_code code = UNET_OK;

    if (run->plan->joined[PRODUCT_MEASURE])
        code = predict_table_open(&run->table, run->plan, NULL, paths[0], run->model, err);
    if (!code)
        code = predict_outlines_open(&run->outlines, run->plan, paths[1], run->model, err);
    return code;
}

/* Reads a part, and removes it; NULL: it cannot be read. */
static char *take_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    long length = -1;

    if (file && !fseek(file, 0, SEEK_END) && (length = ftell(file)) >= 0 &&
        (bytes = malloc((size_t)length + 1))) {
        rewind(file);
        if (fread(bytes, 1, (size_t)length, file) != (size_t)length) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (file)
        fclose(file);
    remove(path);
    *size = bytes ? (size_t)length : 0;
    return bytes;
}

/* ---- an image ---------------------------------------------------------------------------- */

int predict_deal_one(void *context, long i, FILE *more)
{
    struct predict_dealt *dealt = context;
    struct predict_run *run = dealt->run;
    const int tables = run->plan->joined[PRODUCT_MEASURE],
              outlines = run->plan->joined[PRODUCT_ROIS];
    char *paths[2] = {part_path(run, PRODUCT_MEASURE), part_path(run, PRODUCT_ROIS)};
    char *rows = NULL, *shapes = NULL;
    size_t row_bytes = 0, shape_bytes = 0;
    struct predict_done *before = run->before;
    struct came came = {.skipped = 0};
    unet_error err;
    int status = !run->scratch || (paths[0] && paths[1]) ? EXIT_DONE : fail_memory();

    run->now = (size_t)i;
    run->tally = (struct predict_tally){0};
    before->skipped = before->again = 0;
    free(before->first);
    before->first = NULL;
    if (!status && open_parts(run, paths, &err))
        status = fail(&err);
    if (!status)
        status = predict_image(run, &run->plan->jobs[i]);
    if (!status &&
        (predict_table_commit(&run->table, &err) || predict_outlines_commit(&run->outlines, &err)))
        status = fail(&err);
    predict_table_abort(&run->table);
    predict_outlines_abort(&run->outlines);
    if (!status && ((tables && !(rows = take_file(paths[0], &row_bytes))) ||
                    (outlines && !(shapes = take_file(paths[1], &shape_bytes)))))
        status = fail_text("%s: %s", run->scratch, strerror(errno));
    came.tally = run->tally;
    came.skipped = before->skipped;
    came.again = before->again;
    came.rows = row_bytes;
    came.shapes = shape_bytes;
    memcpy(came.why, before->why, sizeof(came.why));
    fwrite(&came, sizeof(came), 1, more);
    fwrite(rows, 1, row_bytes, more);
    fwrite(shapes, 1, shape_bytes, more);
    free(rows);
    free(shapes);
    free(paths[0]);
    free(paths[1]);
    return status;
}

int predict_deal_came(void *context, long i, int status, const char *more, size_t size)
{
    struct predict_dealt *dealt = context;
    struct predict_run *run = dealt->run;
    const char *name = run->plan->jobs[i].input;
    struct came came;

    dealt->failed += status != EXIT_DONE;
    dealt->came++;
    if (size < sizeof(came))
        return EXIT_DONE;
    memcpy(&came, more, sizeof(came));
    for (int label = 0; label < 256; label++)
        dealt->sums.tally.pixels[label] += came.tally.pixels[label];
    dealt->sums.tally.one_channel += came.tally.one_channel;
    if (came.tally.alphas && !dealt->sums.tally.alphas)
        dealt->sums.alpha = name;
    dealt->sums.tally.alphas += came.tally.alphas;
    dealt->sums.skipped += (size_t)came.skipped;
    if (came.again && !dealt->sums.again) {
        memcpy(dealt->sums.why, came.why, sizeof(dealt->sums.why));
        dealt->sums.first = name;
    }
    dealt->sums.again += (size_t)came.again;
    more += sizeof(came);
    if (status == EXIT_DONE &&
        ((run->plan->joined[PRODUCT_MEASURE] && !joined_add(&run->rows, more, (size_t)came.rows)) ||
         (run->plan->joined[PRODUCT_ROIS] &&
          !joined_add(&run->shapes, more + came.rows, (size_t)came.shapes))))
        return fail_memory();
    return EXIT_DONE;
}

/* ---- all --------------------------------------------------------------------------------- */

/* A process that is killed leaves it. */
int predict_deal_begin(struct predict_run *run)
{
    const char *told = getenv("TMPDIR");
    /* TEMP and TMP: Windows */
    const char *folders[] = {told, getenv("TEMP"), getenv("TMP"), "/var/tmp", "/tmp"};
    const size_t count = told && *told ? 1 : sizeof(folders) / sizeof(*folders);

    if (!run->plan->joined[PRODUCT_MEASURE] && !run->plan->joined[PRODUCT_ROIS])
        return EXIT_DONE;
    for (size_t i = 0; i < count; i++) {
        if (!folders[i] || !*folders[i])
            continue;
        free(run->scratch);
        if (!(run->scratch = path_text("%s/unet-XXXXXX", folders[i])))
            return fail_memory();
        if (mkdtemp(run->scratch))
            return EXIT_DONE;
    }
    return fail_text("%s: cannot make this folder: %s", run->scratch, strerror(errno));
}

void predict_deal_end(struct predict_run *run)
{
    if (run->scratch)
        rmdir(run->scratch);
    free(run->scratch);
    run->scratch = NULL;
}

int predict_deal_sum(const struct predict_dealt *dealt, int stopped, size_t *failed)
{
    struct predict_run *run = dealt->run;

    run->tally = dealt->sums.tally;
    run->alpha = dealt->sums.alpha;
    run->before->skipped = dealt->sums.skipped;
    run->before->again = dealt->sums.again;
    memcpy(run->before->why, dealt->sums.why, sizeof(dealt->sums.why));
    free(run->before->first);
    run->before->first = dealt->sums.first ? strdup(dealt->sums.first) : NULL;
    *failed = dealt->failed;
    if (!stopped)
        return EXIT_DONE;
    fail_text("interrupted: not all of %zu images are done%s", run->plan->count,
              run->settings->skip_done ? "; the same command goes on with the others" : "");
    return EXIT_INTERRUPTED;
}
