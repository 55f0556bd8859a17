/* SPDX-License-Identifier: MIT */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "data/folder.h"
#include "image/image.h"
#include "train/checkpoint.h"
#include "train/report_parts.h"
#include "train/validate.h"

enum { SHOWN = 4 };

struct pictures {
    pln_context *ctx;
    FILE *f;
    const pln_recipe *r;
    pln_dataset *dataset;
    pln_validation *validation;
    pnn_graph *network;
    pnn_store *store;
};

/* The weights as they are used, judged by the run's own protocol. */
static pln_status load(struct pictures *p, const char *weights)
{
    const pnet_net *net;
    const char *seed;
    pnet_options options;
    pnn_st *file = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pnn_st_open(p->ctx, weights, 0, &file));
    PLN_TRY(pnet_of_weights(p->ctx, file, p->r->net, &net, &options));
    seed = pnn_st_metadata(file, "seed"); /* it chose the pairs */
    PLN_TRY(pln_weights_check_data(p->ctx, file, p->dataset));
    PLN_TRY(pnet_graph(p->ctx, net, &options, PNET_EVAL, &p->network));
    PLN_TRY(pnn_store_new(p->ctx, &p->store));
    PLN_TRY(pnn_store_load(p->store, p->network, file, ""));
    PLN_TRY(pln_validation_new(p->ctx, p->r, p->dataset, seed ? strtoull(seed, NULL, 10) : 0,
                               &p->validation));
done:
    pnn_st_free(file);
    return s;
}

PLN_PRINTF(5, 6)
static pln_status print_picture(struct pictures *p, const float *pixels, size_t side, size_t c,
                                const char *caption, ...)
{
    const pln_save_options how = {
        .size = sizeof how, .format = "jpeg", .depth = 8, .quality = 90, .strip = true};
    pln_image *image = NULL;
    void *bytes = NULL;
    size_t length;
    va_list args;
    pln_status s = PLN_OK;

    PLN_TRY(pln_image_view_f32(p->ctx, pixels, side, side, c, 0, &image));
    PLN_TRY(pln_image_encode(p->ctx, image, &how, &bytes, &length));
    gchar *text = g_base64_encode(bytes, length);
    fprintf(p->f,
            "<figure><img alt=\"\" width=\"%zu\" height=\"%zu\" "
            "src=\"data:image/jpeg;base64,%s\"><figcaption>",
            side, side, text);
    g_free(text);
    va_start(args, caption);
    vfprintf(p->f, caption, args);
    va_end(args);
    fprintf(p->f, "</figcaption></figure>\n");
done:
    pln_free(bytes);
    pln_image_free(image);
    return s;
}

static pln_status print_pair(struct pictures *p, size_t i)
{
    struct pln_pair pair = {0};
    pln_judged j;
    pln_status s = PLN_OK;

    PLN_TRY(pln_validate_pair(p->validation, p->network, p->store, i, &j));
    PLN_TRY(pln_dataset_pair_name(p->ctx, p->dataset, PLN_SPLIT_VAL, j.pair, &pair));
    fprintf(p->f, "<p>");
    pln_report_escaped(p->f, pair.name);
    fprintf(p->f, "</p>\n<div class=\"strip\">\n");
    if (j.c == 1) {
        PLN_TRY(print_picture(p, j.in, j.patch, 3, "input"));
        PLN_TRY(print_picture(p, j.result, j.patch, 1, "boundaries found"));
        PLN_TRY(print_picture(p, j.truth, j.patch, 1, "share of people who drew one"));
    } else if (!j.truth) {
        PLN_TRY(print_picture(p, j.in, j.patch, 3, "input: energy %.4g", j.before[0]));
        PLN_TRY(print_picture(p, j.result, j.patch, 3, "result: energy %.4g", j.after[0]));
    } else {
        PLN_TRY(print_picture(p, j.in, j.patch, 3, "input: %.2f dB, SSIM %.4f", j.before[0],
                              j.before[1]));
        PLN_TRY(print_picture(p, j.result, j.patch, 3, "result: %.2f dB, SSIM %.4f", j.after[0],
                              j.after[1]));
        PLN_TRY(print_picture(p, j.truth, j.patch, 3, "truth"));
    }
    fprintf(p->f, "</div>\n");
done:
    pln_pair_free(&pair);
    return s;
}

pln_status pln_report_pictures(pln_context *ctx, FILE *f, const char *run, const pln_recipe *recipe,
                               const char *data)
{
    struct pictures p = {.ctx = ctx, .f = f, .r = recipe};
    char *weights = NULL;
    pln_status s = PLN_OK;

    fprintf(f, "<h2>Pictures</h2>\n");
    PLN_TRY(pln_text_of(ctx, &weights, "%s/best.safetensors", run));
    const char *none = !*data                  ? "--data names the dataset whose pairs to show"
                       : !pln_is_file(weights) ? "there has been no validation yet"
                                               : NULL;
    if (none) {
        fprintf(f, "<p>None: %s.</p>\n", none);
        goto done;
    }
    fprintf(f, "<p>Validation pairs through best.safetensors, squares as they are judged.</p>\n");
    PLN_TRY(pln_dataset_open(ctx, data, &p.dataset));
    PLN_TRY(load(&p, weights));
    size_t n = pln_validation_pairs(p.validation), shown = pln_min(n, SHOWN);
    for (size_t i = 0; i < shown; i++) PLN_TRY(print_pair(&p, i * n / shown));
done:
    pln_validation_free(p.validation);
    pnn_store_free(p.store);
    pnn_graph_free(p.network);
    pln_dataset_free(p.dataset);
    pln_free(weights);
    return s;
}
