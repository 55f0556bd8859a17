/* SPDX-License-Identifier: MIT */
/* What a device does for plans, the back end cuda and operators. Work is done in the order in which
 * it was asked for; only download and wait wait for it. Every function says errors
 * in the device's context. The tests have a device of their own, in the host's memory. */
#ifndef PLN_DEVICE_OPS_H
#define PLN_DEVICE_OPS_H

#include "device/device.h"

/* A convolution as engines see it: NHWC, weights O x KH x KW x I/groups, all operands of one type,
 * sums in f32. */
typedef enum pln_engine_kind {
    PLN_ENGINE_FORWARD, /* x, w [, bias, residual] -> y */
    PLN_ENGINE_DATA,    /* y, w -> x */
    PLN_ENGINE_WEIGHT   /* x, y -> w */
} pln_engine_kind;
typedef struct pln_engine_spec {
    pln_engine_kind kind;
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
} pln_engine_spec;
/* Chosen once: which algorithm, its plan, its memory. */
typedef struct pln_engine pln_engine;
typedef struct pln_engine_operands {
    void *x, *y, *w;
    const void *bias, *residual;
    void *work;
} pln_engine_operands;

/* Of `planes` dense planes at once: h x w floats to h x (w / 2 + 1) complex numbers (re, im), and
 * back. */
typedef struct pln_fourier pln_fourier;

typedef struct pln_recording pln_recording;

typedef struct pln_device_ops {
    void (*close)(pln_device *d);
    /* shared: the host may use it too, while the device is idle. PLN_E_LIMIT with both figures
     * where the device has less; `what` starts the message. */
    pln_status (*alloc)(pln_device *d, size_t bytes, bool shared, const char *what, void **memory);
    void (*free)(pln_device *d, void *memory);
    uint64_t (*available)(pln_device *d);
    pln_status (*upload)(pln_device *d, void *to, const void *from, size_t bytes);
    pln_status (*download)(pln_device *d, void *to, const void *from, size_t bytes);
    /* Until all work is done; errors of it are said here at the latest. */
    pln_status (*wait)(pln_device *d);
    /* cu_NAME_body(parameters, i) for i in [0, n); kernel: CU_NAME. */
    pln_status (*launch)(pln_device *d, int kernel, const void *parameters, size_t n);
    /* Loads their library, if it is not there yet. PLN_E_UNSUPPORTED: there is none. */
    pln_status (*engines)(pln_device *d);
    /* *engine is NULL where no deterministic engine takes the convolution. */
    pln_status (*engine_new)(pln_device *d, const pln_engine_spec *spec, pln_engine **engine,
                             size_t *work_bytes);
    pln_status (*engine_run)(pln_device *d, const pln_engine *engine,
                             const pln_engine_operands *operands);
    void (*engine_free)(pln_engine *engine);
    /* PLN_E_UNSUPPORTED: there is no library of transforms, or it takes no such size; PLN_E_LIMIT:
     * too little memory. */
    pln_status (*fourier_new)(pln_device *d, size_t w, size_t h, size_t planes,
                              pln_fourier **fourier, size_t *work_bytes);
    /* The inverse is without the factor 1 / (w h), and destroys `in`. */
    pln_status (*fourier_run)(pln_device *d, const pln_fourier *fourier, bool inverse, void *in,
                              void *out, void *work);
    void (*fourier_free)(pln_fourier *fourier);
    /* As in device/device.h; leave: of one that has joined. */
    pln_status (*group_id)(pln_device *d, unsigned char *id);
    pln_status (*join)(pln_device *d, const unsigned char *id, size_t rank, size_t world);
    void (*leave)(pln_device *d);
    /* Work: the n values become their means over the group. */
    pln_status (*mean)(pln_device *d, float *values, size_t n);
    /* Between begin and end, work is noted down instead of done; replay does it. */
    pln_status (*record_begin)(pln_device *d);
    pln_status (*record_end)(pln_device *d, pln_recording **recording);
    pln_status (*replay)(pln_device *d, pln_recording *recording);
    void (*recording_free)(pln_recording *recording);
    /* Time of the device: mark i is passed when all work before it is done. */
    pln_status (*mark)(pln_device *d, size_t i);
    pln_status (*between)(pln_device *d, size_t i, size_t j, double *ms);
} pln_device_ops;

struct pln_device {
    const pln_device_ops *ops;
    pln_context *ctx;
    char name[24];
    bool joined;    /* in a group */
    bool resting;   /* the context computed on the CPU since */
    uint64_t *seed; /* in the device's memory: of NOISE */
};

#endif
