/* SPDX-License-Identifier: MIT */
/* planish smooth: any method on files, folders and streams. */
#include "cli/smooth.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cluster.h"
#include "device/device.h"
#include "image/image.h"
#include "nets/session.h"
#include "operators/operators.h"

/* ---- Flags ---- */

static const char *const channels_choices[] = {"rgb", "luma", "lab", NULL};
static const char *const space_choices[] = {"encoded", "linear", NULL};
static const char *const transparency_choices[] = {"keep", "filter", "drop", NULL};
static const char *const range_choices[] = {"auto", "as-is", NULL};
static const char *const nan_choices[] = {"error", "zero", NULL};
static const char *const depth_choices[] = {"keep", "8", "16", "f32", NULL};
static const int depth_bits[] = {0, 8, 16, 32};
static const char *const precision_choices[] = {"auto", "f32", "bf16", "f16", NULL};

#define OPTION(kind, member, ...) CLI_OPTION(kind, struct smooth, member, __VA_ARGS__)

static const struct cli_option flags[] = {
    CLI_HEADING("Method"),
    OPTION(CLI_TEXT, method, .letter = 'm', .name = "method", .arg = "METHOD[:PRESET]",
           .complete = "method",
           .help = "'planish methods' lists them; absent: the best network with weights"),
    OPTION(CLI_LIST, params, .letter = 'p', .name = "param", .arg = "NAME=V",
           .help = "a parameter of the method; --NAME V is the same"),
    OPTION(CLI_REAL, strength, .name = "strength", .arg = "S", .min = 0, .max = 1, .init = -1,
           .init_text = "the preset", .help = "0 weak .. 1 strong, instead of parameters"),
    OPTION(CLI_TEXT, guide, .name = "guide", .arg = "FILE", .complete = "file",
           .help = "picture whose edges steer the filter"),
    OPTION(CLI_TEXT, mask, .name = "mask", .arg = "FILE", .complete = "file",
           .help = "the result only where this picture is above 0"),
    OPTION(CLI_CHOICE, channels, .name = "channels", .choices = channels_choices, .rare = true,
           .help = "filter colours jointly, or only Y' or L of CIELAB"),
    OPTION(CLI_CHOICE, space, .name = "space", .choices = space_choices, .rare = true,
           .help = "filter the values of the file, or linear light"),
    OPTION(CLI_CHOICE, transparency, .name = "transparency", .choices = transparency_choices,
           .rare = true, .help = "what happens to alpha; colours are premultiplied meanwhile"),
    OPTION(CLI_CHOICE, range, .name = "range", .choices = range_choices, .rare = true,
           .help = "methods made for [0, 1] see brighter pictures scaled down, or as they are"),
    CLI_HEADING("Networks"),
    OPTION(CLI_TEXT, weights, .name = "weights", .arg = "FILE", .complete = "file",
           .help = "safetensors file of the network; absent: planish's own"),
    OPTION(CLI_CHOICE, precision, .name = "precision", .choices = precision_choices, .rare = true,
           .help = "of the values between layers"),
    OPTION(CLI_SWITCH, ensemble, .name = "ensemble", .rare = true,
           .help = "mean of all eight flips and turns"),
    OPTION(CLI_TEXT, tile, .name = "tile", .arg = "auto|off|N", .init_text = "auto", .rare = true,
           .help = "the picture in squares of N pixels; auto: where memory asks for it"),
    OPTION(CLI_REAL, noise, .name = "noise", .arg = "SIGMA", .min = 0, .max = 16, .rare = true,
           .help = "sasnet: standard deviation of the numbers drawn for the detail"),
    OPTION(CLI_INT, samples, .name = "samples", .arg = "N", .min = 1, .max = 64, .init_text = "1",
           .rare = true, .help = "sasnet: draws whose results are averaged"),
    CLI_HEADING("Input"),
    OPTION(CLI_SWITCH, recursive, .letter = 'r', .name = "recursive",
           .help = "folders with all that is below them"),
    OPTION(CLI_INT, page, .name = "page", .arg = "N", .min = 1, .max = 65535,
           .init_text = "all pages", .rare = true, .help = "only this page"),
    OPTION(CLI_CHOICE, nan, .name = "nan", .choices = nan_choices, .rare = true,
           .help = "NaN and Inf: refuse the picture, or replace them by 0"),
    OPTION(CLI_SWITCH, allow_truncated, .name = "allow-truncated", .rare = true,
           .help = "use the rows that a damaged file still has"),
    CLI_HEADING("Output"),
    OPTION(CLI_TEXT, output, .letter = 'o', .name = "output", .arg = "OUT", .complete = "file",
           .init_text = NULL,
           .help = "file, folder, template (%n stem, %m method, %e extension, %d sub-folder) or "
                   "-; absent: STEM.METHOD.EXT beside the input"),
    OPTION(CLI_TEXT, detail, .name = "detail", .arg = "OUT", .complete = "file",
           .help = "also what was removed: 0.5 + (input - output) / 2"),
    OPTION(CLI_CHOICE, depth, .name = "depth", .choices = depth_choices,
           .help = "bits a sample; .npy is f32 unless this is given"),
    OPTION(CLI_TEXT, format, .name = "format", .arg = "NAME",
           .help = "png, jpeg, tiff, webp, npy, y4m ...; absent: by the extension"),
    OPTION(CLI_INT, quality, .name = "quality", .arg = "N", .min = 1, .max = 100,
           .init_text = "the format's", .help = "of lossy formats"),
    OPTION(CLI_SWITCH, strip, .name = "strip", .rare = true,
           .help = "write no EXIF, XMP, comments; the profile stays, the colours need it"),
    OPTION(CLI_SWITCH, clobber, .name = "clobber", .init = 1,
           .help = "leave outputs that are there as they are"),
    OPTION(CLI_SWITCH, in_place, .name = "in-place",
           .help = "the output may be the input; without -o it is"),
    CLI_HEADING("Batch"),
    OPTION(CLI_INT, jobs, .letter = 'j', .name = "jobs", .arg = "N", .min = 1, .max = 256,
           .init = 1, .help = "pictures at once; they share threads and memory"),
    OPTION(CLI_SWITCH, go_on, .name = "continue-on-error",
           .help = "report what fails and do the rest"),
    OPTION(CLI_SWITCH, dry_run, .name = "dry-run",
           .help = "only say what the CPU would do: memory, strips, estimated seconds"),
    CLI_OPTIONS_END,
};

