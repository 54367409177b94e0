# SPDX-License-Identifier: GPL-2.0
"""One connection of each kind: is the module alive?"""
from cases.traffic import NO_PEER_SMC, xfer
from tap import test

@test(pairs="all", timeout=60, quick=True)
def ipv4(t):
    """IPv4 stream over SMC-R, both directions at once"""
    xfer(t, "-N 1m")

@test(pairs="all", timeout=60, quick=True)
def ipv6(t):
    """IPv6 stream over SMC-R, both directions at once"""
    xfer(t, "-N 1m", family="-6")

@test(pairs="same", timeout=60, quick=True)
def mapped(t):
    """v4-mapped client and IPv6 listener over SMC-R"""
    xfer(t, "-N 256k", family="--mapped")

@test(pairs="all", timeout=60, quick=True)
def other_way(t):
    """the other machine is the client"""
    xfer(t, "-N 256k", client=t.b)

@test(pairs="all", timeout=60, quick=True)
def plain_server(t):
    """SMC client, plain TCP server: falls back, peer has no SMC"""
    xfer(t, "-N 256k", cmode="tcp", creason=NO_PEER_SMC, smode="none")

@test(pairs="all", timeout=60, quick=True)
def plain_client(t):
    """plain TCP client, SMC server: falls back, peer has no SMC"""
    xfer(t, "-N 256k", cmode="none", smode="tcp", sreason=NO_PEER_SMC)

@test(pairs="one", timeout=90, quick=True)
def run_tool(t):
    """an unmodified program under smc_run, seen by smcss"""
    s = t.server(t.b, "smc_run iperf3 -s -1 -p 5201", 5201)
    out = t.b.sh("smcss -l")
    t.ok(any(l.startswith("LISTEN ") and ":5201" in l for l in out.splitlines()), "smcss -l: " + out)
    c = t.a.start("smc_run iperf3 -c 10.9.0.2 -p 5201 -t 3")
    out = t.until(t.a, "smcss | grep 'ACTIVE.*10.9.0.2:5201 .* SMCR'", 20)
    t.eq({len(l.split()) for l in out.splitlines()}, {7}, "columns of smcss: " + out)
    t.passed(c, 60)
    t.passed(s, 20)
