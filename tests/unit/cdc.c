// SPDX-License-Identifier: GPL-2.0
/* CDC messages, cursor algebra, and the two layouts that have no code of their own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>
#include "smc_bytes.h"
#include "smc_cdc_msg.h"
#include "unit.h"
#include "vector.h"

#define M struct smc_cdc_msg

static const struct bind cdc_binds[] = {
	{ "type" },
	{ "length" },
	{ "seqno", .kind = B_INT, MEMBER(M, seq) },
	{ "alert token", .kind = B_INT, MEMBER(M, token) },
	{ "producer wrap", .kind = B_INT, MEMBER(M, prod.wrap) },
	{ "producer cursor", .kind = B_INT, MEMBER(M, prod.count) },
	{ "consumer wrap", .kind = B_INT, MEMBER(M, cons.wrap) },
	{ "consumer cursor", .kind = B_INT, MEMBER(M, cons.count) },
	{ "producer flags", .kind = B_INT, MEMBER(M, prod_flags) },
	{ "connection state flags", .kind = B_INT, MEMBER(M, conn_flags) },
};

/* Member by member: structs are compared as bytes, and cursors have padding. */
static int cdc_parse(const u8 *buf, size_t len, void *arg)
{
	M in, *m = arg;
	int rc;

	memset(m, 0, sizeof(*m));
	rc = smc_cdc_parse(buf, len, &in);
	if (rc)
		return rc;
	m->seq = in.seq;
	m->token = in.token;
	m->prod.wrap = in.prod.wrap;
	m->prod.count = in.prod.count;
	m->cons.wrap = in.cons.wrap;
	m->cons.count = in.cons.count;
	m->prod_flags = in.prod_flags;
	m->conn_flags = in.conn_flags;
	return 0;
}

static int cdc_build(u8 *buf, size_t size, const void *m)
{
	if (size < SMC_CDC_LEN)
		return -ENOSPC;
	smc_cdc_build(buf, m);
	return SMC_CDC_LEN;
}

static const struct message cdc_message = {
	.name = "CDC",
	.bind = cdc_binds,
	.n_binds = ARRAY_SIZE(cdc_binds),
	.struct_size = sizeof(M),
	.parse = cdc_parse,
	.build = cdc_build,
	.tail_ok = true,
};

static const char * const cdc_vectors[] = {
	"cdc_conn_abort", "cdc_conn_closed", "cdc_conn_closed_after_done",
	"cdc_cons_update_request", "cdc_consumer_update", "cdc_failover_validation",
	"cdc_first_data", "cdc_full_window_blocked", "cdc_sending_done", "cdc_seq_wrap",
	"cdc_urgent_pending", "cdc_urgent_present", "cdc_wrap_exact", "cdc_wrap_partial",
};

/* The names of the flags are in the vectors' text. */
static void test_flags(void)
{
	static const struct {
		const char *vector;
		u8 prod, conn;
	} want[] = {
		{ "cdc_full_window_blocked", SMC_CDC_F_BLOCKED, 0 },
		{ "cdc_urgent_pending", SMC_CDC_F_BLOCKED | SMC_CDC_F_URG_PENDING, 0 },
		{ "cdc_urgent_present", SMC_CDC_F_URG_PENDING | SMC_CDC_F_URG_PRESENT, 0 },
		{ "cdc_cons_update_request", SMC_CDC_F_CONS_REQ, 0 },
		{ "cdc_failover_validation", SMC_CDC_F_FAILOVER, 0 },
		{ "cdc_sending_done", 0, SMC_CDC_S_DONE },
		{ "cdc_conn_closed", 0, SMC_CDC_S_CLOSED },
		{ "cdc_conn_abort", 0, SMC_CDC_S_ABORT },
	};
	unsigned int i;

	test_begin("CDC flags have their bits");
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		const struct vector *v = vector_find(want[i].vector);

		CHECK(v->data[24] == want[i].prod, "%s", v->name);
		CHECK(v->data[25] == want[i].conn, "%s", v->name);
	}
	test_end();
}

static const struct bind smcd_binds[] = {
	{ "type", .kind = B_INT, MEMBER(struct smc_wire_smcd_cdc, type) },
	{ "producer wrap", .kind = B_INT, MEMBER(struct smc_wire_smcd_cdc, prod_wrap) },
	{ "producer count", .kind = B_INT, MEMBER(struct smc_wire_smcd_cdc, prod_count) },
	{ "consumer wrap", .kind = B_INT, MEMBER(struct smc_wire_smcd_cdc, cons_wrap) },
	{ "consumer count", .kind = B_INT, MEMBER(struct smc_wire_smcd_cdc, cons_count) },
	{ "producer flags", .kind = B_INT, MEMBER(struct smc_wire_smcd_cdc, prod_flags) },
	{ "connection state flags", .kind = B_INT,
	  MEMBER(struct smc_wire_smcd_cdc, conn_flags) },
};

