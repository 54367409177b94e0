// SPDX-License-Identifier: GPL-2.0
/*
 * CLC messages: the pure half of smc_clc.c.
 *
 * What arrives is either understood completely or -EPROTO, after which the TCP
 * connection is of no use (RFC 7609 appendix C.6). The only things left to the
 * caller are those that want a Decline, or that depend on more than the bytes.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#include "smc_bytes.h"
#include "smc_clc_msg.h"

static bool smc_path_has_d(u8 path)
{
	return path == SMC_PATH_D || path == SMC_PATH_BOTH;
}

static bool smc_clc_eyecatcher_ok(__be32 wire, bool smcd)
{
	return be32_to_cpu(wire) == (smcd ? SMC_EYECATCHER_D : SMC_EYECATCHER_R);
}

static bool smc_clc_len_plausible(const struct smc_clc_hdr *hdr)
{
	bool v1 = hdr->version == SMC_VERSION_1;

	switch (hdr->type) {
	case SMC_CLC_PROPOSAL:
		return hdr->len >= SMC_CLC_PROPOSAL_MIN && hdr->len <= SMC_CLC_MAX_LEN;
	case SMC_CLC_ACCEPT:
	case SMC_CLC_CONFIRM:
		switch (hdr->flags & SMC_CLC_PATH_MASK) {
		case SMC_PATH_R:
			return v1 ? hdr->len == SMC_CLC_ACCEPT_R_V1 :
				    hdr->len >= SMC_CLC_ACCEPT_R_V2 && hdr->len <= SMC_CLC_MAX_LEN;
		case SMC_PATH_D:
			return v1 ? hdr->len == SMC_CLC_ACCEPT_D_V1 :
				    hdr->len >= SMC_CLC_ACCEPT_D_V2 && hdr->len <= SMC_CLC_MAX_LEN;
		default:
			return false;
		}
	case SMC_CLC_DECLINE:
		return hdr->len == (v1 ? SMC_CLC_DECLINE_V1 : SMC_CLC_DECLINE_V2);
	default:
		return false;
	}
}

/**
 * smc_clc_hdr_parse - read a CLC header, to learn how much more there is to read
 * @buf: beginning of the message
 * @avail: bytes at @buf, at least SMC_CLC_HDR_LEN
 * @hdr: result, to be used only if 0 is returned
 *
 * Any context, no locks. The eye catcher has to fit the message: SMC-D has one of its
 * own in Accept and Confirm, and is tolerated in a Decline. RFC 7609 appendix A.2.1,
 * [LNX] for the versions.
 *
 * Return: 0, or -EPROTO: too short, not CLC, version 0, type unknown, or a length that
 * no message of the type has.
 */
int smc_clc_hdr_parse(const u8 *buf, size_t avail, struct smc_clc_hdr *hdr)
{
	struct smc_reader r = { .p = buf, .left = avail };
	const struct smc_wire_clc_hdr *w;

	w = smc_take(&r, sizeof(*w));
	if (!w)
		return -EPROTO;
	hdr->type = w->type;
	hdr->version = w->flags >> SMC_CLC_VERSION_SHIFT;
	hdr->len = be16_to_cpu(w->len);
	hdr->flags = w->flags & SMC_CLC_FLAGS_MASK;
	hdr->smcd = smc_clc_eyecatcher_ok(w->eyecatcher, true);
	if (!hdr->smcd && !smc_clc_eyecatcher_ok(w->eyecatcher, false))
		return -EPROTO;
	if (!hdr->version || !smc_clc_len_plausible(hdr))
		return -EPROTO;
	switch (hdr->type) {
	case SMC_CLC_PROPOSAL:
		return hdr->smcd ? -EPROTO : 0;
	case SMC_CLC_ACCEPT:
	case SMC_CLC_CONFIRM:
		return hdr->smcd == ((hdr->flags & SMC_CLC_PATH_MASK) == SMC_PATH_D) ? 0 : -EPROTO;
	default:
		return 0;
	}
}

/* Begin with the whole message: the right type, all of it, and nothing after it. */
static int smc_clc_open(struct smc_reader *r, const u8 *buf, size_t len, struct smc_clc_hdr *hdr)
{
	r->p = buf;
	r->left = len;
	if (smc_clc_hdr_parse(buf, len, hdr) || hdr->len != len)
		return -EPROTO;
	return 0;
}

static int smc_clc_close(struct smc_reader *r, bool smcd)
{
	const struct smc_wire_clc_trailer *t = smc_take(r, sizeof(*t));

	return t && !r->left && smc_clc_eyecatcher_ok(t->eyecatcher, smcd) ? 0 : -EPROTO;
}

static void smc_clc_hdr_build(struct smc_wire_clc_hdr *w, u8 type, u8 version, u8 flags, bool smcd)
{
	w->eyecatcher = cpu_to_be32(smcd ? SMC_EYECATCHER_D : SMC_EYECATCHER_R);
	w->type = type;
	w->flags = version << SMC_CLC_VERSION_SHIFT | flags;
}

