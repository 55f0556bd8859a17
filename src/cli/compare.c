/* SPDX-License-Identifier: MIT */
/* planish compare: one picture through several methods, as a labelled sheet and as a page with a
 * slider. */
#include <glib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/compare.h"
#include "cli/items.h"
#include "image/image.h"

struct compare_values {
    const char *output, *vary, *ref, *crop, *guide;
    struct cli_list methods;
    double strength;
    int columns, panel, page;
    bool html;
};

static const struct cli_option compare_options[] = {
    CLI_OPTION(CLI_LIST, struct compare_values, methods, .letter = 'm', .name = "method",
               .arg = "METHOD[:PRESET]", .complete = "method",
               .help = "a method; may be repeated, parameters that follow belong to it"),
    CLI_OPTION(CLI_TEXT, struct compare_values, output, .letter = 'o', .name = "output",
               .arg = "FILE", .complete = "file",
               .help = "sheet (.png, .jpg, ...) with the page beside it, or only the page (.html)"),
    CLI_OPTION(CLI_TEXT, struct compare_values, vary, .name = "vary", .arg = "PARAM=V,V,...",
               .help = "one method at several values of one parameter"),
    CLI_OPTION(CLI_REAL, struct compare_values, strength, .name = "strength", .min = 0, .max = 1,
               .init = -1, .init_text = "the parameters' defaults", .arg = "S",
               .help = "every method at this point of its scale, weakest 0 to strongest 1"),
    CLI_OPTION(CLI_TEXT, struct compare_values, ref, .name = "ref", .arg = "FILE",
               .complete = "file", .help = "the truth: adds PSNR and SSIM-A to every label"),
    CLI_OPTION(CLI_TEXT, struct compare_values, guide, .name = "guide", .arg = "FILE",
               .complete = "file", .help = "guide picture for the methods that take one"),
    CLI_OPTION(CLI_TEXT, struct compare_values, crop, .name = "crop", .arg = "WxH+X+Y",
               .help = "show only this part (all of the picture is filtered)"),
    CLI_OPTION(CLI_INT, struct compare_values, columns, .name = "columns", .arg = "N", .min = 0,
               .max = 100, .init_text = "automatic", .help = "pictures a row of the sheet"),
    CLI_OPTION(CLI_INT, struct compare_values, panel, .name = "panel", .arg = "PIXELS", .min = 0,
               .max = 20000, .init = 640,
               .help = "longest side of a picture on the sheet; larger ones are shrunk; 0: never"),
    CLI_OPTION(CLI_INT, struct compare_values, page, .name = "page", .arg = "N", .min = 1,
               .max = 1e6, .init = 1, .help = "page of a file with several"),
    CLI_OPTION(CLI_SWITCH, struct compare_values, html, .name = "html", .init = 1,
               .help = "only the sheet, without the page beside it"),
    CLI_OPTIONS_END,
};

/* One picture of the sheet. */
struct shot {
    char *label, *detail; /* "rtv", "λ 0.02  0.21 s" */
    pln_image *image;
    double seconds, psnr, ssim; /* seconds < 0: not filtered; psnr < 0: not scored */
    json_t *params;
};

struct compare {
    struct cli *cli;
    const struct compare_values *v;
    pln_context *ctx;
    pln_image *in, *ref, *guide;
    struct shot *shots;
    size_t count, room;
};

/* ---- Filtering ---- */

static struct shot *add_shot(struct compare *c)
{
    if (c->count == c->room) {
        c->room = 2 * c->room + 4;
        c->shots = g_renew(struct shot, c->shots, c->room);
    }
    struct shot *s = &c->shots[c->count++];
    *s = (struct shot){.seconds = -1, .psnr = -1};
    return s;
}

static int load(struct compare *c, const char *path, pln_image **image)
{
    pln_load_options o = {.size = sizeof o, .page = c->v->page};
    pln_status s = pln_image_load_with(c->ctx, path, &o, image);
    return s ? cli_fail_status(c->cli, c->ctx, s, path) : CLI_OK;
}

