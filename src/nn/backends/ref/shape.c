/* SPDX-License-Identifier: MIT */
/* Moving values about: parts, borders, the Haar lattice. */
#include "nn/backends/ref/ref.h"

/* Same elements in the same order: reshaping, change of type. */
void pnn_ref_copy(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++)
        pnn_ref_put(out, pnn_ref_nth(out, i), pnn_ref_get(x, pnn_ref_nth(x, i)));
}

/* part into the box of whole that starts at offset (to), or out of it. */
static void move(const pnn_tensor *part, const pnn_tensor *whole, const long offset[4], bool to)
{
    for (size_t i = 0; i < pnn_elements(part); i++) {
        size_t at[4], here = pnn_ref_nth(part, i);
        pnn_ref_indices(part, i, at);
        for (int k = 0; k < 4; k++) at[k] += (size_t)offset[k];
        size_t there = pnn_ref_at(whole, at[0], at[1], at[2], at[3]);
        if (to)
            pnn_ref_put(whole, there, pnn_ref_get(part, here));
        else
            pnn_ref_put(part, here, pnn_ref_get(whole, there));
    }
}

void pnn_ref_concat(const pnn_call *call, double *sums)
{
    long offset[4] = {0, 0, 0, 0};
    pnn_axis axis = call->v->attr.axis;
    (void)sums;
    for (int i = 0; i < call->v->n_inputs; i++) {
        move(&call->in[i], &call->out, offset, true);
        offset[axis] += (long)call->in[i].d[axis];
    }
}

void pnn_ref_window(const pnn_call *call, double *sums)
{
    (void)sums;
    move(&call->out, &call->in[0], call->v->attr.box.offset, false);
}

void pnn_ref_embed(const pnn_call *call, double *sums)
{
    (void)sums;
    pnn_ref_fill(&call->out, 0);
    move(&call->in[0], &call->out, call->v->attr.box.offset, true);
}

void pnn_ref_expand(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        pnn_ref_indices(out, i, at);
        pnn_ref_put(out, pnn_ref_nth(out, i), pnn_ref_get(x, pnn_ref_repeated(x, at)));
    }
}

/* ---- Borders ---- */

struct border {
    pnn_pad_mode mode;
    long top, left;
    long h, w; /* inside */
};

static struct border border_of(const pnn_pad_attr *pad, const pnn_tensor *inner,
                               const pnn_tensor *outer)
{
    struct border b = {pad->mode, pad->top, pad->left, (long)inner->d[1], (long)inner->d[2]};
    long bottom = (long)outer->d[1] - b.h - b.top, right = (long)outer->d[2] - b.w - b.left;
    if (b.mode == PNN_PAD_REFLECT &&
        (b.top >= b.h || bottom >= b.h || b.left >= b.w || right >= b.w))
        b.mode = PNN_PAD_REPLICATE;
    return b;
}

/* Coordinate i of [0, side) or near it, brought inside. */
static size_t inside(long i, long side, pnn_pad_mode mode)
{
    if (mode == PNN_PAD_REFLECT) return (size_t)(i < 0 ? -i : i >= side ? 2 * (side - 1) - i : i);
    return (size_t)(i < 0 ? 0 : i >= side ? side - 1 : i);
}

/* Where the padded pixel comes from; false: from nowhere, it is 0. */
static bool source(const struct border *b, size_t y, size_t x, size_t *v, size_t *u)
{
    long r = (long)y - b->top, c = (long)x - b->left;
    *v = inside(r, b->h, b->mode);
    *u = inside(c, b->w, b->mode);
    return b->mode != PNN_PAD_ZERO || (r >= 0 && r < b->h && c >= 0 && c < b->w);
}

void pnn_ref_pad(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    struct border b = border_of(&call->v->attr.pad, x, out);
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4], v, u;
        pnn_ref_indices(out, i, at);
        bool some = source(&b, at[1], at[2], &v, &u);
        pnn_ref_put(out, pnn_ref_nth(out, i),
                    some ? pnn_ref_get(x, pnn_ref_at(x, at[0], v, u, at[3])) : 0);
    }
}

void pnn_ref_pad_grad(const pnn_call *call, double *sums)
{
    const pnn_tensor *dy = &call->in[0], *out = &call->out;
    struct border b = border_of(&call->v->attr.pad, out, dy);
    for (size_t i = 0; i < pnn_elements(out); i++) sums[i] = 0;
    for (size_t i = 0; i < pnn_elements(dy); i++) {
        size_t at[4], v, u;
        pnn_ref_indices(dy, i, at);
        if (source(&b, at[1], at[2], &v, &u))
            sums[((at[0] * out->d[1] + v) * out->d[2] + u) * out->d[3] + at[3]] +=
                pnn_ref_get(dy, pnn_ref_nth(dy, i));
    }
    for (size_t i = 0; i < pnn_elements(out); i++) pnn_ref_put(out, pnn_ref_nth(out, i), sums[i]);
}

/* ---- Haar ---- */

/* Signs of the cell's pixels (p q / r s, raster order) in the bands LL, LH, HL, HH; symmetric. */
static const int haar[4][4] = {{1, 1, 1, 1}, {1, -1, 1, -1}, {1, 1, -1, -1}, {1, -1, -1, 1}};

void pnn_ref_haar(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    size_t c = x->d[3];
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        double sum = 0;
        pnn_ref_indices(out, i, at);
        for (size_t k = 0; k < 4; k++)
            sum += haar[at[3] / c][k] * pnn_ref_get(x, pnn_ref_at(x, at[0], 2 * at[1] + k / 2,
                                                                  2 * at[2] + k % 2, at[3] % c));
        pnn_ref_put(out, pnn_ref_nth(out, i), sum / 4);
    }
}

void pnn_ref_haar_inverse(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    size_t c = out->d[3];
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        double sum = 0;
        pnn_ref_indices(out, i, at);
        size_t pixel = at[1] % 2 * 2 + at[2] % 2;
        for (size_t k = 0; k < 4; k++)
            sum += haar[k][pixel] *
                   pnn_ref_get(x, pnn_ref_at(x, at[0], at[1] / 2, at[2] / 2, k * c + at[3]));
        pnn_ref_put(out, pnn_ref_nth(out, i), sum);
    }
}
