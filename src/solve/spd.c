/* SPDX-License-Identifier: MIT */
/* 5- and 9-point symmetric positive definite systems: conjugate gradients, preconditioned by a
 * modified incomplete Cholesky factorisation without fill (Gustafsson, "A class of first order
 * factorization methods", BIT 1978).
 *
 * A node i is its excess e_i (the row sum, 1 at the start) and the weights of its edges;
 * eliminating it hands w_ij e_i / D_i of its excess to each later neighbour j, where D_i = e_i +
 * sum of the weights to later neighbours. Fill inside the stencil is kept (9 points), fill outside
 * it is dropped, which in this form keeps the row sums by itself. Nothing is ever subtracted, so
 * float arithmetic is enough. */
#include "solve/solve.h"

#include <math.h>
#include <string.h>

struct spd {
    size_t w, h, n, c;
    int edges;         /* to later neighbours: right, down, down-right, down-left */
    ptrdiff_t step[4]; /* index offsets of those */
    const float *a[4]; /* weights, absent edges are 0 */
    const float *l[4]; /* factor: weight / D */
    float *inverse;    /* 1 / D */
};

static void copy_weights(const struct spd *s, const pln_spd *A, float *const *a)
{
    const float *src[4] = {A->right, A->down, A->down_right, A->down_left};
    for (int k = 0; k < s->edges; k++)
        for (size_t y = 0; y < s->h; y++)
            for (size_t x = 0; x < s->w; x++) {
                bool outside = (k != 0 && y + 1 == s->h) || ((k == 0 || k == 2) && x + 1 == s->w) ||
                               (k == 3 && x == 0);
                a[k][y * s->w + x] = outside ? 0.0f : src[k][y * s->w + x];
            }
}

static void factor(const struct spd *s, float *const *l, float *e)
{
    for (size_t i = 0; i < s->n; i++) {
        float d = e[i], w[4] = {0};
        for (int k = 0; k < s->edges; k++) d += w[k] = l[k][i];
        float inv = 1 / d;
        for (int k = 0; k < s->edges; k++)
            if (w[k] > 0) e[(ptrdiff_t)i + s->step[k]] += w[k] * e[i] * inv;
        if (s->edges == 4) { /* right-down, right-down-right, down-left-down, down-down-right are in
                                the stencil */
            if (w[0] > 0) l[3][i + 1] += w[0] * w[1] * inv, l[1][i + 1] += w[0] * w[2] * inv;
            if (w[3] > 0) l[0][i + s->w - 1] += w[3] * w[1] * inv;
            if (w[1] > 0) l[0][i + s->w] += w[1] * w[2] * inv;
        }
        for (int k = 0; k < s->edges; k++) l[k][i] = w[k] * inv;
        s->inverse[i] = inv;
    }
}

/* z = M^-1 r */
static void precondition(const struct spd *s, const float *restrict r, float *restrict z)
{
    size_t c = s->c;
    memcpy(z, r, s->n * c * sizeof *z);
    for (size_t i = 0; i < s->n; i++)
        for (int k = 0; k < s->edges; k++) {
            float l = s->l[k][i];
            if (l > 0)
                for (size_t b = 0; b < c; b++)
                    z[((ptrdiff_t)i + s->step[k]) * (ptrdiff_t)c + (ptrdiff_t)b] +=
                        l * z[i * c + b];
        }
    for (size_t i = s->n; i-- > 0;) {
        for (size_t b = 0; b < c; b++) z[i * c + b] *= s->inverse[i];
        for (int k = 0; k < s->edges; k++) {
            float l = s->l[k][i];
            if (l > 0)
                for (size_t b = 0; b < c; b++)
                    z[i * c + b] +=
                        l * z[((ptrdiff_t)i + s->step[k]) * (ptrdiff_t)c + (ptrdiff_t)b];
        }
    }
}

/* q = A p in difference form */
static void apply(const struct spd *s, const float *restrict p, float *restrict q)
{
    size_t c = s->c;
    memcpy(q, p, s->n * c * sizeof *q);
    for (size_t i = 0; i < s->n; i++)
        for (int k = 0; k < s->edges; k++) {
            float a = s->a[k][i];
            if (a > 0)
                for (size_t b = 0; b < c; b++) {
                    size_t j = (size_t)((ptrdiff_t)i + s->step[k]) * c + b;
                    float d = a * (p[i * c + b] - p[j]);
                    q[i * c + b] += d;
                    q[j] -= d;
                }
        }
}

static double dot(const struct spd *s, const float *a, const float *b, size_t channel)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += (double)a[i * s->c + channel] * (double)b[i * s->c + channel];
    return sum;
}