/* ---- Batch ---- */

struct batch {
    const struct cli *cli;
    const struct smooth *o;
    struct cli_items items;
    const char *format; /* canonical, or NULL */
    const pln_params *params;
    const pln_image *guide, *mask;
    struct cli_progress *progress;
    atomic_size_t next;
    GMutex lock; /* of what follows */
    bool stop;
    size_t done, failed;
    int code;       /* of the first failure */
    double seconds; /* dry run: sum */
};

/* One item on its way. */
struct work {
    const struct cli_item *item;
    pln_image *in, *out;
    char format[16]; /* found in what standard input holds */
    double load, run, save;
    pln_plan plan;
};

static const char *method_name(const struct batch *b) { return pln_params_method(b->params)->name; }

/* File names need not be UTF-8. */
static json_t *json_name(const char *text)
{
    if (!text) return json_null();
    char *valid = g_utf8_make_valid(text, -1);
    json_t *string = json_string(valid);
    g_free(valid);
    return string;
}

static json_t *json_begin(const struct batch *b, const struct cli_item *item)
{
    json_t *o = json_pack("{s:s, s:o, s:o, s:s}", "schema", "planish.smooth/1", "input",
                          json_name(item->input), "output", json_name(item->output), "method",
                          method_name(b));
    if (item->detail) json_object_set_new(o, "detail", json_name(item->detail));
    return o;
}

static void json_shape(json_t *o, const struct work *w)
{
    json_object_set_new(o, "width", json_integer((json_int_t)pln_image_width(w->in)));
    json_object_set_new(o, "height", json_integer((json_int_t)pln_image_height(w->in)));
    json_object_set_new(o, "channels", json_integer((json_int_t)pln_image_channels(w->in)));
    json_object_set_new(o, "pages", json_integer((json_int_t)pln_image_pages(w->in)));
}

static double milliseconds(double seconds) { return (double)(long)(1e6 * seconds) / 1e6; }

