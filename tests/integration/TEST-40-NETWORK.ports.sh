#!/bin/bash
# hosts: host
# Ports of the host that lead to containers on the bridge, seen from everywhere.
# shellcheck source-path=SCRIPTDIR source=networks.sh disable=SC2016,SC2317
. "$(dirname "$0")/networks.sh"

published() { h nft list table inet berth 2>/dev/null | sed -n '/map published/,/^\t}/p; /map one/,/^\t}/p; /map any/,/^\t}/p' | grep -c ' : [0-9a-f]' || true; }
none_published() { [[ $(published) == 0 ]]; }

# A container with a server on the ports 80 and 81, a process of this machine in its network: while it lives, so does that.
serve_in() { # SUFFIX [OPTION...]
    local suffix=$1 leader
    background "$suffix" "${@:2}"
    leader=$(state_field "$ID-$suffix" leader)
    nsenter --net="/proc/$leader/ns/net" -- "$HELPERS/echo-server" "$suffix" 80 81 >"echo-$suffix" &
    SERVER=$!
    on_exit kill "$SERVER"
    retry_until "$SETTLE_TIMEOUT" grep -q ready "echo-$suffix"
}

ask_from() { # PID PROTOCOL ADDRESS PORT
    in_net "$1" "$HELPERS/ask" "${@:2}"
}

leader_of() { state_field "$ID-$1" leader; }
address6_of() { state_field "$ID-$1" address6; }

# Everybody's way to a published port, and whom the container sees.
check_matrix() {
    local protocol gateway6 four=192.0.2.1 six=2001:db8::1
    gateway6=$(h ip -6 -o addr show dev berth0 scope global | sed -n 's/.* inet6 \([0-9a-f:]*\)\/64.*/\1/p')
    for protocol in tcp udp; do
        assert_eq "$(ask_from "$OUTSIDE" $protocol $four 8080)" "web 192.0.2.2"
        assert_eq "$(ask_from "$HOST_NET" $protocol $four 8080)" "web 192.0.2.1"
        assert_eq "$(ask_from "$HOST_NET" $protocol 127.0.0.1 8080)" 'web 10.117.0.1'
        # What would go past the host comes from it.
        assert_eq "$(ask_from "$(leader_of other)" $protocol $four 8080)" 'web 10.117.0.1'
        assert_eq "$(ask_from "$(leader_of web)" $protocol $four 8080)" 'web 10.117.0.1'
        # The host's address on the bridge is one of its own, too.
        assert_eq "$(ask_from "$(leader_of other)" $protocol 10.117.0.1 8080)" 'web 10.117.0.1'
        has_ipv6 || continue
        assert_eq "$(ask_from "$OUTSIDE" $protocol $six 8080)" 'web 2001:db8::2'
        assert_eq "$(ask_from "$HOST_NET" $protocol $six 8080)" 'web 2001:db8::1'
        assert_eq "$(ask_from "$(leader_of other)" $protocol $six 8080)" "web $gateway6"
        assert_eq "$(ask_from "$(leader_of web)" $protocol $six 8080)" "web $gateway6"
    done
    # The second port of the range.
    assert_eq "$(ask_from "$OUTSIDE" tcp $four 8081)" 'web 192.0.2.2'
}

test_matrix() {
    prepare_network
    local filter=/proc/sys/net/bridge/bridge-nf-call-iptables
    serve_in web -p 8080-8081:80-81 -p 8080:80/udp
    background other
    check_matrix
    # Nobody hears anything on ::1, and learns it at once.
    ! has_ipv6 || expect_rc 1 ask_from "$HOST_NET" tcp ::1 8080
    ! has_ipv6 || assert_match "$ERR" 'refused'
    # With and without the firewall between the ports of a bridge.
    h test -e $filter || return 0
    if [[ $(h cat $filter) == 1 ]]; then
        h sh -c "for f in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do echo 0 >\$f; done"
    else
        h sh -c "for f in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do echo 1 >\$f; done"
    fi
    check_matrix
}

