/* SPDX-License-Identifier: MIT */
/* Winograd convolution against sums in double, on every instruction set of the machine. */
#include "conv_support.h"
#include "nn/backends/cpu/winograd.h"

/* Largest error and rms error allowed, relative to the rms of the result. */
#define MAX_ERROR 2e-5
#define RMS_ERROR 2e-6

static const pln_wino_shape shapes[] = {
    {1, 1, 1, 16, 16, 1},   {1, 1, 9, 32, 16, 1},   {2, 7, 1, 16, 32, 2},    {1, 2, 3, 48, 48, 1},
    {1, 37, 53, 64, 64, 1}, {1, 37, 53, 16, 64, 2}, {1, 19, 24, 65, 64, 3},  {1, 16, 16, 68, 64, 4},
    {3, 11, 13, 24, 20, 2}, {3, 5, 6, 64, 68, 8},   {1, 40, 33, 17, 19, 16}, {1, 6, 5, 32, 65, 1},
    {1, 4, 4, 80, 96, 1},   {2, 9, 8, 64, 112, 5},
};

/* Number of the pixel at tap t of pixel (x, y) of image i, or -1 outside. */
static ptrdiff_t neighbour(const pln_wino_shape *s, size_t i, size_t y, size_t x, size_t t)
{
    ptrdiff_t d = (ptrdiff_t)s->dilation;
    ptrdiff_t v = (ptrdiff_t)y + ((ptrdiff_t)(t / 3) - 1) * d;
    ptrdiff_t u = (ptrdiff_t)x + ((ptrdiff_t)(t % 3) - 1) * d;
    if (v < 0 || u < 0 || v >= (ptrdiff_t)s->h || u >= (ptrdiff_t)s->w) return -1;
    return ((ptrdiff_t)(i * s->h) + v) * (ptrdiff_t)s->w + u;
}

/* y[pixel][cout] = conv(x), weights [o][i][9]. */
static void naive_forward(const pln_wino_shape *s, const float *x, size_t stride, const float *w,
                          double *y)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t v = 0; v < s->h; v++)
            for (size_t u = 0; u < s->w; u++, y += s->cout) {
                for (size_t o = 0; o < s->cout; o++) y[o] = 0;
                for (size_t t = 0; t < 9; t++) {
                    ptrdiff_t at = neighbour(s, i, v, u, t);
                    if (at < 0) continue;
                    for (size_t o = 0; o < s->cout; o++)
                        for (size_t k = 0; k < s->cin; k++)
                            y[o] += (double)x[at * (ptrdiff_t)stride + (ptrdiff_t)k] *
                                    w[(o * s->cin + k) * 9 + t];
                }
            }
}

/* got[i * stride + k], k in [0, c), against want[i * c + k]. `scale`: rms that errors are relative
 * to; tiny results are as inexact as the large ones they come from. */
static void compare(const char *what, const char *isa, const pln_wino_shape *s, const float *got,
                    size_t stride, const double *want, size_t n, size_t c, double scale)
{
    double worst = 0, sum = 0;
    size_t at = 0;

    for (size_t i = 0; i < n * c; i++) {
        double e = fabs(got[i / c * stride + i % c] - want[i]) / scale;
        sum += e * e;
        if (!(e <= worst)) worst = e, at = i;
    }
    if (!(worst <= MAX_ERROR) || !(sqrt(sum / (double)(n * c)) <= RMS_ERROR))
        fail_msg("%s, %s, %zu x %zux%zu, %zu to %zu channels, dilation %zu: error %g (rms %g) of "
                 "the rms; worst at %zu: %.9g instead of %.9g",
                 what, isa, s->n, s->h, s->w, s->cin, s->cout, s->dilation, worst,
                 sqrt(sum / (double)(n * c)), at, (double)got[at / c * stride + at % c], want[at]);
}

struct problem {
    pln_context *ctx; /* owns the buffers */
    pln_wino_shape s;
    size_t pixels, in_stride, out_stride;
    float *x, *w, *bias, *residual, *out, *u, *work;
    double *want;
};

static struct problem problem_new(pln_context *ctx, pln_wino_shape s)
{
    struct problem p = {.ctx = ctx, .s = s, .pixels = s.n * s.h * s.w};
    p.in_stride = s.cin + 3;
    p.out_stride = s.cout + 5;
    p.x = filled(ctx, p.pixels * p.in_stride, 1);
    p.w = filled(ctx, 9 * s.cin * s.cout, 2);
    p.bias = filled(ctx, s.cout, 3);
    p.residual = filled(ctx, p.pixels * p.out_stride, 4);
    p.out = filled(ctx, p.pixels * p.out_stride, 5);
    p.u = filled(ctx, pln_wino_weights_floats(s.cin, s.cout), 6);
    p.work = filled(ctx, pln_wino_forward_floats(&s, 2), 7);
    OK(ctx, pln_alloc(ctx, p.pixels * pln_max(s.cin, s.cout), sizeof(double), &p.want));
    return p;
}

