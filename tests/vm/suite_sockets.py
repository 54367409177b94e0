# SPDX-License-Identifier: GPL-2.0
"""The socket calls, one by one; the same checks on TCP tell what is right."""
from cases.traffic import A4, B4, A6, B6
from tap import test

NOBODY4, NOBODY6 = "10.9.0.99", "fd09::99"     # on the link, but no machine has it

def calls(t, args="", peer="", v6=False, client=None, timeout=110):
    client = client or t.a
    server = t.b if client is t.a else t.a
    a, b = (A4, B4) if client is t.a else (B4, A4)
    own, host = a, b
    if v6:
        own, host = (A6, B6) if client is t.a else (B6, A6)
    t.server(server, "smc_sock --peer -p 6000 " + peer, 6000)
    t.tap(client.run("smc_sock -c %s -a %s -C %s -p 6000 -b %s %s" % (host, own, b, NOBODY6 if v6 else NOBODY4, args),
                     timeout), timeout)

@test(pairs="one", timeout=120)
def tcp(t):
    """TCP itself passes the checks"""
    calls(t, "--tcp")

@test(pairs="same", timeout=120)
def smcr(t):
    """socket calls over SMC-R, IPv4"""
    calls(t, "-e smcr")

@test(pairs="mixed", timeout=120)
def smcr_mixed(t):
    """socket calls over SMC-R, IPv4"""
    calls(t, "-e smcr")

@test(pairs=["7.3,7.3"], timeout=120)
def smcr6(t):
    """socket calls over SMC-R, IPv6"""
    calls(t, "-6 -e smcr", v6=True)

@test(pairs=["6.1,6.1"], timeout=120)
def mapped(t):
    """socket calls over SMC-R, v4-mapped"""
    calls(t, "--mapped -e smcr")

@test(pairs="same", timeout=120)
def loopback(t):
    """socket calls over the loopback device: fall-back"""
    t.tap(t.a.run("smc_sock -e tcp", 110))

@test(pairs=["6.12,6.12"], timeout=120)
def loopback6(t):
    """socket calls over the loopback device: fall-back, IPv6"""
    t.tap(t.a.run("smc_sock -6 -e tcp", 110))
