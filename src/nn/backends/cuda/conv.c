/* SPDX-License-Identifier: MIT */
/* Convolutions: an engine of cuDNN on the tensors as they lie, else on packed copies of them, else
 * our own kernel. Weights are turned to O x KH x KW x I, once where they are fixed. */
#include <stddef.h>

#include "nn/backends/cuda/cuda.h"

/* What is tried, in this order. pack: operands are copied, dense, with channels padded so that
 * tensor cores take them. narrow: a result of f32 comes as bf16. */
static const struct attempt {
    bool pack, fuse, narrow;
    const char *name;
} attempts[] = {
    {false, true, false, "cudnn fused"}, {false, false, false, "cudnn"},
    {true, true, false, "cudnn fused"},  {true, false, false, "cudnn"},
    {true, true, true, "cudnn fused"},   {true, false, true, "cudnn"},
};

struct conv {
    cu_job *job;
    const pnn_call *call;
    const pnn_conv_attr *a;
    const pnn_epilogue *e;
    pln_engine_kind kind;
    pnn_tensor x, y; /* the convolution's input and output, whichever is the result */
    pnn_tensor w;    /* O x I x KH x KW, the result of WEIGHT */
    bool half;       /* what engines multiply */
    bool epilogue;
};

static size_t size_of(bool half) { return half ? 2 : 4; }

/* ---- One attempt: operands as the engine would see them ---- */

struct operand {
    const pnn_tensor *t;
    bool apart; /* in work memory */
    bool half;
    size_t c, stride;
};

/* Largest power of two, at most 16, that divides address and pixel step. */
static size_t alignment(const pnn_tensor *t)
{
    uintptr_t bits = (uintptr_t)t->data | t->stride * size_of(t->type == PNN_BF16) | 16;
    return (size_t)(bits & -bits);
}

static struct operand operand_of(const struct conv *c, const pnn_tensor *t, bool half, bool pack)
{
    size_t multiple = c->a->groups > 1 ? 1
                      : c->half        ? 8
                      : pack           ? 4
                                       : 1,
           padded = pln_div_up(t->d[3], multiple) * multiple;
    bool apart = pack || half != (t->type == PNN_BF16) || padded != t->d[3] ||
                 (c->half && alignment(t) < 16);
    return (struct operand){t, apart, half, padded, apart ? padded : t->stride};
}

static size_t operand_bytes(const struct operand *o)
{
    return pnn_positions(o->t) * o->c * size_of(o->half);
}

static size_t operand_alignment(const struct operand *o)
{
    size_t bits = o->c * size_of(o->half) | 16;
    return o->apart ? bits & -bits : alignment(o->t);
}

static cu_view dense_view(const struct operand *o, void *data)
{
    size_t w = o->c, h = o->t->d[2] * w, n = o->t->d[1] * h;
    return (cu_view){data, {n, h, w, 1}, o->half};
}

static bool can_fuse(const struct conv *c, const struct operand *y)
{
    const pnn_tensor *r = &c->call->in[3];
    return c->kind == PLN_ENGINE_FORWARD && y->c == y->t->d[3] && !c->e->residual_after &&
           c->e->act != PNN_ACT_RELU6 && (!r->data || alignment(r) == 16);
}

static pln_engine_spec spec_of(const struct conv *c, const struct operand *x,
                               const struct operand *y, bool result_half, bool fuse)
{
    const pnn_conv_attr *a = c->a;
    const pnn_tensor *r = &c->call->in[3];
    pln_engine_spec s = {.kind = c->kind,
                         .n = x->t->d[0],
                         .c = x->c,
                         .h = x->t->d[1],
                         .w = x->t->d[2],
                         .x_stride = x->stride,
                         .o = y->c,
                         .oh = y->t->d[1],
                         .ow = y->t->d[2],
                         .y_stride = y->stride,
                         .kh = a->kh,
                         .kw = a->kw,
                         .stride = a->stride,
                         .dilation = a->dilation,
                         .groups = a->groups,
                         .pad_top = a->pad_top,
                         .pad_left = a->pad_left,
                         .pad_bottom = a->pad_bottom,
                         .pad_right = a->pad_right,
                         .half = c->half,
                         .result_half = result_half,
                         .align = pln_min(operand_alignment(x), operand_alignment(y))};
    if (fuse) {
        s.bias = c->call->in[2].data != NULL;
        s.residual = r->data != NULL;
        s.residual_half = r->type == PNN_BF16;
        s.residual_stride = r->stride;
        s.act = c->e->act != PNN_ACT_NONE;
        s.slope = c->e->act == PNN_ACT_LEAKY_RELU ? c->e->slope : 0;
    }
    return s;
}

