/* SPDX-License-Identifier: MIT */
/* Inner loops of the 5- and 9-point solver (spd.c), compiled once for each instruction set. */
#ifndef PLN_SOLVE_SPD_KERNELS_H
#define PLN_SOLVE_SPD_KERNELS_H

#include "core/core.h"

enum {
    SPD_PAD = 16, /* floats before and after a row: zero, so that kernels may run past both ends */
    SPD_MAX_DEGREE = 64, /* neighbours told apart when a node is eliminated; later ones are lost */
    SPD_COLUMN = 6,      /* entries of a column of the factor */
    SPD_BLOCK = 1 + SPD_COLUMN,
    SPD_FACE_COLUMN = 12 /* of a column in the interface, which is small and joins all */
};

/* An edge that waits at its earlier end; lists are threaded through a pool. */
struct spd_edge {
    uint32_t next, node;
    float weight;
};
struct spd_pool {
    struct spd_edge *edge;
    uint32_t free, fresh, capacity; /* list of returned edges, first never used one */
};
#define SPD_NIL UINT32_MAX

/* Later neighbours in the stencil of a tile's node: whose weight, which node. */
struct spd_later {
    uint16_t weight[8], node[8];
    uint8_t n;
};

/* An edge between two interface nodes of a tile. */
struct spd_join {
    uint16_t a, b;
    float weight;
};

/* One tile's elimination. Nodes [0, inner) are eliminated in this order, [inner, all) are the
 * interface. */
struct spd_tile {
    size_t inner, all;
    const struct spd_later *later;
    const float *weight;   /* of the stencil, as `later` indexes it; 0 outside the picture */
    const uint8_t *inside; /* inner: is the node in the picture */
    float *excess;         /* all; of the interface: what the tile adds */
    uint32_t *head;        /* all; scratch: lists of waiting edges */
    uint8_t *slot;         /* all; scratch: place of a node among the neighbours at hand, 0: none */
    struct spd_pool pool;  /* scratch */
    uint32_t seed;
    /* results: a block a node, 1 / D and the column: a node's number | upper half of the weight */
    uint32_t *block;
    size_t capacity, edges; /* edges between interface nodes */
    struct spd_join *edge;
};

struct spd_entry {
    uint32_t node;
    float weight;
};

/* The interface: every node is eliminated, edges wait in lists filled by spd_push. */
struct spd_interface {
    size_t n;
    float *excess;
    uint32_t *head;
    uint8_t *slot;
    struct spd_pool pool;
    uint32_t seed;
    struct spd_entry *column; /* SPD_FACE_COLUMN a node */
    float *inverse;
};

/* A row of a 5-point system split by colour: weights of A and up to three channels of f. Black
 * pixels
 * ((x + y) even) stay, red ones are eliminated. Zeros before and after. */
struct spd_split {
    float *right_black, *right_red, *down_black, *down_red;
    float *f_black[3], *f_red[3];
};

/* A row of the reduced system and of the right side. */
struct spd_reduced {
    float *excess, *right, *down2, *dr, *dl, *r[3];
};

typedef struct spd_kernels {
    void (*eliminate_tile)(struct spd_tile *t);
    void (*eliminate_interface)(struct spd_interface *t, size_t from, size_t to);
    /* Forward substitution in place, c = 1 or 4 interleaved values a node, divided by D at the end;
     * adds the sum of value squared / D to sum[c]. */
    void (*forward)(const struct spd_tile *t, size_t c, float *v, double *sum);
    void (*backward)(const struct spd_tile *t, size_t c, float *v);
    void (*forward_interface)(const struct spd_interface *t, size_t c, float *v, double *sum);
    void (*backward_interface)(const struct spd_interface *t, size_t c, float *v);
    /* q = S p on a row of the reduced system; rows m2, m1, p, p1, p2 are two above ... two below;
     * odd: y is odd. */
    void (*apply5)(size_t n, int odd, const float *excess, const float *right, const float *below,
                   const float *above, const float *dr, const float *dl, const float *ur,
                   const float *ul, const float *m2, const float *m1, const float *p,
                   const float *p1, const float *p2, float *q);
    /* q = A p on a row of the 9-point system; up, down: there is a row above, below; weights of the
     * row above in u*. */
    void (*apply9)(size_t n, bool up, bool down, const float *right, const float *below,
                   const float *dr, const float *dl, const float *ubelow, const float *udr,
                   const float *udl, const float *m1, const float *p, const float *p1, float *q);
    /* Multiples of 16 floats. */
    double (*dot)(size_t n, const float *a, const float *b);
    double (*step)(size_t n, float alpha, const float *p, const float *q, float *x, float *r);
    /* Plain rows <-> interleaved nodes in the order of `node`. */
    void (*gather)(size_t n, size_t c, const uint16_t *node, const float *const *r, float *v);
    void (*scatter)(size_t n, size_t c, const uint16_t *node, const float *v, const float *beta,
                    float *const *p);
    /* Rows of w pixels of c samples <-> planes; the last colour of a row may be missing. */
    void (*split)(size_t w, int odd, size_t c, const float *right, const float *down,
                  const float *f, const struct spd_split *s);
    /* 5 points: 1 / D of n red nodes; reduced weights and right side of n black ones; values of red
     * ones from those of the black ones above, beside and below */
    void (*red)(size_t n, int odd, const struct spd_split *s, const struct spd_split *above,
                float *inverse);
    void (*reduce)(size_t n, int odd, size_t c, const struct spd_split *above,
                   const struct spd_split *s, const struct spd_split *below, const float *iabove,
                   const float *inverse, const float *ibelow, const struct spd_reduced *to);
    void (*expand)(size_t n, int odd, const struct spd_split *s, const struct spd_split *above,
                   const float *inverse, const float *f, const float *vabove, const float *v,
                   const float *vbelow, float *to);
} spd_kernels;

PLN_KERNELS_DECLARE(spd_kernels, pln_spd_kernels);

/* Adds an edge to the list at its earlier end. A full pool drops it, which keeps the row sums. */
static inline void spd_push(struct spd_pool *pool, uint32_t *head, uint32_t a, uint32_t b,
                            float weight)
{
    uint32_t first = a < b ? a : b, e = pool->free;
    if (e != SPD_NIL)
        pool->free = pool->edge[e].next;
    else if (pool->fresh < pool->capacity)
        e = pool->fresh++;
    else
        return;
    pool->edge[e] = (struct spd_edge){head[first], a < b ? b : a, weight};
    head[first] = e;
}

#endif
