/* SPDX-License-Identifier: MIT */
#include "nn/backends/cpu/onednn.h"

#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#include "nn/half.h"

/* Of libgomp, which oneDNN runs on: how many threads the caller's next loops take. */
void omp_set_num_threads(int threads);

enum { DIMS = 4, ALIGN = 64, PARTS_MOST = 16 };

/* What one execution of the convolution is given. */
struct operands {
    dnnl_stream_t stream;
    dnnl_memory_t x, weight, y, scratch;
};

struct state {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t conv,
        to_packed; /* to_packed: weights of the file into oneDNN's order, or back */
    dnnl_memory_t bias, file_weight;
    /* One, but of a gradient of weights: there each is a part of the batch, computed on one thread,
     * so that the sums over pixels are the same for any number of threads. */
    struct operands part[PARTS_MOST];
    size_t parts;
    char *packed; /* fixed weights in oneDNN's order; NULL: in the work memory, of each part */
    size_t packed_bytes, scratch_bytes;
    char name[64];
    bool unpack;             /* unpack: the result is a gradient of weights */
    bool narrow_x, narrow_y; /* f32 in memory and bf16 for oneDNN */
    bool copy_x, copy_y;     /* through a dense copy: windows of channels fall to slow kernels */
    size_t packed_at, x_at, y_at; /* bytes into the work memory */
};

static pln_status said(pln_context *ctx, dnnl_status_t status, const char *what)
{
    if (status == dnnl_success) return PLN_OK;
    if (status == dnnl_out_of_memory)
        return pln_fail(ctx, PLN_E_MEMORY, "out of memory in oneDNN: %s", what);
    return pln_fail(ctx, PLN_E_INTERNAL, "oneDNN refuses: %s (status %d)", what, (int)status);
}
#define TRY_DNNL(call) PLN_TRY(said(ctx, (call), #call))

static void release(void *state)
{
    struct state *st = state;
    if (!st) return;
    for (size_t i = 0; i < st->parts; i++) {
        const struct operands *p = &st->part[i];
        const dnnl_memory_t memories[] = {p->x, p->weight, p->y, p->scratch};
        for (size_t k = 0; k < sizeof memories / sizeof *memories; k++)
            if (memories[k]) dnnl_memory_destroy(memories[k]);
        if (p->stream) dnnl_stream_destroy(p->stream);
    }
    if (st->bias) dnnl_memory_destroy(st->bias);
    if (st->file_weight) dnnl_memory_destroy(st->file_weight);
    if (st->conv) dnnl_primitive_destroy(st->conv);
    if (st->to_packed) dnnl_primitive_destroy(st->to_packed);
    if (st->stream) dnnl_stream_destroy(st->stream);
    if (st->engine) dnnl_engine_destroy(st->engine);
    pln_free(st->packed);
    pln_free(st);
}

static void follow_isa(pln_context *ctx)
{
    static const dnnl_cpu_isa_t isa_of[] = {[PLN_ISA_BASELINE] = dnnl_cpu_isa_sse41,
                                            [PLN_ISA_AVX2] = dnnl_cpu_isa_avx2,
                                            [PLN_ISA_AVX512] = dnnl_cpu_isa_avx512_core_bf16,
                                            [PLN_ISA_AMX] = dnnl_cpu_isa_all};
    /* Refused when oneDNN has been used already: the first call decides. */
    (void)dnnl_set_max_cpu_isa(isa_of[pln_isa_of(ctx)]);
}

/* ---- Descriptors ---- */

/* N x H x W x C in memory with a stride from pixel to pixel; oneDNN counts N, C, H, W. */
static dnnl_memory_desc_t pixels_desc(const pnn_tensor *t, dnnl_data_type_t type)
{
    dnnl_memory_desc_t md;
    int64_t s = (int64_t)t->stride, h = (int64_t)t->d[1], w = (int64_t)t->d[2];
    const dnnl_dims_t dims = {(int64_t)t->d[0], (int64_t)t->d[3], h, w},
                      strides = {h * w * s, 1, w * s, s};
    (void)dnnl_memory_desc_init_by_strides(&md, DIMS, dims, type, strides);
    return md;
}

