/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CLC messages: bytes <-> structs. No state, no sockets, no allocation, so that
 * the same source runs in the kernel and in the unit tests.
 */
#ifndef _SMC_CLC_MSG_H
#define _SMC_CLC_MSG_H

#include <linux/types.h>
#include "smc_wire.h"

/**
 * struct smc_clc_hdr - what the first eight bytes of a CLC message say
 * @type: enum smc_clc_type
 * @version: 1..15, as sent
 * @len: length of the whole message in bytes, header and trailer included
 * @flags: low nibble of byte 7; its meaning depends on @type
 * @smcd: the eye catcher was that of SMC-D
 */
struct smc_clc_hdr {
	u8 type;
	u8 version;
	u16 len;
	u8 flags;
	bool smcd;
};

/**
 * struct smc_clc_prefix - an IPv6 prefix
 * @addr: address, host bits zero
 * @len: length in bits, 0..128
 */
struct smc_clc_prefix {
	u8 addr[16];
	u8 len;
};

/**
 * struct smc_clc_smcd_id - one SMC-D device of a v2 Proposal
 * @gid: its GID; a 128 bit GID takes two entries
 * @chid: its channel id
 */
struct smc_clc_smcd_id {
	u64 gid;
	u16 chid;
};

/**
 * struct smc_clc_proposal - CLC Proposal
 * @version: SMC version, 1..15 (Linux peers: always 2)
 * @typev1: enum smc_path_type offered in version 1
 * @typev2: enum smc_path_type offered in version 2; ignored in a version 1 message
 * @peer_id: sender's peer id
 * @gid: GID of the device that the client would use
 * @mac: MAC that belongs to @gid
 * @smcd_area: the 40-byte SMC-D area is there; version 2 always has it
 * @subnet: IPv4 network address of the connection; 0 if IPv6
 * @mask_len: IPv4 mask length in bits
 * @n_prefixes: number of IPv6 prefixes; 0 if the connection is IPv4
 * @prefix: IPv6 prefixes
 * @ism_gid: GID of the v1 SMC-D device; to be used only if @typev1 has SMC-D
 * @ism_chid: its channel id
 * @vendor_oui: v2.1 vendor id
 * @vendor_opts: v2.1 vendor options
 * @n_eids: v2: number of user EIDs
 * @n_smcd: v2: number of SMC-D devices
 * @release: v2: release number
 * @seid_valid: v2: @seid counts
 * @smcd_v2_ext: v2: the SMC-Dv2 extension is there; needs @typev2 with SMC-D
 * @roce_gid: v2: GID for SMC-Rv2, all zero if none
 * @max_conns: v2.1: connections per link group
 * @max_links: v2.1: links per link group
 * @features: v2.1: feature mask
 * @eid: v2: user EIDs, blank padded
 * @seid: v2: system EID
 * @smcd: v2: SMC-D devices
 *
 * Some 700 bytes: not for deep stacks.
 */
struct smc_clc_proposal {
	u8 version;
	u8 typev1;
	u8 typev2;
	u8 peer_id[SMC_PEER_ID_LEN];
	u8 gid[SMC_GID_LEN];
	u8 mac[SMC_MAC_LEN];
	bool smcd_area;
	__be32 subnet;
	u8 mask_len;
	u8 n_prefixes;
	struct smc_clc_prefix prefix[SMC_CLC_MAX_PREFIXES];

	u64 ism_gid;
	u16 ism_chid;
	u8 vendor_oui[3];
	u8 vendor_opts[5];

	u8 n_eids;
	u8 n_smcd;
	u8 release;
	bool seid_valid;
	bool smcd_v2_ext;
	u8 roce_gid[SMC_GID_LEN];
	u8 max_conns;
	u8 max_links;
	u16 features;
	u8 eid[SMC_CLC_MAX_EIDS][SMC_EID_LEN];
	u8 seid[SMC_EID_LEN];
	struct smc_clc_smcd_id smcd[SMC_CLC_MAX_SMCD];
};

/**
 * struct smc_clc_fce - first contact extension (version 2)
 * @v2_direct: the sender is reachable without an IP gateway
 * @os_type: SMC_OS_*
 * @release: 0..15
 * @hostname: blank padded, not NUL terminated
 * @max_conns: release 1: connections per link group
 * @max_links: release 1: links per link group
 * @features: release 1: feature mask
 * @vendor_opts: release 1: vendor options
 */
