/* SPDX-License-Identifier: MIT */
/* method_pages DIR: writes DIR/NAME.md for every method and DIR/README.md, from the descriptors
 * alone: the same bytes on every machine. Prints the names. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

static void number(double v, char text[32]) { pln_format_real(v, text); }

/* Text for a table cell: | would end it. */
static void cell(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') fputc('\\', f);
        fputc(*text, f);
    }
}

static void parameters(FILE *f, const pln_method *m)
{
    fprintf(f, "## Parameters\n\n| flag | symbol | unit | range | default | meaning "
               "|\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < pln_method_param_count(m); i++) {
        const pln_param *p = pln_method_param(m, i);
        char min[32], max[32], init[32];
        fprintf(f, "| `--%s` | ", p->flag);
        cell(f, p->symbol ? p->symbol : "");
        fprintf(f, " | ");
        cell(f, p->unit ? p->unit : "");
        fprintf(f, " | ");
        if (p->type == PLN_TYPE_CHOICE) {
            for (size_t k = 0; p->choices[k]; k++)
                fprintf(f, "%s`%s`", k ? " " : "", p->choices[k]);
            fprintf(f, " | `%s` | ", p->choices[(size_t)p->init]);
        } else {
            number(p->min, min);
            number(p->max, max);
            number(p->init, init);
            fprintf(f, "%c%s, %s]%s | %s | ", p->min_open ? '(' : '[', min, max,
                    p->type == PLN_TYPE_INT ? " whole" : "", init);
        }
        cell(f, p->help);
        fprintf(f, " |\n");
    }
    fprintf(f, "\n");
}

static void points(FILE *f, const pln_method *m)
{
    fprintf(f, "## Presets\n\n| `-m` | values | for |\n|---|---|---|\n");
    for (const pln_preset *p = m->presets; p->name; p++) {
        fprintf(f, "| `%s:%s` | `%s` | ", m->name, p->name,
                *p->values ? p->values : "all defaults");
        cell(f, p->help);
        fprintf(f, " |\n");
    }
    fprintf(f, "\n`--strength 0` to `1` walks from weak to strong through\n\n");
    for (size_t i = 0; m->ladder[i]; i++) fprintf(f, "%zu. `%s`\n", i + 1, m->ladder[i]);
    fprintf(f, "\nTuning points of published comparisons:\n\n");
    for (size_t i = 0; m->grid[i]; i++) fprintf(f, "- `%s`\n", m->grid[i]);
    fprintf(f, "\n");
}

static pln_status costs(FILE *f, pln_context *ctx, const pln_method *m)
{
    enum { SIDE = 1024 };
    pln_params *p = NULL;
    pln_status s = pln_params_new(ctx, m->name, &p);
    if (s) return s;
    const void *values = pln_params_values(p);
    double bytes = (double)m->memory(values, SIDE, SIDE, 3, 1) / ((double)SIDE * SIDE);

    fprintf(f, "## Cost\n\n%s. ", m->cost);
    if (m->halo)
        fprintf(f,
                "Local: an output row depends on %zu rows above and below it (default parameters), "
                "so pictures of "
                "any height go through in strips of bounded memory, with the same bytes as in one "
                "piece. ",
                m->halo(values));
    else
        fprintf(f, "Global: every output pixel may depend on every input pixel, so the picture is "
                   "held whole. ");
    fprintf(f,
            "Working memory beyond input and output, 1024x1024 RGB, one thread: about %.0f bytes a "
            "pixel. Measured "
            "times: [performance.md](../performance.md).\n\n",
            bytes);
    fprintf(f, "Guide picture (`--guide`): %s. ", m->caps & PLN_CAP_GUIDE ? "yes" : "no");
    fprintf(f, "Values above 1: %s.\n\n",
            m->caps & PLN_CAP_UNIT_RANGE
                ? "kept; the picture is scaled into [0, 1] for the method and back (`--range`)"
                : "kept, filtered as they are");
    pln_params_free(p);
    return PLN_OK;
}

static FILE *create(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.md", folder, name);
    FILE *f = fopen(path, "w");
    if (!f) perror(path);
    return f;
}

static pln_status page(FILE *f, pln_context *ctx, const pln_method *m)
{
    fprintf(f, "<!-- Generated from src/operators by `make docs`: do not edit. -->\n# %s: %s\n\n",
            m->name, m->title);
    fprintf(f, "%s.\n\n%s.\n\n", m->summary, m->paper);
    fprintf(f, "![input and result](%s.jpg)\n\n", m->name);
    fprintf(f, "```sh\nplanish smooth in.png -o out.png -m %s\n```\n\n", m->name);
    fprintf(f, "## Model\n\n%s\n\n", m->formula);
    parameters(f, m);
    points(f, m);
    pln_status s = costs(f, ctx, m);
    fprintf(f, "## When to use it\n\n%s\n\n## When not\n\n%s\n", m->use, m->avoid);
    return s;
}

static bool close_file(FILE *f) { return (ferror(f) | fclose(f)) == 0; }

int main(int argc, char **argv)
{
    pln_context *ctx = NULL;
    bool ok = true;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    if (pln_context_new(&ctx)) {
        fprintf(stderr, "%s\n", pln_context_message(NULL));
        return 1;
    }
    FILE *index = create(argv[1], "README");
    if (!index) return 1;
    fprintf(index,
            "<!-- Generated from src/operators by `make docs`: do not edit. -->\n# Methods\n\n"
            "| method | | year | cost | idea |\n|---|---|---|---|---|\n");
    for (const pln_method *m = pln_method_first(NULL); m && ok; m = pln_method_next(NULL, m)) {
        if (m->caps & PLN_CAP_NET) continue; /* models have cards */
        FILE *f = create(argv[1], m->name);
        if (!f) return 1;
        if (page(f, ctx, m)) {
            fprintf(stderr, "%s\n", pln_context_message(ctx));
            ok = false;
        }
        ok &= close_file(f);
        fprintf(index, "| [`%s`](%s.md) | %s | %d | ", m->name, m->name, m->title, m->year);
        cell(index, m->cost);
        fprintf(index, " | ");
        cell(index, m->summary);
        fprintf(index, " |\n");
        puts(m->name);
    }
    ok &= close_file(index);
    pln_context_free(ctx);
    return ok ? 0 : 1;
}
