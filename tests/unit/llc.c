// SPDX-License-Identifier: GPL-2.0
/* LLC messages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/kernel.h>
#include "smc_llc_msg.h"
#include "unit.h"
#include "vector.h"

/* An LLC message with the lists that have no room in its struct. */
struct llc {
	struct smc_llc_msg m;
	struct smc_llc_rkey_pair pair[SMC_LLC_MAX_RTOKENS];
	u32 rkey[SMC_LLC_MAX_RTOKENS];
};

#define L struct llc

static int llc_parse(const u8 *buf, size_t len, void *arg)
{
	unsigned int i;
	L *l = arg;
	int rc;

	memset(l, 0, sizeof(*l));
	rc = smc_llc_parse(buf, len, &l->m);
	if (rc)
		return rc;
	if (l->m.type == SMC_LLC_ADD_LINK) {
		for (i = 0; i < l->m.add_link.n_pairs; i++)
			CHECK(!smc_llc_add_link_get(buf, len, i, &l->pair[i]), "pair %u", i);
	} else if (l->m.type == SMC_LLC_DELETE_RKEY) {
		for (i = 0; i < l->m.delete_rkey.count; i++)
			CHECK(!smc_llc_delete_rkey_get(buf, len, i, &l->rkey[i]), "key %u", i);
		CHECK(!memcmp(l->rkey, l->m.delete_rkey.rkey, sizeof(l->m.delete_rkey.rkey)),
		      "the first eight keys differ");
	}
	return 0;
}

static int llc_build(u8 *buf, size_t size, const void *arg)
{
	const L *l = arg;
	unsigned int i;
	int len;

	len = smc_llc_build(buf, size, &l->m);
	if (len < 0)
		return len;
	if (l->m.type == SMC_LLC_ADD_LINK) {
		for (i = 0; i < l->m.add_link.n_pairs; i++)
			CHECK(!smc_llc_add_link_put(buf, len, i, &l->pair[i]), "pair %u", i);
	} else if (l->m.type == SMC_LLC_DELETE_RKEY) {
		for (i = SMC_LLC_DELETE_RKEYS; i < l->m.delete_rkey.count; i++)
			CHECK(!smc_llc_delete_rkey_put(buf, len, i, l->rkey[i]), "key %u", i);
	}
	return len;
}

static void llc_complete(void *arg)
{
	L *l = arg;

	if (!l->m.version)
		l->m.version = 1;
	if (l->m.type == SMC_LLC_DELETE_RKEY)
		memcpy(l->rkey, l->m.delete_rkey.rkey, sizeof(l->m.delete_rkey.rkey));
}

/* The reject reason is in version 1 only, and only in ADD LINK. */
#define COMMON(other_flags) \
	{ "type", NULL, B_INT, 0x0f, MEMBER(L, m.type), .shape = true }, \
	{ "type", NULL, B_INT, 0xf0, MEMBER(L, m.version) }, \
	{ "length", .shape = true }, \
	{ "length (16 bit)", .kind = B_LITTLE, MEMBER(L, m.le_len), .lenient = 0xff, \
	  .shape = true }, \
	{ "reserved / reject reason", .ignored = 0xff }, \
	{ "flags", NULL, B_INT, 0x80, MEMBER(L, m.response), \
	  .ignored = (u8)~(0x80 | (other_flags)) }

#define LINK_RKEY(fmt, where, n) \
	{ fmt " link number", .kind = B_INT, MEMBER(L, m.where[0].link_num), \
	  .stride = sizeof(struct smc_llc_link_rkey), LIMIT(L, m.n) }, \
	{ fmt " rkey", .kind = B_INT, MEMBER(L, m.where[0].rkey), \
	  .stride = sizeof(struct smc_llc_link_rkey), LIMIT(L, m.n) }, \
	{ fmt " vaddr", .kind = B_INT, MEMBER(L, m.where[0].vaddr), \
	  .stride = sizeof(struct smc_llc_link_rkey), LIMIT(L, m.n) }

/* One of the two bits is as good as both. */
static const struct bind confirm_link_flags = {
	"flags", NULL, B_INT, 0x80, MEMBER(L, m.response), .ignored = 0x7c, .lenient = 0x03,
};

