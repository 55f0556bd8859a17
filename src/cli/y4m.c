/* SPDX-License-Identifier: MIT */
/* Video: YUV4MPEG2 in and out, frame by frame, as it stands between two programs in a pipe.
 * 4:4:4, 4:2:2, 4:2:0 and mono, 8 to 16 bits. The format names no matrix: BT.601 below 720 rows,
 * BT.709 from there on, as players do. Chroma is repeated on the way in and averaged on the way
 * out, so what a method leaves alone comes out with the same bytes. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/smooth.h"
#include "device/device.h"

#define MAGIC "YUV4MPEG2"

enum { HEADER = 1024, HD_ROWS = 720 };

struct video {
    FILE *in, *out;
    const char *name; /* of the input */
    char header[HEADER], frame[HEADER];
    size_t w, h;
    int bits;
    bool full;          /* range */
    int step_x, step_y; /* luma samples a chroma sample; 0: mono */
    size_t bytes;       /* of a frame */
    unsigned char *buffer;
};

/* ---- Recognising ---- */

static char head[sizeof MAGIC];
static size_t head_length;

const char *cli_stdin_head(size_t *length)
{
    *length = head_length;
    return head;
}

static bool ends_in(const char *path, const char *end)
{
    size_t n = path ? strlen(path) : 0, k = strlen(end);
    return n > k && g_ascii_strcasecmp(path + n - k, end) == 0;
}

bool cli_is_y4m(const struct cli *cli, const struct smooth *o)
{
    const char *input = cli->args.words[0].text;
    if (cli->args.count == 1 && !strcmp(input, "-")) {
        head_length = fread(head, 1, strlen(MAGIC), stdin);
        if (head_length == strlen(MAGIC) && !memcmp(head, MAGIC, head_length)) return true;
    }
    return (o->format && !strcmp(o->format, "y4m")) || ends_in(input, ".y4m") ||
           ends_in(o->output, ".y4m");
}

/* ---- Header ---- */

static pln_status fail_read(pln_context *ctx, const struct video *v, const char *what)
{
    if (cli_signal()) return pln_fail(ctx, PLN_E_CANCELLED, "cancelled");
    return ferror(v->in) ? pln_fail(ctx, PLN_E_READ, "%s: %s", v->name, g_strerror(errno))
                         : pln_fail(ctx, PLN_E_FORMAT, "%s: %s", v->name, what);
}

