/* SPDX-License-Identifier: MIT */
/* Fan's energy, pair by pair. What decides is compared in units of 6 E, rounded to f32, as whole
 * numbers are kept there. */
#include <math.h>

#include "nn/backends/ref/ref.h"

static const int neighbours[12][2] = {{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 1},  {1, -1},
                                      {1, 0},   {1, 1},  {-2, 0}, {2, 0},  {0, -2}, {0, 2}};

struct picture {
    const pnn_call *call;
    const pln_fan_energy *k;
    size_t n, w, h;
};

/* A pixel, or a neighbour of one: outside the picture if ok is false. */
struct pixel {
    size_t y, x;
    bool ok;
};

static struct pixel beside(const struct picture *p, struct pixel i, int dy, int dx)
{
    size_t y = i.y + (size_t)dy, x = i.x + (size_t)dx; /* below 0: huge */
    return (struct pixel){y, x, y < p->h && x < p->w};
}

static double at(const struct picture *p, int operand, struct pixel i, size_t c)
{
    const pnn_tensor *t = &p->call->in[operand];
    return pnn_ref_get(t, pnn_ref_at(t, p->n, i.y, i.x, c));
}
static double T(const struct picture *p, struct pixel i, size_t c) { return at(p, 0, i, c); }
static double I(const struct picture *p, struct pixel i, size_t c) { return at(p, 1, i, c); }
static double G(const struct picture *p, struct pixel i) { return at(p, 2, i, 0); }
static bool B(const struct picture *p, struct pixel i) { return at(p, 2, i, 1) != 0; }
static double sum(const struct picture *p, struct pixel i)
{
    return T(p, i, 0) + T(p, i, 1) + T(p, i, 2);
}

/* 6 E_i(T) */
static double response(const struct picture *p, struct pixel i)
{
    double e = 0;
    for (int k = 0; k < 12; k++) {
        struct pixel j = beside(p, i, neighbours[k][0], neighbours[k][1]);
        if (j.ok) e += fabs(sum(p, i) - sum(p, j));
    }
    return e;
}

static bool decided(const struct picture *p, struct pixel i)
{
    double e = response(p, i), g = (double)(float)(6 * G(p, i));
    return (e - g > 6 * p->k->c2 && g < 6 * p->k->c1) || (G(p, i) == 0 && e > 0);
}

/* m_i = 1 */
static bool square(const struct picture *p, struct pixel i)
{
    for (int dy = -p->k->grow; dy <= p->k->grow; dy++)
        for (int dx = -p->k->grow; dx <= p->k->grow; dx++) {
            struct pixel j = beside(p, i, dy, dx);
            if (j.ok && decided(p, j)) return true;
        }
    return false;
}

static void yuv(const struct picture *p, struct pixel i, double v[3])
{
    double r = I(p, i, 0) / 255, g = I(p, i, 1) / 255, b = I(p, i, 2) / 255;
    v[0] = 0.299 * r + 0.587 * g + 0.114 * b;
    v[1] = 0.492 * (b - v[0]);
    v[2] = 0.877 * (r - v[0]);
}

static double weight(const struct picture *p, bool square_i, struct pixel i, struct pixel j)
{
    double a[3], b[3], near = 0;
    if (square_i) {
        double dy = (double)i.y - (double)j.y, dx = (double)i.x - (double)j.x;
        return exp(-(dy * dy + dx * dx) / (2 * p->k->sigma_s * p->k->sigma_s));
    }
    yuv(p, i, a);
    yuv(p, j, b);
    for (int c = 0; c < 3; c++) near += (a[c] - b[c]) * (a[c] - b[c]);
    double w = exp(-near / (2 * p->k->sigma_r * p->k->sigma_r));
    return w < 0.3 ? 0 : w;
}

static double phi(const struct picture *p, bool square_i, double d)
{
    return square_i ? p->k->alpha * d * d : pow(fabs(d), 0.8);
}

/* The sign of a tie. */
static double tie_of(const struct picture *p) { return p->k->slopes == PLN_FAN_AUTHORS ? -1 : 0; }

/* phi', or what the authors' code has in its place. */
static double slope(const struct picture *p, bool square_i, double d)
{
    if (p->k->slopes == PLN_FAN_EXACT) {
        if (square_i) return 2 * p->k->alpha * d;
        return d == 0 ? 0 : copysign(0.8 * pow(fabs(d), -0.2), d);
    }
    double a = square_i ? 2 * p->k->alpha * fmin(fabs(d), 1) : 0.8 * fmin(pow(fabs(d), -0.2), 1);
    return d > 0 ? a : d < 0 ? -a : tie_of(p) * a;
}

