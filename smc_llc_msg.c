// SPDX-License-Identifier: GPL-2.0
/*
 * LLC messages: the pure half of smc_llc.c.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#include "smc_bytes.h"
#include "smc_llc_msg.h"

static u16 smc_llc_get_u16(const u8 b[2], bool le)
{
	return le ? b[1] << 8 | b[0] : b[0] << 8 | b[1];
}

static void smc_llc_put_u16(u8 b[2], bool le, u16 v)
{
	b[le ? 0 : 1] = v;
	b[le ? 1 : 0] = v >> 8;
}

/*
 * The length of a version 2 message is in the sender's byte order [LNX]. What was received
 * is the better length, this one only gives away the order: prefer the one that makes it
 * true, else take the one that makes it possible.
 */
static int smc_llc_v2_len(const struct smc_wire_llc_hdr *hdr, size_t len, bool *le_len)
{
	const u8 field[2] = { hdr->len, hdr->reason };
	u16 be = smc_llc_get_u16(field, false);
	u16 le = smc_llc_get_u16(field, true);
	bool be_ok = be >= SMC_LLC_LEN && be <= SMC_LLC_V2_MAX_LEN;
	bool le_ok = le >= SMC_LLC_LEN && le <= SMC_LLC_V2_MAX_LEN;

	if (!be_ok && !le_ok)
		return -EPROTO;
	*le_len = be != len && (le == len || !be_ok);
	return 0;
}

static void smc_llc_parse_pair(struct smc_llc_rkey_pair *pair, const struct smc_wire_rkey_pair *w)
{
	pair->ref_rkey = be32_to_cpu(w->ref_rkey);
	pair->new_rkey = be32_to_cpu(w->new_rkey);
	pair->vaddr = be64_to_cpu(w->vaddr);
}

static void smc_llc_build_pair(struct smc_wire_rkey_pair *w, const struct smc_llc_rkey_pair *pair)
{
	w->ref_rkey = cpu_to_be32(pair->ref_rkey);
	w->new_rkey = cpu_to_be32(pair->new_rkey);
	w->vaddr = cpu_to_be64(pair->vaddr);
}

static void smc_llc_parse_links(struct smc_llc_link_rkey *l, const struct smc_wire_link_rkey *w,
				unsigned int n)
{
	for (; n; n--, l++, w++) {
		l->link_num = w->link_num;
		l->rkey = be32_to_cpu(w->rkey);
		l->vaddr = be64_to_cpu(w->vaddr);
	}
}

static void smc_llc_build_links(struct smc_wire_link_rkey *w, const struct smc_llc_link_rkey *l,
				unsigned int n)
{
	for (; n; n--, l++, w++) {
		w->link_num = l->link_num;
		w->rkey = cpu_to_be32(l->rkey);
		w->vaddr = cpu_to_be64(l->vaddr);
	}
}

static int smc_llc_parse_confirm_link(struct smc_reader *r, struct smc_llc_msg *m)
{
	const struct smc_wire_confirm_link *w = smc_take(r, sizeof(*w));

	if (!w)
		return -EPROTO;
	memcpy(m->confirm_link.mac, w->mac, sizeof(w->mac));
	memcpy(m->confirm_link.gid, w->gid, sizeof(w->gid));
	m->confirm_link.qpn = smc_get_u24(w->qpn);
	m->confirm_link.link_num = w->link_num;
	m->confirm_link.link_uid = be32_to_cpu(w->link_uid);
	m->confirm_link.max_links = w->max_links;
	if (m->version != SMC_VERSION_1)
		m->confirm_link.max_conns = w->max_conns;
	m->confirm_link.no_eyecatcher = w->hdr.flags & SMC_LLC_F_NO_EYECATCHER;
	return 0;
}

