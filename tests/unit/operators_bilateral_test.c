/* SPDX-License-Identifier: MIT */
/* The bilateral core, bf and rgf against direct sums in double. */
#include "../support.h"
#include "image/image.h"
#include "operators/bilateral.h"

struct picture {
    float *data;
    pln_view v;
};

static struct picture new_picture(size_t w, size_t h, size_t c, uint32_t seed)
{
    struct picture p = {.data = calloc(w * h * c + 1, sizeof(float))};
    p.v = (pln_view){p.data, w, h, c, (ptrdiff_t)(w * c)};
    for (size_t i = 0; i < w * h * c; i++)
        p.data[i] =
            0.6f * scene(i / c % w, i / c / w, i % c, w, h) + 0.4f * noise((uint32_t)i, seed, 7);
    return p;
}

/* ---- The definition ---- */

static double distance2(const double *p, const double *q, size_t c, int norm)
{
    double sum = 0;
    for (size_t k = 0; k < c; k++)
        sum += norm == PLN_NORM_L1 ? fabs(p[k] - q[k]) : (p[k] - q[k]) * (p[k] - q[k]);
    return norm == PLN_NORM_L1 ? sum * sum : sum;
}

/* Samples as doubles, h x w x c; `flat`: spatial weights alone. */
static double *direct(const struct pln_bilateral_params *p, size_t w, size_t h, const double *data,
                      size_t c, const double *guide, size_t gc, bool flat)
{
    double *out = calloc(w * h * c, sizeof *out);
    int radius = pln_bilateral_radius(p);
    bool alone = p->range_norm == PLN_NORM_CHANNEL && gc == c;

    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            double num[3] = {0}, den[3] = {0};
            for (int dy = -radius; dy <= radius; dy++)
                for (int dx = -radius; dx <= radius; dx++) {
                    if (p->window == PLN_WINDOW_DISK && dx * dx + dy * dy > radius * radius)
                        continue;
                    ptrdiff_t v =
                        pln_border_index((ptrdiff_t)y + dy, (ptrdiff_t)h, (pln_border)p->border);
                    ptrdiff_t u =
                        pln_border_index((ptrdiff_t)x + dx, (ptrdiff_t)w, (pln_border)p->border);
                    if (u < 0 || v < 0) continue;
                    const double *gp = guide + (y * w + x) * gc,
                                 *gq = guide + ((size_t)v * w + (size_t)u) * gc;
                    double space = (dx * dx + dy * dy) / (2 * p->sigma_s * p->sigma_s);
                    for (size_t k = 0; k < c; k++) {
                        double d2 = alone ? distance2(gp + k, gq + k, 1, PLN_NORM_L2)
                                          : distance2(gp, gq, gc, p->range_norm);
                        if (flat) d2 = 0;
                        double wt = exp(-space - d2 / (2 * p->sigma_r * p->sigma_r));
                        num[k] += wt * data[((size_t)v * w + (size_t)u) * c + k];
                        den[k] += wt;
                    }
                }
            for (size_t k = 0; k < c; k++) out[(y * w + x) * c + k] = num[k] / den[k];
        }
    return out;
}

static double *doubles(const struct picture *p)
{
    size_t n = p->v.w * p->v.h * p->v.c;
    double *d = calloc(n, sizeof *d);
    for (size_t i = 0; i < n; i++) d[i] = p->data[i];
    return d;
}

static void describe(const struct pln_bilateral_params *p, char text[128])
{
    snprintf(text, 128, "sigma-s %g sigma-r %g radius %d, %s, %s, %s", p->sigma_s, p->sigma_r,
             p->radius, pln_bilateral_norms[p->range_norm], pln_bilateral_windows[p->window],
             pln_bilateral_borders[p->border]);
}

static void compare(const struct pln_bilateral_params *p, const pln_view *got, const double *want,
                    double tolerance, const char *what)
{
    char text[128];

    describe(p, text);
    for (size_t y = 0; y < got->h; y++)
        for (size_t i = 0; i < got->w * got->c; i++) {
            double g = pln_row(got, y)[i], t = want[y * got->w * got->c + i];
            if (!(fabs(g - t) <= tolerance))
                fail_msg("%s, %zux%zux%zu, %s: row %zu sample %zu is %.9g, not %.9g", what, got->w,
                         got->h, got->c, text, y, i, g, t);
        }
}

/* ---- The core ---- */

