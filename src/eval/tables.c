/* SPDX-License-Identifier: MIT */
/* The reports as text: table.csv, table.md, scores.csv, grid.csv. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/internal.h"

/* A function that prints a report, into a file of the folder. */
typedef void print_fn(FILE *f, const pln_eval *e);

static pln_status write_report(pln_context *ctx, const pln_eval *e, const char *name,
                               print_fn *print)
{
    char *text = NULL;
    size_t length = 0;
    FILE *f = open_memstream(&text, &length);
    if (!f) return pln_fail(ctx, PLN_E_MEMORY, "%s: out of memory", name);
    print(f, e);
    bool lost = ferror(f);
    pln_status s = fclose(f) || lost ? pln_fail(ctx, PLN_E_MEMORY, "%s: out of memory", name)
                                     : pln_eval_write_file(ctx, e, name, text, length);
    free(text);
    return s;
}

/* Decibels with fewer digits than shares. */
static int digits(int score) { return score == PLN_EVAL_PSNR ? 4 : 6; }

/* ---- CSV ---- */

static void print_table_csv(FILE *f, const pln_eval *e)
{
    fputs("method,params", f);
    for (int q = 0; q < PLN_EVAL_SCORES; q++)
        fprintf(f, ",%s,%s_std", pln_eval_score_names[q], pln_eval_score_names[q]);
    fputs(",pairs\n", f);
    const struct pln_eval_row *r;
    for (size_t i = 0; (r = pln_eval_row(e, i)); i++) {
        fprintf(f, "%s,%s", r->method, r->params);
        for (int q = 0; q < PLN_EVAL_SCORES; q++)
            fprintf(f, ",%.*f,%.*f", digits(q), r->mean[q], digits(q), r->deviation[q]);
        fprintf(f, ",%zu\n", e->drawn_count[PLN_TEST]);
    }
}

static void print_scores_csv(FILE *f, const pln_eval *e)
{
    fputs("pair,method,params", f);
    for (int q = 0; q < PLN_EVAL_SCORES; q++) fprintf(f, ",%s", pln_eval_score_names[q]);
    fputc('\n', f);
    for (size_t i = 0; i < e->drawn_count[PLN_TEST]; i++)
        for (size_t k = 0; k < e->entry_count; k++) {
            const struct pln_entry *entry = &e->entries[e->order[k]];
            fprintf(f, "%s,%s,%s", e->drawn[PLN_TEST][i].name, entry->row.method,
                    entry->row.params);
            for (int q = 0; q < PLN_EVAL_SCORES; q++)
                fprintf(f, ",%.*f", digits(q), entry->scores[i][q]);
            fputc('\n', f);
        }
}

static void print_grid_csv(FILE *f, const pln_eval *e)
{
    fputs("method,params", f);
    for (int q = 0; q < PLN_EVAL_SCORES; q++) fprintf(f, ",%s", pln_eval_score_names[q]);
    fputs(",chosen\n", f);
    for (size_t k = 0; k < e->entry_count; k++) {
        const struct pln_entry *entry = &e->entries[k];
        for (size_t i = entry->first; i < entry->first + entry->count && entry->count > 1; i++) {
            const struct pln_point *p = &e->points[i];
            fprintf(f, "%s,%s", entry->name, p->text);
            for (int q = 0; q < PLN_EVAL_SCORES; q++) fprintf(f, ",%.*f", digits(q), p->mean[q]);
            fprintf(f, ",%s\n", i == entry->best ? "yes" : "");
        }
    }
}

/* ---- Markdown ---- */

/* Those about this kind of dataset. */
static const struct pln_published *next_published(const pln_eval *e, const struct pln_published *p)
{
    return pln_published_next(pln_dataset_kind(e->dataset), p);
}

void pln_eval_print_protocol(FILE *f, const pln_eval *e)
{
    size_t tune_of, test_of, tune = pln_eval_pairs(e, PLN_TUNE, &tune_of);
    size_t test = pln_eval_pairs(e, PLN_TEST, &test_of);
    fprintf(f, "Dataset %s, seed %llu, %s split. ", pln_dataset_kind(e->dataset),
            (unsigned long long)pln_dataset_seed(e->dataset),
            pln_dataset_published_split(e->dataset) ? "the authors' random" : "strict");
    if (e->tuned_count)
        fprintf(f,
                "Parameters: %zu points of the methods' grids, the best of each method by mean %s "
                "over %zu of %zu %s pairs%s. ",
                e->tuned_count, e->o.by_ssim ? "SSIM-A" : "PSNR", tune, tune_of,
                pln_eval_tuned_on_test(e) ? "test" : "validation",
                pln_eval_tuned_on_test(e) ? " (the dataset has no others)" : "");
    fprintf(f, "Scores: means over %zu of %zu test pairs, of outputs %s to 8 bits. ", test, test_of,
            e->o.truncate ? "truncated" : "rounded");
    bool nets = false;
    for (size_t i = 1; i < e->entry_count; i++) nets |= e->entries[i].method->caps & PLN_CAP_NET;
    if (nets)
        fprintf(f, "Networks: %s%s. ", e->o.bf16 ? "bfloat16" : "float32",
                e->o.ensemble ? ", the mean of all eight flips and turns" : "");
    fprintf(f, "planish %s.", pln_version());
}

