/* SPDX-License-Identifier: GPL-2.0-only */
/* What goes through a DOE mailbox to a DSM, for the tracepoints of both its ends */
#ifndef _TRACE_MISC_TDISP_H
#define _TRACE_MISC_TDISP_H

#include <linux/tdisp.h>
#include <linux/tracepoint.h>

/* of a vendor defined message: above the SPDM codes, which are bytes */
#define TRACE_MSG_TDISP		0x100
#define TRACE_MSG_VENDOR	0x200

/* @msg: a message of @len bytes, of whatever sender. Return: its SPDM code, or as above */
static inline u32 trace_msg(const void *msg, size_t len)
{
	const struct spdm_vendor_hdr *in = msg;

	if (len < sizeof(in->spdm))
		return 0;
	if (len < sizeof(*in) + sizeof(struct tdisp_hdr) ||
	    (in->spdm.code != SPDM_VENDOR_DEFINED_REQ &&
	     in->spdm.code != SPDM_VENDOR_DEFINED_RSP))
		return in->spdm.code;
	if (in->protocol != SPDM_PROTOCOL_TDISP)
		return TRACE_MSG_VENDOR | in->protocol;
	return TRACE_MSG_TDISP | ((const struct tdisp_hdr *)in->payload)->type;
}

#define show_trace_msg(msg)							\
	__print_symbolic(msg,							\
		{ 0,							"NONE" },		\
		{ SPDM_GET_CERTIFICATE,					"GET_CERTIFICATE" },	\
		{ SPDM_CERTIFICATE,					"CERTIFICATE" },	\
		{ SPDM_ERROR,						"SPDM_ERROR" },		\
		{ SPDM_VENDOR_DEFINED_REQ,				"VENDOR_DEFINED" },	\
		{ SPDM_VENDOR_DEFINED_RSP,				"VENDOR_DEFINED" },	\
		{ TRACE_MSG_VENDOR | SPDM_PROTOCOL_IDE_KM,		"IDE_KM" },		\
		{ TRACE_MSG_TDISP | TDISP_GET_VERSION,			"GET_VERSION" },	\
		{ TRACE_MSG_TDISP | TDISP_GET_CAPABILITIES,		"GET_CAPABILITIES" },	\
		{ TRACE_MSG_TDISP | TDISP_LOCK_INTERFACE,		"LOCK" },		\
		{ TRACE_MSG_TDISP | TDISP_GET_REPORT,			"GET_REPORT" },		\
		{ TRACE_MSG_TDISP | TDISP_GET_STATE,			"GET_STATE" },		\
		{ TRACE_MSG_TDISP | TDISP_START_INTERFACE,		"START" },		\
		{ TRACE_MSG_TDISP | TDISP_STOP_INTERFACE,		"STOP" },		\
		{ TRACE_MSG_TDISP | TDISP_RESPONSE(TDISP_GET_VERSION),	"VERSION" },		\
		{ TRACE_MSG_TDISP | TDISP_RESPONSE(TDISP_GET_CAPABILITIES), "CAPABILITIES" },	\
		{ TRACE_MSG_TDISP | TDISP_RESPONSE(TDISP_LOCK_INTERFACE), "LOCKED" },		\
		{ TRACE_MSG_TDISP | TDISP_RESPONSE(TDISP_GET_REPORT),	"REPORT" },		\
		{ TRACE_MSG_TDISP | TDISP_RESPONSE(TDISP_GET_STATE),	"STATE" },		\
		{ TRACE_MSG_TDISP | TDISP_RESPONSE(TDISP_START_INTERFACE), "STARTED" },		\
		{ TRACE_MSG_TDISP | TDISP_RESPONSE(TDISP_STOP_INTERFACE), "STOPPED" },		\
		{ TRACE_MSG_TDISP | TDISP_ERROR,			"TDISP_ERROR" })

#endif /* _TRACE_MISC_TDISP_H */
