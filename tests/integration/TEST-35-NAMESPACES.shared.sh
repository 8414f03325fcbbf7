#!/bin/bash
# hosts: host vm
# A container in the network and UTS namespace of another one, or of a path; clocks of its own.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

namespace_of() { readlink "/proc/$(state_field "$1" leader)/ns/$2"; }

test_network_of_a_container() {
    prepare
    local network
    start_in_background web --network=private
    network=$(namespace_of "$ID-web" net)
    b exec "$ID-web" /bin/sh -c 'echo there | nc -l -p 8765' &
    retry_until "$SETTLE_TIMEOUT" b exec "$ID-web" /bin/sh -c 'cat /proc/net/tcp* | grep -q ":223D .* 0A "'
    expect_rc 0 run_in --network="container:$ID-web" /bin/sh -c 'readlink /proc/self/ns/net; nc 127.0.0.1 8765 </dev/null'
    assert_eq "$OUT" "$network"$'\nthere'
    # One of its own has another, and nobody listens there.
    expect_rc 0 run_in /bin/sh -c 'readlink /proc/self/ns/net; nc 127.0.0.1 8765 </dev/null 2>/dev/null || echo nobody'
    assert_ne "$(head -n 1 <<<"$OUT")" "$network"
    assert_match "$OUT" nobody
    # Its devices are seen in /sys, and not those of the host.
    expect_rc 0 run_in --network="container:$ID-web" /bin/ls /sys/class/net
    assert_eq "$OUT" lo
    # It may use the network and not rule it: neither by capability, nor by parameter.
    expect_rc 0 run_in --network="container:$ID-web" --cap-add=NET_ADMIN /bin/sh -c 'ip link set lo down 2>/dev/null || echo refused'
    assert_eq "$OUT" refused
    expect_rc 0 run_in --cap-add=NET_ADMIN /bin/sh -c 'ip link set lo down && echo done'
    assert_eq "$OUT" 'done'
    expect_rc 125 run_in --network="container:$ID-web" --sysctl=net.core.somaxconn=1 /bin/true
    assert_match "$ERR" 'would change others'
    expect_rc 0 b exec "$ID-web" /bin/sh -c 'ip link show lo | grep -q UP'
    # The supervisor came back.
    start_in_background friend --network="container:$ID-web" --uts="container:$ID-web"
    assert_eq "$(namespace_of "$ID-friend" net)" "$network"
    assert_eq "$(readlink "/proc/$(state_field "$ID-friend" supervisor)/ns/net")" "$(readlink /proc/self/ns/net)"
    assert_eq "$(readlink "/proc/$(state_field "$ID-friend" supervisor)/ns/uts")" "$(readlink /proc/self/ns/uts)"
    # Who enters it is in there, and it lives on when the other one has ended.
    b terminate "$ID-web"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-web"
    expect_rc 0 b exec "$ID-friend" readlink /proc/self/ns/net
    assert_eq "$OUT" "$network"
}

test_host_name_of_others() {
    prepare
    start_in_background web --hostname=tiger
    expect_rc 0 run_in --uts="container:$ID-web" /bin/sh -c 'hostname; hostname other 2>/dev/null || echo refused'
    assert_eq "$OUT" $'tiger\nrefused'
    # Nor does the environment tell another name.
    expect_rc 0 run_in --uts="container:$ID-web" /usr/bin/env
    assert_no_match "$OUT" HOSTNAME=
    expect_rc 0 run_in /usr/bin/env
    assert_match "$OUT" HOSTNAME=
    expect_rc 0 run_in --uts=host /bin/hostname
    assert_eq "$OUT" "$(hostname)"
    expect_rc 0 run_in --uts=private /bin/hostname
    assert_ne "$OUT" tiger
    expect_rc 125 run_in --uts=host --hostname=x /bin/true
    assert_match "$ERR" 'exclude each other'
}

