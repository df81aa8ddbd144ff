/* Counts the calls of a program that change files, and makes the n-th of them go wrong.
 *
 * Loaded with LD_PRELOAD. FAULT_AT is the number of the call, from 1; FAULT_DO is what happens to it: `kill` (the process
 * dies before the call), an error number (the call and all later ones fail with it), `touch:PATH` (a line end is added to
 * that file, as by somebody else), or nothing. FAULT_LOG names a file
 * that gets a line for each call: its number, its name, and the path. FAULT_UNDER limits all of this to paths below a
 * folder. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

/* Whether this call must fail. */
static int fails(const char *name, const char *path) {
    const char *under = setting("FAULT_UNDER");
    if (path == NULL || strncmp(path, under, strlen(under)) != 0) return 0;
    long number = ++calls;
    const char *log = setting("FAULT_LOG");
    if (*log) {
        static int fd = -1;
        if (fd < 0) fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        char line[1200];
        int n = snprintf(line, sizeof line, "%ld %s %.1000s\n", number, name, path);
        syscall(SYS_write, fd, line, n);
    }
    long at = atol(setting("FAULT_AT"));
    const char *what = setting("FAULT_DO");
    if (at == 0 || number < at || *what == 0) return 0;
    if (strcmp(what, "kill") == 0) {
        if (number == at) kill(getpid(), SIGKILL);
        return 0;
    }
    if (strncmp(what, "touch:", 6) == 0) {
        if (number == at) {
            int fd = (int)syscall(SYS_openat, AT_FDCWD, what + 6, O_WRONLY | O_APPEND);
            syscall(SYS_write, fd, "\n", 1);
            syscall(SYS_close, fd);
        }
        return 0;
    }
    errno = atoi(what);
    return 1;
}

/* The path of an open file, if it is one on disk. */
static const char *path_of(int fd, char *path, size_t size) {
    struct stat about;
    if (fd < 3 || fstat(fd, &about) != 0 || !(S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))) return NULL;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, size - 1);
    if (n < 0) return NULL;
    path[n] = 0;
    return path;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define ON_PATH(ret, name, args, call, path) \
    ret name args { if (fails(#name, path)) return -1; return REAL(name) call; }
#define ON_FD(ret, name, args, call) \
    ret name args { char at[4096]; if (fails(#name, path_of(fd, at, sizeof at))) return -1; return REAL(name) call; }

ON_PATH(int, rename, (const char *from, const char *to), (from, to), to)
ON_PATH(int, unlink, (const char *path), (path), path)
ON_PATH(int, rmdir, (const char *path), (path), path)
ON_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode), path)
ON_PATH(int, symlink, (const char *target, const char *path), (target, path), path)
ON_FD(int, fsync, (int fd), (fd))
ON_FD(int, fdatasync, (int fd), (fd))
ON_FD(int, ftruncate64, (int fd, off_t length), (fd, length))
ON_FD(ssize_t, write, (int fd, const void *bytes, size_t n), (fd, bytes, n))
ON_FD(ssize_t, writev, (int fd, const struct iovec *parts, int n), (fd, parts, n))

int unlinkat(int fd, const char *path, int flags) {
    char at[4096] = "", whole[8300];
    const char *folder = path_of(fd, at, sizeof at);
    snprintf(whole, sizeof whole, "%s/%s", folder ? folder : "", path);
    if (fails("unlinkat", *path == '/' ? path : whole)) return -1;
    return REAL(unlinkat)(fd, path, flags);
}

static int opens(const char *path, int flags) {
    return (flags & (O_CREAT | O_TRUNC)) && fails("open", path);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    if (opens(path, flags)) return -1;
    return REAL(open64)(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    if (opens(path, flags)) return -1;
    return REAL(open)(path, flags, mode);
}
