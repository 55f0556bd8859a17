/* SPDX-License-Identifier: MIT */
/* Measuring for `planish bench`. Wall time, medians, own and peer in turn, so that a change of the
 * machine's load meets both. */
#include "cli/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/core.h"
#include "core/module.h"
#include "solve/solve.h"

enum { MOST_RUNS = 101, DEFAULT_RUNS = 5, FEW_RUNS = 3 };
#define SLOW_MS 4000.0 /* above this one run, FEW_RUNS */

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bench_time summary(double *ms, int n)
{
    qsort(ms, (size_t)n, sizeof *ms, ascending);
    return (bench_time){
        .median = n % 2 ? ms[n / 2] : (ms[n / 2 - 1] + ms[n / 2]) / 2, .least = ms[0], .runs = n};
}

static int runs_for(int repeat, double warm_up_ms)
{
    if (repeat > 0) return repeat < MOST_RUNS ? repeat : MOST_RUNS;
    return warm_up_ms > SLOW_MS ? FEW_RUNS : DEFAULT_RUNS;
}

/* ---- Picture ---- */

/* Slopes, a disk and bars under a woven texture and noise: edges to keep and texture to remove, at
 * any size. */
struct scene {
    float *rgb;
    size_t w, h;
};

static void scene_row(void *arg, size_t y, int thread)
{
    const struct scene *s = arg;
    (void)thread;
    for (size_t x = 0; x < s->w; x++) {
        double u = (double)x / (double)s->w, v = (double)y / (double)s->h;
        double r = hypot(u - 0.62, v - 0.4),
               woven = 0.06 * sin(0.8 * (double)x) * sin(0.9 * (double)y);
        uint32_t word[4];
        pln_random4(1, 0, y * s->w + x, word);
        for (size_t k = 0; k < 3; k++) {
            double c = (double)k, value = 0.3 + 0.3 * u - 0.1 * c * v;
            if (r < 0.22) value = 0.8 - 0.25 * c;
            if (v > 0.7 && fmod(u * 9, 1) < 0.4) value = 0.2 + 0.15 * c;
            value += woven + 0.04 * ((double)word[k] / 4294967296.0 - 0.5);
            s->rgb[3 * (y * s->w + x) + k] = (float)fmin(fmax(value, 0), 1);
        }
    }
}

pln_status bench_picture(pln_context *ctx, size_t w, size_t h, float **rgb)
{
    float *made = NULL;
    pln_status s = pln_alloc(ctx, w * h, 3 * sizeof *made, &made);
    if (s) return s;
    struct scene scene = {.rgb = made, .w = w, .h = h};
    s = pln_parallel(ctx, h, scene_row, &scene);
    if (s)
        pln_free(made);
    else
        *rgb = made;
    return s;
}

/* ---- Methods ---- */

static double rmse(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sqrt(sum / (double)n);
}

pln_status bench_method(pln_context *ctx, const pln_params *params, const pln_peer *peer,
                        const float *rgb, size_t w, size_t h, int repeat, bench_row *row)
{
    float *out = NULL, *peer_out = NULL;
    void *state = NULL;
    double own_ms[MOST_RUNS], peer_ms[MOST_RUNS], start;
    pln_status s = PLN_OK;

    *row = (bench_row){0};
    PLN_TRY(pln_alloc(ctx, w * h, 3 * sizeof *out, &out));
    if (peer && !(state = peer->open(rgb, w, h))) {
        s = pln_fail(ctx, PLN_E_DEVICE, "%s takes no picture of %zux%zu", peer->name, w, h);
        goto done;
    }

    uint64_t before = pln_context_bytes(ctx);
    pln_context_reset_peak(ctx);
    start = now_ms();
    PLN_TRY(pln_smooth_f32(ctx, params, rgb, w, h, 3, 0, out, 0));
    int runs = runs_for(repeat, now_ms() - start);
    row->peak = pln_context_peak(ctx) - before;
    for (int i = state ? -1 : 0; i < runs; i++) { /* -1 warms the peer up */
        start = now_ms();
        if (i >= 0) PLN_TRY(pln_smooth_f32(ctx, params, rgb, w, h, 3, 0, out, 0));
        double middle = now_ms();
        if (i >= 0) own_ms[i] = middle - start;
        if (!state) continue;
        if (peer->run(state, pln_context_threads(ctx))) {
            s = pln_fail(ctx, PLN_E_DEVICE, "%s failed at %zux%zu", peer->name, w, h);
            goto done;
        }
        if (i >= 0) peer_ms[i] = now_ms() - middle;
    }
    row->own = summary(own_ms, runs);
    if (state) {
        row->peer = summary(peer_ms, runs);
        PLN_TRY(pln_alloc(ctx, w * h, 3 * sizeof *peer_out, &peer_out));
        peer->result(state, peer_out);
        row->rmse = rmse(out, peer_out, 3 * w * h);
    }
done:
    if (state) peer->close(state);
    pln_free(peer_out);
    pln_free(out);
    return s;
}

