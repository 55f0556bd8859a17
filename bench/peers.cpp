/* SPDX-License-Identifier: MIT */
/* Peers of planish's methods, for `planish bench` only: OpenCV with its contrib modules and
 * SuiteSparse's CHOLMOD, each if it was found. C interface: src/cli/peers.h. No exception leaves
 * this file. */
#include "cli/peers.h"

#include <cmath>
#include <exception>
#include <new>
#include <vector>

#ifdef PEERS_OPENCV
#include <opencv2/core.hpp>
#include <opencv2/core/ocl.hpp>
#include <opencv2/core/version.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/ximgproc/edge_filter.hpp>
#endif
#ifdef PEERS_CHOLMOD
#include <cholmod.h>
#include <dlfcn.h>
#endif

namespace
{

#ifdef PEERS_OPENCV

struct pictures {
    cv::Mat in, out;
};

template <int depth> void *open_pictures(const float *rgb, size_t w, size_t h)
{
    try {
        cv::ocl::setUseOpenCL(false);
        const cv::Mat view(static_cast<int>(h), static_cast<int>(w), CV_32FC3,
                           const_cast<float *>(rgb));
        auto *p = new pictures;
        view.convertTo(p->in, depth, depth == CV_8U ? 255.0 : 1.0);
        p->out.create(p->in.size(), p->in.type());
        return p;
    } catch (const std::exception &) {
        return nullptr;
    }
}

void result_pictures(const void *state, float *rgb)
{
    const auto *p = static_cast<const pictures *>(state);
    cv::Mat view(p->out.rows, p->out.cols, CV_32FC3, rgb);
    p->out.convertTo(view, CV_32F, p->out.depth() == CV_8U ? 1.0 / 255 : 1.0);
}

void close_pictures(void *state) { delete static_cast<pictures *>(state); }

/* Values are for pictures in [0,1]; 8-bit pictures take their colour distances times 255. */
template <class F> int timed(void *state, int threads, F filter)
{
    auto *p = static_cast<pictures *>(state);
    try {
        cv::setNumThreads(threads);
        filter(p->in, p->out, p->in.depth() == CV_8U ? 255.0 : 1.0);
        return 0;
    } catch (const std::exception &) {
        return 1;
    }
}

int bilateral(void *state, int threads)
{
    return timed(state, threads, [](const cv::Mat &in, cv::Mat &out, double range) {
        cv::bilateralFilter(in, out, 15, 0.1 * range, 5, cv::BORDER_REFLECT101);
    });
}

int guided(void *state, int threads)
{
    return timed(state, threads, [](const cv::Mat &in, cv::Mat &out, double range) {
        cv::ximgproc::guidedFilter(in, in, out, 8, 0.01 * range * range);
    });
}

int rolling(void *state, int threads)
{
    return timed(state, threads, [](const cv::Mat &in, cv::Mat &out, double range) {
        cv::ximgproc::rollingGuidanceFilter(in, out, 15, 0.1 * range, 5, 4, cv::BORDER_REFLECT101);
    });
}

int l0(void *state, int threads)
{
    return timed(state, threads, [](const cv::Mat &in, cv::Mat &out, double) {
        cv::ximgproc::l0Smooth(in, out, 0.02, 2.0);
    });
}

/* Its guides are of 8 bits, its lambda is that of the first iteration: fgs's by the paper's
 * formula, 1.5 * 900 * 4^2 / (4^3 - 1). */
int fast_global(void *state, int threads)
{
    return timed(state, threads, [](const cv::Mat &in, cv::Mat &out, double) {
        cv::Mat guide = in;
        if (in.depth() != CV_8U) in.convertTo(guide, CV_8U, 255);
        cv::ximgproc::fastGlobalSmootherFilter(guide, in, out, 1.5 * 900 * 16 / 63, 0.1 * 255, 0.25,
                                               3);
    });
}

template <int mode> int domain_transform(void *state, int threads)
{
    return timed(state, threads, [](const cv::Mat &in, cv::Mat &out, double range) {
        cv::ximgproc::dtFilter(in, in, out, 60, 0.4 * range, mode, 3);
    });
}

#define OPENCV "OpenCV " CV_VERSION " "
#define BF     "sigma-s=5 sigma-r=0.1 radius=7 range-norm=l1 window=disk border=reflect101"
#define RGF    BF " iterations=4 init=input"
#define DT     "sigma-s=60 sigma-r=0.4 iterations=3"

#define F32(method, values, title, run)                                                            \
    {                                                                                              \
        method, values, OPENCV title ", float", open_pictures<CV_32F>, run, result_pictures,       \
            close_pictures                                                                         \
    }
#define U8(method, values, title, run)                                                             \
    {                                                                                              \
        method, values, OPENCV title ", 8 bit", open_pictures<CV_8U>, run, result_pictures,        \
            close_pictures                                                                         \
    }
#endif

const pln_peer all[] = {
#ifdef PEERS_OPENCV
    F32("bf", BF, "bilateralFilter", bilateral),
    U8("bf", BF, "bilateralFilter", bilateral),
    F32("gf", "radius=8 eps=0.01 guide-mode=color", "guidedFilter", guided),
    U8("gf", "radius=8 eps=0.01 guide-mode=color", "guidedFilter", guided),
    F32("rgf", RGF, "rollingGuidanceFilter", rolling),
    U8("rgf", RGF, "rollingGuidanceFilter", rolling),
    F32("l0", "lambda=0.02 kappa=2", "l0Smooth", l0),
    U8("l0", "lambda=0.02 kappa=2", "l0Smooth", l0),
    F32("fgs", "sigma=0.1 lambda=900", "fastGlobalSmootherFilter", fast_global),
    U8("fgs", "sigma=0.1 lambda=900", "fastGlobalSmootherFilter", fast_global),
    F32("dt-nc", DT, "dtFilter", domain_transform<cv::ximgproc::DTF_NC>),
    U8("dt-nc", DT, "dtFilter", domain_transform<cv::ximgproc::DTF_NC>),
    F32("dt-ic", DT, "dtFilter", domain_transform<cv::ximgproc::DTF_IC>),
    U8("dt-ic", DT, "dtFilter", domain_transform<cv::ximgproc::DTF_IC>),
    F32("dt-rf", DT, "dtFilter", domain_transform<cv::ximgproc::DTF_RF>),
    U8("dt-rf", DT, "dtFilter", domain_transform<cv::ximgproc::DTF_RF>),
#endif
    {nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr},
};

#ifdef PEERS_CHOLMOD

/* Upper triangle, a column a pixel: its left and upper neighbour and itself. */
cholmod_sparse *matrix(size_t w, size_t h, const float *right, const float *down,
                       cholmod_common *common)
{
    const size_t n = w * h;
    cholmod_sparse *A = cholmod_allocate_sparse(n, n, 3 * n, 1, 1, 1, CHOLMOD_REAL, common);
    if (!A) return nullptr;
    auto *start = static_cast<int *>(A->p), *row = static_cast<int *>(A->i);
    auto *value = static_cast<double *>(A->x);
    int k = 0;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            const size_t i = y * w + x;
            double diagonal = 1;
            start[i] = k;
            if (y > 0) {
                row[k] = static_cast<int>(i - w);
                value[k++] = -static_cast<double>(down[i - w]);
                diagonal += down[i - w];
            }
            if (x > 0) {
                row[k] = static_cast<int>(i - 1);
                value[k++] = -static_cast<double>(right[i - 1]);
                diagonal += right[i - 1];
            }
            if (x + 1 < w) diagonal += right[i];
            if (y + 1 < h) diagonal += down[i];
            row[k] = static_cast<int>(i);
            value[k++] = diagonal;
        }
    start[n] = k;
    return A;
}

