/* SPDX-License-Identifier: MIT */
/* loader_bench DATASET [AUGMENTATION] [SECONDS]: augmented pairs per second and core with every
 * companion the dataset has, once without and once with the time to decode. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "train/loader.h"

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    enum { BATCH = 8 };
    const pln_augmentation *a = pln_augmentation_find(argc > 2 ? argv[2] : "jess");
    double seconds = argc > 3 ? atof(argv[3]) : 5;
    pln_context *ctx = NULL;
    pln_dataset *dataset = NULL;
    pln_loader *loader = NULL;
    pln_batch batch = {0};
    pln_status s = PLN_OK;

    if (argc < 2 || !a || !(seconds > 0)) {
        fprintf(stderr, "usage: loader_bench DATASET [AUGMENTATION] [SECONDS]\n");
        return 2;
    }
    PLN_TRY(pln_context_new(&ctx));
    PLN_TRY(pln_context_set_threads(ctx, 1));
    PLN_TRY(pln_dataset_open(ctx, argv[1], &dataset));
    pln_loader_options o = {.dataset = dataset,
                            .augmentation = *a,
                            .companions = pln_dataset_companions(dataset),
                            .batch = BATCH,
                            .seed = 1};
    PLN_TRY(pln_loader_new(ctx, &o, &loader));
    PLN_TRY(pln_batch_new(ctx, loader, &batch));
    static const char *const rounds[] = {"first, with decoding", "decoded"};
    for (int round = 0; round < 2; round++) {
        double start = now(CLOCK_PROCESS_CPUTIME_ID), end = start;
        size_t pairs = 0;
        /* The same steps again: what they need is decoded by then. */
        for (uint64_t step = 0; end - start < seconds; step++) {
            PLN_TRY(pln_loader_batch(ctx, loader, step % 16, &batch));
            pairs += batch.n;
            end = now(CLOCK_PROCESS_CPUTIME_ID);
            if (round == 0 && step == 15) break;
        }
        printf("%-20s %s, %zux%zu: %zu pairs, %.0f pairs/s and core\n", rounds[round], a->name,
               a->patch, a->patch, pairs, (double)pairs / (end - start));
    }
done:
    if (s) fprintf(stderr, "loader_bench: %s\n", pln_context_message(ctx));
    pln_batch_free(&batch);
    pln_loader_free(loader);
    pln_dataset_free(dataset);
    pln_context_free(ctx);
    return s != PLN_OK;
}