/* ---- The SPD system ---- */

/* Weights of RTV's first iteration (Xu et al. 2012, tsmooth.m): 1 / (mean_c |d (G * S)_c| + 1e-3)
 * times 1 / max(mean_c |grad S_c|, 0.02), times lambda. right and down: w x h. */
static pln_status rtv_system(pln_context *ctx, const float *rgb, size_t w, size_t h, float *right,
                             float *down)
{
    enum { RADIUS = 7 }; /* 15 taps: 5 sigma, odd */
    const float lambda = 0.015f, sharpness = 0.02f, least = 1e-3f;
    float taps[2 * RADIUS + 1], *blurred = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, w * h, 3 * sizeof *blurred, &blurred));
    pln_view in = {.data = (float *)rgb, .w = w, .h = h, .c = 3, .stride = (ptrdiff_t)(3 * w)},
             out = in;
    out.data = blurred;
    pln_gaussian_taps(3, RADIUS, taps);
    PLN_TRY(pln_convolve_separable(ctx, &in, &out, taps, RADIUS, PLN_BORDER_ZERO));
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            size_t i = y * w + x, r = x + 1 < w ? i + 1 : i, d = y + 1 < h ? i + w : i;
            float total = 0, gx = 0, gy = 0;
            for (size_t k = 0; k < 3; k++) {
                total += hypotf(rgb[3 * r + k] - rgb[3 * i + k], rgb[3 * d + k] - rgb[3 * i + k]);
                gx += fabsf(blurred[3 * r + k] - blurred[3 * i + k]);
                gy += fabsf(blurred[3 * d + k] - blurred[3 * i + k]);
            }
            float common = lambda / fmaxf(total / 3, sharpness);
            right[i] = r == i ? 0 : common / fmaxf(gx / 3, least);
            down[i] = d == i ? 0 : common / fmaxf(gy / 3, least);
        }
done:
    pln_free(blurred);
    return s;
}

pln_status bench_spd(pln_context *ctx, const pln_spd_peer *peer, const float *rgb, size_t w,
                     size_t h, int repeat, bench_spd_row *row)
{
    float *right = NULL, *down = NULL, *u = NULL;
    double own_ms[MOST_RUNS], peer_ms[MOST_RUNS], bytes = 0;
    pln_spd_report report = {0};
    pln_status s = PLN_OK;

    *row = (bench_spd_row){0};
    PLN_TRY(pln_alloc(ctx, w * h, sizeof *right, &right));
    PLN_TRY(pln_alloc(ctx, w * h, sizeof *down, &down));
    PLN_TRY(pln_alloc(ctx, w * h, 3 * sizeof *u, &u));
    PLN_TRY(rtv_system(ctx, rgb, w, h, right, down));
    pln_spd A = {.w = w, .h = h, .right = right, .down = down};
    pln_view f = {.data = (float *)rgb, .w = w, .h = h, .c = 3, .stride = (ptrdiff_t)(3 * w)},
             x = f;
    x.data = u;
    pln_spd_options o = {.tolerance = 1e-4};

    uint64_t before = pln_context_bytes(ctx);
    pln_context_reset_peak(ctx);
    PLN_TRY(pln_spd_solve(ctx, &A, &f, &x, &o, &report));
    row->own_bytes = pln_context_peak(ctx) - before;
    row->residual = report.residual;
    row->iterations = report.iterations;
    int runs = runs_for(repeat, peer ? SLOW_MS + 1 : 0);
    for (int i = 0; i < runs; i++) {
        double start = now_ms();
        PLN_TRY(pln_spd_solve(ctx, &A, &f, &x, &o, &report));
        double middle = now_ms();
        own_ms[i] = middle - start;
        if (!peer) continue;
        if (peer->solve(w, h, right, down, rgb, u, pln_context_threads(ctx), &bytes)) {
            s = pln_fail(ctx, PLN_E_DEVICE, "%s failed at %zux%zu", peer->name, w, h);
            goto done;
        }
        peer_ms[i] = now_ms() - middle;
    }
    row->own = summary(own_ms, runs);
    if (peer) {
        row->peer = summary(peer_ms, runs);
        row->peer_bytes = (unsigned long long)bytes;
    }
done:
    pln_free(u);
    pln_free(down);
    pln_free(right);
    return s;
}

/* ---- Surroundings ---- */

const pln_peers *bench_load_peers(char why[256])
{
    pln_peers_fn *list = NULL;
    *(void **)&list = pln_module(PLN_PEERS_FILE, PLN_PEERS_SYMBOL, false, why);
    if (!list) return NULL;
    if (list()->version == PLN_PEERS_VERSION) return list();
    snprintf(why, 256, "another version of %s", PLN_PEERS_FILE);
    return NULL;
}

void bench_cpu(char name[128])
{
    char line[512];
    FILE *f = fopen("/proc/cpuinfo", "re");
    snprintf(name, 128, "unknown processor");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10) != 0) continue;
        snprintf(name, 128, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (f) fclose(f);
}
