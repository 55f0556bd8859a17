/* SPDX-License-Identifier: MIT */
/* Event files: what is written is read back, record by record. */
#include "support.h"

#include <unistd.h>

#include "train/events.h"

static char folder[] = "planish-events-XXXXXX";

/* CRC-32C of "123456789" is e3069283 (RFC 3720's check value); the mask is TFRecord's. */
static void checksum(void **state)
{
    uint32_t crc = 0xe3069283u;
    (void)state;
    assert_int_equal(pln_events_checksum("123456789", 9), (crc >> 15 | crc << 17) + 0xa282ead8u);
    /* What every event file begins with: 24 bytes follow. */
    assert_int_equal(pln_events_checksum("\x18\0\0\0\0\0\0\0", 8), 0x224b7fa3u);
}

static uint64_t number(const unsigned char *p, int size)
{
    uint64_t v = 0;
    for (int i = size; i-- > 0;) v = v << 8 | p[i];
    return v;
}

static uint64_t varint(const unsigned char **p)
{
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        unsigned char c = *(*p)++;
        v |= (uint64_t)(c & 127) << shift;
        if (c < 128) return v;
    }
}

/* "step S tag=value ...\n" of an event. */
static void print_event(const unsigned char *p, const unsigned char *end, FILE *out)
{
    double time = 0;
    while (p < end) {
        uint64_t key = varint(&p);
        if (key == 0x09) {
            uint64_t bits = number(p, 8);
            memcpy(&time, &bits, sizeof time);
            p += 8;
        } else if (key == 0x10) {
            fprintf(out, "step %d", (int)varint(&p));
        } else {
            size_t n = (size_t)varint(&p);
            const unsigned char *stop = p + n;
            if (key == 0x1a) fprintf(out, " version %.*s", (int)n, (const char *)p);
            while (key == 0x2a && p < stop) {
                assert_int_equal(varint(&p), 0x0a); /* a value */
                varint(&p);
                assert_int_equal(varint(&p), 0x0a); /* its tag */
                int length = (int)varint(&p);
                fprintf(out, " %.*s=", length, (const char *)p);
                p += length;
                assert_int_equal(varint(&p), 0x15);
                uint32_t bits = (uint32_t)number(p, 4);
                float f;
                memcpy(&f, &bits, sizeof f);
                fprintf(out, "%g", (double)f);
                p += 4;
            }
            p = stop;
        }
    }
    fprintf(out, "\n");
    assert_true(p == end);
    assert_true(time > 1.6e9); /* after 2020 */
}

static void expect(const char *path, const char *wanted)
{
    unsigned char bytes[4096];
    char *text = NULL;
    size_t length, size;
    FILE *f = fopen(path, "rb"), *out = open_memstream(&text, &length);
    assert_non_null(f);
    size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (const unsigned char *p = bytes; p < bytes + size;) {
        size_t n = (size_t)number(p, 8);
        assert_int_equal(number(p + 8, 4), pln_events_checksum(p, 8));
        assert_int_equal(number(p + 12 + n, 4), pln_events_checksum(p + 12, n));
        print_event(p + 12, p + 12 + n, out);
        p += 16 + n;
    }
    fclose(out);
    assert_string_equal(text, wanted);
    free(text);
}

static void write_and_read(void **state)
{
    static const char history[] = "step 0 version brain.Event:2\n"
                                  "step 1 loss=0.5 rate=0.001 seconds=2\n"
                                  "step 2 loss=0.25 rate=0.001 seconds=2 psnr=20 ssim=0.5\n",
                      more[] = "step 300 loss=0.125 rate=0.0005 seconds=1 ap=0.75\n";
    const pln_history_line line = {300, 0.125, 5e-4, 1, &pln_judge_boundaries, {0.75}};
    char log[64], path[64], all[512];
    pln_context *ctx = NULL;
    pln_events *e = NULL;
    (void)state;

    snprintf(log, sizeof log, "%s/log.jsonl", folder);
    snprintf(path, sizeof path, "%s/events.out.tfevents.planish", folder);
    assert_int_equal(pln_context_new(&ctx), PLN_OK);
    FILE *f = fopen(log, "w");
    fputs("{\"step\":1,\"loss\":0.5,\"rate\":0.001,\"seconds\":2.0}\n"
          "{\"step\":2,\"loss\":0.25,\"rate\":0.001,\"seconds\":2.0,\"psnr\":20.0,\"ssim\":0.5}\n",
          f);
    fclose(f);
    OK(ctx, pln_events_open(ctx, folder, &e));
    expect(path, history);
    OK(ctx, pln_events_write(e, &line));
    pln_events_close(e);
    snprintf(all, sizeof all, "%s%s", history, more);
    expect(path, all);
    /* Made anew, from the log. */
    OK(ctx, pln_events_open(ctx, folder, &e));
    pln_events_close(e);
    expect(path, history);
    assert_int_equal(pln_events_open(ctx, "no/such/folder", &e), PLN_E_MODEL);
    pln_context_free(ctx);
    unlink(log);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(checksum),
                                       cmocka_unit_test(write_and_read)};
    if (!mkdtemp(folder)) return 1;
    int failed = cmocka_run_group_tests_name("events", tests, NULL, NULL);
    rmdir(folder);
    return failed != 0;
}