static int smc_llc_build_confirm_link(struct smc_writer *out, const struct smc_llc_msg *m)
{
	struct smc_wire_confirm_link *w;

	if (m->confirm_link.qpn > SMC_U24_MAX)
		return -EINVAL;
	w = smc_reserve(out, sizeof(*w));
	if (!w)
		return -ENOSPC;
	memcpy(w->mac, m->confirm_link.mac, sizeof(w->mac));
	memcpy(w->gid, m->confirm_link.gid, sizeof(w->gid));
	smc_put_u24(w->qpn, m->confirm_link.qpn);
	w->link_num = m->confirm_link.link_num;
	w->link_uid = cpu_to_be32(m->confirm_link.link_uid);
	w->max_links = m->confirm_link.max_links;
	if (m->version != SMC_VERSION_1)
		w->max_conns = m->confirm_link.max_conns;
	if (m->confirm_link.no_eyecatcher)
		w->hdr.flags |= SMC_LLC_F_NO_EYECATCHER;
	return 0;
}

/*
 * How many pairs there are, the received length knows best. The counter is there only to
 * say that it is less: read in the wrong byte order it is at least 256, since no group
 * has more RMBs than fit in a byte.
 */
static int smc_llc_parse_add_link_ext(struct smc_reader *r, struct smc_llc_msg *m)
{
	const struct smc_wire_add_link_v2 *ext;
	size_t n_pairs;

	if (!r->left)
		return 0;
	ext = smc_take(r, sizeof(*ext));
	if (!ext)
		return -EPROTO;
	n_pairs = min_t(size_t, smc_llc_get_u16(ext->n_pairs, m->le_len),
			r->left / sizeof(struct smc_wire_rkey_pair));
	m->add_link.has_ext = true;
	m->add_link.v2_direct = ext->flags & SMC_LLC_ADD_DIRECT;
	memcpy(m->add_link.target_gid, ext->target_gid, sizeof(ext->target_gid));
	m->add_link.n_pairs = min_t(size_t, n_pairs, SMC_LLC_MAX_RTOKENS);
	return 0;
}

static int smc_llc_parse_add_link(struct smc_reader *r, struct smc_llc_msg *m)
{
	const struct smc_wire_add_link *w = smc_take(r, sizeof(*w));

	if (!w)
		return -EPROTO;
	m->add_link.reject = w->hdr.flags & SMC_LLC_F_ADD_REJECT;
	memcpy(m->add_link.mac, w->mac, sizeof(w->mac));
	memcpy(m->add_link.gid, w->gid, sizeof(w->gid));
	m->add_link.qpn = smc_get_u24(w->qpn);
	m->add_link.link_num = w->link_num;
	m->add_link.mtu_code = w->mtu & 0x0f;
	m->add_link.psn = smc_get_u24(w->psn);
	if (m->version != SMC_VERSION_1)
		return smc_llc_parse_add_link_ext(r, m);
	m->add_link.reason = w->hdr.reason & SMC_LLC_REJECT_MASK;
	return 0;
}

static int smc_llc_build_add_link_ext(struct smc_writer *out, const struct smc_llc_msg *m)
{
	struct smc_wire_add_link_v2 *ext = smc_reserve(out, sizeof(*ext));

	if (!ext)
		return -ENOSPC;
	ext->flags = m->add_link.v2_direct ? SMC_LLC_ADD_DIRECT : 0;
	memcpy(ext->target_gid, m->add_link.target_gid, sizeof(ext->target_gid));
	smc_llc_put_u16(ext->n_pairs, m->le_len, m->add_link.n_pairs);
	if (!smc_reserve(out, m->add_link.n_pairs * sizeof(struct smc_wire_rkey_pair)))
		return -ENOSPC;
	return 0;
}

static int smc_llc_build_add_link(struct smc_writer *out, const struct smc_llc_msg *m)
{
	struct smc_wire_add_link *w;

	if (m->add_link.qpn > SMC_U24_MAX || m->add_link.psn > SMC_U24_MAX ||
	    m->add_link.mtu_code > 0x0f || m->add_link.reason > SMC_LLC_REJECT_MASK ||
	    m->add_link.n_pairs > SMC_LLC_MAX_RTOKENS)
		return -EINVAL;
	if (m->version == SMC_VERSION_1 && m->add_link.has_ext)
		return -EINVAL;
	w = smc_reserve(out, sizeof(*w));
	if (!w)
		return -ENOSPC;
	if (m->add_link.reject)
		w->hdr.flags |= SMC_LLC_F_ADD_REJECT;
	if (m->version == SMC_VERSION_1)
		w->hdr.reason = m->add_link.reason;
	memcpy(w->mac, m->add_link.mac, sizeof(w->mac));
	memcpy(w->gid, m->add_link.gid, sizeof(w->gid));
	smc_put_u24(w->qpn, m->add_link.qpn);
	w->link_num = m->add_link.link_num;
	w->mtu = m->add_link.mtu_code;
	smc_put_u24(w->psn, m->add_link.psn);
	return m->add_link.has_ext ? smc_llc_build_add_link_ext(out, m) : 0;
}