static int weight_dims(const pnn_tensor *t, int groups, dnnl_dims_t dims)
{
    int n = 0;
    int64_t out = (int64_t)t->d[0];
    if (groups > 1) {
        dims[n++] = groups;
        out /= groups;
    }
    dims[n++] = out;
    for (int i = 1; i < 4; i++) dims[n++] = (int64_t)t->d[i];
    return n;
}

static dnnl_data_type_t type_of(pnn_type type) { return type == PNN_BF16 ? dnnl_bf16 : dnnl_f32; }

/* The activation and the addition, in the order of the call. */
static pln_status set_epilogue(pln_context *ctx, const pnn_call *call, dnnl_primitive_attr_t attr)
{
    const pnn_epilogue *e = &call->v->attr.conv.e;
    dnnl_post_ops_t ops = NULL;
    pln_status s = PLN_OK;

    TRY_DNNL(dnnl_post_ops_create(&ops));
    if (e->residual_before) TRY_DNNL(dnnl_post_ops_append_sum(ops, 1));
    if (e->act == PNN_ACT_RELU6)
        TRY_DNNL(dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_bounded_relu, 6, 0));
    else if (e->act)
        TRY_DNNL(dnnl_post_ops_append_eltwise(
            ops, 1, dnnl_eltwise_relu, e->act == PNN_ACT_LEAKY_RELU ? (float)e->slope : 0, 0));
    if (e->residual_after) TRY_DNNL(dnnl_post_ops_append_sum(ops, 1));
    TRY_DNNL(dnnl_primitive_attr_set_post_ops(attr, ops));
done:
    if (ops) dnnl_post_ops_destroy(ops);
    return s;
}

/* x -> y of the convolution in its own direction, whichever of them is the result. */
struct roles {
    const pnn_tensor *x, *weight, *y, *bias;
};
static struct roles roles_of(const pnn_call *call)
{
    switch (call->v->op) {
    case PNN_OP_CONV_DATA:
        return (struct roles){&call->out, &call->in[1], &call->in[0], NULL};
    case PNN_OP_CONV_WEIGHT:
        return (struct roles){&call->in[0], &call->out, &call->in[1], NULL};
    default:
        return (struct roles){&call->in[0], &call->in[1], &call->out,
                              call->in[2].data ? &call->in[2] : NULL};
    }
}