#define CONFIRM_LINK \
	COMMON(0), \
	{ "flags", NULL, B_INT, 0x02, MEMBER(L, m.confirm_link.no_eyecatcher) }, \
	{ "sender MAC", .kind = B_MAC, MEMBER(L, m.confirm_link.mac) }, \
	{ "sender GID", .kind = B_IP6, MEMBER(L, m.confirm_link.gid) }, \
	{ "sender QP number", .kind = B_INT, MEMBER(L, m.confirm_link.qpn) }, \
	{ "link number", .kind = B_INT, MEMBER(L, m.confirm_link.link_num) }, \
	{ "link user id", .kind = B_INT, MEMBER(L, m.confirm_link.link_uid) }, \
	{ "max links", .kind = B_INT, MEMBER(L, m.confirm_link.max_links) }

#define ADD_LINK \
	COMMON(0x40), \
	{ "flags", NULL, B_INT, 0x40, MEMBER(L, m.add_link.reject) }, \
	{ "sender MAC", .kind = B_MAC, MEMBER(L, m.add_link.mac) }, \
	{ "sender GID", .kind = B_IP6, MEMBER(L, m.add_link.gid) }, \
	{ "sender QP number", .kind = B_INT, MEMBER(L, m.add_link.qpn) }, \
	{ "link number", .kind = B_INT, MEMBER(L, m.add_link.link_num) }, \
	{ "reserved/QP MTU", "mtu", B_INT, MEMBER(L, m.add_link.mtu_code), .ignored = 0xf0 }, \
	{ "initial PSN", .kind = B_INT, MEMBER(L, m.add_link.psn) }

#define PAIR(fmt, where) \
	{ fmt " reference rkey", .kind = B_INT, MEMBER(L, where[0].ref_rkey), \
	  .stride = sizeof(struct smc_llc_rkey_pair) }, \
	{ fmt " new rkey", .kind = B_INT, MEMBER(L, where[0].new_rkey), \
	  .stride = sizeof(struct smc_llc_rkey_pair) }, \
	{ fmt " new vaddr", .kind = B_INT, MEMBER(L, where[0].vaddr), \
	  .stride = sizeof(struct smc_llc_rkey_pair) }

#define CONFIRM_RKEY \
	COMMON(0x30), \
	{ "flags", NULL, B_INT, 0x20, MEMBER(L, m.confirm_rkey.negative) }, \
	{ "flags", NULL, B_INT, 0x10, MEMBER(L, m.confirm_rkey.retry) }, \
	{ "number of other-link rtokens", .kind = B_INT, MEMBER(L, m.confirm_rkey.n_other), \
	  .shape = true }, \
	{ "rkey, this link", .kind = B_INT, MEMBER(L, m.confirm_rkey.rkey) }, \
	{ "vaddr, this link", .kind = B_INT, MEMBER(L, m.confirm_rkey.vaddr) }, \
	LINK_RKEY("other[#]", confirm_rkey.other, confirm_rkey.n_other)

#define DELETE_RKEY \
	COMMON(0x20), \
	{ "flags", NULL, B_INT, 0x20, MEMBER(L, m.delete_rkey.negative) }, \
	{ "count", .kind = B_INT, MEMBER(L, m.delete_rkey.count), .shape = true }, \
	{ "rkey[#]", .kind = B_INT, MEMBER(L, m.delete_rkey.rkey[0]), .stride = 4, \
	  LIMIT(L, m.delete_rkey.count) }

static const struct bind confirm_link_v1[] = {
	confirm_link_flags,
	{ "max conns (v2.1) / reserved", .ignored = 0xff },
	CONFIRM_LINK
};

static const struct bind confirm_link_v2[] = {
	confirm_link_flags,
	{ "max conns (v2.1) / reserved", .kind = B_INT, MEMBER(L, m.confirm_link.max_conns) },
	CONFIRM_LINK
};

static const struct bind add_link_v1[] = {
	{ "reserved / reject reason", .kind = B_INT, MEMBER(L, m.add_link.reason),
	  .ignored = 0xf0 },
	ADD_LINK
};

