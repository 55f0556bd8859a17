/* SPDX-License-Identifier: MIT */
/* Batches: which pair, its files from the cache, then every sample on its own in parallel. */
#include "train/loader.h"

#include <math.h>
#include <string.h>

#include "data/data.h"
#include "train/augment.h"

/* ---- What the systems are trained with (docs/datasets.md names the sources) ---- */

static const pln_augmentation augmentations[] = {
    {.name = "plain", .patch = 128},
    {.name = "jess",
     .patch = 128,
     .crop_jitter = 0.25,
     .flip = true,
     .rotation = 45,
     .whole_degrees = true,
     .truncate = true,
     .hue = 0.3,
     .contrast = 0.7,
     .brightness = 0.7},
    {.name = "csgis",
     .patch = 128,
     .flip = true,
     .rotation = 45,
     .nearest_edges = true,
     .hue = 0.3,
     .contrast = 0.7,
     .brightness = 0.7,
     .shuffled = true},
    {.name = "sasnet", .patch = 128, .flip = true, .turns = true},
    {.name = "mi", .patch = 128, .natural = 0.5, .flip = true, .turns = true},
    {.name = "eme",
     .patch = 160,
     .natural = 0.5,
     .over_photo = true,
     .flip = true,
     .turns = true,
     .contrast = 0.2,
     .brightness = 0.2},
    {.name = "fan", .patch = 224, .natural = 1, .centre = true, .enlarge = true},
};

const pln_augmentation *pln_augmentation_find(const char *name)
{
    for (size_t i = 0; i < sizeof augmentations / sizeof *augmentations; i++)
        if (!strcmp(augmentations[i].name, name)) return &augmentations[i];
    return NULL;
}

/* ---- The loader ---- */

enum { SCALES = 3, ALL_COMPANIONS = 2 * PLN_WITH_PHOTO - 1 };
static const double scales[SCALES] = {0.5, 1, 2};

/* A decoded file: a truth with its companions, or a texture at a scale. */
struct decoded {
    struct pln_truth truth;
    double *layer;
    size_t w, h;
    uint64_t bytes, used; /* used: number of the batch that last wanted it */
};

struct sample {
    struct pln_rng rng;
    const struct decoded *truth;
    struct pln_draws draws;
    struct pln_lay lay;
    double std;
    bool textured;
};

struct pln_loader {
    pln_loader_options o;
    pln_augmentation a;
    unsigned files; /* companions to decode */
    size_t pairs, steps, local;
    size_t *order;           /* of the pairs, in epoch `epoch` */
    uint64_t epoch, tick;    /* tick: batches so far */
    struct decoded *decoded; /* truths, then textures at each scale */
    size_t decoded_count;
    uint64_t bytes;
    struct sample *samples;
    void *space; /* for `threads` threads */
    size_t threads;
};

/* Random numbers of one place of an epoch. */
static struct pln_rng place_rng(const pln_loader *l, uint64_t epoch, uint64_t place,
                                uint64_t *stream)
{
    uint32_t u[4];
    pln_random4(l->o.seed, epoch, place, u);
    if (stream) *stream = (uint64_t)u[3] << 32 | u[2];
    return (struct pln_rng){(uint64_t)u[1] << 32 | u[0]};
}

static void shuffle(pln_loader *l, uint64_t epoch)
{
    struct pln_rng r = place_rng(l, epoch, UINT64_MAX, NULL);
    for (size_t i = 0; i < l->pairs; i++) l->order[i] = i;
    for (size_t i = l->pairs; i-- > 1;) {
        size_t j = (size_t)pln_rng_below(&r, i + 1), t = l->order[i];
        l->order[i] = l->order[j];
        l->order[j] = t;
    }
    l->epoch = epoch;
}

/* Truths of a split, which run fastest among its pairs: all there is when no texture counts. */
static size_t truths_of(const pln_loader_options *o, size_t pairs)
{
    size_t truth, first, texture, i = 0;
    double scale;
    if (pln_dataset_published_split(o->dataset)) return pairs;
    for (texture = first = 0; i < pairs; i++) {
        pln_dataset_parts(o->dataset, o->split, i, &truth, &texture, &scale);
        if (i == 0) first = texture;
        if (texture != first) break;
    }
    return i;
}