static int smc_llc_parse_add_link_cont(struct smc_reader *r, struct smc_llc_msg *m)
{
	const struct smc_wire_add_link_cont *w = smc_take(r, sizeof(*w));
	unsigned int i;

	if (!w)
		return -EPROTO;
	m->add_link_cont.link_num = w->link_num;
	m->add_link_cont.n_left = w->n_left;
	for (i = 0; i < min_t(u8, w->n_left, SMC_LLC_ADD_PAIRS); i++)
		smc_llc_parse_pair(&m->add_link_cont.pair[i], &w->pair[i]);
	return 0;
}

static int smc_llc_build_add_link_cont(struct smc_writer *out, const struct smc_llc_msg *m)
{
	struct smc_wire_add_link_cont *w = smc_reserve(out, sizeof(*w));
	unsigned int i;

	if (!w)
		return -ENOSPC;
	w->link_num = m->add_link_cont.link_num;
	w->n_left = m->add_link_cont.n_left;
	for (i = 0; i < min_t(u8, w->n_left, SMC_LLC_ADD_PAIRS); i++)
		smc_llc_build_pair(&w->pair[i], &m->add_link_cont.pair[i]);
	return 0;
}

static int smc_llc_parse_delete_link(struct smc_reader *r, struct smc_llc_msg *m)
{
	const struct smc_wire_delete_link *w = smc_take(r, sizeof(*w));

	if (!w)
		return -EPROTO;
	m->delete_link.all = w->hdr.flags & SMC_LLC_F_DEL_ALL;
	m->delete_link.orderly = w->hdr.flags & SMC_LLC_F_DEL_ORDERLY;
	m->delete_link.link_num = w->link_num;
	m->delete_link.reason = be32_to_cpu(w->reason);
	return 0;
}

static int smc_llc_build_delete_link(struct smc_writer *out, const struct smc_llc_msg *m)
{
	struct smc_wire_delete_link *w = smc_reserve(out, sizeof(*w));

	if (!w)
		return -ENOSPC;
	if (m->delete_link.all)
		w->hdr.flags |= SMC_LLC_F_DEL_ALL;
	if (m->delete_link.orderly)
		w->hdr.flags |= SMC_LLC_F_DEL_ORDERLY;
	w->link_num = m->delete_link.link_num;
	w->reason = cpu_to_be32(m->delete_link.reason);
	return 0;
}

/* A count beyond what was received is cut down to that [LNX]. */
static int smc_llc_parse_req_add_link(struct smc_reader *r, struct smc_llc_msg *m)
{
	const struct smc_wire_req_add_link *w = smc_take(r, sizeof(*w));
	size_t n_gids;
	const u8 *gid;

	if (!w)
		return -EPROTO;
	n_gids = min_t(size_t, min_t(u8, w->n_gids, SMC_LLC_REQ_GIDS), r->left / SMC_GID_LEN);
	gid = smc_take(r, n_gids * SMC_GID_LEN);
	if (!gid)
		return -EPROTO;
	m->req_add_link.n_gids = n_gids;
	memcpy(m->req_add_link.gid, gid, n_gids * SMC_GID_LEN);
	return 0;
}

static int smc_llc_build_req_add_link(struct smc_writer *out, const struct smc_llc_msg *m)
{
	struct smc_wire_req_add_link *w;
	u8 *gid;

	if (m->req_add_link.n_gids > SMC_LLC_REQ_GIDS)
		return -EINVAL;
	w = smc_reserve(out, sizeof(*w));
	gid = smc_reserve(out, max_t(size_t, m->req_add_link.n_gids * SMC_GID_LEN,
				     SMC_LLC_LEN - sizeof(*w)));
	if (!gid)
		return -ENOSPC;
	w->n_gids = m->req_add_link.n_gids;
	memcpy(gid, m->req_add_link.gid, m->req_add_link.n_gids * SMC_GID_LEN);
	return 0;
}

