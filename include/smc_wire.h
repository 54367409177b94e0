/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SMC on the wire: every byte layout, and the numbers that appear in them.
 *
 * All fields are big endian and packed, except where a comment says otherwise.
 * Reserved fields are sent as zero and never checked. Only the smc_*_msg.c
 * files touch these structures; everybody else sees their host-order twins.
 */
#ifndef _SMC_WIRE_H
#define _SMC_WIRE_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define SMC_PEER_ID_LEN		8
#define SMC_GID_LEN		16
#define SMC_MAC_LEN		6
#define SMC_EID_LEN		32
#define SMC_HOSTNAME_LEN	32

#define SMC_EYECATCHER_R	0xe2d4c3d9	/* "SMCR" in EBCDIC */
#define SMC_EYECATCHER_D	0xe2d4c3c4	/* "SMCD" in EBCDIC */

/* ------------------------------------------------------------------------
 * TCP option (RFC 7609 section 3.1): on SYN and SYN-ACK, after two NOPs
 */
#define SMC_TCPOPT_KIND		254
#define SMC_TCPOPT_LEN		6
#define SMC_TCPOPT_NOP		1

struct smc_wire_tcpopt {
	u8 nop[2];
	u8 kind;
	u8 len;
	__be32 exid;			/* SMC_EYECATCHER_R */
} __packed;
static_assert(sizeof(struct smc_wire_tcpopt) == 8);

/* ------------------------------------------------------------------------
 * CLC: the handshake over TCP (RFC 7609 appendix A.2)
 */
#define SMC_CLC_HDR_LEN		8
#define SMC_CLC_TRAILER_LEN	4
#define SMC_CLC_MAX_LEN		652		/* a Proposal with everything */
#define SMC_CLC_MAX_PREFIXES	8
#define SMC_CLC_MAX_EIDS	8
#define SMC_CLC_MAX_SMCD	8		/* GID/CHID entries */
#define SMC_CLC_MAX_GIDS	8		/* GID list of a v2 Confirm */

enum smc_clc_type {
	SMC_CLC_PROPOSAL = 1,
	SMC_CLC_ACCEPT,
	SMC_CLC_CONFIRM,
	SMC_CLC_DECLINE,
};

/* Two bits; SMC_PATH_R is 0, so "offers R" is not a bit test. */
enum smc_path_type {
	SMC_PATH_R = 0,
	SMC_PATH_D = 1,
	SMC_PATH_NONE = 2,
	SMC_PATH_BOTH = 3,
};

#define SMC_VERSION_1		1
#define SMC_VERSION_2		2

/* Byte 7: version nibble, then what the type makes of the rest. */
#define SMC_CLC_VERSION_SHIFT	4
#define SMC_CLC_FLAGS_MASK	0x0f
#define SMC_CLC_F_FIRST		0x08		/* Accept, Confirm: first contact */
#define SMC_CLC_F_SYNC		0x08		/* Decline: out of sync */
#define SMC_CLC_PATH_MASK	0x03
#define SMC_CLC_TYPEV2_SHIFT	2

#define SMC_OS_ZOS		1
#define SMC_OS_LINUX		2
#define SMC_OS_AIX		3

struct smc_wire_clc_hdr {
	__be32 eyecatcher;
	u8 type;
	__be16 len;			/* whole message, trailer included */
	u8 flags;
} __packed;
static_assert(sizeof(struct smc_wire_clc_hdr) == SMC_CLC_HDR_LEN);

struct smc_wire_clc_trailer {
	__be32 eyecatcher;
} __packed;
static_assert(sizeof(struct smc_wire_clc_trailer) == SMC_CLC_TRAILER_LEN);

struct smc_wire_proposal {
	struct smc_wire_clc_hdr hdr;
	u8 peer_id[SMC_PEER_ID_LEN];
	u8 gid[SMC_GID_LEN];
	u8 mac[SMC_MAC_LEN];
	__be16 ip_off;			/* of the IP area, from byte 40 */
} __packed;
static_assert(offsetof(struct smc_wire_proposal, gid) == 16);
static_assert(offsetof(struct smc_wire_proposal, ip_off) == 38);
static_assert(sizeof(struct smc_wire_proposal) == 40);

