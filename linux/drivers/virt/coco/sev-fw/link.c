// SPDX-License-Identifier: GPL-2.0-only
/*
 * What firmware says to a device as a whole: certificates, measurements, the keys of
 * its IDE streams.
 *
 * There is no secured session and no IDE_KM on the wire: keys appear in both ports by
 * teemu_platform.ide_keys. Where the ASP would end the session or roll keys, the
 * model asks for the first bytes of the certificate chain: a question that a device
 * which is still there can answer.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "fw.h"

/* of the working part, with the lock dropped */
struct link_work {
	struct sf_dev *dev;
	struct sev_tio_connect how;
};

/* the keys of all streams of @how; process context, no lock; @go: in or out */
static void drive_keys(struct sev_fw *fw, const struct sev_tio_connect *how, bool go)
{
	if (!fw->platform || !fw->platform->ide_keys)
		return;
	for (int tc = 0; tc < SEV_TIO_NR_TCS; tc++)
		if (how->tc_mask & BIT(tc))
			fw->platform->ide_keys(fw->priv, how->ide_stream_id[tc], go);
}

/*
 * The device has answered all: @dev's loop stays open while keys are driven without
 * the lock, so that nobody else touches it.
 */
static u64 start_work(struct sf_dev *dev, struct link_work *work,
		      const struct sev_tio_connect *how)
{
	dev->talk.working = true;
	work->dev = dev;
	work->how = *how;
	return SEV_SPDM_REQUEST;	/* for sf_talk_leave(): not over yet */
}

/* the lock is held again: the command succeeds */
static u64 end_work(struct sev_fw *fw, struct sf_dev *dev, u32 nr)
{
	lockdep_assert_held(&fw->lock);
	dev->talk.working = false;
	sf_talk_leave(dev, SEV_SUCCESS);
	fw->ref.blame = TIO_BLAME_HOST;
	return tio_judge(&fw->ref, nr, sf_ctx_pa(&dev->ctx), SEV_SUCCESS);
}

/* take a portion of the chain: 0: it is whole; -EAGAIN: ask on; -EBADMSG */
static int take_certs(struct sf_dev *dev, const struct sev_spdm *spdm,
		      u8 head[SF_HEAD_SIZE], struct sev_out *out)
{
	struct sf_talk *talk = &dev->talk;
	u16 portion, remainder;
	const u8 *bytes;

	if (sf_hear_certs(talk, spdm, &portion, &remainder, &bytes))
		return -EBADMSG;
	if (!talk->offset)
		sha384_init(&talk->sha);
	if (head && !talk->offset && portion >= SF_HEAD_SIZE)
		memcpy(head, bytes, SF_HEAD_SIZE);
	sha384_update(&talk->sha, bytes, portion);
	if (out && talk->offset + portion <= out->size)
		memcpy(out->buf + talk->offset, bytes, portion);
	talk->offset += portion;
	return remainder ? -EAGAIN : 0;
}

static bool is_valid(const struct sev_tio_connect *how)
{
	return how->tc_mask & BIT(0) && !how->cert_slot;
}

static u64 connect_turn(struct sev_fw *fw, struct sf_dev *dev, struct sev_spdm *spdm,
			const struct sev_tio_connect *how, struct link_work *work)
{
	int rc;

	if (dev->state != SEV_DEV_CREATED)
		return SEV_INVALID_DEV_STATE;
	if (!is_valid(how))
		return SEV_INVALID_PARAM;
	if (!spdm->answered)
		return sf_ask_certs(&dev->talk, spdm, U16_MAX);
	rc = take_certs(dev, spdm, dev->head, NULL);
	if (rc == -EAGAIN)
		return sf_ask_certs(&dev->talk, spdm, U16_MAX);
	if (rc)
		return sf_bad_answer(fw);
	sha384_final(&dev->talk.sha, dev->digest);
	return start_work(dev, work, how);
}

static u64 dev_connect(struct sev_fw *fw, u64 pa, struct sev_spdm *spdm,
		       const struct sev_tio_connect *how, struct link_work *work)
{
	struct sf_dev *dev = sf_dev_find(fw, pa);
	u64 status = sf_ready(fw);

	if (status)
		return status;
	if (!dev)
		return SEV_INVALID_DEV_CTX;
	return sf_talk_enter(fw, dev, SEV_CALL_TIO_DEV_CONNECT, 0, 0, spdm) ?:
	       sf_talk_leave(dev, connect_turn(fw, dev, spdm, how, work));
}