/* End the message: trailer, and the length that is known only now. */
static int smc_clc_finish(struct smc_writer *out, u8 *buf, bool smcd)
{
	struct smc_wire_clc_trailer *t = smc_reserve(out, sizeof(*t));
	struct smc_wire_clc_hdr *hdr = (struct smc_wire_clc_hdr *)buf;
	int len = out->p - buf;

	if (!t)
		return -ENOSPC;
	t->eyecatcher = cpu_to_be32(smcd ? SMC_EYECATCHER_D : SMC_EYECATCHER_R);
	hdr->len = cpu_to_be16(len);
	return len;
}

/* Does the Proposal have an IP area? Not if only version 2 types are offered. */
static bool smc_proposal_has_ip(const struct smc_clc_proposal *p)
{
	return p->version == SMC_VERSION_1 || p->typev1 != SMC_PATH_NONE;
}

static bool smc_proposal_has_v2(const struct smc_clc_proposal *p)
{
	return p->version != SMC_VERSION_1 && p->typev2 != SMC_PATH_NONE;
}

static u16 smc_proposal_v2_off(const struct smc_clc_proposal *p)
{
	u16 off = sizeof(struct smc_wire_smcd_area) - SMC_CLC_V2_OFF_BASE;

	if (smc_proposal_has_ip(p))
		off += sizeof(struct smc_wire_ip_area) +
		       p->n_prefixes * sizeof(struct smc_wire_prefix);
	return off;
}

static u16 smc_proposal_smcd_off(const struct smc_clc_proposal *p)
{
	return sizeof(struct smc_wire_v2_ext) - SMC_CLC_SMCD_OFF_BASE + p->n_eids * SMC_EID_LEN;
}

static bool smc_proposal_legal(const struct smc_clc_proposal *p)
{
	if (!p->version || p->version > SMC_CLC_FLAGS_MASK || p->typev1 > SMC_PATH_BOTH)
		return false;
	if (p->n_prefixes > SMC_CLC_MAX_PREFIXES)
		return false;
	if (p->version == SMC_VERSION_1)
		return p->typev1 != SMC_PATH_NONE;
	if (!p->smcd_area || p->typev2 > SMC_PATH_BOTH)
		return false;
	/* Linux takes the last byte of this GID for a prefix count, and the limit is 8. */
	if (!smc_proposal_has_ip(p) && p->ism_gid)
		return false;
	if (!smc_proposal_has_v2(p))
		return true;
	return p->n_eids <= SMC_CLC_MAX_EIDS && p->n_smcd <= SMC_CLC_MAX_SMCD &&
	       p->release <= SMC_CLC_FLAGS_MASK &&
	       (!p->smcd_v2_ext || smc_path_has_d(p->typev2));
}

static void smc_proposal_build_area(struct smc_writer *out, const struct smc_clc_proposal *p)
{
	struct smc_wire_smcd_area *area = smc_reserve(out, sizeof(*area));

	if (!area)
		return;
	area->gid = cpu_to_be64(p->ism_gid);
	area->chid = cpu_to_be16(p->ism_chid);
	if (smc_proposal_has_v2(p))
		area->v2_off = cpu_to_be16(smc_proposal_v2_off(p));
	memcpy(area->vendor_oui, p->vendor_oui, sizeof(area->vendor_oui));
	memcpy(area->vendor_opts, p->vendor_opts, sizeof(area->vendor_opts));
}

static void smc_proposal_build_ip(struct smc_writer *out, const struct smc_clc_proposal *p)
{
	struct smc_wire_ip_area *ip = smc_reserve(out, sizeof(*ip));
	struct smc_wire_prefix *prefix;
	unsigned int i;

	if (!ip)
		return;
	ip->subnet = p->subnet;
	ip->mask_len = p->mask_len;
	ip->n_prefixes = p->n_prefixes;
	for (i = 0; i < p->n_prefixes; i++) {
		prefix = smc_reserve(out, sizeof(*prefix));
		if (!prefix)
			return;
		memcpy(prefix->addr, p->prefix[i].addr, sizeof(prefix->addr));
		prefix->len = p->prefix[i].len;
	}
}

