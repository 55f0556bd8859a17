/* SPDX-License-Identifier: MIT */
/* operators: schema, parameters, and the framework around a method, with a method registered here:
 * a vertical mean of 2 radius + 1 rows times `gain`, which sees borders, strips and ranges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"

struct mean_params {
    double gain;
    int radius, kind;
};

static const char *const kinds[] = {"mean", "copy", NULL};
static const pln_param mean_schema[] = {
    PLN_REAL(struct mean_params, gain, .flag = "gain", .symbol = "g", .unit = "", .max = 10,
             .init = 1, .scale = PLN_LOG, .min = 0.01, .help = "factor of the result"),
    PLN_INT(struct mean_params, radius, .flag = "radius", .symbol = "r", .unit = "px", .max = 40,
            .init = 2, .help = "rows above and below"),
    PLN_CHOICE(struct mean_params, kind, .flag = "kind", .symbol = "", .unit = "", .max = 1,
               .choices = kinds, .help = "what to do"),
    PLN_PARAM_END,
};

static size_t mean_halo(const void *params)
{
    return (size_t)((const struct mean_params *)params)->radius;
}

static size_t mean_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    (void)params, (void)w, (void)h, (void)c, (void)threads;
    return 0;
}

static bool mean_identity(const void *params)
{
    return ((const struct mean_params *)params)->radius == 0;
}

static float largest_seen;

static pln_status mean_run(pln_context *ctx, const pln_run *r)
{
    const struct mean_params *p = r->params;
    (void)ctx;
    for (size_t y = r->y0; y < r->y1; y++)
        for (size_t i = 0; i < r->w * r->in.c; i++) {
            float sum = 0;
            size_t top = y < (size_t)p->radius ? 0 : y - (size_t)p->radius;
            size_t bottom = pln_min(r->h - 1, y + (size_t)p->radius);
            for (size_t k = top; k <= bottom; k++) {
                float v = pln_row(&r->in, k - r->in_y)[i];
                if (v > largest_seen) largest_seen = v;
                sum += v;
            }
            pln_row(&r->out, y - r->y0)[i] = (float)p->gain * sum / (float)(bottom - top + 1);
        }
    return pln_progress(ctx, 1, "mean");
}

static const pln_preset mean_presets[] = {
    {"default", "", "as it is"}, {"wide", "radius=9", "wider"}, {NULL, NULL, NULL}};
static const char *const mean_ladder[] = {"radius=1 gain=0.1", "radius=5 gain=10", NULL};
static const pln_method mean_method = {
    .size = sizeof mean_method,
    .name = "vmean",
    .title = "Vertical mean",
    .schema = mean_schema,
    .params_size = sizeof(struct mean_params),
    .presets = mean_presets,
    .ladder = mean_ladder,
    .caps = PLN_CAP_UNIT_RANGE,
    .halo = mean_halo,
    .memory = mean_memory,
    .identity = mean_identity,
    .run = mean_run,
};

static pln_context *ctx;

static int setup(void **state)
{
    (void)state;
    if (pln_context_new(&ctx)) return -1;
    return pln_register_method(ctx, &mean_method);
}

static int teardown(void **state)
{
    (void)state;
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    return held > 256; /* the list of registered methods */
}

static pln_params *params(const char *method)
{
    pln_params *p = NULL;
    assert_int_equal(pln_params_new(ctx, method, &p), PLN_OK);
    return p;
}

static pln_image *noise(size_t w, size_t h, size_t c)
{
    pln_image *image = NULL;
    assert_int_equal(pln_image_new_f32(ctx, w, h, c, &image), PLN_OK);
    pln_view v = pln_image_pixels(image), a = pln_image_alpha(image);
    for (size_t y = 0; y < h; y++) {
        for (size_t i = 0; i < w * v.c; i++) pln_row(&v, y)[i] = (float)pln_random(1, y, i);
        if (a.data)
            for (size_t x = 0; x < w; x++) pln_row(&a, y)[x] = (float)(x % 3) / 2;
    }
    return image;
}