/* ---- Options ---- */

static bool between(double v, double lo, double hi) { return v >= lo && v <= hi; }

static pln_status check_augmentation(pln_context *ctx, const pln_augmentation *a)
{
    if (a->patch < 8 || a->patch > 4096)
        return pln_fail(ctx, PLN_E_RANGE, "a patch of %zu: expected 8 to 4096", a->patch);
    const struct {
        const char *what;
        double value, most;
    } ranges[] = {
        {"natural", a->natural, 1},     {"crop jitter", a->crop_jitter, 0.5},
        {"rotation", a->rotation, 180}, {"hue", a->hue, 0.5},
        {"contrast", a->contrast, 1},   {"brightness", a->brightness, 1},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!between(ranges[i].value, 0, ranges[i].most))
            return pln_fail(ctx, PLN_E_RANGE, "augmentation: %s %g: expected 0 to %g",
                            ranges[i].what, ranges[i].value, ranges[i].most);
    if (!between(a->std_lo, 0, a->std_hi) || a->std_hi > 1)
        return pln_fail(ctx, PLN_E_RANGE,
                        "augmentation: contrast of textures from %g to %g: expected an interval in "
                        "0 to 1",
                        a->std_lo, a->std_hi);
    return PLN_OK;
}

static pln_status check_size(pln_context *ctx, const pln_loader *l, size_t truth, size_t w,
                             size_t h)
{
    if ((w >= l->a.patch && h >= l->a.patch) || l->a.enlarge) return PLN_OK;
    return pln_fail(ctx, PLN_E_SHAPE,
                    "%s: truth %s is %zux%zu, smaller than the patch of %zu: a smaller patch, or "
                    "make the dataset without it",
                    pln_dataset_folder(l->o.dataset), pln_dataset_truth_name(l->o.dataset, truth),
                    w, h, l->a.patch);
}

static pln_status check_dataset(pln_context *ctx, const pln_loader *l)
{
    static const char *const names[] = {"edge labels", "class maps", "over-smoothed negatives",
                                        "human boundaries", "photographs"};
    const pln_loader_options *o = &l->o;
    const char *folder = pln_dataset_folder(o->dataset);
    unsigned lacks = l->files & ~pln_dataset_companions(o->dataset);
    for (int k = 0; k < 5; k++)
        if (lacks >> k & 1)
            return pln_fail(ctx, PLN_E_ARG, "%s: a dataset '%s' has no %s", folder,
                            pln_dataset_kind(o->dataset), names[k]);
    if (l->a.natural < 1 && !strcmp(pln_dataset_kind(o->dataset), "photos"))
        return pln_fail(ctx, PLN_E_ARG,
                        "%s: photographs without truths: expected a dataset that has them, or a "
                        "recipe that learns by an energy",
                        folder);
    if (pln_dataset_textures(o->dataset) == 0 && (l->a.over_photo || l->a.std_hi > 0))
        return pln_fail(ctx, PLN_E_ARG,
                        "%s: side by side, its textures cannot be blended in another way", folder);
    if (l->pairs < o->batch)
        return pln_fail(ctx, PLN_E_ARG, "%s: %zu pairs in '%s', fewer than a batch of %zu", folder,
                        l->pairs, pln_split_name(o->split), o->batch);
    for (size_t i = 0; i < l->pairs; i++) {
        size_t truth, texture, w, h;
        double scale;
        pln_dataset_parts(o->dataset, o->split, i, &truth, &texture, &scale);
        pln_dataset_truth_size(o->dataset, truth, &w, &h);
        if (w == 0) break; /* not known before it is read */
        pln_status s = check_size(ctx, l, truth, w, h);
        if (s) return s;
    }
    return PLN_OK;
}

