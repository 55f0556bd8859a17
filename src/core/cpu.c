/* SPDX-License-Identifier: MIT */
/* What the processor can do. */
#include "core/core.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

/* AMX needs tiles with bf16 (leaf 7, edx 22 and 24) and an operating system that saves tile state
 * (xcr0 17, 18). */
static bool has_amx(void)
{
    unsigned a, b, c, d, lo, hi;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 22 & 1) || !(d >> 24 & 1)) return false;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (lo >> 17 & 3) == 3;
}

pln_isa pln_isa_machine(void)
{
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return PLN_ISA_BASELINE;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl") ||
        !__builtin_cpu_supports("avx512cd"))
        return PLN_ISA_AVX2;
    return has_amx() ? PLN_ISA_AMX : PLN_ISA_AVX512;
}
#else
pln_isa pln_isa_machine(void) { return PLN_ISA_BASELINE; }
#endif

const char *pln_isa_name(pln_isa isa)
{
    static const char *const names[] = {"baseline", "avx2", "avx512", "amx"};
    return names[isa];
}
