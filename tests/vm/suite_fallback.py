# SPDX-License-Identifier: GPL-2.0
"""Whenever SMC cannot be had, there is a working TCP connection and a reason."""
from cases.traffic import A4, B4, NO_DEVICE, NO_PEER_SMC, PEER_DECLINED, port, xfer
from tap import test

CARRIERS = ["6.1,6.1", "7.3,7.3"]     # one kernel with each way to carry the option
SYN, SYNACK = "--tcp-flags SYN,ACK SYN", "--tcp-flags SYN,ACK SYN,ACK"

def sysctl(t, vm, key, value):
    old = vm.sh("sysctl -n " + key).strip()
    vm.sh("sysctl -qw %s='%s'" % (key, value))
    t.cleanup(lambda: vm.sh("sysctl -qw %s='%s'" % (key, old)))

def strip(t, vm, flags):
    """a middlebox on the way to vm: takes the SMC option out of these segments"""
    rule = "PREROUTING -p tcp %s -j TCPOPTSTRIP --strip-options 254" % flags
    vm.sh("iptables -w -t mangle -A " + rule)
    t.cleanup(lambda: vm.sh("iptables -w -t mangle -D " + rule))

def stripped(t, vm, flags):
    """the middlebox has seen something"""
    out = vm.sh("iptables -w -t mangle -nvxL PREROUTING | grep TCPOPTSTRIP")
    t.ok(int(out.split()[0]) > 0, "the middlebox saw no segment: " + out)

def tcp_counter(vm, name):
    names, values = vm.sh("grep ^TcpExt: /proc/net/netstat").splitlines()
    return int(values.split()[names.split().index(name)])

@test(pairs="all", timeout=60)
def strip_syn(t):
    """the option is stripped from the SYN"""
    strip(t, t.b, SYN)
    xfer(t, "-N 128k", n=4, mode="tcp", creason=NO_PEER_SMC, sreason=NO_PEER_SMC)
    stripped(t, t.b, SYN)

@test(pairs="all", timeout=90)
def strip_synack(t):
    """the option is stripped from the SYN-ACK; the client speaks first"""
    strip(t, t.a, SYNACK)
    xfer(t, "-N 128k", n=4, mode="tcp", creason=NO_PEER_SMC)
    stripped(t, t.a, SYNACK)

@test(pairs=CARRIERS, timeout=90)
def strip_synack_v6(t):
    """the option is stripped from the SYN-ACK, IPv6; the client speaks first"""
    rule = "PREROUTING -p tcp %s -j TCPOPTSTRIP --strip-options 254" % SYNACK
    t.a.sh("ip6tables -w -t mangle -A " + rule)
    t.cleanup(lambda: t.a.sh("ip6tables -w -t mangle -D " + rule))
    xfer(t, "-N 64k", mode="tcp", creason=NO_PEER_SMC, family="-6")

@test(pairs="same", timeout=90)
def strip_synack_server_first(t):
    """the option is stripped from the SYN-ACK; the server acts first"""
    strip(t, t.a, SYNACK)
    xfer(t, "-P 1 -d 0 -e server", prog="smc_storm", mode="tcp", creason=NO_PEER_SMC)

@test(pairs="same", timeout=60)
def plain_server_many(t):
    """SMC clients, plain TCP server: 16 connections"""
    xfer(t, "-N 64k", n=16, cmode="tcp", smode="none", creason=NO_PEER_SMC)

@test(pairs="same", timeout=60)
def plain_client_many(t):
    """plain TCP clients, SMC server: 16 connections, IPv6"""
    xfer(t, "-N 64k", n=16, cmode="none", smode="tcp", sreason=NO_PEER_SMC, family="-6")

@test(pairs=CARRIERS, timeout=60)
def plain_v4_client(t):
    """plain IPv4 client, SMC listener of IPv6"""
    xfer(t, "-N 64k", cmode="none", smode="tcp", sreason=NO_PEER_SMC, sargs="-6", cargs="-4")

@test(pairs=CARRIERS, timeout=60)
def v4_client(t):
    """SMC client of IPv4, SMC listener of IPv6: SMC-R"""
    xfer(t, "-N 64k", sargs="-6", cargs="-4")

@test(pairs="same", timeout=60)
def blocking(t):
    """blocking calls on connections that fell back"""
    xfer(t, "-N 256k --blocking", n=4, cmode="tcp", smode="none", creason=NO_PEER_SMC)

