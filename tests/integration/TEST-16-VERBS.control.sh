#!/bin/bash
# hosts: host vm
# pause, resume, restart, kill, wait: what they do, and what they refuse.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

# One that counts in a file as long as it runs.
start_counter() { # SUFFIX [OPTION...]
    local suffix=$1
    shift
    b run -d --name="$ID-$suffix" -D "$ROOT" "$@" /bin/sh -c \
        'trap "exit 3" TERM; n=0; while :; do n=$((n + 1)); echo $n >/n.new; mv /n.new /n; sleep 0.01; done' >/dev/null
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/n"
}

counts() {
    local before
    before=$(cat "$ROOT/n")
    sleep 0.3
    [[ $(cat "$ROOT/n") != "$before" ]]
}

state_of() { b show -p state --value "$1"; }

needs_freezer() { [[ $BERTH_HOST != host ]] || has_own_cgroups || skip 'no cgroup can be made here'; }

# --- pause, resume ----------------------------------------------------------------------------------------------------

test_pause_holds_and_resume_lets_go() {
    prepare
    needs_freezer
    start_counter web
    expect_rc 0 b pause "$ID-web"
    assert_eq "$OUT$ERR" ''
    ! counts || fail 'it runs on'
    assert_eq "$(state_of "$ID-web")" paused
    assert_match "$(b list)" "$ID-web .* paused "
    expect_rc 0 b status "$ID-web"
    assert_match "$OUT" 'State: paused'
    expect_rc 0 b resume "$ID-web"
    counts || fail 'it does not go on'
    assert_eq "$(state_of "$ID-web")" running
    expect_rc 0 b pause "$ID-web"
    expect_rc 0 b unpause "$ID-web"
    counts || fail 'unpause is another name'
}

test_pause_twice_is_no_error() {
    prepare
    needs_freezer
    start_counter web
    b pause "$ID-web"
    expect_rc 0 b pause "$ID-web"
    assert_match "$ERR" 'is paused already'
    b resume "$ID-web"
    expect_rc 0 b resume "$ID-web"
    assert_match "$ERR" 'is not paused'
}

test_nothing_runs_in_a_paused_container() {
    prepare
    needs_freezer
    start_counter web
    b pause "$ID-web"
    expect_rc 125 b exec "$ID-web" /bin/true
    assert_match "$ERR" 'is paused'
    assert_match "$ERR" "berthctl resume $ID-web"
    b resume "$ID-web"
    expect_rc 0 b exec "$ID-web" /bin/true
}

test_paused_container_stops_in_order() {
    prepare
    needs_freezer
    start_counter web
    b pause "$ID-web"
    local begin=$SECONDS
    expect_rc 0 b stop "$ID-web"
    ((SECONDS - begin < 8)) || fail 'it was killed after its time'
    expect_rc 0 b wait "$ID-web"
    assert_eq "$OUT" 3
    assert_no_trace "$ID-web"
}

test_supervisor_lets_go_of_what_it_stops() {
    prepare
    needs_freezer
    start_counter web
    b pause "$ID-web"
    kill -TERM "$(state_field "$ID-web" supervisor)"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-web"
    expect_rc 0 b wait "$ID-web"
    assert_eq "$OUT" 3
}

test_paused_container_is_killed_and_removed() {
    prepare
    needs_freezer
    start_counter one
    b pause "$ID-one"
    expect_rc 0 b kill -s KILL "$ID-one"
    expect_rc 0 b wait --time=10 "$ID-one"
    assert_eq "$OUT" 137
    start_counter two
    b pause "$ID-two"
    expect_rc 0 b terminate "$ID-two"
    start_counter three
    b pause "$ID-three"
    expect_rc 0 b rm --force "$ID-three"
    start_counter four
    b pause "$ID-four"
    expect_rc 0 b kill --kill-whom=all -s KILL "$ID-four"
    expect_rc 0 b wait --time=10 "$ID-four"
    for name in one two three four; do assert_no_trace "$ID-$name"; done
}

test_paused_container_without_supervisor() {
    prepare
    needs_freezer
    start_counter web
    b pause "$ID-web"
    kill -KILL "$(state_field "$ID-web" supervisor)"
    expect_rc 0 b stop "$ID-web"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-web"
    assert_no_trace "$ID-web"
}