/* follows the base part when ip_off is 40, and always in version 2 */
struct smc_wire_smcd_area {
	__be64 gid;
	__be16 chid;
	__be16 v2_off;			/* of the v2 extension, from byte 12; 0: none */
	u8 vendor_oui[3];
	u8 vendor_opts[5];
	u8 reserved[20];
} __packed;
static_assert(offsetof(struct smc_wire_smcd_area, v2_off) == 10);
static_assert(offsetof(struct smc_wire_smcd_area, reserved) == 20);
static_assert(sizeof(struct smc_wire_smcd_area) == 40);

struct smc_wire_ip_area {
	__be32 subnet;			/* network address, not a mask */
	u8 mask_len;
	u8 reserved[2];
	u8 n_prefixes;			/* of struct smc_wire_prefix, following */
} __packed;
static_assert(sizeof(struct smc_wire_ip_area) == 8);

struct smc_wire_prefix {
	u8 addr[16];
	u8 len;
} __packed;
static_assert(sizeof(struct smc_wire_prefix) == 17);

#define SMC_CLC_RELEASE_SHIFT	4
#define SMC_CLC_SEID_VALID	0x01

struct smc_wire_v2_ext {
	u8 n_eids;			/* user EIDs, following */
	u8 n_smcd;			/* entries in the SMC-Dv2 extension */
	u8 reserved1;
	u8 release;			/* 0xf0 release, 0x01 SEID valid */
	u8 reserved2[2];
	__be16 smcd_off;		/* of the SMC-Dv2 extension, from byte 8; 0: none */
	u8 roce_gid[SMC_GID_LEN];
	u8 max_conns;
	u8 max_links;
	__be16 features;
	u8 reserved3[12];
} __packed;
static_assert(offsetof(struct smc_wire_v2_ext, smcd_off) == 6);
static_assert(offsetof(struct smc_wire_v2_ext, max_conns) == 24);
static_assert(offsetof(struct smc_wire_v2_ext, features) == 26);
static_assert(sizeof(struct smc_wire_v2_ext) == 40);

struct smc_wire_smcd_v2_ext {
	u8 seid[SMC_EID_LEN];
	u8 reserved[16];
} __packed;
static_assert(sizeof(struct smc_wire_smcd_v2_ext) == 48);

struct smc_wire_smcd_entry {
	__be64 gid;
	__be16 chid;
} __packed;
static_assert(sizeof(struct smc_wire_smcd_entry) == 10);

/* distances that the two offsets above are counted from */
#define SMC_CLC_V2_OFF_BASE	12
#define SMC_CLC_SMCD_OFF_BASE	8
/* the IP area's offset when the SMC-D area is there; also the largest legal one */
#define SMC_CLC_IP_OFF_SMCD	40

struct smc_wire_accept_r {
	struct smc_wire_clc_hdr hdr;
	u8 peer_id[SMC_PEER_ID_LEN];
	u8 gid[SMC_GID_LEN];
	u8 mac[SMC_MAC_LEN];
	u8 qpn[3];
	__be32 rkey;
	u8 rmbe_idx;			/* counted from 1 */
	__be32 token;
	u8 rmbe_mtu;			/* 0xf0 RMBE size code, 0x0f MTU code */
	u8 reserved1;
	__be64 vaddr;
	u8 reserved2;
	u8 psn[3];
} __packed;
static_assert(offsetof(struct smc_wire_accept_r, qpn) == 38);
static_assert(offsetof(struct smc_wire_accept_r, rkey) == 41);
static_assert(offsetof(struct smc_wire_accept_r, token) == 46);
static_assert(offsetof(struct smc_wire_accept_r, vaddr) == 52);
static_assert(offsetof(struct smc_wire_accept_r, psn) == 61);
static_assert(sizeof(struct smc_wire_accept_r) == 64);

/* version 2: follows struct smc_wire_accept_r */
struct smc_wire_accept_r_v2 {
	u8 eid[SMC_EID_LEN];
	u8 reserved[8];
} __packed;
static_assert(sizeof(struct smc_wire_accept_r_v2) == 40);

