#!/bin/bash
# hosts: host vm
# top, stats, port, status, list: what they tell of containers that would rather not have it told.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

# --- top --------------------------------------------------------------------------------------------------------------

test_top_shows_the_processes() {
    prepare
    start_in_background web
    local leader
    leader=$(state_field "$ID-web" leader)
    retry_until "$SETTLE_TIMEOUT" sh -c "'$BERTHCTL' top '$ID-web' | grep -q 'sleep 1000'"
    expect_rc 0 b top "$ID-web"
    assert_match "$OUT" 'PID +INSIDE +UID +S +CPU% +MEMORY +TIME +COMMAND'
    assert_match "$OUT" "$leader +1 +0 +S .*/bin/sh -c trap"
    # Nobody of the host's.
    assert_no_match "$OUT" "berth-executor"
    expect_rc 0 b top --no-legend --columns=command,pid,ppid,host-uid,threads,nice,tty,virtual,started "$ID-web"
    assert_match "$OUT" "$leader +$(state_field "$ID-web" supervisor) +$(stat -c %u "/proc/$leader") +1 +0 +- "
    expect_rc 0 b top -o json "$ID-web"
    assert_eq "$(json "$OUT_FILE" "[p['inside_pid'] for p in d if p['pid'] == $leader]")" '[1]'
    # Also one that was put in.
    b exec -d "$ID-web" /bin/sleep 77
    retry_until "$SETTLE_TIMEOUT" sh -c "'$BERTHCTL' top '$ID-web' | grep -q 'sleep 77'"
}

test_top_refuses() {
    prepare
    expect_rc 1 b top "$ID-none"
    assert_match "$ERR" 'no container named'
    expect_rc 1 b top
    start_in_background web
    expect_rc 1 b top --columns=pids "$ID-web"
    assert_match "$ERR" "no column 'pids'"
    assert_match "$ERR" "did you mean 'pid'"
    expect_rc 1 b top --columns= "$ID-web"
    expect_rc 1 b top "$ID-web" more
    expect_rc 1 b top -o yaml "$ID-web"
}

# A9: the container's own ps is not asked; what processes call themselves does not act on a terminal.
test_top_of_a_hostile_container() {
    prepare
    local tool
    for tool in ps top; do
        # They are links to the host's busybox by name: never written through.
        rm -f "$ROOT/bin/$tool"
        printf '#!/bin/sh\ntouch /was-run\n' >"$ROOT/bin/$tool"
        chmod +x "$ROOT/bin/$tool"
    done
    b run -d --name="$ID-web" -D "$ROOT" /bin/sh -c 'sleep 1000; :' $'\033[2Jx\nPID 1 fake\u202e' >/dev/null
    expect_rc 0 b top "$ID-web"
    assert_printable "$OUT_FILE"
    [[ ! -e $ROOT/was-run ]] || fail 'a program of the image was run'
    expect_rc 0 b top -o json "$ID-web"
    assert_printable "$OUT_FILE"
}

# --- stats ------------------------------------------------------------------------------------------------------------

test_stats() {
    prepare
    start_in_background idle
    b run -d --name="$ID-busy" -D "$ROOT" /bin/sh -c 'while :; do :; done' >/dev/null
    expect_rc 0 b stats --no-stream "$ID-idle" "$ID-busy"
    assert_match "$OUT" 'NAME +CPU% +MEMORY +LIMIT +TASKS'
    assert_match "$OUT" "$ID-busy +[0-9.]+ "
    # Not a terminal: once, also without being told so.
    expect_rc 0 timeout 60 "$BERTHCTL" stats "$ID-idle"
    expect_rc 0 b stats --no-stream -o json "$ID-busy"
    assert_eq "$(json "$OUT_FILE" 'd[0]["name"]')" "$ID-busy"
    if [[ $BERTH_HOST != host ]] || has_own_cgroups; then
        assert_eq "$(json "$OUT_FILE" 'd[0]["cpu_percent"] > 0.5')" true
        assert_eq "$(json "$OUT_FILE" 'd[0]["tasks"] >= 1 and d[0]["memory_bytes"] > 4096')" true
    fi
    # A private network has counters of its own.
    assert_eq "$(json "$OUT_FILE" 'd[0]["network_received_bytes"]')" null
}

