/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's trace as it is recorded by tdi and tdi-story: which events, and the
 * recording as a file of trace-cmd's.
 */
#ifndef TDI_RECORDER_H
#define TDI_RECORDER_H

/*
 * Ours: "system", or "system/event" of a system that is not ours. Ended by NULL; the
 * first is in every kernel that can bind a TDI, of the others only what is built in.
 */
extern const char *const recorder_events[];

/*
 * Write what the instance of the trace at @dir has recorded to @path, in trace-cmd's file
 * format (version 6), with the formats of recorder_events and of @more (as there, or NULL).
 * Recording is off. What was recorded is taken out of the buffers.
 *
 * Return: 0 or -errno; then there is no such file.
 */
int recorder_save_dat(const char *dir, const char *const *more, const char *path);

#endif /* TDI_RECORDER_H */
