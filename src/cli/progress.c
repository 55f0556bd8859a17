/* SPDX-License-Identifier: MIT */
/* Progress on stderr: a bar with the time left on a terminal, or one JSON object a line. */
#include "cli/progress.h"

#include <glib.h>
#include <math.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

#define DRAW_SECONDS 0.1 /* between two bars or events */
#define SURE_SECONDS 0.5 /* before it, the time left is a guess */

struct slot {
    struct cli_progress *progress;
    size_t item;
    double fraction;
};

struct cli_progress {
    size_t items, last; /* last: the item that reported last */
    bool json;
    double start, drawn, sum; /* sum of all fractions */
    struct slot *slots;
};

/* One terminal, one bar on it; messages of all threads go around it. */
static GMutex lock;
static struct cli_progress *shown;

static double seconds_left(const struct cli_progress *p)
{
    double passed = cli_seconds() - p->start, fraction = p->sum / (double)p->items;
    return passed < SURE_SECONDS || fraction <= 0 ? -1 : passed / fraction - passed;
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20) return 80;
    return size.ws_col;
}

static void draw_bar(const struct cli_progress *p)
{
    char bar[64], tail[80] = "";
    double fraction = p->sum / (double)p->items, left = seconds_left(p);
    int width = MIN(terminal_width() - 36, (int)sizeof bar - 1);
    width = MAX(width, 5);
    int full = (int)(fraction * width);
    for (int i = 0; i < width; i++) bar[i] = i < full ? '#' : '.';
    bar[width] = 0;
    int n = 0;
    if (p->items > 1) n = g_snprintf(tail, sizeof tail, "  %zu/%zu", p->last + 1, p->items);
    if (left >= 0) {
        long s = lround(left);
        char *rest = tail + n;
        size_t room = sizeof tail - (size_t)n;
        if (s < 3600)
            g_snprintf(rest, room, "  ETA %ld:%02ld", s / 60, s % 60);
        else
            g_snprintf(rest, room, "  ETA %ld min", s / 60);
    }
    fprintf(stderr, "\r[%s] %3d %%%s\033[K", bar, (int)(100 * fraction), tail);
    fflush(stderr);
}

static void write_event(const struct cli_progress *p, size_t item)
{
    double left = seconds_left(p);
    json_t *eta = left < 0 ? json_null() : json_real(round(10 * left) / 10);
    json_t *event = json_pack("{s:s, s:I, s:I, s:f, s:o}", "event", "progress", "item",
                              (json_int_t)item + 1, "items", (json_int_t)p->items, "fraction",
                              round(1e4 * p->sum / (double)p->items) / 1e4, "eta_s", eta);
    char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(6));
    fprintf(stderr, "%s\n", text);
    fflush(stderr);
    free(text);
    json_decref(event);
}

static void report_at(struct cli_progress *p, size_t item, double fraction, bool now)
{
    g_mutex_lock(&lock);
    double time = cli_seconds();
    /* A method's passes may each count from 0: what is done stays done. */
    fraction = MAX(fraction, p->slots[item].fraction);
    p->sum += fraction - p->slots[item].fraction;
    p->slots[item].fraction = fraction;
    p->last = item;
    if (now || time - p->drawn >= DRAW_SECONDS) {
        p->drawn = time;
        if (p->json)
            write_event(p, item);
        else
            draw_bar(p);
    }
    g_mutex_unlock(&lock);
}

static int report(void *user, double fraction, const char *stage)
{
    struct slot *slot = user;
    (void)stage;
    report_at(slot->progress, slot->item, fraction, false);
    return cli_signal();
}

struct cli_progress *cli_progress_new(const struct cli *cli, size_t items)
{
    bool json = cli->progress == CLI_PROGRESS_JSON;
    bool bar = cli->progress != CLI_PROGRESS_NONE && !json && !cli->quiet && isatty(STDERR_FILENO);
    if (items == 0 || !(json || bar)) return NULL;
    struct cli_progress *p = g_new0(struct cli_progress, 1);
    p->items = items;
    p->json = json;
    p->start = cli_seconds();
    p->slots = g_new0(struct slot, items);
    for (size_t i = 0; i < items; i++) p->slots[i] = (struct slot){.progress = p, .item = i};
    g_mutex_lock(&lock);
    if (bar) shown = p;
    g_mutex_unlock(&lock);
    return p;
}

void cli_progress_attach(struct cli_progress *p, pln_context *ctx, size_t item)
{
    if (p) pln_context_on_progress(ctx, report, &p->slots[item]);
}

void cli_progress_done(struct cli_progress *p, size_t item)
{
    if (p) report_at(p, item, 1, true);
}

void cli_progress_free(struct cli_progress *p)
{
    if (!p) return;
    g_mutex_lock(&lock);
    if (shown == p) {
        shown = NULL;
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    g_mutex_unlock(&lock);
    g_free(p->slots);
    g_free(p);
}

void cli_progress_hide(void)
{
    g_mutex_lock(&lock);
    if (shown) fputs("\r\033[K", stderr);
}

void cli_progress_show(void)
{
    if (shown) draw_bar(shown);
    g_mutex_unlock(&lock);
}
