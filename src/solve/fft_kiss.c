/* SPDX-License-Identifier: MIT */
/* FFT by KissFFT: the only file that calls it. Its real transform takes even lengths only, so rows
 * are transformed as complex numbers. */
#include <kiss_fft.h>
#include <string.h>

#include "solve/solve.h"

struct pln_fft {
    size_t w, h;
    kiss_fft_cfg row, row_inverse, column, column_inverse;
};

static pln_status plan(pln_context *ctx, size_t n, int inverse, kiss_fft_cfg *cfg)
{
    size_t bytes = 0;
    void *memory = NULL;
    kiss_fft_alloc((int)n, inverse, NULL, &bytes);
    pln_status s = pln_alloc(ctx, bytes, 1, &memory);
    if (!s) *cfg = kiss_fft_alloc((int)n, inverse, memory, &bytes);
    return s;
}

pln_status pln_fft_new(pln_context *ctx, size_t w, size_t h, pln_fft **result)
{
    pln_fft *fft = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(ctx, 1, sizeof *fft, &fft));
    fft->w = w;
    fft->h = h;
    PLN_TRY(plan(ctx, w, 0, &fft->row));
    PLN_TRY(plan(ctx, w, 1, &fft->row_inverse));
    PLN_TRY(plan(ctx, h, 0, &fft->column));
    PLN_TRY(plan(ctx, h, 1, &fft->column_inverse));
    *result = fft;
    fft = NULL;
done:
    pln_fft_free(fft);
    return s;
}

void pln_fft_free(pln_fft *fft)
{
    if (!fft) return;
    pln_free(fft->row);
    pln_free(fft->row_inverse);
    pln_free(fft->column);
    pln_free(fft->column_inverse);
    pln_free(fft);
}

size_t pln_fft_scratch(size_t w, size_t h) { return (void)h, 4 * w; }

void pln_fft_row(const pln_fft *fft, float *in, float *out, float *scratch)
{
    kiss_fft_cpx *z = (kiss_fft_cpx *)scratch, *f = z + fft->w;
    for (size_t i = 0; i < fft->w; i++) z[i] = (kiss_fft_cpx){in[i], 0};
    kiss_fft(fft->row, z, f);
    memcpy(out, f, (fft->w / 2 + 1) * sizeof *f);
}

void pln_fft_row_inverse(const pln_fft *fft, float *in, float *out, float *scratch)
{
    kiss_fft_cpx *z = (kiss_fft_cpx *)scratch, *f = z + fft->w;
    const kiss_fft_cpx *half = (const kiss_fft_cpx *)in;
    for (size_t i = 0; i < fft->w; i++) {
        bool upper = i > fft->w / 2;
        z[i] = half[upper ? fft->w - i : i];
        if (upper) z[i].i = -z[i].i;
    }
    z[0].i = 0;
    kiss_fft(fft->row_inverse, z, f);
    for (size_t i = 0; i < fft->w; i++) out[i] = f[i].r;
}

void pln_fft_column(const pln_fft *fft, float *in, float *out, bool inverse, float *scratch)
{
    (void)scratch;
    kiss_fft(inverse ? fft->column_inverse : fft->column, (kiss_fft_cpx *)in, (kiss_fft_cpx *)out);
}
