#!/bin/bash
# hosts: host vm
# A container in a user namespace has ids of its own, and none of the host's; its files have sensible owners on disk.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

prepare_userns() {
    prepare
    # Whether the file systems of this host can (a container's overlay cannot).
    run_in --userns=auto /bin/true >out 2>err || { grep -q 'cannot be mapped' err && skip "$(cat err)"; fail "$(cat err)"; }
}

# The first id of the host in a map as the kernel shows it.
base_of() { tr -s ' ' <<<"$1" | cut -d' ' -f3; }

inside() { # OPTION... COMMAND...
    run_in --userns=auto "$@"
}

test_map_and_ids() {
    prepare_userns
    expect_rc 0 inside /bin/cat /proc/self/uid_map
    assert_match "$OUT" '^ +0 +[0-9]+ +65536$'
    local base
    base=$(base_of "$OUT")
    ((base >= 524288 && base <= 1878982656 && base % 65536 == 0)) || fail "$base is not of systemd's range"
    expect_rc 0 inside /bin/cat /proc/self/gid_map
    assert_eq "$(base_of "$OUT")" "$base"
    expect_rc 0 inside /bin/sh -c 'id -u; id -g; id -G; readlink /proc/self/ns/user'
    assert_match "$OUT" $'^0\n0\n0\nuser:'
    assert_ne "$(tail -n 1 <<<"$OUT")" "$(readlink /proc/self/ns/user)"
    # The same name has the same ids as a rule, another one others.
    expect_rc 0 run_in --userns=auto --name="$ID" /bin/cat /proc/self/uid_map
    assert_eq "$(base_of "$OUT")" "$base"
}

test_every_namespace_belongs_to_it() {
    prepare_userns
    # The parameters of the network namespace are those of who has CAP_NET_ADMIN over it: it is the container's own.
    expect_rc 0 inside --unmask=/proc/sys --cap-add=NET_ADMIN --security-opt label=disable /bin/sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward'
    assert_eq "$OUT" 1
    expect_rc 0 inside --cap-add=SYS_ADMIN /bin/sh -c 'hostname other && hostname'
    assert_eq "$OUT" other
}

test_two_containers_share_no_id() {
    prepare_userns
    local pid_a pid_b
    start_in_background a --userns=auto
    start_in_background b --userns=auto
    pid_a=$(state_field "$ID-a" leader) pid_b=$(state_field "$ID-b" leader)
    assert_ne "$(base_of "$(cat "/proc/$pid_a/uid_map")")" "$(base_of "$(cat "/proc/$pid_b/uid_map")")"
    # The processes are nobody of the host's.
    assert_eq "$(stat -c %u "/proc/$pid_a")" "$(base_of "$(cat "/proc/$pid_a/uid_map")")"
    assert_eq "$(find "$BERTH_RUN/ranges" -lname "$ID-*" | wc -l)" 2
    b stop "$ID-a" && b terminate "$ID-b"
    assert_no_trace "$ID-a"
    assert_no_trace "$ID-b"
}

test_owners_in_a_directory() {
    prepare_userns
    chown 7:8 "$ROOT/etc/group"
    expect_rc 0 inside /bin/sh -c 'stat -c "%u:%g" /etc/passwd /etc/group; touch /new; mkdir /dir; touch /theirs; chown 1000:1001 /theirs; ln -s x /link; mkfifo /fifo'
    assert_eq "$OUT" $'0:0\n7:8'
    assert_eq "$(cd "$ROOT" && stat -c '%n %u:%g' new dir theirs link fifo)" $'new 0:0\ndir 0:0\ntheirs 1000:1001\nlink 0:0\nfifo 0:0'
    # Mount points that were made in the tree, too.
    assert_eq "$(cd "$ROOT" && stat -c '%u:%g' proc sys dev)" $'0:0\n0:0\n0:0'
    # Who has no id inside is nobody, and what is his stays closed.
    chown 100000:100000 "$ROOT/new" && chmod 600 "$ROOT/new"
    expect_rc 0 inside /bin/sh -c 'stat -c "%u:%g" /new; cat /new 2>/dev/null || echo closed'
    assert_eq "$OUT" $'65534:65534\nclosed'
}

