# shellcheck shell=bash disable=SC2034,SC2317 # the scripts use what is here
# What the scripts about networks share, on top of containers.sh: the "host" is a network namespace of the test's own, with
# another one beyond it that knows no way to the containers: what it answers, it answers to the host's address.

# shellcheck source-path=SCRIPTDIR source=containers.sh
. "$(dirname "${BASH_SOURCE[0]}")/containers.sh"

# A process that keeps a network namespace, without a name on the host.
new_net() { # VARIABLE
    unshare --net sleep infinity &
    printf -v "$1" '%s' "$!"
    on_exit kill "$!"
    retry_until "$SETTLE_TIMEOUT" _has_other_net "$!"
}
_has_other_net() { [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" && $(cat "/proc/$1/comm") == sleep ]]; }

in_net() { # PID COMMAND...
    nsenter --net="/proc/$1/ns/net" -- "${@:2}"
}

# On the test's host, whose network is not this machine's.
h() { in_net "$HOST_NET" "$@"; }
on_bridge() { h "$BERTHCTL" run --network=bridge -D "$ROOT" "$@"; }

prepare_network() {
    prepare
    command -v nft >/dev/null || skip 'nft(8) is not installed'
    new_net HOST_NET
    new_net OUTSIDE
    h ip link set lo up
    in_net "$OUTSIDE" ip link set lo up
    h ip link add up0 type veth peer name up0 netns "$OUTSIDE"
    h ip addr add 192.0.2.1/24 dev up0
    h ip link set up0 up
    in_net "$OUTSIDE" ip addr add 192.0.2.2/24 dev up0
    in_net "$OUTSIDE" ip link set up0 up
    has_ipv6 || return 0
    h ip -6 addr add 2001:db8::1/64 dev up0 nodad
    in_net "$OUTSIDE" ip -6 addr add 2001:db8::2/64 dev up0 nodad
}

has_ipv6() { [[ $(cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null) == 0 ]]; }

# Answers each TCP connection with the address that it came from.
serve() { # PID ADDRESS PORT
    in_net "$1" python3 -c '
import socketserver, sys
class Handler(socketserver.BaseRequestHandler):
    def handle(self): self.request.sendall(self.client_address[0].encode() + b"\n")
socketserver.TCPServer.allow_reuse_address = True
server = socketserver.TCPServer((sys.argv[1], int(sys.argv[2])), Handler)
print("ready", flush=True)
server.serve_forever()' "$2" "$3" >"served-$3" &
    on_exit kill "$!"
    retry_until "$SETTLE_TIMEOUT" grep -q ready "served-$3"
}

background() { # SUFFIX [OPTION...]
    on_bridge -d --name="$ID-$1" "${@:2}" /bin/sh -c 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done' >/dev/null
}

address_of() { h "$BERTHCTL" exec "$ID-$1" ip -4 -o addr show dev eth0 | sed -n 's/.* inet \([0-9.]*\)\/.*/\1/p'; }
links() { h ip -o link show | grep -c ' be0-' || true; }
no_links() { [[ $(links) == 0 ]]; }
