/* SPDX-License-Identifier: MIT */
/* What lies outside the picture. */
#include "solve/solve.h"

/* i modulo n, in [0, n). */
static ptrdiff_t wrap(ptrdiff_t i, ptrdiff_t n)
{
    ptrdiff_t r = i % n;

    return r < 0 ? r + n : r;
}

ptrdiff_t pln_border_index(ptrdiff_t i, ptrdiff_t n, pln_border border)
{
    if (i >= 0 && i < n) return i;
    switch (border) {
    case PLN_BORDER_REPLICATE:
        return i < 0 ? 0 : n - 1;
    case PLN_BORDER_REFLECT101: {
        /* There and back again without repeating the ends: period 2 (n - 1). */
        if (n == 1) return 0;
        ptrdiff_t r = wrap(i, 2 * (n - 1));
        return r < n ? r : 2 * (n - 1) - r;
    }
    case PLN_BORDER_PERIODIC:
        return wrap(i, n);
    case PLN_BORDER_SHRINK:
    case PLN_BORDER_ZERO:
        break;
    }
    return -1;
}