static void check_core(pln_context *ctx, const struct pln_bilateral_params *p, size_t w, size_t h,
                       size_t c, size_t gc, bool flat)
{
    struct picture in = new_picture(w, h, c, 1), out = new_picture(w, h, c, 2);
    struct picture guide = new_picture(w, h, gc ? gc : 1, 3);
    struct pln_bilateral b = {
        .params = p, .w = w, .h = h, .data = in.v, .out = out.v, .y1 = h, .flat = flat};
    double *data = doubles(&in), *g = gc ? doubles(&guide) : data;
    double *want = direct(p, w, h, data, c, g, gc ? gc : c, flat);

    if (gc) b.guide = guide.v;
    OK(ctx, pln_bilateral_filter(ctx, &b));
    compare(p, &out.v, want, 1e-6, flat ? "flat" : gc ? "joint" : "self");
    free(want);
    if (gc) free(g);
    free(data);
    free(guide.data);
    free(out.data);
    free(in.data);
}

static void core_is_the_definition(void **state)
{
    static const size_t sizes[][2] = {{1, 1}, {1, 5}, {5, 1}, {3, 2}, {23, 11}};
    pln_context *ctx = *state;

    for (int isa = PLN_ISA_BASELINE; isa <= (int)pln_isa_machine(); isa++) {
        OK(ctx, pln_context_set_isa(ctx, pln_isa_name((pln_isa)isa)));
        for (int norm = PLN_NORM_L2; norm <= PLN_NORM_CHANNEL; norm++)
            for (int window = 0; window < 2; window++)
                for (int border = 0; border < 3; border++)
                    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                        for (size_t c = 1; c <= 3; c += 2) {
                            struct pln_bilateral_params p = {1.7, 0.3, 3, norm, window, border};
                            size_t w = sizes[i][0], h = sizes[i][1];
                            check_core(ctx, &p, w, h, c, 0, false);
                            check_core(ctx, &p, w, h, c, 0, true);
                            check_core(ctx, &p, w, h, c, 1, false);
                            check_core(ctx, &p, w, h, c, 3, false);
                        }
    }
    OK(ctx, pln_context_set_isa(ctx, NULL));
}

/* More than one tile across and down, windows wider than a vector, and larger than the picture. */
static void tiles_and_wide_windows(void **state)
{
    static const struct pln_bilateral_params
        wide = {9, 0.2, 0, PLN_NORM_L1, PLN_WINDOW_DISK, PLN_BORDER_REFLECT101},
        narrow = {0.6, 0.1, 0, PLN_NORM_L2, PLN_WINDOW_SQUARE, PLN_BORDER_REPLICATE},
        huge = {1000, 2, 90, PLN_NORM_L2, PLN_WINDOW_SQUARE, PLN_BORDER_SHRINK};
    pln_context *ctx = *state;

    for (int isa = PLN_ISA_BASELINE; isa <= (int)pln_isa_machine(); isa++) {
        OK(ctx, pln_context_set_isa(ctx, pln_isa_name((pln_isa)isa)));
        check_core(ctx, &narrow, 1037, 131, 3, 0, false);
        check_core(ctx, &narrow, 131, 203, 1, 3, false);
        check_core(ctx, &wide, 75, 70, 3, 0, false);
        check_core(ctx, &huge, 7, 19, 3, 3, false);
    }
    OK(ctx, pln_context_set_isa(ctx, NULL));
}

/* Far apart and tiny: nothing overflows, nothing is NaN, and neighbours unlike the pixel do not
 * count. */
static void extremes(void **state)
{
    static const double sigmas[][2] = {
        {3, 0.1}, {3, 1e-6}, {3, 1e-300}, {1e-200, 0.1}, {1e4, 1e-6}};
    pln_context *ctx = *state;
    struct picture in = new_picture(45, 33, 3, 5), out = new_picture(45, 33, 3, 6);

    for (size_t i = 0; i < 45 * 33 * 3; i++) in.data[i] *= 1e4f;
    for (int isa = PLN_ISA_BASELINE; isa <= (int)pln_isa_machine(); isa++) {
        OK(ctx, pln_context_set_isa(ctx, pln_isa_name((pln_isa)isa)));
        for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++)
            for (int border = 0; border < 3; border++)
                for (int norm = PLN_NORM_L2; norm <= PLN_NORM_L1; norm++) {
                    struct pln_bilateral_params p = {sigmas[i][0], sigmas[i][1], 4, norm, 0,
                                                     border};
                    struct pln_bilateral b = {
                        .params = &p, .w = 45, .h = 33, .data = in.v, .out = out.v, .y1 = 33};
                    OK(ctx, pln_bilateral_filter(ctx, &b));
                    double worst = differ(out.v, in.v).worst;
                    if (!(worst <= 0.01))
                        fail_msg("sigma %g %g, %s, border %d: values of 1e4 changed by %g",
                                 p.sigma_s, p.sigma_r, pln_isa_name((pln_isa)isa), border, worst);
                }
    }
    OK(ctx, pln_context_set_isa(ctx, NULL));
    free(out.data);
    free(in.data);
}

/* ---- Methods ---- */