@test(pairs="all", timeout=60)
def cookies(t):
    """SYN cookies: no option in the SYN-ACK, plain on both sides"""
    sysctl(t, t.b, "net.ipv4.tcp_syncookies", 2)
    xfer(t, "-N 64k", n=8, mode="tcp", creason=NO_PEER_SMC, sreason=NO_PEER_SMC)
    xfer(t, "-N 64k", n=2, mode="tcp", creason=NO_PEER_SMC, sreason=NO_PEER_SMC, family="-6")

@test(pairs=CARRIERS, timeout=60)
def option_echo(t):
    """a server that echoes unknown options: the connection works"""
    p = port()
    t.b.sh("rm -f /tmp/echo; mknod /tmp/echo p")
    s = t.b.start("smc_optecho -i eth0 -a 10.9.0.77 -p %d -r /tmp/echo" % p)
    t.b.sh("timeout 20 head -n 1 /tmp/echo", 30)
    r = t.passed(t.a.run("smc_storm -c 10.9.0.77 -p %d -n 1 -P 1 -t 40" % p, 50))
    t.eq(r.json()["modes"], {"tcp": 1}, "mode")
    t.passed(s, 20)

@test(pairs="same", timeout=60)
def fast_open_client(t):
    """a TCP Fast Open client (data in the SYN) of an SMC listener"""
    sysctl(t, t.a, "net.ipv4.tcp_fastopen", 0x5)      # client; data without a cookie
    sysctl(t, t.b, "net.ipv4.tcp_fastopen", 0x602)    # server; every listener, no cookie needed
    before = tcp_counter(t.b, "TCPFastOpenPassive")
    xfer(t, "-N 64k", n=4, cmode="none", smode="tcp", cargs="--tfo", sreason=NO_PEER_SMC)
    t.eq(tcp_counter(t.b, "TCPFastOpenPassive") - before, 4, "connections with data in the SYN")
    xfer(t, "-N 64k", n=2)                            # and SMC goes on

@test(pairs=CARRIERS, timeout=60)
def beside(t):
    """plain TCP with MD5 signatures and with Fast Open beside an SMC listener"""
    t.server(t.a, "smc_xfer -s -6 -p 9150 -t 50", 9150)
    t.server(t.b, "smc_xfer -s -6 -p 9150 -t 50", 9150)
    xfer(t, "-N 64k", n=2, cargs="--md5 " + B4, sargs="--md5 " + A4, mode="none")
    for vm in (t.a, t.b):
        sysctl(t, vm, "net.ipv4.tcp_fastopen", 3)
    before = tcp_counter(t.b, "TCPFastOpenPassive")
    for family in ("", "", "-6"):                     # the first asks for a cookie, the second uses it
        xfer(t, "-N 4k --tfo", mode="none", family=family)
    t.ok(tcp_counter(t.b, "TCPFastOpenPassive") > before, "no data in a SYN was accepted")

@test(pairs=CARRIERS, timeout=60)
def nat(t):
    """NAT: another port, another address"""
    p = port()
    t.b.sh("nft add table ip smctest; "
           "nft 'add chain ip smctest pre { type nat hook prerouting priority -100; }'; "
           "nft add rule ip smctest pre tcp dport 30000-30999 redirect to :%d; "
           "nft add rule ip smctest pre ip daddr 10.44.0.1 dnat to %s" % (p + 1, B4))
    t.cleanup(lambda: t.b.sh("nft delete table ip smctest"))
    t.a.sh("ip route add 10.44.0.1 via " + B4)
    t.cleanup(lambda: t.a.sh("ip route del 10.44.0.1"))
    xfer(t, "-N 64k", cargs="-p 30001")
    xfer(t, "-N 64k", host="10.44.0.1")

@test(pairs=CARRIERS, timeout=90)
def tunnel(t):
    """a tunnel on the way (no RDMA device there)"""
    for vm, own, local, remote in ((t.a, "10.8.0.1", A4, B4), (t.b, "10.8.0.2", B4, A4)):
        vm.sh("ip tunnel add smctun mode ipip local %s remote %s && ip addr add %s/24 dev smctun && "
              "ip link set smctun up" % (local, remote, own))
        t.cleanup(lambda vm=vm: vm.sh("ip tunnel del smctun"))
    xfer(t, "-N 64k", n=2, host="10.8.0.2", mode="tcp", creason=NO_DEVICE,
         sreason=PEER_DECLINED + "/" + NO_DEVICE)

