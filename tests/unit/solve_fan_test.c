/* SPDX-License-Identifier: MIT */
/* Fan's energy and its guide maps against numbers of an independent program in double precision, on
 * all instruction sets. */
#include "fixture.h"

#include "solve/fan.h"

static pln_context *ctx;

static int setup(void **state)
{
    (void)state;
    return pln_context_new(&ctx);
}

static int teardown(void **state)
{
    (void)state;
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    return held != 0;
}

static pln_context *context_of(pln_isa isa, int threads)
{
    pln_context *c;
    pln_context_options o = {sizeof o, .threads = threads, .isa = pln_isa_name(isa)};
    OK(NULL, pln_context_new_with(&o, &c));
    return c;
}

static void *memory(size_t bytes)
{
    void *p;
    OK(ctx, pln_alloc(ctx, bytes, 1, &p));
    return p;
}

/* ---- Maps ---- */

static void expect_map(const fixture *f, const char *name, const uint8_t *is)
{
    size_t n;
    float *want = fixture_values(f, name, &n);
    for (size_t i = 0; i < n; i++)
        if ((float)is[i] != want[i])
            fail_msg("%s: '%s' is %d at %zu, expected %g", f->path, name, is[i], i,
                     (double)want[i]);
    free(want);
}

static void maps_of_photographs(void **state)
{
    static const char *const files[] = {"fan/maps_astronaut", "fan/maps_rocket"};
    (void)state;
    for (int k = 0; k < 2; k++) {
        fixture f;
        size_t d[4], n;
        fixture_open(&f, ctx, files[k]);
        fixture_dims(fixture_find(&f, "I"), 0, d);
        float *x = fixture_nhwc(&f, "I", -1, &n), *sum = memory(n * sizeof *sum),
              *e6 = memory(n * sizeof *e6);
        double *space = memory(2 * n * sizeof *space);
        uint8_t *selected = memory(n), *map = memory(n);
        OK(ctx, pln_fan_response(ctx, d[3], d[2], x, 3, sum, e6));
        if (pnn_st_find(f.st, "E")) {
            float *want = fixture_values(&f, "E", &n);
            for (size_t i = 0; i < n; i++) assert_true(fabsf(e6[i] / 6 - want[i]) <= 1e-5f);
            free(want);
        }
        OK(ctx, pln_fan_texture(ctx, d[3], d[2], sum, e6, map));
        expect_map(&f, "X", map);
        OK(ctx, pln_fan_select(ctx, d[3], d[2], e6, space, selected));
        expect_map(&f, "selected", selected);
        OK(ctx, pln_fan_prune(ctx, d[3], d[2], selected, map));
        expect_map(&f, "B", map);
        free(x);
        pln_free(sum);
        pln_free(e6);
        pln_free(space);
        pln_free(selected);
        pln_free(map);
        fixture_close(&f);
    }
}

/* ---- Energies ---- */

struct scene {
    fixture f;
    size_t w, h, n;
    float *I, *T, *gb, *grad;
    void *space;
};

static void open_scene(struct scene *s, const char *name)
{
    size_t d[4];
    fixture_open(&s->f, ctx, name);
    fixture_dims(fixture_find(&s->f, "I"), 0, d);
    s->w = d[3];
    s->h = d[2];
    s->n = s->w * s->h;
    s->I = fixture_nhwc(&s->f, "I", -1, NULL);
    s->T = fixture_nhwc(&s->f, "T", -1, NULL);
    s->gb = memory(2 * s->n * sizeof *s->gb);
    s->grad = memory(3 * s->n * sizeof *s->grad);
    s->space = memory(pln_fan_space(s->w, s->h, PLN_FAN_RADIUS));
}

static void close_scene(struct scene *s)
{
    free(s->I);
    free(s->T);
    pln_free(s->gb);
    pln_free(s->grad);
    pln_free(s->space);
    fixture_close(&s->f);
}

/* G and B of a variant. The files' B is cut out of a larger picture's: B alone is theirs. */
static void guide(struct scene *s, const pln_fan_variant *v)
{
    float *S = fixture_values(&s->f, "S", NULL),
          *B = fixture_values(&s->f, pnn_name(s->f.g, "%s.B", v->name), NULL);
    void *space = memory(pln_fan_maps_space(s->w, s->h));
    OK(ctx, pln_fan_maps(ctx, v->guide, s->w, s->h, s->I, 3, S, 1, space, s->gb, 2));
    for (size_t i = 0; i < s->n; i++) s->gb[2 * i + 1] = B[i];
    pln_free(space);
    free(S);
    free(B);
}

