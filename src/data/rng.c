/* SPDX-License-Identifier: MIT */
/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
#include <math.h>

#include "data/data.h"

static const uint64_t gamma64 = 0x9E3779B97F4A7C15u;

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static double unit(uint64_t u) { return (double)(u >> 11) * 0x1p-53; }

struct pln_rng pln_rng(uint64_t seed, uint64_t stream)
{
    return (struct pln_rng){(seed << 32) + stream};
}

uint64_t pln_rng_next(struct pln_rng *r) { return mix(r->state += gamma64); }

double pln_rng_unit(struct pln_rng *r) { return unit(pln_rng_next(r)); }

uint64_t pln_rng_below(struct pln_rng *r, uint64_t n)
{
    return (uint64_t)(pln_rng_unit(r) * (double)n);
}

double pln_rng_uniform(struct pln_rng *r, double lo, double hi)
{
    return lo + (hi - lo) * pln_rng_unit(r);
}

double pln_rng_log_uniform(struct pln_rng *r, double lo, double hi)
{
    return exp(pln_rng_uniform(r, log(lo), log(hi)));
}

void pln_rng_field(struct pln_rng *r, double *field, size_t n)
{
    uint64_t base = pln_rng_next(r);
    for (size_t i = 0; i < n; i++) field[i] = unit(mix(base + (i + 1) * gamma64));
}