# R12: whenever the command is killed, the container is paused or it is not, and can be ended.
test_killed_pause_leaves_nothing_frozen() {
    prepare
    needs_freezer
    local delay pid
    for delay in 0 0.001 0.002 0.004 0.008; do
        start_counter web
        b pause "$ID-web" &
        pid=$!
        sleep "$delay"
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" || true
        assert_match "$(state_of "$ID-web")" '^(paused|running)$'
        expect_rc 0 b rm --force "$ID-web"
        assert_removed "$ID-web"
        rm -f "$ROOT/n"
    done
}

test_pause_of_what_does_not_run() {
    prepare
    expect_rc 1 b pause "$ID-none"
    assert_match "$ERR" "no container named '$ID-none' is running"
    expect_rc 1 b resume "$ID-none"
    expect_rc 1 b pause
    assert_match "$ERR" 'needs more arguments'
    expect_rc 1 b pause ../../etc/passwd
    expect_rc 1 b pause --all x
    assert_match "$ERR" 'unknown option'
    # A bad name does not keep the good one from it.
    needs_freezer
    start_counter web
    expect_rc 1 b pause "$ID-none" "$ID-web"
    assert_eq "$(state_of "$ID-web")" paused
}

# --- restart ----------------------------------------------------------------------------------------------------------

test_restart() {
    prepare
    start_in_background web
    local leader
    leader=$(state_field "$ID-web" leader)
    expect_rc 0 b restart "$ID-web"
    assert_eq "$OUT" "$ID-web"
    is_running "$ID-web"
    assert_ne "$(state_field "$ID-web" leader)" "$leader"
    pid_is_gone "$leader" || fail 'the old one runs on'
    # One that does not run is started.
    b stop "$ID-web"
    expect_rc 0 b restart "$ID-web"
    is_running "$ID-web"
    if [[ $BERTH_HOST != host ]] || has_own_cgroups; then
        b pause "$ID-web"
        expect_rc 0 b restart "$ID-web"
        assert_eq "$(state_of "$ID-web")" running
    fi
}

test_restart_refuses_what_it_could_not_start() {
    prepare
    start_in_background web --rm
    expect_rc 1 b restart "$ID-web"
    assert_match "$ERR" 'no definition'
    is_running "$ID-web" || fail 'it was stopped'
    expect_rc 1 b restart "$ID-none"
    assert_match "$ERR" 'no container named'
    expect_rc 1 b restart --time=soon "$ID-web"
    assert_match "$ERR" "'soon' is not a time span"
}

# --- rename -----------------------------------------------------------------------------------------------------------

test_rename() {
    prepare
    b run -d --name="$ID-old" --label=a=b -D "$ROOT" /bin/sh -c 'echo hello; exit 6' >/dev/null
    b wait "$ID-old" >/dev/null
    expect_rc 0 b rename "$ID-old" "$ID-new"
    assert_eq "$OUT$ERR" ''
    assert_removed "$ID-old"
    expect_rc 0 b wait "$ID-new"
    assert_eq "$OUT" 6
    if [[ $BERTH_HOST == host ]]; then
        expect_rc 0 b logs "$ID-new"
        assert_eq "$OUT" hello
    fi
    expect_rc 1 b start "$ID-old"
    expect_rc 0 b start "$ID-new"
    expect_rc 0 b wait "$ID-new"
    assert_eq "$OUT" 6
    # As often as one likes.
    expect_rc 0 b rename "$ID-new" "$ID-old"
    expect_rc 0 b start "$ID-old"
    b wait "$ID-old" >/dev/null
    b rm "$ID-old"
    assert_removed "$ID-old"
}

test_rename_of_a_definition() {
    prepare
    local etc=${BERTH_CONFIG_DIR:-/etc/berth}
    b create --name="$ID-old" -D "$ROOT" /bin/true >/dev/null
    printf '# a comment\nContainerName=%s-oldest\n' "$ID" >>"$etc/$ID-old.container"
    mkdir -p "$etc/$ID-old.container.d"
    printf '[Resources]\n' >"$etc/$ID-old.container.d/10-a.conf"
    expect_rc 0 b rename "$ID-old" "$ID-new"
    # What a person wrote is kept as it was.
    assert_match "$(cat "$etc/$ID-new.container")" '# a comment'
    assert_match "$(cat "$etc/$ID-new.container")" "ContainerName=$ID-oldest"
    assert_no_match "$(cat "$etc/$ID-new.container")" "ContainerName=$ID-old($|[^e])"
    [[ -e $etc/$ID-new.container.d/10-a.conf && ! -e $etc/$ID-old.container && ! -e $etc/$ID-old.container.d ]]
    rm -r "$etc/$ID-new.container.d" "$etc/$ID-new.container"
}