static pln_status colour_space(pln_context *ctx, struct video *v, const char *c)
{
    static const struct {
        const char *name;
        int step_x, step_y;
    } known[] = {{"420jpeg", 2, 2}, {"420mpeg2", 2, 2}, {"420paldv", 2, 2}, {"420", 2, 2},
                 {"422", 2, 1},     {"444", 1, 1},      {"mono", 0, 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        size_t n = strlen(known[i].name);
        if (strncmp(c, known[i].name, n)) continue;
        const char *rest = c + n;
        long long bits = 8;
        /* "420p10", "mono12" */
        if (*rest && (!pln_parse_int(rest + (*rest == 'p'), &bits) || bits < 8 || bits > 16))
            continue;
        v->step_x = known[i].step_x;
        v->step_y = known[i].step_y;
        v->bits = (int)bits;
        return PLN_OK;
    }
    return pln_fail(ctx, PLN_E_FORMAT,
                    "%s: colour space '%s': expected 420, 422, 444 or mono with 8 to 16 bits",
                    v->name, c);
}

static size_t chroma_width(const struct video *v) { return pln_div_up(v->w, (size_t)v->step_x); }
static size_t chroma_height(const struct video *v) { return pln_div_up(v->h, (size_t)v->step_y); }

static pln_status read_header(pln_context *ctx, struct video *v)
{
    pln_status s = PLN_OK;
    size_t n = 0;
    long long w = 0, h = 0;

    if (v->in == stdin) memcpy(v->header, head, n = head_length);
    if (!fgets(v->header + n, (int)(HEADER - n), v->in) || !strchr(v->header, '\n') ||
        strncmp(v->header, MAGIC " ", strlen(MAGIC) + 1))
        return fail_read(ctx, v, "not a YUV4MPEG2 video");
    PLN_TRY(colour_space(ctx, v, "420"));
    char **words = g_strsplit(g_strchomp(v->header), " ", -1);
    for (char **word = words + 1; *word && !s; word++) {
        const char *value = *word + 1;
        if (**word == 'W' && !pln_parse_int(value, &w)) w = 0;
        if (**word == 'H' && !pln_parse_int(value, &h)) h = 0;
        if (**word == 'C') s = colour_space(ctx, v, value);
        if (!strcmp(*word, "XCOLORRANGE=FULL")) v->full = true;
    }
    g_strfreev(words);
    if (s) return s;
    if (w < 1 || h < 1 || w > 1 << 20 || h > 1 << 20)
        return pln_fail(ctx, PLN_E_FORMAT, "%s: the header names no size", v->name);
    v->w = (size_t)w;
    v->h = (size_t)h;
    size_t samples = v->w * v->h;
    if (v->step_x) samples += 2 * chroma_width(v) * chroma_height(v);
    v->bytes = samples * (v->bits > 8 ? 2 : 1);
done:
    return s;
}

/* ---- Samples ---- */

static float get_sample(const struct video *v, size_t i)
{
    return v->bits > 8 ? (float)(v->buffer[2 * i] | v->buffer[2 * i + 1] << 8)
                       : (float)v->buffer[i];
}

static void put_sample(struct video *v, size_t i, float value)
{
    float most = (float)((1 << v->bits) - 1);
    unsigned u = (unsigned)lrintf(value < 0 ? 0 : value > most ? most : value);
    if (v->bits > 8) {
        v->buffer[2 * i] = (unsigned char)(u & 255);
        v->buffer[2 * i + 1] = (unsigned char)(u >> 8);
    } else {
        v->buffer[i] = (unsigned char)u;
    }
}

/* sample = offset + scale * value: Y in [0,1], Cb and Cr in [-0.5,0.5] (BT.601, BT.709: 16..235 and
 * 16..240 at 8 bits). */
struct levels {
    float y_offset, y_scale, c_offset, c_scale;
    float kr, kb;
};

static struct levels levels_of(const struct video *v)
{
    float one = (float)(1 << (v->bits - 8)), most = (float)((1 << v->bits) - 1);
    bool hd = v->h >= HD_ROWS;
    return (struct levels){
        .y_offset = v->full ? 0 : 16 * one,
        .y_scale = v->full ? most : 219 * one,
        .c_offset = 128 * one,
        .c_scale = v->full ? most : 224 * one,
        .kr = hd ? 0.2126f : 0.299f, /* BT.709, BT.601 */
        .kb = hd ? 0.0722f : 0.114f,
    };
}

static void frame_to_picture(const struct video *v, pln_view p)
{
    struct levels l = levels_of(v);
    size_t n = v->w * v->h;
    float kg = 1 - l.kr - l.kb;
    for (size_t y = 0; y < v->h; y++) {
        float *to = pln_row(&p, y);
        for (size_t x = 0; x < v->w; x++) {
            float luma = (get_sample(v, y * v->w + x) - l.y_offset) / l.y_scale;
            if (!v->step_x) {
                to[x] = luma;
                continue;
            }
            size_t i = n + y / (size_t)v->step_y * chroma_width(v) + x / (size_t)v->step_x;
            float cb = (get_sample(v, i) - l.c_offset) / l.c_scale;
            float cr =
                (get_sample(v, i + chroma_width(v) * chroma_height(v)) - l.c_offset) / l.c_scale;
            float r = luma + 2 * (1 - l.kr) * cr, b = luma + 2 * (1 - l.kb) * cb;
            to[3 * x] = r;
            to[3 * x + 1] = (luma - l.kr * r - l.kb * b) / kg;
            to[3 * x + 2] = b;
        }
    }
}

static float luma_of(const struct levels *l, const float *rgb)
{
    return l->kr * rgb[0] + (1 - l->kr - l->kb) * rgb[1] + l->kb * rgb[2];
}

/* The mean Cb and Cr of the block of luma samples that one chroma sample stands for. */
static void put_chroma(struct video *v, const struct levels *l, pln_view p, size_t cx, size_t cy)
{
    size_t sx = (size_t)v->step_x, sy = (size_t)v->step_y, cw = chroma_width(v);
    size_t x1 = pln_min(v->w, (cx + 1) * sx), y1 = pln_min(v->h, (cy + 1) * sy);
    float cb = 0, cr = 0, n = 0;
    for (size_t y = cy * sy; y < y1; y++)
        for (size_t x = cx * sx; x < x1; x++, n++) {
            const float *rgb = pln_row(&p, y) + 3 * x;
            float luma = luma_of(l, rgb);
            cb += (rgb[2] - luma) / (2 * (1 - l->kb));
            cr += (rgb[0] - luma) / (2 * (1 - l->kr));
        }
    size_t i = v->w * v->h + cy * cw + cx;
    put_sample(v, i, l->c_offset + l->c_scale * cb / n);
    put_sample(v, i + cw * chroma_height(v), l->c_offset + l->c_scale * cr / n);
}

static void picture_to_frame(struct video *v, pln_view p)
{
    struct levels l = levels_of(v);
    for (size_t y = 0; y < v->h; y++) {
        const float *from = pln_row(&p, y);
        for (size_t x = 0; x < v->w; x++) {
            float luma = v->step_x ? luma_of(&l, from + 3 * x) : from[x];
            put_sample(v, y * v->w + x, l.y_offset + l.y_scale * luma);
        }
    }
    if (!v->step_x) return;
    for (size_t cy = 0; cy < chroma_height(v); cy++)
        for (size_t cx = 0; cx < chroma_width(v); cx++) put_chroma(v, &l, p, cx, cy);
}

/* ---- Frames ---- */

/* *end: the video is over. */
static pln_status read_frame(pln_context *ctx, struct video *v, bool *end)
{
    *end = false;
    if (!fgets(v->frame, HEADER, v->in)) {
        *end = !ferror(v->in);
        return *end ? PLN_OK : fail_read(ctx, v, "");
    }
    if (strncmp(v->frame, "FRAME", 5) || !strchr(v->frame, '\n'))
        return fail_read(ctx, v, "damaged: FRAME was expected");
    if (fread(v->buffer, 1, v->bytes, v->in) != v->bytes)
        return fail_read(ctx, v, "truncated: the last frame is not whole");
    return PLN_OK;
}

static pln_status smooth_frames(pln_context *ctx, struct video *v, const pln_params *params,
                                const pln_image *guide, const pln_smooth_options *options,
                                struct cli_progress *progress, size_t *frames)
{
    pln_image *in = NULL, *out = NULL;
    pln_status s = PLN_OK;
    bool end;

    PLN_TRY(pln_image_new_f32(ctx, v->w, v->h, v->step_x ? 3 : 1, &in));
    PLN_TRY(pln_alloc(ctx, 1, v->bytes, &v->buffer));
    if (fprintf(v->out, "%s\n", v->header) < 0) goto lost;
    for (;;) {
        PLN_TRY(read_frame(ctx, v, &end));
        if (end) break;
        if (cli_signal()) {
            s = pln_fail(ctx, PLN_E_CANCELLED, "cancelled");
            goto done;
        }
        frame_to_picture(v, pln_image_pixels(in));
        cli_progress_attach(progress, ctx, *frames);
        PLN_TRY(pln_smooth_with(ctx, params, in, guide, options, &out));
        picture_to_frame(v, pln_image_pixels(out));
        pln_image_free(out);
        out = NULL;
        if (fputs(v->frame, v->out) == EOF || fwrite(v->buffer, 1, v->bytes, v->out) != v->bytes)
            goto lost;
        cli_progress_done(progress, *frames);
        ++*frames;
    }
    if (fflush(v->out)) goto lost;
    goto done;
lost:
    s = pln_fail(ctx, PLN_E_WRITE, "the video cannot be written: %s", g_strerror(errno));
done:
    pln_free(v->buffer);
    pln_image_free(out);
    pln_image_free(in);
    return s;
}

/* ---- Files ---- */

static char *default_output(const char *input, const pln_params *params)
{
    if (!strcmp(input, "-")) return g_strdup("-");
    char *stem = g_strdup(input);
    char *slash = strrchr(stem, '/'), *dot = strrchr(stem, '.');
    if (dot && dot > (slash ? slash + 1 : stem)) *dot = 0;
    char *output = g_strdup_printf("%s.%s.y4m", stem, pln_params_method(params)->name);
    g_free(stem);
    return output;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* What a stream of frames cannot have. */
static int check_flags(const struct cli *cli, const struct smooth *o, const char *input,
                       const char *output)
{
    static const char *const pictures_only[] = {"detail", "depth",    "quality", "strip",
                                                "page",   "in-place", "nan",     NULL};
    if (cli->args.count > 1)
        return cli_fail(cli, CLI_EXIT_USAGE, "a video goes alone: expected one input, not %zu",
                        cli->args.count);
    for (size_t i = 0; pictures_only[i]; i++)
        if (!strcmp(cli_origin(cli, pictures_only[i]), "flag"))
            return cli_fail(cli, CLI_EXIT_USAGE, "--%s: is for pictures, not for video",
                            pictures_only[i]);
    if (strcmp(output, "-") && !ends_in(output, ".y4m") &&
        !(o->format && !strcmp(o->format, "y4m")))
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "--output: '%s': a video is written to a .y4m file or to -", output);
    if (o->format && strcmp(o->format, "y4m"))
        return cli_fail(cli, CLI_EXIT_USAGE, "--format: a video is written as y4m, not as %s",
                        o->format);
    if (strcmp(input, "-") && same_file(input, output))
        return cli_fail(cli, CLI_EXIT_USAGE, "'%s' is input and output: a video needs two files",
                        output);
    if (!strcmp(output, "-") && cli->json)
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "--json: standard output is taken by the video: -o names a file");
    if (!strcmp(output, "-") && !o->dry_run && isatty(STDOUT_FILENO))
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "standard output is a terminal: -o names a file, or redirect it");
    return CLI_OK;
}