static int smc_llc_parse_confirm_rkey(struct smc_reader *r, struct smc_llc_msg *m)
{
	const struct smc_wire_confirm_rkey *w = smc_take(r, sizeof(*w));

	if (!w || w->n_other >= SMC_LLC_MAX_LINKS)
		return -EPROTO;
	m->confirm_rkey.negative = w->hdr.flags & SMC_LLC_F_RKEY_NEGATIVE;
	m->confirm_rkey.retry = w->hdr.flags & SMC_LLC_F_RKEY_RETRY;
	m->confirm_rkey.rkey = be32_to_cpu(w->rkey);
	m->confirm_rkey.vaddr = be64_to_cpu(w->vaddr);
	m->confirm_rkey.n_other = w->n_other;
	smc_llc_parse_links(m->confirm_rkey.other, w->other,
			    min_t(u8, w->n_other, SMC_LLC_RKEY_OTHERS));
	return 0;
}

static int smc_llc_build_confirm_rkey(struct smc_writer *out, const struct smc_llc_msg *m)
{
	struct smc_wire_confirm_rkey *w;

	if (m->confirm_rkey.n_other >= SMC_LLC_MAX_LINKS)
		return -EINVAL;
	w = smc_reserve(out, sizeof(*w));
	if (!w)
		return -ENOSPC;
	if (m->confirm_rkey.negative)
		w->hdr.flags |= SMC_LLC_F_RKEY_NEGATIVE;
	if (m->confirm_rkey.retry)
		w->hdr.flags |= SMC_LLC_F_RKEY_RETRY;
	w->rkey = cpu_to_be32(m->confirm_rkey.rkey);
	w->vaddr = cpu_to_be64(m->confirm_rkey.vaddr);
	w->n_other = m->confirm_rkey.n_other;
	smc_llc_build_links(w->other, m->confirm_rkey.other,
			    min_t(u8, w->n_other, SMC_LLC_RKEY_OTHERS));
	return 0;
}

static int smc_llc_parse_confirm_rkey_cont(struct smc_reader *r, struct smc_llc_msg *m)
{
	const struct smc_wire_confirm_rkey_cont *w = smc_take(r, sizeof(*w));

	if (!w || w->n_left >= SMC_LLC_MAX_LINKS)
		return -EPROTO;
	m->confirm_rkey_cont.negative = w->hdr.flags & SMC_LLC_F_RKEY_NEGATIVE;
	m->confirm_rkey_cont.n_left = w->n_left;
	smc_llc_parse_links(m->confirm_rkey_cont.other, w->other,
			    min_t(u8, w->n_left, SMC_LLC_RKEY_CONTS));
	return 0;
}

static int smc_llc_build_confirm_rkey_cont(struct smc_writer *out, const struct smc_llc_msg *m)
{
	struct smc_wire_confirm_rkey_cont *w;

	if (m->confirm_rkey_cont.n_left >= SMC_LLC_MAX_LINKS)
		return -EINVAL;
	w = smc_reserve(out, sizeof(*w));
	if (!w)
		return -ENOSPC;
	if (m->confirm_rkey_cont.negative)
		w->hdr.flags |= SMC_LLC_F_RKEY_NEGATIVE;
	w->n_left = m->confirm_rkey_cont.n_left;
	smc_llc_build_links(w->other, m->confirm_rkey_cont.other,
			    min_t(u8, w->n_left, SMC_LLC_RKEY_CONTS));
	return 0;
}

/*
 * A version 2 response of Linux repeats the count but has no room for more than nine
 * keys, and none in it; so a count beyond what was received is cut down to that.
 */
