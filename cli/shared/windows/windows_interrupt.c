/* SPDX-License-Identifier: Apache-2.0 */
/* windows_interrupt.c - Ctrl-C and the end of a session as a flag, in the place of interrupt.c */
#include "shared/cli.h"

#include <windows.h>

static volatile LONG signalled;

/* The second one is left to the system, which ends the process. */
static BOOL WINAPI remember(DWORD kind)
{
    (void)kind;
    return !InterlockedExchange(&signalled, 1);
}

void interrupt_watch(void)
{
    SetConsoleCtrlHandler(remember, TRUE);
}

/* A mapped file cannot be cut here, and no limit of a file's size ends a process. */
void interrupt_watch_files(void)
{
}

int interrupted(void)
{
    return signalled != 0;
}