/**
 * sev_tio_dev_connect() - DEV_CONNECT
 * @fw: the model
 * @dev: CREATED
 * @spdm: the loop: the certificate chain, in portions
 * @how: traffic classes and their streams
 *
 * Return: SEV_SPDM_REQUEST, SEV_EXPAND_BUFFER_LENGTH, SEV_SPDM_ERROR,
 * SEV_INVALID_DEV_CTX, SEV_IN_USE, SEV_INVALID_DEV_STATE, SEV_INVALID_PARAM, or
 * success: CONNECTED, the streams have their keys.
 * Context: process, may sleep.
 */
u64 sev_tio_dev_connect(struct sev_fw *fw, u64 dev, struct sev_spdm *spdm,
			const struct sev_tio_connect *how)
{
	struct link_work work = {};
	u64 status;

	scoped_guard(spinlock_irqsave, &fw->lock) {
		status = sf_begin(fw, SEV_CALL_TIO_DEV_CONNECT, dev) ?:
			 dev_connect(fw, dev, spdm, how, &work);
		if (!work.dev)
			return tio_judge(&fw->ref, SEV_CALL_TIO_DEV_CONNECT, dev,
					 status);
	}
	drive_keys(fw, &work.how, true);
	guard(spinlock_irqsave)(&fw->lock);
	work.dev->state = SEV_DEV_CONNECTED;
	work.dev->how = work.how;
	return end_work(fw, work.dev, SEV_CALL_TIO_DEV_CONNECT);
}
EXPORT_SYMBOL_GPL(sev_tio_dev_connect);

/* one question that only a device which is there answers: 0 when it did */
static u64 ping_turn(struct sev_fw *fw, struct sf_dev *dev, struct sev_spdm *spdm,
		     u8 head[SF_HEAD_SIZE])
{
	u16 portion, remainder;
	const u8 *bytes;

	if (!spdm->answered)
		return sf_ask_certs(&dev->talk, spdm, SF_HEAD_SIZE);
	if (sf_hear_certs(&dev->talk, spdm, &portion, &remainder, &bytes) ||
	    portion != SF_HEAD_SIZE)
		return sf_bad_answer(fw);
	memcpy(head, bytes, SF_HEAD_SIZE);
	return SEV_SUCCESS;
}

static u64 disconnect_turn(struct sev_fw *fw, struct sf_dev *dev,
			   struct sev_spdm *spdm, struct link_work *work)
{
	u8 head[SF_HEAD_SIZE];
	u64 status;

	if (dev->state != SEV_DEV_CONNECTED)
		return SEV_INVALID_DEV_STATE;
	if (sf_dev_bound(dev))
		return SEV_IN_USE;
	status = ping_turn(fw, dev, spdm, head);
	return status ?: start_work(dev, work, &dev->how);
}

/* no word to the device; a loop that is open is over */
static u64 disconnect_force(struct sev_fw *fw, struct sf_dev *dev,
			    struct link_work *work)
{
	struct sf_tdi *tdi;

	if (dev->talk.working)
		return SEV_IN_USE;
	list_for_each_entry(tdi, &dev->tdis, list)
		if (tdi->guest)
			sf_tdi_fail(fw, tdi);
	dev->talk = (struct sf_talk) { .nr = SEV_CALL_TIO_DEV_DISCONNECT };
	return start_work(dev, work, &dev->how);
}

static u64 dev_disconnect(struct sev_fw *fw, u64 pa, struct sev_spdm *spdm,
			  u32 flags, struct link_work *work)
{
	struct sf_dev *dev = sf_dev_find(fw, pa);
	u64 status = sf_ready(fw);

	if (status)
		return status;
	if (!dev)
		return SEV_INVALID_DEV_CTX;
	if (flags & ~SEV_TIO_FORCE)
		return SEV_INVALID_PARAM;
	if (flags & SEV_TIO_FORCE)
		return disconnect_force(fw, dev, work);
	return sf_talk_enter(fw, dev, SEV_CALL_TIO_DEV_DISCONNECT, 0, 0, spdm) ?:
	       sf_talk_leave(dev, disconnect_turn(fw, dev, spdm, work));
}