static void problem_free(struct problem *p)
{
    void *all[] = {p->x, p->w, p->bias, p->residual, p->out, p->u, p->work, p->want};
    for (size_t i = 0; i < COUNT(all); i++) pln_free(all[i]);
}

static void forward(void **state)
{
    pln_context *ctx[3];
    int isas = contexts(ctx);

    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct problem p = problem_new(ctx[0], shapes[i]);
        naive_forward(&p.s, p.x, p.in_stride, p.w, p.want);
        OK(p.ctx, pln_wino_weights(p.ctx, p.w, PLN_CONV_OIYX, p.s.cin, p.s.cout, false, p.u));
        double scale = rms(p.want, p.pixels * p.s.cout);
        for (int k = 0; k < isas; k++) {
            OK(ctx[k], pln_wino_forward(ctx[k], &p.s, p.x, p.in_stride, p.u, NULL, p.out,
                                        p.out_stride, p.work));
            compare("forward", pln_context_isa(ctx[k]), &p.s, p.out, p.out_stride, p.want, p.pixels,
                    p.s.cout, scale);
        }
        /* What lies between the channels is somebody else's. */
        float *fresh = filled(ctx[0], p.pixels * p.out_stride, 5);
        for (size_t a = 0; a < p.pixels; a++)
            assert_memory_equal(p.out + a * p.out_stride + p.s.cout,
                                fresh + a * p.out_stride + p.s.cout, 5 * sizeof(float));
        pln_free(fresh);
        problem_free(&p);
    }
    for (int k = 0; k < isas; k++) pln_context_free(ctx[k]);
}

/* Every combination of the epilogue's steps, the residual read from the output itself. */
static void epilogue(void **state)
{
    pln_context *ctx[3];
    int isas = contexts(ctx);

    (void)state;
    struct problem p = problem_new(ctx[0], (pln_wino_shape){1, 9, 11, 20, 36, 2});
    double *conv = NULL;
    OK(ctx[0], pln_alloc(ctx[0], p.pixels * p.s.cout, sizeof *conv, &conv));
    naive_forward(&p.s, p.x, p.in_stride, p.w, conv);
    OK(p.ctx, pln_wino_weights(p.ctx, p.w, PLN_CONV_OIYX, p.s.cin, p.s.cout, false, p.u));
    float *mask = filled(ctx[0], p.pixels * p.s.cout, 8);
    for (unsigned bits = 0; bits < 64; bits++) {
        pln_conv_epilogue e = {.residual_stride = p.out_stride, .mask_stride = p.s.cout};
        if (bits & 1) e.bias = p.bias;
        if (bits & 2) e.residual = p.out;
        e.residual_last = bits & 4;
        e.activate = bits & 8;
        e.slope = bits & 16 ? 0.2f : 0;
        if (bits & 32) e.mask = mask;
        for (size_t i = 0; i < p.pixels * p.s.cout; i++) {
            size_t k = i % p.s.cout;
            double v = conv[i], r = p.residual[i / p.s.cout * p.out_stride + k];
            if (e.bias) v += p.bias[k];
            if (e.residual && !e.residual_last) v += r;
            if (e.activate && v < 0) v *= e.slope;
            if (e.residual && e.residual_last) v += r;
            if (e.mask && mask[i] <= 0) v = 0;
            p.want[i] = v;
        }
        for (int k = 0; k < isas; k++) {
            char what[32];
            snprintf(what, sizeof what, "epilogue %u", bits);
            memcpy(p.out, p.residual, p.pixels * p.out_stride * sizeof *p.out);
            OK(ctx[k], pln_wino_forward(ctx[k], &p.s, p.x, p.in_stride, p.u, &e, p.out,
                                        p.out_stride, p.work));
            compare(what, pln_context_isa(ctx[k]), &p.s, p.out, p.out_stride, p.want, p.pixels,
                    p.s.cout, rms(conv, p.pixels * p.s.cout));
        }
    }
    pln_free(mask);
    pln_free(conv);
    problem_free(&p);
    for (int k = 0; k < isas; k++) pln_context_free(ctx[k]);
}

