/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_studio.c - unet studio: a page to look, paint and watch a network learn
 *
 * The project is opened, the training beside it begun, then the server; they end in the other
 * order.  The browser is given a file of this user alone, which sends it to the address: what is on
 * a command line all users of a machine can read, and the address has the key.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/device.h"
#include "shared/folder_lock.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/say.h"
#include "studio/serve.h"
#include "unet_image.h"

struct studio_command {
    const char *project, *model, *masks, *labels;
    int port, ipv6, no_browser, paused;
    struct common_settings common;
    char *const *operands; /* images and folders */
    int operand_count;
};

#define AT(field) offsetof(struct studio_command, field)

static const struct option_row command_options[] = {
    OPT_LETTER('o', "project", AT(project), "DIR", "the project's folder [IMAGES.unet]"),
    OPT_STRING("masks", AT(masks), "DIR", "begin with these masks, where nothing is painted"),
    OPT_STRING("labels", AT(labels), "L", "what their values mean: 'background=0,cell=255'"),
    OPT_STRING("model", AT(model), "MODEL", "begin with this model and its classes"),
    OPT_FLAG("paused", AT(paused), "do not train until the page says so"),
    OPT_INT("port", AT(port), 1, 65535, "N", "the port [any that is free]"),
    OPT_FLAG("ipv6", AT(ipv6), "serve on ::1 instead of 127.0.0.1"),
    OPT_FLAG("no-browser", AT(no_browser), "only print the address"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* ---- which project, which images --------------------------------------------------------- */

static int is_project(const char *path)
{
    char *file = path_join(path, "project.json");
    const int found = file && path_exists(file);

    free(file);
    return found;
}

/* "images/" -> "images.unet", "scan.tif" -> "scan.unet" */
static char *default_project(const char *operand)
{
    char *path = strdup(operand), *made = NULL;

    for (size_t n = path ? strlen(path) : 0; n > 1 && path[n - 1] == '/';)
        path[--n] = 0;
    if (path && path_holds_images(path)) {
        char *real = realpath(path, NULL); /* of "." and "..", too */

        made = real ? path_text("%s.unet", real) : NULL;
        free(real);
    } else if (path) {
        made = path_text("%.*s.unet", (int)(strlen(path) - strlen(path_ending(path))), path);
    }
    free(path);
    return made;
}

/* Adds the images of an operand: a file, or those of a folder. */
static int list_operand(const char *operand, struct path_list *list)
{
    const size_t before = list->count;

    if (!path_holds_images(operand)) {
        if (!path_exists(operand))
            return fail_text("%s: %s", operand, strerror(errno));
        char *copy = path_without_slash(operand);

        return copy && path_list_add(list, copy) ? EXIT_DONE : fail_memory();
    }
    if (!path_list_images(operand, list))
        return fail_text("%s: cannot be read: %s", operand, strerror(errno));
    if (list->count == before)
        return fail_text("%s: no images in it", operand);
    return EXIT_DONE;
}

/* ---- the browser ------------------------------------------------------------------------- */

static void open_browser(const char *folder, const char *address, char **page)
{
    char *path = path_join(folder, ".open.html");
    int fd;
    pid_t child;

    *page = NULL;
    if (!path || (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))) {
        free(path);
        return;
    }
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    *page = path;
    if (fd < 0 || dprintf(fd, "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url=%s\">\n",
                          address) < 0) {
        if (fd >= 0)
            close(fd);
        return;
    }
    close(fd);
    child = fork();
    if (!child) {
        const int nowhere = open("/dev/null", O_RDWR);

        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        if (!fork())
            execlp("xdg-open", "xdg-open", path, (char *)NULL);
        _exit(0);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
}

/* ---- serving ----------------------------------------------------------------------------- */

static void note(const char *text)
{
    say(stderr, "unet: %s\n", text);
}

static void tell_address(const struct studio_command *given, const char *folder,
                         const char *address)
{
    if (given->common.json) {
        json_print(json_pack("{ss so}", "address", address, "project", json_path(folder)));
    } else {
        if (!given->common.quiet)
            say(stderr, "project    %s\npage       ", folder);
        say(stdout, "%s\n", address);
        if (!given->common.quiet)
            say(stderr, "Ctrl-C ends it; every stroke is kept.\n");
    }
    fflush(stdout);
}

/* Waits for Ctrl-C. */
static void wait_for_end(void)
{
    sigset_t none;

    sigemptyset(&none);
    while (!interrupted()) {
        const struct timespec second = {1, 0};

        pselect(0, NULL, NULL, NULL, &second, &none);
    }
}

/* Says what takes so long, where it takes longer than two seconds. */
struct ending {
    pthread_mutex_t lock;
    pthread_cond_t over;
    int is_over;
};

static void *tell_ending(void *context)
{
    struct ending *ending = context;
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2;
    pthread_mutex_lock(&ending->lock);
    while (!ending->is_over && !pthread_cond_timedwait(&ending->over, &ending->lock, &until))
        continue;
    if (!ending->is_over)
        note("masks are being written, of large images for a minute; every stroke is kept already, "
             "so a second Ctrl-C may end this");
    pthread_mutex_unlock(&ending->lock);
    return NULL;
}

static void end(struct served *served, int quiet)
{
    struct ending ending = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    pthread_t teller;
    const int tells = !quiet && !pthread_create(&teller, NULL, tell_ending, &ending);

    serve_end(served);
    pthread_mutex_lock(&ending.lock);
    ending.is_over = 1;
    pthread_cond_signal(&ending.over);
    pthread_mutex_unlock(&ending.lock);
    if (tells)
        pthread_join(teller, NULL);
}

static int serve(const struct studio_command *given, const char *folder,
                 const struct path_list *list, const unet_model *model)
{
    const struct serve_given what = {.folder = folder,
                                     .paths = list->path,
                                     .count = list->count,
                                     .model = model,
                                     .note = note,
                                     .operands = given->operands,
                                     .operand_count = given->operand_count,
                                     .masks = given->masks,
                                     .labels = given->labels,
                                     .port = given->port,
                                     .ipv6 = given->ipv6,
                                     .live = {.threads = given->common.threads,
                                              .seed = given->common.seed,
                                              .model = given->model,
                                              .paused = given->paused}};
    struct served *served;
    char *address, *page = NULL;
    unet_error err;

    if (serve_begin(&what, &served, &address, &err))
        return fail(&err);
    tell_address(given, folder, address);
    if (!given->no_browser)
        open_browser(folder, address, &page);
    wait_for_end();
    end(served, given->common.quiet);
    if (page)
        unlink(page);
    free(page);
    free(address);
    return EXIT_DONE;
}

static int run_in(const struct studio_command *given, const char *folder,
                  const struct path_list *list)
{
    unet_model *model = NULL;
    unet_error err;
    const int was_there = path_exists(folder);
    int lock = 0, status;

    if (given->model && unet_model_load(given->model, &model, &err))
        return fail(&err);
    if (!path_make_folder(folder)) {
        unet_model_free(model);
        return fail_text("%s: cannot be made: %s", folder, strerror(errno));
    }
    status = folder_lock(folder, "unet studio", &lock);
    if (status == EXIT_DONE) {
        status = serve(given, folder, list, model);
        if (status != EXIT_DONE && !was_there)
            project_unmake(folder);
    }
    folder_unlock(folder, &lock);
    if (status != EXIT_DONE && !was_there)
        rmdir(folder); /* only if nothing is in it */
    unet_model_free(model);
    return status;
}

static int run_studio(const struct command *command, int argc, char **argv)
{
    struct studio_command given = {0};
    struct path_list list = {0};
    char *folder = NULL;
    int operands, status;

    if (!options_parse(command, argc, argv, &given, &operands, &status))
        return status;
    if (!serve_is_here())
        return fail_text("this unet was built without libmicrohttpd, which unet studio needs; "
                         "install it with its headers (Debian: libmicrohttpd-dev) and build unet "
                         "again");
    interrupt_watch();
    status = device_begin(&given.common);
    given.operands = argv;
    given.operand_count = operands;
    if (given.project)
        folder = strdup(given.project);
    else if (operands == 1 && is_project(argv[0]))
        folder = strdup(argv[0]);
    else
        folder = default_project(argv[0]);
    for (int i = 0; i < operands && status == EXIT_DONE; i++)
        if (!is_project(argv[i]))
            status = list_operand(argv[i], &list);
    if (status == EXIT_DONE)
        status = folder ? run_in(&given, folder, &list) : fail_memory();
    path_list_release(&list);
    free(folder);
    return finish_output(status);
}

const struct command command_studio = {
    .name = "studio",
    .arguments = "IMAGES... [-o PROJECT] [options]",
    .summary = "a page in the browser to paint masks and watch a network learn",
    .about = "Serves a page on this machine alone: look at images, paint a little, and a network "
             "learns from it while you paint; correct what it gets wrong. IMAGES are files and "
             "folders, or a project of before. Strokes are kept as they are painted.",
    .options = command_options,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_studio,
};
