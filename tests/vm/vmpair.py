# SPDX-License-Identifier: GPL-2.0
"""vmpair: two QEMU VMs back to back, driven from the host over virtio-serial.

    from vmpair import Pair
    with Pair(a=dict(kernel=..., initrd=...), b=dict(...), mtu=1500) as p:
        p.net(); p.rxe(); p.smc()                   # eth0 10.9.0.1/.2, rxe0, modprobe smc
        srv = p.b.start("iperf3 -s -1")             # background Job
        r = p.a.run("iperf3 -c 10.9.0.2 -t 2", timeout=60)
        print(r.rc, r.out)
    # leaving the block powers off, collects dmesg, p.problems lists kernel complaints
"""
import ctypes, itertools, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)
BAD = re.compile(r"BUG:|WARNING:|Oops|KASAN|KCSAN|KFENCE|UBSAN|general protection|unable to handle|"
                 r"circular locking|inconsistent lock|INFO: .*lock|suspicious RCU|soft lockup|hard LOCKUP|"
                 r"blocked for more than|refcount_t|list_(add|del) corruption|rcu_\w+ .*stall|self-detected stall|"
                 r"kernel panic|Kernel panic|double free|use-after-free|Objects remaining|memory leak|"
                 r"waiting for .* to become free|sleeping function called|scheduling while atomic|Bad page|nobody cared")

class VMDied(Exception):
    pass

def default_accel():
    """kvm only where the CPU offers it: a nested /dev/kvm that merely opens may hang the guest"""
    if os.environ.get("SMC_LAB_ACCEL"):
        accel = os.environ["SMC_LAB_ACCEL"]
    else:
        flags = re.search(r"^flags\s*:(.*)$", open("/proc/cpuinfo").read(), re.M)
        has = flags and set(flags.group(1).split()) & {"vmx", "svm"}
        accel = "kvm" if has and os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg"
    return "tcg,thread=multi" if accel == "tcg" else accel

def die_with_parent():
    """in the child: no machine survives a killed test run"""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

class Result:
    def __init__(self, rc, out, secs):
        self.rc, self.raw, self.secs = rc, out, secs
    @property
    def out(self):
        return self.raw.decode("utf-8", "replace")
    def json(self):
        """last line that is a JSON object"""
        for l in reversed(self.out.splitlines()):
            if l.startswith("{"):
                return json.loads(l)
        raise ValueError("no JSON (rc %s): %s" % (self.rc, self.out[-500:]))
    def __iter__(self):
        return iter((self.rc, self.out))
    def __repr__(self):
        return "rc=%s %s" % (self.rc, self.out)

class Job:
    def __init__(self, vm, jid, cmd):
        self.vm, self.id, self.cmd = vm, jid, cmd
        self.ev, self.res, self.t0 = threading.Event(), None, time.time()
    def wait(self, timeout=60):
        """Result; rc is 124 if the command had to be killed at the timeout"""
        end = time.time() + timeout
        while not self.ev.wait(min(0.5, max(0.01, end - time.time()))):
            self.vm.check()
            if time.time() >= end:
                self.kill(signal.SIGKILL)
                self.ev.wait(10)
                out = self.res.raw if self.res else b""
                return Result(124, out + b"\n[timeout after %d s]" % timeout, time.time() - self.t0)
        if self.res is None:
            raise VMDied(self.vm.tail())
        return self.res
    def kill(self, sig=signal.SIGTERM):
        self.vm._send(b"K %d %d\n" % (self.id, sig))
    def stop(self, timeout=20):
        self.kill(signal.SIGTERM)
        return self.wait(timeout)

