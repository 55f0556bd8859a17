/* SPDX-License-Identifier: MIT */
/* nn: weights files, read, refused and written; 16 bit floats. */
#include "support.h"

#include <sys/stat.h>
#include <unistd.h>

#include "nn/half.h"
#include "nn/safetensors.h"

static pln_context *ctx;
static char dir[] = "/tmp/planish-weights-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return pln_context_new(&ctx) || !mkdtemp(dir) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) || held;
}

/* ---- 16 bit floats ---- */

/* The f16 next to a magnitude, found by looking at all of them; a tie goes to the even one. */
static uint16_t nearest_f16(double magnitude)
{
    uint16_t best = 0;
    if (magnitude >= 65520) return 0x7c00; /* half way to what would be 65536 */
    for (uint16_t h = 0; h < 0x7c00; h++) {
        double e = fabs(pnn_f32_of_f16(h) - magnitude),
               least = fabs(pnn_f32_of_f16(best) - magnitude);
        if (e < least || (e == least && !(h & 1))) best = h;
    }
    return best;
}

static void f16_values_are_those_of_the_standard(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7c00; h++) {
        int e = (int)(h >> 10);
        double m = h & 0x3ff, v = e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
        assert_true(pnn_f32_of_f16((uint16_t)h) == (float)v);
        assert_true(pnn_f32_of_f16((uint16_t)(h | 0x8000)) == (float)-v);
    }
    assert_true(signbit(pnn_f32_of_f16(0x8000)));
    assert_true(pnn_f32_of_f16(0x7c00) == INFINITY && pnn_f32_of_f16(0xfc00) == -INFINITY);
    assert_true(isnan(pnn_f32_of_f16(0x7c01)) && isnan(pnn_f32_of_f16(0xffff)));
}

static void f16_comes_back_the_same(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        uint16_t back = pnn_f16_of_f32(pnn_f32_of_f16((uint16_t)h));
        bool nan = (h & 0x7fff) > 0x7c00;
        if (back != (nan ? h | 0x200 : h)) fail_msg("%04x came back as %04x", h, back);
    }
}

static void f16_rounds_to_nearest_even(void **state)
{
    (void)state;
    /* Between neighbours: a tie, and a little to either side of it; subnormals and the step to the
     * normal numbers among them, and the step to infinity. */
    for (uint32_t h = 0; h < 0x7c00;
         h += h < 40 || (h > 0x3f0 && h < 0x410) || h > 0x7be0 ? 1 : 97) {
        float a = pnn_f32_of_f16((uint16_t)h),
              b = h == 0x7bff ? 65536 : pnn_f32_of_f16((uint16_t)(h + 1)), tie = (a + b) / 2;
        uint16_t even = (uint16_t)(h & 1 ? h + 1 : h);
        if (pnn_f16_of_f32(tie) != even)
            fail_msg("tie %a: %04x, expected %04x", (double)tie, pnn_f16_of_f32(tie), even);
        assert_int_equal(pnn_f16_of_f32(-tie), even | 0x8000);
        assert_int_equal(pnn_f16_of_f32(nextafterf(tie, 0)), h);
        assert_int_equal(pnn_f16_of_f32(nextafterf(tie, INFINITY)), h + 1);
    }
    static const float some[] = {0.1f,  1 / 3.0f, 3.14159f, 65519.9f, 65520,
                                 1e-7f, 2.9e-8f,  6.1e-5f,  1e30f};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_int_equal(pnn_f16_of_f32(some[i]), nearest_f16((double)some[i]));
    assert_int_equal(pnn_f16_of_f32(1e-45f), 0);
    assert_int_equal(pnn_f16_of_f32(-INFINITY), 0xfc00);
    assert_true((pnn_f16_of_f32(NAN) & 0x7fff) > 0x7c00);
}

static void bf16_rounds_to_nearest_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        bool nan = (h & 0x7fff) > 0x7f80, infinite = (h & 0x7fff) == 0x7f80;
        uint32_t u = h << 16, even = h & 1 ? h + 1 : h;
        assert_int_equal(pnn_bf16_of_f32(pnn_f32_of_bf16((uint16_t)h)), nan ? h | 0x40 : h);
        if (nan || infinite) continue;
        assert_int_equal(pnn_bf16_of_f32(pnn_f32_of_bits(u | 0x7fff)), h);
        assert_int_equal(pnn_bf16_of_f32(pnn_f32_of_bits(u | 0x8000)), even);
        assert_int_equal(pnn_bf16_of_f32(pnn_f32_of_bits(u | 0x8001)), h + 1);
    }
    /* A NaN whose upper half alone would be infinite. */
    assert_int_equal(pnn_bf16_of_f32(pnn_f32_of_bits(0x7f800001)), 0x7fc0);
}

