/* SPDX-License-Identifier: MIT */
/* planish: structure-preserving image smoothing. The whole public interface.
 *
 *     pln_context *ctx = NULL;
 *     pln_image *in = NULL, *out = NULL;
 *     pln_params *p = NULL;
 *     if (pln_context_new(&ctx) || pln_image_load(ctx, "a.png", &in) || pln_params_new(ctx, "rtv",
 * &p)
 *         || pln_params_set_real(ctx, p, "lambda", 0.015) || pln_smooth(ctx, p, in, NULL, &out)
 *         || pln_image_save(ctx, out, "b.png", NULL))
 *         fprintf(stderr, "%s\n", pln_context_message(ctx));
 *     pln_image_free(out); pln_params_free(p); pln_image_free(in); pln_context_free(ctx);
 *
 * Rules. Functions that can fail return pln_status (PLN_OK is 0) and leave one line of text in the
 * context. Out-parameters come last and are not touched on failure. `_new`/`_load` results are
 * owned and go to `_free`, which takes NULL. One context serves one call at a time; different
 * contexts run concurrently. Images and parameters may be shared while nobody writes to them. The
 * library prints nothing, never exits and sets no signal handler. Option structs start with `size_t
 * size`, which the caller sets to sizeof; a NULL pointer means all defaults. */
#ifndef PLANISH_PLANISH_H
#define PLANISH_PLANISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PLN_VERSION_MAJOR 0
#define PLN_VERSION_MINOR 1
#define PLN_VERSION_PATCH 0

#if defined(_WIN32)
#define PLN_API
#elif defined(__GNUC__)
#define PLN_API __attribute__((visibility("default")))
#else
#define PLN_API
#endif
#if defined(__GNUC__)
#define PLN_CHECK             __attribute__((warn_unused_result))
#define PLN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define PLN_CHECK
#define PLN_PRINTF(fmt, args)
#endif

/* ---- Status ---- */

typedef enum pln_status {
    PLN_OK = 0,
    PLN_E_ARG,    /* an argument makes no sense: NULL, unknown name, text that is not a number */
    PLN_E_RANGE,  /* a parameter is outside its range */
    PLN_E_SHAPE,  /* sizes or channel counts do not fit each other */
    PLN_E_FORMAT, /* a file is not what it should be, or holds NaN or Inf */
    PLN_E_READ,   /* a file cannot be opened or read */
    PLN_E_WRITE,  /* a file cannot be created or written */
    PLN_E_MEMORY, /* an allocation failed */
    PLN_E_LIMIT,  /* more memory or samples than allowed would be needed: nothing was allocated */
    PLN_E_UNSUPPORTED, /* this build or machine cannot do it */
    PLN_E_DEVICE,      /* the device failed or is absent */
    PLN_E_MODEL,       /* weights, recipe or manifest missing, damaged or of another kind */
    PLN_E_CANCELLED,   /* a progress callback asked to stop */
    PLN_E_INTERNAL     /* a bug in planish */
} pln_status;

/* "ok", "argument", "range", ...; "unknown" for other values. */
PLN_API const char *pln_status_name(pln_status s);

/* "0.1.0" */
PLN_API const char *pln_version(void);

/* ---- Context ---- */

typedef struct pln_context pln_context;

/* Returns memory of `size` bytes aligned to `align` (a power of two, at most 64), or NULL. Called
 * from any thread. */
typedef void *(*pln_alloc_fn)(void *user, size_t size, size_t align);
typedef void (*pln_free_fn)(void *user, void *ptr, size_t size);
/* fraction in [0,1] of the current call; `stage` a short word. Called from the calling thread, at
 * most ~50 times a second. A non-zero result cancels: the call ends with PLN_E_CANCELLED and no
 * output. */
typedef int (*pln_progress_fn)(void *user, double fraction, const char *stage);
/* level 0: warning, 1: information, 2: detail. */
typedef void (*pln_log_fn)(void *user, int level, const char *text);

