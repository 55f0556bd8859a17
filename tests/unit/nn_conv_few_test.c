/* SPDX-License-Identifier: MIT */
/* Convolution with few channels on one side against sums in double, on every instruction set of the
 * machine. */
#include "conv_support.h"
#include "nn/backends/cpu/conv_few.h"

/* Largest error allowed, relative to the rms of the result. */
#define MAX_ERROR 1e-5

/* Sizes of the output follow from the others, as for "same" padding. */
static const pln_few_shape shapes[] = {
    /* n, in h w, out h w, cin cout, kernel, stride, dilation, top left */
    {1, 1, 1, 1, 1, 3, 64, 3, 3, 1, 1, 1, 1},       {1, 1, 1, 1, 1, 64, 3, 3, 3, 1, 1, 1, 1},
    {2, 13, 31, 13, 31, 3, 64, 3, 3, 1, 1, 1, 1},   {2, 13, 31, 13, 31, 64, 3, 3, 3, 1, 1, 1, 1},
    {1, 9, 29, 9, 29, 64, 1, 3, 3, 1, 4, 4, 4},     {1, 9, 29, 9, 29, 1, 48, 3, 3, 1, 16, 16, 16},
    {1, 11, 26, 6, 13, 3, 32, 3, 3, 2, 1, 1, 1},    {1, 12, 27, 6, 14, 3, 65, 4, 4, 2, 1, 1, 1},
    {1, 11, 26, 6, 13, 20, 2, 3, 3, 2, 2, 2, 2},    {2, 7, 8, 7, 8, 4, 17, 1, 1, 1, 1, 0, 0},
    {2, 7, 8, 7, 8, 130, 4, 1, 1, 1, 1, 0, 0},      {1, 17, 19, 9, 10, 3, 64, 7, 7, 2, 1, 3, 3},
    {1, 17, 19, 17, 19, 2, 16, 5, 5, 1, 2, 4, 4},   {1, 10, 12, 4, 6, 4, 24, 3, 1, 3, 2, 2, 0},
    {1, 9, 9, 7, 7, 64, 1, 3, 3, 1, 1, 0, 0},       {1, 6, 7, 8, 9, 3, 3, 1, 1, 1, 1, 1, 1},
    {1, 5, 6, 2, 2, 2, 3, 1, 2, 4, 1, 1, 0},        {3, 40, 150, 40, 150, 3, 16, 3, 3, 1, 1, 1, 1},
    {3, 40, 150, 40, 150, 16, 3, 3, 3, 1, 1, 1, 1},
};

struct problem {
    pln_few_shape s;
    size_t in_pixels, out_pixels, in_stride, out_stride, weights;
    float *in, *out, *w, *u, *bias;
    double *want;
};

static struct problem problem_new(pln_context *ctx, pln_few_shape s)
{
    struct problem p = {.s = s,
                        .in_pixels = s.n * s.in_h * s.in_w,
                        .out_pixels = s.n * s.out_h * s.out_w,
                        .in_stride = s.cin + 3,
                        .out_stride = s.cout + 5,
                        .weights = s.cin * s.cout * s.kernel_h * s.kernel_w};
    assert_true(pln_few_supported(&s));
    p.in = filled(ctx, p.in_pixels * p.in_stride, 1);
    p.out = filled(ctx, p.out_pixels * p.out_stride, 2);
    p.w = filled(ctx, p.weights, 3);
    p.bias = filled(ctx, pln_max(s.cin, s.cout), 4);
    p.u = filled(ctx, pln_few_weights_floats(&s), 5);
    size_t most = pln_max(p.in_pixels * s.cin, p.out_pixels * s.cout);
    OK(ctx, pln_calloc(ctx, pln_max(most, p.weights), sizeof(double), &p.want));
    pln_few_weights(&s, p.w, PLN_CONV_OIYX, p.u);
    return p;
}

static void problem_free(struct problem *p)
{
    void *all[] = {p->in, p->out, p->w, p->u, p->bias, p->want};
    for (size_t i = 0; i < COUNT(all); i++) pln_free(all[i]);
}

/* Every product of the convolution: out pixel, out channel, in pixel, in channel, weight [o][i][t].
 */
typedef void product(struct problem *p, size_t out, size_t o, size_t in, size_t i, size_t w);

static void each_product(struct problem *p, product *f)
{
    const pln_few_shape *s = &p->s;

    for (size_t n = 0, out = 0; n < s->n; n++)
        for (size_t y = 0; y < s->out_h; y++)
            for (size_t x = 0; x < s->out_w; x++, out++)
                for (size_t t = 0; t < s->kernel_h * s->kernel_w; t++) {
                    ptrdiff_t v = (ptrdiff_t)(y * s->stride + t / s->kernel_w * s->dilation);
                    ptrdiff_t u = (ptrdiff_t)(x * s->stride + t % s->kernel_w * s->dilation);
                    v -= (ptrdiff_t)s->top;
                    u -= (ptrdiff_t)s->left;
                    if (v < 0 || u < 0 || v >= (ptrdiff_t)s->in_h || u >= (ptrdiff_t)s->in_w)
                        continue;
                    size_t in = (n * s->in_h + (size_t)v) * s->in_w + (size_t)u;
                    for (size_t o = 0; o < s->cout; o++)
                        for (size_t i = 0; i < s->cin; i++)
                            f(p, out, o, in, i, (o * s->cin + i) * s->kernel_h * s->kernel_w + t);
                }
}

