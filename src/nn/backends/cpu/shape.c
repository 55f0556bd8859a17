/* SPDX-License-Identifier: MIT */
/* Moving values about: all of it is copies of boxes (pointwise.h). */
#include "nn/backends/cpu/pointwise.h"

/* ---- Boxes ---- */

static size_t offset_of(const pnn_view *v, const long at[4])
{
    size_t offset = 0;
    for (int i = 0; i < 4; i++) offset += (size_t)at[i] * v->step[i];
    return offset;
}

static pln_status fill(pln_context *ctx, const size_t d[4], pnn_view y, double value, void *work)
{
    float v = (float)value;
    return pnn_copy(ctx, d, (pnn_view){.data = &v, .type = PNN_F32}, y, work);
}

/* The box at `at` of x, of the sizes of out. */
static pln_status window(pln_context *ctx, const pnn_tensor *x, const long at[4],
                         const pnn_tensor *out, void *work)
{
    pnn_view v = pnn_view_of(x);
    return pnn_copy(ctx, out->d, pnn_view_at(v, offset_of(&v, at)), pnn_view_of(out), work);
}

/* x at `at` in out, zeros around: for each axis the slab before and the slab behind, as wide as x
 * along the axes that came earlier. */
static pln_status embed(pln_context *ctx, const pnn_tensor *x, const long at[4],
                        const pnn_tensor *out, void *work)
{
    pnn_view y = pnn_view_of(out), box = pnn_view_at(y, offset_of(&y, at));
    size_t d[4] = {out->d[0], out->d[1], out->d[2], out->d[3]};
    pln_status s = PLN_OK;

    PLN_TRY(pnn_copy(ctx, x->d, pnn_view_of(x), box, work));
    for (int i = 0; i < 4; i++) {
        size_t before = (size_t)at[i], behind = before + x->d[i];
        d[i] = before;
        PLN_TRY(fill(ctx, d, y, 0, work));
        d[i] = out->d[i] - behind;
        PLN_TRY(fill(ctx, d, pnn_view_at(y, behind * y.step[i]), 0, work));
        d[i] = x->d[i];
        y = pnn_view_at(y, before * y.step[i]);
    }
done:
    return s;
}

/* Parts whose memory is their place already are left alone. */
static pln_status concat(pln_context *ctx, const pnn_call *call, void *work)
{
    pnn_axis axis = call->v->attr.axis;
    pnn_view y = pnn_view_of(&call->out);
    pln_status s = PLN_OK;

    for (int i = 0; i < call->v->n_inputs; i++) {
        const pnn_tensor *x = &call->in[i];
        bool there = x->data == y.data && x->stride == call->out.stride && x->type == y.type;
        if (!there) PLN_TRY(pnn_copy(ctx, x->d, pnn_view_of(x), y, work));
        y = pnn_view_at(y, x->d[axis] * y.step[axis]);
    }
done:
    return s;
}

static size_t greatest_divisor(size_t a, size_t b) { return b ? greatest_divisor(b, a % b) : a; }

/* The same elements in the same order. Rows of both lengths have pieces of `piece` elements in
 * common, and all rows repeat after `period`. */
static pln_status reshape(pln_context *ctx, const pnn_tensor *x, const pnn_tensor *y, void *work)
{
    size_t from = pnn_dense(x) && pnn_dense(y) ? pnn_elements(x) : x->d[3],
           to = pnn_dense(x) && pnn_dense(y) ? from : y->d[3];
    size_t piece = greatest_divisor(from, to), period = from / piece * to;
    const size_t d[4] = {1, 1, pnn_elements(x) / period, piece};
    const pnn_view in = {x->data, x->type, {0, 0, period / from * x->stride, 1}},
                   out = {y->data, y->type, {0, 0, period / to * y->stride, 1}};
    pln_status s = PLN_OK;

    if (x->data == y->data && x->type == y->type && x->stride == y->stride) return s;
    for (size_t i = 0; i < period; i += piece)
        PLN_TRY(pnn_copy(ctx, d, pnn_view_at(in, i / from * x->stride + i % from),
                         pnn_view_at(out, i / to * y->stride + i % to), work));
done:
    return s;
}