/* "λ 0.02  σ 3": the parameters that are not at their defaults. */
static char *changed_params(struct compare *c, const pln_params *params)
{
    GString *text = g_string_new("");
    const pln_method *m = pln_params_method(params);
    for (size_t i = 0; i < pln_method_param_count(m); i++) {
        const pln_param *p = pln_method_param(m, i);
        double v;
        char value[32];
        if (pln_params_get(c->ctx, params, p->flag, &v) || v == p->init ||
            pln_params_text(c->ctx, params, p->flag, value))
            continue;
        g_string_append_printf(text, "%s%s %s", text->len ? "  " : "",
                               *p->symbol ? p->symbol : p->flag, value);
    }
    return g_string_free(text, FALSE);
}

static int score(struct compare *c, struct shot *s)
{
    if (!c->ref) return CLI_OK;
    pln_status e = pln_score_images(c->ctx, PLN_SCORE_PSNR, s->image, c->ref, &s->psnr);
    if (!e) e = pln_score_images(c->ctx, PLN_SCORE_SSIM_A, s->image, c->ref, &s->ssim);
    return e ? cli_fail_status(c->cli, c->ctx, e, c->v->ref) : CLI_OK;
}

static int filter(struct compare *c, const char *name, const pln_params *params)
{
    struct shot *s = add_shot(c);
    const pln_image *guide = pln_params_method(params)->caps & PLN_CAP_GUIDE ? c->guide : NULL;
    double start = cli_seconds();
    pln_status e = pln_smooth(c->ctx, params, c->in, guide, &s->image);
    if (e) return cli_fail_status(c->cli, c->ctx, e, name);
    s->seconds = cli_seconds() - start;
    s->label = g_strdup(name);
    s->detail = changed_params(c, params);
    s->params = cli_json_params(c->ctx, params);
    return score(c, s);
}

static int filter_method(struct compare *c, size_t i)
{
    const struct cli_list *list = &c->v->methods;
    int from = list->words[i].position;
    int to = i + 1 < list->count ? list->words[i + 1].position : 0x7fffffff;
    const char *name = list->words[i].text;
    pln_params *params = NULL;
    int code = cli_params(c->cli, c->ctx, name, c->v->strength, from, to, &params);
    if (!code) code = filter(c, name, params);
    pln_params_free(params);
    return code;
}

static int filter_vary(struct compare *c)
{
    const char *name = c->v->methods.words[0].text, *equals = strchr(c->v->vary, '=');
    if (c->v->methods.count != 1 || !equals || equals == c->v->vary || !equals[1])
        return cli_fail(c->cli, CLI_EXIT_USAGE,
                        "--vary: expected one method and PARAM=V,V,..., as in lambda=.01,.02");
    char *flag = g_strndup(c->v->vary, (gsize)(equals - c->v->vary));
    char **texts = g_strsplit(equals + 1, ",", -1);
    int code = CLI_OK;
    for (char **t = texts; *t && !code; t++) {
        pln_params *params = NULL;
        code = cli_params(c->cli, c->ctx, name, c->v->strength, CLI_ALL_POSITIONS, &params);
        if (!code) {
            pln_status s = pln_params_set(c->ctx, params, flag, *t);
            if (s)
                code =
                    cli_fail(c->cli, cli_exit_code(s), "--vary: %s", pln_context_message(c->ctx));
        }
        if (!code) code = filter(c, name, params);
        pln_params_free(params);
    }
    g_strfreev(texts);
    g_free(flag);
    return code;
}

/* ---- Cutting and shrinking what is shown ---- */

