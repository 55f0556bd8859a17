/* SPDX-License-Identifier: MIT */
/* What every method promises, driven by the descriptors: a new method is tested without a line
 * here. Cases are called PROPERTY/METHOD; an argument picks some: properties_test 'strips/bf',
 * properties_test 'flips'. */
#include "support.h"

#include <ctype.h>
#include <time.h>

#include "core/core.h"

/* ---- Shorthands ---- */

static pln_context *new_context(int threads)
{
    pln_context *ctx = NULL;
    pln_context_options o = {.size = sizeof o, .threads = threads, .memory = (uint64_t)8 << 30};
    if (pln_context_new_with(&o, &ctx)) fail_msg("%s", pln_context_message(NULL));
    return ctx;
}

static pln_params *params_as_they_are(pln_context *ctx, const pln_method *m)
{
    pln_params *p = NULL;
    OK(ctx, pln_params_new(ctx, m->name, &p));
    return p;
}

/* Slow methods take few steps: those of the weakest rung. */
static pln_params *new_params(pln_context *ctx, const pln_method *m, const char *values)
{
    pln_params *p = params_as_they_are(ctx, m);
    if (values) OK(ctx, pln_params_apply(ctx, p, values));
    if (m->caps & PLN_CAP_SLOW) OK(ctx, pln_params_apply(ctx, p, m->ladder[0]));
    return p;
}

static pln_image *smooth(pln_context *ctx, const pln_params *p, const pln_image *in,
                         const pln_image *guide)
{
    pln_image *out = NULL;
    OK(ctx, pln_smooth(ctx, p, in, guide, &out));
    return out;
}

/* Default parameters. */
static pln_image *run(pln_context *ctx, const pln_method *m, const pln_image *in)
{
    pln_params *p = new_params(ctx, m, NULL);
    pln_image *out = smooth(ctx, p, in, NULL);
    pln_params_free(p);
    return out;
}

/* ---- Values ---- */

static void constant_stays_constant(void **state)
{
    const pln_method *m = *state;
    static const float values[] = {0, 0.25f, 1};
    pln_context *ctx = new_context(2);

    assert_true(m->constant_tolerance >= 0);
    for (size_t i = 0; i < 3; i++)
        for (size_t c = 1; c <= 3; c += 2) {
            pln_image *in = make_constant(ctx, 31, 17, c, values[i]), *out = run(ctx, m, in);
            struct difference d = differ(pln_image_pixels(out), pln_image_pixels(in));
            if (!(d.worst <= m->constant_tolerance))
                fail_msg("%s: %g became %g at x %zu, y %zu (%zu channels), tolerance %g", m->name,
                         (double)values[i], (double)*at(pln_image_pixels(out), d.x, d.y), d.x, d.y,
                         c, m->constant_tolerance);
            pln_image_free(out);
            pln_image_free(in);
        }
    pln_context_free(ctx);
}

static pln_image *flipped(pln_context *ctx, const pln_image *image, bool horizontal)
{
    pln_view v = pln_image_pixels(image);
    pln_image *result = NULL;
    OK(ctx, pln_image_new_f32(ctx, v.w, v.h, v.c, &result));
    pln_view r = pln_image_pixels(result);
    for (size_t y = 0; y < v.h; y++)
        for (size_t x = 0; x < v.w; x++)
            memcpy(at(r, x, y), horizontal ? at(v, v.w - 1 - x, y) : at(v, x, v.h - 1 - y),
                   v.c * sizeof(float));
    return result;
}

static void flips_commute(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context(2);

    if (m->flip_tolerance < 0) {
        pln_context_free(ctx);
        skip();
    }
    for (size_t c = 1; c <= 3; c += 2) {
        pln_image *in = make_picture(ctx, 61, 46, c), *out = run(ctx, m, in);
        for (int horizontal = 0; horizontal < 2; horizontal++) {
            pln_image *in_f = flipped(ctx, in, horizontal), *out_f = run(ctx, m, in_f);
            pln_image *want = flipped(ctx, out, horizontal);
            struct difference d = differ(pln_image_pixels(out_f), pln_image_pixels(want));
            if (!(d.worst <= m->flip_tolerance))
                fail_msg("%s, flipped %s: %g apart at x %zu, y %zu, tolerance %g", m->name,
                         horizontal ? "left-right" : "upside down", d.worst, d.x, d.y,
                         m->flip_tolerance);
            pln_image_free(want);
            pln_image_free(out_f);
            pln_image_free(in_f);
        }
        pln_image_free(out);
        pln_image_free(in);
    }
    pln_context_free(ctx);
}

