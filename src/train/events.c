/* SPDX-License-Identifier: MIT */
#include "train/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "data/folder.h"

struct pln_events {
    pln_context *ctx;
    char *path;
    int file; /* -1: not open */
};

/* ---- Bytes ---- */

enum { MOST = 512, TAG_MOST = 32 };
struct bytes {
    unsigned char at[MOST];
    size_t n;
};

/* Little end first. */
static void put(struct bytes *b, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) b->at[b->n++] = (unsigned char)(value >> 8 * i);
}

static void put_bytes(struct bytes *b, const void *from, size_t n)
{
    memcpy(b->at + b->n, from, n);
    b->n += n;
}

static void put_varint(struct bytes *b, uint64_t value)
{
    for (; value >= 128; value >>= 7) b->at[b->n++] = (unsigned char)(value | 128);
    b->at[b->n++] = (unsigned char)value;
}

/* ---- Protocol buffers: field << 3 | wire type, value ---- */

enum { VARINT = 0, EIGHT = 1, COUNTED = 2, FOUR = 5 };

static void field(struct bytes *b, int number, int type)
{
    put_varint(b, (uint64_t)(number << 3 | type));
}

static void counted(struct bytes *b, int number, const void *from, size_t n)
{
    field(b, number, COUNTED);
    put_varint(b, n);
    put_bytes(b, from, n);
}

/* Summary.value: tag = 1, simple_value = 2. */
static void scalar(struct bytes *summary, const char *tag, double value)
{
    struct bytes v = {.n = 0};
    float f = (float)value;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    counted(&v, 1, tag, strnlen(tag, TAG_MOST));
    field(&v, 2, FOUR);
    put(&v, bits, 4);
    counted(summary, 1, v.at, v.n);
}

/* Event: wall_time = 1, step = 2. */
static void begin(struct bytes *event, double time, uint64_t step)
{
    uint64_t bits;
    memcpy(&bits, &time, sizeof bits);
    field(event, 1, EIGHT);
    put(event, bits, 8);
    field(event, 2, VARINT);
    put_varint(event, step);
}

/* ---- Records ---- */

uint32_t pln_events_checksum(const void *bytes, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= ((const unsigned char *)bytes)[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0); /* Castagnoli */
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static pln_status record(pln_events *e, const struct bytes *event)
{
    struct bytes b = {.n = 0};
    put(&b, event->n, 8);
    put(&b, pln_events_checksum(b.at, 8), 4);
    put_bytes(&b, event->at, event->n);
    put(&b, pln_events_checksum(event->at, event->n), 4);
    ssize_t written = write(e->file, b.at, b.n);
    if (written == (ssize_t)b.n) return PLN_OK;
    return pln_fail(e->ctx, PLN_E_WRITE, "%s: %s", e->path, strerror(written < 0 ? errno : ENOSPC));
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static pln_status write_at(pln_events *e, const pln_history_line *l, double time)
{
    struct bytes event = {.n = 0}, summary = {.n = 0};
    scalar(&summary, "loss", l->loss);
    scalar(&summary, "rate", l->rate);
    scalar(&summary, "seconds", l->seconds);
    for (int i = 0; l->judge && i < 2 && l->judge->key[i]; i++)
        scalar(&summary, l->judge->key[i], l->scores[i]);
    begin(&event, time, l->step);
    counted(&event, 5, summary.at, summary.n);
    return record(e, &event);
}

pln_status pln_events_write(pln_events *e, const pln_history_line *l)
{
    return write_at(e, l, now());
}

/* Steps were as far apart as they are long; the log knows no other time. */
static pln_status write_history(pln_events *e, const pln_history *h)
{
    double time = now() - h->seconds;
    struct bytes version = {.n = 0};
    pln_status s = PLN_OK;

    begin(&version, time, 0);
    counted(&version, 3, "brain.Event:2", 13);
    PLN_TRY(record(e, &version));
    for (size_t i = 0; i < h->count; i++) {
        time += h->lines[i].seconds;
        PLN_TRY(write_at(e, &h->lines[i], time));
    }
done:
    return s;
}

pln_status pln_events_open(pln_context *ctx, const char *run, pln_events **events)
{
    pln_events *e = NULL;
    pln_history h = {0};
    pln_status s = PLN_OK;

    *events = NULL;
    PLN_TRY(pln_calloc(ctx, 1, sizeof *e, &e));
    e->ctx = ctx;
    e->file = -1;
    PLN_TRY(pln_text_of(ctx, &e->path, "%s/events.out.tfevents.planish", run));
    PLN_TRY(pln_history_read(ctx, run, &h));
    e->file = open(e->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (e->file < 0) {
        s = pln_fail(ctx, PLN_E_WRITE, "%s: %s", e->path, strerror(errno));
        goto done;
    }
    PLN_TRY(write_history(e, &h));
    *events = e;
    e = NULL;
done:
    pln_history_free(&h);
    pln_events_close(e);
    return s;
}

void pln_events_close(pln_events *e)
{
    if (!e) return;
    if (e->file >= 0) close(e->file);
    pln_free(e->path);
    pln_free(e);
}
