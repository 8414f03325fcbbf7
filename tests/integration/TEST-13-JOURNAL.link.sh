#!/bin/bash
# hosts: booted
# --link-journal=: the journal of a system that boots is seen on the host, and neither tree nor machine id lead astray.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091,SC2016,SC2317
. "$(dirname "$0")/containers.sh"

TREE=/var/lib/berth-test/debian-tree
JOURNALS=/var/log/journal
PATIENCE=120

prepare_journal() {
    prepare
    ID=${ID//[^a-zA-Z0-9]/-}
    UUID=$(tr -d - </proc/sys/kernel/random/uuid)
    if [[ ! -d $JOURNALS ]]; then
        mkdir -p "$JOURNALS"
        on_exit rmdir "$JOURNALS"
    fi
    on_exit rm -rf "${JOURNALS:?}/$UUID"
}

# A copy whose file system can map ids.
prepare_tree() {
    prepare_journal
    [[ -d $TREE ]] || skip 'no tree to boot'
    COPY=/run/$ID-tree
    on_exit rm -rf --one-file-system "$COPY"
    cp -a "$TREE" "$COPY"
    printf uninitialized >"$COPY/etc/machine-id"
}

boot_copy() { # [OPTION...]
    b run -d --boot --uuid="$UUID" --name="$ID" -D "$COPY" "$@" >/dev/null
}

has_journal() { compgen -G "$JOURNALS/$UUID/*.journal"; }
has_booted() { b exec "$ID" systemctl is-active --quiet multi-user.target; }
tells_of_boot() { [[ $(journalctl -q --no-pager -m _MACHINE_ID="$UUID") == *multi-user.target* ]]; }
is_mount_inside() { [[ $(b exec "$ID" stat -c %m "$JOURNALS/$UUID") == "$JOURNALS/$UUID" ]]; }

test_host() {
    prepare_tree
    boot_copy --link-journal=host --userns=auto
    retry_until "$PATIENCE" has_booted
    b exec "$ID" journalctl --flush
    retry_until "$PATIENCE" tells_of_boot
    [[ -d $JOURNALS/$UUID && ! -L $JOURNALS/$UUID ]]
    is_mount_inside
    assert_match "$(journalctl -q --no-pager -M "$ID" -n 1000)" 'multi-user.target'
    # What root inside writes is not root's on the host, where everybody may look for it.
    b exec "$ID" sh -c "cp /bin/true $JOURNALS/$UUID/gift; chmod 6755 $JOURNALS/$UUID/gift"
    (($(stat -c %u "$JOURNALS/$UUID/gift") >= 524288)) || fail 'a set-user-ID file of root'
    b stop "$ID"
    retry_until "$PATIENCE" is_gone "$ID"
    # When it does not run, it is still there.
    tells_of_boot
    # It was there before: auto finds it. The ids are those of this start.
    chown -R 12345:12345 "$JOURNALS/$UUID"
    boot_copy --replace --userns=auto
    retry_until "$PATIENCE" has_booted
    is_mount_inside
    assert_eq "$(b exec "$ID" stat -c %u "$JOURNALS/$UUID/gift")" 0
    assert_eq "$(stat -c %A "$JOURNALS/$UUID/gift")" -rwxr-xr-x
}

test_guest() {
    prepare_tree
    boot_copy --link-journal=guest --userns=auto
    retry_until "$PATIENCE" has_booted
    b exec "$ID" journalctl --flush
    assert_eq "$(readlink "$JOURNALS/$UUID")" "$COPY$JOURNALS/$UUID"
    retry_until "$PATIENCE" tells_of_boot
    b terminate "$ID"
    retry_until "$PATIENCE" is_gone "$ID"
    tells_of_boot
}

# A system of one line, which is enough to see whether one starts.
prepare_little_tree() {
    prepare_journal
    mkdir -p "$ROOT/sbin" "$ROOT/var/log"
    rm -f "$ROOT/sbin/init"
    printf '#!/bin/sh\nexec sleep 1000\n' >"$ROOT/sbin/init"
    chmod 755 "$ROOT/sbin/init"
}

boot_little() { # NAME [OPTION...]
    local name=$1
    shift
    b run -d --boot --uuid="$UUID" --stop-timeout=0 --name="$name" -D "$ROOT" "$@"
}

test_no() {
    prepare_little_tree
    mkdir "$JOURNALS/$UUID"
    boot_little "$ID" --link-journal=no
    [[ ! -e $ROOT$JOURNALS ]]
}

# The tree's own path leads elsewhere: nothing is mounted or made there, and what insists on it does not start.
test_hostile_links() {
    local where
    prepare_little_tree
    mkdir "$TEST_TMP/canary"
    for where in journal log; do
        rm -rf "$ROOT/var/log"
        if [[ $where == log ]]; then ln -s "$TEST_TMP/canary" "$ROOT/var/log"; else mkdir "$ROOT/var/log"; fi
        [[ $where == log ]] || ln -s "$TEST_TMP/canary" "$ROOT$JOURNALS"
        expect_rc 125 boot_little "$ID-h" --link-journal=host
        assert_match "$ERR" "$JOURNALS/$UUID"
        expect_rc 125 boot_little "$ID-g" --link-journal=guest
        assert_match "$ERR" 'a link or no directory'
        [[ ! -L $JOURNALS/$UUID ]]
        expect_rc 0 boot_little "$ID-t$where" --link-journal=try-guest
        assert_match "$ERR" 'the journal is not linked'
        [[ ! -L $JOURNALS/$UUID ]]
        b terminate "$ID-t$where"
        rm -rf "${JOURNALS:?}/$UUID"
    done
    assert_eq "$(ls -A "$TEST_TMP/canary")" ''
}

# A machine id is the container's own word: it opens nobody else's journal.
test_borrowed_id() {
    prepare_little_tree
    boot_little "$ID-owner" --link-journal=host >/dev/null
    expect_rc 125 boot_little "$ID-thief" --link-journal=host
    assert_match "$ERR" "is not this container's"
    for mode in auto try-host try-guest; do
        expect_rc 0 boot_little "$ID-thief" --rm --link-journal=$mode
        expect_rc 0 b exec "$ID-thief" sh -c "grep -c $JOURNALS /proc/self/mountinfo || true"
        assert_eq "$OUT" 0
        b terminate "$ID-thief"
        retry_until "$PATIENCE" is_gone "$ID-thief"
    done
    [[ ! -L $JOURNALS/$UUID ]]
    UUID=$(cat /etc/machine-id)
    on_exit rm -rf "$ROOT$JOURNALS"
    expect_rc 125 boot_little "$ID-host" --link-journal=host
    assert_match "$ERR" "the host's own"
    expect_rc 0 boot_little "$ID-host" --link-journal=auto
    UUID=0
}

test_refusals() {
    prepare_little_tree
    expect_rc 125 b run --link-journal=host --name="$ID" -D "$ROOT" /bin/true
    assert_match "$ERR" 'only a system that boots'
    expect_rc 125 b run --link-journal=everywhere --name="$ID" -D "$ROOT" /bin/true
    assert_match "$ERR" 'try-guest'
    # A link that leads somewhere stays.
    mkdir "$TEST_TMP/other"
    ln -s "$TEST_TMP/other" "$JOURNALS/$UUID"
    expect_rc 125 boot_little "$ID" --link-journal=guest
    assert_match "$ERR" 'is there already'
    assert_eq "$(readlink "$JOURNALS/$UUID")" "$TEST_TMP/other"
    rmdir "$TEST_TMP/other"
    expect_rc 0 boot_little "$ID" --link-journal=guest
    assert_eq "$(readlink "$JOURNALS/$UUID")" "$ROOT$JOURNALS/$UUID"
}

run_tests