/* Opens a temporary file beside the output; *temporary is NULL for standard output. */
static pln_status open_output(pln_context *ctx, struct video *v, const char *output,
                              char **temporary)
{
    if (!strcmp(output, "-")) {
        v->out = stdout;
        return PLN_OK;
    }
    char *folder = g_path_get_dirname(output);
    char *path = g_build_filename(folder, ".planish-XXXXXX", NULL);
    g_free(folder);
    int fd = g_mkstemp_full(path, O_RDWR, 0666);
    v->out = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!v->out) {
        g_free(path);
        return pln_fail(ctx, PLN_E_WRITE, "%s: %s", output, g_strerror(errno));
    }
    *temporary = path;
    return PLN_OK;
}

static pln_status close_output(pln_context *ctx, struct video *v, pln_status s, const char *output,
                               char *temporary)
{
    if (!temporary) return s;
    bool ok = fflush(v->out) == 0 && fsync(fileno(v->out)) == 0;
    int error = errno;
    if (fclose(v->out) && ok) ok = false, error = errno;
    if (!s && ok && rename(temporary, output)) ok = false, error = errno;
    if (!s && !ok) s = pln_fail(ctx, PLN_E_WRITE, "%s: %s", output, g_strerror(error));
    if (s) unlink(temporary);
    g_free(temporary);
    return s;
}