static int report_done(const struct batch *b, pln_context *ctx, const struct work *w)
{
    const struct cli_item *item = w->item;
    cli_note(b->cli, 1, "%s -> %s: %zux%zu, %.3f s", item->input, item->output,
             pln_image_width(w->out), pln_image_height(w->out), w->run);
    if (!b->cli->json) return CLI_OK;
    json_t *o = json_begin(b, item);
    json_object_set_new(o, "params", cli_json_params(ctx, b->params));
    json_shape(o, w);
    json_object_set_new(o, "device", json_string(pln_device_used(ctx)));
    json_object_set_new(o, "threads", json_integer(pln_context_threads(ctx)));
    json_object_set_new(o, "seconds",
                        json_pack("{s:f, s:f, s:f}", "load", milliseconds(w->load), "run",
                                  milliseconds(w->run), "save", milliseconds(w->save)));
    json_object_set_new(o, "peak_bytes", json_integer((json_int_t)pln_context_peak(ctx)));
    json_object_set_new(o, "ok", json_true());
    return cli_json_print(b->cli, o, b->items.batch);
}

static void report_not_done(const struct batch *b, const struct cli_item *item, const char *status,
                            const char *message)
{
    if (!message) cli_note(b->cli, 1, "%s: not done", item->input);
    if (!b->cli->json) return;
    json_t *o = json_begin(b, item);
    json_object_set_new(o, "ok", json_false());
    json_object_set_new(o, "status", json_string(status));
    if (message) json_object_set_new(o, "error", json_name(message));
    if (cli_json_print(b->cli, o, b->items.batch))
        return; /* said, and the item has failed anyway */
}

static int report_skipped(const struct batch *b, const struct cli_item *item)
{
    cli_note(b->cli, 1, "%s -> %s: is there, left alone", item->input, item->output);
    if (!b->cli->json) return CLI_OK;
    json_t *o = json_begin(b, item);
    json_object_set_new(o, "skipped", json_true());
    json_object_set_new(o, "ok", json_true());
    return cli_json_print(b->cli, o, b->items.batch);
}

/* ---- One item ---- */

/* The format of bytes whose name says nothing. */
static const char *sniff(const char *bytes, size_t n)
{
    static const struct {
        size_t at;
        const char *magic;
        const char *extension;
    } known[] = {{0, "\x89PNG", "a.png"},   {0, "\xff\xd8\xff", "a.jpg"}, {0, "\x93NUMPY", "a.npy"},
                 {0, "II*", "a.tiff"},      {0, "MM", "a.tiff"},          {8, "WEBP", "a.webp"},
                 {4, "ftypavif", "a.avif"}, {4, "ftypheic", "a.heic"},    {0, "GIF8", "a.gif"},
                 {0, "\xff\x0a", "a.jxl"},  {4, "JXL ", "a.jxl"},         {0, "P1", "a.pbm"},
                 {0, "P2", "a.pgm"},        {0, "P3", "a.ppm"},           {0, "P4", "a.pbm"},
                 {0, "P5", "a.pgm"},        {0, "P6", "a.ppm"},           {0, "PF", "a.pfm"},
                 {0, "Pf", "a.pfm"},        {0, "#?RADIANCE", "a.hdr"}};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        size_t length = strlen(known[i].magic);
        if (n >= known[i].at + length && !memcmp(bytes + known[i].at, known[i].magic, length))
            return pln_format_of(known[i].extension);
    }
    return NULL;
}

static pln_status load_stdin(pln_context *ctx, const pln_load_options *options, struct work *w)
{
    size_t head_length;
    const char *head = cli_stdin_head(&head_length);
    GString *bytes = g_string_new_len(head, (gssize)head_length);
    char piece[65536];
    size_t n;
    pln_status s = PLN_OK;

    /* The head was read through stdin's buffer, so the rest is too. */
    while (!s && ((n = fread(piece, 1, sizeof piece, stdin)) || ferror(stdin))) {
        g_string_append_len(bytes, piece, (gssize)n);
        if (!ferror(stdin)) continue;
        if (cli_signal())
            s = pln_fail(ctx, PLN_E_CANCELLED, "cancelled");
        else if (errno != EINTR)
            s = pln_fail(ctx, PLN_E_READ, "standard input: %s", g_strerror(errno));
        clearerr(stdin);
    }
    if (!s && bytes->len == 0) s = pln_fail(ctx, PLN_E_READ, "standard input: it is empty");
    if (!s) {
        const char *format = sniff(bytes->str, bytes->len);
        if (format) g_strlcpy(w->format, format, sizeof w->format);
        s = pln_image_load_memory(ctx, bytes->str, bytes->len, "standard input", options, &w->in);
    }
    g_string_free(bytes, TRUE);
    return s;
}

