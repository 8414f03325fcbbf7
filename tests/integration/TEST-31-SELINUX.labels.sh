#!/bin/bash
# hosts: vm
# SELinux, enforcing: what a container is labelled as, what that keeps it from, and what it may do all the same.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091
. "$(dirname "$0")/containers.sh"

# The types are the policy's.
contexts() { sed -n "s/^$1 = \"\(.*\)\"/\1/p" /etc/selinux/default/contexts/lxc_contexts; }
type_of() { cut -d: -f3 <<<"$1"; }
level_of() { cut -d: -f4- <<<"$1"; }

label_of() { # NAME
    tr -d '\0\n' <"/proc/$(state_field "$1" leader)/attr/current"
}

start_image() { # SUFFIX [OPTION...]
    local suffix=$1
    shift
    b run -d --name "$ID-$suffix" "$@" "$(image)" /bin/sh -c 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done' >/dev/null
}

# Denials of anything that ran as a container since the mark. The reference policy lets no container's root override the
# permissions of files, and the kernel asks for that wherever another capability would do as well.
mark_denials() { DENIED=$(grep -c 'avc:  denied' /var/log/audit/audit.log || true); }
denials() { grep 'avc:  denied' /var/log/audit/audit.log | tail -n +$((DENIED + 1)) |
    grep "scontext=[^ ]*:$(type_of "$(contexts process)"):" | grep -v '{ dac_override }' || true; }

test_processes_and_files_have_labels() {
    local process first second root
    prepare_image '{"Cmd":["/bin/true"]}'
    process=$(type_of "$(contexts process)")
    start_image a
    start_image b
    first=$(label_of "$ID-a") second=$(label_of "$ID-b")
    assert_eq "$(type_of "$first")" "$process"
    assert_match "$(level_of "$first")" '^s0:c[0-9]+,c[0-9]+$'
    assert_ne "$(level_of "$first")" "$(level_of "$second")"
    # What is mounted for it has its categories; a command that enters it has its label.
    assert_eq "$(b exec "$ID-a" /bin/sh -c 'cat /proc/self/attr/current')" "$first"
    root=/proc/$(state_field "$ID-a" leader)/root
    assert_eq "$(stat -c %C "$root"/{etc/passwd,dev/null,dev/shm,dev/pts,dev/pts/ptmx,dev/mqueue} | sort -u)" \
        "$(contexts file | cut -d: -f1-3):$(level_of "$first")"
    b exec "$ID-a" /bin/sh -c ': >/dev/mqueue/queue'
    assert_eq "$(level_of "$(stat -c %C "$root/dev/mqueue/queue")")" "$(level_of "$first")"
    # So has the reaper.
    start_image i --init
    assert_eq "$(cat "/proc/$(state_field "$ID-i" leader)/comm")" berth-init
    assert_eq "$(type_of "$(label_of "$ID-i")")" "$process"
    assert_eq "$(label_of "$ID-i")" "$(b exec "$ID-i" /bin/sh -c 'cat /proc/self/attr/current')"
    b stop "$ID-i"
    b terminate "$ID-a" "$ID-b"
}

# The same container has the same categories at its next start, so a private volume stays its own.
test_categories_come_back() {
    local first
    prepare_image '{"Cmd":["/bin/true"]}'
    first=$(b run --rm --name "$ID" "$(image)" cat /proc/self/attr/current | tr -d '\0')
    assert_eq "$(b run --rm --name "$ID" "$(image)" cat /proc/self/attr/current | tr -d '\0')" "$first"
}

# All that an everyday payload does, without a single denial.
test_everyday_work_is_allowed() {
    prepare_image '{"Cmd":["/bin/true"]}'
    mark_denials
    assert_eq "$(b run --rm "$(image)" /bin/sh -c 'echo out; echo x >/dev/null; echo y >/tmp/f; mkdir -p /srv/d && cat /tmp/f')" "$(printf 'out\ny')"
    assert_eq "$(echo piped | b run --rm -i "$(image)" cat)" piped
    b run --rm "$(image)" /bin/sh -c 'echo to a file' >"$TEST_TMP/out"
    assert_eq "$(cat "$TEST_TMP/out")" 'to a file'
    expect_rc 0 b run --rm --init "$(image)" /bin/sh -c 'echo err >&2; echo again >/dev/stderr; echo > /dev/shm/x'
    assert_eq "$ERR" "$(printf 'err\nagain')"
    assert_eq "$(b run --rm -t "$(image)" /bin/sh -c 'test -t 0 && echo terminal' | tr -d '\r')" terminal
    assert_eq "$(b run --rm --tmpfs /t --read-only "$(image)" /bin/sh -c 'echo a >/t/a && cat /t/a')" a
    start_image d
    assert_eq "$(b exec "$ID-d" cat /etc/hostname)" "$ID-d"
    b stop "$ID-d"
    assert_eq "$(denials)" ''
}