test_owners_in_a_volume() {
    prepare_userns
    mkdir vol
    echo text >vol/of-root && chmod 600 vol/of-root
    echo text >vol/of-user && chmod 600 vol/of-user && chown 1000:1000 vol/of-user
    expect_rc 0 inside -v "$TEST_TMP/vol:/vol" -u 1000:1000 /bin/sh -c 'cat /vol/of-user; cat /vol/of-root 2>/dev/null || echo no'
    assert_eq "$OUT" $'text\nno'
    expect_rc 0 inside -v "$TEST_TMP/vol:/vol" /bin/sh -c 'cat /vol/of-root; touch /vol/new; stat -c %u:%g /vol/new /vol/of-user'
    assert_eq "$OUT" $'text\n0:0\n1000:1000'
    assert_eq "$(stat -c %u:%g vol/new)" 0:0
    # As they are on the host: nobody's, and not to be written.
    expect_rc 0 inside -v "$TEST_TMP/vol:/vol:noidmap" /bin/sh -c 'stat -c %u:%g /vol/of-root; cat /vol/of-root 2>/dev/null || echo no; touch /vol/x 2>/dev/null || echo no'
    assert_eq "$OUT" $'65534:65534\nno\nno'
    # One file.
    expect_rc 0 inside -v "$TEST_TMP/vol/of-root:/etc/one:idmap" /bin/sh -c 'cat /etc/one; echo more >>/etc/one'
    assert_eq "$(cat vol/of-root)" $'text\nmore'
    expect_rc 0 inside --mount="type=bind,src=$TEST_TMP/vol,dst=/vol,ro,idmap" /bin/sh -c 'cat /vol/of-user; touch /vol/x 2>/dev/null || echo ro'
    assert_match "$OUT" 'ro$'
}

test_volume_is_given_away() {
    prepare_userns
    mkdir -p vol/deep/er outside
    touch vol/file vol/deep/er/file outside/file
    ln -s "$TEST_TMP/outside" vol/link && ln -s "$TEST_TMP/outside/file" vol/deep/link
    mkfifo vol/fifo
    expect_rc 0 inside -v "$TEST_TMP/vol:/vol:U" -u user /bin/sh -c 'touch /vol/new /vol/deep/er/new'
    assert_eq "$(find vol -printf '%U:%G\n' | sort -u)" 1000:1000
    assert_eq "$(find outside -printf '%U:%G\n' | sort -u)" 0:0
    # Also without a user namespace, and to root.
    expect_rc 0 run_in --userns=host -v "$TEST_TMP/vol:/vol:U" /bin/true
    assert_eq "$(find vol -printf '%U:%G\n' | sort -u)" 0:0
}

test_overlays() {
    prepare_userns
    mkdir lower upper
    echo lower >lower/file
    chown 5:6 lower/file
    expect_rc 0 inside --overlay="$TEST_TMP/lower:$TEST_TMP/upper:/over" /bin/sh -c 'stat -c %u:%g /over/file; echo x >>/over/file; touch /over/new; rm -f /over/gone; stat -c %u:%g /over/new'
    assert_eq "$OUT" $'5:6\n0:0'
    assert_eq "$(stat -c %u:%g upper/new upper/file)" $'0:0\n5:6'
    # What is removed in one is hidden by what only the host's root can make and read (trusted.overlay, 0:0 devices).
    expect_rc 0 inside --ephemeral /bin/sh -c 'rm -r /etc && mkdir /etc && ls /etc | wc -l; mv /tmp /moved; chown 9 /moved; stat -c %u /moved'
    assert_eq "$OUT" $'0\n9'
    [[ -e $ROOT/etc/passwd && -e $ROOT/tmp ]] || fail 'the tree below was changed'
}

test_kinds_of_roots() {
    prepare_userns
    local option
    mkdir -p "$ROOT/usr"
    for option in --read-only --ephemeral --volatile=overlay --volatile=state --volatile=yes; do
        [[ $option != --volatile=yes ]] || cp -a "$ROOT/bin/." "$ROOT/usr/bin"
        expect_rc 0 inside "$option" /bin/sh -c 'stat -c %u:%g / /tmp 2>/dev/null | sort -u; id -u; touch /x 2>/dev/null && stat -c %u /x || echo ro'
        if [[ $option == --read-only ]]; then
            assert_eq "$OUT" $'0:0\n0\nro'
        else
            assert_eq "$OUT" $'0:0\n0\n0'
        fi
        rm -f "$ROOT/x"
    done
}

