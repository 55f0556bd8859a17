/* SPDX-License-Identifier: MIT */
/* planish sample: procedural pictures, so that everything can be tried without any data. */
#include <string.h>

#include "cli/cli.h"
#include "cli/items.h"
#include "data/data.h"
#include "image/image.h"

struct sample_values {
    const char *output, *format, *size, *family, *truth, *classes;
    int index;
    double std;
};

static const struct cli_option sample_options[] = {
    CLI_OPTION(CLI_TEXT, struct sample_values, output, .letter = 'o', .name = "output",
               .arg = "FILE", .complete = "file",
               .help = "where the picture goes; - is standard output"),
    CLI_OPTION(CLI_TEXT, struct sample_values, format, .name = "format", .arg = "NAME",
               .help = "of what goes to -o: png, jpeg, npy ...; absent: by the extension"),
    CLI_OPTION(CLI_TEXT, struct sample_values, size, .name = "size", .arg = "WxH",
               .help = "pixels (default 320x240; textures are square, 256x256)"),
    CLI_OPTION(CLI_INT, struct sample_values, index, .name = "index", .arg = "N", .min = 0,
               .max = 1e9, .help = "which of the pictures of this seed"),
    CLI_OPTION(CLI_TEXT, struct sample_values, family, .name = "family", .arg = "NAME",
               .help = "of the texture: band, fibre, fractal, stripes, weave, twill, brick, dots, "
                       "cells, scales, grain or hatch; by the seed otherwise"),
    CLI_OPTION(CLI_REAL, struct sample_values, std, .name = "std", .arg = "S", .min = 0,
               .min_open = true, .max = 1, .init = 0.1,
               .help = "standard deviation of a pair's texture, before clipping"),
    CLI_OPTION(CLI_TEXT, struct sample_values, truth, .name = "truth", .arg = "FILE",
               .complete = "file", .help = "also write the pair's scene without texture"),
    CLI_OPTION(CLI_TEXT, struct sample_values, classes, .name = "classes", .arg = "FILE",
               .complete = "file",
               .help = "also write the scene's class map: 0 background, 1 to 7 kinds of shapes"),
    CLI_OPTIONS_END,
};

enum { SCENE, TEXTURE, PAIR };

struct sample {
    struct cli *cli;
    const struct sample_values *v;
    pln_context *ctx;
    int kind;
    const char *format; /* of the output, canonical, or NULL */
    size_t w, h;
};

static int parse(struct sample *s)
{
    static const char *const kinds[] = {"scene", "texture", "pair", NULL};
    const char *kind = s->cli->args.words[0].text;
    unsigned w, h;
    char end;

    for (s->kind = 0; kinds[s->kind] && strcmp(kinds[s->kind], kind);) s->kind++;
    if (!kinds[s->kind]) {
        const char *near = pln_nearest(kind, kinds);
        return cli_fail(s->cli, CLI_EXIT_USAGE,
                        near ? "unknown sample '%s': did you mean '%s'?"
                             : "unknown sample '%s': expected scene, texture or pair",
                        kind, near);
    }
    if (!s->v->output)
        return cli_fail(s->cli, CLI_EXIT_USAGE, "-o is missing: where should the picture go?");
    s->w = s->kind == TEXTURE ? 256 : 320;
    s->h = s->kind == TEXTURE ? 256 : 240;
    if (s->v->size) {
        if (sscanf(s->v->size, "%ux%u%c", &w, &h, &end) != 2 || w < 8 || h < 8 || w > 16384 ||
            h > 16384)
            return cli_fail(s->cli, CLI_EXIT_USAGE,
                            "--size: '%s': expected WxH from 8x8 to 16384x16384, as in 640x480",
                            s->v->size);
        s->w = w;
        s->h = h;
    }
    if (s->kind == TEXTURE && s->w != s->h)
        return cli_fail(s->cli, CLI_EXIT_USAGE, "--size: textures are square, %zux%zu is not", s->w,
                        s->h);
    if (s->kind == SCENE && s->v->family)
        return cli_fail(s->cli, CLI_EXIT_USAGE,
                        "--family: a scene has no texture: take texture or pair");
    if (s->kind != PAIR && s->v->truth)
        return cli_fail(s->cli, CLI_EXIT_USAGE, "--truth: only a pair has a truth beside it");
    if (s->kind != PAIR && cli_given(s->cli, "std"))
        return cli_fail(s->cli, CLI_EXIT_USAGE, "--std: only the texture of a pair is scaled");
    if (s->kind == TEXTURE && s->v->classes)
        return cli_fail(s->cli, CLI_EXIT_USAGE, "--classes: a texture has no shapes");
    const char *inputs[] = {NULL, NULL, NULL};
    const char *outputs[] = {s->v->output, s->v->truth, s->v->classes};
    int code = cli_files_check(s->cli, inputs, outputs, 3);
    return code ? code : cli_format_check(s->cli, s->v->format, &s->format);
}