static pln_status load(const struct batch *b, pln_context *ctx, struct work *w)
{
    pln_load_options options = {.size = sizeof options,
                                .page = b->o->page,
                                .nan = b->o->nan ? PLN_NAN_ZERO : PLN_NAN_ERROR,
                                .allow_truncated = b->o->allow_truncated};
    double start = cli_seconds();
    pln_status s = !strcmp(w->item->input, "-")
                       ? load_stdin(ctx, &options, w)
                       : pln_image_load_with(ctx, w->item->input, &options, &w->in);
    w->load = cli_seconds() - start;
    return s;
}

static pln_smooth_options smooth_options(const struct batch *b)
{
    return (pln_smooth_options){
        .size = sizeof(pln_smooth_options),
        .channels = (pln_channels)b->o->channels,
        .space = (pln_space)b->o->space,
        .transparency = (pln_transparency)b->o->transparency,
        .range = (pln_range)b->o->range,
        .mask = b->mask,
    };
}

static pln_status filter(const struct batch *b, pln_context *ctx, struct work *w)
{
    pln_smooth_options options = smooth_options(b);
    double start = cli_seconds();
    pln_status s = pln_smooth_with(ctx, b->params, w->in, b->guide, &options, &w->out);
    w->run = cli_seconds() - start;
    return s;
}

/* The input becomes what was removed from it: nobody needs it after this. */
static void make_detail(struct work *w)
{
    pln_view in = pln_image_pixels(w->in), out = pln_image_pixels(w->out);
    for (size_t y = 0; y < in.h; y++) {
        float *a = pln_row(&in, y);
        const float *u = pln_row(&out, y);
        for (size_t i = 0; i < in.w * in.c; i++) a[i] = 0.5f + (a[i] - u[i]) / 2;
    }
}

static pln_status save_one(const struct batch *b, pln_context *ctx, const struct work *w,
                           const pln_image *image, const char *path)
{
    const char *format = b->format;
    if (!format && !strcmp(path, "-"))
        format = w->format[0] ? w->format : pln_format_of(w->item->input);
    if (!format && !strcmp(path, "-"))
        return pln_fail(ctx, PLN_E_ARG,
                        "standard output: --format names the format: nothing else tells it");
    const char *target = format ? format : pln_format_of(path);
    pln_save_options options = {
        .size = sizeof options,
        .depth = depth_bits[b->o->depth],
        .format = format,
        .quality = b->o->quality,
        .strip = b->o->strip,
    };
    if (target && !strcmp(target, "npy") && !cli_given(b->cli, "depth")) options.depth = 32;
    return pln_image_save(ctx, image, path, &options);
}

static pln_status save(const struct batch *b, pln_context *ctx, struct work *w)
{
    double start = cli_seconds();
    pln_status s = save_one(b, ctx, w, w->out, w->item->output);
    if (!s && w->item->detail) {
        make_detail(w);
        s = save_one(b, ctx, w, w->in, w->item->detail);
    }
    w->save = cli_seconds() - start;
    return s;
}

static pln_status not_stopped(pln_context *ctx)
{
    return cli_signal() ? pln_fail(ctx, PLN_E_CANCELLED, "cancelled") : PLN_OK;
}

static pln_status smooth_item(struct batch *b, pln_context *ctx, struct work *w)
{
    pln_status s = not_stopped(ctx);
    pln_context_reset_peak(ctx);
    if (!s) s = load(b, ctx, w);
    if (!s) s = not_stopped(ctx);
    if (!s) s = filter(b, ctx, w);
    if (!s) s = not_stopped(ctx);
    if (!s) s = save(b, ctx, w);
    return s;
}

/* ---- Dry run ---- */