static const struct bind add_link_v2[] = {
	ADD_LINK,
	{ "ext flags", "v2_direct", B_INT, MEMBER(L, m.add_link.v2_direct), .ignored = 0x7f },
	{ "ext flags", .kind = B_PRESENT, MEMBER(L, m.add_link.has_ext) },
	{ "ext client target GID", .kind = B_IP6, MEMBER(L, m.add_link.target_gid) },
	{ "ext number of rkeys", .kind = B_INT, MEMBER(L, m.add_link.n_pairs), .lenient = 0xff,
	  .shape = true },
	PAIR("rt[#]", pair)
};

static const struct bind add_link_cont[] = {
	/* the receiver looks at no more pairs than there are left */
	{ "pair[1] reference rkey", .kind = B_INT, MEMBER(L, m.add_link_cont.pair[1].ref_rkey),
	  .lenient = 0xff },
	{ "pair[1] new rkey", .kind = B_INT, MEMBER(L, m.add_link_cont.pair[1].new_rkey),
	  .lenient = 0xff },
	{ "pair[1] new vaddr", .kind = B_INT, MEMBER(L, m.add_link_cont.pair[1].vaddr),
	  .lenient = 0xff },
	COMMON(0),
	{ "link number", .kind = B_INT, MEMBER(L, m.add_link_cont.link_num) },
	{ "number of rtokens left", .kind = B_INT, MEMBER(L, m.add_link_cont.n_left),
	  .shape = true },
	PAIR("pair[#]", m.add_link_cont.pair)
};

static const struct bind delete_link[] = {
	COMMON(0x60),
	{ "flags", NULL, B_INT, 0x40, MEMBER(L, m.delete_link.all) },
	{ "flags", NULL, B_INT, 0x20, MEMBER(L, m.delete_link.orderly) },
	{ "link number", .kind = B_INT, MEMBER(L, m.delete_link.link_num) },
	{ "reason code", .kind = B_INT, MEMBER(L, m.delete_link.reason) },
};

static const struct bind req_add_link[] = {
	COMMON(0),
	{ "GID count", .kind = B_INT, MEMBER(L, m.req_add_link.n_gids), .shape = true,
	  .lenient = 0xff },
	{ "GID[#]", .kind = B_IP6, MEMBER(L, m.req_add_link.gid[0]), .stride = SMC_GID_LEN,
	  LIMIT(L, m.req_add_link.n_gids) },
};

static const struct bind confirm_rkey[] = { CONFIRM_RKEY };

static const struct bind confirm_rkey_cont[] = {
	COMMON(0x20),
	{ "flags", NULL, B_INT, 0x20, MEMBER(L, m.confirm_rkey_cont.negative) },
	{ "number of rtokens left", .kind = B_INT, MEMBER(L, m.confirm_rkey_cont.n_left),
	  .shape = true },
	LINK_RKEY("rtoken[#]", confirm_rkey_cont.other, confirm_rkey_cont.n_left),
};

static const struct bind delete_rkey_v1[] = {
	DELETE_RKEY,
	{ "error mask", .kind = B_INT, MEMBER(L, m.delete_rkey.err_mask) },
};

static const struct bind delete_rkey_v2[] = {
	/* more keys than fit: cut down to the length received */
	{ "count", .kind = B_INT, MEMBER(L, m.delete_rkey.count), .shape = true },
	DELETE_RKEY,
	{ "invalid key count", .kind = B_INT, MEMBER(L, m.delete_rkey.n_invalid) },
};

static const struct bind test_link[] = {
	COMMON(0),
	{ "user data", .kind = B_BYTES, MEMBER(L, m.test_link.data) },
};

#define LLC(binds, ...) &(const struct message){				\
	.bind = binds, .n_binds = ARRAY_SIZE(binds), .struct_size = sizeof(L),	\
	.parse = llc_parse, .build = llc_build, .complete = llc_complete,	\
	.tail_ok = true, __VA_ARGS__ }