typedef struct pln_context_options {
    size_t size;
    int threads;     /* 0: PLANISH_THREADS, else all processors this process may use */
    uint64_t seed;   /* key of every random number; default 0 */
    uint64_t memory; /* bytes the library may hold; 0: PLANISH_MEMORY, else 80 % of free memory at
                        each call */
    const char *isa; /* "baseline", "avx2", "avx512", "amx": upper bound; NULL: PLANISH_ISA, else
                        the machine */
    pln_alloc_fn alloc;
    pln_free_fn free;
    void *alloc_user;
    const char *device; /* as pln_context_set_device; NULL: PLANISH_DEVICE, else "auto" */
} pln_context_options;

PLN_API pln_status pln_context_new(pln_context **ctx) PLN_CHECK;
PLN_API pln_status pln_context_new_with(const pln_context_options *options,
                                        pln_context **ctx) PLN_CHECK;
PLN_API void pln_context_free(pln_context *ctx);
/* Text of the last failure, without a trailing newline; "" if the last call succeeded. Valid until
 * the next call with this context. NULL context: the text for a context that could not be made. */
PLN_API const char *pln_context_message(const pln_context *ctx);
PLN_API void pln_context_on_progress(pln_context *ctx, pln_progress_fn fn, void *user);
PLN_API void pln_context_on_log(pln_context *ctx, pln_log_fn fn, void *user);
/* n >= 1; 0 restores the default. */
PLN_API pln_status pln_context_set_threads(pln_context *ctx, int n) PLN_CHECK;
PLN_API int pln_context_threads(const pln_context *ctx);
PLN_API void pln_context_set_seed(pln_context *ctx, uint64_t seed);
PLN_API uint64_t pln_context_seed(const pln_context *ctx);
PLN_API void pln_context_set_memory(pln_context *ctx, uint64_t bytes);
/* "baseline", "avx2", "avx512", "amx"; fails above the machine. NULL restores the default. */
PLN_API pln_status pln_context_set_isa(pln_context *ctx, const char *isa) PLN_CHECK;
PLN_API const char *pln_context_isa(const pln_context *ctx);
/* Where networks run: "auto" (the first GPU if there is one, else the CPU), "cpu", "cuda" or
 * "cuda:N". Other methods run on the CPU. A GPU that cannot be used is PLN_E_UNSUPPORTED or
 * PLN_E_DEVICE of the call that runs a network. What was kept on another device is released. NULL
 * restores the default. */
PLN_API pln_status pln_context_set_device(pln_context *ctx, const char *device) PLN_CHECK;
PLN_API const char *pln_context_device(const pln_context *ctx);
/* Bytes held now, and the most held since the context was made or since pln_context_reset_peak.
 * Images count. */
PLN_API uint64_t pln_context_bytes(const pln_context *ctx);
PLN_API uint64_t pln_context_peak(const pln_context *ctx);
PLN_API void pln_context_reset_peak(pln_context *ctx);

/* ---- Images ---- */

/* Pixels in place: float, h rows of w pixels of c interleaved channels, `stride` floats from row to
 * row. */
typedef struct pln_view {
    float *data;
    size_t w, h, c;
    ptrdiff_t stride;
} pln_view;

/* A picture: gamma-encoded RGB or grey (c = 3 or 1), nominal range [0,1], values outside are kept;
 * optionally one alpha plane in [0,1]; and what its file said: depth, profile, EXIF, pages. */
typedef struct pln_image pln_image;

/* Zero-filled. c: 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha. PLN_E_LIMIT above 2^31 samples. */
PLN_API pln_status pln_image_new_f32(pln_context *ctx, size_t w, size_t h, size_t c,
                                     pln_image **image) PLN_CHECK;
/* Borrows `pixels` (c = 1 or 3, stride in floats, 0 means w * c); they must outlive the image and
 * are never written. */
PLN_API pln_status pln_image_view_f32(pln_context *ctx, const float *pixels, size_t w, size_t h,
                                      size_t c, ptrdiff_t stride, pln_image **image) PLN_CHECK;