pln_status pln_loader_new(pln_context *ctx, const pln_loader_options *options, pln_loader **loader)
{
    pln_loader *l = NULL;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    PLN_TRY(pln_calloc(ctx, 1, sizeof *l, &l));
    l->o = *options;
    l->a = options->augmentation;
    pln_loader_options *o = &l->o;
    if (!o->world) o->world = 1;
    if (!o->cache) o->cache = pln_memory_limit(ctx) / 2;
    if (!o->batch || o->batch % o->world || o->rank >= o->world) {
        s = pln_fail(ctx, PLN_E_ARG,
                     "rank %zu of %zu and a batch of %zu: the batch is a multiple of the ranks, "
                     "which count from 0",
                     o->rank, o->world, o->batch);
        goto done;
    }
    PLN_TRY(check_augmentation(ctx, &l->a));
    l->local = o->batch / o->world;
    l->pairs = pln_dataset_pairs(o->dataset, o->split);
    if (l->a.natural >= 1) l->pairs = truths_of(o, l->pairs);
    l->steps = l->pairs / o->batch;
    l->files = o->companions & ALL_COMPANIONS;
    if (l->a.natural > 0 || l->a.over_photo) l->files |= PLN_WITH_PHOTO;
    PLN_TRY(check_dataset(ctx, l));
    PLN_TRY(pln_alloc(ctx, l->pairs, sizeof *l->order, &l->order));
    shuffle(l, 0);
    size_t n = pln_dataset_truths(o->dataset) + SCALES * pln_dataset_textures(o->dataset);
    PLN_TRY(pln_calloc(ctx, n, sizeof *l->decoded, &l->decoded));
    l->decoded_count = n;
    PLN_TRY(pln_calloc(ctx, l->local, sizeof *l->samples, &l->samples));
    *loader = l;
    l = NULL;
done:
    pln_loader_free(l);
    return s;
}

static void forget(pln_loader *l, struct decoded *d)
{
    l->bytes -= d->bytes;
    pln_truth_free(&d->truth);
    pln_free(d->layer);
    *d = (struct decoded){0};
}

void pln_loader_free(pln_loader *l)
{
    if (!l) return;
    for (size_t i = 0; i < l->decoded_count; i++) forget(l, &l->decoded[i]);
    pln_free(l->decoded);
    pln_free(l->samples);
    pln_free(l->order);
    pln_free(l->space);
    pln_free(l);
}

size_t pln_loader_steps(const pln_loader *l) { return l->steps; }

/* ---- Decoded files ---- */

/* Oldest first, down to the cache's size; what this batch uses stays. */
static void make_room(pln_loader *l)
{
    while (l->bytes > l->o.cache) {
        struct decoded *oldest = NULL;
        for (size_t i = 0; i < l->decoded_count; i++) {
            struct decoded *d = &l->decoded[i];
            if (d->bytes && d->used < l->tick && (!oldest || d->used < oldest->used)) oldest = d;
        }
        if (!oldest) return;
        forget(l, oldest);
    }
}

static void keep(pln_loader *l, struct decoded *d, uint64_t bytes)
{
    d->bytes = bytes;
    d->used = l->tick;
    l->bytes += bytes;
    make_room(l);
}

static pln_status truth_of(pln_context *ctx, pln_loader *l, size_t truth,
                           const struct decoded **result)
{
    struct decoded *d = &l->decoded[truth];
    pln_status s = PLN_OK;
    if (!d->bytes) {
        PLN_TRY(pln_dataset_truth(ctx, l->o.dataset, truth, l->files, &d->truth));
        const struct pln_truth *t = &d->truth;
        if (l->a.enlarge) PLN_TRY(pln_enlarge(ctx, &d->truth, l->a.patch));
        unsigned planes = 3;
        planes += (t->in ? 3 : 0) + (t->negative ? 3 : 0) + (t->photo ? 3 : 0);
        planes += (t->edge ? 1 : 0) + (t->classes ? 1 : 0) + (t->boundary ? 1 : 0);
        keep(l, d, (uint64_t)planes * t->w * t->h);
        PLN_TRY(check_size(ctx, l, truth, t->w, t->h));
    }
    d->used = l->tick;
    *result = d;
done:
    return s;
}

static pln_status layer_of(pln_context *ctx, pln_loader *l, size_t texture, double scale,
                           const struct decoded **result)
{
    size_t k = 0;
    while (k < SCALES - 1 && scales[k] != scale) k++;
    struct decoded *d = &l->decoded[pln_dataset_truths(l->o.dataset) + SCALES * texture + k];
    if (!d->bytes) {
        pln_status s =
            pln_dataset_texture(ctx, l->o.dataset, texture, scale, &d->layer, &d->w, &d->h);
        if (s) return s;
        keep(l, d, d->w * d->h * sizeof *d->layer);
    }
    d->used = l->tick;
    *result = d;
    return PLN_OK;
}

