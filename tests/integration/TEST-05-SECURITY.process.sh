#!/bin/bash
# hosts: host vm
# What a payload may do and see (THREATS 1A, 1E, 1F, 1G).
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

probe_with() { # OPTION...: the result is in probe.json
    run_in "$@" /bin/probe >probe.json
}

capabilities() { json probe.json '" ".join(d["status"]["Cap" + k][6:] for k in ("Inh", "Prm", "Eff", "Bnd", "Amb"))'; }

# E1, E2, E9: inheritable and ambient sets are empty, and who is not root has nothing.
test_capabilities() {
    prepare
    install_helper probe
    local none=0000000000 default=00800405fb
    probe_with
    assert_eq "$(capabilities)" "$none $default $default $default $none"
    probe_with -u 1000
    assert_eq "$(capabilities)" "$none $none $none $default $none"
    probe_with -u 1000 --cap-add=SYS_ADMIN
    assert_eq "$(json probe.json 'd["status"]["CapEff"]')" "000000$none"
    probe_with --cap-drop=ALL
    assert_eq "$(capabilities)" "$none $none $none $none $none"
    probe_with --init -u 1000
    assert_eq "$(capabilities)" "$none $none $none $default $none"
    # The reaper is not started anew by execve(2), which would have taken them.
    expect_rc 0 sh_in 'sed -n "s/^Cap\(Eff\|Prm\):\t//p" /proc/1/status' --init -u 1000
    assert_eq "$OUT" $'0000000000000000\n0000000000000000'
}

test_no_new_privileges_and_filter() {
    prepare
    install_helper probe
    local options
    for options in '' '-u 1000' '--init' '--read-only'; do
        # shellcheck disable=SC2086 # words
        probe_with $options
        assert_eq "$(json probe.json 'd["status"]["NoNewPrivs"] + d["status"]["Seccomp"]')" 12
    done
    probe_with --no-new-privileges=no
    assert_eq "$(json probe.json 'd["status"]["NoNewPrivs"] + d["status"]["Seccomp"]')" 02
    probe_with --security-opt=seccomp=unconfined
    assert_eq "$(json probe.json 'd["status"]["NoNewPrivs"] + d["status"]["Seccomp"]')" 10
}

# E3: exactly the groups of the user, nothing of the caller's.
test_groups() {
    prepare
    install_helper probe
    printf 'wheel:x:10:user\n' >>"$ROOT/etc/group"
    setpriv --groups 5,6,7 "$BERTHCTL" run --name="$ID" -D "$ROOT" /bin/probe >probe.json
    assert_eq "$(json probe.json 'd["groups"]')" '[0]'
    setpriv --groups 5,6,7 "$BERTHCTL" run --name="$ID" -D "$ROOT" -u user /bin/probe >probe.json
    assert_eq "$(json probe.json '[sorted(d["groups"]), d["uids"], d["gids"]]')" '[[10, 1000], [1000, 1000, 1000], [1000, 1000, 1000]]'
    probe_with -u 5:7
    assert_eq "$(json probe.json '[d["groups"], d["uids"], d["gids"]]')" '[[7], [5, 5, 5], [7, 7, 7]]'
}

# A2: what is open is what was given.
test_open_files() {
    prepare
    install_helper probe
    local options
    for options in '' '--ephemeral' '--init' '--read-only --tmpfs=/mnt' "--bind=$TEST_TMP:/b --overlay=$TEST_TMP:$TEST_TMP/up:/o"; do
        mkdir -p up
        # shellcheck disable=SC2086 # words
        probe_with $options
        assert_eq "$(json probe.json 'sorted(d["fds"])')" '["0", "1", "2"]'
        assert_eq "$(json probe.json 'd["cwd"]')" /
    done
    # Through /proc, PID 1 of --init has none, or cannot be looked at.
    expect_rc 0 sh_in 'ls /proc/1/fd 2>/dev/null; true' --init
    assert_eq "$OUT" ''
    b run -d --name="$ID-d" -D "$ROOT" /bin/sh -c '/bin/probe >/probe.json; touch /finished; sleep 1000' >/dev/null
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/finished"
    assert_eq "$(json "$ROOT/probe.json" 'sorted(d["fds"])')" '["0", "1", "2"]'
    b terminate "$ID-d"
}

test_namespaces() {
    prepare
    install_helper probe
    probe_with
    local name
    for name in mnt pid net ipc uts; do
        assert_ne "$(json probe.json "d['ns']['$name']")" "$(readlink "/proc/self/ns/$name")"
    done
    [[ $BERTH_HOST == host ]] || assert_ne "$(json probe.json 'd["ns"]["cgroup"]')" "$(readlink /proc/self/ns/cgroup)"
    assert_eq "$(json probe.json 'd["sid"]')" 0
}