static void forward_product(struct problem *p, size_t out, size_t o, size_t in, size_t i, size_t w)
{
    p->want[out * p->s.cout + o] += (double)p->in[in * p->in_stride + i] * p->w[w];
}

static void data_product(struct problem *p, size_t out, size_t o, size_t in, size_t i, size_t w)
{
    p->want[in * p->s.cin + i] += (double)p->out[out * p->out_stride + o] * p->w[w];
}

static void weight_product(struct problem *p, size_t out, size_t o, size_t in, size_t i, size_t w)
{
    p->want[w] += (double)p->in[in * p->in_stride + i] * p->out[out * p->out_stride + o];
}

/* got[i * stride + k], k in [0, c), against want[i * c + k]. */
static void compare(const char *what, pln_context *ctx, const pln_few_shape *s, const float *got,
                    size_t stride, const double *want, size_t n, size_t c, double scale)
{
    for (size_t i = 0; i < n * c; i++) {
        double value = got[i / c * stride + i % c], error = fabs(value - want[i]);
        if (!(error <= MAX_ERROR * scale))
            fail_msg(
                "%s, %s, %zu x %zux%zu to %zux%zu, %zu to %zu channels, kernel %zux%zu, stride "
                "%zu, dilation %zu, zeros %zu %zu: %.9g instead of %.9g at %zu",
                what, pln_context_isa(ctx), s->n, s->in_h, s->in_w, s->out_h, s->out_w, s->cin,
                s->cout, s->kernel_h, s->kernel_w, s->stride, s->dilation, s->top, s->left, value,
                want[i], i);
    }
}

/* Forward or gradient of the data, alone and with epilogues; 1 and 2 threads give the same bytes,
 * and nothing is written between the channels. */
static void convolve(pln_context *ctx, struct problem *p, bool forward)
{
    const pln_few_shape *s = &p->s;
    const char *what = forward ? "forward" : "gradient of the data";
    const float *from = forward ? p->in : p->out;
    size_t from_stride = forward ? p->in_stride : p->out_stride, c = forward ? s->cout : s->cin;
    size_t pixels = forward ? p->out_pixels : p->in_pixels, stride = c + 2;
    float *to = filled(ctx, pixels * stride, 6), *again = filled(ctx, pixels * stride, 6);
    float *fresh = filled(ctx, pixels * stride, 6), *mask = filled(ctx, pixels * c, 7);
    double scale = rms(p->want, pixels * c), *want = NULL;

    if (scale == 0) scale = 1;
    OK(ctx, pln_alloc(ctx, pixels * c, sizeof *want, &want));
    for (unsigned bits = 0; bits < 16; bits++) {
        pln_conv_epilogue e = {.residual_stride = stride, .mask_stride = c};
        if (bits & 1) e.bias = p->bias;
        if (bits & 2) e.residual = to;
        if (bits & 4) e.activate = true;
        if (bits & 8) e.mask = mask;
        for (size_t i = 0; i < pixels * c; i++) {
            double v = p->want[i];
            if (e.bias) v += p->bias[i % c];
            if (e.residual) v += fresh[i / c * stride + i % c];
            if (e.activate && v < 0) v = 0;
            if (e.mask && mask[i] <= 0) v = 0;
            want[i] = v;
        }
        for (int threads = 1; threads <= 2; threads++) {
            float *y = threads == 1 ? to : again;
            memcpy(y, fresh, pixels * stride * sizeof *y);
            if (e.residual) e.residual = y;
            OK(ctx, pln_context_set_threads(ctx, threads));
            OK(ctx, (forward ? pln_few_forward : pln_few_gradient)(ctx, s, from, from_stride, p->u,
                                                                   bits ? &e : NULL, y, stride));
        }
        compare(what, ctx, s, to, stride, want, pixels, c, scale);
        assert_memory_equal(to, again, pixels * stride * sizeof *to);
        for (size_t i = 0; i < pixels; i++)
            assert_memory_equal(to + i * stride + c, fresh + i * stride + c, 2 * sizeof *to);
    }
    void *all[] = {to, again, fresh, mask, want};
    for (size_t i = 0; i < COUNT(all); i++) pln_free(all[i]);
}

static void forward(void **state)
{
    pln_context *ctx[3];
    int isas = contexts(ctx);

    (void)state;
    for (size_t a = 0; a < COUNT(shapes); a++) {
        struct problem p = problem_new(ctx[0], shapes[a]);
        each_product(&p, forward_product);
        for (int k = 0; k < isas; k++) convolve(ctx[k], &p, true);
        problem_free(&p);
    }
    for (int k = 0; k < isas; k++) pln_context_free(ctx[k]);
}

