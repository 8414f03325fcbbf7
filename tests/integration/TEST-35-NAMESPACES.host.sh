#!/bin/bash
# hosts: host vm
# Namespaces that a container shares with the host, what that gives away and what it does not; and the cgroup namespace.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

test_processes_of_the_host() {
    prepare
    local marked
    sleep 987654 &
    marked=$!
    on_exit kill "$marked"
    for userns in auto host; do
        expect_rc 0 run_in --pid=host --userns="$userns" /bin/sh -c "
            readlink /proc/self/ns/pid
            tr '\0' ' ' </proc/$marked/cmdline
            readlink /proc/$marked/exe 2>/dev/null || echo no program
            ls /proc/$marked/root/ 2>/dev/null || echo no root"
        # It sees them, and looks into none.
        assert_eq "$OUT" "$(readlink /proc/self/ns/pid)"$'\nsleep 987654 no program\nno root'
    done
    # One with ids of its own reaches none of them either.
    expect_rc 0 run_in --pid=host --userns=auto /bin/sh -c "kill -0 $marked 2>/dev/null || echo refused; kill -0 1 2>/dev/null || echo refused"
    assert_eq "$OUT" $'refused\nrefused'
    expect_rc 0 run_in /bin/sh -c "[ -e /proc/$marked ] || echo unseen"
    assert_eq "$OUT" unseen
    kill -0 "$marked"
}

# No PID namespace ends with its first process: the cgroup does.
test_end_without_a_pid_namespace() {
    prepare
    has_own_cgroups || [[ $BERTH_HOST != host ]] || skip 'no cgroup can be made here'
    expect_rc 0 run_in --pid=host /bin/sh -c 'sleep 98765 & setsid sleep 98765 & exit 0'
    retry_until "$SETTLE_TIMEOUT" eval '[[ -z $(processes_of_root) ]]'
    start_in_background busy --pid=host
    expect_rc 0 b exec -d "$ID-busy" setsid sleep 98765
    expect_rc 0 b exec "$ID-busy" /bin/sh -c 'readlink /proc/self/ns/pid; tr "\0" " " </proc/1/cmdline'
    assert_eq "$OUT" "$(readlink /proc/self/ns/pid)"$'\n'"$(tr '\0' ' ' </proc/1/cmdline)"
    b terminate "$ID-busy"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-busy"
    retry_until "$SETTLE_TIMEOUT" eval '[[ -z $(processes_of_root) ]]'
    # And where there is none, there is no such container.
    if [[ $BERTH_HOST == host ]]; then
        expect_rc 125 unshare --mount --propagation private sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec "$0" run --name="$1" -D "$2" --pid=host /bin/true' \
            "$BERTHCTL" "$ID" "$ROOT"
        assert_match "$ERR" '--pid: without a cgroup'
    fi
    assert_no_trace "$ID"
}

test_memory_of_the_host() {
    prepare
    local file=/dev/shm/$ID
    on_exit rm -f "$file" "$file-2"
    (umask 077 && echo there >"$file")
    for userns in auto host; do
        expect_rc 0 run_in --ipc=host --userns="$userns" /bin/sh -c "
            readlink /proc/self/ns/ipc; ls /dev/shm | grep -c '^$ID\$'; cat $file 2>/dev/null || echo refused
            echo inside >$file-2; ls -d /dev/mqueue"
        if [[ $userns == auto ]]; then
            # It has ids of its own there, too.
            assert_eq "$OUT" "$(readlink /proc/self/ns/ipc)"$'\n1\nrefused\n/dev/mqueue'
            (($(stat -c %u "$file-2") >= 65536)) || fail "a file in /dev/shm has the owner $(stat -c %u "$file-2")"
        else
            assert_eq "$OUT" "$(readlink /proc/self/ns/ipc)"$'\n1\nthere\n/dev/mqueue'
        fi
        rm "$file-2"
    done
    expect_rc 0 run_in /bin/sh -c "readlink /proc/self/ns/ipc; ls /dev/shm"
    assert_ne "$OUT" "$(readlink /proc/self/ns/ipc)"
    assert_no_match "$OUT" "$ID"
    expect_rc 125 run_in --ipc=host --sysctl=kernel.shmmax=1 /bin/true
    assert_match "$ERR" 'would change the host'
}

