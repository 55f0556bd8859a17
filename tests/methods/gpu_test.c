/* SPDX-License-Identifier: MIT */
/* Methods on a device, without one (nn/host_device.h), against the CPU: every preset, point of the
 * grid and value of a choice, with and without guides, of all shapes; devices that fail or have too
 * little memory; runs that are stopped. Cases are called CHECK/METHOD. */
#include <unistd.h>

#include "support.h"

#include "core/core.h"
#include "device/device.h"
#include "nn/host_device.h"
#include "operators/operators.h"

static pln_context *new_context(void)
{
    pln_context *ctx = NULL;
    if (pln_context_new(&ctx)) fail_msg("%s", pln_context_message(NULL));
    return ctx;
}

/* From now on methods run on the host's device. */
static pln_device *use(pln_context *ctx, const char *name)
{
    pln_device *host = NULL;
    OK(ctx, pln_context_set_device(ctx, name));
    OK(ctx, host_device_open(ctx, HOST_ENGINES_NONE, &host));
    pln_context_keep(ctx, PLN_KEPT_DEVICE, host, (void (*)(void *))pln_device_close);
    return host;
}

static void set(pln_context *ctx, pln_params *p, const char *values)
{
    if (values) OK(ctx, pln_params_apply(ctx, p, values));
}

static pln_params *params_of(pln_context *ctx, const pln_method *m, const char *values)
{
    pln_params *p = NULL;
    OK(ctx, pln_params_new(ctx, m->name, &p));
    set(ctx, p, values);
    return p;
}

/* How far a device may be from the CPU; and up to where in so many comparisons of a test. */
static const struct bound {
    const char *method;
    double worst, rare;
    int times;
} bounds[] = {
    {"l0", 5e-5, 5e-3, 4},  /* a threshold, and values that rounding puts on its other side */
    {"rtv", 5e-5, 5e-5, 0}, /* its linear systems are solved to a tolerance, in another way */
    {NULL, 1e-5, 1e-5, 0},  /* both sum in double, and round in another order */
};

static const struct bound *bound_of(const pln_method *m)
{
    const struct bound *b = bounds;
    while (b->method && strcmp(b->method, m->name)) b++;
    return b;
}

/* Of the running test. */
static double farthest;
static int beyond;

/* Device and CPU, the device twice. */
static void compare(pln_context *ctx, const pln_params *p, const pln_image *in,
                    const pln_image *guide, const char *what)
{
    const pln_method *m = pln_params_method(p);
    pln_image *cpu = NULL, *gpu = NULL, *again = NULL;
    pln_view v = pln_image_pixels(in);
    size_t before, after, replays;

    OK(ctx, pln_context_set_device(ctx, "cpu"));
    OK(ctx, pln_smooth(ctx, p, in, guide, &cpu));
    assert_string_equal(pln_device_used(ctx), "cpu");
    pln_device *host = use(ctx, "auto");
    host_device_counts(host, &before, &replays);
    OK(ctx, pln_smooth(ctx, p, in, guide, &gpu));
    host_device_counts(host, &after, &replays);
    bool identity = m->identity && m->identity(pln_params_values(p));
    if ((after > before) == identity)
        fail_msg("%s: %s: %zu launches", m->name, what, after - before);
    assert_string_equal(pln_device_used(ctx), identity ? "cpu" : "host:0");
    OK(ctx, pln_smooth(ctx, p, in, guide, &again));
    if (!same_bytes(pln_image_pixels(gpu), pln_image_pixels(again)))
        fail_msg("%s: %s: two runs differ", m->name, what);
    struct difference d = differ(pln_image_pixels(cpu), pln_image_pixels(gpu));
    const struct bound *b = bound_of(m);
    farthest = fmax(farthest, d.worst);
    beyond += d.worst > b->worst;
    if (!(d.worst <= b->rare) || beyond > b->times)
        fail_msg("%s: %s, %zux%zux%zu: %g apart at x %zu, y %zu, rmse %g", m->name, what, v.w, v.h,
                 v.c, d.worst, d.x, d.y, d.rmse);
    pln_image_free(again);
    pln_image_free(gpu);
    pln_image_free(cpu);
}

