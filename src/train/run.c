/* SPDX-License-Identifier: MIT */
#include "train/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data/folder.h"
#include "train/events.h"

struct pln_run_folder {
    pln_context *ctx;
    const char *folder;
    const pln_judge *judge;
    char *log_path;
    int log;            /* -1: not open */
    pln_events *events; /* NULL: none asked for */
};

static pln_status no_writing(const pln_run_folder *run)
{
    return pln_fail(run->ctx, PLN_E_WRITE, "%s: %s", run->log_path, strerror(errno));
}

static pln_status trim_log(const pln_run_folder *run, uint64_t steps)
{
    FILE *f = fopen(run->log_path, "r+");
    char line[512];
    long end = 0;
    if (!f) return errno == ENOENT ? PLN_OK : no_writing(run);
    while (fgets(line, sizeof line, f)) {
        uint64_t step = 0;
        if (!strchr(line, '\n') || sscanf(line, "{\"step\":%" SCNu64, &step) != 1 || step > steps)
            break;
        end = ftell(f);
    }
    bool good = ftruncate(fileno(f), end) == 0;
    fclose(f);
    return good ? PLN_OK : no_writing(run);
}

/* What a kill left of files that were being written (pln_file_write). */
static pln_status sweep(const pln_run_folder *run)
{
    static const char end[] = ".part";
    DIR *dir = opendir(run->folder);
    pln_status s = PLN_OK;
    for (struct dirent *e; dir && !s && (e = readdir(dir));) {
        size_t n = strlen(e->d_name);
        char *path = NULL;
        if (n < sizeof end || strcmp(e->d_name + n + 1 - sizeof end, end)) continue;
        s = pln_text_of(run->ctx, &path, "%s/%s", run->folder, e->d_name);
        if (!s) unlink(path); /* one that stays does no harm */
        pln_free(path);
    }
    if (dir) closedir(dir);
    return s;
}

pln_status pln_run_open(pln_context *ctx, const char *folder, const pln_recipe *recipe, bool resume,
                        bool events, const pln_training_state *state, pln_run_folder **opened)
{
    pln_run_folder *run = NULL;
    char *path = NULL;
    pln_status s = PLN_OK;

    *opened = NULL;
    PLN_TRY(pln_calloc(ctx, 1, sizeof *run, &run));
    run->ctx = ctx;
    run->folder = folder;
    run->judge = pln_judge_of(recipe);
    run->log = -1;
    PLN_TRY(pln_make_folder(ctx, folder));
    PLN_TRY(pln_text_of(ctx, &run->log_path, "%s/log.jsonl", folder));
    if (!resume && pln_is_file(run->log_path)) {
        s = pln_fail(ctx, PLN_E_WRITE, "%s: holds a run: --resume goes on with it", folder);
        goto done;
    }
    PLN_TRY(sweep(run));
    PLN_TRY(trim_log(run, state->step));
    PLN_TRY(pln_text_of(ctx, &path, "%s/recipe.ini", folder));
    PLN_TRY(pln_file_write(ctx, path, recipe->text, strlen(recipe->text)));
    run->log = open(run->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (run->log < 0) {
        s = no_writing(run);
        goto done;
    }
    if (events) PLN_TRY(pln_events_open(ctx, folder, &run->events));
    *opened = run;
    run = NULL;
done:
    pln_run_close(run);
    pln_free(path);
    return s;
}

void pln_run_close(pln_run_folder *run)
{
    if (!run) return;
    if (run->log >= 0) close(run->log);
    pln_events_close(run->events);
    pln_free(run->log_path);
    pln_free(run);
}

/* A line in one call: a kill leaves it whole or out, a full disk may cut it (trim_log). */
pln_status pln_run_log(pln_run_folder *run, const pln_training_state *st)
{
    char line[256];
    size_t n = 0;
    n += (size_t)snprintf(line, sizeof line,
                          "{\"step\":%" PRIu64 ",\"loss\":%.9g,\"rate\":%.6g,\"seconds\":%.4f",
                          st->step, st->loss, st->rate, st->seconds);
    for (int i = 0; i < 2 && st->validated && run->judge->key[i]; i++)
        n += (size_t)snprintf(line + n, sizeof line - n, ",\"%s\":%.6f", run->judge->key[i],
                              st->scores[i]);
    n += (size_t)snprintf(line + n, sizeof line - n, "}\n");
    ssize_t written = write(run->log, line, n);
    if (written >= 0 && written < (ssize_t)n) errno = ENOSPC;
    if (written != (ssize_t)n) return no_writing(run);
    const pln_history_line same = {.step = st->step,
                                   .loss = st->loss,
                                   .rate = st->rate,
                                   .seconds = st->seconds,
                                   .judge = st->validated ? run->judge : NULL,
                                   .scores = {st->scores[0], st->scores[1]}};
    return run->events ? pln_events_write(run->events, &same) : PLN_OK;
}

pln_status pln_run_bad_batch(pln_run_folder *run, const pln_training_state *st,
                             const pln_batch *batch, uint64_t seed)
{
    char *path = NULL, text[4096];
    size_t n =
        (size_t)snprintf(text, sizeof text,
                         "{\"step\":%" PRIu64 ",\"seed\":%" PRIu64 ",\"pairs\":[", st->step, seed);
    pln_status s = PLN_OK;
    for (size_t i = 0; i < batch->n && n + 32 < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%zu", i ? "," : "", batch->pairs[i]);
    n += (size_t)snprintf(text + n, sizeof text - n, "]}\n");
    PLN_TRY(pln_text_of(run->ctx, &path, "%s/bad-batch.json", run->folder));
    PLN_TRY(pln_file_write(run->ctx, path, text, n));
    s = pln_fail(run->ctx, PLN_E_MODEL,
                 "the loss of step %" PRIu64 " is not finite: %s says which pairs", st->step + 1,
                 path);
done:
    pln_free(path);
    return s;
}
