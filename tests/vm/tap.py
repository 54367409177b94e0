# SPDX-License-Identifier: GPL-2.0
"""What a test suite is written with, and the runner behind tests/vm/run. See README."""
import os, re, signal, sys, time, traceback

import lab
from vmpair import BAD, Job, VMDied

SAME = ["6.1,6.1", "6.12,6.12", "7.3,7.3"]
MIXED = ["6.1,6.12", "6.1,7.3", "6.12,7.3"]
PAIRS = {"same": SAME, "mixed": MIXED, "all": SAME + MIXED, "one": SAME[:1]}
BOOT_TIMEOUT = 240
BOOT_PARAMS = dict(own="", mtu=1500, rxe="ab", smc="ab", boot="", nics=1, vcpus=1, mem=1024, append="")
# taint flags that a module built outside the kernel tree and not signed has to set
TAINT_OK = 1 << 12 | 1 << 13

class Fail(Exception):
    pass

class Skip(Exception):
    pass

class Timeout(BaseException):
    """not an Exception, so that a test's own "except Exception" does not swallow it"""

class Test:
    def __init__(self, fn, suite, name, pairs, timeout, quick, boot):
        self.fn, self.suite, self.name, self.timeout, self.quick, self.boot = fn, suite, name, timeout, quick, boot
        self.pairs = PAIRS[pairs] if isinstance(pairs, str) and pairs in PAIRS else \
            [pairs] if isinstance(pairs, str) else list(pairs)
        for p in self.pairs:
            if len(p.split(",")) != 2 or not set(p.split(",")) <= set(lab.KERNELS):
                raise ValueError("%s: no such pair of kernels: %s" % (name, p))

tests = []

def test(pairs="same", timeout=60, quick=False, name=None, **boot):
    """register a test function; parameters: see README"""
    unknown = set(boot) - set(BOOT_PARAMS)
    if unknown:
        raise TypeError("test(): unknown parameter " + ", ".join(sorted(unknown)))
    def register(fn):
        suite = re.sub("^suite_", "", fn.__module__)
        desc = name or (fn.__doc__ or "").strip().split("\n")[0] or fn.__name__.replace("_", " ")
        conf = dict(BOOT_PARAMS, **boot)
        if conf["boot"] == "alone":
            conf["boot"] = "alone-%d" % len(tests)
        tests.append(Test(fn, suite, desc, pairs, timeout, quick, tuple(sorted(conf.items()))))
        return fn
    return register

def skips_allowed():
    try:
        with open(os.path.join(lab.HERE, "skips-allowed")) as f:
            return [re.compile(l.strip()) for l in f if l.strip() and not l.startswith("#")]
    except OSError:
        return []

class Context:
    """what a test function gets: the two machines and the means to judge them"""
    def __init__(self, boot, tst):
        self.boot, self.test, self.pair = boot, tst, boot.pair
        self.a, self.b = boot.pair.a, boot.pair.b
        self.kernels = tuple(boot.kernels.split(","))
        for k in BOOT_PARAMS:
            if k != "boot":
                setattr(self, k, boot.conf[k])
        self.notes, self.cleanups = [], []
    def diag(self, text):
        self.notes += str(text).splitlines()
    def fail(self, msg):
        raise Fail(msg)
    def ok(self, cond, msg):
        if not cond:
            raise Fail(msg)
    def eq(self, got, want, msg):
        if got != want:
            raise Fail("%s: %r, expected %r" % (msg, got, want))
    def skip(self, reason):
        raise Skip(reason)
    def gone(self, job, timeout=20):
        r = job.wait(timeout)
        if r.rc == 124:
            raise Fail("still running after %s s: %s\n%s" % (timeout, job.cmd, r.out[-2000:]))
        return r
    def passed(self, x, timeout=60):
        cmd = ""
        if isinstance(x, Job):
            cmd, x = "%s: %s: " % (x.vm.name, x.cmd), x.wait(timeout)
        if x.rc:
            raise Fail("%src %d\n%s" % (cmd, x.rc, x.out[-3000:]))
        return x
    def tap(self, x, timeout=60):
        r = x.wait(timeout) if isinstance(x, Job) else x
        good, bad, plan = 0, [], None
        for l in r.out.splitlines():
            m = re.match(r"1\.\.(\d+)", l)
            if m:
                plan = int(m.group(1))
            skip = re.match(r"(?:not )?ok\b.*# SKIP\b(.*)", l, re.I)
            if l.startswith("not ok") or skip and not any(p.search(l) for p in skips_allowed()):
                bad.append(l)
            elif l.startswith("ok"):
                good += 1
        if plan is None or plan != good + len(bad):
            bad.append("plan %s, but %d results" % (plan, good + len(bad)))
        if bad or r.rc:
            self.diag(r.out[-6000:])
            raise Fail("rc %d\n%s" % (r.rc, "\n".join(bad)))
        return r
    def until(self, vm, cmd, timeout=20):
        r = vm.run("until o=$( { %s\n} 2>&1 ); do usleep 50000; done; printf '%%s\\n' \"$o\"" % cmd, timeout)
        if r.rc:
            last = vm.run(cmd, 10)
            raise Fail("%s: not within %s s: %s\nlast: %r" % (vm.name, timeout, cmd, last))
        return r.out
    def listening(self, vm, port, timeout=20):
        self.until(vm, lab.listens(port), timeout)
    def server(self, vm, cmd, port, timeout=20):
        j = vm.start(cmd)
        end = time.time() + timeout
        while vm.run(lab.listens(port), 20).rc:
            if j.res is not None:
                raise Fail("%s: %s: ended: %r" % (vm.name, cmd, j.res))
            if time.time() > end:
                raise Fail("%s: %s: no listener on port %d within %s s" % (vm.name, cmd, port, timeout))
            time.sleep(0.05)
        return j
    def cleanup(self, fn):
        self.cleanups.append(fn)
    def klog_expect(self, rx):
        self.boot.expected.append(re.compile(rx))
    def dies(self, vm):
        self.boot.dying.add(vm.name)

