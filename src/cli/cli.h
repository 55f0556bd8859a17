/* SPDX-License-Identifier: MIT */
/* cli: the command. One static option table a command; the parser, help, man pages, completions and
 * config keys all read that table. A command is a file with a struct of values, the table, a
 * function and one descriptor, listed in main.c. */
#ifndef PLN_CLI_CLI_H
#define PLN_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "core/core.h"

/* ---- Option tables ---- */

typedef enum cli_kind {
    CLI_END,
    CLI_GROUP,  /* a heading: .help */
    CLI_SWITCH, /* bool; --NAME sets it, --no-NAME clears it; on by default: help is of --no-NAME */
    CLI_COUNT,  /* int; each --NAME adds 1, --no-NAME makes it 0 */
    CLI_TEXT,   /* const char *; .init_text or NULL */
    CLI_LIST,   /* struct cli_list; all occurrences, in order */
    CLI_INT,    /* int in [min, max] */
    CLI_REAL,   /* double in [min, max], also "p/q" */
    CLI_UINT64, /* uint64_t */
    CLI_SIZE,   /* uint64_t bytes: 512M, 4G */
    CLI_CHOICE  /* int: index into .choices */
} cli_kind;

struct cli_option {
    cli_kind kind;
    char letter;      /* 'o' for -o; 0: none */
    bool min_open;    /* min itself is not allowed */
    bool rare;        /* in --help and the man page, not in -h */
    const char *name; /* "output" for --output */
    const char *arg;  /* "FILE": the value in help; choices write themselves */
    const char *help; /* one line, no full stop */
    size_t offset;    /* of the member in the command's struct of values */
    double min, max, init;
    const char *init_text;      /* default of a text; of others: how help shows it ("automatic") */
    const char *const *choices; /* NULL-terminated */
    const char *variable;       /* environment variable */
    const char *complete;       /* what shells offer: "file", "method" or NULL */
};

#define CLI_OPTION(kind_, type_, member_, ...)                                                     \
    {                                                                                              \
        .kind = kind_, .offset = offsetof(type_, member_), __VA_ARGS__                             \
    }
#define CLI_HEADING(text_)                                                                         \
    {                                                                                              \
        .kind = CLI_GROUP, .help = text_                                                           \
    }
#define CLI_OPTIONS_END                                                                            \
    {                                                                                              \
        .kind = CLI_END                                                                            \
    }

/* A word of the command line and its place among the others: what stands after which -m. */
struct cli_word {
    const char *text;
    int position;
};
struct cli_list {
    struct cli_word *words;
    size_t count;
};
/* --FLAG VALUE or -p FLAG=VALUE of a method's parameter. */
struct cli_setting {
    const char *flag, *value;
    int position;
};

/* ---- Commands ---- */

struct cli;

struct cli_command {
    const char *name;    /* "smooth" */
    const char *usage;   /* "IN... -o OUT -m METHOD [--PARAM V]": after the name */
    const char *summary; /* one line, no full stop */
    const char
        *description;     /* paragraphs for --help and the man page, separated by an empty line */
    const char *examples; /* one a line: "planish smooth ...\twhat it does" */
    const struct cli_option *options; /* ends with CLI_OPTIONS_END */
    size_t values_size;               /* of the struct that the options fill */
    size_t args_min, args_max;        /* words that are not flags */
    const char *arg_complete;         /* what shells offer: "file", "method", "command", or words */
    bool settings;                    /* method parameters are flags of this command too (and -p) */
    /* Returns the exit code. The error is printed already. values: values_size bytes, filled. */
    int (*run)(struct cli *cli, void *values);
};

extern const struct cli_command cli_smooth, cli_methods, cli_compare, cli_metric, cli_sample,
    cli_dataset, cli_eval, cli_train, cli_export, cli_nets, cli_bench, cli_completion, cli_man;

/* All commands in the order of help, NULL at the end; and the flags that all of them take. */
extern const struct cli_command *const cli_commands[];
extern const struct cli_option cli_global_options[];
const struct cli_command *cli_find_command(const char *name);

enum { CLI_PROGRESS_AUTO, CLI_PROGRESS_NONE, CLI_PROGRESS_BAR, CLI_PROGRESS_JSON };

/* What a command sees of its call. */
struct cli {
    bool quiet, json;
    int verbose;
    int threads; /* 0: automatic */
    int progress;
    /* Of pln_parse_device, and there: others end the program before the command. */
    const char *device;
    const char *config;
    uint64_t seed, memory;          /* memory 0: automatic */
    bool help, help_short, version; /* help_short: -h */

    const struct cli_command *command;
    struct cli_list args; /* words that are not flags; "-" is standard input or output */
    struct cli_setting *settings;
    size_t setting_count;
    struct cli_values *set; /* config.c: what was set, and from where */
};

/* Where a value came from: "flag", "PLANISH_THREADS", a config file's name, "default". */
const char *cli_origin(const struct cli *cli, const char *name);
/* True unless the value is the default. */
bool cli_given(const struct cli *cli, const char *name);

/* ---- Exit codes and messages (one line each, to stderr) ---- */