static pln_status run_copy(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    const pnn_vertex *v = call->v;
    const pnn_tensor *x = &call->in[0], *out = &call->out;

    (void)k;
    switch (v->op) {
    case PNN_OP_FILL:
        return fill(ctx, out->d, pnn_view_of(out), v->attr.fill, work);
    case PNN_OP_CONSTANT: {
        pnn_tensor values = *out;
        values.data = v->attr.constant.values;
        values.stride = values.d[3];
        values.type = PNN_F32;
        return pnn_copy(ctx, out->d, pnn_view_of(&values), pnn_view_of(out), work);
    }
    case PNN_OP_CONCAT:
        return concat(ctx, call, work);
    case PNN_OP_WINDOW:
        return window(ctx, x, v->attr.box.offset, out, work);
    case PNN_OP_EMBED:
        return embed(ctx, x, v->attr.box.offset, out, work);
    case PNN_OP_RESHAPE:
        return reshape(ctx, x, out, work);
    case PNN_OP_ASSIGN:
        return pnn_copy(ctx, x->d, pnn_view_of(&call->in[1]), pnn_view_of(x), work);
    default: /* EXPAND, CAST */
        return pnn_copy(ctx, out->d, pnn_view_as(x, out->d), pnn_view_of(out), work);
    }
}

pln_status pnn_cpu_prepare_copy(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    (void)call;
    *kernel =
        (pnn_kernel){.run = run_copy, .work_bytes = pnn_copy_bytes(ctx), .name = "block copy"};
    return PLN_OK;
}

/* ---- Borders ---- */

/* Rows or columns along one axis: `size` of them, `before` and `after` added. */
struct border {
    size_t size, before, after;
    bool reflect;
};

static struct border border_of(const pnn_tensor *inner, const pnn_tensor *outer,
                               const pnn_pad_attr *pad, int axis)
{
    size_t before = (size_t)(axis == 1 ? pad->top : pad->left);
    return (struct border){inner->d[axis], before, outer->d[axis] - inner->d[axis] - before,
                           pad->mode == PNN_PAD_REFLECT};
}

static void borders(const pnn_tensor *inner, const pnn_tensor *outer, const pnn_pad_attr *pad,
                    struct border b[2])
{
    bool fits = true;
    for (int i = 0; i < 2; i++) {
        b[i] = border_of(inner, outer, pad, i + 1);
        fits = fits && b[i].before < b[i].size && b[i].after < b[i].size;
    }
    for (int i = 0; i < 2; i++) b[i].reflect = b[i].reflect && fits;
}

/* Which of the inner ones the outer one i repeats. */
static size_t source_of(const struct border *b, size_t i)
{
    if (i < b->before) return b->reflect ? b->before - i : 0;
    i -= b->before;
    if (i < b->size) return i;
    return b->reflect ? 2 * (b->size - 1) - i : b->size - 1;
}

/* The i-th that is not inner. */
static size_t border_at(const struct border *b, size_t i)
{
    return i < b->before ? i : b->size + i;
}

/* The picture, then its columns, then whole rows. */
static pln_status run_pad(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    const pnn_pad_attr *pad = &call->v->attr.pad;
    const long at[4] = {0, pad->top, pad->left, 0};
    pnn_view y = pnn_view_of(out), rows = pnn_view_at(y, (size_t)pad->top * y.step[1]);
    const size_t column[4] = {x->d[0], x->d[1], 1, x->d[3]};
    const size_t row[4] = {out->d[0], 1, out->d[2], out->d[3]};
    struct border b[2];
    pln_status s = PLN_OK;

    (void)k;
    if (pad->mode == PNN_PAD_ZERO) return embed(ctx, x, at, out, work);
    borders(x, out, pad, b);
    PLN_TRY(pnn_copy(ctx, x->d, pnn_view_of(x), pnn_view_at(y, offset_of(&y, at)), work));
    for (size_t i = 0; i < b[1].before + b[1].after; i++) {
        size_t to = border_at(&b[1], i), from = source_of(&b[1], to) + b[1].before;
        PLN_TRY(pnn_copy(ctx, column, pnn_view_at(rows, from * y.step[2]),
                         pnn_view_at(rows, to * y.step[2]), work));
    }
    for (size_t i = 0; i < b[0].before + b[0].after; i++) {
        size_t to = border_at(&b[0], i), from = source_of(&b[0], to) + b[0].before;
        PLN_TRY(pnn_copy(ctx, row, pnn_view_at(y, from * y.step[1]), pnn_view_at(y, to * y.step[1]),
                         work));
    }
done:
    return s;
}

struct pad_grad {
    const pointwise_kernels *kernels;
    const pnn_tensor *dy, *dx;
    struct border b[2];
    size_t rows; /* of a task */
};

