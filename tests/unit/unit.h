/* SPDX-License-Identifier: GPL-2.0 */
/* A minimal TAP harness. */
#ifndef _UNIT_H
#define _UNIT_H

#include <linux/types.h>
#include <stdio.h>

#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))

void __printf(1, 2) test_begin(const char *fmt, ...);
void __printf(4, 5) test_fail(const char *file, int line, const char *cond, const char *fmt, ...);
void test_end(void);

/* Inside test_begin() .. test_end(); evaluates to whether @cond held. */
#define CHECK(cond, ...) ({						\
	bool _held = (cond);						\
	if (!_held)							\
		test_fail(__FILE__, __LINE__, #cond, __VA_ARGS__);	\
	_held;								\
})

/* A copy on the heap of exactly this size, so that ASan sees each byte too far. */
u8 *exact_copy(const void *data, size_t len);

void test_clc(void);
void test_llc(void);
void test_cdc(void);

#endif
