/* SPDX-License-Identifier: Apache-2.0 */
/*
 * windows_posix.h - what POSIX has and mingw-w64 lacks, or has otherwise; nobody else's
 *
 * On Windows the compiler reads this before every file, and the headers of POSIX that are not there
 * (<sys/mman.h> and others) lead here: so the code above is that of the other systems.
 *
 * Names of files are UTF-8, with "/" between folders; the system is called by its own UTF-16. Files
 * are bytes, without line ends of Windows.  They are opened so that another may rename, replace or
 * remove them meanwhile, as on POSIX; one that is mapped cannot be replaced until it is released.
 */
#ifndef UN_WINDOWS_POSIX_H
#define UN_WINDOWS_POSIX_H

#define _POSIX_THREAD_SAFE_FUNCTIONS 200112L

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <locale.h>
#include <process.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define tell un_our_tell /* <io.h> has one of its own */
#define NAME_MAX 255

/* ---- files: windows_files.c, windows_maps.c ------------------------------------------------ */

#define O_CLOEXEC _O_NOINHERIT
#define O_NONBLOCK 0
#define O_DIRECTORY 0x1000000
#define O_NOFOLLOW 0x2000000

struct un_posix_stat {
    uint64_t st_dev, st_ino;
    unsigned st_mode;
    int64_t st_size;
    struct timespec st_mtim;
};

enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
enum { F_DUPFD_CLOEXEC = 1 };
enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2 };
enum { MAP_PRIVATE = 1, MAP_SHARED = 2, MAP_ANONYMOUS = 4, MAP_NORESERVE = 0 };
enum { MADV_DONTNEED = 4 };
#define MAP_FAILED ((void *)-1)

int un_posix_open(const char *path, int flags, ...);
int un_posix_openat(int folder, const char *name, int flags, ...);
FILE *un_posix_fopen(const char *path, const char *mode);
int un_posix_stat(const char *path, struct un_posix_stat *facts);
int un_posix_lstat(const char *path, struct un_posix_stat *facts);
int un_posix_fstat(int fd, struct un_posix_stat *facts);
ssize_t un_posix_pread(int fd, void *data, size_t size, off_t at);
ssize_t un_posix_pwrite(int fd, const void *data, size_t size, off_t at);
int un_posix_flock(int fd, int how);
int un_posix_fcntl(int fd, int what, ...);
int un_posix_rename(const char *from, const char *to);
int un_posix_unlink(const char *path);
int un_posix_remove(const char *path);
int un_posix_mkdir(const char *path, int mode);
int un_posix_rmdir(const char *path);
int un_posix_access(const char *path, int mode);
int un_posix_symlink(const char *target, const char *path);
char *un_posix_mkdtemp(char *path);
char *un_posix_realpath(const char *path, char *resolved); /* resolved: NULL */
void *un_posix_mmap(void *at, size_t bytes, int access, int flags, int fd, off_t from);
int un_posix_munmap(void *memory, size_t bytes);
int un_posix_mprotect(void *memory, size_t bytes, int access);

/* Rights of a file and wishes about memory: there are none like these. */
static inline int un_posix_fchmod(int fd, int mode)
{
    (void)fd, (void)mode;
    return 0;
}

static inline int un_posix_madvise(void *memory, size_t bytes, int advice)
{
    (void)memory, (void)bytes, (void)advice;
    return 0;
}

#undef stat
#undef fstat
#undef lstat
#define open un_posix_open
#define openat un_posix_openat
#define fopen un_posix_fopen
#define stat un_posix_stat
#define lstat un_posix_lstat
#define fstat un_posix_fstat
#define pread un_posix_pread
#define pwrite un_posix_pwrite
#define flock un_posix_flock
#define fcntl un_posix_fcntl
#define fsync _commit
#define fchmod un_posix_fchmod
#define rename un_posix_rename
#define unlink un_posix_unlink
#define remove un_posix_remove
#define mkdir un_posix_mkdir
#define rmdir un_posix_rmdir
#define access un_posix_access
#define symlink un_posix_symlink
#define mkdtemp un_posix_mkdtemp
#define realpath un_posix_realpath
#define mmap un_posix_mmap
#define munmap un_posix_munmap
#define mprotect un_posix_mprotect
#define madvise un_posix_madvise

