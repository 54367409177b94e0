// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/kernel.h>
#include "unit.h"
#include "vector.h"

#define MAX_VECTORS 128

static struct vector vectors[MAX_VECTORS];
static unsigned int n_vectors;

static _Noreturn void give_up(const char *what, const char *name)
{
	printf("Bail out! %s: %s\n", name, what);
	exit(2);
}

static size_t hex_to_bytes(const char *hex, u8 *out, size_t max, const char *name)
{
	size_t n = 0;
	unsigned int byte;

	for (; isxdigit((unsigned char)hex[0]); hex += 2) {
		if (n == max || sscanf(hex, "%2x", &byte) != 1 || !isxdigit((unsigned char)hex[1]))
			give_up("bad hex digits", name);
		out[n++] = byte;
	}
	return n;
}

static void parse_line(struct vector *v, char *line, size_t *declared)
{
	char *value = strstr(line, ": ");
	struct field *f;
	char *label;

	if (!value)
		return;
	*value = '\0';
	value += 2;
	value[strcspn(value, "\n")] = '\0';
	if (!strcmp(line, "name")) {
		snprintf(v->name, sizeof(v->name), "%s", value);
	} else if (!strcmp(line, "length")) {
		*declared = strtoul(value, NULL, 10);
	} else if (!strcmp(line, "hex")) {
		v->len = hex_to_bytes(value, v->data, sizeof(v->data), line);
	} else if (isdigit((unsigned char)line[0])) {
		if (v->n_fields == ARRAY_SIZE(v->field))
			give_up("too many fields", v->name);
		f = &v->field[v->n_fields++];
		f->first = strtoul(line, &label, 10);
		f->last = f->first;
		if (!strncmp(label, "..", 2))
			f->last = strtoul(label + 2, &label, 10);
		snprintf(f->label, sizeof(f->label), "%s", label + 1);
		snprintf(f->value, sizeof(f->value), "%s", value);
	}
}

static void load_one(const char *path, struct vector *v)
{
	FILE *file = fopen(path, "r");
	unsigned int i, next = 0;
	size_t declared = 0;
	char line[1024];

	if (!file)
		give_up("cannot open", path);
	while (fgets(line, sizeof(line), file))
		parse_line(v, line, &declared);
	fclose(file);
	if (!v->len || v->len != declared)
		give_up("length and hex disagree", path);
	for (i = 0; i < v->n_fields; i++) {
		if (v->field[i].first != next)
			give_up("fields leave a gap", path);
		next = v->field[i].last + 1;
	}
	if (next != v->len)
		give_up("fields do not cover the message", path);
}

void vectors_load(const char *dir)
{
	struct dirent *entry;
	char path[1024];
	DIR *d = opendir(dir);

	if (!d)
		give_up("cannot open", dir);
	while ((entry = readdir(d))) {
		if (!strstr(entry->d_name, ".txt") || !strcmp(entry->d_name, "INDEX.txt"))
			continue;
		if (n_vectors == MAX_VECTORS)
			give_up("too many vectors", dir);
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		load_one(path, &vectors[n_vectors++]);
	}
	closedir(d);
}

void vectors_done(void)
{
	unsigned int i;

	test_begin("each of the %u vectors was used", n_vectors);
	CHECK(n_vectors == 68, "not all vectors were found");
	for (i = 0; i < n_vectors; i++)
		CHECK(vectors[i].tested, "%s", vectors[i].name);
	test_end();
}

struct vector *vector_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < n_vectors; i++)
		if (!strcmp(vectors[i].name, name))
			return &vectors[i];
	give_up("no such vector", name);
}

/* Does the label match, and at which index? */
static bool label_matches(const char *pattern, const char *label, unsigned int *index)
{
	*index = 0;
	for (; *pattern; pattern++) {
		if (*pattern == '#') {
			char *end;

			if (!isdigit((unsigned char)*label))
				return false;
			*index = strtoul(label, &end, 10);
			label = end;
		} else if (*pattern != *label++) {
			return false;
		}
	}
	return !*label;
}

