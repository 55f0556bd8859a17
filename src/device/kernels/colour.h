/* SPDX-License-Identifier: MIT */
/* Pictures to planes and back, with a change of colours on the way (image/colour.c says which).
 * Index i is that of a pixel. */
#ifndef PLN_DEVICE_KERNELS_COLOUR_H
#define PLN_DEVICE_KERNELS_COLOUR_H

#include "device/kernels/base.h"

typedef enum cu_colour {
    CU_COLOUR_SAME,
    CU_COLOUR_LAB, /* of planes: RGB to CIELAB; of pixels: back */
    CU_COLOUR_LUMA /* of planes: RGB to one plane */
} cu_colour;

typedef struct cu_planes {
    const float *in;
    float *out;
    size_t n, c; /* pixels, channels of the interleaved side */
    float scale; /* of what is put out */
    cu_colour colour;
    float matrix[9]; /* of CIELAB: linear RGB to XYZ over white, or back */
} cu_planes;

CU_BODY float cu_power(float x, float p) { return exp2f(p * log2f(x < 1e-30f ? 1e-30f : x)); }

CU_BODY float cu_lab_expand(float v)
{
    float r = cu_power((v + 0.099f) / 1.099f, 1 / 0.45f);
    return v <= -0.099f || r < 0.018f ? v / 4.5138f : r;
}

CU_BODY float cu_lab_compress(float c)
{
    return c < 0.018f ? 4.5138f * c : 1.099f * cu_power(c, 0.45f) - 0.099f;
}

CU_BODY float cu_lab_root(float t)
{
    return t < 0.008856f ? t * (841.0f / 108) + 4.0f / 29 : cu_power(t, 1.0f / 3);
}

CU_BODY float cu_lab_cube(float f)
{
    float t = f * f * f;
    return t < 0.008856f ? (f - 4.0f / 29) * (108.0f / 841) : t;
}

CU_BODY float cu_row_times(const float *row, const float v[3])
{
    return row[0] * v[0] + row[1] * v[1] + row[2] * v[2];
}

CU_BODY void cu_to_planes_body(const cu_planes *p, size_t i)
{
    const float *in = p->in + i * p->c;
    if (p->colour == CU_COLOUR_LAB) {
        float v[3], f[3];
        for (int k = 0; k < 3; k++) v[k] = cu_lab_expand(in[k]);
        for (int k = 0; k < 3; k++) f[k] = cu_lab_root(cu_row_times(p->matrix + 3 * k, v));
        p->out[i] = p->scale * (116 * f[1] - 16);
        p->out[p->n + i] = p->scale * (500 * (f[0] - f[1]));
        p->out[2 * p->n + i] = p->scale * (200 * (f[1] - f[2]));
    } else if (p->colour == CU_COLOUR_LUMA) {
        p->out[i] = p->scale * (float)(0.2989360212937754 * (double)in[0] +
                                       0.5870430744511212 * (double)in[1] +
                                       0.1140209042551033 * (double)in[2]);
    } else {
        for (size_t k = 0; k < p->c; k++) p->out[k * p->n + i] = p->scale * in[k];
    }
}

CU_BODY void cu_to_pixels_body(const cu_planes *p, size_t i)
{
    float *out = p->out + i * p->c;
    if (p->colour == CU_COLOUR_LAB) {
        float y = (p->scale * p->in[i] + 16) / 116, t[3], c[3];
        t[0] = cu_lab_cube(y + p->scale * p->in[p->n + i] / 500);
        t[1] = cu_lab_cube(y);
        t[2] = cu_lab_cube(y - p->scale * p->in[2 * p->n + i] / 200);
        for (int k = 0; k < 3; k++) c[k] = cu_row_times(p->matrix + 3 * k, t);
        float low = fminf(c[0], fminf(c[1], c[2])), high = fmaxf(c[0], fmaxf(c[1], c[2]));
        float white = low < 0 ? -low : 0, s = high + white > 1 ? high + white : 1;
        for (int k = 0; k < 3; k++) {
            float v = cu_lab_compress((c[k] + white) / s);
            out[k] = v < 0 ? 0 : v > 1 ? 1 : v;
        }
    } else {
        for (size_t k = 0; k < p->c; k++) out[k] = p->scale * p->in[k * p->n + i];
    }
}

#endif