test_rename_refuses() {
    prepare
    start_in_background web
    b create --name="$ID-b" -D "$ROOT" /bin/true >/dev/null
    b create --name="$ID-c" -D "$ROOT" /bin/true >/dev/null
    expect_rc 1 b rename "$ID-web" "$ID-new"
    assert_match "$ERR" "'$ID-web' is running"
    expect_rc 1 b rename "$ID-b" "$ID-web"
    expect_rc 1 b rename "$ID-b" "$ID-c"
    assert_match "$ERR" 'exists already'
    expect_rc 1 b rename "$ID-b" "$ID-b"
    for bad in '' .. a/b ../x .x "$(printf 'x%.0s' {1..80})" $'a\nb'; do
        expect_rc 1 b rename -- "$ID-b" "$bad"
        expect_rc 1 b rename -- "$bad" "$ID-n"
    done
    expect_rc 1 b rename "$ID-none" "$ID-n"
    assert_match "$ERR" 'no container named'
    expect_rc 1 b rename "$ID-b"
    expect_rc 1 b rename a b c
    assert_eq "$(b list --all --quiet | grep -c "^$ID")" 3
    b rm "$ID-b" "$ID-c"
}

# --- set-property, update ---------------------------------------------------------------------------------------------

# What the next start would ask systemd for.
definition_says() { # NAME PROPERTY=VALUE
    { cat "${BERTH_CONFIG_DIR:-/etc/berth}/$1.container.d/"*.conf "$BERTH_RUN/containers/$1.container.d/"*.conf 2>/dev/null || true; } |
        grep -qx -- "$2"
}

test_properties_are_kept() {
    prepare
    b create --name="$ID-a" -D "$ROOT" --memory=1G /bin/true >/dev/null
    expect_rc 0 b set-property "$ID-a" MemoryMax=64M TasksMax=33
    assert_eq "$OUT$ERR" ''
    definition_says "$ID-a" MemoryMax=64M
    definition_says "$ID-a" TasksMax=33
    # The later one replaces it.
    expect_rc 0 b update --memory=32M --cpus=1.5 "$ID-a"
    definition_says "$ID-a" MemoryMax=33554432
    ! definition_says "$ID-a" MemoryMax=64M || fail 'both are there'
    definition_says "$ID-a" CPUQuota=150%
    # It can be started by what was written.
    expect_rc 0 b start "$ID-a"
    b wait "$ID-a" >/dev/null
    b rm "$ID-a"
    assert_removed "$ID-a"
}

test_properties_of_what_run_has_defined() {
    prepare
    b run -d --name="$ID-a" -D "$ROOT" /bin/true >/dev/null
    b wait "$ID-a" >/dev/null
    expect_rc 0 b update --pids-limit=9 "$ID-a"
    definition_says "$ID-a" TasksMax=9
    [[ -e $BERTH_RUN/containers/$ID-a.container.d/50-TasksMax.conf ]]
    b rename "$ID-a" "$ID-b"
    definition_says "$ID-b" TasksMax=9
    b rm "$ID-b"
    assert_removed "$ID-b"
}