class VM:
    def __init__(self, name, kernel, initrd, workdir, vcpus=1, mem=1024, net=(), append="", cpu="max,la57=off",
                 accel=None, qemu="qemu-system-x86_64", qemu_args=(), machine="q35"):
        self.name, self.dir = name, workdir
        self.serial = os.path.join(workdir, name + ".console")
        self.sockp = os.path.join(workdir, name + ".s")
        self.ids, self.jobs, self.lock = itertools.count(1), {}, threading.Lock()
        self.dmesg, self.hello, self.hung_off = "", threading.Event(), 0
        self.t0 = time.time()
        cmd = [qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-name", name,
               "-machine", machine, "-accel", accel or default_accel(), "-cpu", cpu, "-smp", str(vcpus), "-m", str(mem),
               "-kernel", kernel, "-initrd", initrd,
               "-append", "console=ttyS0 loglevel=5 panic=-1 mitigations=off tsc=reliable "
                          "no_timer_check random.trust_cpu=on net.ifnames=0 printk.time=1 vmname=%s %s" % (name, append),
               "-serial", "file:" + self.serial,
               "-object", "rng-random,id=rng0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng0",
               "-device", "virtio-serial-pci", "-chardev", "socket,id=agent,path=%s,server=on,wait=off" % self.sockp,
               "-device", "virtserialport,chardev=agent,name=agent"]
        cmd += list(net) + list(qemu_args)
        self.cmd = cmd
        self.errf = open(os.path.join(workdir, name + ".qemu-err"), "w+")
        self.p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=self.errf, stderr=self.errf,
                                  start_new_session=True, preexec_fn=die_with_parent)
        self.s = socket.socket(socket.AF_UNIX)
        for _ in range(200):
            try:
                self.s.connect(self.sockp)
                break
            except OSError:
                if self.p.poll() is not None:
                    raise VMDied(self.tail())
                time.sleep(0.05)
        threading.Thread(target=self._reader, daemon=True).start()

    # --- plumbing
    def tail(self, n=3000):
        self.errf.flush()
        t = "VM %s (qemu %s)\n%s\n" % (self.name, self.p.poll(), open(self.errf.name).read())
        try:
            t += open(self.serial, errors="replace").read()[-n:]
        except OSError:
            pass
        return t
    def check(self):
        if self.p.poll() is not None:
            raise VMDied(self.tail())
    def _send(self, *parts):
        with self.lock:
            self.s.sendall(b"".join(parts))
    def _reader(self):
        f = self.s.makefile("rb")
        try:
            while True:
                h = f.readline()
                if not h:
                    break
                w = h.split()
                if h.startswith(b"H "):
                    self.hello.set()
                elif len(w) == 4 and w[0] == b"D":
                    jid, rc, ln = int(w[1]), int(w[2]), int(w[3])
                    out = f.read(ln)
                    j = self.jobs.pop(jid, None)
                    if j:
                        j.res = Result(rc, out, time.time() - j.t0)
                        j.ev.set()
        except OSError:
            pass
        for j in list(self.jobs.values()):
            j.ev.set()

    # --- API
    def wait_boot(self, timeout=90):
        end = time.time() + timeout
        while not self.hello.wait(0.2):
            self.check()
            if time.time() > end:
                raise VMDied("boot timeout: " + self.tail())
        self.boot_s = time.time() - self.t0
        return self
    def start(self, cmd):
        j = Job(self, next(self.ids), cmd)
        self.jobs[j.id] = j
        c = cmd.encode()
        self._send(b"R %d %d\n" % (j.id, len(c)), c)
        return j
    def run(self, cmd, timeout=60):
        return self.start(cmd).wait(timeout)
    def sh(self, cmd, timeout=60):
        """run; raise if it failed; return its output"""
        r = self.run(cmd, timeout)
        if r.rc:
            raise RuntimeError("%s: %s: rc %d: %s" % (self.name, cmd, r.rc, r.out))
        return r.out
    def put(self, path, data, mode=0o755, timeout=60):
        j = Job(self, next(self.ids), "put " + path)
        self.jobs[j.id] = j
        p = path.encode()
        self._send(b"W %d %o %d %d\n" % (j.id, mode, len(p), len(data)), p, data)
        if j.wait(timeout).rc:
            raise RuntimeError("put %s failed" % path)
    def get(self, path):
        r = self.run("cat " + path)
        if r.rc:
            raise RuntimeError(r.out)
        return r.raw
    def alive(self):
        return self.p.poll() is None
    def cpu(self):
        """CPU seconds used by this QEMU so far, by thread kind: (vcpu, other)"""
        hz, v, o = os.sysconf("SC_CLK_TCK"), 0.0, 0.0
        base = "/proc/%d/task" % self.p.pid
        tot = 0
        try:
            for t in os.listdir(base):
                s = open("%s/%s/stat" % (base, t)).read()
                f = s[s.rindex(")") + 2:].split()
                c = (int(f[11]) + int(f[12])) / hz
                if int(t) == self.p.pid:
                    o += c
                else:
                    v += c
        except OSError:
            pass
        return v, o
    def collect(self):
        if self.alive():
            try:
                self.dmesg = self.run("dmesg", 30).out
            except Exception:
                pass
        return self.dmesg
    def problems(self):
        text = self.dmesg
        try:
            con = open(self.serial, errors="replace").read()
        except OSError:
            con = ""
        if not text or (con and BAD.search(con) and not BAD.search(text)):
            text += "\n" + con
        lines, out, last = text.splitlines(), [], -100
        for i, l in enumerate(lines):
            if BAD.search(l):
                if i - last > 60:
                    out.append("%s: %s" % (self.name, "\n    ".join(lines[i:i + 45])))
                    last = i
        if self.hung_off:
            out.append("%s: did not power off within %d s, killed" % (self.name, self.hung_off))
        elif self.p.poll() not in (None, 0):
            out.append("%s: qemu exit %s" % (self.name, self.p.poll()))
        return out
    def stop(self, timeout=15):
        if self.alive():
            self.collect()
            try:
                self._send(b"Q\n")
            except OSError:
                pass
            try:
                self.p.wait(timeout)
            except subprocess.TimeoutExpired:
                self.hung_off = timeout
                self.p.kill()          # our own child only
                self.p.wait()
        try:
            self.s.close()
        except OSError:
            pass