static pln_image *smooth(const pln_params *p, const pln_image *in, const pln_smooth_options *o)
{
    pln_image *out = NULL;
    assert_int_equal(pln_smooth_with(ctx, p, in, NULL, o, &out), PLN_OK);
    return out;
}

static float at(const pln_image *image, size_t x, size_t y, size_t k)
{
    pln_view v = pln_image_pixels(image);
    return pln_row(&v, y)[x * v.c + k];
}

static void assert_same(const pln_image *a, const pln_image *b)
{
    pln_view u = pln_image_pixels(a), v = pln_image_pixels(b);
    assert_int_equal(u.h, v.h);
    for (size_t y = 0; y < u.h; y++)
        assert_memory_equal(pln_row(&u, y), pln_row(&v, y), u.w * u.c * sizeof(float));
}

static void registering_checks(void **state)
{
    (void)state;
    assert_int_equal(pln_register_method(ctx, &mean_method), PLN_E_ARG);
    assert_non_null(strstr(pln_context_message(ctx), "there is a method 'vmean' already"));
    pln_method m = mean_method;
    m.name = "other";
    m.run = NULL;
    assert_int_equal(pln_register_method(ctx, &m), PLN_E_ARG);
    size_t n = 0;
    const pln_method *last = NULL;
    for (const pln_method *k = pln_method_first(ctx); k; k = pln_method_next(ctx, k)) last = k, n++;
    assert_ptr_equal(last, &mean_method);
    assert_null(pln_method_find(NULL, "vmean"));
    assert_int_equal(pln_method_param_count(&mean_method), 3);
    assert_null(pln_method_param(&mean_method, 3));
}

static void assert_refused(pln_params *p, const char *flag, const char *text, pln_status want,
                           const char *message)
{
    assert_int_equal(pln_params_set(ctx, p, flag, text), want);
    assert_string_equal(pln_context_message(ctx), message);
}

static void values_are_checked(void **state)
{
    (void)state;
    pln_params *p = params("vmean:wide");
    double v;
    char text[32];
    assert_int_equal(pln_params_get(ctx, p, "radius", &v), PLN_OK);
    assert_true(v == 9);
    assert_refused(p, "gain", "abc", PLN_E_ARG,
                   "gain: 'abc' is not a number: expected a real in [0.01, 10] (default 1)");
    assert_refused(p, "gain", "11", PLN_E_RANGE,
                   "gain: 11 is out of range: expected a real in [0.01, 10] (default 1)");
    assert_refused(p, "radius", "1.5", PLN_E_ARG,
                   "radius: 1.5 is not an integer: expected an integer in [0, 40] (default 2)");
    assert_refused(p, "radius", "two", PLN_E_ARG,
                   "radius: 'two' is not an integer: expected an integer in [0, 40] (default 2)");
    assert_refused(p, "kind", "median", PLN_E_ARG,
                   "kind: 'median' is unknown: expected one of mean, copy (default mean)");
    assert_refused(p, "raduis", "1", PLN_E_ARG,
                   "method 'vmean' has no parameter 'raduis': did you mean 'radius'?");
    assert_int_equal(pln_params_set_real(ctx, p, "gain", NAN), PLN_E_RANGE);
    assert_int_equal(pln_params_set(ctx, p, "gain", "51/255"), PLN_OK);
    assert_int_equal(pln_params_text(ctx, p, "gain", text), PLN_OK);
    assert_string_equal(text, "0.2");
    assert_int_equal(pln_params_apply(ctx, p, "gain=3 radius=99"), PLN_E_RANGE);
    assert_int_equal(pln_params_text(ctx, p, "gain", text), PLN_OK);
    assert_string_equal(text, "0.2"); /* all or nothing */
    assert_int_equal(pln_params_apply(ctx, p, "gain"), PLN_E_ARG);
    assert_int_equal(pln_params_apply(ctx, p, " kind=copy  radius=3 "), PLN_OK);
    assert_int_equal(pln_params_text(ctx, p, "kind", text), PLN_OK);
    assert_string_equal(text, "copy");
    pln_params_free(p);
    assert_int_equal(pln_params_new(ctx, "vmeam", &p), PLN_E_ARG);
    assert_string_equal(
        pln_context_message(ctx),
        "unknown method 'vmeam': did you mean 'vmean'? 'planish methods' lists all");
    assert_int_equal(pln_params_new(ctx, "vmean:narrow", &p), PLN_E_ARG);
    assert_string_equal(pln_context_message(ctx),
                        "method 'vmean' has no preset 'narrow': expected one of default, wide");
}

