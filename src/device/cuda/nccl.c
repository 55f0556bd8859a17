/* SPDX-License-Identifier: MIT */
/* Means over the GPUs of several processes. */
#include <nccl.h>
#include <string.h>

#include "device/cuda/driver.h"

_Static_assert((int)PLN_GROUP_ID >= (int)NCCL_UNIQUE_ID_BYTES, "an id has room");

#define FUNCTIONS(F)                                                                               \
    F(ncclGetUniqueId)                                                                             \
    F(ncclCommInitRank)                                                                            \
    F(ncclCommDestroy)                                                                             \
    F(ncclAllReduce)                                                                               \
    F(ncclGetErrorString)

struct cu_nccl {
    FUNCTIONS(CU_MEMBER)
    ncclComm_t comm;
};

/* The library stays: its threads may outlive the group. */
static pln_status load(pln_device *d, cu_nccl *n)
{
    static const char *const names[] = {FUNCTIONS(CU_NAME) NULL};
    return cu_load(d, "NCCL 2", "libnccl.so.2", names, n, NULL);
}

static pln_status said(const pln_device *d, const cu_nccl *n, ncclResult_t e)
{
    return e == ncclSuccess
               ? PLN_OK
               : pln_fail(d->ctx, PLN_E_DEVICE, "%s: NCCL: %s", d->name, n->ncclGetErrorString(e));
}

pln_status cu_nccl_id(pln_device *d, unsigned char *id)
{
    cu_nccl n = {NULL};
    ncclUniqueId unique;
    pln_status s = PLN_OK;
    PLN_TRY(load(d, &n));
    if (!id) return PLN_OK;
    PLN_TRY(said(d, &n, n.ncclGetUniqueId(&unique)));
    memset(id, 0, PLN_GROUP_ID);
    memcpy(id, &unique, sizeof unique);
done:
    return s;
}

pln_status cu_nccl_join(pln_device *d, const unsigned char *id, size_t rank, size_t world,
                        cu_nccl **nccl)
{
    cu_nccl *n = NULL;
    ncclUniqueId unique;
    pln_status s = PLN_OK;
    PLN_TRY(pln_calloc(d->ctx, 1, sizeof *n, &n));
    PLN_TRY(load(d, n));
    memcpy(&unique, id, sizeof unique);
    PLN_TRY(said(d, n, n->ncclCommInitRank(&n->comm, (int)world, unique, (int)rank)));
    *nccl = n;
    n = NULL;
done:
    cu_nccl_free(n);
    return s;
}

void cu_nccl_free(cu_nccl *n)
{
    if (n && n->comm) n->ncclCommDestroy(n->comm);
    pln_free(n);
}

pln_status cu_nccl_mean(pln_device *d, const cu_nccl *n, float *values, size_t count, void *stream)
{
    return said(d, n,
                n->ncclAllReduce(values, values, count, ncclFloat32, ncclAvg, n->comm, stream));
}
