# SPDX-License-Identifier: GPL-2.0
"""Streams: every byte compared, in many shapes."""
from cases.traffic import fresh, held, idle, link_groups, xfer
from tap import test

CONF = [
    # name, pairs, arguments, connections, timeout
    ("16 connections", "all", "-N 256k --max 256k", 16, 90),
    ("single bytes", "same", "-N 3000 --max 1", 1, 60),
    ("chunks of 1 to 64 bytes, 16 connections", "same", "-N 8k --max 64", 16, 90),
    ("chunks up to 1 MB", "same", "-N 4m --min 64k --max 1m", 1, 90),
    ("smallest buffers, chunks up to 1 MB", "same", "-N 1m --max 1m --sndbuf 8k --rcvbuf 8k", 1, 90),
    ("16 KB buffers, 16 connections", "same", "-N 256k --sndbuf 16k --rcvbuf 16k", 16, 90),
    ("1 MB buffers", "same", "-N 4m --max 1m --sndbuf 1m --rcvbuf 1m", 1, 90),
    ("blocking calls, two threads on each of 4 connections", "all", "-N 512k --blocking", 4, 90),
    ("blocking calls, writes of up to 1 MB, 16 KB buffers", "same",
     "-N 2m --min 512k --max 1m --blocking --sndbuf 16k --rcvbuf 16k", 1, 90),
]

for name, pairs, args, n, timeout in CONF:
    def stream(t, args=args, n=n, timeout=timeout):
        xfer(t, args, n=n, timeout=timeout - 10)
    test(pairs=pairs, timeout=timeout, name="stream: " + name)(stream)

@test(pairs="same", timeout=60)
def unequal(t):
    """stream: unequal buffers, 16 KB at one side and 512 KB at the other"""
    xfer(t, "-N 1m --max 256k", cargs="--sndbuf 8k --rcvbuf 8k", sargs="--sndbuf 256k --rcvbuf 256k", timeout=50)

@test(pairs="same", timeout=60)
def ipv6_many(t):
    """stream: IPv6, 16 connections"""
    xfer(t, "-N 64k", n=16, family="-6", timeout=50)

@test(pairs="same", timeout=60)
def mapped_many(t):
    """stream: v4-mapped, 16 connections, client on the other machine"""
    xfer(t, "-N 64k", n=16, family="--mapped", client=t.b, timeout=50)

@test(pairs="same", timeout=180)
def many(t):
    """300 connections from one process: all SMC-R, in two link groups"""
    fresh(t)
    c, s, _ = held(t, "-N 32k --sndbuf 16k --rcvbuf 16k", n=300, timeout=120)
    groups = [link_groups(vm) for vm in (t.a, t.b)]
    for j in (c, s):
        j.kill()
    for j in (c, s):
        r = t.passed(j, 60)
        t.eq((r.json()["ok"], r.json()["modes"]), (300, {"smcr": 300}), "connections")
    t.eq(groups, [2, 2], "link groups")

@test(pairs="same", timeout=90)
def reuse(t):
    """a further connection joins the link group that is there"""
    idle(t)
    c, s, _ = held(t, "-N 4k")
    groups = link_groups(t.a), link_groups(t.b)
    c2, s2, _ = held(t, "-N 4k")
    t.eq((link_groups(t.a), link_groups(t.b)), groups, "link groups")
    for j in (c, s, c2, s2):
        j.kill()
    for j in (c, s, c2, s2):
        t.passed(j, 30)
