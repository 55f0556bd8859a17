/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM in the middle of a batch: status 128 + n, what is done is whole, no partial
 * file. signal_test PLANISH */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PICTURES = 24, SIDE = 320 };
static const char *planish;

static void wait_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Files in a folder whose names end in `end`; all others if `not`. */
static int count(const char *folder, const char *end, bool not )
{
    int n = 0;
    DIR *d = opendir(folder);
    if (!d) return 0;
    for (struct dirent *e; (e = readdir(d));) {
        size_t length = strlen(e->d_name), tail = strlen(end);
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        bool is =
            length > tail && strcmp(e->d_name + length - tail, end) == 0 && e->d_name[0] != '.';
        n += is != not ;
    }
    closedir(d);
    return n;
}

static void empty(const char *folder)
{
    char path[512];
    DIR *d = opendir(folder);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) unlink(path);
    }
    closedir(d);
    rmdir(folder);
}

static void interrupted(void **state)
{
    int sig = *(const int *)*state;
    char folder[] = "planish-signal-XXXXXX", in[256], out[256], messages[256], path[512];
    pln_context *ctx = NULL;
    int status = 0;

    assert_non_null(mkdtemp(folder));
    snprintf(in, sizeof in, "%s/in", folder);
    snprintf(out, sizeof out, "%s/out", folder);
    snprintf(messages, sizeof messages, "%s/messages", folder);
    assert_int_equal(mkdir(in, 0700) | mkdir(out, 0700), 0);
    assert_int_equal(pln_context_new(&ctx), PLN_OK);
    pln_image *picture = make_picture(ctx, SIDE, SIDE, 3);
    for (int i = 0; i < PICTURES; i++) {
        snprintf(path, sizeof path, "%s/%02d.npy", in, i);
        OK(ctx, pln_image_save(ctx, picture, path, NULL));
    }
    struct stat whole;
    assert_int_equal(stat(path, &whole), 0);

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        int fd = open(messages, O_CREAT | O_WRONLY, 0600);
        dup2(fd, 2);
        execl(planish, planish, "-t", "1", "smooth", in, "-o", out, "-m", "sdf", (char *)NULL);
        _exit(127);
    }
    for (int i = 0;
         i < 6000 && count(out, ".npy", false) == 0 && waitpid(child, &status, WNOHANG) == 0; i++)
        wait_ms(10);
    assert_true(count(out, ".npy", false) > 0);
    wait_ms(30); /* into the next picture */
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    kill(child, sig);
    assert_int_equal(waitpid(child, &status, 0), child);
    clock_gettime(CLOCK_MONOTONIC, &end);

    /* Either way to say it: an exit status, or the signal itself. */
    int got = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (got != 128 + sig) fail_msg("exit status %d, expected %d", got, 128 + sig);
    if (end.tv_sec - start.tv_sec > 10)
        fail_msg("%ld s from the signal to the end", (long)(end.tv_sec - start.tv_sec));
    int done = count(out, ".npy", false);
    if (done == 0 || done == PICTURES) fail_msg("%d of %d pictures are done", done, (int)PICTURES);
    if (count(out, ".npy", true))
        fail_msg("%d partial files were left behind", count(out, ".npy", true));
    for (int i = 0; i < PICTURES; i++) {
        struct stat one;
        snprintf(path, sizeof path, "%s/%02d.npy", out, i);
        if (stat(path, &one) == 0) {
            pln_image *image = NULL;
            assert_int_equal(one.st_size, whole.st_size);
            OK(ctx, pln_image_load(ctx, path, &image));
            pln_image_free(image);
        } else if (errno != ENOENT) {
            fail_msg("%s: %s", path, strerror(errno));
        }
    }
    /* What is not done is said. */
    struct stat text;
    assert_int_equal(stat(messages, &text), 0);
    assert_true(text.st_size > 0);

    pln_image_free(picture);
    pln_context_free(ctx);
    unlink(messages);
    empty(in);
    empty(out);
    empty(folder);
}

int main(int argc, char **argv)
{
    static const int signals[] = {SIGINT, SIGTERM};
    const struct CMUnitTest tests[] = {
        {.name = "SIGINT", .test_func = interrupted, .initial_state = (void *)&signals[0]},
        {.name = "SIGTERM", .test_func = interrupted, .initial_state = (void *)&signals[1]},
    };
    if (argc != 2) return 2;
    planish = argv[1];
    return cmocka_run_group_tests_name("signals in a batch", tests, NULL, NULL) != 0;
}
