/* SPDX-License-Identifier: MIT */
#include "train/checkpoint.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/folder.h"

enum { KEPT = 2, MOST = 64, TEXTS = 12 };

/* ---- Writing ---- */

struct texts {
    char values[TEXTS][64];
    pnn_st_text pairs[TEXTS];
    size_t n;
};

static void say(struct texts *t, const char *key, const char *text)
{
    t->pairs[t->n++] = (pnn_st_text){key, text};
}

PLN_PRINTF(3, 4) static void sayf(struct texts *t, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(t->values[t->n], sizeof t->values[t->n], format, args);
    va_end(args);
    say(t, key, t->values[t->n]);
}

pnn_dtype pln_weights_type(const char *name, pnn_dtype type)
{
    return strstr(name, "running_") ? PNN_F32 : type;
}

/* wanted: parameters of this graph (NULL: all of the store). */
static pln_status sources_of(pln_context *ctx, const pnn_store *store, const pnn_graph *wanted,
                             pnn_dtype type, pnn_st_source **sources, size_t *count,
                             size_t **shapes)
{
    size_t n = pnn_store_count(store);
    pln_status s = PLN_OK;

    *count = 0;
    PLN_TRY(pln_alloc(ctx, n, sizeof **sources, sources));
    PLN_TRY(pln_alloc(ctx, n * 4, sizeof **shapes, shapes));
    for (size_t i = 0; i < n; i++) {
        const char *name;
        size_t *d = *shapes + 4 * i;
        const float *values = pnn_store_at(store, i, &name, d);
        if (wanted && !pnn_has_param(wanted, name)) continue;
        bool vector = d[0] == 1 && d[1] == 1 && d[2] == 1;
        (*sources)[(*count)++] = (pnn_st_source){.name = name,
                                                 .type = pln_weights_type(name, type),
                                                 .rank = vector ? 1 : 4,
                                                 .shape = vector ? d + 3 : d,
                                                 .values = values};
    }
done:
    return s;
}

static pln_status write_store(pln_context *ctx, const char *path, const pnn_store *store,
                              const pnn_graph *wanted, pnn_dtype type, const struct texts *t)
{
    pnn_st_source *sources = NULL;
    size_t count, *shapes = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(sources_of(ctx, store, wanted, type, &sources, &count, &shapes));
    PLN_TRY(pnn_st_write(ctx, path, sources, count, t->pairs, t->n));
done:
    pln_free(sources);
    pln_free(shapes);
    return s;
}

/* ---- The checkpoints of a run ---- */

/* Steps of the checkpoints there are, the newest first; returns how many. */
static size_t list_checkpoints(const char *run, uint64_t steps[MOST])
{
    size_t n = 0;
    DIR *dir = opendir(run);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        uint64_t step;
        int end = 0;
        if (sscanf(e->d_name, "checkpoint-%" SCNu64 ".safetensors%n", &step, &end) != 1 || !end ||
            e->d_name[end] || n == MOST)
            continue;
        size_t at = n++;
        for (; at > 0 && steps[at - 1] < step; at--) steps[at] = steps[at - 1];
        steps[at] = step;
    }
    if (dir) closedir(dir);
    return n;
}

static pln_status checkpoint_path(pln_context *ctx, const char *run, uint64_t step, char **path)
{
    return pln_text_of(ctx, path, "%s/checkpoint-%" PRIu64 ".safetensors", run, step);
}

/* All but the newest KEPT; one that stays does no harm. */
static pln_status remove_older(pln_context *ctx, const char *run)
{
    uint64_t steps[MOST];
    size_t n = list_checkpoints(run, steps);
    pln_status s = PLN_OK;
    for (size_t i = KEPT; i < n && !s; i++) {
        char *path = NULL;
        s = checkpoint_path(ctx, run, steps[i], &path);
        if (!s) unlink(path);
        pln_free(path);
    }
    return s;
}

pln_status pln_checkpoint_write(pln_context *ctx, const char *run, const pln_recipe *recipe,
                                const pnn_store *store, const pln_training_state *state,
                                uint64_t seed)
{
    struct texts t = {.n = 0};
    char *path = NULL;
    pln_status s = PLN_OK;

    say(&t, "recipe_text", recipe->text);
    sayf(&t, "seed", "%" PRIu64, seed);
    sayf(&t, "steps", "%" PRIu64, state->step);
    sayf(&t, "best", "%.17g", state->best);
    sayf(&t, "best_step", "%" PRIu64, state->best_step);
    PLN_TRY(checkpoint_path(ctx, run, state->step, &path));
    PLN_TRY(write_store(ctx, path, store, NULL, PNN_F32, &t));
    PLN_TRY(remove_older(ctx, run));
done:
    pln_free(path);
    return s;
}