/* ---- The launches around an engine ---- */

/* An input in memory as the engine wants it: packed now, in every run, if it is not so already. */
static pln_status bring(const struct conv *c, const struct operand *o, void **address, bool *later)
{
    static const int patches[] = {offsetof(cu_pack, y) + offsetof(cu_view, data), -1};
    *address = o->t->data;
    *later = o->apart;
    if (!o->apart) return PLN_OK;
    *address = cu_later(cu_job_work(c->job, operand_bytes(o)) + 1);
    cu_pack p = {.x = cu_view_of(o->t), .y = dense_view(o, *address), .c = o->t->d[3]};
    cu_copy4(p.d, o->t->d);
    p.d[3] = o->c;
    return cu_job_launch(c->job, CU_pack, &p, sizeof p, cu_count(p.d), patches);
}

/* Weights for an engine of so many channels. */
static pln_status bring_weights(const struct conv *c, size_t padded_o, size_t padded_i,
                                void **address, bool *later)
{
    static const int patches[] = {offsetof(cu_weights, y) + offsetof(cu_view, data), -1};
    const pnn_tensor *w = &c->w;
    size_t count = padded_o * w->d[2] * w->d[3] * padded_i, bytes = count * size_of(c->half);
    bool fixed = c->call->fixed[1];
    pln_status s = PLN_OK;

    *later = !fixed;
    if (fixed)
        PLN_TRY(cu_job_keep(c->job, bytes, address));
    else
        *address = cu_later(cu_job_work(c->job, bytes) + 1);
    cu_weights p = {.x = cu_view_of(w),
                    .y = {.data = *address, .half = c->half},
                    .o = w->d[0],
                    .i = w->d[1],
                    .kh = w->d[2],
                    .kw = w->d[3],
                    .padded_o = padded_o,
                    .padded_i = padded_i};
    PLN_TRY(cu_job_launch(c->job, CU_weights, &p, sizeof p, count, fixed ? NULL : patches));
    if (fixed) PLN_TRY(cu_job_run_now(c->job));
done:
    return s;
}

/* out = act(sum + bias [+ residual]) [+ residual]; sum: of the engine, which did all that if it
 * fused. */
static pln_status launch_epilogue(const struct conv *c, cu_view sum, bool later, bool fused)
{
    static const int patches[] = {offsetof(cu_pointwise, in) + offsetof(cu_view, data), -1};
    static const pnn_unary_fn act_fn[] = {[PNN_ACT_RELU] = PNN_RELU,
                                          [PNN_ACT_LEAKY_RELU] = PNN_LEAKY_RELU,
                                          [PNN_ACT_RELU6] = PNN_RELU6};
    const pnn_call *call = c->call;
    const pnn_tensor *bias = &call->in[2], *residual = &call->in[3], *out = &call->out;
    cu_view in[3] = {sum};
    pnn_instr code[4];
    int inputs = 1, count = 0, reg = 0, b = 0, r = 0;

    if (fused)
        return cu_launch_program(c->job, NULL, 0, in, 1, cu_view_of(out), out->d,
                                 later ? patches : NULL);
    if (bias->data) in[b = inputs++] = cu_view_as(bias, out->d);
    if (residual->data) in[r = inputs++] = cu_view_of(residual);
    if (b) {
        code[count++] = (pnn_instr){.binary = true, .fn = PNN_ADD, .a = reg, .b = b};
        reg = inputs + count - 1;
    }
    if (r && c->e->residual_before) {
        code[count++] = (pnn_instr){.binary = true, .fn = PNN_ADD, .a = reg, .b = r};
        reg = inputs + count - 1;
    }
    if (c->e->act != PNN_ACT_NONE) {
        code[count++] = (pnn_instr){.fn = (int)act_fn[c->e->act], .a = reg, .p = c->e->slope};
        reg = inputs + count - 1;
    }
    if (r && c->e->residual_after)
        code[count++] = (pnn_instr){.binary = true, .fn = PNN_ADD, .a = reg, .b = r};
    return cu_launch_program(c->job, code, count, in, inputs, cu_view_of(out), out->d,
                             later ? patches : NULL);
}