PLN_API void pln_image_free(pln_image *image);
PLN_API size_t pln_image_width(const pln_image *image);
PLN_API size_t pln_image_height(const pln_image *image); /* of one page */
PLN_API size_t
pln_image_pages(const pln_image *image); /* stacked: the pixels have height x pages rows */
PLN_API size_t pln_image_channels(const pln_image *image); /* colour channels: 1 or 3 */
PLN_API bool pln_image_has_alpha(const pln_image *image);
/* Bits a sample in the file: 1, 2, 4, 8, 16, 32; 32 means float. */
PLN_API int pln_image_depth(const pln_image *image);
/* The colour pixels of all pages; h = height x pages. Writable only for images the caller owns. */
PLN_API pln_view pln_image_pixels(const pln_image *image);
/* The alpha plane (c = 1); data is NULL when there is none. */
PLN_API pln_view pln_image_alpha(const pln_image *image);

typedef enum pln_nan { PLN_NAN_ERROR, PLN_NAN_ZERO } pln_nan;

typedef struct pln_load_options {
    size_t size;
    int page;             /* 0: all pages; n: only page n, counted from 1 */
    pln_nan nan;          /* NaN and Inf: PLN_E_FORMAT naming the first pixel, or replaced by 0 */
    bool allow_truncated; /* use the rows that decode; default: an error */
} pln_load_options;

/* PNG, JPEG, TIFF, WebP, AVIF/HEIC, JPEG XL, PFM, HDR, EXR ... as libvips was built, and .npy; "-"
 * is standard input. Orientation is applied; CMYK, Lab, palette and 1-bit become RGB or grey
 * through the profile; CMYK and Lab are written as such where the format can. */
PLN_API pln_status pln_image_load(pln_context *ctx, const char *path, pln_image **image) PLN_CHECK;
PLN_API pln_status pln_image_load_with(pln_context *ctx, const char *path,
                                       const pln_load_options *options,
                                       pln_image **image) PLN_CHECK;
/* The same from memory; `name` appears in messages. */
PLN_API pln_status pln_image_load_memory(pln_context *ctx, const void *bytes, size_t length,
                                         const char *name, const pln_load_options *options,
                                         pln_image **image) PLN_CHECK;

typedef struct pln_save_options {
    size_t size;
    int depth;          /* 0: keep (the file the picture came from), 8, 16, or 32 for float */
    const char *format; /* NULL: by the extension of the path; else "png", "jpeg", "tiff", "webp",
                           "npy", ... */
    int quality;        /* 1..100 for lossy formats, 0: the format's default here (JPEG 92) */
    bool
        strip; /* write no EXIF, XMP and no profile other than the one needed to show the colours */
} pln_save_options;

/* Written under a temporary name in the target's folder, synced, renamed: whole or not at all. "-"
 * is standard output (needs `format`). Integers are rounded to nearest and saturated. */
PLN_API pln_status pln_image_save(pln_context *ctx, const pln_image *image, const char *path,
                                  const pln_save_options *options) PLN_CHECK;

/* ---- Methods ---- */

typedef enum pln_type { PLN_TYPE_END, PLN_TYPE_REAL, PLN_TYPE_INT, PLN_TYPE_CHOICE } pln_type;
typedef enum pln_scale { PLN_LINEAR, PLN_LOG } pln_scale;

/* One parameter: a member of the method's parameter struct (double, int, or int index of a choice).
 */
typedef struct pln_param {
    pln_type type;
    const char *flag;   /* "sigma-s": --sigma-s, key of config files, sigma_s in Python */
    const char *symbol; /* as in the paper: "σ_s" */
    const char *unit;   /* "px", "range", "range²", "" */
    const char *help;   /* one line, no full stop */
    size_t offset;      /* of the member */
    double min, max,
        init;      /* bounds are inclusive unless opened below; init of a choice is its index */
    bool min_open; /* the value min itself is not allowed */
    const char *const *choices; /* NULL-terminated */
    pln_scale scale;            /* how strengths and sliders interpolate */
} pln_param;

#define PLN_REAL(type_, member_, ...)                                                              \
    {                                                                                              \
        .type = PLN_TYPE_REAL, .offset = offsetof(type_, member_), __VA_ARGS__                     \
    }
#define PLN_INT(type_, member_, ...)                                                               \
    {                                                                                              \
        .type = PLN_TYPE_INT, .offset = offsetof(type_, member_), __VA_ARGS__                      \
    }
#define PLN_CHOICE(type_, member_, ...)                                                            \
    {                                                                                              \
        .type = PLN_TYPE_CHOICE, .offset = offsetof(type_, member_), __VA_ARGS__                   \
    }