static void expect_gradient(const struct scene *s, const char *name, pln_isa isa)
{
    if (!pnn_st_find(s->f.st, name)) return;
    size_t n;
    float *want = fixture_nhwc(&s->f, name, -1, &n);
    fixture_value v = {.name = name,
                       .data = s->grad,
                       .want = want,
                       .count = n,
                       .tolerance = 1e-5,
                       .relative = true};
    fixture_compare(&s->f, &v, pln_isa_name(isa));
    free(want);
}

static void check_variant(struct scene *s, const pln_fan_variant *v, pln_isa isa)
{
    pln_context *one = context_of(isa, 1), *two = context_of(isa, 2);
    float *values = fixture_values(&s->f, pnn_name(s->f.g, "%s.values", v->name), NULL),
          *l2 = fixture_values(&s->f, pnn_name(s->f.g, "%s.l2", v->name), NULL),
          *again = memory(3 * s->n * sizeof *again);
    double share = 0;
    for (size_t i = 0; i < s->n; i++) share += (double)l2[i] / (double)s->n;
    guide(s, v);
    for (int exact = 0; exact < 2; exact++) {
        pln_fan_energy e = v->energy;
        pln_fan_terms a, b, c;
        e.slopes = exact ? PLN_FAN_EXACT : PLN_FAN_AUTHORS;
        const pln_fan_problem p = {&e, s->w, s->h, s->I, s->T, s->gb, 3, 3, 2};
        OK(one, pln_fan_evaluate(one, &p, s->space, 1, s->grad, 3, &a));
        const double is[] = {a.data, a.flat, a.edge, a.total};
        for (int k = 0; k < 4; k++)
            if (!(fabs(is[k] - (double)values[k]) <= 1e-5 * fabs((double)values[k])))
                fail_msg("%s, %s, %s: term %d is %.9g, expected %.9g", s->f.path, v->name,
                         pln_isa_name(isa), k, is[k], (double)values[k]);
        assert_true(fabs(a.share - share) < 1e-12);
        expect_gradient(s, pnn_name(s->f.g, exact ? "%s.grad_exact" : "%s.grad", v->name), isa);
        /* The same bytes from two threads; the same value alone; a factor is a factor. */
        OK(two, pln_fan_evaluate(two, &p, s->space, 1, again, 3, &b));
        assert_memory_equal(s->grad, again, 3 * s->n * sizeof *again);
        assert_memory_equal(&a, &b, sizeof a);
        OK(two, pln_fan_evaluate(two, &p, s->space, 1, NULL, 0, &c));
        assert_true(fabs(a.total - c.total) <= 1e-6 * a.total);
        OK(two, pln_fan_evaluate(two, &p, s->space, 0.5, again, 3, &b));
        for (size_t i = 0; i < 3 * s->n; i++)
            assert_true(fabsf(again[i] - 0.5f * s->grad[i]) <= 1e-6f * fabsf(s->grad[i]) + 1e-9f);
    }
    free(values);
    free(l2);
    pln_free(again);
    pln_context_free(one);
    pln_context_free(two);
}

static void energies(void **state)
{
    static const char *const files[] = {"fan/energy_astronaut", "fan/energy_coffee"};
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct scene s;
        open_scene(&s, files[k]);
        for (int isa = 0; isa <= (int)pln_isa_machine() && isa <= PLN_ISA_AVX512; isa++)
            for (int v = 0; v < PLN_FAN_VARIANTS; v++)
                check_variant(&s, &pln_fan_variants[v], (pln_isa)isa);
        close_scene(&s);
    }
}

/* ---- Solvers ---- */

struct one {
    fixture f;
    size_t w, h, n;
    float *I, *T, *gb;
    void *space;
};

/* G = E(I), and B of the file where it has one. */
static void open_one(struct one *o, const char *name)
{
    size_t d[4];
    fixture_open(&o->f, ctx, name);
    fixture_dims(fixture_find(&o->f, "I"), 0, d);
    o->w = d[3];
    o->h = d[2];
    o->n = d[2] * d[3];
    o->I = fixture_nhwc(&o->f, "I", -1, NULL);
    o->T = memory(3 * o->n * sizeof *o->T);
    o->gb = memory(2 * o->n * sizeof *o->gb);
    size_t bytes = pln_fan_adam_space(o->w, o->h, PLN_FAN_RADIUS) +
                   pln_fan_irls_space(o->w, o->h, PLN_FAN_RADIUS);
    o->space = memory(bytes + pln_fan_maps_space(o->w, o->h));
    OK(ctx, pln_fan_maps(ctx, PLN_FAN_PLAIN, o->w, o->h, o->I, 3, NULL, 0, o->space, o->gb, 2));
    float *B = pnn_st_find(o->f.st, "B") ? fixture_values(&o->f, "B", NULL) : NULL;
    for (size_t i = 0; i < o->n; i++) o->gb[2 * i + 1] = B ? B[i] : 0;
    free(B);
}

