/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's types in user space, so that the pure half compiles unchanged. */
#ifndef _UNIT_LINUX_TYPES_H
#define _UNIT_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;

#ifndef __packed
#define __packed __attribute__((__packed__))
#endif

#endif