static int report_plan(struct batch *b, const struct work *w)
{
    const pln_plan *p = &w->plan;
    size_t height = pln_image_height(w->in);
    double seconds = p->seconds * (double)pln_image_pages(w->in);
    int code = CLI_OK;

    if (b->cli->json) {
        json_t *o = json_begin(b, w->item);
        json_shape(o, w);
        json_object_set_new(o, "dry_run", json_true());
        json_object_set_new(o, "skipped", json_boolean(w->item->skip));
        json_object_set_new(o, "plan",
                            json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:b}", "working_bytes",
                                      (json_int_t)p->bytes, "total_bytes", (json_int_t)p->total,
                                      "limit_bytes", (json_int_t)p->limit, "strip",
                                      (json_int_t)p->strip, "halo", (json_int_t)p->halo, "seconds",
                                      milliseconds(seconds), "fits", p->fits));
        json_object_set_new(o, "ok", json_true());
        code = cli_json_print(b->cli, o, b->items.batch);
    } else {
        char total[32], limit[32], strips[64] = "whole";
        pln_format_bytes(p->total, total);
        pln_format_bytes(p->limit, limit);
        if (p->strip < height)
            g_snprintf(strips, sizeof strips, "%zu strips of %zu rows (halo %zu)",
                       pln_div_up(height, p->strip), p->strip, p->halo);
        flockfile(stdout);
        printf("%s -> %s: %zux%zu, %s, %s of %s, about %.2g s%s%s\n", w->item->input,
               w->item->output, pln_image_width(w->in), height, strips, total, limit, seconds,
               p->fits ? "" : ", does not fit", w->item->skip ? ", is there: left alone" : "");
        funlockfile(stdout);
    }
    if (!w->item->skip) b->seconds += seconds;
    return code;
}

static pln_status plan_item(struct batch *b, pln_context *ctx, struct work *w)
{
    w->plan.size = sizeof w->plan;
    pln_status s = not_stopped(ctx);
    if (!s) s = load(b, ctx, w);
    if (!s)
        s = pln_plan_smooth(ctx, b->params, pln_image_width(w->in), pln_image_height(w->in),
                            pln_image_channels(w->in), &w->plan);
    return s;
}

/* ---- Workers ---- */

static int do_item(struct batch *b, pln_context *ctx, const struct cli_item *item)
{
    struct work w = {.item = item};
    int code;

    if (item->skip && !b->o->dry_run) return report_skipped(b, item);
    pln_status s = b->o->dry_run ? plan_item(b, ctx, &w) : smooth_item(b, ctx, &w);
    if (s == PLN_E_CANCELLED) {
        code = cli_exit_code(s); /* the summary says it */
    } else if (s) {
        /* The saver's messages start with the output. */
        const char *what = b->items.batch && s != PLN_E_WRITE ? item->input : NULL;
        code = cli_fail_status(b->cli, ctx, s, what);
        report_not_done(b, item, pln_status_name(s), pln_context_message(ctx));
    } else if (b->o->dry_run) {
        g_mutex_lock(&b->lock);
        code = report_plan(b, &w);
        g_mutex_unlock(&b->lock);
        if (!code && !w.plan.fits) {
            char total[32], limit[32];
            pln_format_bytes(w.plan.total, total);
            pln_format_bytes(w.plan.limit, limit);
            code = cli_fail(b->cli, CLI_EXIT_MEMORY, "%s: needs %s, %s may be used", item->input,
                            total, limit);
        }
    } else {
        code = report_done(b, ctx, &w);
    }
    pln_image_free(w.out);
    pln_image_free(w.in);
    return code;
}

static void *worker(void *arg)
{
    struct batch *b = arg;
    pln_context *ctx = NULL;
    int code = cli_context(b->cli, (int)MIN((size_t)b->o->jobs, b->items.count), &ctx);

    while (!code) {
        g_mutex_lock(&b->lock);
        bool stop = b->stop || cli_signal();
        g_mutex_unlock(&b->lock);
        if (stop) break;
        size_t i = atomic_fetch_add(&b->next, 1);
        if (i >= b->items.count) break;
        cli_progress_attach(b->progress, ctx, i);
        int one = do_item(b, ctx, &b->items.list[i]);
        cli_progress_done(b->progress, i);
        g_mutex_lock(&b->lock);
        if (one == CLI_OK) {
            b->done++;
        } else if (one < CLI_EXIT_SIGNAL) {
            b->failed++;
            if (!b->code) b->code = one;
            if (!b->o->go_on) b->stop = true;
        } else {
            report_not_done(b, &b->items.list[i], "cancelled", NULL);
        }
        g_mutex_unlock(&b->lock);
    }
    if (code) {
        g_mutex_lock(&b->lock);
        if (!b->code) b->code = code;
        b->stop = true;
        g_mutex_unlock(&b->lock);
    }
    pln_context_free(ctx);
    return NULL;
}

