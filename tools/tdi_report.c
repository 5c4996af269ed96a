// SPDX-License-Identifier: GPL-2.0-only
/*
 * tdi report: what a TDI says of itself, decoded from the bytes that the VM got. The
 * host cannot ask for them: requests go through the file that the VMM has.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "../guest/attest.h"
#include "tdi.h"
#include "tdi_spdm.h"

#define MAX_BYTES	65536	/* of a response: TDI_RESP_MAX */

/* PCIe r7.0 section 11.3.11 */
#define INFO_BITS	5
static const char *const info_bits[INFO_BITS] = {
	"no update of its firmware while locked", "DMA without PASID",
	"DMA with PASID", "ATS", "PRS",
};

#define RANGE_BITS	4
static const char *const range_bits[RANGE_BITS] = {
	"MSI-X table", "MSI-X PBA", "not TEE memory",
	"attributes can be changed",
};

static ssize_t read_bytes(const char *path, uint8_t *buf)
{
	size_t len = 0;
	ssize_t n = 1;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* one more than there may be, to see that there is more */
	while (len <= MAX_BYTES && (n = read(fd, buf + len, MAX_BYTES + 1 - len)) > 0)
		len += n;
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : len > MAX_BYTES ? -EFBIG : (ssize_t)len;
}

/* the names of the bits of @value that are set */
static void print_bits(const char *key, unsigned int value,
		       const char *const *names, unsigned int nr)
{
	const char *sep = "";
	unsigned int i;

	if (tdi_json)
		json_open(key, '[');
	for (i = 0; i < nr; i++) {
		if (!(value & 1U << i))
			continue;
		if (tdi_json)
			json_text(NULL, names[i]);
		else
			printf("%s%s", sep, names[i]);
		sep = ", ";
	}
	if (tdi_json)
		json_close(']');
	else
		printf("%s\n", *sep ? "" : "-");
}

static void print_range(const struct report_range *range)
{
	uint64_t address = le64toh(range->first_page) << 12;
	unsigned int bits = le16toh(range->attributes);

	if (tdi_json) {
		json_open(NULL, '{');
		json_number("id", le16toh(range->range_id));
		json_number("address", address);
		json_number("pages", le32toh(range->pages));
		json_number("attributes", bits);
		print_bits("meaning", bits, range_bits, RANGE_BITS);
		json_close('}');
		return;
	}
	printf("    range %u: %#llx, %u pages: ", le16toh(range->range_id),
	       (unsigned long long)address, le32toh(range->pages));
	print_bits(NULL, bits, range_bits, RANGE_BITS);
}

static int decode_report(const uint8_t *buf, size_t len)
{
	const struct report *r = (const void *)buf;
	uint32_t nr, own, i;

	/* header, ranges, and what the device adds, its length before it */
	if (len < sizeof(*r) + sizeof(own))
		return -EBADMSG;
	nr = le32toh(r->nr_ranges);
	if (nr > (len - sizeof(*r) - sizeof(own)) / sizeof(r->range[0]))
		return -EBADMSG;
	memcpy(&own, &r->range[nr], sizeof(own));
	own = le32toh(own);
	if (own != len - sizeof(*r) - nr * sizeof(r->range[0]) - sizeof(own))
		return -EBADMSG;
	if (tdi_json) {
		json_number("interface_info", le16toh(r->interface_info));
		print_bits("meaning", le16toh(r->interface_info), info_bits,
			   INFO_BITS);
		json_open("ranges", '[');
	} else {
		printf("    interface: ");
		print_bits(NULL, le16toh(r->interface_info), info_bits,
			   INFO_BITS);
	}
	for (i = 0; i < nr; i++)
		print_range(&r->range[i]);
	if (tdi_json) {
		json_close(']');
		json_number("own_bytes", own);
	} else {
		printf("    %u bytes of the device's own\n", own);
	}
	return 0;
}

