/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peak.c - runs a command and says, on stderr, what it took: "peak 412.3 MB, 96.4 s"
 *
 *     peak COMMAND ARGUMENT...
 *
 * The exit code is the command's.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    double start = now();
    struct rusage used;
    int status;
    if (argc < 2)
        return 2;
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return 127;
    }
    if (!child) {
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    while (wait4(child, &status, 0, &used) < 0)
        ;
    fprintf(stderr, "peak %.1f MB, %.1f s\n", (double)used.ru_maxrss * 1024 / 1e6, now() - start);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
