/* SPDX-License-Identifier: MIT */
/* Pictures and comparisons that several test programs need. Everything fails the running cmocka
 * test on an error. */
#ifndef PLN_TESTS_SUPPORT_H
#define PLN_TESTS_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "planish/planish.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define OK(ctx, call)                                                                              \
    do {                                                                                           \
        if (call) fail_msg("%s: %s", #call, pln_context_message(ctx));                             \
    } while (0)

/* A number in [0, 1) that depends on its arguments only. */
static inline float noise(uint32_t x, uint32_t y, uint32_t k)
{
    uint32_t v = x * 0x9e3779b1u ^ y * 0x85ebca77u ^ k * 0xc2b2ae3du;
    v = (v ^ v >> 15) * 0x2c1b3c6du;
    v = (v ^ v >> 12) * 0x297a2d39u;
    return (float)((v ^ v >> 15) >> 8) / 16777216.0f;
}

/* What smoothers meet: slopes, straight and round edges, a regular texture, noise; all in [0, 1].
 */
static inline float scene(size_t x, size_t y, size_t k, size_t w, size_t h)
{
    float u = ((float)x + 0.5f) / (float)w, v = ((float)y + 0.5f) / (float)h;
    float s = 0.25f + 0.3f * u + 0.1f * v * (float)k;
    if ((u - 0.6f) * (u - 0.6f) + (v - 0.45f) * (v - 0.45f) < 0.06f) s = 0.85f - 0.2f * (float)k;
    if (u < 0.3f && v > 0.5f)
        s = 0.15f + 0.1f * (float)k + (((x / 2 + y / 2) & 1) ? 0.12f : -0.08f);
    if (v < 0.2f) s += 0.15f * sinf(0.9f * (float)x);
    s += 0.06f * (noise((uint32_t)x, (uint32_t)y, (uint32_t)k) - 0.5f);
    return s < 0 ? 0 : s > 1 ? 1 : s;
}

static inline pln_image *make_picture(pln_context *ctx, size_t w, size_t h, size_t c)
{
    pln_image *image = NULL;
    OK(ctx, pln_image_new_f32(ctx, w, h, c, &image));
    pln_view v = pln_image_pixels(image);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            for (size_t k = 0; k < c; k++)
                v.data[(ptrdiff_t)y * v.stride + (ptrdiff_t)(x * c + k)] = scene(x, y, k, w, h);
    return image;
}

static inline pln_image *make_constant(pln_context *ctx, size_t w, size_t h, size_t c, float value)
{
    pln_image *image = NULL;
    OK(ctx, pln_image_new_f32(ctx, w, h, c, &image));
    pln_view v = pln_image_pixels(image);
    for (size_t y = 0; y < h; y++)
        for (size_t i = 0; i < w * c; i++) v.data[(ptrdiff_t)y * v.stride + (ptrdiff_t)i] = value;
    return image;
}

static inline float *at(pln_view v, size_t x, size_t y)
{
    return v.data + (ptrdiff_t)y * v.stride + (ptrdiff_t)(x * v.c);
}

struct difference {
    double worst, rmse;
    size_t x, y;
};

/* Of two views of equal shape; a NaN counts as infinitely far. */
static inline struct difference differ(pln_view a, pln_view b)
{
    struct difference d = {0};
    double squares = 0;
    assert_int_equal(a.w, b.w);
    assert_int_equal(a.h, b.h);
    assert_int_equal(a.c, b.c);
    for (size_t y = 0; y < a.h; y++)
        for (size_t x = 0; x < a.w; x++)
            for (size_t k = 0; k < a.c; k++) {
                double e = fabs((double)at(a, x, y)[k] - at(b, x, y)[k]);
                if (isnan(e)) e = INFINITY;
                squares += e * e;
                if (e > d.worst) d.worst = e, d.x = x, d.y = y;
            }
    d.rmse = sqrt(squares / ((double)a.w * (double)a.h * (double)a.c));
    return d;
}

static inline bool same_bytes(pln_view a, pln_view b)
{
    assert_true(a.w == b.w && a.h == b.h && a.c == b.c);
    for (size_t y = 0; y < a.h; y++)
        if (memcmp(at(a, 0, y), at(b, 0, y), a.w * a.c * sizeof(float)) != 0) return false;
    return true;
}

#endif