# Two containers from one image, both root, both on one volume of the host: by type alone they could read each other.
test_categories_keep_containers_apart() {
    prepare_image '{"Cmd":["/bin/true"]}'
    mkdir -m 777 "$TEST_TMP/private" "$TEST_TMP/shared" "$TEST_TMP/none"
    echo secret >"$TEST_TMP/private/file"
    echo shared >"$TEST_TMP/shared/file"
    echo none >"$TEST_TMP/none/file"
    start_image a -v "$TEST_TMP/private:/private:Z" -v "$TEST_TMP/shared:/shared:z"
    start_image b -v "$TEST_TMP/private:/private" -v "$TEST_TMP/shared:/shared" -v "$TEST_TMP/none:/none"
    assert_eq "$(b exec "$ID-a" cat /private/file /shared/file)" "$(printf 'secret\nshared')"
    assert_eq "$(b exec "$ID-b" cat /shared/file)" shared
    expect_rc 1 b exec "$ID-b" cat /private/file
    assert_match "$ERR" 'Permission denied'
    # A file of the host that nobody labelled for containers.
    expect_rc 1 b exec "$ID-b" cat /none/file
    # Whatever is mounted: the other one's memory is behind its categories too, and the host's files behind their types.
    expect_rc 125 b run --rm -v /etc:/host-etc:z "$(image)" /bin/true
    assert_match "$ERR" "belongs to the host"
    b terminate "$ID-a" "$ID-b"
    b run --rm --security-opt label=disable -v "$TEST_TMP/none:/none" "$(image)" cat /none/file
}

# Memory, by somebody who has nothing but another container's label: the host's root with all capabilities, in no namespace
# and behind no filter.
test_categories_protect_memory() {
    local attacker=$TEST_TMP/attacker leader
    prepare_image '{"Cmd":["/bin/true"]}'
    install_helper probe
    cp "$ROOT/bin/probe" "$attacker"
    chcon "$(contexts file | cut -d: -f1-3):s0" "$attacker"
    start_image a --userns=host
    start_image b --userns=host
    leader=$(state_field "$ID-b" leader)
    # What could be reached, if the labels did not say no; and what the policy leaves of it to a container in its own label.
    expect_rc 15 "$attacker" reach "$leader"
    expect_rc 8 runcon "$(label_of "$ID-b")" "$attacker" reach "$leader"
    expect_rc 0 runcon "$(label_of "$ID-a")" "$attacker" reach "$leader"
    # Nor the supervisor, nor any other process of the host.
    expect_rc 0 runcon "$(label_of "$ID-a")" "$attacker" reach "$(state_field "$ID-b" supervisor)"
    expect_rc 0 runcon "$(label_of "$ID-a")" "$attacker" reach 1
    b terminate "$ID-a" "$ID-b"
}

has_logged() { b logs "$1" | grep -q logged; } # NAME

# Volumes, copies in and out, logs: as in everyday work, nothing is denied.
test_files_and_logs_are_allowed() {
    prepare_image '{"Cmd":["/bin/true"]}'
    mark_denials
    mkdir "$TEST_TMP/shared" "$TEST_TMP/own"
    b run -d --name "$ID-v" -v "$TEST_TMP/shared:/shared:z" -v "$TEST_TMP/own:/own:Z" "$(image)" \
        /bin/sh -c 'echo logged; echo 1 >/shared/f; echo 2 >/own/f; mv /own/f /own/g; trap "exit 0" TERM; while :; do sleep 1000 & wait; done' >/dev/null
    retry_until "$SETTLE_TIMEOUT" test -e "$TEST_TMP/own/g"
    assert_eq "$(cat "$TEST_TMP/shared/f" "$TEST_TMP/own/g")" "$(printf '1\n2')"
    echo in >"$TEST_TMP/in"
    b cp "$TEST_TMP/in" "$ID-v:/tmp/in"
    assert_eq "$(b exec "$ID-v" /bin/sh -c 'cat /tmp/in; echo out >/tmp/out')" in
    b cp "$ID-v:/tmp/out" "$TEST_TMP/out"
    assert_eq "$(cat "$TEST_TMP/out")" out
    retry_until "$SETTLE_TIMEOUT" has_logged "$ID-v"
    b stop "$ID-v"
    # An image of it, for a container with other categories.
    b commit "$ID-v" "${ID,,}-image" >/dev/null
    on_exit "$BERTHCTL" rmi --force "${ID,,}-image"
    assert_eq "$(b run --rm --name "$ID-w" "${ID,,}-image" cat /tmp/in /tmp/out)" $'in\nout'
    assert_eq "$(denials)" ''
}

lock_of() { # LABEL
    echo "$BERTH_RUN/locks/.mcs.$(sed 's/^s0:c//; s/,c/./' <<<"$(level_of "$1")")"
}

