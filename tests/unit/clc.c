// SPDX-License-Identifier: GPL-2.0
/* CLC messages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>
#include "smc_clc_msg.h"
#include "unit.h"
#include "vector.h"

#define P struct smc_clc_proposal
#define A struct smc_clc_accept
#define D struct smc_clc_decline

#define PREFIX_STRIDE .stride = sizeof(struct smc_clc_prefix), LIMIT(P, n_prefixes)
#define SMCD_STRIDE .stride = sizeof(struct smc_clc_smcd_id), LIMIT(P, n_smcd)

/* The first entry of a label says what corruptions of it do; so the variants come first. */
#define PROPOSAL_BINDS \
	{ "eyecatcher" }, \
	{ "type", .shape = true }, \
	{ "length", .shape = true }, \
	{ "version/flags", "version", B_INT, MEMBER(P, version), .shape = true }, \
	{ "version/flags", "typev1", B_INT, MEMBER(P, typev1) }, \
	{ "version/flags", "typev2", B_INT, MEMBER(P, typev2) }, \
	{ "peer id", .kind = B_BYTES, MEMBER(P, peer_id) }, \
	{ "GID", .kind = B_IP6, MEMBER(P, gid) }, \
	{ "MAC", .kind = B_MAC, MEMBER(P, mac) }, \
	{ "ip area offset" }, \
	{ "SMC-D v1 GID", .kind = B_INT, MEMBER(P, ism_gid) }, \
	{ "SMC-D v1 GID", .kind = B_PRESENT, MEMBER(P, smcd_area) }, \
	{ "SMC-D v1 CHID", .kind = B_INT, MEMBER(P, ism_chid) }, \
	{ "v2 extension offset" }, \
	{ "vendor OUI (v2.1) / reserved", .kind = B_BYTES, MEMBER(P, vendor_oui) }, \
	{ "vendor options (v2.1) / reserved", .kind = B_BYTES, MEMBER(P, vendor_opts) }, \
	{ "IPv4 subnet", .kind = B_IP4, MEMBER(P, subnet) }, \
	{ "IPv4 mask length", .kind = B_INT, MEMBER(P, mask_len) }, \
	{ "IPv6 prefix count", .kind = B_INT, MEMBER(P, n_prefixes), .shape = true }, \
	{ "IPv6 prefix[#]", .kind = B_IP6, MEMBER(P, prefix[0].addr), PREFIX_STRIDE }, \
	{ "IPv6 prefix[#] length", .kind = B_INT, MEMBER(P, prefix[0].len), PREFIX_STRIDE }, \
	{ "UEID count", .kind = B_INT, MEMBER(P, n_eids), .shape = true }, \
	{ "ISM GID/CHID entry count", .kind = B_INT, MEMBER(P, n_smcd), .shape = true }, \
	{ "release/seid", "release", B_INT, MEMBER(P, release), .ignored = 0x0e }, \
	{ "release/seid", "seid", B_INT, MEMBER(P, seid_valid) }, \
	{ "SMC-Dv2 extension offset", .kind = B_NONZERO, MEMBER(P, smcd_v2_ext) }, \
	{ "RoCEv2 GID", .kind = B_IP6, MEMBER(P, roce_gid) }, \
	{ "max conns (v2.1)", .kind = B_INT, MEMBER(P, max_conns) }, \
	{ "max links (v2.1)", .kind = B_INT, MEMBER(P, max_links) }, \
	{ "feature mask (v2.1)", .kind = B_INT, MEMBER(P, features) }, \
	{ "UEID[#]", .kind = B_TEXT, MEMBER(P, eid[0]), .stride = SMC_EID_LEN, \
	  LIMIT(P, n_eids) }, \
	{ "system EID", .kind = B_TEXT, MEMBER(P, seid) }, \
	{ "gidchid[#].gid", .kind = B_INT, MEMBER(P, smcd[0].gid), SMCD_STRIDE }, \
	{ "gidchid[#].chid", .kind = B_INT, MEMBER(P, smcd[0].chid), SMCD_STRIDE }, \
	{ "trailer eyecatcher" }

/* Version 1 knows no typev2. */
static const struct bind proposal_v1_binds[] = {
	{ "version/flags", "version", B_INT, MEMBER(P, version), .shape = true, .ignored = 0x0c },
	PROPOSAL_BINDS
};

/* Version 2 without a version 2 type has no extension for the offset to point at. */
static const struct bind proposal_v2_none_binds[] = {
	{ "v2 extension offset", .ignored = 0xff },
	PROPOSAL_BINDS
};