static int smc_llc_parse_delete_rkey(struct smc_reader *r, struct smc_llc_msg *m)
{
	bool v1 = m->version == SMC_VERSION_1;
	const struct smc_wire_delete_rkey *w = smc_take(r, sizeof(*w));
	const struct smc_wire_rkey *key;
	unsigned int i;

	if (!w || (v1 && w->count > SMC_LLC_DELETE_RKEYS) || (!w->count && !m->response))
		return -EPROTO;
	m->delete_rkey.negative = w->hdr.flags & SMC_LLC_F_RKEY_NEGATIVE;
	m->delete_rkey.count = min_t(size_t, w->count, r->left / sizeof(*key));
	if (v1)
		m->delete_rkey.err_mask = w->errors;
	else
		m->delete_rkey.n_invalid = w->errors;
	for (i = 0; i < min_t(u8, m->delete_rkey.count, SMC_LLC_DELETE_RKEYS); i++) {
		key = smc_take(r, sizeof(*key));
		if (!key)
			return -EPROTO;
		m->delete_rkey.rkey[i] = be32_to_cpu(key->rkey);
	}
	return 0;
}

static int smc_llc_build_delete_rkey(struct smc_writer *out, const struct smc_llc_msg *m)
{
	bool v1 = m->version == SMC_VERSION_1;
	struct smc_wire_delete_rkey *w;
	struct smc_wire_rkey *key;
	unsigned int i;

	if ((v1 && m->delete_rkey.count > SMC_LLC_DELETE_RKEYS) ||
	    (!m->delete_rkey.count && !m->response))
		return -EINVAL;
	w = smc_reserve(out, sizeof(*w));
	key = smc_reserve(out, max_t(size_t, m->delete_rkey.count * sizeof(*key),
				     SMC_LLC_LEN - sizeof(*w)));
	if (!key)
		return -ENOSPC;
	if (m->delete_rkey.negative)
		w->hdr.flags |= SMC_LLC_F_RKEY_NEGATIVE;
	w->count = m->delete_rkey.count;
	w->errors = v1 ? m->delete_rkey.err_mask : m->delete_rkey.n_invalid;
	for (i = 0; i < min_t(u8, m->delete_rkey.count, SMC_LLC_DELETE_RKEYS); i++)
		key[i].rkey = cpu_to_be32(m->delete_rkey.rkey[i]);
	return 0;
}

static int smc_llc_parse_test_link(struct smc_reader *r, struct smc_llc_msg *m)
{
	const struct smc_wire_test_link *w = smc_take(r, sizeof(*w));

	if (!w)
		return -EPROTO;
	memcpy(m->test_link.data, w->data, sizeof(w->data));
	return 0;
}

static int smc_llc_build_test_link(struct smc_writer *out, const struct smc_llc_msg *m)
{
	struct smc_wire_test_link *w = smc_reserve(out, sizeof(*w));

	if (!w)
		return -ENOSPC;
	memcpy(w->data, m->test_link.data, sizeof(w->data));
	return 0;
}

/* Which versions have the type, and who reads and writes its body. */
static const struct smc_llc_kind {
	bool v1;
	bool v2;
	int (*parse)(struct smc_reader *r, struct smc_llc_msg *m);
	int (*build)(struct smc_writer *out, const struct smc_llc_msg *m);
} smc_llc_kinds[] = {
	[SMC_LLC_CONFIRM_LINK] = {
		true, true, smc_llc_parse_confirm_link, smc_llc_build_confirm_link },
	[SMC_LLC_ADD_LINK] = {
		true, true, smc_llc_parse_add_link, smc_llc_build_add_link },
	[SMC_LLC_ADD_LINK_CONT] = {
		true, false, smc_llc_parse_add_link_cont, smc_llc_build_add_link_cont },
	[SMC_LLC_DELETE_LINK] = {
		true, true, smc_llc_parse_delete_link, smc_llc_build_delete_link },
	[SMC_LLC_REQ_ADD_LINK] = {
		false, true, smc_llc_parse_req_add_link, smc_llc_build_req_add_link },
	[SMC_LLC_CONFIRM_RKEY] = {
		true, true, smc_llc_parse_confirm_rkey, smc_llc_build_confirm_rkey },
	[SMC_LLC_TEST_LINK] = {
		true, true, smc_llc_parse_test_link, smc_llc_build_test_link },
	[SMC_LLC_CONFIRM_RKEY_CONT] = {
		true, false, smc_llc_parse_confirm_rkey_cont, smc_llc_build_confirm_rkey_cont },
	[SMC_LLC_DELETE_RKEY] = {
		true, true, smc_llc_parse_delete_rkey, smc_llc_build_delete_rkey },
};