static pln_status make_desc(pln_context *ctx, const pnn_call *call, const struct roles *r,
                            bool bf16, dnnl_primitive_desc_t *pd, dnnl_engine_t engine)
{
    const pnn_conv_attr *a = &call->v->attr.conv.a;
    const pnn_op op = call->v->op;
    dnnl_data_type_t wide = bf16 ? dnnl_bf16 : dnnl_f32;
    dnnl_memory_desc_t x = pixels_desc(r->x, op == PNN_OP_CONV_DATA ? type_of(r->x->type) : wide),
                       y = pixels_desc(r->y, op == PNN_OP_CONV ? type_of(r->y->type) : wide),
                       wide_x = pixels_desc(r->x, wide), w, dw, b;
    dnnl_convolution_desc_t cd;
    dnnl_primitive_desc_t hint = NULL;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_dims_t wd;
    int wn = weight_dims(r->weight, a->groups, wd);
    const dnnl_dims_t strides = {a->stride, a->stride},
                      dilates = {a->dilation - 1, a->dilation - 1}, bd = {(int64_t)r->y->d[3]};
    /* What the sizes say: the bottom and right pads of the graph may reach past what is used. */
    dnnl_dims_t before = {a->pad_top, a->pad_left},
                after = {((int64_t)r->y->d[1] - 1) * a->stride + (a->kh - 1) * a->dilation + 1 -
                             (int64_t)r->x->d[1] - a->pad_top,
                         ((int64_t)r->y->d[2] - 1) * a->stride + (a->kw - 1) * a->dilation + 1 -
                             (int64_t)r->x->d[2] - a->pad_left};
    pln_status s = PLN_OK;

    TRY_DNNL(dnnl_memory_desc_init_by_tag(&w, wn, wd, wide, dnnl_format_tag_any));
    TRY_DNNL(dnnl_memory_desc_init_by_tag(&dw, wn, wd, dnnl_f32, dnnl_format_tag_any));
    TRY_DNNL(dnnl_memory_desc_init_by_tag(&b, 1, bd, dnnl_f32, dnnl_a));
    TRY_DNNL(dnnl_primitive_attr_create(&attr));
    TRY_DNNL(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
    if (op == PNN_OP_CONV) {
        PLN_TRY(set_epilogue(ctx, call, attr));
        TRY_DNNL(dnnl_dilated_convolution_forward_desc_init(
            &cd, dnnl_forward_inference, dnnl_convolution_direct, &x, &w, r->bias ? &b : NULL, &y,
            strides, dilates, before, after));
        TRY_DNNL(dnnl_primitive_desc_create(pd, &cd, attr, engine, NULL));
        goto done;
    }
    TRY_DNNL(dnnl_dilated_convolution_forward_desc_init(&cd, dnnl_forward_training,
                                                        dnnl_convolution_direct, &wide_x, &w, NULL,
                                                        &y, strides, dilates, before, after));
    TRY_DNNL(dnnl_primitive_desc_create(&hint, &cd, NULL, engine, NULL));
    if (op == PNN_OP_CONV_DATA)
        TRY_DNNL(dnnl_dilated_convolution_backward_data_desc_init(
            &cd, dnnl_convolution_direct, &x, &w, &y, strides, dilates, before, after));
    else
        TRY_DNNL(dnnl_dilated_convolution_backward_weights_desc_init(
            &cd, dnnl_convolution_direct, &x, &dw, NULL, &y, strides, dilates, before, after));
    TRY_DNNL(dnnl_primitive_desc_create(pd, &cd, attr, engine, hint));
done:
    if (attr) dnnl_primitive_attr_destroy(attr);
    if (hint) dnnl_primitive_desc_destroy(hint);
    return s;
}

/* ---- Weights ---- */

static pln_status make_weights(pln_context *ctx, struct state *st, const_dnnl_primitive_desc_t pd,
                               const struct roles *r, int groups, bool fixed)
{
    const dnnl_memory_desc_t *packed = dnnl_primitive_desc_query_md(
        pd, st->unpack ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
    dnnl_memory_desc_t file;
    dnnl_primitive_desc_t reorder = NULL;
    dnnl_dims_t dims;
    int n = weight_dims(r->weight, groups, dims);
    pln_status s = PLN_OK;

    TRY_DNNL(
        dnnl_memory_desc_init_by_tag(&file, n, dims, dnnl_f32, n == 5 ? dnnl_goihw : dnnl_oihw));
    st->packed_bytes = pln_div_up(dnnl_memory_desc_get_size(packed), ALIGN) * ALIGN;
    if (fixed) PLN_TRY(pln_alloc(ctx, st->packed_bytes, 1, &st->packed));
    for (size_t i = 0; i < st->parts; i++)
        TRY_DNNL(dnnl_memory_create(&st->part[i].weight, packed, st->engine,
                                    fixed ? st->packed : DNNL_MEMORY_NONE));
    TRY_DNNL(dnnl_memory_create(&st->file_weight, &file, st->engine, DNNL_MEMORY_NONE));
    TRY_DNNL(st->unpack ? dnnl_reorder_primitive_desc_create(&reorder, packed, st->engine, &file,
                                                             st->engine, NULL)
                        : dnnl_reorder_primitive_desc_create(&reorder, &file, st->engine, packed,
                                                             st->engine, NULL));
    TRY_DNNL(dnnl_primitive_create(&st->to_packed, reorder));
done:
    if (reorder) dnnl_primitive_desc_destroy(reorder);
    return s;
}

static pln_status move_weights(pln_context *ctx, struct state *st, void *file)
{
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_FROM, st->unpack ? st->part->weight : st->file_weight},
        {DNNL_ARG_TO, st->unpack ? st->file_weight : st->part->weight}};
    pln_status s = PLN_OK;
    TRY_DNNL(dnnl_memory_set_data_handle(st->file_weight, file));
    TRY_DNNL(dnnl_primitive_execute(st->to_packed, st->stream, 2, args));
    TRY_DNNL(dnnl_stream_wait(st->stream));
done:
    return s;
}

/* ---- Running ---- */