/* Forward, and the gradient to the input. */
static pln_status launch_pixels(const struct conv *c, pln_engine *engine, size_t engine_bytes,
                                const struct operand *x, const struct operand *y, bool fused)
{
    bool forward = c->kind == PLN_ENGINE_FORWARD, later_in = false, later_w = false;
    const struct operand *in = forward ? x : y, *out = forward ? y : x;
    const pnn_call *call = c->call;
    pln_engine_operands o = {0};
    void *from = NULL, *to = out->t->data;
    pln_status s = PLN_OK;

    PLN_TRY(bring_weights(c, y->c, c->a->groups > 1 ? c->w.d[1] : x->c, &o.w, &later_w));
    PLN_TRY(bring(c, in, &from, &later_in));
    if (out->apart) to = cu_later(cu_job_work(c->job, operand_bytes(out)) + 1);
    o.x = forward ? from : to;
    o.y = forward ? to : from;
    if (fused) {
        o.bias = call->in[2].data;
        o.residual = call->in[3].data;
    }
    o.work = cu_later(cu_job_work(c->job, engine_bytes) + 1);
    bool later_x = forward ? later_in : out->apart, later_y = forward ? out->apart : later_in;
    s = cu_job_engine(c->job, engine, o,
                      (later_x ? 1u : 0) | (later_y ? 2u : 0) | (later_w ? 4u : 0) | 8u);
    engine = NULL;
    PLN_TRY(s);
    if (out->apart)
        s = launch_epilogue(c, dense_view(out, to), true, fused);
    else if (c->epilogue && !fused)
        s = launch_epilogue(c, cu_view_of(out->t), false, false);
done:
    if (engine) call->device->ops->engine_free(engine);
    return s;
}

static pln_status launch_weight(const struct conv *c, pln_engine *engine, size_t engine_bytes,
                                const struct operand *x, const struct operand *y, bool half)
{
    static const int patches[] = {offsetof(cu_weights, x) + offsetof(cu_view, data), -1};
    const pnn_tensor *w = &c->w;
    size_t padded_i = c->a->groups > 1 ? w->d[1] : x->c;
    bool later_x = false, later_y = false;
    pln_engine_operands o = {0};
    pln_status s = PLN_OK;

    PLN_TRY(bring(c, x, &o.x, &later_x));
    PLN_TRY(bring(c, y, &o.y, &later_y));
    o.w = cu_later(cu_job_work(c->job, y->c * w->d[2] * w->d[3] * padded_i * size_of(half)) + 1);
    o.work = cu_later(cu_job_work(c->job, engine_bytes) + 1);
    s = cu_job_engine(c->job, engine, o, (later_x ? 1u : 0) | (later_y ? 2u : 0) | 4u | 8u);
    engine = NULL;
    PLN_TRY(s);
    cu_weights p = {.x = {.data = o.w, .half = half},
                    .y = cu_view_of(w),
                    .o = w->d[0],
                    .i = w->d[1],
                    .kh = w->d[2],
                    .kw = w->d[3],
                    .padded_o = y->c,
                    .padded_i = padded_i};
    s = cu_job_launch(c->job, CU_weights_back, &p, sizeof p, pnn_elements(w), patches);
done:
    if (engine) c->call->device->ops->engine_free(engine);
    return s;
}

static pln_status take(const struct conv *c, const struct attempt *t, bool *taken)
{
    const pln_device_ops *ops = c->call->device->ops;
    const pnn_tensor *result = &c->call->out, *r = &c->call->in[3];
    bool result_half = result->type == PNN_BF16 || t->narrow, weight = c->kind == PLN_ENGINE_WEIGHT,
         forward = c->kind == PLN_ENGINE_FORWARD;
    struct operand x = operand_of(c, &c->x, weight || forward ? c->half : result_half, t->pack),
                   y = operand_of(c, &c->y, forward ? result_half : c->half, t->pack);
    pln_engine *engine = NULL;
    size_t bytes = 0;
    pln_status s = PLN_OK;

    *taken = false;
    /* Nothing to narrow, nothing to fuse: other attempts are the same. */
    if (t->narrow && (!c->half || result->type == PNN_BF16)) return PLN_OK;
    if (t->fuse && (!c->epilogue || !can_fuse(c, &y))) return PLN_OK;
    /* A residual that the result overwrites is read by our kernel, after the engine. */
    if (c->epilogue && r->data && r->data == result->data) {
        if (t->fuse) return PLN_OK;
        y.apart = true;
        y.stride = y.c;
    }
    pln_engine_spec spec = spec_of(c, &x, &y, result_half, t->fuse);
    PLN_TRY(ops->engine_new(c->call->device, &spec, &engine, &bytes));
    if (!engine) return PLN_OK;
    *taken = true;
    cu_job_name(c->job, t->name);
    s = weight ? launch_weight(c, engine, bytes, &x, &y, result_half)
               : launch_pixels(c, engine, bytes, &x, &y, t->fuse);
done:
    return s;
}

