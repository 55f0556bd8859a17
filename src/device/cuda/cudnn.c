/* SPDX-License-Identifier: MIT */
/* Engines: a graph of cuDNN of one convolution and what is fused into it, and the first plan that
 * its heuristics name which is deterministic and as exact as asked. */
#include <cudnn.h>
#include <dlfcn.h>
#include <string.h>

#include "device/cuda/driver.h"

enum { DESCRIPTORS = 32, CONFIGS = 24, OPERATIONS = 4 };
enum { ID_X = 1, ID_Y, ID_W, ID_BIAS, ID_RESIDUAL, ID_VIRTUAL };

struct pln_engine {
    const cu_cudnn *k;
    cudnnBackendDescriptor_t plan;
    pln_engine_spec spec;
};

/* ---- The library: loaded with the first network ---- */

#define FUNCTIONS(F)                                                                               \
    F(cudnnCreate)                                                                                 \
    F(cudnnDestroy)                                                                                \
    F(cudnnSetStream)                                                                              \
    F(cudnnGetErrorString)                                                                         \
    F(cudnnBackendCreateDescriptor)                                                                \
    F(cudnnBackendDestroyDescriptor)                                                               \
    F(cudnnBackendSetAttribute)                                                                    \
    F(cudnnBackendGetAttribute)                                                                    \
    F(cudnnBackendFinalize)                                                                        \
    F(cudnnBackendExecute)

struct cu_cudnn {
    FUNCTIONS(CU_MEMBER)
    void *library;
    cudnnHandle_t handle;
};

pln_status cu_cudnn_new(pln_device *d, void *stream, cu_cudnn **result)
{
    static const char *const names[] = {FUNCTIONS(CU_NAME) NULL};
    cu_cudnn *k = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_calloc(d->ctx, 1, sizeof *k, &k));
    PLN_TRY(cu_load(d, "cuDNN 9", "libcudnn.so.9", names, k, &k->library));
    cudnnStatus_t e = k->cudnnCreate(&k->handle);
    if (e == CUDNN_STATUS_SUCCESS) e = k->cudnnSetStream(k->handle, stream);
    if (e != CUDNN_STATUS_SUCCESS) {
        s = pln_fail(d->ctx, PLN_E_DEVICE, "%s: cuDNN: %s", d->name, k->cudnnGetErrorString(e));
        goto done;
    }
    *result = k;
    k = NULL;
done:
    cu_cudnn_free(k);
    return s;
}

void cu_cudnn_free(cu_cudnn *k)
{
    if (!k) return;
    if (k->handle) k->cudnnDestroy(k->handle);
    if (k->library) dlclose(k->library);
    pln_free(k);
}

/* ---- Descriptors. The first error sticks: later calls do nothing ---- */

struct maker {
    const cu_cudnn *k;
    cudnnStatus_t e;
    int count, operations;
    cudnnBackendDescriptor_t made[DESCRIPTORS], operation[OPERATIONS];
};

static cudnnBackendDescriptor_t make(struct maker *m, cudnnBackendDescriptorType_t type)
{
    cudnnBackendDescriptor_t d = NULL;
    if (m->e) return NULL;
    if (m->count == DESCRIPTORS) m->e = CUDNN_STATUS_INTERNAL_ERROR;
    if (!m->e) m->e = m->k->cudnnBackendCreateDescriptor(type, &d);
    if (!m->e) m->made[m->count++] = d;
    return d;
}

static void set(struct maker *m, cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    if (!m->e) m->e = m->k->cudnnBackendSetAttribute(d, name, type, count, values);
}