pln_status pln_spd_solve(pln_context *ctx, const pln_spd *A, const pln_view *f, const pln_view *u,
                         const pln_spd_options *options, pln_spd_report *report)
{
    pln_status s = PLN_OK;
    struct spd m = {
        .w = A->w, .h = A->h, .n = A->w * A->h, .c = f->c, .edges = A->down_right ? 4 : 2};
    float *a[4] = {0}, *l[4] = {0}, *e = NULL, *x = NULL, *r = NULL, *p = NULL, *q = NULL,
          *z = NULL;
    const ptrdiff_t steps[4] = {1, (ptrdiff_t)m.w, (ptrdiff_t)m.w + 1, (ptrdiff_t)m.w - 1};
    double norm[3], rho[3], residual[3], worst = 0;
    int limit = options->max_iterations ? options->max_iterations : 2000, it = 0;
    size_t row = m.w * m.c;

    for (int k = 0; k < m.edges; k++) {
        m.step[k] = steps[k];
        PLN_TRY(pln_alloc(ctx, m.n, sizeof(float), &a[k]));
        PLN_TRY(pln_alloc(ctx, m.n, sizeof(float), &l[k]));
        m.a[k] = a[k];
        m.l[k] = l[k];
    }
    PLN_TRY(pln_alloc(ctx, m.n, sizeof(float), &m.inverse));
    PLN_TRY(pln_alloc(ctx, m.n, sizeof(float), &e));
    PLN_TRY(pln_alloc(ctx, m.n, m.c * sizeof(float), &x));
    PLN_TRY(pln_alloc(ctx, m.n, m.c * sizeof(float), &r));
    PLN_TRY(pln_alloc(ctx, m.n, m.c * sizeof(float), &p));
    PLN_TRY(pln_alloc(ctx, m.n, m.c * sizeof(float), &q));
    PLN_TRY(pln_alloc(ctx, m.n, m.c * sizeof(float), &z));
    copy_weights(&m, A, a);
    for (int k = 0; k < m.edges; k++) memcpy(l[k], a[k], m.n * sizeof(float));
    for (size_t i = 0; i < m.n; i++) e[i] = 1;
    factor(&m, l, e);

    for (size_t y = 0; y < m.h; y++) memcpy(r + y * row, pln_row(f, y), row * sizeof(float));
    for (size_t b = 0; b < m.c; b++) norm[b] = sqrt(dot(&m, r, r, b));
    memset(x, 0, m.n * m.c * sizeof(float));
    if (options->warm) {
        for (size_t y = 0; y < m.h; y++) memcpy(x + y * row, pln_row(u, y), row * sizeof(float));
        apply(&m, x, q);
        for (size_t i = 0; i < m.n * m.c; i++) {
            r[i] -= q[i];
            if (norm[i % m.c] <= 0) x[i] = r[i] = 0; /* f = 0: the answer is 0 */
        }
    }
    memset(p, 0, m.n * m.c * sizeof(float));
    for (size_t b = 0; b < m.c; b++) rho[b] = 0;
    for (;; it++) {
        worst = 0;
        for (size_t b = 0; b < m.c; b++) {
            residual[b] = norm[b] > 0 ? sqrt(dot(&m, r, r, b)) / norm[b] : 0;
            if (!(residual[b] <= worst)) worst = residual[b];
        }
        if (worst <= options->tolerance) break;
        if (it >= limit) {
            s = pln_fail(ctx, PLN_E_INTERNAL,
                         "the linear solver stopped after %d step%s with a relative residual of %g "
                         "(asked: %g)",
                         it, it == 1 ? "" : "s", worst, options->tolerance);
            goto done;
        }
        precondition(&m, r, z);
        for (size_t b = 0; b < m.c; b++) {
            double next = dot(&m, r, z, b);
            float beta = rho[b] > 0 ? (float)(next / rho[b]) : 0;
            rho[b] = next;
            for (size_t i = b; i < m.n * m.c; i += m.c) p[i] = z[i] + beta * p[i];
        }
        apply(&m, p, q);
        for (size_t b = 0; b < m.c; b++) {
            double pq = dot(&m, p, q, b);
            float alpha = pq > 0 ? (float)(rho[b] / pq) : 0;
            for (size_t i = b; i < m.n * m.c; i += m.c) x[i] += alpha * p[i], r[i] -= alpha * q[i];
        }
        PLN_TRY(pln_progress(ctx, 0, "solve"));
    }
    for (size_t y = 0; y < m.h; y++) memcpy(pln_row(u, y), x + y * row, row * sizeof(float));
    if (report) *report = (pln_spd_report){.iterations = it, .residual = worst};
done:
    for (int k = 0; k < 4; k++) pln_free(a[k]), pln_free(l[k]);
    pln_free(m.inverse);
    pln_free(e);
    pln_free(x);
    pln_free(r);
    pln_free(p);
    pln_free(q);
    pln_free(z);
    return s;
}

size_t pln_spd_memory(size_t w, size_t h, size_t c, bool nine_points, int threads)
{
    (void)threads;
    return w * h * ((nine_points ? 10 : 6) + 5 * c) * sizeof(float) + 20 * 192;
}