/* The picture the other way round: edges of its own, and common ones. */
static pln_image *guide_of(pln_context *ctx, const pln_image *in, size_t c)
{
    pln_view v = pln_image_pixels(in);
    pln_image *guide = NULL;
    OK(ctx, pln_image_new_f32(ctx, v.w, v.h, c, &guide));
    pln_view g = pln_image_pixels(guide);
    for (size_t y = 0; y < v.h; y++)
        for (size_t x = 0; x < v.w; x++)
            for (size_t k = 0; k < c; k++)
                at(g, x, y)[k] =
                    0.5f * *at(v, x, y) + 0.5f * scene(v.w - 1 - x, y, k + 1, v.w, v.h);
    return guide;
}

/* With these parameters, and without a guide, with a grey one, with one in colour. */
static void compare_guided(pln_context *ctx, const pln_params *p, size_t w, size_t h, size_t c,
                           const char *what)
{
    pln_image *in = make_picture(ctx, w, h, c);
    compare(ctx, p, in, NULL, what);
    for (size_t g = 1; g <= 3 && (pln_params_method(p)->caps & PLN_CAP_GUIDE); g += 2) {
        pln_image *guide = guide_of(ctx, in, g);
        compare(ctx, p, in, guide, what);
        pln_image_free(guide);
    }
    pln_image_free(in);
}

static void compare_all(pln_context *ctx, const pln_params *p, const char *what)
{
    for (size_t c = 1; c <= 3; c += 2) compare_guided(ctx, p, 40, 31, c, what);
}

static void points_agree(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context();
    for (const pln_preset *preset = m->presets; preset->name; preset++) {
        pln_params *p = params_of(ctx, m, preset->values);
        compare_all(ctx, p, preset->name);
        pln_params_free(p);
    }
    for (size_t i = 0; m->grid[i]; i++) {
        pln_params *p = params_of(ctx, m, m->grid[i]);
        compare_all(ctx, p, m->grid[i]);
        pln_params_free(p);
    }
    pln_context_free(ctx);
}

/* Every value of every choice, each with every value of every other one. */
static void choices_agree(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context();
    size_t n = pln_method_param_count(m);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            const pln_param *a = pln_method_param(m, i), *b = pln_method_param(m, j);
            if (a->type != PLN_TYPE_CHOICE || b->type != PLN_TYPE_CHOICE) continue;
            for (size_t u = 0; a->choices[u]; u++)
                for (size_t v = 0; b->choices[v]; v++) {
                    char what[96];
                    if (i == j && u != v) continue;
                    snprintf(what, sizeof what, "%s=%s %s=%s", a->flag, a->choices[u], b->flag,
                             b->choices[v]);
                    pln_params *p = params_of(ctx, m, what);
                    compare_all(ctx, p, what);
                    pln_params_free(p);
                }
        }
    pln_context_free(ctx);
}

/* Reals and integers between their ends. */
static void values_agree(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context();
    for (size_t i = 0; i < pln_method_param_count(m); i++) {
        const pln_param *q = pln_method_param(m, i);
        if (q->type == PLN_TYPE_CHOICE) continue;
        const double values[] = {q->init / 2, q->init * 2, q->init + 1, 0};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            double v = q->type == PLN_TYPE_INT ? floor(values[k]) : values[k];
            if (!(v >= q->min && v <= q->max) || (q->min_open && v == q->min)) continue;
            char what[64];
            pln_params *p = params_of(ctx, m, NULL);
            OK(ctx, pln_params_set_real(ctx, p, q->flag, v));
            snprintf(what, sizeof what, "%s=%g", q->flag, v);
            compare_all(ctx, p, what);
            pln_params_free(p);
        }
    }
    pln_context_free(ctx);
}

static void shapes_agree(void **state)
{
    const pln_method *m = *state;
    static const size_t sizes[][2] = {{1, 1}, {1, 7}, {7, 1}, {2, 2}, {13, 5}, {5, 130}, {131, 3}};
    pln_context *ctx = new_context();
    for (const pln_preset *preset = m->presets; preset->name; preset++) {
        pln_params *p = params_of(ctx, m, preset->values);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (size_t c = 1; c <= 3; c += 2)
                compare_guided(ctx, p, sizes[i][0], sizes[i][1], c, preset->name);
        pln_params_free(p);
    }
    pln_context_free(ctx);
}