static void strength_walks_the_ladder(void **state)
{
    (void)state;
    pln_params *p = params("vmean");
    double v;
    static const struct {
        double strength, radius, gain;
    } want[] = {{0, 1, 0.1}, {0.5, 3, 1}, {1, 5, 10}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pln_params_strength(ctx, p, want[i].strength), PLN_OK);
        assert_int_equal(pln_params_get(ctx, p, "radius", &v), PLN_OK);
        assert_true(v == want[i].radius);
        assert_int_equal(pln_params_get(ctx, p, "gain", &v), PLN_OK);
        assert_true(fabs(v - want[i].gain) < 1e-12);
    }
    assert_int_equal(pln_params_strength(ctx, p, 1.5), PLN_E_RANGE);
    pln_params_free(p);
}

static void strips_give_the_same_bytes(void **state)
{
    (void)state;
    pln_params *p = params("vmean:wide");
    pln_image *in = noise(7, 301, 3), *whole = smooth(p, in, NULL);
    for (size_t strip = 1; strip < 300; strip += 97) {
        pln_smooth_options o = {.size = sizeof o, .strip = strip};
        pln_image *cut = smooth(p, in, &o);
        assert_same(whole, cut);
        pln_image_free(cut);
    }
    pln_image_free(whole);
    pln_image_free(in);
    pln_params_free(p);
}

static void identity_is_bit_for_bit(void **state)
{
    (void)state;
    pln_params *p = params("vmean");
    pln_image *in = noise(5, 9, 4);
    pln_smooth_options o = {
        .size = sizeof o, .channels = PLN_CHANNELS_LAB, .space = PLN_SPACE_LINEAR};
    assert_int_equal(pln_params_set_int(ctx, p, "radius", 0), PLN_OK);
    pln_image *out = smooth(p, in, &o);
    assert_same(in, out);
    assert_true(pln_image_has_alpha(out));
    pln_image_free(out);
    pln_image_free(in);
    pln_params_free(p);
}

static void bright_values_are_scaled_and_kept(void **state)
{
    (void)state;
    pln_params *p = params("vmean");
    pln_image *in = noise(5, 9, 1);
    pln_view v = pln_image_pixels(in);
    for (size_t y = 0; y < 9; y++)
        for (size_t x = 0; x < 5; x++) pln_row(&v, y)[x] = 8;
    largest_seen = 0;
    pln_image *out = smooth(p, in, NULL);
    assert_true(largest_seen == 1);
    assert_true(at(out, 2, 2, 0) == 8);
    pln_image_free(out);
    pln_smooth_options o = {.size = sizeof o, .range = PLN_RANGE_AS_IS};
    out = smooth(p, in, &o);
    assert_true(largest_seen == 8);
    pln_image_free(out);
    pln_image_free(in);
    pln_params_free(p);
}

