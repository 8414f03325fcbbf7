#!/bin/bash
# hosts: host vm
# What the log driver `file` keeps and what `logs` makes of it: priorities, streams, long lines, sizes, damage, time spans,
# following.
. "$(dirname "$0")/containers.sh"

# Runs SCRIPT to its end with its output in the log file.
logged() { # SCRIPT [OPTION...]
    local script=$1
    shift
    b run -d --log-driver=file --name="$ID" -D "$ROOT" "$@" /bin/sh -c "$script" >/dev/null
    b wait "$ID" >/dev/null
}

test_priorities_and_streams() {
    prepare
    logged 'echo plain; echo "<4>careful"; echo "<3>broken" >&2; echo "<9>no prefix"; echo quiet >&2; echo "<7>detail"'
    expect_rc 0 b logs "$ID"
    assert_eq "$OUT" $'plain\ncareful\n<9>no prefix\ndetail'
    assert_eq "$ERR" $'broken\nquiet'
    expect_rc 0 b logs -p warning "$ID"
    assert_eq "$OUT/$ERR" 'careful/broken'
    expect_rc 0 b logs -p 3 "$ID"
    assert_eq "$OUT/$ERR" '/broken'
    expect_rc 0 b logs --priority=notice..debug "$ID"
    assert_eq "$OUT/$ERR" $'plain\n<9>no prefix\ndetail/quiet'
    expect_rc 0 b logs --stream=stderr "$ID"
    assert_eq "$OUT/$ERR" $'/broken\nquiet'
    # The last lines of those that are wanted.
    expect_rc 0 b logs --stream=stdout -n 2 "$ID"
    assert_eq "$OUT/$ERR" $'<9>no prefix\ndetail/'
    expect_rc 0 b logs -o json "$ID"
    python3 - "$OUT_FILE" <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert [(l['stream'], l['priority'], l['message']) for l in lines if l['stream'] == 'stdout'] == [
    ('stdout', 6, 'plain'), ('stdout', 4, 'careful'), ('stdout', 6, '<9>no prefix'), ('stdout', 7, 'detail')], lines
assert [(l['priority'], l['message']) for l in lines if l['stream'] == 'stderr'] == [(3, 'broken'), (6, 'quiet')], lines
PYTHON
    expect_rc 1 b logs -p loud "$ID"
    assert_match "$ERR" "'loud' is not a priority"
    expect_rc 1 b logs --stream=both "$ID"
    expect_rc 1 b logs --instance=../x "$ID"
}

# A line of 1 MiB is one record, one byte more makes two; `logs` shows both as one line.
test_long_lines() {
    prepare
    logged 'head -c 1048576 /dev/zero | tr "\0" x; echo; head -c 1048577 /dev/zero | tr "\0" y; echo; printf end'
    assert_eq "$(cut -d' ' -f3 <"$BERTH_RUN/logs/$ID" | tr -d '\n')" FPFF
    b logs -o cat "$ID" >shown
    assert_eq "$(tail -n 1 shown)" end
    assert_eq "$(head -n 1 shown | wc -c)" 1048577
    assert_eq "$(sed -n 2p shown | wc -c)" 1048578
}

# THREATS G2: what goes to a terminal is escaped; -o cat and a pipe have the bytes.
test_hostile_bytes() {
    prepare
    logged 'printf "\033]0;title\007\033[2Jx\r\0y\n"'
    "$HELPERS/on-tty" -- "$BERTHCTL" logs "$ID" >shown
    assert_no_match "$(tr -d '\r\n' <shown | LC_ALL=C tr -c '\000-\037\177' ' ' | od -An -c)" '033|007'
    b logs -o cat "$ID" >raw
    assert_eq "$(od -An -c raw | tr -d ' \n')" '033]0;title\a033[2Jx\r\0y\n'
}

total_size() { cat "$BERTH_RUN/logs/$ID" "$BERTH_RUN/logs/$ID":* 2>/dev/null | wc -c; }

