/* SPDX-License-Identifier: MIT */
/* What `planish bench` found, as text for a terminal, as Markdown for docs/performance.md, or as
 * JSON. */
#include "cli/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void text_heading(const bench_report *r)
{
    printf("planish %s (%s), %s, %s, %d processors\n", pln_version(), r->commit, r->cpu, r->isa,
           r->processors);
    printf("medians of wall time after one run to warm up, each peer in turn with planish\n");
    if (r->no_peers) printf("no peers: %s\n", r->no_peers);
}

static double mp(const bench_line *l) { return 1e-6 * (double)l->w * (double)l->h; }
static double rate(const bench_line *l) { return 1e3 * mp(l) / l->row.own.median; }
static double ratio(const bench_line *l) { return l->row.peer.median / l->row.own.median; }

static const char *values_of(const bench_line *l) { return *l->values ? l->values : "defaults"; }

/* ---- Text ---- */

static void text(const bench_report *r)
{
    text_heading(r);
    if (r->line_count)
        printf("\n%-5s %-11s %7s %10s %8s %10s %10s %7s  %s\n", "", "size", "threads", "ms", "MP/s",
               "working MB", "peer ms", "faster", "parameters; peer");
    for (size_t i = 0; i < r->line_count; i++) {
        const bench_line *l = &r->lines[i];
        char size[32];
        snprintf(size, sizeof size, "%zux%zu", l->w, l->h);
        printf("%-5s %-11s %7d %10.1f %8.2f %10.1f ", l->method, size, l->threads,
               l->row.own.median, rate(l), 1e-6 * (double)l->row.peak);
        if (l->peer)
            printf("%10.1f %6.2fx  %s; %s (rmse %.1e)\n", l->row.peer.median, ratio(l),
                   values_of(l), l->peer, l->row.rmse);
        else
            printf("%10s %7s  %s\n", "", "", values_of(l));
    }
    if (r->spd_count) printf("\nSPD system of RTV, relative residual 1e-4\n");
    for (size_t i = 0; i < r->spd_count; i++) {
        const bench_spd_line *l = &r->spd[i];
        printf("%zux%zu %d threads: %.1f ms, %.1f MB, %d iterations", l->w, l->h, l->threads,
               l->row.own.median, 1e-6 * (double)l->row.own_bytes, l->row.iterations);
        if (l->peer)
            printf("; %s %.1f ms, %.1f MB: %.2fx faster, %.1fx less memory", l->peer,
                   l->row.peer.median, 1e-6 * (double)l->row.peer_bytes,
                   l->row.peer.median / l->row.own.median,
                   (double)l->row.peer_bytes / (double)l->row.own_bytes);
        printf("\n");
    }
    if (r->slope_count) printf("\ngrowth: time ~ pixels^exponent\n");
    for (size_t i = 0; i < r->slope_count; i++)
        printf("%-5s %d threads, %.2f to %.2f MP: exponent %.3f\n", r->slopes[i].method,
               r->slopes[i].threads, r->slopes[i].from, r->slopes[i].to, r->slopes[i].exponent);
}

/* ---- Markdown ---- */

static void markdown_lines(const bench_report *r, bool sweep)
{
    bool peers = false;
    for (size_t i = 0; i < r->line_count; i++)
        peers |= r->lines[i].sweep == sweep && r->lines[i].peer != NULL;
    printf("| method | size | threads | ms | MP/s | working MB |%s parameters "
           "|\n|---|---|---|---|---|---|%s---|\n",
           peers ? " peer | peer ms | times faster | rmse |" : "", peers ? "---|---|---|---|" : "");
    for (size_t i = 0; i < r->line_count; i++) {
        const bench_line *l = &r->lines[i];
        if (l->sweep != sweep) continue;
        printf("| `%s` | %zux%zu | %d | %.1f | %.2f | %.1f | ", l->method, l->w, l->h, l->threads,
               l->row.own.median, rate(l), 1e-6 * (double)l->row.peak);
        if (l->peer)
            printf("%s | %.1f | **%.2f** | %.1e | ", l->peer, l->row.peer.median, ratio(l),
                   l->row.rmse);
        else if (peers)
            printf("| | | | ");
        printf("`%s` |\n", values_of(l));
    }
    printf("\n");
}

