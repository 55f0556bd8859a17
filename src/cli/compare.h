/* SPDX-License-Identifier: MIT */
/* The page of `compare`, in two pieces around its data. */
#ifndef PLN_CLI_COMPARE_H
#define PLN_CLI_COMPARE_H

extern const char pln_compare_page_head[], pln_compare_page_tail[];

#endif
