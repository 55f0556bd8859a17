/* SPDX-License-Identifier: MIT */
/* Every method against the outputs of its authors' code: the entries of tests/oracle/manifest.json
 * and the small pictures of vectors.json, through the public interface. An argument is a pattern:
 * oracle_test 'rtv' runs the cases that start with rtv/. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "planish/planish.h"

/* float32 arithmetic against the vectors' double; L0's threshold amplifies differences: 25 times as
 * much. */
#define VECTOR_TOLERANCE 2e-5
#define VECTOR_L0_FACTOR 25

struct oracle {
    char name[96]; /* METHOD/ID */
    const char *method, *flags, *source;
    const char *input, *output;  /* files of the manifest, or NULL: */
    json_t *input_data, *vector; /* the values themselves */
    double max_abs, rmse, share; /* negative: no bound */
};

/* "--sigma-s 3 --window disk" -> "sigma-s=3 window=disk", the form of pln_params_apply. */
static void flags_to_values(const char *flags, char *values, size_t size)
{
    size_t n = 0;
    bool key = false;

    for (const char *p = flags; *p && n + 1 < size; p++) {
        if (strncmp(p, "--", 2) == 0 && (p == flags || p[-1] == ' ')) {
            key = true;
            p++;
        } else if (*p == ' ' && key) {
            values[n++] = '=';
            key = false;
        } else {
            values[n++] = *p;
        }
    }
    values[n] = '\0';
}

static pln_image *load_file(pln_context *ctx, const char *file)
{
    char path[512];
    pln_image *image = NULL;

    snprintf(path, sizeof path, "%s/oracle/%s", TEST_DATA, file);
    if (pln_image_load(ctx, path, &image)) fail_msg("%s", pln_context_message(ctx));
    return image;
}

/* {"shape": [h, w] or [h, w, 3], key: [values]} */
static pln_image *image_of_json(pln_context *ctx, json_t *j, const char *key)
{
    json_t *shape = json_object_get(j, "shape"), *data = json_object_get(j, key);
    size_t h = (size_t)json_integer_value(json_array_get(shape, 0));
    size_t w = (size_t)json_integer_value(json_array_get(shape, 1));
    size_t c =
        json_array_size(shape) == 3 ? (size_t)json_integer_value(json_array_get(shape, 2)) : 1;
    pln_image *image = NULL;

    assert_int_equal(json_array_size(data), w * h * c);
    if (pln_image_new_f32(ctx, w, h, c, &image)) fail_msg("%s", pln_context_message(ctx));
    pln_view v = pln_image_pixels(image);
    for (size_t y = 0; y < h; y++)
        for (size_t i = 0; i < w * c; i++)
            v.data[(ptrdiff_t)y * v.stride + (ptrdiff_t)i] =
                (float)json_number_value(json_array_get(data, y * w * c + i));
    return image;
}

/* Text of what is beyond its bound; "" if nothing. */
static void compare(const struct oracle *o, pln_view got, pln_view want, char *text, size_t size)
{
    double worst = 0, squares = 0, n = (double)want.w * (double)want.h * (double)want.c;
    size_t at_x = 0, at_y = 0, far = 0;

    text[0] = '\0';
    if (got.w != want.w || got.h != want.h || got.c != want.c) {
        snprintf(text, size, "%zux%zux%zu, expected %zux%zux%zu", got.w, got.h, got.c, want.w,
                 want.h, want.c);
        return;
    }
    for (size_t y = 0; y < want.h; y++)
        for (size_t i = 0; i < want.w * want.c; i++) {
            double g = got.data[(ptrdiff_t)y * got.stride + (ptrdiff_t)i];
            double d = fabs(g - want.data[(ptrdiff_t)y * want.stride + (ptrdiff_t)i]);
            if (!isfinite(g)) {
                snprintf(text, size, "%g at x %zu, y %zu", g, i / want.c, y);
                return;
            }
            if (d > worst) worst = d, at_x = i / want.c, at_y = y;
            squares += d * d;
            far += d > 1e-3;
        }
    double rmse = sqrt(squares / n), share = (double)far / n;
    if ((o->max_abs >= 0 && worst > o->max_abs) || (o->rmse >= 0 && rmse > o->rmse) ||
        (o->share >= 0 && share > o->share))
        snprintf(text, size,
                 "max_abs %.3e at x %zu, y %zu (bound %.1e), rmse %.3e (bound %.1e), beyond 1e-3: "
                 "%.4f (bound %.4f)",
                 worst, at_x, at_y, o->max_abs, rmse, o->rmse, share, o->share);
}

