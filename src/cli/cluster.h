/* SPDX-License-Identifier: MIT */
/* cluster: which part of the work this process does, when several machines share it. */
#ifndef PLN_CLI_CLUSTER_H
#define PLN_CLI_CLUSTER_H

#include <stddef.h>

#include "cli/cli.h"

/* ---- The MPI module (mpi.c -> planish_mpi.so), loaded only under mpirun ---- */

#define PLN_MPI_VERSION 2
#define PLN_MPI_SYMBOL  "pln_mpi_module"
#define PLN_MPI_FILE    "planish_mpi.so"

typedef struct pln_mpi {
    int version;
    /* 0: this process is `rank` of `size`. */
    int (*begin)(int *rank, int *size);
    /* Until all are here; sleeps meanwhile. `stopped` says that this process shall not wait on. */
    void (*wait)(int (*stopped)(void));
    /* 0: starts to add the n values of all processes, in place; they are there after `summed`,
     * which ends all that was started. The same calls in the same order in every process. */
    int (*sum)(float *values, size_t n);
    int (*summed)(void);
    /* code 0: all have ended well; else the others are ended too. */
    void (*end)(int code);
} pln_mpi;

/* ---- The command's side ---- */

struct cli_cluster {
    size_t shard, shards; /* from 0; 0 of 1: alone */
    const char *from;     /* "--shard", "mpirun", "Slurm": where it is from; NULL: alone */
    const pln_mpi *mpi;   /* all processes run at once and can wait for each other; else NULL */
};

/* shard: "K/N" with K from 1, or NULL: as mpirun or a Slurm array says. Returns an exit code, the
 * error printed. */
int cli_cluster_begin(const struct cli *cli, const char *shard, struct cli_cluster *cluster);
/* Under mpirun, until every process is here. */
void cli_cluster_wait(const struct cli_cluster *cluster);
void cli_cluster_end(const struct cli_cluster *cluster, int code);

#endif