test_what_is_mounted_inside_is_its_own() {
    prepare_userns
    expect_rc 0 inside --tmpfs=/scratch /bin/sh -c 'stat -c "%n %u:%g" /scratch /dev /dev/shm /dev/pts /dev/null; touch /scratch/x /dev/shm/x; stat -c "%t:%T %a" /dev/null /dev/tty; echo x >/dev/null; head -c 3 /dev/zero | od -An -tx1'
    assert_eq "$OUT" $'/scratch 0:0\n/dev 0:0\n/dev/shm 0:0\n/dev/pts 0:0\n/dev/null 0:0\n1:3 666\n5:0 666\n 00 00 00'
    # Its device nodes are not the host's, and it makes none.
    local before
    before=$(stat -c '%u:%g %a %Z' /dev/null)
    expect_rc 0 inside --cap-add=MKNOD /bin/sh -c 'chmod 600 /dev/null; chown 5 /dev/null; stat -c "%u %a" /dev/null; mknod /dev/mine c 1 3 2>/dev/null || echo refused; mknod /mine c 1 3 2>/dev/null || echo refused'
    assert_eq "$OUT" $'5 600\nrefused\nrefused'
    assert_eq "$(stat -c '%u:%g %a %Z' /dev/null)" "$before"
}

test_masks_hold() {
    prepare_userns
    expect_rc 0 inside /bin/sh -c 'wc -c </proc/kcore 2>/dev/null || echo none; ls /proc/acpi 2>/dev/null | wc -l; echo x >/proc/sys/kernel/hostname 2>/dev/null || echo ro; umount /proc/acpi 2>/dev/null || echo kept; mount -o remount,rw /proc/sys 2>/dev/null || echo kept'
    assert_match "$OUT" $'0\nro\nkept\nkept$'
}

test_exec_joins_it() {
    prepare_userns
    start_in_background web --userns=auto
    local base
    base=$(base_of "$(cat "/proc/$(state_field "$ID-web" leader)/uid_map")")
    expect_rc 0 b exec "$ID-web" /bin/sh -c 'id -u; cat /proc/self/uid_map; touch /by-exec; echo x >/dev/stdout'
    assert_match "$OUT" "^0"$'\n'" +0 +$base +65536"$'\nx$'
    assert_eq "$(stat -c %u "$ROOT/by-exec")" 0
    expect_rc 0 b exec -u user "$ID-web" /bin/sh -c 'id -u; grep ^Cap /proc/self/status | sort -u -k2 | cut -f2'
    assert_match "$OUT" $'^1000\n0000000000000000'
    # Setns of the supervisor's own kind leaves nothing open.
    expect_rc 0 b exec "$ID-web" /bin/sh -c 'ls /proc/self/fd | wc -l'
    assert_eq "$OUT" 4
}

# A4: root inside, with the capability to trace, sees the process that enters before it becomes the command, and gets nowhere.
test_nobody_touches_what_enters() {
    prepare_userns
    local i
    b run -d --name="$ID-web" --userns=auto --cap-add=SYS_PTRACE --security-opt label=disable -D "$ROOT" /bin/sh -c '
        while :; do
            for p in /proc/[0-9]*; do
                read -r name <$p/comm || continue
                [ "$name" = berth-executor ] || continue
                echo seen >>/seen
                if readlink $p/exe || ls $p/fd/ || cat $p/environ; then
                    read -r again <$p/comm && [ "$again" = "$name" ] && echo $p >>/touched
                fi
            done
        done >/dev/null 2>&1' >/dev/null
    for i in {1..300}; do
        b exec "$ID-web" /bin/true
        [[ $(wc -l 2>/dev/null <"$ROOT/seen") -lt 5 ]] || break
    done
    [[ -e $ROOT/seen ]] || fail 'nothing was seen'
    [[ ! -e $ROOT/touched ]] || fail "touched: $(cat "$ROOT/touched")"
    # The command itself can be traced, as any process inside: the probe works.
    assert_eq "$(b exec "$ID-web" /bin/sh -c 'readlink /proc/1/exe')" /bin/busybox
}

test_streams_can_be_opened_anew() {
    prepare_userns
    local kind
    for kind in run exec; do
        if [[ $kind == exec ]]; then
            start_in_background web --userns=auto
            again() { b exec "$ID-web" "$@"; }
        else
            again() { inside "$@"; }
        fi
        expect_rc 0 again /bin/sh -c 'echo out >/dev/stdout; echo err >/dev/stderr'
        assert_eq "$OUT $ERR" 'out err'
        { set +x; } 2>/dev/null # a trace would go there too
        again /bin/sh -c 'echo a >/dev/stdout; echo b >/dev/stderr; echo c' >both 2>&1
        set -x
        assert_eq "$(tr '\n' ' ' <both)" 'a b c '
        assert_eq "$(again /bin/sh -c 'echo piped >/dev/stdout' | cat)" piped
        # The file stays its owner's.
        assert_eq "$(stat -c %u both)" 0
    done
    b run -d --name="$ID-log" --userns=auto -u user --log-driver=file -D "$ROOT" /bin/sh -c 'echo logged >/dev/stdout' >/dev/null
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-log"
    assert_eq "$(b logs "$ID-log")" logged
}

