/* SPDX-License-Identifier: MIT */
/* Computing now what is the same in every run. */
#include <math.h>
#include <string.h>

#include "nn/backends/backend.h"
#include "nn/passes/passes.h"

static bool constant_shape(const pnn_graph *g, pnn_shape s, size_t dims[4])
{
    long k;
    for (int i = 0; i < 4; i++)
        if (!pnn_dim_is_const(g, pnn_shape_axis(s, (pnn_axis)i), &k)) return false;
    return pnn_shape_values(g, s, (pnn_size){1, 1, 1}, dims);
}

/* The vertex becomes a constant of its shape; returns its values to be filled, NULL on error. */
static float *become_constant(pnn_pass *p, pnn_node x, const size_t dims[4])
{
    float *values = pnn_graph_alloc(p->g, dims[0] * dims[1] * dims[2] * dims[3], sizeof *values);
    pnn_vertex *v = pnn_vertex_mut(p->g, x);
    if (!values) return NULL;
    *v = (pnn_vertex){
        .op = PNN_OP_CONSTANT, .type = PNN_F32, .shape = v->shape, .attr.constant = {values}};
    return values;
}

static pln_status compute(pnn_pass *p, pnn_node x, const size_t dims[4])
{
    const pnn_vertex v = *pnn_vertex_of(p->g, x);
    pnn_call call = {.v = &v};
    pnn_kernel kernel = {0};
    void *work = NULL;
    pln_status s = PLN_OK;

    for (int k = 0; k < v.n_inputs; k++) {
        if (!v.in[k].id) continue;
        pnn_tensor *t = &call.in[k];
        const float *known = pnn_pass_known(p, v.in[k]);
        memcpy(&t->data, &known, sizeof known);
        if (!pnn_shape_values(p->g, pnn_shape_of(p->g, v.in[k]), p->size, t->d)) goto done;
        t->stride = t->d[3];
        t->type = PNN_F32;
        call.fixed[k] = true;
    }
    memcpy(call.out.d, dims, sizeof call.out.d);
    call.out.stride = dims[3];
    call.out.type = PNN_F32;
    call.out.data = become_constant(p, x, dims);
    PLN_TRY(pnn_graph_status(p->g));
    PLN_TRY(pnn_backend_ref.prepare(p->ctx, &call, &kernel));
    PLN_TRY(pln_alloc(p->ctx, kernel.work_bytes, 1, &work));
    PLN_TRY(kernel.run(p->ctx, &kernel, &call, work));
done:
    if (kernel.release) kernel.release(kernel.state);
    pln_free(work);
    return s;
}

pln_status pnn_pass_fold(pnn_pass *p)
{
    pnn_graph *g = p->g;
    pln_status s = PLN_OK;
    for (int i = 1; i <= pnn_count(g) && !s; i++) {
        pnn_node x = {i};
        const pnn_vertex *v = pnn_vertex_of(g, x);
        size_t dims[4], of[4];
        bool known = v->n_inputs > 0;
        if (!p->users[i] || !constant_shape(g, v->shape, dims)) continue;
        if (v->op == PNN_OP_REDUCE) {
            const pnn_vertex *from = pnn_vertex_of(g, v->in[0]);
            if (from->op == PNN_OP_FILL && pnn_shape_values(g, from->shape, p->size, of)) {
                double value = from->attr.fill;
                size_t n = dims[0] * dims[1] * dims[2] * dims[3];
                if (v->attr.reduce.fn == PNN_SUM)
                    value *= (double)(of[0] * of[1] * of[2] * of[3] / n);
                float *values = become_constant(p, x, dims);
                for (size_t k = 0; values && k < n; k++) values[k] = (float)value;
                continue;
            }
        }
        for (int k = 0; k < v->n_inputs; k++)
            known = known && (!v->in[k].id || pnn_pass_known(p, v->in[k]));
        if (known && v->op != PNN_OP_NOISE && v->op != PNN_OP_ADAM && v->op != PNN_OP_ASSIGN &&
            v->op != PNN_OP_GROUP_MEAN)
            s = compute(p, x, dims);
    }
    return s ? s : pnn_graph_status(g);
}

/* ---- Normalisation ---- */

/* y = scale x + shift */
struct line {
    const float *mean, *var, *gamma, *beta;
    double eps;
};
static double scale_of(const struct line *l, size_t c)
{
    return l->gamma[c] / sqrt(l->var[c] + l->eps);
}