static const char *signal_name(int number)
{
    return number == SIGINT ? "SIGINT" : number == SIGTERM ? "SIGTERM" : "SIGHUP";
}

/* What was not done, and the exit code of the whole. */
static int conclude(struct batch *b)
{
    size_t n = b->items.count, begun = MIN(atomic_load(&b->next), n);
    const struct cli *cli = b->cli;

    for (size_t i = begun; i < n; i++)
        report_not_done(b, &b->items.list[i], cli_signal() ? "cancelled" : "not started", NULL);
    if (cli_signal())
        return cli_fail(cli, CLI_EXIT_SIGNAL + cli_signal(),
                        "stopped by %s: %zu of %zu done, %zu not; no partial file is left",
                        signal_name(cli_signal()), b->done, n, n - b->done);
    if (!b->code) return CLI_OK;
    if (b->o->go_on && b->items.batch && b->failed)
        return cli_fail(cli, CLI_EXIT_SOME, "%zu of %zu failed, the others are done", b->failed, n);
    if (begun < n)
        return cli_fail(cli, b->code,
                        "stopped: %zu of %zu done, %zu not started: --continue-on-error goes on",
                        b->done, n, n - begun);
    return b->code;
}

static int run_batch(struct batch *b)
{
    /* Plans are told in order. */
    size_t jobs = b->o->dry_run ? 1 : MIN((size_t)b->o->jobs, b->items.count);
    GThread **threads = g_new0(GThread *, jobs);

    b->progress = b->o->dry_run ? NULL : cli_progress_new(b->cli, b->items.count);
    for (size_t i = 1; i < jobs; i++) threads[i] = g_thread_try_new("item", worker, b, NULL);
    worker(b);
    for (size_t i = 1; i < jobs; i++)
        if (threads[i]) g_thread_join(threads[i]);
    cli_progress_free(b->progress);
    g_free(threads);
    return conclude(b);
}

/* ---- Checks before any work ---- */

static int check_streams(const struct cli *cli, const struct smooth *o, struct cli_items *items)
{
    size_t in = 0, out = 0;
    for (size_t i = 0; i < items->count; i++) {
        in += !strcmp(items->list[i].input, "-");
        out += !strcmp(items->list[i].output, "-");
        out += items->list[i].detail && !strcmp(items->list[i].detail, "-");
    }
    in += (o->guide && !strcmp(o->guide, "-")) + (o->mask && !strcmp(o->mask, "-"));
    if (in > 1)
        return cli_fail(cli, CLI_EXIT_USAGE, "standard input can be read once, not %zu times", in);
    if (out > 1)
        return cli_fail(cli, CLI_EXIT_USAGE, "standard output takes one picture, not %zu", out);
    if (out && !o->dry_run && cli->json)
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "--json: standard output is taken by the picture: -o names a file");
    if (out && !o->dry_run && isatty(STDOUT_FILENO))
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "standard output is a terminal: -o names a file, or redirect it");
    return CLI_OK;
}

static bool exists(const char *path)
{
    struct stat st;
    return path && strcmp(path, "-") && stat(path, &st) == 0;
}