static void test_vectors(void)
{
	vector_test("llc_confirm_link_req", LLC(confirm_link_v1));
	vector_test("llc_confirm_link_rsp", LLC(confirm_link_v1));
	vector_test("llc_add_link_client_invite", LLC(add_link_v1));
	vector_test("llc_add_link_req", LLC(add_link_v1));
	vector_test("llc_add_link_rsp", LLC(add_link_v1));
	vector_test("llc_add_link_reject", LLC(add_link_v1));
	vector_test("llc_add_link_cont_req", LLC(add_link_cont));
	vector_test("llc_add_link_cont_rsp", LLC(add_link_cont));
	vector_test("llc_delete_link_req", LLC(delete_link));
	vector_test("llc_delete_link_rsp", LLC(delete_link));
	vector_test("llc_delete_link_rsp_nolink", LLC(delete_link));
	vector_test("llc_delete_link_all", LLC(delete_link));
	vector_test("llc_confirm_rkey_req", LLC(confirm_rkey));
	vector_test("llc_confirm_rkey_rsp", LLC(confirm_rkey));
	vector_test("llc_confirm_rkey_rsp_neg", LLC(confirm_rkey));
	vector_test("llc_confirm_rkey_cont", LLC(confirm_rkey_cont));
	vector_test("llc_delete_rkey_req", LLC(delete_rkey_v1));
	vector_test("llc_delete_rkey_rsp", LLC(delete_rkey_v1));
	vector_test("llc_delete_rkey_rsp_neg", LLC(delete_rkey_v1));
	vector_test("llc_test_link_req", LLC(test_link));
	vector_test("llc_test_link_rsp", LLC(test_link));
	vector_test("llc_v2_confirm_link_req_le", LLC(confirm_link_v2));
	vector_test("llc_v2_confirm_link_req_be", LLC(confirm_link_v2));
	vector_test("llc_v2_add_link_req_le", LLC(add_link_v2, .short_ok = 44));
	vector_test("llc_v2_add_link_req_be", LLC(add_link_v2, .short_ok = 44));
	vector_test("llc_v2_req_add_link_le", LLC(req_add_link, .short_ok = 44));
	vector_test("llc_v2_req_add_link_be", LLC(req_add_link, .short_ok = 44));
	vector_test("llc_v2_test_link_req_le", LLC(test_link));
	vector_test("llc_v2_test_link_req_be", LLC(test_link));
	vector_test("llc_v2_delete_link_req_le", LLC(delete_link));
	vector_test("llc_v2_delete_link_req_be", LLC(delete_link));
	vector_test("llc_v2_confirm_rkey_req_le", LLC(confirm_rkey));
	vector_test("llc_v2_confirm_rkey_req_be", LLC(confirm_rkey));
	vector_test("llc_v2_delete_rkey_req_le", LLC(delete_rkey_v2));
	vector_test("llc_v2_delete_rkey_req_be", LLC(delete_rkey_v2));
}

static void test_types(void)
{
	static const u8 known[] = {
		0x01, 0x02, 0x03, 0x04, 0x06, 0x07, 0x08, 0x09,
		0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x29,
	};
	struct smc_llc_msg m;
	unsigned int type;
	u8 *buf;
	int rc, want;

	test_begin("LLC types: known, to be ignored, to be known, and no LLC at all");
	for (type = 0; type < 256; type++) {
		u8 raw[SMC_LLC_LEN] = { type };

		raw[type >> 4 == 2 ? 2 : 1] = SMC_LLC_LEN;
		raw[4] = 1;		/* DELETE RKEY: one key */
		if (memchr(known, type, sizeof(known)))
			want = 0;
		else if (type == 0xfe)
			want = -EPROTO;
		else if (type >= 0x80 && type < 0xc0)
			want = -EOPNOTSUPP;
		else
			want = -ENOMSG;
		buf = exact_copy(raw, sizeof(raw));
		rc = smc_llc_parse(buf, sizeof(raw), &m);
		CHECK(rc == want, "type %02x: %d, not %d", type, rc, want);
		free(buf);
	}
	test_end();
}

