# SPDX-License-Identifier: GPL-2.0
#
# Included by the top Makefile: tests, installation, demonstration.
#
#	check		everything; installs the Debian packages and fetches the
#			kernels that are missing (as root)
#	check-quick	static checks for one kernel, unit tests, a smoke test
#	check-static check-unit check-vm	one part of it
#	install uninstall	smc.ko and smc_diag.ko under updates/, where modprobe
#			and autoloading find them before the kernel's own
#	demo		two machines, real programs, the figures

tests_prepare = tests/vm/setup && tests/vm/kernels
tests_unit = $(MAKE) -s --no-print-directory -C tests/unit check
tests_sum = tests/vm/tapsum

check:
	@$(tests_prepare) 6.1 6.12 7.3 checkpatch
	@$(tests_sum) static 'tests/static/run' unit '$(tests_unit)' vm 'tests/vm/run'

check-quick:
	@$(tests_prepare) 6.1 6.12 7.3 checkpatch
	@$(tests_sum) static 'tests/static/run --quick' unit '$(tests_unit)' vm 'tests/vm/run --quick'

check-static:
	@$(tests_prepare) 6.1 6.12 7.3 checkpatch
	@$(tests_sum) static 'tests/static/run'

check-unit:
	@$(tests_sum) unit '$(tests_unit)'

check-vm:
	@$(tests_sum) vm 'tests/vm/run'

demo:
	@$(tests_prepare) 6.1
	@tests/vm/demo

# Neither signed nor compressed: the kernel's own modules_install tries the former
# with a key that only the distribution has, and calls no depmod without a System.map.
# The release is the one that the modules are built with: Debian's "make kernelrelease" may differ.
release = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
updates = $(DESTDIR)/lib/modules/$(release)/updates
depmod = depmod -b $(or $(DESTDIR),/) $(release)

install: modules
	test -n "$(release)"
	mkdir -p $(updates)
	install -m 644 smc.ko smc_diag.ko $(updates)
	$(depmod)

uninstall:
	test -n "$(release)"
	rm -f $(updates)/smc.ko $(updates)/smc_diag.ko
	rmdir --ignore-fail-on-non-empty $(updates) 2>/dev/null || true
	$(depmod)

.PHONY: check check-quick check-static check-unit check-vm demo install uninstall

#	check-debug	the suites with KASAN, lockdep, kmemleak and the like: builds a debug kernel, once, 25 minutes
#	check-fault	the same kernel: allocations that fail
#	coverage	how much of the module all that runs
tests_debug = tests/vm/setup && tests/debug/kernel

check-debug:
	@$(tests_debug)
	@$(tests_sum) debug 'tests/debug/run'

check-fault:
	@$(tests_debug)
	@$(tests_sum) fault 'tests/debug/run fault'

coverage:
	@$(tests_debug)
	@tests/debug/coverage

.PHONY: check-debug check-fault coverage

#	bench		what TCP, this module and the kernel's own cost, in instructions:
#			docs/performance.md. KERNELS=6.1,6.12 OUT=build/bench.json
#	bench-compare	OLD=before.json NEW=after.json
bench:
	@$(tests_prepare) $(subst $(comma), ,$(or $(KERNELS),6.1 6.12))
	@tests/bench/bench -k $(or $(KERNELS),6.1$(comma)6.12) -o $(or $(OUT),build/bench.json)

bench-compare:
	@tests/bench/bench --compare $(OLD) $(NEW)

comma := ,

.PHONY: bench bench-compare
