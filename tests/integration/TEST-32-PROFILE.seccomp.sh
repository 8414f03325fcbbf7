#!/bin/bash
# hosts: host vm
# System call filters from files in docker's JSON.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

profile() { # ERRNO
    printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":%s}]}' "$1" >filter.json
}

test_file() {
    prepare
    profile 28
    expect_rc 1 run_in --security-opt="seccomp=$PWD/filter.json" /bin/mkdir /tmp/new
    assert_match "$ERR" 'No space left on device'
    profile 30
    expect_rc 1 run_in --security-opt="seccomp=$PWD/filter.json" /bin/mkdir /tmp/new
    assert_match "$ERR" 'Read-only file system'
    expect_rc 0 run_in --security-opt=seccomp=unconfined --tmpfs=/tmp /bin/mkdir /tmp/new
}

# What is entered has the filter of the start, whatever the file is by then.
test_exec_keeps_it() {
    prepare
    profile 28
    start_in_background a --tmpfs=/tmp --security-opt="seccomp=$PWD/filter.json"
    echo nonsense >filter.json
    expect_rc 1 b exec "$ID-a" /bin/mkdir /tmp/new
    assert_match "$ERR" 'No space left on device'
    rm filter.json
    expect_rc 1 b exec "$ID-a" /bin/mkdir /tmp/new
    assert_match "$ERR" 'No space left on device'
    expect_rc 0 b exec --privileged "$ID-a" /bin/mkdir /tmp/new
    b terminate "$ID-a"
}

test_errors_name_the_place() {
    prepare
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]}' >filter.json
    expect_rc 125 run_in --security-opt="seccomp=$PWD/filter.json" /bin/true
    assert_match "$ERR" "filter.json': /syscalls/0/action: is not an action"
    expect_rc 125 run_in --security-opt=seccomp=/nowhere.json /bin/true
    assert_match "$ERR" "cannot read the seccomp profile '/nowhere.json': No such file"
    expect_rc 125 run_in --security-opt=seccomp=filter.json /bin/true
    assert_match "$ERR" 'absolute path of a file'
}

# The profile that podman uses itself, by capabilities.
test_profile_of_podman() {
    prepare
    local file=/usr/share/containers/seccomp.json
    [[ -e $file ]] || skip 'the package golang-github-containers-common is not installed'
    expect_rc 0 run_in --security-opt=seccomp=$file /bin/sh -c 'echo started'
    assert_eq "$OUT" started
    expect_rc 1 run_in --security-opt=seccomp=$file /bin/sh -c 'hostname other'
    expect_rc 0 run_in --security-opt=seccomp=$file --cap-add=SYS_ADMIN --security-opt label=disable /bin/sh -c 'hostname other && hostname'
    assert_eq "$OUT" other
}

run_tests
