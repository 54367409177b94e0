// SPDX-License-Identifier: GPL-2.0
/*
 * CDC messages and cursor algebra: the pure half of smc_cdc.c.
 */
#include <linux/minmax.h>
#include <asm/byteorder.h>
#include "smc_bytes.h"
#include "smc_cdc_msg.h"

static struct smc_cursor smc_cursor_parse(const struct smc_wire_cursor *w)
{
	struct smc_cursor c = {
		.wrap = be16_to_cpu(w->wrap),
		.count = be32_to_cpu(w->count),
	};

	return c;
}

static void smc_cursor_build(struct smc_wire_cursor *w, struct smc_cursor c)
{
	w->wrap = cpu_to_be16(c.wrap);
	w->count = cpu_to_be32(c.count);
}

/**
 * smc_cdc_parse - read a CDC message
 * @buf: what was received
 * @len: its length in bytes
 * @m: result, written only if the message is good
 *
 * Any context, no locks. The cursors are not judged here, that takes the ring's state:
 * see smc_cursor_to_pos(). RFC 7609 appendix A.4.
 *
 * Return: 0, or -EPROTO if this is no CDC message or not a whole one.
 */
int smc_cdc_parse(const u8 *buf, size_t len, struct smc_cdc_msg *m)
{
	struct smc_reader r = { .p = buf, .left = len };
	const struct smc_wire_cdc *w;

	w = smc_take(&r, sizeof(*w));
	if (!w || w->type != SMC_CDC_TYPE || w->len != SMC_CDC_LEN)
		return -EPROTO;
	m->seq = be16_to_cpu(w->seq);
	m->token = be32_to_cpu(w->token);
	m->prod = smc_cursor_parse(&w->prod);
	m->cons = smc_cursor_parse(&w->cons);
	m->prod_flags = w->prod_flags;
	m->conn_flags = w->conn_flags;
	return 0;
}

/**
 * smc_cdc_build - compose a CDC message
 * @buf: SMC_CDC_LEN bytes that are filled
 * @m: what to say
 *
 * Any context, no locks. RFC 7609 appendix A.4.
 */
void smc_cdc_build(u8 *buf, const struct smc_cdc_msg *m)
{
	struct smc_writer out = { .p = buf, .left = SMC_CDC_LEN };
	struct smc_wire_cdc *w = smc_reserve(&out, sizeof(*w));

	w->type = SMC_CDC_TYPE;
	w->len = SMC_CDC_LEN;
	w->seq = cpu_to_be16(m->seq);
	w->token = cpu_to_be32(m->token);
	smc_cursor_build(&w->prod, m->prod);
	smc_cursor_build(&w->cons, m->cons);
	w->prod_flags = m->prod_flags;
	w->conn_flags = m->conn_flags;
}

/**
 * smc_ring_split - the contiguous pieces of a stretch of a ring
 * @pos: where the stretch begins, bytes since the connection's start
 * @len: its length in bytes
 * @size: ring size in bytes, a power of two
 * @part: result, in order; the pieces beyond the returned number are left alone
 *
 * Any context, no locks.
 *
 * Return: number of pieces, 1 or 2; 0 if there is nothing to do, or if @len exceeds @size
 * and no answer would be right.
 */
unsigned int smc_ring_split(u64 pos, u32 len, u32 size, struct smc_ring_part part[2])
{
	u32 off = (u32)pos & (size - 1);

	if (!len || len > size)
		return 0;
	part[0].off = off;
	part[0].len = min(len, size - off);
	if (part[0].len == len)
		return 1;
	part[1].off = 0;
	part[1].len = len - part[0].len;
	return 2;
}