test_limits_are_set_from_outside() {
    prepare_userns
    local hard
    hard=$(ulimit -Hn)
    expect_rc 0 inside --ulimit "nofile=100:$hard" --oom-score-adjust=77 --sysctl kernel.shmmax=123456 --sysctl net.ipv4.ip_default_ttl=33 \
        /bin/sh -c 'ulimit -n; cat /proc/self/oom_score_adj /proc/sys/kernel/shmmax /proc/sys/net/ipv4/ip_default_ttl'
    assert_eq "$OUT" $'100\n77\n123456\n33'
    assert_ne "$(cat /proc/sys/kernel/shmmax)" 123456
}

test_host_network() {
    prepare_userns
    expect_rc 0 inside --network=host /bin/sh -c 'ls /sys/class/net | head -n 1; ip link set lo down 2>/dev/null || echo refused; cat /proc/self/uid_map'
    assert_match "$OUT" 'refused'
    assert_eq "$(readlink /proc/self/ns/net)" "$(inside --network=host /bin/readlink /proc/self/ns/net)"
}

test_users_beyond_the_map() {
    prepare_userns
    expect_rc 125 inside -u 65536 /bin/true
    assert_match "$ERR" 'user namespace'
    expect_rc 0 inside -u 65535:65535 /bin/sh -c 'id -u'
    assert_eq "$OUT" 65535
}

test_explicit_ranges() {
    prepare_userns
    expect_rc 0 run_in --userns=2000000000:1000 /bin/sh -c 'cat /proc/self/uid_map; ls /dev/pts >/dev/null'
    assert_match "$OUT" '^ +0 +2000000000 +1000$'
    expect_rc 0 run_in --private-users=2000000000:3 /bin/sh -c 'cat /proc/self/uid_map; touch /x; stat -c %u /x'
    assert_match "$OUT" '3'$'\n''0$'
    expect_rc 0 run_in --private-users=identity /bin/sh -c 'cat /proc/self/uid_map; touch /y'
    assert_match "$OUT" '^ +0 +0 +65536$'
    assert_eq "$(stat -c %u "$ROOT/y")" 0
    expect_rc 0 run_in --uidmap=0:2000000000:1000 --uidmap=1000:1000 --gidmap=0:2100000000:65536 /bin/sh -c 'cat /proc/self/uid_map /proc/self/gid_map'
    assert_eq "$(tr -s ' ' <<<"$OUT")" $' 0 2000000000 1000\n 1000 1000 1\n 0 2100000000 65536'
    expect_rc 125 run_in --uidmap=1:2:3 /bin/true
    assert_match "$ERR" 'id 0 is not mapped'
    expect_rc 125 run_in --userns=nonsense /bin/true
    assert_match "$ERR" 'not a kind of user namespace'
    assert_no_trace "$ID"
}

test_the_callers_ids() {
    prepare_userns
    expect_rc 125 env -u SUDO_UID "$BERTHCTL" run -D "$ROOT" --userns=keep-id /bin/true
    assert_match "$ERR" 'no user but root'
    expect_rc 0 env SUDO_UID=1234 SUDO_GID=1235 "$BERTHCTL" run --name="$ID" -D "$ROOT" --userns=keep-id:uid=7,gid=8 -u 7:8 /bin/sh -c 'cat /proc/self/uid_map; id -u'
    assert_eq "$(sed -n '2p' <<<"$OUT" | tr -s ' ')" ' 7 1234 1'
    assert_eq "$(wc -l <<<"$OUT")" 4
    start_in_background web --userns=host
    mkdir vol && chown 1234:1235 vol
    SUDO_UID=1234 SUDO_GID=1235 run_in --userns=keep-id -u 1234:1235 -v "$TEST_TMP/vol:/vol" /bin/touch /vol/mine
    assert_eq "$(stat -c %u:%g vol/mine)" 1234:1235
}

# A tree that was given to a range on disk is taken as it is.
test_shifted_directory() {
    prepare_userns
    chown -R 2000000000:2000000000 "$ROOT"
    expect_rc 0 run_in --userns=2000000000 /bin/sh -c 'stat -c %u:%g / /etc/passwd; touch /new'
    assert_eq "$OUT" $'0:0\n0:0'
    assert_eq "$(stat -c %u "$ROOT/new")" 2000000000
}