/* what the options name */
static const struct part {
	const char *name;
	int (*decode)(const uint8_t *buf, size_t len);
	const char *wrong;
} parts[] = {
	{ "report", decode_report,
	  "this is no TDISP interface report, or not all of it" },
	{ "certs", spdm_print_certs,
	  "this is no certificate chain of SPDM, or not all of it" },
	{ "measurements", spdm_print_measurements,
	  "these are no measurements of SPDM, or not all of them" },
};

#define NR_PARTS	(sizeof(parts) / sizeof(parts[0]))

static int print_part(const struct part *part, const uint8_t *buf, size_t len)
{
	char hex[2 * ATTEST_DIGEST + 1];
	uint8_t digest[ATTEST_DIGEST];
	int i, ret;

	sha384(buf, len, digest);
	for (i = 0; i < ATTEST_DIGEST; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	if (tdi_json) {
		json_open(part->name, '{');
		json_number("bytes", len);
		json_text("sha384", hex);
	} else {
		printf("%s: %zu bytes\n    SHA-384 %s\n", part->name, len, hex);
	}
	ret = part->decode(buf, len);
	if (tdi_json)
		json_close('}');
	return ret;
}

/* @path has the bytes of each part, NULL: it was not given */
static int print_parts(char *path[NR_PARTS])
{
	static uint8_t buf[NR_PARTS][MAX_BYTES + 1];
	ssize_t len[NR_PARTS];
	int result = EXIT_OK;
	size_t i;

	/* before a word is said: JSON is whole, or there is none */
	for (i = 0; i < NR_PARTS; i++) {
		len[i] = path[i] ? read_bytes(path[i], buf[i]) : 0;
		if (len[i] < 0) {
			complain("report", path[i], len[i], NULL);
			return EXIT_FAILED;
		}
	}
	if (tdi_json)
		json_open(NULL, '{');
	for (i = 0; i < NR_PARTS; i++)
		if (path[i] && print_part(&parts[i], buf[i], len[i]))
			result = complain("report", path[i], -EBADMSG,
					  parts[i].wrong);
	if (tdi_json) {
		json_close('}');
		json_end();
	}
	return result;
}

static int report_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "report", required_argument, NULL, 0 },
		{ "certs", required_argument, NULL, 1 },
		{ "measurements", required_argument, NULL, 2 },
		{ }
	};
	char *path[NR_PARTS] = { };
	struct view v;
	int c, ret, given = 0;

	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c >= (int)NR_PARTS)
			return complain_usage("report", "wrong arguments");
		path[c] = optarg;
		given++;
	}
	if (argc - optind > 1 || !given == (argc == optind))
		return complain_usage("report", "give files, or one BDF");
	if (given)
		return print_parts(path);
	ret = need_function("report", argv[optind], true, &v);
	return ret ?: complain("report", argv[optind], -EOPNOTSUPP,
			       strcmp(v.state, "bound") ?
			       "a device tells it to the VM that it is bound to, and it is bound to none" :
			       "only its VMM can ask: let it save what IOMMU_VDEVICE_TSM_REQ answers, and decode with tdi report --report FILE");
}

const struct tdi_command cmd_report = {
	.name = "report", .args = "[--report FILE] [--certs FILE] [--measurements FILE]",
	.json = true, .max_args = -1, .run = report_run,
	.brief = "decode what a TDI says of itself, saved by its VMM",
	.help = "FILE has the bytes that IOMMU_VDEVICE_TSM_REQ answered to READ_REPORT, READ_CERTS or\n"
		"READ_MEASUREMENTS, all parts of it in a row. Of each its length and SHA-384 are printed,\n"
		"to compare with what firmware confirms; of the report what the device says: how it does\n"
		"DMA, and its ranges of MMIO; of a chain of SPDM its root hash and where each certificate\n"
		"is, for openssl x509 -inform der; of measurements (a MEASUREMENTS message, or its record\n"
		"alone) each block. Signatures are not checked. With a BDF instead: says why the host\n"
		"cannot ask, exit code 1.\n",
};