static int parse_crop(struct compare *c, size_t crop[4])
{
    size_t w = pln_image_width(c->in), h = pln_image_height(c->in);
    unsigned cw, ch, cx, cy;
    char end;
    crop[0] = w, crop[1] = h, crop[2] = crop[3] = 0;
    if (!c->v->crop) return CLI_OK;
    if (sscanf(c->v->crop, "%ux%u+%u+%u%c", &cw, &ch, &cx, &cy, &end) != 4 || !cw || !ch)
        return cli_fail(c->cli, CLI_EXIT_USAGE,
                        "--crop: '%s': expected WxH+X+Y, as in 200x150+40+30", c->v->crop);
    if ((size_t)cx + cw > w || (size_t)cy + ch > h)
        return cli_fail(c->cli, CLI_EXIT_USAGE, "--crop: %s leaves the picture of %zux%zu",
                        c->v->crop, w, h);
    crop[0] = cw, crop[1] = ch, crop[2] = cx, crop[3] = cy;
    return CLI_OK;
}

/* The part of image to show, in RGB, 8 bits to be; on mid grey where it is transparent. */
static pln_status cut(struct compare *c, const pln_image *image, const size_t crop[4],
                      pln_image **result)
{
    pln_image *part = NULL;
    pln_status s = pln_image_make(c->ctx, crop[0], crop[1], 3, false, NULL, &part);
    if (s) return s;
    pln_view v = pln_image_pixels(image), a = pln_image_alpha(image), to = pln_image_pixels(part);
    for (size_t y = 0; y < crop[1]; y++) {
        const float *from = pln_row(&v, crop[3] + y) + crop[2] * v.c;
        const float *alpha = a.data ? pln_row(&a, crop[3] + y) + crop[2] : NULL;
        float *p = pln_row(&to, y);
        for (size_t x = 0; x < crop[0]; x++)
            for (size_t k = 0; k < 3; k++) {
                float u = from[x * v.c + (v.c == 3 ? k : 0)];
                p[3 * x + k] = alpha ? 0.5f + (u - 0.5f) * alpha[x] : u;
            }
    }
    part->depth = 8;
    *result = part;
    return PLN_OK;
}

/* ---- The sheet ---- */

enum { MARGIN = 16, LINE = 20, TEXT_PX = 14 };
static const float paper = 0.17f, ink = 0.9f, faint = 0.62f;

static pln_status draw_text(struct compare *c, const pln_view *sheet, size_t x, size_t y,
                            const char *text, size_t room, float colour)
{
    pln_view t = {NULL, 0, 0, 0, 0};
    if (!*text) return PLN_OK;
    pln_status s = pln_text(c->ctx, text, TEXT_PX, &t);
    if (s) return s;
    for (size_t j = 0; j < t.h && y + j < sheet->h; j++)
        for (size_t i = 0; i < t.w && i < room; i++)
            for (size_t k = 0; k < 3; k++) {
                float *p = pln_row(sheet, y + j) + 3 * (x + i) + k;
                *p += (colour - *p) * pln_row(&t, j)[i];
            }
    pln_free(t.data);
    return PLN_OK;
}

static char *scores_text(const struct shot *s)
{
    GString *text = g_string_new("");
    if (s->psnr >= 0) g_string_append_printf(text, "%.2f dB  %.3f", s->psnr, s->ssim);
    if (s->seconds >= 0)
        g_string_append_printf(text, "%s%.*f s", text->len ? "   " : "", s->seconds < 1 ? 3 : 2,
                               s->seconds);
    return g_string_free(text, FALSE);
}

static pln_status draw_shot(struct compare *c, const pln_view *sheet, const struct shot *s,
                            const pln_image *panel, size_t x, size_t y, size_t room)
{
    pln_view v = pln_image_pixels(panel);
    char *title = *s->detail ? g_strdup_printf("%s   %s", s->label, s->detail) : g_strdup(s->label);
    char *scores = scores_text(s);
    for (size_t j = 0; j < v.h; j++)
        memcpy(pln_row(sheet, y + j) + 3 * x, pln_row(&v, j), 3 * v.w * sizeof(float));
    pln_status e = draw_text(c, sheet, x, y + v.h + 6, title, room, ink);
    if (!e) e = draw_text(c, sheet, x, y + v.h + 6 + LINE, scores, room, faint);
    g_free(scores);
    g_free(title);
    return e;
}

