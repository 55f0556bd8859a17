/* SPDX-License-Identifier: MIT */
/* Where modules are, and how they are loaded. */
#include "cli/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/paths.h"

void *cli_module(const char *file, const char *symbol, bool global, char why[256])
{
    char exe[4096], path[4352];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash) *slash = '\0';

    snprintf(why, 256, "%s is not installed", file);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s/%s", i < 2 ? exe : PLN_PATH_MODULES,
                 i == 1 ? "/bench" : "", file);
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