/**
 * sev_tio_dev_disconnect() - DEV_DISCONNECT
 * @fw: the model
 * @dev: CONNECTED, no TDI bound; with FORCE anything
 * @spdm: the loop; not looked at with FORCE
 * @flags: SEV_TIO_FORCE or 0
 *
 * Return: SEV_SPDM_REQUEST, SEV_EXPAND_BUFFER_LENGTH, SEV_SPDM_ERROR,
 * SEV_INVALID_DEV_CTX, SEV_IN_USE (bound TDIs, or another loop),
 * SEV_INVALID_DEV_STATE, SEV_INVALID_PARAM, or success: CREATED, the keys are gone.
 * Context: process, may sleep.
 */
u64 sev_tio_dev_disconnect(struct sev_fw *fw, u64 dev, struct sev_spdm *spdm,
			   u32 flags)
{
	struct link_work work = {};
	u64 status;

	scoped_guard(spinlock_irqsave, &fw->lock) {
		status = sf_begin(fw, SEV_CALL_TIO_DEV_DISCONNECT, dev) ?:
			 dev_disconnect(fw, dev, spdm, flags, &work);
		if (!work.dev)
			return tio_judge(&fw->ref, SEV_CALL_TIO_DEV_DISCONNECT,
					 dev, status);
	}
	drive_keys(fw, &work.how, false);
	guard(spinlock_irqsave)(&fw->lock);
	work.dev->state = SEV_DEV_CREATED;
	work.dev->how = (struct sev_tio_connect) {};
	return end_work(fw, work.dev, SEV_CALL_TIO_DEV_DISCONNECT);
}
EXPORT_SYMBOL_GPL(sev_tio_dev_disconnect);

static u64 roll_turn(struct sev_fw *fw, struct sf_dev *dev, struct sev_spdm *spdm,
		     struct link_work *work)
{
	u8 head[SF_HEAD_SIZE];
	u64 status;

	if (dev->state != SEV_DEV_CONNECTED)
		return SEV_INVALID_DEV_STATE;
	status = ping_turn(fw, dev, spdm, head);
	if (status)
		return status;
	if (memcmp(head, dev->head, SF_HEAD_SIZE))
		return tio_refuse_as(&fw->ref, TIO_BLAME_DEVICE,
				     SEV_DEV_CERT_CHANGED);
	return start_work(dev, work, &dev->how);
}

static u64 roll_key(struct sev_fw *fw, u64 pa, struct sev_spdm *spdm,
		    struct link_work *work)
{
	struct sf_dev *dev = sf_dev_find(fw, pa);
	u64 status = sf_ready(fw);

	if (status)
		return status;
	if (!dev)
		return SEV_INVALID_DEV_CTX;
	return sf_talk_enter(fw, dev, SEV_CALL_TIO_ROLL_KEY, 0, 0, spdm) ?:
	       sf_talk_leave(dev, roll_turn(fw, dev, spdm, work));
}

/**
 * sev_tio_roll_key() - ROLL_KEY: new keys for the streams
 * @fw: the model
 * @dev: CONNECTED
 * @spdm: the loop
 *
 * Return: SEV_SPDM_REQUEST, SEV_EXPAND_BUFFER_LENGTH, SEV_SPDM_ERROR,
 * SEV_INVALID_DEV_CTX, SEV_IN_USE, SEV_INVALID_DEV_STATE, SEV_DEV_CERT_CHANGED or
 * success.
 * Context: process, may sleep.
 */
u64 sev_tio_roll_key(struct sev_fw *fw, u64 dev, struct sev_spdm *spdm)
{
	struct link_work work = {};
	u64 status;

	scoped_guard(spinlock_irqsave, &fw->lock) {
		status = sf_begin(fw, SEV_CALL_TIO_ROLL_KEY, dev) ?:
			 roll_key(fw, dev, spdm, &work);
		if (!work.dev)
			return tio_judge(&fw->ref, SEV_CALL_TIO_ROLL_KEY, dev,
					 status);
	}
	drive_keys(fw, &work.how, true);
	guard(spinlock_irqsave)(&fw->lock);
	return end_work(fw, work.dev, SEV_CALL_TIO_ROLL_KEY);
}
EXPORT_SYMBOL_GPL(sev_tio_roll_key);

static u64 certs_turn(struct sev_fw *fw, struct sf_dev *dev, struct sev_spdm *spdm,
		      struct sev_out *out)
{
	u8 digest[SEV_TIO_DIGEST_SIZE];
	int rc;