static u64 field_number(const struct bind *b, const char *value)
{
	u64 n;

	if (b->key) {
		size_t len = strlen(b->key);
		const char *p = value;

		while ((p = strstr(p, b->key)) &&
		       (p[len] != '=' || (p > value && isalnum((unsigned char)p[-1]))))
			p++;
		if (!p)
			give_up("key not found", b->key);
		value = p + len + 1;
		if (isalpha((unsigned char)*value))		/* R(0) */
			value += strcspn(value, "(") + 1;
	}
	n = strtoull(value, NULL, 0);
	if (b->mask)
		n = (n & b->mask) >> __builtin_ctzll(b->mask);
	return n;
}

static void store_int(u8 *member, size_t size, u64 n)
{
	switch (size) {
	case 1:
		*member = n;
		break;
	case 2:
		memcpy(member, &(u16){ n }, 2);
		break;
	case 4:
		memcpy(member, &(u32){ n }, 4);
		break;
	default:
		memcpy(member, &n, 8);
	}
}

static void store_text(u8 *member, size_t size, const char *value, const char *label)
{
	const char *end;

	if (!strncmp(value, "all zero", 8))
		return;
	end = strrchr(value, '\'');
	if (*value != '\'' || end == value || (size_t)(end - value - 1) > size)
		give_up("bad text", label);
	memset(member, ' ', size);
	memcpy(member, value + 1, end - value - 1);
}

static void store(const struct bind *b, const struct field *f, u8 *member)
{
	char token[64];
	unsigned int i, n[6];

	snprintf(token, sizeof(token), "%.*s", (int)strcspn(f->value, " "), f->value);
	switch (b->kind) {
	case B_NONE:
		break;
	case B_INT:
		store_int(member, b->size, field_number(b, f->value));
		break;
	case B_BYTES:
		if (strcmp(token, "0") &&
		    (strncmp(token, "0x", 2) ||
		     hex_to_bytes(token + 2, member, b->size, f->label) != b->size))
			give_up("bad bytes", f->label);
		break;
	case B_IP6:
		if (inet_pton(AF_INET6, token, member) != 1)
			give_up("bad IPv6 address", f->label);
		break;
	case B_IP4:
		if (inet_pton(AF_INET, token, member) != 1)
			give_up("bad IPv4 address", f->label);
		break;
	case B_MAC:
		if (!strcmp(token, "0"))
			break;
		if (sscanf(token, "%x:%x:%x:%x:%x:%x", &n[0], &n[1], &n[2], &n[3], &n[4],
			   &n[5]) != 6)
			give_up("bad MAC", f->label);
		for (i = 0; i < 6; i++)
			member[i] = n[i];
		break;
	case B_TEXT:
		store_text(member, b->size, f->value, f->label);
		break;
	case B_PRESENT:
		*member = true;
		break;
	case B_NONZERO:
		*member = field_number(b, f->value) != 0;
		break;
	case B_LITTLE:
		*member = !!strstr(f->value, "little endian");
		break;
	}
}

static const struct bind *first_bind(const struct message *msg, const char *label,
				     unsigned int *index)
{
	size_t i;

	for (i = 0; i < msg->n_binds; i++)
		if (label_matches(msg->bind[i].label, label, index))
			return &msg->bind[i];
	return NULL;
}

static bool label_reserved(const char *label)
{
	return !strcmp(label, "reserved") || !strcmp(label, "ext reserved") ||
	       !strcmp(label, "FCE reserved") || !strcmp(label, "zero fill");
}

/* Which field is a member of? Only for messages to the reader. */
static const char *member_label(const struct message *msg, size_t off)
{
	size_t i;

	for (i = 0; i < msg->n_binds; i++)
		if (msg->bind[i].size && off >= msg->bind[i].off &&
		    off < msg->bind[i].off + msg->bind[i].size)
			return msg->bind[i].label;
	return "?";
}