static void markdown(const bench_report *r)
{
    bool sweep = r->slope_count > 0, fixed = false;
    for (size_t i = 0; i < r->line_count; i++) fixed |= !r->lines[i].sweep;
    printf("Commit %s, planish %s, %s, %s, %d processors. Medians of wall time after one run to "
           "warm up; planish and the "
           "peer take turns in the same process.%s%s%s Pictures are RGB, float.\n\n",
           r->commit, pln_version(), r->cpu, r->isa, r->processors,
           r->no_peers ? " No peers: " : "", r->no_peers ? r->no_peers : "",
           r->no_peers ? "." : "");
    if (fixed) {
        printf("## Methods\n\nWorking MB: memory beyond input and output. Times faster: the peer's "
               "time over planish's. "
               "Rmse: between the two results, range [0, 1].\n\n");
        markdown_lines(r, false);
    }
    if (r->spd_count) {
        printf("## The linear system of RTV\n\nThree channels to a relative residual of 1e-4.\n\n"
               "| size | threads | ms | MB | iterations | residual | peer | peer ms | peer MB | "
               "times faster | times "
               "less memory |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
        for (size_t i = 0; i < r->spd_count; i++) {
            const bench_spd_line *l = &r->spd[i];
            printf("| %zux%zu | %d | %.1f | %.1f | %d | %.1e | ", l->w, l->h, l->threads,
                   l->row.own.median, 1e-6 * (double)l->row.own_bytes, l->row.iterations,
                   l->row.residual);
            if (l->peer)
                printf("%s | %.1f | %.1f | **%.2f** | **%.1f** |\n", l->peer, l->row.peer.median,
                       1e-6 * (double)l->row.peer_bytes, l->row.peer.median / l->row.own.median,
                       (double)l->row.peer_bytes / (double)l->row.own_bytes);
            else
                printf("| | | | |\n");
        }
        printf("\n");
    }
    if (sweep) {
        printf("## Growth with the picture\n\n| method | threads | from MP | to MP | time ~ "
               "pixels^ |\n|---|---|---|---|---|\n");
        for (size_t i = 0; i < r->slope_count; i++)
            printf("| `%s` | %d | %.2f | %.2f | **%.3f** |\n", r->slopes[i].method,
                   r->slopes[i].threads, r->slopes[i].from, r->slopes[i].to, r->slopes[i].exponent);
        printf("\n");
        markdown_lines(r, true);
    }
}

/* ---- JSON ---- */

static json_t *json_time(bench_time t)
{
    return json_pack("{s:f, s:f, s:i}", "median_ms", t.median, "least_ms", t.least, "runs", t.runs);
}

json_t *bench_json(const bench_report *r)
{
    json_t *lines = json_array(), *spd = json_array(), *slopes = json_array();
    for (size_t i = 0; i < r->line_count; i++) {
        const bench_line *l = &r->lines[i];
        json_t *o = json_pack(
            "{s:s, s:s, s:I, s:I, s:i, s:o, s:f, s:I}", "method", l->method, "params", l->values,
            "width", (json_int_t)l->w, "height", (json_int_t)l->h, "threads", l->threads, "time",
            json_time(l->row.own), "mp_per_s", rate(l), "working_bytes", (json_int_t)l->row.peak);
        if (l->peer)
            json_object_set_new(o, "peer",
                                json_pack("{s:s, s:o, s:f, s:f}", "name", l->peer, "time",
                                          json_time(l->row.peer), "times_faster", ratio(l), "rmse",
                                          l->row.rmse));
        json_array_append_new(lines, o);
    }
    for (size_t i = 0; i < r->spd_count; i++) {
        const bench_spd_line *l = &r->spd[i];
        json_t *o = json_pack("{s:I, s:I, s:i, s:o, s:I, s:i, s:f}", "width", (json_int_t)l->w,
                              "height", (json_int_t)l->h, "threads", l->threads, "time",
                              json_time(l->row.own), "bytes", (json_int_t)l->row.own_bytes,
                              "iterations", l->row.iterations, "residual", l->row.residual);
        if (l->peer)
            json_object_set_new(o, "peer",
                                json_pack("{s:s, s:o, s:I}", "name", l->peer, "time",
                                          json_time(l->row.peer), "bytes",
                                          (json_int_t)l->row.peer_bytes));
        json_array_append_new(spd, o);
    }
    for (size_t i = 0; i < r->slope_count; i++)
        json_array_append_new(
            slopes, json_pack("{s:s, s:i, s:f, s:f, s:f}", "method", r->slopes[i].method, "threads",
                              r->slopes[i].threads, "from_mp", r->slopes[i].from, "to_mp",
                              r->slopes[i].to, "exponent", r->slopes[i].exponent));
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:o}", "schema", "planish.bench/1",
                  "version", pln_version(), "commit", r->commit, "cpu", r->cpu, "isa", r->isa,
                  "processors", r->processors, "methods", lines, "spd", spd, "growth", slopes);
    return root;
}

void bench_print(const bench_report *r, bool as_markdown)
{
    if (as_markdown)
        markdown(r);
    else
        text(r);
}