static void test_v2_length(void)
{
	static const struct {
		size_t len;		/* received */
		u8 field[2];
		int want;
		bool le;
	} cases[] = {
		{ 44, { 0x00, 0x2c }, 0, false },
		{ 44, { 0x2c, 0x00 }, 0, true },
		{ 44, { 0x00, 0x2b }, -EPROTO, false },
		{ 44, { 0x00, 0x00 }, -EPROTO, false },
		{ 44, { 0xff, 0xff }, -EPROTO, false },
		{ 44, { 0x20, 0x00 }, 0, false },	/* 8192: too much, but big endian */
		{ 44, { 0x20, 0x01 }, 0, true },	/* 8193 is none, 288 is */
		{ 0x0120, { 0x20, 0x01 }, 0, true },
		{ 0x2001 - 1, { 0x00, 0x20 }, 0, true },
		{ 0x0130, { 0x30, 0x01 }, 0, true },
		{ 0x0110, { 0x10, 0x01 }, 0, true },	/* both possible, one true */
		{ 0x1001, { 0x10, 0x01 }, 0, false },
	};
	struct smc_llc_msg m;
	unsigned int i;
	u8 *buf;
	int rc;

	test_begin("v2 length: either byte order");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		buf = calloc(1, cases[i].len);
		buf[0] = 0x27;
		buf[1] = cases[i].field[0];
		buf[2] = cases[i].field[1];
		rc = smc_llc_parse(buf, cases[i].len, &m);
		CHECK(rc == cases[i].want && (rc || m.le_len == cases[i].le),
		      "case %u: %d, little endian %d", i, rc, m.le_len);
		free(buf);
	}
	test_end();
}

