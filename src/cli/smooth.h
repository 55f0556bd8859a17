/* SPDX-License-Identifier: MIT */
/* What the files of `smooth` share: its flags, and the way of a video. */
#ifndef PLN_CLI_SMOOTH_H
#define PLN_CLI_SMOOTH_H

#include "cli/items.h"

struct smooth {
    const char *method, *guide, *mask, *output, *detail, *format;
    struct cli_list params;
    double strength;
    int channels, space, transparency, range, nan, depth, page, quality, jobs;
    bool recursive, allow_truncated, strip, clobber, in_place, go_on, dry_run;
    /* Of networks. */
    const char *weights, *tile;
    int precision, samples;
    double noise;
    bool ensemble;
};

/* y4m.c. True if the input is a YUV4MPEG2 video, or the flags ask for one. */
bool cli_is_y4m(const struct cli *cli, const struct smooth *o);
/* Frame by frame from the input to the output. Returns an exit code, the error printed. */
int cli_smooth_y4m(const struct cli *cli, const struct smooth *o, pln_context *ctx,
                   const pln_params *params, const pln_image *guide,
                   const pln_smooth_options *options);
/* What cli_is_y4m had to read of standard input to tell. */
const char *cli_stdin_head(size_t *length);

#endif