struct rows {
    const pnn_tensor *from;
    char *to;
    size_t to_stride; /* bytes from pixel to pixel */
    pnn_type to_type;
};
enum { ROWS = 4096 };

static size_t size_of(pnn_type type) { return type == PNN_BF16 ? 2 : 4; }

static void copy_rows(void *arg, size_t index, int thread)
{
    const struct rows *c = arg;
    size_t first = index * ROWS, last = pln_min(first + ROWS, pnn_positions(c->from));
    size_t n = c->from->d[3], size = size_of(c->from->type);
    (void)thread;
    for (size_t i = first; i < last; i++) {
        const char *from = (const char *)c->from->data + i * c->from->stride * size;
        char *to = c->to + i * c->to_stride;
        if (c->from->type == c->to_type)
            memcpy(to, from, n * size);
        else if (c->to_type == PNN_BF16)
            for (size_t k = 0; k < n; k++)
                ((uint16_t *)(void *)to)[k] =
                    pnn_bf16_of_f32(((const float *)(const void *)from)[k]);
        else
            for (size_t k = 0; k < n; k++)
                ((float *)(void *)to)[k] =
                    pnn_f32_of_bf16(((const uint16_t *)(const void *)from)[k]);
    }
}

/* to_stride: elements of to_type. */
static pln_status copy_pixels(pln_context *ctx, const pnn_tensor *from, void *to, size_t to_stride,
                              pnn_type to_type)
{
    struct rows c = {from, to, to_stride * size_of(to_type), to_type};
    return pln_parallel(ctx, pln_div_up(pnn_positions(from), ROWS), copy_rows, &c);
}

static void add_bias(void *arg, size_t index, int thread)
{
    const pnn_call *call = arg;
    const pnn_tensor *out = &call->out;
    size_t first = index * ROWS, last = pln_min(first + ROWS, pnn_positions(out));
    const float *bias = call->in[2].data;
    (void)thread;
    for (size_t i = first; i < last; i++) {
        float *y = (float *)out->data + i * out->stride;
        for (size_t k = 0; k < out->d[3]; k++) y[k] += bias[k];
    }
}

/* scratch: of one thread. */
static pln_status execute(pln_context *ctx, const struct state *st, const struct operands *p,
                          const pnn_call *call, void *x, void *y, void *scratch)
{
    const struct roles r = roles_of(call);
    const pnn_op op = call->v->op;
    dnnl_exec_arg_t args[6] = {{op == PNN_OP_CONV_DATA ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, p->x},
                               {st->unpack ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, p->weight},
                               {op == PNN_OP_CONV ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, p->y},
                               {DNNL_ARG_SCRATCHPAD, p->scratch}};
    int n = 4;
    pln_status s = PLN_OK;

    TRY_DNNL(dnnl_memory_set_data_handle(p->x, x));
    TRY_DNNL(dnnl_memory_set_data_handle(p->y, y));
    TRY_DNNL(dnnl_memory_set_data_handle(p->scratch, scratch));
    if (r.bias) {
        TRY_DNNL(dnnl_memory_set_data_handle(st->bias, r.bias->data));
        args[n++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, st->bias};
    }
    TRY_DNNL(dnnl_primitive_execute(st->conv, p->stream, n, args));
    TRY_DNNL(dnnl_stream_wait(p->stream));
done:
    return s;
}

/* ---- Gradients of weights: parts of the batch on threads of ours, oneDNN's on one each ---- */

struct parts {
    pln_context *ctx;
    const struct state *st;
    const pnn_call *call;
    char *x, *y, *work;
    size_t x_bytes, y_bytes; /* of a part */
    pln_status status[PARTS_MOST];
};

static void run_part(void *arg, size_t i, int thread)
{
    struct parts *p = arg;
    const struct state *st = p->st;
    omp_set_num_threads(1);
    p->status[i] = execute(p->ctx, st, &st->part[i], p->call, p->x + i * p->x_bytes,
                           p->y + i * p->y_bytes, p->work + (size_t)thread * st->scratch_bytes);
}

