/* SPDX-License-Identifier: MIT */
/* A training that is killed, interrupted, or cannot write: no file is left unreadable, no more than
 * the steps since the last checkpoint is lost, and --resume ends with the bytes of a run that
 * nothing happened to. training_test PLANISH [SHIM]; SHIM: failing_calls.so */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/core.h"
#include "nn/safetensors.h"

static const char *planish, *shim;
static char folder[] = "/tmp/planish-training-XXXXXX";
static pln_context *ctx;

PLN_PRINTF(1, 2) static void shell(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (system(command)) fail_msg("%s", command);
}

static pid_t start(const char *run, const char *steps, const char *variable, const char *value)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child) return child;
    char below[PATH_MAX], setting[64];
    int fd = open("messages", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(fd, 2);
    snprintf(setting, sizeof setting, "optimiser.steps=%s", steps);
    if (variable) {
        mkdir(run, 0777);
        setenv("LD_PRELOAD", shim, 1);
        setenv("FAIL_BELOW", realpath(run, below), 1);
        setenv("FAIL_SEEN", "seen", 1);
        setenv(variable, value, 1);
    }
    signal(SIGINT, SIG_DFL);
    execl(planish, planish, "-q", "-t", "1", "train", "r.ini", "--data", "data", "-o", run, "--set",
          setting, "--resume", (char *)NULL);
    _exit(127);
}

static int ended(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void messages(char text[1024])
{
    int fd = open("messages", O_RDONLY);
    ssize_t n = read(fd, text, 1023);
    close(fd);
    text[n < 0 ? 0 : n] = 0;
}

static void finish(const char *run, const char *steps)
{
    char text[1024];
    int code = ended(start(run, steps, NULL, NULL));
    messages(text);
    if (code) fail_msg("%s does not go on: exit %d: %s", run, code, text);
}

static bool is_part(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && !strcmp(name + n - 5, ".part");
}

/* Whether a file is being written now. */
static bool writing(const char *run)
{
    bool found = false;
    DIR *d = opendir(run);
    for (struct dirent *e; d && !found && (e = readdir(d));)
        found = !strncmp(e->d_name, "checkpoint", 10) && is_part(e->d_name);
    if (d) closedir(d);
    return found;
}

/* Every file under its name is whole; returns the step of the newest checkpoint, 0: none. */
static long check(const char *run, bool parts)
{
    long newest = 0;
    DIR *d = opendir(run);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[512];
        long step;
        pnn_st *st = NULL;
        if (is_part(e->d_name) && !parts) fail_msg("%s/%s is left behind", run, e->d_name);
        if (is_part(e->d_name) || !strstr(e->d_name, ".safetensors")) continue;
        snprintf(path, sizeof path, "%s/%s", run, e->d_name);
        OK(ctx, pnn_st_open(ctx, path, 0, &st));
        pnn_st_free(st);
        if (sscanf(e->d_name, "checkpoint-%ld", &step) == 1 && step > newest) newest = step;
    }
    if (d) closedir(d);
    return newest;
}

static long logged(const char *run)
{
    char path[512], line[512];
    long last = 0, step;
    snprintf(path, sizeof path, "%s/log.jsonl", run);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strchr(line, '\n') && sscanf(line, "{\"step\":%ld", &step) == 1) last = step;
    if (f) fclose(f);
    return last;
}

/* All but the seconds that steps took. */
static void same(const char *run, const char *whole)
{
    shell("for r in %s %s; do sed 's/\"seconds\":[0-9.]*//' $r/log.jsonl >$r.log; done; "
          "cmp %s.log %s.log && cd %s && for f in *.safetensors recipe.ini; do "
          "cmp $f ../%s/$f || exit; done && [ $(ls | wc -l) = $(ls ../%s | wc -l) ]",
          run, whole, run, whole, whole, run, run);
}

/* ---- Killed ---- */

enum { KILLS = 20 };
#define STEPS "60"

/* A run that was through before its kill is compared, and another one begun. */
static void killed(void **state)
{
    const struct timespec ms = {.tv_nsec = 1000000};
    long newest = 0, hit = 0, in_writing = 0;
    (void)state;
    shell("rm -rf run whole");
    finish("whole", STEPS);
    for (int k = 0; hit < KILLS && k < 10 * KILLS; k++) {
        pid_t child = start("run", STEPS, NULL, NULL);
        bool here = false;
        long wait = 30 + (long)(100 * pln_random(3, 1, (uint64_t)k));
        while (wait-- > 0) nanosleep(&ms, NULL);
        /* Every second one while a checkpoint is being written. */
        for (int i = 0; k % 2 && !here && i < 200000; i++) here = writing("run");
        kill(child, SIGKILL);
        if (ended(child) != 128 + SIGKILL) {
            same("run", "whole");
            shell("rm -rf run");
            newest = 0;
            continue;
        }
        hit++;
        in_writing += here;
        long now = check("run", true), done = logged("run");
        if (now < newest) fail_msg("kill %d: checkpoint %ld after %ld", k, now, newest);
        if (now < done - 1) fail_msg("kill %d: checkpoint %ld, step %ld was done", k, now, done);
        newest = now;
    }
    print_message("%ld kills, %ld while a checkpoint was being written; step %ld\n", hit,
                  in_writing, newest);
    assert_int_equal(hit, KILLS);
    assert_true(in_writing > 0);
    finish("run", STEPS);
    check("run", false);
    same("run", "whole");
    /* As if killed between the last checkpoint and the removal of what it replaces. */
    shell("cp run/checkpoint-" STEPS ".safetensors run/checkpoint-1.safetensors");
    finish("run", STEPS);
    same("run", "whole");
}