static void small_and_odd_sizes(void **state)
{
    const pln_method *m = *state;
    static const size_t sizes[][2] = {{1, 1}, {1, 9}, {9, 1},  {2, 1},   {1, 2},  {2, 2},  {3, 2},
                                      {2, 3}, {5, 5}, {13, 1}, {17, 64}, {65, 7}, {37, 23}};
    pln_context *ctx = new_context(2);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t c = 1; c <= 3; c += 2) {
            pln_image *in = make_picture(ctx, sizes[i][0], sizes[i][1], c), *out = run(ctx, m, in);
            pln_view v = pln_image_pixels(out), u = pln_image_pixels(in);
            double change = differ(v, u).worst;
            /* No method here moves a value by more than the range of the picture. */
            if (!(change <= 1))
                fail_msg("%s: %zux%zux%zu: a value changed by %g", m->name, sizes[i][0],
                         sizes[i][1], c, change);
            if (v.w * v.h == 1 && !(change <= m->constant_tolerance))
                fail_msg("%s: a single pixel changed by %g", m->name, change);
            pln_image_free(out);
            pln_image_free(in);
        }
    pln_context_free(ctx);
}

/* Parameters at zero that the method calls the identity must return the input bit for bit. */
static void identity_is_bit_exact(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context(2);
    size_t found = 0;

    if (!m->identity) {
        pln_context_free(ctx);
        skip();
    }
    pln_image *in = make_picture(ctx, 61, 46, 3);
    *at(pln_image_pixels(in), 3, 4) = -0.0f;
    *at(pln_image_pixels(in), 5, 6) = 1.75f;
    pln_params *p = new_params(ctx, m, NULL);
    assert_false(m->identity(pln_params_values(p)));
    pln_params_free(p);
    for (size_t i = 0; i < pln_method_param_count(m); i++) {
        const pln_param *q = pln_method_param(m, i);
        if (q->type == PLN_TYPE_CHOICE || q->min != 0 || q->min_open) continue;
        p = new_params(ctx, m, NULL);
        OK(ctx, pln_params_set_real(ctx, p, q->flag, 0));
        if (m->identity(pln_params_values(p))) {
            pln_image *out = smooth(ctx, p, in, NULL);
            if (!same_bytes(pln_image_pixels(in), pln_image_pixels(out)))
                fail_msg("%s: --%s 0 changes the picture", m->name, q->flag);
            pln_image_free(out);
            found++;
        }
        pln_params_free(p);
    }
    if (!found) fail_msg("%s: no parameter at 0 is the identity", m->name);
    pln_image_free(in);
    pln_context_free(ctx);
}

static void bright_values_are_kept(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context(2);

    for (size_t c = 1; c <= 3; c += 2) {
        pln_image *in = make_constant(ctx, 96, 40, c, 0.3f);
        pln_view u = pln_image_pixels(in);
        for (size_t y = 0; y < 40; y++)
            for (size_t x = 48; x < 96; x++)
                for (size_t k = 0; k < c; k++) at(u, x, y)[k] = 4;
        pln_image *out = run(ctx, m, in);
        pln_view v = pln_image_pixels(out);
        float bright = *at(v, 90, 20), dark = *at(v, 6, 20);
        if (!(bright > 3.6f && bright < 4.4f && dark > 0.1f && dark < 0.7f))
            fail_msg("%s: far from the edge 4 became %g and 0.3 became %g", m->name, (double)bright,
                     (double)dark);
        pln_image_free(out);
        pln_image_free(in);
    }
    pln_context_free(ctx);
}

