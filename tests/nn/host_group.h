/* SPDX-License-Identifier: MIT */
/* A group of processes on one machine that add numbers in memory which they share: NCCL of the
 * tests. */
#ifndef PLN_TESTS_NN_HOST_GROUP_H
#define PLN_TESTS_NN_HOST_GROUP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct host_group host_group;
/* A name that no other group has, of at most `room` bytes. */
void host_group_name(char *name, size_t room);
/* Waits for all; NULL if the memory cannot be had. */
host_group *host_group_join(const char *name, size_t rank, size_t world);
void host_group_leave(host_group *group);
/* The values become their means; false: the others do not come. */
bool host_group_mean(host_group *group, float *values, size_t n);

#endif
