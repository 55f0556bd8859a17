/* SPDX-License-Identifier: MIT */
/* Inner loops of the 5- and 9-point solver. The method is described in spd.c. */
#include "solve/spd_kernels.h"

#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

extern const spd_kernels PLN_KERNELS(pln_spd_kernels);

typedef float v4 __attribute__((vector_size(16)));
typedef double d4 __attribute__((vector_size(32)));
typedef float v16 __attribute__((vector_size(64)));
typedef uint32_t u16 __attribute__((vector_size(64)));
typedef double d16 __attribute__((vector_size(128)));

/* ---- Elimination ---- */

/* Neighbours of the node at hand, each once. */
struct star {
    int n;
    uint32_t node[SPD_MAX_DEGREE];
    float weight[SPD_MAX_DEGREE];
};

static inline void star_add(struct star *s, uint8_t *slot, uint32_t node, float weight)
{
    int place = slot[node];
    if (place) {
        s->weight[place - 1] += weight;
    } else if (s->n < SPD_MAX_DEGREE) {
        s->node[s->n] = node;
        s->weight[s->n] = weight;
        slot[node] = (uint8_t)++s->n;
    }
}

static inline uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

/* Empties the list of waiting edges of node v into s and clears the slots. */
static inline void star_close(struct star *s, uint8_t *slot, uint32_t *head, struct spd_pool *pool,
                              uint32_t v)
{
    for (uint32_t e = head[v], next; e != SPD_NIL; e = next) {
        struct spd_edge *edge = pool->edge + e;
        next = edge->next;
        star_add(s, slot, edge->node, edge->weight);
        edge->next = pool->free;
        pool->free = e;
    }
    for (int a = 0; a < s->n; a++) {
        uint32_t bits =
            (bits_of(s->weight[a]) + 0x8000u) & 0xffff0000u; /* as the factor stores it */
        slot[s->node[a]] = 0;
        memcpy(&s->weight[a], &bits, sizeof bits);
    }
}

/* Sorts the neighbours by weight, lightest first. Positive floats order like their bits; the last
 * bits are free for the index, which makes keys unique. */
static inline void star_sort(const struct star *restrict s, struct star *restrict o)
{
    uint32_t key[SPD_MAX_DEGREE];
    int n = s->n;
    o->n = n;
    if (n <= 16) { /* rank of each by comparing all: no branches */
        u16 keys = {0}, rank = {0};
        uint32_t place[16], plain[16];
        for (int a = 0; a < n; a++) plain[a] = bits_of(s->weight[a]) | (uint32_t)a;
        memcpy(&keys, plain, sizeof keys);
        for (int b = 0; b < n; b++) rank -= (u16)(plain[b] < keys);
        memcpy(place, &rank, sizeof rank);
        for (int a = 0; a < n; a++) {
            o->node[place[a]] = s->node[a];
            o->weight[place[a]] = s->weight[a];
        }
        return;
    }
    for (int a = 0; a < n; a++) {
        uint32_t k = bits_of(s->weight[a]) | (uint32_t)a;
        int b = a;
        for (; b > 0 && key[b - 1] > k; b--) key[b] = key[b - 1];
        key[b] = k;
    }
    for (int a = 0; a < n; a++) {
        o->node[a] = s->node[key[a] & 63u];
        o->weight[a] = s->weight[key[a] & 63u];
    }
}

/* How many of 16 are above t. */
static inline int count_above(const float *rest, float t)
{
#if defined(__AVX512F__)
    return __builtin_popcount(
        _mm512_cmp_ps_mask(_mm512_loadu_ps(rest), _mm512_set1_ps(t), _CMP_GT_OQ));
#elif defined(__AVX2__)
    __m256 v = _mm256_set1_ps(t);
    int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(rest), v, _CMP_GT_OQ));
    int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(rest + 8), v, _CMP_GT_OQ));
    return __builtin_popcount((unsigned)(low | high << 8));
#else
    int n = 0;
    for (int j = 0; j < 16; j++) n += rest[j] > t;
    return n;
#endif
}

/* What becomes of a node's neighbours, which are sorted by weight, lightest first. Beyond
 * `keep` the lightest leave the node: as if a heavy edge were a wire of no length, they are
 * tied to one of the heavy ones instead, drawn by weight, at the conductance of both edges in
 * series. The others form its column, and each but the last is joined to a later one, drawn with
 * probability weight / sum of the later weights. */
