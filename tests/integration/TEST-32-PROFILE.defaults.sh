#!/bin/bash
# hosts: host booted vm
# What a container has by default is what tests/security/defaults says, seen from inside.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

TABLE=$(cd "$(dirname "$0")/../security" && pwd)/defaults

# The table's rows, and what the program makes of them, in the same form: a call has its number only, unless it has arguments.
rows() { awk '!/^#/ && NF == 5 { w = $2; if ($1 == "capability" || ($1 == "syscall" && w !~ /[(]/)) sub(/:.*/, "", w); print $1, w, $3 }' "$TABLE" | sort; }

prepare_defaults() {
    prepare
    [[ $(uname -m) == x86_64 ]] || skip 'the table is of another processor'
    install_helper defaults
    mapfile -t asked < <(awk '$1 == "syscall" && /[(]/ { print $2 } $1 == "path" { print $2 }' "$TABLE")
}

# Files that this kernel does not have, and capabilities that whoever starts it has not, say nothing.
compare() { # FILE
    sort "$1" >seen
    rows >table
    awk 'NR == FNR { seen[$1, $2] = $3; next }
        $1 == "capability" && !(($1, $2) in seen) { seen[$1, $2] = "no" }
        seen[$1, $2] == "absent" { next }
        seen[$1, $2] != $3 { print $1, $2 " is " seen[$1, $2] " and not " $3 }' seen table >differences
    # What the table does not know: calls must be unknown to the filter, anything else should not be.
    awk 'NR == FNR { known[$1, $2]; numbers[$2 + 0]; next }
        ($1, $2) in known || ($1 == "syscall" && ($2 + 0 in numbers || $3 == "ENOSYS" || $2 == 335 || $2 == 336)) { next }
        { print $0 " is not in the table" }' table seen >>differences
}

test_table() {
    prepare_defaults
    expect_rc 0 run_in /bin/defaults "${asked[@]}"
    cp "$OUT_FILE" out
    compare out
    assert_eq "$(cat differences)" ''
}

# It would be noticed.
test_other_containers_differ() {
    prepare_defaults
    expect_rc 0 run_in --cap-add=SYS_ADMIN --security-opt unmask=/proc/keys:/proc/sys /bin/defaults "${asked[@]}"
    cp "$OUT_FILE" out
    compare out
    assert_match "$(cat differences)" 'syscall 165 is allow and not EPERM'
    assert_match "$(cat differences)" 'capability 21 is yes and not no'
    assert_match "$(cat differences)" 'path /proc/keys is open and not masked'
    assert_match "$(cat differences)" 'path /proc/sys is open and not read-only'
    expect_rc 0 run_in --security-opt seccomp=unconfined --bind=/dev/null:/dev/other /bin/defaults "${asked[@]}"
    cp "$OUT_FILE" out
    compare out
    assert_match "$(cat differences)" 'syscall 16:ioctl[(]0,0x5412[)] is allow and not EPERM'
    assert_match "$(cat differences)" 'device /dev/other 1:3 is not in the table'
}

run_tests
