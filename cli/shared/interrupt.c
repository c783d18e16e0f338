/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.c - Ctrl-C as a flag */
#include "shared/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

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

int interrupted(void)
{
    return signalled;
}