test_one_address() {
    prepare_network
    serve_in web -p 127.0.0.1:8080:80 -p 192.0.2.1:8081:80/udp
    serve_in other -p 127.0.0.2:8080:80
    assert_eq "$(ask_from "$HOST_NET" tcp 127.0.0.1 8080)" 'web 10.117.0.1'
    assert_eq "$(ask_from "$HOST_NET" tcp 127.0.0.2 8080)" 'other 10.117.0.1'
    expect_rc 1 ask_from "$HOST_NET" tcp 192.0.2.1 8080
    assert_match "$ERR" refused
    expect_rc 1 ask_from "$OUTSIDE" tcp 192.0.2.1 8080
    assert_match "$ERR" refused
    assert_eq "$(ask_from "$OUTSIDE" udp 192.0.2.1 8081)" 'web 192.0.2.2'
    # The loopback stays the host's own: what a container sends there never arrives.
    h "$HELPERS/echo-server" host 9000 >echo-host &
    on_exit kill "$!"
    retry_until "$SETTLE_TIMEOUT" grep -q ready echo-host
    assert_eq "$(ask_from "$HOST_NET" tcp 127.0.0.1 9000)" 'host 127.0.0.1'
    in_net "$(leader_of web)" sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo; ip route flush table local 127.0.0.0/8; ip route add 127.0.0.1 via 10.117.0.1'
    assert_match "$(in_net "$(leader_of web)" ip route get 127.0.0.1)" 'via 10.117.0.1'
    expect_rc 1 ask_from "$(leader_of web)" tcp 127.0.0.1 9000 2
    assert_match "$ERR" 'timed out'
}

test_taken() {
    prepare_network
    local server options
    h "$HELPERS/echo-server" host 8000 >echo-host &
    server=$!
    on_exit kill "$server"
    retry_until "$SETTLE_TIMEOUT" grep -q ready echo-host
    expect_rc 125 on_bridge --name="$ID" -p 8000:80 /bin/true
    assert_match "$ERR" "-p.*: the port 8000/tcp is in use on this host by 'python3' \(process [0-9]+\)"
    expect_rc 125 on_bridge --name="$ID" -p 7999-8001:79-81/udp /bin/true
    assert_match "$ERR" "the port 8000/udp is in use on this host"
    background web -p 8080-8090:80-90
    expect_rc 125 on_bridge --name="$ID" -p 8085:80 /bin/true
    assert_match "$ERR" "the port 8085/tcp is published by the container '$ID-web'"
    expect_rc 125 on_bridge --name="$ID" -p 127.0.0.1:8085:80 /bin/true
    assert_match "$ERR" "the port 8085/tcp is published by the container '$ID-web'"
    expect_rc 125 on_bridge --name="$ID" -p 198.51.100.1:8000:80 /bin/true
    assert_match "$ERR" 'this host does not have the address of 198\.51\.100\.1:8000:80/tcp'
    expect_rc 125 on_bridge --name="$ID" -p 9000:80 -p 127.0.0.1:9000:81 /bin/true
    assert_match "$ERR" '9000:80/tcp and 127\.0\.0\.1:9000:81/tcp want the same port of the host'
    expect_rc 125 on_bridge --name="$ID" -p 20000-30000:20000-30000 /bin/true
    assert_match "$ERR" '10001 ports are more than the 1024 that a container can have'
    for options in '-p 0:80' '-p 80:http' '-p 1-2:1-3' '-p 65536' '-p host:1:1'; do
        # shellcheck disable=SC2086 # a list of words
        expect_rc 125 on_bridge --name="$ID" $options /bin/true
        assert_match "$ERR" "is not a port to publish"
    done
    expect_rc 125 h "$BERTHCTL" run --name="$ID" --network=host -D "$ROOT" -p 8001:80 /bin/true
    assert_match "$ERR" '--network gives it another one'
    # Not the same protocol; and nothing of the refused is left.
    expect_rc 0 on_bridge --name="$ID" -p 8085:80/udp /bin/true
    b terminate "$ID-web" >/dev/null
    retry_until "$SETTLE_TIMEOUT" none_published
}

test_shown() {
    prepare_network
    h "$BERTHCTL" run -d --name="$ID-web" -P --expose 80 --expose 53/udp --expose 81 -p 127.0.0.1:8081:81 -D "$ROOT" /bin/sleep 1000 >/dev/null
    expect_rc 0 b port "$ID-web"
    assert_match "$OUT" '81/tcp +127\.0\.0\.1:8081'
    assert_match "$OUT" '80/tcp +\*:[0-9]+'
    assert_match "$OUT" '53/udp +\*:[0-9]+'
    assert_eq "$(wc -l <<<"$OUT")" 4
    expect_rc 0 b port -o json "$ID-web" 80
    assert_match "$OUT" '"published": "\*:[0-9]+"'
    expect_rc 1 b port "$ID-web" 82
    assert_match "$(b status "$ID-web")" 'Ports: .*127\.0\.0\.1:8081:81/tcp'
    assert_match "$(b show -p address -p ports "$ID-web")" '10\.117\.0\.2'
    # What was chosen is what leads there.
    serve_in other -p 80
    assert_eq "$(ask_from "$OUTSIDE" tcp 192.0.2.1 "$(b port --no-legend "$ID-other" 80 | sed 's/.*://')")" 'other 192.0.2.2'
}

