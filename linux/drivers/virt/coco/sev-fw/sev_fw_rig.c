// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rig of the KUnit tests: how a host that makes no mistake does each thing.
 */
#include <linux/err.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "sev_fw_rig.h"

#define DIGEST_SIZE	1024
#define MAX_TURNS	64
#define NR_RANGES	2

static void count_keys(void *priv, u8 stream, bool go)
{
	struct sr *rig = priv;

	KUNIT_EXPECT_EQ(rig->test, stream, SR_STREAM);
	rig->keys = go;
	rig->keys_driven++;
	if (rig->while_keys)
		rig->while_keys(rig);
}

static const struct teemu_platform sr_platform = {
	.ide_keys = count_keys,
};

int sr_init(struct kunit *test)
{
	struct sr *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->test = test;
	rig->fw = sev_fw_create();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rig->fw);
	sev_fw_set_platform(rig->fw, &sr_platform, rig);
	for (int i = 0; i < SR_CHAIN_SIZE; i++)
		rig->chain[i] = i * 7;
	rig->keys = -1;
	rig->portion = U16_MAX;
	rig->out_size = sizeof(rig->out);
	test->priv = rig;
	return 0;
}

void sr_exit(struct kunit *test)
{
	struct sr *rig = test->priv;

	if (rig && !IS_ERR_OR_NULL(rig->fw))
		sev_fw_destroy(rig->fw);
}

static size_t show_tables(struct sr *rig, char *buf, size_t size)
{
	struct seq_file m = { .buf = buf, .size = size };

	sf_teemu_ops.tables(rig->fw, &m);
	buf[m.count] = 0;
	return m.count;
}

char *sr_digest(struct sr *rig)
{
	char *buf = kunit_kzalloc(rig->test, DIGEST_SIZE, GFP_KERNEL);
	struct sf_dev *dev;
	size_t n;

	KUNIT_ASSERT_NOT_NULL(rig->test, buf);
	n = show_tables(rig, buf, DIGEST_SIZE - 1);
	list_for_each_entry(dev, &rig->fw->devs, list)
		n += scnprintf(buf + n, DIGEST_SIZE - n,
			       "dev %d loop %#x at %u ask %#x\n", dev->state,
			       dev->talk.nr,
			       dev->talk.nr ? dev->talk.offset : 0,
			       dev->talk.nr ? dev->talk.ask : 0);
	for (int i = 0; i < SR_NR; i++) {
		n += scnprintf(buf + n, DIGEST_SIZE - n, "tdi %d:",
			       sev_fw_tdisp_state(rig->fw, SR_TDI(i)));
		for (u32 page = 0; page < SR_BAR_PAGES; page++)
			n += scnprintf(buf + n, DIGEST_SIZE - n, " %d%d",
				       sev_fw_is_assigned(rig->fw, SR_BAR(i) +
							  page * PAGE_SIZE),
				       sr_accepted(rig, i, i, page));
		n += scnprintf(buf + n, DIGEST_SIZE - n, " %d%d\n",
			       rig->fw->fence[SR_ASID(i)].dma,
			       rig->fw->fence[SR_ASID(i)].mmio);
	}
	return buf;
}