struct smc_clc_fce {
	bool v2_direct;
	u8 os_type;
	u8 release;
	u8 hostname[SMC_HOSTNAME_LEN];
	u8 max_conns;
	u8 max_links;
	u16 features;
	u32 vendor_opts;
};

/**
 * struct smc_clc_accept - CLC Accept or Confirm
 * @type: SMC_CLC_ACCEPT or SMC_CLC_CONFIRM
 * @version: SMC version chosen
 * @path: SMC_PATH_R or SMC_PATH_D
 * @first_contact: a new link group begins here
 * @peer_id: SMC-R: sender's peer id
 * @gid: SMC-R: sender's GID of the link
 * @mac: SMC-R: MAC that belongs to @gid
 * @qpn: SMC-R: sender's QP number, 24 bits
 * @rkey: SMC-R: key of the sender's RMB
 * @rmbe_idx: SMC-R: element in the RMB, counted from 1
 * @token: SMC-R: alert token that the sender wants to see in CDC messages, not 0
 * @rmbe_code: size code of the element (SMC-D: of the DMBE), see smc_rmbe_size()
 * @mtu_code: SMC-R: QP MTU code; check with smc_mtu_code_valid()
 * @vaddr: SMC-R: address of the RMB as the sender's RNIC knows it
 * @psn: SMC-R: initial packet sequence number, 24 bits
 * @dmb: SMC-D only
 * @dmb.gid: sender's GID
 * @dmb.gid_ext: version 2: low half of a 128 bit GID
 * @dmb.token: DMB token
 * @dmb.idx: element in the DMB, counted from 0
 * @dmb.link_id: for diagnosis
 * @dmb.chid: version 2: channel id of the device chosen
 * @eid: version 2: negotiated EID
 * @fce: version 2 and @first_contact
 * @n_gids: SMC-R version 2 Confirm and @first_contact: entries in @gid_list
 * @gid_list: client's GIDs, the one in use first
 */
struct smc_clc_accept {
	u8 type;
	u8 version;
	u8 path;
	bool first_contact;

	u8 peer_id[SMC_PEER_ID_LEN];
	u8 gid[SMC_GID_LEN];
	u8 mac[SMC_MAC_LEN];
	u32 qpn;
	u32 rkey;
	u8 rmbe_idx;
	u32 token;
	u8 rmbe_code;
	u8 mtu_code;
	u64 vaddr;
	u32 psn;

	struct {
		u64 gid;
		u64 gid_ext;
		u64 token;
		u8 idx;
		u32 link_id;
		u16 chid;
	} dmb;

	u8 eid[SMC_EID_LEN];
	struct smc_clc_fce fce;
	u8 n_gids;
	u8 gid_list[SMC_CLC_MAX_GIDS][SMC_GID_LEN];
};

/**
 * struct smc_clc_decline - CLC Decline
 * @version: decides the length of the message
 * @out_of_sync: the receiver's link group is not known (any more) to the sender
 * @peer_id: sender's peer id, zero if it has none
 * @diagnosis: SMC_DIAG_*, or what another implementation made up
 * @os_type: version 2: SMC_OS_*
 * @extra: version 2: further diagnosis codes
 */
struct smc_clc_decline {
	u8 version;
	bool out_of_sync;
	u8 peer_id[SMC_PEER_ID_LEN];
	u32 diagnosis;
	u8 os_type;
	u32 extra[SMC_CLC_EXTRA_DIAGS];
};

int smc_clc_hdr_parse(const u8 *buf, size_t avail, struct smc_clc_hdr *hdr);
int smc_clc_proposal_build(u8 *buf, size_t size, const struct smc_clc_proposal *p);
int smc_clc_proposal_parse(const u8 *buf, size_t len, struct smc_clc_proposal *p);
int smc_clc_accept_build(u8 *buf, size_t size, const struct smc_clc_accept *a);
int smc_clc_accept_parse(const u8 *buf, size_t len, struct smc_clc_accept *a);
int smc_clc_decline_build(u8 *buf, size_t size, const struct smc_clc_decline *d);
int smc_clc_decline_parse(const u8 *buf, size_t len, struct smc_clc_decline *d);

u8 smc_rmbe_code(u32 size);
u32 smc_rmbe_size(u8 code);
bool smc_mtu_code_valid(u8 code);
const char *smc_diag_name(u32 code);

#endif /* _SMC_CLC_MSG_H */
