# Arguments: read, write or withdraw, a file, and the name of the systemd credential that it is, if it is one.
# Standard input: for write a digest and the text, for withdraw a fingerprint. The last line is what the file holds then.
# Exit codes are those of `_REFUSALS` in delivery.py.
umask 077; LC_ALL=C; export LC_ALL
act=$1 file=$2 name=$3 dir=${2%/*} want= size=0; dir=${dir:-/}; new=$dir/.${2##*/}.new-
show() { if [ "$name" ]; then systemd-creds decrypt --name="$name" "$1" -; else cat "$1"; fi; }
digest() { show "$1" | { sha256sum || shasum -a 256; } 2>/dev/null | cut -c 1-32; }
owned() { [ "$3" = 0 ] || [ "$3" = "$(id -u)" ] || exit 41; }
check() { # a directory as it is named or after all links, and those above it
  at=$1
  while :; do
    owned $(ls -ldn "$at"); owned $(ls -ldnL "$at")
    case $(ls -ldL "$at") in
    d????-??-*) ;;
    d????????[tT]*) [ "$at" != "$1" ] || exit 42 ;;
    d*) exit 42 ;;
    *) exit 43 ;;
    esac
    [ "$at" != / ] || return 0
    at=${at%/*}; at=${at:-/}
  done
}
case $act in write) size=32 ;; withdraw) size=12 ;; esac
[ $size = 0 ] || read -r want
case $want in *[!0-9a-f]*) exit 40 ;; esac
[ ${#want} = $size ] || exit 40
[ -d "$dir" ] || exit 43
check "$dir"; check "$(cd -P "$dir" && pwd)"
[ -f "$file" ] || [ ! -e "$file" ] && [ ! -L "$file" ] || exit 44
rm -f "$new"*
case $act in
write)
  [ ! -s "$file" ] || show "$file" | grep -q key-wizard || exit 45
  new=$(mktemp "${new}XXXXXX") || exit 46
  trap 'rm -f "$new"' EXIT; trap 'exit 46' HUP INT TERM PIPE
  if [ "$name" ]; then systemd-creds encrypt --name="$name" - "$new"; else cat > "$new"; fi || exit 46
  [ "$(digest "$new")" = "$want" ] || exit 40
  { sync "$new" || sync; } 2>/dev/null
  mv -f "$new" "$file" || exit 46 ;;
withdraw)
  if [ -f "$file" ] && show "$file" | grep -q "$want"; then rm -f "$file" || exit 46; fi ;;
esac
if [ -s "$file" ]; then echo "holds $(digest "$file")"; else echo "holds nothing"; fi
