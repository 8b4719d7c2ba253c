#!/bin/sh
# Sends the TCP traffic of a network namespace through the sidecar that lives in it.
#
#   leno-redirect [--app-uid UID] [--proxy-uid UID] [--outbound PORT] [--inbound PORT]
#                 [--skip-outbound ADDRESS[:PORT]]… [--skip-inbound PORT]…
#   leno-redirect --clean
#
# Outbound: what leaves by TCP goes to the proxy's outbound listener, but not what the proxy itself sends,
# what stays on the loopback, and what goes to the addresses to skip (the control plane, for one). With
# --app-uid only what that user sends. Inbound: what comes from outside goes to the inbound listener, but
# not to the ports to skip. The rules stand in chains of their own and are laid anew at each run, so that
# running it twice is running it once; --clean takes away all of it and nothing else.
#
# Needs NET_ADMIN in the namespace. A proxy sees Host or SNI, not the address that was dialled.
set -eu

app_uid='' proxy_uid=1337 outbound=15001 inbound=15006 skip_outbound='' skip_inbound='' clean=no
while [ $# -gt 0 ]; do
  case $1 in
    --clean) clean=yes; shift; continue ;;
    --app-uid | --proxy-uid | --outbound | --inbound | --skip-outbound | --skip-inbound)
      [ $# -ge 2 ] || { echo "leno-redirect: $1 needs a value" >&2; exit 2; } ;;
    *) echo "leno-redirect: $1 is not an option" >&2; exit 2 ;;
  esac
  case $1 in
    --app-uid) app_uid=$2 ;;
    --proxy-uid) proxy_uid=$2 ;;
    --outbound) outbound=$2 ;;
    --inbound) inbound=$2 ;;
    --skip-outbound) skip_outbound="$skip_outbound $2" ;;
    --skip-inbound) skip_inbound="$skip_inbound $2" ;;
  esac
  shift 2
done

nat() { iptables -w 10 -t nat "$@"; }

# Takes the jump out as often as it is there, then the chain.
remove() {
  while nat -D "$1" -p tcp -j "$2" 2>/dev/null; do :; done
  nat -F "$2" 2>/dev/null || return 0
  nat -X "$2"
}

remove OUTPUT LENO_OUTBOUND
remove PREROUTING LENO_INBOUND
[ "$clean" = no ] || exit 0

nat -N LENO_OUTBOUND
nat -A LENO_OUTBOUND -m owner --uid-owner "$proxy_uid" -j RETURN
nat -A LENO_OUTBOUND -o lo -j RETURN
nat -A LENO_OUTBOUND -d 127.0.0.0/8 -j RETURN
for target in $skip_outbound; do
  case $target in
    *:*) set -- -d "${target%:*}" -p tcp --dport "${target##*:}" ;;
    *) set -- -d "$target" ;;
  esac
  nat -A LENO_OUTBOUND "$@" -j RETURN
done
if [ -n "$app_uid" ]; then set -- -m owner --uid-owner "$app_uid"; else set --; fi
nat -A LENO_OUTBOUND -p tcp "$@" -j REDIRECT --to-ports "$outbound"

nat -N LENO_INBOUND
for port in "$inbound" $skip_inbound; do
  nat -A LENO_INBOUND -p tcp --dport "$port" -j RETURN
done
nat -A LENO_INBOUND -p tcp -j REDIRECT --to-ports "$inbound"

nat -A OUTPUT -p tcp -j LENO_OUTBOUND
nat -A PREROUTING -p tcp -j LENO_INBOUND
