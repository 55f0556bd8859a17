/* SPDX-License-Identifier: MIT */
/* FFT by FFTW: the only file that calls it. Plans are estimated, never measured: a measured plan
 * may differ from run to run, and with it the last bits. */
#include <fftw3.h>
#include <pthread.h>

#include "solve/solve.h"

struct pln_fft {
    size_t w, h;
    fftwf_plan row, row_inverse, column, column_inverse;
};

/* FFTW's planner is one for the process and not safe to enter twice. */
static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

pln_status pln_fft_new(pln_context *ctx, size_t w, size_t h, pln_fft **result)
{
    pln_fft *fft = NULL;
    float *real = NULL, *complex = NULL, *column = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(ctx, 1, sizeof *fft, &fft));
    fft->w = w;
    fft->h = h;
    PLN_TRY(pln_alloc(ctx, w + 2, sizeof *real, &real));
    PLN_TRY(pln_alloc(ctx, pln_max(w / 2 + 1, h), 2 * sizeof *complex, &complex));
    PLN_TRY(pln_alloc(ctx, h, 2 * sizeof *column, &column));
    pthread_mutex_lock(&planner);
    fft->row = fftwf_plan_dft_r2c_1d((int)w, real, (fftwf_complex *)complex, FFTW_ESTIMATE);
    fft->row_inverse = fftwf_plan_dft_c2r_1d((int)w, (fftwf_complex *)complex, real, FFTW_ESTIMATE);
    fftwf_complex *in = (fftwf_complex *)complex, *out = (fftwf_complex *)column;
    fft->column = fftwf_plan_dft_1d((int)h, in, out, FFTW_FORWARD, FFTW_ESTIMATE);
    fft->column_inverse = fftwf_plan_dft_1d((int)h, in, out, FFTW_BACKWARD, FFTW_ESTIMATE);
    pthread_mutex_unlock(&planner);
    if (!fft->row || !fft->row_inverse || !fft->column || !fft->column_inverse) {
        s = pln_fail(ctx, PLN_E_MEMORY, "FFTW has no plan for %zux%zu", w, h);
        goto done;
    }
    *result = fft;
    fft = NULL;
done:
    pln_free(column);
    pln_free(complex);
    pln_free(real);
    pln_fft_free(fft);
    return s;
}

void pln_fft_free(pln_fft *fft)
{
    if (!fft) return;
    pthread_mutex_lock(&planner);
    if (fft->row) fftwf_destroy_plan(fft->row);
    if (fft->row_inverse) fftwf_destroy_plan(fft->row_inverse);
    if (fft->column) fftwf_destroy_plan(fft->column);
    if (fft->column_inverse) fftwf_destroy_plan(fft->column_inverse);
    pthread_mutex_unlock(&planner);
    pln_free(fft);
}

size_t pln_fft_scratch(size_t w, size_t h)
{
    (void)w;
    (void)h;
    return 0;
}

void pln_fft_row(const pln_fft *fft, float *in, float *out, float *scratch)
{
    (void)scratch;
    fftwf_execute_dft_r2c(fft->row, in, (fftwf_complex *)out);
}

void pln_fft_row_inverse(const pln_fft *fft, float *in, float *out, float *scratch)
{
    (void)scratch;
    fftwf_execute_dft_c2r(fft->row_inverse, (fftwf_complex *)in, out);
}

void pln_fft_column(const pln_fft *fft, float *in, float *out, bool inverse, float *scratch)
{
    (void)scratch;
    fftwf_execute_dft(inverse ? fft->column_inverse : fft->column, (fftwf_complex *)in,
                      (fftwf_complex *)out);
}