static const struct smc_llc_kind *smc_llc_find_kind(u8 type, u8 version)
{
	const struct smc_llc_kind *kind;

	if (type >= ARRAY_SIZE(smc_llc_kinds))
		return NULL;
	kind = &smc_llc_kinds[type];
	if (version == SMC_VERSION_1)
		return kind->v1 ? kind : NULL;
	return version == SMC_VERSION_2 && kind->v2 ? kind : NULL;
}

/* SMC version of the type byte's high nibble, 0 if there is no such version. */
static u8 smc_llc_version(u8 type)
{
	switch (type & SMC_LLC_VERSION_MASK) {
	case SMC_LLC_V1:
		return SMC_VERSION_1;
	case SMC_LLC_V2:
		return SMC_VERSION_2;
	default:
		return 0;
	}
}

/**
 * smc_llc_parse - read an LLC message
 * @buf: what was received
 * @len: its length in bytes
 * @m: result, to be used only if 0 is returned
 *
 * Any context, no locks. The version is that of the message: a group of version 2 may see
 * version 1 messages [LNX]. RFC 7609 appendix A.3.
 *
 * Return: 0; -EPROTO if the message is malformed; -EOPNOTSUPP if it is of an unknown type
 * that has to be ignored; -ENOMSG if it is of an unknown type that has to be known, which
 * is a protocol error.
 */
int smc_llc_parse(const u8 *buf, size_t len, struct smc_llc_msg *m)
{
	struct smc_reader peek = { .p = buf, .left = len };
	struct smc_reader body = { .p = buf, .left = len };
	const struct smc_llc_kind *kind;
	const struct smc_wire_llc_hdr *hdr;

	memset(m, 0, sizeof(*m));
	hdr = smc_take(&peek, sizeof(*hdr));
	if (!hdr || len < SMC_LLC_LEN || hdr->type == SMC_CDC_TYPE)
		return -EPROTO;
	m->type = hdr->type & SMC_LLC_TYPE_MASK;
	m->version = smc_llc_version(hdr->type);
	m->response = hdr->flags & SMC_LLC_F_RESPONSE;
	kind = smc_llc_find_kind(m->type, m->version);
	if (!kind)
		return (hdr->type & SMC_LLC_OPCODE_MASK) == SMC_LLC_OPCODE_OPTIONAL ?
			-EOPNOTSUPP : -ENOMSG;
	if (m->version == SMC_VERSION_1) {
		if (hdr->len != SMC_LLC_LEN)
			return -EPROTO;
		body.left = SMC_LLC_LEN;
	} else if (smc_llc_v2_len(hdr, len, &m->le_len)) {
		return -EPROTO;
	}
	return kind->parse(&body, m);
}

/**
 * smc_llc_build - compose an LLC message
 * @buf: where to
 * @size: room there in bytes; SMC_LLC_LEN is enough for version 1, and for version 2 where
 *	there is no list
 * @m: what to say
 *
 * Any context, no locks. Lists that do not fit into @m are left zero, to be filled by
 * smc_llc_add_link_put() and smc_llc_delete_rkey_put(). RFC 7609 appendix A.3.
 *
 * Return: length of the message in bytes; -EINVAL if there is no such message in the
 * version or a field is out of its range; -ENOSPC.
 */
int smc_llc_build(u8 *buf, size_t size, const struct smc_llc_msg *m)
{
	struct smc_writer out = { .p = buf, .left = size };
	const struct smc_llc_kind *kind = smc_llc_find_kind(m->type, m->version);
	struct smc_wire_llc_hdr *hdr = (struct smc_wire_llc_hdr *)buf;
	u8 field[2];
	int len, rc;

	if (!kind)
		return -EINVAL;
	rc = kind->build(&out, m);
	if (rc)
		return rc;
	len = out.p - buf;
	if (m->response)
		hdr->flags |= SMC_LLC_F_RESPONSE;
	if (m->version == SMC_VERSION_1) {
		hdr->type = SMC_LLC_V1 | m->type;
		hdr->len = len;
	} else {
		hdr->type = SMC_LLC_V2 | m->type;
		smc_llc_put_u16(field, m->le_len, len);
		hdr->len = field[0];
		hdr->reason = field[1];
	}
	return len;
}