static const struct bind tcpopt_binds[] = {
	{ "kind", .kind = B_INT, MEMBER(struct smc_wire_tcpopt, kind) },
	{ "length", .kind = B_INT, MEMBER(struct smc_wire_tcpopt, len) },
	{ "ExID", .kind = B_BYTES, MEMBER(struct smc_wire_tcpopt, exid) },
};

static void test_bare_layouts(void)
{
	static const struct message smcd = {
		.bind = smcd_binds, .n_binds = ARRAY_SIZE(smcd_binds),
		.struct_size = sizeof(struct smc_wire_smcd_cdc),
	};
	static const struct message tcpopt = {
		.bind = tcpopt_binds, .n_binds = ARRAY_SIZE(tcpopt_binds),
		.struct_size = sizeof(struct smc_wire_tcpopt),
	};
	const struct smc_wire_tcpopt constants = {
		.nop = { SMC_TCPOPT_NOP, SMC_TCPOPT_NOP },
		.kind = SMC_TCPOPT_KIND,
		.len = SMC_TCPOPT_LEN,
		.exid = cpu_to_be32(SMC_EYECATCHER_R),
	};
	struct vector *v = vector_find("smcd_cdc_header_le");
	struct smc_wire_smcd_cdc header;
	struct smc_wire_tcpopt option;

	test_begin("%s: the struct is the layout", v->name);
	vector_fill(v, &smcd, &header);
	CHECK(v->len == sizeof(header), "length");
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	CHECK(!memcmp(v->data, &header, sizeof(header)), "bytes differ");
#endif
	v->tested = true;
	test_end();

	v = vector_find("tcp_option_smc");
	test_begin("%s: the struct is the layout", v->name);
	vector_fill(v, &tcpopt, &option);
	memset(option.nop, SMC_TCPOPT_NOP, sizeof(option.nop));
	CHECK(v->len == sizeof(option), "length");
	CHECK(!memcmp(v->data, &option, sizeof(option)), "bytes differ");
	CHECK(!memcmp(v->data, &constants, sizeof(option)), "the constants are wrong");
	v->tested = true;
	test_end();
}

/* One byte further, as the text of the protocol says it. */
static void naive_step(struct smc_cursor *c, u32 size)
{
	if (++c->count == size) {
		c->count = 0;
		c->wrap = c->wrap == 65535 ? 0 : c->wrap + 1;
	}
}

static const u32 real_sizes[] = { 16384, 65536, 524288, 1U << 29 };

static void test_pos_to_cursor(void)
{
	const u32 size = 4;
	struct smc_cursor model = { 0, 0 };
	struct smc_cursor c;
	unsigned int i;
	u64 pos;

	test_begin("position to cursor: every step of 3 times 65536 rounds");
	for (pos = 0; pos < 3ULL * 65536 * size; pos++) {
		c = smc_pos_to_cursor(pos, size);
		CHECK(c.wrap == model.wrap && c.count == model.count,
		      "%llu: want %u:%u, got %u:%u", (unsigned long long)pos, model.wrap,
		      model.count, c.wrap, c.count);
		naive_step(&model, size);
	}
	test_end();

	test_begin("position to cursor: real sizes, at the ends of ring, wrap and u32");
	for (i = 0; i < ARRAY_SIZE(real_sizes); i++) {
		const u32 s = real_sizes[i];
		const u64 bases[] = { s, 65535ULL * s, 65536ULL * s, 3 * 65536ULL * s + 5 * s,
				      1ULL << 32, 1ULL << 62 };
		unsigned int j;

		for (j = 0; j < ARRAY_SIZE(bases); j++) {
			for (pos = bases[j] - 2; pos < bases[j] + 3; pos++) {
				c = smc_pos_to_cursor(pos, s);
				CHECK(c.count == pos % s && c.wrap == pos / s % 65536,
				      "%llu of %u: got %u:%u", (unsigned long long)pos, s,
				      c.wrap, c.count);
			}
		}
	}
	test_end();

	test_begin("position to cursor: the vectors' exact and partial wrap, empty and full");
	c = smc_pos_to_cursor(65000 + 536, 65536);
	CHECK(c.wrap == 1 && c.count == 0, "exact: %u:%u", c.wrap, c.count);
	c = smc_pos_to_cursor(65000 + 1000, 65536);
	CHECK(c.wrap == 1 && c.count == 464, "partial: %u:%u", c.wrap, c.count);
	c = smc_pos_to_cursor(1000 + 65536, 65536);
	CHECK(c.wrap == 1 && c.count == 1000, "full: %u:%u", c.wrap, c.count);
	c = smc_pos_to_cursor(1000, 65536);
	CHECK(c.wrap == 0 && c.count == 1000, "empty: %u:%u", c.wrap, c.count);
	test_end();
}

