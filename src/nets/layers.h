/* SPDX-License-Identifier: MIT */
/* Inside the room nets: layers that several networks have. */
#ifndef PLN_NETS_LAYERS_H
#define PLN_NETS_LAYERS_H

#include "nets/nets.h"

/* 3x3, stride 1, zero padding = dilation, bias. */
static inline pnn_node pnet_conv3(pnn_graph *g, pnn_node x, long out, long dilation,
                                  const char *name)
{
    return pnn_conv(g, x, name,
                    (pnn_conv_spec){.out = out, .k = 3, .dilation = dilation, .pad = PNN_SAME});
}

/* A start of all zeros: a = 0 of kind VALUE would mean the default. */
static inline pnn_init pnet_init_zero(void) { return (pnn_init){PNN_INIT_UNIFORM, 0}; }

/* Rows of an option table. */
#define PNET_OPTION(kind_, system_, member_, ...)                                                  \
    {                                                                                              \
        .kind = kind_, .key = #member_, .offset = offsetof(pnet_options, system_.member_),         \
        __VA_ARGS__                                                                                \
    }
#define PNET_OPTIONS_END                                                                           \
    {                                                                                              \
        .kind = PNET_END                                                                           \
    }
#define PNET_VARIANTS_END                                                                          \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* Networks that take pictures of any size as they are. */
static inline long pnet_any_size(const pnet_options *o)
{
    (void)o;
    return 1;
}
static inline long pnet_whole_picture(const pnet_options *o)
{
    (void)o;
    return -1;
}

#endif