struct smc_wire_accept_d {
	struct smc_wire_clc_hdr hdr;
	__be64 gid;
	__be64 token;
	u8 dmbe_idx;			/* counted from 0 */
	u8 dmbe_size;			/* 0xf0 size code */
	u8 reserved[2];
	__be32 link_id;
} __packed;
static_assert(offsetof(struct smc_wire_accept_d, dmbe_idx) == 24);
static_assert(sizeof(struct smc_wire_accept_d) == 32);

/* version 1 pads struct smc_wire_accept_d with this many reserved bytes */
#define SMC_CLC_ACCEPT_D_V1_PAD	12

struct smc_wire_accept_d_v2 {
	__be16 chid;
	u8 eid[SMC_EID_LEN];
	__be64 gid_ext;
} __packed;
static_assert(offsetof(struct smc_wire_accept_d_v2, gid_ext) == 34);
static_assert(sizeof(struct smc_wire_accept_d_v2) == 42);

/* first contact extension: the part that every release has ... */
#define SMC_CLC_FCE_DIRECT	0x80
#define SMC_CLC_FCE_OS_SHIFT	4
#define SMC_CLC_FCE_RELEASE	0x0f

struct smc_wire_fce {
	u8 flags;
	u8 os_release;			/* 0xf0 OS type, 0x0f release */
	u8 reserved[2];
	u8 hostname[SMC_HOSTNAME_LEN];
} __packed;
static_assert(sizeof(struct smc_wire_fce) == 36);

/* ... and the rest: zero in release 0, and then left out by SMC-D */
struct smc_wire_fce_v21 {
	u8 max_conns;
	u8 max_links;
	__be16 features;
	__be32 vendor_opts;
	u8 reserved[8];
} __packed;
static_assert(offsetof(struct smc_wire_fce_v21, vendor_opts) == 4);
static_assert(sizeof(struct smc_wire_fce_v21) == 16);

/* ends the first contact extension of a SMC-R Confirm */
struct smc_wire_gid_list {
	u8 n_gids;			/* of 16 bytes each, following */
	u8 reserved[3];
} __packed;
static_assert(sizeof(struct smc_wire_gid_list) == 4);

struct smc_wire_decline {
	struct smc_wire_clc_hdr hdr;
	u8 peer_id[SMC_PEER_ID_LEN];
	__be32 diagnosis;
	u8 os_type;			/* version 2: 0xf0 OS type */
	u8 reserved[3];
} __packed;
static_assert(offsetof(struct smc_wire_decline, diagnosis) == 16);
static_assert(sizeof(struct smc_wire_decline) == 24);

#define SMC_CLC_EXTRA_DIAGS	4

/* version 2: follows struct smc_wire_decline */
struct smc_wire_decline_v2 {
	__be32 extra[SMC_CLC_EXTRA_DIAGS];
} __packed;
static_assert(sizeof(struct smc_wire_decline_v2) == 16);

#define SMC_CLC_OS_SHIFT	4

/* Total lengths. */
#define SMC_CLC_PROPOSAL_MIN	52
#define SMC_CLC_ACCEPT_R_V1	68
#define SMC_CLC_ACCEPT_R_V2	108		/* at least */
#define SMC_CLC_ACCEPT_D_V1	48
#define SMC_CLC_ACCEPT_D_V2	78		/* at least */
#define SMC_CLC_DECLINE_V1	28
#define SMC_CLC_DECLINE_V2	44
static_assert(sizeof(struct smc_wire_proposal) + sizeof(struct smc_wire_smcd_area) +
	      sizeof(struct smc_wire_ip_area) +
	      SMC_CLC_MAX_PREFIXES * sizeof(struct smc_wire_prefix) +
	      sizeof(struct smc_wire_v2_ext) + SMC_CLC_MAX_EIDS * SMC_EID_LEN +
	      sizeof(struct smc_wire_smcd_v2_ext) +
	      SMC_CLC_MAX_SMCD * sizeof(struct smc_wire_smcd_entry) +
	      SMC_CLC_TRAILER_LEN == SMC_CLC_MAX_LEN);

