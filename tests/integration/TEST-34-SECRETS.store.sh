#!/bin/bash
# hosts: host booted vm
# Secrets are kept encrypted, reach the payload, and are told nowhere.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

SECRET="Xyzzy-$$-$RANDOM-plugh"

# Names are the test's own: the store of a virtual machine is the real one. The key of systemd-creds is the test's, too.
prepare_secrets() {
    prepare
    SECRETS=${BERTH_DATA_DIR-/var/lib/berth}/secrets
    export SYSTEMD_CREDENTIAL_SECRET=$TEST_TMP/credential.secret
    on_exit _forget_secrets
}

# shellcheck disable=SC2317 # called by on_exit
_forget_secrets() {
    local file
    for file in "$SECRETS/$ID"*; do
        [[ ! -e $file ]] || b secret rm --quiet "${file##*/}"
    done
}

has_creds() { command -v systemd-creds >/dev/null; }

keep() { # NAME [OPTION...]: standard input
    local name=$1
    shift
    if has_creds; then
        b secret create --quiet --with-key=host "$@" "$name"
    else
        b secret create --quiet --with-key=none "$@" "$name"
    fi
}

# The bytes, and what base64 makes of them at each of its three phases.
assert_not_told() { # FILE...
    local word encoded phase
    for phase in '' a aa; do
        encoded=$(printf '%s%s' "$phase" "$SECRET" | base64 -w0)
        # The first and last characters depend on what stands beside.
        word=${encoded:4:20}
        ! grep -rqaF -e "$word" -- "$@" || fail "$(grep -rlaF -e "$word" -- "$@") holds the secret in base64"
    done
    ! grep -rqaF -e "$SECRET" -- "$@" || fail "$(grep -rlaF -e "$SECRET" -- "$@") holds the secret"
}

test_life() {
    prepare_secrets
    printf %s "$SECRET" | b secret create --with-key=none "$ID-a" >out
    assert_eq "$(cat out)" "$ID-a"
    assert_eq "$(stat -c '%a %U' "$SECRETS" "$SECRETS/$ID-a" | tr '\n' ' ')" '700 root 600 root '
    printf %s other >file
    expect_rc 1 b secret create --with-key=none "$ID-a" file
    assert_match "$ERR" "there is a secret named '$ID-a' already"
    assert_match "$ERR" '--replace'
    b secret inspect "$ID-a" >before
    assert_match "$(cat before)" '"encryption": *"none"'
    b secret create --quiet --with-key=none --replace "$ID-a" file
    assert_eq "$(sh_in 'cat /run/secrets/'"$ID-a" --secret="$ID-a")" other
    assert_eq "$(b secret list -q | grep -c "^$ID-a$")" 1
    assert_match "$(b secret ls -o json)" "\"name\": *\"$ID-a\""
    expect_rc 0 b secret rm "$ID-a"
    expect_rc 1 b secret rm "$ID-a"
    expect_rc 0 b secret rm --force "$ID-a"
    expect_rc 125 run_in --secret="$ID-a" /bin/true
    assert_match "$ERR" "--secret: there is no secret named '$ID-a'"
    expect_rc 1 b secret create "$ID-a" /nowhere
    expect_rc 1 b secret create ../a file
    expect_rc 1 b secret create --with-key=null "$ID-a" file
    assert_match "$ERR" 'use auto, host, tpm2'
    expect_rc 1 b secret create "$ID-a" /dev/null
    assert_match "$ERR" 'is empty'
    truncate -s 512001 large
    expect_rc 1 b secret create --with-key=none "$ID-a" large
    assert_match "$ERR" 'larger than 512000 bytes'
    assert_eq "$(find "$SECRETS" -name ".#*$ID*")" ''
    assert_no_trace "$ID"
}