struct plan {
    int n, drop;                 /* neighbours; the lightest ones that only move */
    int to[SPD_MAX_DEGREE];      /* whom each is joined to */
    float joint[SPD_MAX_DEGREE]; /* by how much */
    float inverse;
};

static inline void star_plan(const struct star *s, int keep, float excess, uint32_t *seed,
                             struct plan *p)
{
    float rest[SPD_MAX_DEGREE < 16 ? 16 : SPD_MAX_DEGREE];
    int n = s->n, drop = n > keep ? n - keep : 0;
    float sum = 0;
    uint32_t x = *seed;

    p->n = n;
    p->drop = drop;
    for (int a = 0; a < 16; a++) rest[a] = 0;
    for (int a = n - 1; a >= drop; a--) {
        rest[a] = sum;
        sum += s->weight[a];
    }
    for (int a = 0; a < drop; a++) rest[a] = sum;
    p->inverse = 1 / (sum + excess);
    for (int a = 0; a < n - 1; a++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        float w = s->weight[a], t = (float)(x >> 8) * 0x1p-24f * rest[a];
        int b = 0, least = a < drop ? drop : a + 1;
        if (n <= 16)
            b = count_above(rest, t);
        else
            for (b = least; b < n - 1 && rest[b] > t;) b++;
        p->to[a] = b < least ? least : b > n - 1 ? n - 1 : b;
        p->joint[a] = a < drop ? w * sum / (w + sum) : w * rest[a] * p->inverse;
    }
    *seed = x;
}

/* Below this an edge says nothing and its arithmetic would be denormal. */
#define TINY 1e-30f

static void eliminate_tile(struct spd_tile *t)
{
    struct star raw = {0}, s;
    struct plan p;
    uint32_t inner = (uint32_t)t->inner;
    uint32_t *block = t->block;
    for (uint32_t v = 0; v < inner; v++, block += SPD_BLOCK) {
        for (int a = 0; a < SPD_BLOCK; a++) block[a] = a ? v : 0;
        if (!t->inside[v]) continue;
        const struct spd_later *later = t->later + v;
        raw.n = 0;
        for (int a = 0; a < later->n; a++) {
            float w = t->weight[later->weight[a]];
            if (w > TINY) star_add(&raw, t->slot, later->node[a], w);
        }
        star_close(&raw, t->slot, t->head, &t->pool, v);
        star_sort(&raw, &s);
        float excess = t->excess[v];
        star_plan(&s, SPD_COLUMN, excess, &t->seed, &p);
        block[0] = bits_of(p.inverse);
        for (int a = p.drop; a < p.n; a++) {
            block[1 + a - p.drop] = bits_of(s.weight[a]) | s.node[a];
            t->excess[s.node[a]] += s.weight[a] * p.inverse * excess;
        }
        for (int a = p.n - p.drop; a < SPD_COLUMN && p.n; a++) block[1 + a] = s.node[0];
        for (int a = 0; a < p.n - 1; a++) {
            uint32_t i = s.node[a], j = s.node[p.to[a]];
            if (!(p.joint[a] > TINY)) continue;
            if (i < inner || j < inner)
                spd_push(&t->pool, t->head, i, j, p.joint[a]);
            else if (t->edges < t->capacity)
                t->edge[t->edges++] = (struct spd_join){(uint16_t)i, (uint16_t)j, p.joint[a]};
        }
    }
}

static void eliminate_interface(struct spd_interface *t, size_t from, size_t to)
{
    struct star raw = {0}, s;
    struct plan p;
    for (size_t v = from; v < to; v++) {
        struct spd_entry *column = t->column + v * SPD_FACE_COLUMN;
        raw.n = 0;
        star_close(&raw, t->slot, t->head, &t->pool, (uint32_t)v);
        star_sort(&raw, &s);
        float excess = t->excess[v];
        star_plan(&s, SPD_FACE_COLUMN, excess, &t->seed, &p);
        t->inverse[v] = p.inverse;
        for (int a = 0; a < SPD_FACE_COLUMN; a++) column[a] = (struct spd_entry){(uint32_t)v, 0};
        for (int a = p.drop; a < p.n; a++) {
            column[a - p.drop] = (struct spd_entry){s.node[a], s.weight[a]};
            t->excess[s.node[a]] += s.weight[a] * p.inverse * excess;
        }
        for (int a = 0; a < p.n - 1; a++)
            if (p.joint[a] > TINY)
                spd_push(&t->pool, t->head, s.node[a], s.node[p.to[a]], p.joint[a]);
    }
}

