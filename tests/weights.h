/* SPDX-License-Identifier: MIT */
/* Weights files for tests. */
#ifndef PLN_TESTS_WEIGHTS_H
#define PLN_TESTS_WEIGHTS_H

#include "nets/nets.h"
#include "nn/plan.h"

/* All values of the store as weights of `system`; config: JSON. */
static inline pln_status write_weights(pln_context *ctx, const pnn_store *store, const char *system,
                                       const char *config, const char *path)
{
    const pnn_st_text texts[] = {{"system", system}, {"config", config}};
    size_t n = pnn_store_count(store), (*dims)[4] = NULL;
    pnn_st_source *sources = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, n, sizeof *dims, &dims));
    PLN_TRY(pln_alloc(ctx, n, sizeof *sources, &sources));
    for (size_t i = 0; i < n; i++) {
        sources[i] = (pnn_st_source){.type = PNN_F32, .rank = 4, .shape = dims[i]};
        sources[i].values = pnn_store_at(store, i, &sources[i].name, dims[i]);
    }
    s = pnn_st_write(ctx, path, sources, n, texts, 2);
done:
    pln_free(sources);
    pln_free(dims);
    return s;
}

#endif
