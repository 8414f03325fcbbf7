#!/bin/bash
# hosts: host
# Containers on the bridge berth0. The "host" is a network namespace of the test's own, with another one beyond it that
# knows no way to the containers: what it answers, it answers to the host's address.
# shellcheck source-path=SCRIPTDIR source=networks.sh disable=SC2016,SC2317
. "$(dirname "$0")/networks.sh"

test_out_and_between() {
    prepare_network
    serve "$OUTSIDE" 192.0.2.2 8000
    expect_rc 0 on_bridge --name="$ID" /bin/sh -c 'ip -4 -o addr show dev eth0; ip route; nc 192.0.2.2 8000'
    assert_match "$ERR" 'forwards IPv4 now'
    assert_match "$OUT" 'inet 10\.117\.0\.2/20 '
    assert_match "$OUT" 'default via 10\.117\.0\.1 dev eth0'
    # Masqueraded: beyond the host nobody knows of the containers' network.
    assert_eq "$(tail -n 1 <<<"$OUT")" 192.0.2.1
    # The host knows now; it is said once.
    background a
    b list >/dev/null
    expect_rc 0 on_bridge --name="$ID-b" --cap-add=NET_RAW /bin/sh -c "nc -w 5 $(address_of a) 7 </dev/null; echo \$?; ping -c 1 -W 5 $(address_of a) >/dev/null && echo pong"
    [[ $ERR != *forwards* ]] || fail "$ERR"
    # Nobody listens, but a refusal has come back: and so does an echo.
    assert_match "$OUT" pong
    # With each other under their own addresses; the host reaches them, and they the host.
    serve "$(state_field "$ID-a" leader)" "$(address_of a)" 8001
    assert_eq "$(h python3 -c 'import socket,sys; print(socket.create_connection((sys.argv[1], 8001), 5).makefile().read().strip())' "$(address_of a)")" 10.117.0.1
    assert_eq "$(on_bridge --name="$ID-c" /bin/sh -c "nc $(address_of a) 8001")" 10.117.0.3
    # What is not connected stays alone.
    assert_eq "$(b run --name="$ID-d" -D "$ROOT" ls /sys/class/net)" lo
}

test_addresses_are_given_back() {
    prepare_network
    local i addresses pids=()
    background keep
    assert_eq "$(address_of keep)" 10.117.0.2
    for i in {1..12}; do
        background "$i" &
        pids+=("$!")
    done
    wait "${pids[@]}" || fail 'not all were started'
    addresses=$(for i in keep {1..12}; do address_of "$i"; done | sort -u | wc -l)
    assert_eq "$addresses" 13
    assert_eq "$(links)" 13
    # Each has its container's name, too.
    h ip -o link show "berth-$ID-keep" | grep -q ' be0-2' || fail "$(h ip link show)"
    # The name of the link is the lease: it lasts as long as the payload, whoever else dies.
    kill -KILL "$(state_field "$ID-keep" supervisor)"
    retry_until "$SETTLE_TIMEOUT" pid_is_gone "$(state_field "$ID-keep" supervisor)"
    assert_match "$(on_bridge --name="$ID-late" ip -4 -o addr show dev eth0)" '10\.117\.0\.15/'
    for i in keep {1..12}; do b terminate "$ID-$i" >/dev/null; done
    retry_until "$SETTLE_TIMEOUT" no_links
    assert_match "$(on_bridge --name="$ID-late" ip -4 -o addr show dev eth0)" '10\.117\.0\.2/'
}