/* One colour stays that colour under any alpha, whatever hides where nothing can be seen. */
static void nothing_bleeds_from_transparency(void **state)
{
    const pln_method *m = *state;
    static const float colour[] = {0.9f, 0.1f, 0.3f};
    pln_context *ctx = new_context(2);
    pln_params *p = new_params(ctx, m, NULL);

    for (int filter = 0; filter < 2; filter++) {
        pln_image *in = NULL, *out = NULL;
        OK(ctx, pln_image_new_f32(ctx, 40, 36, 4, &in));
        pln_view u = pln_image_pixels(in), a = pln_image_alpha(in);
        for (size_t y = 0; y < 36; y++)
            for (size_t x = 0; x < 40; x++) {
                float d = hypotf((float)x - 18, (float)y - 17);
                float alpha = fminf(fmaxf((14 - d) / 5, 0), 1);
                *at(a, x, y) = alpha;
                for (size_t k = 0; k < 3; k++)
                    at(u, x, y)[k] =
                        alpha > 0 ? colour[k] : noise((uint32_t)x, (uint32_t)y, (uint32_t)k);
            }
        pln_smooth_options o = {.size = sizeof o,
                                .transparency = filter ? PLN_ALPHA_FILTER : PLN_ALPHA_KEEP};
        OK(ctx, pln_smooth_with(ctx, p, in, NULL, &o, &out));
        pln_view v = pln_image_pixels(out);
        for (size_t y = 0; y < 36; y++)
            for (size_t x = 0; x < 40; x++)
                for (size_t k = 0; k < 3 && *at(a, x, y) > 0; k++)
                    if (!(fabsf(at(v, x, y)[k] - colour[k]) < 1e-5f))
                        fail_msg("%s: %g became %g at %zu, %zu under alpha %g", m->name,
                                 (double)colour[k], (double)at(v, x, y)[k], x, y,
                                 (double)*at(a, x, y));
        pln_image_free(out);
        pln_image_free(in);
    }
    pln_params_free(p);
    pln_context_free(ctx);
}

/* ---- Same bytes ---- */

static void threads_do_not_matter(void **state)
{
    const pln_method *m = *state;
    pln_context *one = new_context(1), *two = new_context(2);

    for (size_t c = 1; c <= 3; c += 2) {
        pln_image *in = make_picture(one, 211, 167, c);
        pln_image *a = run(one, m, in), *b = run(two, m, in), *again = run(two, m, in);
        struct difference d = differ(pln_image_pixels(a), pln_image_pixels(b));
        if (!same_bytes(pln_image_pixels(a), pln_image_pixels(b)))
            fail_msg("%s: 1 and 2 threads differ by up to %g at x %zu, y %zu", m->name, d.worst,
                     d.x, d.y);
        if (!same_bytes(pln_image_pixels(b), pln_image_pixels(again)))
            fail_msg("%s: two runs differ", m->name);
        pln_image_free(again);
        pln_image_free(b);
        pln_image_free(a);
        pln_image_free(in);
    }
    pln_context_free(two);
    pln_context_free(one);
}

static void strips_do_not_matter(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context(2);
    pln_smooth_options strips = {.size = sizeof strips, .strip = 64},
                       whole = {.size = sizeof whole, .strip = 1 << 20};

    if (!m->halo) {
        pln_context_free(ctx);
        skip();
    }
    for (const pln_preset *preset = m->presets; preset->name; preset++)
        for (size_t c = 1; c <= 3; c += 2) {
            pln_image *in = make_picture(ctx, 75, 300, c), *a = NULL, *b = NULL;
            pln_params *p = new_params(ctx, m, preset->values);
            OK(ctx, pln_smooth_with(ctx, p, in, NULL, &strips, &a));
            OK(ctx, pln_smooth_with(ctx, p, in, NULL, &whole, &b));
            struct difference d = differ(pln_image_pixels(a), pln_image_pixels(b));
            if (!same_bytes(pln_image_pixels(a), pln_image_pixels(b)))
                fail_msg(
                    "%s:%s: strips of 64 rows differ from the whole by up to %g at x %zu, y %zu",
                    m->name, preset->name, d.worst, d.x, d.y);
            pln_params_free(p);
            pln_image_free(b);
            pln_image_free(a);
            pln_image_free(in);
        }
    pln_context_free(ctx);
}

static void strides_do_not_matter(void **state)
{
    const pln_method *m = *state;
    enum { W = 53, H = 41, C = 3, STRIDE = W * C + 13 };
    pln_context *ctx = new_context(2);
    pln_image *in = make_picture(ctx, W, H, C), *want = run(ctx, m, in);
    pln_params *p = new_params(ctx, m, NULL);
    float *src = malloc(sizeof(float) * STRIDE * H), *dst = malloc(sizeof(float) * STRIDE * H);

    assert_true(src && dst);
    for (size_t i = 0; i < (size_t)STRIDE * H; i++) src[i] = dst[i] = -777;
    for (size_t y = 0; y < H; y++)
        memcpy(src + y * STRIDE, at(pln_image_pixels(in), 0, y), sizeof(float) * W * C);
    OK(ctx, pln_smooth_f32(ctx, p, src, W, H, C, STRIDE, dst, STRIDE));
    pln_view got = {.data = dst, .w = W, .h = H, .c = C, .stride = STRIDE};
    if (!same_bytes(got, pln_image_pixels(want)))
        fail_msg("%s: rows with a gap between them give other values", m->name);
    for (size_t y = 0; y < H; y++)
        for (size_t i = W * C; i < STRIDE; i++)
            if (dst[y * STRIDE + i] != -777 || src[y * STRIDE + i] != -777)
                fail_msg("%s: wrote between the rows at y %zu", m->name, y);
    for (size_t y = 0; y < H; y++)
        assert_memory_equal(src + y * STRIDE, at(pln_image_pixels(in), 0, y),
                            sizeof(float) * W * C);
    free(dst);
    free(src);
    pln_params_free(p);
    pln_image_free(want);
    pln_image_free(in);
    pln_context_free(ctx);
}

