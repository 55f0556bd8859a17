/* SPDX-License-Identifier: MIT */
/* Inside the room nn: what a device does for plans and for the back end cuda. Work is done in the
 * order in which it was asked for; only download and wait wait for it. Every function says errors
 * in the device's context. The tests have a device of their own, in the host's memory. */
#ifndef PLN_NN_BACKENDS_DEVICE_H
#define PLN_NN_BACKENDS_DEVICE_H

#include "nn/device.h"

/* A convolution as engines see it: NHWC, weights O x KH x KW x I/groups, all operands of one type,
 * sums in f32. */
typedef enum pnn_engine_kind {
    PNN_ENGINE_FORWARD, /* x, w [, bias, residual] -> y */
    PNN_ENGINE_DATA,    /* y, w -> x */
    PNN_ENGINE_WEIGHT   /* x, y -> w */
} pnn_engine_kind;
typedef struct pnn_engine_spec {
    pnn_engine_kind kind;
    size_t n, c, h, w, x_stride; /* the convolution's input; elements from pixel to pixel */
    size_t o, oh, ow, y_stride;  /* its output */
    int kh, kw, stride, dilation, groups;
    int pad_top, pad_left, pad_bottom, pad_right;
    bool half;        /* operands are bf16, else f32 without TF32 */
    bool result_half; /* type of the result */
    /* y = act(conv + bias [+ residual]), of FORWARD; bias is f32, act: x > 0 ? x : slope x. */
    bool bias, residual, act;
    double slope;
    bool residual_half;
    size_t residual_stride;
    size_t align; /* bytes, of all operands but the bias */
} pnn_engine_spec;
/* Chosen once: which algorithm, its plan, its memory. */
typedef struct pnn_engine pnn_engine;
typedef struct pnn_engine_operands {
    void *x, *y, *w;
    const void *bias, *residual;
    void *work;
} pnn_engine_operands;

typedef struct pnn_recording pnn_recording;

typedef struct pnn_device_ops {
    void (*close)(pnn_device *d);
    /* shared: the host may use it too, while the device is idle. PLN_E_LIMIT with both figures
     * where the device has less; `what` starts the message. */
    pln_status (*alloc)(pnn_device *d, size_t bytes, bool shared, const char *what, void **memory);
    void (*free)(pnn_device *d, void *memory);
    uint64_t (*available)(pnn_device *d);
    pln_status (*upload)(pnn_device *d, void *to, const void *from, size_t bytes);
    pln_status (*download)(pnn_device *d, void *to, const void *from, size_t bytes);
    /* Until all work is done; errors of it are said here at the latest. */
    pln_status (*wait)(pnn_device *d);
    /* cu_NAME_body(parameters, i) for i in [0, n); kernel: CU_NAME. */
    pln_status (*launch)(pnn_device *d, int kernel, const void *parameters, size_t n);
    /* *engine is NULL where no deterministic engine takes the convolution. */
    pln_status (*engine_new)(pnn_device *d, const pnn_engine_spec *spec, pnn_engine **engine,
                             size_t *work_bytes);
    pln_status (*engine_run)(pnn_device *d, const pnn_engine *engine,
                             const pnn_engine_operands *operands);
    void (*engine_free)(pnn_engine *engine);
    /* As in nn/device.h; leave: of one that has joined. */
    pln_status (*group_id)(pnn_device *d, unsigned char *id);
    pln_status (*join)(pnn_device *d, const unsigned char *id, size_t rank, size_t world);
    void (*leave)(pnn_device *d);
    /* Work: the n values become their means over the group. */
    pln_status (*mean)(pnn_device *d, float *values, size_t n);
    /* Between begin and end, work is noted down instead of done; replay does it. */
    pln_status (*record_begin)(pnn_device *d);
    pln_status (*record_end)(pnn_device *d, pnn_recording **recording);
    pln_status (*replay)(pnn_device *d, pnn_recording *recording);
    void (*recording_free)(pnn_recording *recording);
    /* Time of the device: mark i is passed when all work before it is done. */
    pln_status (*mark)(pnn_device *d, size_t i);
    pln_status (*between)(pnn_device *d, size_t i, size_t j, double *ms);
} pnn_device_ops;

struct pnn_device {
    const pnn_device_ops *ops;
    pln_context *ctx;
    char name[24];
    bool joined;    /* in a group */
    uint64_t *seed; /* in the device's memory: of NOISE */
};

#endif