static pln_status run_parts(pln_context *ctx, const struct state *st, const pnn_call *call,
                            const pnn_tensor *x, const pnn_tensor *y, char *work)
{
    struct parts p = {.ctx = ctx,
                      .st = st,
                      .call = call,
                      .x = x->data,
                      .y = y->data,
                      .work = work,
                      .x_bytes = pnn_elements(x) / st->parts * size_of(x->type),
                      .y_bytes = pnn_elements(y) / st->parts * size_of(y->type)};
    float *sum = (float *)(void *)(work + st->packed_at);
    pln_status s = PLN_OK;
    PLN_TRY(pln_parallel(ctx, st->parts, run_part, &p));
    for (size_t i = 0; i < st->parts; i++) PLN_TRY(p.status[i]);
    for (size_t i = 1; i < st->parts; i++) {
        const float *part = (const float *)(void *)(work + st->packed_at + i * st->packed_bytes);
        for (size_t k = 0; k < st->packed_bytes / sizeof *sum; k++) sum[k] += part[k];
    }
done:
    return s;
}

/* The same pixels without gaps, at `data`. */
static pnn_tensor dense_at(const pnn_tensor *t, void *data, bool narrow)
{
    pnn_tensor d = *t;
    d.stride = d.d[3];
    d.data = data;
    if (narrow) d.type = PNN_BF16;
    return d;
}

static pln_status run(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    struct state *st = k->state;
    const struct roles r = roles_of(call);
    const pnn_op op = call->v->op;
    char *at = work;
    const pnn_tensor x = st->copy_x ? dense_at(r.x, at + st->x_at, st->narrow_x) : *r.x,
                     y = st->copy_y ? dense_at(r.y, at + st->y_at, st->narrow_y) : *r.y,
                     *out = op == PNN_OP_CONV ? &y : &x;
    pln_status s = PLN_OK;

    omp_set_num_threads(st->unpack ? 1 : pln_context_threads(ctx));
    for (size_t i = 0; i < st->parts && !st->packed; i++) {
        char *packed = at + st->packed_at + i * st->packed_bytes;
        memset(packed, 0, st->packed_bytes); /* channels that fill up blocks stay so */
        TRY_DNNL(dnnl_memory_set_data_handle(st->part[i].weight, packed));
    }
    if (!st->packed && !st->unpack) PLN_TRY(move_weights(ctx, st, r.weight->data));
    if (st->copy_x && op != PNN_OP_CONV_DATA)
        PLN_TRY(copy_pixels(ctx, r.x, x.data, x.stride, x.type));
    if (st->copy_y && op != PNN_OP_CONV) PLN_TRY(copy_pixels(ctx, r.y, y.data, y.stride, y.type));
    if (op == PNN_OP_CONV && call->in[3].data && call->in[3].data != y.data)
        PLN_TRY(copy_pixels(ctx, &call->in[3], y.data, y.stride, y.type));
    if (st->unpack) {
        PLN_TRY(run_parts(ctx, st, call, &x, &y, at));
        PLN_TRY(move_weights(ctx, st, call->out.data));
        goto done;
    }
    PLN_TRY(execute(ctx, st, st->part, call, x.data, y.data, work));
    if (out->data != call->out.data)
        PLN_TRY(copy_pixels(ctx, out, call->out.data, call->out.stride, call->out.type));
    /* oneDNN's gradients to the data take no bias. */
    if (op == PNN_OP_CONV_DATA && call->in[2].data)
        PLN_TRY(
            pln_parallel(ctx, pln_div_up(pnn_positions(&call->out), ROWS), add_bias, (void *)call));
done:
    return s;
}

/* The most equal parts that n pictures make. */
static size_t parts_of(size_t n)
{
    size_t parts = pln_min(n, PARTS_MOST);
    while (n % parts) parts--;
    return parts;
}

