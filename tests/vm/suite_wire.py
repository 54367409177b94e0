# SPDX-License-Identifier: GPL-2.0
"""A handshake on the wire, decoded by tshark and compared field by field."""
import ipaddress, os, subprocess
import lab
from cases.traffic import A4, A6, B4, B6, fresh, idle, port
from tap import test

OPTION = "0101fe06e2d4c3d9"
FIELDS = """frame.number eth.src ip.src ipv6.src tcp.flags tcp.options tcp.checksum.status smc.clc_msg smc.llc_msg smc.length
smc.proposal.flags smc.proposal.sender.client.peer.id smc.proposal.client.preferred.gid
smc.proposal.client.preferred.mac smc.outgoing.interface.subnet.mask
smc.outgoing.interface.subnet.mask.number.of.significant.bits smc.proposal.ipv6.prefix.count
smc.proposal.ipv6.prefix.value smc.proposal.ipv6.prefix.length
smc.accept.flags smc.accept.sender.server.peer.id smc.accept.server.preferred.gid
smc.accept.server.preferred.mac smc.accept.server.qp.number smc.accept.server.rmb.rkey
smc.accept.server.tcp.conn.index smc.accept.server.rmb.element.alert.token smc.accept.rmb.buffer.size
smc.accept.qp.mtu.value smc.accept.server.rmb.virtual.address smc.accept.initial.psn
smc.confirm.flags smc.confirm.sender.client.peer.id smc.client.gid smc.confirm.client.mac
smc.confirm.client.qp.number smc.confirm.client.rmb.rkey smc.confirm.client.tcp.conn.index
smc.client.rmb.element.alert.token smc.confirm.rmb.buffer.size smc.confirm.qp.mtu.value
smc.client.rmb.virtual.address smc.initial.psn
smc.sender.gid smc.confirm.link.sender.mac smc.confirm.link.sender.qp.number smc.confirm.link.number
smc.confirm.link.sender.link.userid smc.confirm.link.max.links smc.confirm.link.flags smc.confirm.link.response
smc.rmbe.ctrl.seqno smc.rmbe.ctrl.alert.token smc.rmbe.ctrl.prod.wrap.seq smc.rmbe.ctrl.peer.prod.curs
smc.rmbe.ctrl.conn.rw.status.flags smc.rmbe.ctrl.peer.conn.state.flags smc.rmbe.ctrl.peer.sending.done
smc.rmbe.ctrl.peer.closed.conn
infiniband.bth.opcode infiniband.bth.destqp infiniband.bth.psn infiniband.reth.va infiniband.reth.r_key
infiniband.reth.dmalen udp.dstport _ws.malformed""".split()
BY_NAME = {f.replace(".", "_"): f for f in FIELDS}
PROPOSAL, ACCEPT, CONFIRM = 1, 2, 3
CONFIRM_LINK, CDC = 1, 0xfe
WRITES = {6, 8, 10, 11}           # RDMA WRITE first, last, only, only with immediate

def num(s):
    return int(s, 0)