static void smc_proposal_build_v2(struct smc_writer *out, const struct smc_clc_proposal *p)
{
	struct smc_wire_v2_ext *ext = smc_reserve(out, sizeof(*ext));
	struct smc_wire_smcd_v2_ext *smcd;
	struct smc_wire_smcd_entry *entry;
	unsigned int i;
	u8 *eid;

	if (!ext)
		return;
	ext->n_eids = p->n_eids;
	ext->n_smcd = p->n_smcd;
	ext->release = p->release << SMC_CLC_RELEASE_SHIFT |
		       (p->seid_valid ? SMC_CLC_SEID_VALID : 0);
	if (p->smcd_v2_ext)
		ext->smcd_off = cpu_to_be16(smc_proposal_smcd_off(p));
	memcpy(ext->roce_gid, p->roce_gid, sizeof(ext->roce_gid));
	ext->max_conns = p->max_conns;
	ext->max_links = p->max_links;
	ext->features = cpu_to_be16(p->features);

	eid = smc_reserve(out, p->n_eids * SMC_EID_LEN);
	if (!eid)
		return;
	memcpy(eid, p->eid, p->n_eids * SMC_EID_LEN);

	if (!smc_path_has_d(p->typev2))
		return;
	smcd = smc_reserve(out, sizeof(*smcd));
	if (!smcd)
		return;
	memcpy(smcd->seid, p->seid, sizeof(smcd->seid));
	for (i = 0; i < p->n_smcd; i++) {
		entry = smc_reserve(out, sizeof(*entry));
		if (!entry)
			return;
		entry->gid = cpu_to_be64(p->smcd[i].gid);
		entry->chid = cpu_to_be16(p->smcd[i].chid);
	}
}

/**
 * smc_clc_proposal_build - compose a Proposal
 * @buf: where to
 * @size: room there in bytes, at most SMC_CLC_MAX_LEN is needed
 * @p: what to say
 *
 * Any context, no locks. RFC 7609 appendix A.2.2, [LNX] for everything beyond version 1.
 *
 * Return: length of the message in bytes; -EINVAL if @p contradicts itself; -ENOSPC.
 */
int smc_clc_proposal_build(u8 *buf, size_t size, const struct smc_clc_proposal *p)
{
	struct smc_writer out = { .p = buf, .left = size };
	struct smc_wire_proposal *w;
	u8 flags;

	if (!smc_proposal_legal(p))
		return -EINVAL;
	w = smc_reserve(&out, sizeof(*w));
	if (!w)
		return -ENOSPC;
	flags = p->typev1;
	if (p->version != SMC_VERSION_1)
		flags |= p->typev2 << SMC_CLC_TYPEV2_SHIFT;
	smc_clc_hdr_build(&w->hdr, SMC_CLC_PROPOSAL, p->version, flags, false);
	memcpy(w->peer_id, p->peer_id, sizeof(w->peer_id));
	memcpy(w->gid, p->gid, sizeof(w->gid));
	memcpy(w->mac, p->mac, sizeof(w->mac));
	if (p->smcd_area) {
		if (smc_proposal_has_ip(p))
			w->ip_off = cpu_to_be16(SMC_CLC_IP_OFF_SMCD);
		smc_proposal_build_area(&out, p);
	}
	if (smc_proposal_has_ip(p))
		smc_proposal_build_ip(&out, p);
	if (smc_proposal_has_v2(p))
		smc_proposal_build_v2(&out, p);
	return smc_clc_finish(&out, buf, false);
}

static int smc_proposal_parse_ip(struct smc_reader *r, struct smc_clc_proposal *p)
{
	const struct smc_wire_ip_area *ip = smc_take(r, sizeof(*ip));
	const struct smc_wire_prefix *prefix;
	unsigned int i;

	if (!ip || ip->n_prefixes > SMC_CLC_MAX_PREFIXES)
		return -EPROTO;
	p->subnet = ip->subnet;
	p->mask_len = ip->mask_len;
	p->n_prefixes = ip->n_prefixes;
	for (i = 0; i < p->n_prefixes; i++) {
		prefix = smc_take(r, sizeof(*prefix));
		if (!prefix)
			return -EPROTO;
		memcpy(p->prefix[i].addr, prefix->addr, sizeof(prefix->addr));
		p->prefix[i].len = prefix->len;
	}
	return 0;
}

static int smc_proposal_parse_v2(struct smc_reader *r, struct smc_clc_proposal *p)
{
	const struct smc_wire_v2_ext *ext = smc_take(r, sizeof(*ext));
	const struct smc_wire_smcd_v2_ext *smcd;
	const struct smc_wire_smcd_entry *entry;
	unsigned int i;
	const u8 *eid;

	if (!ext || ext->n_eids > SMC_CLC_MAX_EIDS || ext->n_smcd > SMC_CLC_MAX_SMCD)
		return -EPROTO;
	p->n_eids = ext->n_eids;
	p->n_smcd = ext->n_smcd;
	p->release = ext->release >> SMC_CLC_RELEASE_SHIFT;
	p->seid_valid = ext->release & SMC_CLC_SEID_VALID;
	memcpy(p->roce_gid, ext->roce_gid, sizeof(p->roce_gid));
	p->max_conns = ext->max_conns;
	p->max_links = ext->max_links;
	p->features = be16_to_cpu(ext->features);

	eid = smc_take(r, p->n_eids * SMC_EID_LEN);
	if (!eid)
		return -EPROTO;
	memcpy(p->eid, eid, p->n_eids * SMC_EID_LEN);

	if (!smc_path_has_d(p->typev2))
		return 0;
	/* The bytes are always there; the peer means them only if it says where. */
	if (ext->smcd_off) {
		if (be16_to_cpu(ext->smcd_off) != smc_proposal_smcd_off(p))
			return -EPROTO;
		p->smcd_v2_ext = true;
	}
	smcd = smc_take(r, sizeof(*smcd));
	if (!smcd)
		return -EPROTO;
	memcpy(p->seid, smcd->seid, sizeof(p->seid));
	for (i = 0; i < p->n_smcd; i++) {
		entry = smc_take(r, sizeof(*entry));
		if (!entry)
			return -EPROTO;
		p->smcd[i].gid = be64_to_cpu(entry->gid);
		p->smcd[i].chid = be16_to_cpu(entry->chid);
	}
	return 0;
}

