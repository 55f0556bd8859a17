/* SPDX-License-Identifier: MIT */
/* The cache: a hash table in memory, lines "KEY<tab>TEXT" in journals. */
#include "eval/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/folder.h"

enum { KEY = 64, LINE = KEY + 1 + PLN_CACHE_TEXT };

struct entry {
    char key[KEY + 1], text[PLN_CACHE_TEXT];
};

struct pln_cache {
    pthread_mutex_t lock;
    char *folder, *path;
    int journal;
    struct entry **slots; /* open addressing; room is a power of two */
    size_t count, room;
};

/* ---- The table ---- */

static bool is_key(const char *key) { return strspn(key, "0123456789abcdef") >= KEY; }

static size_t slot_of(const struct pln_cache *c, const char *key)
{
    size_t h = 0;
    for (int i = 0; i < 15; i++)
        h = h << 4 | (size_t)(key[i] <= '9' ? key[i] - '0' : key[i] - 'a' + 10);
    for (h &= c->room - 1; c->slots[h] && strcmp(c->slots[h]->key, key);)
        h = (h + 1) & (c->room - 1);
    return h;
}

static pln_status grow(pln_context *ctx, struct pln_cache *c)
{
    struct entry **old = c->slots;
    size_t room = c->room;
    pln_status s = pln_calloc(ctx, 2 * room, sizeof(struct entry *), &c->slots);
    if (s) return c->slots = old, s;
    c->room = 2 * room;
    for (size_t i = 0; i < room; i++)
        if (old[i]) c->slots[slot_of(c, old[i]->key)] = old[i];
    pln_free(old);
    return PLN_OK;
}

static pln_status put(pln_context *ctx, struct pln_cache *c, const char *key, const char *text)
{
    struct entry *e = c->slots[slot_of(c, key)];
    if (!e) {
        if (2 * c->count >= c->room) {
            pln_status s = grow(ctx, c);
            if (s) return s;
        }
        pln_status s = pln_alloc(ctx, 1, sizeof *e, &e);
        if (s) return s;
        memcpy(e->key, key, KEY + 1);
        c->slots[slot_of(c, key)] = e;
        c->count++;
    }
    snprintf(e->text, sizeof e->text, "%s", text);
    return PLN_OK;
}

/* ---- Journals ---- */

/* Whole lines only: the last one may be half written. */
static pln_status read_journal(pln_context *ctx, struct pln_cache *c, const char *path)
{
    char *bytes = NULL, key[KEY + 1];
    size_t length;
    pln_status s = PLN_OK;

    PLN_TRY(pln_file_read(ctx, path, (size_t)1 << 32, (void **)&bytes, &length));
    for (char *line = bytes, *end; (end = memchr(line, '\n', length - (size_t)(line - bytes)));
         line = end + 1) {
        *end = 0;
        if (end - line <= KEY + 1 || end - line >= LINE || !is_key(line) || line[KEY] != '\t')
            continue;
        memcpy(key, line, KEY);
        key[KEY] = 0;
        PLN_TRY(put(ctx, c, key, line + KEY + 1));
    }
done:
    pln_free(bytes);
    return s;
}

pln_status pln_cache_reload(pln_context *ctx, struct pln_cache *c)
{
    pln_status s = PLN_OK;
    char *path = NULL;
    DIR *dir = opendir(c->folder);
    if (!dir)
        return pln_fail(ctx, PLN_E_READ, "%s: cannot be read: %s", c->folder, strerror(errno));
    for (struct dirent *d; (d = readdir(dir));) {
        size_t n = strlen(d->d_name);
        if (n < 5 || strcmp(d->d_name + n - 4, ".tsv")) continue;
        PLN_TRY(pln_text_of(ctx, &path, "%s/%s", c->folder, d->d_name));
        PLN_TRY(read_journal(ctx, c, path));
        pln_free(path);
        path = NULL;
    }
done:
    pln_free(path);
    closedir(dir);
    return s;
}

static pln_status cannot_write(pln_context *ctx, const struct pln_cache *c)
{
    return pln_fail(ctx, PLN_E_WRITE, "%s: cannot be written: %s", c->path, strerror(errno));
}

/* Where the last whole line ends. */
static pln_status cut_half_line(pln_context *ctx, struct pln_cache *c)
{
    char tail[LINE + 1];
    off_t size = lseek(c->journal, 0, SEEK_END), keep = size;
    if (size < 0) return cannot_write(ctx, c);
    off_t from = size > (off_t)sizeof tail ? size - (off_t)sizeof tail : 0;
    ssize_t n = pread(c->journal, tail, (size_t)(size - from), from);
    if (n != size - from) return cannot_write(ctx, c);
    while (keep > from && tail[keep - from - 1] != '\n') keep--;
    if (keep < size && ftruncate(c->journal, keep)) return cannot_write(ctx, c);
    return PLN_OK;
}

pln_status pln_cache_open(pln_context *ctx, const char *folder, const char *journal,
                          struct pln_cache **cache)
{
    struct pln_cache *c = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(ctx, 1, sizeof *c, &c));
    pthread_mutex_init(&c->lock, NULL);
    c->journal = -1;
    c->room = 1024;
    PLN_TRY(pln_calloc(ctx, c->room, sizeof(struct entry *), &c->slots));
    PLN_TRY(pln_strdup(ctx, folder, &c->folder));
    PLN_TRY(pln_text_of(ctx, &c->path, "%s/%s.tsv", folder, journal));
    PLN_TRY(pln_make_folder(ctx, folder));
    c->journal = open(c->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (c->journal < 0) {
        s = cannot_write(ctx, c);
        goto done;
    }
    if (flock(c->journal, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
        s = pln_fail(ctx, PLN_E_WRITE,
                     "%s: another evaluation is writing here: wait for it or name another folder",
                     folder);
        goto done;
    }
    PLN_TRY(cut_half_line(ctx, c));
    PLN_TRY(pln_cache_reload(ctx, c));
    *cache = c;
    c = NULL;
done:
    pln_cache_free(c);
    return s;
}

void pln_cache_free(struct pln_cache *c)
{
    if (!c) return;
    if (c->journal >= 0) close(c->journal);
    for (size_t i = 0; c->slots && i < c->room; i++) pln_free(c->slots[i]);
    pthread_mutex_destroy(&c->lock);
    pln_free(c->slots);
    pln_free(c->path);
    pln_free(c->folder);
    pln_free(c);
}

/* ---- Use ---- */

bool pln_cache_find(struct pln_cache *c, const char key[65], char text[PLN_CACHE_TEXT])
{
    pthread_mutex_lock(&c->lock);
    const struct entry *e = c->slots[slot_of(c, key)];
    if (e) memcpy(text, e->text, PLN_CACHE_TEXT);
    pthread_mutex_unlock(&c->lock);
    return e;
}

pln_status pln_cache_add(pln_context *ctx, struct pln_cache *c, const char key[65],
                         const char *text)
{
    char line[LINE + 2];
    int n = snprintf(line, sizeof line, "%s\t%s\n", key, text);
    pthread_mutex_lock(&c->lock);
    pln_status s = put(ctx, c, key, text);
    /* One write: a line is whole or the last. */
    if (!s) {
        errno = ENOSPC; /* of a write that is short without an error */
        if (write(c->journal, line, (size_t)n) != n) s = cannot_write(ctx, c);
    }
    pthread_mutex_unlock(&c->lock);
    return s;
}
