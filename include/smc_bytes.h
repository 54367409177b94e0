/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bounded reader and writer that all messages go through. Nothing else computes
 * addresses from what came over the wire.
 */
#ifndef _SMC_BYTES_H
#define _SMC_BYTES_H

#include <linux/string.h>
#include <linux/types.h>

/**
 * struct smc_reader - what is left of a message
 * @p: next byte
 * @left: bytes from there on
 */
struct smc_reader {
	const u8 *p;
	size_t left;
};

/**
 * smc_take - consume the next piece of a message
 * @r: reader
 * @n: length of the piece in bytes
 *
 * Any context.
 *
 * Return: the piece; NULL if less than @n bytes are left, and from then on for every
 * piece that is not empty.
 */
static inline const void *smc_take(struct smc_reader *r, size_t n)
{
	const u8 *piece = r->p;

	if (n > r->left) {
		r->left = 0;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return piece;
}

/**
 * struct smc_writer - where a message is being composed
 * @p: next byte
 * @left: bytes from there on
 * @full: something did not fit
 */
struct smc_writer {
	u8 *p;
	size_t left;
	bool full;
};

/**
 * smc_reserve - make room for the next piece of a message
 * @w: writer
 * @n: length of the piece in bytes
 *
 * Any context.
 *
 * Return: the piece, filled with zeros; NULL if it does not fit, and from then on always.
 */
static inline void *smc_reserve(struct smc_writer *w, size_t n)
{
	u8 *piece = w->p;

	if (w->full || n > w->left) {
		w->full = true;
		return NULL;
	}
	w->p += n;
	w->left -= n;
	return memset(piece, 0, n);
}

/**
 * smc_get_u24 - read a three-byte field
 * @b: the field, most significant byte first
 *
 * Any context.
 *
 * Return: its value.
 */
static inline u32 smc_get_u24(const u8 b[3])
{
	return (u32)b[0] << 16 | (u32)b[1] << 8 | b[2];
}

/**
 * smc_put_u24 - write a three-byte field
 * @b: the field, most significant byte first
 * @v: its value, of which the low 24 bits count
 *
 * Any context.
 */
static inline void smc_put_u24(u8 b[3], u32 v)
{
	b[0] = v >> 16;
	b[1] = v >> 8;
	b[2] = v;
}

#define SMC_U24_MAX	0xffffffU

#endif /* _SMC_BYTES_H */