/**
 * smc_clc_proposal_parse - read a Proposal
 * @buf: the message
 * @len: its length in bytes, no more and no less than its header says
 * @p: result, to be used only if 0 is returned
 *
 * Any context, no locks. The lengths that RFC 7609 appendix A.2.2 and [LNX] demand leave
 * no gap between the areas, so an offset that points elsewhere than to the end of the area
 * before is an error. Only a version 1 message has room to choose: whatever lies between
 * the base part and the IP area is skipped unless it is the SMC-D area.
 *
 * Return: 0 or -EPROTO.
 */
int smc_clc_proposal_parse(const u8 *buf, size_t len, struct smc_clc_proposal *p)
{
	const struct smc_wire_smcd_area *area = NULL;
	const struct smc_wire_proposal *w;
	struct smc_clc_hdr hdr;
	struct smc_reader r;
	u16 ip_off;

	memset(p, 0, sizeof(*p));
	if (smc_clc_open(&r, buf, len, &hdr) || hdr.type != SMC_CLC_PROPOSAL)
		return -EPROTO;
	w = smc_take(&r, sizeof(*w));
	if (!w)
		return -EPROTO;
	p->version = hdr.version;
	p->typev1 = hdr.flags & SMC_CLC_PATH_MASK;
	if (p->version != SMC_VERSION_1)
		p->typev2 = hdr.flags >> SMC_CLC_TYPEV2_SHIFT;
	else if (p->typev1 == SMC_PATH_NONE)
		return -EPROTO;
	memcpy(p->peer_id, w->peer_id, sizeof(p->peer_id));
	memcpy(p->gid, w->gid, sizeof(p->gid));
	memcpy(p->mac, w->mac, sizeof(p->mac));

	ip_off = be16_to_cpu(w->ip_off);
	if (ip_off > SMC_CLC_IP_OFF_SMCD)
		return -EPROTO;
	p->smcd_area = ip_off == SMC_CLC_IP_OFF_SMCD;
	if (p->version != SMC_VERSION_1) {
		if (smc_proposal_has_ip(p) && !p->smcd_area)
			return -EPROTO;
		p->smcd_area = true;
	}
	if (p->smcd_area) {
		area = smc_take(&r, sizeof(*area));
		if (!area)
			return -EPROTO;
		p->ism_gid = be64_to_cpu(area->gid);
		p->ism_chid = be16_to_cpu(area->chid);
		memcpy(p->vendor_oui, area->vendor_oui, sizeof(p->vendor_oui));
		memcpy(p->vendor_opts, area->vendor_opts, sizeof(p->vendor_opts));
	} else if (!smc_take(&r, ip_off)) {
		return -EPROTO;
	}

	if (smc_proposal_has_ip(p) && smc_proposal_parse_ip(&r, p))
		return -EPROTO;
	if (smc_proposal_has_v2(p)) {
		if (be16_to_cpu(area->v2_off) != smc_proposal_v2_off(p) ||
		    smc_proposal_parse_v2(&r, p))
			return -EPROTO;
	}
	return smc_clc_close(&r, false);
}

static void smc_fce_build(struct smc_writer *out, const struct smc_clc_accept *a)
{
	const struct smc_clc_fce *fce = &a->fce;
	struct smc_wire_fce *w = smc_reserve(out, sizeof(*w));
	struct smc_wire_fce_v21 *v21;

	if (!w)
		return;
	w->flags = fce->v2_direct ? SMC_CLC_FCE_DIRECT : 0;
	w->os_release = fce->os_type << SMC_CLC_FCE_OS_SHIFT | fce->release;
	memcpy(w->hostname, fce->hostname, sizeof(w->hostname));
	if (a->path == SMC_PATH_D && !fce->release)
		return;
	v21 = smc_reserve(out, sizeof(*v21));
	if (!v21 || !fce->release)
		return;
	v21->max_conns = fce->max_conns;
	v21->max_links = fce->max_links;
	v21->features = cpu_to_be16(fce->features);
	v21->vendor_opts = cpu_to_be32(fce->vendor_opts);
}

