/* SPDX-License-Identifier: MIT */
/* Texts kept under sha256 keys in a folder that several processes may share: each appends to a
 * journal of its own and reads all of them. A killed process loses at most the line it was writing.
 */
#ifndef PLN_EVAL_CACHE_H
#define PLN_EVAL_CACHE_H

#include "core/core.h"

enum { PLN_CACHE_TEXT = 256 };

struct pln_cache;

/* FOLDER/JOURNAL.tsv is this process's, locked until the cache is freed; a half line at its end is
 * cut off. PLN_E_WRITE if it cannot be, or is another process's. */
pln_status pln_cache_open(pln_context *ctx, const char *folder, const char *journal,
                          struct pln_cache **cache) PLN_CHECK;
void pln_cache_free(struct pln_cache *cache);
/* Reads all journals again. */
pln_status pln_cache_reload(pln_context *ctx, struct pln_cache *cache) PLN_CHECK;
/* Any thread: */
bool pln_cache_find(struct pln_cache *cache, const char key[65], char text[PLN_CACHE_TEXT]);
/* One line, without tabs. */
pln_status pln_cache_add(pln_context *ctx, struct pln_cache *cache, const char key[65],
                         const char *text) PLN_CHECK;

#endif