class Boot:
    """one boot of a pair, and the tests that share it"""
    def __init__(self, kernels, key):
        self.kernels, self.key, self.conf, self.tests = kernels, key, dict(key), []
        self.pair, self.dead, self.expected, self.dying, self.fatal = None, None, [], set(), []
        self.taint = {}
    def label(self):
        parts = [self.kernels.replace(",", "-")]
        for k, default in BOOT_PARAMS.items():
            if self.conf[k] != default:
                parts.append("%s=%s" % (k, self.conf[k] if self.conf[k] != "" else "none"))
        return " ".join(parts)
    def logdir(self):
        return os.path.join(lab.BUILD, "vm-logs", re.sub(r"[^\w.=-]+", "_", self.label()))
    def start(self, modules=None):
        c = self.conf
        self.pair = lab.boot(self.kernels, own=c["own"], mtu=c["mtu"], rxe=c["rxe"], smc=c["smc"], nics=c["nics"],
                             vcpus=c["vcpus"], mem=c["mem"], append=c["append"], logdir=self.logdir(),
                             mods=modules)
    def vms(self):
        return [v for v in (self.pair.a, self.pair.b) if v] if self.pair else []
    def settle(self):
        """after a test: kill what it left running; is everybody still there?"""
        for v in self.vms():
            if v.name in self.dying and not v.alive():
                continue
            for j in list(v.jobs.values()):
                j.kill(signal.SIGKILL)
            if v.run("true", 30).rc:
                raise VMDied("%s does not answer" % v.name)
    def stop(self):
        """power off; the complaints of both kernels"""
        if not self.pair:
            return []
        for v in self.vms():
            if v.alive() and not self.dead:
                try:
                    t = v.run("cat /proc/sys/kernel/tainted", 20)
                    self.taint[v.name] = int(t.out.strip() or 0) & ~TAINT_OK
                except (VMDied, ValueError, OSError):
                    pass
        self.pair.close()
        out = []
        for p in self.pair.problems:
            if p[:1] in self.dying and ("qemu exit" in p or "power off" in p):
                continue
            hit = [l for l in p.splitlines() if BAD.search(l)]
            if hit and all(any(x.search(l) for x in self.expected) for l in hit):
                continue
            out.append(self.blame(p))
        out += ["%s: the kernel is tainted: %#x" % (n, t) for n, t in self.taint.items() if t and not self.expected]
        return out
    def blame(self, problem):
        """add the name of the test during which a complaint was logged"""
        first = problem.splitlines()[0].split(": ", 1)[-1]
        for v in self.vms():
            now = None
            for l in v.dmesg.splitlines():
                m = re.search(r"tap: (.*)", l)
                if m:
                    now = m.group(1)
                if first and first in l and v.name == problem[:1]:
                    return problem + "\n(during: %s)" % now
        return problem