# Never more files and never larger than asked; what is kept is the end, without a gap.
test_rotation() {
    prepare
    logged 'i=0; while [ $i -lt 12000 ]; do echo "line $i"; i=$((i + 1)); done' --log-opt=max-size=64K --log-opt=max-file=3
    assert_eq "$(find "$BERTH_RUN/logs" -name "$ID*" -printf '%f\n' | sort | tr '\n' ' ')" "$ID $ID:1 $ID:2 "
    for file in "$BERTH_RUN/logs/$ID" "$BERTH_RUN/logs/$ID:1" "$BERTH_RUN/logs/$ID:2"; do
        assert_eq "$(($(stat -c %s "$file") <= 65536)) $(stat -c %a "$file")" '1 600'
    done
    b logs "$ID" >shown
    assert_eq "$(tail -n 1 shown)" 'line 11999'
    local first
    first=$(head -n 1 shown)
    diff shown <(seq -f 'line %.0f' "${first#line }" 11999)
    (($(wc -l <shown) > 2000)) || fail 'too little is kept'
    expect_rc 0 b logs -n 2500 "$ID"
    assert_eq "$(wc -l <"$OUT_FILE")" 2500
    # The next run and rm take all of them away.
    b rm "$ID"
    assert_removed "$ID"
}

# Without a word the log is bounded, too: it is in memory.
test_rotation_by_default() {
    prepare
    logged 'i=0; while [ $i -lt 30 ]; do head -c 1000000 /dev/zero | tr "\0" x; echo; i=$((i + 1)); done'
    (($(total_size) <= 17000000)) || fail "$(total_size) bytes"
    assert_eq "$(b logs "$ID" | tail -n 1 | wc -c)" 1000001
}

test_follow_over_rotations() {
    prepare
    b run -d --log-driver=file --log-opt=max-size=64K --log-opt=max-file=10 --name="$ID" -D "$ROOT" \
        /bin/sh -c 'echo first; while [ ! -e /go ]; do sleep 0.1; done; i=0; while [ $i -lt 6000 ]; do echo "line $i"; i=$((i + 1)); done' >/dev/null
    "$BERTHCTL" logs -f -o cat "$ID" >followed &
    local pid=$!
    retry_until "$SETTLE_TIMEOUT" grep -q first followed
    touch "$ROOT/go"
    wait "$pid" # ends with the container
    diff followed <(echo first; seq -f 'line %.0f' 0 5999)
}

# R15: a block that never came to the disk, half a record, a supervisor that was killed between two renames.
test_damaged_log() {
    prepare
    logged 'i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i + 1)); done'
    python3 - "$BERTH_RUN/logs/$ID" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
data[4096:8192] = bytes(4096)
data += b'2026-11-27T10:00:00.0000'
open(sys.argv[1], 'wb').write(data)
PYTHON
    expect_rc 2 b logs "$ID"
    assert_match "$ERR" 'damaged in 2 places'
    assert_eq "$(head -n 1 <<<"$OUT")" 'line 0'
    assert_eq "$(tail -n 1 <<<"$OUT")" 'line 499'
    (($(wc -l <<<"$OUT") > 380)) || fail 'more is missing than was damaged'
}

# Behind a hole a record has its own time: --since does not lose it, nor take it for an older one.
test_since_behind_a_hole() {
    prepare
    logged true
    python3 - "$BERTH_RUN/logs/$ID" <<'PYTHON'
import sys
old, new = b'2026-11-20T10:00:0%d.000000000Z stdout F old %d\n', b'2026-11-21T10:00:0%d.000000000Z stdout F new %d\n'
data = b''.join(old % (i, i) for i in range(3))
data += b'2026-11-20T10:00:09.000000000Z stdout F torn' + bytes(4096) + new % (0, 0) + new % (1, 1)
open(sys.argv[1], 'wb').write(data)
PYTHON
    expect_rc 2 b logs --since=2026-11-21T00:00:00Z "$ID"
    assert_eq "$OUT" $'new 0\nnew 1'
    expect_rc 2 b logs --until=2026-11-20T10:00:01Z "$ID"
    assert_eq "$OUT" $'old 0\nold 1'
    expect_rc 2 b logs "$ID"
    assert_eq "$OUT" $'old 0\nold 1\nold 2\ntorn\nnew 0\nnew 1'
    # A payload's own NUL bytes are no damage.
    b rm "$ID"
    logged 'printf "a\0b\n"; printf "\0\0\0\n"'
    expect_rc 0 b logs "$ID"
}