/* RMBE sizes: 16 KiB << code, in four bits */
#define SMC_RMBE_MIN_SHIFT	14
#define SMC_RMBE_MAX_CODE	15

/* QP MTU codes: 256 << (code - 1) */
#define SMC_MTU_CODE_MIN	1
#define SMC_MTU_CODE_MAX	5

/*
 * Diagnosis codes: in a Decline, and as the local reason of a fall-back.
 * smc_diag_name() has their names.
 */
#define SMC_DIAG_MEMORY			0x01010000	/* out of memory */
#define SMC_DIAG_TIMEOUT_CONFIRM_LINK	0x02010000	/* no CONFIRM LINK in time */
#define SMC_DIAG_TIMEOUT_ADD_LINK	0x02020000	/* no ADD LINK in time */
#define SMC_DIAG_CONFIG			0x03000000	/* e.g. no usable IP prefix */
#define SMC_DIAG_PEER_NO_SMC		0x03010000	/* no TCP option from the peer; local */
#define SMC_DIAG_IPSEC			0x03020000	/* IPsec in use */
#define SMC_DIAG_NO_DEVICE		0x03030000	/* no SMC device at all */
#define SMC_DIAG_NO_SMCD_DEVICE		0x03030001	/* no ISM device */
#define SMC_DIAG_NO_SMCR_DEVICE		0x03030002	/* no RoCE device */
#define SMC_DIAG_NO_ISMV2		0x03030003	/* ISM hardware without v2 */
#define SMC_DIAG_NO_V2_EXT		0x03030004	/* peer sent no v2 extension */
#define SMC_DIAG_NO_SMCD_V2_EXT		0x03030005	/* peer sent no SMC-Dv2 extension */
#define SMC_DIAG_NO_SEID		0x03030006	/* peer sent no system EID */
#define SMC_DIAG_NO_SMCD_V2_DEVICE	0x03030007	/* no SMC-Dv2 device */
#define SMC_DIAG_NO_UEID		0x03030008	/* peer sent no (common) user EID */
#define SMC_DIAG_RELEASE		0x03030009	/* release negotiation failed */
#define SMC_DIAG_MAX_CONNS		0x0303000a	/* max connections negotiation failed */
#define SMC_DIAG_MAX_LINKS		0x0303000b	/* max links negotiation failed */
#define SMC_DIAG_MODE_MISMATCH		0x03040000	/* path type or version not offered */
#define SMC_DIAG_RMBE_EYECATCHER	0x03050000	/* peer wants eye catchers in RMBEs */
#define SMC_DIAG_OPTION			0x03060000	/* socket option needs TCP; local */
#define SMC_DIAG_PREFIX_MISMATCH	0x03070000	/* not in the same IP subnet */
#define SMC_DIAG_VLAN_ID		0x03080000	/* VLAN id not found */
#define SMC_DIAG_ISM_VLAN		0x03090000	/* VLAN not registered at the ISM device */
#define SMC_DIAG_NO_ACTIVE_LINK		0x030a0000	/* link group without an active link */
#define SMC_DIAG_NO_SUCH_LINK		0x030b0000	/* link named in the Accept not found */
#define SMC_DIAG_VERSION_MISMATCH	0x030c0000	/* SMC version mismatch */
#define SMC_DIAG_DMB_LIMIT		0x030d0000	/* SMC-D: out of DMBs */
#define SMC_DIAG_NO_ROUTE		0x030e0000	/* SMC-Rv2: no route to the peer */
#define SMC_DIAG_ROUTE_KIND		0x030f0000	/* SMC-Rv2: direct or via a gateway? */
#define SMC_DIAG_SYNC			0x04000000	/* out of sync; always with the S bit */
#define SMC_DIAG_PEER_DECLINED		0x05000000	/* peer declined; local */
#define SMC_DIAG_INTERNAL		0x09990000	/* internal error */
#define SMC_DIAG_RTOKEN			0x09990001	/* remote token table */
#define SMC_DIAG_QP_SETUP		0x09990002	/* QP could not be made ready */
#define SMC_DIAG_REGISTER		0x09990003	/* memory registration failed */