/* Bytes of c channels as an 8-bit picture. */
static pln_status save(struct sample *s, const uint8_t *bytes, size_t c, const char *path)
{
    pln_image *image = NULL;
    pln_status e = pln_image_make(s->ctx, s->w, s->h, c, false, NULL, &image);
    if (e) return e;
    for (size_t i = 0; i < s->w * s->h * c; i++) image->pixels.data[i] = (float)bytes[i] / 255;
    image->depth = 8;
    pln_save_options o = {.size = sizeof o};
    if (path == s->v->output) o.format = s->format;
    e = pln_image_save(s->ctx, image, path, &o);
    pln_image_free(image);
    return e;
}

/* 128 + 40 times the layer. */
static pln_status make_texture(struct sample *s)
{
    double *layer = NULL;
    uint8_t *grey = NULL;
    pln_status e = pln_alloc(s->ctx, s->w * s->h, sizeof *layer, &layer);
    if (!e) e = pln_alloc(s->ctx, s->w * s->h, 1, &grey);
    if (!e)
        e = pln_texture(s->ctx, s->cli->seed, (uint64_t)s->v->index, s->w, s->v->family, layer,
                        NULL);
    for (size_t i = 0; !e && i < s->w * s->h; i++) {
        double v = __builtin_nearbyint(128 + 40 * layer[i]);
        grey[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    if (!e) e = save(s, grey, 1, s->v->output);
    pln_free(grey);
    pln_free(layer);
    return e;
}

static pln_status make_scene(struct sample *s)
{
    enum { LAYER = 256 };
    uint8_t *rgb = NULL, *classes = NULL;
    double *layer = NULL;
    pln_status e = pln_alloc(s->ctx, s->w * s->h, 3, &rgb);
    if (!e) e = pln_alloc(s->ctx, s->w * s->h, 1, &classes);
    if (!e) e = pln_scene(s->ctx, s->cli->seed, (uint64_t)s->v->index, s->w, s->h, rgb, classes);
    if (!e && s->v->classes) e = save(s, classes, 1, s->v->classes);
    if (!e && s->v->truth) e = save(s, rgb, 3, s->v->truth);
    if (!e && s->kind == PAIR) {
        e = pln_alloc(s->ctx, LAYER * LAYER, sizeof *layer, &layer);
        if (!e)
            e = pln_texture(s->ctx, s->cli->seed, (uint64_t)s->v->index, LAYER, s->v->family, layer,
                            NULL);
        if (!e) e = pln_blend(s->ctx, rgb, s->w, s->h, layer, LAYER, LAYER, s->v->std, rgb);
    }
    if (!e) e = save(s, rgb, 3, s->v->output);
    pln_free(layer);
    pln_free(classes);
    pln_free(rgb);
    return e;
}

static int sample_run(struct cli *cli, void *values)
{
    struct sample s = {.cli = cli, .v = values};
    int code = parse(&s);
    if (!code) code = cli_context(cli, 1, &s.ctx);
    if (code) return code;
    pln_status e = s.kind == TEXTURE ? make_texture(&s) : make_scene(&s);
    if (e) code = cli_fail_status(cli, s.ctx, e, NULL);
    pln_context_free(s.ctx);
    return code;
}

const struct cli_command cli_sample = {
    .name = "sample",
    .usage = "scene|texture|pair -o FILE",
    .summary = "procedural pictures, no data needed",
    .description =
        "scene: shapes over a background, without texture: every edge is structure. texture: a "
        "periodic layer of one of twelve families. pair: a scene with a texture laid over it, and "
        "with --truth the scene itself, so that a smoother can be scored.\n\n"
        "The same seed and index give the same picture anywhere.",
    .examples = "planish sample pair --seed 7 -o in.png --truth truth.png\t# something to smooth\n"
                "planish sample texture --family weave -o weave.png\t# a layer of cloth\n"
                "planish sample scene --size 640x480 --index 3 -o scene.png\t# the fourth scene",
    .options = sample_options,
    .values_size = sizeof(struct sample_values),
    .args_min = 1,
    .args_max = 1,
    .run = sample_run,
};