static pln_params *params_of(pln_context *ctx, const char *method, const char *values)
{
    pln_params *p = NULL;
    OK(ctx, pln_params_new(ctx, method, &p));
    OK(ctx, pln_params_apply(ctx, p, values));
    return p;
}

static void run(pln_context *ctx, const char *method, const char *values, const pln_view *in,
                const pln_view *out)
{
    pln_params *p = params_of(ctx, method, values);
    OK(ctx,
       pln_smooth_f32(ctx, p, in->data, in->w, in->h, in->c, in->stride, out->data, out->stride));
    pln_params_free(p);
}

static void lab_averages_in_lab(void **state)
{
    static const struct pln_bilateral_params p = {
        1.5, 20, 3, PLN_NORM_L2, PLN_WINDOW_SQUARE, PLN_BORDER_SHRINK};
    pln_context *ctx = *state;
    struct picture in = new_picture(21, 13, 3, 8), out = new_picture(21, 13, 3, 9);
    struct picture lab = new_picture(21, 13, 3, 9);

    pln_rgb_to_lab(lab.data, in.data, 21 * 13);
    double *data = doubles(&lab), *want = direct(&p, 21, 13, data, 3, data, 3, false);
    for (size_t i = 0; i < 21 * 13 * 3; i++) lab.data[i] = (float)want[i];
    pln_lab_to_rgb(lab.data, lab.data, 21 * 13);
    run(ctx, "bf", "sigma-s=1.5 sigma-r=0.2 radius=3 range-norm=lab border=shrink", &in.v, &out.v);
    assert_true(differ(out.v, lab.v).worst < 2e-6);

    /* Grey is not converted. */
    in.v = lab.v = out.v = (pln_view){in.data, 63, 13, 1, 63};
    lab.v.data = lab.data;
    out.v.data = out.data;
    run(ctx, "bf", "sigma-r=0.2 range-norm=lab", &in.v, &out.v);
    run(ctx, "bf", "sigma-r=0.2 range-norm=l2", &in.v, &lab.v);
    assert_true(same_bytes(out.v, lab.v));
    free(want);
    free(data);
    free(lab.data);
    free(out.data);
    free(in.data);
}

/* Each step written out: the input is averaged, the guide rolls. */
static void guidance_rolls(void **state)
{
    pln_context *ctx = *state;

    for (int init = 0; init < 2; init++)
        for (int window = 0; window < 2; window++)
            for (int norm = PLN_NORM_L2; norm <= PLN_NORM_CHANNEL; norm++)
                for (int steps = 1; steps <= 3; steps++) {
                    struct pln_bilateral_params p = {1.3, 0.15, 0, norm, window, steps % 3};
                    struct picture in = new_picture(27, 18, 3, 11),
                                   out = new_picture(27, 18, 3, 12);
                    double *data = doubles(&in), *guide = doubles(&in);
                    char values[160];

                    for (int t = 0; t < steps; t++) {
                        double *next = direct(&p, 27, 18, data, 3, guide, 3, t == 0 && init == 0);
                        free(guide);
                        guide = next;
                    }
                    snprintf(values, sizeof values,
                             "sigma-s=1.3 sigma-r=0.15 iterations=%d init=%s range-norm=%s "
                             "window=%s border=%s",
                             steps, init ? "input" : "constant", pln_bilateral_norms[norm],
                             pln_bilateral_windows[window], pln_bilateral_borders[steps % 3]);
                    run(ctx, "rgf", values, &in.v, &out.v);
                    compare(&p, &out.v, guide, 5e-6, values);
                    free(guide);
                    free(data);
                    free(out.data);
                    free(in.data);
                }
}

static void in_strips(pln_context *ctx, const pln_params *p, const pln_view *in,
                      const pln_view *guide, const pln_view *out, size_t strip)
{
    const pln_method *m = pln_params_method(p);
    size_t halo = m->halo(pln_params_values(p));

    for (size_t y0 = 0; y0 < in->h; y0 += strip) {
        size_t y1 = pln_min(in->h, y0 + strip), top = y0 > halo ? y0 - halo : 0;
        pln_run r = {.size = sizeof r,
                     .params = pln_params_values(p),
                     .w = in->w,
                     .h = in->h,
                     .in = *in,
                     .out = *out,
                     .in_y = top,
                     .y0 = y0,
                     .y1 = y1};
        r.in.data = pln_row(in, top);
        r.in.h = pln_min(in->h, y1 + halo) - top;
        r.out.data = pln_row(out, y0);
        r.out.h = y1 - y0;
        if (guide) {
            r.guide = *guide;
            r.guide.data = pln_row(guide, top);
            r.guide.h = r.in.h;
        }
        OK(ctx, m->run(ctx, &r));
    }
}

