/* SPDX-License-Identifier: MIT */
/* What `planish bench` compares with: other programs' libraries behind one small C interface, in a
 * module of its own (bench/peers.cpp -> planish_peers.so) that is loaded if it is there. planish
 * never links them. */
#ifndef PLN_CLI_PEERS_H
#define PLN_CLI_PEERS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PLN_PEERS_VERSION 1
#define PLN_PEERS_SYMBOL  "pln_peers_list"
#define PLN_PEERS_FILE    "planish_peers.so"

/* A smoother that does the same work as `method` with `values`. */
typedef struct pln_peer {
    const char *method, *values;
    const char *name; /* library, version, function, number format */
    /* Takes a float RGB picture in [0,1], rows without gaps; NULL if it cannot. Not timed. */
    void *(*open)(const float *rgb, size_t w, size_t h);
    /* The timed part. 0: done. */
    int (*run)(void *state, int threads);
    /* The result in [0,1]. Not timed. */
    void (*result)(const void *state, float *rgb);
    void (*close)(void *state);
} pln_peer;

/* A direct solver of (Id + Lap(w)) u = f on the w x h grid, weights as pln_spd (planish's solve.h),
 * f and u: three channels, interleaved. 0: done. *bytes: the most it held. */
typedef struct pln_spd_peer {
    const char *name;
    int (*solve)(size_t w, size_t h, const float *right, const float *down, const float *f,
                 float *u, int threads, double *bytes);
} pln_spd_peer;

typedef struct pln_peers {
    int version;
    const pln_peer *peers; /* method == NULL ends it */
    const pln_spd_peer *spd;
} pln_peers;

typedef const pln_peers *pln_peers_fn(void);

#ifdef __cplusplus
}
#endif
#endif