static int smc_fce_parse(struct smc_reader *r, struct smc_clc_accept *a)
{
	const struct smc_wire_fce *w = smc_take(r, sizeof(*w));
	const struct smc_wire_fce_v21 *v21;
	struct smc_clc_fce *fce = &a->fce;

	if (!w)
		return -EPROTO;
	fce->v2_direct = w->flags & SMC_CLC_FCE_DIRECT;
	fce->os_type = w->os_release >> SMC_CLC_FCE_OS_SHIFT;
	fce->release = w->os_release & SMC_CLC_FCE_RELEASE;
	memcpy(fce->hostname, w->hostname, sizeof(fce->hostname));
	if (a->path == SMC_PATH_D && !fce->release)
		return 0;
	v21 = smc_take(r, sizeof(*v21));
	if (!v21)
		return -EPROTO;
	if (!fce->release)
		return 0;
	fce->max_conns = v21->max_conns;
	fce->max_links = v21->max_links;
	fce->features = be16_to_cpu(v21->features);
	fce->vendor_opts = be32_to_cpu(v21->vendor_opts);
	return 0;
}

static void smc_gid_list_build(struct smc_writer *out, const struct smc_clc_accept *a)
{
	struct smc_wire_gid_list *list = smc_reserve(out, sizeof(*list));
	u8 *gid = smc_reserve(out, a->n_gids * SMC_GID_LEN);

	if (!gid)
		return;
	list->n_gids = a->n_gids;
	memcpy(gid, a->gid_list, a->n_gids * SMC_GID_LEN);
}

static int smc_gid_list_parse(struct smc_reader *r, struct smc_clc_accept *a)
{
	const struct smc_wire_gid_list *list = smc_take(r, sizeof(*list));
	const u8 *gid;

	if (!list || list->n_gids > SMC_CLC_MAX_GIDS)
		return -EPROTO;
	gid = smc_take(r, list->n_gids * SMC_GID_LEN);
	if (!gid)
		return -EPROTO;
	a->n_gids = list->n_gids;
	memcpy(a->gid_list, gid, a->n_gids * SMC_GID_LEN);
	return 0;
}

static bool smc_accept_has_gid_list(const struct smc_clc_accept *a)
{
	return a->type == SMC_CLC_CONFIRM && a->path == SMC_PATH_R;
}

static bool smc_accept_legal(const struct smc_clc_accept *a)
{
	if (a->type != SMC_CLC_ACCEPT && a->type != SMC_CLC_CONFIRM)
		return false;
	if (!a->version || a->version > SMC_CLC_FLAGS_MASK || a->rmbe_code > SMC_RMBE_MAX_CODE)
		return false;
	if (a->fce.os_type > SMC_CLC_FLAGS_MASK || a->fce.release > SMC_CLC_FCE_RELEASE ||
	    a->n_gids > SMC_CLC_MAX_GIDS)
		return false;
	switch (a->path) {
	case SMC_PATH_R:
		return a->rmbe_idx && a->token && a->qpn <= SMC_U24_MAX &&
		       a->psn <= SMC_U24_MAX && a->mtu_code <= SMC_CLC_FLAGS_MASK;
	case SMC_PATH_D:
		return true;
	default:
		return false;
	}
}

static void smc_accept_build_r(struct smc_writer *out, const struct smc_clc_accept *a, u8 flags)
{
	struct smc_wire_accept_r *w = smc_reserve(out, sizeof(*w));
	struct smc_wire_accept_r_v2 *v2;

	if (!w)
		return;
	smc_clc_hdr_build(&w->hdr, a->type, a->version, flags, false);
	memcpy(w->peer_id, a->peer_id, sizeof(w->peer_id));
	memcpy(w->gid, a->gid, sizeof(w->gid));
	memcpy(w->mac, a->mac, sizeof(w->mac));
	smc_put_u24(w->qpn, a->qpn);
	w->rkey = cpu_to_be32(a->rkey);
	w->rmbe_idx = a->rmbe_idx;
	w->token = cpu_to_be32(a->token);
	w->rmbe_mtu = a->rmbe_code << 4 | a->mtu_code;
	w->vaddr = cpu_to_be64(a->vaddr);
	smc_put_u24(w->psn, a->psn);
	if (a->version == SMC_VERSION_1)
		return;
	v2 = smc_reserve(out, sizeof(*v2));
	if (v2)
		memcpy(v2->eid, a->eid, sizeof(v2->eid));
}

