/* SPDX-License-Identifier: MIT */
/* manifest.json in memory: what dataset.c reads and the makers write. */
#ifndef PLN_DATA_MANIFEST_H
#define PLN_DATA_MANIFEST_H

#include "data/dataset.h"
#include "data/folder.h"

#define PLN_MANIFEST_SCHEMA "planish.dataset/1"

struct pln_truth_entry {
    const char *name;
    pln_split split;
    size_t w, h;
};

/* Over truth g of a split the texture t of a split has scale scales[(g + t) mod scale_count]. */
struct pln_texture_entry {
    const char *name;
    pln_split split;
    double scales[2];
    size_t scale_count;
};

struct pln_manifest {
    json_t *root; /* owns every text */
    const char *kind;
    uint64_t seed;
    bool published, bgr_weights;
    double std;
    unsigned companions;
    struct pln_truth_entry *truths;
    struct pln_texture_entry *textures;
    size_t truth_count, texture_count;
};

/* The document becomes the manifest's (also on failure). `path` is for messages. */
pln_status pln_manifest_parse(pln_context *ctx, const char *path, json_t *root,
                              struct pln_manifest *manifest) PLN_CHECK;
void pln_manifest_clear(struct pln_manifest *manifest);
/* sha256 of a file of the dataset, or NULL if the manifest has none of that name. */
const char *pln_manifest_sha256(const struct pln_manifest *manifest, const char *file);

/* Folder of a companion: "edge" for PLN_WITH_EDGE ...; 0: "gt". */
const char *pln_companion_folder(unsigned companion);

/* FOLDER/SUB/NAME.png; the result goes to pln_free. */
pln_status pln_dataset_path(pln_context *ctx, const char *folder, const char *sub, const char *name,
                            char **path) PLN_CHECK;

#endif
