// SPDX-License-Identifier: GPL-2.0-only
/*
 * The certificates and measurements of a device, in the layouts of SPDM (DSP0274, 1.2
 * and later). Only what frames them is decoded: what is in a certificate is for
 * openssl, which is told where it begins and how long it is.
 */
#include <errno.h>
#include <stdbool.h>

#include "../guest/attest.h"
#include "tdi.h"
#include "tdi_spdm.h"

#define CHAIN_HEADER	4	/* its length, of it all */
#define DER_SEQUENCE	0x30
#define VALUE_SHOWN	64	/* bytes of a measurement */

/* bytes of the DER sequence at @buf with its header; 0: there is none */
static size_t der_length(const uint8_t *buf, size_t len)
{
	size_t size = 0, bytes, i;

	if (len < 2 || buf[0] != DER_SEQUENCE)
		return 0;
	if (buf[1] < 0x80)
		return buf[1] + 2U <= len ? buf[1] + 2U : 0;
	bytes = buf[1] & 0x7f;
	if (!bytes || bytes > 3 || bytes + 2 > len)
		return 0;
	for (i = 0; i < bytes; i++)
		size = size << 8 | buf[2 + i];
	size += bytes + 2;
	return size <= len ? size : 0;
}

/* is @buf certificates to its last byte */
static bool is_der(const uint8_t *buf, size_t len)
{
	size_t size;

	do {
		size = der_length(buf, len);
		buf += size;
		len -= size;
	} while (size && len);
	return size;
}

static void print_hex(const char *key, const uint8_t *buf, size_t len)
{
	char hex[2 * VALUE_SHOWN + 4];
	size_t shown = len > VALUE_SHOWN ? VALUE_SHOWN : len, i;

	hex[0] = 0;
	for (i = 0; i < shown; i++)
		snprintf(hex + 2 * i, 3, "%02x", buf[i]);
	if (shown < len)
		snprintf(hex + 2 * shown, 4, "...");
	if (tdi_json)
		json_text(key, hex);
	else
		printf("    %s %s\n", key, hex);
}

static void print_certificate(const uint8_t *buf, size_t offset, size_t size,
			      unsigned int number)
{
	uint8_t digest[ATTEST_DIGEST];

	sha384(buf + offset, size, digest);
	if (tdi_json) {
		json_open(NULL, '{');
		json_number("offset", offset);
		json_number("bytes", size);
	} else {
		printf("    certificate %u: %zu bytes at %zu\n", number, size, offset);
	}
	print_hex(tdi_json ? "sha384" : "    SHA-384", digest, sizeof(digest));
	if (tdi_json)
		json_close('}');
}

/* after @offset bytes of header; nothing, if what is there is no DER */
static void print_certificates(const uint8_t *buf, size_t len, size_t offset)
{
	unsigned int number = 0;
	size_t size;

	if (tdi_json)
		json_open("certificates", '[');
	for (; offset && offset < len; offset += size) {
		size = der_length(buf + offset, len - offset);
		print_certificate(buf, offset, size, number++);
	}
	if (tdi_json)
		json_close(']');
	else if (!number)
		printf("    no certificates in DER follow: the emulated device has none\n");
}

int spdm_print_certs(const uint8_t *buf, size_t len)
{
	static const size_t hashes[] = { ATTEST_DIGEST, 32, 64 };
	size_t hash = ATTEST_DIGEST, i;
	bool der = false;

	if (len < CHAIN_HEADER + ATTEST_DIGEST ||
	    (buf[0] | buf[1] << 8 | buf[2] << 16 | (size_t)buf[3] << 24) != len)
		return -EBADMSG;
	/* the negotiation had its algorithm; where certificates begin tells it too */
	for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]) && !der; i++) {
		size_t at = CHAIN_HEADER + hashes[i];

		der = at < len && is_der(buf + at, len - at);
		if (der)
			hash = hashes[i];
	}
	print_hex(tdi_json ? "root_hash" : "root hash", buf + CHAIN_HEADER, hash);
	print_certificates(buf, len, der ? CHAIN_HEADER + hash : 0);
	return 0;
}

/* ---- measurements ---- */

#define RESPONSE_CODE	0x60
#define RESPONSE_HEADER	8	/* version, code, two parameters, blocks, length */
#define BLOCK_HEADER	4	/* index, specification, size */
#define DMTF_HEADER	3	/* type, size of the value */
#define SPEC_DMTF	0x01
#define TYPE_RAW	0x80

static const char *const value_types[] = {
	"immutable ROM", "mutable firmware", "hardware configuration",
	"firmware configuration", "freeform manifest", "device mode",
	"version of mutable firmware", "security version of mutable firmware",
	"hash-extended", "informational", "structured manifest",
};

static const char *type_name(unsigned int type)
{
	type &= ~TYPE_RAW;
	return type < sizeof(value_types) / sizeof(value_types[0]) ?
	       value_types[type] : "of a type that tdi does not know";
}

/* one of DMTF's kind: 0, or -EBADMSG */
static int print_dmtf(const uint8_t *buf, size_t len)
{
	size_t size;

	if (len < DMTF_HEADER)
		return -EBADMSG;
	size = buf[1] | buf[2] << 8;
	if (size != len - DMTF_HEADER)
		return -EBADMSG;
	if (tdi_json) {
		json_text("type", type_name(buf[0]));
		json_bool("raw", buf[0] & TYPE_RAW);
		json_number("bytes", size);
	} else {
		printf("%s, %s of %zu bytes\n", type_name(buf[0]),
		       buf[0] & TYPE_RAW ? "raw value" : "digest", size);
	}
	print_hex(tdi_json ? "value" : "   ", buf + DMTF_HEADER, size);
	return 0;
}

static int print_block(const uint8_t *buf, size_t size)
{
	int ret = 0;

	if (tdi_json) {
		json_open(NULL, '{');
		json_number("index", buf[0]);
	} else {
		printf("    measurement %u: ", buf[0]);
	}
	if (buf[1] == SPEC_DMTF)
		ret = print_dmtf(buf + BLOCK_HEADER, size - BLOCK_HEADER);
	else if (tdi_json)
		json_number("specification", buf[1]);
	else
		printf("of specification %#x, which is not DMTF's\n", buf[1]);
	if (tdi_json)
		json_close('}');
	else if (ret)
		printf("broken\n");
	return ret;
}

int spdm_print_measurements(const uint8_t *buf, size_t len)
{
	size_t size;
	int ret = 0;

	if (len >= RESPONSE_HEADER && buf[0] >> 4 == 1 && buf[1] == RESPONSE_CODE) {
		size = buf[5] | buf[6] << 8 | buf[7] << 16;
		if (size > len - RESPONSE_HEADER)
			return -EBADMSG;
		/* nonce, the requester's context and the signature come after it */
		buf += RESPONSE_HEADER;
		len = size;
	}
	if (tdi_json)
		json_open("blocks", '[');
	for (; len && !ret; buf += size, len -= size) {
		size = len < BLOCK_HEADER ? SIZE_MAX :
		       BLOCK_HEADER + (size_t)(buf[2] | buf[3] << 8);
		if (size > len) {
			ret = -EBADMSG;
			break;
		}
		ret = print_block(buf, size);
	}
	if (tdi_json)
		json_close(']');
	return ret;
}