/* SMC-R only: no SMC-Dv2 extension for the offset to point at. */
static const struct bind proposal_v2_r_binds[] = {
	{ "SMC-Dv2 extension offset", .ignored = 0xff },
	PROPOSAL_BINDS
};

/*
 * Without a version 1 type there is no IP area that the offset could point at, and we do
 * not send a GID of a version 1 device.
 */
static const struct bind proposal_v2_d_binds[] = {
	{ "ip area offset", .lenient = 0xff },
	{ "SMC-D v1 GID", .kind = B_INT, MEMBER(P, ism_gid), .may_not_build = true },
	PROPOSAL_BINDS
};

#define COMMON_FCE \
	{ "negotiated EID", .kind = B_TEXT, MEMBER(A, eid) }, \
	{ "FCE flags", "v2_direct", B_INT, MEMBER(A, fce.v2_direct), .ignored = 0x7f }, \
	{ "FCE os/release", "os", B_INT, MEMBER(A, fce.os_type), .shape = true }, \
	{ "FCE os/release", "release", B_INT, MEMBER(A, fce.release) }, \
	{ "FCE hostname", .kind = B_TEXT, MEMBER(A, fce.hostname) }, \
	{ "FCE max conns", .kind = B_INT, MEMBER(A, fce.max_conns) }, \
	{ "FCE max links", .kind = B_INT, MEMBER(A, fce.max_links) }, \
	{ "FCE feature mask", .kind = B_INT, MEMBER(A, fce.features) }, \
	{ "FCE vendor options", .kind = B_INT, MEMBER(A, fce.vendor_opts) }

#define COMMON_ACCEPT \
	{ "eyecatcher" }, \
	{ "type", .kind = B_INT, MEMBER(A, type), .shape = true }, \
	{ "length", .shape = true }, \
	{ "version/flags", "version", B_INT, MEMBER(A, version), .shape = true, \
	  .ignored = 0x04 }, \
	{ "version/flags", "first_contact", B_INT, MEMBER(A, first_contact) }, \
	{ "version/flags", "typev1", B_INT, MEMBER(A, path) }, \
	{ "trailer eyecatcher" }

static const struct bind accept_r_binds[] = {
	COMMON_ACCEPT,
	COMMON_FCE,
	{ "peer id", .kind = B_BYTES, MEMBER(A, peer_id) },
	{ "GID", .kind = B_IP6, MEMBER(A, gid) },
	{ "MAC", .kind = B_MAC, MEMBER(A, mac) },
	{ "QP number", .kind = B_INT, MEMBER(A, qpn) },
	{ "RMB rkey", .kind = B_INT, MEMBER(A, rkey) },
	{ "RMBE index", .kind = B_INT, MEMBER(A, rmbe_idx) },
	{ "RMBE alert token", .kind = B_INT, MEMBER(A, token) },
	{ "rmbe size/QP MTU", "size", B_INT, MEMBER(A, rmbe_code) },
	{ "rmbe size/QP MTU", "mtu", B_INT, MEMBER(A, mtu_code) },
	{ "RMB virtual address", .kind = B_INT, MEMBER(A, vaddr) },
	{ "initial PSN", .kind = B_INT, MEMBER(A, psn) },
	{ "GID list count", .kind = B_INT, MEMBER(A, n_gids), .shape = true },
	{ "GID list[#]", .kind = B_IP6, MEMBER(A, gid_list[0]), .stride = SMC_GID_LEN,
	  LIMIT(A, n_gids) },
};

static const struct bind accept_d_binds[] = {
	COMMON_ACCEPT,
	COMMON_FCE,
	{ "GID", .kind = B_INT, MEMBER(A, dmb.gid) },
	{ "DMB token", .kind = B_INT, MEMBER(A, dmb.token) },
	{ "DMBE index", .kind = B_INT, MEMBER(A, dmb.idx) },
	{ "dmbe size/reserved", "size", B_INT, MEMBER(A, rmbe_code), .ignored = 0x0f },
	{ "link id", .kind = B_INT, MEMBER(A, dmb.link_id) },
	{ "CHID", .kind = B_INT, MEMBER(A, dmb.chid) },
	{ "GID extension (v2.1)", .kind = B_INT, MEMBER(A, dmb.gid_ext) },
};