test_file_systems_that_cannot() {
    prepare_userns
    # procfs never can. A volume of it is mounted as it is, and said.
    expect_rc 0 inside -v /proc/sys/kernel:/k /bin/sh -c 'stat -c %u /k/ostype; cat /k/ostype'
    assert_eq "$OUT" $'65534\nLinux'
    assert_match "$ERR" "'/proc/sys/kernel' cannot map ids"
    expect_rc 125 inside -v /proc/sys/kernel:/k:idmap /bin/true
    assert_match "$ERR" 'cannot be mapped'
    expect_rc 0 inside -v /proc/sys/kernel:/k:noidmap /bin/true
    assert_eq "$ERR" ''
    # A root on an overlay.
    mkdir -p upper work merged
    mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$TEST_TMP/upper,workdir=$TEST_TMP/work" "$TEST_TMP/merged"
    on_exit umount -l "$TEST_TMP/merged"
    expect_rc 125 b run --name="$ID" -D "$TEST_TMP/merged" --userns=auto /bin/true
    assert_match "$ERR" "cannot be mapped.*--userns=host"
    expect_rc 0 b run --name="$ID" -D "$TEST_TMP/merged" --userns=host /bin/true
    # Nobody asked for one: without, and that is said; but "idmap" insists.
    expect_rc 0 b run --name="$ID" -D "$TEST_TMP/merged" /bin/cat /proc/self/uid_map
    assert_eq "$(tr -s ' ' <<<"$OUT")" "$(tr -s ' ' </proc/self/uid_map)"
    assert_match "$ERR" "no user namespace, so root inside is the host's root: .*'$TEST_TMP/merged' cannot be mapped"
    expect_rc 125 b run --name="$ID" -D "$TEST_TMP/merged" -v "$TEST_TMP/upper:/v:idmap" /bin/true
    assert_match "$ERR" "'$TEST_TMP/merged' cannot be mapped"
    expect_rc 125 run_in -v /proc/sys/kernel:/k:idmap /bin/true
    assert_match "$ERR" "'/proc/sys/kernel' cannot be mapped"
    assert_no_trace "$ID"
}

# E4: what is set-user-id in a container's own layer is out of reach for the host's users.
test_setuid_files_are_out_of_reach() {
    prepare_userns
    b run -d --name="$ID-web" --userns=auto --ephemeral -D "$ROOT" /bin/sh -c 'cp /bin/busybox /suid; chmod 4755 /suid; sleep 1000' >/dev/null
    local upper=${BERTH_DATA_DIR:-/var/lib/berth}/containers/$ID-web/upper
    retry_until "$SETTLE_TIMEOUT" test -u "$upper/suid"
    assert_eq "$(stat -c %u "$upper/suid")" 0
    chmod 755 "$TEST_TMP" "$TEST_TMP/state" 2>/dev/null || true
    if setpriv --reuid=65534 --regid=65534 --clear-groups test -e "$upper/suid"; then
        fail 'a user of the host can reach it'
    fi
}

# The default filter lets nobody make a user namespace below it.
test_nested_namespaces() {
    prepare_userns
    expect_rc 0 inside /bin/sh -c 'unshare -U true 2>/dev/null && echo made || echo refused'
    assert_eq "$OUT" refused
    expect_rc 0 inside --security-opt seccomp=unconfined /bin/sh -c 'unshare -U -r cat /proc/self/uid_map'
    assert_match "$OUT" '^ +0 +0 +1$'
}

test_state_and_status_tell() {
    prepare_userns
    start_in_background web --userns=auto
    local base
    base=$(base_of "$(cat "/proc/$(state_field "$ID-web" leader)/uid_map")")
    b status "$ID-web" >status
    assert_match "$(cat status)" "$base"
    b show "$ID-web" >show
    assert_match "$(cat show)" "0:$base:65536"
}

test_ranges_of_others() {
    prepare_userns
    local base python='import fcntl, struct, sys, time
f = open(sys.argv[1], "w+"); fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)); print("held", flush=True); time.sleep(30)'
    command -v python3 >/dev/null || skip 'no python3'
    base=$(base_of "$(inside /bin/cat /proc/self/uid_map)")
    # systemd-nspawn's way of holding a range (F_OFD_SETLK is 37).
    mkdir -p /run/systemd/nspawn-uid
    coproc python3 -c "$python" "/run/systemd/nspawn-uid/$base"
    on_exit rm -f "/run/systemd/nspawn-uid/$base"
    on_exit kill "$COPROC_PID"
    read -r _ <&"${COPROC[0]}"
    assert_ne "$(base_of "$(inside /bin/cat /proc/self/uid_map)")" "$base"
}

run_tests