class Pair:
    """a, b: dict(kernel=, initrd=, vcpus=, mem=, append=, ...) for each VM; common: defaults for both.
    link: stream (reliable, with back-pressure), dgram (may drop) or none."""
    ADDR = {"A": "10.9.0.1", "B": "10.9.0.2"}
    bdev = "rxe0"                     # rxe device of side B
    def __init__(self, a=None, b=None, mtu=1500, link="stream", logdir=None, total_timeout=None, nqueues=1, nics=1,
                 **common):
        self.mtu = mtu
        self.tmp = tempfile.mkdtemp(prefix="vp.")
        self.logdir = logdir
        ca, cb = dict(common, **(a or {})), dict(common, **(b or {}))
        self.nics = nics
        net = {"A": [], "B": []}
        for i in range(nics):
            sa, sb = os.path.join(self.tmp, "n%da" % i), os.path.join(self.tmp, "n%db" % i)
            if link == "stream":
                net["A"] += ["-netdev", "stream,id=n%d,server=on,addr.type=unix,addr.path=%s" % (i, sa)]
                net["B"] += ["-netdev", "stream,id=n%d,server=off,addr.type=unix,addr.path=%s" % (i, sa)]
            elif link == "dgram":
                net["A"] += ["-netdev", "dgram,id=n%d,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s" % (i, sa, sb)]
                net["B"] += ["-netdev", "dgram,id=n%d,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s" % (i, sb, sa)]
            else:
                break
            for v, k in (("A", 1), ("B", 2)):
                net[v] += ["-device", "virtio-net-pci,netdev=n%d,mac=52:54:00:09:%02x:%02x,romfile=,host_mtu=%d"
                           % (i, i, k, max(mtu, 1500))]
        self.t0 = time.time()
        self.a = self.b = None
        self.timer = None
        self.a = VM("A", workdir=self.tmp, net=net["A"], **ca)
        first = os.path.join(self.tmp, "n%da" % (nics - 1))
        for _ in range(100):
            if link != "stream" or os.path.exists(first):
                break
            time.sleep(0.05)
        self.b = VM("B", workdir=self.tmp, net=net["B"], **cb)
        self.vms = [self.a, self.b]
        if total_timeout:
            self.timer = threading.Timer(total_timeout, self.killall)
            self.timer.daemon = True
            self.timer.start()
        try:
            for v in self.vms:
                v.wait_boot()
        except BaseException:
            self.close()
            raise
        self.boot_s = time.time() - self.t0
    def killall(self):
        for v in self.vms:
            if v.alive():
                v.p.kill()
    def both(self, cmd, timeout=60):
        js = [v.start(cmd) for v in self.vms]
        out = []
        for v, j in zip(self.vms, js):
            r = j.wait(timeout)
            if r.rc:
                raise RuntimeError("%s: %s: rc %d: %s" % (v.name, cmd, r.rc, r.out))
            out.append(r.out)
        return out
    # --- usual set-up steps, both machines at the same time
    def together(self, cmds, timeout=60):
        """cmds: [(vm, command)]; raises if one fails"""
        jobs = [(v, v.start("set -e; " + c)) for v, c in cmds]
        for v, j in jobs:
            r = j.wait(timeout)
            if r.rc:
                raise RuntimeError("%s: %s: rc %d: %s" % (v.name, j.cmd, r.rc, r.out))
    def net(self):
        cmds = []
        for n, v in enumerate(self.vms, 1):
            c = ["sysctl -qw net.ipv4.ip_local_port_range='10001 65000'"]
            for i in range(self.nics):
                c += ["ip link set eth%d mtu %d up" % (i, self.mtu), "ip addr add 10.9.%d.%d/24 dev eth%d" % (i, n, i),
                      "ip -6 addr add fd09:%x::%d/64 dev eth%d nodad" % (i, n, i)]
            cmds.append((v, "; ".join(c)))
        self.together(cmds)
        self.a.sh("ping -c 1 -W 5 10.9.0.2 >/dev/null")
    def rxe(self, sides="ab"):
        """Soft-RoCE over every card of these sides; returns when the ports are active"""
        c = ["modprobe -a rdma_rxe ib_uverbs rdma_ucm"]
        c += ["rdma link add rxe%d type rxe netdev eth%d" % (i, i) for i in range(self.nics)]
        c += ["for i in $(seq 100); do [ $(rdma link | grep -c ACTIVE) != %d ] || exit 0; usleep 100000; done; "
              "rdma link; exit 1" % self.nics]
        self.together([(v, "; ".join(c)) for v in self.vms if v.name.lower() in sides or v.name == "S"])
    def smc(self, sides="ab"):
        self.together([(v, "modprobe smc; modprobe smc_diag") for v in self.vms if v.name.lower() in sides or v.name == "S"])
    def cpu(self):
        """host CPU seconds so far: vCPU threads and QEMU I/O threads of both VMs, and all of the host"""
        va, oa = self.a.cpu()
        vb, ob = self.b.cpu() if self.b is not self.a else (0, 0)
        f = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
        hz = os.sysconf("SC_CLK_TCK")
        return dict(t=time.time(), vcpu=va + vb, io=oa + ob, host=(sum(f) - f[3] - f[4]) / hz)
    def cpu_delta(self, c0):
        c1 = self.cpu()
        dt = c1["t"] - c0["t"]
        return {k: round((c1[k] - c0[k]) / dt, 2) for k in ("vcpu", "io", "host")}
    # --- end
    def close(self):
        if self.timer:
            self.timer.cancel()
        self.problems = []
        vms = [v for v in (self.a, self.b) if v][:1 if self.b is self.a else 2]
        for v in vms:
            v.stop()
            self.problems += v.problems()
        self.wall_s = time.time() - self.t0
        if self.logdir:
            os.makedirs(self.logdir, exist_ok=True)
            for v in vms:
                open(os.path.join(self.logdir, v.name + ".dmesg"), "w").write(v.dmesg)
                if os.path.exists(v.serial):
                    shutil.copy(v.serial, self.logdir)
        shutil.rmtree(self.tmp, ignore_errors=True)
    def __enter__(self):
        return self
    def __exit__(self, *a):
        self.close()

