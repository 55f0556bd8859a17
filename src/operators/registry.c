/* SPDX-License-Identifier: MIT */
/* The list of built-in methods: one line an operator, in the order of the documentation. */
#include "operators/operators.h"

extern const pln_method pln_method_bf, pln_method_gf, pln_method_fgf, pln_method_rgf, pln_method_l0,
    pln_method_rtv, pln_method_wls, pln_method_fgs, pln_method_sdf, pln_method_ils,
    pln_method_dt_nc, pln_method_dt_ic, pln_method_dt_rf, pln_method_fan_adam, pln_method_fan_irls;
/* The learned ones: nets/methods.c. */
extern const pln_method pln_method_fan, pln_method_jess, pln_method_csgis, pln_method_sasnet,
    pln_method_mi;

const pln_method *const pln_builtin_methods[] = {
    &pln_method_bf,
    &pln_method_gf,
    &pln_method_fgf,
    &pln_method_rgf,
    &pln_method_l0,
    &pln_method_rtv,
    &pln_method_wls,
    &pln_method_fgs,
    &pln_method_sdf,
    &pln_method_ils,
    &pln_method_dt_nc,
    &pln_method_dt_ic,
    &pln_method_dt_rf,
    &pln_method_fan_adam,
    &pln_method_fan_irls,
    /* learned */
    &pln_method_fan,
    &pln_method_jess,
    &pln_method_csgis,
    &pln_method_sasnet,
    &pln_method_mi,
    NULL,
};