/*
 * All cursors against all limits of a small ring: walk once around everything that a
 * cursor can say, and note how many steps each value is away.
 */
static void test_cursor_to_pos_small(void)
{
	const u32 size = 4;
	const u64 modulus = 65536ULL * size;
	const u64 olds[] = { 0, 1, 3, 4, 6, 65535ULL * size, 65535ULL * size + 3,
			     65536ULL * size - 1, 65536ULL * size, 7 * 65536ULL * size + 2 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(olds); i++) {
		const u64 old = olds[i];
		struct smc_cursor c = { old / size % 65536, old % size };
		u64 step, limit, pos, want_pos;
		int rc, want;

		test_begin("cursor to position: everything from %llu on",
			   (unsigned long long)old);
		for (step = 0; step < modulus; step++) {
			for (limit = 0; limit <= size; limit++) {
				want = step <= limit ? 0 : step > modulus / 2 ? 1 : -EPROTO;
				want_pos = want ? old : old + step;
				pos = ~0ULL;
				rc = smc_cursor_to_pos(old, c, size, limit, &pos);
				CHECK(rc == want && pos == want_pos,
				      "step %llu limit %llu: %d, position %llu",
				      (unsigned long long)step, (unsigned long long)limit, rc,
				      (unsigned long long)pos);
			}
			naive_step(&c, size);
		}
		test_end();
	}

	test_begin("cursor to position: a count outside of the ring");
	for (i = 0; i < 65536; i++) {
		const u32 counts[] = { size, size + 1, 2 * size, 65536, 0x80000000, 0xffffffff };
		unsigned int j;

		for (j = 0; j < ARRAY_SIZE(counts); j++) {
			struct smc_cursor c = { i, counts[j] };
			u64 pos = 0;
			int rc = smc_cursor_to_pos(6, c, size, size, &pos);

			CHECK(rc == -EPROTO && pos == 6, "%u:%u: %d", i, counts[j], rc);
		}
	}
	test_end();
}

static void check_cursor(u64 old, u64 true_pos, u32 size, u64 limit, int want)
{
	struct smc_cursor c = { true_pos / size % 65536, true_pos % size };
	u64 pos = ~0ULL;
	int rc = smc_cursor_to_pos(old, c, size, limit, &pos);

	CHECK(rc == want && pos == (want ? old : true_pos),
	      "size %u, %llu after %llu, limit %llu: %d", size, (unsigned long long)true_pos,
	      (unsigned long long)old, (unsigned long long)limit, rc);
}

static void test_cursor_to_pos_real(void)
{
	unsigned int i, j, k;

	test_begin("cursor to position: real sizes: full, overrun by one, stale, unchanged");
	for (i = 0; i < ARRAY_SIZE(real_sizes); i++) {
		const u32 s = real_sizes[i];
		const u64 olds[] = { 0, 1, s - 1, s, 1000, 65535ULL * s, 65536ULL * s - 1,
				     65536ULL * s, 65536ULL * s + 1, (1ULL << 32) - 1,
				     1ULL << 32, (1ULL << 50) + 12345 };
		const u64 limits[] = { 0, 1, 1000, s - 1, s };

		for (j = 0; j < ARRAY_SIZE(olds); j++) {
			for (k = 0; k < ARRAY_SIZE(limits); k++) {
				const u64 old = olds[j], limit = limits[k];

				check_cursor(old, old, s, limit, 0);
				check_cursor(old, old + limit, s, limit, 0);
				check_cursor(old, old + limit / 2, s, limit, 0);
				check_cursor(old, old + limit + 1, s, limit, -EPROTO);
				check_cursor(old, old + 32768ULL * s, s, limit, -EPROTO);
				check_cursor(old, old + 32768ULL * s + 1, s, limit, 1);
				if (old) {
					check_cursor(old, old - 1, s, limit, 1);
					check_cursor(old, old - (old < s ? old : s), s, limit, 1);
				}
			}
		}
	}
	test_end();
}

static void test_seq(void)
{
	static const u16 lasts[] = { 0, 1, 2, 32767, 32768, 32769, 65534, 65535 };
	unsigned int i, back;

	test_begin("sequence numbers: older is up to 32768 back, across 65535 to 0 too");
	for (i = 0; i < ARRAY_SIZE(lasts); i++) {
		u16 seq = lasts[i];

		for (back = 0; back < 65536; back++) {
			CHECK(smc_seq_older(seq, lasts[i]) == (back >= 1 && back <= 32768),
			      "%u after %u", seq, lasts[i]);
			seq = seq ? seq - 1 : 65535;
		}
	}
	test_end();
}

