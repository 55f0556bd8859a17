/* SPDX-License-Identifier: MIT */
/* Element-wise programs. The dimensions along which no operand jumps are merged, so that dense
 * tensors become one long row; what is left is cut into blocks of whole rows or of a part of one
 * row. A block's inputs are read in place where they are contiguous, else gathered into work
 * memory; its steps run one after the other over the block. */
#include "nn/backends/cpu/pointwise.h"

enum {
    BLOCK = 512, /* floats: eight of them fill half of a first-level cache */
    LONG = 64,   /* columns that are worth a block of their own */
    REGISTERS = PNN_MAX_INPUTS + PNN_PROGRAM_MAX
};

/* ---- Programs ---- */

void pnn_pointwise_compile(pln_context *ctx, const pnn_instr *code, int count, int inputs,
                           pnn_pointwise *program)
{
    int last[REGISTERS] = {0}; /* step that reads a register last */
    bool used[REGISTERS] = {false};

    *program = (pnn_pointwise){.kernels = PLN_KERNELS_PICK(ctx, pln_pointwise_kernels),
                               .inputs = inputs,
                               .steps = count,
                               .slots = inputs + 1};
    for (int i = 0; i < count; i++) {
        struct pnn_pointwise_step *s = &program->step[i];
        const pointwise_kernels *k = program->kernels;
        s->map = code[i].binary  ? k->binary[code[i].fn]
                 : code[i].slope ? k->slope[code[i].fn]
                                 : k->unary[code[i].fn];
        s->a = code[i].a;
        s->b = code[i].binary || code[i].slope ? code[i].b : code[i].a;
        s->p = (float)code[i].p;
        s->q = (float)code[i].q;
        last[s->a] = i;
        last[s->b] = i;
    }
    /* Every input has a slot of its own; a step takes the first whose value is no longer read. */
    for (int i = 0; i < count; i++) {
        int slot = inputs;
        for (int j = 0; j < i; j++)
            if (last[inputs + j] <= i) used[program->step[j].slot] = false;
        for (int j = 0; j < i; j++)
            if (last[inputs + j] > i) used[program->step[j].slot] = true;
        while (used[slot]) slot++;
        program->step[i].slot = slot;
        used[slot] = true;
        if (slot + 1 > program->slots) program->slots = slot + 1;
    }
}

size_t pnn_pointwise_bytes(const pln_context *ctx, const pnn_pointwise *program)
{
    return (size_t)pln_context_threads(ctx) * (size_t)program->slots * BLOCK * sizeof(float);
}

/* ---- Running ---- */

struct run {
    const pnn_pointwise *program;
    size_t d[4];
    pnn_view in[PNN_MAX_INPUTS], out;
    size_t block_rows, block_cols; /* of the last two dimensions */
    size_t row_blocks, col_blocks, blocks;
    size_t task; /* blocks of a task */
    float *work;
};

static void merge(struct run *r)
{
    size_t *step[PNN_MAX_INPUTS + 1];
    int n = r->program->inputs;
    for (int j = 0; j < n; j++) step[j] = r->in[j].step;
    step[n] = r->out.step;
    pnn_merge_steps(r->d, step, n + 1);
}

/* Where a block of a view is. */
static const void *place(const pnn_view *v, const size_t at[4])
{
    size_t offset = 0;
    for (int i = 0; i < 4; i++) offset += at[i] * v->step[i];
    return pnn_view_at(*v, offset).data;
}

static pnn_patch patch_of(const pnn_view *v, size_t rows, size_t cols)
{
    return (pnn_patch){rows, cols, v->step[2], v->step[3]};
}

static void load(const pnn_pointwise *p, const pnn_view *v, const void *data, size_t rows,
                 size_t cols, float *block)
{
    (v->type == PNN_BF16 ? p->kernels->load_half : p->kernels->load)(block, data,
                                                                     patch_of(v, rows, cols));
}

static void store(const pnn_pointwise *p, const pnn_view *v, void *data, size_t rows, size_t cols,
                  const float *block)
{
    (v->type == PNN_BF16 ? p->kernels->store_half : p->kernels->store)(block, data,
                                                                       patch_of(v, rows, cols));
}

static bool contiguous(const pnn_view *v, size_t rows, size_t cols)
{
    return v->type == PNN_F32 && (v->step[3] == 1 || cols == 1) &&
           (rows == 1 || v->step[2] == cols);
}

/* The last block that a repeated input was read for. */
struct held {
    const void *data;
    size_t rows, cols;
};

static const float *read_block(const struct run *r, int i, const size_t at[4], size_t rows,
                               size_t cols, float *slot, struct held *held)
{
    const pnn_view *v = &r->in[i];
    const void *data = place(v, at);
    if (contiguous(v, rows, cols)) return data;
    if (v->step[2] == 0) {
        if (held->data == data && held->cols == cols && held->rows >= rows) return slot;
        *held = (struct held){data, rows, cols};
    }
    load(r->program, v, data, rows, cols, slot);
    return slot;
}