/* Each instruction set against the plain C of the baseline. A hard threshold (L0) turns a rounding
 * difference into a small region, so the largest value is bounded loosely, and the mean at a tenth
 * of what L0's reference outputs allow. */
static void instruction_sets_agree(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context(2);
    pln_image *in = make_picture(ctx, 149, 111, 3);

    OK(ctx, pln_context_set_isa(ctx, "baseline"));
    pln_image *want = run(ctx, m, in);
    for (int isa = PLN_ISA_AVX2; isa <= (int)pln_isa_machine(); isa++) {
        OK(ctx, pln_context_set_isa(ctx, pln_isa_name((pln_isa)isa)));
        pln_image *got = run(ctx, m, in);
        struct difference d = differ(pln_image_pixels(got), pln_image_pixels(want));
        bool hard = !strcmp(m->name, "l0");
        if (!(d.rmse <= (hard ? 2e-4 : 2e-5) && d.worst <= 5e-3))
            fail_msg("%s: %s differs from baseline by up to %g at x %zu, y %zu, rmse %g", m->name,
                     pln_isa_name((pln_isa)isa), d.worst, d.x, d.y, d.rmse);
        pln_image_free(got);
    }
    pln_image_free(want);
    pln_image_free(in);
    pln_context_free(ctx);
}

/* ---- Resources ---- */

static void memory_within(pln_context *ctx, const pln_method *m, const char *values, size_t w,
                          size_t h, size_t c)
{
    pln_params *p = new_params(ctx, m, values);
    pln_image *in = make_picture(ctx, w, h, c), *out = make_constant(ctx, w, h, c, 0);
    pln_run r = {.size = sizeof r,
                 .params = pln_params_values(p),
                 .w = w,
                 .h = h,
                 .y1 = h,
                 .in = pln_image_pixels(in),
                 .out = pln_image_pixels(out)};
    size_t declared = m->memory(r.params, w, h, c, pln_context_threads(ctx));
    uint64_t before = pln_context_bytes(ctx);

    if (!m->identity || !m->identity(r.params)) {
        pln_context_reset_peak(ctx);
        OK(ctx, m->run(ctx, &r));
        uint64_t used = pln_context_peak(ctx) - before;
        if (used > declared)
            fail_msg("%s (%s) %zux%zux%zu, %d threads: holds %llu bytes, declares %zu", m->name,
                     values, w, h, c, pln_context_threads(ctx), (unsigned long long)used, declared);
        /* A declaration far above the use would refuse pictures that fit. */
        if (w * h >= 10000 && declared > 2 * used + (1u << 20))
            fail_msg("%s (%s) %zux%zux%zu: declares %zu bytes, holds %llu", m->name, values, w, h,
                     c, declared, (unsigned long long)used);
        if (pln_context_bytes(ctx) != before) fail_msg("%s: keeps memory after the run", m->name);
    }
    pln_image_free(out);
    pln_image_free(in);
    pln_params_free(p);
}

static void memory_is_declared(void **state)
{
    const pln_method *m = *state;
    static const size_t sizes[][2] = {{1, 1}, {7, 3}, {64, 48}, {203, 155}, {40, 700}};

    for (int threads = 1; threads <= 2; threads++) {
        pln_context *ctx = new_context(threads);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (size_t c = 1; c <= 3; c += 2) {
                memory_within(ctx, m, "", sizes[i][0], sizes[i][1], c);
                for (const pln_preset *preset = m->presets; preset->name && i == 2; preset++)
                    memory_within(ctx, m, preset->values, sizes[i][0], sizes[i][1], c);
            }
        pln_context_free(ctx);
    }
}

struct watch {
    struct timespec last; /* CPU time of the calling thread at the last callback */
    double longest;       /* milliseconds between two callbacks */
    int calls, cancel_at;
    double fraction;
    bool backwards;
};