static int write_sheet(struct compare *c, const char *path, pln_image *const *cuts)
{
    size_t n = c->count, columns = (size_t)c->v->columns, w = 0, h = 0;
    pln_image **panels = g_new0(pln_image *, n), *sheet = NULL;
    pln_status s = PLN_OK;

    for (size_t i = 0; i < n; i++) {
        PLN_TRY(pln_image_shrink(c->ctx, cuts[i], (size_t)c->v->panel, &panels[i]));
        w = pln_image_width(panels[i]);
        h = pln_image_height(panels[i]);
    }
    if (columns == 0) {
        /* The most columns that keep the sheet near 2000 pixels, evened out over the rows. */
        columns = pln_max(1, pln_min(n, 2000 / (w + MARGIN)));
        columns = pln_div_up(n, pln_div_up(n, columns));
    }
    columns = pln_min(columns, n);
    size_t cell_w = pln_max(w, 160) + MARGIN, cell_h = h + 2 * LINE + MARGIN + 6;
    size_t rows = pln_div_up(n, columns);
    PLN_TRY(pln_image_make(c->ctx, columns * cell_w + MARGIN, rows * cell_h + MARGIN, 3, false,
                           NULL, &sheet));
    sheet->depth = 8;
    pln_view v = pln_image_pixels(sheet);
    for (size_t y = 0; y < v.h; y++)
        for (size_t i = 0; i < 3 * v.w; i++) pln_row(&v, y)[i] = paper;
    for (size_t i = 0; i < n; i++)
        PLN_TRY(draw_shot(c, &v, &c->shots[i], panels[i], MARGIN + i % columns * cell_w,
                          MARGIN + i / columns * cell_h, cell_w - MARGIN));
    PLN_TRY(pln_image_save(c->ctx, sheet, path, NULL));
done:
    for (size_t i = 0; i < n; i++) pln_image_free(panels[i]);
    g_free(panels);
    pln_image_free(sheet);
    return s ? cli_fail_status(c->cli, c->ctx, s, path) : CLI_OK;
}

/* ---- The page ---- */

static json_t *shot_values(const struct shot *s)
{
    json_t *values = json_object();
    char *text;
    if (s->seconds >= 0) {
        text = g_strdup_printf("%.3f", s->seconds);
        json_object_set_new(values, "seconds", json_string(text));
        g_free(text);
    }
    if (s->psnr >= 0) {
        text = g_strdup_printf("%.2f", s->psnr);
        json_object_set_new(values, "PSNR dB", json_string(text));
        g_free(text);
        text = g_strdup_printf("%.4f", s->ssim);
        json_object_set_new(values, "SSIM-A", json_string(text));
        g_free(text);
    }
    return values;
}

static int write_page(struct compare *c, const char *path, pln_image *const *cuts)
{
    json_t *data = json_object(), *shots = json_array(), *columns = json_array();
    GString *page = g_string_new(pln_compare_page_head);
    pln_save_options o = {.size = sizeof o, .format = "png", .depth = 8};
    char *text = NULL;
    pln_status s = PLN_OK;

    for (size_t i = 0; i < c->count; i++) {
        const struct shot *shot = &c->shots[i];
        void *bytes = NULL;
        size_t length = 0;
        PLN_TRY(pln_image_encode(c->ctx, cuts[i], &o, &bytes, &length));
        char *base64 = g_base64_encode(bytes, length);
        char *src = g_strconcat("data:image/png;base64,", base64, NULL);
        char *label = *shot->detail ? g_strdup_printf("%s  %s", shot->label, shot->detail)
                                    : g_strdup(shot->label);
        json_t *entry = json_object();
        json_object_set_new(entry, "label", json_string(label));
        json_object_set_new(entry, "src", json_string(src));
        json_object_set_new(entry, "values", shot_values(shot));
        json_array_append_new(shots, entry);
        g_free(label);
        g_free(src);
        g_free(base64);
        pln_free(bytes);
    }
    json_array_append_new(columns, json_string("seconds"));
    if (c->ref) {
        json_array_append_new(columns, json_string("PSNR dB"));
        json_array_append_new(columns, json_string("SSIM-A"));
    }
    json_object_set_new(data, "width", json_integer((json_int_t)pln_image_width(cuts[0])));
    json_object_set_new(data, "height", json_integer((json_int_t)pln_image_height(cuts[0])));
    json_object_set(data, "columns", columns);
    json_object_set(data, "shots", shots);
    /* "</" inside a script would end it. */
    text = json_dumps(data, JSON_COMPACT | JSON_ESCAPE_SLASH);
    g_string_append(page, text);
    g_string_append(page, pln_compare_page_tail);
    PLN_TRY(pln_file_write(c->ctx, path, page->str, page->len));
done:
    free(text);
    g_string_free(page, TRUE);
    json_decref(columns);
    json_decref(shots);
    json_decref(data);
    return s ? cli_fail_status(c->cli, c->ctx, s, path) : CLI_OK;
}