static int name_items(const struct cli *cli, const struct smooth *o, struct batch *b)
{
    const char *others[3] = {NULL, NULL, NULL};
    size_t n = 0;
    struct cli_naming naming = {.flag = "--output",
                                .target = o->output,
                                .method = method_name(b),
                                .format = b->format,
                                .suffix = method_name(b),
                                .in_place = o->in_place};
    if (o->guide) others[n++] = o->guide;
    if (o->mask) others[n++] = o->mask;
    if (o->in_place && !o->output && o->format)
        return cli_fail(cli, CLI_EXIT_USAGE, "--in-place keeps the format: leave out --format");
    int code = cli_items_collect(cli, &cli->args, o->recursive, o->output, &b->items);
    if (!code) code = cli_items_name(cli, &b->items, &naming, false);
    naming.flag = "--detail";
    naming.target = o->detail;
    if (!code && o->detail) code = cli_items_name(cli, &b->items, &naming, true);
    if (!code) code = check_streams(cli, o, &b->items);
    if (!code) code = cli_items_check(cli, &b->items, o->in_place, others);
    for (size_t i = 0; i < b->items.count && !o->clobber; i++)
        b->items.list[i].skip = exists(b->items.list[i].output);
    return code;
}

static int load_helper(struct batch *b, pln_context *ctx, const char *path, pln_image **image)
{
    pln_load_options options = {.size = sizeof options,
                                .nan = b->o->nan ? PLN_NAN_ZERO : PLN_NAN_ERROR,
                                .allow_truncated = b->o->allow_truncated};
    pln_status s = pln_image_load_with(ctx, path, &options, image);
    return s ? cli_fail_status(b->cli, ctx, s, NULL) : CLI_OK;
}

/* ---- Networks ---- */

static int set_network(const struct cli *cli, const struct smooth *o, pln_context *ctx,
                       pln_params *params)
{
    static const char *const only[] = {"weights", "precision", "ensemble",
                                       "tile",    "noise",     "samples"};
    const pln_method *m = pln_params_method(params);
    long long tile = 0;

    if (!(m->caps & PLN_CAP_NET)) {
        for (size_t i = 0; i < G_N_ELEMENTS(only); i++)
            if (cli_given(cli, only[i]))
                return cli_fail(cli, CLI_EXIT_USAGE, "--%s: method '%s' is no network", only[i],
                                m->name);
        if (pln_device_of(ctx) >= 0 && !pln_method_runs_on_devices(m))
            return cli_fail(cli, CLI_EXIT_UNAVAILABLE,
                            "%s: method '%s' is computed on the CPU: expected device auto or cpu",
                            pln_context_device(ctx), m->name);
        return CLI_OK;
    }
    if (o->tile && !strcmp(o->tile, "off"))
        tile = -1;
    else if (o->tile && strcmp(o->tile, "auto") &&
             (!pln_parse_int(o->tile, &tile) || tile < 32 || tile > 65536))
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "--tile: '%s' is unknown: expected auto, off or an integer in [32, 65536]",
                        o->tile);
    const pln_net_options net = {.size = sizeof net,
                                 .weights = o->weights,
                                 .precision = (pln_precision)o->precision,
                                 .ensemble = o->ensemble,
                                 .tile = (int)tile,
                                 .noise = o->noise,
                                 .samples = o->samples};
    pln_status s = pln_params_set_net(ctx, params, &net);
    return s ? cli_fail_status(cli, ctx, s, NULL) : CLI_OK;
}

static int default_method(const struct cli *cli, const struct smooth *o, pln_context *ctx,
                          const char **method)
{
    if (o->weights)
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "smooth: no method: -m says of which network the weights are");
    *method = pnet_default_method(ctx);
    if (!*method)
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "smooth: no method, and no weights of a network to take instead: -m names "
                        "one, 'planish methods' lists all");
    cli_note(cli, 1, "method: %s", *method);
    return CLI_OK;
}

/* ---- Command ---- */

/* Under mpirun each process does its part of the pictures; all have found the same ones before the
 * first output is there. An array of Slurm has a command line for each task, which shares nothing.
 */
static int share(struct batch *b, struct cli_cluster *cluster)
{
    int code = cli_cluster_begin(b->cli, NULL, cluster);
    if (code) return code;
    if (!cluster->mpi) {
        *cluster = (struct cli_cluster){.shards = 1};
        return CLI_OK;
    }
    cli_items_share(&b->items, cluster->shard, cluster->shards);
    cli_cluster_wait(cluster);
    cli_note(b->cli, 1, "part %zu of %zu, by mpirun", cluster->shard + 1, cluster->shards);
    return CLI_OK;
}