/* ---- Samples ---- */

/* Files and all draws of one sample. */
static pln_status prepare(pln_context *ctx, pln_loader *l, uint64_t place, struct sample *p)
{
    const pln_augmentation *a = &l->a;
    const struct decoded *layer;
    size_t truth, texture;
    double scale;
    pln_status s = PLN_OK;

    *p = (struct sample){.rng = place_rng(l, l->epoch, place, NULL)};
    pln_dataset_parts(l->o.dataset, l->o.split, l->order[place], &truth, &texture, &scale);
    PLN_TRY(truth_of(ctx, l, truth, &p->truth));
    bool natural = a->natural > 0 && pln_rng_unit(&p->rng) < a->natural;
    p->textured = !natural && texture != SIZE_MAX;
    if (p->textured && a->std_hi > 0) {
        struct pln_varied v = pln_varied_draw(&p->rng, a->std_lo, a->std_hi);
        PLN_TRY(layer_of(ctx, l, texture, v.scale, &layer));
        pln_varied_lay(&p->rng, &v, layer->layer, layer->w, layer->h, &p->lay);
        p->std = v.std;
    } else if (p->textured) {
        PLN_TRY(layer_of(ctx, l, texture, scale, &layer));
        pln_lay_turn(&p->lay, layer->layer, layer->w, layer->h, 0);
        p->std = pln_dataset_std(l->o.dataset);
    }
    pln_augment_draw(&p->rng, a, p->truth->truth.w, p->truth->truth.h, &p->draws);
done:
    return s;
}

struct job {
    const pln_loader *l;
    const pln_batch *batch;
};

static size_t largest_side(const pln_augmentation *a)
{
    return a->patch + (size_t)rint(a->crop_jitter * (double)a->patch);
}

static size_t thread_space(const pln_augmentation *a)
{
    size_t side = largest_side(a), bytes = (3 * side * side + 63) / 64 * 64;
    return bytes + pln_augment_space(a) * sizeof(float);
}

static const uint8_t *crop_of(const uint8_t *bytes, size_t w, size_t c, const struct pln_draws *d,
                              uint8_t *crop)
{
    for (size_t y = 0; y < d->h; y++)
        memcpy(crop + c * y * d->w, bytes + c * ((d->y + y) * w + d->x), c * d->w);
    return crop;
}

static void augment_sample(void *arg, size_t i, int thread)
{
    const struct job *job = arg;
    const pln_loader *l = job->l;
    const pln_batch *b = job->batch;
    struct sample *p = &l->samples[i];
    const struct pln_draws *d = &p->draws;
    const struct pln_truth *t = &p->truth->truth;
    uint8_t *crop = (uint8_t *)l->space + (size_t)thread * thread_space(&l->a);
    float *space = (float *)(crop + thread_space(&l->a)) - pln_augment_space(&l->a);
    size_t n = l->a.patch * l->a.patch;
    const uint8_t *under = l->a.over_photo ? t->photo : t->rgb;

    if (b->in) {
        if (p->textured) {
            pln_lay_fit(&p->lay, t->w, t->h, p->std);
            pln_lay_over(&p->lay, under, t->w, d->x, d->y, d->w, d->h, crop);
        } else {
            crop_of(t->in ? t->in : t->photo, t->w, 3, d, crop);
        }
        pln_augment(&l->a, d, PLN_PLANE_RGB, false, crop, space, b->in + 3 * n * i);
    }
    const struct {
        const uint8_t *bytes;
        enum pln_plane plane;
        float *out;
    } planes[] = {
        {t->rgb, PLN_PLANE_RGB, b->truth},           {t->edge, PLN_PLANE_LABEL, b->edge},
        {t->classes, PLN_PLANE_CLASSES, b->classes}, {t->boundary, PLN_PLANE_GREY, b->boundary},
        {t->negative, PLN_PLANE_RGB, b->negative},   {t->photo, PLN_PLANE_RGB, b->photo},
    };
    for (size_t k = 0; k < sizeof planes / sizeof *planes; k++) {
        if (!planes[k].out || !planes[k].bytes) continue;
        size_t c = planes[k].plane == PLN_PLANE_RGB ? 3 : 1;
        bool crop_only = planes[k].out == b->negative && l->a.negative_cropped_only;
        pln_augment(&l->a, d, planes[k].plane, crop_only,
                    crop_of(planes[k].bytes, t->w, c, d, crop), space, planes[k].out + c * n * i);
    }
}

