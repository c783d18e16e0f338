/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - what POSIX does not have, or not everywhere: each system's way, for the command */
#ifndef MACHINE_H
#define MACHINE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

/* Bytes of memory that this process has now; 0: not known. */
double system_resident(void);

/* Bytes that nobody can guess, up to 256; 0: there are none. */
int system_random(void *bytes, size_t count);

/* Processors that this process may use, 1 or more. */
int system_cores(void);

/* The path of this program, for starting it again; 0: not known. */
int system_own_path(char *path, size_t size);

/* Makes this thread, and those that it will start, nicer where a thread can be for itself. */
void system_be_nice(int by);

/* What is written stays after a power cut; 0: done. */
int system_sync(int fd);

/* Makes a file as long as this, with room for it; 0: done, else why, as of errno. */
int system_reserve(int fd, int64_t bytes);

/* Descriptors that a program started from here does not get; -1 with errno. */
int system_pipe(int ends[2]);
int system_socket(int family);
int system_accept(int fd, struct sockaddr *address, socklen_t *size);

/* A condition that is waited for until a time of system_clock(), which nobody sets back where the
 * system can do that. */
void system_cond_init(pthread_cond_t *condition);
void system_clock(struct timespec *time);

/* When a file was changed. */
struct timespec system_changed(const struct stat *facts);

#endif