static double since(struct timespec *t)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    double ms = 1e3 * (double)(now.tv_sec - t->tv_sec) + 1e-6 * (double)(now.tv_nsec - t->tv_nsec);
    *t = now;
    return ms;
}

static int watch_progress(void *user, double fraction, const char *stage)
{
    struct watch *w = user;
    double ms = since(&w->last);
    if (ms > w->longest) w->longest = ms;
    assert_non_null(stage);
    assert_true(fraction >= 0 && fraction <= 1);
    w->backwards |= fraction < w->fraction - 1e-9;
    w->fraction = fraction;
    return ++w->calls == w->cancel_at;
}

/* One thread and its CPU time: other load on the machine hardly counts, and the best of ATTEMPTS
 * does the rest. The time from the callback's "stop" to the return, and no gap between two
 * callbacks longer than that, so that a stop is heard at any moment. */
enum { ATTEMPTS = 4 };

static void cancel_is_prompt(void **state)
{
    const pln_method *m = *state;
    size_t side = SANITIZED ? 256 : 1024;
    double bound = SANITIZED ? 1000 : 100;
    pln_context *ctx = new_context(1);
    pln_image *in = make_picture(ctx, side, side, 3), *out = NULL;
    pln_params *p = new_params(ctx, m, NULL);
    struct watch w;
    double end = INFINITY;

    pln_context_on_progress(ctx, watch_progress, &w);
    for (int i = 0; i < ATTEMPTS && (i == 0 || w.longest > bound || end > bound); i++) {
        w = (struct watch){0};
        since(&w.last);
        OK(ctx, pln_smooth(ctx, p, in, NULL, &out));
        end = since(&w.last);
        pln_image_free(out);
        if (w.backwards) fail_msg("%s: the progress went backwards", m->name);
    }
    if (w.longest > bound || end > bound)
        fail_msg("%s: %.0f ms between two progress callbacks, %.0f ms after the last", m->name,
                 w.longest, end);

    int total = w.calls, stops[] = {1, total / 2};
    uint64_t before = pln_context_bytes(ctx);
    for (size_t i = 0, attempt = 1; i < 2 && total; i++) {
        w = (struct watch){.cancel_at = stops[i] > 0 ? stops[i] : 1};
        out = NULL;
        since(&w.last);
        pln_status s = pln_smooth(ctx, p, in, NULL, &out);
        double ms = since(&w.last);
        if (s == PLN_OK &&
            w.calls < w.cancel_at) { /* callbacks go by the clock: it was never asked */
            pln_image_free(out);
            continue;
        }
        if (s != PLN_E_CANCELLED || out)
            fail_msg("%s: stopped at callback %d of %d: status %s", m->name, w.cancel_at, total,
                     pln_status_name(s));
        if (pln_context_bytes(ctx) != before) fail_msg("%s: a stopped run keeps memory", m->name);
        if (ms <= bound) continue;
        if (attempt++ == ATTEMPTS) fail_msg("%s: %.0f ms from the stop to the return", m->name, ms);
        i--;
    }
    /* And the context works on. */
    pln_context_on_progress(ctx, NULL, NULL);
    pln_image *tiny = make_picture(ctx, 16, 16, 1);
    out = smooth(ctx, p, tiny, NULL);
    pln_image_free(out);
    pln_image_free(tiny);
    pln_params_free(p);
    pln_image_free(in);
    pln_context_free(ctx);
}

/* ---- Guides ---- */

static void guides_steer(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context(2);
    pln_image *in = make_picture(ctx, 61, 46, 3), *small = make_picture(ctx, 60, 46, 3),
              *out = NULL;
    pln_params *p = new_params(ctx, m, NULL);

    if (!(m->caps & PLN_CAP_GUIDE)) {
        if (pln_smooth(ctx, p, in, in, &out) != PLN_E_ARG)
            fail_msg("%s: takes a guide it cannot use", m->name);
    } else {
        if (pln_smooth(ctx, p, in, small, &out) != PLN_E_SHAPE)
            fail_msg("%s: takes a guide of another size", m->name);
        pln_image *alone = smooth(ctx, p, in, NULL);
        for (size_t c = 1; c <= 3; c += 2) {
            pln_image *turned = make_picture(ctx, 61, 46, c), *guide = flipped(ctx, turned, true);
            out = smooth(ctx, p, in, guide);
            if (differ(pln_image_pixels(out), pln_image_pixels(alone)).worst < 1e-3)
                fail_msg("%s: a guide of %zu channels changes nothing", m->name, c);
            pln_image_free(out);
            /* Grey pictures with a guide of either kind. */
            out = smooth(ctx, p, turned, guide);
            pln_image_free(out);
            pln_image_free(guide);
            pln_image_free(turned);
        }
        pln_image_free(alone);
    }
    pln_params_free(p);
    pln_image_free(small);
    pln_image_free(in);
    pln_context_free(ctx);
}