static void gradient_of_data(void **state)
{
    pln_context *ctx[3];
    int isas = contexts(ctx);

    (void)state;
    for (size_t a = 0; a < COUNT(shapes); a++) {
        struct problem p = problem_new(ctx[0], shapes[a]);
        each_product(&p, data_product);
        for (int k = 0; k < isas; k++) convolve(ctx[k], &p, false);
        problem_free(&p);
    }
    for (int k = 0; k < isas; k++) pln_context_free(ctx[k]);
}

static void gradient_of_weights(void **state)
{
    pln_context *ctx[3];
    int isas = contexts(ctx);

    (void)state;
    for (size_t a = 0; a < COUNT(shapes); a++) {
        struct problem p = problem_new(ctx[0], shapes[a]);
        const pln_few_shape *s = &p.s;
        size_t taps = s->kernel_h * s->kernel_w;
        each_product(&p, weight_product);
        double *want_db = NULL, scale = rms(p.want, p.weights);
        OK(ctx[0], pln_calloc(ctx[0], s->cout, sizeof *want_db, &want_db));
        for (size_t i = 0; i < p.out_pixels; i++)
            for (size_t o = 0; o < s->cout; o++) want_db[o] += (double)p.out[i * p.out_stride + o];
        float *dw = filled(ctx[0], p.weights, 6), *again = filled(ctx[0], p.weights, 7);
        float *db = filled(ctx[0], s->cout, 8), *db_again = filled(ctx[0], s->cout, 9);
        float *work = filled(ctx[0], pln_few_weights_gradient_floats(s), 10);
        for (int k = 0; k < isas; k++) {
            OK(ctx[k], pln_context_set_threads(ctx[k], 1));
            OK(ctx[k], pln_few_weights_gradient(ctx[k], s, p.in, p.in_stride, p.out, p.out_stride,
                                                PLN_CONV_OIYX, dw, db, work));
            compare("gradient of the weights", ctx[k], s, dw, 1, p.want, p.weights, 1, scale);
            compare("gradient of the bias", ctx[k], s, db, 1, want_db, s->cout, 1,
                    rms(want_db, s->cout));
            OK(ctx[k], pln_context_set_threads(ctx[k], 2));
            OK(ctx[k], pln_few_weights_gradient(ctx[k], s, p.in, p.in_stride, p.out, p.out_stride,
                                                PLN_CONV_OIYX, again, db_again, work));
            assert_memory_equal(dw, again, p.weights * sizeof *dw);
            assert_memory_equal(db, db_again, s->cout * sizeof *db);
            OK(ctx[k], pln_few_weights_gradient(ctx[k], s, p.in, p.in_stride, p.out, p.out_stride,
                                                PLN_CONV_OYXI, again, NULL, work));
            for (size_t o = 0; o < s->cout; o++)
                for (size_t i = 0; i < s->cin; i++)
                    for (size_t t = 0; t < taps; t++)
                        assert_true(dw[(o * s->cin + i) * taps + t] ==
                                    again[(o * taps + t) * s->cin + i]);
        }
        void *all[] = {want_db, dw, again, db, db_again, work};
        for (size_t i = 0; i < COUNT(all); i++) pln_free(all[i]);
        problem_free(&p);
    }
    for (int k = 0; k < isas; k++) pln_context_free(ctx[k]);
}

/* Both orders of the weights are rearranged to the same. */
static void weight_orders(void **state)
{
    pln_context *ctx = NULL;
    const pln_few_shape s = shapes[7];
    size_t taps = s.kernel_h * s.kernel_w;

    (void)state;
    OK(NULL, pln_context_new(&ctx));
    struct problem p = problem_new(ctx, s);
    float *other = filled(ctx, p.weights, 6), *u = filled(ctx, pln_few_weights_floats(&s), 7);
    for (size_t o = 0; o < s.cout; o++)
        for (size_t i = 0; i < s.cin; i++)
            for (size_t t = 0; t < taps; t++)
                other[(o * taps + t) * s.cin + i] = p.w[(o * s.cin + i) * taps + t];
    pln_few_weights(&s, other, PLN_CONV_OYXI, u);
    assert_memory_equal(u, p.u, pln_few_weights_floats(&s) * sizeof *u);
    pln_free(other);
    pln_free(u);
    problem_free(&p);
    pln_context_free(ctx);
}

static void supported(void **state)
{
    pln_few_shape s = shapes[0];

    (void)state;
    assert_true(pln_few_supported(&s));
    s.cin = 5;
    assert_false(pln_few_supported(&s));
    s = shapes[0], s.kernel_w = 8;
    assert_false(pln_few_supported(&s));
    s = shapes[0], s.stride = 0;
    assert_false(pln_few_supported(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward),
        cmocka_unit_test(gradient_of_data),
        cmocka_unit_test(gradient_of_weights),
        cmocka_unit_test(weight_orders),
        cmocka_unit_test(supported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
