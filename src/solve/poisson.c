/* SPDX-License-Identifier: MIT */
/* Screened Poisson equation in the Fourier domain. Three passes over the picture: rows of f
 * forward; blocks of columns forward, divided by 1 + k D, and back while they are in the cache;
 * rows back. Reflecting borders are the periodic problem of the picture and its mirror image (a
 * DCT-II), of which only the rows of the picture are stored. */
#include <math.h>
#include <string.h>

#include "solve/poisson_kernels.h"
#include "solve/solve.h"

enum { ROWS = 16, LANES = POISSON_LANES };

struct pln_poisson {
    size_t w, h, planes;
    size_t fw, fh;  /* of the transform: twice w and h when reflecting */
    size_t columns; /* complex numbers of a spectrum's row, a multiple of LANES */
    pln_fft *fft;
    float *spectrum; /* planes x h x columns */
    float *dx, *dy;  /* D = dx[kx] + dy[ky] */
    float *scratch;  /* threads x scratch_size */
    size_t scratch_size, threads;
};

size_t pln_poisson_stride(size_t w) { return pln_div_up(w, 16) * 16; }

static size_t columns_of(size_t fw) { return pln_div_up(fw / 2 + 1, LANES) * LANES; }

/* Floats from column to column of a block; a few more than needed, lest all columns start at one
 * line of the cache. */
static size_t column_size(size_t fh) { return 2 * (pln_div_up(fh, 8) * 8 + 8); }

/* Floats a thread needs: rows of f and one row of the transform, or one block of columns and one
 * transformed. */
static size_t scratch_size(size_t w, size_t fw, size_t fh, size_t planes)
{
    size_t rows = planes * ROWS * pln_poisson_stride(w) + pln_poisson_stride(fw);
    size_t block = (LANES + 1) * column_size(fh);
    return pln_div_up(pln_max(rows, block), 16) * 16 + pln_div_up(pln_fft_scratch(fw, fh), 16) * 16;
}

size_t pln_poisson_memory(size_t w, size_t h, size_t planes, bool reflect, int threads)
{
    size_t fw = reflect ? 2 * w : w, fh = reflect ? 2 * h : h;
    size_t floats =
        2 * planes * h * columns_of(fw) + (size_t)threads * scratch_size(w, fw, fh, planes);
    floats += columns_of(fw) + fh;
    /* While planning: a row and two columns. */
    floats += fw + 2 + 2 * pln_max(fw / 2 + 1, fh) + 2 * fh;
    return floats * sizeof(float) + 16 * (fw + fh) + 4096;
}

/* Exactly 0 for k = 0, so that the mean is kept. */
void pln_poisson_eigenvalues(float *d, size_t count, size_t n)
{
    for (size_t k = 0; k < count; k++)
        d[k] = (float)(k % n == 0 ? 0 : 2 - 2 * cos(6.283185307179586 * (double)k / (double)n));
}

pln_status pln_poisson_new(pln_context *ctx, size_t w, size_t h, size_t planes, bool reflect,
                           pln_poisson **result)
{
    pln_poisson *p = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(ctx, 1, sizeof *p, &p));
    p->w = w;
    p->h = h;
    p->planes = planes;
    p->fw = reflect ? 2 * w : w;
    p->fh = reflect ? 2 * h : h;
    p->columns = columns_of(p->fw);
    p->threads = (size_t)pln_context_threads(ctx);
    p->scratch_size = scratch_size(w, p->fw, p->fh, planes);
    PLN_TRY(pln_fft_new(ctx, p->fw, p->fh, &p->fft));
    PLN_TRY(pln_alloc(ctx, planes * h, 2 * p->columns * sizeof(float), &p->spectrum));
    PLN_TRY(pln_alloc(ctx, p->columns, sizeof(float), &p->dx));
    PLN_TRY(pln_alloc(ctx, p->fh, sizeof(float), &p->dy));
    PLN_TRY(pln_alloc(ctx, p->threads, p->scratch_size * sizeof(float), &p->scratch));
    pln_poisson_eigenvalues(p->dx, p->columns, p->fw);
    pln_poisson_eigenvalues(p->dy, p->fh, p->fh);
    *result = p;
    p = NULL;
done:
    pln_poisson_free(p);
    return s;
}

void pln_poisson_free(pln_poisson *p)
{
    if (!p) return;
    pln_free(p->scratch);
    pln_free(p->dy);
    pln_free(p->dx);
    pln_free(p->spectrum);
    pln_fft_free(p->fft);
    pln_free(p);
}

struct pass {
    pln_poisson *p;
    const struct poisson_kernels *kernels;
    float k;
    pln_poisson_fill *fill;
    void *arg;
    float *u;
};