test_namespaces_behind_paths() {
    prepare
    local pid
    unshare --net --uts sh -c 'hostname lion && exec sleep 1000' &
    pid=$!
    on_exit kill "$pid"
    retry_until "$SETTLE_TIMEOUT" grep -q sleep "/proc/$pid/comm"
    touch net
    mount --bind "/proc/$pid/ns/net" net
    on_exit umount net
    expect_rc 0 run_in --network="ns:$TEST_TMP/net" --uts="ns:/proc/$pid/ns/uts" /bin/sh -c 'readlink /proc/self/ns/net; hostname'
    assert_eq "$OUT" "$(readlink "/proc/$pid/ns/net")"$'\nlion'
    # Of another kind, no namespace at all, nothing, and what would wait for somebody.
    mkfifo fifo
    for path in "/proc/$pid/ns/uts" /etc/passwd "$TEST_TMP/fifo" /dev/null; do
        expect_rc 125 timeout 20 "$BERTHCTL" run --name="$ID" -D "$ROOT" --network="ns:$path" /bin/true
        assert_match "$ERR" "'$path' is not a network namespace"
    done
    expect_rc 125 run_in --network=ns:/no/such /bin/true
    assert_match "$ERR" "--network: cannot open '/no/such'"
    assert_no_trace "$ID"
}

# Who gives away the host says so by that word.
test_the_hosts_by_another_name() {
    prepare
    start_in_background open --network=host --uts=host
    local value
    for value in "container:$ID-open" ns:/proc/self/ns/net; do
        expect_rc 125 run_in --network="$value" /bin/true
        assert_match "$ERR" "is the host's.*host"
    done
    expect_rc 125 run_in --uts="container:$ID-open" /bin/true
    assert_match "$ERR" "the UTS namespace of '$ID-open' is the host's"
    expect_rc 0 run_in --network=host /bin/readlink /proc/self/ns/net
    assert_eq "$OUT" "$(readlink /proc/self/ns/net)"
}

test_containers_that_are_not_there() {
    prepare
    expect_rc 125 run_in --network=container:nobody /bin/true
    assert_match "$ERR" "--network: no container 'nobody' is running"
    expect_rc 125 run_in --uts=container:../x /bin/true
    start_in_background web
    # Its pid is another process's now: what the record says of the start time decides.
    kill -KILL "$(state_field "$ID-web" leader)"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-web"
    expect_rc 125 run_in --network="container:$ID-web" /bin/true
    assert_match "$ERR" "no container '$ID-web' is running"
    # A record of one that died, with the pid of somebody who lives.
    start_in_background old
    cp "$BERTH_RUN/machines/$ID-old" record
    b terminate "$ID-old"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-old"
    sed "s/\"leader\":[0-9]*/\"leader\":$$/" record >"$BERTH_RUN/machines/$ID-old"
    on_exit rm -f "$BERTH_RUN/machines/$ID-old"
    expect_rc 125 run_in --network="container:$ID-old" /bin/true
    assert_match "$ERR" "'$ID-old'"
}

test_clocks() {
    prepare
    [[ -e /proc/self/ns/time ]] || skip 'this kernel has no time namespaces'
    local here inside
    here=$(cut -d. -f1 /proc/uptime)
    expect_rc 0 run_in --time-offset=boottime=100d --time-offset=monotonic=1h /bin/sh -c 'cut -d. -f1 /proc/uptime; cat /proc/self/timens_offsets'
    inside=$(head -n 1 <<<"$OUT")
    ((inside - here >= 8640000 && inside - here < 8640300)) || fail "uptime $here here, $inside inside"
    assert_match "$(tr -s ' ' <<<"$OUT")" $'monotonic 3600 0\nboottime 8640000 0'
    expect_rc 0 run_in /bin/sh -c 'cut -d. -f1 /proc/uptime'
    ((OUT - here < 300)) || fail "uptime $here here, $OUT inside without an offset"
    # Who enters has the same clocks; the supervisor has the host's.
    start_in_background web --time-offset=boottime=100d
    expect_rc 0 b exec "$ID-web" cut -d. -f1 /proc/uptime
    ((OUT - here >= 8640000)) || fail "uptime $OUT for exec"
    assert_eq "$(readlink "/proc/$(state_field "$ID-web" supervisor)/ns/time_for_children")" "$(readlink /proc/self/ns/time)"
    expect_rc 125 run_in --time-offset=boottime=-36000d /bin/true
    assert_match "$ERR" 'before its beginning.*from --time-offset'
    b terminate "$ID-web"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-web"
    assert_no_trace "$ID"
}

run_tests