/* ---- Substitution ---- */

/* An entry of a block is a node's number and, in the upper half, a weight of 16 bits (the upper
 * half of a float). */
static inline float float_of(uint32_t bits)
{
    float w;
    memcpy(&w, &bits, sizeof w);
    return w;
}

/* Columns have a fixed number of entries: the end of a loop over each node's own number could not
 * be foreseen, and costs more than the arithmetic. */
enum { AHEAD = 256 }; /* words of the stream of blocks asked for before they are needed */

#define SUBSTITUTE(type, sum_type, name, as_sum)                                                   \
    static void forward_##name(const struct spd_tile *t, type *restrict v, sum_type *sum)          \
    {                                                                                              \
        const uint32_t *block = t->block;                                                          \
        sum_type total = {0};                                                                      \
        for (size_t i = 0; i < t->inner; i++, block += SPD_BLOCK) {                                \
            __builtin_prefetch(block + AHEAD);                                                     \
            type y = v[i], z = y * float_of(block[0]);                                             \
            v[i] = z;                                                                              \
            total += as_sum(y * z);                                                                \
            for (int a = 1; a < SPD_BLOCK; a++)                                                    \
                v[block[a] & 0xffff] += float_of(block[a] & 0xffff0000u) * z;                      \
        }                                                                                          \
        *sum = total;                                                                              \
    }                                                                                              \
    static void backward_##name(const struct spd_tile *t, type *restrict v)                        \
    {                                                                                              \
        const uint32_t *block = t->block + t->inner * SPD_BLOCK;                                   \
        for (size_t i = t->inner; i-- > 0;) {                                                      \
            type s = {0};                                                                          \
            block -= SPD_BLOCK;                                                                    \
            __builtin_prefetch(block - AHEAD);                                                     \
            for (int a = 1; a < SPD_BLOCK; a++)                                                    \
                s += float_of(block[a] & 0xffff0000u) * v[block[a] & 0xffff];                      \
            v[i] += s * float_of(block[0]);                                                        \
        }                                                                                          \
    }                                                                                              \
    static void forward_interface_##name(const struct spd_interface *t, type *restrict v,          \
                                         sum_type *sum)                                            \
    {                                                                                              \
        const struct spd_entry *column = t->column;                                                \
        sum_type total = {0};                                                                      \
        for (size_t i = 0; i < t->n; i++, column += SPD_FACE_COLUMN) {                             \
            type y = v[i], z = y * t->inverse[i];                                                  \
            v[i] = z;                                                                              \
            total += as_sum(y * z);                                                                \
            for (int a = 0; a < SPD_FACE_COLUMN; a++) v[column[a].node] += column[a].weight * z;   \
        }                                                                                          \
        *sum = total;                                                                              \
    }                                                                                              \
    static void backward_interface_##name(const struct spd_interface *t, type *restrict v)         \
    {                                                                                              \
        const struct spd_entry *column = t->column + t->n * SPD_FACE_COLUMN;                       \
        for (size_t i = t->n; i-- > 0;) {                                                          \
            type s = {0};                                                                          \
            column -= SPD_FACE_COLUMN;                                                             \
            for (int a = 0; a < SPD_FACE_COLUMN; a++) s += column[a].weight * v[column[a].node];   \
            v[i] += s * t->inverse[i];                                                             \
        }                                                                                          \
    }
#define AS_D4(x)     __builtin_convertvector(x, d4)
#define AS_DOUBLE(x) (double)(x)
SUBSTITUTE(v4, d4, quads, AS_D4)
SUBSTITUTE(float, double, singles, AS_DOUBLE)