/* The largest lists, in both byte orders, and counts that lie. */
static void test_lists(void)
{
	const size_t add_len = 72 + 255 * 16, del_len = 8 + 255 * 4;
	L *l = calloc(1, sizeof(*l)), *back = calloc(1, sizeof(*back));
	u8 *buf = malloc(add_len);
	struct smc_llc_rkey_pair pair;
	unsigned int i, le;
	u32 rkey;
	int len;

	for (le = 0; le < 2; le++) {
		test_begin("v2 ADD LINK with 255 pairs, %s endian", le ? "little" : "big");
		l->m = (struct smc_llc_msg){ .type = SMC_LLC_ADD_LINK, .version = 2, .le_len = le,
			.add_link = { .has_ext = true, .n_pairs = 255, .link_num = 3 } };
		for (i = 0; i < 255; i++)
			l->pair[i] = (struct smc_llc_rkey_pair){ i, i << 8, (u64)i << 40 };
		len = llc_build(buf, add_len, l);
		CHECK(len == (int)add_len, "%d bytes", len);
		CHECK(!llc_parse(buf, len, back) && back->m.add_link.n_pairs == 255 &&
		      back->m.le_len == le, "%u pairs", back->m.add_link.n_pairs);
		CHECK(!memcmp(l->pair, back->pair, sizeof(l->pair)), "pairs differ");
		CHECK(!buf[44] && !back->m.add_link.v2_direct, "direct");
		CHECK(smc_llc_add_link_get(buf, len, 255, &pair) == -ERANGE, "pair 255");
		CHECK(smc_llc_add_link_get(buf, len, ~0U, &pair) == -ERANGE, "pair -1");
		CHECK(smc_llc_add_link_put(buf, len, 255, &pair) == -ERANGE, "put 255");
		test_end();

		test_begin("v2 ADD LINK that counts fewer, more, or backwards, %s endian",
			   le ? "little" : "big");
		buf[70] = le ? 100 : 0;
		buf[71] = le ? 0 : 100;
		CHECK(!llc_parse(buf, len, back) && back->m.add_link.n_pairs == 100, "fewer: %u",
		      back->m.add_link.n_pairs);
		buf[70] = 0xff;
		buf[71] = 0xff;
		CHECK(!llc_parse(buf, len, back) && back->m.add_link.n_pairs == 255, "more: %u",
		      back->m.add_link.n_pairs);
		buf[70] = le ? 0 : 255;
		buf[71] = le ? 255 : 0;
		CHECK(!llc_parse(buf, len, back) && back->m.add_link.n_pairs == 255,
		      "backwards: %u", back->m.add_link.n_pairs);
		test_end();

		test_begin("v2 DELETE RKEY with 255 keys, %s endian", le ? "little" : "big");
		l->m = (struct smc_llc_msg){ .type = SMC_LLC_DELETE_RKEY, .version = 2,
			.le_len = le, .delete_rkey = { .count = 255 } };
		for (i = 0; i < 255; i++)
			l->rkey[i] = 0x01000000 + i;
		memcpy(l->m.delete_rkey.rkey, l->rkey, sizeof(l->m.delete_rkey.rkey));
		len = llc_build(buf, del_len, l);
		CHECK(len == (int)del_len, "%d bytes", len);
		CHECK(!llc_parse(buf, len, back) && back->m.delete_rkey.count == 255, "count %u",
		      back->m.delete_rkey.count);
		CHECK(!memcmp(l->rkey, back->rkey, sizeof(l->rkey)), "keys differ");
		CHECK(smc_llc_delete_rkey_get(buf, len, 255, &rkey) == -ERANGE, "key 255");
		CHECK(smc_llc_delete_rkey_put(buf, len, 255, 0) == -ERANGE, "put 255");
		test_end();
	}

	test_begin("a v2 DELETE RKEY response of 44 bytes that counts 200 keys has nine");
	memset(buf, 0, 44);
	buf[0] = 0x29;
	buf[1] = 44;
	buf[3] = 0xa0;
	buf[4] = 200;
	buf[5] = 7;
	CHECK(!llc_parse(buf, 44, back) && back->m.delete_rkey.count == 9 &&
	      back->m.delete_rkey.n_invalid == 7 && back->m.delete_rkey.negative, "count %u",
	      back->m.delete_rkey.count);
	test_end();

	test_begin("a REQUEST ADD LINK with ten GIDs has eight, its empty response none");
	memset(buf, 0, 28 + 160);
	buf[0] = 0x25;
	buf[1] = 28 + 160;
	buf[24] = 10;
	for (i = 0; i < 160; i++)
		buf[28 + i] = i / 16 + 1;
	CHECK(!llc_parse(buf, 28 + 160, back) && back->m.req_add_link.n_gids == 8 &&
	      back->m.req_add_link.gid[7][15] == 8, "%u GIDs", back->m.req_add_link.n_gids);
	l->m = (struct smc_llc_msg){ .type = SMC_LLC_REQ_ADD_LINK, .version = 2,
				     .response = true };
	len = llc_build(buf, 44, l);
	CHECK(len == 44 && buf[3] == 0x80, "%d bytes", len);
	for (i = 4; i < 44; i++)
		CHECK(!buf[i], "byte %u", i);
	test_end();

	test_begin("a v2 ADD LINK may have 44 bytes, and no extension that is cut short");
	l->m = (struct smc_llc_msg){ .type = SMC_LLC_ADD_LINK, .version = 2, .response = true,
				     .add_link = { .reject = true, .reason = 1 } };
	memset(buf, 0, 72);
	len = llc_build(buf, 44, l);
	CHECK(len == 44 && buf[3] == 0xc0, "%d bytes", len);
	CHECK(!llc_parse(buf, 44, back) && back->m.add_link.reject && !back->m.add_link.has_ext,
	      "not understood");
	for (len = 45; len < 72; len++)
		CHECK(llc_parse(buf, len, back) == -EPROTO, "%d bytes", len);
	CHECK(!llc_parse(buf, 72, back) && back->m.add_link.has_ext, "72 bytes");
	test_end();
	free(l);
	free(back);
	free(buf);
}

static void expect_parse(const char *vector, unsigned int at, u8 value, int want)
{
	const struct vector *v = vector_find(vector);
	u8 *buf = exact_copy(v->data, v->len);
	struct smc_llc_msg m;
	int rc;

	buf[at] = value;
	rc = smc_llc_parse(buf, v->len, &m);
	CHECK(rc == want, "%s with %u at %u: %d", vector, value, at, rc);
	free(buf);
}