static void print_rows(FILE *f, const pln_eval *e)
{
    fputs("| | method | parameters |", f);
    for (int q = 0; q < PLN_EVAL_SCORES; q++) fprintf(f, " %s |", pln_eval_score_titles[q]);
    for (const struct pln_published *p = NULL; (p = next_published(e, p));)
        fprintf(f, " %s: PSNR dB | SSIM |", p->source);
    fputs("\n|---:|---|---|", f);
    for (int q = 0; q < PLN_EVAL_SCORES; q++) fputs("---:|", f);
    for (const struct pln_published *p = NULL; (p = next_published(e, p));) fputs("---:|---:|", f);
    fputc('\n', f);
    const struct pln_eval_row *r;
    for (size_t i = 0; (r = pln_eval_row(e, i)); i++) {
        if (i)
            fprintf(f, "| %zu | `%s` | %s%s%s |", i, r->method, *r->params ? "`" : "", r->params,
                    *r->params ? "`" : "");
        else
            fputs("| | original (input) | |", f);
        for (int q = 0; q < PLN_EVAL_SCORES; q++)
            fprintf(f, " %.*f |", q == PLN_EVAL_PSNR ? 2 : 4, r->mean[q]);
        for (const struct pln_published *p = NULL; (p = next_published(e, p));) {
            const struct pln_published_row *row = pln_published_row(p, r->method);
            if (row)
                fprintf(f, " %.2f | %.2f |", row->psnr, row->ssim);
            else
                fputs(" | |", f);
        }
        fputc('\n', f);
    }
}

/* What the paper has and we have not. */
static void print_others(FILE *f, const pln_eval *e, const struct pln_published *p)
{
    const struct pln_eval_row *r;
    size_t n = 0;
    for (const struct pln_published_row *row = p->rows; row->method; row++) {
        bool ours = false;
        for (size_t i = 0; (r = pln_eval_row(e, i)); i++) ours |= !strcmp(r->method, row->method);
        if (ours) continue;
        if (n++ == 0) fprintf(f, "\nOnly in %s (PSNR dB / SSIM): ", p->source);
        fprintf(f, "%s%s %.2f / %.2f", n > 1 ? ", " : "", row->method, row->psnr, row->ssim);
    }
    if (n) fputs(".\n", f);
}

/* Place of a method, from 1, among those that both tables have: by ours, and by theirs. */
static void places(const pln_eval *e, const struct pln_published *p, const char *method,
                   size_t *ours, size_t *theirs)
{
    const struct pln_published_row *me = pln_published_row(p, method), *other;
    const struct pln_eval_row *r;
    bool before = true;
    *ours = *theirs = 1;
    for (size_t i = 1; (r = pln_eval_row(e, i)); i++) {
        if (!strcmp(r->method, method)) before = false;
        if (!(other = pln_published_row(p, r->method)) || other == me) continue;
        *ours += before;
        *theirs += other->psnr > me->psnr;
    }
}

static const char *ordinal(size_t n)
{
    return n % 100 - n % 10 == 10 ? "th"
           : n % 10 == 1          ? "st"
           : n % 10 == 2          ? "nd"
           : n % 10 == 3          ? "rd"
                                  : "th";
}

/* Where the order by PSNR is not the published one. */
static void print_ranking(FILE *f, const pln_eval *e, const struct pln_published *p)
{
    const struct pln_eval_row *r, *input = pln_eval_row(e, 0);
    const struct pln_published_row *original = pln_published_row(p, "original");
    size_t common = 0, moved = 0;

    for (size_t i = 1; (r = pln_eval_row(e, i)); i++) {
        size_t ours, theirs;
        if (!pln_published_row(p, r->method)) continue;
        common++;
        places(e, p, r->method, &ours, &theirs);
        if (ours == theirs) continue;
        fprintf(f, "%s`%s` is %zu%s here and %zu%s there", moved ? ", " : "\n", r->method, ours,
                ordinal(ours), theirs, ordinal(theirs));
        moved++;
    }
    if (common < 2) return;
    if (moved)
        fprintf(f, ", by PSNR among the %zu methods that %s has too.", common, p->source);
    else
        fprintf(f, "\nBy PSNR the %zu methods that %s has too stand in the same order.", common,
                p->source);
    fprintf(f,
            " The pictures are not the authors': the unfiltered input has %.2f dB / %.3f here, "
            "%.2f / %.2f there.\n",
            input->mean[PLN_EVAL_PSNR], input->mean[PLN_EVAL_SSIM_A], original->psnr,
            original->ssim);
}

static void print_table_md(FILE *f, const pln_eval *e)
{
    pln_eval_print_protocol(f, e);
    fputs("\n\n", f);
    print_rows(f, e);
    for (const struct pln_published *p = NULL; (p = next_published(e, p));) print_ranking(f, e, p);
    for (const struct pln_published *p = NULL; (p = next_published(e, p));) print_others(f, e, p);
}

pln_status pln_eval_write_tables(pln_context *ctx, const pln_eval *e)
{
    pln_status s = write_report(ctx, e, "table.csv", print_table_csv);
    if (!s) s = write_report(ctx, e, "table.md", print_table_md);
    if (!s) s = write_report(ctx, e, "scores.csv", print_scores_csv);
    return s ? s : write_report(ctx, e, "grid.csv", print_grid_csv);
}
