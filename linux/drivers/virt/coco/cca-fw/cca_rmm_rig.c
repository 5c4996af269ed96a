// SPDX-License-Identifier: GPL-2.0-only
/* The rig of the KUnit tests: see cca_rmm_rig.h. */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "cca_rmm_rig.h"

#define RSP_MAX		1100

static void rig_ide_keys(void *priv, u8 stream, bool go)
{
	struct rig *rig = priv;

	might_sleep();
	rig->keys = go;
}

static void rig_invalidate(void *priv, u16 rid)
{
	struct rig *rig = priv;

	might_sleep();
	rig->invalidations++;
	rig->invalidated = rid;
}

static const struct teemu_platform rig_platform = {
	.ide_keys = rig_ide_keys,
	.invalidate = rig_invalidate,
};

int rig_init(struct kunit *test)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);

	if (!rig)
		return -ENOMEM;
	rig->rmm = cca_rmm_create();
	if (IS_ERR(rig->rmm))
		return PTR_ERR(rig->rmm);
	cca_rmm_set_platform(rig->rmm, &rig_platform, rig);
	rig->next_granule = 0x10000000;
	rig->keys = -1;
	for (int i = 0; i < RIG_CHAIN_SIZE; i++)
		rig->chain[i] = i * 7;
	rig->chain_portion = 640;
	for (int i = 0; i < sizeof(rig->report); i++)
		rig->report[i] = i + 1;
	rig->report_len = sizeof(rig->report);
	rig->report_portion = 40;
	for (int i = 0; i < 2; i++)
		rig->tdi[i].rid = RIG_RID + i;
	test->priv = rig;
	return 0;
}

void rig_exit(struct kunit *test)
{
	struct rig *rig = test->priv;

	if (rig && !IS_ERR_OR_NULL(rig->rmm))
		cca_rmm_destroy(rig->rmm);
}

/* never twice, and no two of them side by side */
u64 rig_ns(struct rig *rig)
{
	rig->next_granule += 2 * CCA_GRANULE;
	return rig->next_granule;
}

u64 rig_granule(struct rig *rig)
{
	u64 pa = rig_ns(rig);

	return rmi_granule_range_delegate(rig->rmm, pa, pa + CCA_GRANULE,
					  CCA_MEM_RAM) ? 0 : pa;
}

u64 rig_mmio_pa(int dev)
{
	return RIG_MMIO_PA + dev * RIG_MMIO_STEP;
}

u64 rig_mmio_ipa(int dev)
{
	return RIG_MMIO_IPA + dev * RIG_MMIO_STEP;
}

/* everything in the model that a refused call must leave alone, as one number */
struct digest {
	u64 sum;
};

static void add(struct digest *d, u64 value)
{
	d->sum = hash_64(d->sum * 31 + value + 1, 64);
}

static void add_talk(struct digest *d, const struct rmm_talk *talk)
{
	add(d, talk->op << 16 | talk->active << 8 | talk->type);
	add(d, talk->offset);
}

static void add_leaves(struct digest *d, const struct rmm_realm *realm)
{
	struct rb_node *rb;

	for (rb = rb_first(&realm->leaves); rb; rb = rb_next(rb)) {
		struct cca_leaf *leaf = rb_entry(rb, struct cca_leaf, r.rb);

		add(d, leaf->r.base << 8 | leaf->level << 4 | leaf->state);
		add(d, leaf->use.type ? leaf->use.r.base : 0);
	}
	add(d, (u64)realm->root.live << 32 | realm->root.dead);
	for (int level = 0; level <= RMM_LAST_LEVEL; level++)
		for (rb = rb_first(&realm->rtts[level]); rb; rb = rb_next(rb)) {
			struct rmm_rtt *rtt = rb_entry(rb, struct rmm_rtt, r.rb);

			add(d, rtt->r.base << 4 | level);
			add(d, (u64)rtt->live << 32 | rtt->dead);
		}
}

static void add_rec(struct digest *d, const struct rmm_rec *rec)
{
	add(d, rec->stage << 2 | rec->running << 1 | rec->completed);
	add(d, rec->done);
}

static void add_object(struct digest *d, struct rmm_use *use)
{
	const struct rmm_realm *realm;

	add(d, use->r.base | use->type);
	add(d, use->r.top);
	if (use->type == RMM_USE_REC)
		add_rec(d, container_of(use, struct rmm_rec, use));
	if (use->type != RMM_USE_RD)
		return;
	realm = container_of(use, struct rmm_realm, use);
	add(d, realm->state << 8 | realm->vdevs << 1 | realm->da);
	add(d, !!realm->rec);
	add_leaves(d, realm);
}

static void add_devices(struct digest *d, struct cca_rmm *rmm)
{
	struct rmm_stream *stream;
	struct rmm_pdev *pdev;
	struct rmm_vdev *vdev;

	list_for_each_entry(pdev, &rmm->pdevs, list) {
		add(d, pdev->state << 16 | pdev->streams << 8 | pdev->vdevs);
		add(d, pdev->tail_len);
		add_talk(d, &pdev->talk);
	}
	list_for_each_entry(stream, &rmm->streams, list)
		add(d, stream->handle << 16 | stream->state << 8 | stream->busy);
	list_for_each_entry(vdev, &rmm->vdevs, list) {
		add(d, vdev->state << 16 | vdev->told << 8 | vdev->ste);
		add(d, vdev->nonces.lock);
		add(d, vdev->nonces.report);
		add(d, vdev->nonces.meas);
		add_talk(d, &vdev->talk);
	}
}

