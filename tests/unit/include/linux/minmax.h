/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _UNIT_LINUX_MINMAX_H
#define _UNIT_LINUX_MINMAX_H

#define min(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define max(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })
#define min_t(type, a, b) ({ type _ta = (a); type _tb = (b); _ta < _tb ? _ta : _tb; })
#define max_t(type, a, b) ({ type _ta = (a); type _tb = (b); _ta > _tb ? _ta : _tb; })

#endif