/* ---- folders: windows_folders.c ------------------------------------------------------------ */

struct dirent {
    char d_name[1024]; /* a name has at most 255 of UTF-16 */
};
typedef struct un_posix_dir DIR;

DIR *un_posix_opendir(const char *path);
struct dirent *un_posix_readdir(DIR *dir);
int un_posix_closedir(DIR *dir);

#define opendir un_posix_opendir
#define readdir un_posix_readdir
#define closedir un_posix_closedir

/* ---- the machine: windows_machine.c --------------------------------------------------------- */

enum { _SC_PAGESIZE = 1, _SC_NPROCESSORS_ONLN = 2 };
enum { RUSAGE_SELF = 0 };
typedef unsigned long long sigset_t;
#define SIGBUS 10 /* never sent */

struct rusage {
    struct timeval ru_utime, ru_stime;
    long ru_maxrss; /* KiB */
};
struct winsize {
    unsigned short ws_row, ws_col;
};
enum { TIOCGWINSZ = 1 };

long un_posix_sysconf(int what);
int un_posix_gethostname(char *name, int size);
int un_posix_getrusage(int who, struct rusage *usage);
int un_posix_ioctl(int fd, int what, struct winsize *size);
int un_posix_setenv(const char *name, const char *value, int overwrite);
int un_posix_unsetenv(const char *name);

/* No signal reaches a thread of its own accord here: there is nothing to keep from it. */
static inline int un_posix_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    (void)how, (void)set;
    if (before)
        *before = 0;
    return 0;
}

static inline int un_posix_sigfillset(sigset_t *set)
{
    *set = ~(sigset_t)0;
    return 0;
}

#undef pthread_sigmask
#define pthread_sigmask un_posix_sigmask
#define sigfillset un_posix_sigfillset
#define sysconf un_posix_sysconf
#define gethostname un_posix_gethostname
#define getrusage un_posix_getrusage
#define ioctl un_posix_ioctl
#define setenv un_posix_setenv
#define unsetenv un_posix_unsetenv

/* ---- text: windows_text.c, windows_streams.c ------------------------------------------------- */

char *un_posix_strndup(const char *text, size_t size);
void *un_posix_memmem(const void *in, size_t size, const void *what, size_t bytes);
char *un_posix_strcasestr(const char *in, const char *what);
char *un_posix_stpcpy(char *to, const char *from);
char *un_posix_strsep(char **rest, const char *ends);
ssize_t un_posix_getdelim(char **line, size_t *room, int end, FILE *file);
ssize_t un_posix_getline(char **line, size_t *room, FILE *file);
FILE *un_posix_open_memstream(char **data, size_t *size);
int un_posix_fclose(FILE *file);
int un_posix_fflush(FILE *file);

#define strndup un_posix_strndup
#define memmem un_posix_memmem
#define strcasestr un_posix_strcasestr
#define stpcpy un_posix_stpcpy
#define strsep un_posix_strsep
#define getdelim un_posix_getdelim
#define getline un_posix_getline
#define open_memstream un_posix_open_memstream
#define fclose un_posix_fclose
#define fflush un_posix_fflush

/* ---- locales of one thread: windows_locale.c ------------------------------------------------- */

typedef struct un_posix_locale *locale_t;
#define LC_ALL_MASK 1

/* Of all locales "C" alone. */
locale_t un_posix_newlocale(int mask, const char *name, locale_t base);
locale_t un_posix_uselocale(locale_t locale);
void un_posix_freelocale(locale_t locale);

#define newlocale un_posix_newlocale
#define uselocale un_posix_uselocale
#define freelocale un_posix_freelocale

#endif