# Whoever is killed, whenever: what they published is taken back, or given to the next who wants it.
test_killed() {
    prepare_network
    local supervisor
    serve_in web -p 8080:80
    supervisor=$(state_field "$ID-web" supervisor)
    # The payload lives on, and so does its port.
    kill -KILL "$supervisor"
    retry_until "$SETTLE_TIMEOUT" pid_is_gone "$supervisor"
    assert_eq "$(ask_from "$OUTSIDE" tcp 192.0.2.1 8080)" 'web 192.0.2.2'
    expect_rc 125 on_bridge --name="$ID-other" -p 8080:80 /bin/true
    assert_match "$ERR" "published by the container '$ID-web'"
    h "$BERTHCTL" terminate "$ID-web" >/dev/null
    assert_eq "$(published)" 0
    kill "$SERVER"
    retry_until "$SETTLE_TIMEOUT" no_links
    # Both at once: the next command of any kind takes it back.
    background second -p 8080:80
    kill_all second
    assert_ne "$(published)" 0
    h "$BERTHCTL" list >/dev/null 2>&1
    assert_eq "$(published)" 0
    # Not even the state file is left: the next who wants the port, or the address, has it.
    background third -p 8080:80 -p 8081:81
    kill_all third
    rm "$BERTH_RUN/machines/$ID-third"
    serve_in other -p 8080:80
    assert_eq "$(address_of other)" 10.117.0.2
    assert_eq "$(ask_from "$OUTSIDE" tcp 192.0.2.1 8080)" 'other 192.0.2.2'
    expect_rc 1 ask_from "$OUTSIDE" tcp 192.0.2.1 8081
    h "$BERTHCTL" terminate "$ID-other" >/dev/null
    kill "$SERVER"
    # Or prune.
    background fourth -p 8080:80
    kill_all fourth
    rm "$BERTH_RUN/machines/$ID-fourth"
    assert_match "$(h "$BERTHCTL" prune --force)" 'Took back what 1 container had published'
    assert_eq "$(published)" 0
}

# The supervisor and the first process of the only one, until the kernel has taken the link back.
kill_all() { # SUFFIX
    kill -KILL "$(state_field "$ID-$1" supervisor)" "$(leader_of "$1")"
    retry_until "$SETTLE_TIMEOUT" no_links
}

test_rules_come_back() {
    prepare_network
    serve_in web -p 8080:80
    h nft flush ruleset
    expect_rc 1 ask_from "$OUTSIDE" tcp 192.0.2.1 8080
    # With the next container's rules come those of all.
    expect_rc 0 on_bridge --name="$ID" /bin/true
    assert_eq "$(ask_from "$OUTSIDE" tcp 192.0.2.1 8080)" 'web 192.0.2.2'
    # What a firewall of the host drops stays dropped.
    h nft 'add table inet filter; add chain inet filter forward { type filter hook forward priority 0; policy drop; }'
    expect_rc 1 ask_from "$OUTSIDE" tcp 192.0.2.1 8080 1
    assert_match "$ERR" 'timed out'
}

test_every_step() {
    prepare_network
    has_test_hooks || skip 'the executor was built without test hooks'
    local number mode
    for mode in host auto; do
        on_bridge --userns=$mode --name="$ID" -p 8080:80 --print-plan /bin/true >plan 2>/dev/null
        grep -q ' outer publish ' plan || fail "$(cat plan)"
        while read -r number _; do
            BERTH_FAIL_STEP=$number expect_rc 125 on_bridge --userns=$mode --name="$ID" -p 8080:80 /bin/true
            assert_eq "$(published)" 0
        done < <(sed -n '/ outer link /,$p' plan)
        assert_no_trace "$ID"
    done
}

# 120 starts, six at a time, on the same six ports.
churn() { # LANE
    for _ in {1..20}; do
        on_bridge --name="$ID-$1" -p "$((8000 + $1)):80" -p "$((8000 + $1)):80/udp" /bin/true 2>>"churn-$1" || return 1
    done
}

test_churn() {
    prepare_network
    local lane pids=()
    for lane in {1..6}; do
        churn "$lane" &
        pids+=("$!")
    done
    for lane in {1..6}; do wait "${pids[lane - 1]}" || fail "$(cat "churn-$lane")"; done
    assert_eq "$(published)" 0
    retry_until "$SETTLE_TIMEOUT" no_links
    for lane in {1..6}; do assert_no_trace "$ID-$lane"; done
}

run_tests
