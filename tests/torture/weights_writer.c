/* SPDX-License-Identifier: MIT */
/* weights_writer FILE: writes a small weights file and ends as the command does: 0, or 4 and one
 * line. */
#include <stdio.h>

#include "nn/safetensors.h"

int main(int argc, char **argv)
{
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    static const size_t shape[2] = {2, 3};
    static const pnn_st_source source = {"weight", PNN_F32, 2, shape, values};
    static const pnn_st_text text = {"system", "test"};
    pln_context *ctx = NULL;

    if (argc != 2 || pln_context_new(&ctx)) return 1;
    pln_status s = pnn_st_write(ctx, argv[1], &source, 1, &text, 1);
    if (s) fprintf(stderr, "planish: error: %s\n", pln_context_message(ctx));
    pln_context_free(ctx);
    return s == PLN_E_WRITE ? 4 : s != PLN_OK;
}