/* to += from, n pixels. */
static void add_pixels(const struct pad_grad *g, size_t n, const float *from, float *to)
{
    size_t c = g->dx->d[3], row = c;
    pnn_map *add = g->kernels->binary[PNN_ADD];
    if (pnn_dense(g->dx) && pnn_dense(g->dy)) {
        row = n * c;
        n = 1;
    }
    for (size_t i = 0; i < n; i++, from += g->dy->stride, to += g->dx->stride)
        add(row, to, from, 0, 0, to);
}

static void pad_grad_row(const struct pad_grad *g, size_t picture, size_t row)
{
    const pnn_tensor *dy = g->dy, *dx = g->dx;
    const struct border *v = &g->b[0], *h = &g->b[1];
    float *to = (float *)dx->data + (picture * dx->d[1] + row) * dx->d[2] * dx->stride;

    for (size_t i = 0; i < dx->d[2]; i++)
        for (size_t k = 0; k < dx->d[3]; k++) to[i * dx->stride + k] = 0;
    /* i = 0: the row's own place. */
    for (size_t i = 0; i < 1 + v->before + v->after; i++) {
        size_t y = i ? border_at(v, i - 1) : row + v->before;
        if (source_of(v, y) != row) continue;
        const float *from =
            (const float *)dy->data + (picture * dy->d[1] + y) * dy->d[2] * dy->stride;
        add_pixels(g, dx->d[2], from + h->before * dy->stride, to);
        for (size_t j = 0; j < h->before + h->after; j++) {
            size_t x = border_at(h, j);
            add_pixels(g, 1, from + x * dy->stride, to + source_of(h, x) * dx->stride);
        }
    }
}

static void pad_grad_task(void *arg, size_t index, int thread)
{
    const struct pad_grad *g = arg;
    size_t rows = g->dx->d[0] * g->dx->d[1], end = pln_min(rows, (index + 1) * g->rows);
    (void)thread;
    for (size_t i = index * g->rows; i < end; i++)
        pad_grad_row(g, i / g->dx->d[1], i % g->dx->d[1]);
}

static pln_status run_pad_grad(pln_context *ctx, const pnn_kernel *k, const pnn_call *call,
                               void *work)
{
    const pnn_tensor *dx = &call->out;
    struct pad_grad g = {.kernels = PLN_KERNELS_PICK(ctx, pln_pointwise_kernels),
                         .dy = &call->in[0],
                         .dx = dx,
                         .rows = pnn_task_pixels(dx->d[2] * dx->d[3])};
    (void)k, (void)work;
    borders(dx, g.dy, &call->v->attr.pad, g.b);
    return pln_parallel(ctx, pln_div_up(dx->d[0] * dx->d[1], g.rows), pad_grad_task, &g);
}

pln_status pnn_cpu_prepare_pad(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    if (call->v->op == PNN_OP_PAD_GRAD)
        *kernel = (pnn_kernel){.run = run_pad_grad, .name = "rows"};
    else
        *kernel =
            (pnn_kernel){.run = run_pad, .work_bytes = pnn_copy_bytes(ctx), .name = "block copy"};
    return PLN_OK;
}

/* ---- Noise ---- */

struct noise {
    const pnn_tensor *out;
    uint64_t seed, stream;
    size_t pixels; /* of a task */
};

static void noise_task(void *arg, size_t index, int thread)
{
    const struct noise *n = arg;
    const pnn_tensor *y = n->out;
    size_t area = y->d[1] * y->d[2], end = pln_min(pnn_positions(y), (index + 1) * n->pixels);
    (void)thread;
    for (size_t i = index * n->pixels; i < end; i++)
        for (size_t k = 0; k < y->d[3]; k++) {
            size_t at = (i / area * y->d[3] + k) * area + i % area; /* N C H W */
            ((float *)y->data)[i * y->stride + k] =
                (float)pln_random_normal(n->seed, n->stream, at);
        }
}

static pln_status run_noise(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    const pnn_tensor *y = &call->out;
    struct noise n = {y, call->seed, call->v->attr.stream, pln_max(1, 4096 / y->d[3])};
    (void)k, (void)work;
    return pln_parallel(ctx, pln_div_up(pnn_positions(y), n.pixels), noise_task, &n);
}

pln_status pnn_cpu_prepare_noise(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    (void)ctx, (void)call;
    *kernel = (pnn_kernel){.run = run_noise, .name = "philox"};
    return PLN_OK;
}