/* ------------------------------------------------------------------------
 * LLC: control messages inside a link group (RFC 7609 appendix A.3)
 */
#define SMC_LLC_LEN		44		/* v1: all; v2: at least */
#define SMC_LLC_V2_MAX_LEN	8192

/* Byte 0: low nibble of the type; the high nibble is 0 in v1, 2 in v2. */
#define SMC_LLC_TYPE_MASK	0x0f
#define SMC_LLC_VERSION_MASK	0xf0
#define SMC_LLC_V1		0x00
#define SMC_LLC_V2		0x20
#define SMC_LLC_OPCODE_MASK	0xc0		/* 00 must be understood */
#define SMC_LLC_OPCODE_OPTIONAL	0x80		/* unknown ones are discarded */

enum smc_llc_type {
	SMC_LLC_CONFIRM_LINK = 1,
	SMC_LLC_ADD_LINK = 2,
	SMC_LLC_ADD_LINK_CONT = 3,		/* v1 only */
	SMC_LLC_DELETE_LINK = 4,
	SMC_LLC_REQ_ADD_LINK = 5,		/* v2 only */
	SMC_LLC_CONFIRM_RKEY = 6,
	SMC_LLC_TEST_LINK = 7,
	SMC_LLC_CONFIRM_RKEY_CONT = 8,		/* v1 only */
	SMC_LLC_DELETE_RKEY = 9,
};

#define SMC_LLC_F_RESPONSE	0x80
#define SMC_LLC_F_NO_EYECATCHER	0x03		/* CONFIRM LINK; one bit is enough */
#define SMC_LLC_F_ADD_REJECT	0x40
#define SMC_LLC_F_DEL_ALL	0x40
#define SMC_LLC_F_DEL_ORDERLY	0x20
#define SMC_LLC_F_RKEY_NEGATIVE	0x20
#define SMC_LLC_F_RKEY_RETRY	0x10

#define SMC_LLC_REJECT_MASK	0x0f
#define SMC_LLC_REJECT_NO_PATH	1		/* ADD LINK: no alternate path */
#define SMC_LLC_REJECT_MTU	2		/* ADD LINK: invalid MTU */

#define SMC_LLC_DEL_LOST_PATH	0x00010000	/* DELETE LINK reasons */
#define SMC_LLC_DEL_OPERATOR	0x00020000
#define SMC_LLC_DEL_PROGRAM	0x00030000	/* inactivity */
#define SMC_LLC_DEL_PROTOCOL	0x00040000	/* LLC protocol violation */
#define SMC_LLC_DEL_ASYMMETRIC	0x00050000	/* asymmetric link no longer needed */
#define SMC_LLC_DEL_NO_LINK	0x00100000	/* response: unknown link */
#define SMC_LLC_DEL_NO_GROUP	0x00200000	/* response: unknown link group */

#define SMC_LLC_MAX_LINKS	8		/* RFC 7609: of one link group */
#define SMC_LLC_ADD_PAIRS	2		/* rkey pairs in one ADD LINK CONT. */
#define SMC_LLC_RKEY_OTHERS	2		/* links in a CONFIRM RKEY */
#define SMC_LLC_RKEY_CONTS	3		/* links in a CONFIRM RKEY CONT. */
#define SMC_LLC_DELETE_RKEYS	8		/* keys in a v1 DELETE RKEY */
#define SMC_LLC_REQ_GIDS	8		/* GIDs of a REQUEST ADD LINK we keep */
#define SMC_LLC_MAX_RTOKENS	255		/* RMBs of one link group */

struct smc_wire_llc_hdr {
	u8 type;
	u8 len;				/* v2: bytes 1 and 2, sender's byte order */
	u8 reason;			/* v1 ADD LINK: 0x0f reject reason */
	u8 flags;
} __packed;
static_assert(sizeof(struct smc_wire_llc_hdr) == 4);