static void smc_accept_build_d(struct smc_writer *out, const struct smc_clc_accept *a, u8 flags)
{
	struct smc_wire_accept_d *w = smc_reserve(out, sizeof(*w));
	struct smc_wire_accept_d_v2 *v2;

	if (!w)
		return;
	smc_clc_hdr_build(&w->hdr, a->type, a->version, flags, true);
	w->gid = cpu_to_be64(a->dmb.gid);
	w->token = cpu_to_be64(a->dmb.token);
	w->dmbe_idx = a->dmb.idx;
	w->dmbe_size = a->rmbe_code << 4;
	w->link_id = cpu_to_be32(a->dmb.link_id);
	if (a->version == SMC_VERSION_1) {
		smc_reserve(out, SMC_CLC_ACCEPT_D_V1_PAD);
		return;
	}
	v2 = smc_reserve(out, sizeof(*v2));
	if (!v2)
		return;
	v2->chid = cpu_to_be16(a->dmb.chid);
	memcpy(v2->eid, a->eid, sizeof(v2->eid));
	v2->gid_ext = cpu_to_be64(a->dmb.gid_ext);
}

/**
 * smc_clc_accept_build - compose an Accept or a Confirm
 * @buf: where to
 * @size: room there in bytes, at most SMC_CLC_MAX_LEN is needed
 * @a: what to say
 *
 * Any context, no locks. RFC 7609 appendices A.2.3 and A.2.4, [LNX] for SMC-D and for
 * everything beyond version 1.
 *
 * Return: length of the message in bytes; -EINVAL if a field is out of its range; -ENOSPC.
 */
int smc_clc_accept_build(u8 *buf, size_t size, const struct smc_clc_accept *a)
{
	struct smc_writer out = { .p = buf, .left = size };
	bool smcd = a->path == SMC_PATH_D;
	u8 flags;

	if (!smc_accept_legal(a))
		return -EINVAL;
	flags = a->path | (a->first_contact ? SMC_CLC_F_FIRST : 0);
	if (smcd)
		smc_accept_build_d(&out, a, flags);
	else
		smc_accept_build_r(&out, a, flags);
	if (a->version != SMC_VERSION_1 && a->first_contact) {
		smc_fce_build(&out, a);
		if (smc_accept_has_gid_list(a))
			smc_gid_list_build(&out, a);
	}
	return smc_clc_finish(&out, buf, smcd);
}

static int smc_accept_parse_r(struct smc_reader *r, struct smc_clc_accept *a)
{
	const struct smc_wire_accept_r *w = smc_take(r, sizeof(*w));
	const struct smc_wire_accept_r_v2 *v2;

	/* Index 0 would point in front of the RMB; token 0 means "none" in all lookups. */
	if (!w || !w->rmbe_idx || !w->token)
		return -EPROTO;
	memcpy(a->peer_id, w->peer_id, sizeof(a->peer_id));
	memcpy(a->gid, w->gid, sizeof(a->gid));
	memcpy(a->mac, w->mac, sizeof(a->mac));
	a->qpn = smc_get_u24(w->qpn);
	a->rkey = be32_to_cpu(w->rkey);
	a->rmbe_idx = w->rmbe_idx;
	a->token = be32_to_cpu(w->token);
	a->rmbe_code = w->rmbe_mtu >> 4;
	a->mtu_code = w->rmbe_mtu & 0x0f;
	a->vaddr = be64_to_cpu(w->vaddr);
	a->psn = smc_get_u24(w->psn);
	if (a->version == SMC_VERSION_1)
		return 0;
	v2 = smc_take(r, sizeof(*v2));
	if (!v2)
		return -EPROTO;
	memcpy(a->eid, v2->eid, sizeof(a->eid));
	return 0;
}

static int smc_accept_parse_d(struct smc_reader *r, struct smc_clc_accept *a)
{
	const struct smc_wire_accept_d *w = smc_take(r, sizeof(*w));
	const struct smc_wire_accept_d_v2 *v2;

	if (!w)
		return -EPROTO;
	a->dmb.gid = be64_to_cpu(w->gid);
	a->dmb.token = be64_to_cpu(w->token);
	a->dmb.idx = w->dmbe_idx;
	a->rmbe_code = w->dmbe_size >> 4;
	a->dmb.link_id = be32_to_cpu(w->link_id);
	if (a->version == SMC_VERSION_1)
		return smc_take(r, SMC_CLC_ACCEPT_D_V1_PAD) ? 0 : -EPROTO;
	v2 = smc_take(r, sizeof(*v2));
	if (!v2)
		return -EPROTO;
	a->dmb.chid = be16_to_cpu(v2->chid);
	memcpy(a->eid, v2->eid, sizeof(a->eid));
	a->dmb.gid_ext = be64_to_cpu(v2->gid_ext);
	return 0;
}

/**
 * smc_clc_accept_parse - read an Accept or a Confirm
 * @buf: the message
 * @len: its length in bytes, no more and no less than its header says
 * @a: result, to be used only if 0 is returned
 *
 * Any context, no locks. Whether the version and path were offered, and whether a Confirm
 * agrees with its Accept, is for the caller to see. So is the MTU code, since RFC 7609
 * appendix C.6 wants a Decline for a reserved one: smc_mtu_code_valid(). In version 2 a
 * message may end with something that we do not know yet [LNX].
 *
 * Return: 0 or -EPROTO.
 */
