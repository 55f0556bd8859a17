/* SPDX-License-Identifier: MIT */
#include "core/core.h"
#include "core/philox.h"

void pln_random4(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    pln_philox(seed, stream, index, out);
}

double pln_random(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t r[4];
    pln_philox(seed, stream, index, r);
    return pln_philox_unit(r[0], r[1]);
}

double pln_random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t r[4];
    pln_philox(seed, stream, index, r);
    return pln_philox_normal(r);
}
