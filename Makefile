# SPDX-License-Identifier: GPL-2.0
#
#	make [KDIR=<kernel build directory>]	build smc.ko and smc_diag.ko
#	make install | uninstall		under updates/ of that kernel's modules
#	make demo				two machines, real programs, the figures
#	make check | check-quick		the tests
#
# W=1, C=2 and the like are passed on to the kernel's build system.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

all: modules

modules modules_install clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@

include tests/tests.mk

.PHONY: all modules modules_install clean