int smc_clc_accept_parse(const u8 *buf, size_t len, struct smc_clc_accept *a)
{
	struct smc_clc_hdr hdr;
	struct smc_reader r;
	bool smcd;

	memset(a, 0, sizeof(*a));
	if (smc_clc_open(&r, buf, len, &hdr) ||
	    (hdr.type != SMC_CLC_ACCEPT && hdr.type != SMC_CLC_CONFIRM))
		return -EPROTO;
	a->type = hdr.type;
	a->version = hdr.version;
	a->path = hdr.flags & SMC_CLC_PATH_MASK;
	a->first_contact = hdr.flags & SMC_CLC_F_FIRST;
	smcd = a->path == SMC_PATH_D;

	if (smcd ? smc_accept_parse_d(&r, a) : smc_accept_parse_r(&r, a))
		return -EPROTO;
	if (a->version != SMC_VERSION_1) {
		if (a->first_contact) {
			if (smc_fce_parse(&r, a))
				return -EPROTO;
			if (smc_accept_has_gid_list(a) && smc_gid_list_parse(&r, a))
				return -EPROTO;
		}
		if (r.left > SMC_CLC_TRAILER_LEN)
			smc_take(&r, r.left - SMC_CLC_TRAILER_LEN);
	}
	return smc_clc_close(&r, smcd);
}

/**
 * smc_clc_decline_build - compose a Decline
 * @buf: where to
 * @size: room there in bytes, at most SMC_CLC_DECLINE_V2 is needed
 * @d: what to say
 *
 * Any context, no locks. RFC 7609 appendix A.2.5, [LNX] for version 2.
 *
 * Return: length of the message in bytes; -EINVAL if a field is out of its range; -ENOSPC.
 */
int smc_clc_decline_build(u8 *buf, size_t size, const struct smc_clc_decline *d)
{
	struct smc_writer out = { .p = buf, .left = size };
	struct smc_wire_decline_v2 *v2;
	struct smc_wire_decline *w;
	unsigned int i;

	if (!d->version || d->version > SMC_CLC_FLAGS_MASK || d->os_type > SMC_CLC_FLAGS_MASK)
		return -EINVAL;
	w = smc_reserve(&out, sizeof(*w));
	if (!w)
		return -ENOSPC;
	smc_clc_hdr_build(&w->hdr, SMC_CLC_DECLINE, d->version,
			  d->out_of_sync ? SMC_CLC_F_SYNC : 0, false);
	memcpy(w->peer_id, d->peer_id, sizeof(w->peer_id));
	w->diagnosis = cpu_to_be32(d->diagnosis);
	if (d->version != SMC_VERSION_1) {
		w->os_type = d->os_type << SMC_CLC_OS_SHIFT;
		v2 = smc_reserve(&out, sizeof(*v2));
		if (!v2)
			return -ENOSPC;
		for (i = 0; i < SMC_CLC_EXTRA_DIAGS; i++)
			v2->extra[i] = cpu_to_be32(d->extra[i]);
	}
	return smc_clc_finish(&out, buf, false);
}

/**
 * smc_clc_decline_parse - read a Decline
 * @buf: the message
 * @len: its length in bytes, no more and no less than its header says
 * @d: result, to be used only if 0 is returned
 *
 * Any context, no locks. Either eye catcher will do: losing the connection over a Decline
 * that is not perfect helps nobody. RFC 7609 appendix A.2.5, [LNX] for version 2.
 *
 * Return: 0 or -EPROTO.
 */
int smc_clc_decline_parse(const u8 *buf, size_t len, struct smc_clc_decline *d)
{
	const struct smc_wire_decline_v2 *v2;
	const struct smc_wire_decline *w;
	struct smc_reader trailer;
	struct smc_clc_hdr hdr;
	struct smc_reader r;
	unsigned int i;

	memset(d, 0, sizeof(*d));
	if (smc_clc_open(&r, buf, len, &hdr) || hdr.type != SMC_CLC_DECLINE)
		return -EPROTO;
	w = smc_take(&r, sizeof(*w));
	if (!w)
		return -EPROTO;
	d->version = hdr.version;
	d->out_of_sync = hdr.flags & SMC_CLC_F_SYNC;
	memcpy(d->peer_id, w->peer_id, sizeof(d->peer_id));
	d->diagnosis = be32_to_cpu(w->diagnosis);
	if (d->version != SMC_VERSION_1) {
		d->os_type = w->os_type >> SMC_CLC_OS_SHIFT;
		v2 = smc_take(&r, sizeof(*v2));
		if (!v2)
			return -EPROTO;
		for (i = 0; i < SMC_CLC_EXTRA_DIAGS; i++)
			d->extra[i] = be32_to_cpu(v2->extra[i]);
	}
	trailer = r;
	return smc_clc_close(&r, false) ? smc_clc_close(&trailer, true) : 0;
}

