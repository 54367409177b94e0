#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# smc_run: run a TCP program with its TCP sockets replaced by AF_SMC ones.

version=1.8.5
library=libsmc-preload.so

usage() {
	cat <<-END
	Usage: smc_run [ -d ] [ -h ] [ -r SIZE ] [ -t SIZE ] [ -v ] COMMAND

	Run COMMAND using SMC for TCP sockets

	   -d          dynamic debug output on standard error
	   -h          display this message
	   -r SIZE     request receive buffer size in bytes (suffixes k and m)
	   -t SIZE     request transmit buffer size in bytes (suffixes k and m)
	   -v          display version information
	END
}

# print SIZE in bytes; fail if it is none
bytes() {
	digits=${1%[kKmM]}
	case $digits in
	""|*[!0-9]*)
		echo "Error: Invalid buffer size specified: '$1'" >&3
		return 1
		;;
	esac
	# a leading zero would mean octal
	while [ "${#digits}" -gt 1 ] && [ "${digits#0}" != "$digits" ]; do
		digits=${digits#0}
	done
	case $1 in
	*[kK])	echo $((digits * 1024)) ;;
	*[mM])	echo $((digits * 1024 * 1024)) ;;
	*)	echo "$digits" ;;
	esac
}

# raise the limit $1 of the network core to $2 if it is lower
raise() {
	limit=$(sysctl -n "$1" 2>/dev/null) || return
	if [ "$limit" -lt "$2" ]; then
		sysctl -q -w "$1=$2"
	fi
}

exec 3>&1
SMC_DEBUG=0
while getopts :dhr:t:v opt; do
	case $opt in
	d)	SMC_DEBUG=1 ;;
	h)	usage
		exit 0 ;;
	r)	SMC_RCVBUF=$(bytes "$OPTARG") || exit 1
		export SMC_RCVBUF
		raise net.core.rmem_max "$SMC_RCVBUF" ;;
	t)	SMC_SNDBUF=$(bytes "$OPTARG") || exit 1
		export SMC_SNDBUF
		raise net.core.wmem_max "$SMC_SNDBUF" ;;
	v)	echo "smc_run utility, smc-tools-$version"
		exit 0 ;;
	:)	echo "smc_run: Error: Option -$OPTARG needs an argument" >&2
		exit 1 ;;
	*)	echo "smc_run: Error: Invalid option -$OPTARG" >&2
		exit 1 ;;
	esac
done
shift $((OPTIND - 1))
exec 3>&-

if [ $# -eq 0 ]; then
	echo "smc_run: Error: Missing command parameter" >&2
	exit 1
fi

export SMC_DEBUG
LD_PRELOAD=$LD_PRELOAD:$library
export LD_PRELOAD
exec "$@"