/* Both orders of the weights give the same U; the gradient's is the turned, transposed filter's. */
static void weight_orders(void **state)
{
    enum { CIN = 18, COUT = 33, N = 9 * CIN * COUT };
    pln_context *ctx = NULL;
    static float oyxi[N], turned[N];

    (void)state;
    OK(NULL, pln_context_new(&ctx));
    size_t n = pln_wino_weights_floats(CIN, COUT);
    float *w = filled(ctx, N, 1), *u = filled(ctx, n, 2), *v = filled(ctx, n, 2);
    for (size_t o = 0; o < COUT; o++)
        for (size_t i = 0; i < CIN; i++)
            for (size_t t = 0; t < 9; t++) {
                oyxi[(o * 9 + t) * CIN + i] = w[(o * CIN + i) * 9 + t];
                turned[(i * COUT + o) * 9 + 8 - t] = w[(o * CIN + i) * 9 + t];
            }
    OK(ctx, pln_wino_weights(ctx, w, PLN_CONV_OIYX, CIN, COUT, false, u));
    OK(ctx, pln_wino_weights(ctx, oyxi, PLN_CONV_OYXI, CIN, COUT, false, v));
    assert_memory_equal(u, v, n * sizeof *u);
    OK(ctx, pln_wino_weights(ctx, oyxi, PLN_CONV_OYXI, CIN, COUT, true, u));
    OK(ctx, pln_wino_weights(ctx, turned, PLN_CONV_OIYX, COUT, CIN, false, v));
    assert_memory_equal(u, v, n * sizeof *u);
    pln_free(w);
    pln_free(u);
    pln_free(v);
    pln_context_free(ctx);
}

/* sum dy . conv(x) = sum x . gradient(dy) holds for any convolution and its transpose: here the
 * gradient is compared with the definition, scattered by the same naive loop. */
static void gradient_of_data(void **state)
{
    pln_context *ctx[3];
    int isas = contexts(ctx);

    (void)state;
    for (size_t a = 0; a < COUNT(shapes); a++) {
        struct problem p = problem_new(ctx[0], shapes[a]);
        const pln_wino_shape *s = &p.s, back = {s->n, s->h, s->w, s->cout, s->cin, s->dilation};
        const float *dy = p.residual;
        float *dx = p.x;
        memset(p.want, 0, p.pixels * s->cin * sizeof *p.want);
        for (size_t i = 0, pixel = 0; i < s->n; i++)
            for (size_t v = 0; v < s->h; v++)
                for (size_t u = 0; u < s->w; u++, pixel++)
                    for (size_t t = 0; t < 9; t++) {
                        ptrdiff_t at = neighbour(s, i, v, u, t);
                        if (at < 0) continue;
                        for (size_t o = 0; o < s->cout; o++)
                            for (size_t k = 0; k < s->cin; k++)
                                p.want[(size_t)at * s->cin + k] +=
                                    (double)dy[pixel * p.out_stride + o] *
                                    p.w[(o * s->cin + k) * 9 + t];
                    }
        OK(p.ctx, pln_wino_weights(p.ctx, p.w, PLN_CONV_OIYX, s->cin, s->cout, true, p.u));
        float *work = filled(ctx[0], pln_wino_forward_floats(&back, 1), 7);
        for (int k = 0; k < isas; k++) {
            OK(ctx[k],
               pln_wino_forward(ctx[k], &back, dy, p.out_stride, p.u, NULL, dx, p.in_stride, work));
            compare("gradient of the data", pln_context_isa(ctx[k]), s, dx, p.in_stride, p.want,
                    p.pixels, s->cin, rms(p.want, p.pixels * s->cin));
        }
        pln_free(work);
        problem_free(&p);
    }
    for (int k = 0; k < isas; k++) pln_context_free(ctx[k]);
}

/* Input pixel (x, y) times tap (i, j) of a 4x4 filter goes to (2 x + j - 1, 2 y + i - 1). */
static void naive_transposed(const pln_wino_shape *s, const float *x, size_t stride, const float *w,
                             double *y)
{
    memset(y, 0, 4 * s->n * s->h * s->w * s->cout * sizeof *y);
    for (size_t at = 0; at < s->n * s->h * s->w; at++)
        for (size_t t = 0; t < 16; t++) {
            size_t row = 2 * (at / s->w % s->h) + t / 4, column = 2 * (at % s->w) + t % 4;
            if (row < 1 || row > 2 * s->h || column < 1 || column > 2 * s->w) continue;
            size_t to = (at / s->w / s->h * 2 * s->h + row - 1) * 2 * s->w + column - 1;
            for (size_t o = 0; o < s->cout; o++)
                for (size_t i = 0; i < s->cin; i++)
                    y[to * s->cout + o] +=
                        (double)x[at * stride + i] * w[(i * s->cout + o) * 16 + t];
        }
}

