// SPDX-License-Identifier: GPL-2.0
/*
 * smc_optecho: a TCP server that echoes unknown options of the SYN in its
 * SYN-ACK, as some on the Internet do; otherwise it knows nothing of SMC.
 *
 *	smc_optecho -i IFACE -a ADDR -p PORT [-n CONNECTIONS]
 *
 * ADDR must be an IPv4 address that no machine has. The server answers ARP for
 * it and speaks just enough TCP for one connection at a time on a link that
 * loses nothing: whatever comes is sent back. Data that starts like a CLC
 * message gets "400 what?" and the end of the connection, as from a server
 * that expects a request of its own protocol.
 */
#define _GNU_SOURCE
#include "smctest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#define __FAVOR_BSD
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct {
	const char *iface, *ready;
	struct in_addr addr;
	uint16_t port;
	int conns;
} o = { .iface = "eth0", .port = 7007, .conns = 1 };

static int fd;
static uint8_t own_mac[6];

struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t rest[1600];
} __attribute__((packed));

static uint32_t sum16(const void *p, size_t len, uint32_t sum)
{
	const uint8_t *b = p;

	for (; len > 1; b += 2, len -= 2)
		sum += b[0] << 8 | b[1];
	if (len)
		sum += b[0] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static void answer_arp(uint8_t *p, size_t len)
{
	struct ether_header *eth = (void *)p;
	struct ether_arp *arp = (void *)(p + sizeof(*eth));

	if (len < sizeof(*eth) + sizeof(*arp) || arp->arp_op != htons(ARPOP_REQUEST) ||
	    memcmp(arp->arp_tpa, &o.addr, 4))
		return;
	arp->arp_op = htons(ARPOP_REPLY);
	memcpy(arp->arp_tha, arp->arp_sha, 6);
	memcpy(arp->arp_tpa, arp->arp_spa, 4);
	memcpy(arp->arp_sha, own_mac, 6);
	memcpy(arp->arp_spa, &o.addr, 4);
	memcpy(eth->ether_dhost, eth->ether_shost, 6);
	memcpy(eth->ether_shost, own_mac, 6);
	if (send(fd, p, sizeof(*eth) + sizeof(*arp), 0) < 0)
		st_die("send: %s", strerror(errno));
}

/* one segment back to where f came from */
static void reply(const struct frame *f, uint8_t flags, uint32_t seq, uint32_t ack,
		  const void *opts, size_t olen, const void *data, size_t dlen)
{
	static uint8_t out[2000];
	struct frame *r = (void *)out;
	size_t tlen = sizeof(r->tcp) + olen + dlen;
	uint32_t sum;

	memset(out, 0, sizeof(out));
	memcpy(r->eth.ether_dhost, f->eth.ether_shost, 6);
	memcpy(r->eth.ether_shost, own_mac, 6);
	r->eth.ether_type = htons(ETHERTYPE_IP);
	r->ip = (struct iphdr){
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
		.tot_len = htons(sizeof(r->ip) + tlen),
		.saddr = f->ip.daddr, .daddr = f->ip.saddr,
	};
	r->ip.check = fold(sum16(&r->ip, sizeof(r->ip), 0));
	r->tcp.th_sport = f->tcp.th_dport;
	r->tcp.th_dport = f->tcp.th_sport;
	r->tcp.th_seq = htonl(seq);
	r->tcp.th_ack = htonl(ack);
	r->tcp.th_off = (sizeof(r->tcp) + olen) / 4;
	r->tcp.th_flags = flags;
	r->tcp.th_win = htons(65000);
	memcpy(r->rest, opts, olen);
	memcpy(r->rest + olen, data, dlen);
	sum = sum16(&r->ip.saddr, 8, IPPROTO_TCP + tlen);
	r->tcp.th_sum = fold(sum16(&r->tcp, tlen, sum));
	if (send(fd, out, offsetof(struct frame, tcp) + tlen, 0) < 0)
		st_die("send: %s", strerror(errno));
}

/* the options of the SYN, all but timestamps and SACK, which need more than an echo */
static size_t echo_options(const uint8_t *in, size_t len, uint8_t *out)
{
	size_t i = 0, n = 0;

	while (i < len && in[i]) {
		size_t l = in[i] == 1 ? 1 : i + 1 < len ? in[i + 1] : 0;

		if (!l || i + l > len)
			break;
		if (in[i] != 8 && in[i] != 4) {
			memcpy(out + n, in + i, l);
			n += l;
		}
		i += l;
	}
	while (n % 4)
		out[n++] = 1;
	return n;
}

static const uint8_t eye_catcher[4] = { 0xe2, 0xd4, 0xc3, 0xd9 };

static void serve(void)
{
	static const char what[] = "400 what?\n";
	uint32_t seq = 0, expect = 0;
	uint16_t client = 0;
	bool open = false, first = true, closing = false;
	int served = 0;
	static uint8_t buf[2000];
	struct frame *f = (void *)buf;

	while (served < o.conns) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		size_t thl, dlen;
		uint8_t *data, flags;

		if (n < 0)
			st_die("recv: %s", strerror(errno));
		if (n >= 14 && f->eth.ether_type == htons(ETHERTYPE_ARP)) {
			answer_arp(buf, n);
			continue;
		}
		if (n < (ssize_t)offsetof(struct frame, rest) ||
		    f->eth.ether_type != htons(ETHERTYPE_IP) || f->ip.ihl != 5 ||
		    f->ip.protocol != IPPROTO_TCP || f->ip.daddr != o.addr.s_addr ||
		    f->tcp.th_dport != htons(o.port))
			continue;
		thl = f->tcp.th_off * 4;
		data = (uint8_t *)&f->tcp + thl;
		dlen = ntohs(f->ip.tot_len) - sizeof(f->ip) - thl;
		flags = f->tcp.th_flags;
		if (flags & TH_RST) {
			if (open && f->tcp.th_sport == client)
				open = false;
			continue;
		}
		if (flags & TH_SYN) {
			uint8_t opts[40];
			size_t olen = echo_options(f->rest, thl - sizeof(f->tcp), opts);

			client = f->tcp.th_sport;
			expect = ntohl(f->tcp.th_seq) + 1;
			seq = 1000;
			open = true;
			first = true;
			closing = false;
			reply(f, TH_SYN | TH_ACK, seq++, expect, opts, olen, NULL, 0);
			continue;
		}
		if (!open || f->tcp.th_sport != client || ntohl(f->tcp.th_seq) != expect)
			continue;
		if (dlen) {
			bool clc = first && dlen >= 4 && !memcmp(data, eye_catcher, 4);

			first = false;
			expect += dlen;
			if (clc) {
				reply(f, TH_ACK | TH_PUSH | TH_FIN, seq, expect, NULL, 0, what,
				      sizeof(what) - 1);
				seq += sizeof(what);
				closing = true;
			} else if (!closing) {
				reply(f, TH_ACK | TH_PUSH, seq, expect, NULL, 0, data, dlen);
				seq += dlen;
			} else {
				reply(f, TH_ACK, seq, expect, NULL, 0, NULL, 0);
			}
		}
		if (flags & TH_FIN) {
			expect++;
			reply(f, closing ? TH_ACK : TH_ACK | TH_FIN, seq, expect, NULL, 0, NULL, 0);
			open = false;
			served += !closing;
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct ifreq ifr = {};
	int c;

	while ((c = getopt(argc, argv, "i:a:p:n:r:")) != -1) {
		switch (c) {
		case 'i':
			o.iface = optarg;
			break;
		case 'a':
			if (inet_pton(AF_INET, optarg, &o.addr) != 1)
				st_die("bad address %s", optarg);
			break;
		case 'p':
			o.port = st_num(optarg, 1, 65535);
			break;
		case 'n':
			o.conns = st_num(optarg, 1, 1000);
			break;
		case 'r':
			o.ready = optarg;
			break;
		default:
			return 2;
		}
	}
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", o.iface);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr))
		st_die("%s: %s", o.iface, strerror(errno));
	memcpy(own_mac, ifr.ifr_hwaddr.sa_data, 6);
	ll.sll_ifindex = if_nametoindex(o.iface);
	if (bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		st_die("bind: %s", strerror(errno));
	st_ready(o.ready, "listening\n");
	serve();
	return 0;
}
