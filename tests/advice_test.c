// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host test, of no kernel: each situation that the kernel is tested by (r15_situations.def)
 * has an advice in libtdi, under the same words and errno, and what is one reason of
 * several has a line that speaks for all. Run by tests/lib-test.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tdi/advice.h>

#define SITUATION(id, text, error, where)	\
	{ #id, text, error, TDI_CALL_##where },
#define SITUATION_KUNIT(id, text, error, where, test)	\
	SITUATION(id, text, error, where)

static const struct row {
	const char *id;
	const char *why;
	int error;
	enum tdi_call call;
} rows[] = {
#include "r15_situations.def"
};

#define NR_ROWS	(sizeof(rows) / sizeof(rows[0]))

static int bad(const struct row *row, const char *what)
{
	printf("advice: %s (%s): %s\n", row->id, row->why, what);
	return 1;
}

/* a part of a sentence that fits on a line */
static int is_advice(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return len > 4 && len < 200 && !strchr(text, '\n') && text[len - 1] != '.';
}

static int check(const struct row *row)
{
	const char *fallback = tdi_advice(row->call, -ENOTUNIQ);
	const char *line = tdi_advice(row->call, -row->error);
	const struct tdi_situation *s;
	unsigned int n, found = 0;

	for (n = 0; (s = tdi_situation(row->call, -row->error, n)); n++) {
		if (s->call != row->call || s->err != -row->error)
			return bad(row, "is answered for another call");
		if (strcmp(s->why, row->why))
			continue;
		found++;
		if (!is_advice(s->what))
			return bad(row, "has no advice that reads as one");
	}
	if (found != 1)
		return bad(row, found ? "is there twice" : "has no advice");
	if (!is_advice(line))
		return bad(row, "has no line that reads as one");
	if (row->error && !strcmp(line, fallback))
		return bad(row, "is answered as an errno that nobody knows");
	return 0;
}

/* a reason that the kernel is not tested by is nobody's, but for what opens and connects */
static int check_known(const struct tdi_situation *s)
{
	unsigned int i;

	for (i = 0; i < NR_ROWS; i++)
		if (rows[i].call == s->call && -rows[i].error == s->err &&
		    !strcmp(rows[i].why, s->why))
			return 0;
	if (s->call > TDI_CALL_VFIO && is_advice(s->what))
		return 0;
	printf("advice: \"%s\" is not in r15_situations.def\n", s->why);
	return 1;
}

/* every other answer has a line, too */
static int check_all(enum tdi_call call)
{
	const struct tdi_situation *s;
	unsigned int n;
	int err;

	for (err = 0; err < 134; err++) {
		for (n = 0; (s = tdi_situation(call, -err, n)); n++)
			if (check_known(s))
				return 1;
		if (!is_advice(tdi_advice(call, -err))) {
			printf("advice: call %d, errno %d: none\n", call, err);
			return 1;
		}
	}
	return 0;
}

int main(void)
{
	unsigned int i;
	int failed = 0;

	for (i = 0; i < NR_ROWS; i++)
		failed += check(&rows[i]);
	for (i = 0; i < TDI_CALL_LINK + 2; i++)
		failed += check_all(i);
	if (!failed)
		printf("%zu situations\n", NR_ROWS);
	return failed != 0 || NR_ROWS < 50;
}