void vector_fill(const struct vector *v, const struct message *msg, void *m)
{
	unsigned int i, index;
	size_t j;

	memset(m, 0, msg->struct_size);
	for (i = 0; i < v->n_fields; i++)
		for (j = 0; j < msg->n_binds; j++)
			if (label_matches(msg->bind[j].label, v->field[i].label, &index))
				store(&msg->bind[j], &v->field[i],
				      (u8 *)m + msg->bind[j].off + index * msg->bind[j].stride);
	if (msg->complete)
		msg->complete(m);
}

static void check_same_struct(const struct message *msg, const u8 *want, const u8 *got)
{
	size_t i;

	if (!memcmp(want, got, msg->struct_size))
		return;
	for (i = 0; i < msg->struct_size; i++)
		CHECK(want[i] == got[i], "member of '%s', struct byte %zu: want %02x, got %02x",
		      member_label(msg, i), i, want[i], got[i]);
}

static void test_both_ways(struct vector *v, const struct message *msg, const u8 *want)
{
	u8 *got = exact_copy(want, msg->struct_size);
	u8 *in = exact_copy(v->data, v->len);
	u8 *out = exact_copy(v->data, v->len);
	unsigned int i, index;
	size_t size;
	int rc;

	test_begin("%s: built and parsed as its text says", v->name);
	for (i = 0; i < v->n_fields; i++)
		CHECK(label_reserved(v->field[i].label) ||
		      first_bind(msg, v->field[i].label, &index),
		      "no member is bound to '%s'", v->field[i].label);

	memset(out, 0xa5, v->len);
	rc = msg->build(out, v->len, want);
	if (CHECK(rc == (int)v->len, "build returned %d", rc))
		for (i = 0; i < v->len; i++)
			CHECK(out[i] == v->data[i], "byte %u: want %02x, built %02x", i,
			      v->data[i], out[i]);

	memset(got, 0xa5, msg->struct_size);
	rc = msg->parse(in, v->len, got);
	if (CHECK(!rc, "parse returned %d", rc))
		check_same_struct(msg, want, got);
	free(out);

	for (size = 0; size < v->len; size++) {
		out = exact_copy(v->data, size);
		rc = msg->build(out, size, want);
		CHECK(rc == -ENOSPC, "build into %zu bytes returned %d", size, rc);
		free(out);
	}
	test_end();
	free(in);
	free(got);
}

/* What was parsed has to survive being built and parsed again. */
static void check_stable(const struct message *msg, const u8 *m, u8 **built, int *len)
{
	u8 *again = exact_copy(m, msg->struct_size);
	u8 room[8192];
	int rc;

	*built = NULL;
	*len = msg->build(room, sizeof(room), m);
	if (*len > 0) {
		*built = exact_copy(room, *len);
		rc = msg->parse(*built, *len, again);
		if (CHECK(!rc, "what was built parses as %d", rc))
			check_same_struct(msg, m, again);
	}
	free(again);
}

static void test_lengths(struct vector *v, const struct message *msg, const u8 *want)
{
	u8 *m = exact_copy(want, msg->struct_size);
	u8 *in, *built;
	int rc, len, patched;
	size_t n;

	test_begin("%s: every truncation, and bytes too many", v->name);
	for (n = 0; n < v->len; n++) {
		for (patched = 0; patched <= msg->clc_len; patched++) {
			in = exact_copy(v->data, n);
			if (patched && n > 6) {
				in[5] = n >> 8;
				in[6] = n;
			}
			rc = msg->parse(in, n, m);
			if (!msg->short_ok || n < msg->short_ok || (msg->clc_len && !patched))
				CHECK(rc == -EPROTO, "%zu bytes: %d", n, rc);
			if (!rc) {
				check_stable(msg, m, &built, &len);
				CHECK(len > 0, "%zu bytes: build returned %d", n, len);
				free(built);
			}
			free(in);
		}
	}
	for (n = v->len + 1; n < v->len + 4; n++) {
		in = exact_copy(v->data, v->len);
		in = realloc(in, n);
		memset(in + v->len, 0, n - v->len);
		rc = msg->parse(in, n, m);
		if (!msg->tail_ok)
			CHECK(rc == -EPROTO, "%zu bytes: %d", n, rc);
		else if (CHECK(!rc, "%zu bytes: %d", n, rc))
			check_same_struct(msg, want, m);
		free(in);
	}
	test_end();
	free(m);
}