test_stats_follows_until_the_end() {
    prepare
    b run -d --name="$ID-a" -D "$ROOT" /bin/sleep 2 >/dev/null
    expect_rc 0 timeout 60 "$BERTHCTL" stats -o json "$ID-a"
    ((${#OUT} > 20)) || fail 'nothing was shown'
    python3 -c 'import json, sys
for line in open(sys.argv[1]): assert isinstance(json.loads(line), list)' "$OUT_FILE"
}

test_stats_refuses() {
    prepare
    expect_rc 1 b stats --no-stream "$ID-none"
    assert_match "$ERR" 'no container named'
    expect_rc 1 b stats --stream
    expect_rc 1 b stats -o xml
}

# --- analyze ----------------------------------------------------------------------------------------------------------

test_analyze() {
    prepare
    start_in_background web --tmpfs='/a<b>&c'
    expect_rc 0 b analyze
    assert_match "$OUT" 'NAME +TOTAL +SETTINGS +FACTS'
    assert_match "$OUT" "$ID-web +[0-9.]+m?s "
    expect_rc 0 b analyze "$ID-web"
    expect_rc 0 b analyze time -o json "$ID-web"
    # What was done one after the other is the whole.
    assert_eq "$(json "$OUT_FILE" '0 <= d[0]["total_usec"] - sum(v for k, v in d[0].items() if k.endswith("_usec") and k != "total_usec" and v) < 1000')" true
    expect_rc 0 b analyze blame "$ID-web"
    assert_match "$OUT" 'berthctl +facts of the host'
    assert_match "$OUT" 'host +start'
    expect_rc 0 b analyze blame -o json "$ID-web"
    assert_eq "$(json "$OUT_FILE" '[x["duration_usec"] for x in d] == sorted((x["duration_usec"] for x in d), reverse=True)')" true
    assert_eq "$(json "$OUT_FILE" 'any(x["where"] == "inner" for x in d)')" true
    expect_rc 0 b analyze plot "$ID-web"
    python3 -c 'import sys, xml.dom.minidom as x
picture = x.parse(sys.argv[1])
assert len(picture.getElementsByTagName("rect")) > 8' "$OUT_FILE"
    assert_printable "$OUT_FILE"
}

has_started() { [[ $(b show -p state --value "$1") == running ]]; }

test_analyze_refuses() {
    prepare
    expect_rc 1 b analyze "$ID-none"
    assert_match "$ERR" 'no container named'
    expect_rc 1 b analyze blame
    assert_match "$ERR" 'name of one container'
    expect_rc 1 b analyze plot a b
    expect_rc 1 b analyze -o svg
    # One in the foreground is not slowed down for it.
    b run --rm --name="$ID-fg" -D "$ROOT" /bin/sleep 30 &
    retry_until "$SETTLE_TIMEOUT" sh -c "'$BERTHCTL' list -q | grep -q '$ID-fg'"
    retry_until "$SETTLE_TIMEOUT" has_started "$ID-fg"
    expect_rc 1 b analyze blame "$ID-fg"
    assert_match "$ERR" 'no record'
    b terminate "$ID-fg"
    wait
}

# --- port -------------------------------------------------------------------------------------------------------------

test_port() {
    prepare
    start_in_background web --expose=80 --expose=53/udp --expose=80/tcp
    expect_rc 0 b port "$ID-web"
    assert_match "$OUT" '80/tcp +-'
    assert_match "$OUT" '53/udp +-'
    assert_eq "$(grep -c /tcp "$OUT_FILE")" 1
    expect_rc 0 b port --no-legend "$ID-web" 53/udp
    assert_match "$OUT" '^53/udp'
    expect_rc 0 b port --no-legend "$ID-web" 80
    expect_rc 1 b port "$ID-web" 81
    assert_match "$ERR" 'neither publishes nor exposes 81'
    expect_rc 0 b port -o json "$ID-web"
    assert_eq "$(json "$OUT_FILE" 'd[0]')" '{"port": "80/tcp", "published": null}'
    expect_rc 1 b port "$ID-none"
    expect_rc 1 b port "$ID-web" 80 81
}

# --- list -------------------------------------------------------------------------------------------------------------

names() { b list --quiet "$@" | grep "^$ID" | tr '\n' ' '; }

test_list_filters() {
    prepare
    start_in_background web-1
    start_in_background web-2
    start_in_background db
    b run -d --name="$ID-gone" -D "$ROOT" /bin/sh -c 'exit 3' >/dev/null
    b wait "$ID-gone" >/dev/null
    assert_eq "$(names --filter="name=$ID-web-*")" "$ID-web-1 $ID-web-2 "
    assert_eq "$(names --filter="name=$ID-web-1" -f "name=*-db")" "$ID-db $ID-web-1 "
    assert_eq "$(names --filter="name=$ID-*" --filter=state=exited)" "$ID-gone "
    assert_eq "$(names --filter="name=*" --filter=state=running --filter="directory=$ROOT")" "$ID-db $ID-web-1 $ID-web-2 "
    assert_eq "$(names --filter=image=x)" ''
    expect_rc 0 b list -f "name=$ID-db"
    assert_match "$OUT" '1 container\.'
    expect_rc 1 b list --filter=name
    assert_match "$ERR" 'not KEY=PATTERN'
    expect_rc 1 b list --filter=nam=x
    assert_match "$ERR" "did you mean 'name'"
}

test_list_tells_systems() {
    prepare
    printf 'PRETTY_NAME="Tiny \033[2J 1"\n' >"$ROOT/etc/os-release"
    start_in_background web
    expect_rc 0 b list
    assert_match "$OUT" 'OS +ADDRESSES'
    assert_match "$OUT" "$ID-web .*Tiny"
    assert_printable "$OUT_FILE"
    expect_rc 0 b list -o json -f "name=$ID-web"
    assert_eq "$(json "$OUT_FILE" 'd[0]["addresses"]')" '[]'
    assert_match "$(json "$OUT_FILE" 'd[0]["os"]')" '^Tiny'
    rm "$ROOT/etc/os-release"
    mkfifo "$ROOT/etc/os-release"
    expect_rc 0 timeout 60 "$BERTHCTL" list
    assert_no_match "$OUT" Tiny
}

# --- status -----------------------------------------------------------------------------------------------------------

test_status_tells_the_system() {
    prepare
    printf 'NAME=Small\nPRETTY_NAME="Small \033[31m System"\n' >"$ROOT/etc/os-release"
    start_in_background web
    expect_rc 0 b status "$ID-web"
    assert_match "$OUT" 'OS: Small .* System'
    assert_printable "$OUT_FILE"
    expect_rc 0 b status -o json "$ID-web"
    assert_match "$(json "$OUT_FILE" 'd[0]["os"]')" 'Small'
    assert_eq "$(json "$OUT_FILE" 'd[0]["addresses"]')" '[]'
}

test_status_shows_so_many_lines() {
    prepare
    b run -d --name="$ID-web" -D "$ROOT" /bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do echo "line $i."; done; sleep 1000' >/dev/null
    retry_until "$SETTLE_TIMEOUT" sh -c "'$BERTHCTL' logs '$ID-web' | grep -q 'line 14'"
    assert_eq "$(b status "$ID-web" | grep -c 'line [0-9]*\.$')" 10
    assert_eq "$(b status --lines=3 "$ID-web" | grep -c 'line [0-9]*\.$')" 3
    assert_eq "$(b status -n 0 "$ID-web" | grep -c 'line [0-9]*\.$')" 0
    expect_rc 1 b status --lines=some "$ID-web"
}

# A11, C8: whatever is in its place, it is not waited for, not followed out, and not read whole.
test_status_of_a_hostile_os_release() {
    prepare
    local begin
    printf 'PRETTY_NAME=canary\n' >"$TEST_TMP/canary"
    start_in_background web
    for kind in fifo link absolute device directory sparse; do
        rm -rf "$ROOT/etc/os-release"
        case $kind in
            fifo) mkfifo "$ROOT/etc/os-release" ;;
            link) ln -s "../../../../../../../..$TEST_TMP/canary" "$ROOT/etc/os-release" ;;
            absolute) ln -s "$TEST_TMP/canary" "$ROOT/etc/os-release" ;;
            device) mknod "$ROOT/etc/os-release" c 5 0 ;;
            directory) mkdir "$ROOT/etc/os-release" ;;
            sparse) truncate -s 4G "$ROOT/etc/os-release" ;;
        esac
        begin=$SECONDS
        expect_rc 0 timeout 60 "$BERTHCTL" status "$ID-web"
        ((SECONDS - begin <= 5)) || fail "slow with a $kind"
        assert_no_match "$OUT" 'OS:'
        assert_no_match "$OUT" 'canary'
    done
}

