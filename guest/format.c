// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

struct out {
	char *buf;
	size_t size;
	size_t len;
};

static void put(struct out *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len++] = c;
}

static void put_number(struct out *out, uint64_t value, unsigned int base)
{
	char digits[20];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		put(out, digits[--n]);
}

void vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out out = { .buf = buf, .size = size };
	const char *s;

	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&out, *fmt);
			continue;
		}
		switch (*++fmt) {
		case 'u':
			put_number(&out, va_arg(ap, uint64_t), 10);
			break;
		case 'x':
			put(&out, '0');
			put(&out, 'x');
			put_number(&out, va_arg(ap, uint64_t), 16);
			break;
		case 's':
			for (s = va_arg(ap, const char *); *s; s++)
				put(&out, *s);
			break;
		default:
			put(&out, *fmt);
			break;
		}
	}
	if (size)
		buf[out.len] = 0;
}
