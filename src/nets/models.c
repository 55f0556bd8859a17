/* SPDX-License-Identifier: MIT */
/* Where the shipped weights are. Never in the working directory: what lies there is a stranger's.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nets/session.h"

/* Beside the library or the command, as built and as installed. */
static const char *const beside[] = {"models", "../models", "../share/planish/models",
                                     "../../share/planish/models"};

static bool readable(const char *path) { return access(path, R_OK) == 0; }

/* The folder of the file that holds this code; false if the system does not say. */
static bool own_folder(char *folder, size_t room)
{
    Dl_info info;
    if (!dladdr((const void *)beside, &info) || !info.dli_fname) return false;
    const char *end = strrchr(info.dli_fname, '/');
    /* A command found on the PATH has no folder in its name. */
    ssize_t n =
        end ? (ssize_t)snprintf(folder, room, "%.*s", (int)(end - info.dli_fname), info.dli_fname)
            : readlink("/proc/self/exe", folder, room - 1);
    if (n <= 0 || (size_t)n >= room) return false;
    folder[n] = 0;
    char *slash = end ? NULL : strrchr(folder, '/');
    if (slash) *slash = 0;
    return true;
}

pln_status pnet_find_model(pln_context *ctx, const char *name, char **path)
{
    char at[4096], folder[2048];
    const char *models = getenv("PLANISH_MODELS"), *data = getenv("XDG_DATA_HOME"),
               *home = getenv("HOME");

    if (models && *models) {
        snprintf(at, sizeof at, "%s/%s.safetensors", models, name);
        if (readable(at)) return pln_strdup(ctx, at, path);
    }
    for (size_t i = 0; own_folder(folder, sizeof folder) && i < sizeof beside / sizeof *beside;
         i++) {
        snprintf(at, sizeof at, "%s/%s/%s.safetensors", folder, beside[i], name);
        if (readable(at)) return pln_strdup(ctx, at, path);
    }
    if (data && *data)
        snprintf(at, sizeof at, "%s/planish/models/%s.safetensors", data, name);
    else
        snprintf(at, sizeof at, "%s/.local/share/planish/models/%s.safetensors", home ? home : "",
                 name);
    if (readable(at)) return pln_strdup(ctx, at, path);
    snprintf(at, sizeof at, "/usr/share/planish/models/%s.safetensors", name);
    if (readable(at)) return pln_strdup(ctx, at, path);
    return pln_fail(
        ctx, PLN_E_MODEL,
        "no weights '%s.safetensors' in $PLANISH_MODELS, beside planish, in "
        "$XDG_DATA_HOME/planish/models or /usr/share/planish/models: put them there, or "
        "give a file where --weights is a flag",
        name);
}

const char *pnet_default_method(pln_context *ctx)
{
    static const char *const order[] = {"mi", "sasnet", "jess", "csgis", "fan"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        char *path = NULL;
        pln_status s = pnet_find_model(ctx, order[i], &path);
        pln_free(path);
        if (!s) return order[i];
    }
    return NULL;
}
