/* SPDX-License-Identifier: MIT */
/* What messages.c and main.c need of each other and of the bar: for this room only. */
#ifndef PLN_CLI_PROGRESS_H
#define PLN_CLI_PROGRESS_H

/* Takes the bar off the terminal while a line is written, and puts it back. Between the two nobody
 * else writes. */
void cli_progress_hide(void);
void cli_progress_show(void);
/* From now on SIGINT, SIGTERM and SIGHUP end the work instead of the program. */
void cli_catch_signals(void);

#endif
