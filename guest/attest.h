/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attest a TDI and accept it, in the steps and with the requests of the TVM's
 * architecture. The payload does it inside of a TVM; tests do it in a TVM's name,
 * for a VMM may pass on whatever it likes.
 *
 *  attest.c		certificates, report, and the steps in the vendor's order
 *  attest_tdx.c	Intel TDX Connect
 *  attest_sev.c	AMD SEV-TIO
 *  attest_cca.c	Arm CCA
 *
 * Nothing here prints, ends the program or keeps a variable: what went wrong is in
 * struct attest.
 */
#ifndef TVM_ATTEST_H
#define TVM_ATTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTEST_PAGE		4096ULL
#define ATTEST_LARGE_PAGES	512U		/* 4 KiB pages of a 2 MiB leaf */
#define ATTEST_CERTS_MAX	32768
#define ATTEST_REPORT_MAX	4096
#define ATTEST_DIGEST		48		/* SHA-384 */
#define ATTEST_AREAS		2

/* TDISP device interface report (PCIe r7.0 section 11.3.11) */
struct report_range {
	uint64_t first_page;
	uint32_t pages;
	uint16_t attributes;
	uint16_t range_id;
} __attribute__((packed));

struct report {
	uint16_t interface_info;
	uint16_t reserved;
	uint16_t msix_control;
	uint16_t lnr_control;
	uint32_t tph_control;
	uint32_t nr_ranges;
	struct report_range range[];
} __attribute__((packed));

#define RANGE_MSIX		0x0003	/* table, PBA */
#define RANGE_NON_TEE		0x0004

/* struct tdx_tdi_read, sev_tdi_read and cca_tdi_read are all of this form */
struct attest_read {
	uint32_t offset;
	uint32_t reserved;
};

/* beside -errno of the VMM */
#define ATTEST_REFUSED		(-121)	/* EREMOTEIO: firmware did, attest::seen is its status */
#define ATTEST_LIE		(-74)	/* EBADMSG: what the host served is not so */

/* what a guest does about its TDI; a vendor's order ends in ATTEST_END */
enum attest_step {
	ATTEST_END,
	ATTEST_CERTS,		/* read the certificates, have them confirmed */
	ATTEST_REPORT,		/* read the report, check it, have it confirmed */
	ATTEST_MMIO,		/* accept private MMIO: attest::area */
	ATTEST_DMA,		/* let trusted DMA in */
	ATTEST_START,		/* TDI to RUN */
	ATTEST_MMIO_OFF,	/* the three inverses, before an unbind is asked for */
	ATTEST_DMA_OFF,
	ATTEST_STOP,
};

/* places in attest::nonce */
enum attest_nonce {
	ATTEST_NONCE_LOCK,
	ATTEST_NONCE_MEAS,
	ATTEST_NONCE_REPORT,
	ATTEST_NONCES,
};

struct attest;

/**
 * struct attest_mmio - pages of a BAR at a guest address
 * @gpa: of the first page
 * @bar: of the device; the report names it in its range's id
 * @first: number of the page within the BAR's range of the report
 * @pages: how many
 */
struct attest_mmio {
	uint64_t gpa;
	uint32_t bar;
	uint32_t first;
	uint32_t pages;
};

/**
 * struct attest_vendor - one architecture
 * @name: "tdx"
 * @arch: enum iommu_tsm_tvm_arch
 * @accept: steps from bound to in use
 * @leave: steps from in use to asking for an unbind, may be none
 * @identity: have attest::certs_digest confirmed
 * @report: have attest::report_digest confirmed; what @mmio needs is kept
 * @mmio: accept (@on) or give back leading pages of @m, in one request; answers in
 *	  m->pages how many it was. May be asked for pages that it did before: tells so.
 * @dma: let trusted DMA in (@on), or shut it out
 * @state: TDI to RUN (@run) or STOP
 *
 * All answer 0 or what attest_ask() does. @mmio with @on false, @dma with @on false
 * and @state with @run false are there if @leave has their step.
 */
struct attest_vendor {
	const char *name;
	uint32_t arch;
	const enum attest_step *accept;
	const enum attest_step *leave;
	int (*identity)(struct attest *a);
	int (*report)(struct attest *a);
	int (*mmio)(struct attest *a, struct attest_mmio *m, bool on);
	int (*dma)(struct attest *a, bool on);
	int (*state)(struct attest *a, bool run);
};

extern const struct attest_vendor attest_tdx, attest_sev, attest_cca;

/**
 * struct attest - what a TVM knows of its TDI
 * @vendor: whose requests it speaks
 * @request: sends one: 0 or -errno; room and then length of the answer in @resp_len;
 *	     firmware's status in @code
 * @ctx: of @request
 * @area, @nr_areas: what the step ATTEST_MMIO accepts
 * @small: leaves of 4 KiB only: a large one was refused for its size
 * @nonce: as the architecture wants them back with its requests; 0 if it has none
 * @what, @where: the request that was made last, or the check
 * @expected: what was to be seen
 * @seen: what was, for ATTEST_REFUSED firmware's status
 * @certs_len, @report_len: bytes of the two, 0 when not read
 * @certs_digest, @report_digest: SHA-384 of what the host served
 */
struct attest {
	const struct attest_vendor *vendor;
	int64_t (*request)(void *ctx, uint32_t op, const void *req,
			   size_t req_len, void *resp, size_t *resp_len,
			   uint64_t *code);
	void *ctx;
	struct attest_mmio area[ATTEST_AREAS];
	unsigned int nr_areas;
	bool small;
	uint64_t nonce[ATTEST_NONCES];
	const char *what;
	uint64_t where;
	uint64_t expected;
	uint64_t seen;
	size_t certs_len;
	size_t report_len;
	uint8_t certs_digest[ATTEST_DIGEST];
	uint8_t report_digest[ATTEST_DIGEST];
	uint8_t certs[ATTEST_CERTS_MAX];
	uint8_t report[ATTEST_REPORT_MAX] __attribute__((aligned(8)));
};

/* of enum iommu_tsm_tvm_arch; NULL: no such guest */
const struct attest_vendor *attest_vendor(uint32_t arch);

/* One step. 0, -errno, ATTEST_REFUSED or ATTEST_LIE. */
int attest_step(struct attest *a, enum attest_step step);
/* The step @step is in @order. */
bool attest_has(const enum attest_step *order, enum attest_step step);
/* Accept (or give back) all of @m, in as large leaves as there can be. As above. */
int attest_mmio(struct attest *a, const struct attest_mmio *m, bool on);

/* The range of the report that is BAR @bar, TEE memory; NULL: there is none. */
const struct report_range *attest_range(const struct attest *a, uint32_t bar);
/* its index in the report, -1 */
int attest_range_index(const struct attest *a, uint32_t bar);

/* for the vendors' files */

/* One request; firmware's status, unless 0, becomes ATTEST_REFUSED. */
int attest_ask(struct attest *a, const char *what, uint64_t where, uint32_t op,
	       const void *req, size_t req_len, void *resp, size_t *resp_len);
/* @seen is @expected; if not, ATTEST_LIE */
int attest_expect(struct attest *a, const char *what, uint64_t expected,
		  uint64_t seen);
/* two digests are the same; if not, ATTEST_LIE */
int attest_same(struct attest *a, const char *what, const uint8_t *confirmed,
		const uint8_t *served);

/* sha384.c */
void sha384(const void *data, size_t len, uint8_t digest[ATTEST_DIGEST]);

#endif /* TVM_ATTEST_H */