static void close_one(struct one *o)
{
    free(o->I);
    pln_free(o->T);
    pln_free(o->gb);
    pln_free(o->space);
    fixture_close(&o->f);
}

/* Largest and mean difference of T. */
static void apart(const struct one *o, const char *name, double *worst, double *mean)
{
    float *want = fixture_nhwc(&o->f, name, -1, NULL);
    *worst = *mean = 0;
    for (size_t i = 0; i < 3 * o->n; i++) {
        double e = fabs((double)o->T[i] - (double)want[i]);
        *worst = fmax(*worst, e);
        *mean += e / (double)(3 * o->n);
    }
    free(want);
}

static void adam_goes_the_same_way(void **state)
{
    (void)state;
    for (int exact = 0; exact < 2; exact++) {
        struct one o;
        pln_fan_energy e = pln_fan_variants[0].energy;
        pln_fan_terms terms;
        size_t rows;
        open_one(&o, exact ? "fan/adam_exact" : "fan/adam_code");
        e.slopes = exact ? PLN_FAN_EXACT : PLN_FAN_AUTHORS;
        const pln_fan_problem p = {&e, o.w, o.h, o.I, o.T, o.gb, 3, 3, 2};
        float *loss = fixture_values(&o.f, "loss", &rows);
        for (size_t k = 0; k < rows; k++) {
            double worst, mean;
            OK(ctx, pln_fan_adam(ctx, &p, (int)k, 3, o.space, o.T));
            OK(ctx, pln_fan_evaluate(ctx, &p, o.space, 0, NULL, 0, &terms));
            if (!(fabs(terms.total / (double)loss[k] - 1) <= 3e-3))
                fail_msg("%s: energy after %zu steps is %g, expected %g", o.f.path, k, terms.total,
                         (double)loss[k]);
            char name[32];
            snprintf(name, sizeof name, "T%zu", k);
            if (!pnn_st_find(o.f.st, name)) continue;
            apart(&o, name, &worst, &mean);
            /* A step is as long for the least gradient: one of rounding alone goes astray. */
            if (!(k == 1 ? mean <= 2e-4 : mean <= 1))
                fail_msg("%s: %s is up to %g apart, %g in the mean", o.f.path, name, worst, mean);
        }
        free(loss);
        close_one(&o);
    }
}

static void irls_finds_the_same(void **state)
{
    struct one o;
    double worst, mean;
    pln_fan_energy e = pln_fan_variants[0].energy, all = e;
    (void)state;
    open_one(&o, "fan/irls");
    const pln_fan_problem p = {&e, o.w, o.h, o.I, o.T, o.gb, 3, 3, 2},
                          squares = {&all, o.w, o.h, o.I, o.T, o.gb, 3, 3, 2};
    pln_fan_rounds rounds = {.rounds = 1, .solver_steps = 50, .eps = 1, .tolerance = 1e-6};
    OK(ctx, pln_fan_irls(ctx, &p, &rounds, o.space, o.T));
    apart(&o, "dynamic1", &worst, &mean);
    if (!(worst <= 5e-3)) fail_msg("after a round: %g apart", worst);
    rounds.rounds = 3;
    OK(ctx, pln_fan_irls(ctx, &p, &rounds, o.space, o.T));
    apart(&o, "dynamic3", &worst, &mean);
    if (!(worst <= 5e-3)) fail_msg("after three rounds: %g apart", worst);
    all.c1 = INFINITY; /* m = 1 everywhere */
    all.c2 = -1;
    rounds = (pln_fan_rounds){.rounds = 1, .solver_steps = 300, .eps = 1, .tolerance = 1e-9};
    OK(ctx, pln_fan_irls(ctx, &squares, &rounds, o.space, o.T));
    apart(&o, "l2", &worst, &mean);
    if (!(worst <= 5e-3)) fail_msg("squares alone: %g apart", worst);
    close_one(&o);
}