class Solo(Pair):
    """both ends in one VM: two veth ends in init_net with policy routing, an rxe on each.
    (rxe takes RoCE packets in init_net only before about 6.14, so network namespaces do not do.)
    a and b are the same VM; addresses as for Pair."""
    bdev = "rxe1"
    def __init__(self, mtu=1500, logdir=None, total_timeout=None, vcpus=2, link=None, nics=2, a=None, **common):
        self.mtu, self.logdir, self.nics, self.timer = mtu, logdir, 2, None
        self.tmp = tempfile.mkdtemp(prefix="vp.")
        self.t0 = time.time()
        self.a = self.b = None
        self.a = self.b = VM("S", workdir=self.tmp, vcpus=vcpus, **dict(common, **(a or {})))
        self.vms = [self.a]
        if total_timeout:
            self.timer = threading.Timer(total_timeout, self.killall)
            self.timer.daemon = True
            self.timer.start()
        try:
            self.a.wait_boot()
        except BaseException:
            self.close()
            raise
        self.boot_s = time.time() - self.t0
    def net(self):
        self.a.sh("""set -e
            ip link add eth0 type veth peer name eth1
            for k in accept_local=1 rp_filter=0 arp_ignore=1; do sysctl -qw net.ipv4.conf.all.$k; done
            sysctl -qw net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0
            sysctl -qw net.ipv4.ip_local_port_range='10001 65000'
            ip link set eth0 mtu %d up; ip link set eth1 mtu %d up
            ip addr add 10.9.0.1/32 dev eth0; ip addr add 10.9.0.2/32 dev eth1
            ip route add 10.9.0.2/32 dev eth0 src 10.9.0.1 table 101
            ip route add 10.9.0.1/32 dev eth1 src 10.9.0.2 table 102
            ip rule add pref 5 iif lo to 10.9.0.2 lookup 101
            ip rule add pref 6 iif lo to 10.9.0.1 lookup 102
            ip rule add pref 20 lookup local
            ip rule del pref 0
            ping -c 1 -W 5 10.9.0.2 >/dev/null""" % (self.mtu, self.mtu))

def load(name):
    """a program of this directory as a module"""
    import importlib.machinery, importlib.util
    l = importlib.machinery.SourceFileLoader(name, os.path.join(HERE, name))
    m = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, l))
    l.exec_module(m)
    return m
