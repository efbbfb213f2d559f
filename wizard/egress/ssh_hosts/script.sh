# Run by `sh -s` on another host. Lines before this one set NONCE, SECONDS_EACH and the URLs as $1, $2, ...
# Asks the servers behind the URLs, over IPv4 and without a proxy, until two of them name one address.
# Keeps nothing, needs no rights. A cut script does nothing: everything is in functions until the last line.

have() { command -v "$1" >/dev/null 2>&1; }

say() { printf '%s\t%s\n' "$NONCE" "$*"; }

choose_client() {
    if ! have od || ! have head; then echo none
    elif have curl; then echo curl
    elif have wget && wget --help 2>&1 | grep -q -e --inet4-only; then echo wget # BusyBox has no -4 and may not verify TLS
    elif have python3; then echo python3
    else echo none
    fi
}

# Writes the response with its head, as it came.
fetch() {
    case $1 in
    curl)
        curl -q -g -4 -s -i -m "$SECONDS_EACH" --proto =http,https --max-redirs 0 --noproxy '*' \
            -A key-wizard -H 'Accept-Encoding: identity' -H 'Cache-Control: no-cache' --url "$2"
        ;;
    wget)
        wget --no-config $NO_HSTS -4 -q -O - --save-headers --content-on-error --max-redirect=0 --no-proxy --no-cache \
            -t 1 -T "$SECONDS_EACH" -U key-wizard -- "$2"
        ;;
    python3)
        python3 -I - "$2" "$SECONDS_EACH" <<'PYTHON'
import http.client, socket, ssl, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
caller = connection(url.hostname, url.port, timeout=float(sys.argv[2]), source_address=("0.0.0.0", 0))
target = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
try:
    caller.request("GET", target, headers={"User-Agent": "key-wizard", "Cache-Control": "no-cache"})
    answer = caller.getresponse()
    head = "HTTP/1.1 %d\r\nLocation: %s\r\n\r\n" % (answer.status, answer.getheader("Location", ""))
    sys.stdout.buffer.write(head.encode("latin-1", "replace") + answer.read(8192))
except ssl.SSLCertVerificationError: sys.exit(60) # exit statuses are those of curl
except socket.gaierror: sys.exit(6)
except socket.timeout: sys.exit(28)
except OSError: sys.exit(7)
PYTHON
        ;;
    esac
}

# Only decides when to stop asking; whoever sent this script judges the answers.
named_address() {
    case $1 in
    HTTP/*" 200"*) printf '%s\n' "$1" | tr -c '0-9.' '\n' | grep -E '^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$' | tail -n 1 ;;
    esac
}

main() {
    set -f
    LC_ALL=C
    export LC_ALL
    NO_HSTS=
    echo
    client=$(choose_client)
    say client "$client"
    if [ -n "${https_proxy-}${HTTPS_PROXY-}${all_proxy-}${ALL_PROXY-}" ]; then say proxy; fi
    if [ "$client" = none ]; then say done; return; fi
    if [ "$client" = wget ] && wget --help 2>&1 | grep -q -e --no-hsts; then NO_HSTS=--no-hsts; fi
    number=0 seen=
    for url; do
        number=$((number + 1))
        raw=$({ fetch "$client" "$url" </dev/null 2>/dev/null; printf '\n%s' "$?"; } | head -c 16384 | tr '\000' '?')
        say answer "$number" "$(printf '%s' "$raw" | od -An -v -tx1 | tr -d ' \n')"
        address=$(named_address "$raw")
        case " $seen " in *" ${address:-none} "*) break ;; esac
        seen="$seen $address"
    done
    say done
}

main "$@"
