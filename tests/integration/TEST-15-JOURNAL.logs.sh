#!/bin/bash
# hosts: vm booted
# What of a container is in the journal, and that journalctl(1) and `logs` both find it.
. "$(dirname "$0")/containers.sh"

# Everything of a unit is found by its name, be the supervisor gone before journald reads the last words.
test_journalctl_finds_all_by_unit() {
    prepare
    local i
    for i in 1 2 3 4 5; do
        b run -d --name="$ID-$i" -D "$ROOT" /bin/sh -c 'echo one; echo two >&2; printf three' >/dev/null
        b wait "$ID-$i" >/dev/null
    done
    journalctl --sync
    for i in 1 2 3 4 5; do
        assert_eq "$(journalctl --no-pager -o cat -u "berth-$ID-$i.scope" CONTAINER_NAME="$ID-$i" | grep -xE 'one|two|three' | sort | tr '\n' ' ')" 'one three two '
    done
}

test_priorities_tag_and_labels() {
    prepare
    b run -d --name="$ID" -D "$ROOT" --label=com.example.team=blue --log-opt=labels=com.example.team,absent \
        --log-opt='tag=app/{{.Name}}' /bin/sh -c 'echo "<4>careful"; echo "<3>broken" >&2; echo plain >&2' >/dev/null
    b wait "$ID" >/dev/null
    journalctl --sync
    journalctl --no-pager -o json -t "app/$ID" CONTAINER_LABEL_COM_EXAMPLE_TEAM=blue >journal
    python3 - journal <<'PYTHON'
import json, sys
entries = {e['MESSAGE']: (e['PRIORITY'], e['CONTAINER_STREAM'], e['CONTAINER_TAG'] == e['SYSLOG_IDENTIFIER'])
           for e in map(json.loads, open(sys.argv[1])) if 'CONTAINER_STREAM' in e}
assert entries == {'careful': ('4', 'stdout', True), 'broken': ('3', 'stderr', True), 'plain': ('6', 'stderr', True)}, entries
PYTHON
    expect_rc 0 b logs -p err "$ID"
    assert_eq "$OUT/$ERR" '/broken'
    expect_rc 0 b logs --stream=stderr -n 1 "$ID"
    assert_eq "$OUT/$ERR" '/plain'
}

# What is too large for a datagram goes by a memfd; a MiB is one entry.
test_a_line_of_a_mebibyte_is_one_entry() {
    prepare
    b run -d --name="$ID" -D "$ROOT" /bin/sh -c 'head -c 1048576 /dev/zero | tr "\0" x; echo; head -c 1048577 /dev/zero | tr "\0" y; echo' >/dev/null
    b wait "$ID" >/dev/null
    journalctl --sync
    journalctl --no-pager --all -o json CONTAINER_NAME="$ID" >journal
    python3 - journal <<'PYTHON'
import json, sys
lines = [(e['MESSAGE'][0], len(e['MESSAGE']), e.get('CONTAINER_PARTIAL_MESSAGE')) for e in map(json.loads, open(sys.argv[1]))
         if 'CONTAINER_STREAM' in e]
assert lines == [('x', 1048576, None), ('y', 1048576, 'true'), ('y', 1, None)], lines
PYTHON
    assert_eq "$(b logs "$ID" | wc -c)" 2097155
}

# Each start is a run of its own; the journal keeps them when the container is gone.
test_runs_by_instance() {
    prepare
    local first
    b run -d --name="$ID" -D "$ROOT" /bin/sh -c 'echo run >>/runs; wc -l </runs; sleep 1' >/dev/null
    first=$(state_field "$ID" id)
    b wait "$ID" >/dev/null
    b start "$ID" >/dev/null
    b wait "$ID" >/dev/null
    journalctl --sync
    assert_eq "$(b logs "$ID")" 2
    assert_eq "$(b logs --instance="$first" "$ID")" 1
    assert_eq "$(b logs --instance="${first:0:12}" "$ID")" 1
    b rm "$ID"
    assert_eq "$(b logs --instance=all "$ID" | tr '\n' ' ')" '1 2 '
    expect_rc 1 b logs "$ID"
}

run_tests
