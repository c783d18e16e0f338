/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_export.c - all images into files
 *
 * `unet predict` does it, as a process of its own: the same code, options and files as on a command
 * line, and whatever happens to it, nothing happens to the page.  Each image that is done is a line
 * of JSON on its stdout.  Training waits meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/machine.h"
#include "studio/live/live.h"

extern char **environ;

/* What the thread takes with it. */
struct export
{
    struct live *live;
    char *folder;
    char **arguments; /* ends with NULL */
    int count, total; /* arguments; files to be segmented */
};

static void export_free(struct export *e)
{
    for (int i = 0; e && e->arguments && i < e->count; i++)
        free(e->arguments[i]);
    if (e) {
        free(e->arguments);
        free(e->folder);
    }
    free(e);
}

/* ---- the command line --------------------------------------------------------------------- */

static int add(struct export *e, char *argument) /* takes it */
{
    if (!argument)
        return 0;
    e->arguments[e->count++] = argument;
    return 1;
}

static int add_option(struct export *e, const char *option, const char *name)
{
    return add(e, strdup(option)) && add(e, path_join(e->folder, name));
}

/* Each file once, also where it has several pages. */
static int add_files(struct export *e)
{
    const struct studio *studio = e->live->studio;
    int last = -1;

    for (int i = 0; i < studio_images(studio); i++) {
        const struct studio_image *image = studio_image(studio, i);
        const char *pages;
        if (image->file == last || image->missing)
            continue;
        last = image->file;
        if (!add(e, image->pages > 1 ? path_of_pages(image->path, &pages) : strdup(image->path)))
            return 0;
        e->total++;
    }
    return 1;
}

static int write_command(struct export *e, int masks, int overlays, int objects)
{
    char threads[16];
    const size_t room = (size_t)studio_images(e->live->studio) + 16;

    if (!(e->arguments = calloc(room, sizeof(*e->arguments))))
        return 0;
    snprintf(threads, sizeof(threads), "%d", e->live->options.threads);
    if (!add(e, strdup("unet")) || !add(e, strdup("predict")) ||
        !add(e, strdup(e->live->model_path)) || !add_files(e))
        return 0;
    if ((masks && !add_option(e, "-o", "masks/")) ||
        (overlays && !add_option(e, "--overlay", "overlays/")) ||
        (objects && !add_option(e, "--measure", "objects.csv")))
        return 0;
    if (e->live->options.threads > 0 && (!add(e, strdup("--threads")) || !add(e, strdup(threads))))
        return 0;
    return add(e, strdup("--quiet")) && add(e, strdup("--json"));
}

/* ---- the process -------------------------------------------------------------------------- */

static void tell(const struct export *e, const char *state, int done, const char *message)
{
    studio_event(e->live->studio, "export",
                 json_pack("{sssisisoso}", "state", state, "done", done, "total", e->total,
                           "folder", json_path(e->folder), "message", json_path(message)));
}

/* Starts it with its stdout in a pipe and its stderr in a file. */
static int start(const struct export *e, pid_t *child, int out[2], FILE *errors)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    char self[4096];
    int failed;

    if (!system_own_path(self, sizeof(self)))
        return ENOENT;
    if (system_pipe(out))
        return errno;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out[1], 1);
    posix_spawn_file_actions_adddup2(&files, fileno(errors), 2);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    failed = posix_spawn(child, self, &files, &attributes, e->arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(out[1]);
    if (failed)
        close(out[0]);
    else
        setpriority(PRIO_PROCESS, (id_t)*child, 10);
    return failed;
}

/* A line for each image that is done. */
static int follow(const struct export *e, int out)
{
    FILE *lines = fdopen(out, "r");
    int done = 0, c;

    while (lines && (c = getc(lines)) != EOF)
        if (c == '\n')
            tell(e, "running", ++done, "");
    if (lines)
        fclose(lines);
    else
        close(out);
    return done;
}

/* The first line that it said, which names a file, and the last, which may sum up. */
static void what_it_said(FILE *errors, char *text, size_t size)
{
    static const char name[] = "unet: ";
    char line[256], first[256] = "";

    rewind(errors);
    while (fgets(line, sizeof(line), errors)) {
        const char *words = line + (strncmp(line, name, strlen(name)) ? 0 : strlen(name));

        line[strcspn(line, "\n")] = 0;
        if (!*first)
            snprintf(first, sizeof(first), "%s", words);
        else
            snprintf(text, size, "%s; %s", first, words);
    }
    if (!*text)
        snprintf(text, size, "%s", first);
}

/* Runs it to its end; how many files are done. */
static int run(const struct export *e, FILE *errors, int *status, int *failed)
{
    struct live *live = e->live;
    int out[2], done;
    pid_t child;

    if ((*failed = start(e, &child, out, errors)))
        return 0;
    pthread_mutex_lock(&live->lock);
    live->child = child;
    if (live->export_ends)
        kill(child, SIGTERM);
    pthread_mutex_unlock(&live->lock);
    done = follow(e, out[0]);
    pthread_mutex_lock(&live->lock);
    live->child = 0; /* nobody ends another process that gets its number */
    pthread_mutex_unlock(&live->lock);
    while (waitpid(child, status, 0) < 0 && errno == EINTR)
        ;
    return done;
}

/* Until the newest weights are in the file that will be read; 0: it is to end before. */
static int wait_for_model(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    while (!live->export_ends &&
           (live->saving || live->classes_changed || !strcmp(live->state, "training")))
        pthread_cond_wait(&live->work, &live->lock);
    const int goes_on = !live->export_ends;
    pthread_mutex_unlock(&live->lock);
    return goes_on;
}