test_files() {
    prepare_secrets
    printf %s "$SECRET" | keep "$ID-a"
    mkdir -p "$ROOT/etc/app" conf
    echo kept >"$ROOT/etc/app/other"
    expect_rc 0 sh_in 'cd /run/secrets && stat -c "%n %a %u:%g" '"$ID-a"' b d/e /etc/app/key /conf/key && cat '"$ID-a"' && cat d/e /etc/app/key /conf/key /etc/app/other && stat -f -c %T .' \
        --secret="$ID-a" --secret="$ID-a,target=b,mode=0400,uid=7,gid=8" --secret="$ID-a,target=d/e" --secret="$ID-a,target=/etc/app/key,mode=440" \
        -v "$PWD/conf:/conf" --secret="$ID-a,target=/conf/key"
    assert_eq "$OUT" "$ID-a 444 0:0
b 400 7:8
d/e 444 0:0
/etc/app/key 440 0:0
/conf/key 444 0:0
$SECRET$SECRET$SECRET${SECRET}kept
ramfs"
    # Not to be changed, and in none of the trees.
    local place
    for place in "/run/secrets/$ID-a" /run/secrets/new /etc/app/key; do
        expect_rc 1 sh_in ': >>'"$place" --secret="$ID-a" --secret="$ID-a,target=/etc/app/key"
        assert_match "$ERR" 'Read-only'
    done
    assert_not_told "$ROOT" conf
    # As somebody else.
    expect_rc 0 sh_in 'cat /run/secrets/'"$ID-a" --user=1000 --secret="$ID-a"
    assert_eq "$OUT" "$SECRET"
    expect_rc 1 sh_in 'cat /run/secrets/'"$ID-a" --user=1000 --secret="$ID-a,mode=0400"
    expect_rc 125 run_in --secret="$ID-a,uid=70000" --userns=auto /bin/true
    assert_match "$ERR" "cannot give '$ID-a' to 70000:0"
    assert_no_trace "$ID"
}

# What exec starts has them, too, as they are by then.
test_variables() {
    prepare_secrets
    printf %s "$SECRET" | keep "$ID-a"
    expect_rc 0 sh_in 'echo "$TOKEN $OTHER"; env | grep -c ^TOKEN=' --env=TOKEN=open --env=OTHER=x --secret="$ID-a,type=env,target=TOKEN"
    assert_eq "$OUT" "$SECRET x"$'\n1'
    start_in_background v --secret="$ID-a,type=env,target=TOKEN"
    expect_rc 0 b exec "$ID-v" /bin/sh -c 'echo "$TOKEN"'
    assert_eq "$OUT" "$SECRET"
    expect_rc 0 b exec --env=TOKEN=mine "$ID-v" /bin/sh -c 'echo "$TOKEN"; env | grep -c ^TOKEN='
    assert_eq "$OUT" $'mine\n1'
    printf %s rotated | keep "$ID-a" --replace
    expect_rc 0 b exec "$ID-v" /bin/sh -c 'echo "$TOKEN"'
    assert_eq "$OUT" rotated
    b secret rm --quiet "$ID-a"
    expect_rc 0 b exec "$ID-v" /bin/sh -c 'echo "$TOKEN"'
    assert_eq "$OUT" ''
    b terminate "$ID-v"
    printf 'a\0b' | keep "$ID-a"
    expect_rc 125 run_in --secret="$ID-a,type=env,target=TOKEN" /bin/true
    assert_match "$ERR" 'holds a zero byte'
}