/* CHOLMOD's threads are its BLAS's. Not every BLAS has this. */
void blas_threads(int threads)
{
    using set = void (*)(int);
    if (auto f = reinterpret_cast<set>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) f(threads);
}

int cholmod_solve_rgb(size_t w, size_t h, const float *right, const float *down, const float *f,
                      float *u, int threads, double *bytes)
{
    const size_t n = w * h;
    cholmod_common common;
    int failed = 1;

    blas_threads(threads);
    cholmod_start(&common);
    common.print = 0;
    cholmod_sparse *A = matrix(w, h, right, down, &common);
    cholmod_factor *L = A ? cholmod_analyze(A, &common) : nullptr;
    cholmod_dense *b = cholmod_allocate_dense(n, 3, n, CHOLMOD_REAL, &common), *x = nullptr;
    if (L && b && cholmod_factorize(A, L, &common) && common.status == CHOLMOD_OK) {
        auto *values = static_cast<double *>(b->x);
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < 3; c++) values[c * n + i] = f[3 * i + c];
        x = cholmod_solve(CHOLMOD_A, L, b, &common);
        if (x) {
            values = static_cast<double *>(x->x);
            for (size_t i = 0; i < n; i++)
                for (size_t c = 0; c < 3; c++) u[3 * i + c] = static_cast<float>(values[c * n + i]);
            failed = 0;
        }
    }
    *bytes = static_cast<double>(common.memory_usage);
    cholmod_free_dense(&x, &common);
    cholmod_free_dense(&b, &common);
    cholmod_free_factor(&L, &common);
    cholmod_free_sparse(&A, &common);
    cholmod_finish(&common);
    return failed;
}

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
const pln_spd_peer direct = {
    "CHOLMOD " TEXT(CHOLMOD_MAIN_VERSION) "." TEXT(CHOLMOD_SUB_VERSION) " analyse + factor + solve",
    cholmod_solve_rgb};
const pln_spd_peer *const spd = &direct;
#else
const pln_spd_peer *const spd = nullptr;
#endif

const pln_peers table = {PLN_PEERS_VERSION, all, spd};

} // namespace

extern "C" __attribute__((visibility("default"))) const pln_peers *pln_peers_list(void)
{
    return &table;
}