/* With a bias; one thread and two. */
static void transposed(void **state)
{
    static const pln_wino_shape small[] = {{1, 1, 1, 16, 16, 1},   {2, 4, 5, 17, 33, 1},
                                           {1, 1, 9, 32, 16, 1},   {3, 7, 3, 65, 20, 1},
                                           {1, 37, 29, 64, 64, 1}, {2, 8, 12, 48, 80, 1}};
    pln_context *ctx[3];
    int isas = contexts(ctx);

    (void)state;
    for (size_t a = 0; a < COUNT(small); a++) {
        const pln_wino_shape *s = &small[a];
        size_t in_stride = s->cin + 3, out_stride = s->cout + 5, pixels = s->n * s->h * s->w;
        size_t out_floats = 4 * pixels * out_stride;
        float *x = filled(ctx[0], pixels * in_stride, 1), *bias = filled(ctx[0], s->cout, 3);
        float *w = filled(ctx[0], 16 * s->cin * s->cout, 2), *u;
        float *work = filled(ctx[0], pln_wino_forward_floats(s, 2), 7);
        double *want = NULL;
        const pln_conv_epilogue e = {.bias = bias};
        OK(ctx[0], pln_alloc(ctx[0], 4 * pixels * s->cout, sizeof *want, &want));
        u = filled(ctx[0], pln_wino_transposed_weights_floats(s->cin, s->cout), 6);
        naive_transposed(s, x, in_stride, w, want);
        for (size_t i = 0; i < 4 * pixels * s->cout; i++) want[i] += bias[i % s->cout];
        OK(ctx[0], pln_wino_transposed_weights(ctx[0], w, s->cin, s->cout, u));
        for (int k = 0; k < isas; k++) {
            float *y[2];
            for (int threads = 1; threads <= 2; threads++) {
                y[threads - 1] = filled(ctx[0], out_floats, 5); /* the gaps stay */
                OK(ctx[k], pln_context_set_threads(ctx[k], threads));
                OK(ctx[k], pln_wino_transposed(ctx[k], s, x, in_stride, u, &e, y[threads - 1],
                                               out_stride, work));
            }
            compare("transposed", pln_context_isa(ctx[k]), s, y[0], out_stride, want, 4 * pixels,
                    s->cout, rms(want, 4 * pixels * s->cout));
            assert_memory_equal(y[0], y[1], out_floats * sizeof **y);
            float *fresh = filled(ctx[0], out_floats, 5);
            for (size_t i = 0; i < out_floats; i++)
                if (i % out_stride >= s->cout) assert_true(y[0][i] == fresh[i]);
            pln_free(fresh);
            pln_free(y[0]);
            pln_free(y[1]);
        }
        void *all[] = {x, bias, w, u, work, want};
        for (size_t i = 0; i < COUNT(all); i++) pln_free(all[i]);
    }
    for (int k = 0; k < isas; k++) pln_context_free(ctx[k]);
}

/* dw[o][i][t] = sum over pixels of dy[pixel][o] x[pixel at tap t][i]; db[o] = sum of dy[pixel][o].
 * The sums run over many pixels: several blocks, slots and rounds, and shapes where some are empty.
 */