/* ---- Schemas ---- */

static void line_of_text(const pln_method *m, const char *what, const char *text)
{
    if (!text || !*text) fail_msg("%s: %s is empty", m->name, what);
    if (strchr(text, '\n')) fail_msg("%s: %s has several lines", m->name, what);
    if (text[strlen(text) - 1] == ' ') fail_msg("%s: %s ends with a space", m->name, what);
}

/* Options of the commands that take --PARAM: a parameter of this name could not be set. */
static const char *const command_flags[] = {
    "help",         "version",
    "quiet",        "verbose",
    "threads",      "device",
    "seed",         "memory",
    "config",       "json",
    "progress",     "method",
    "param",        "strength",
    "output",       "guide",
    "mask",         "weights",
    "precision",    "ensemble",
    "tile",         "channels",
    "space",        "detail",
    "depth",        "format",
    "quality",      "strip",
    "transparency", "alpha-channel",
    "jobs",         "recursive",
    "no-clobber",   "continue-on-error",
    "dry-run",      "in-place",
    "nan",          "range",
    "page",         "allow-truncated",
    "vary",         "ref",
    "html",         "min",
    "size",         "repeat",
    "peers",        "markdown",
    "with",         "overwrite",
    NULL,
};

static void schema_is_complete(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context(1);

    line_of_text(m, "name", m->name);
    line_of_text(m, "title", m->title);
    line_of_text(m, "paper", m->paper);
    line_of_text(m, "summary", m->summary);
    line_of_text(m, "cost", m->cost);
    assert_true(m->formula && strlen(m->formula) > 80);
    assert_true(m->use && strlen(m->use) > 20 && m->avoid && strlen(m->avoid) > 20);
    if (m->use[strlen(m->use) - 1] != '.' || m->avoid[strlen(m->avoid) - 1] != '.')
        fail_msg("%s: when to use it and when not are full sentences", m->name);
    assert_true(m->year >= 1950 && m->year <= 2100);
    assert_true(m->size == sizeof *m && m->params_size > 0 && m->memory && m->run &&
                m->nanoseconds);
    assert_true(m->presets && m->grid && m->ladder);
    assert_string_equal(m->presets[0].name, "default");
    assert_ptr_equal(pln_method_find(ctx, m->name), m);

    for (size_t i = 0; i < pln_method_param_count(m); i++) {
        const pln_param *p = pln_method_param(m, i);
        char what[96];
        snprintf(what, sizeof what, "--%s", p->flag ? p->flag : "?");
        line_of_text(m, what, p->flag);
        for (const char *c = p->flag; *c; c++)
            if (!(islower((unsigned char)*c) ||
                  (c > p->flag && (isdigit((unsigned char)*c) || *c == '-'))))
                fail_msg("%s: %s is no flag: a-z, then a-z, 0-9, -", m->name, what);
        for (size_t k = 0; command_flags[k]; k++)
            if (strcmp(p->flag, command_flags[k]) == 0)
                fail_msg("%s: %s is a flag of the command", m->name, what);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(p->flag, pln_method_param(m, k)->flag);
        line_of_text(m, what, p->help);
        if (p->help[strlen(p->help) - 1] == '.')
            fail_msg("%s: the help of %s ends with a full stop", m->name, what);
        assert_true(p->offset < m->params_size);
        if (p->type == PLN_TYPE_CHOICE) {
            size_t n = 0;
            assert_non_null(p->choices);
            while (p->choices[n]) n++;
            if (n < 2 || p->init < 0 || p->init >= (double)n)
                fail_msg("%s: choices of %s", m->name, what);
            continue;
        }
        if (!p->symbol)
            fail_msg("%s: %s has no symbol (\"\" if the paper has none)", m->name, what);
        if (!p->unit) fail_msg("%s: %s has no unit (\"\" for a plain number)", m->name, what);
        if (!(p->min < p->max && p->init >= p->min && p->init <= p->max &&
              !(p->min_open && p->init == p->min)))
            fail_msg("%s: %s: default %g, range %g to %g", m->name, what, p->init, p->min, p->max);
        if (p->type == PLN_TYPE_INT &&
            (p->min != floor(p->min) || p->max != floor(p->max) || p->init != floor(p->init)))
            fail_msg("%s: %s: an integer's range and default are integers", m->name, what);
        /* Bounds are enforced, and nothing is changed by a refused value. */
        pln_params *q = params_as_they_are(ctx, m);
        double v;
        assert_int_equal(pln_params_set_real(ctx, q, p->flag, p->max + 1 + fabs(p->max)),
                         PLN_E_RANGE);
        assert_int_equal(pln_params_set_real(ctx, q, p->flag, p->min - 1), PLN_E_RANGE);
        assert_int_equal(pln_params_set_real(ctx, q, p->flag, NAN), PLN_E_RANGE);
        if (p->min_open)
            assert_int_equal(pln_params_set_real(ctx, q, p->flag, p->min), PLN_E_RANGE);
        OK(ctx, pln_params_get(ctx, q, p->flag, &v));
        assert_true(v == p->init);
        OK(ctx, pln_params_set_real(ctx, q, p->flag, p->max));
        pln_params_free(q);
    }
    pln_context_free(ctx);
}