/* Pictures smaller than the window, of one pixel, and rows that are no multiple of a vector. */
static void small_pictures(void **state)
{
    static const size_t sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {3, 2}, {17, 5}, {31, 33}};
    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        size_t w = sizes[k][0], h = sizes[k][1], n = w * h;
        float *x = memory(3 * n * sizeof *x), *gb = memory(2 * n * sizeof *gb),
              *grad = memory(3 * n * sizeof *grad);
        void *space = memory(pln_fan_space(w, h, PLN_FAN_RADIUS)),
             *maps = memory(pln_fan_maps_space(w, h));
        pln_fan_terms t;
        for (size_t i = 0; i < 3 * n; i++) x[i] = 255 * noise((uint32_t)i, 3, 5);
        OK(ctx, pln_fan_maps(ctx, PLN_FAN_PLAIN, w, h, x, 3, NULL, 0, maps, gb, 2));
        pln_fan_energy e = pln_fan_variants[0].energy;
        e.slopes = PLN_FAN_EXACT;
        const pln_fan_problem p = {&e, w, h, x, x, gb, 3, 3, 2};
        OK(ctx, pln_fan_evaluate(ctx, &p, space, 1, grad, 3, &t));
        assert_true(t.data == 0 && t.edge == 0 && isfinite(t.flat));
        if (n == 1) assert_true(t.total == 0);
        for (size_t i = 0; i < 3 * n; i++) assert_true(isfinite(grad[i]));
        pln_free(x);
        pln_free(gb);
        pln_free(grad);
        pln_free(space);
        pln_free(maps);
    }
}

/* Along the signs of the slopes the bounded energy changes as they say: with m = 0 in all pixels
 * w_ij = w_ji, and with m = 1 both are alike too. */
static void bounded_slopes_are_of_the_bounded_energy(void **state)
{
    const float h = 0.02f;
    (void)state;
    for (int squares = 0; squares < 2; squares++) {
        struct scene s;
        open_scene(&s, "fan/energy_astronaut");
        guide(&s, &pln_fan_variants[0]);
        pln_fan_energy e = pln_fan_variants[0].energy;
        e.slopes = PLN_FAN_CLAMPED;
        e.lambda_e = 0;
        e.c1 = squares ? INFINITY : 0;
        e.c2 = squares ? -INFINITY : 0;
        for (size_t i = 0; i < s.n; i++)
            if (s.gb[2 * i] == 0) s.gb[2 * i] = 1e-3f;
        float *T = memory(3 * s.n * sizeof *T);
        pln_fan_problem p = {&e, s.w, s.h, s.I, s.T, s.gb, 3, 3, 2};
        pln_fan_terms t, up, down;
        double slope = 0;
        OK(ctx, pln_fan_evaluate(ctx, &p, s.space, 1, s.grad, 3, &t));
        assert_true(t.share == squares);
        p.T = T;
        for (int way = 0; way < 2; way++) {
            for (size_t i = 0; i < 3 * s.n; i++)
                T[i] = s.T[i] + (way ? -h : h) * (s.grad[i] > 0 ? 1 : -1);
            OK(ctx, pln_fan_bounded(ctx, &p, s.space, way ? &down : &up));
        }
        for (size_t i = 0; i < 3 * s.n; i++) slope += fabs((double)s.grad[i]);
        double change = (up.total - down.total) / (2 * (double)h);
        if (!(fabs(change - slope) <= 0.01 * slope))
            fail_msg("m = %d: the energy changes by %g, its slopes say %g", squares, change, slope);
        pln_free(T);
        close_scene(&s);
    }
}

static void windows_out_of_range(void **state)
{
    float x[3] = {0}, gb[2] = {0};
    pln_fan_energy e = pln_fan_variants[0].energy;
    pln_fan_terms t;
    (void)state;
    void *space = memory(pln_fan_space(1, 1, PLN_FAN_RADIUS));
    e.radius = PLN_FAN_RADIUS + 1;
    const pln_fan_problem p = {&e, 1, 1, x, x, gb, 3, 3, 2};
    assert_int_equal(pln_fan_evaluate(ctx, &p, space, 1, NULL, 0, &t), PLN_E_RANGE);
    assert_string_equal(pln_context_message(ctx), "a window of radius 17: expected 1 to 16");
    pln_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_of_photographs),
        cmocka_unit_test(energies),
        cmocka_unit_test(adam_goes_the_same_way),
        cmocka_unit_test(irls_finds_the_same),
        cmocka_unit_test(bounded_slopes_are_of_the_bounded_energy),
        cmocka_unit_test(small_pictures),
        cmocka_unit_test(windows_out_of_range),
    };
    return cmocka_run_group_tests_name("solve_fan", tests, setup, teardown);
}