/* ---- Value ---- */

static double energy(const struct picture *p)
{
    double data = 0, flat = 0, edge = 0, edges = 0, n3 = 3 * (double)p->w * (double)p->h;
    int r = p->k->radius;
    for (size_t n = 0; n < p->w * p->h; n++) {
        struct pixel i = {n / p->w, n % p->w, true};
        bool m = square(p, i);
        for (size_t c = 0; c < 3; c++) data += pow(T(p, i, c) - I(p, i, c), 2);
        if (B(p, i)) {
            edge += pow(response(p, i) / 6 - G(p, i), 2);
            edges++;
            continue;
        }
        for (int dy = -r; dy <= r; dy++)
            for (int dx = -r; dx <= r; dx++) {
                struct pixel j = beside(p, i, dy, dx);
                if (!j.ok || (dy == 0 && dx == 0)) continue;
                double w = weight(p, m, i, j);
                for (size_t c = 0; c < 3; c++) flat += w * phi(p, m, T(p, i, c) - T(p, j, c));
            }
    }
    return data / n3 + p->k->lambda_f * flat / n3 + (edges > 0 ? p->k->lambda_e * edge / edges : 0);
}

/* ---- Gradient ---- */

/* The window's part: both halves take the weight of j as the centre in the authors' code, where i
 * is among its own j. */
static double flattening(const struct picture *p, struct pixel i, size_t c)
{
    bool exact = p->k->slopes == PLN_FAN_EXACT, m = square(p, i);
    double total = 0;
    int r = p->k->radius;
    for (int dy = -r; dy <= r; dy++)
        for (int dx = -r; dx <= r; dx++) {
            struct pixel j = beside(p, i, dy, dx);
            if (!j.ok || (tie_of(p) == 0 && dy == 0 && dx == 0)) continue;
            bool mj = square(p, j);
            double d = T(p, i, c) - T(p, j, c), wj = weight(p, mj, j, i);
            double wi = exact ? weight(p, m, i, j) : wj;
            if (!B(p, i)) total += wi * slope(p, m, d);
            if (!B(p, j)) total += wj * slope(p, mj, d);
        }
    return total;
}

/* 2 B (E - G) */
static double pull(const struct picture *p, struct pixel i)
{
    return B(p, i) ? 2 * (response(p, i) / 6 - G(p, i)) : 0;
}

static double edge_keeping(const struct picture *p, struct pixel i)
{
    double tie = tie_of(p), total = 2 * tie * pull(p, i);
    for (int k = 0; k < 12; k++) {
        struct pixel j = beside(p, i, neighbours[k][0], neighbours[k][1]);
        if (!j.ok) continue;
        double d = sum(p, i) - sum(p, j), sign = d > 0 ? 1 : d < 0 ? -1 : tie;
        total += sign * (pull(p, i) + pull(p, j));
    }
    return total / 6;
}

static void gradient(const struct picture *p)
{
    const pnn_tensor *out = &p->call->out;
    double n3 = 3 * (double)p->w * (double)p->h, edges = 0;
    for (size_t n = 0; n < p->w * p->h; n++)
        edges += B(p, (struct pixel){n / p->w, n % p->w, true});
    for (size_t n = 0; n < p->w * p->h; n++) {
        struct pixel i = {n / p->w, n % p->w, true};
        double edge = edges > 0 ? p->k->lambda_e * edge_keeping(p, i) / edges : 0;
        for (size_t c = 0; c < 3; c++) {
            double g = 2 * (T(p, i, c) - I(p, i, c)) + p->k->lambda_f * flattening(p, i, c);
            pnn_ref_put(out, pnn_ref_at(out, p->n, i.y, i.x, c), g / n3 + edge);
        }
    }
}

void pnn_ref_fan(const pnn_call *call, double *sums)
{
    struct picture p = {
        .call = call, .k = &call->v->attr.fan, .w = call->in[0].d[2], .h = call->in[0].d[1]};
    (void)sums;
    for (p.n = 0; p.n < call->in[0].d[0]; p.n++) {
        double value = energy(&p);
        gradient(&p);
        for (size_t i = 0; i < p.w * p.h; i++)
            pnn_ref_put(&call->out, pnn_ref_at(&call->out, p.n, i / p.w, i % p.w, 3), value);
    }
}