static pln_status make_operands(pln_context *ctx, struct state *st, dnnl_primitive_desc_t pd,
                                pnn_op op)
{
    const dnnl_query_t x_md = op == PNN_OP_CONV_DATA ? dnnl_query_diff_src_md : dnnl_query_src_md,
                       y_md = op == PNN_OP_CONV ? dnnl_query_dst_md : dnnl_query_diff_dst_md;
    const dnnl_memory_desc_t *x = dnnl_primitive_desc_query_md(pd, x_md, 0),
                             *y = dnnl_primitive_desc_query_md(pd, y_md, 0),
                             *scratch =
                                 dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    pln_status s = PLN_OK;
    for (size_t i = 0; i < st->parts; i++) {
        struct operands *p = &st->part[i];
        TRY_DNNL(dnnl_stream_create(&p->stream, st->engine, dnnl_stream_default_flags));
        TRY_DNNL(dnnl_memory_create(&p->x, x, st->engine, DNNL_MEMORY_NONE));
        TRY_DNNL(dnnl_memory_create(&p->y, y, st->engine, DNNL_MEMORY_NONE));
        TRY_DNNL(dnnl_memory_create(&p->scratch, scratch, st->engine, DNNL_MEMORY_NONE));
    }
    st->scratch_bytes = pln_div_up(dnnl_memory_desc_get_size(scratch), ALIGN) * ALIGN;
done:
    return s;
}

pln_status pnn_onednn_prepare(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    const struct roles r = roles_of(call);
    const pnn_op op = call->v->op;
    struct state *st = NULL;
    dnnl_primitive_desc_t pd = NULL;
    const char *name = NULL;
    struct roles used = r;
    bool bf16 = r.x->type == PNN_BF16 || r.y->type == PNN_BF16 || call->narrow;
    pln_status s = PLN_OK;

    follow_isa(ctx);
    PLN_TRY(pln_calloc(ctx, 1, sizeof *st, &st));
    st->unpack = op == PNN_OP_CONV_WEIGHT;
    st->parts = st->unpack ? parts_of(r.x->d[0]) : 1;
    /* The results may be f32 while their operands are bf16. */
    st->narrow_x = bf16 && r.x->type != PNN_BF16 && op != PNN_OP_CONV_DATA;
    st->narrow_y = bf16 && r.y->type != PNN_BF16 && op != PNN_OP_CONV;
    st->copy_x = st->narrow_x || !pnn_dense(r.x);
    st->copy_y = st->narrow_y || !pnn_dense(r.y);
    pnn_tensor x = st->copy_x ? dense_at(r.x, NULL, st->narrow_x) : *r.x,
               y = st->copy_y ? dense_at(r.y, NULL, st->narrow_y) : *r.y;
    x.d[0] /= st->parts;
    y.d[0] /= st->parts;
    used.x = &x;
    used.y = &y;
    TRY_DNNL(dnnl_engine_create(&st->engine, dnnl_cpu, 0));
    TRY_DNNL(dnnl_stream_create(&st->stream, st->engine, dnnl_stream_default_flags));
    omp_set_num_threads(st->unpack ? 1 : pln_context_threads(ctx));
    PLN_TRY(make_desc(ctx, call, &used, bf16, &pd, st->engine));
    TRY_DNNL(dnnl_primitive_create(&st->conv, pd));
    TRY_DNNL(dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name));
    strncpy(st->name, name, sizeof st->name - 1);

    bool fixed = !st->unpack && call->fixed[1];
    PLN_TRY(make_weights(ctx, st, pd, &r, call->v->attr.conv.a.groups, fixed));
    if (fixed) PLN_TRY(move_weights(ctx, st, r.weight->data));
    PLN_TRY(make_operands(ctx, st, pd, op));
    if (r.bias) {
        const dnnl_memory_desc_t *b = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1);
        TRY_DNNL(dnnl_memory_create(&st->bias, b, st->engine, DNNL_MEMORY_NONE));
    }
    st->packed_at = st->scratch_bytes * pln_min(st->parts, (size_t)pln_context_threads(ctx));
    st->x_at = st->packed_at + (fixed ? 0 : st->parts * st->packed_bytes);
    st->y_at = st->x_at +
               (st->copy_x ? pln_div_up(pnn_elements(r.x) * size_of(x.type), ALIGN) * ALIGN : 0);
    *kernel = (pnn_kernel){.run = run,
                           .release = release,
                           .state = st,
                           .name = st->name,
                           .work_bytes =
                               st->y_at + (st->copy_y ? pnn_elements(r.y) * size_of(y.type) : 0)};
    st = NULL;
done:
    if (pd) dnnl_primitive_desc_destroy(pd);
    release(st);
    return s;
}
