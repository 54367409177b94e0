# SPDX-License-Identifier: GPL-2.0
"""Both carriers of the SYN option, ours (own) and the TCP core's, in both roles."""
from cases.traffic import NO_PEER_SMC, xfer
from suite_fallback import SYN, SYNACK, strip, sysctl
from tap import test

MATRIX = [("6.1,6.1", "a"), ("6.1,6.1", "b"), ("6.1,6.1", "ab"), ("6.12,6.12", "a"), ("6.12,6.12", "ab")]

def streams(t):
    for client in (t.a, t.b):
        for family in ("", "-6", "--mapped"):
            xfer(t, "-N 32k", n=3, client=client, family=family)

def storm(t):
    for client in (t.a, t.b):
        xfer(t, "-P 50", n=200, client=client, prog="smc_storm", timeout=80)

def plain(t):
    for client in (t.a, t.b):
        for family in ("", "-6"):
            xfer(t, "-N 16k", n=2, client=client, family=family, cmode="none", smode="tcp", sreason=NO_PEER_SMC)
            xfer(t, "-N 16k", n=2, client=client, family=family, cmode="tcp", smode="none", creason=NO_PEER_SMC)

def cookies(t):
    for vm in (t.a, t.b):
        sysctl(t, vm, "net.ipv4.tcp_syncookies", 2)
    for client in (t.a, t.b):
        xfer(t, "-N 16k", n=4, client=client, mode="tcp", creason=NO_PEER_SMC, sreason=NO_PEER_SMC)

def strip_syn(t):
    for vm in (t.a, t.b):
        strip(t, vm, SYN)
    for client in (t.a, t.b):
        xfer(t, "-N 16k", n=2, client=client, mode="tcp", creason=NO_PEER_SMC, sreason=NO_PEER_SMC)

def strip_synack(t):
    for vm in (t.a, t.b):
        strip(t, vm, SYNACK)
    for client in (t.a, t.b):
        xfer(t, "-N 16k", n=2, client=client, mode="tcp", creason=NO_PEER_SMC)

def loss(t):
    rule = "INPUT -p tcp --tcp-flags SYN SYN -m statistic --mode random --probability 0.2 -j DROP"
    for vm in (t.a, t.b):
        vm.sh("iptables -w -A " + rule)
        t.cleanup(lambda vm=vm: vm.sh("iptables -w -D " + rule))
    xfer(t, "-P 30", n=30, prog="smc_storm", timeout=100)
    for vm, what in ((t.a, "SYN-ACK"), (t.b, "SYN")):
        out = vm.sh("iptables -w -nvxL INPUT | grep statistic")
        t.ok(int(out.split()[0]) > 0, "no %s was lost" % what)

NAMES = {
    streams: "streams over SMC-R: IPv4, IPv6, v4-mapped, both roles",
    storm: "storms over SMC-R, both roles",
    plain: "plain TCP peers, both roles",
    cookies: "SYN cookies, both roles",
    strip_syn: "option stripped from the SYN, both roles",
    strip_synack: "option stripped from the SYN-ACK, both roles",
    loss: "lost SYNs and SYN-ACKs: SMC-R all the same",
}

for fn, name in NAMES.items():
    test(pairs=["7.3,7.3"], timeout=150, name=name)(fn)
    for pair, own in MATRIX:
        if fn is not loss or own == "ab":
            test(pairs=pair, own=own, timeout=150, name=name)(fn)
# core at one end, ours at the other, without a build switch
for fn in (streams, plain, cookies):
    test(pairs=["6.1,7.3", "6.12,7.3"], timeout=150, name=NAMES[fn])(fn)