# --- other hosts and containers ---------------------------------------------------------------------------------------

# An ssh that notes what it was called with, and then does what sshd would: gives the words to a shell.
fake_ssh() {
    mkdir -p "$TEST_TMP/bin"
    printf '%s\n' '#!/bin/bash' 'printf "%s\n" "$@" >"$SSH_LOG"' \
        'while [[ $1 != -- ]]; do shift; done; shift 2' 'PATH=$FAR_PATH exec sh -c "$*"' >"$TEST_TMP/bin/ssh"
    mkdir -p "$TEST_TMP/far"
    ln -s "$BERTHCTL" "$TEST_TMP/far/berthctl"
    chmod +x "$TEST_TMP/bin/ssh"
    export SSH_LOG=$TEST_TMP/ssh.log FAR_PATH=$TEST_TMP/far:$PATH PATH=$TEST_TMP/bin:$PATH
}

test_another_host() {
    prepare
    fake_ssh
    start_in_background web
    expect_rc 0 b -H root@far list --quiet
    assert_match "$OUT" "$ID-web"
    assert_eq "$(tr '\n' ' ' <"$SSH_LOG")" '-T -- root@far berthctl list --quiet '
    # Words stay words, and the exit status comes back.
    expect_rc 0 b -H far exec "$ID-web" /bin/echo 'a  b' "it's" '$(id)' ';' '*' ''
    assert_eq "$OUT" "a  b it's \$(id) ; * "
    expect_rc 7 b --host=far:2222 exec "$ID-web" /bin/sh -c 'exit 7'
    assert_match "$(cat "$SSH_LOG")" $'-T\n-p2222\n--\nfar'
    # An option of ours before it is no option of ssh's.
    local bad
    for bad in -oProxyCommand=x 'u@-x' 'a b' '' 'a;b'; do
        rm -f "$SSH_LOG"
        expect_rc 1 b -H "$bad" list
        [[ ! -e $SSH_LOG ]] || fail "ssh was called with '$bad'"
    done
    expect_rc 1 b -H
    expect_rc 1 b list -H far
    # Not only root may ask.
    SYSTEMD_SSH=/bin/echo expect_rc 0 b -H far list
    assert_eq "$OUT" '-T -- far berthctl list'
    SYSTEMD_SSH=/no/such expect_rc 1 b -H far list
    assert_match "$ERR" 'cannot run ssh'
}

test_in_a_container() {
    prepare
    rm -f "$ROOT/bin/berthctl"
    printf '#!/bin/sh\nid -u\nprintf "<%%s>" "$@"\nexit 5\n' >"$ROOT/bin/berthctl"
    chmod +x "$ROOT/bin/berthctl"
    start_in_background web -u daemon
    expect_rc 5 b -M "$ID-web" list --all 'a b' -- -x
    assert_eq "$OUT" $'0\n<list><--all><a b><--><-x>'
    expect_rc 125 b --machine="$ID-none" list
    assert_match "$ERR" 'no container named'
    expect_rc 1 b -M ../x list
    # For run it is the name.
    expect_rc 0 b run --machine="$ID-r" -D "$ROOT" /bin/true
}

run_tests