/* Rows with gaps between them, above the device's and below. */
static void strides_do_not_matter(void **state)
{
    const pln_method *m = *state;
    enum { W = 19, H = 11, C = 3, STRIDE = W * C + 5 };
    pln_context *ctx = new_context();
    pln_params *p = params_of(ctx, m, NULL);
    pln_image *in = make_picture(ctx, W, H, C), *want = NULL;
    float src[STRIDE * H], dst[STRIDE * H];
    use(ctx, "auto");
    for (size_t i = 0; i < STRIDE * H; i++) src[i] = dst[i] = -777;
    for (size_t y = 0; y < H; y++)
        memcpy(src + y * STRIDE, at(pln_image_pixels(in), 0, y), sizeof(float) * W * C);
    OK(ctx, pln_smooth(ctx, p, in, NULL, &want));
    OK(ctx, pln_smooth_f32(ctx, p, src, W, H, C, STRIDE, dst, STRIDE));
    assert_string_equal(pln_device_used(ctx), "host:0");
    pln_view got = {.data = dst, .w = W, .h = H, .c = C, .stride = STRIDE};
    assert_true(same_bytes(got, pln_image_pixels(want)));
    for (size_t y = 0; y < H; y++)
        for (size_t i = W * C; i < STRIDE; i++)
            if (dst[y * STRIDE + i] != -777) fail_msg("%s: wrote between the rows", m->name);
    pln_image_free(want);
    pln_image_free(in);
    pln_params_free(p);
    pln_context_free(ctx);
}

/* Each launch and each copy fails once: an error, no picture, and nothing kept. */
static void failures_are_said(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context();
    pln_params *p = params_of(ctx, m, NULL);
    pln_image *in = make_picture(ctx, 9, 6, 3), *out = NULL;
    pln_device *host = use(ctx, "auto");
    uint64_t held = pln_context_bytes(ctx), memory = pln_device_available(host);
    int n = 1;
    for (;; n++) {
        host_device_fail(host, n);
        pln_status s = pln_smooth(ctx, p, in, NULL, &out);
        if (!s) break;
        assert_int_equal(s, PLN_E_DEVICE);
        assert_non_null(strstr(pln_context_message(ctx), "host:0: lost"));
        assert_null(out);
        assert_int_equal(pln_context_bytes(ctx), held);
        assert_int_equal(pln_device_available(host), memory);
    }
    assert_true(n > 4); /* two copies and two launches at least */
    pln_image_free(out);
    pln_image_free(in);
    pln_params_free(p);
    pln_context_free(ctx);
}

static void log_line(void *user, int level, const char *message)
{
    if (level == 1 && strstr(message, "the CPU computes")) snprintf(user, 256, "%s", message);
}

/* auto: what does not fit is the CPU's, and the log says so; asked for by name: an error with the
 * figures. With just enough all is as with plenty. */
static void memory_counts(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context();
    pln_params *p = params_of(ctx, m, NULL);
    pln_image *in = make_picture(ctx, 40, 31, 3), *cpu = NULL, *out = NULL, *whole = NULL;
    char line[256] = "";
    OK(ctx, pln_context_set_device(ctx, "cpu"));
    OK(ctx, pln_smooth(ctx, p, in, NULL, &cpu));
    pln_device *host = use(ctx, "auto");
    OK(ctx, pln_smooth(ctx, p, in, NULL, &whole));
    pln_context_on_log(ctx, log_line, line);
    host_device_limit(host, 40 * 31 * 3 * sizeof(float));
    OK(ctx, pln_smooth(ctx, p, in, NULL, &out));
    assert_string_equal(pln_device_used(ctx), "cpu");
    assert_true(same_bytes(pln_image_pixels(cpu), pln_image_pixels(out)));
    assert_non_null(strstr(line, m->name));
    assert_non_null(strstr(line, "host:0 has"));
    pln_image_free(out);
    out = NULL;
    host = use(ctx, "cuda:1");
    host_device_limit(host, 40 * 31 * 3 * sizeof(float));
    assert_int_equal(pln_smooth(ctx, p, in, NULL, &out), PLN_E_LIMIT);
    assert_null(out);
    assert_non_null(strstr(pln_context_message(ctx), "host:0 has"));
    host_device_limit(host, (uint64_t)1 << 30);
    OK(ctx, pln_smooth(ctx, p, in, NULL, &out));
    assert_true(same_bytes(pln_image_pixels(whole), pln_image_pixels(out)));
    pln_image_free(out);
    pln_image_free(whole);
    pln_image_free(cpu);
    pln_image_free(in);
    pln_params_free(p);
    pln_context_free(ctx);
}

