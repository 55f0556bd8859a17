/* SPDX-License-Identifier: MIT */
/* NVIDIA's libraries: loaded when they are needed, so that planish starts without them. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "device/cuda/driver.h"

pln_status cu_load(pln_device *d, const char *what, const char *file, const char *const *names,
                   void *functions, void **library)
{
    int flags = RTLD_NOW | RTLD_LOCAL | (library ? 0 : RTLD_NODELETE);
    char path[512];
    snprintf(path, sizeof path, PLN_CUDA_FOLDER "/%s", file);
    void *loaded = dlopen(file, flags);
    if (!loaded) loaded = dlopen(path, flags);
    if (library) *library = loaded;
    for (size_t i = 0; loaded && names[i]; i++) {
        void *function = dlsym(loaded, names[i]);
        if (!function) loaded = NULL;
        memcpy((char *)functions + i * sizeof function, &function, sizeof function);
    }
    if (loaded) return PLN_OK;
    return pln_fail(d->ctx, PLN_E_UNSUPPORTED, "%s: %s is needed: %s", d->name, what, dlerror());
}
