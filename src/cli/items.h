/* SPDX-License-Identifier: MIT */
/* items: from the words of a command line to pairs of input and output. */
#ifndef PLN_CLI_ITEMS_H
#define PLN_CLI_ITEMS_H

#include "cli/cli.h"

struct cli_item {
    char *input;
    char *folder;          /* of a folder argument: the sub-folder the file is in, "." at its top */
    char *output, *detail; /* detail: NULL if there is none */
    bool skip;             /* the output is there and shall stay */
};

struct cli_items {
    struct cli_item *list;
    size_t count;
    bool batch;   /* several, or from a folder: reports are lines */
    bool folders; /* outputs were named by a folder or a template: it may have to be made */
};

/* How an output is named. */
struct cli_naming {
    const char *flag;   /* "--output", in messages */
    const char *target; /* file, folder, template, "-", or NULL: the default */
    const char *method; /* %m */
    const char *format; /* canonical, or NULL: the input's */
    const char *suffix; /* of the default name: STEM.SUFFIX.EXT */
    bool in_place;      /* the default is the input itself */
};

/* Files as they are, folders as the pictures in them in the order of their names (with `recursive`
 * also below, but never in `exclude`), "-". Returns an exit code, the error printed. */
int cli_items_collect(const struct cli *cli, const struct cli_list *args, bool recursive,
                      const char *exclude, struct cli_items *items);
void cli_items_free(struct cli_items *items);
/* Leaves every shards-th item from number `shard` on. */
void cli_items_share(struct cli_items *items, size_t shard, size_t shards);
/* Fills .output (or .detail). */
int cli_items_name(const struct cli *cli, struct cli_items *items, const struct cli_naming *naming,
                   bool detail);
/* No two outputs are one file, and none is an input, but its own one with `in_place`. others:
 * further inputs (guide, mask), NULL at the end. */
int cli_items_check(const struct cli *cli, const struct cli_items *items, bool in_place,
                    const char *const *others);
/* --format NAME: *format becomes its canonical name; NULL for NULL. */
int cli_format_check(const struct cli *cli, const char *name, const char **format);
/* cli_items_check for a command whose files are all named. inputs, outputs: `count` each, NULL is
 * none. */
int cli_files_check(const struct cli *cli, const char *const *inputs, const char *const *outputs,
                    size_t count);
/* Makes the folders that outputs go to, where they were named as folders or by a template. */
int cli_items_folders(const struct cli *cli, const struct cli_items *items);

#endif