struct smc_wire_confirm_link {
	struct smc_wire_llc_hdr hdr;
	u8 mac[SMC_MAC_LEN];
	u8 gid[SMC_GID_LEN];
	u8 qpn[3];
	u8 link_num;
	__be32 link_uid;
	u8 max_links;
	u8 max_conns;			/* v2 */
	u8 reserved[8];
} __packed;
static_assert(offsetof(struct smc_wire_confirm_link, gid) == 10);
static_assert(offsetof(struct smc_wire_confirm_link, qpn) == 26);
static_assert(offsetof(struct smc_wire_confirm_link, link_uid) == 30);
static_assert(offsetof(struct smc_wire_confirm_link, max_conns) == 35);
static_assert(sizeof(struct smc_wire_confirm_link) == SMC_LLC_LEN);

/* RFC 7609's figure lacks the two reserved bytes; every implementation has them. */
struct smc_wire_add_link {
	struct smc_wire_llc_hdr hdr;
	u8 mac[SMC_MAC_LEN];
	u8 reserved1[2];
	u8 gid[SMC_GID_LEN];
	u8 qpn[3];
	u8 link_num;
	u8 mtu;				/* 0x0f MTU code */
	u8 psn[3];
	u8 reserved2[8];
} __packed;
static_assert(offsetof(struct smc_wire_add_link, gid) == 12);
static_assert(offsetof(struct smc_wire_add_link, qpn) == 28);
static_assert(offsetof(struct smc_wire_add_link, mtu) == 32);
static_assert(offsetof(struct smc_wire_add_link, psn) == 33);
static_assert(sizeof(struct smc_wire_add_link) == SMC_LLC_LEN);

#define SMC_LLC_ADD_DIRECT	0x80

/* v2: follows struct smc_wire_add_link, then the rkey pairs */
struct smc_wire_add_link_v2 {
	u8 flags;
	u8 reserved1;
	u8 target_gid[SMC_GID_LEN];
	u8 reserved2[8];
	u8 n_pairs[2];			/* sender's byte order */
} __packed;
static_assert(offsetof(struct smc_wire_add_link_v2, n_pairs) == 26);
static_assert(sizeof(struct smc_wire_add_link_v2) == 28);

struct smc_wire_rkey_pair {
	__be32 ref_rkey;		/* on the link that the message uses */
	__be32 new_rkey;		/* on the new link */
	__be64 vaddr;
} __packed;
static_assert(sizeof(struct smc_wire_rkey_pair) == 16);

struct smc_wire_add_link_cont {
	struct smc_wire_llc_hdr hdr;
	u8 link_num;
	u8 n_left;
	u8 reserved1[2];
	struct smc_wire_rkey_pair pair[SMC_LLC_ADD_PAIRS];
	u8 reserved2[4];
} __packed;
static_assert(offsetof(struct smc_wire_add_link_cont, pair) == 8);
static_assert(sizeof(struct smc_wire_add_link_cont) == SMC_LLC_LEN);

struct smc_wire_delete_link {
	struct smc_wire_llc_hdr hdr;
	u8 link_num;
	__be32 reason;
	u8 reserved[35];
} __packed;
static_assert(offsetof(struct smc_wire_delete_link, reason) == 5);
static_assert(sizeof(struct smc_wire_delete_link) == SMC_LLC_LEN);

/* v2 only; GIDs follow, and zeros up to SMC_LLC_LEN */
struct smc_wire_req_add_link {
	struct smc_wire_llc_hdr hdr;
	u8 reserved1[20];
	u8 n_gids;
	u8 reserved2[3];
} __packed;
static_assert(offsetof(struct smc_wire_req_add_link, n_gids) == 24);
static_assert(sizeof(struct smc_wire_req_add_link) == 28);

struct smc_wire_link_rkey {
	u8 link_num;
	__be32 rkey;
	__be64 vaddr;
} __packed;
static_assert(sizeof(struct smc_wire_link_rkey) == 13);