# Categories are held as long as their container lives, also by one whose supervisor was killed: neither does another get
# them, nor does their name go. Afterwards names that nobody holds do not pile up.
test_categories_are_held_and_given_back() {
    local lock label level supervisor
    prepare_image '{"Cmd":["/bin/true"]}'
    start_image a
    label=$(label_of "$ID-a")
    lock=$(lock_of "$label")
    supervisor=$(state_field "$ID-a" supervisor)
    kill -KILL "$supervisor"
    retry_until "$SETTLE_TIMEOUT" pid_is_gone "$supervisor"
    flock -n "$lock" true || fail 'the lock has outlived its holder: this test shows nothing'
    touch -d '2 minutes ago' "$lock"
    b list >/dev/null
    [[ -e $lock ]] || fail "the name of categories in use has gone: $lock"
    assert_eq "$(cat "$lock")" "$ID-a"
    # One that begins its search at a pair which the other is noted to have.
    level=$(level_of "$(b run --rm --name "$ID-b" "$(image)" cat /proc/self/attr/current | tr -d '\0')")
    printf %s "$ID-a" >"$(lock_of ":::$level")"
    assert_ne "$(level_of "$(b run --rm --name "$ID-b" "$(image)" cat /proc/self/attr/current | tr -d '\0')")" "$level"
    b terminate "$ID-a"
    b list >/dev/null
    [[ ! -e $lock ]] || fail "nobody has these categories: $lock"
}

test_what_is_asked_for() {
    local type
    prepare_image '{"Cmd":["/bin/true"]}'
    type=$(type_of "$(contexts process)")
    assert_eq "$(b run --rm --security-opt label=level:s0:c7,c9 "$(image)" cat /proc/self/attr/current | tr -d '\0')" \
        "system_u:system_r:$type:s0:c7,c9"
    assert_match "$(b run --rm --security-opt label=disable "$(image)" cat /proc/self/attr/current | tr -d '\0')" unconfined_t
    assert_match "$(b run --rm --privileged "$(image)" cat /proc/self/attr/current | tr -d '\0')" unconfined_t
    expect_rc 125 b run --rm --security-opt label=type:no_such_t "$(image)" /bin/true
    assert_match "$ERR" 'policy does not know.*no_such_t'
    expect_rc 125 b run --rm -Z nonsense "$(image)" /bin/true
    assert_match "$ERR" 'nonsense'
    assert_no_trace "$ID"
}

# What systemd starts is in a domain of Berth's own (selinux/berth.te), so it may start containers too.
test_services_are_confined() {
    prepare_image '{"Cmd":["/bin/true"]}'
    mark_denials
    expect_rc 0 systemd-run --quiet --wait --pipe "$BERTHCTL" run --rm "$(image)" cat /proc/self/attr/current
    assert_match "$OUT" ":$(type_of "$(contexts process)"):s0:c"
    assert_eq "$ERR" ''
    expect_rc 0 systemd-run --quiet --wait --pipe -p Type=notify -p Delegate=yes -p NotifyAccess=all "$BERTHCTL" run --keep-unit --name "$ID" --rm "$(image)" \
        /bin/sh -c 'cat /proc/self/attr/current; echo; echo >/dev/shm/x'
    assert_match "$OUT" ":$(type_of "$(contexts process)"):s0:c"
    assert_eq "$(denials)" ''
}

# What runs containers itself mounts the kernel's file systems for them, in a domain that may: an application may not, whatever
# capabilities it was given.
test_nested_containers() {
    local type script='cat /proc/self/attr/current; unshare -mpfnu sh -c "mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /tmp && echo x >/tmp/x && ls -d /proc/[0-9]*"'
    prepare_image '{"Cmd":["/bin/true"]}'
    type=$(sed -n 's/^engine_process = "\([^"]*\)"/\1/p' /usr/share/berth/selinux/contexts | cut -d: -f3)
    expect_rc 0 b run --rm --profile=nested "$(image)" /bin/sh -c "$script"
    assert_match "$OUT" "^system_u:system_r:$type:s0:c[0-9]+,c[0-9]+/proc/1\$"
    expect_rc 1 b run --rm --profile=nested --security-opt "label=type:$(type_of "$(contexts process)")" "$(image)" /bin/sh -c "$script"
    assert_match "$ERR" 'Operation not permitted|Permission denied'
}

# A directory keeps its labels: one that is no container's is run without confinement, and that is said.
test_directories_keep_theirs() {
    prepare
    expect_rc 0 run_in cat /proc/self/attr/current
    assert_match "$OUT" unconfined_t
    assert_match "$ERR" 'SELinux does not confine this container: the type of its tree'
    expect_rc 0 run_in --ephemeral cat /proc/self/attr/current
    assert_match "$OUT" "$(type_of "$(contexts process)")"
    chcon -R -t "$(type_of "$(contexts file)")" "$ROOT"
    expect_rc 0 run_in cat /proc/self/attr/current
    assert_match "$OUT" "$(type_of "$(contexts process)")"
    assert_eq "$ERR" ''
}

# What was denied since the boot, to be read with the results.
print_denials() {
    { grep 'avc:  denied' /var/log/audit/audit.log || true; } |
        sed -E 's/^.*denied +(\{[^}]*\}).*(comm="[^"]*").*scontext=([^ ]*).*tcontext=([^ ]*).*tclass=([^ ]*).*/# \1 \2 \3 \4 \5/; s/^type=/# &/' |
        sort | uniq -c | sort -rn | sed -E -n '1,40s/^ *([0-9]+) # /# AVC \1 /p'
}

trap print_denials EXIT
run_tests