/* Either eye catcher passes, in either place. */
#define DECLINE_BINDS \
	{ "eyecatcher", .lenient = 0x1d }, \
	{ "trailer eyecatcher", .lenient = 0x1d }, \
	{ "type", .shape = true }, \
	{ "length", .shape = true }, \
	{ "version/flags", "version", B_INT, MEMBER(D, version), .ignored = 0x07 }, \
	{ "version/flags", "out_of_sync", B_INT, MEMBER(D, out_of_sync) }, \
	{ "peer id", .kind = B_BYTES, MEMBER(D, peer_id) }, \
	{ "diagnosis", .kind = B_INT, MEMBER(D, diagnosis) }, \
	{ "os type (v2) / reserved", "os_type", B_INT, MEMBER(D, os_type), .ignored = 0x0f }, \
	{ "additional diagnosis[#]", .kind = B_INT, MEMBER(D, extra[0]), .stride = 4 }

static const struct bind decline_v1_binds[] = {
	{ "os type (v2) / reserved", "os_type", B_INT, MEMBER(D, os_type), .ignored = 0xff },
	DECLINE_BINDS
};

static const struct bind decline_v2_binds[] = { DECLINE_BINDS };

static int proposal_parse(const u8 *buf, size_t len, void *m)
{
	return smc_clc_proposal_parse(buf, len, m);
}

static int proposal_build(u8 *buf, size_t size, const void *m)
{
	return smc_clc_proposal_build(buf, size, m);
}

static int accept_parse(const u8 *buf, size_t len, void *m)
{
	return smc_clc_accept_parse(buf, len, m);
}

static int accept_build(u8 *buf, size_t size, const void *m)
{
	return smc_clc_accept_build(buf, size, m);
}

static int decline_parse(const u8 *buf, size_t len, void *m)
{
	return smc_clc_decline_parse(buf, len, m);
}

static int decline_build(u8 *buf, size_t size, const void *m)
{
	return smc_clc_decline_build(buf, size, m);
}

#define PROPOSAL(binds) {						\
	.bind = binds, .n_binds = ARRAY_SIZE(binds), .struct_size = sizeof(P),	\
	.parse = proposal_parse, .build = proposal_build, .clc_len = true }
#define ACCEPT(binds) {							\
	.bind = binds, .n_binds = ARRAY_SIZE(binds), .struct_size = sizeof(A),	\
	.parse = accept_parse, .build = accept_build, .clc_len = true }
#define DECLINE(binds) {						\
	.bind = binds, .n_binds = ARRAY_SIZE(binds), .struct_size = sizeof(D),	\
	.parse = decline_parse, .build = decline_build, .clc_len = true }

static void test_vectors(void)
{
	static const struct message proposal_v1 = PROPOSAL(proposal_v1_binds);
	static const struct message proposal_v2_none = PROPOSAL(proposal_v2_none_binds);
	static const struct message proposal_v2_r = PROPOSAL(proposal_v2_r_binds);
	static const struct message proposal_v2_d = PROPOSAL(proposal_v2_d_binds);
	static const struct message accept_r = ACCEPT(accept_r_binds);
	static const struct message accept_d = ACCEPT(accept_d_binds);
	static const struct message decline_v1 = DECLINE(decline_v1_binds);
	static const struct message decline_v2 = DECLINE(decline_v2_binds);

	vector_test("clc_proposal_v1_ipv4", &proposal_v1);
	vector_test("clc_proposal_v1_ipv6", &proposal_v1);
	vector_test("clc_proposal_linux_v1only_ipv4", &proposal_v2_none);
	vector_test("clc_proposal_linux_v1only_ipv6", &proposal_v2_none);
	vector_test("clc_proposal_v2_smcr", &proposal_v2_r);
	vector_test("clc_proposal_v21_smcd_loopback", &proposal_v2_d);
	vector_test("clc_accept_v1_first", &accept_r);
	vector_test("clc_accept_v1_subsequent", &accept_r);
	vector_test("clc_confirm_v1_first", &accept_r);
	vector_test("clc_accept_v21_first", &accept_r);
	vector_test("clc_accept_v2_subsequent", &accept_r);
	vector_test("clc_confirm_v21_first", &accept_r);
	vector_test("clc_accept_smcd_v1", &accept_d);
	vector_test("clc_accept_smcd_v21_first", &accept_d);
	vector_test("clc_decline_v1", &decline_v1);
	vector_test("clc_decline_v1_sync", &decline_v1);
	vector_test("clc_decline_v2", &decline_v2);
}

/* A vector with some bytes changed. */
struct patch {
	const char *what;
	const char *vector;
	int want;
	struct {
		unsigned int at;
		u8 value;
	} byte[6];		/* ends with at == 0 */
};