/**
 * smc_rmbe_code - size code of an RMB element
 * @size: wanted size in bytes
 *
 * Any context. RFC 7609 appendix A.2.3.
 *
 * Return: code of the smallest element that holds @size, or of the largest there is.
 */
u8 smc_rmbe_code(u32 size)
{
	u8 code = 0;

	while (code < SMC_RMBE_MAX_CODE && smc_rmbe_size(code) < size)
		code++;
	return code;
}

/**
 * smc_rmbe_size - size of an RMB element
 * @code: size code, of which the low four bits count
 *
 * Any context. RFC 7609 appendix A.2.3; codes above 5 are [LNX].
 *
 * Return: size in bytes, 16 KiB to 512 MiB.
 */
u32 smc_rmbe_size(u8 code)
{
	return 1U << (SMC_RMBE_MIN_SHIFT + (code & SMC_RMBE_MAX_CODE));
}

/**
 * smc_mtu_code_valid - is this one of the five QP MTUs?
 * @code: MTU code of an Accept, Confirm or ADD LINK
 *
 * Any context. RFC 7609 appendix A.2.3. The codes are those of enum ib_mtu.
 *
 * Return: false if the code is reserved.
 */
bool smc_mtu_code_valid(u8 code)
{
	return code >= SMC_MTU_CODE_MIN && code <= SMC_MTU_CODE_MAX;
}

static const struct {
	u32 code;
	const char *name;
} smc_diag_names[] = {
	{ SMC_DIAG_MEMORY,			"MEMORY" },
	{ SMC_DIAG_TIMEOUT_CONFIRM_LINK,	"TIMEOUT_CL" },
	{ SMC_DIAG_TIMEOUT_ADD_LINK,		"TIMEOUT_AL" },
	{ SMC_DIAG_CONFIG,			"CNF_ERR" },
	{ SMC_DIAG_PEER_NO_SMC,			"PEER_NO_SMC" },
	{ SMC_DIAG_IPSEC,			"IPSEC" },
	{ SMC_DIAG_NO_DEVICE,			"NOSMCDEV" },
	{ SMC_DIAG_NO_SMCD_DEVICE,		"NOSMCDDEV" },
	{ SMC_DIAG_NO_SMCR_DEVICE,		"NOSMCRDEV" },
	{ SMC_DIAG_NO_ISMV2,			"NOISM2SUPP" },
	{ SMC_DIAG_NO_V2_EXT,			"NOV2EXT" },
	{ SMC_DIAG_NO_SMCD_V2_EXT,		"NOV2DEXT" },
	{ SMC_DIAG_NO_SEID,			"NOSEID" },
	{ SMC_DIAG_NO_SMCD_V2_DEVICE,		"NOSMCD2DEV" },
	{ SMC_DIAG_NO_UEID,			"NO_UEID" },
	{ SMC_DIAG_RELEASE,			"RELEASE" },
	{ SMC_DIAG_MAX_CONNS,			"MAX_CONNS" },
	{ SMC_DIAG_MAX_LINKS,			"MAX_LINKS" },
	{ SMC_DIAG_MODE_MISMATCH,		"MODEUNSUPP" },
	{ SMC_DIAG_RMBE_EYECATCHER,		"RMBE_EC" },
	{ SMC_DIAG_OPTION,			"OPTUNSUPP" },
	{ SMC_DIAG_PREFIX_MISMATCH,		"DIFFPREFIX" },
	{ SMC_DIAG_VLAN_ID,			"GETVLANERR" },
	{ SMC_DIAG_ISM_VLAN,			"ISMVLANERR" },
	{ SMC_DIAG_NO_ACTIVE_LINK,		"NOACTLINK" },
	{ SMC_DIAG_NO_SUCH_LINK,		"NOSRVLINK" },
	{ SMC_DIAG_VERSION_MISMATCH,		"VERSMISMAT" },
	{ SMC_DIAG_DMB_LIMIT,			"MAX_DMB" },
	{ SMC_DIAG_NO_ROUTE,			"NO_ROUTE" },
	{ SMC_DIAG_ROUTE_KIND,			"ROUTE_KIND" },
	{ SMC_DIAG_SYNC,			"SYNCERR" },
	{ SMC_DIAG_PEER_DECLINED,		"PEERDECL" },
	{ SMC_DIAG_INTERNAL,			"INTERNAL" },
	{ SMC_DIAG_RTOKEN,			"RTOKEN" },
	{ SMC_DIAG_QP_SETUP,			"QP_SETUP" },
	{ SMC_DIAG_REGISTER,			"MEM_REG" },
};

/**
 * smc_diag_name - short name of a diagnosis code
 * @code: SMC_DIAG_*, or anything from a peer
 *
 * Any context. The names are those that administrators know from statistics [LNX].
 *
 * Return: the name, "UNKNOWN" if there is none.
 */
const char *smc_diag_name(u32 code)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(smc_diag_names); i++)
		if (smc_diag_names[i].code == code)
			return smc_diag_names[i].name;
	return "UNKNOWN";
}
