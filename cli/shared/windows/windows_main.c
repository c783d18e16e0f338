/* SPDX-License-Identifier: Apache-2.0 */
/*
 * windows_main.c - main() of Windows, before ours (the linker calls it so: --wrap=main)
 *
 * Arguments are UTF-8, and "\" in them is "/", which Windows takes as well, but for the patterns of
 * --pair, in which it means something else.  What is printed has line ends as on other systems.
 */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

#include <shellapi.h>

#include "shared/windows/windows_main.h"

int __real_main(int argc, char **argv);

static char *argument(const wchar_t *wide, int keep)
{
    const int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *text = size > 0 ? malloc((size_t)size) : NULL;

    if (!text)
        return NULL;
    WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, size, NULL, NULL);
    for (char *c = text; !keep && *c; c++)
        *c = *c == '\\' ? '/' : *c;
    return text;
}

int __wrap_main(int argc, char **argv)
{
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &argc);
    char **ours = wide ? calloc((size_t)argc + 1, sizeof(*ours)) : NULL;
    int patterns = 0, status;

    (void)argv;
    for (int i = 0; ours && i < argc; i++) {
        if (!(ours[i] = argument(wide[i], patterns > 0)))
            return 1;
        patterns = !strcmp(ours[i], "--pair") ? 2 : patterns - (patterns > 0);
    }
    if (!ours)
        return 1;
    _setmode(_fileno(stdin), O_BINARY);
    _setmode(_fileno(stdout), O_BINARY);
    _setmode(_fileno(stderr), O_BINARY);
    SetConsoleOutputCP(CP_UTF8);
    status = __real_main(argc, ours);
    for (int i = 0; i < argc; i++)
        free(ours[i]);
    free(ours);
    LocalFree(wide);
    return status;
}