# Listens on a port, which is said when it does.
listening() { # PORT
    printf 'nc -l -p %u & n=$!; i=0
        until cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ":%04X 0* *.* 0A "; do
            kill -0 $n 2>/dev/null && [ $((i += 1)) -lt 600 ] || { wait $n; exit; }; sleep 0.1
        done; kill $n; echo listening' "$1" "$1"
}

# On the host's network the ports that the host keeps for root stay root's: root inside is not.
test_ports_of_the_host() {
    prepare
    local first
    first=$(</proc/sys/net/ipv4/ip_unprivileged_port_start)
    ((first > 10)) || skip 'this host keeps no ports for root'
    expect_rc 1 run_in --network=host --userns=auto /bin/sh -c "nc -l -p $((first - 9))"
    assert_match "$ERR" '[Pp]ermission denied'
    expect_rc 0 run_in --network=host --userns=auto /bin/sh -c "$(listening 28765)"
    assert_eq "$OUT" listening
    # What the manual says to do: the host's ids, or a network of its own.
    expect_rc 0 run_in --network=host --userns=host /bin/sh -c "$(listening "$((first - 9))")"
    assert_eq "$OUT" listening
    expect_rc 0 run_in --userns=auto /bin/sh -c "$(listening "$((first - 9))")"
    assert_eq "$OUT" listening
}

# A container finds its own group as the root of the tree, and nothing above or beside it.
test_cgroup_namespace() {
    prepare
    has_own_cgroups || [[ $BERTH_HOST != host ]] || skip 'no cgroup can be made here'
    local group
    start_in_background other
    expect_rc 0 b exec "$ID-other" /bin/cat /proc/self/cgroup
    assert_match "$OUT" '(^|'$'\n'')0::/($|'$'\n'')'
    group=$(sed -n 's/^0:://p' "/proc/$(state_field "$ID-other" leader)/cgroup")
    assert_match "$group" '/payload$'
    for userns in auto host; do
        expect_rc 0 run_in --userns="$userns" /bin/sh -c '
            grep ^0: /proc/self/cgroup; grep " cgroup2 " /proc/self/mountinfo | cut -d " " -f 4,5
            dir=$(grep " cgroup2 " /proc/self/mountinfo | cut -d " " -f 5)
            cat $dir/cgroup.procs; find $dir -mindepth 1 -type d; ls -d $dir/../*.scope $dir/../*.slice 2>/dev/null
            readlink /proc/self/ns/cgroup'
        # The mount shows the group itself ("/"), where only its own processes are and no other group is.
        assert_match "$(head -n 1 <<<"$OUT")" '^0::/$'
        assert_match "$(sed -n 2p <<<"$OUT")" '^/ /sys/fs/cgroup'
        assert_no_match "$OUT" "$ID-other"
        assert_no_match "$OUT" '\.(scope|slice)'
        assert_ne "$(tail -n 1 <<<"$OUT")" "$(readlink /proc/self/ns/cgroup)"
    done
}

# What gives away the host is said to who sits there.
test_warnings() {
    prepare
    local option
    for option in pid=host:'all processes of the host' ipc=host:'shared memory' network=host:'no port below' \
        uts=host:"host's name"; do
        expect_rc 0 script -qec "$BERTHCTL run --name=$ID -D $ROOT --${option%%:*} --userns=auto /bin/true" /dev/null
        assert_match "$OUT" "--${option%%=*}: .*${option#*:}"
    done
    expect_rc 0 script -qec "$BERTHCTL run --name=$ID -D $ROOT --pid=host --userns=host /bin/true" /dev/null
    assert_match "$OUT" '--pid: .*may end them'
}

run_tests