static void points_parse(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context(2);
    pln_image *in = make_picture(ctx, 40, 30, 3);
    size_t rungs = 0;

    for (const pln_preset *preset = m->presets; preset->name; preset++) {
        char name[96];
        pln_params *p = NULL;
        line_of_text(m, preset->name, preset->help);
        snprintf(name, sizeof name, "%s:%s", m->name, preset->name);
        OK(ctx, pln_params_new(ctx, name, &p));
        if (m->caps & PLN_CAP_SLOW) OK(ctx, pln_params_apply(ctx, p, m->ladder[0]));
        pln_image_free(smooth(ctx, p, in, NULL));
        pln_params_free(p);
    }
    for (size_t i = 0; m->grid[i]; i++) {
        pln_params *p = new_params(ctx, m, m->grid[i]);
        pln_image_free(smooth(ctx, p, in, NULL));
        pln_params_free(p);
    }
    assert_non_null(m->grid[0]);
    while (m->ladder[rungs]) pln_params_free(new_params(ctx, m, m->ladder[rungs++]));
    if (rungs < 3) fail_msg("%s: a ladder of %zu rungs", m->name, rungs);

    /* --strength: in its range, and the strong end does more than the weak one. */
    double change[3];
    for (int i = 0; i < 3; i++) {
        pln_params *p = new_params(ctx, m, NULL);
        OK(ctx, pln_params_strength(ctx, p, 0.5 * i));
        pln_image *out = smooth(ctx, p, in, NULL);
        change[i] = differ(pln_image_pixels(out), pln_image_pixels(in)).rmse;
        pln_image_free(out);
        assert_int_equal(pln_params_strength(ctx, p, 1.01), PLN_E_RANGE);
        assert_int_equal(pln_params_strength(ctx, p, -0.01), PLN_E_RANGE);
        pln_params_free(p);
    }
    if (!(change[0] < change[1] && change[1] < change[2]))
        fail_msg("%s: --strength 0, 0.5, 1 change the picture by %g, %g, %g", m->name, change[0],
                 change[1], change[2]);
    pln_image_free(in);
    pln_context_free(ctx);
}

/* ---- Every parameter is read ---- */

/* i-th other value worth trying; false when there are no more. */
static bool other_value(const pln_param *p, double now, size_t i, double *value)
{
    if (p->type == PLN_TYPE_CHOICE) {
        size_t n = 0;
        while (p->choices[n]) n++;
        *value = (double)i;
        return i < n;
    }
    double steps[] = {now * 2, now / 2, now * 8, now + 1, now + 0.1 * (p->max - p->min),
                      p->min,  now - 1, 3};
    if (i >= sizeof steps / sizeof *steps) return false;
    double v = steps[i];
    if (p->type == PLN_TYPE_INT) v = floor(v);
    if (p->type == PLN_TYPE_INT && v > now + 12) v = now + 12;
    v = v > p->max ? p->max : v < p->min ? p->min : v;
    if (p->min_open && v == p->min) v = p->min + 0.01 * (now - p->min);
    *value = v;
    return true;
}

static void set_value(pln_context *ctx, pln_params *p, const pln_param *q, double v)
{
    if (q->type == PLN_TYPE_CHOICE)
        OK(ctx, pln_params_set(ctx, p, q->flag, q->choices[(size_t)v]));
    else
        OK(ctx, pln_params_set_real(ctx, p, q->flag, v));
}

