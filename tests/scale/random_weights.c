/* SPDX-License-Identifier: MIT */
/* random_weights NETWORK FILE: weights as the network starts, for what must run, not be good. */
#include <stdio.h>

#include "weights.h"

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
    PLN_TRY(write_weights(ctx, store, net->name, "{}", argv[2]));
done:
    if (s) fprintf(stderr, "random_weights: %s\n", pln_context_message(ctx));
    pnn_store_free(store);
    pnn_graph_free(g);
    pln_context_free(ctx);
    return s != PLN_OK;
}