static void forward(const struct spd_tile *t, size_t c, float *v, double *sum)
{
    d4 total = {0};
    double single = 0;
    if (c == 1)
        forward_singles(t, v, &single);
    else
        forward_quads(t, (v4 *)(void *)v, &total);
    sum[0] += single;
    for (size_t b = 0; b < c && c > 1; b++) sum[b] += total[b];
}

static void backward(const struct spd_tile *t, size_t c, float *v)
{
    if (c == 1)
        backward_singles(t, v);
    else
        backward_quads(t, (v4 *)(void *)v);
}

static void forward_interface(const struct spd_interface *t, size_t c, float *v, double *sum)
{
    d4 total = {0};
    double single = 0;
    if (c == 1)
        forward_interface_singles(t, v, &single);
    else
        forward_interface_quads(t, (v4 *)(void *)v, &total);
    sum[0] += single;
    for (size_t b = 0; b < c && c > 1; b++) sum[b] += total[b];
}

static void backward_interface(const struct spd_interface *t, size_t c, float *v)
{
    if (c == 1)
        backward_interface_singles(t, v);
    else
        backward_interface_quads(t, (v4 *)(void *)v);
}

static inline v4 load4(const float *p)
{
    v4 v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Three rows of four and four nodes of three. */
static inline void transpose(v4 *a, v4 *b, v4 *c, v4 *d)
{
    v4 ab = __builtin_shufflevector(*a, *b, 0, 4, 1, 5),
       cd = __builtin_shufflevector(*c, *d, 0, 4, 1, 5);
    v4 ef = __builtin_shufflevector(*a, *b, 2, 6, 3, 7),
       gh = __builtin_shufflevector(*c, *d, 2, 6, 3, 7);
    *a = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *b = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *c = __builtin_shufflevector(ef, gh, 0, 1, 4, 5);
    *d = __builtin_shufflevector(ef, gh, 2, 3, 6, 7);
}

static void gather(size_t n, size_t c, const uint16_t *node, const float *const *r, float *v)
{
    v4 *q = (v4 *)(void *)v;
    if (c == 1) {
        for (size_t i = 0; i < n; i++) v[node[i]] = r[0][i];
        return;
    }
    for (size_t i = 0; i < n; i += 4) {
        v4 a = load4(r[0] + i), b = load4(r[1] + i), d = load4(r[2] + i), e = {0};
        transpose(&a, &b, &d, &e);
        q[node[i]] = a;
        if (i + 1 < n) q[node[i + 1]] = b;
        if (i + 2 < n) q[node[i + 2]] = d;
        if (i + 3 < n) q[node[i + 3]] = e;
    }
}

static void scatter(size_t n, size_t c, const uint16_t *node, const float *v, const float *beta,
                    float *const *p)
{
    const v4 *q = (const v4 *)(const void *)v;
    if (c == 1) {
        for (size_t i = 0; i < n; i++) p[0][i] = v[node[i]] + beta[0] * p[0][i];
        return;
    }
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        v4 z[4] = {q[node[i]], q[node[i + 1]], q[node[i + 2]], q[node[i + 3]]};
        transpose(&z[0], &z[1], &z[2], &z[3]);
        for (int b = 0; b < 3; b++) {
            v4 sum = z[b] + beta[b] * load4(p[b] + i);
            memcpy(p[b] + i, &sum, sizeof sum);
        }
    }
    for (; i < n; i++)
        for (int b = 0; b < 3; b++) p[b][i] = q[node[i]][b] + beta[b] * p[b][i];
}

/* ---- Matrix and vectors ---- */

static void apply5(size_t n, int odd, const float *restrict excess, const float *restrict right,
                   const float *restrict below, const float *restrict above,
                   const float *restrict dr, const float *restrict dl, const float *restrict ur,
                   const float *restrict ul, const float *restrict m2, const float *restrict m1,
                   const float *restrict p, const float *restrict p1, const float *restrict p2,
                   float *restrict q)
{
    /* column shifts: a black node's lower right neighbour is odd further, its lower left one odd -
     * 1; rows alternate */
    const float *pr = p1 + odd, *pl = p1 + odd - 1, *mr = m1 + odd, *ml = m1 + odd - 1;
    ur += odd;
    ul += odd - 1;
    for (size_t i = 0; i < n; i++) {
        float x = p[i];
        q[i] = excess[i] * x + right[i] * (x - p[i + 1]) +
               right[(ptrdiff_t)i - 1] * (x - p[(ptrdiff_t)i - 1]) + below[i] * (x - p2[i]) +
               above[i] * (x - m2[i]) + dr[i] * (x - pr[i]) + dl[i] * (x - pl[i]) +
               ur[i] * (x - mr[i]) + ul[i] * (x - ml[i]);
    }
}