static int run(struct cli *cli, void *values)
{
    const struct smooth *o = values;
    struct batch b = {.cli = cli, .o = o};
    struct cli_cluster cluster = {.shards = 1};
    pln_context *ctx = NULL;
    pln_params *params = NULL;
    pln_image *guide = NULL, *mask = NULL;

    g_mutex_init(&b.lock);
    int code = cli_context(cli, 1, &ctx);
    const char *method = o->method;
    if (!code && !method) code = default_method(cli, o, ctx, &method);
    if (!code) code = cli_params(cli, ctx, method, o->strength, CLI_ALL_POSITIONS, &params);
    if (!code) code = set_network(cli, o, ctx, params);
    if (code) goto done;
    b.params = params;
    cli_note_params(cli, ctx, params, method, o->strength);
    if (o->guide && !(pln_params_method(params)->caps & PLN_CAP_GUIDE)) {
        code = cli_fail(cli, CLI_EXIT_USAGE, "--guide: method '%s' takes no guide picture",
                        method_name(&b));
        goto done;
    }
    bool video = cli_is_y4m(cli, o);
    if (!video &&
        ((code = cli_format_check(cli, o->format, &b.format)) || (code = name_items(cli, o, &b))))
        goto done;
    if (o->guide && (code = load_helper(&b, ctx, o->guide, &guide))) goto done;
    if (o->mask && (code = load_helper(&b, ctx, o->mask, &mask))) goto done;
    b.guide = guide;
    b.mask = mask;
    if ((code = share(&b, &cluster))) goto done;
    if (video) {
        pln_smooth_options options = smooth_options(&b);
        if (!cluster.shard) code = cli_smooth_y4m(cli, o, ctx, params, guide, &options);
        goto done;
    }
    if (!o->dry_run && (code = cli_items_folders(cli, &b.items))) goto done;
    if (b.items.count) code = run_batch(&b);
    if (!code || code == CLI_EXIT_SOME) cli_cluster_wait(&cluster); /* asleep, not in MPI's end */
    if (o->dry_run && !cli->json && b.items.batch && b.done)
        printf("%zu pictures, about %.2g s\n", b.done, b.seconds / o->jobs);
done:
    cli_cluster_end(&cluster, code == CLI_EXIT_SOME ? 0 : code);
    cli_items_free(&b.items);
    g_mutex_clear(&b.lock);
    pln_image_free(mask);
    pln_image_free(guide);
    pln_params_free(params);
    pln_context_free(ctx);
    return code;
}

const struct cli_command cli_smooth = {
    .name = "smooth",
    .usage = "IN... [-m METHOD] [-o OUT] [--PARAM V]",
    .summary = "Smooth pictures: files, folders, standard input, .npy",
    .description =
        "Takes texture, noise and small detail out of pictures and leaves their edges. IN is a "
        "file of any format libvips reads, a .npy array, a folder, or - for standard input.\n\n"
        "Without -m the first of mi, sasnet, jess, csgis, fan whose weights are installed is "
        "taken: 'planish nets' lists them.\n\n"
        "Depth, profile, EXIF and transparency are kept. Outputs are written under a temporary "
        "name and renamed: whole or not at all. Outputs that are there are replaced, but one that "
        "is an input needs --in-place.\n\n"
        "Under mpirun the pictures are shared among the processes.\n\n"
        "Every parameter of the method is a flag: --lambda 0.02; reals may be written as 10/255. "
        "With --json: one document of the schema planish.smooth/1, one a line for several inputs.",
    .examples = "planish smooth photo.jpg -o smooth.jpg\tthe best network there is\n"
                "planish smooth photo.jpg -m rtv -o smooth.jpg\trelative total variation\n"
                "planish smooth photo.jpg -m l0 --strength 0.7\twrites photo.l0.jpg\n"
                "planish smooth in/ -r -m gf --radius 8 -o out/ -j 4\ta folder and all below it\n"
                "mpirun -n 8 planish smooth in/ -m rtv -o out/\ta folder, on eight machines\n"
                "planish smooth a.png b.png -m rtv:strong -o %n-%m.%e\ta template\n"
                "planish smooth ambient.png --guide flash.png -m gf -o out.png\ta guide",
    .options = flags,
    .values_size = sizeof(struct smooth),
    .args_min = 1,
    .args_max = SIZE_MAX,
    .arg_complete = "file",
    .settings = true,
    .run = run,
};