static void test_rules(void)
{
	test_begin("LLC parser: counts and lengths out of range");
	expect_parse("llc_delete_rkey_req", 4, 0, -EPROTO);
	expect_parse("llc_delete_rkey_req", 4, 8, 0);
	expect_parse("llc_delete_rkey_req", 4, 9, -EPROTO);
	expect_parse("llc_confirm_rkey_req", 4, 7, 0);
	expect_parse("llc_confirm_rkey_req", 4, 8, -EPROTO);
	expect_parse("llc_confirm_rkey_cont", 4, 7, 0);
	expect_parse("llc_confirm_rkey_cont", 4, 8, -EPROTO);
	expect_parse("llc_test_link_req", 1, 43, -EPROTO);
	expect_parse("llc_test_link_req", 1, 45, -EPROTO);
	test_end();

	test_begin("LLC reasons have their numbers");
	CHECK(SMC_LLC_REJECT_NO_PATH == 1 && SMC_LLC_REJECT_MTU == 2, "ADD LINK");
	CHECK(SMC_LLC_DEL_LOST_PATH == 0x10000 && SMC_LLC_DEL_OPERATOR == 0x20000 &&
	      SMC_LLC_DEL_PROGRAM == 0x30000 && SMC_LLC_DEL_PROTOCOL == 0x40000 &&
	      SMC_LLC_DEL_ASYMMETRIC == 0x50000 && SMC_LLC_DEL_NO_LINK == 0x100000 &&
	      SMC_LLC_DEL_NO_GROUP == 0x200000, "DELETE LINK");
	test_end();

	test_begin("LLC parser: one bit says no eye catcher, none says there is");
	{
		const struct vector *v = vector_find("llc_confirm_link_req");
		struct smc_llc_msg m;
		u8 raw[SMC_LLC_LEN];
		unsigned int bits;

		memcpy(raw, v->data, sizeof(raw));
		for (bits = 0; bits < 4; bits++) {
			raw[3] = bits;
			CHECK(!smc_llc_parse(raw, sizeof(raw), &m) &&
			      m.confirm_link.no_eyecatcher == (bits != 0), "%u", bits);
		}
	}
	test_end();
}

/* What lies beyond a count does not get out, even if it is not zero. */
static void test_beyond_counts(void)
{
	struct smc_llc_msg m;
	u8 buf[SMC_LLC_LEN];
	unsigned int i;

	test_begin("LLC builder: nothing beyond the counts gets out");
	for (i = 0; i < 5; i++) {
		static const struct {
			u8 type, count_at, count, zero_from;
		} cases[] = {
			{ SMC_LLC_DELETE_RKEY, 4, 3, 8 + 3 * 4 },
			{ SMC_LLC_DELETE_RKEY, 4, 8, 40 },
			{ SMC_LLC_CONFIRM_RKEY, 4, 1, 30 },
			{ SMC_LLC_CONFIRM_RKEY_CONT, 4, 2, 31 },
			{ SMC_LLC_ADD_LINK_CONT, 5, 1, 24 },
		};
		unsigned int j;

		memset(&m, 0x11, sizeof(m));
		m.type = cases[i].type;
		m.version = 1;
		m.response = false;
		if (m.type == SMC_LLC_DELETE_RKEY)
			m.delete_rkey.count = cases[i].count;
		else if (m.type == SMC_LLC_CONFIRM_RKEY)
			m.confirm_rkey.n_other = cases[i].count;
		else if (m.type == SMC_LLC_CONFIRM_RKEY_CONT)
			m.confirm_rkey_cont.n_left = cases[i].count;
		else
			m.add_link_cont.n_left = cases[i].count;
		/* only 0 and 1 are good values of a bool */
		m.delete_rkey.negative = false;
		m.confirm_rkey.negative = false;
		m.confirm_rkey_cont.negative = false;
		if (m.type == SMC_LLC_CONFIRM_RKEY)
			m.confirm_rkey.retry = false;
		CHECK(smc_llc_build(buf, sizeof(buf), &m) == 44, "case %u", i);
		CHECK(buf[cases[i].count_at] == cases[i].count, "case %u: count", i);
		CHECK(buf[cases[i].zero_from - 1] == 0x11, "case %u: the last one", i);
		for (j = cases[i].zero_from; j < sizeof(buf); j++)
			CHECK(!buf[j], "case %u: byte %u is %02x", i, j, buf[j]);
	}
	test_end();
}