#define PLN_PARAM_END                                                                              \
    {                                                                                              \
        .type = PLN_TYPE_END                                                                       \
    }

/* A named point: "lambda=0.04 sigma=5", flags as keys, unnamed ones at their defaults. */
typedef struct pln_preset {
    const char *name, *values, *help;
} pln_preset;

enum {
    /* A second picture of the same size may steer the filter. */
    PLN_CAP_GUIDE = 1,
    /* Constants assume [0,1]: brighter pictures are scaled down, filtered, scaled back. */
    PLN_CAP_UNIT_RANGE = 2,
    /* Learned. */
    PLN_CAP_NET = 4,
    /* Takes minutes a megapixel: left out where all methods are run. */
    PLN_CAP_SLOW = 8
};

/* What one call of pln_method.run sees. Rows are numbered in the whole picture. A method with a
 * halo may be given any strip: it reads rows [in_y, in_y + in.h) (clipped to the picture), writes
 * rows [y0, y1), y0 a multiple of 64, and must give the same bytes for any split. A global method
 * is always given the whole picture. `in`, `guide` and `out` never overlap and have a stride of
 * their own. */
typedef struct pln_run {
    size_t size;
    const void *params; /* the method's struct, checked against the schema */
    size_t w, h;        /* of the whole picture */
    pln_view in;        /* c = 1 or 3; never written */
    pln_view guide; /* c = 1 or 3, the same rows as `in`; data == NULL: the picture guides itself */
    pln_view out;   /* out.h = y1 - y0, c as `in` */
    size_t in_y, y0, y1;
    const char *preset;                /* its name; "default" if none was asked for */
    const struct pln_net_options *net; /* of methods with PLN_CAP_NET */
} pln_run;

typedef struct pln_method {
    size_t size;
    const char *name;  /* "rtv" */
    const char *title; /* "Relative total variation" */
    const char *paper; /* authors, "title", venue year */
    int year;
    const char *summary;     /* the idea in one line */
    const char *formula;     /* Markdown for the method's page: the model and the steps */
    const char *use;         /* when to take it: full sentences */
    const char *avoid;       /* when not */
    const char *cost;        /* "O(N R²)" */
    const pln_param *schema; /* ends with PLN_PARAM_END */
    size_t params_size;
    const pln_preset *presets; /* ends with a NULL name; the first is "default" */
    /* Tuning points of the published comparisons, each "flag=v ...", NULL at the end. */
    const char *const *grid;
    /* Points from weak to strong, for --strength; NULL at the end. */
    const char *const *ladder;
    unsigned caps;
    /* Rows above and below an output row that it depends on; NULL: the method is global. */
    size_t (*halo)(const void *params);
    /* Most bytes held while running on w x h x c, beyond input, guide and output. Must not be
     * exceeded. */
    size_t (*memory)(const void *params, size_t w, size_t h, size_t c, int threads);
    /* Roughly nanoseconds a pixel (c channels) in one thread of a 2023 server core, for plans and
     * ETAs. */
    double (*nanoseconds)(const void *params, size_t c);
    /* True if these parameters mean "return the input bit for bit"; NULL: never. */
    bool (*identity)(const void *params);
    pln_status (*run)(pln_context *ctx, const pln_run *run);
    /* For the tests that walk all methods: largest change of a constant picture, and largest
     * difference between filter(flip(x)) and flip(filter(x)); negative: not promised. */
    double constant_tolerance, flip_tolerance;
} pln_method;

/* Built-in methods in the order of the documentation, then those registered with `ctx` (NULL:
 * built-in only). */
PLN_API const pln_method *pln_method_first(const pln_context *ctx);
PLN_API const pln_method *pln_method_next(const pln_context *ctx, const pln_method *method);
/* NULL if there is none. */
PLN_API const pln_method *pln_method_find(const pln_context *ctx, const char *name);
PLN_API size_t pln_method_param_count(const pln_method *method);
/* The i-th parameter, NULL past the end. */
PLN_API const pln_param *pln_method_param(const pln_method *method, size_t i);
/* Adds a method of the caller's, which must outlive the context. PLN_E_ARG if the name is taken or
 * a field is missing. */