/* ---- Files made by hand ---- */

static unsigned char file[4096];

/* The header as given, no padding; returns the length. */
static size_t make(const char *header, const void *values, size_t n)
{
    size_t h = strlen(header);
    for (size_t i = 0; i < 8; i++) file[i] = (unsigned char)(h >> (8 * i));
    memcpy(file + 8, header, h);
    if (n) memcpy(file + 8 + h, values, n);
    return 8 + h + n;
}

static void refused(size_t length, unsigned flags, const char *message)
{
    pnn_st *st = NULL;
    uint64_t held = pln_context_bytes(ctx);
    assert_int_equal(pnn_st_open_bytes(ctx, file, length, "w", flags, &st), PLN_E_MODEL);
    assert_string_equal(pln_context_message(ctx), message);
    assert_null(st);
    assert_int_equal(pln_context_bytes(ctx), held);
}

static void every_damage_is_named(void **state)
{
    (void)state;
    static const float v[4] = {1, 2, 3, 4};
#define T(name, type, shape, from, to)                                                             \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"
#define UNKNOWN                                                                                    \
    " is unknown: F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8 or BOOL is expected"
#define HEAD "w: tensor 'a': "
    static const struct {
        const char *header;
        size_t values; /* bytes */
        const char *message;
    } cases[] = {
        /* JSON */
        {"[]", 0, "w: no safetensors file: its header does not start with '{'"},
        {" {}", 0, "w: no safetensors file: its header does not start with '{'"},
        {"", 0, "w: no safetensors file: its header does not start with '{'"},
        {"{", 0, "w: header, byte 1: JSON that does not end"},
        {"{}{}", 0, "w: header, byte 3: more than one JSON object"},
        {"{\"a\" 1}", 0, "w: header, byte 6: not JSON"},
        {"{\"\xff\":1}", 0, "w: header, byte 2: not UTF-8"},
        {"{\"a\\u0000\":1}", 0, "w: header, byte 10: a NUL in a text"},
        {"{\"a\":99999999999999999999}", 0, "w: header, byte 25: a number over 2^63"},
        {"{" T("a", "F32", "[1]", "0", "4") "," T("a", "F32", "[1]", "4", "8") "}", 8,
         "w: header, byte 57: the same key twice"},
        {"{\"__metadata__\":1}", 0, "w: __metadata__: an object of texts is expected"},
        {"{\"__metadata__\":{\"seed\":1}}", 0, "w: metadata 'seed': a text is expected"},
        /* Entries */
        {"{\"a\":1}", 0, HEAD "no object: dtype, shape and data_offsets are expected"},
        {"{\"a\":{}}", 0, HEAD "no dtype: a text such as \"F32\" is expected"},
        {"{\"a\":{\"dtype\":1}}", 0, HEAD "no dtype: a text such as \"F32\" is expected"},
        {"{\"a\":{\"x\\n\":1}}", 0,
         HEAD "key 'x?': only dtype, shape and data_offsets are expected"},
        {"{" T("a", "F8_E4M3", "[1]", "0", "1") "}", 1, HEAD "dtype 'F8_E4M3'" UNKNOWN},
        {"{" T("a", "F32", "1", "0", "4") "}", 4,
         HEAD "no shape: a list of whole numbers such as [64,3,3,3] is expected"},
        {"{" T("a", "F32", "[-1]", "0", "4") "}", 4,
         HEAD "no shape: a list of whole numbers such as [64,3,3,3] is expected"},
        {"{" T("a", "F32", "[1.0]", "0", "4") "}", 4,
         HEAD "no shape: a list of whole numbers such as [64,3,3,3] is expected"},
        {"{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4,
         HEAD "9 dimensions, at most 8 are allowed"},
        {"{" T("a", "F32", "[4294967296,4294967296]", "0", "4") "}", 4,
         HEAD "shape 4294967296x4294967296 is larger than any memory"},
        {"{" T("a", "F32", "[4611686018427387904]", "0", "0") "}", 0,
         HEAD "shape 4611686018427387904 is larger than any memory"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4,
         HEAD "no data_offsets: [begin, end] in bytes is expected"},
        {"{" T("a", "F32", "[1]", "0", "4,8") "}", 4,
         HEAD "no data_offsets: [begin, end] in bytes is expected"},
        {"{" T("a", "F32", "[1]", "-4", "0") "}", 4,
         HEAD "no data_offsets: [begin, end] in bytes is expected"},
        {"{" T("a", "F32", "[1]", "4", "0") "}", 4,
         HEAD "data_offsets [4,0] run backwards: the begin comes first"},
        {"{" T("a", "F32", "[4]", "0", "16") "}", 8,
         HEAD "data_offsets [0,16] pass the end: 8 bytes follow the header"},
        {"{" T("a", "F16", "[1,3]", "0", "8") "}", 8,
         HEAD "data_offsets [0,8] hold 8 bytes: F16 of shape 1x3 takes 6"},
        {"{" T("a", "F32", "[]", "0", "8") "}", 8,
         HEAD "data_offsets [0,8] hold 8 bytes: F32 of shape () takes 4"},
        /* Cover */
        {"{" T("a", "F32", "[2]", "4", "12") "," T("b", "F32", "[2]", "0", "8") "}", 12,
         HEAD "starts at byte 4, inside of 'b': 8 is expected"},
        {"{" T("b", "F32", "[1]", "0", "4") "," T("a", "F32", "[1]", "8", "12") "}", 12,
         HEAD "starts at byte 8, and 4 bytes before it belong to no tensor: 4 is expected"},
        {"{" T("a", "F32", "[1]", "0", "4") "}", 16,
         "w: 16 bytes follow the header: the tensors hold 4 of them"},
        {"{}", 1, "w: 1 bytes follow the header: the tensors hold 0 of them"},
        {"{" T("a", "BOOL", "[4]", "0", "4") "}", 4, HEAD "value 2 of 4 is 128: BOOL is 0 or 1"},
        {"{" T("01234567890123456789012345678901234567890123456789012345678901234567890123456789",
               "F32", "[]", "0", "0") "}",
         0,
         "w: tensor '01234567890123456789012345678901234567890123456789012345678901234567...': "
         "data_offsets [0,0] hold 0 bytes: F32 of shape () takes 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(make(cases[i].header, v, cases[i].values), 0, cases[i].message);

    refused(7, 0,
            "w: 7 bytes are no safetensors file: it starts with 8 bytes, the length of its "
            "header");
    make("{}", NULL, 0);
    refused(9, 0, "w: cut short: the header has 2 bytes, 1 of them are there");
    memset(file, 255, 8);
    refused(100, 0,
            "w: no safetensors file: its header would have 18446744073709551615 bytes, at most "
            "16777216 are allowed");
    /* Deep nesting ends in an error, not in the stack. */
    char deep[3000] = "{\"a\":";
    memset(deep + 5, '[', sizeof deep - 6);
    refused(make(deep, NULL, 0), 0, "w: header, byte 2053: JSON nested too deeply");
}

static void what_is_not_finite_is_refused_unless_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *type, *bytes;
        size_t size;
    } cases[] = {{"F32", "\0\0\x80\x3f\0\0\xc0\x7f", 4},
                 {"F64", "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\xf0\xff", 8},
                 {"F16", "\0\x3c\0\x7c", 2},
                 {"BF16", "\x80\x3f\x81\xff", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[128];
        pnn_st *st = NULL;
        float v[2];
        snprintf(header, sizeof header, "{" T("a", "%s", "[1,2]", "0", "%zu") "}", cases[i].type,
                 2 * cases[i].size);
        size_t n = make(header, cases[i].bytes, 2 * cases[i].size);
        refused(n, 0, HEAD "value 1 of 2 is NaN or infinite: numbers are expected");
        OK(ctx, pnn_st_open_bytes(ctx, file, n, "w", PNN_ST_ANY_VALUE, &st));
        OK(ctx, pnn_st_read_f32(ctx, st, pnn_st_at(st, 0), v));
        assert_true(v[0] == 1 && !isfinite(v[1]));
        pnn_st_free(st);
    }
}

static void every_type_is_read(void **state)
{
    (void)state;
    static const char values[] = "\0\0\0\0\0\0\xf8\xbf"             /* d: -1.5 */
                                 "\xfe\xff\xff\xff\xff\xff\xff\xff" /* i */
                                 "\0\0\x20\x40"                     /* f: 2.5 */
                                 "\0\x38"                           /* h: 0.5 */
                                 "\x40\xc0"                         /* b: -3 */
                                 "\7";                              /* u */
    size_t n = make(
        "{\"__metadata__\":{\"system\":\"jess\",\"range\":\"1\"}," T("u", "U8", "[1]", "26", "27") "," T(
            "d", "F64", "[1,1]", "0",
            "8") "," T("i", "I64", "[1]", "8",
                       "16") "," T("f", "F32", "[]", "16",
                                   "20") "," T("h", "F16", "[1]", "20",
                                               "22") "," T("b", "BF16", "[1]", "22",
                                                           "24") "," T("z", "I16", "[1]", "24",
                                                                       "26") "," T("e", "F32",
                                                                                   "[3,0]", "24",
                                                                                   "24") "}  ",
        values, 24);
    memcpy(file + n, "\1\0\7", 3);
    n += 3;
    pnn_st *st = NULL;
    const pnn_st_tensor *t = NULL;
    const char *key = NULL, *text = NULL;
    float v = 0;
    size_t shape[2] = {1, 1};

    OK(ctx, pnn_st_open_bytes(ctx, file, n, "w", 0, &st));
    assert_int_equal(pnn_st_count(st), 8);
    static const char *const names[] = {"b", "d", "e", "f", "h", "i", "u", "z"};
    static const float expected[] = {-3, -1.5f, 0, 2.5f, 0.5f};
    for (size_t i = 0; i < 8; i++) {
        t = pnn_st_at(st, i);
        assert_string_equal(t->name, names[i]);
        assert_ptr_equal(pnn_st_find(st, names[i]), t);
        if (i >= 5) {
            assert_int_equal(pnn_st_read_f32(ctx, st, t, &v), PLN_E_MODEL);
            continue;
        }
        v = 0;
        OK(ctx, pnn_st_read_f32(ctx, st, t, &v));
        assert_true(v == expected[i]);
    }
    assert_string_equal(pln_context_message(ctx),
                        "w: tensor 'z': is of type I16: F32, F16, BF16 or F64 is expected");
    assert_null(pnn_st_at(st, 8));
    assert_null(pnn_st_find(st, "a"));
    assert_int_equal(pnn_st_find(st, "e")->count, 0);
    assert_int_equal(pnn_st_find(st, "f")->rank, 0);

    OK(ctx, pnn_st_expect(ctx, st, "d", 2, shape, &t));
    assert_string_equal(t->name, "d");
    OK(ctx, pnn_st_expect(ctx, st, "f", 0, NULL, &t));
    shape[1] = 7;
    assert_int_equal(pnn_st_expect(ctx, st, "d", 2, shape, &t), PLN_E_MODEL);
    assert_string_equal(pln_context_message(ctx), "w: tensor 'd': shape 1x1: 1x7 is expected");
    assert_int_equal(pnn_st_expect(ctx, st, "q", 2, shape, &t), PLN_E_MODEL);
    assert_string_equal(pln_context_message(ctx),
                        "w: tensor 'q': missing: the file says it is of 'jess'");

    assert_string_equal(pnn_st_metadata(st, "range"), "1");
    assert_null(pnn_st_metadata(st, "seed"));
    assert_true(pnn_st_metadata_at(st, 1, &key, &text));
    assert_string_equal(key, "system");
    assert_string_equal(text, "jess");
    assert_false(pnn_st_metadata_at(st, 2, &key, &text));
    pnn_st_free(st);
    pnn_st_free(NULL);

    static const double large = 1e300;
    n = make("{" T("a", "F64", "[]", "0", "8") "}", &large, 8);
    OK(ctx, pnn_st_open_bytes(ctx, file, n, "w", 0, &st));
    assert_int_equal(pnn_st_read_f32(ctx, st, pnn_st_at(st, 0), &v), PLN_E_MODEL);
    assert_string_equal(pln_context_message(ctx),
                        HEAD "value 0 of 1 is 1e+300: f32 ends at 3.4e38");
    pnn_st_free(st);
}

/* ---- Writing ---- */

static const float weights[6] = {1, -0.5f, 65504, 6e-8f, 0.1f, 0};
static const int64_t steps[1] = {-123456789012345};
static const uint8_t bytes_3[3] = {0, 128, 255};
static const size_t two_three[] = {2, 3}, three[] = {3}, none[] = {4, 0};

static void written_files_come_back(void **state)
{
    (void)state;
    const pnn_st_source sources[] = {
        {"u8", PNN_U8, 1, three, bytes_3},          {"half", PNN_F16, 2, two_three, weights},
        {"brain", PNN_BF16, 2, two_three, weights}, {"scalar", PNN_F32, 0, NULL, weights},
        {"full", PNN_F32, 2, two_three, weights},   {"empty", PNN_F32, 2, none, NULL},
        {"steps", PNN_I64, 0, NULL, steps},
    };
    const pnn_st_text texts[] = {
        {"system", "jess"}, {"config", "{\"width\": 64}"}, {"\u00e9", "\n"}};
    pnn_st_source turned[7];
    pnn_st_text turned_texts[3];
    void *a = NULL, *b = NULL;
    size_t m = 0, n = 0;
    char path[256];
    float v[6];
    pnn_st *st = NULL;

    for (size_t i = 0; i < 7; i++) turned[i] = sources[6 - i];
    for (size_t i = 0; i < 3; i++) turned_texts[i] = texts[2 - i];
    OK(ctx, pnn_st_encode(ctx, sources, 7, texts, 3, "w", &a, &m));
    OK(ctx, pnn_st_encode(ctx, turned, 7, turned_texts, 3, "w", &b, &n));
    assert_int_equal(m, n);
    assert_memory_equal(a, b, n);
    const char *header = (const char *)a + 8;
    assert_memory_equal(header,
                        "{\"__metadata__\":{\"config\":\"{\\\"width\\\": 64}\",\"system\":", 52);
    assert_int_equal((m - (8 + 4 + 24 + 12 + 12 + 3)) % 8, 0);
    pln_free(b);

    snprintf(path, sizeof path, "%s/w.safetensors", dir);
    OK(ctx, pnn_st_write(ctx, path, sources, 7, texts, 3));
    OK(ctx, pnn_st_open(ctx, path, 0, &st));
    assert_int_equal(pnn_st_count(st), 7);
    for (size_t i = 0; i < 7; i++) {
        const pnn_st_tensor *t = NULL;
        OK(ctx, pnn_st_expect(ctx, st, sources[i].name, sources[i].rank, sources[i].shape, &t));
        assert_int_equal(t->type, sources[i].type);
        assert_int_equal((uintptr_t)t->values % pnn_dtype_size(t->type), 0);
        if (t->type == PNN_U8) assert_memory_equal(t->values, bytes_3, 3);
        if (t->type == PNN_I64) assert_memory_equal(t->values, steps, 8);
        if (t->type == PNN_U8 || t->type == PNN_I64) continue;
        OK(ctx, pnn_st_read_f32(ctx, st, t, v));
        for (size_t k = 0; k < t->count; k++)
            assert_true(v[k] == (t->type == PNN_F16 ? pnn_f32_of_f16(pnn_f16_of_f32(weights[k]))
                                 : t->type == PNN_BF16
                                     ? pnn_f32_of_bf16(pnn_bf16_of_f32(weights[k]))
                                     : weights[k]));
    }
    assert_string_equal(pnn_st_metadata(st, "config"), "{\"width\": 64}");
    assert_string_equal(pnn_st_metadata(st, "\u00e9"), "\n");
    pnn_st_free(st);

    /* The file is what was encoded, and nothing else is left in the folder. */
    void *whole = NULL;
    OK(ctx, pln_file_read(ctx, path, 1 << 20, &whole, &n));
    assert_int_equal(m, n);
    assert_memory_equal(a, whole, n);
    pln_free(whole);
    pln_free(a);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
}

static void what_cannot_be_written_is_named(void **state)
{
    (void)state;
    static const float large[2] = {1, 65520}, huge[1] = {3.4e38f}, nan[1] = {NAN};
    static const size_t one[] = {1}, two[] = {2}, nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1},
                        endless[2] = {SIZE_MAX, 2};
    static const struct {
        pnn_st_source source[2];
        size_t n;
        pln_status status;
        const char *message;
    } cases[] = {
        {{{"a", PNN_F16, 1, two, large}},
         1,
         PLN_E_RANGE,
         HEAD "value 1 of 2 is 65520: F16 ends at 65504: write BF16 or F32"},
        {{{"a", PNN_BF16, 1, one, huge}},
         1,
         PLN_E_RANGE,
         HEAD "value 0 of 1 is 3.4e+38: BF16 ends at 3.39e38: write F32"},
        {{{"a", PNN_F32, 1, one, nan}},
         1,
         PLN_E_RANGE,
         HEAD "value 0 of 1 is NaN or infinite: numbers are expected"},
        {{{"a", PNN_F64, 1, one, nan}},
         1,
         PLN_E_ARG,
         HEAD "F64 is not written: F32, F16, BF16, I64 or U8 is"},
        {{{"a", PNN_F32, 1, one, large}, {"a", PNN_F16, 1, one, large}},
         2,
         PLN_E_ARG,
         "w: 'a' is there twice: give every name once"},
        {{{"__metadata__", PNN_F32, 1, one, large}},
         1,
         PLN_E_ARG,
         "w: '__metadata__' is there twice: give every name once"},
        {{{"\xff", PNN_F32, 1, one, large}}, 1, PLN_E_ARG, "w: '\xff' or its text is not UTF-8"},
        {{{"a", PNN_F32, 9, nine, large}},
         1,
         PLN_E_ARG,
         HEAD "more than 8 dimensions, or larger than any memory"},
        {{{"a", PNN_F32, 2, endless, large}},
         1,
         PLN_E_ARG,
         HEAD "more than 8 dimensions, or larger than any memory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *bytes = NULL;
        size_t n = 0;
        uint64_t held = pln_context_bytes(ctx);
        assert_int_equal(pnn_st_encode(ctx, cases[i].source, cases[i].n, NULL, 0, "w", &bytes, &n),
                         cases[i].status);
        assert_string_equal(pln_context_message(ctx), cases[i].message);
        assert_null(bytes);
        assert_int_equal(pln_context_bytes(ctx), held);
    }
    const pnn_st_text pairs[] = {{"k", "1"}, {"k", "2"}}, bad[] = {{"k", "\xff"}};
    void *bytes = NULL;
    size_t n = 0;
    assert_int_equal(pnn_st_encode(ctx, NULL, 0, pairs, 2, "w", &bytes, &n), PLN_E_ARG);
    assert_string_equal(pln_context_message(ctx), "w: 'k' is there twice: give every name once");
    assert_int_equal(pnn_st_encode(ctx, NULL, 0, bad, 1, "w", &bytes, &n), PLN_E_ARG);
    assert_string_equal(pln_context_message(ctx), "w: 'k' or its text is not UTF-8");
}

static void files_that_are_not_there(void **state)
{
    (void)state;
    pnn_st *st = NULL;
    char path[256], message[512];
    const pnn_st_source source = {"a", PNN_F32, 0, NULL, weights};

    snprintf(path, sizeof path, "%s/none/w.safetensors", dir);
    snprintf(message, sizeof message, "%s: no such file", path);
    assert_int_equal(pnn_st_open(ctx, path, 0, &st), PLN_E_READ);
    assert_string_equal(pln_context_message(ctx), message);
    assert_int_equal(pnn_st_write(ctx, path, &source, 1, NULL, 0), PLN_E_WRITE);
    snprintf(message, sizeof message, "%s: is a folder: give a file", dir);
    assert_int_equal(pnn_st_open(ctx, dir, 0, &st), PLN_E_READ);
    assert_string_equal(pln_context_message(ctx), message);
    assert_null(st);

    /* The header is parsed within the memory that may be used. */
    pln_context_set_memory(ctx, 1000);
    assert_int_equal(
        pnn_st_open_bytes(ctx, file, make("{                 }", NULL, 0), "w", 0, &st),
        PLN_E_LIMIT);
    pln_context_set_memory(ctx, 0);
    assert_null(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f16_values_are_those_of_the_standard),
        cmocka_unit_test(f16_comes_back_the_same),
        cmocka_unit_test(f16_rounds_to_nearest_even),
        cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(every_damage_is_named),
        cmocka_unit_test(what_is_not_finite_is_refused_unless_asked_for),
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(written_files_come_back),
        cmocka_unit_test(what_cannot_be_written_is_named),
        cmocka_unit_test(files_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
