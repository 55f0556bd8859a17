/* SPDX-License-Identifier: MIT */
/* A shim for LD_PRELOAD: the FAIL_ALLOC-th allocation that the program itself makes, not a library
 * it uses, fails; the file FAIL_SEEN is made then. (GLib ends a program whose memory is out:
 * nothing to be tested there.) */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

static atomic_uintptr_t from, to; /* code of the program */
static atomic_long calls;

/* The first object is the program. */
static int first_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    uintptr_t low = UINTPTR_MAX, high = 0;
    (void)size;
    (void)arg;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD) continue;
        uintptr_t a = info->dlpi_addr + p->p_vaddr;
        if (a < low) low = a;
        if (a + p->p_memsz > high) high = a + p->p_memsz;
    }
    atomic_store(&to, high);
    atomic_store(&from, low);
    return 1;
}

static bool fails(const void *caller)
{
    const char *n = getenv("FAIL_ALLOC");
    if (!n) return false;
    if (!atomic_load(&from)) dl_iterate_phdr(first_object, NULL);
    if ((uintptr_t)caller < atomic_load(&from) || (uintptr_t)caller >= atomic_load(&to))
        return false;
    if (atomic_fetch_add(&calls, 1) + 1 != atol(n)) return false;
    const char *seen = getenv("FAIL_SEEN");
    if (seen) {
        long fd = syscall(SYS_openat, AT_FDCWD, seen, O_CREAT | O_WRONLY, 0600);
        if (fd >= 0) syscall(SYS_close, (int)fd);
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t n) { return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n); }

void *calloc(size_t n, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    if (fails(__builtin_return_address(0)) || !(*p = __libc_memalign(align, n))) return ENOMEM;
    return 0;
}

void *aligned_alloc(size_t align, size_t n)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(align, n);
}
