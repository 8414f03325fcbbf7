# shellcheck shell=bash
# For scripts that need a registry: Debian's docker-registry in $TEST_TMP, by itself or with TLS and passwords.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

_registry_listens() { grep -q 'msg="listening on ' registry.log; }

# LINES that begin with "auth" are the registry's, others those of its "http:". $registry is where it is then, and only
# configuration, passwords and data below the test's directory count.
start_registry() { # LINE...
    { command -v docker-registry && command -v skopeo && command -v python3; } >/dev/null ||
        skip 'needs docker-registry, skopeo and python3'
    local line
    mkdir -p etc home served
    {
        printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s/served}}\n' "$PWD"
        for line; do [[ $line != auth* ]] || echo "$line"; done
        printf 'http:\n  addr: 127.0.0.1:0\n'
        for line; do [[ $line == auth* ]] || echo "  $line"; done
    } >registry.yml
    : >registry.log
    # Appended to, because tests empty it.
    docker-registry serve registry.yml >>registry.log 2>&1 &
    retry_until "$SETTLE_TIMEOUT" _registry_listens
    registry=$(sed -n 's/.*msg="listening on \([0-9.:]*\).*/\1/p' registry.log | head -n 1)
    export BERTH_DATA_DIR=$PWD/data BERTH_CONFIG_DIR=$PWD/etc HOME=$PWD/home REGISTRY_AUTH_FILE=
    export XDG_RUNTIME_DIR=$PWD/home
}

# Without TLS, and nothing is to be said about that.
trust_registry() { printf '[%s]\nInsecure=yes\n' "$registry" >etc/registries.conf; }

make_image() { "$here/helpers/make-image" "$@"; }
copy() { skopeo copy -q --insecure-policy --dest-tls-verify=false "$@"; }
pull() { "$BERTHCTL" pull -q "$@"; }
requests() { grep -c 'http.request.method=[GH]E[TA]' registry.log || true; }

make_certificates() { # SUBJECTALTNAME
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=test -days 2 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server 2>/dev/null
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 \
        -extfile <(echo "subjectAltName=$1") 2>/dev/null
}