class Frames:
    def __init__(self, pcap):
        # the ports of the tests belong to other protocols as well: ask the heuristics first
        out = subprocess.run(
            ["tshark", "-n", "-r", pcap, "-o", "tcp.check_checksum:TRUE", "-o", "tcp.try_heuristic_first:TRUE",
             "-T", "fields", "-E", "separator=|", "-E", "occurrence=f"] + [x for n in FIELDS for x in ("-e", n)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True,
            env=dict(os.environ, LC_ALL="C.UTF-8")).stdout
        self.all = [dict(zip(FIELDS, l.split("|"))) for l in out.splitlines()]
        for f in self.all:
            f["src"] = f["ip.src"] or f["ipv6.src"]
    def having(self, **want):
        """frames whose fields have these values (dots written as _)"""
        def fits(f):
            for k, v in want.items():
                s = f[BY_NAME[k]]
                if not s or (num(s) if isinstance(v, int) else s) != v:
                    return False
            return True
        return [f for f in self.all if fits(f)]

def one(t, frames, what):
    t.ok(len(frames) == 1, "%s: %d frames" % (what, len(frames)))
    return frames[0]

def capture(t, client_addr, server_addr, family):
    """the frames of a first contact from A to B, 4 bytes client to server and 1000 back, and both link layers"""
    fresh(t)
    t.a.sh("rm -f /tmp/w.pcap")
    p = port()
    cap = t.a.start("tcpdump -U -i eth0 -s 0 -w /tmp/w.pcap 'tcp port %d or udp port 4791'" % p)
    t.until(t.a, "test -s /tmp/w.pcap", 20)
    s = t.server(t.b, "smc_xfer -s %s -p %d -N 1000 -l 1000 -h 1000 -o client" % (family, p), p)
    t.passed(t.a.run("smc_xfer -c %s %s -p %d -N 1000 -l 1000 -h 1000 -o client" % (server_addr, family, p), 30))
    t.passed(s, 30)
    idle(t)
    # the end of the TCP connection is the last to come
    t.until(t.a, "tcpdump -nr /tmp/w.pcap 'tcp[13] & 1 != 0 or ip6[53] & 1 != 0' 2>/dev/null | grep .", 20)
    cap.stop()
    os.makedirs(os.path.join(lab.BUILD, "vm-logs"), exist_ok=True)
    pcap = os.path.join(lab.BUILD, "vm-logs", "wire-%s%s.pcap" % ("-".join(t.kernels), family))
    with open(pcap, "wb") as f:
        f.write(t.a.get("/tmp/w.pcap"))
    t.diag("capture: " + os.path.relpath(pcap, lab.TOP))
    return Frames(pcap)

def mac(vm):
    return vm.sh("cat /sys/class/net/eth0/address").strip()

def check(t, client, server, family):
    w = capture(t, client, server, family)
    t.ok(not [f for f in w.all if f["_ws.malformed"]], "malformed frames")

    # TCP: the option on SYN and SYN-ACK, nowhere else, checksums right
    for flags, who, src in ((0x02, "SYN", client), (0x12, "SYN-ACK", server)):
        f = one(t, [f for f in w.all if f["tcp.flags"] and num(f["tcp.flags"]) & 0x12 == flags and num(f["tcp.flags"]) & 2],
                who)
        t.eq(f["src"], src, who + ": sender")
        t.ok(OPTION in f["tcp.options"], "%s: options %s" % (who, f["tcp.options"]))
        t.eq(f["tcp.options"].count("fe06e2d4c3d9"), 1, who + ": options")
    t.eq([f["frame.number"] for f in w.all if "e2d4c3d9" in f["tcp.options"]
          and not num(f["tcp.flags"]) & 2], [], "option on other segments")
    t.ok(not w.having(tcp_checksum_status="Bad") and not w.having(tcp_checksum_status=0), "bad TCP checksums")

    # CLC
    pr = one(t, w.having(smc_clc_msg=PROPOSAL), "Proposal")
    ac = one(t, w.having(smc_clc_msg=ACCEPT), "Accept")
    co = one(t, w.having(smc_clc_msg=CONFIRM), "Confirm")
    t.eq((pr["src"], ac["src"], co["src"]), (client, server, client), "senders")
    n = 0
    if family == "-6":
        n = num(pr["smc.proposal.ipv6.prefix.count"])
        t.ok(1 <= n <= 8, "%d prefixes" % n)
        t.eq((pr["smc.proposal.ipv6.prefix.value"], num(pr["smc.proposal.ipv6.prefix.length"])), ("fd09::", 64), "prefix")
    else:
        t.eq((pr["smc.outgoing.interface.subnet.mask"],
              num(pr["smc.outgoing.interface.subnet.mask.number.of.significant.bits"])), ("10.9.0.0", 24), "subnet")
    t.ok(num(pr["smc.length"]) in (52 + 17 * n, 92 + 17 * n), "Proposal: length " + pr["smc.length"])
    t.eq((num(ac["smc.length"]), num(co["smc.length"])), (68, 68), "lengths of Accept and Confirm")
    flags = [num(x) for x in (pr["smc.proposal.flags"], ac["smc.accept.flags"], co["smc.confirm.flags"])]
    t.ok(flags[0] >> 4 in (1, 2), "Proposal: version %d" % (flags[0] >> 4))
    t.eq([x >> 4 for x in flags[1:]], [1, 1], "versions of Accept and Confirm")
    t.eq([x & 3 for x in flags], [0, 0, 0], "path: SMC-R")
    t.eq(flags[1] & 8, 8, "Accept: first contact")
    peer_c, peer_s = pr["smc.proposal.sender.client.peer.id"], ac["smc.accept.sender.server.peer.id"]
    t.eq(co["smc.confirm.sender.client.peer.id"], peer_c, "Confirm: peer id")
    t.ok(peer_c != peer_s, "the peers have the same id")
    for who, pid, vm in (("client", peer_c, t.a), ("server", peer_s, t.b)):
        t.eq("%012x" % (num(pid) & (1 << 48) - 1), mac(vm).replace(":", ""), who + ": MAC in the peer id")
    t.eq((pr["smc.proposal.client.preferred.mac"], ac["smc.accept.server.preferred.mac"],
          co["smc.confirm.client.mac"]), (mac(t.a), mac(t.b), mac(t.a)), "MAC addresses")
    t.eq(co["smc.client.gid"], pr["smc.proposal.client.preferred.gid"], "Confirm: GID")
    for gid, vm in ((co["smc.client.gid"], t.a), (ac["smc.accept.server.preferred.gid"], t.b)):
        gids = vm.sh("cat /sys/class/infiniband/rxe0/ports/1/gids/*").split()
        full = ipaddress.IPv6Address(gid).exploded
        t.ok(full in gids, "GID %s is not one of %s" % (full, vm.name))
    t.eq((num(ac["smc.accept.qp.mtu.value"]), num(co["smc.confirm.qp.mtu.value"])), (3, 3), "MTU codes")
    t.eq((num(ac["smc.accept.rmb.buffer.size"]), num(co["smc.confirm.rmb.buffer.size"])), (2, 2), "buffer size codes")
    a = dict(qpn=num(ac["smc.accept.server.qp.number"]), token=num(ac["smc.accept.server.rmb.element.alert.token"]),
             idx=num(ac["smc.accept.server.tcp.conn.index"]), rkey=num(ac["smc.accept.server.rmb.rkey"]),
             va=num(ac["smc.accept.server.rmb.virtual.address"]), psn=num(ac["smc.accept.initial.psn"]), size=65536)
    c = dict(qpn=num(co["smc.confirm.client.qp.number"]), token=num(co["smc.client.rmb.element.alert.token"]),
             idx=num(co["smc.confirm.client.tcp.conn.index"]), rkey=num(co["smc.confirm.client.rmb.rkey"]),
             va=num(co["smc.client.rmb.virtual.address"]), psn=num(co["smc.initial.psn"]), size=65536)
    t.ok(a["idx"] >= 1 and c["idx"] >= 1 and a["token"] and c["token"], "element index and alert token")

    # LLC: CONFIRM LINK, request of the server, response of the client
    links = w.having(smc_llc_msg=CONFIRM_LINK)
    t.eq([(f["eth.src"], f["smc.confirm.link.response"] in ("1", "True")) for f in links],
         [(mac(t.b), False), (mac(t.a), True)], "CONFIRM LINK messages")
    for f, me, gid, vm in ((links[0], a, ac["smc.accept.server.preferred.gid"], t.b), (links[1], c, co["smc.client.gid"], t.a)):
        t.eq((f["smc.sender.gid"], f["smc.confirm.link.sender.mac"], num(f["smc.confirm.link.sender.qp.number"])),
             (gid, mac(vm), me["qpn"]), "CONFIRM LINK: sender")
        t.ok(num(f["smc.confirm.link.sender.link.userid"]), "CONFIRM LINK: link user id")
        t.ok(num(f["smc.confirm.link.flags"]) & 3, "CONFIRM LINK: no-eyecatcher flags")
    number = num(links[0]["smc.confirm.link.number"])
    t.eq(num(links[1]["smc.confirm.link.number"]), number, "CONFIRM LINK: number")
    t.ok(1 <= number, "CONFIRM LINK: number")

    # RoCE: first packets carry the PSNs and queue pairs that were agreed upon
    for to, own, name, vm in ((a, c, "client", t.a), (c, a, "server", t.b)):
        sent = [f for f in w.having(eth_src=mac(vm)) if f["infiniband.bth.destqp"]]
        t.eq({num(f["infiniband.bth.destqp"]) for f in sent}, {to["qpn"]}, "queue pair that the %s sends to" % name)
        psn = [num(f["infiniband.bth.psn"]) for f in sent if num(f["infiniband.bth.opcode"]) < 0x11]
        t.eq(psn[0], own["psn"], "first PSN of the " + name)
        t.ok({f["udp.dstport"] for f in sent} == {"4791"}, "UDP port")
        # data go where the peer's element is
        writes = [f for f in sent if num(f["infiniband.bth.opcode"]) in WRITES and f["infiniband.reth.va"]]
        t.ok(writes, "no RDMA write of the %s" % name)
        base = to["va"] + (to["idx"] - 1) * to["size"]
        for f in writes:
            t.eq(num(f["infiniband.reth.r_key"]), to["rkey"], "rkey of a write of the " + name)
            va = num(f["infiniband.reth.va"])
            t.ok(base <= va and va + num(f["infiniband.reth.dmalen"]) <= base + to["size"],
                 "write of the %s at %#x, element at %#x" % (name, va, base))
        t.eq(num(writes[0]["infiniband.reth.va"]), base, "first write of the " + name)

        # CDC
        msgs = [f for f in w.having(smc_llc_msg=CDC) if f in sent]
        t.ok(msgs, "no CDC of the %s" % name)
        t.eq({num(f["smc.rmbe.ctrl.alert.token"]) for f in msgs}, {to["token"]}, "alert token in CDCs of the " + name)
        t.eq([num(f["smc.rmbe.ctrl.seqno"]) for f in msgs], list(range(1, len(msgs) + 1)), "CDC sequence of the " + name)
        cursors = [num(f["smc.rmbe.ctrl.peer.prod.curs"]) for f in msgs]
        t.eq(cursors, sorted(cursors), "producer cursors of the " + name)
        total = 1004 if name == "client" else 1000
        t.eq(cursors[-1], total, "last producer cursor of the " + name)
        t.ok({num(f["smc.rmbe.ctrl.prod.wrap.seq"]) for f in msgs} == {0}, "wraps")
        t.ok(not num(msgs[0]["smc.rmbe.ctrl.peer.conn.state.flags"]), "first CDC: state flags")
        t.ok(any(f["smc.rmbe.ctrl.peer.sending.done"] in ("1", "True") for f in msgs), "sending done of the " + name)
        t.ok(any(f["smc.rmbe.ctrl.peer.closed.conn"] in ("1", "True") for f in msgs), "connection closed of the " + name)

@test(pairs="same", timeout=90, boot="away")
def first_contact(t):
    """first contact over IPv4"""
    check(t, A4, B4, "")

@test(pairs=["7.3,7.3"], timeout=90, boot="away")
def first_contact6(t):
    """first contact over IPv6"""
    check(t, A6, B6, "-6")
