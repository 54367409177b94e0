# SPDX-License-Identifier: GPL-2.0
"""Kernels, modules, programs and machine images of the lab: what try, run and demo share."""
import fcntl, functools, glob, hashlib, os, subprocess, sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(TOP, "build")
CACHE = os.environ.get("SMC_LAB_CACHE", "/var/cache/smc-lab")
KERNELS = ("6.1", "6.12", "7.3")
IMAGES_KEPT = 16

import vmpair

class LabError(Exception):
    pass

def call(*cmd, **kw):
    """run a step that prepares something; its output is shown only if it fails"""
    r = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if r.returncode:
        raise LabError("%s failed:\n%s" % (" ".join(cmd), r.stdout[-6000:]))
    return r.stdout

def prepare():
    """packages and kernels; quick if all is there"""
    for step in ("setup", "kernels"):
        r = subprocess.run([os.path.join(HERE, step)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if r.returncode:
            raise LabError(step + " failed")

def kernel(k):
    """version, image and module directory of a fetched kernel"""
    d = {}
    for f in ("kver", "image", "modbase"):
        try:
            with open(os.path.join(CACHE, k, f)) as fh:
                d[f] = fh.read().strip()
        except OSError:
            raise LabError("kernel %s is not there: run tests/vm/kernels" % k)
    return d

def once(fn):
    """do it once in this process, and remember a failure too: a whole run tests one state of the sources"""
    results = {}
    @functools.wraps(fn)
    def wrapper(*args):
        if args not in results:
            try:
                results[args] = fn(*args), None
            except LabError as e:
                results[args] = None, e
        value, error = results[args]
        if error:
            raise error
        return value
    return wrapper

@once
def modules(k, own=False):
    """build smc.ko and smc_diag.ko for kernel k; the directory that holds them"""
    call(os.path.join(HERE, "build"), *(["--own"] if own else []), k)
    return os.path.join(BUILD, k + ("-own" if own else ""))

@once
def programs(strict=True):
    """build the guest's agent, the test programs and the tools; [(file, destination)].
    Not strict: a program that does not compile is left out"""
    out = []
    for src, dst in (("tests/vm/progs", "agent"), ("tests/selftests", "selftests"), ("tools", "tools")):
        d = os.path.join(BUILD, dst)
        if not os.path.exists(os.path.join(TOP, src, "Makefile")):
            continue
        os.makedirs(d, exist_ok=True)
        try:
            call("make", "-s", "-k", "-C", os.path.join(TOP, src), "OUT=" + d)
        except LabError as e:
            if strict:
                raise
            print("warning: %s" % e, file=sys.stderr)
        for f in sorted(os.listdir(d)):
            p = os.path.join(d, f)
            if os.path.isfile(p) and ".so" in f:
                out.append((p, "/usr/lib/" + f))
            elif os.path.isfile(p) and os.access(p, os.X_OK):
                out.append((p, "/bin/" + f))
    return out

def file_hash(path, h):
    with open(path, "rb") as f:
        h.update(hashlib.sha256(f.read()).digest())

def image(k, own=False, progs=None, mods=None):
    """an initramfs for kernel k with our modules and programs; made only if no equal one is there"""
    kern = kernel(k)
    mods = mods.replace("%k", k) if mods else modules(k, own)
    progs = programs() if progs is None else progs
    mk = vmpair.load("mkroot")
    h = hashlib.sha256()
    for f in sorted(glob.glob(mods + "/*.ko")) + [p for p, _ in progs] + [os.path.join(HERE, "mkroot")]:
        h.update(f.encode() + b"\0")
        file_hash(f, h)
    h.update(repr([d for _, d in progs]).encode())
    # the host's own programs go in as well: an upgrade of one makes a new image
    h.update(repr([(p, os.stat(p).st_mtime, os.stat(p).st_size) for p in mk.host_files()]).encode())
    h.update(repr(sorted(kern.items())).encode())
    d = os.path.join(CACHE, "images")
    os.makedirs(d, exist_ok=True)
    out = os.path.join(d, "%s-%s.cpio" % (k, h.hexdigest()[:24]))
    with open(os.path.join(d, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(out):
            os.utime(out)
            return out
        old = sorted(glob.glob(d + "/*.cpio"), key=os.path.getmtime, reverse=True)
        for f in old[IMAGES_KEPT - 1:]:
            os.unlink(f)
        mk.build(out, kern["kver"], kern["modbase"], [mods], ["%s:%s" % x for x in progs], quiet=True)
    return out

def listens(port):
    """guest command: rc 0 if something listens on this TCP port"""
    return "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ':%04X [0-9A-F]*:0000 0A '" % port

def boot(kernels, own="", mtu=1500, rxe="ab", smc="ab", nics=1, vcpus=1, mem=1024, append="", logdir=None, solo=False,
         mods=None, strict=True):
    """boot two machines and set them up; the Pair. mods: a directory with other modules than ours, %k in it
    stands for the kernel"""
    ka, kb = kernels.split(",")
    progs = programs(strict)
    side = {}
    for name, k in (("a", ka), ("b", kb)):
        if name == "b" and solo:
            continue
        side[name] = dict(kernel=kernel(k)["image"], initrd=image(k, name in own, progs, mods))
    cls = vmpair.Solo if solo else vmpair.Pair
    p = cls(mtu=mtu, nics=nics, vcpus=vcpus, mem=mem, logdir=logdir,
            append="oops=panic log_buf_len=4M " + append, **side)
    try:
        p.net()
        p.rxe(rxe)
        p.smc(smc)
    except BaseException:
        p.close()
        if p.problems:
            print("\n".join("# KERNEL " + l for x in p.problems for l in x.splitlines()), flush=True)
        raise
    return p