/* The pieces are right if walking them is walking the ring. */
static void check_split(u64 pos, u32 len, u32 size)
{
	struct smc_ring_part part[2] = { { 77, 77 }, { 77, 77 } };
	unsigned int n = smc_ring_split(pos, len, size, part);
	unsigned int want = !len || len > size ? 0 : pos % size + len > size ? 2 : 1;
	u64 total = 0;
	unsigned int i;

	CHECK(n == want, "%u bytes at %llu of %u: %u pieces", len, (unsigned long long)pos, size,
	      n);
	for (i = 0; i < n; i++) {
		CHECK(part[i].off == (pos + total) % size, "piece %u begins at %u", i,
		      part[i].off);
		CHECK(part[i].len && (u64)part[i].off + part[i].len <= size,
		      "piece %u has %u bytes", i, part[i].len);
		total += part[i].len;
	}
	CHECK(total == (want ? len : 0), "%llu bytes", (unsigned long long)total);
	for (; i < 2; i++)
		CHECK(part[i].off == 77 && part[i].len == 77, "piece %u was touched", i);
}

static void test_split(void)
{
	unsigned int i, j;
	u64 pos;
	u32 len;

	test_begin("ring pieces: every stretch of a small ring");
	for (pos = 0; pos < 40; pos++)
		for (len = 0; len <= 10; len++)
			check_split(pos, len, 8);
	test_end();

	test_begin("ring pieces: real sizes, at the ends");
	for (i = 0; i < ARRAY_SIZE(real_sizes); i++) {
		const u32 s = real_sizes[i];
		const u32 lens[] = { 0, 1, 2, 1000, s - 1, s, s + 1, 0xffffffff };
		const u64 at[] = { 0, 1, s - 1, s, 3ULL * s - 1, (1ULL << 32) - 1, 1ULL << 32,
				   (1ULL << 45) - 500 };

		for (j = 0; j < ARRAY_SIZE(at); j++)
			for (len = 0; len < ARRAY_SIZE(lens); len++)
				check_split(at[j], lens[len], s);
	}
	test_end();
}

static void test_bytes(void)
{
	u8 *buf = exact_copy("\1\2\3\4\5", 5);
	struct smc_reader r = { .p = buf, .left = 5 };
	struct smc_writer w = { .p = buf, .left = 5 };

	test_begin("bounded reader: pieces in order, nothing after the first that is missing");
	CHECK(smc_take(&r, 2) == buf && r.left == 3, "two of five");
	CHECK(smc_take(&r, 0) == buf + 2 && r.left == 3, "none");
	CHECK(!smc_take(&r, 4), "four of three");
	CHECK(!smc_take(&r, 1), "one, after that");
	r = (struct smc_reader){ .p = buf, .left = 5 };
	CHECK(!smc_take(&r, (size_t)-1), "a huge piece");
	r = (struct smc_reader){ .p = buf, .left = 5 };
	CHECK(smc_take(&r, 5) == buf && !smc_take(&r, 1), "all, and one more");
	test_end();

	test_begin("bounded writer: zeroed pieces in order, nothing after the first without room");
	CHECK(smc_reserve(&w, 2) == buf && !buf[0] && !buf[1] && buf[2] == 3, "two of five");
	CHECK(!smc_reserve(&w, 4) && buf[2] == 3, "four of three");
	CHECK(!smc_reserve(&w, 1) && buf[2] == 3, "one, after that");
	w = (struct smc_writer){ .p = buf, .left = 5 };
	CHECK(smc_reserve(&w, 5) == buf && !buf[4] && !smc_reserve(&w, 1), "all, and one more");
	test_end();
	free(buf);

	test_begin("three-byte fields");
	buf = exact_copy("\x12\x34\x56", 3);
	CHECK(smc_get_u24(buf) == 0x123456, "get");
	smc_put_u24(buf, 0xfedcba98);
	CHECK(buf[0] == 0xdc && buf[1] == 0xba && buf[2] == 0x98, "put");
	test_end();
	free(buf);
}

void test_cdc(void)
{
	unsigned int i;

	test_bytes();
	for (i = 0; i < ARRAY_SIZE(cdc_vectors); i++)
		vector_test(cdc_vectors[i], &cdc_message);
	test_flags();
	test_bare_layouts();
	test_pos_to_cursor();
	test_cursor_to_pos_small();
	test_cursor_to_pos_real();
	test_seq();
	test_split();
}
