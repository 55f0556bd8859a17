/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over the files of a folder: what a fuzzer found stays found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    /* Whole, and cut short everywhere. */
    LLVMFuzzerTestOneInput(data, n);
    for (size_t k = 0; k < n; k++) LLVMFuzzerTestOneInput(data, k);
    return 1;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    int files = 0;
    if (!dir) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    for (const struct dirent *e; (e = readdir(dir));) {
        char path[4096];
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        files += run(path);
    }
    closedir(dir);
    printf("%d files\n", files);
    return files == 0;
}