struct byte_class {
	u8 ignored;
	u8 lenient;
	bool shape;
	bool may_not_build;
};

static void classify(const struct vector *v, const struct message *msg, const u8 *want,
		     struct byte_class *c)
{
	unsigned int i, j, index;

	for (i = 0; i < v->n_fields; i++) {
		const struct field *f = &v->field[i];
		const struct bind *b = first_bind(msg, f->label, &index);
		struct byte_class k = { 0 };

		if (!b) {
			k.ignored = 0xff;
		} else {
			k.ignored = b->ignored;
			k.lenient = b->lenient;
			k.shape = b->shape;
			k.may_not_build = b->may_not_build;
			if (b->has_limit && index >= want[b->limit_off])
				k.ignored = 0xff;
		}
		for (j = f->first; j <= f->last; j++)
			c[j] = k;
	}
}

static void test_one_corruption(const struct vector *v, const struct message *msg,
				const struct byte_class *c, const u8 *want, u8 *m, size_t at,
				u8 diff)
{
	u8 *in = exact_copy(v->data, v->len);
	u8 *built;
	int rc, len;
	size_t i;

	in[at] ^= diff;
	rc = msg->parse(in, v->len, m);
	if (!(diff & ~c[at].ignored)) {
		if (CHECK(!rc, "ignored bits of byte %zu, %02x: parse returned %d", at, diff, rc))
			check_same_struct(msg, want, m);
	} else if (!rc && diff & ~c[at].ignored & ~c[at].lenient) {
		CHECK(memcmp(want, m, msg->struct_size),
		      "bits %02x of byte %zu make no difference", diff, at);
	}
	if (!rc) {
		check_stable(msg, m, &built, &len);
		if (len < 0) {
			CHECK(c[at].may_not_build && len == -EINVAL, "byte %zu, %02x: build %d",
			      at, diff, len);
		} else if (!c[at].shape && CHECK(len == (int)v->len, "byte %zu, %02x: build %d",
						 at, diff, len)) {
			for (i = 0; i < v->len; i++)
				CHECK(!((built[i] ^ in[i]) &
					(u8)~(c[i].ignored | c[i].lenient)),
				      "byte %zu, %02x: byte %zu came back as %02x, not %02x",
				      at, diff, i, built[i], in[i]);
		}
		free(built);
	} else {
		CHECK(rc == -EPROTO || rc == -EOPNOTSUPP || rc == -ENOMSG,
		      "byte %zu, %02x: parse returned %d", at, diff, rc);
	}
	free(in);
}

static void test_corruptions(struct vector *v, const struct message *msg, const u8 *want)
{
	struct byte_class c[VECTOR_MAX_LEN];
	u8 *m = exact_copy(want, msg->struct_size);
	unsigned int diff;
	size_t at;

	test_begin("%s: every single-byte corruption", v->name);
	classify(v, msg, want, c);
	for (at = 0; at < v->len; at++)
		for (diff = 1; diff < 256; diff++)
			test_one_corruption(v, msg, c, want, m, at, diff);
	test_end();
	free(m);
}

void vector_test(const char *name, const struct message *msg)
{
	struct vector *v = vector_find(name);
	u8 *want = malloc(msg->struct_size);

	vector_fill(v, msg, want);
	test_both_ways(v, msg, want);
	test_lengths(v, msg, want);
	test_corruptions(v, msg, want);
	v->tested = true;
	free(want);
}