test_properties_are_refused() {
    prepare
    b create --name="$ID-a" -D "$ROOT" /bin/true >/dev/null
    expect_rc 1 b set-property "$ID-a" MemoryMax=12Q
    assert_match "$ERR" '12Q'
    expect_rc 1 b set-property "$ID-a" MemryMax=1G
    assert_match "$ERR" 'MemoryMax'
    expect_rc 1 b set-property "$ID-a" Delegate=no
    expect_rc 1 b set-property "$ID-a" TasksMax=5 MemoryMax
    expect_rc 1 b set-property "$ID-a" $'TasksMax=5\nExec=x'
    expect_rc 1 b set-property "$ID-a"
    expect_rc 1 b update --memory=none "$ID-a"
    expect_rc 1 b update --memory=1G
    expect_rc 1 b update "$ID-a"
    assert_match "$ERR" 'nothing to change'
    expect_rc 1 b update --slice=a.slice "$ID-a"
    expect_rc 1 b update --privileged "$ID-a"
    assert_match "$ERR" 'unknown option'
    expect_rc 1 b set-property "$ID-none" TasksMax=5
    expect_rc 1 b set-property --runtime "$ID-a" TasksMax=5
    assert_match "$ERR" 'is not running'
    [[ ! -e ${BERTH_CONFIG_DIR:-/etc/berth}/$ID-a.container.d ]] || fail 'something was written'
    # What cannot be applied to one that runs is not kept either.
    if [[ $BERTH_HOST == host ]]; then
        start_in_background web
        expect_rc 1 b set-property "$ID-web" MemoryMax=64M
        expect_rc 1 b set-property "$ID-web" IPAddressDeny=any
        assert_match "$ERR" 'only systemd'
        [[ ! -e $BERTH_RUN/containers/$ID-web.container.d ]] || fail 'it was kept'
    fi
    b rm "$ID-a"
}

# --- kill -------------------------------------------------------------------------------------------------------------

test_kill_whom() {
    prepare
    b run -d --name="$ID-web" -D "$ROOT" /bin/sh -c \
        'trap "exit 4" USR1; sleep 1000 & echo >/ready; wait; exit 5' >/dev/null
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/ready"
    expect_rc 1 b kill --kill-whom=everybody "$ID-web"
    assert_match "$ERR" "'everybody' is not leader, supervisor or all"
    expect_rc 1 b kill --signal=NOSUCH "$ID-web"
    expect_rc 1 b kill --signal=99 "$ID-web"
    is_running "$ID-web"
    expect_rc 0 b kill -s USR1 --kill-whom=leader "$ID-web"
    expect_rc 0 b wait --time=20 "$ID-web"
    assert_eq "$OUT" 4
    start_in_background more
    expect_rc 0 b kill -s TERM --kill-whom=supervisor "$ID-more"
    expect_rc 0 b wait --time=20 "$ID-more"
    assert_eq "$OUT" 0
}

# --- wait -------------------------------------------------------------------------------------------------------------

test_wait_for_all_and_for_any() {
    prepare
    b run -d --name="$ID-a" -D "$ROOT" /bin/sh -c 'exit 7' >/dev/null
    b run -d --name="$ID-b" -D "$ROOT" /bin/sh -c 'sleep 1; exit 8' >/dev/null
    start_in_background c
    expect_rc 0 b wait "$ID-a" "$ID-b"
    assert_eq "$OUT" $'7\n8'
    expect_rc 0 b wait --any "$ID-c" "$ID-b"
    assert_eq "$OUT" 8
    expect_rc 1 b wait --time=300ms "$ID-c"
    assert_match "$ERR" 'the time is over'
    expect_rc 0 b wait -o json "$ID-a"
    assert_eq "$(json "$OUT_FILE" 'd[0]["code"], d[0]["name"]')" "[7, \"$ID-a\"]"
}

test_wait_for_a_state() {
    prepare
    b run -d --name="$ID-a" -D "$ROOT" /bin/sh -c 'exit 0' >/dev/null
    b wait "$ID-a" >/dev/null
    expect_rc 1 b wait --condition=running --time=200ms "$ID-a"
    (
        sleep 0.3
        b restart "$ID-a" >/dev/null
    ) &
    # What ends at once may be missed: it is the state that is waited for, not its history.
    b wait --condition=stopped "$ID-a" >/dev/null
    start_in_background b
    expect_rc 0 b wait --condition=running "$ID-b"
    assert_eq "$OUT" ''
    needs_freezer
    (
        sleep 0.3
        b pause "$ID-b"
    ) &
    expect_rc 0 b wait --condition=paused --time=20 "$ID-b"
    wait
}

test_wait_refuses() {
    prepare
    start_in_background c
    expect_rc 1 b wait --condition=happy "$ID-c"
    assert_match "$ERR" "'happy' is not stopped, running or paused"
    expect_rc 1 b wait "$ID-none"
    assert_match "$ERR" 'no container named'
    expect_rc 1 b wait --time=never "$ID-c"
    b run -d --name="$ID-a" -D "$ROOT" /bin/sh -c 'exit 7' >/dev/null
    # The good one is waited for all the same.
    expect_rc 1 b wait "$ID-none" "$ID-a"
    assert_eq "$OUT" 7
}

run_tests