static void run_task(void *arg, size_t index, int thread)
{
    const struct run *r = arg;
    const pnn_pointwise *p = r->program;
    float *work = r->work + (size_t)thread * (size_t)p->slots * BLOCK;
    const float *reg[REGISTERS];
    struct held held[PNN_MAX_INPUTS] = {{0}};
    size_t end = pln_min(r->blocks, (index + 1) * r->task);

    for (size_t b = index * r->task; b < end; b++) {
        size_t outer = b / r->col_blocks / r->row_blocks;
        const size_t at[4] = {outer / r->d[1], outer % r->d[1],
                              b / r->col_blocks % r->row_blocks * r->block_rows,
                              b % r->col_blocks * r->block_cols};
        size_t rows = pln_min(r->block_rows, r->d[2] - at[2]),
               cols = pln_min(r->block_cols, r->d[3] - at[3]);
        void *out = (void *)(uintptr_t)place(&r->out, at);
        bool direct = contiguous(&r->out, rows, cols);

        if (p->steps == 0 && direct) {
            load(p, &r->in[0], place(&r->in[0], at), rows, cols, out);
            continue;
        }
        for (int i = 0; i < p->inputs; i++)
            reg[i] = read_block(r, i, at, rows, cols, work + i * BLOCK, &held[i]);
        for (int i = 0; i < p->steps; i++) {
            const struct pnn_pointwise_step *s = &p->step[i];
            float *y = direct && i + 1 == p->steps ? out : work + s->slot * BLOCK;
            s->map(rows * cols, reg[s->a], reg[s->b], s->p, s->q, y);
            reg[p->inputs + i] = y;
        }
        if (!direct) store(p, &r->out, out, rows, cols, reg[p->inputs + p->steps - 1]);
    }
}

/* Rows apart in memory: gathered into a block, unless each is one. */
static bool apart(const pnn_view *v, const size_t d[4])
{
    return v->type == PNN_F32 && v->step[3] == 1 && v->step[2] != 0 && v->step[2] != d[3];
}

pln_status pnn_pointwise_run(pln_context *ctx, const pnn_pointwise *program, const size_t d[4],
                             const pnn_view *in, pnn_view out, void *work)
{
    struct run r = {.program = program, .out = out, .work = work};
    bool gather;
    for (int i = 0; i < 4; i++) r.d[i] = d[i];
    for (int i = 0; i < program->inputs; i++) r.in[i] = in[i];
    if (!d[0] || !d[1] || !d[2] || !d[3]) return PLN_OK;
    merge(&r);
    r.block_cols = pln_min(r.d[3], BLOCK);
    gather = apart(&r.out, r.d);
    for (int i = 0; i < program->inputs; i++) gather = gather || apart(&r.in[i], r.d);
    r.block_rows = program->steps && gather && r.block_cols >= LONG
                       ? 1
                       : pln_min(r.d[2], BLOCK / r.block_cols);
    r.row_blocks = pln_div_up(r.d[2], r.block_rows);
    r.col_blocks = pln_div_up(r.d[3], r.block_cols);
    r.blocks = r.d[0] * r.d[1] * r.row_blocks * r.col_blocks;
    r.task = pnn_task_pixels(r.block_rows * r.block_cols);
    return pln_parallel(ctx, pln_div_up(r.blocks, r.task), run_task, &r);
}

pln_status pnn_copy(pln_context *ctx, const size_t d[4], pnn_view x, pnn_view y, void *work)
{
    pnn_pointwise copy;
    pnn_pointwise_compile(ctx, NULL, 0, 1, &copy);
    return pnn_pointwise_run(ctx, &copy, d, &x, y, work);
}

size_t pnn_copy_bytes(const pln_context *ctx)
{
    pnn_pointwise copy;
    pnn_pointwise_compile((pln_context *)(uintptr_t)ctx, NULL, 0, 1, &copy);
    return pnn_pointwise_bytes(ctx, &copy);
}

/* ---- The operations ---- */

static pln_status run_call(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    const pnn_pointwise *program = k->state;
    pnn_view in[PNN_MAX_INPUTS];
    for (int i = 0; i < program->inputs; i++) in[i] = pnn_view_as(&call->in[i], call->out.d);
    return pnn_pointwise_run(ctx, program, call->out.d, in, pnn_view_of(&call->out), work);
}

pln_status pnn_cpu_prepare_pointwise(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    const pnn_vertex *v = call->v;
    pnn_instr one = {.b = 1};
    const pnn_instr *code = &one;
    int count = 1;
    pnn_pointwise *program;
    pln_status s = PLN_OK;

    if (v->op == PNN_OP_FUSED) {
        code = v->attr.fused.code;
        count = v->attr.fused.count;
    } else if (v->op == PNN_OP_BINARY) {
        one.binary = true;
        one.fn = v->attr.binary;
    } else {
        one.slope = v->op == PNN_OP_UNARY_GRAD;
        one.fn = v->attr.unary.fn;
        one.p = v->attr.unary.a;
        one.q = v->attr.unary.b;
    }
    PLN_TRY(pln_alloc(ctx, 1, sizeof *program, &program));
    pnn_pointwise_compile(ctx, code, count, v->n_inputs, program);
    *kernel = (pnn_kernel){.run = run_call,
                           .release = pln_free,
                           .state = program,
                           .work_bytes = pnn_pointwise_bytes(ctx, program),
                           .name = "blocks"};
done:
    return s;
}
