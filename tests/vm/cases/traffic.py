# SPDX-License-Identifier: GPL-2.0
"""Traffic between the two machines, and what sock_diag has to say about it."""
import itertools, json

A4, B4, A6, B6 = "10.9.0.1", "10.9.0.2", "fd09::1", "fd09::2"
NO_PEER_SMC = "0x03010000"          # no SMC option in the SYN or SYN-ACK
NO_DEVICE = "0x03030000"
OUT_OF_SYNC = "0x04000000"
PEER_DECLINED = "0x05000000"
_ports = itertools.count(2000)      # below what clients get

def port():
    """a port that no other test of this run uses"""
    return next(_ports)

def address(t, vm, family=""):
    if family == "-6":
        return A6 if vm is t.a else B6
    return A4 if vm is t.a else B4

def expect(t, who, r, n, mode, reason):
    """the JSON line of a test program: n connections, all fine, all of this mode (and reason)"""
    j = r.json()
    t.eq(j["ok"], n, "%s: good connections (ends %s, last error %r)" % (who, j["ends"], j.get("last_error")))
    if mode is None:
        return j
    t.eq(j["modes"], {mode: n}, who + ": modes, reasons %s" % j["reasons"])
    if reason is not None:
        t.eq(j["reasons"], {reason: n}, who + ": reasons")
    elif mode == "smcr":
        t.eq(j["reasons"], {}, who + ": reasons")
    return j

def xfer(t, args="", n=1, client=None, host=None, family="", mode="smcr", cmode=None, smode=None, creason=None,
         sreason=None, cargs="", sargs="", timeout=60, prog="smc_xfer", each=None):
    """
    A server and a client of smc_xfer (or smc_storm): all bytes right, all connections of the expected mode.
    mode is that of both sides, cmode and smode of one; "none" for a side that uses plain TCP (--tcp).
    """
    client = client or t.a
    server = t.b if client is t.a else t.a
    cmode, smode, p = cmode or mode, smode or mode, port()
    common = "%s -n %d -p %d -t %d %s" % (family, n, p, timeout - 5, args)
    s = t.server(server, "%s -s %s %s %s" % (prog, common, "--tcp" if smode == "none" else "", sargs), p)
    c = client.start("%s -c %s %s %s %s" % (prog, host or address(t, server, family), common,
                                            "--tcp" if cmode == "none" else "", cargs))
    if each:
        each(p)
    rc = c.wait(timeout)
    rs = s.wait(timeout if not rc.rc else 5)        # a failed client leaves its server waiting
    t.diag("client: %s\nserver: %s" % (rc.out.strip(), rs.out.strip()))
    for who, r, m, reason in (("client", rc, cmode, creason), ("server", rs, smode, sreason)):
        t.ok(r.rc in (0, 1), "%s: rc %d" % (who, r.rc))
        expect(t, who, r, n, None if m in ("none", "any") else m, reason)
    return rc.json(), rs.json()

def sockets(vm, state=None, port=None):
    """the records of smc_diag"""
    out = vm.sh("smc_diag %s %s" % ("-s " + state if state else "", "-p %d" % port if port else ""))
    return [json.loads(l) for l in out.splitlines() if l.startswith("{")]

def idle(t, vms=None):
    """wait until no AF_SMC socket is left on these machines"""
    for vm in vms or (t.a, t.b):
        t.until(vm, "smc_diag -c | grep '\"total\":0,'", 30)

def unload(t, vm):
    t.until(vm, "rmmod smc_diag 2>/dev/null; rmmod smc", 30)

def fresh(t):
    """no link group is left: the modules go and come back on both machines"""
    idle(t)
    for vm in (t.a, t.b):
        unload(t, vm)
        vm.sh("modprobe smc && modprobe smc_diag")

def held(t, args="", n=1, client=None, family="", timeout=60, mode="smcr"):
    """
    n connections that stay open and idle after their bytes: (client Job, server Job, port).
    Both end with SIGTERM.
    """
    client = client or t.a
    server, p = (t.b if client is t.a else t.a), port()
    common = "-n %d -p %d -H -t %d %s %s" % (n, p, timeout, family, args)
    for vm in (client, server):
        vm.sh("rm -f /tmp/ready.%d; mknod /tmp/ready.%d p" % (p, p))
    # exec: the signal that ends them goes to their shell as well
    s = server.start("exec smc_xfer -s %s --ready /tmp/ready.%d" % (common, p))
    server.sh("timeout 20 head -n 1 /tmp/ready.%d" % p, 30)         # listening
    c = client.start("exec smc_xfer -c %s %s --ready /tmp/ready.%d" % (address(t, server, family), common, p))
    for vm in (client, server):
        vm.sh("timeout %d head -n 1 /tmp/ready.%d" % (timeout, p), timeout + 10)
        t.eq({s["mode"] for s in sockets(vm, "ACTIVE", p)}, {mode}, "modes of the held connections")
    return c, s, p

def link_groups(vm, dev="rxe0"):
    """how many RC queue pairs the kernel has on the device: one for each link group"""
    out = vm.sh("rdma resource show qp link %s/1" % dev)
    return sum("type RC" in l for l in out.splitlines())
