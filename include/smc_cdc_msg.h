/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CDC messages and cursor algebra. No state, no verbs, no allocation, so that the
 * same source runs in the kernel and in the unit tests.
 *
 * Internally a place in a ring is the number of bytes that ever passed it: a u64
 * that starts at 0 and only grows. Cursors exist on the wire only. Ring sizes are
 * powers of two, 16 KiB << 0..15.
 */
#ifndef _SMC_CDC_MSG_H
#define _SMC_CDC_MSG_H

#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/types.h>
#include "smc_wire.h"

/**
 * struct smc_cursor - a place in a ring, as it is on the wire
 * @wrap: how often the ring's end was passed, modulo 65536
 * @count: offset in the ring, 0..size-1
 */
struct smc_cursor {
	u16 wrap;
	u32 count;
};

/**
 * struct smc_cdc_msg - a CDC message
 * @seq: sequence number, per connection and direction, the first is 1
 * @token: alert token of the receiver
 * @prod: the sender's write position in the receiver's ring
 * @cons: the sender's read position in its own ring
 * @prod_flags: SMC_CDC_F_*
 * @conn_flags: SMC_CDC_S_*
 */
struct smc_cdc_msg {
	u16 seq;
	u32 token;
	struct smc_cursor prod;
	struct smc_cursor cons;
	u8 prod_flags;
	u8 conn_flags;
};

/**
 * struct smc_ring_part - a contiguous piece of a ring
 * @off: where it begins, bytes from the ring's start
 * @len: its length in bytes
 */
struct smc_ring_part {
	u32 off;
	u32 len;
};

int smc_cdc_parse(const u8 *buf, size_t len, struct smc_cdc_msg *m);
void smc_cdc_build(u8 *buf, const struct smc_cdc_msg *m);
unsigned int smc_ring_split(u64 pos, u32 len, u32 size, struct smc_ring_part part[2]);

/**
 * smc_pos_to_cursor - the wire cursor of a position
 * @pos: bytes since the connection's start
 * @size: ring size in bytes, a power of two
 *
 * Any context. RFC 7609 section 4.1; a cursor runs from 0 to @size - 1 since there are
 * no eye catchers in our elements.
 *
 * Return: the cursor.
 */
static inline struct smc_cursor smc_pos_to_cursor(u64 pos, u32 size)
{
	struct smc_cursor c = {
		.wrap = (u16)(pos >> ilog2(size)),
		.count = (u32)pos & (size - 1),
	};

	return c;
}

/**
 * smc_cursor_to_pos - the position that a cursor from the peer means
 * @old: last position known, bytes since the connection's start
 * @c: the cursor, not to be trusted
 * @size: ring size in bytes, a power of two
 * @limit: how far the cursor may have advanced, in bytes, at most @size
 * @pos: where the position goes; set to @old unless the cursor is good
 *
 * A cursor repeats after 65536 rounds. One that lies behind @old by less than half of
 * that is an old one, overtaken by a newer message; its other half would have to be
 * ahead of @old by more than a ring, which no honest peer can be.
 *
 * Any context. RFC 7609 section 4.1 for cursors; the bounds are our own (the RFC has
 * none, and these values index memory).
 *
 * Return: 0 and the new position in @pos; 1 if the cursor is stale; -EPROTO if it is
 * outside of the ring or ahead of @limit.
 */
static inline int smc_cursor_to_pos(u64 old, struct smc_cursor c, u32 size, u64 limit, u64 *pos)
{
	u64 modulus = (u64)size << 16;
	u64 delta;

	*pos = old;
	if (c.count >= size)
		return -EPROTO;
	delta = ((((u64)c.wrap << ilog2(size)) | c.count) - old) & (modulus - 1);
	if (delta <= limit) {
		*pos = old + delta;
		return 0;
	}
	return delta > modulus / 2 ? 1 : -EPROTO;
}

/**
 * smc_seq_older - is a sequence number older than the last one seen?
 * @seq: the one received
 * @last: the last one accepted
 *
 * Any context. Signed 16-bit comparison, so that 0 follows 65535; an equal number is
 * not older. [LNX]
 *
 * Return: true if @seq is older.
 */
static inline bool smc_seq_older(u16 seq, u16 last)
{
	return (s16)(u16)(seq - last) < 0;
}

#endif /* _SMC_CDC_MSG_H */