/* The @i-th of the things of @size bytes that follow the first @skip bytes. */
static const void *smc_llc_item(const u8 *buf, size_t len, size_t skip, unsigned int i,
				size_t size)
{
	struct smc_reader r = { .p = buf, .left = len };

	if (i > SMC_LLC_V2_MAX_LEN || !smc_take(&r, skip + i * size))
		return NULL;
	return smc_take(&r, size);
}

static void *smc_llc_item_room(u8 *buf, size_t len, size_t skip, unsigned int i, size_t size)
{
	return (void *)smc_llc_item(buf, len, skip, i, size);
}

#define SMC_LLC_ADD_V2_LEN \
	(sizeof(struct smc_wire_add_link) + sizeof(struct smc_wire_add_link_v2))

/**
 * smc_llc_add_link_get - read one rkey pair of a version 2 ADD LINK
 * @buf: the message, one that smc_llc_parse() found good
 * @len: its length in bytes
 * @i: which pair, less than n_pairs of the parsed message
 * @pair: result, written only if 0 is returned
 *
 * Any context, no locks. [LNX]
 *
 * Return: 0; -ERANGE if the message ends before.
 */
int smc_llc_add_link_get(const u8 *buf, size_t len, unsigned int i,
			 struct smc_llc_rkey_pair *pair)
{
	const struct smc_wire_rkey_pair *w;

	w = smc_llc_item(buf, len, SMC_LLC_ADD_V2_LEN, i, sizeof(*w));
	if (!w)
		return -ERANGE;
	smc_llc_parse_pair(pair, w);
	return 0;
}

/**
 * smc_llc_add_link_put - fill in one rkey pair of a version 2 ADD LINK
 * @buf: the message, composed by smc_llc_build()
 * @len: its length in bytes
 * @i: which pair, less than n_pairs of the message
 * @pair: what to say
 *
 * Any context, no locks. [LNX]
 *
 * Return: 0; -ERANGE if the message ends before.
 */
int smc_llc_add_link_put(u8 *buf, size_t len, unsigned int i,
			 const struct smc_llc_rkey_pair *pair)
{
	struct smc_wire_rkey_pair *w;

	w = smc_llc_item_room(buf, len, SMC_LLC_ADD_V2_LEN, i, sizeof(*w));
	if (!w)
		return -ERANGE;
	smc_llc_build_pair(w, pair);
	return 0;
}

/**
 * smc_llc_delete_rkey_get - read one key of a DELETE RKEY
 * @buf: the message, one that smc_llc_parse() found good
 * @len: its length in bytes
 * @i: which key, less than the parsed message's count
 * @rkey: result, written only if 0 is returned
 *
 * Any context, no locks. RFC 7609 appendix A.3, [LNX] for more than eight keys.
 *
 * Return: 0; -ERANGE if the message ends before.
 */
int smc_llc_delete_rkey_get(const u8 *buf, size_t len, unsigned int i, u32 *rkey)
{
	const struct smc_wire_rkey *w;

	w = smc_llc_item(buf, len, sizeof(struct smc_wire_delete_rkey), i, sizeof(*w));
	if (!w)
		return -ERANGE;
	*rkey = be32_to_cpu(w->rkey);
	return 0;
}

/**
 * smc_llc_delete_rkey_put - fill in one key of a DELETE RKEY
 * @buf: the message, composed by smc_llc_build()
 * @len: its length in bytes
 * @i: which key, less than the message's count
 * @rkey: the key
 *
 * Any context, no locks. RFC 7609 appendix A.3, [LNX] for more than eight keys.
 *
 * Return: 0; -ERANGE if the message ends before.
 */
int smc_llc_delete_rkey_put(u8 *buf, size_t len, unsigned int i, u32 rkey)
{
	struct smc_wire_rkey *w;

	w = smc_llc_item_room(buf, len, sizeof(struct smc_wire_delete_rkey), i, sizeof(*w));
	if (!w)
		return -ERANGE;
	w->rkey = cpu_to_be32(rkey);
	return 0;
}
