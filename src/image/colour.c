/* SPDX-License-Identifier: MIT */
/* Colour: luma, CIELAB as the authors of the bilateral and SD filters compute it, and the sRGB
 * curve. */
#include <math.h>
#include <string.h>

#include "core/vmath.h"
#include "image/image.h"

/* ---- Luma ---- */

void pln_luma(float *dst, const float *rgb, size_t n)
{
    /* MATLAB's and Octave's rgb2gray, all digits. */
    const double r = 0.2989360212937754, g = 0.5870430744511212, b = 0.1140209042551033;
    for (size_t i = 0; i < n; i++)
        dst[i] = (float)(r * rgb[3 * i] + g * rgb[3 * i + 1] + b * rgb[3 * i + 2]);
}

/* ---- CIELAB: Rec. 709 curve, D65; P. Getreuer's constants, which the authors' programs use ----
 */

static const double white[3] = {0.950456, 1, 1.088754};
/* linear RGB of XYZ */
static const double rgb_of_xyz[3][3] = {{3.240479, -1.53715, -0.498535},
                                        {-0.969256, 1.875992, 0.041556},
                                        {0.055648, -0.204043, 1.057311}};

/* Inverse of rgb_of_xyz, each row divided by its white. */
static void xyz_of_rgb(float m[3][3])
{
    const double(*a)[3] = rgb_of_xyz;
    double det = 0, inverse[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int p = (j + 1) % 3, q = (j + 2) % 3, u = (i + 1) % 3, v = (i + 2) % 3;
            inverse[i][j] = a[p][u] * a[q][v] - a[p][v] * a[q][u];
        }
    for (int j = 0; j < 3; j++) det += a[0][j] * inverse[j][0];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) m[i][j] = (float)(inverse[i][j] / det / white[i]);
}

/* The decision is made on the result of the power. */
static inline float expand(float v)
{
    float r = pln_pow((v + 0.099f) / 1.099f, 1 / 0.45f);
    return v <= -0.099f || r < 0.018f ? v / 4.5138f : r;
}

static inline float compress(float c)
{
    return c < 0.018f ? 4.5138f * c : 1.099f * pln_pow(c, 0.45f) - 0.099f;
}

static inline float cube_root(float t)
{
    return t < 0.008856f ? t * (841.0f / 108) + 4.0f / 29 : pln_pow(t, 1.0f / 3);
}

static inline float cube(float f)
{
    float t = f * f * f;
    return t < 0.008856f ? (f - 4.0f / 29) * (108.0f / 841) : t;
}

void pln_lab_matrices(float xyz[9], float rgb[9])
{
    float m[3][3];
    xyz_of_rgb(m);
    if (xyz) memcpy(xyz, m, sizeof m);
    for (int i = 0; i < 9 && rgb; i++) rgb[i] = (float)(rgb_of_xyz[i / 3][i % 3] * white[i % 3]);
}

enum { BLOCK = 64 };

void pln_rgb_to_lab(float *lab, const float *rgb, size_t n)
{
    float m[3][3], c[3][BLOCK], f[3][BLOCK];
    xyz_of_rgb(m);
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t k = pln_min(BLOCK, n - at);
        for (int j = 0; j < 3; j++)
            for (size_t i = 0; i < k; i++) c[j][i] = rgb[3 * (at + i) + (size_t)j];
        for (int j = 0; j < 3; j++)
            for (size_t i = 0; i < k; i++) c[j][i] = expand(c[j][i]);
        for (int j = 0; j < 3; j++)
            for (size_t i = 0; i < k; i++)
                f[j][i] = cube_root(m[j][0] * c[0][i] + m[j][1] * c[1][i] + m[j][2] * c[2][i]);
        for (size_t i = 0; i < k; i++) {
            lab[3 * (at + i)] = 116 * f[1][i] - 16;
            lab[3 * (at + i) + 1] = 500 * (f[0][i] - f[1][i]);
            lab[3 * (at + i) + 2] = 200 * (f[1][i] - f[2][i]);
        }
    }
}

void pln_lab_to_rgb(float *rgb, const float *lab, size_t n)
{
    float m[9], t[3][BLOCK], c[3][BLOCK];
    pln_lab_matrices(NULL, m);
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t k = pln_min(BLOCK, n - at);
        for (size_t i = 0; i < k; i++) {
            float y = (lab[3 * (at + i)] + 16) / 116;
            t[0][i] = cube(y + lab[3 * (at + i) + 1] / 500);
            t[1][i] = cube(y);
            t[2][i] = cube(y - lab[3 * (at + i) + 2] / 200);
        }
        for (int j = 0; j < 3; j++)
            for (size_t i = 0; i < k; i++)
                c[j][i] = m[3 * j] * t[0][i] + m[3 * j + 1] * t[1][i] + m[3 * j + 2] * t[2][i];
        /* Colours outside the gamut are desaturated towards white, then scaled. */
        for (size_t i = 0; i < k; i++) {
            float low = fminf(c[0][i], fminf(c[1][i], c[2][i])),
                  high = fmaxf(c[0][i], fmaxf(c[1][i], c[2][i]));
            float w = low < 0 ? -low : 0, s = high + w > 1 ? high + w : 1;
            for (int j = 0; j < 3; j++) c[j][i] = (c[j][i] + w) / s;
        }
        for (int j = 0; j < 3; j++)
            for (size_t i = 0; i < k; i++) {
                float v = compress(c[j][i]);
                rgb[3 * (at + i) + (size_t)j] = v < 0 ? 0 : v > 1 ? 1 : v;
            }
    }
}

/* ---- sRGB curve: IEC 61966-2-1, odd-symmetric so that slightly negative values survive ---- */

void pln_srgb_to_linear(float *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float v = fabsf(src[i]),
              r = v <= 0.04045f ? v / 12.92f : pln_pow((v + 0.055f) / 1.055f, 2.4f);
        dst[i] = copysignf(r, src[i]);
    }
}

void pln_linear_to_srgb(float *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float v = fabsf(src[i]),
              r = v <= 0.0031308f ? v * 12.92f : 1.055f * pln_pow(v, 1 / 2.4f) - 0.055f;
        dst[i] = copysignf(r, src[i]);
    }
}
