/* SPDX-License-Identifier: MIT */
/* Numbers as text, the same in every locale, and spelling suggestions. */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

/* A decimal real at *text, as strtod reads it in the C locale, without hexadecimal, inf or nan. */
static bool parse_decimal(const char **text, double *value)
{
    const char *p = *text;
    char plain[64];
    size_t n = strspn(p, "+-0123456789.eE");
    locale_t c;

    if (n == 0 || n >= sizeof plain || !strpbrk(p, "0123456789")) return false;
    memcpy(plain, p, n);
    plain[n] = 0;
    c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c) return false;
    char *end;
    *value = strtod_l(plain, &end, c);
    freelocale(c);
    if (end == plain || *end || !isfinite(*value)) return false;
    *text = p + n;
    return true;
}

bool pln_parse_real(const char *text, double *value)
{
    double a, b;
    if (!parse_decimal(&text, &a)) return false;
    if (*text == '/') {
        text++;
        if (!parse_decimal(&text, &b) || b == 0) return false;
        a /= b;
    }
    if (*text) return false;
    *value = a;
    return true;
}

bool pln_parse_int(const char *text, long long *value)
{
    char *end;
    if (!isdigit((unsigned char)*text) && *text != '-' && *text != '+') return false;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end || errno) return false;
    *value = v;
    return true;
}

bool pln_parse_size(const char *text, uint64_t *bytes)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1},       {"B", 1},        {"K", 0x1p10},   {"M", 0x1p20},   {"G", 0x1p30},
                 {"T", 0x1p40}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
                 {"KB", 1e3},   {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12}};
    double v;
    if (!parse_decimal(&text, &v) || v < 0) return false;
    while (*text == ' ') text++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcasecmp(text, units[i].name)) continue;
        v *= units[i].factor;
        if (v >= 0x1p63) return false;
        *bytes = (uint64_t)v;
        return true;
    }
    return false;
}

void pln_format_real(double value, char text[32])
{
    /* Digits only: printf's decimal point follows the locale, so it is put in by hand. */
    for (int digits = 1; digits <= 17; digits++) {
        double back;
        snprintf(text, 32, "%.*g", digits, value);
        char *comma = text + strspn(text, "+-0123456789");
        if (*comma && *comma != 'e' && *comma != '.') *comma = '.';
        if (pln_parse_real(text, &back) && back == value) break;
    }
    char *e = strchr(text, 'e');
    if (e && fabs(value) < 1e5 &&
        fabs(value) >= 1) { /* 1e+01 -> 10: an integer, no point to fear */
        snprintf(text, 32, "%.0f", value);
        return;
    }
    /* 1e-05 -> 1e-5 */
    if (!e) return;
    char *from = e + 2, *to = e[1] == '+' ? e + 1 : e + 2;
    while (*from == '0' && from[1]) from++;
    memmove(to, from, strlen(from) + 1);
}

void pln_format_bytes(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double v = (double)bytes;
    int u = 0;
    while (v >= 999.5) v /= 1000, u++;
    if (u == 0)
        snprintf(text, 32, "%u bytes", (unsigned)bytes);
    else {
        int tenths = (int)(v * 10 + 0.5);
        if (v < 99.95)
            snprintf(text, 32, "%d.%d %s", tenths / 10, tenths % 10, units[u]);
        else
            snprintf(text, 32, "%d %s", (int)(v + 0.5), units[u]);
    }
}

/* Damerau-Levenshtein distance (optimal string alignment), words of at most 31 bytes. */
static int edit_distance(const char *a, const char *b)
{
    enum { MAX = 32 };
    int d[MAX + 1][MAX + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n >= MAX || m >= MAX) return MAX;
    for (int i = 0; i <= n; i++) d[i][0] = i;
    for (int j = 0; j <= m; j++) d[0][j] = j;
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++) {
            int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *pln_nearest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    int least =
        (int)strlen(word) <= 4 ? 2 : 3; /* one change in a short word, two in a longer one */
    for (; *candidates; candidates++) {
        int d = edit_distance(word, *candidates);
        if (d < least) least = d, best = *candidates;
    }
    return best;
}
