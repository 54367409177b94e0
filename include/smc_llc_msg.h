/* SPDX-License-Identifier: GPL-2.0 */
/*
 * LLC messages: bytes <-> structs. No state, no verbs, no allocation, so that
 * the same source runs in the kernel and in the unit tests.
 */
#ifndef _SMC_LLC_MSG_H
#define _SMC_LLC_MSG_H

#include <linux/types.h>
#include "smc_wire.h"

/**
 * struct smc_llc_rkey_pair - one RMB while a link is being added
 * @ref_rkey: its key on the link that carries the message
 * @new_rkey: its key on the new link
 * @vaddr: its address on the new link
 */
struct smc_llc_rkey_pair {
	u32 ref_rkey;
	u32 new_rkey;
	u64 vaddr;
};

/**
 * struct smc_llc_link_rkey - one RMB as another link knows it
 * @link_num: the link
 * @rkey: key of the RMB there
 * @vaddr: address of the RMB there
 */
struct smc_llc_link_rkey {
	u8 link_num;
	u32 rkey;
	u64 vaddr;
};

/**
 * struct smc_llc_msg - an LLC message
 * @type: enum smc_llc_type; selects the member of the union
 * @version: 1 or 2
 * @response: the R bit
 * @le_len: version 2: the sender's byte order, which the 16-bit length shows, is
 *	little endian. Answer a peer in its own order
 *
 * In a union member, reserved fields and array elements beyond their count are zero
 * after parsing and ignored when building.
 *
 * @confirm_link: @no_eyecatcher: RMBEs hold data from their first byte on;
 *	@max_conns: version 2 only
 * @add_link: @reject, @reason (SMC_LLC_REJECT_*, lost in version 2); the version 2
 *	extension (@has_ext) has @v2_direct, @target_gid and @n_pairs key pairs, for which
 *	see smc_llc_add_link_get() and smc_llc_add_link_put()
 * @add_link_cont: @n_left: RMBs still to come, those in this message included: the
 *	smaller of @n_left and SMC_LLC_ADD_PAIRS
 * @delete_link: @all: the whole group, then @link_num is 0; @reason: SMC_LLC_DEL_*
 * @confirm_rkey: @rkey and @vaddr on the link that carries the message; @n_other
 *	further links, the first SMC_LLC_RKEY_OTHERS of them here
 * @confirm_rkey_cont: @n_left links still to come, those in this message included
 * @delete_rkey: @count keys; @rkey has the first SMC_LLC_DELETE_RKEYS, for more (version
 *	2) see smc_llc_delete_rkey_get() and smc_llc_delete_rkey_put(). In a response
 *	@err_mask has 0x80 for the first failed key and so on (version 1), @n_invalid
 *	is their number (version 2)
 * @test_link: @data is to be echoed
 * @req_add_link: version 2: the client's GIDs, the one in use first; those beyond
 *	SMC_LLC_REQ_GIDS are dropped when parsing
 */
struct smc_llc_msg {
	u8 type;
	u8 version;
	bool response;
	bool le_len;
	union {
		struct {
			u8 mac[SMC_MAC_LEN];
			u8 gid[SMC_GID_LEN];
			u32 qpn;
			u8 link_num;
			u32 link_uid;
			u8 max_links;
			u8 max_conns;
			bool no_eyecatcher;
		} confirm_link;
		struct {
			bool reject;
			u8 reason;
			u8 mac[SMC_MAC_LEN];
			u8 gid[SMC_GID_LEN];
			u32 qpn;
			u8 link_num;
			u8 mtu_code;
			u32 psn;
			bool has_ext;
			bool v2_direct;
			u8 target_gid[SMC_GID_LEN];
			u16 n_pairs;
		} add_link;
		struct {
			u8 link_num;
			u8 n_left;
			struct smc_llc_rkey_pair pair[SMC_LLC_ADD_PAIRS];
		} add_link_cont;
		struct {
			bool all;
			bool orderly;
			u8 link_num;
			u32 reason;
		} delete_link;
		struct {
			bool negative;
			bool retry;
			u32 rkey;
			u64 vaddr;
			u8 n_other;
			struct smc_llc_link_rkey other[SMC_LLC_RKEY_OTHERS];
		} confirm_rkey;
		struct {
			bool negative;
			u8 n_left;
			struct smc_llc_link_rkey other[SMC_LLC_RKEY_CONTS];
		} confirm_rkey_cont;
		struct {
			bool negative;
			u8 count;
			u8 err_mask;
			u8 n_invalid;
			u32 rkey[SMC_LLC_DELETE_RKEYS];
		} delete_rkey;
		struct {
			u8 data[SMC_LLC_TEST_DATA];
		} test_link;
		struct {
			u8 n_gids;
			u8 gid[SMC_LLC_REQ_GIDS][SMC_GID_LEN];
		} req_add_link;
	};
};

int smc_llc_parse(const u8 *buf, size_t len, struct smc_llc_msg *m);
int smc_llc_build(u8 *buf, size_t size, const struct smc_llc_msg *m);

int smc_llc_add_link_get(const u8 *buf, size_t len, unsigned int i,
			 struct smc_llc_rkey_pair *pair);
int smc_llc_add_link_put(u8 *buf, size_t len, unsigned int i,
			 const struct smc_llc_rkey_pair *pair);
int smc_llc_delete_rkey_get(const u8 *buf, size_t len, unsigned int i, u32 *rkey);
int smc_llc_delete_rkey_put(u8 *buf, size_t len, unsigned int i, u32 rkey);

#endif /* _SMC_LLC_MSG_H */
