/* SPDX-License-Identifier: MIT */
/* Whole files: read with a limit, written under a temporary name, synced, renamed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/core.h"

/* ---- Reading ---- */

static pln_status open_file(pln_context *ctx, const char *path, int *fd, size_t *size)
{
    struct stat st;
    *size = 0;
    if (!strcmp(path, "-")) {
        *fd = STDIN_FILENO;
        return PLN_OK;
    }
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return pln_fail(ctx, PLN_E_READ, "%s: %s", path,
                        errno == ENOENT ? "no such file" : strerror(errno));
    if (fstat(*fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(*fd);
        *fd = -1;
        return pln_fail(ctx, PLN_E_READ, "%s: is a folder: give a file", path);
    }
    if (S_ISREG(st.st_mode)) *size = (size_t)st.st_size;
    return PLN_OK;
}

pln_status pln_file_read(pln_context *ctx, const char *path, size_t limit, void **bytes,
                         size_t *length)
{
    const char *name = strcmp(path, "-") ? path : "standard input";
    char *buffer = NULL, *grown = NULL;
    size_t room, n = 0;
    pln_status s = PLN_OK;
    int fd = -1;

    PLN_TRY(open_file(ctx, path, &fd, &room));
    if (room > limit) {
        s = pln_fail(ctx, PLN_E_LIMIT, "%s: %zu bytes are over the limit of %zu", name, room,
                     limit);
        goto done;
    }
    room = room ? room + 1 : 65536; /* one more byte shows the end without another allocation */
    PLN_TRY(pln_alloc(ctx, room, 1, &buffer));
    for (;;) {
        if (n == room) {
            if (room > limit) {
                s = pln_fail(ctx, PLN_E_LIMIT, "%s: more than the limit of %zu bytes", name, limit);
                goto done;
            }
            PLN_TRY(pln_alloc(ctx, room, 2, &grown));
            memcpy(grown, buffer, n);
            pln_free(buffer);
            buffer = grown;
            grown = NULL;
            room *= 2;
        }
        ssize_t got = read(fd, buffer + n, room - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            s = pln_fail(ctx, PLN_E_READ, "%s: %s", name, strerror(errno));
            goto done;
        }
        if (got == 0) break;
        n += (size_t)got;
    }
    *bytes = buffer;
    *length = n;
    buffer = NULL;
done:
    if (fd > STDIN_FILENO) close(fd);
    pln_free(grown);
    pln_free(buffer);
    return s;
}

/* ---- Writing ---- */

static pln_status write_error(pln_context *ctx, const char *path, int error)
{
    return pln_fail(ctx, PLN_E_WRITE, "%s: cannot be written: %s", path, strerror(error));
}

static pln_status write_all(pln_context *ctx, int fd, const char *path, const char *bytes,
                            size_t length)
{
    while (length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return write_error(ctx, path, errno);
        bytes += n;
        length -= (size_t)n;
    }
    return PLN_OK;
}

/* Mode of a new file: what the target has, else 0666 less the process's mask. */
static mode_t mode_for(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0) return st.st_mode & 0777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

pln_status pln_file_write(pln_context *ctx, const char *path, const void *bytes, size_t length)
{
    char *temporary = NULL;
    pln_status s = PLN_OK;
    struct stat st;
    int fd = -1;

    if (!strcmp(path, "-")) return write_all(ctx, STDOUT_FILENO, "standard output", bytes, length);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return pln_fail(ctx, PLN_E_WRITE, "%s: is a folder: give a file name", path);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        /* A device or a pipe: nothing to rename. */
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0) return write_error(ctx, path, errno);
        s = write_all(ctx, fd, path, bytes, length);
        if (close(fd) && !s) s = write_error(ctx, path, errno);
        return s;
    }
    size_t n = strlen(path) + sizeof ".XXXXXX.part";
    PLN_TRY(pln_alloc(ctx, n, 1, &temporary));
    snprintf(temporary, n, "%s.XXXXXX.part", path);
    fd = mkostemps(temporary, 5, O_CLOEXEC);
    if (fd < 0) {
        s = write_error(ctx, path, errno);
        temporary[0] = 0;
        goto done;
    }
    PLN_TRY(write_all(ctx, fd, path, bytes, length));
    if (fchmod(fd, mode_for(path)) || fsync(fd)) {
        s = write_error(ctx, path, errno);
        goto done;
    }
    int closed = close(fd);
    fd = -1;
    if (closed || rename(temporary, path)) {
        s = write_error(ctx, path, errno);
        goto done;
    }
    temporary[0] = 0;
done:
    if (fd >= 0) close(fd);
    if (temporary && temporary[0]) unlink(temporary);
    pln_free(temporary);
    return s;
}