static void hidden_colours_do_not_bleed(void **state)
{
    (void)state;
    pln_params *p = params("vmean");
    pln_image *in = noise(6, 12, 4);
    pln_view a = pln_image_alpha(in), v = pln_image_pixels(in);
    for (size_t y = 0; y < 12; y++)
        for (size_t x = 0; x < 6; x++) pln_row(&a, y)[x] = y < 6;
    for (int filter = 0; filter < 2; filter++) {
        pln_smooth_options o = {.size = sizeof o,
                                .transparency = filter ? PLN_ALPHA_FILTER : PLN_ALPHA_KEEP};
        pln_image *one = smooth(p, in, &o);
        for (size_t i = 0; i < 18; i++) pln_row(&v, 8)[i] += 0.5f; /* nobody sees row 8 */
        pln_image *two = smooth(p, in, &o);
        for (size_t y = 0; y < 6; y++)
            for (size_t x = 0; x < 6; x++) assert_true(at(one, x, y, 0) == at(two, x, y, 0));
        /* Rows 3 to 7 are in the window, rows 3 to 5 to be seen: their mean, no darker. */
        for (size_t i = 0; i < 18; i++) {
            float mean = (pln_row(&v, 3)[i] + pln_row(&v, 4)[i] + pln_row(&v, 5)[i]) / 3;
            assert_true(fabsf(at(one, i / 3, 5, i % 3) - mean) < 1e-6f);
        }
        pln_view b = pln_image_alpha(two);
        assert_true(fabsf(pln_row(&b, 5)[0] - (filter ? 0.6f : 1.0f)) < 1e-6f);
        pln_image_free(one);
        pln_image_free(two);
    }
    pln_smooth_options drop = {.size = sizeof drop, .transparency = PLN_ALPHA_DROP};
    pln_image *out = smooth(p, in, &drop);
    assert_false(pln_image_has_alpha(out));
    pln_image_free(out);
    pln_image_free(in);
    pln_params_free(p);
}

static void luma_and_lab_keep_colour(void **state)
{
    (void)state;
    pln_params *p = params("vmean");
    pln_image *in = noise(300, 12, 3);
    pln_view v = pln_image_pixels(in);
    for (size_t y = 0; y < 12; y++)
        for (size_t i = 0; i < 900; i++) pln_row(&v, y)[i] = 0.3f + 0.4f * pln_row(&v, y)[i];
    pln_smooth_options o = {.size = sizeof o, .channels = PLN_CHANNELS_LUMA};
    pln_image *out = smooth(p, in, &o);
    for (size_t x = 0; x < 300; x++) /* differences between channels stay */
        assert_true(fabsf((at(out, x, 5, 0) - at(out, x, 5, 1)) -
                          (at(in, x, 5, 0) - at(in, x, 5, 1))) < 1e-5f);
    pln_image_free(out);
    for (size_t y = 0; y < 12; y++)
        for (size_t i = 0; i < 900; i++) pln_row(&v, y)[i] = (float[]){0.6f, 0.4f, 0.5f}[i % 3];
    for (int channels = 0; channels <= 2; channels++)
        for (int space = 0; space <= 1;
             space++) { /* constant in, constant out, whatever the colours */
            pln_smooth_options c = {
                .size = sizeof c, .channels = (pln_channels)channels, .space = (pln_space)space};
            out = smooth(p, in, &c);
            for (size_t x = 0; x < 300; x += 7)
                for (size_t k = 0; k < 3; k++)
                    assert_true(fabsf(at(out, x, 5, k) - at(in, x, 5, k)) < 2e-5f);
            pln_image_free(out);
        }
    pln_image_free(in);
    pln_params_free(p);
}

static void masks_limit_the_result(void **state)
{
    (void)state;
    pln_params *p = params("vmean");
    pln_image *in = noise(6, 12, 3), *mask = noise(6, 12, 1), *wrong = noise(5, 12, 1), *out = NULL;
    pln_view m = pln_image_pixels(mask);
    for (size_t y = 0; y < 12; y++)
        for (size_t x = 0; x < 6; x++) pln_row(&m, y)[x] = x < 3;
    pln_smooth_options o = {.size = sizeof o, .mask = mask};
    pln_image *all = smooth(p, in, NULL), *some = smooth(p, in, &o);
    assert_true(at(some, 1, 4, 1) == at(all, 1, 4, 1));
    assert_true(at(some, 4, 4, 1) == at(in, 4, 4, 1));
    o.mask = wrong;
    assert_int_equal(pln_smooth_with(ctx, p, in, NULL, &o, &out), PLN_E_SHAPE);
    assert_string_equal(pln_context_message(ctx),
                        "mask is 5x12 but the image is 6x12: resize the mask to match");
    assert_int_equal(pln_smooth(ctx, p, in, mask, &out), PLN_E_ARG);
    assert_string_equal(pln_context_message(ctx), "method 'vmean' takes no guide picture");
    assert_null(out);
    pln_image_free(all);
    pln_image_free(some);
    pln_image_free(wrong);
    pln_image_free(mask);
    pln_image_free(in);
    pln_params_free(p);
}