static u8 *patched(const struct patch *p, size_t *len)
{
	const struct vector *v = vector_find(p->vector);
	u8 *buf = exact_copy(v->data, v->len);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p->byte) && p->byte[i].at; i++)
		buf[p->byte[i].at] = p->byte[i].value;
	*len = v->len;
	return buf;
}

static void test_header(void)
{
	static const struct patch cases[] = {
		{ "a Proposal", "clc_proposal_v1_ipv4", 0, {} },
		{ "a Decline with the SMC-D eye catcher", "clc_decline_v1", 0, { { 3, 0xc4 } } },
		{ "a Proposal with it", "clc_proposal_v1_ipv4", -EPROTO, { { 3, 0xc4 } } },
		{ "an SMC-R Accept with it", "clc_accept_v1_first", -EPROTO, { { 3, 0xc4 } } },
		{ "an SMC-D Accept without it", "clc_accept_smcd_v1", -EPROTO, { { 3, 0xd9 } } },
		{ "version 0", "clc_proposal_v1_ipv4", -EPROTO, { { 7, 0x00 } } },
		{ "version 15", "clc_decline_v2", 0, { { 7, 0xf0 } } },
		{ "type 5", "clc_proposal_v1_ipv4", -EPROTO, { { 4, 5 } } },
		{ "a Proposal of 51 bytes", "clc_proposal_v1_ipv4", -EPROTO, { { 6, 51 } } },
		{ "a Proposal of 652 bytes", "clc_proposal_v1_ipv4", 0, { { 5, 2 }, { 6, 0x8c } } },
		{ "a Proposal of 653 bytes", "clc_proposal_v1_ipv4", -EPROTO,
		  { { 5, 2 }, { 6, 0x8d } } },
		{ "an Accept of 69 bytes", "clc_accept_v1_first", -EPROTO, { { 6, 69 } } },
		{ "a v2 Accept of 107 bytes", "clc_accept_v2_subsequent", -EPROTO, { { 6, 107 } } },
		{ "a v2 Accept of 652 bytes", "clc_accept_v2_subsequent", 0,
		  { { 5, 2 }, { 6, 0x8c } } },
		{ "a v2 Accept of 653 bytes", "clc_accept_v2_subsequent", -EPROTO,
		  { { 5, 2 }, { 6, 0x8d } } },
		{ "an SMC-D v2 Accept of 77 bytes", "clc_accept_smcd_v21_first", -EPROTO,
		  { { 6, 77 } } },
		{ "an SMC-D v2 Accept of 78 bytes", "clc_accept_smcd_v21_first", 0, { { 6, 78 } } },
		{ "an SMC-D Accept of 49 bytes", "clc_accept_smcd_v1", -EPROTO, { { 6, 49 } } },
		{ "an Accept of both paths", "clc_accept_v1_first", -EPROTO, { { 7, 0x1b } } },
		{ "an Accept of no path", "clc_accept_v1_first", -EPROTO, { { 7, 0x1a } } },
		{ "a v1 Decline of 44 bytes", "clc_decline_v1", -EPROTO, { { 6, 44 } } },
		{ "a v2 Decline of 28 bytes", "clc_decline_v2", -EPROTO, { { 6, 28 } } },
	};
	struct smc_clc_hdr hdr;
	const struct vector *v;
	unsigned int i;
	size_t len;
	u8 *buf;
	int rc;

	test_begin("CLC header: what is plausible and what is not");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		buf = patched(&cases[i], &len);
		buf = realloc(buf, SMC_CLC_HDR_LEN);
		rc = smc_clc_hdr_parse(buf, SMC_CLC_HDR_LEN, &hdr);
		CHECK(rc == cases[i].want, "%s: %d", cases[i].what, rc);
		free(buf);
	}
	test_end();

	test_begin("CLC header: its fields, and less than 8 bytes");
	v = vector_find("clc_accept_smcd_v21_first");
	for (len = 0; len <= SMC_CLC_HDR_LEN; len++) {
		buf = exact_copy(v->data, len);
		rc = smc_clc_hdr_parse(buf, len, &hdr);
		CHECK(rc == (len == SMC_CLC_HDR_LEN ? 0 : -EPROTO), "%zu bytes: %d", len, rc);
		free(buf);
	}
	CHECK(hdr.type == SMC_CLC_ACCEPT && hdr.version == 2 && hdr.len == 130 &&
	      hdr.flags == 0x09 && hdr.smcd, "SMC-D Accept");
	CHECK(!smc_clc_hdr_parse(vector_find("clc_decline_v1")->data, 8, &hdr) &&
	      hdr.type == SMC_CLC_DECLINE && hdr.version == 1 && hdr.len == 28 &&
	      !hdr.flags && !hdr.smcd, "Decline");
	test_end();
}