# B14: outside its own subtree a container can do nothing to cgroups.
test_cgroups_cannot_be_written() {
    prepare
    # With the host's ids: otherwise the files' owner would be enough.
    expect_rc 0 sh_in 'for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/*/*/cgroup.procs; do
        [ -e $f ] || continue; (echo 1 >$f) 2>/dev/null && echo "wrote $f"; done
        mkdir /sys/fs/cgroup/mine 2>/dev/null && echo made; find /sys/fs/cgroup -type d 2>/dev/null | wc -l; cat /proc/self/cgroup' --userns=host
    assert_no_match "$OUT" 'wrote|made'
    assert_no_match "$OUT" '0::/.*berth'
}

# --- System calls -----------------------------------------------------------------------------------------------------

# E7: the families of sockets, through every way into the kernel.
test_socket_families() {
    prepare
    install_helper try-syscall
    local abi
    for abi in native i386 x32; do
        expect_rc 0 run_in try-syscall --abi="$abi" --families
        # unix, inet, inet6 and netlink are let through: EINVAL is the kernel's word on the type of socket.
        [[ $abi == x32 ]] || assert_eq "$(grep -c EINVAL <<<"$OUT")" 4
        assert_eq "$(grep -Evc 'EAFNOSUPPORT|ENOSYS|EPERM|family-(1|2|10|16) EINVAL' <<<"$OUT" || true)" 0
        assert_eq "$(grep -cE 'family-(17|38|40|9|3|5|44) (EAFNOSUPPORT|ENOSYS|EPERM)' <<<"$OUT")" 7
    done
    # socketcall(2) of i386 takes its arguments from memory, where a filter cannot look.
    expect_rc 1 run_in try-syscall --abi=i386 102 1 0
    assert_match "$OUT" 'ENOSYS|EPERM'
}

# E6: nothing can be typed into a terminal from behind it.
test_terminal_injection() {
    prepare
    install_helper try-syscall
    local request
    for request in 0x5412 0x100005412 0xffffffff00005412 0x541c 0x10000541c; do
        expect_rc 1 "$HELPERS/on-tty" -- "$BERTHCTL" run --name="$ID" -D "$ROOT" -it try-syscall ioctl 0 "$request" s:x
        assert_match "$OUT" 'ioctl EPERM'
    done
    expect_rc 1 run_in try-syscall --abi=i386 54 0 0x5412 0
    assert_match "$OUT" 'EPERM'
}

test_dangerous_system_calls() {
    prepare
    install_helper try-syscall
    local calls=(io_uring_setup io_uring_enter userfaultfd bpf perf_event_open keyctl add_key request_key mount umount2
        setns open_by_handle_at kexec_load init_module finit_module delete_module pivot_root fsopen open_tree move_mount
        mount_setattr swapon swapoff reboot settimeofday clock_settime acct quotactl kcmp sethostname setdomainname
        fanotify_init vhangup syslog)
    run_in /bin/sh -c 'for call; do try-syscall $call -1 -1 -1 -1 -1; done; true' - "${calls[@]}" >tried
    assert_eq "$(grep -Ev ' (EPERM|ENOSYS)$' tried || true)" ''
    assert_eq "$(wc -l <tried)" "${#calls[@]}"
    # New namespaces, by the call and by clone's flags; clone3's cannot be looked at.
    expect_rc 1 run_in try-syscall unshare 0x10000000
    expect_rc 1 run_in try-syscall clone 0x10000011 0
    expect_rc 1 run_in try-syscall clone3 0 0
    assert_match "$OUT" ENOSYS
    # And a few that must work.
    local good
    for good in getpid 'socket 1 1 0' 'unshare 0' 'memfd_create s:x 0' 'prctl 3' 'openat -100 s:/ 0'; do
        # shellcheck disable=SC2086 # words
        expect_rc 0 run_in try-syscall $good
    done
}