class Runner:
    def __init__(self, selected, verbose=False, modules=None, out=sys.stdout):
        self.verbose, self.modules, self.out, self.n, self.passed, self.failed = \
            verbose, modules, out, 0, 0, 0
        boots = {}
        for kernels, tst in selected:
            boots.setdefault((kernels, tst.boot), Boot(kernels, tst.boot)).tests.append(tst)
        order = {p: i for i, p in enumerate(PAIRS["all"])}
        self.boots = sorted(boots.values(), key=lambda b: (order.get(b.kernels, 99), b.label()))
        self.total = sum(len(b.tests) + 1 for b in self.boots)
    def say(self, line):
        print(line, file=self.out, flush=True)
    def note(self, text):
        for l in str(text).splitlines():
            self.say("# " + l)
    def result(self, good, name, notes=(), skip=None):
        self.n += 1
        name = name.replace("#", "_")
        if skip is not None and not any(p.search(name + " # SKIP " + skip) for p in skips_allowed()):
            good, notes = False, list(notes) + ["skipped, which nothing allows: " + skip]
        self.say("%s %d - %s%s" % ("ok" if good else "not ok", self.n, name,
                                   " # SKIP " + skip if good and skip is not None else ""))
        self.passed += good
        self.failed += not good
        if not good or self.verbose:
            for x in notes:
                self.note(x)
    @staticmethod
    def limit(secs):
        """raise Timeout in this thread after so many seconds; 0 cancels"""
        signal.setitimer(signal.ITIMER_REAL, secs)
    def run_test(self, boot, tst):
        name = "%s: %s [%s]" % (tst.suite, tst.name, boot.label())
        if boot.dead:
            return self.result(False, name, ["not run: " + boot.dead])
        t = Context(boot, tst)
        t0, good, skip = time.time(), False, None
        try:
            self.limit(tst.timeout)
            try:
                for v in boot.vms():
                    v.run("echo 'tap: %s' >/dev/kmsg" % name.replace("'", ""), 20)
                tst.fn(t)
                good = True
            finally:
                self.limit(0)
        except Skip as e:
            good, skip = True, str(e)
        except Fail as e:
            t.diag(e)
        except Timeout:
            t.diag("timeout after %s s" % tst.timeout)
            t.diag(self.where())
            for v in boot.vms():
                for j in list(v.jobs.values()):
                    t.diag("%s was running: %s" % (v.name, j.cmd[:300]))
        except VMDied as e:
            t.diag("machine died: %s" % e)
        except Exception:
            t.diag(traceback.format_exc())
        try:
            self.limit(60)
            try:
                for fn in reversed(t.cleanups):
                    fn()
            except Exception:
                good = False
                t.diag("cleanup failed: " + traceback.format_exc())
            boot.settle()
        except (VMDied, Timeout, OSError) as e:
            if not isinstance(e, VMDied) or boot.dying < {v.name for v in boot.vms()}:
                good = False
                boot.dead = "a machine died or hangs since: %s" % name
                t.diag("%s %s" % (type(e).__name__, str(e)[-2500:]))
        finally:
            self.limit(0)
        t.diag("%.1f s" % (time.time() - t0))
        self.result(good, name, t.notes, skip)
    @staticmethod
    def where():
        tb = sys.exc_info()[2]
        return "".join(l for l in traceback.format_tb(tb) if "suite_" in l).rstrip()
    def run_boot(self, boot):
        t0 = time.time()
        try:
            self.limit(BOOT_TIMEOUT)
            try:
                boot.start(self.modules)
            finally:
                self.limit(0)
            self.note("boot %s: ready after %.1f s" % (boot.label(), time.time() - t0))
        except (Exception, Timeout) as e:
            boot.dead = "the machines did not come up"
            self.note("boot %s: %s" % (boot.label(), str(e) or type(e).__name__))
        for tst in boot.tests:
            self.run_test(boot, tst)
        problems = []
        try:
            self.limit(BOOT_TIMEOUT)
            try:
                problems = boot.stop()
            finally:
                self.limit(0)
        except (Exception, Timeout) as e:
            problems.append("%s %s" % (type(e).__name__, e))
        if not boot.pair:
            problems.append("no boot, no log")
        self.result(not problems, "kernel log [%s]" % boot.label(),
                    problems + ["%.0f s in all; logs: %s" % (time.time() - t0, os.path.relpath(boot.logdir(), lab.TOP))])
    def run(self):
        def on_alarm(*_):
            raise Timeout()
        def on_term(*_):
            raise SystemExit(1)
        signal.signal(signal.SIGALRM, on_alarm)
        signal.signal(signal.SIGTERM, on_term)
        self.say("TAP version 13")
        self.say("1..%d" % self.total)
        for b in self.boots:
            try:
                self.run_boot(b)
            except BaseException:
                if b.pair:
                    b.pair.killall()
                    b.pair.close()
                raise
        return 1 if self.failed else 0

def select(suites, pairs, quick):
    """the (pair, test) combinations asked for; suites may be NAME or NAME:PATTERN"""
    out = []
    for tst in tests:
        if suites and not any(tst.suite == n.split(":", 1)[0] and
                              (":" not in n or re.search(n.split(":", 1)[1], tst.name)) for n in suites):
            continue
        if quick and not tst.quick:
            continue
        here = [p for p in tst.pairs if not pairs or p in pairs]
        if quick and not pairs:
            here = here[:1]
        out += [(p, tst) for p in here]
    return out
