/* SPDX-License-Identifier: MIT */
/* index.html: the table, the scores of every test picture, and some of the pictures; one file that
 * needs no other. */
#include <glib.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/folder.h"
#include "eval/internal.h"

/* The page's data as it grows; the first failure sticks. */
struct page {
    const pln_eval *eval;
    bool lost;
};

static void put(struct page *p, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value)) p->lost = true;
}

static void append(struct page *p, json_t *list, json_t *value)
{
    if (json_array_append_new(list, value)) p->lost = true;
}

/* No more digits than the page shows. */
static json_t *numbers(struct page *p, const double scores[PLN_EVAL_SCORES])
{
    json_t *list = json_array();
    for (int q = 0; q < PLN_EVAL_SCORES; q++) {
        double unit = q == PLN_EVAL_PSNR ? 1e3 : 1e5;
        append(p, list, json_real(round(scores[q] * unit) / unit));
    }
    return list;
}

static const struct pln_published *next_published(const struct page *p,
                                                  const struct pln_published *table)
{
    return pln_published_next(pln_dataset_kind(p->eval->dataset), table);
}

static json_t *columns(struct page *p)
{
    json_t *list = json_array();
    for (int q = 0; q < PLN_EVAL_SCORES; q++)
        append(p, list, json_string(pln_eval_score_titles[q]));
    for (const struct pln_published *t = NULL; (t = next_published(p, t));) {
        append(p, list, json_sprintf("%s: PSNR dB", t->source));
        append(p, list, json_sprintf("%s: SSIM", t->source));
    }
    return list;
}

static json_t *published_of(struct page *p, const char *method)
{
    json_t *list = json_array();
    for (const struct pln_published *t = NULL; (t = next_published(p, t));) {
        const struct pln_published_row *r = pln_published_row(t, method);
        append(p, list, r ? json_real(r->psnr) : json_null());
        append(p, list, r ? json_real(r->ssim) : json_null());
    }
    return list;
}

static json_t *row(struct page *p, const struct pln_entry *entry)
{
    json_t *row = json_object(), *scores = json_array();
    for (size_t i = 0; i < p->eval->drawn_count[PLN_TEST]; i++)
        append(p, scores, numbers(p, entry->scores[i]));
    put(p, row, "method", json_string(entry->row.method));
    put(p, row, "title", json_string(entry->method ? entry->method->title : "the input"));
    put(p, row, "params", json_string(entry->row.params));
    put(p, row, "mean", numbers(p, entry->row.mean));
    put(p, row, "published", published_of(p, entry->row.method));
    put(p, row, "scores", scores);
    return row;
}

static pln_status append_picture(pln_context *ctx, struct page *p, size_t pair,
                                 const struct pln_point *point, json_t *list)
{
    char *path = NULL;
    void *bytes = NULL;
    size_t length;
    pln_status s = PLN_OK;

    PLN_TRY(pln_eval_picture_path(ctx, p->eval, pair, point, &path));
    PLN_TRY(pln_file_read(ctx, path, (size_t)1 << 30, &bytes, &length));
    char *base64 = g_base64_encode(bytes, length);
    append(p, list, json_sprintf("data:image/jpeg;base64,%s", base64));
    g_free(base64);
done:
    pln_free(bytes);
    pln_free(path);
    return s;
}

/* The pictures of the shown pairs: the truth, then as the rows. */
static pln_status append_shown(pln_context *ctx, struct page *p, json_t *list)
{
    const pln_eval *e = p->eval;
    pln_status s = PLN_OK;
    for (size_t i = 0; i < e->drawn_count[PLN_TEST] && !s; i++) {
        if (!e->drawn[PLN_TEST][i].shown) continue;
        json_t *shown = json_object(), *pictures = json_array();
        s = append_picture(ctx, p, i, NULL, pictures);
        for (size_t k = 0; k < e->entry_count && !s; k++)
            s = append_picture(ctx, p, i, &e->points[e->entries[e->order[k]].best], pictures);
        put(p, shown, "pair", json_integer((json_int_t)i));
        put(p, shown, "pictures", pictures);
        append(p, list, shown);
    }
    return s;
}

static json_t *protocol(struct page *p)
{
    char *text = NULL;
    size_t length;
    FILE *f = open_memstream(&text, &length);
    if (!f) return NULL;
    pln_eval_print_protocol(f, p->eval);
    bool lost = ferror(f);
    json_t *value = fclose(f) || lost ? NULL : json_string(text);
    free(text);
    return value;
}

pln_status pln_eval_write_page(pln_context *ctx, const pln_eval *e)
{
    struct page p = {.eval = e};
    json_t *data = json_object(), *rows = json_array(), *pairs = json_array();
    json_t *pictures = json_array();
    char *text = NULL, *html = NULL;
    pln_status s = PLN_OK;

    for (size_t k = 0; k < e->entry_count; k++) append(&p, rows, row(&p, &e->entries[e->order[k]]));
    for (size_t i = 0; i < e->drawn_count[PLN_TEST]; i++)
        append(&p, pairs, json_string(e->drawn[PLN_TEST][i].name));
    s = append_shown(ctx, &p, pictures);
    put(&p, data, "dataset", json_string(pln_dataset_kind(e->dataset)));
    put(&p, data, "protocol", protocol(&p));
    put(&p, data, "columns", columns(&p));
    put(&p, data, "rows", rows);
    put(&p, data, "pairs", pairs);
    put(&p, data, "shown", pictures);
    if (s) goto done;
    /* "</" inside a script would end it. */
    text = json_dumps(data, JSON_COMPACT | JSON_ESCAPE_SLASH | JSON_REAL_PRECISION(9));
    if (p.lost || !text) {
        s = pln_fail(ctx, PLN_E_MEMORY, "index.html: out of memory");
        goto done;
    }
    PLN_TRY(pln_text_of(ctx, &html, "%s%s%s", pln_eval_page_head, text, pln_eval_page_tail));
    PLN_TRY(pln_eval_write_file(ctx, e, "index.html", html, strlen(html)));
done:
    pln_free(html);
    free(text);
    json_decref(data);
    return s;
}