static void set_descriptor(struct maker *m, cudnnBackendDescriptor_t d,
                           cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t value)
{
    set(m, d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
}

static void finish(struct maker *m, cudnnBackendDescriptor_t d)
{
    if (!m->e) m->e = m->k->cudnnBackendFinalize(d);
}

/* Sizes N C H W with C innermost in memory. */
static cudnnBackendDescriptor_t tensor(struct maker *m, int64_t id, bool half, size_t n, size_t c,
                                       size_t h, size_t w, size_t stride, size_t align, bool inner)
{
    cudnnBackendDescriptor_t d = make(m, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    cudnnDataType_t type = half ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    int64_t dims[] = {(int64_t)n, (int64_t)c, (int64_t)h, (int64_t)w}, alignment = (int64_t)align;
    int64_t steps[] = {(int64_t)(h * w * stride), 1, (int64_t)(w * stride), (int64_t)stride};
    set(m, d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(m, d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims);
    set(m, d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, steps);
    set(m, d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    set(m, d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    if (inner) set(m, d, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &inner);
    finish(m, d);
    return d;
}

/* ---- The graph ---- */

static cudnnBackendDescriptor_t convolution(struct maker *m, const pln_engine_spec *s)
{
    cudnnBackendDescriptor_t d = make(m, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    cudnnDataType_t compute = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    int64_t spatial = 2, before[] = {s->pad_top, s->pad_left},
            after[] = {s->pad_bottom, s->pad_right}, stride[] = {s->stride, s->stride},
            dilation[] = {s->dilation, s->dilation};
    set(m, d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    set(m, d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(m, d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &spatial);
    set(m, d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, before);
    set(m, d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, after);
    set(m, d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride);
    set(m, d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilation);
    finish(m, d);
    return d;
}

static void convolve(struct maker *m, pln_engine_kind kind, cudnnBackendDescriptor_t conv,
                     cudnnBackendDescriptor_t x, cudnnBackendDescriptor_t y,
                     cudnnBackendDescriptor_t w)
{
    static const struct {
        cudnnBackendDescriptorType_t type;
        cudnnBackendAttributeName_t conv, x, y, w, alpha, beta;
    } names[] = {
        [PLN_ENGINE_FORWARD] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
        [PLN_ENGINE_DATA] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
        [PLN_ENGINE_WEIGHT] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
    };
    cudnnBackendDescriptor_t d = make(m, names[kind].type);
    float one = 1, zero = 0;
    set_descriptor(m, d, names[kind].conv, conv);
    set_descriptor(m, d, names[kind].x, x);
    set_descriptor(m, d, names[kind].y, y);
    set_descriptor(m, d, names[kind].w, w);
    set(m, d, names[kind].alpha, CUDNN_TYPE_FLOAT, 1, &one);
    set(m, d, names[kind].beta, CUDNN_TYPE_FLOAT, 1, &zero);
    finish(m, d);
    if (!m->e) m->operation[m->operations++] = d;
}

/* to = a + b, or the activation of a */
static void point(struct maker *m, const pln_engine_spec *s, cudnnBackendDescriptor_t a,
                  cudnnBackendDescriptor_t b, cudnnBackendDescriptor_t to)
{
    cudnnBackendDescriptor_t p = make(m, CUDNN_BACKEND_POINTWISE_DESCRIPTOR), d;
    cudnnPointwiseMode_t mode = b ? CUDNN_POINTWISE_ADD : CUDNN_POINTWISE_RELU_FWD;
    cudnnDataType_t compute = CUDNN_DATA_FLOAT;
    set(m, p, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    set(m, p, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    if (!b && s->slope != 0) /* x > 0 ? x : slope x */
        set(m, p, CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, CUDNN_TYPE_DOUBLE, 1, &s->slope);
    finish(m, p);
    d = make(m, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set_descriptor(m, d, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, p);
    set_descriptor(m, d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, a);
    if (b) set_descriptor(m, d, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);
    set_descriptor(m, d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to);
    finish(m, d);
    if (!m->e) m->operation[m->operations++] = d;
}

static void operations(struct maker *m, const pln_engine_spec *s)
{
    bool x_half = s->kind == PLN_ENGINE_DATA ? s->result_half : s->half,
         y_half = s->kind == PLN_ENGINE_FORWARD ? s->result_half : s->half,
         w_half = s->kind == PLN_ENGINE_WEIGHT ? s->result_half : s->half;
    size_t per = s->c / (size_t)s->groups;
    int left = s->bias + s->residual + s->act;
    int64_t id = ID_VIRTUAL;
    cudnnBackendDescriptor_t x = tensor(m, ID_X, x_half, s->n, s->c, s->h, s->w, s->x_stride,
                                        s->align, false),
                             w = tensor(m, ID_W, w_half, s->o, per, (size_t)s->kh, (size_t)s->kw,
                                        per, 16, false),
                             y = tensor(m, ID_Y, y_half, s->n, s->o, s->oh, s->ow, s->y_stride,
                                        s->align, false),
                             value = y;
    /* What lies between operations is f32 and never in memory. */
#define NEXT() (left == 0 ? y : tensor(m, id++, false, s->n, s->o, s->oh, s->ow, s->o, 16, true))
    value = NEXT();
    convolve(m, s->kind, convolution(m, s), x, s->kind == PLN_ENGINE_FORWARD ? value : y, w);
    if (s->bias) {
        cudnnBackendDescriptor_t from = value;
        left--;
        value = NEXT();
        point(m, s, from, tensor(m, ID_BIAS, false, 1, s->o, 1, 1, s->o, 16, false), value);
    }
    if (s->residual) {
        cudnnBackendDescriptor_t from = value;
        left--;
        value = NEXT();
        point(m, s, from,
              tensor(m, ID_RESIDUAL, s->residual_half, s->n, s->o, s->oh, s->ow, s->residual_stride,
                     16, false),
              value);
    }
    if (s->act) point(m, s, value, NULL, y);
#undef NEXT
}

/* ---- The plan ---- */

/* Deterministic; for f32 neither TF32 nor rounded operands. */
static bool acceptable(const cu_cudnn *k, cudnnBackendDescriptor_t config, bool half)
{
    cudnnBackendDescriptor_t engine = NULL;
    cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    int64_t count = 0;
    bool good = false;
    if (k->cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine)) return false;
    if (!k->cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &engine) &&
        !k->cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                     CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT,
                                     &count, notes)) {
        good = true;
        for (int64_t i = 0; i < count; i++) {
            if (notes[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC ||
                notes[i] == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)
                good = false;
            if (!half && (notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE ||
                          notes[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS))
                good = false;
        }
    }
    k->cudnnBackendDestroyDescriptor(engine);
    return good;
}

static cudnnBackendDescriptor_t plan_of(const cu_cudnn *k, cudnnBackendDescriptor_t config,
                                        size_t *work_bytes)
{
    cudnnBackendDescriptor_t plan = NULL;
    int64_t bytes = 0, count = 0;
    if (k->cudnnBackendCreateDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &plan))
        return NULL;
    if (!k->cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1,
                                     &k->handle) &&
        !k->cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config) &&
        !k->cudnnBackendFinalize(plan) &&
        !k->cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                     CUDNN_TYPE_INT64, 1, &count, &bytes) &&
        bytes >= 0) {
        *work_bytes = (size_t)bytes;
        return plan;
    }
    k->cudnnBackendDestroyDescriptor(plan);
    return NULL;
}

static cudnnBackendDescriptor_t search(struct maker *m, cudnnBackendDescriptor_t graph,
                                       cudnnBackendHeurMode_t mode, bool half, size_t *work_bytes)
{
    const cu_cudnn *k = m->k;
    cudnnBackendDescriptor_t found = NULL, configs[CONFIGS] = {NULL},
                             heuristics = make(m, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    int64_t count = 0;
    set_descriptor(m, heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(m, heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    finish(m, heuristics);
    if (m->e) return NULL;
    for (int i = 0; i < CONFIGS; i++)
        if (k->cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &configs[i])) break;
    if (!configs[CONFIGS - 1] ||
        k->cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                    CUDNN_TYPE_BACKEND_DESCRIPTOR, CONFIGS, &count, configs))
        count = 0;
    for (int64_t i = 0; i < count && i < CONFIGS && !found; i++)
        if (acceptable(k, configs[i], half)) found = plan_of(k, configs[i], work_bytes);
    for (int i = 0; i < CONFIGS; i++)
        if (configs[i]) k->cudnnBackendDestroyDescriptor(configs[i]);
    return found;
}

pln_status cu_engine_new(pln_device *d, const cu_cudnn *k, const pln_engine_spec *spec,
                         pln_engine **engine, size_t *work_bytes)
{
    static const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK};
    struct maker m = {.k = k, .e = CUDNN_STATUS_SUCCESS};
    cudnnBackendDescriptor_t plan = NULL, graph;
    pln_status s = PLN_OK;

    *engine = NULL;
    *work_bytes = 0;
    operations(&m, spec);
    graph = make(&m, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(&m, graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &k->handle);
    set(&m, graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, m.operations,
        m.operation);
    finish(&m, graph);
    for (int i = 0; i < 2 && !m.e && !plan; i++)
        plan = search(&m, graph, modes[i], spec->half, work_bytes);
    for (int i = m.count; i-- > 0;) k->cudnnBackendDestroyDescriptor(m.made[i]);
    if (!plan) return PLN_OK;
    s = pln_calloc(d->ctx, 1, sizeof **engine, engine);
    if (s)
        k->cudnnBackendDestroyDescriptor(plan);
    else
        **engine = (pln_engine){k, plan, *spec};
    return s;
}

pln_status cu_engine_run(pln_device *d, const cu_cudnn *k, const pln_engine *engine,
                         const pln_engine_operands *o)
{
    cudnnBackendDescriptor_t pack = NULL;
    int64_t ids[5] = {ID_X, ID_Y, ID_W}, count = 3;
    void *data[5] = {o->x, o->y, o->w}, *work = o->work;
    cudnnStatus_t e;

    if (engine->spec.bias) {
        ids[count] = ID_BIAS;
        data[count++] = (void *)(uintptr_t)o->bias;
    }
    if (engine->spec.residual) {
        ids[count] = ID_RESIDUAL;
        data[count++] = (void *)(uintptr_t)o->residual;
    }
    e = k->cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack);
    if (!e)
        e = k->cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64,
                                        count, ids);
    if (!e)
        e = k->cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                                        CUDNN_TYPE_VOID_PTR, count, data);
    if (!e)
        e = k->cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE,
                                        CUDNN_TYPE_VOID_PTR, 1, &work);
    if (!e) e = k->cudnnBackendFinalize(pack);
    if (!e) e = k->cudnnBackendExecute(k->handle, engine->plan, pack);
    if (pack) k->cudnnBackendDestroyDescriptor(pack);
    if (!e) return PLN_OK;
    return pln_fail(d->ctx, PLN_E_DEVICE, "%s: a convolution: %s", d->name,
                    k->cudnnGetErrorString(e));
}

void cu_engine_free(pln_engine *engine)
{
    if (engine) engine->k->cudnnBackendDestroyDescriptor(engine->plan);
    pln_free(engine);
}