/* ---- The command ---- */

static int report(struct compare *c, const char *sheet, const char *page)
{
    if (!c->cli->json) {
        if (c->cli->quiet) return CLI_OK;
        if (sheet) printf("sheet: %s\n", sheet);
        if (page) printf("page:  %s\n", page);
        return cli_flush(c->cli);
    }
    json_t *doc = json_object(), *items = json_array();
    json_object_set_new(doc, "schema", json_string("planish.compare/1"));
    json_object_set_new(doc, "input", json_string(c->cli->args.words[0].text));
    if (sheet) json_object_set_new(doc, "sheet", json_string(sheet));
    if (page) json_object_set_new(doc, "page", json_string(page));
    for (size_t i = 0; i < c->count; i++) {
        const struct shot *s = &c->shots[i];
        json_t *item = json_object();
        json_object_set_new(item, "label", json_string(s->label));
        if (s->params) json_object_set(item, "params", s->params);
        if (s->seconds >= 0) json_object_set_new(item, "seconds", json_real(s->seconds));
        if (s->psnr >= 0) {
            json_object_set_new(item, "psnr", json_real(s->psnr));
            json_object_set_new(item, "ssim-a", json_real(s->ssim));
        }
        json_array_append_new(items, item);
    }
    json_object_set_new(doc, "pictures", items);
    return cli_json_print(c->cli, doc, false);
}

/* PATH with the extension .html. */
static char *page_of(const char *output)
{
    const char *dot = strrchr(output, '.'), *slash = strrchr(output, '/');
    size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - output) : strlen(output);
    return g_strdup_printf("%.*s.html", (int)stem, output);
}

static int write_all(struct compare *c)
{
    const char *output = c->v->output;
    bool only_page = g_str_has_suffix(output, ".html");
    char *page = page_of(output);
    pln_image **cuts = g_new0(pln_image *, c->count);
    size_t crop[4];
    int code = parse_crop(c, crop);

    for (size_t i = 0; i < c->count && !code; i++) {
        pln_status s = cut(c, c->shots[i].image, crop, &cuts[i]);
        if (s) code = cli_fail_status(c->cli, c->ctx, s, output);
    }
    bool html = only_page || c->v->html;
    if (!code && !only_page) code = write_sheet(c, output, cuts);
    if (!code && html) code = write_page(c, page, cuts);
    if (!code) code = report(c, only_page ? NULL : output, html ? page : NULL);
    for (size_t i = 0; i < c->count; i++) pln_image_free(cuts[i]);
    g_free(cuts);
    g_free(page);
    return code;
}