PLN_API pln_status pln_register_method(pln_context *ctx, const pln_method *method) PLN_CHECK;

/* ---- Parameters ---- */

typedef struct pln_params pln_params;

/* `method` is "rtv" or "rtv:preset". Unknown names: PLN_E_ARG with the nearest one. */
PLN_API pln_status pln_params_new(pln_context *ctx, const char *method,
                                  pln_params **params) PLN_CHECK;
PLN_API void pln_params_free(pln_params *params);
PLN_API const pln_method *pln_params_method(const pln_params *params);
/* Integer parameters take integral values; choices only pln_params_set. */
PLN_API pln_status pln_params_set_real(pln_context *ctx, pln_params *params, const char *flag,
                                       double value) PLN_CHECK;
PLN_API pln_status pln_params_set_int(pln_context *ctx, pln_params *params, const char *flag,
                                      int value) PLN_CHECK;
/* From text: "0.02", "10/255", "7", "disk". C locale. */
PLN_API pln_status pln_params_set(pln_context *ctx, pln_params *params, const char *flag,
                                  const char *text) PLN_CHECK;
/* Several at once: "lambda=0.04 sigma=5". */
PLN_API pln_status pln_params_apply(pln_context *ctx, pln_params *params,
                                    const char *values) PLN_CHECK;
/* 0 weakest .. 1 strongest point of the method's ladder, interpolated between neighbours. */
PLN_API pln_status pln_params_strength(pln_context *ctx, pln_params *params,
                                       double strength) PLN_CHECK;
/* Value of a real or integer parameter, index of a choice. */
PLN_API pln_status pln_params_get(pln_context *ctx, const pln_params *params, const char *flag,
                                  double *value) PLN_CHECK;
/* Shortest text that reads back as the same value; at most 31 characters. */
PLN_API pln_status pln_params_text(pln_context *ctx, const pln_params *params, const char *flag,
                                   char text[32]) PLN_CHECK;
/* How learned methods run. */
typedef enum pln_precision {
    PLN_PRECISION_AUTO, /* bf16 where the processor multiplies it (AMX), else f32 */
    PLN_PRECISION_F32,
    PLN_PRECISION_BF16, /* bf16 values, sums in f32; below AVX-512 PLN_E_UNSUPPORTED */
    PLN_PRECISION_F16   /* devices only */
} pln_precision;

typedef struct pln_net_options {
    size_t size;
    /* Weights file (safetensors); NULL: the model of the method and preset, looked for in
     * $PLANISH_MODELS, beside the library, in $XDG_DATA_HOME/planish/models and
     * /usr/share/planish/models. */
    const char *weights;
    pln_precision precision;
    bool ensemble; /* mean of the results of all eight flips and turns */
    int tile; /* 0: tiles where the whole picture needs too much memory; -1: never; else the side
                 of tiles */
    double noise; /* SASNet: standard deviation of n; 0: none */
    int samples;  /* SASNet: draws of n whose results are averaged; 0 means 1 */
} pln_net_options;
/* PLN_E_ARG for a method without PLN_CAP_NET. Copied. */
PLN_API pln_status pln_params_set_net(pln_context *ctx, pln_params *params,
                                      const pln_net_options *options) PLN_CHECK;

/* The method's struct, valid until the next change. */
PLN_API const void *pln_params_values(const pln_params *params);

/* ---- Smoothing ---- */

typedef enum pln_channels { PLN_CHANNELS_RGB, PLN_CHANNELS_LUMA, PLN_CHANNELS_LAB } pln_channels;
typedef enum pln_space { PLN_SPACE_ENCODED, PLN_SPACE_LINEAR } pln_space;
typedef enum pln_transparency { PLN_ALPHA_KEEP, PLN_ALPHA_FILTER, PLN_ALPHA_DROP } pln_transparency;
typedef enum pln_range { PLN_RANGE_AUTO, PLN_RANGE_AS_IS } pln_range;