/* Whether the network in the file knows the classes of now; 0: why not. */
static int file_fits(struct live *live, unet_error *err)
{
    unet_model *model;

    if (unet_model_load(live->model_path, &model, err))
        return 0;
    const int fits = live_model_fits(live, model);
    unet_model_free(model);
    return fits || !set_error(err, UNET_ESTOPPED,
                              "the network does not know the classes of now yet: paint each of "
                              "them, and wait for the next prediction");
}

/* How it ended, as a state; message: why, if it is not done. */
static const char *outcome(struct live *live, FILE *errors, int status, int failed, char *message,
                           size_t size)
{
    if (!failed && WIFEXITED(status) && !WEXITSTATUS(status))
        return "done";
    pthread_mutex_lock(&live->lock);
    const int stopped = live->export_ends;
    pthread_mutex_unlock(&live->lock);
    if (failed)
        snprintf(message, size, "unet predict could not be started: %s", strerror(failed));
    else
        what_it_said(errors, message, size);
    if (!*message && WIFSIGNALED(status))
        snprintf(message, size, "unet predict was ended by signal %d", WTERMSIG(status));
    return stopped ? "stopped" : "failed";
}

static void *export_thread(void *context)
{
    struct export *e = context;
    struct live *live = e->live;
    FILE *errors = tmpfile();
    char message[520] = "";
    int status = SIGTERM /* of one that never ran */, failed = errors ? 0 : errno, done = 0;
    unet_error err = {0};

    tell(e, "running", 0, "");
    const int goes_on = wait_for_model(live) && errors, fits = !goes_on || file_fits(live, &err);
    if (goes_on && fits)
        done = run(e, errors, &status, &failed);
    const char *state = outcome(live, errors, status, failed, message, sizeof(message));
    if (!fits)
        snprintf(message, sizeof(message), "%s", err.text);
    tell(e, state, done, message);
    if (errors)
        fclose(errors);
    export_free(e);
    pthread_mutex_lock(&live->lock);
    live->exporting = 0;
    pthread_cond_broadcast(&live->work);
    pthread_mutex_unlock(&live->lock);
    return NULL;
}

/* ---- for the server ----------------------------------------------------------------------- */

/* masks, overlays, objects: what is wanted; stop: what is under way ends. */
static unet_code read_wishes(const json_t *wishes, int wish[4], unet_error *err)
{
    static const char *const names[4] = {"masks", "overlays", "objects", "stop"};
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)wishes, key, value)
    {
        int k = 0;
        while (k < 4 && strcmp(names[k], key))
            k++;
        if (k == 4 || !json_is_boolean(value))
            return set_error(err, UNET_EINVAL,
                             "\"%.40s\": masks, overlays or objects with true or false wanted",
                             key);
        wish[k] = json_is_true(value);
    }
    if (!wish[0] && !wish[1] && !wish[2] && !wish[3])
        return set_error(err, UNET_EINVAL, "nothing is wanted: masks, overlays or objects");
    return UNET_OK;
}

/* Lock held. */
static void end_export(struct live *live)
{
    live->export_ends = 1; /* its process may not have a number yet */
    pthread_cond_broadcast(&live->work);
    if (live->child)
        kill(live->child, SIGTERM);
}

void live_export_stop(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    end_export(live);
    const int running = live->exporter_running;
    live->exporter_running = 0;
    pthread_mutex_unlock(&live->lock);
    if (running)
        pthread_join(live->exporter, NULL);
}

static unet_code begin_export(struct live *live, const int wish[4], unet_error *err)
{
    struct export *e = calloc(1, sizeof(*e));
    unet_code code = UNET_OK;

    if (!e)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    e->live = live;
    e->folder = path_join(studio_folder(live->studio), "export");
    if (!e->folder || !write_command(e, wish[0], wish[1], wish[2]))
        code = set_error(err, UNET_ENOMEM, "not enough memory");
    else if (!path_make_folder(e->folder))
        code = set_error(err, UNET_EIO, "%.300s: %s", e->folder, strerror(errno));
    else if (pthread_create(&live->exporter, NULL, export_thread, e))
        code = set_error(err, UNET_ENOMEM, "a thread could not be started");
    if (code)
        export_free(e);
    return code;
}

unet_code live_export(struct live *live, const json_t *wishes, unet_error *err)
{
    int wish[4] = {0}, ended;
    unet_code code = read_wishes(wishes, wish, err);

    if (code)
        return code;
    if (!wish[3] && path_exists(live->model_path) && !file_fits(live, err))
        return err->code;
    pthread_mutex_lock(&live->lock);
    if (wish[3]) {
        end_export(live);
        pthread_mutex_unlock(&live->lock);
        return UNET_OK;
    }
    if (live->exporting)
        code = set_error(err, UNET_EINVAL, "the images are being segmented already");
    else if (!path_exists(live->model_path))
        code = set_error(err, UNET_EINVAL, "there is no network yet: paint at least two classes");
    ended = !code && live->exporter_running;
    if (!code) {
        live->exporting = 1;
        live->exporter_running = live->export_ends = 0;
    }
    pthread_mutex_unlock(&live->lock);
    if (code)
        return code;
    if (ended)
        pthread_join(live->exporter, NULL);
    code = begin_export(live, wish, err);
    pthread_mutex_lock(&live->lock);
    live->exporter_running = !code;
    live->exporting &= !code;
    pthread_cond_broadcast(&live->work);
    pthread_mutex_unlock(&live->lock);
    return code;
}