static bool fold_into_conv(pnn_pass *p, pnn_node x, const struct line *l)
{
    pnn_graph *g = p->g;
    const pnn_vertex norm = *pnn_vertex_of(g, x), conv = *pnn_vertex_of(g, norm.in[0]);
    if (conv.op != PNN_OP_CONV || p->users[norm.in[0].id] != 1 || conv.attr.conv.e.act ||
        conv.in[3].id)
        return false;
    const float *w = pnn_pass_known(p, conv.in[1]), *b = pnn_pass_known(p, conv.in[2]);
    size_t d[4];
    if (!w || (conv.in[2].id && !b) ||
        !pnn_shape_values(g, pnn_shape_of(g, conv.in[1]), p->size, d))
        return false;
    size_t out = d[0], each = d[1] * d[2] * d[3];
    float *weight = pnn_graph_alloc(g, out * each, sizeof *weight),
          *bias = pnn_graph_alloc(g, out, sizeof *bias);
    if (!weight || !bias) return true;
    for (size_t o = 0; o < out; o++) {
        double scale = scale_of(l, o);
        for (size_t k = 0; k < each; k++) weight[o * each + k] = (float)(scale * w[o * each + k]);
        bias[o] = (float)(((b ? b[o] : 0.0) - l->mean[o]) * scale + l->beta[o]);
    }
    pnn_vertex wv = {.op = PNN_OP_CONSTANT,
                     .shape = pnn_shape_of(g, conv.in[1]),
                     .attr.constant = {weight}},
               bv = {.op = PNN_OP_CONSTANT,
                     .shape = pnn_shape_of(g, norm.in[2]),
                     .attr.constant = {bias}};
    pnn_vertex fused = conv;
    fused.in[1] = pnn_append(g, &wv);
    fused.in[2] = pnn_append(g, &bv);
    *pnn_vertex_mut(g, x) = fused;
    return true;
}

static void become_line(pnn_pass *p, pnn_node x, const struct line *l)
{
    pnn_graph *g = p->g;
    const pnn_vertex norm = *pnn_vertex_of(g, x);
    size_t c = (size_t)pnn_channels(g, x);
    float *scale = pnn_graph_alloc(g, c, sizeof *scale),
          *shift = pnn_graph_alloc(g, c, sizeof *shift);
    pnn_instr *code = pnn_graph_alloc(g, 2, sizeof *code);
    if (!scale || !shift || !code) return;
    for (size_t k = 0; k < c; k++) {
        scale[k] = (float)scale_of(l, k);
        shift[k] = (float)(l->beta[k] - l->mean[k] * scale_of(l, k));
    }
    pnn_vertex a = {.op = PNN_OP_CONSTANT,
                    .shape = pnn_shape_of(g, norm.in[2]),
                    .attr.constant = {scale}},
               b = a;
    b.attr.constant.values = shift;
    code[0] = (pnn_instr){.binary = true, .fn = PNN_MUL, .a = 0, .b = 1};
    code[1] = (pnn_instr){.binary = true, .fn = PNN_ADD, .a = 3, .b = 2};
    pnn_vertex fused = {.op = PNN_OP_FUSED,
                        .type = PNN_F32,
                        .shape = norm.shape,
                        .n_inputs = 3,
                        .in = {norm.in[0], pnn_append(g, &a), pnn_append(g, &b)},
                        .attr.fused = {2, code}};
    *pnn_vertex_mut(g, x) = fused;
}

pln_status pnn_pass_fold_norm(pnn_pass *p)
{
    pnn_graph *g = p->g;
    int count = pnn_count(g);
    for (int i = 1; i <= count; i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        if (v->op != PNN_OP_NORM || !v->attr.norm.constant || v->attr.norm.per_image ||
            !p->users[i])
            continue;
        struct line l = {.mean = pnn_pass_known(p, v->in[1]),
                         .gamma = pnn_pass_known(p, v->in[2]),
                         .beta = pnn_pass_known(p, v->in[3]),
                         .eps = v->attr.norm.eps};
        if (!l.mean || !l.gamma || !l.beta) continue;
        l.var = l.mean + pnn_channels(g, (pnn_node){i});
        if (!fold_into_conv(p, (pnn_node){i}, &l)) become_line(p, (pnn_node){i}, &l);
    }
    return pnn_graph_status(g);
}