/* Whether some other value of q changes the output of `in` under `guide`, from the point `base`
 * with the choice `choice` at its c-th value (NULL: as it is). */
static bool matters(pln_context *ctx, const pln_method *m, const char *base,
                    const pln_param *choice, size_t c, const pln_param *q, const pln_image *in,
                    const pln_image *guide)
{
    pln_params *p = new_params(ctx, m, base);
    double now, v;
    bool found = false;

    if (choice) set_value(ctx, p, choice, (double)c);
    OK(ctx, pln_params_get(ctx, p, q->flag, &now));
    pln_image *want = smooth(ctx, p, in, guide);
    for (size_t i = 0; !found && other_value(q, now, i, &v); i++) {
        if (v == now) continue;
        set_value(ctx, p, q, v);
        pln_image *got = smooth(ctx, p, in, guide);
        found = !same_bytes(pln_image_pixels(want), pln_image_pixels(got));
        pln_image_free(got);
    }
    pln_image_free(want);
    pln_params_free(p);
    return found;
}

static void parameters_are_read(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context(2);
    pln_image *in[] = {make_picture(ctx, 40, 34, 3), make_picture(ctx, 40, 34, 1)};
    pln_image *guide = (m->caps & PLN_CAP_GUIDE) ? flipped(ctx, in[0], true) : NULL;
    size_t n = pln_method_param_count(m);

    for (size_t i = 0; i < n; i++) {
        const pln_param *q = pln_method_param(m, i);
        bool found = false;
        for (int g = 0; g < 2 && !found; g++) {
            if (g && !guide) break;
            for (int k = 0; k < 2 && !found; k++) {
                for (const pln_preset *preset = m->presets; preset->name && !found; preset++)
                    found = matters(ctx, m, preset->values, NULL, 0, q, in[k], g ? guide : NULL);
                /* Some parameters belong to one value of a choice. */
                for (size_t j = 0; j < n && !found; j++) {
                    const pln_param *choice = pln_method_param(m, j);
                    if (j == i || choice->type != PLN_TYPE_CHOICE) continue;
                    for (size_t c = 0; choice->choices[c] && !found; c++)
                        found = matters(ctx, m, "", choice, c, q, in[k], g ? guide : NULL);
                }
            }
        }
        if (!found) fail_msg("%s: --%s changes nothing", m->name, q->flag);
    }
    pln_image_free(guide);
    pln_image_free(in[1]);
    pln_image_free(in[0]);
    pln_context_free(ctx);
}

/* ---- All of them ---- */

static const struct property {
    const char *name;
    CMUnitTestFunction test;
} properties[] = {
    {"schema", schema_is_complete},
    {"constant", constant_stays_constant},
    {"flips", flips_commute},
    {"sizes", small_and_odd_sizes},
    {"identity", identity_is_bit_exact},
    {"bright", bright_values_are_kept},
    {"transparent", nothing_bleeds_from_transparency},
    {"threads", threads_do_not_matter},
    {"strips", strips_do_not_matter},
    {"strides", strides_do_not_matter},
    {"isa", instruction_sets_agree},
    {"memory", memory_is_declared},
    {"cancel", cancel_is_prompt},
    {"guides", guides_steer},
    {"points", points_parse},
    {"parameters", parameters_are_read},
};

int main(int argc, char **argv)
{
    size_t count = sizeof properties / sizeof *properties, methods = 0, n = 0;

    for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m)) methods++;
    struct CMUnitTest *tests = calloc(count * methods + 1, sizeof *tests);
    char(*names)[64] = calloc(count * methods + 1, sizeof *names);
    if (!tests || !names) return 1;
    for (size_t i = 0; i < count; i++)
        for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m)) {
            if (m->caps & PLN_CAP_NET) continue; /* needs weights: tests/unit/nets_test.c */
            snprintf(names[n], sizeof names[n], "%s/%s", properties[i].name, m->name);
            if (argc > 1 && strncmp(names[n], argv[1], strlen(argv[1])) != 0) continue;
            tests[n] = (struct CMUnitTest){
                .name = names[n], .test_func = properties[i].test, .initial_state = (void *)m};
            n++;
        }
    if (!n) {
        fprintf(stderr, "no property of a method starts with '%s'\n", argc > 1 ? argv[1] : "");
        return 1;
    }
    int failed = _cmocka_run_group_tests("properties", tests, n, NULL, NULL);
    free(names);
    free(tests);
    return failed != 0;
}
