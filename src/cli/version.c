/* SPDX-License-Identifier: MIT */
/* planish --version: what this build has, what this machine has. */
#include <glib.h>
#include <string.h>
#include <vips/vips.h>

#include "cli/cli.h"
#include "device/device.h"
#include "image/image.h"

#ifdef PLN_FFTW
#define FFT "FFTW"
#else
#define FFT "KissFFT"
#endif

static int print_json(const struct cli *cli, pln_context *ctx)
{
    json_t *formats = json_array();
    char line[64];
    for (size_t i = 0; pln_format_line(i, line); i++)
        json_array_append_new(formats, json_string(line));
    json_t *devices = json_pack("[s]", "cpu");
    for (int i = 0; i < pln_device_count(); i++)
        json_array_append_new(devices, json_sprintf("cuda:%d", i));
    return cli_json_print(
        cli,
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o}", "schema", "planish.version/1",
                  "version", pln_version(), "isa", pln_context_isa(ctx), "machine",
                  pln_isa_name(pln_isa_machine()), "threads", pln_context_threads(ctx), "fft", FFT,
                  "vips", vips_version_string(), "devices", devices, "formats", formats),
        false);
}

int cli_print_version(const struct cli *cli)
{
    pln_context *ctx = NULL;
    char line[64];
    int code = cli_context(cli, 1, &ctx);
    if (code) return code;
    if (cli->json) {
        code = print_json(cli, ctx);
    } else {
        printf("planish %s\n", pln_version());
        printf("instruction set  %s (this machine: %s)\n", pln_context_isa(ctx),
               pln_isa_name(pln_isa_machine()));
        printf("threads          %d\n", pln_context_threads(ctx));
        printf("Fourier          %s\n", FFT);
        printf("files            libvips %s\n", vips_version_string());
        for (size_t i = 0; pln_format_line(i, line); i++) printf("                 %s\n", line);
        printf("devices          cpu");
        for (int i = 0; i < pln_device_count(); i++) printf(", cuda:%d", i);
        printf("\n");
        code = cli_flush(cli);
    }
    pln_context_free(ctx);
    return code;
}