static inline float apply9_at(size_t i, size_t n, bool up, bool down, const float *right,
                              const float *below, const float *dr, const float *dl,
                              const float *ubelow, const float *udr, const float *udl,
                              const float *m1, const float *p, const float *p1)
{
    float x = p[i], sum = x;
    if (i + 1 < n) {
        sum += right[i] * (x - p[i + 1]);
        if (down) sum += dr[i] * (x - p1[i + 1]);
        if (up) sum += udl[i + 1] * (x - m1[i + 1]);
    }
    if (i > 0) {
        sum += right[i - 1] * (x - p[i - 1]);
        if (down) sum += dl[i] * (x - p1[i - 1]);
        if (up) sum += udr[i - 1] * (x - m1[i - 1]);
    }
    if (down) sum += below[i] * (x - p1[i]);
    if (up) sum += ubelow[i] * (x - m1[i]);
    return sum;
}

static void apply9(size_t n, bool up, bool down, const float *restrict right,
                   const float *restrict below, const float *restrict dr, const float *restrict dl,
                   const float *restrict ubelow, const float *restrict udr,
                   const float *restrict udl, const float *restrict m1, const float *restrict p,
                   const float *restrict p1, float *restrict q)
{
    size_t from = 0, to = n;
    if (up && down && n > 2) {
        for (size_t i = 1; i < n - 1; i++) {
            float x = p[i];
            q[i] = x + right[i] * (x - p[i + 1]) + right[i - 1] * (x - p[i - 1]) +
                   below[i] * (x - p1[i]) + ubelow[i] * (x - m1[i]) + dr[i] * (x - p1[i + 1]) +
                   dl[i] * (x - p1[i - 1]) + udr[i - 1] * (x - m1[i - 1]) +
                   udl[i + 1] * (x - m1[i + 1]);
        }
        q[0] = apply9_at(0, n, up, down, right, below, dr, dl, ubelow, udr, udl, m1, p, p1);
        from = n - 1;
    }
    for (size_t i = from; i < to; i++)
        q[i] = apply9_at(i, n, up, down, right, below, dr, dl, ubelow, udr, udl, m1, p, p1);
}

static inline double add16(const d16 *s)
{
    double sum = 0;
    for (int j = 0; j < 16; j++) sum += (*s)[j];
    return sum;
}

static double dot(size_t n, const float *a, const float *b)
{
    d16 s = {0};
    for (size_t i = 0; i < n; i += 16) {
        v16 x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        s += __builtin_convertvector(x, d16) * __builtin_convertvector(y, d16);
    }
    return add16(&s);
}

static double step(size_t n, float alpha, const float *restrict p, const float *restrict q,
                   float *restrict x, float *restrict r)
{
    d16 s = {0};
    for (size_t i = 0; i < n; i += 16) {
        v16 pv, qv, xv, rv;
        memcpy(&pv, p + i, sizeof pv);
        memcpy(&qv, q + i, sizeof qv);
        memcpy(&xv, x + i, sizeof xv);
        memcpy(&rv, r + i, sizeof rv);
        xv += alpha * pv;
        rv -= alpha * qv;
        memcpy(x + i, &xv, sizeof xv);
        memcpy(r + i, &rv, sizeof rv);
        d16 d = __builtin_convertvector(rv, d16);
        s += d * d;
    }
    return add16(&s);
}

/* ---- Elimination of the red pixels of a 5-point system ---- */