	if (dev->state != SEV_DEV_CONNECTED)
		return SEV_INVALID_DEV_STATE;
	if (!spdm->answered)
		return sf_ask_certs(&dev->talk, spdm, U16_MAX);
	rc = take_certs(dev, spdm, NULL, out);
	if (rc == -EAGAIN)
		return sf_ask_certs(&dev->talk, spdm, U16_MAX);
	if (rc)
		return sf_bad_answer(fw);
	sha384_final(&dev->talk.sha, digest);
	if (memcmp(digest, dev->digest, sizeof(digest)))
		return tio_refuse_as(&fw->ref, TIO_BLAME_DEVICE,
				     SEV_DEV_CERT_CHANGED);
	out->len = dev->talk.offset;
	return out->len <= out->size ? SEV_SUCCESS : SEV_EXPAND_BUFFER_LENGTH;
}

static u64 dev_certificates(struct sev_fw *fw, u64 pa, struct sev_spdm *spdm,
			    struct sev_out *out)
{
	struct sf_dev *dev = sf_dev_find(fw, pa);
	u64 status = sf_ready(fw);

	if (status)
		return status;
	if (!dev)
		return SEV_INVALID_DEV_CTX;
	return sf_talk_enter(fw, dev, SEV_CALL_TIO_DEV_CERTIFICATES, 0, 0, spdm) ?:
	       sf_talk_leave(dev, certs_turn(fw, dev, spdm, out));
}

/**
 * sev_tio_dev_certificates() - DEV_CERTIFICATES: the chain, for the host
 * @fw: the model
 * @dev: CONNECTED
 * @spdm: the loop: the chain, in portions
 * @out: filled with the chain
 *
 * Return: SEV_SPDM_REQUEST, SEV_EXPAND_BUFFER_LENGTH, SEV_SPDM_ERROR,
 * SEV_INVALID_DEV_CTX, SEV_IN_USE, SEV_INVALID_DEV_STATE, SEV_DEV_CERT_CHANGED or
 * success.
 * Context: any.
 */
u64 sev_tio_dev_certificates(struct sev_fw *fw, u64 dev, struct sev_spdm *spdm,
			     struct sev_out *out)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_DEV_CERTIFICATES, dev,
			 sf_begin(fw, SEV_CALL_TIO_DEV_CERTIFICATES, dev) ?:
			 dev_certificates(fw, dev, spdm, out));
}
EXPORT_SYMBOL_GPL(sev_tio_dev_certificates);

static u64 measurements_turn(struct sev_fw *fw, struct sf_dev *dev,
			     struct sev_spdm *spdm, struct sev_out *out)
{
	const u8 *record;
	u32 len;

	if (dev->state != SEV_DEV_CONNECTED)
		return SEV_INVALID_DEV_STATE;
	if (!spdm->answered)
		return sf_ask_measurements(&dev->talk, spdm);
	if (sf_hear_measurements(spdm, &record, &len))
		return sf_bad_answer(fw);
	out->len = len;
	if (len > out->size)
		return SEV_EXPAND_BUFFER_LENGTH;
	memcpy(out->buf, record, len);
	return SEV_SUCCESS;
}

static u64 dev_measurements(struct sev_fw *fw, u64 pa, struct sev_spdm *spdm,
			    struct sev_out *out)
{
	struct sf_dev *dev = sf_dev_find(fw, pa);
	u64 status = sf_ready(fw);

	if (status)
		return status;
	if (!dev)
		return SEV_INVALID_DEV_CTX;
	return sf_talk_enter(fw, dev, SEV_CALL_TIO_DEV_MEASUREMENTS, 0, 0, spdm) ?:
	       sf_talk_leave(dev, measurements_turn(fw, dev, spdm, out));
}

/**
 * sev_tio_dev_measurements() - DEV_MEASUREMENTS
 * @fw: the model
 * @dev: CONNECTED
 * @spdm: the loop: one question
 * @out: filled with the measurement record
 *
 * Return: SEV_SPDM_REQUEST, SEV_EXPAND_BUFFER_LENGTH, SEV_SPDM_ERROR (also: the device
 * has none), SEV_INVALID_DEV_CTX, SEV_IN_USE, SEV_INVALID_DEV_STATE or success.
 * Context: any.
 */
u64 sev_tio_dev_measurements(struct sev_fw *fw, u64 dev, struct sev_spdm *spdm,
			     struct sev_out *out)
{
	guard(spinlock_irqsave)(&fw->lock);
	return tio_judge(&fw->ref, SEV_CALL_TIO_DEV_MEASUREMENTS, dev,
			 sf_begin(fw, SEV_CALL_TIO_DEV_MEASUREMENTS, dev) ?:
			 dev_measurements(fw, dev, spdm, out));
}
EXPORT_SYMBOL_GPL(sev_tio_dev_measurements);
