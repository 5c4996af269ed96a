/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tdi: what its subcommands share. One file per subcommand (or per verb with its
 * inverse), each with its struct tdi_command:
 *
 *  tdi.c		which subcommand, help
 *  tdi_say.c		errors, colours, JSON
 *  tdi_view.c		one function as Linux, its device and firmware see it
 *  tdi_tracefs.c	an instance of the kernel's trace of our own
 */
#ifndef TDI_TOOL_H
#define TDI_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <tdi/sysfs.h>

/* the last one: the host has no such device, TSM or platform */
enum tdi_exit { EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_NO_DEVICE };

/**
 * struct tdi_command - one subcommand
 * @name: its word
 * @args: what follows it, for people
 * @brief: what it does, a line
 * @help: all of it, whole lines
 * @json: it takes --json
 * @min_args, @max_args: words that it takes; @max_args < 0: any number, and options
 *	of its own, which @run looks through
 * @run: does it: enum tdi_exit
 */
struct tdi_command {
	const char *name;
	const char *args;
	const char *brief;
	const char *help;
	bool json;
	int min_args;
	int max_args;
	int (*run)(int argc, char **argv);
};

extern const struct tdi_command cmd_list, cmd_show, cmd_connect, cmd_disconnect,
	cmd_retry, cmd_events, cmd_trace, cmd_report, cmd_vfio, cmd_release,
	cmd_audit, cmd_firmware;

/* ---- tdi_say.c ---- */

/* --json was given */
extern bool tdi_json;

/*
 * "tdi: WHAT WHICH: why" and below it what to do (@advice may be NULL). Answers the
 * exit code that fits @ret, a -errno.
 */
int complain(const char *what, const char *which, int ret, const char *advice);
/* the arguments are wrong: says how, and where help is */
int __attribute__((format(printf, 2, 3)))
complain_usage(const char *command, const char *fmt, ...);

enum colour { PLAIN, GOOD, BAD, CHANGING, DIM };

/* @text in @width columns, coloured if standard output takes colours */
void print_cell(enum colour colour, int width, const char *text);

/* JSON as it comes, one value after the other; @key is NULL within an array */
void json_open(const char *key, char bracket);
void json_close(char bracket);
void json_text(const char *key, const char *text);
void json_number(const char *key, uint64_t number);
void json_bool(const char *key, bool value);
void json_null(const char *key);
/* the value is over: a line of its own */
void json_end(void);

/* ---- tdi_view.c ---- */

#define VIEW_TEXT	256
#define VIEW_USERS	4

/**
 * struct view - one function as its three sides see it
 * @fn: what sysfs tells
 * @can_be_tdi: it has tdi/state
 * @link, @parent: name of the TSM that its device is connected to, and of that one's
 *		   device; "" when none
 * @dsm_host: function that holds the link, "" when it is not told
 * @state: word of tdi/state, "" when there is none
 * @reason: of a quarantine, else ""
 * @bound: word of tsm/bound, "" when it is not bound
 * @users: processes that have it open through VFIO, "pid (name), ..."; "" when none,
 *	   or when this user may not look
 * @vendor: of the emulated platform that it is on, else ""; without one
 *	    nothing below is visible
 * @index: of the function on it
 * @dsm: TDISP state, by the device's word; "" when it is not visible
 * @fw: firmware's counts are visible
 * @fw_tdis, @fw_tvms, @fw_links: how many firmware has, all functions taken together
 * @fw_violations: rules of the firmware that the host has broken
 * @host_tdis: how many functions of the platform Linux has not unbound
 */
struct view {
	struct tdi_function fn;
	bool can_be_tdi;
	char link[TDI_NAME_MAX];
	char parent[TDI_NAME_MAX];
	char dsm_host[TDI_BDF_MAX];
	char state[32];
	char reason[VIEW_TEXT];
	char bound[TDI_NAME_MAX];
	char users[VIEW_TEXT];
	char vendor[16];
	int index;
	char dsm[32];
	bool fw;
	uint64_t fw_tdis;
	uint64_t fw_tvms;
	uint64_t fw_links;
	uint64_t fw_violations;
	unsigned int host_tdis;
};

/* Linux's side: 0 or -errno, as tdi_function_read() */
int view_linux(const char *bdf, struct view *v);
/* and the other two, where they are visible */
void view_others(struct view *v);
enum colour view_colour(const struct view *v);

/* the sides agree about the TDI, or are on their way; and about the link */
bool view_tdi_agrees(const struct view *v);
bool view_firmware_agrees(const struct view *v);
bool view_link_agrees(const struct view *v);

/*
 * Is there such a function, which can be a TDI (@tdi) or host a link? Complains if
 * not; EXIT_OK or the exit code.
 */
int need_function(const char *what, const char *bdf, bool tdi, struct view *v);

/* ---- tdi_tracefs.c ---- */

/**
 * struct tracefs - an instance of the trace, to which nobody else's events go
 * @dir: its folder, "" when there is none
 */
struct tracefs {
	char dir[64];
};

/* Make it, of @kb KiB for each CPU; 0 or -errno. Says nothing. */
int tracefs_open(struct tracefs *t, unsigned int kb);
/* "system" or "system/event"; -ENOENT: this kernel has none of it */
int tracefs_enable(const struct tracefs *t, const char *event);
/* Open @file of it, or -errno */
int tracefs_file(const struct tracefs *t, const char *file, int flags);
int tracefs_write(const struct tracefs *t, const char *file, const char *text);
/* events that were lost because its buffers were full */
uint64_t tracefs_lost(const struct tracefs *t);
void tracefs_close(struct tracefs *t);
/* what to do about tracefs_open()'s @ret */
const char *tracefs_advice(int ret);
/*
 * SIGINT, SIGTERM, SIGHUP and SIGPIPE end what the program waits for from here on;
 * has one of them come?
 */
void stop_on_signals(void);
bool stopped(void);

#endif /* TDI_TOOL_H */