static void interrupted(void **state)
{
    char text[1024];
    (void)state;
    shell("rm -rf run whole");
    finish("whole", STEPS);
    pid_t child = start("run", STEPS, NULL, NULL);
    for (int i = 0; i < 20000 && logged("run") < 3; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    kill(child, SIGINT);
    assert_int_equal(ended(child), 128 + SIGINT);
    messages(text);
    assert_int_equal(check("run", false), logged("run"));
    finish("run", STEPS);
    same("run", "whole");
}

/* ---- Nothing can be written ---- */

static void must_say(const char *what, long n, int code, const char *why)
{
    char text[1024];
    messages(text);
    if (code != 4) fail_msg("%s %ld: exit %d, expected 4: %s", what, n, code, text);
    if (strncmp(text, "planish: error: ", 16) || strchr(text, '\n')[1] || !strstr(text, why))
        fail_msg("%s %ld: expected one line of error with '%s': %s", what, n, why, text);
}

/* The n-th call that writes fails, for every n. */
static void calls(void **state)
{
    enum { MOST = 500 };
    char value[32];
    long n = 1;
    (void)state;
    if (!shim) skip();
    shell("rm -rf whole3");
    finish("whole3", "3");
    for (;; n++) {
        shell("rm -rf run seen");
        snprintf(value, sizeof value, "%ld", n);
        int code = ended(start("run", "3", "FAIL_CALL", value));
        if (access("seen", F_OK)) break;
        must_say("call", n, code, "run/");
        check("run", false);
        finish("run", "3");
        same("run", "whole3");
        assert_true(n < MOST);
    }
    same("run", "whole3");
    assert_true(n > 25); /* recipe, three checkpoints, best: five calls a file; the log */
}

/* The disk is full after so many bytes: what was saved before stays, and is said to be where. */
static void disk_full(void **state)
{
    char value[32];
    long kept = 0;
    (void)state;
    if (!shim) skip();
    shell("rm -rf whole3");
    finish("whole3", "3");
    struct stat one;
    assert_int_equal(stat("whole3/checkpoint-3.safetensors", &one), 0);
    for (long bytes = 0; bytes < 3 * one.st_size; bytes += one.st_size / 4 + 1) {
        shell("rm -rf run");
        snprintf(value, sizeof value, "%ld", bytes);
        int code = ended(start("run", "3", "FAIL_AFTER", value));
        must_say("disk full after", bytes, code, "No space left on device");
        long now = check("run", false);
        if (now < kept) fail_msg("disk full after %ld bytes: checkpoint %ld is gone", bytes, kept);
        kept = now;
        finish("run", "3");
        same("run", "whole3");
    }
    assert_true(kept > 0);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder)) return 1;
    FILE *f = fopen("r.ini", "w");
    fputs("[network]\nsystem=sasnet\nconfig={\"width\": 8, \"blocks\": [1]}\n"
          "[data]\npatch=32\nbatch=1\n[optimiser]\nrate=1e-3\n[loss]\nl1=1\n"
          "[validation]\nevery=3\npairs=1\npatch=32\nsave=1\n",
          f);
    fclose(f);
    shell("%s -q dataset make scenes -o data --count 6 --texture-count 3 --size 64x48 --seed 3 "
          ">/dev/null",
          planish);
    return pln_context_new(&ctx);
}

static int tear_down(void **state)
{
    (void)state;
    pln_context_free(ctx);
    shell("rm -rf %s", folder);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        {.name = "kill -9", .test_func = killed},
        {.name = "SIGINT", .test_func = interrupted},
        {.name = "calls", .test_func = calls},
        {.name = "disk full", .test_func = disk_full},
    };
    if (argc < 2) return 2;
    planish = realpath(argv[1], NULL);
    shim = argc > 2 ? realpath(argv[2], NULL) : NULL;
    return cmocka_run_group_tests_name("trainings that go wrong", tests, set_up, tear_down) != 0;
}