test_gap_between_files() {
    prepare
    logged 'echo newest'
    printf '2026-11-20T10:00:00.000000000Z stdout F oldest\n' >"$BERTH_RUN/logs/$ID:2"
    expect_rc 0 b logs "$ID"
    assert_eq "$OUT" $'oldest\nnewest'
    b rm "$ID"
    assert_removed "$ID"
}

test_refused_options() {
    prepare
    expect_rc 125 run_in --log-opt=max-size=1K /bin/true
    assert_match "$ERR" '--log-opt: max-size: .1K. is not a size of 64K or more'
    expect_rc 125 run_in --log-opt=max-file=11 /bin/true
    expect_rc 125 run_in --log-opt='tag={{.Nope}}' /bin/true
    assert_match "$ERR" '\{\{\.Name\}\}'
    expect_rc 125 run_in --log-opt=mode=non-blocking /bin/true
    assert_match "$ERR" "there is no log option 'mode=non-blocking'"
}

test_log_driver_of_podman_and_none() {
    prepare
    b run -d --log-driver=k8s-file --name="$ID" -D "$ROOT" /bin/echo x >/dev/null
    b wait "$ID" >/dev/null
    assert_eq "$(b logs "$ID")" x
    b rm "$ID"
    b run -d --log-driver=none --name="$ID" -D "$ROOT" /bin/echo x >/dev/null
    b wait "$ID" >/dev/null
    expect_rc 1 b logs "$ID"
    expect_rc 0 b run --rm --log-driver=passthrough --name="$ID-p" -D "$ROOT" /bin/echo through
    assert_eq "$OUT" through
}

# In the foreground what is logged is seen, too, and input arrives: as with docker run and podman run.
test_foreground() {
    prepare
    expect_rc 3 b run --log-driver=file --name="$ID" -D "$ROOT" /bin/sh -c 'echo seen; echo also >&2; cat; exit 3' <<<'not asked for'
    assert_eq "$OUT/$ERR" seen/also
    assert_match "$(cat "$BERTH_RUN/logs/$ID")" 'stdout F seen.*stderr F also'
    # An end that comes at once loses nothing.
    for _ in 1 2 3 4 5; do
        expect_rc 0 b run --rm --log-driver=file --name="$ID-short" -D "$ROOT" /bin/echo short
        assert_eq "$OUT" short
    done
    expect_rc 0 b run --rm --log-driver=none --name="$ID-short" -D "$ROOT" /bin/echo 'not kept'
    assert_eq "$OUT" 'not kept'
    assert_removed "$ID-short"
}

test_foreground_with_input() {
    prepare
    expect_rc 0 b run -i --log-driver=file --name="$ID" -D "$ROOT" /bin/sh -c 'cat; echo done >&2' <<<$'first\nlast'
    assert_eq "$OUT/$ERR" $'first\nlast/done'
    assert_eq "$(grep -o 'stdout . .*' "$BERTH_RUN/logs/$ID")" $'stdout F first\nstdout F last'
    # More than pipes and sockets hold, to a reader that begins late: nothing is lost.
    seq 100000 >big
    b run -i --rm --log-driver=file --name="$ID-big" -D "$ROOT" /bin/cat <big | { sleep 1; cat; } >out
    cmp big out
}

test_foreground_reader_that_waits_or_goes() {
    prepare
    mkfifo fifo
    "$BERTHCTL" run --log-driver=file --name="$ID-full" -D "$ROOT" /bin/sh -c 'while :; do echo yes; done' >fifo &
    exec 7<fifo
    # It reads nothing: that holds up the payload, and not the supervisor.
    retry_until 300 test -s "$BERTH_RUN/logs/$ID-full"
    b stop -t 1 "$ID-full" &
    retry_until 300 gives "" processes_of_root
    exec 7<&-
    wait
    assert_no_trace "$ID-full"
    # It goes away: the log goes on.
    b run --log-driver=file --name="$ID-gone" -D "$ROOT" /bin/sh -c 'while [ ! -e /enough ]; do echo yes; done; echo after' | head -n 1 >/dev/null &
    retry_until 300 test -s "$BERTH_RUN/logs/$ID-gone"
    touch "$ROOT/enough"
    wait
    assert_match "$(tail -n 1 "$BERTH_RUN/logs/$ID-gone")" 'stdout F after'
}

run_tests