# B17: sysctls of the container's own namespaces, and no others.
test_sysctls() {
    prepare
    find /proc/sys/kernel /proc/sys/net/ipv4 /proc/sys/vm /proc/sys/fs -maxdepth 1 -type f -perm -u=rw ! -name '*random*' ! -name 'ns_last_pid' \
        ! -name '*-nr' ! -name '*-state' ! -name 'nr_hugepages*' -exec grep -H . {} + 2>/dev/null | sort >before
    local good bad
    for good in net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=1 net.core.somaxconn=77 kernel.shmmax=100000 kernel.msgmnb=70000 \
        'kernel.sem=1 2 3 4' fs.mqueue.msg_max=20 kernel.shm_rmid_forced=1 kernel.msgmni=50; do
        expect_rc 0 run_in "--sysctl=$good" /bin/cat "/proc/sys/$(tr . / <<<"${good%%=*}")"
        assert_eq "$(tr '\t' ' ' <<<"$OUT")" "${good#*=}"
    done
    for bad in kernel.hostname=x kernel.domainname=x kernel.core_pattern=x kernel.panic=1 kernel.sysrq=1 kernel.modprobe=/x \
        kernel.randomize_va_space=0 kernel.pid_max=100 vm.swappiness=1 vm.overcommit_memory=2 fs.file-max=1 fs.suid_dumpable=2 \
        user.max_user_namespaces=0 dev.cdrom.debug=1 abi.vsyscall32=0 debug.exception-trace=0 net/../kernel/panic=1 \
        net..ipv4=1 .net.x=1 net.=1 =1 net.ipv4.ip_forward kernel.shm=1 'kernel.shmmax+kernel.core_pattern=x' \
        $'kernel.shmmax=1\nkernel.core_pattern=x' $'net.core.somaxconn=1\033[31m' ../../etc/passwd=1 net.../x=1; do
        expect_rc 125 run_in "--sysctl=$bad" /bin/true
        assert_match "$ERR" 'sysctl'
        assert_printable "$ERR_FILE"
    done
    for bad in net.ipv4.ip_forward=1 net.core.somaxconn=1; do
        expect_rc 125 run_in --network=host "--sysctl=$bad" /bin/true
        assert_match "$ERR" 'host'
    done
    find /proc/sys/kernel /proc/sys/net/ipv4 /proc/sys/vm /proc/sys/fs -maxdepth 1 -type f -perm -u=rw ! -name '*random*' ! -name 'ns_last_pid' \
        ! -name '*-nr' ! -name '*-state' ! -name 'nr_hugepages*' -exec grep -H . {} + 2>/dev/null | sort >after
    diff before after
}

# --- The host's side --------------------------------------------------------------------------------------------------

# F1: others cannot even look, whatever the caller's umask was.
test_state_is_private() {
    prepare
    local mask
    for mask in 0000 0022 0077; do
        own_state
        rm -rf "$TEST_TMP/state"
        mkdir -p "$TEST_TMP/state"
        (umask "$mask" && start_in_background web && b run --name="$ID-other" -D "$ROOT" --ephemeral /bin/true)
        local place
        for place in "$BERTH_RUN_DIR" "$BERTH_DATA_DIR"; do
            assert_eq "$(stat -c '%a %U' "$place")" '700 root'
            assert_eq "$(find "$place" -perm /077 ! -type l ! -type s ! -path '*/upper*' ! -path '*/work*' | head)" ''
            ! setpriv --reuid=65534 --regid=65534 --clear-groups ls "$place" 2>/dev/null || fail "$place can be listed"
            ! setpriv --reuid=65534 --regid=65534 --clear-groups ls "$place/machines" 2>/dev/null || fail "$place can be searched"
        done
        b terminate "$ID-web"
    done
}

# Permissions that somebody loosened are put right; a directory that is not ours is refused.
test_state_directories_of_others() {
    prepare
    own_state
    b list >/dev/null
    chmod 777 "$BERTH_RUN_DIR" "$BERTH_RUN_DIR/machines"
    b list >/dev/null
    assert_eq "$(stat -c %a "$BERTH_RUN_DIR" "$BERTH_RUN_DIR/machines")" $'700\n700'
    chown 65534 "$BERTH_RUN_DIR/machines"
    expect_rc 1 b list
    assert_match "$ERR" 'belongs to user 65534'
    rmdir "$BERTH_RUN_DIR/machines"
    # What is behind a link is not state, and nobody's business here.
    mkdir canary
    echo canary >canary/file
    chmod 755 canary
    ln -s "$TEST_TMP/canary" "$BERTH_RUN_DIR/machines"
    expect_rc 1 b list
    assert_match "$ERR" "'machines'"
    assert_eq "$(find canary -printf '%p %m ')" 'canary 755 canary/file 644 '
    rm "$BERTH_RUN_DIR/machines"
    expect_rc 0 b list
}

