/* SPDX-License-Identifier: MIT */
/* session: a network with its weights, run on pictures of any size: whole or in tiles, once or on
 * all flips and turns. Kept in the context from call to call, so that a batch loads and plans once.
 */
#ifndef PLN_NETS_SESSION_H
#define PLN_NETS_SESSION_H

#include "nets/nets.h"

typedef struct pnet_session pnet_session;

/* The session of weights of one of `nets` (NULL at the end; the first is that of files that do not
 * say) with these options; the context's own if it is the same. `model`: the name of the default
 * weights, e.g. "sasnet" or "fan-detail". PLN_E_MODEL: no weights, or of another network. Belongs
 * to the context. */
pln_status pnet_session_get(pln_context *ctx, const pnet_net *const *nets, const char *model,
                            const pln_net_options *options, pnet_session **session) PLN_CHECK;
/* out, of in's size: c = 3, or 1 (as three equal channels, and their mean). Values are as in files:
 * white is 1. */
pln_status pnet_session_run(pln_context *ctx, pnet_session *session, const pln_view *in,
                            const pln_view *out) PLN_CHECK;

/* The name of the default weights of a method and its preset: "sasnet", "fan-detail". */
void pnet_model_name(const pln_method *method, const char *preset, char name[64]);
/* The weights file NAME.safetensors in the folders that pln_net_options names. PLN_E_MODEL says
 * where it was looked for. *path to pln_free. */
pln_status pnet_find_model(pln_context *ctx, const char *name, char **path) PLN_CHECK;
/* The method where none is named: the first of mi, sasnet, jess, csgis, fan (mi's shipped
 * weights score best, the others stand by their published scores) whose weights are found; NULL:
 * none. */
const char *pnet_default_method(pln_context *ctx);

#endif