struct watch {
    int calls, stop_at;
    double fraction;
    bool backwards;
};

static int watch_progress(void *user, double fraction, const char *stage)
{
    struct watch *w = user;
    assert_non_null(stage);
    assert_true(fraction >= 0 && fraction <= 1);
    w->backwards |= fraction < w->fraction - 1e-9;
    w->fraction = fraction;
    usleep(21000); /* or the context would leave out callbacks that come too soon */
    return ++w->calls == w->stop_at;
}

/* Stopped at each callback of the first ones: no launch after it. */
static void runs_can_be_stopped(void **state)
{
    const pln_method *m = *state;
    pln_context *ctx = new_context();
    pln_params *p = params_of(ctx, m, NULL);
    pln_image *in = make_picture(ctx, 9, 6, 3), *out = NULL;
    struct watch w = {0};
    pln_device *host = use(ctx, "auto");
    size_t before, runs, whole, replays;
    uint64_t held = pln_context_bytes(ctx);
    pln_context_on_progress(ctx, watch_progress, &w);
    host_device_counts(host, &before, &replays);
    OK(ctx, pln_smooth(ctx, p, in, NULL, &out));
    host_device_counts(host, &runs, &replays);
    pln_image_free(out);
    out = NULL;
    whole = runs - before;
    int calls = w.calls;
    assert_true(calls >= 1 && !w.backwards);
    for (int i = 1; i <= calls && i <= 8; i++) {
        w = (struct watch){.stop_at = i};
        host_device_counts(host, &before, &replays);
        assert_int_equal(pln_smooth(ctx, p, in, NULL, &out), PLN_E_CANCELLED);
        host_device_counts(host, &runs, &replays);
        assert_null(out);
        assert_int_equal(w.calls, i);
        assert_true(runs - before < whole);
        assert_int_equal(pln_context_bytes(ctx), held);
    }
    pln_image_free(in);
    pln_params_free(p);
    pln_context_free(ctx);
}

/* ---- Of single methods ---- */

/* A picture of more pixels than one launch takes at this radius; outside counts as nothing, or it
 * would take minutes. */
static void large_windows_take_launches(void **state)
{
    pln_context *ctx = new_context();
    const pln_method *m = pln_method_find(ctx, "bf");
    pln_params *p = params_of(ctx, m, "radius=256 sigma-s=20 border=shrink range-norm=channel");
    pln_image *in = make_picture(ctx, 70001, 1, 1), *out = NULL;
    struct watch w = {0};
    (void)state;
    compare(ctx, p, in, NULL, "radius 256");
    use(ctx, "auto");
    pln_context_on_progress(ctx, watch_progress, &w);
    OK(ctx, pln_smooth(ctx, p, in, NULL, &out));
    assert_int_equal(w.calls, 3);
    assert_true(w.fraction > 0.9);
    pln_image_free(out);
    pln_image_free(in);
    pln_params_free(p);
    pln_context_free(ctx);
}

/* What has no version for devices runs on the CPU beside an open one. */
static void others_stay_on_the_cpu(void **state)
{
    pln_context *ctx = new_context();
    const pln_method *m = pln_method_find(ctx, "wls");
    pln_params *p = params_of(ctx, m, NULL);
    pln_image *in = make_picture(ctx, 9, 6, 3), *out = NULL;
    size_t before, after, replays;
    (void)state;
    assert_false(pln_method_runs_on_devices(m));
    pln_device *host = use(ctx, "auto");
    host_device_counts(host, &before, &replays);
    OK(ctx, pln_smooth(ctx, p, in, NULL, &out));
    host_device_counts(host, &after, &replays);
    assert_int_equal(before, after);
    assert_string_equal(pln_device_used(ctx), "cpu");
    pln_image_free(out);
    pln_image_free(in);
    pln_params_free(p);
    pln_context_free(ctx);
}

