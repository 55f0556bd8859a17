/* SPDX-License-Identifier: MIT */
#include "nn/backends/view.h"

#include <string.h>

void pnn_merge_steps(size_t d[4], size_t *const step[], int n)
{
    size_t merged[4] = {1, 1, 1, 1}, steps[PNN_MAX_INPUTS + 1][4] = {{0}};
    int at = 4;
    for (int i = 3; i >= 0; i--) {
        bool even = at < 4;
        if (d[i] == 1) continue;
        for (int j = 0; j < n && even; j++) even = step[j][i] == steps[j][at] * merged[at];
        if (even) {
            merged[at] *= d[i];
            continue;
        }
        merged[--at] = d[i];
        for (int j = 0; j < n; j++) steps[j][at] = step[j][i];
    }
    memcpy(d, merged, sizeof merged);
    for (int j = 0; j < n; j++) memcpy(step[j], steps[j], sizeof steps[j]);
}