@test(pairs=CARRIERS, timeout=90)
def vrf(t):
    """a VLAN in a VRF: the connection works, however it is carried"""
    for vm, n in ((t.a, 1), (t.b, 2)):
        vm.sh("ip link add vrf9 type vrf table 99 && ip link set vrf9 up && "
              "ip link add link eth0 name eth0.9 type vlan id 9 && ip link set eth0.9 master vrf9 up && "
              "ip addr add 10.7.0.%d/24 dev eth0.9" % n)
        t.cleanup(lambda vm=vm: vm.sh("ip link del eth0.9; ip link del vrf9"))
    c, s = xfer(t, "-N 64k --dev vrf9", n=2, host="10.7.0.2", mode="any")
    t.eq(c["modes"], s["modes"], "both sides agree")

@test(pairs=CARRIERS, timeout=90)
def vlan(t):
    """a VLAN: the connection works, both sides agree how"""
    for vm, n in ((t.a, 1), (t.b, 2)):
        vm.sh("ip link add link eth0 name eth0.8 type vlan id 8 && ip link set eth0.8 up && "
              "ip addr add 10.6.0.%d/24 dev eth0.8" % n)
        t.cleanup(lambda vm=vm: vm.sh("ip link del eth0.8"))
    c, s = xfer(t, "-N 64k", n=2, host="10.6.0.2", mode="any")
    t.eq(c["modes"], s["modes"], "both sides agree")

@test(pairs=CARRIERS, timeout=60)
def namespace(t):
    """another network namespace, without RDMA device; then it goes away"""
    vm = t.a
    vm.sh("ip netns add smcns && ip link add smcv0 type veth peer name smcv1 netns smcns && "
          "ip addr add 10.5.0.1/24 dev smcv0 && ip link set smcv0 up && "
          "ip -n smcns addr add 10.5.0.2/24 dev smcv1 && ip -n smcns link set smcv1 up")
    t.cleanup(lambda: vm.run("ip netns del smcns 2>/dev/null; ip link del smcv0 2>/dev/null"))
    p = port()
    vm.sh("rm -f /tmp/ns; mknod /tmp/ns p")
    s = vm.start("ip netns exec smcns smc_xfer -s -N 64k -p %d -t 20 --ready /tmp/ns" % p)
    vm.sh("timeout 20 head -n 1 /tmp/ns", 30)
    c = t.passed(vm.run("smc_xfer -c 10.5.0.2 -N 64k -p %d -t 20" % p, 30)).json()
    j = t.passed(s, 30).json()
    t.eq((c["modes"], c["reasons"]), ({"tcp": 1}, {NO_DEVICE: 1}), "client")
    t.eq((j["modes"], j["reasons"]), ({"tcp": 1}, {PEER_DECLINED + "/" + NO_DEVICE: 1}), "server")
    vm.sh("ip netns del smcns")
    t.until(vm, "! ip link show smcv0 2>/dev/null", 20)

@test(pairs="same", timeout=60)
def no_hooks(t):
    """other traffic is untouched: plain TCP beside SMC listeners has no option"""
    t.server(t.b, "smc_xfer -s -p 9100 -t 50", 9100)
    t.a.sh("rm -f /tmp/o.pcap")
    cap = t.a.start("tcpdump -U -i eth0 -w /tmp/o.pcap tcp")
    t.until(t.a, "test -s /tmp/o.pcap", 20)
    xfer(t, "-N 4k", mode="none", n=2)
    t.until(t.a, "tcpdump -nr /tmp/o.pcap 2>/dev/null | grep 'Flags .F'", 20)
    cap.stop()
    out = t.a.sh("tcpdump -nr /tmp/o.pcap -x 'tcp[13] & 2 != 0' 2>/dev/null")
    t.ok("Flags [S]" in out and "Flags [S.]" in out, "no handshake captured: " + out)
    t.ok("fe06e2d4c3d9" not in "".join(w for l in out.splitlines() if l.startswith("\t0x")
                                       for w in l.split()[1:]), "an option in foreign traffic:\n" + out)