static void split(size_t w, int odd, size_t c, const float *restrict right,
                  const float *restrict down, const float *restrict f, const struct spd_split *s)
{
    size_t black = (w + 1 - (size_t)odd) / 2, reds = w - black;
    const size_t b0 = (size_t)odd, r0 = 1 - b0; /* first black, first red column */
    for (size_t i = 0; i < black; i++) s->right_black[i] = right[2 * i + b0];
    for (size_t i = 0; i < reds; i++) s->right_red[i] = right[2 * i + r0];
    if (w > 0 && (w - 1) % 2 == b0) /* there is no pixel to the right of the last */
        s->right_black[black - 1] = 0;
    else
        s->right_red[reds - 1] = 0;
    for (size_t i = 0; i < black && down; i++) s->down_black[i] = down[2 * i + b0];
    for (size_t i = 0; i < reds && down; i++) s->down_red[i] = down[2 * i + r0];
    for (size_t b = 0; b < c; b++) {
        float *restrict fb = s->f_black[b], *restrict fr = s->f_red[b];
        for (size_t i = 0; i < black; i++) fb[i] = f[(2 * i + b0) * c + b];
        for (size_t i = 0; i < reds; i++) fr[i] = f[(2 * i + r0) * c + b];
    }
}

static void red(size_t n, int odd, const struct spd_split *restrict s,
                const struct spd_split *restrict above, float *restrict inverse)
{
    const float *left = s->right_black - odd; /* the black node to the left of red i is i - odd */
    for (size_t i = 0; i < n; i++)
        inverse[i] = 1 / (1 + left[i] + s->right_red[i] + s->down_red[i] + above->down_black[i]);
}

static void reduce(size_t n, int odd, size_t c, const struct spd_split *above,
                   const struct spd_split *s, const struct spd_split *below,
                   const float *restrict iabove, const float *restrict inverse,
                   const float *restrict ibelow, const struct spd_reduced *to)
{
    /* the red node to the left of black i is i + odd - 1, to the right i + odd */
    const float *rb = s->right_black, *db = s->down_black, *ub = above->down_red;
    const float *lr = s->right_red + odd - 1, *il = inverse + odd - 1, *dlr = s->down_red + odd - 1;
    const float *rr = s->right_red + odd, *ir = inverse + odd, *drr = s->down_red + odd;
    const float *br = below->right_red, *bl = below->right_black + odd - 1, *bd = below->down_red;
    float *restrict excess = to->excess, *restrict right = to->right, *restrict down2 = to->down2;
    float *restrict dr = to->dr, *restrict dl = to->dl;
    for (size_t i = 0; i < n; i++) {
        float l = lr[i] * il[i], r = rb[i] * ir[i], d = db[i] * ibelow[i];
        excess[i] = 1 + l + r + ub[i] * iabove[i] + d;
        right[i] = r * rr[i];
        down2[i] = d * bd[i];
        dr[i] = r * drr[i] + d * br[i];
        dl[i] = l * dlr[i] + d * bl[i];
    }
    for (size_t b = 0; b < c; b++) {
        const float *fb = s->f_black[b], *fl = s->f_red[b] + odd - 1, *fr = s->f_red[b] + odd;
        const float *fu = above->f_red[b], *fd = below->f_red[b];
        float *restrict sum = to->r[b];
        for (size_t i = 0; i < n; i++)
            sum[i] = fb[i] + lr[i] * il[i] * fl[i] + rb[i] * ir[i] * fr[i] +
                     ub[i] * iabove[i] * fu[i] + db[i] * ibelow[i] * fd[i];
    }
}

static void expand(size_t n, int odd, const struct spd_split *s, const struct spd_split *above,
                   const float *restrict inverse, const float *restrict f,
                   const float *restrict vabove, const float *restrict v,
                   const float *restrict vbelow, float *restrict to)
{
    const float *left = s->right_black - odd, *vl = v - odd, *vr = v - odd + 1;
    for (size_t i = 0; i < n; i++)
        to[i] = (f[i] + left[i] * vl[i] + s->right_red[i] * vr[i] + s->down_red[i] * vbelow[i] +
                 above->down_black[i] * vabove[i]) *
                inverse[i];
}

const spd_kernels PLN_KERNELS(pln_spd_kernels) = {
    .eliminate_tile = eliminate_tile,
    .eliminate_interface = eliminate_interface,
    .forward = forward,
    .backward = backward,
    .forward_interface = forward_interface,
    .backward_interface = backward_interface,
    .apply5 = apply5,
    .apply9 = apply9,
    .dot = dot,
    .step = step,
    .gather = gather,
    .scatter = scatter,
    .split = split,
    .red = red,
    .reduce = reduce,
    .expand = expand,
};