static void test_parser_rules(void)
{
	static const struct patch cases[] = {
		{ "Proposal v1 that offers nothing", "clc_proposal_v1_ipv4", -EPROTO,
		  { { 7, 0x12 } } },
		{ "Proposal with its IP area at 41", "clc_proposal_linux_v1only_ipv4", -EPROTO,
		  { { 39, 41 } } },
		{ "Proposal with its IP area at 40 + 65536/256", "clc_proposal_linux_v1only_ipv4",
		  -EPROTO, { { 38, 1 }, { 39, 0 } } },
		{ "v1 Proposal with a gap of 20 before the IP area", "clc_proposal_v1_ipv6",
		  -EPROTO, { { 39, 20 } } },
		{ "v2 Proposal, IP area inside of the SMC-D area", "clc_proposal_linux_v1only_ipv4",
		  -EPROTO, { { 39, 39 } } },
		{ "Proposal with 9 prefixes", "clc_proposal_v1_ipv6", -EPROTO, { { 47, 9 } } },
		{ "Proposal with a prefix less than it has", "clc_proposal_v1_ipv6", -EPROTO,
		  { { 47, 1 } } },
		{ "Proposal v2 without a v2 extension", "clc_proposal_v2_smcr", -EPROTO,
		  { { 51, 0 } } },
		{ "Proposal, v2 extension at 173", "clc_proposal_v2_smcr", -EPROTO,
		  { { 51, 173 } } },
		{ "Proposal, v2 extension in the IP area", "clc_proposal_v2_smcr", -EPROTO,
		  { { 51, 35 } } },
		{ "Proposal with 9 EIDs", "clc_proposal_v2_smcr", -EPROTO, { { 88, 9 } } },
		{ "Proposal with 2 EIDs, room for 1", "clc_proposal_v2_smcr", -EPROTO,
		  { { 88, 2 } } },
		{ "Proposal with 9 SMC-D devices", "clc_proposal_v21_smcd_loopback", -EPROTO,
		  { { 81, 9 } } },
		{ "Proposal with 3 SMC-D devices, room for 2", "clc_proposal_v21_smcd_loopback",
		  -EPROTO, { { 81, 3 } } },
		{ "Proposal, SMC-Dv2 extension elsewhere", "clc_proposal_v21_smcd_loopback",
		  -EPROTO, { { 87, 63 } } },
		{ "Proposal without SMC-Dv2 extension", "clc_proposal_v21_smcd_loopback", 0,
		  { { 87, 0 } } },
		{ "Accept with element 0", "clc_accept_v1_first", -EPROTO, { { 45, 0 } } },
		{ "Accept with element 255", "clc_accept_v1_first", 0, { { 45, 255 } } },
		{ "Accept with token 0", "clc_accept_v1_first", -EPROTO, { { 49, 0 } } },
		{ "Accept with MTU code 0", "clc_accept_v1_first", 0, { { 50, 0x20 } } },
		{ "Accept with MTU code 15", "clc_accept_v1_first", 0, { { 50, 0x2f } } },
		{ "Accept with size code 15", "clc_accept_v1_first", 0, { { 50, 0xf3 } } },
		{ "Accept with the SMC-D trailer", "clc_accept_v1_first", -EPROTO,
		  { { 67, 0xc4 } } },
		{ "v2 Accept without F but with its extension", "clc_accept_v21_first", 0,
		  { { 7, 0x20 } } },
		{ "v2 Accept with F but without extension", "clc_accept_v2_subsequent", -EPROTO,
		  { { 7, 0x28 } } },
		{ "Confirm with 9 GIDs", "clc_confirm_v21_first", -EPROTO, { { 156, 9 } } },
		{ "Confirm with 3 GIDs, room for 2", "clc_confirm_v21_first", -EPROTO,
		  { { 156, 3 } } },
		{ "Confirm without its GID list", "clc_accept_v21_first", -EPROTO, { { 4, 3 } } },
		{ "Decline with the SMC-D trailer", "clc_decline_v1", 0, { { 27, 0xc4 } } },
		{ "Decline with another trailer", "clc_decline_v1", -EPROTO, { { 27, 0xc5 } } },
	};
	unsigned int i;
	size_t len;
	union {
		P p;
		A a;
		D d;
	} m;
	u8 *buf;
	int rc;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct patch *c = &cases[i];

		test_begin("%s: %s", c->what, c->want ? "refused" : "taken");
		buf = patched(c, &len);
		if (strstr(c->vector, "proposal"))
			rc = smc_clc_proposal_parse(buf, len, &m.p);
		else if (strstr(c->vector, "decline"))
			rc = smc_clc_decline_parse(buf, len, &m.d);
		else
			rc = smc_clc_accept_parse(buf, len, &m.a);
		CHECK(rc == c->want, "%d", rc);
		free(buf);
		test_end();
	}
}

