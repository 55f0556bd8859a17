/* SPDX-License-Identifier: MIT */
/* Shares of work: by flag, by mpirun, by a Slurm array. */
#include "cli/cluster.h"

#include <glib.h>

#include "core/module.h"

static int from_flag(const struct cli *cli, const char *text, struct cli_cluster *c)
{
    unsigned k, n;
    char end;
    if (sscanf(text, "%u/%u%c", &k, &n, &end) != 2 || k < 1 || n < 1 || k > n)
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "--shard: '%s': expected K/N with K in [1, N], as in 2/8", text);
    c->shard = k - 1;
    c->shards = n;
    c->from = "--shard";
    return CLI_OK;
}

static bool variable(const char *name, long long *value)
{
    const char *text = g_getenv(name);
    return text && pln_parse_int(text, value);
}

/* sbatch --array=0-7: this task is one of COUNT, numbered from MIN in steps of STEP. */
static bool from_slurm(struct cli_cluster *c)
{
    long long id, count, min = 0, step = 1;
    if (!variable("SLURM_ARRAY_TASK_ID", &id) || !variable("SLURM_ARRAY_TASK_COUNT", &count))
        return false;
    variable("SLURM_ARRAY_TASK_MIN", &min);
    variable("SLURM_ARRAY_TASK_STEP", &step);
    if (step < 1 || id < min || count < 1 || (id - min) / step >= count) return false;
    c->shard = (size_t)((id - min) / step);
    c->shards = (size_t)count;
    c->from = "Slurm";
    return true;
}

/* ---- mpirun ---- */

/* How many processes mpirun (Open MPI, MPICH and kin) started; 0: none did. */
static long long mpi_size(void)
{
    long long n;
    return variable("OMPI_COMM_WORLD_SIZE", &n) || variable("PMI_SIZE", &n) ? n : 0;
}

static int from_mpi(const struct cli *cli, struct cli_cluster *c)
{
    char why[256];
    int rank, size;
    const pln_mpi *mpi = pln_module(PLN_MPI_FILE, PLN_MPI_SYMBOL, true, why);
    if (mpi && mpi->version != PLN_MPI_VERSION)
        g_snprintf(why, sizeof why, "another version of %s", PLN_MPI_FILE);
    else if (mpi && mpi->begin(&rank, &size))
        g_strlcpy(why, "MPI does not start", sizeof why);
    else if (mpi) {
        c->shard = (size_t)rank;
        c->shards = (size_t)size;
        c->from = "mpirun";
        c->mpi = mpi;
        return CLI_OK;
    }
    return cli_fail(cli, CLI_EXIT_UNAVAILABLE,
                    "mpirun: %s: build planish with MPI, or give each process --shard K/N", why);
}

int cli_cluster_begin(const struct cli *cli, const char *shard, struct cli_cluster *c)
{
    *c = (struct cli_cluster){.shards = 1};
    if (shard) return from_flag(cli, shard, c);
    if (mpi_size() > 1) return from_mpi(cli, c);
    from_slurm(c);
    return CLI_OK;
}

void cli_cluster_wait(const struct cli_cluster *c)
{
    if (c->mpi) c->mpi->wait(cli_signal);
}

void cli_cluster_end(const struct cli_cluster *c, int code)
{
    if (c->mpi) c->mpi->end(code);
}