enum {
    CLI_OK = 0,
    CLI_EXIT_SOME = 1,  /* batch: some items failed */
    CLI_EXIT_USAGE = 2, /* command line or config */
    CLI_EXIT_INPUT = 3,
    CLI_EXIT_OUTPUT = 4,
    CLI_EXIT_MEMORY = 5,
    CLI_EXIT_UNAVAILABLE = 6,
    CLI_EXIT_MODEL = 7,
    CLI_EXIT_CHECK = 8, /* a check that was asked for failed */
    CLI_EXIT_BUG = 70,
    CLI_EXIT_SIGNAL = 128
};
/* PLN_E_CANCELLED: 128 + the signal. */
int cli_exit_code(pln_status s);
/* "planish: error: ..."; returns code. Any thread. */
int cli_fail(const struct cli *cli, int code, const char *format, ...) PLN_PRINTF(3, 4);
/* The message of ctx, after "WHAT: " if `what` is not NULL and not its beginning already. Returns
 * cli_exit_code(s). */
int cli_fail_status(const struct cli *cli, const pln_context *ctx, pln_status s, const char *what);
/* "planish: warning: ...", unless --quiet. */
void cli_warn(const struct cli *cli, const char *format, ...) PLN_PRINTF(2, 3);
/* "planish: ..." if --verbose was given at least `level` times. */
void cli_note(const struct cli *cli, int level, const char *format, ...) PLN_PRINTF(3, 4);

/* ---- Contexts, methods, signals ---- */

/* A context as the global flags say, its warnings and details printed, cancelled by SIGINT and
 * SIGTERM. share: how many of them work at once and so divide threads and memory (1: alone).
 * Returns an exit code, the error printed. */
int cli_context(const struct cli *cli, int share, pln_context **result);
/* The signal that arrived, or 0. */
int cli_signal(void);

/* "rtv" or "rtv:preset", then the [METHOD] group of the config (only for the bare name without
 * strength), then strength (negative: none), then the settings whose position is in [from, to).
 * Returns an exit code, the error printed. */
int cli_params(const struct cli *cli, pln_context *ctx, const char *method, double strength,
               int from, int to, pln_params **result);
/* Positions that hold any setting. */
#define CLI_ALL_POSITIONS 0, 0x7fffffff
/* -v: every parameter, its value and where it came from. */
void cli_note_params(const struct cli *cli, pln_context *ctx, const pln_params *params,
                     const char *method, double strength);

/* ---- Progress ---- */

/* A bar on a terminal, or JSON lines, to stderr, for `items` pieces of work of equal weight. Any
 * number of contexts may report to one. NULL where there is nothing to show; all calls take that.
 */
struct cli_progress;
struct cli_progress *cli_progress_new(const struct cli *cli, size_t items);
/* Reports of ctx count for item `item` (from 0) from now on. ctx still answers to signals. */
void cli_progress_attach(struct cli_progress *progress, pln_context *ctx, size_t item);
void cli_progress_done(struct cli_progress *progress, size_t item);
void cli_progress_free(struct cli_progress *progress);

/* ---- JSON ---- */

/* {"lambda": 0.02, "window": "disk"} */
json_t *cli_json_params(pln_context *ctx, const pln_params *params);
/* Writes to stdout and frees `document`: indented, or on one line. Returns an exit code. Any
 * thread. */
int cli_json_print(const struct cli *cli, json_t *document, bool line);
/* Flushes stdout; CLI_EXIT_OUTPUT with a message if anything written there was lost. */
int cli_flush(const struct cli *cli);

/* ---- Text from the tables ---- */

/* "planish COMMAND --help", or the overview for NULL. all: also the rare flags. */
void cli_print_help(FILE *f, const struct cli_command *command, bool all);
/* "--output FILE", "--space encoded|linear", "--[no-]strip": an option as help shows it. */
void cli_option_usage(const struct cli_option *o, char text[160]);
/* "(default 0.5)" or "". */
void cli_option_default(const struct cli_option *o, char text[80]);
/* Parameter i of all methods' parameters without repetition; NULL past the end. */
const pln_param *cli_any_param(size_t i);

/* Monotonic seconds. */
double cli_seconds(void);

/* ---- Between this room's files ---- */

/* options.c. Fills cli, and *values (to be freed by cli_release) if the command is known. Returns
 * an exit code, the error printed. */
int cli_parse(struct cli *cli, int argc, char **argv, void **values);
void cli_release(struct cli *cli, void *values);
/* Text into the member of `base` that o describes. `label` names it in messages: "--threads",
 * "PLANISH_THREADS", "FILE: [smooth] jobs". */
int cli_store(const struct cli *cli, const struct cli_option *o, void *base, const char *label,
              const char *text);
/* After cli_configure: -p NAME=VALUE joins the settings. */
int cli_join_params(struct cli *cli, void *values);
/* config.c. Fills what no flag set, from variables, --config and the user's config, in this order.
 */
int cli_configure(struct cli *cli, void *values);
void cli_set_origin(struct cli *cli, const struct cli_option *o, const char *origin);
/* The value of a method's parameter in the config files, or NULL; *origin: the file. */
const char *cli_config_param(const struct cli *cli, const char *method, const char *flag,
                             const char **origin);
/* -v: every flag's value and origin. */
void cli_note_origins(const struct cli *cli, const void *values);
void cli_values_free(struct cli_values *values);
/* version.c */
int cli_print_version(const struct cli *cli);

#endif