static pln_status read_store(pln_context *ctx, const pnn_st *file, pnn_store *store)
{
    pln_status s = PLN_OK;
    for (size_t i = 0; i < pnn_store_count(store) && !s; i++) {
        const char *name;
        size_t d[4];
        float *to = pnn_store_at(store, i, &name, d);
        const pnn_st_tensor *tensor;
        bool vector = d[0] == 1 && d[1] == 1 && d[2] == 1;
        s = pnn_st_expect(ctx, file, name, vector ? 1 : 4, vector ? d + 3 : d, &tensor);
        if (!s) s = pnn_st_read_f32(ctx, file, tensor, to);
    }
    return s;
}

static double number(const pnn_st *file, const char *key)
{
    const char *text = pnn_st_metadata(file, key);
    return text ? strtod(text, NULL) : 0;
}

pln_status pln_checkpoint_read(pln_context *ctx, const char *run, const pln_recipe *recipe,
                               pnn_store *store, pln_training_state *state, uint64_t seed,
                               bool *found)
{
    uint64_t steps[MOST];
    size_t n = list_checkpoints(run, steps);
    pnn_st *file = NULL;
    char *path = NULL;
    pln_status s = PLN_OK;

    *found = false;
    for (size_t i = 0; i < n && !*found; i++) {
        pln_free(path);
        path = NULL;
        PLN_TRY(checkpoint_path(ctx, run, steps[i], &path));
        /* One that cannot be read is passed over: the one before it is there for that. */
        s = pnn_st_open(ctx, path, 0, &file);
        if (s == PLN_E_MEMORY || s == PLN_E_LIMIT) goto done;
        *found = !s;
    }
    s = PLN_OK;
    if (!*found) goto done;
    const char *text = pnn_st_metadata(file, "recipe_text");
    if (!text || strcmp(text, recipe->text) || (uint64_t)number(file, "seed") != seed) {
        s = pln_fail(ctx, PLN_E_MODEL,
                     "%s: of another recipe or seed: --resume goes on with the same", path);
        goto done;
    }
    PLN_TRY(read_store(ctx, file, store));
    state->step = (uint64_t)number(file, "steps");
    state->best = number(file, "best");
    state->best_step = (uint64_t)number(file, "best_step");
    /* A kill may have come between a checkpoint and the removal of what it replaces. */
    PLN_TRY(remove_older(ctx, run));
done:
    pnn_st_free(file);
    pln_free(path);
    return s;
}

pln_status pln_weights_write(pln_context *ctx, const char *path, const pln_recipe *recipe,
                             const pnn_graph *graph, const pnn_store *store,
                             const pln_training_state *state, const char *data_hash, uint64_t seed,
                             pnn_dtype type)
{
    const pln_judge *judge = pln_judge_of(recipe);
    struct texts t = {.n = 0};
    char *config = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pnet_config_text(ctx, recipe->net, &recipe->options, &config));
    say(&t, "system", recipe->net->name);
    say(&t, "version", "1");
    say(&t, "config", config);
    say(&t, "channel_order", "RGB");
    sayf(&t, "range", "%g", recipe->net->range);
    say(&t, "recipe", recipe->text);
    sayf(&t, "seed", "%" PRIu64, seed);
    sayf(&t, "steps", "%" PRIu64, state->step);
    say(&t, "data_hash", data_hash);
    if (judge->key[1])
        sayf(&t, "scores", "{\"validation\": \"%.2f/%.4f\"}", state->scores[0], state->scores[1]);
    else
        sayf(&t, "scores", "{\"validation\": \"%.4f\"}", state->scores[0]);
    PLN_TRY(write_store(ctx, path, store, graph, type, &t));
done:
    pln_free(config);
    return s;
}

pln_status pln_weights_check_data(pln_context *ctx, const pnn_st *weights,
                                  const pln_dataset *dataset)
{
    const char *said = pnn_st_metadata(weights, "data_hash");
    if (!said || !strcmp(said, pln_dataset_hash(dataset))) return PLN_OK;
    return pln_fail(ctx, PLN_E_MODEL, "%s: trained on the dataset %.12s, %s is %.12s",
                    pnn_st_name(weights), said, pln_dataset_folder(dataset),
                    pln_dataset_hash(dataset));
}
