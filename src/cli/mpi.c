/* SPDX-License-Identifier: MIT */
/* planish_mpi.so: the few calls of MPI that a command needs under mpirun. planish itself links no
 * MPI. */
#include <mpi.h>
#include <time.h>

#include "cli/cluster.h"

static int begin(int *rank, int *size)
{
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS) return 1;
    return MPI_Comm_rank(MPI_COMM_WORLD, rank) != MPI_SUCCESS ||
           MPI_Comm_size(MPI_COMM_WORLD, size) != MPI_SUCCESS;
}

static void wait_for_all(int (*stopped)(void))
{
    const struct timespec pause = {.tv_nsec = 20000000};
    MPI_Request request;
    int here = 0;
    /* MPI_Barrier would keep a processor busy that another process may need. */
    if (MPI_Ibarrier(MPI_COMM_WORLD, &request) != MPI_SUCCESS) return;
    while (!stopped() && MPI_Test(&request, &here, MPI_STATUS_IGNORE) == MPI_SUCCESS && !here)
        nanosleep(&pause, NULL);
}

static void end(int code)
{
    if (code)
        MPI_Abort(MPI_COMM_WORLD, code);
    else
        MPI_Finalize();
}

__attribute__((visibility("default"))) extern const pln_mpi pln_mpi_module;
const pln_mpi pln_mpi_module = {
    .version = PLN_MPI_VERSION, .begin = begin, .wait = wait_for_all, .end = end};
