# SPDX-License-Identifier: GPL-2.0
"""Memory that is not to be had: each allocation of each call in turn, and any in the work of the module."""
from cases.traffic import B4, port, xfer
from tap import test

FAIL = "/sys/kernel/debug/failslab /sys/kernel/debug/fail_page_alloc"
CALLS = "connect accept socket bind listen sendmsg recvmsg poll shutdown close setsockopt getsockopt diag".split()

def each(vm, name, value):
    vm.sh("for d in %s; do [ ! -e $d/%s ] || echo %s >$d/%s; done" % (FAIL, name, value, name))

def text(vm):
    """addresses of the module's text"""
    start = int(vm.sh("cat /sys/module/smc/sections/.text"), 16)
    size = int(vm.sh("grep '^smc ' /proc/modules").split()[1])
    return start, start + size

def failing(t, vm, percent):
    """from now on allocations that the module's functions ask for fail, in whatever context"""
    start, end = text(vm)
    for name, value in (("task-filter", "N"), ("ignore-gfp-wait", "N"), ("ignore-gfp-highmem", "N"), ("min-order", 0),
                        ("verbose", 0), ("require-start", "%#x" % start), ("require-end", "%#x" % end),
                        ("stacktrace-depth", 12), ("times", -1), ("interval", 1), ("space", 0),
                        ("probability", percent)):
        each(vm, name, value)
    t.cleanup(lambda: each(vm, "probability", 0))

def storm(t, vm, percent):
    """connections while allocations fail: they may fail too, but come to an end, and afterwards all is well"""
    p = port()
    t.server(t.b, "exec smc_fault -s %d" % p, p)
    failing(t, vm, percent)
    c = t.a.run("smc_fault -m %s %d 8" % (B4, p), 100)
    each(vm, "probability", 0)
    t.diag(c.out)
    t.tap(c)
    xfer(t, "-N 64k", n=2, mode="any")
    xfer(t, "-N 64k", n=2)

for percent in (2, 10, 30):
    @test(pairs="one", timeout=150, name="allocations of the module fail at the client, %d %%" % percent)
    def at_client(t, percent=percent):
        storm(t, t.a, percent)

    @test(pairs="one", timeout=150, name="allocations of the module fail at the server, %d %%" % percent)
    def at_server(t, percent=percent):
        storm(t, t.b, percent)

for call in CALLS:
    def sweep(t, call=call):
        # by default only allocations that may not sleep fail, and only of more than one page
        for name, value in (("ignore-gfp-wait", "N"), ("ignore-gfp-highmem", "N"), ("min-order", 0), ("verbose", 0)):
            each(t.a, name, value)
        p = port()
        t.server(t.b, "exec smc_fault -s %d" % p, p)
        r = t.tap(t.a.run("smc_fault -c %s %d %s" % (B4, p, call), 250), 250)
        t.diag(r.out)
        xfer(t, "-N 64k")
    test(pairs="one", timeout=300, name="each allocation of a system call fails in turn: " + call)(sweep)