static void one(void **state)
{
    const struct oracle *o = *state;
    char values[512], text[512];
    pln_context *ctx = NULL;
    pln_params *params = NULL;
    pln_image *out = NULL;

    assert_int_equal(pln_context_new(&ctx), PLN_OK);
    pln_image *in = o->input ? load_file(ctx, o->input) : image_of_json(ctx, o->input_data, "data");
    pln_image *want = o->output ? load_file(ctx, o->output) : image_of_json(ctx, o->vector, "out");
    flags_to_values(o->flags, values, sizeof values);
    if (pln_params_new(ctx, o->method, &params) || pln_params_apply(ctx, params, values) ||
        pln_smooth(ctx, params, in, NULL, &out))
        fail_msg("%s: %s", o->name, pln_context_message(ctx));
    compare(o, pln_image_pixels(out), pln_image_pixels(want), text, sizeof text);
    if (text[0])
        fail_msg("%s (%s): %s\n  reference: %s\n  alone: build/tests/methods/oracle_test '%s'",
                 o->name, o->flags, text, o->source, o->name);
    pln_image_free(out);
    pln_params_free(params);
    pln_image_free(want);
    pln_image_free(in);
    pln_context_free(ctx);
}

static json_t *load_json(const char *file)
{
    char path[512];
    json_error_t e;

    snprintf(path, sizeof path, "%s/oracle/%s", TEST_DATA, file);
    json_t *j = json_load_file(path, 0, &e);
    if (!j) {
        fprintf(stderr, "%s:%d: %s\n", path, e.line, e.text);
        exit(1);
    }
    return j;
}

static const char *text_of(json_t *j, const char *key)
{
    const char *t = json_string_value(json_object_get(j, key));
    if (!t) {
        fprintf(stderr, "an entry of tests/oracle has no '%s'\n", key);
        exit(1);
    }
    return t;
}

static double bound_of(json_t *tolerance, const char *key)
{
    json_t *v = json_object_get(tolerance, key);
    return json_is_number(v) ? json_number_value(v) : -1;
}

int main(int argc, char **argv)
{
    json_t *manifest = load_json("manifest.json"), *vectors = load_json("vectors.json");
    json_t *entries = json_object_get(manifest, "entries"),
           *small = json_object_get(vectors, "vectors");
    size_t n = 0, total = json_array_size(entries) + json_array_size(small), i;
    struct oracle *oracles = calloc(total, sizeof *oracles);
    struct CMUnitTest *tests = calloc(total, sizeof *tests);
    json_t *e;

    if (!oracles || !tests || !total) return 1;
    json_array_foreach(entries, i, e)
    {
        json_t *t = json_object_get(e, "tolerance");
        struct oracle *o = &oracles[n++];
        *o = (struct oracle){
            .method = text_of(e, "method"),
            .flags = text_of(e, "flags"),
            .source = text_of(e, "source"),
            .input = text_of(e, "input"),
            .output = text_of(e, "output"),
            .max_abs = bound_of(t, "max_abs"),
            .rmse = bound_of(t, "rmse"),
            .share = bound_of(t, "share_1e3"),
        };
        snprintf(o->name, sizeof o->name, "%s/%s", o->method, text_of(e, "id"));
    }
    json_array_foreach(small, i, e)
    {
        struct oracle *o = &oracles[n++];
        *o = (struct oracle){
            .method = text_of(e, "method"),
            .flags = text_of(e, "flags"),
            .source = "the formulas in double precision",
            .input_data = json_object_get(json_object_get(vectors, "inputs"), text_of(e, "input")),
            .vector = e,
            .rmse = -1,
            .share = -1,
        };
        o->max_abs =
            strcmp(o->method, "l0") == 0 ? VECTOR_L0_FACTOR * VECTOR_TOLERANCE : VECTOR_TOLERANCE;
        snprintf(o->name, sizeof o->name, "%s/vector_%s", o->method, text_of(e, "id"));
    }

    size_t chosen = 0, prefix = argc > 1 ? strcspn(argv[1], "*") : 0;
    for (i = 0; i < n; i++)
        if (argc < 2 || strncmp(oracles[i].name, argv[1], prefix) == 0)
            tests[chosen++] = (struct CMUnitTest){
                .name = oracles[i].name, .test_func = one, .initial_state = &oracles[i]};
    if (!chosen) {
        fprintf(stderr, "no reference starts with '%s'\n", argv[1]);
        return 1;
    }
    int failed = _cmocka_run_group_tests("oracles", tests, chosen, NULL, NULL);
    free(tests);
    free(oracles);
    json_decref(vectors);
    json_decref(manifest);
    return failed != 0;
}
