/* SPDX-License-Identifier: MIT */
/* The C interface in one screen: smooths a picture with RTV.
 *     cc smooth.c $(pkg-config --cflags --libs planish) -o smooth && ./smooth in.jpg out.png */
#include <planish/planish.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    pln_context *ctx = NULL; /* threads, memory, callbacks, the last message */
    pln_image *in = NULL, *out = NULL;
    pln_params *params = NULL;
    pln_status status;

    if (argc != 3) {
        fprintf(stderr, "usage: %s IN OUT\n", argv[0]);
        return 2;
    }
    /* Each step leaves its message in the context when it fails; NULL is fine for everything below.
     */
    if ((status = pln_context_new(&ctx)) || (status = pln_image_load(ctx, argv[1], &in)) ||
        (status = pln_params_new(ctx, "rtv", &params)) ||
        (status = pln_params_set_real(ctx, params, "lambda", 0.015)) ||
        (status = pln_smooth(ctx, params, in, NULL, &out)) ||
        (status = pln_image_save(ctx, out, argv[2], NULL)))
        fprintf(stderr, "%s: %s\n", pln_status_name(status), pln_context_message(ctx));

    pln_image_free(out);
    pln_params_free(params);
    pln_image_free(in);
    pln_context_free(ctx);
    return status != PLN_OK;
}
