/* SPDX-License-Identifier: MIT */
/* A shim for LD_PRELOAD: system calls that change files below the folder FAIL_BELOW fail on demand.
 *     FAIL_CALL=n        the n-th of them (open for writing, write, sync, rename) fails with EIO
 *     FAIL_AFTER=bytes   the disk is full: what is beyond so many bytes in all gets ENOSPC, after a
 * short write FAIL_SEEN=file     is made when a call has been failed */
/* Both names of a call are replaced, so neither may be an alias here. */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS = 4096 };
static atomic_bool watched[FDS];
static atomic_long calls;
static atomic_llong written;

static bool below(const char *path)
{
    const char *folder = getenv("FAIL_BELOW");
    char real[PATH_MAX], parent[PATH_MAX];
    if (!folder || !path) return false;
    /* The file need not exist: its folder does. */
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash)
        *(slash == parent ? slash + 1 : slash) = '\0';
    else
        snprintf(parent, sizeof parent, ".");
    if (!realpath(parent, real)) return false;
    return strncmp(real, folder, strlen(folder)) == 0;
}

/* True if this call is to fail; errno is set. */
static bool fails(void)
{
    const char *n = getenv("FAIL_CALL");
    if (!n || atomic_fetch_add(&calls, 1) + 1 != atol(n)) return false;
    const char *seen = getenv("FAIL_SEEN");
    if (seen) {
        long fd = syscall(SYS_openat, AT_FDCWD, seen, O_CREAT | O_WRONLY, 0600);
        if (fd >= 0) syscall(SYS_close, (int)fd);
    }
    errno = EIO;
    return true;
}

static bool is_watched(int fd) { return fd >= 0 && fd < FDS && atomic_load(&watched[fd]); }

static int note(int fd)
{
    if (fd >= 0 && fd < FDS) atomic_store(&watched[fd], true);
    return fd;
}

static int open_as(int folder, const char *path, int flags, mode_t mode)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY && below(path);
    if (writes && fails()) return -1;
    int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    return writes ? note(fd) : fd;
}

#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                       \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode = va_arg(args, mode_t);                                                               \
        va_end(args);                                                                              \
    }

int open(const char *path, int flags, ...)
{
    MODE(flags)
    return open_as(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE(flags)
    return open_as(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    MODE(flags)
    return open_as(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
    MODE(flags)
    return open_as(folder, path, flags, mode);
}

int creat(const char *path, mode_t mode)
{
    return open_as(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* The libc's own make their file inside: fail or watch around them. */
#define TEMPORARY(name, parameters, arguments)                                                     \
    int name parameters                                                                            \
    {                                                                                              \
        int(*real) parameters;                                                                     \
        *(void **)&real = dlsym(RTLD_NEXT, #name);                                                 \
        if (!below(template)) return real arguments;                                               \
        return fails() ? -1 : note(real arguments);                                                \
    }
TEMPORARY(mkstemp, (char *template), (template))
TEMPORARY(mkstemp64, (char *template), (template))
TEMPORARY(mkostemp, (char *template, int flags), (template, flags))
TEMPORARY(mkostemp64, (char *template, int flags), (template, flags))
TEMPORARY(mkstemps, (char *template, int suffix), (template, suffix))
TEMPORARY(mkstemps64, (char *template, int suffix), (template, suffix))
TEMPORARY(mkostemps, (char *template, int suffix, int flags), (template, suffix, flags))
TEMPORARY(mkostemps64, (char *template, int suffix, int flags), (template, suffix, flags))

static FILE *fopen_as(const char *name, const char *path, const char *mode)
{
    FILE *(*real)(const char *, const char *);
    *(void **)&real = dlsym(RTLD_NEXT, name);
    if (strpbrk(mode, "wa+") && below(path) && fails()) return NULL;
    return real(path, mode);
}

FILE *fopen(const char *path, const char *mode) { return fopen_as("fopen", path, mode); }
FILE *fopen64(const char *path, const char *mode) { return fopen_as("fopen64", path, mode); }

int close(int fd)
{
    if (fd >= 0 && fd < FDS) atomic_store(&watched[fd], false);
    return (int)syscall(SYS_close, fd);
}

/* How many of n bytes the disk still takes; -1: none. */
static ssize_t room(size_t n)
{
    const char *after = getenv("FAIL_AFTER");
    if (!after) return (ssize_t)n;
    long long left = atoll(after) - atomic_load(&written);
    if (left <= 0) {
        errno = ENOSPC;
        return -1;
    }
    size_t taken = n < (size_t)left ? n : (size_t)left;
    atomic_fetch_add(&written, (long long)taken);
    return (ssize_t)taken;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    if (is_watched(fd)) {
        if (fails()) return -1;
        ssize_t taken = room(n);
        if (taken < 0) return -1;
        n = (size_t)taken;
    }
    return syscall(SYS_write, fd, bytes, n);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
    if (is_watched(fd)) {
        if (fails()) return -1;
        ssize_t taken = room(n);
        if (taken < 0) return -1;
        n = (size_t)taken;
    }
    return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    return pwrite64(fd, bytes, n, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    if (n > 0 && is_watched(fd)) return write(fd, parts[0].iov_base, parts[0].iov_len);
    return syscall(SYS_writev, fd, parts, n);
}

int fsync(int fd) { return is_watched(fd) && fails() ? -1 : (int)syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return is_watched(fd) && fails() ? -1 : (int)syscall(SYS_fdatasync, fd); }

int ftruncate(int fd, off_t n)
{
    return is_watched(fd) && fails() ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int fchmod(int fd, mode_t mode)
{
    return is_watched(fd) && fails() ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

int rename(const char *from, const char *to)
{
    if (below(to) && fails()) return -1;
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int a, const char *from, int b, const char *to)
{
    if (below(to) && fails()) return -1;
    return (int)syscall(SYS_renameat2, a, from, b, to, 0);
}

int link(const char *from, const char *to)
{
    if (below(to) && fails()) return -1;
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
