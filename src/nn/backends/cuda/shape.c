/* SPDX-License-Identifier: MIT */
/* Moving values about. */
#include "nn/backends/cuda/cuda.h"

static cu_view view_at(cu_view v, const size_t at[4])
{
    size_t bytes = cu_offset(&v, at) * (v.half ? 2 : 4);
    v.data = (char *)v.data + bytes;
    return v;
}

/* Parts whose memory is their place already are left alone. */
static pln_status concat(cu_job *job, const pnn_call *call)
{
    const pnn_tensor *out = &call->out;
    cu_view whole = cu_view_of(out);
    size_t at[4] = {0, 0, 0, 0};
    pln_status s = PLN_OK;
    for (int i = 0; i < call->v->n_inputs && !s; i++) {
        const pnn_tensor *x = &call->in[i];
        cu_view y = view_at(whole, at);
        bool there = x->data == y.data && x->stride == out->stride && x->type == out->type;
        if (!there) s = cu_launch_copy(job, cu_view_of(x), y, x->d);
        at[call->v->attr.axis] += x->d[call->v->attr.axis];
    }
    return s;
}

static void box_offset(const pnn_call *call, size_t at[4])
{
    for (int i = 0; i < 4; i++) at[i] = (size_t)call->v->attr.box.offset[i];
}

static pln_status window(cu_job *job, const pnn_call *call)
{
    size_t at[4];
    box_offset(call, at);
    return cu_launch_copy(job, view_at(cu_view_of(&call->in[0]), at), cu_view_of(&call->out),
                          call->out.d);
}

static pln_status embed(cu_job *job, const pnn_call *call)
{
    cu_embed p = {.x = cu_view_of(&call->in[0]), .y = cu_view_of(&call->out)};
    cu_copy4(p.xd, call->in[0].d);
    cu_copy4(p.yd, call->out.d);
    box_offset(call, p.offset);
    return cu_job_launch(job, CU_embed, &p, sizeof p, pnn_elements(&call->out), NULL);
}

static pln_status reshape(cu_job *job, const pnn_call *call)
{
    const pnn_tensor *x = &call->in[0], *y = &call->out;
    cu_reshape p = {cu_view_of(x), cu_view_of(y), x->d[3], y->d[3]};
    return cu_job_launch(job, CU_reshape, &p, sizeof p, pnn_elements(y), NULL);
}

static pln_status pad(cu_job *job, const pnn_call *call)
{
    static const cu_pad_mode modes[] = {[PNN_PAD_ZERO] = CU_PAD_ZERO,
                                        [PNN_PAD_REFLECT] = CU_PAD_REFLECT,
                                        [PNN_PAD_REPLICATE] = CU_PAD_REPLICATE};
    bool forward = call->v->op == PNN_OP_PAD;
    const pnn_tensor *x = &call->in[0], *y = &call->out, *inner = forward ? x : y,
                     *outer = forward ? y : x;
    const pnn_pad_attr *a = &call->v->attr.pad;
    cu_pad p = {.x = cu_view_of(x),
                .y = cu_view_of(y),
                .mode = modes[a->mode],
                .top = (size_t)a->top,
                .left = (size_t)a->left};
    cu_copy4(p.inner, inner->d);
    cu_copy4(p.outer, outer->d);
    size_t bottom = outer->d[1] - inner->d[1] - p.top, right = outer->d[2] - inner->d[2] - p.left;
    if (p.mode == CU_PAD_REFLECT && (p.top >= inner->d[1] || bottom >= inner->d[1] ||
                                     p.left >= inner->d[2] || right >= inner->d[2]))
        p.mode = CU_PAD_REPLICATE;
    return cu_job_launch(job, forward ? CU_pad : CU_pad_grad, &p, sizeof p, pnn_elements(y), NULL);
}

static pln_status haar(cu_job *job, const pnn_call *call)
{
    cu_haar p = {.x = cu_view_of(&call->in[0]), .y = cu_view_of(&call->out)};
    cu_copy4(p.d, call->out.d);
    return cu_job_launch(job, call->v->op == PNN_OP_HAAR ? CU_haar : CU_haar_inverse, &p, sizeof p,
                         pnn_elements(&call->out), NULL);
}

pln_status cu_prepare_shape(cu_job *job, const pnn_call *call)
{
    switch (call->v->op) {
    case PNN_OP_CONCAT:
        return concat(job, call);
    case PNN_OP_WINDOW:
        return window(job, call);
    case PNN_OP_EMBED:
        return embed(job, call);
    case PNN_OP_RESHAPE:
        return reshape(job, call);
    case PNN_OP_PAD:
    case PNN_OP_PAD_GRAD:
        return pad(job, call);
    default:
        return haar(job, call);
    }
}