/* Frames in a regular file; 0: nobody knows. */
static size_t count_frames(const struct video *v)
{
    struct stat st;
    if (fstat(fileno(v->in), &st) || !S_ISREG(st.st_mode)) return 0;
    return (size_t)st.st_size / (v->bytes + strlen("FRAME\n"));
}

static pln_status plan(const struct cli *cli, pln_context *ctx, const struct video *v,
                       const pln_params *params, const char *output)
{
    pln_plan p = {.size = sizeof p};
    char total[32];
    pln_status s = pln_plan_smooth(ctx, params, v->w, v->h, v->step_x ? 3 : 1, &p);
    if (s) return s;
    size_t frames = count_frames(v);
    if (cli->json)
        return cli_json_print(cli,
                              json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:f}", "schema",
                                        "planish.smooth/1", "input", v->name, "output", output,
                                        "dry_run", 1, "width", (json_int_t)v->w, "height",
                                        (json_int_t)v->h, "frames", (json_int_t)frames,
                                        "total_bytes", (json_int_t)p.total, "seconds_per_frame",
                                        p.seconds),
                              false)
                   ? PLN_E_WRITE
                   : PLN_OK;
    pln_format_bytes(p.total, total);
    printf("%s -> %s: %zux%zu, %s, about %.2g s a frame\n", v->name, output, v->w, v->h, total,
           p.seconds);
    return PLN_OK;
}

