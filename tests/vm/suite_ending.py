# SPDX-License-Identifier: GPL-2.0
"""How connections end: storms of short ones, half-close, reset."""
from cases.traffic import idle, xfer
from tap import test

for end, n in (("client", 300), ("server", 300), ("reset-client", 200), ("reset-server", 200)):
    def storm(t, end=end, n=n):
        xfer(t, "-P 20 -e " + end, n=n, prog="smc_storm", timeout=80)
        idle(t)
    test(pairs="same", timeout=90, name="storm: a byte each way, %s ends" % end)(storm)

@test(pairs="mixed", timeout=90)
def storm_mixed(t):
    """storm: a byte each way, client ends"""
    xfer(t, "-P 20", n=150, prog="smc_storm", timeout=80)

@test(pairs="same", timeout=90)
def storm_empty(t):
    """storm: no byte at all, server ends"""
    xfer(t, "-P 20 -d 0 -e server", n=200, prog="smc_storm", timeout=80)
    idle(t)

@test(pairs="same", timeout=90)
def storm_ipv6(t):
    """storm: IPv6, client on the other machine"""
    xfer(t, "-P 20", n=200, prog="smc_storm", family="-6", client=t.b, timeout=80)
    idle(t)

@test(pairs="same", timeout=90)
def storm_fallback(t):
    """storm: plain TCP clients at an SMC listener"""
    xfer(t, "-P 20", n=300, prog="smc_storm", cmode="none", smode="tcp", timeout=80)
    idle(t)

for order in ("client", "server", "close", "kill"):
    def ending(t, order=order):
        xfer(t, "-N 128k -o " + order, n=8, timeout=50)
        idle(t)
    test(pairs="same", timeout=60, name="end of a stream: " + order)(ending)

for order in ("client", "server"):
    def blocking(t, order=order):
        xfer(t, "-N 128k --blocking -o " + order, n=4, timeout=50)
    test(pairs="same", timeout=60, name="end of a stream, blocking calls: " + order)(blocking)