static float *thread_scratch(const pln_poisson *p, int thread)
{
    return p->scratch + (size_t)thread * p->scratch_size;
}

static float *fft_scratch(const pln_poisson *p, int thread)
{
    return thread_scratch(p, thread) + p->scratch_size -
           pln_div_up(pln_fft_scratch(p->fw, p->fh), 16) * 16;
}

static float *spectrum_row(const pln_poisson *p, size_t plane, size_t y)
{
    return p->spectrum + (plane * p->h + y) * 2 * p->columns;
}

static void forward_rows(void *arg, size_t index, int thread)
{
    const struct pass *pass = arg;
    pln_poisson *p = pass->p;
    size_t y0 = index * ROWS, n = pln_min(ROWS, p->h - y0), stride = pln_poisson_stride(p->w);
    float *rows = thread_scratch(p, thread), *line = rows + p->planes * ROWS * stride;

    pass->fill(pass->arg, y0, n, rows, ROWS * stride, stride);
    for (size_t plane = 0; plane < p->planes; plane++)
        for (size_t y = 0; y < n; y++) {
            float *row = rows + (plane * ROWS + y) * stride, *out = spectrum_row(p, plane, y0 + y);
            if (p->fw > p->w) {
                memcpy(line, row, p->w * sizeof *line);
                for (size_t x = 0; x < p->w; x++) line[2 * p->w - 1 - x] = row[x];
                row = line;
            }
            pln_fft_row(p->fft, row, out, fft_scratch(p, thread));
            /* Columns that only fill up the last block. */
            memset(out + 2 * (p->fw / 2 + 1), 0, 2 * (p->columns - p->fw / 2 - 1) * sizeof *out);
        }
}

static void columns(void *arg, size_t index, int thread)
{
    const struct pass *pass = arg;
    pln_poisson *p = pass->p;
    size_t blocks = p->columns / LANES, plane = index / blocks, x0 = index % blocks * LANES;
    size_t size = column_size(p->fh);
    float *block = thread_scratch(p, thread), *spectrum = block + LANES * size;
    float *rows = spectrum_row(p, plane, 0) + 2 * x0;
    float scale = (float)(1 / ((double)p->fw * (double)p->fh));

    pass->kernels->gather(block, size, rows, 2 * p->columns, p->h);
    for (size_t i = 0; i < LANES; i++) {
        float *z = block + i * size;
        for (size_t y = p->h; y < p->fh; y++) { /* the mirror image */
            z[2 * y] = z[2 * (p->fh - 1 - y)];
            z[2 * y + 1] = z[2 * (p->fh - 1 - y) + 1];
        }
        pln_fft_column(p->fft, z, spectrum, false, fft_scratch(p, thread));
        pass->kernels->divide(spectrum, p->dy, p->dx[x0 + i], pass->k, scale, p->fh);
        pln_fft_column(p->fft, spectrum, z, true, fft_scratch(p, thread));
    }
    pass->kernels->scatter(rows, 2 * p->columns, block, size, p->h);
}

static void inverse_rows(void *arg, size_t index, int thread)
{
    const struct pass *pass = arg;
    pln_poisson *p = pass->p;
    size_t plane = index / pln_div_up(p->h, ROWS), y0 = index % pln_div_up(p->h, ROWS) * ROWS;
    size_t y1 = pln_min(p->h, y0 + ROWS), stride = pln_poisson_stride(p->w);
    float *line = thread_scratch(p, thread);

    for (size_t y = y0; y < y1; y++) {
        float *row = pass->u + (plane * p->h + y) * stride;
        bool direct = p->fw == p->w;
        pln_fft_row_inverse(p->fft, spectrum_row(p, plane, y), direct ? row : line,
                            fft_scratch(p, thread));
        if (!direct) memcpy(row, line, p->w * sizeof *row);
    }
}

pln_status pln_poisson_solve(pln_context *ctx, pln_poisson *p, double k, pln_poisson_fill *fill,
                             void *arg, float *u)
{
    struct pass pass = {.p = p,
                        .kernels = PLN_KERNELS_PICK(ctx, pln_poisson_kernels),
                        .k = (float)k,
                        .fill = fill,
                        .arg = arg,
                        .u = u};
    size_t row_tasks = pln_div_up(p->h, ROWS);
    pln_status s = PLN_OK;

    PLN_TRY(pln_parallel(ctx, row_tasks, forward_rows, &pass));
    PLN_TRY(pln_parallel(ctx, p->planes * (p->columns / LANES), columns, &pass));
    PLN_TRY(pln_parallel(ctx, p->planes * row_tasks, inverse_rows, &pass));
done:
    return s;
}