u64 rig_digest(struct cca_rmm *rmm)
{
	struct digest d = {};
	struct rb_node *rb;

	guard(spinlock_irqsave)(&rmm->lock);
	for (rb = rb_first(&rmm->runs); rb; rb = rb_next(rb)) {
		struct cca_run *run = rb_entry(rb, struct cca_run, r.rb);

		add(&d, run->r.base | run->kind);
		add(&d, run->r.top);
	}
	for (rb = rb_first(&rmm->uses); rb; rb = rb_next(rb))
		add_object(&d, rb_entry(rb, struct rmm_use, r.rb));
	for (int i = 0; i < RMM_NR_USES; i++)
		add(&d, rmm->nr_uses[i]);
	add(&d, rmm->nonce);
	add_devices(&d, rmm);
	return d.sum;
}

/* the device */

static size_t answer_certs(struct rig *rig, const u8 *msg, u8 *rsp)
{
	const struct spdm_get_certificate *get = (const void *)msg;
	struct spdm_certificate *cert = (void *)rsp;
	u16 offset = le16_to_cpu(get->offset);
	u16 portion = min3(le16_to_cpu(get->length), rig->chain_portion,
			   (u16)(RIG_CHAIN_SIZE - offset));

	cert->hdr = (struct spdm_hdr) {
		.version = SPDM_VERSION_1_2,
		.code = rig->fault == RIG_WRONG_TYPE ? SPDM_ERROR :
						       SPDM_CERTIFICATE,
	};
	cert->portion = cpu_to_le16(portion);
	cert->remainder = cpu_to_le16(RIG_CHAIN_SIZE - offset - portion);
	memcpy(cert->bytes, rig->chain + offset, portion);
	return sizeof(*cert) + portion;
}

/* one block of four bytes */
static size_t answer_measurements(struct rig *rig, u8 *rsp)
{
	static const u8 good[] = { 0x12, 0x60, 0, 0, 1, 4, 0, 0, 1, 2, 3, 4 };
	static const u8 bad[] = { 0x12, SPDM_ERROR, SPDM_ERR_UNSUPPORTED, 0xe0 };

	memcpy(rsp, rig->measures ? good : bad,
	       rig->measures ? sizeof(good) : sizeof(bad));
	return rig->measures ? sizeof(good) : sizeof(bad);
}

static struct rig_tdi *find_tdi(struct rig *rig, u16 rid)
{
	for (int i = 0; i < 2; i++)
		if (rig->tdi[i].rid == rid)
			return &rig->tdi[i];
	return NULL;
}

static bool may(const struct rig_tdi *tdi, const struct tdisp_hdr *req)
{
	const struct tdisp_start_req *start =
		container_of(req, struct tdisp_start_req, hdr);

	switch (req->type) {
	case TDISP_LOCK_INTERFACE:
		return tdi->state == TDISP_CONFIG_UNLOCKED;
	case TDISP_START_INTERFACE:
		return tdi->state == TDISP_CONFIG_LOCKED &&
		       start->nonce[0] == tdi->nonce;
	case TDISP_GET_REPORT:
		return tdi->state == TDISP_CONFIG_LOCKED ||
		       tdi->state == TDISP_RUN;
	default:
		return true;
	}
}

static size_t answer_report(struct rig *rig, const struct tdisp_hdr *hdr,
			    struct tdisp_hdr *out)
{
	const struct tdisp_report_req *req =
		container_of(hdr, struct tdisp_report_req, hdr);
	struct tdisp_report_rsp *rsp =
		container_of(out, struct tdisp_report_rsp, hdr);
	u16 offset = le16_to_cpu(req->offset);
	u16 portion = min(rig->report_portion, (u16)(rig->report_len - offset));

	rsp->portion = cpu_to_le16(portion);
	rsp->remainder = cpu_to_le16(rig->report_len - offset - portion);
	memcpy(rsp->bytes, rig->report + offset, portion);
	return sizeof(*rsp) + portion;
}

/* the body of the right answer; the TDI moves */
static size_t obey(struct rig *rig, struct rig_tdi *tdi,
		   const struct tdisp_hdr *req, struct tdisp_hdr *out)
{
	enum tdisp_state to = tdi->state;
	size_t len = sizeof(*out);

	switch (req->type) {
	case TDISP_LOCK_INTERFACE:
		to = TDISP_CONFIG_LOCKED;
		memset(container_of(out, struct tdisp_lock_rsp, hdr)->nonce,
		       ++tdi->nonce, TDISP_NONCE_SIZE);
		len = sizeof(struct tdisp_lock_rsp);
		break;
	case TDISP_START_INTERFACE:
		to = TDISP_RUN;
		break;
	case TDISP_STOP_INTERFACE:
		to = TDISP_CONFIG_UNLOCKED;
		break;
	case TDISP_GET_STATE:
		container_of(out, struct tdisp_state_rsp, hdr)->state = to;
		return sizeof(struct tdisp_state_rsp);
	case TDISP_GET_REPORT:
		return answer_report(rig, req, out);
	}
	if (!tdi->stuck)
		tdi->state = to;
	return len;
}

