/* SPDX-License-Identifier: MIT */
/* random_weights NETWORK FILE: weights as the network starts, for what must run, not be good. */
#include <stdio.h>

#include "nets/nets.h"
#include "nn/plan.h"

static pln_status write_all(pln_context *ctx, const pnn_store *store, const char *system,
                            const char *path)
{
    enum { MOST = 1024 };
    static pnn_st_source sources[MOST];
    static size_t dims[MOST][4];
    const pnn_st_text text = {"system", system};
    size_t n = pnn_store_count(store);
    for (size_t i = 0; i < n && i < MOST; i++) {
        const char *name;
        const float *values = pnn_store_at(store, i, &name, dims[i]);
        bool vector = dims[i][0] * dims[i][1] * dims[i][2] == 1;
        sources[i] = (pnn_st_source){.name = name,
                                     .type = PNN_F32,
                                     .rank = vector ? 1 : 4,
                                     .shape = vector ? dims[i] + 3 : dims[i],
                                     .values = values};
    }
    return pnn_st_write(ctx, path, sources, n, &text, 1);
}

int main(int argc, char **argv)
{
    pln_context *ctx;
    const pnet_net *net;
    pnet_options options;
    pnn_graph *g = NULL;
    pnn_store *store = NULL;
    pln_status s = PLN_OK;

    if (argc != 3 || pln_context_new(&ctx)) return 2;
    PLN_TRY(pnet_find(ctx, argv[1], &net, &options));
    PLN_TRY(pnet_graph(ctx, net, &options, PNET_EVAL, &g));
    PLN_TRY(pnn_store_new(ctx, &store));
    PLN_TRY(pnn_store_init(store, g, 1));
    PLN_TRY(write_all(ctx, store, net->name, argv[2]));
done:
    if (s) fprintf(stderr, "random_weights: %s\n", pln_context_message(ctx));
    pnn_store_free(store);
    pnn_graph_free(g);
    pln_context_free(ctx);
    return s != PLN_OK;
}