/* What can be known before any work. */
static int check(const struct cli *cli, const struct compare_values *v)
{
    const char *output = v->output;
    if (!output)
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "-o is missing: where should the sheet go? (.png or .html)");
    if (v->methods.count == 0)
        return cli_fail(cli, CLI_EXIT_USAGE, "-m is missing: 'planish methods' lists all methods");
    for (size_t i = 0; i < cli->setting_count && !v->vary; i++)
        if (cli->settings[i].position < v->methods.words[0].position)
            return cli_fail(cli, CLI_EXIT_USAGE,
                            "--%s: belongs to the -m before it: name the method first",
                            cli->settings[i].flag);
    bool only_page = g_str_has_suffix(output, ".html");
    if (!only_page && (!pln_format_of(output) || !pln_format_writable(pln_format_of(output))))
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "%s: no picture format: expected .png, .jpg ... or .html", output);
    if (only_page && !v->html)
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "--no-html: '%s' is the page: expected a sheet, as .png", output);
    char *page = only_page || !v->html ? NULL : page_of(output);
    const char *inputs[] = {cli->args.words[0].text, v->ref, v->guide};
    const char *outputs[] = {output, page, NULL};
    int code = cli_files_check(cli, inputs, outputs, 3);
    g_free(page);
    return code;
}

/* The input and the reference, which are shown but not filtered. */
static int add_given(struct compare *c, const char *label, const pln_image *image, bool scored)
{
    struct shot *s = add_shot(c);
    s->label = g_strdup(label);
    s->detail = g_strdup("");
    size_t whole[4] = {pln_image_width(image), pln_image_height(image), 0, 0};
    pln_status e = cut(c, image, whole, &s->image);
    if (e) return cli_fail_status(c->cli, c->ctx, e, label);
    return scored && pln_image_channels(image) == 3 ? score(c, s) : CLI_OK;
}

static int compare_run(struct cli *cli, void *values)
{
    struct compare c = {.cli = cli, .v = values};
    int code = check(cli, c.v);
    if (!code) code = cli_context(cli, 1, &c.ctx);
    if (code) return code;
    code = load(&c, cli->args.words[0].text, &c.in);
    if (!code && c.v->ref) code = load(&c, c.v->ref, &c.ref);
    if (!code && c.v->guide) code = load(&c, c.v->guide, &c.guide);
    if (!code) code = add_given(&c, "input", c.in, true);
    if (!code && c.v->vary) code = filter_vary(&c);
    for (size_t i = 0; i < c.v->methods.count && !code && !c.v->vary; i++)
        code = filter_method(&c, i);
    if (!code && c.ref) code = add_given(&c, "reference", c.ref, false);
    if (!code) code = write_all(&c);
    for (size_t i = 0; i < c.count; i++) {
        pln_image_free(c.shots[i].image);
        g_free(c.shots[i].label);
        g_free(c.shots[i].detail);
        json_decref(c.shots[i].params);
    }
    g_free(c.shots);
    pln_image_free(c.guide);
    pln_image_free(c.ref);
    pln_image_free(c.in);
    pln_context_free(c.ctx);
    return code;
}

const struct cli_command cli_compare = {
    .name = "compare",
    .usage = "IN -m METHOD [--PARAM V] [-m METHOD ...] -o SHEET",
    .summary = "one picture through several methods, side by side",
    .description =
        "Writes a labelled sheet and, beside it with the extension .html, a page that lays any two "
        "of the pictures over each other with a handle between them. The page needs no other "
        "file.\n\n"
        "Flags of parameters belong to the -m before them. --vary shows one method at several "
        "values of one parameter. With --ref every label carries PSNR and SSIM-A.",
    .examples =
        "planish compare cat.jpg -m bf -m rtv --lambda .02 -m l0 -o sheet.png\t# three methods\n"
        "planish compare cat.jpg -m rtv --vary lambda=.005,.01,.02 -o rtv.png\t# one at three "
        "strengths\n"
        "planish compare in.png -m gf -m wls --ref truth.png -o scores.html\t# only the page, "
        "scored",
    .options = compare_options,
    .values_size = sizeof(struct compare_values),
    .args_min = 1,
    .args_max = 1,
    .arg_complete = "file",
    .settings = true,
    .run = compare_run,
};
