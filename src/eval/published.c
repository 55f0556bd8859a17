/* SPDX-License-Identifier: MIT */
/* PSNR in dB and SSIM as printed. The sets of pictures were the authors' own, of which ours are
 * made again by the same recipe from other photographs, so the unfiltered input stands in every
 * table. The papers print no parameters for these tables; SASNet's are "tuned to the universal ones
 * on the datasets", CSGIS-Net's "the best result from a set of manual parameters". */
#include <string.h>

#include "eval/internal.h"

/* "SASNet", table 1 (networks trained on SPS). */
static const struct pln_published_row sasnet_sps[] = {
    {"original", 20.28, 0.26}, {"gf", 25.33, 0.65},     {"rgf", 25.86, 0.64},
    {"l0", 28.48, 0.78},       {"rtv", 26.89, 0.82},    {"sdf", 27.06, 0.80},
    {"ils", 25.46, 0.62},      {"pnls", 25.43, 0.66},   {"iso", 27.10, 0.81},
    {"deaf", 27.36, 0.82},     {"drf", 27.01, 0.79},    {"resnet", 29.84, 0.88},
    {"jess", 31.73, 0.92},     {"sasnet", 33.18, 0.94}, {NULL, 0, 0},
};
static const struct pln_published_row sasnet_nks[] = {
    {"original", 28.04, 0.54}, {"gf", 28.15, 0.83},     {"rgf", 32.56, 0.91},
    {"l0", 28.32, 0.90},       {"rtv", 30.69, 0.90},    {"sdf", 33.17, 0.89},
    {"ils", 31.5, 0.81},       {"pnls", 33.2, 0.92},    {"iso", 33.25, 0.95},
    {"deaf", 30.45, 0.90},     {"drf", 30.02, 0.88},    {"resnet", 33.24, 0.92},
    {"jess", 34.24, 0.94},     {"sasnet", 34.75, 0.95}, {NULL, 0, 0},
};
/* "CSGIS-Net", table 1 (networks trained on VOC-smooth). */
static const struct pln_published_row csgis_voc_smooth[] = {
    {"original", 20.9701, 0.3882},
    {"gf", 23.7863, 0.5452},
    {"rgf", 22.3704, 0.7076},
    {"l0", 21.9665, 0.4684},
    {"rtv", 24.8952, 0.7775},
    {"sdf", 22.8657, 0.5312},
    {"ils", 22.3584, 0.5474},
    {"pnls", 23.6922, 0.6622},
    {"jess", 28.3701, 0.8788},
    {"csgis", 29.3366, 0.8993},
    {NULL, 0, 0},
};
static const struct pln_published_row csgis_nks[] = {
    {"original", 28.0418, 0.5736},
    {"gf", 32.0883, 0.8809},
    {"rgf", 31.0875, 0.9033},
    {"l0", 28.4811, 0.7854},
    {"rtv", 31.8124, 0.9221},
    {"sdf", 33.1725, 0.9077},
    {"ils", 29.6929, 0.9050},
    {"pnls", 33.2073, 0.9341},
    {"jess", 33.0475, 0.9435},
    {"csgis", 34.5098, 0.9486},
    {NULL, 0, 0},
};

static const struct pln_published published[] = {
    {"sps", "SASNet, table 1", sasnet_sps},
    {"voc-smooth", "CSGIS-Net, table 1", csgis_voc_smooth},
    {"nks", "SASNet, table 1", sasnet_nks},
    {"nks", "CSGIS-Net, table 1", csgis_nks},
    {NULL, NULL, NULL},
};

const struct pln_published *pln_published_next(const char *kind, const struct pln_published *table)
{
    for (table = table ? table + 1 : published; table->kind; table++)
        if (!strcmp(table->kind, kind)) return table;
    return NULL;
}

const struct pln_published_row *pln_published_row(const struct pln_published *table,
                                                  const char *method)
{
    for (const struct pln_published_row *r = table->rows; r->method; r++)
        if (!strcmp(r->method, method)) return r;
    return NULL;
}
