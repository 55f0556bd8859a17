/* SPDX-License-Identifier: MIT */
/* Fourier transforms: a plan of cuFFT for each direction, on memory that the caller has. */
#include <cufft.h>

#include "device/cuda/driver.h"

#define FUNCTIONS(F)                                                                               \
    F(cufftCreate)                                                                                 \
    F(cufftDestroy)                                                                                \
    F(cufftSetAutoAllocation)                                                                      \
    F(cufftSetStream)                                                                              \
    F(cufftMakePlanMany64)                                                                         \
    F(cufftSetWorkArea)                                                                            \
    F(cufftExecR2C)                                                                                \
    F(cufftExecC2R)

struct cu_cufft {
    FUNCTIONS(CU_MEMBER)
};

struct pln_fourier {
    const cu_cufft *k;
    cufftHandle plan[2]; /* forward, inverse */
    int made;
};

/* The library stays: it has kernels on the device. */
pln_status cu_cufft_new(pln_device *d, cu_cufft **cufft)
{
#define TEXT_(number) #number
#define TEXT(number)  TEXT_(number)
    static const char *const names[] = {FUNCTIONS(CU_NAME) NULL};
    cu_cufft *k = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_calloc(d->ctx, 1, sizeof *k, &k));
    PLN_TRY(cu_load(d, "cuFFT " TEXT(CUFFT_VER_MAJOR), "libcufft.so." TEXT(CUFFT_VER_MAJOR), names,
                    k, NULL));
    *cufft = k;
    k = NULL;
done:
    cu_cufft_free(k);
    return s;
}

void cu_cufft_free(cu_cufft *cufft) { pln_free(cufft); }

static cufftResult make(const cu_cufft *k, cufftHandle plan, bool inverse, void *stream, size_t w,
                        size_t h, size_t planes, size_t *bytes)
{
    long long size[] = {(long long)h, (long long)w}, half[] = {size[0], size[1] / 2 + 1},
              n = size[0] * size[1], m = half[0] * half[1];
    cufftResult e = k->cufftSetAutoAllocation(plan, 0);
    if (!e) e = k->cufftSetStream(plan, stream);
    if (!e)
        e = inverse ? k->cufftMakePlanMany64(plan, 2, size, half, 1, m, size, 1, n, CUFFT_C2R,
                                             (long long)planes, bytes)
                    : k->cufftMakePlanMany64(plan, 2, size, size, 1, n, half, 1, m, CUFFT_R2C,
                                             (long long)planes, bytes);
    return e;
}

pln_status cu_fourier_new(pln_device *d, const cu_cufft *k, void *stream, size_t w, size_t h,
                          size_t planes, pln_fourier **fourier, size_t *work_bytes)
{
    pln_fourier *f = NULL;
    cufftResult e = CUFFT_SUCCESS;
    pln_status s = PLN_OK;

    *work_bytes = 0;
    PLN_TRY(pln_calloc(d->ctx, 1, sizeof *f, &f));
    f->k = k;
    for (int i = 0; i < 2 && !e; i++) {
        size_t bytes = 0;
        e = k->cufftCreate(&f->plan[i]);
        if (e) break;
        f->made++;
        e = make(k, f->plan[i], i == 1, stream, w, h, planes, &bytes);
        if (bytes > *work_bytes) *work_bytes = bytes;
    }
    if (e) {
        bool size = e == CUFFT_INVALID_SIZE || e == CUFFT_NOT_SUPPORTED;
        s = pln_fail(d->ctx,
                     e == CUFFT_ALLOC_FAILED ? PLN_E_LIMIT
                     : size                  ? PLN_E_UNSUPPORTED
                                             : PLN_E_DEVICE,
                     "%s: cuFFT has no plan for %zu planes of %zux%zu: error %d", d->name, planes,
                     w, h, (int)e);
        goto done;
    }
    *fourier = f;
    f = NULL;
done:
    cu_fourier_free(f);
    return s;
}

pln_status cu_fourier_run(pln_device *d, const pln_fourier *f, bool inverse, void *in, void *out,
                          void *work)
{
    cufftResult e = f->k->cufftSetWorkArea(f->plan[inverse], work);
    if (!e)
        e = inverse ? f->k->cufftExecC2R(f->plan[1], in, out)
                    : f->k->cufftExecR2C(f->plan[0], in, out);
    if (!e) return PLN_OK;
    return pln_fail(d->ctx, PLN_E_DEVICE, "%s: a Fourier transform: error %d", d->name, (int)e);
}

void cu_fourier_free(pln_fourier *f)
{
    for (int i = 0; f && i < f->made; i++) f->k->cufftDestroy(f->plan[i]);
    pln_free(f);
}
