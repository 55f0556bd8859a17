/* SPDX-License-Identifier: MIT */
/* Where modules are, and how they are loaded. */
#include "core/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/paths.h"

void *pln_module(const char *file, const char *symbol, bool global, char why[256])
{
    char exe[4096], path[4352];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash) *slash = '\0';
    const struct {
        const char *folder, *below;
    } places[] = {
        {getenv("PLANISH_MODULES"), ""}, {exe, ""}, {exe, "/bench"}, {PLN_PATH_MODULES, ""}};

    snprintf(why, 256, "%s is not installed", file);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!places[i].folder || !*places[i].folder) continue;
        snprintf(path, sizeof path, "%s%s/%s", places[i].folder, places[i].below, file);
        if (access(path, R_OK)) continue;
        void *module = dlopen(path, RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
        void *address = module ? dlsym(module, symbol) : NULL;
        if (address) return address;
        const char *error = dlerror();
        snprintf(why, 256, "%s", error ? error : "not a module of planish");
        if (module) dlclose(module);
    }
    return NULL;
}