typedef struct pln_smooth_options {
    size_t size;
    pln_channels channels; /* rgb: jointly, as the authors do; luma: only Y'; lab: L of CIELAB */
    pln_space space;       /* encoded values, or linear light (sRGB curve) and back */
    pln_transparency
        transparency; /* what happens to alpha; colours are premultiplied while filtering and
                       * divided by the filtered alpha: what cannot be seen does not bleed */
    pln_range
        range; /* auto: methods with PLN_CAP_UNIT_RANGE see values above 1 scaled into [0,1] */
    const pln_image *mask; /* 1 channel, the size of the input: the result only where mask > 0 */
    size_t strip;          /* rows a strip, rounded up to 64; 0: chosen by memory */
} pln_smooth_options;

/* out has the shape, depth and file information of in. guide (NULL: none): same size, 1 or 3
 * channels. */
PLN_API pln_status pln_smooth(pln_context *ctx, const pln_params *params, const pln_image *in,
                              const pln_image *guide, pln_image **out) PLN_CHECK;
PLN_API pln_status pln_smooth_with(pln_context *ctx, const pln_params *params, const pln_image *in,
                                   const pln_image *guide, const pln_smooth_options *options,
                                   pln_image **out) PLN_CHECK;
/* Raw pixels, c = 1 or 3, strides in floats (0: w * c). src and dst may not overlap; dst is
 * untouched on failure found before the run starts and undefined after a cancel. */
PLN_API pln_status pln_smooth_f32(pln_context *ctx, const pln_params *params, const float *src,
                                  size_t w, size_t h, size_t c, ptrdiff_t stride, float *dst,
                                  ptrdiff_t dst_stride) PLN_CHECK;

/* What pln_smooth_with would need for a picture of this size, without doing it. */
typedef struct pln_plan {
    size_t size;
    uint64_t bytes; /* working memory beyond input and output */
    uint64_t total; /* bytes with input and output */
    uint64_t limit; /* what may be used now */
    size_t strip;   /* rows a strip; h: whole */
    size_t halo;    /* rows */
    double seconds; /* estimate for this context's threads */
    bool fits;
} pln_plan;
PLN_API pln_status pln_plan_smooth(pln_context *ctx, const pln_params *params, size_t w, size_t h,
                                   size_t c, pln_plan *plan) PLN_CHECK;

/* ---- Scores ---- */
/* Both pictures of equal width, height and colour channels; alpha is ignored; double accumulation.
 * Range [0,1]. */

typedef enum pln_score {
    PLN_SCORE_PSNR,   /* dB over all pixels and channels, 100 where the MSE is below 1e-10 */
    PLN_SCORE_SSIM_A, /* 11 x 11 Gaussian 1.5, zero border, every pixel: Easy2Hard and CSGIS-Net's
                         code */
    PLN_SCORE_SSIM_B, /* 7 x 7 uniform, inner windows: scikit-image's default; needs 7 x 7 */
    PLN_SCORE_SSIM_C, /* Wang et al. 2004 on luma, inner windows; needs 11 x 11 */
    PLN_SCORE_MAE,
    PLN_SCORE_RMSE,
    PLN_SCORE_EDGES,     /* edge preservation index of Sattar et al. 1997: correlation of the
                            Laplacians, 1 is best */
    PLN_SCORE_REVERSALS, /* share of the reference's steps of at least 0.02 between neighbours that
                            go the other way, 0 is best */
    /* Energy of Fan et al. 2018 of the picture as the result of smoothing the reference, with the
     * authors' scaling and bounded slopes: 0 or more, small is good. */
    PLN_SCORE_FAN_SMOOTH,
    PLN_SCORE_FAN_ABSTRACTION,
    PLN_SCORE_FAN_DETAIL,
    PLN_SCORE_FAN_TEXTURE
} pln_score;

PLN_API pln_status pln_score_images(pln_context *ctx, pln_score kind, const pln_image *image,
                                    const pln_image *reference, double *value) PLN_CHECK;
/* Several references with non-negative weights (normalised to sum 1): WMAE and WRMSE of Zhu et al.
 * 2019. */
PLN_API pln_status pln_score_weighted(pln_context *ctx, const pln_image *image,
                                      const pln_image *const *references, const double *weights,
                                      size_t n, double *wmae, double *wrmse) PLN_CHECK;

#ifdef __cplusplus
}
#endif
#endif
