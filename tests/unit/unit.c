// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "unit.h"
#include "vector.h"

#define MAX_DIAGNOSTICS 8	/* per test */

static unsigned int n_tests, n_failed, n_diagnostics;
static char test_name[160];

void test_begin(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(test_name, sizeof(test_name), fmt, ap);
	va_end(ap);
	n_diagnostics = 0;
}

void test_fail(const char *file, int line, const char *cond, const char *fmt, ...)
{
	va_list ap;

	if (n_diagnostics++ >= MAX_DIAGNOSTICS)
		return;
	printf("# %s:%d: %s: ", file, line, cond);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void test_end(void)
{
	n_tests++;
	if (n_diagnostics)
		n_failed++;
	printf("%s %u - %s\n", n_diagnostics ? "not ok" : "ok", n_tests, test_name);
	fflush(stdout);
}

u8 *exact_copy(const void *data, size_t len)
{
	u8 *copy = malloc(len);

	if (!copy) {
		perror("malloc");
		exit(2);
	}
	if (len)
		memcpy(copy, data, len);
	return copy;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s <directory of the vectors>\n", argv[0]);
		return 2;
	}
	puts("TAP version 13");
	vectors_load(argv[1]);
	test_clc();
	test_llc();
	test_cdc();
	vectors_done();
	printf("1..%u\n", n_tests);
	return n_failed ? 1 : 0;
}