/* Solved accurately, rtv's systems have one answer. */
static void tolerances_count(void **state)
{
    pln_context *ctx = new_context();
    pln_params *p = params_of(ctx, pln_method_find(ctx, "rtv"), "tolerance=1e-7");
    (void)state;
    compare_all(ctx, p, "tolerance=1e-7");
    if (!(farthest <= 2e-6)) fail_msg("rtv: tolerance=1e-7: %g apart", farthest);
    pln_params_free(p);
    pln_context_free(ctx);
}

/* Without a library of transforms what needs them is the CPU's, and the log says so; asked for by
 * name: an error. */
static void transforms_may_be_missing(void **state)
{
    static const char *const names[] = {"ils", "l0"};
    pln_context *ctx = new_context();
    pln_image *in = make_picture(ctx, 9, 6, 3), *cpu = NULL, *out = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const pln_method *m = pln_method_find(ctx, names[i]);
        pln_params *p = params_of(ctx, m, NULL);
        char line[256] = "";
        OK(ctx, pln_context_set_device(ctx, "cpu"));
        OK(ctx, pln_smooth(ctx, p, in, NULL, &cpu));
        host_device_without_fourier(use(ctx, "auto"));
        pln_context_on_log(ctx, log_line, line);
        OK(ctx, pln_smooth(ctx, p, in, NULL, &out));
        assert_string_equal(pln_device_used(ctx), "cpu");
        assert_true(same_bytes(pln_image_pixels(cpu), pln_image_pixels(out)));
        assert_non_null(strstr(line, "host:0: no transforms"));
        pln_context_on_log(ctx, NULL, NULL);
        pln_image_free(out);
        out = NULL;
        host_device_without_fourier(use(ctx, "cuda:1"));
        assert_int_equal(pln_smooth(ctx, p, in, NULL, &out), PLN_E_UNSUPPORTED);
        assert_null(out);
        pln_image_free(cpu);
        cpu = NULL;
        pln_params_free(p);
    }
    pln_image_free(in);
    pln_context_free(ctx);
}

static int forget(void **state)
{
    (void)state;
    farthest = 0;
    beyond = 0;
    return 0;
}

static int tell(void **state)
{
    const pln_method *m = *state;
    if (farthest > 0) printf("%s: at most %.2g apart\n", m ? m->name : "one method", farthest);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        CMUnitTestFunction test;
        bool once; /* not for each method */
    } checks[] = {
        {"points", points_agree, false},
        {"choices", choices_agree, false},
        {"values", values_agree, false},
        {"shapes", shapes_agree, false},
        {"strides", strides_do_not_matter, false},
        {"failures", failures_are_said, false},
        {"memory", memory_counts, false},
        {"stop", runs_can_be_stopped, false},
        {"launches", large_windows_take_launches, true},
        {"others", others_stay_on_the_cpu, true},
        {"tolerances", tolerances_count, true},
        {"transforms", transforms_may_be_missing, true},
    };
    static struct CMUnitTest tests[200];
    static char names[200][64];
    size_t n = 0;

    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m)) {
            bool first = m == pln_method_first(NULL);
            if (checks[i].once ? !first : !pln_method_runs_on_devices(m)) continue;
            snprintf(names[n], sizeof names[n], "%s/%s", checks[i].name,
                     checks[i].once ? "all" : m->name);
            if (argc > 1 && strncmp(names[n], argv[1], strlen(argv[1])) != 0) continue;
            assert_true(n + 1 < sizeof tests / sizeof *tests);
            tests[n] = (struct CMUnitTest){.name = names[n],
                                           .test_func = checks[i].test,
                                           .setup_func = forget,
                                           .teardown_func = tell,
                                           .initial_state = checks[i].once ? NULL : (void *)m};
            n++;
        }
    if (!n) {
        fprintf(stderr, "no check of a method starts with '%s'\n", argc > 1 ? argv[1] : "");
        return 1;
    }
    return _cmocka_run_group_tests("methods on a device", tests, n, NULL, NULL) != 0;
}