static int stop(void *user, double fraction, const char *stage)
{
    (void)user, (void)fraction, (void)stage;
    return 1;
}

static void cancelled_calls_leave_nothing(void **state)
{
    (void)state;
    pln_params *p = params("vmean");
    pln_image *in = noise(6, 12, 3), *out = NULL;
    uint64_t held = pln_context_bytes(ctx);
    pln_context_on_progress(ctx, stop, NULL);
    assert_int_equal(pln_smooth(ctx, p, in, NULL, &out), PLN_E_CANCELLED);
    pln_context_on_progress(ctx, NULL, NULL);
    assert_null(out);
    assert_int_equal(pln_context_bytes(ctx), held);
    pln_image_free(in);
    pln_params_free(p);
}

static void raw_pixels_with_strides(void **state)
{
    (void)state;
    pln_params *p = params("vmean");
    pln_image *in = noise(6, 12, 3), *want = smooth(p, in, NULL);
    float src[12 * 20], dst[12 * 25];
    pln_view v = pln_image_pixels(in), w = pln_image_pixels(want);
    for (size_t y = 0; y < 12; y++) memcpy(src + 20 * y, pln_row(&v, y), 18 * sizeof *src);
    assert_int_equal(pln_smooth_f32(ctx, p, src, 6, 12, 3, 20, dst, 25), PLN_OK);
    for (size_t y = 0; y < 12; y++)
        assert_memory_equal(dst + 25 * y, pln_row(&w, y), 18 * sizeof *dst);
    assert_int_equal(pln_smooth_f32(ctx, p, src, 6, 12, 3, 17, dst, 25), PLN_E_SHAPE);
    assert_int_equal(pln_smooth_f32(ctx, p, src, 0, 12, 3, 0, dst, 0), PLN_E_SHAPE);
    assert_int_equal(pln_smooth_f32(ctx, p, src, 6, 12, 2, 0, dst, 0), PLN_E_SHAPE);
    assert_int_equal(pln_smooth_f32(ctx, p, src, 1u << 20, 1u << 20, 3, 0, dst, 0), PLN_E_LIMIT);
    pln_image_free(want);
    pln_image_free(in);
    pln_params_free(p);
}

static void plans_tell_the_need(void **state)
{
    (void)state;
    pln_params *p = params("vmean");
    pln_plan plan = {.size = sizeof plan};
    assert_int_equal(pln_plan_smooth(ctx, p, 1000, 1000, 3, &plan), PLN_OK);
    assert_int_equal(plan.total, 24000000);
    assert_int_equal(plan.halo, 2);
    assert_int_equal(plan.strip, 1000);
    assert_true(plan.fits);
    pln_params_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registering_checks),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(strength_walks_the_ladder),
        cmocka_unit_test(strips_give_the_same_bytes),
        cmocka_unit_test(identity_is_bit_for_bit),
        cmocka_unit_test(bright_values_are_scaled_and_kept),
        cmocka_unit_test(hidden_colours_do_not_bleed),
        cmocka_unit_test(luma_and_lab_keep_colour),
        cmocka_unit_test(masks_limit_the_result),
        cmocka_unit_test(cancelled_calls_leave_nothing),
        cmocka_unit_test(raw_pixels_with_strides),
        cmocka_unit_test(plans_tell_the_need),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