/* ---- Without an engine ---- */

static cu_conv direct_of(const struct conv *c)
{
    static const cu_act acts[] = {[PNN_ACT_NONE] = CU_ACT_NONE,
                                  [PNN_ACT_RELU] = CU_ACT_RELU,
                                  [PNN_ACT_LEAKY_RELU] = CU_ACT_LEAKY_RELU,
                                  [PNN_ACT_RELU6] = CU_ACT_RELU6};
    const pnn_call *call = c->call;
    bool forward = c->kind == PLN_ENGINE_FORWARD, weight = c->kind == PLN_ENGINE_WEIGHT;
    cu_conv p = {.x = cu_view_of(forward || weight ? &c->x : &c->y),
                 .w = cu_view_of(weight ? &c->y : &c->w),
                 .y = cu_view_of(&call->out),
                 .o = c->w.d[0],
                 .i = c->w.d[1],
                 .kh = c->w.d[2],
                 .kw = c->w.d[3],
                 .outs = c->w.d[0] / (size_t)c->a->groups,
                 .stride = (size_t)c->a->stride,
                 .dilation = (size_t)c->a->dilation,
                 .top = (size_t)c->a->pad_top,
                 .left = (size_t)c->a->pad_left};
    cu_copy4(p.xd, c->x.d);
    cu_copy4(p.yd, c->y.d);
    if (weight) return p;
    p.act = acts[c->e->act];
    p.slope = (float)c->e->slope;
    p.residual_before = c->e->residual_before;
    p.residual_after = c->e->residual_after;
    if (call->in[2].data) p.bias = cu_view_of(&call->in[2]);
    if (call->in[3].data) p.residual = cu_view_of(&call->in[3]);
    return p;
}

static pln_status direct(const struct conv *c)
{
    static const int partial_patches[] = {offsetof(cu_conv, partial), -1},
                     finish_patches[] = {offsetof(cu_finish, in), -1};
    cu_conv p = direct_of(c);
    size_t pairs, n = pnn_elements(&c->call->out);
    pln_status s = PLN_OK;

    if (c->kind == PLN_ENGINE_FORWARD) return cu_job_launch(c->job, CU_conv, &p, sizeof p, n, NULL);
    if (c->kind == PLN_ENGINE_DATA)
        return cu_job_launch(c->job, CU_conv_data, &p, sizeof p, n, NULL);
    p.parts = pln_min(cu_parts(n, pnn_positions(&c->y)), c->y.d[0] * c->y.d[1]);
    size_t from = cu_job_work(c->job, p.parts * n * sizeof(cu_pair)) + 1;
    p.partial = cu_later(from);
    PLN_TRY(cu_job_launch(c->job, CU_conv_weight, &p, sizeof p, p.parts * n, partial_patches));
    PLN_TRY(cu_launch_folds(c->job, false, from, n, p.parts, &pairs));
    cu_finish f = {.fn = CU_SUM, .in = cu_later(pairs), .y = cu_view_of(&c->w), .factor = 1};
    cu_copy4(f.kept, c->w.d);
    s = cu_job_launch(c->job, CU_finish, &f, sizeof f, n, finish_patches);
done:
    return s;
}

pln_status cu_prepare_conv(cu_job *job, const pnn_call *call)
{
    pnn_op op = call->v->op;
    struct conv c = {.job = job,
                     .call = call,
                     .a = &call->v->attr.conv.a,
                     .e = &call->v->attr.conv.e,
                     .kind = op == PNN_OP_CONV        ? PLN_ENGINE_FORWARD
                             : op == PNN_OP_CONV_DATA ? PLN_ENGINE_DATA
                                                      : PLN_ENGINE_WEIGHT};
    c.x = op == PNN_OP_CONV_DATA ? call->out : call->in[0];
    c.y = op == PNN_OP_CONV ? call->out : op == PNN_OP_CONV_DATA ? call->in[0] : call->in[1];
    c.w = op == PNN_OP_CONV_WEIGHT ? call->out : call->in[1];
    c.half = c.x.type == PNN_BF16 || c.y.type == PNN_BF16 || call->narrow;
    c.epilogue = op != PNN_OP_CONV_WEIGHT && (call->in[2].data || call->in[3].data || c.e->act);
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        bool taken;
        pln_status s = take(&c, &attempts[i], &taken);
        if (s || taken) return s;
    }
    return direct(&c);
}