/* ---- Batches ---- */

pln_status pln_batch_new(pln_context *ctx, const pln_loader *l, pln_batch *batch)
{
    pln_batch b = {.n = l->local, .patch = l->a.patch};
    size_t n = l->a.patch * l->a.patch;
    pln_status s = PLN_OK;
    const struct {
        unsigned with;
        size_t c;
        float **out;
    } planes[] = {
        {0, 3, &b.in},
        {0, 3, &b.truth},
        {PLN_WITH_EDGE, 1, &b.edge},
        {PLN_WITH_CLASSES, 1, &b.classes},
        {PLN_WITH_BOUNDARY, 1, &b.boundary},
        {PLN_WITH_NEGATIVE, 3, &b.negative},
        {PLN_WITH_PHOTO, 3, &b.photo},
    };

    pln_clear(ctx);
    for (size_t k = 0; k < sizeof planes / sizeof *planes; k++)
        if (!planes[k].with || (planes[k].with & l->o.companions))
            PLN_TRY(pln_alloc(ctx, b.n * n, planes[k].c * sizeof(float), planes[k].out));
    PLN_TRY(pln_alloc(ctx, b.n, sizeof *b.pairs, &b.pairs));
    *batch = b;
    b = (pln_batch){0};
done:
    pln_batch_free(&b);
    return s;
}

void pln_batch_free(pln_batch *b)
{
    pln_free(b->in);
    pln_free(b->truth);
    pln_free(b->edge);
    pln_free(b->classes);
    pln_free(b->boundary);
    pln_free(b->negative);
    pln_free(b->photo);
    pln_free(b->pairs);
    *b = (pln_batch){0};
}

static pln_status work_space(pln_context *ctx, pln_loader *l)
{
    size_t threads = pln_min((size_t)pln_context_threads(ctx), l->local);
    if (threads <= l->threads) return PLN_OK;
    pln_free(l->space);
    l->threads = 0;
    pln_status s = pln_alloc(ctx, threads, thread_space(&l->a), &l->space);
    if (!s) l->threads = threads;
    return s;
}

/* The first place of this rank in its epoch. */
static uint64_t first_place(const pln_loader *l, uint64_t step)
{
    return step % l->steps * l->o.batch + l->o.rank * l->local;
}

pln_status pln_loader_batch(pln_context *ctx, pln_loader *l, uint64_t step, pln_batch *batch)
{
    struct job job = {l, batch};
    pln_status s = PLN_OK;

    pln_clear(ctx);
    if (batch->n != l->local || batch->patch != l->a.patch)
        return pln_fail(ctx, PLN_E_ARG,
                        "a batch of %zu patches of %zu: this loader fills %zu of %zu", batch->n,
                        batch->patch, l->local, l->a.patch);
    PLN_TRY(work_space(ctx, l));
    if (step / l->steps != l->epoch) shuffle(l, step / l->steps);
    l->tick++;
    for (size_t i = 0; i < l->local; i++) {
        uint64_t place = first_place(l, step) + i;
        PLN_TRY(prepare(ctx, l, place, &l->samples[i]));
        if (batch->pairs) batch->pairs[i] = l->order[place];
    }
    s = pln_parallel(ctx, l->local, augment_sample, &job);
done:
    return s;
}

void pln_loader_noise(const pln_loader *l, uint64_t step, size_t i, float *noise, size_t n)
{
    uint64_t stream;
    place_rng(l, step / l->steps, first_place(l, step) + i, &stream);
    for (size_t k = 0; k < n; k++) noise[k] = (float)pln_random_normal(l->o.seed, stream, k);
}