test_network_is_free_of_the_hosts_routes() {
    prepare_network
    h ip route add 10.117.0.0/19 via 192.0.2.2
    h ip addr add 10.117.33.1/30 dev up0
    assert_match "$(on_bridge --name="$ID" ip -4 -o addr show dev eth0 2>/dev/null)" '10\.117\.48\.2/20'
    # Found again, though 10.117.0.0 is free now.
    h ip route del 10.117.0.0/19
    assert_match "$(on_bridge --name="$ID" ip -4 -o addr show dev eth0)" '10\.117\.48\.2/20'
    h ip link del berth0
    h ip route add 10.116.0.0/15 via 192.0.2.2
    expect_rc 125 on_bridge --name="$ID" /bin/true
    assert_match "$ERR" '--network: the host has routes for all of 10\.117\.0\.0/16'
    h ip link del berth0
    # A bridge of the administrator's own is taken as it is.
    h ip link add berth0 type bridge
    h ip addr add 198.51.100.9/29 dev berth0
    h ip link set berth0 up
    assert_match "$(on_bridge --name="$ID" ip -4 -o addr show dev eth0)" '198\.51\.100\.10/29'
}

# IPv6 by a network of the host's own, and without when the host has none.
test_ipv6() {
    prepare_network
    has_ipv6 || skip 'this host has no IPv6'
    local network
    in_net "$OUTSIDE" "$HELPERS/echo-server" out 8000 >served &
    on_exit kill "$!"
    retry_until "$SETTLE_TIMEOUT" grep -q ready served
    h sh -c 'echo 1 >/proc/sys/net/ipv6/conf/up0/accept_ra'
    expect_rc 0 on_bridge --name="$ID" /bin/sh -c 'ip -6 -o addr show dev eth0 scope global; ip -6 route; nc 2001:db8::2 8000'
    assert_match "$ERR" 'forwards IPv6 now'
    assert_match "$OUT" 'inet6 fd[0-9a-f]{2}:[0-9a-f:]+::2/64 '
    assert_match "$OUT" 'default via fd[0-9a-f:]+::1 dev eth0'
    assert_eq "$(tail -n 1 <<<"$OUT")" 'out 2001:db8::1'
    # Who listened to routers goes on.
    assert_eq "$(h cat /proc/sys/net/ipv6/conf/up0/accept_ra)" 2
    # The same network for this host as long as it is free of its routes, and else another.
    network=$(h ip -6 -o addr show dev berth0 scope global | sed -n 's/.* inet6 \([0-9a-f:]*\)1\/64.*/\1/p')
    h ip link del berth0
    assert_match "$(on_bridge --name="$ID" ip -6 -o addr show dev eth0 scope global)" "inet6 ${network}2/64"
    h ip link del berth0
    h ip -6 route add "$network/48" dev up0
    expect_rc 0 on_bridge --name="$ID" ip -6 -o addr show dev eth0 scope global
    assert_match "$OUT" 'inet6 fd'
    assert_no_match "$OUT" "inet6 ${network}2/64"
    # Off, whole or from the start.
    h ip link del berth0
    h sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
    expect_rc 0 on_bridge --name="$ID" -p 8080:80 /bin/sh -c 'ip -6 -o addr show dev eth0 scope global; ip -4 -o addr show dev eth0'
    assert_no_match "$OUT" inet6
    assert_match "$OUT" '10\.117\.0\.2/20'
}

test_full_network() {
    prepare_network
    local round
    h ip link add berth0 type bridge
    h ip addr add 10.117.0.1/29 dev berth0
    h ip link set berth0 up
    background 1 && background 2 && background 3 && background 4 && background 5
    expect_rc 125 on_bridge --name="$ID" /bin/true
    assert_match "$ERR" 'all addresses of the network are taken'
    b terminate "$ID-3" >/dev/null
    retry_until "$SETTLE_TIMEOUT" no_link_of 3
    # A place is never lost, however its container ended.
    for round in {1..10}; do
        retry_until "$SETTLE_TIMEOUT" on_bridge --name="$ID" /bin/true
        background "k$round"
        kill -KILL "$(state_field "$ID-k$round" supervisor)" "$(state_field "$ID-k$round" leader)"
        retry_until "$SETTLE_TIMEOUT" no_link_of "k$round"
    done
    assert_eq "$(links)" 4
}
no_link_of() { ! h ip link show "berth-$ID-$1" >/dev/null 2>&1; }