/* Shapes that no vector has. */
static void test_unusual(void)
{
	u8 buf[SMC_CLC_MAX_LEN + 1];
	const struct vector *v;
	P *p = calloc(2, sizeof(*p)), *q = p + 1;
	A *a = calloc(2, sizeof(*a)), *b = a + 1;
	unsigned int i;
	int len, rc;

	test_begin("v1 Proposal with 20 unknown bytes before its IP area");
	v = vector_find("clc_proposal_v1_ipv4");
	memcpy(buf, v->data, 40);
	memset(buf + 40, 0xee, 20);
	memcpy(buf + 60, v->data + 40, 12);
	buf[6] = 72;
	buf[39] = 20;
	CHECK(!smc_clc_proposal_parse(buf, 72, p) && !p->smcd_area &&
	      p->subnet == cpu_to_be32(0xc0000200) && p->mask_len == 24, "not understood");
	test_end();

	test_begin("v1 Proposal with the SMC-D area");
	memmove(buf + 80, buf + 60, 12);
	memset(buf + 40, 0, 40);
	buf[47] = 77;
	buf[6] = 92;
	buf[39] = 40;
	CHECK(!smc_clc_proposal_parse(buf, 92, p) && p->smcd_area && p->ism_gid == 77 &&
	      p->mask_len == 24, "not understood");
	test_end();

	test_begin("the largest Proposal has 652 bytes and comes back");
	memset(p, 0, 2 * sizeof(*p));
	*p = (P){ .version = 2, .typev1 = SMC_PATH_BOTH, .typev2 = SMC_PATH_BOTH,
		  .smcd_area = true, .n_prefixes = 8, .n_eids = 8, .n_smcd = 8, .release = 15,
		  .seid_valid = true, .smcd_v2_ext = true, .ism_gid = 0x123456789abcdef0,
		  .ism_chid = 0xfedc };
	for (i = 0; i < 8; i++) {
		memset(p->prefix[i].addr, 0x20 + i, 16);
		p->prefix[i].len = 64 + i;
		memset(p->eid[i], 'A' + i, SMC_EID_LEN);
		p->smcd[i].gid = 0x1111111111111111 * i;
		p->smcd[i].chid = 0x0101 * i;
	}
	len = smc_clc_proposal_build(buf, sizeof(buf), p);
	CHECK(len == SMC_CLC_MAX_LEN, "%d bytes", len);
	rc = smc_clc_proposal_parse(buf, len, q);
	CHECK(!rc, "%d", rc);
	CHECK(q->smcd[7].gid == p->smcd[7].gid && q->smcd[7].chid == p->smcd[7].chid &&
	      !memcmp(q->eid, p->eid, sizeof(p->eid)) && q->prefix[7].len == 71 &&
	      q->ism_gid == p->ism_gid && q->seid_valid && q->release == 15, "not the same");
	test_end();

	test_begin("SMC-R first contact of release 0: an extension of 52 bytes, its end zero");
	*a = (A){ .type = SMC_CLC_ACCEPT, .version = 2, .path = SMC_PATH_R, .first_contact = true,
		  .rmbe_idx = 1, .token = 1,
		  .fce = { .os_type = SMC_OS_LINUX, .max_conns = 9, .max_links = 9,
			   .features = 9, .vendor_opts = 9 } };
	len = smc_clc_accept_build(buf, sizeof(buf), a);
	CHECK(len == 160, "%d bytes", len);
	for (i = 140; i < 156; i++)
		CHECK(!buf[i], "byte %u is %02x", i, buf[i]);
	CHECK(!smc_clc_accept_parse(buf, len, b) && !b->fce.max_conns &&
	      b->fce.os_type == SMC_OS_LINUX, "not understood");
	test_end();

	test_begin("SMC-D first contact of release 0: an extension of 36 bytes");
	a->path = SMC_PATH_D;
	len = smc_clc_accept_build(buf, sizeof(buf), a);
	CHECK(len == 114, "%d bytes", len);
	CHECK(!smc_clc_accept_parse(buf, len, b) && b->path == SMC_PATH_D, "not understood");
	a->first_contact = false;
	len = smc_clc_accept_build(buf, sizeof(buf), a);
	CHECK(len == 78, "without: %d bytes", len);
	test_end();

	test_begin("the largest Confirm: 8 GIDs, 24-bit fields at their end");
	memset(a, 0, 2 * sizeof(*a));
	*a = (A){ .type = SMC_CLC_CONFIRM, .version = 15, .path = SMC_PATH_R,
		  .first_contact = true, .qpn = 0xffffff, .psn = 0xffffff, .rmbe_idx = 255,
		  .token = ~0U, .rkey = ~0U, .rmbe_code = 15, .mtu_code = 15, .n_gids = 8,
		  .fce = { .os_type = 15, .release = 15 } };
	memset(a->gid_list, 0x5a, sizeof(a->gid_list));
	len = smc_clc_accept_build(buf, sizeof(buf), a);
	CHECK(len == 164 + 8 * 16, "%d bytes", len);
	rc = smc_clc_accept_parse(buf, len, b);
	CHECK(!rc && b->qpn == 0xffffff && b->psn == 0xffffff && b->n_gids == 8 &&
	      b->rmbe_code == 15 && b->mtu_code == 15 && b->version == 15 &&
	      !memcmp(a->gid_list, b->gid_list, sizeof(a->gid_list)), "%d", rc);
	test_end();

	test_begin("v2 Accept that ends with something new");
	v = vector_find("clc_accept_v21_first");
	memcpy(buf, v->data, 156);
	memset(buf + 156, 0xee, 7);
	memcpy(buf + 163, v->data + 156, 4);
	buf[6] = 167;
	CHECK(!smc_clc_accept_parse(buf, 167, a) && a->fce.max_conns == 255, "not understood");
	test_end();
	free(p);
	free(a);
}

