// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Linux guest's console: a 16450 at COM1 that only sends. What the guest prints
 * becomes a line of tvmm's, as soon as it is whole.
 *
 * The transmitter is always empty, so a driver that asks for its interrupt gets it at
 * once; the interrupt is over when it was identified or the next byte was written.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/serial_reg.h>

#include "tvmm.h"

#define SERIAL_IRQ	4

static int set_interrupt(struct tvmm *t)
{
	struct serial *s = &t->serial;
	bool level = s->empty && s->ier & UART_IER_THRI;
	struct kvm_irq_level line = { .irq = SERIAL_IRQ, .level = level };

	if (level == s->level)
		return 0;
	s->level = level;
	if (ioctl(t->vm_fd, KVM_IRQ_LINE, &line))
		return report_failed(t, "exit", -errno, "KVM_IRQ_LINE: %s",
				     strerror(errno));
	return 0;
}

/* what the guest prints is not trusted: report_note() keeps it to one clean line */
static void put(struct tvmm *t, char c)
{
	struct serial *s = &t->serial;

	if (c == '\r')
		return;
	if (c != '\n')
		s->line[s->len++] = c;
	if (s->len && (c == '\n' || s->len == sizeof(s->line)))
		serial_flush(t);
}

void serial_flush(struct tvmm *t)
{
	struct serial *s = &t->serial;

	if (s->len)
		report_note(t, "linux: %.*s", (int)s->len, s->line);
	s->len = 0;
}

/* in loop-back the outputs of the modem control register are its inputs */
static uint8_t modem_status(const struct serial *s)
{
	uint8_t msr = 0;

	if (!(s->mcr & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	if (s->mcr & UART_MCR_RTS)
		msr |= UART_MSR_CTS;
	if (s->mcr & UART_MCR_DTR)
		msr |= UART_MSR_DSR;
	if (s->mcr & UART_MCR_OUT1)
		msr |= UART_MSR_RI;
	if (s->mcr & UART_MCR_OUT2)
		msr |= UART_MSR_DCD;
	return msr;
}

/* reading it ends the interrupt that it tells of */
static uint8_t identify(struct serial *s)
{
	if (!s->level)
		return UART_IIR_NO_INT;
	s->empty = false;
	return UART_IIR_THRI;
}

int serial_read(struct tvmm *t, unsigned int reg, uint8_t *value)
{
	struct serial *s = &t->serial;
	bool divisor = s->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_RX:
		*value = divisor ? s->divisor[0] : 0;
		return 0;
	case UART_IER:
		*value = divisor ? s->divisor[1] : s->ier;
		return 0;
	case UART_IIR:
		*value = identify(s);
		return set_interrupt(t);
	case UART_LCR:
		*value = s->lcr;
		return 0;
	case UART_MCR:
		*value = s->mcr;
		return 0;
	case UART_LSR:
		*value = UART_LSR_THRE | UART_LSR_TEMT;
		return 0;
	case UART_MSR:
		*value = modem_status(s);
		return 0;
	case UART_SCR:
		*value = s->scratch;
		return 0;
	default:
		*value = 0xff;
		return 0;
	}
}

int serial_write(struct tvmm *t, unsigned int reg, uint8_t value)
{
	struct serial *s = &t->serial;
	bool divisor = s->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_TX:
		if (divisor) {
			s->divisor[0] = value;
			return 0;
		}
		if (!(s->mcr & UART_MCR_LOOP))
			put(t, value);
		s->empty = true;
		return set_interrupt(t);
	case UART_IER:
		if (divisor) {
			s->divisor[1] = value;
			return 0;
		}
		s->ier = value & 0xf;
		s->empty = true;
		return set_interrupt(t);
	case UART_LCR:
		s->lcr = value;
		return 0;
	case UART_MCR:
		s->mcr = value & 0x1f;
		return 0;
	case UART_SCR:
		s->scratch = value;
		return 0;
	default:
		return 0;
	}
}