struct smc_wire_confirm_rkey {
	struct smc_wire_llc_hdr hdr;
	u8 n_other;
	__be32 rkey;
	__be64 vaddr;
	struct smc_wire_link_rkey other[SMC_LLC_RKEY_OTHERS];
	u8 reserved;
} __packed;
static_assert(offsetof(struct smc_wire_confirm_rkey, vaddr) == 9);
static_assert(offsetof(struct smc_wire_confirm_rkey, other) == 17);
static_assert(sizeof(struct smc_wire_confirm_rkey) == SMC_LLC_LEN);

struct smc_wire_confirm_rkey_cont {
	struct smc_wire_llc_hdr hdr;
	u8 n_left;
	struct smc_wire_link_rkey other[SMC_LLC_RKEY_CONTS];
} __packed;
static_assert(sizeof(struct smc_wire_confirm_rkey_cont) == SMC_LLC_LEN);

/* The rkeys follow, and zeros up to SMC_LLC_LEN. */
struct smc_wire_delete_rkey {
	struct smc_wire_llc_hdr hdr;
	u8 count;
	u8 errors;			/* v1: mask, 0x80 first key; v2: number */
	u8 reserved[2];
} __packed;
static_assert(sizeof(struct smc_wire_delete_rkey) == 8);

struct smc_wire_rkey {
	__be32 rkey;
} __packed;
static_assert(sizeof(struct smc_wire_rkey) == 4);

#define SMC_LLC_TEST_DATA	16

struct smc_wire_test_link {
	struct smc_wire_llc_hdr hdr;
	u8 data[SMC_LLC_TEST_DATA];
	u8 reserved[24];
} __packed;
static_assert(sizeof(struct smc_wire_test_link) == SMC_LLC_LEN);

/* ------------------------------------------------------------------------
 * CDC: cursors and state of one connection (RFC 7609 appendix A.4)
 */
#define SMC_CDC_TYPE		0xfe
#define SMC_CDC_LEN		44

#define SMC_CDC_F_BLOCKED	0x80		/* producer flags: writer is blocked */
#define SMC_CDC_F_URG_PENDING	0x40		/* urgent data is coming */
#define SMC_CDC_F_URG_PRESENT	0x20		/* its last byte is the one before prod */
#define SMC_CDC_F_CONS_REQ	0x10		/* consumer cursor update wanted now */
#define SMC_CDC_F_FAILOVER	0x08		/* failover validation */

#define SMC_CDC_S_DONE		0x80		/* connection state: sending done */
#define SMC_CDC_S_CLOSED	0x40
#define SMC_CDC_S_ABORT		0x20

struct smc_wire_cursor {
	u8 reserved[2];
	__be16 wrap;
	__be32 count;
} __packed;
static_assert(sizeof(struct smc_wire_cursor) == 8);

struct smc_wire_cdc {
	u8 type;
	u8 len;
	__be16 seq;
	__be32 token;			/* of the receiver */
	struct smc_wire_cursor prod;
	struct smc_wire_cursor cons;
	u8 prod_flags;
	u8 conn_flags;
	u8 reserved[18];
} __packed;
static_assert(offsetof(struct smc_wire_cdc, prod) == 8);
static_assert(offsetof(struct smc_wire_cdc, cons) == 16);
static_assert(offsetof(struct smc_wire_cdc, prod_flags) == 24);
static_assert(sizeof(struct smc_wire_cdc) == SMC_CDC_LEN);

/*
 * SMC-D: the first 32 bytes of a DMB element, in host byte order. The two words
 * that begin at bytes 8 and 16 are each read and written atomically.
 */
struct smc_wire_smcd_cdc {
	u8 type;
	u8 reserved1[7];
	u16 prod_wrap;
	u32 prod_count;
	u8 reserved2[2];
	u16 cons_wrap;
	u32 cons_count;
	u8 prod_flags;
	u8 conn_flags;
	u8 reserved3[8];
} __packed;
static_assert(offsetof(struct smc_wire_smcd_cdc, prod_wrap) == 8);
static_assert(offsetof(struct smc_wire_smcd_cdc, cons_wrap) == 16);
static_assert(offsetof(struct smc_wire_smcd_cdc, prod_flags) == 22);
static_assert(sizeof(struct smc_wire_smcd_cdc) == 32);

#endif /* _SMC_WIRE_H */