#define REFUSES(build, msg, field, bad) do {				\
	__typeof__(msg) _copy = msg;					\
									\
	_copy.field = bad;						\
	CHECK(build(buf, sizeof(buf), &_copy) == -EINVAL, #field " " #bad); \
} while (0)

static void test_builder_rules(void)
{
	u8 buf[SMC_CLC_MAX_LEN];
	P p = { .version = 1, .typev1 = SMC_PATH_R };
	A a = { .type = SMC_CLC_ACCEPT, .version = 1, .rmbe_idx = 1, .token = 1 };
	D d = { .version = 1 };

	test_begin("builders refuse what must not be sent");
	REFUSES(smc_clc_proposal_build, p, version, 0);
	REFUSES(smc_clc_proposal_build, p, version, 16);
	REFUSES(smc_clc_proposal_build, p, typev1, SMC_PATH_NONE);
	REFUSES(smc_clc_proposal_build, p, typev1, 4);
	REFUSES(smc_clc_proposal_build, p, n_prefixes, 9);
	REFUSES(smc_clc_proposal_build, p, version, 2);		/* without the SMC-D area */
	p = (P){ .version = 2, .typev1 = SMC_PATH_NONE, .typev2 = SMC_PATH_R, .smcd_area = true };
	CHECK(smc_clc_proposal_build(buf, sizeof(buf), &p) == 124, "what they accept");
	REFUSES(smc_clc_proposal_build, p, version, 0);
	REFUSES(smc_clc_proposal_build, p, ism_gid, 1);
	REFUSES(smc_clc_proposal_build, p, typev2, 4);
	REFUSES(smc_clc_proposal_build, p, n_eids, 9);
	REFUSES(smc_clc_proposal_build, p, n_smcd, 9);
	REFUSES(smc_clc_proposal_build, p, release, 16);
	REFUSES(smc_clc_proposal_build, p, smcd_v2_ext, true);
	CHECK(smc_clc_accept_build(buf, sizeof(buf), &a) == 68, "what they accept");
	REFUSES(smc_clc_accept_build, a, type, SMC_CLC_PROPOSAL);
	REFUSES(smc_clc_accept_build, a, version, 0);
	REFUSES(smc_clc_accept_build, a, version, 16);
	REFUSES(smc_clc_accept_build, a, path, SMC_PATH_NONE);
	REFUSES(smc_clc_accept_build, a, path, SMC_PATH_BOTH);
	REFUSES(smc_clc_accept_build, a, rmbe_idx, 0);
	REFUSES(smc_clc_accept_build, a, token, 0);
	REFUSES(smc_clc_accept_build, a, qpn, 0x1000000);
	REFUSES(smc_clc_accept_build, a, psn, 0x1000000);
	REFUSES(smc_clc_accept_build, a, rmbe_code, 16);
	REFUSES(smc_clc_accept_build, a, mtu_code, 16);
	REFUSES(smc_clc_accept_build, a, n_gids, 9);
	REFUSES(smc_clc_accept_build, a, fce.os_type, 16);
	REFUSES(smc_clc_accept_build, a, fce.release, 16);
	CHECK(smc_clc_decline_build(buf, sizeof(buf), &d) == 28, "what they accept");
	REFUSES(smc_clc_decline_build, d, version, 0);
	REFUSES(smc_clc_decline_build, d, version, 16);
	REFUSES(smc_clc_decline_build, d, os_type, 16);
	test_end();
}