static size_t answer_tdisp(struct rig *rig, const u8 *msg, u8 *rsp)
{
	const struct spdm_vendor_hdr *in = (const void *)msg;
	const struct tdisp_hdr *req = (const void *)in->payload;
	struct rig_tdi *tdi = find_tdi(rig, le32_to_cpu(req->function_id));
	struct spdm_vendor_hdr *out = (void *)rsp;
	struct tdisp_hdr *hdr = (void *)out->payload;
	size_t len;

	*out = *in;
	out->spdm.code = SPDM_VENDOR_DEFINED_RSP;
	*hdr = *req;
	hdr->type = TDISP_RESPONSE(req->type);
	if (!tdi || !may(tdi, req) || rig->fault == RIG_TDISP_ERROR) {
		struct tdisp_error_rsp *error =
			container_of(hdr, struct tdisp_error_rsp, hdr);

		hdr->type = TDISP_ERROR;
		error->code = cpu_to_le32(TDISP_ERR_INVALID_STATE);
		len = sizeof(*error);
	} else {
		len = obey(rig, tdi, req, hdr);
	}
	if (rig->fault == RIG_WRONG_TYPE)
		hdr->type ^= 1;
	if (rig->fault == RIG_WRONG_FUNCTION)
		hdr->function_id = cpu_to_le32(RIG_RID + 9);
	out->payload_len = cpu_to_le16(len + 1);
	return sizeof(*out) + len;
}

/* what the mailbox gives back, in @rsp; the bytes of it */
size_t rig_answer(struct rig *rig, const u8 *msg, u8 *rsp)
{
	const struct spdm_hdr *hdr = (const void *)msg;

	rig->rounds++;
	memset(rsp, 0, RSP_MAX);
	switch (rig->fault) {
	case RIG_EMPTY:
		return 0;
	case RIG_NOISE:
		memset(rsp, 0x5a, 64);
		return 64;
	default:
		break;
	}
	if (hdr->code == SPDM_GET_CERTIFICATE)
		return answer_certs(rig, msg, rsp);
	if (hdr->code == SPDM_VENDOR_DEFINED_REQ)
		return answer_tdisp(rig, msg, rsp);
	return answer_measurements(rig, rsp);
}

static void keep_cached(struct rig *rig, const struct rmi_comm *comm, bool *fresh)
{
	u32 *len = &rig->cache_len[comm->object];

	if (!(comm->flags & RMI_COMM_CACHE))
		return;
	if (*fresh)
		*len = 0;
	*fresh = false;
	memcpy(rig->cache[comm->object] + *len, comm->rsp + comm->cache_offset,
	       comm->cache_len);
	*len += comm->cache_len;
}

static u64 communicate(struct rig *rig, u64 rd, u64 pdev, u64 vdev,
		       struct rmi_comm *comm)
{
	return vdev ? rmi_vdev_communicate(rig->rmm, rd, pdev, vdev, comm) :
		      rmi_pdev_communicate(rig->rmm, pdev, comm);
}

static u64 talk(struct rig *rig, u64 rd, u64 pdev, u64 vdev)
{
	struct rmi_comm comm = { .status = RMI_COMM_NONE };
	u8 rsp[RSP_MAX];
	bool fresh = true;
	u64 status;

	for (int i = 0; i < 128; i++) {
		status = communicate(rig, rd, pdev, vdev, &comm);
		if (status)
			return status;
		keep_cached(rig, &comm, &fresh);
		if (!(comm.flags & RMI_COMM_SEND))
			return RMI_SUCCESS;
		comm.rsp_len = rig_answer(rig, comm.req, rsp);
		comm.rsp = rsp;
		comm.status = rig->fault == RIG_SILENT ? RMI_COMM_ERROR :
							 RMI_COMM_RESPONSE;
	}
	return RMI_BUSY;
}

u64 rig_talk_pdev(struct rig *rig, u64 pdev)
{
	return talk(rig, 0, pdev, 0);
}

u64 rig_talk(struct rig *rig, int realm, int dev)
{
	return talk(rig, rig->realm[realm].rd, rig->ep, rig->vdev[dev]);
}

u64 rig_step(struct rig *rig, int realm, int dev, struct rmi_comm *comm)
{
	u8 rsp[RSP_MAX];

	if (comm->flags & RMI_COMM_SEND) {
		comm->rsp_len = rig_answer(rig, comm->req, rsp);
		comm->rsp = rsp;
		comm->status = RMI_COMM_RESPONSE;
	}
	return rmi_vdev_communicate(rig->rmm, rig->realm[realm].rd, rig->ep,
				    rig->vdev[dev], comm);
}

MODULE_DESCRIPTION("KUnit tests of the model of Arm's realm management monitor");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
