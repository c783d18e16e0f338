/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.c - signals: Ctrl-C as a flag, a cut file and one too large as failures */
#include "shared/cli.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "shared/options.h"

static volatile sig_atomic_t signalled;
static time_t first; /* when it came; read by the handler alone */

/* A second one ends at once, but not if it comes with the first: some programs signal a process and
 * then its group. */
static void remember(int number)
{
    time_t now = time(NULL);

    if (signalled && now - first >= 1) {
        signal(number, SIG_DFL);
        raise(number);
    }
    if (!signalled)
        first = now;
    signalled = 1;
}

void interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = remember, .sa_flags = SA_RESTART}, old;

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN) /* nohup stays in force */
        sigaction(SIGHUP, &action, NULL);
}

static void tell_cut(int number, siginfo_t *info, void *context)
{
    static const char words[] = "unet: a file was cut by another program while it was read\n";

    (void)context;
    if (info->si_code != BUS_ADRERR) { /* not by a file */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
        _exit(EXIT_FAILED);
    _exit(EXIT_FAILED);
}

void interrupt_watch_files(void)
{
    struct sigaction action = {.sa_sigaction = tell_cut, .sa_flags = SA_SIGINFO};

    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* write() says so then, and what was begun is removed */
}

int interrupted(void)
{
    return signalled;
}
