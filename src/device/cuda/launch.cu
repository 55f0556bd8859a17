// SPDX-License-Identifier: MIT
// Grids of the kernels: each index is one thread's, in strides of the whole grid where there are more.
#include <cuda_runtime.h>

#include "device/kernels/list.h"

#define GRID(name, parameters)                                                                     \
    __global__ void __launch_bounds__(CU_BLOCK) grid_##name(const parameters p, size_t n)          \
    {                                                                                              \
        const size_t step = (size_t)gridDim.x * CU_BLOCK;                                          \
        for (size_t i = (size_t)blockIdx.x * CU_BLOCK + threadIdx.x; i < n; i += step)             \
            cu_##name##_body(&p, i);                                                               \
    }
CU_KERNELS(GRID)

// cudaError_t of the launch.
extern "C" int cu_launch(int kernel, const void *parameters, size_t n, void *stream)
{
    const size_t most = (size_t)1 << 30, blocks = (n + CU_BLOCK - 1) / CU_BLOCK;
    const unsigned grid = (unsigned)(blocks < most ? blocks : most);
    switch ((cu_kernel)kernel) {
#define LAUNCH(name, type)                                                                         \
    case CU_##name: {                                                                              \
        type p;                                                                                    \
        memcpy(&p, parameters, sizeof p);                                                          \
        grid_##name<<<grid, CU_BLOCK, 0, (cudaStream_t)stream>>>(p, n);                            \
        break;                                                                                     \
    }
        CU_KERNELS(LAUNCH)
#undef LAUNCH
    default:
        return (int)cudaErrorInvalidValue;
    }
    return (int)cudaGetLastError();
}
