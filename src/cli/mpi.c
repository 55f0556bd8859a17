/* SPDX-License-Identifier: MIT */
/* planish_mpi.so: the few calls of MPI that a command needs under mpirun. planish itself links no
 * MPI. */
#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
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

/* ---- Sums, which go on while their process computes ---- */

static MPI_Request *sums;
static int sum_count, sum_room;

static int sum(float *values, size_t n)
{
    if (n > INT_MAX) return 1;
    if (sum_count == sum_room) {
        int room = sum_room ? 2 * sum_room : 256;
        MPI_Request *more = realloc(sums, (size_t)room * sizeof *more);
        if (!more) return 1;
        sums = more;
        sum_room = room;
    }
    return MPI_Iallreduce(MPI_IN_PLACE, values, (int)n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD,
                          &sums[sum_count++]) != MPI_SUCCESS;
}

static int summed(void)
{
    const struct timespec pause = {.tv_nsec = 50000};
    int done = 0;
    while (!done) {
        if (MPI_Testall(sum_count, sums, &done, MPI_STATUSES_IGNORE) != MPI_SUCCESS) return 1;
        if (!done) nanosleep(&pause, NULL);
    }
    sum_count = 0;
    return 0;
}

static void end(int code)
{
    if (code)
        MPI_Abort(MPI_COMM_WORLD, code);
    else
        MPI_Finalize();
    free(sums);
}

__attribute__((visibility("default"))) extern const pln_mpi pln_mpi_module;
const pln_mpi pln_mpi_module = {.version = PLN_MPI_VERSION,
                                .begin = begin,
                                .wait = wait_for_all,
                                .sum = sum,
                                .summed = summed,
                                .end = end};