int cli_smooth_y4m(const struct cli *cli, const struct smooth *o, pln_context *ctx,
                   const pln_params *params, const pln_image *guide,
                   const pln_smooth_options *options)
{
    const char *input = cli->args.words[0].text;
    char *output = o->output ? g_strdup(o->output) : default_output(input, params);
    char *temporary = NULL;
    struct video v = {.name = strcmp(input, "-") ? input : "standard input"};
    struct cli_progress *progress = NULL;
    pln_status s = PLN_OK;
    size_t frames = 0;
    double start = cli_seconds();

    int code = check_flags(cli, o, input, output);
    if (code) goto done;
    if (!o->clobber && strcmp(output, "-") && access(output, F_OK) == 0) {
        cli_note(cli, 1, "%s -> %s: is there, left alone", input, output);
        goto done;
    }
    v.in = strcmp(input, "-") ? fopen(input, "rb") : stdin;
    if (!v.in)
        s = pln_fail(ctx, PLN_E_READ, "%s: %s", input, g_strerror(errno));
    else if (!(s = read_header(ctx, &v)) && o->dry_run)
        s = plan(cli, ctx, &v, params, output);
    else if (!s && !(s = open_output(ctx, &v, output, &temporary))) {
        progress = cli_progress_new(cli, count_frames(&v));
        s = smooth_frames(ctx, &v, params, guide, options, progress, &frames);
        cli_progress_free(progress);
        s = close_output(ctx, &v, s, output, temporary);
    }
    if (s) {
        code = s == PLN_E_CANCELLED
                   ? cli_fail(cli, cli_exit_code(s), "stopped after %zu frames", frames)
                   : cli_fail_status(cli, ctx, s, NULL);
    } else if (!o->dry_run) {
        cli_note(cli, 1, "%s -> %s: %zu frames", input, output, frames);
        if (cli->json)
            code = cli_json_print(
                cli,
                json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:s, s:i, s:{s:f}, s:I, "
                          "s:b}",
                          "schema", "planish.smooth/1", "input", input, "output", output, "method",
                          pln_params_method(params)->name, "params", cli_json_params(ctx, params),
                          "width", (json_int_t)v.w, "height", (json_int_t)v.h, "channels",
                          (json_int_t)(v.step_x ? 3 : 1), "frames", (json_int_t)frames, "device",
                          pln_device_used(ctx), "threads", pln_context_threads(ctx), "seconds",
                          "run", cli_seconds() - start, "peak_bytes",
                          (json_int_t)pln_context_peak(ctx), "ok", 1),
                false);
    }
done:
    if (v.in && v.in != stdin) fclose(v.in);
    g_free(output);
    return code;
}