static int build(struct smc_llc_msg m)
{
	u8 buf[SMC_LLC_V2_MAX_LEN];

	return smc_llc_build(buf, sizeof(buf), &m);
}

static void test_builder_rules(void)
{
	test_begin("LLC builder refuses what must not be sent");
	CHECK(build((struct smc_llc_msg){ .type = 0, .version = 1 }) == -EINVAL, "type 0");
	CHECK(build((struct smc_llc_msg){ .type = 10, .version = 1 }) == -EINVAL, "type 10");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_TEST_LINK }) == -EINVAL, "version 0");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_TEST_LINK, .version = 3 }) == -EINVAL,
	      "version 3");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_REQ_ADD_LINK, .version = 1 }) ==
	      -EINVAL, "REQUEST ADD LINK v1");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_ADD_LINK_CONT, .version = 2 }) ==
	      -EINVAL, "ADD LINK CONTINUATION v2");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_CONFIRM_RKEY_CONT, .version = 2 }) ==
	      -EINVAL, "CONFIRM RKEY CONTINUATION v2");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_CONFIRM_LINK, .version = 1,
		    .confirm_link.qpn = 0x1000000 }) == -EINVAL, "QPN");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_ADD_LINK, .version = 1,
		    .add_link.qpn = 0x1000000 }) == -EINVAL, "QPN");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_ADD_LINK, .version = 1,
		    .add_link.psn = 0x1000000 }) == -EINVAL, "PSN");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_ADD_LINK, .version = 1,
		    .add_link.mtu_code = 16 }) == -EINVAL, "MTU");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_ADD_LINK, .version = 1,
		    .add_link.reason = 16 }) == -EINVAL, "reason");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_ADD_LINK, .version = 1,
		    .add_link.has_ext = true }) == -EINVAL, "extension v1");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_ADD_LINK, .version = 2,
		    .add_link = { .has_ext = true, .n_pairs = 256 } }) == -EINVAL, "256 pairs");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_REQ_ADD_LINK, .version = 2,
		    .req_add_link.n_gids = 9 }) == -EINVAL, "9 GIDs");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_CONFIRM_RKEY, .version = 1,
		    .confirm_rkey.n_other = 8 }) == -EINVAL, "8 other links");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_CONFIRM_RKEY_CONT, .version = 1,
		    .confirm_rkey_cont.n_left = 8 }) == -EINVAL, "8 links left");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_DELETE_RKEY, .version = 1,
		    .delete_rkey.count = 9 }) == -EINVAL, "9 keys v1");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_DELETE_RKEY, .version = 1 }) ==
	      -EINVAL, "no key");
	test_end();

	test_begin("LLC builder takes every field at its end");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_CONFIRM_LINK, .version = 1,
		    .confirm_link.qpn = 0xffffff }) == 44, "QPN");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_ADD_LINK, .version = 1,
		    .add_link = { .qpn = 0xffffff, .psn = 0xffffff, .mtu_code = 15,
				  .reason = 15 } }) == 44, "ADD LINK");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_REQ_ADD_LINK, .version = 2,
		    .req_add_link.n_gids = 8 }) == 28 + 8 * 16, "8 GIDs");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_CONFIRM_RKEY, .version = 1,
		    .confirm_rkey.n_other = 7 }) == 44, "7 other links");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_CONFIRM_RKEY_CONT, .version = 1,
		    .confirm_rkey_cont.n_left = 7 }) == 44, "7 links left");
	CHECK(build((struct smc_llc_msg){ .type = SMC_LLC_DELETE_RKEY, .version = 1,
		    .delete_rkey.count = 8 }) == 44, "8 keys");
	test_end();
}

void test_llc(void)
{
	test_vectors();
	test_types();
	test_v2_length();
	test_lists();
	test_rules();
	test_beyond_counts();
	test_builder_rules();
}