void sr_expect_table(struct sr *rig, const char *line)
{
	char *buf = kunit_kzalloc(rig->test, DIGEST_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(rig->test, buf);
	buf[0] = '\n';
	show_tables(rig, buf + 1, DIGEST_SIZE - 2);
	KUNIT_EXPECT_NOT_NULL_MSG(rig->test, strstr(buf, line), "%s in:%s", line,
				  buf);
}

void sr_expect_empty(struct sr *rig)
{
	char *buf = kunit_kzalloc(rig->test, DIGEST_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(rig->test, buf);
	show_tables(rig, buf, DIGEST_SIZE - 1);
	for (char *line; (line = strsep(&buf, "\n")) && *line;)
		KUNIT_EXPECT_STREQ_MSG(rig->test, strchr(line, ' '), " 0", "%s",
				       line);
}

u64 sr_issue(struct sr *rig, const struct sr_cmd *cmd, struct sev_spdm *spdm)
{
	const struct sev_tio_connect how = {
		.tc_mask = 1,
		.ide_stream_id = { SR_STREAM },
	};
	const struct sev_tio_bind bind = {
		.gctx = SR_GCTX(cmd->guest),
		.guest_device_id = SR_GUEST_RID(cmd->fn),
		.reporting_offset = SR_OFFSET,
		.run = cmd->nr == SR_RUN,
	};
	struct sev_out out = { .buf = rig->out, .size = rig->out_size };
	struct sev_fw *fw = rig->fw;
	u64 tdi = SR_TDI(cmd->fn);
	u64 status = SEV_SUCCESS;

	switch (cmd->nr) {
	case SR_CONNECT:
		return sev_tio_dev_connect(fw, SR_DEV, spdm, &how);
	case SR_DISCONNECT:
		return sev_tio_dev_disconnect(fw, SR_DEV, spdm, 0);
	case SR_CERTS:
		status = sev_tio_dev_certificates(fw, SR_DEV, spdm, &out);
		break;
	case SR_MEASURE:
		status = sev_tio_dev_measurements(fw, SR_DEV, spdm, &out);
		break;
	case SR_ROLL:
		return sev_tio_roll_key(fw, SR_DEV, spdm);
	case SR_LOCK:
	case SR_RUN:
		return sev_tio_tdi_bind(fw, SR_DEV, tdi, spdm, &bind);
	case SR_UNBIND:
		return sev_tio_tdi_unbind(fw, SR_DEV, tdi, bind.gctx, spdm, 0);
	case SR_REPORT:
		status = sev_tio_tdi_report(fw, SR_DEV, tdi, spdm, &out);
		break;
	case SR_STATUS:
		return sev_tio_tdi_status(fw, SR_DEV, tdi, spdm, &rig->told);
	}
	rig->out_len = out.len;
	return status;
}

u64 sr_first(struct sr *rig, const struct sr_cmd *cmd)
{
	struct sev_spdm spdm = { .rsp_room = SR_RSP_SIZE };

	return sr_issue(rig, cmd, &spdm);
}

u64 sr_loop(struct sr *rig, const struct sr_cmd *cmd)
{
	struct sev_spdm spdm = { .rsp_room = SR_RSP_SIZE };
	u64 status = SEV_SPDM_REQUEST;

	for (int i = 0; i < MAX_TURNS && status == SEV_SPDM_REQUEST; i++) {
		status = sr_issue(rig, cmd, &spdm);
		if (status == SEV_SPDM_REQUEST)
			sr_answer(rig, &spdm);
	}
	return status;
}

/* the device */

static size_t answer_certs(struct sr *rig, const u8 *req)
{
	const struct spdm_get_certificate *get = (const void *)req;
	struct spdm_certificate *rsp = (void *)rig->rsp;
	u16 offset = le16_to_cpu(get->offset);
	u16 n = min3(le16_to_cpu(get->length), rig->portion,
		     (u16)(SR_CHAIN_SIZE - offset));

	if (rig->fault == SR_REFUSES) {
		*(struct spdm_hdr *)rsp = (struct spdm_hdr) {
			.version = SPDM_VERSION_1_2,
			.code = SPDM_ERROR,
			.param1 = SPDM_ERR_UNSPECIFIED,
		};
		return sizeof(struct spdm_hdr);
	}
	if (rig->fault == SR_TOO_MUCH)
		n++;
	*rsp = (struct spdm_certificate) {
		.hdr.version = SPDM_VERSION_1_2,
		.hdr.code = SPDM_CERTIFICATE,
		.portion = cpu_to_le16(n),
		.remainder = cpu_to_le16(SR_CHAIN_SIZE - min(offset + n,
							     SR_CHAIN_SIZE)),
	};
	memcpy(rsp->bytes, rig->chain + offset, min(n, SR_CHAIN_SIZE - offset));
	return sizeof(*rsp) + n;
}

static size_t fill_report(const struct sr_fn *fn, u64 bar, u8 *buf)
{
	struct tdisp_report *report = (void *)buf;

	memset(buf, 0, struct_size(report, range, NR_RANGES) + sizeof(__le32));
	report->nr_ranges = cpu_to_le32(fn->wrong_report ? 0x10000 : NR_RANGES);
	report->range[0] = (struct tdisp_mmio_range) {
		.first_page = cpu_to_le64((bar + fn->offset) >> PAGE_SHIFT),
		.pages = cpu_to_le32(SR_BAR_PAGES),
		.attributes = cpu_to_le16(fn->attributes),
	};
	report->range[1] = (struct tdisp_mmio_range) {
		.first_page = cpu_to_le64((bar + SR_PLAIN_PAGE * PAGE_SIZE +
					   fn->offset) >> PAGE_SHIFT),
		.pages = cpu_to_le32(1),
		.attributes = cpu_to_le16(TDISP_RANGE_NON_TEE),
	};
	return struct_size(report, range, NR_RANGES) + sizeof(__le32);
}

static size_t answer_report(struct sr *rig, int i, const struct tdisp_hdr *hdr,
			    struct tdisp_report_rsp *rsp)
{
	const struct tdisp_report_req *req = (const void *)hdr;
	u8 whole[128];
	size_t size = fill_report(&rig->fn[i], SR_BAR(i), whole);
	u16 offset = le16_to_cpu(req->offset);
	u16 n = min3(le16_to_cpu(req->length), rig->portion, (u16)(size - offset));

	if (rig->fault == SR_TOO_MUCH)
		n = le16_to_cpu(req->length) + 1;
	rsp->portion = cpu_to_le16(n);
	rsp->remainder = cpu_to_le16(size - min(offset + n, size));
	memcpy(rsp->bytes, whole + offset, min_t(size_t, n, size - offset));
	return sizeof(*rsp) + n;
}

static size_t tdisp_error(struct tdisp_hdr *hdr, u32 code)
{
	struct tdisp_error_rsp *rsp = (void *)hdr;

	hdr->type = TDISP_ERROR;
	rsp->code = cpu_to_le32(code);
	rsp->data = 0;
	return sizeof(*rsp);
}

/* what function @i answers to @hdr, into @out; bytes */
static size_t answer_fn(struct sr *rig, int i, const struct tdisp_hdr *hdr,
			struct tdisp_hdr *out)
{
	const struct tdisp_lock_req *lock = (const void *)hdr;
	const struct tdisp_start_req *start = (const void *)hdr;
	struct tdisp_lock_rsp *locked = (void *)out;
	struct tdisp_state_rsp *state = (void *)out;
	struct sr_fn *fn = &rig->fn[i];

	out->type = TDISP_RESPONSE(hdr->type);
	switch (hdr->type) {
	case TDISP_LOCK_INTERFACE:
		if (fn->state != TDISP_CONFIG_UNLOCKED)
			return tdisp_error(out, TDISP_ERR_INVALID_STATE);
		KUNIT_EXPECT_EQ(rig->test, lock->stream_id, SR_STREAM);
		fn->state = TDISP_CONFIG_LOCKED;
		fn->offset = le64_to_cpu(lock->mmio_reporting_offset);
		fn->nonce++;
		memset(locked->nonce, fn->nonce, sizeof(locked->nonce));
		return sizeof(*locked);
	case TDISP_START_INTERFACE:
		if (fn->state != TDISP_CONFIG_LOCKED ||
		    start->nonce[0] != fn->nonce)
			return tdisp_error(out, TDISP_ERR_INVALID_NONCE);
		fn->state = TDISP_RUN;
		return sizeof(*out);
	case TDISP_STOP_INTERFACE:
		fn->state = TDISP_CONFIG_UNLOCKED;
		return sizeof(*out);
	case TDISP_GET_STATE:
		state->state = fn->state;
		return sizeof(*state);
	default:
		return answer_report(rig, i, hdr, (void *)out);
	}
}

static size_t answer_tdisp(struct sr *rig, const u8 *req)
{
	const struct tdisp_hdr *hdr =
		(const void *)(req + sizeof(struct spdm_vendor_hdr));
	struct spdm_vendor_hdr *envelope = (void *)rig->rsp;
	struct tdisp_hdr *out = (void *)envelope->payload;
	int i = le32_to_cpu(hdr->function_id) - SR_RID(0);
	size_t n;

	KUNIT_ASSERT_LT(rig->test, (unsigned int)i, SR_NR);
	memcpy(envelope, req, sizeof(*envelope));
	envelope->spdm.code = SPDM_VENDOR_DEFINED_RSP;
	*out = *hdr;
	if (rig->fault == SR_REFUSES)
		n = tdisp_error(out, TDISP_ERR_UNSPECIFIED);
	else
		n = answer_fn(rig, i, hdr, out);
	if (rig->fault == SR_OTHER_FUNCTION)
		out->function_id = cpu_to_le32(SR_RID(1 - i));
	envelope->payload_len = cpu_to_le16(n + 1);
	return sizeof(*envelope) + n;
}

static size_t answer_measurements(struct sr *rig)
{
	static const u8 record[] = {
		SPDM_VERSION_1_2, 0x60, 0, 0, 1, 3, 0, 0, 'a', 'b', 'c', 0,
	};

	memcpy(rig->rsp, record, sizeof(record));
	return sizeof(record);
}

void sr_answer(struct sr *rig, struct sev_spdm *spdm)
{
	const struct spdm_hdr *hdr = (const void *)spdm->req;
	size_t n;

	rig->questions++;
	memset(rig->rsp, 0, sizeof(rig->rsp));
	if (hdr->code == SPDM_GET_CERTIFICATE)
		n = answer_certs(rig, spdm->req);
	else if (hdr->code == SPDM_VENDOR_DEFINED_REQ)
		n = answer_tdisp(rig, spdm->req);
	else
		n = answer_measurements(rig);
	if (rig->fault == SR_SILENT)
		n = 0;
	else if (rig->fault == SR_SHORT)
		n = min_t(size_t, n, 7);
	else if (rig->fault == SR_NOISE)
		memset(rig->rsp, 0xa5, n);
	else if (rig->fault == SR_HUGE)
		n = spdm->rsp_room + 1;
	spdm->answered = true;
	spdm->rsp = rig->rsp;
	spdm->rsp_len = n;
}

/* the host */

void sr_connect(struct kunit *test)
{
	const struct sev_tio_dev_id id = { .device_id = SR_RID(0) };
	struct sr *rig = test->priv;
	struct sev_tio_status status;

	OK(sev_tio_status(rig->fw, &status));
	if (!status.initialized)
		OK(sev_tio_init(rig->fw));
	OK(sev_tio_dev_create(rig->fw, SR_DEV, &id));
	OK(sr_loop(rig, CMD(SR_CONNECT)));
}

void sr_guest(struct kunit *test, int guest)
{
	struct sr *rig = test->priv;

	OK(sev_snp_gctx_create(rig->fw, SR_GCTX(guest)));
	OK(sev_snp_activate(rig->fw, SR_GCTX(guest), SR_ASID(guest)));
	OK(sev_snp_launch_finish(rig->fw, SR_GCTX(guest)));
}

void sr_create(struct kunit *test, int fn)
{
	struct sr *rig = test->priv;

	OK(sev_tio_tdi_create(rig->fw, SR_DEV, SR_TDI(fn), SR_RID(fn)));
}

/* bound, reported, its guest's fence down */
void sr_lock(struct kunit *test, int fn, int guest)
{
	struct sr *rig = test->priv;

	sr_create(test, fn);
	OK(sr_loop(rig, CMD(SR_LOCK, fn, guest)));
	OK(sr_loop(rig, CMD(SR_REPORT, fn)));
	sr_unfence(test, guest);
}

void sr_assign(struct kunit *test, int fn, int guest)
{
	struct sr *rig = test->priv;

	for (u32 page = 0; page < SR_BAR_PAGES; page++)
		OK(sr_rmp(rig, fn, page, SR_ASID(guest),
			  SR_MMIO_GPA(fn) + page * PAGE_SIZE, true));
}

void sr_run(struct kunit *test, int fn, int guest)
{
	struct sr *rig = test->priv;

	sr_lock(test, fn, guest);
	sr_assign(test, fn, guest);
	OK(sr_loop(rig, CMD(SR_RUN, fn, guest)));
}

void sr_accept(struct kunit *test, int fn, int guest)
{
	struct sr *rig = test->priv;

	OK(sr_sdte(rig, fn, guest, 1));
	OK(sr_validate(rig, fn, guest, 0, SR_BAR_PAGES, true));
}

void sr_memory(struct kunit *test, int guest)
{
	struct sr *rig = test->priv;

	KUNIT_ASSERT_EQ(test, sev_fw_reserve(rig->fw, SR_GCTX(guest), SR_GPA,
					     SR_HPA(guest)), 0);
	OK(sev_rmp_private(rig->fw, SR_HPA(guest), SR_ASID(guest), SR_GPA));
	KUNIT_ASSERT_EQ(test, sev_fw_npt_set(rig->fw, SR_GCTX(guest), SR_GPA,
					     SR_HPA(guest)), 0);
}

/* all of it: a TDI in RUN that reaches memory, and MMIO that the guest reaches */
void sr_up(struct kunit *test, int fn, int guest)
{
	sr_run(test, fn, guest);
	sr_accept(test, fn, guest);
	sr_memory(test, guest);
}

void sr_unbind(struct kunit *test, int fn, int guest)
{
	struct sr *rig = test->priv;

	OK(sr_loop(rig, CMD(SR_UNBIND, fn, guest)));
}

void sr_reclaim(struct kunit *test, int fn)
{
	struct sr *rig = test->priv;

	OK(sev_tio_tdi_reclaim(rig->fw, SR_DEV, SR_TDI(fn)));
}

void sr_unfence(struct kunit *test, int guest)
{
	struct sr *rig = test->priv;
	struct sev_asid_fence fence;

	OK(sev_tio_asid_fence_status(rig->fw, SR_DEV, SR_ASID(guest), &fence));
	if (fence.dma || fence.mmio)
		OK(sev_tio_asid_fence_clear(rig->fw, SR_DEV, SR_GCTX(guest)));
}

void sr_share(struct kunit *test, int fn)
{
	struct sr *rig = test->priv;

	for (u32 page = 0; page < SR_BAR_PAGES; page++)
		OK(sr_rmp_share(rig, fn, page));
}

void sr_forget_memory(struct kunit *test, int guest)
{
	struct sr *rig = test->priv;

	sev_fw_npt_clear(rig->fw, SR_GCTX(guest), SR_GPA);
	OK(sev_rmp_unprivate(rig->fw, SR_HPA(guest)));
}

void sr_end_guest(struct kunit *test, int guest)
{
	struct sr *rig = test->priv;

	OK(sev_snp_decommission(rig->fw, SR_GCTX(guest)));
}

void sr_disconnect(struct kunit *test)
{
	struct sr *rig = test->priv;

	OK(sr_loop(rig, CMD(SR_DISCONNECT)));
	OK(sev_tio_dev_reclaim(rig->fw, SR_DEV));
}

u64 sr_rmp(struct sr *rig, int fn, u32 page, u32 asid, u64 gpa, bool immutable)
{
	const struct sev_rmp_state state = {
		.gpa = gpa,
		.asid = asid,
		.assigned = true,
		.immutable = immutable,
	};

	return sev_rmpupdate(rig->fw, SR_BAR(fn) + page * PAGE_SIZE, &state);
}

u64 sr_rmp_share(struct sr *rig, int fn, u32 page)
{
	const struct sev_rmp_state shared = {};

	return sev_rmpupdate(rig->fw, SR_BAR(fn) + page * PAGE_SIZE, &shared);
}

u32 sr_message(struct sr *rig, int fn, int guest, const struct sev_guest_msg *msg)
{
	union sev_guest_rsp rsp;
	u64 status;

	status = sev_tio_guest_request(rig->fw, SR_DEV, SR_TDI(fn), SR_GCTX(guest),
				       msg, &rsp);
	if (status)
		return SR_REFUSED | status;
	KUNIT_EXPECT_EQ(rig->test, rsp.rsp.type, msg->type & 0x7f);
	return rsp.rsp.status;
}

u32 sr_validate(struct sr *rig, int fn, int guest, u32 page, u32 pages, bool on)
{
	const struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_MMIO_VALIDATE,
		.guest_device_id = SR_GUEST_RID(fn),
		.mmio = {
			.gpa = SR_MMIO_GPA(fn) + page * PAGE_SIZE,
			.pages = pages,
			.range_offset = page,
			.validate = on,
		},
	};

	return sr_message(rig, fn, guest, &msg);
}

u32 sr_sdte(struct sr *rig, int fn, int guest, u32 valid)
{
	const struct sev_guest_msg msg = {
		.type = SEV_TDI_MSG_SDTE_WRITE,
		.guest_device_id = SR_GUEST_RID(fn),
		.other.valid = valid,
	};

	return sr_message(rig, fn, guest, &msg);
}

static void take_hpa(void *ctx, phys_addr_t hpa)
{
	*(u64 *)ctx = hpa;
}

int sr_dma(struct sr *rig, int fn, u64 gpa, u64 *hpa)
{
	return sf_teemu_ops.tdma(rig->fw, SR_RID(fn), gpa, 8, true, take_hpa, hpa);
}

bool sr_accepted(struct sr *rig, int fn, int guest, u32 page)
{
	return sev_fw_mmio_accepted(rig->fw, SR_GCTX(guest), SR_TDI(fn),
				    SR_MMIO_GPA(fn) + page * PAGE_SIZE,
				    SR_BAR(fn) + page * PAGE_SIZE);
}