static void test_codes(void)
{
	static const struct {
		u32 code;
		const char *name;
	} diags[] = {
		{ 0x01010000, "MEMORY" }, { 0x02010000, "TIMEOUT_CL" },
		{ 0x02020000, "TIMEOUT_AL" }, { 0x03000000, "CNF_ERR" },
		{ 0x03010000, "PEER_NO_SMC" }, { 0x03020000, "IPSEC" },
		{ 0x03030000, "NOSMCDEV" }, { 0x03030001, "NOSMCDDEV" },
		{ 0x03030002, "NOSMCRDEV" }, { 0x03030003, "NOISM2SUPP" },
		{ 0x03030004, "NOV2EXT" }, { 0x03030005, "NOV2DEXT" },
		{ 0x03030006, "NOSEID" }, { 0x03030007, "NOSMCD2DEV" },
		{ 0x03040000, "MODEUNSUPP" }, { 0x03050000, "RMBE_EC" },
		{ 0x03060000, "OPTUNSUPP" }, { 0x03070000, "DIFFPREFIX" },
		{ 0x03080000, "GETVLANERR" }, { 0x03090000, "ISMVLANERR" },
		{ 0x030a0000, "NOACTLINK" }, { 0x030b0000, "NOSRVLINK" },
		{ 0x030c0000, "VERSMISMAT" }, { 0x030d0000, "MAX_DMB" },
		{ 0x04000000, "SYNCERR" }, { 0x05000000, "PEERDECL" },
		{ 0x00000000, "UNKNOWN" }, { 0x03030010, "UNKNOWN" },
	};
	static const u32 unnamed[] = {
		0x03030008, 0x03030009, 0x0303000a, 0x0303000b, 0x030e0000, 0x030f0000,
		0x09990000, 0x09990001, 0x09990002, 0x09990003,
	};
	unsigned int code, i;

	test_begin("RMB element sizes");
	for (code = 0; code < 16; code++) {
		u32 size = smc_rmbe_size(code);

		CHECK(size == 16384ULL << code, "code %u is %u bytes", code, size);
		CHECK(smc_rmbe_code(size) == code, "%u bytes are code %u", size,
		      smc_rmbe_code(size));
		CHECK(smc_rmbe_code(size - 1) == code, "%u bytes", size - 1);
		CHECK(smc_rmbe_code(size + 1) == (code < 15 ? code + 1 : 15), "%u bytes",
		      size + 1);
	}
	CHECK(smc_rmbe_code(0) == 0 && smc_rmbe_code(1) == 0 && smc_rmbe_code(~0U) == 15, "ends");
	test_end();

	test_begin("path types and operating systems have their numbers");
	CHECK(SMC_PATH_R == 0 && SMC_PATH_D == 1 && SMC_PATH_NONE == 2 && SMC_PATH_BOTH == 3,
	      "paths");
	CHECK(SMC_OS_ZOS == 1 && SMC_OS_LINUX == 2 && SMC_OS_AIX == 3, "systems");
	test_end();

	test_begin("MTU codes");
	for (code = 0; code < 256; code++)
		CHECK(smc_mtu_code_valid(code) == (code >= 1 && code <= 5), "%u", code);
	test_end();

	test_begin("diagnosis codes have their names");
	for (i = 0; i < ARRAY_SIZE(diags); i++)
		CHECK(!strcmp(smc_diag_name(diags[i].code), diags[i].name), "%08x is %s",
		      diags[i].code, smc_diag_name(diags[i].code));
	for (i = 0; i < ARRAY_SIZE(unnamed); i++)
		CHECK(strcmp(smc_diag_name(unnamed[i]), "UNKNOWN"), "%08x", unnamed[i]);
	test_end();
}

void test_clc(void)
{
	test_vectors();
	test_header();
	test_parser_rules();
	test_unusual();
	test_builder_rules();
	test_codes();
}