static void gradient_of_weights(void **state)
{
    pln_context *ctx[3];
    int isas = contexts(ctx);
    const pln_wino_shape large[] = {{2, 131, 97, 16, 32, 3}, {1, 40, 40, 130, 68, 1}};

    (void)state;
    for (size_t a = 0; a < COUNT(shapes) + COUNT(large); a++) {
        struct problem p =
            problem_new(ctx[0], a < COUNT(shapes) ? shapes[a] : large[a - COUNT(shapes)]);
        const pln_wino_shape *s = &p.s;
        size_t n = 9 * s->cin * s->cout;
        double *want = NULL, *want_db = NULL;
        OK(ctx[0], pln_calloc(ctx[0], n, sizeof *want, &want));
        OK(ctx[0], pln_calloc(ctx[0], s->cout, sizeof *want_db, &want_db));
        const float *dy = p.residual;
        for (size_t i = 0, pixel = 0; i < s->n; i++)
            for (size_t v = 0; v < s->h; v++)
                for (size_t u = 0; u < s->w; u++, pixel++) {
                    const float *d = dy + pixel * p.out_stride;
                    for (size_t o = 0; o < s->cout; o++) want_db[o] += (double)d[o];
                    for (size_t t = 0; t < 9; t++) {
                        ptrdiff_t at = neighbour(s, i, v, u, t);
                        if (at < 0) continue;
                        const float *x = p.x + (size_t)at * p.in_stride;
                        for (size_t o = 0; o < s->cout; o++)
                            for (size_t k = 0; k < s->cin; k++)
                                want[(o * 9 + t) * s->cin + k] += (double)d[o] * x[k];
                    }
                }
        float *dw = filled(ctx[0], n, 8), *again = filled(ctx[0], n, 8);
        float *db = filled(ctx[0], s->cout, 9), *db_again = filled(ctx[0], s->cout, 9);
        float *work = filled(ctx[0], pln_wino_weights_gradient_floats(s, 2), 7);
        for (int k = 0; k < isas; k++) {
            OK(ctx[k], pln_wino_weights_gradient(ctx[k], s, p.x, p.in_stride, dy, p.out_stride,
                                                 PLN_CONV_OYXI, dw, db, work));
            compare("gradient of the weights", pln_context_isa(ctx[k]), s, dw, n, want, 1, n,
                    rms(want, n));
            compare("gradient of the bias", pln_context_isa(ctx[k]), s, db, s->cout, want_db, 1,
                    s->cout, rms(want_db, s->cout));
            OK(ctx[k], pln_context_set_threads(ctx[k], 2));
            OK(ctx[k], pln_wino_weights_gradient(ctx[k], s, p.x, p.in_stride, dy, p.out_stride,
                                                 PLN_CONV_OYXI, again, db_again, work));
            assert_memory_equal(dw, again, n * sizeof *dw);
            assert_memory_equal(db, db_again, s->cout * sizeof *db);
            OK(ctx[k], pln_wino_weights_gradient(ctx[k], s, p.x, p.in_stride, dy, p.out_stride,
                                                 PLN_CONV_OIYX, again, NULL, work));
            for (size_t o = 0; o < s->cout; o++)
                for (size_t i = 0; i < s->cin; i++)
                    for (size_t t = 0; t < 9; t++)
                        assert_true(again[(o * s->cin + i) * 9 + t] ==
                                    dw[(o * 9 + t) * s->cin + i]);
            OK(ctx[k], pln_context_set_threads(ctx[k], 1));
        }
        void *all[] = {want, want_db, dw, again, db, db_again, work};
        for (size_t i = 0; i < COUNT(all); i++) pln_free(all[i]);
        problem_free(&p);
    }
    for (int k = 0; k < isas; k++) pln_context_free(ctx[k]);
}

/* One and two threads, and the images of a batch alone, give the same bytes. */
static void threads_and_batches(void **state)
{
    (void)state;
    for (int isa = PLN_ISA_BASELINE; isa <= PLN_ISA_AVX512; isa++) {
        pln_context *ctx = NULL;
        pln_context_options o = {sizeof o, .threads = 1, .isa = pln_isa_name((pln_isa)isa)};
        if ((pln_isa)isa > pln_isa_machine()) break;
        OK(NULL, pln_context_new_with(&o, &ctx));
        struct problem p = problem_new(ctx, (pln_wino_shape){3, 61, 67, 64, 64, 3});
        pln_wino_shape one = p.s;
        size_t image = p.s.h * p.s.w;
        float *again = filled(ctx, p.pixels * p.out_stride, 5);
        OK(p.ctx, pln_wino_weights(p.ctx, p.w, PLN_CONV_OIYX, p.s.cin, p.s.cout, false, p.u));
        OK(ctx,
           pln_wino_forward(ctx, &p.s, p.x, p.in_stride, p.u, NULL, p.out, p.out_stride, p.work));
        OK(ctx, pln_context_set_threads(ctx, 2));
        OK(ctx,
           pln_wino_forward(ctx, &p.s, p.x, p.in_stride, p.u, NULL, again, p.out_stride, p.work));
        assert_memory_equal(p.out, again, p.pixels * p.out_stride * sizeof *p.out);
        one.n = 1;
        for (size_t i = 0; i < p.s.n; i++) {
            OK(ctx, pln_wino_forward(ctx, &one, p.x + i * image * p.in_stride, p.in_stride, p.u,
                                     NULL, again, p.out_stride, p.work));
            for (size_t a = 0; a < image; a++)
                assert_memory_equal(p.out + (i * image + a) * p.out_stride,
                                    again + a * p.out_stride, p.s.cout * sizeof *p.out);
        }
        pln_free(again);
        problem_free(&p);
        pln_context_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward),
        cmocka_unit_test(epilogue),
        cmocka_unit_test(weight_orders),
        cmocka_unit_test(gradient_of_data),
        cmocka_unit_test(transposed),
        cmocka_unit_test(gradient_of_weights),
        cmocka_unit_test(threads_and_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
