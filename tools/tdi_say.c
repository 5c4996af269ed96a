// SPDX-License-Identifier: GPL-2.0-only
/* errors, colours, JSON */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tdi.h"

bool tdi_json;

/* does the value that comes next follow another one, in each open bracket */
static struct {
	unsigned int depth;
	bool more[16];
} json;

static bool is_no_device(int ret)
{
	return ret == -ENOENT || ret == -ENODEV || ret == -ENXIO;
}

int complain(const char *what, const char *which, int ret, const char *advice)
{
	fprintf(stderr, "tdi: %s %s: %s\n", what, which, strerror(-ret));
	if (!advice && (ret == -EACCES || ret == -EPERM))
		advice = "this is for root: try again with sudo";
	if (advice)
		fprintf(stderr, "tdi: %s\n", advice);
	return is_no_device(ret) ? EXIT_NO_DEVICE : EXIT_FAILED;
}

int complain_usage(const char *command, const char *fmt, ...)
{
	va_list ap;

	fputs("tdi: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\ntdi: see tdi %s%s--help\n", command ? command : "",
		command ? " " : "");
	return EXIT_USAGE;
}

static bool has_colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) &&
	       !(term && !strcmp(term, "dumb"));
}

void print_cell(enum colour colour, int width, const char *text)
{
	static const char *const codes[] = {
		[GOOD] = "\033[32m", [BAD] = "\033[1;31m",
		[CHANGING] = "\033[33m", [DIM] = "\033[2m",
	};

	if (colour != PLAIN && has_colours())
		printf("%s%-*s\033[0m", codes[colour], width, text);
	else
		printf("%-*s", width, text);
}

static void json_string(const char *text)
{
	const unsigned char *s;

	putchar('"');
	for (s = (const unsigned char *)text; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if (*s < ' ' || *s > '~')
			/* of bytes that are no ASCII nobody says what they are */
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void json_key(const char *key)
{
	if (json.more[json.depth])
		putchar(',');
	json.more[json.depth] = true;
	if (key) {
		json_string(key);
		putchar(':');
	}
}

void json_open(const char *key, char bracket)
{
	json_key(key);
	putchar(bracket);
	json.more[++json.depth] = false;
}

void json_close(char bracket)
{
	json.depth--;
	putchar(bracket);
}

void json_text(const char *key, const char *text)
{
	json_key(key);
	json_string(text);
}

void json_number(const char *key, uint64_t number)
{
	json_key(key);
	printf("%llu", (unsigned long long)number);
}

void json_bool(const char *key, bool value)
{
	json_key(key);
	fputs(value ? "true" : "false", stdout);
}

void json_null(const char *key)
{
	json_key(key);
	fputs("null", stdout);
}

void json_end(void)
{
	putchar('\n');
	json.more[0] = false;
}