# F2: nothing of ours can be reached by way of the abstract name space of sockets.
test_no_abstract_sockets() {
    prepare
    start_in_background web --network=host --log-driver=file
    # Of all the sockets that its processes have, at least the one for attach is listed, by its path.
    local pid inode count=0
    for pid in "$(state_field "$ID-web" supervisor)" "$(state_field "$ID-web" leader)"; do
        for inode in $(find "/proc/$pid/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n'); do
            awk -v inode="$inode" '$7 == inode { print $8 }' /proc/net/unix
        done
    done | grep . >sockets || true
    b terminate "$ID-web"
    count=$(wc -l <sockets)
    ((count > 0)) || fail 'no socket was looked at'
    assert_eq "$(grep ^@ sockets || true)" ''
}

# --- Hostile text -----------------------------------------------------------------------------------------------------

HOSTILE=$'\033[2J\033]0;title\007\033]52;c;aGk=\007\033]8;;http://x\033\\\302\233\342\200\256\177\rfake\b'

# G1: what comes from a container or an image cannot act on the terminal of who looks at it.
test_hostile_text_in_what_is_shown() {
    prepare
    printf 'PRETTY_NAME="%s"\nNAME="%s"\nID=%s\n' "$HOSTILE" "$HOSTILE" "$HOSTILE" >"$ROOT/etc/os-release"
    local hostile_root=$TEST_TMP/$'root\033[31m\342\200\256'
    mv "$ROOT" "$hostile_root"
    ROOT=$hostile_root
    start_in_background web -e "VARIABLE=$HOSTILE" --label="label=$HOSTILE" -l "$HOSTILE=x"
    b exec -d "$ID-web" /bin/sh -c 'exec -a "$0" sleep 1000' "$HOSTILE" || true
    b run -d --name="$ID-words" -D "$ROOT" /bin/sh -c 'sleep 1000' "$HOSTILE" >/dev/null
    local verb
    for verb in list 'list --all' 'list -o json' "status $ID-web" "status $ID-words" "status -o json $ID-web" "show $ID-web" "show -o json $ID-words" \
        "show --all $ID-words" info 'info -o json'; do
        # shellcheck disable=SC2086 # words
        expect_rc 0 b $verb
        assert_printable "$OUT_FILE"
        assert_printable "$ERR_FILE"
    done
    expect_rc 0 "$HELPERS/on-tty" -- "$BERTHCTL" list
    tr -d '\r' <"$OUT_FILE" | sed $'s/\033\\[[0-9;]*m//g' >plain
    assert_printable plain
    b terminate "$ID-web" "$ID-words"
    expect_rc 0 b list --all
    assert_printable "$OUT_FILE"
}

test_hostile_text_in_messages() {
    prepare
    local option
    for option in "--env-file=$HOSTILE" "--user=$HOSTILE" "--workdir=/$HOSTILE" "--memory=$HOSTILE" "--bind=/$HOSTILE" "--tmpfs=/x:$HOSTILE" \
        "--$HOSTILE" "--cap-add=$HOSTILE" "--sysctl=$HOSTILE" "--ulimit=$HOSTILE" "--name=$HOSTILE" "--hostname=$HOSTILE" "--property=$HOSTILE" \
        "--slice=$HOSTILE" "--security-opt=$HOSTILE" "--stop-signal=$HOSTILE" "--mount=$HOSTILE" "--network=$HOSTILE" "--volatile=$HOSTILE" \
        "--log-driver=$HOSTILE"; do
        expect_rc 125 run_in "$option" /bin/true
        assert_printable "$ERR_FILE"
        assert_printable "$OUT_FILE"
    done
    expect_rc 127 run_in "/$HOSTILE"
    assert_printable "$ERR_FILE"
    expect_rc 125 b run "$HOSTILE"
    assert_printable "$ERR_FILE"
    expect_rc 0 run_in --print-plan -e "A=$HOSTILE" "$HOSTILE"
    assert_printable "$OUT_FILE"
    expect_rc 1 b "$HOSTILE"
    assert_printable "$ERR_FILE"
}

# A10: data that looks like options is data.
test_words_that_look_like_options() {
    prepare
    ln -s busybox "$ROOT/bin/--help"
    expect_rc 0 run_in -- /bin/echo --bind=/x -v /:/h --
    assert_eq "$OUT" '--bind=/x -v /:/h --'
    expect_rc 127 run_in -- --privileged
    start_in_background web
    expect_rc 0 b exec "$ID-web" /bin/echo --privileged -t --
    assert_eq "$OUT" '--privileged -t --'
    expect_rc 0 b exec -- "$ID-web" /bin/echo x
    expect_rc 125 b exec -- --privileged "$ID-web" /bin/echo x
    b terminate "$ID-web"
}

# A7, A8, A9: programs and libraries of a container are not run or loaded by us.
test_nothing_of_the_container_is_run_by_us() {
    prepare
    local name
    for name in ps xz gzip zstd tar id getent newuidmap; do
        rm -f "$ROOT/bin/$name" "$ROOT/usr/bin/$name"
        printf '#!/bin/sh\ntouch /was-run\n' >"$ROOT/usr/bin/$name"
        chmod 755 "$ROOT/usr/bin/$name"
    done
    mkdir -p "$ROOT/lib/x86_64-linux-gnu"
    echo 'not a library' >"$ROOT/lib/x86_64-linux-gnu/libnss_files.so.2"
    start_in_background web -u user
    expect_rc 0 b status "$ID-web"
    expect_rc 0 b show "$ID-web"
    expect_rc 0 b exec -u user "$ID-web" /bin/true
    b terminate "$ID-web"
    [[ ! -e $ROOT/was-run ]] || fail 'something of the container was run'
}

run_tests