test_rules_come_back() {
    prepare_network
    serve "$OUTSIDE" 192.0.2.2 8000
    assert_eq "$(on_bridge --name="$ID" nc 192.0.2.2 8000 2>/dev/null)" 192.0.2.1
    h nft flush ruleset
    assert_eq "$(on_bridge --name="$ID" nc 192.0.2.2 8000)" 192.0.2.1
    # A firewall of the host has its say.
    h nft 'add table inet filter; add chain inet filter forward { type filter hook forward priority 0; policy drop; }'
    expect_rc 1 on_bridge --name="$ID" nc -w 1 192.0.2.2 8000
    assert_match "$(h nft list tables)" 'table inet berth'
}

test_started_at_the_same_time() {
    prepare_network
    local i pids=()
    # Nothing is there yet, and each makes of it what is missing.
    for i in {1..8}; do
        background "$i" 2>"err-$i" &
        pids+=("$!")
    done
    wait "${pids[@]}" || fail "$(cat err-*)"
    assert_eq "$(links)" 8
    assert_eq "$(h ip -4 -o addr show dev berth0 | wc -l)" 1
    assert_eq "$(h nft list ruleset | grep -c masquerade)" 5
}

test_what_users_expect() {
    prepare_network
    # Without a privilege: echo requests (the busybox of the root knows only raw sockets), low ports.
    background p --userns=auto
    nsenter --user --net --target="$(state_field "$ID-p" leader)" --setuid=0 --setgid=0 -- python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
s.settimeout(5)
s.connect(("10.117.0.1", 0))
s.send(bytes([8, 0, 0, 0, 0, 0, 0, 1]) + b"ping")
assert s.recv(100)[8:] == b"ping"'
    assert_eq "$(on_bridge --name="$ID" cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" 0
    assert_eq "$(on_bridge --name="$ID" --sysctl net.ipv4.ip_unprivileged_port_start=99 cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" 99
    # Nothing of the kind on the host.
    assert_eq "$(h cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" 1024
    # What a payload says of routes is no news to the host, nor to others.
    ! has_ipv6 || assert_eq "$(h cat /proc/sys/net/ipv6/conf/berth0/accept_ra)" 0
    ! has_ipv6 || assert_eq "$(on_bridge --name="$ID" cat /proc/sys/net/ipv6/conf/eth0/accept_ra)" 0
}

# No step that fails leaves a link.
test_every_step() {
    prepare_network
    has_test_hooks || skip 'the executor was built without test hooks'
    local number kind mode
    for mode in host auto; do
        on_bridge --userns=$mode --name="$ID" --print-plan /bin/true >plan 2>/dev/null
        grep -q ' outer link ' plan || fail "$(cat plan)"
        while read -r number _ kind _; do
            BERTH_FAIL_STEP=$number expect_rc 125 on_bridge --userns=$mode --name="$ID" /bin/true
            assert_match "$ERR" "\[step $number, $kind, from "
        done <plan
        retry_until "$SETTLE_TIMEOUT" no_links
        assert_no_trace "$ID"
    done
}

test_plan_makes_nothing() {
    prepare_network
    expect_rc 0 on_bridge --name="$ID" --print-plan /bin/true
    assert_match "$OUT" 'network=10\.117\.0\.0 prefix_length=20'
    expect_rc 1 h ip link show berth0
    assert_eq "$(h nft list ruleset)" ''
    assert_eq "$(h cat /proc/sys/net/ipv4/ip_forward)" 0
}

test_not_permitted() {
    prepare_network
    expect_rc 125 h setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$BERTHCTL" run --network=bridge --name="$ID" -D "$ROOT" /bin/true
    assert_match "$ERR" "--network: cannot make the bridge 'berth0': Operation not permitted"
    expect_rc 125 b run --network=bridges --name="$ID" -D "$ROOT" /bin/true
    assert_match "$ERR" "'bridges'"
}

run_tests