# A health check is an exec.
test_health_check() {
    prepare_secrets
    printf %s "$SECRET" | keep "$ID-a"
    start_in_background h --secret="$ID-a,type=env,target=TOKEN" --health-cmd='test ${#TOKEN} = '${#SECRET} --health-interval=200ms
    retry_until "$SETTLE_TIMEOUT" grep -q '"health_status":"healthy"' "$BERTH_RUN/machines/$ID-h:health"
    assert_not_told "$BERTH_RUN"
    b terminate "$ID-h"
}

# Whatever is written or said about a container with secrets.
test_is_told_nowhere() {
    prepare_secrets
    printf %s "$SECRET" | keep "$ID-a"
    local options=(--secret="$ID-a" --secret="$ID-a,target=/etc/key" --secret="$ID-a,type=env,target=TOKEN")
    start_in_background c "${options[@]}" --log-driver=auto
    local leader supervisor
    leader=$(state_field "$ID-c" leader)
    supervisor=$(state_field "$ID-c" supervisor)
    # It is there: this test would find it.
    assert_eq "$(cat "/proc/$leader/root/run/secrets/$ID-a")" "$SECRET"
    ! (assert_not_told "/proc/$leader/root/run/secrets") 2>/dev/null || fail 'the search finds nothing'
    {
        b show "$ID-c" --all
        b list -o json
        b status "$ID-c"
        b logs "$ID-c" || true
        b top "$ID-c"
        b analyze blame "$ID-c" || true
        b secret list
        b secret inspect "$ID-a"
        b run --name="$ID-p" -D "$ROOT" "${options[@]}" --print-plan /bin/true
        b run --name="$ID-x" -D "$ROOT" "${options[@]}" /bin/nothing-here || true
        b run --name="$ID-x" -D "$ROOT" "${options[@]}" --workdir=/bin/sh /bin/true || true
        cat "/proc/$supervisor/cmdline" "/proc/$supervisor/environ" "/proc/$leader/cmdline"
        cat /proc/[0-9]*/cmdline || true
        if [[ $BERTH_HOST != host ]]; then
            journalctl --boot --all --output=export
            systemctl show "berth-$ID-c.scope" --all
            b events --no-follow || true
        fi
    } >told 2>&1
    tr -d '\0' <told >words
    assert_match "$(cat words)" 'nothing-here'
    assert_match "$(grep -a ' credential ' told)" "name=$ID-a mode=0444 data=${#SECRET} bytes"
    assert_match "$(grep -a ' exec ' told)" 'secrets=\[TOKEN\]'
    assert_not_told told "$BERTH_RUN" "$ROOT"
    # And, encrypted, not on disk.
    ! has_creds || assert_not_told "${BERTH_DATA_DIR-/var/lib/berth}"
    # Its memory is nobody's but root's.
    assert_eq "$(stat -c %U "/proc/$supervisor/environ" "/proc/$supervisor/mem" | sort -u)" root
    b terminate "$ID-c"
    assert_not_told "$BERTH_RUN" "$ROOT"
}

test_encrypted_at_rest() {
    prepare_secrets
    has_creds || skip 'there is no systemd-creds'
    printf %s "$SECRET" | keep "$ID-a"
    assert_match "$(b secret inspect "$ID-a")" '"encryption": *"systemd-creds"'
    assert_not_told "$SECRETS/$ID-a"
    # systemd itself reads what is behind the first line.
    assert_eq "$(sed 1d "$SECRETS/$ID-a" | systemd-creds --name="$ID-a" decrypt - - 2>err)" "$SECRET"
    # One secret's file is not another's.
    cp "$SECRETS/$ID-a" "$SECRETS/$ID-b"
    expect_rc 125 run_in --secret="$ID-b" /bin/true
    assert_match "$ERR" "systemd-creds cannot decrypt the secret '$ID-b'"
    # Of another host it is nothing, and damaged neither.
    SYSTEMD_CREDENTIAL_SECRET=$TEST_TMP/another expect_rc 125 run_in --secret="$ID-a" /bin/true
    assert_no_match "$ERR" "$SECRET"
    truncate -s -9 "$SECRETS/$ID-a"
    expect_rc 125 run_in --secret="$ID-a" /bin/true
    expect_rc 0 b secret list
    printf %s again | keep "$ID-a" --replace
    expect_rc 0 sh_in 'cat /run/secrets/'"$ID-a" --secret="$ID-a"
    assert_eq "$OUT" again
    assert_no_trace "$ID"
}

# Without the program a file does, and that is said, unless encryption was asked for.
test_no_systemd_creds() {
    prepare_secrets
    mkdir bin
    printf %s "$SECRET" >file
    expect_rc 0 env PATH="$PWD/bin" "$BERTHCTL" secret create "$ID-a" file
    assert_match "$ERR" "the secret '$ID-a' is not encrypted, only root can read its file"
    assert_eq "$(sed 1d "$SECRETS/$ID-a")" "$SECRET"
    expect_rc 1 env PATH="$PWD/bin" "$BERTHCTL" secret create --with-key=host "$ID-b" file
    assert_match "$ERR" 'cannot run systemd-creds'
    expect_rc 0 env PATH="$PWD/bin" "$BERTHCTL" secret create --with-key=none --replace "$ID-a" file
    assert_eq "$ERR" ''
    # A program that fails is no reason to write it in the clear.
    printf '#!/bin/sh\necho "no key" >&2\nexit 1\n' >bin/systemd-creds
    chmod +x bin/systemd-creds
    expect_rc 1 env PATH="$PWD/bin:$PATH" "$BERTHCTL" secret create "$ID-b" file
    assert_match "$ERR" "systemd-creds cannot encrypt the secret '$ID-b': no key"
    [[ ! -e $SECRETS/$ID-b ]] || fail 'it was written'
}

# Whoever reads gets one or the other, whole; who is killed leaves nothing that is listed.
test_rotation_is_atomic() {
    prepare_secrets
    local i pid
    head -c 400000 /dev/zero | tr '\0' a >a
    head -c 400000 /dev/zero | tr '\0' b >b
    b secret create --quiet --with-key=none "$ID-a" a
    (while :; do
        "$BERTHCTL" secret create --quiet --with-key=none --replace "$ID-a" b
        "$BERTHCTL" secret create --quiet --with-key=none --replace "$ID-a" a
    done) &
    pid=$!
    for i in {1..10}; do
        expect_rc 0 sh_in 'tr -d a </run/secrets/'"$ID-a"' | wc -c; tr -d b </run/secrets/'"$ID-a"' | wc -c' --secret="$ID-a"
        assert_match "$OUT" $'^(0\n400000|400000\n0)$'
    done
    kill "$pid"
    wait "$pid" || true
    assert_eq "$(b secret list -q | grep "^$ID")" "$ID-a"
}

# An image cannot ask for one, nor be led elsewhere with one.
test_hostile_roots() {
    prepare_secrets
    printf %s "$SECRET" | keep "$ID-a" --replace
    mkdir canary
    local place
    for place in /run/secrets /run "/run/secrets/$ID-a"; do
        rm -rf "${ROOT:?}/run"
        mkdir -p "$ROOT$(dirname "$place")"
        ln -s "$PWD/canary" "$ROOT$place"
        b run --name="$ID" -D "$ROOT" --secret="$ID-a" /bin/sh -c 'cat /run/secrets/'"$ID-a" >out 2>err || assert_match "$(cat err)" 'cannot (open|prepare|make)'
        [[ ! -s out ]] || assert_eq "$(cat out)" "$SECRET"
        assert_not_told canary "$ROOT"
        assert_eq "$(ls canary)" ''
    done
    rm -rf "${ROOT:?}/run"
    ln -s "$PWD/canary/new" "$ROOT/etc/link"
    expect_rc 125 run_in --secret="$ID-a,target=/etc/link" /bin/true
    assert_eq "$(ls canary)" ''
    assert_no_trace "$ID"
}

# A definition names it, and gets whatever it is when the service starts; credentials of the unit come along.
test_definition() {
    prepare_secrets
    printf %s "$SECRET" | keep "$ID-a"
    b create --name="$ID-d" -D "$ROOT" --secret="$ID-a,target=key" /bin/sh -c 'wc -c </run/secrets/key' >path
    assert_match "$(cat "$(cat path)")" "Secret=$ID-a,target=key"
    assert_not_told "$(cat path)"
    b start "$ID-d" >/dev/null
    b wait "$ID-d" >/dev/null
    assert_eq "$(b logs "$ID-d" | tail -1 | tr -d ' ')" "${#SECRET}"
    printf %s rotated | keep "$ID-a" --replace
    b start "$ID-d" >/dev/null
    b wait "$ID-d" >/dev/null
    assert_eq "$(b logs "$ID-d" | tail -1 | tr -d ' ')" 7
    b rm "$ID-d"
}

# A service has the host's own key, and what LoadCredential= of its unit brings.
test_service() {
    [[ $BERTH_HOST != host ]] || skip 'no systemd'
    prepare_secrets
    unset SYSTEMD_CREDENTIAL_SECRET
    on_exit _forget_service
    printf %s "$SECRET" | keep "$ID-a"
    printf %s "$SECRET$SECRET" >unit
    mkdir -p /etc/berth
    cat >"/etc/berth/$ID-s.container" <<EOF
[Container]
Directory=$ROOT
Secret=$ID-a,target=key
Secret=$ID-a,type=env,target=TOKEN
Exec=/bin/sh -c 'wc -c </run/secrets/key; echo \${#TOKEN}; wc -c <\$CREDENTIALS_DIRECTORY/unit; exec sleep 1000'
[Service]
LoadCredential=unit:$PWD/unit
EOF
    systemctl daemon-reload
    systemctl start "$ID-s.service"
    retry_until "$SETTLE_TIMEOUT" _has_said 3
    assert_eq "$(b logs --output=cat "$ID-s" | tr -d ' ' | tr '\n' ' ')" "${#SECRET} ${#SECRET} $((2 * ${#SECRET})) "
    {
        journalctl --boot --all --output=export
        systemctl show "$ID-s.service" --all
        systemctl cat "$ID-s.service"
        b show "$ID-s" --all
    } >told 2>&1
    assert_not_told told "$BERTH_RUN" "$ROOT" "$SECRETS" /run/systemd/system /run/systemd/generator
    systemctl stop "$ID-s.service"
}

_has_said() { (($(b logs --output=cat "$ID-s" | wc -l) == $1)); }

_forget_service() {
    systemctl stop "$ID-s.service" 2>/dev/null || true
    rm -f "/etc/berth/$ID-s.container"
    systemctl daemon-reload
}

run_tests
