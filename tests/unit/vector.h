/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test vectors: complete messages with their fields in text. A table binds the
 * text to a struct, so that what the code under test makes of the bytes is compared
 * with what a person reads, not with its own inverse.
 */
#ifndef _VECTOR_H
#define _VECTOR_H

#include <linux/types.h>
#include <stddef.h>

#define VECTOR_MAX_LEN 256

struct field {
	unsigned int first;
	unsigned int last;
	char label[64];
	char value[200];
};

struct vector {
	char name[64];
	u8 data[VECTOR_MAX_LEN];
	size_t len;
	struct field field[48];
	unsigned int n_fields;
	bool tested;
};

enum bind_kind {
	B_NONE,		/* known, but nothing in the struct */
	B_INT,		/* number, native integer of the member's size */
	B_BYTES,	/* 0x..., as many bytes as the member has */
	B_IP6,		/* 16 bytes */
	B_IP4,		/* 4 bytes */
	B_MAC,		/* 6 bytes */
	B_TEXT,		/* '...', blank padded to the member's size */
	B_PRESENT,	/* bool: true if the field is there at all */
	B_NONZERO,	/* bool: true if the number is not 0 */
	B_LITTLE,	/* bool: true if the text says little endian */
};

struct bind {
	const char *label;	/* '#' stands for an index */
	const char *key;	/* the number is the one after "key=" */
	enum bind_kind kind;
	u64 mask;		/* these bits of the number, shifted down; 0: all of it */
	size_t off;
	size_t size;
	size_t stride;		/* from one index to the next */
	size_t limit_off;	/* of a u8, from which index on the receiver ignores the field */
	bool has_limit;

	/* For corruptions; only the first entry of a label counts. */
	u8 ignored;		/* bits that the receiver must ignore */
	u8 lenient;		/* bits that it may ignore or not */
	bool shape;		/* decides which other fields there are */
	bool may_not_build;	/* parsed values that our side refuses to send */
};

#define MEMBER(type, member) \
	.off = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define LIMIT(type, member) .has_limit = true, .limit_off = offsetof(type, member)

struct message {
	const char *name;
	const struct bind *bind;
	size_t n_binds;
	size_t struct_size;
	/* both return a negative error code; build the length, parse 0 */
	int (*parse)(const u8 *buf, size_t len, void *m);
	int (*build)(u8 *buf, size_t size, const void *m);
	/* optional: what the text implies but does not say */
	void (*complete)(void *m);
	/* the 16-bit big-endian length is at byte 5, and has to be that of the message */
	bool clc_len;
	/* from here on, more bytes than the message has are no error */
	bool tail_ok;
	/* a shorter message may be legal if it is at least this long; 0: it never is */
	size_t short_ok;
};

void vectors_load(const char *dir);
void vectors_done(void);
struct vector *vector_find(const char *name);

/* Three tests: build and parse; truncations; corruptions. */
void vector_test(const char *name, const struct message *msg);

/* Fill a struct from the text of a vector, for tests of their own. */
void vector_fill(const struct vector *v, const struct message *msg, void *m);

#endif
