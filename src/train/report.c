/* SPDX-License-Identifier: MIT */
#include "train/report.h"

#include <stdlib.h>
#include <string.h>

#include "data/folder.h"
#include "train/report_parts.h"

struct report {
    pln_context *ctx;
    const pln_report_options *o;
    pln_history history;
    pln_recipe recipe;
    const pln_judge *judge;
    FILE *f;
};

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>planish train</title>\n"
    "<style>\n"
    "  :root { color-scheme: dark; }\n"
    "  body { margin: 0; padding: 1em 1.5em 3em; background: #2b2b2b; color: #ddd;\n"
    "         font: 15px/1.4 system-ui, sans-serif; }\n"
    "  h1 { font-size: 1.3em; margin: 0; } h2 { font-size: 1.1em; margin: 1.5em 0 .4em; }\n"
    "  p { margin: .2em 0 .6em; color: #aaa; }\n"
    "  #curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(30em, 1fr));\n"
    "            gap: 1em; max-width: 84em; }\n"
    "  svg { width: 100%; height: auto; } svg text { fill: #aaa; }\n"
    "  table { border-collapse: collapse; }\n"
    "  td { padding: .25em .8em; border-bottom: 1px solid #444; }\n"
    "  td + td { text-align: right; font-variant-numeric: tabular-nums; }\n"
    "  pre { background: #222; padding: .8em; overflow-x: auto; max-width: 60em; }\n"
    "  .strip { display: flex; gap: .6em; overflow-x: auto; padding-bottom: .8em; }\n"
    "  figure { margin: 0; flex: none; } figcaption { font-size: .85em; color: #bbb; }\n"
    "  img { display: block; }\n";

void pln_report_escaped(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", f);
        else if (*text == '&')
            fputs("&amp;", f);
        else
            fputc(*text, f);
    }
}

/* ---- Figures ---- */

static uint64_t last_step(const pln_history *h)
{
    return h->count ? h->lines[h->count - 1].step : 0;
}

static double pictures_a_second(const struct report *r)
{
    const pln_history *h = &r->history;
    return h->seconds > 0 ? (double)(h->count * r->recipe.batch) / h->seconds : 0;
}

static void print_scores(const struct report *r, const pln_history_line *l)
{
    char text[64];
    pln_scores_text(l->judge, l->scores, text);
    fputs(text, r->f);
}

static void print_figures(const struct report *r)
{
    const pln_history *h = &r->history;
    fprintf(r->f, "<h1>planish train: %s</h1>\n<p>", r->recipe.net->title);
    pln_report_escaped(r->f, r->o->run);
    fprintf(r->f,
            "</p>\n<table>\n<tr><td>steps</td><td>%llu of %llu</td></tr>\n"
            "<tr><td>hours of steps</td><td>%.2f</td></tr>\n"
            "<tr><td>pictures a second</td><td>%.2f</td></tr>\n",
            (unsigned long long)last_step(h), (unsigned long long)r->recipe.steps,
            h->seconds / 3600, pictures_a_second(r));
    if (h->best < h->count) {
        fprintf(r->f, "<tr><td>best validation</td><td>");
        print_scores(r, &h->lines[h->best]);
        fprintf(r->f, ", step %llu</td></tr>\n", (unsigned long long)h->lines[h->best].step);
    }
    fprintf(r->f, "</table>\n");
}

/* ---- The kinds ---- */

static pln_status print_page(struct report *r)
{
    pln_status s = PLN_OK;
    fprintf(r->f, "%s%s</style>\n</head>\n<body>\n", head, pln_plot_style);
    print_figures(r);
    fprintf(r->f, "<h2>Curves over the steps</h2>\n<div id=\"curves\">\n");
    PLN_TRY(pln_report_curves(r->ctx, r->f, &r->history, r->judge, false));
    fprintf(r->f, "</div>\n");
    PLN_TRY(pln_report_pictures(r->ctx, r->f, r->o->run, &r->recipe,
                                r->o->data ? r->o->data : r->recipe.manifest));
    fprintf(r->f, "<h2>Recipe</h2>\n<pre>");
    pln_report_escaped(r->f, r->recipe.text);
    fprintf(r->f, "</pre>\n</body>\n</html>\n");
done:
    return s;
}

static pln_status print_curves(struct report *r)
{
    return pln_report_curves(r->ctx, r->f, &r->history, r->judge, true);
}

/* Loss: the mean of the steps since the validation before. */
static pln_status print_table(struct report *r)
{
    const pln_history *h = &r->history;
    double loss = 0, seconds = 0;
    size_t steps = 0;
    fprintf(r->f, "| step | hours | rate | mean loss | validation |\n|---:|---:|---:|---:|---|\n");
    for (size_t i = 0; i < h->count; i++) {
        const pln_history_line *l = &h->lines[i];
        loss += l->loss;
        seconds += l->seconds;
        steps++;
        if (!l->judge) continue;
        fprintf(r->f, "| %llu | %.2f | %.3g | %.5f | ", (unsigned long long)l->step, seconds / 3600,
                l->rate, loss / (double)steps);
        print_scores(r, l);
        fprintf(r->f, "%s |\n", i == h->best ? ": the best" : "");
        loss = 0;
        steps = 0;
    }
    fprintf(r->f, "\n%llu of %llu steps, %.2f hours of steps, %.2f pictures a second.\n",
            (unsigned long long)last_step(h), (unsigned long long)r->recipe.steps,
            h->seconds / 3600, pictures_a_second(r));
    return PLN_OK;
}

/* The one that the output's name asks for; NULL: none. */
static const struct kind {
    const char *end;
    bool pictures;
    pln_status (*print)(struct report *r);
} kinds[] = {
    {".html", true, print_page}, {".svg", false, print_curves}, {".md", false, print_table}};

static const struct kind *kind_of(const char *output)
{
    size_t n = strlen(output);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t m = strlen(kinds[i].end);
        if (n > m && !strcmp(output + n - m, kinds[i].end)) return &kinds[i];
    }
    return NULL;
}

pln_status pln_report(pln_context *ctx, const pln_report_options *options)
{
    struct report r = {.ctx = ctx, .o = options};
    const struct kind *kind = kind_of(options->output);
    char *recipe = NULL, *text = NULL;
    size_t length = 0;
    pln_status s = PLN_OK;

    if (!kind)
        return pln_fail(ctx, PLN_E_ARG,
                        "%s: expected .html (the page), .svg (its curves) or .md (a table)",
                        options->output);
    if (options->data && !kind->pictures)
        return pln_fail(ctx, PLN_E_ARG, "%s shows no pictures: expected no --data",
                        options->output);
    PLN_TRY(pln_history_read(ctx, options->run, &r.history));
    PLN_TRY(pln_text_of(ctx, &recipe, "%s/recipe.ini", options->run));
    PLN_TRY(pln_recipe_load(ctx, recipe, NULL, 0, &r.recipe));
    r.judge = pln_judge_of(&r.recipe);
    r.f = open_memstream(&text, &length);
    if (!r.f) {
        s = pln_fail(ctx, PLN_E_MEMORY, "%s: out of memory", options->output);
        goto done;
    }
    s = kind->print(&r);
    bool lost = ferror(r.f);
    if ((fclose(r.f) || lost) && !s)
        s = pln_fail(ctx, PLN_E_MEMORY, "%s: out of memory", options->output);
    if (!s) s = pln_file_write(ctx, options->output, text, length);
done:
    free(text);
    pln_free(recipe);
    pln_recipe_free(&r.recipe);
    pln_history_free(&r.history);
    return s;
}