/* Any cut into strips, any number of threads: the same bytes. */
static void any_strip(void **state)
{
    static const struct {
        const char *method, *values;
        bool guided;
    } cases[] = {
        {"bf", "", false},
        {"bf", "", true},
        {"bf", "range-norm=lab border=shrink", true},
        {"bf", "range-norm=channel window=disk border=reflect101", false},
        {"bf", "sigma-s=20 radius=40 range-norm=l1", false},
        {"rgf", "", false},
        {"rgf", "range-norm=lab iterations=2", false},
        {"rgf", "window=disk border=reflect101 sigma-s=4", false},
        {"rgf", "init=input border=shrink range-norm=l1", false},
        {"rgf", "iterations=1", false},
    };
    pln_context *ctx = *state;

    for (int isa = PLN_ISA_BASELINE; isa <= (int)pln_isa_machine(); isa++) {
        OK(ctx, pln_context_set_isa(ctx, pln_isa_name((pln_isa)isa)));
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            for (size_t c = 1; c <= 3; c += 2) {
                struct picture in = new_picture(53, 211, c, 21),
                               guide = new_picture(53, 211, 3, 22);
                struct picture a = new_picture(53, 211, c, 23), b = new_picture(53, 211, c, 24);
                const pln_view *g = cases[i].guided ? &guide.v : NULL;
                pln_params *p = params_of(ctx, cases[i].method, cases[i].values);

                OK(ctx, pln_context_set_threads(ctx, 1));
                in_strips(ctx, p, &in.v, g, &a.v, 1000);
                OK(ctx, pln_context_set_threads(ctx, 2));
                in_strips(ctx, p, &in.v, g, &b.v, 64);
                if (!same_bytes(a.v, b.v))
                    fail_msg("%s %s, %s, %zu channels: strips differ by %g", cases[i].method,
                             cases[i].values, pln_isa_name((pln_isa)isa), c,
                             differ(a.v, b.v).worst);
                pln_params_free(p);
                free(b.data);
                free(a.data);
                free(guide.data);
                free(in.data);
            }
    }
    OK(ctx, pln_context_set_threads(ctx, 0));
    OK(ctx, pln_context_set_isa(ctx, NULL));
}

/* The tables of the instruction sets against that of the baseline, with soft and hard weights. */
static void tables_agree(void **state)
{
    static const char *const values[] = {"", "range-norm=l1 window=disk sigma-r=0.02",
                                         "range-norm=channel sigma-r=1", "sigma-s=8"};
    pln_context *ctx = *state;

    for (size_t c = 1; c <= 3; c += 2) {
        struct picture in = new_picture(601, 67, c, 31), want = new_picture(601, 67, c, 32);
        struct picture got = new_picture(601, 67, c, 33);
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            OK(ctx, pln_context_set_isa(ctx, "baseline"));
            run(ctx, "bf", values[i], &in.v, &want.v);
            for (int isa = PLN_ISA_AVX2; isa <= (int)pln_isa_machine(); isa++) {
                OK(ctx, pln_context_set_isa(ctx, pln_isa_name((pln_isa)isa)));
                run(ctx, "bf", values[i], &in.v, &got.v);
                struct difference d = differ(got.v, want.v);
                if (!(d.worst <= 2e-6))
                    fail_msg("%s, bf %s, %zu channels: %g at x %zu, y %zu",
                             pln_isa_name((pln_isa)isa), values[i], c, d.worst, d.x, d.y);
            }
        }
        free(got.data);
        free(want.data);
        free(in.data);
    }
    OK(ctx, pln_context_set_isa(ctx, NULL));
}

static void automatic_radius(void **state)
{
    (void)state;
    assert_int_equal(pln_bilateral_radius(&(struct pln_bilateral_params){.sigma_s = 3}), 6);
    assert_int_equal(pln_bilateral_radius(&(struct pln_bilateral_params){.sigma_s = 0.2}), 1);
    assert_int_equal(pln_bilateral_radius(&(struct pln_bilateral_params){.sigma_s = 1e4}), 256);
    assert_int_equal(
        pln_bilateral_radius(&(struct pln_bilateral_params){.sigma_s = 3, .radius = 9}), 9);
}

static int setup(void **state) { return pln_context_new((pln_context **)state) != PLN_OK; }

static int teardown(void **state)
{
    pln_context_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(automatic_radius),
        cmocka_unit_test(core_is_the_definition),
        cmocka_unit_test(tiles_and_wide_windows),
        cmocka_unit_test(extremes),
        cmocka_unit_test(lab_averages_in_lab),
        cmocka_unit_test(guidance_rolls),
        cmocka_unit_test(any_strip),
        cmocka_unit_test(tables_agree),
    };
    return cmocka_run_group_tests_name("operators_bilateral", tests, setup, teardown);
}
