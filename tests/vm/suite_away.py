# SPDX-License-Identifier: GPL-2.0
"""Things that go away in mid-transfer: devices, processes, machines, the module."""
import os
import subprocess

from cases.traffic import B4, NO_DEVICE, OUT_OF_SYNC, PEER_DECLINED, address, held, idle, port, unload, xfer
from tap import test

HERE = os.path.dirname(os.path.abspath(__file__))

# how a connection may end whose peer or link went away
BROKEN = {"ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "ENETDOWN", "early-eof"}

def del_rxe(t, vm):
    vm.sh("rdma link del rxe0")
    t.cleanup(lambda: add_rxe(t, vm))

def add_rxe(t, vm):
    vm.sh("rdma link show rxe0/1 >/dev/null 2>&1 || rdma link add rxe0 type rxe netdev eth0")
    t.until(vm, "rdma link show rxe0/1 | grep 'state ACTIVE'", 20)

def recovered(t):
    """
    SMC-R works again. A side that has not noticed yet offers the link group that is gone; the other declines
    that one connection as out of sync (0x04000000), not the next.
    """
    c, s = xfer(t, "-N 64k", mode="any")
    t.eq(c["modes"], s["modes"], "both sides agree")
    t.ok(set(c["reasons"]) <= {OUT_OF_SYNC, PEER_DECLINED + "/" + OUT_OF_SYNC}, "reasons %s" % c["reasons"])
    xfer(t, "-N 64k", n=4)

def moving(t, args="", n=2, client=None, timeout=50):
    """connections with much to send, caught in the middle: (client Job, server Job, port)"""
    client = client or t.a
    server, p = (t.b if client is t.a else t.a), port()
    common = "-N 2048m -n %d -p %d -t %d %s" % (n, p, timeout, args)
    s = t.server(server, "smc_xfer -s " + common, p)
    c = client.start("smc_xfer -c %s %s" % (address(t, server), common))
    for vm in (client, server):
        t.until(vm, "smc_diag -p %d -s ACTIVE | grep -c '\"mode\":\"smcr\".*\"rx_prod\":.[0-9]*,[1-9]' | grep -qx %d"
                % (p, n), 30)
    return c, s, p

def broken(t, who, job, n, timeout=30, allowed=BROKEN):
    """the program saw its connections break, and every byte until then was right"""
    r = t.gone(job, timeout)
    j = r.json()
    t.ok(set(j["ends"]) <= allowed and j["ok"] == 0 and j["modes"] == {"smcr": n}, "%s: %s" % (who, r.out))

@test(timeout=60, boot="away")
def no_device_client(t):
    """no RDMA device at the client: falls back, back to SMC-R with it"""
    del_rxe(t, t.a)
    xfer(t, "-N 64k", n=4, mode="tcp", creason=NO_DEVICE, sreason=PEER_DECLINED + "/" + NO_DEVICE)
    xfer(t, "-N 64k", n=2, mode="tcp", creason=NO_DEVICE, sreason=PEER_DECLINED + "/" + NO_DEVICE, family="-6")
    add_rxe(t, t.a)
    xfer(t, "-N 64k")

@test(timeout=60, boot="away")
def no_device_server(t):
    """no RDMA device at the server: falls back, back to SMC-R with it"""
    del_rxe(t, t.b)
    xfer(t, "-N 64k", n=4, mode="tcp", creason=PEER_DECLINED + "/" + NO_DEVICE, sreason=NO_DEVICE)
    add_rxe(t, t.b)
    xfer(t, "-N 64k")

@test(timeout=60, boot="away")
def no_device_storm(t):
    """no RDMA device at the client: a storm of connections, each is declined"""
    del_rxe(t, t.a)
    xfer(t, "-P 10", n=100, prog="smc_storm", mode="tcp", creason=NO_DEVICE)
    idle(t)

@test(pairs="same", timeout=90, boot="away")
def client_killed(t):
    """the client process is killed in mid-transfer"""
    c, s, _ = moving(t)
    c.kill(9)
    t.gone(c)
    broken(t, "server", s, 2)
    idle(t)
    xfer(t, "-N 64k")

@test(pairs="same", timeout=90, boot="away")
def server_killed(t):
    """the server process is killed in mid-transfer, blocking calls"""
    c, s, _ = moving(t, "--blocking")
    s.kill(9)
    t.gone(s)
    broken(t, "client", c, 2)
    idle(t)
    xfer(t, "-N 64k")

@test(pairs="same", timeout=90, boot="away")
def killed_storm(t):
    """client processes that kill themselves, with connections open"""
    p = port()
    s = t.server(t.b, "smc_storm -s -n 100 -e kill -p %d -t 60" % p, p)
    t.passed(t.a.run("smc_storm -c %s -n 100 -P 20 -e kill -p %d -t 60" % (B4, p), 70))
    j = t.passed(s, 30).json()
    t.eq((j["ends"], j["modes"]), ({"eof": 100}, {"smcr": 100}), "server")
    idle(t)

@test(pairs="same", timeout=120, boot="away")
def device_removed_client(t):
    """the client's RDMA device is removed in mid-transfer"""
    c, s, _ = moving(t)
    del_rxe(t, t.a)
    broken(t, "client", c, 2, 40)
    broken(t, "server", s, 2, 40)
    add_rxe(t, t.a)
    recovered(t)

@test(pairs="same", timeout=120, boot="away")
def device_removed_server(t):
    """the server's RDMA device is removed in mid-transfer, blocking calls"""
    c, s, _ = moving(t, "--blocking")
    del_rxe(t, t.b)
    broken(t, "server", s, 2, 40)
    broken(t, "client", c, 2, 40)
    add_rxe(t, t.b)
    recovered(t)

@test(pairs="same", timeout=120, boot="away")
def device_removed_idle(t):
    """an RDMA device is removed under idle connections"""
    c, s, p = held(t, "-N 4k", n=20)
    del_rxe(t, t.b)
    t.until(t.b, "! rdma link show rxe0/1 2>/dev/null", 20)
    for vm in (t.a, t.b):
        t.until(vm, "! smc_diag -p %d -s ACTIVE | grep -q smcr" % p, 40)
    for j in (c, s):
        j.kill()
        t.gone(j)
    add_rxe(t, t.b)
    recovered(t)

@test(pairs="same", timeout=120, boot="away")
def module_in_use(t):
    """the module cannot be removed while in use; the connection does not notice"""
    c, s, _ = held(t, "-N 4k")
    for vm in (t.a, t.b):
        t.ok(vm.run("rmmod smc").rc != 0, "rmmod went through")
        t.ok(vm.run("rmmod smc_diag; rmmod smc").rc != 0, "rmmod went through without smc_diag")
        vm.sh("modprobe smc_diag")
    for j in (c, s):
        j.kill()
    for j in (c, s):
        t.eq(t.passed(j, 30).json()["modes"], {"smcr": 1}, "mode")
    s = t.server(t.b, "smc_xfer -s -p 9300 -t 60", 9300)
    t.ok(t.b.run("rmmod smc_diag; rmmod smc").rc != 0, "rmmod went through under a listener")
    t.b.sh("modprobe smc_diag")

@test(pairs="same", timeout=180, boot="away")
def module_cycles(t):
    """idle, the module goes with its link groups, and comes back, three times"""
    for i in range(3):
        xfer(t, "-N 64k", n=8, family="-6" if i == 1 else "")
        idle(t)
        for vm in (t.a, t.b):
            unload(t, vm)
            t.eq(vm.run("grep -qw 43 /proc/net/protocols; grep -c '^SMC' /proc/net/protocols").out.strip(), "0",
                 "protocols left behind")
            vm.sh("modprobe smc smc_diag" if i == 0 else "modprobe smc; modprobe smc_diag")
    xfer(t, "-N 64k")

@test(pairs="same", timeout=180, boot="away")
def module_family_taken(t):
    """another module provides AF_SMC: loading ends with a message and leaves nothing behind"""
    k = t.kernels[0]
    subprocess.run([os.path.join(HERE, "build"), "--src", os.path.join(HERE, "family"), "--name", "family-" + k, k],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    with open(os.path.join(HERE, "..", "..", "build", "family-" + k, "family_holder.ko"), "rb") as f:
        t.a.put("/tmp/family_holder.ko", f.read())
    unload(t, t.a)
    t.a.sh("insmod /tmp/family_holder.ko")
    t.cleanup(lambda: t.a.run("rmmod family_holder; modprobe smc; modprobe smc_diag"))
    for i in range(3):
        t.ok(t.a.run("modprobe smc").rc != 0, "smc was loaded")
    log = t.a.sh("dmesg | grep 'smc: ' | tail -n 2")
    t.ok("another module provides AF_SMC" in log and "not loaded: address family" in log, "message: " + log)
    for cmd in ("grep -qw smc /proc/modules", "grep -q '^SMC' /proc/net/protocols", "test -e /proc/net/smc_stat",
                "ls /sys/devices/virtual/workqueue | grep -q '^smc'"):
        t.ok(t.a.run(cmd).rc != 0, "left behind: " + cmd)
    t.a.sh("rmmod family_holder; modprobe smc; modprobe smc_diag")
    xfer(t, "-N 64k", n=2)

@test(pairs="same", timeout=120, boot="away")
def module_one_side(t):
    """the module leaves one side only, and comes back"""
    xfer(t, "-N 64k", n=4)
    idle(t)
    unload(t, t.a)
    xfer(t, "-N 64k", cmode="none", smode="tcp")
    t.a.sh("modprobe smc; modprobe smc_diag")
    xfer(t, "-N 64k", n=4)

@test(pairs="same", timeout=120, boot="away")
def module_after_reset(t):
    """the module is removed right after connections were reset"""
    xfer(t, "-P 20 -e reset-client", n=60, prog="smc_storm")
    for vm in (t.a, t.b):
        unload(t, vm)
        vm.sh("modprobe smc; modprobe smc_diag")
    xfer(t, "-N 64k")

@test(pairs="same", timeout=60, boot="away")
def autoload(t):
    """the first socket loads the module"""
    idle(t)
    unload(t, t.a)
    t.ok(not t.a.run("lsmod | grep '^smc '").out, "still loaded")
    xfer(t, "-N 64k")
    t.a.sh("lsmod | grep '^smc '")

@test(pairs=["6.1,6.1", "7.3,7.3"], timeout=150, boot="alone")
def machine_reset(t):
    """the peer machine is reset: keepalive and retries find out"""
    idle_c, idle_s, _ = held(t, "-N 4k --keepalive 2")
    busy_c, busy_s, _ = moving(t, timeout=120)
    t.dies(t.b)
    t.b.p.kill()
    broken(t, "busy", busy_c, 2, 90)
    t.until(t.a, "! smc_diag -s ACTIVE | grep -q smcr", 60)
    idle_c.kill()
    t.gone(idle_c)
    idle(t, [t.a])
    unload(t, t.a)
