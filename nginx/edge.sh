#!/bin/sh
# Writes what nginx.conf includes of the settings below, and runs the command that follows: edge.sh FOLDER [COMMAND…]
#   EDGE_TRUSTED_PROXIES      addresses and CIDRs, separated by commas: whose word on the client is believed
#   EDGE_CORS_ORIGINS         origins, separated by commas, whose pages may use the API
#   EDGE_PROXY_PROTOCOL_PORT  a further port, at which the PROXY protocol is spoken
#   EDGE_LISTEN               at which addresses that port is, separated by blanks; all of IPv4 unless given
# All are empty unless given. In shell, because the image of nginx has nothing else; `npm start` runs it as well. Exit code
# 78: a setting is not usable, and one line says which.
set -euf

folder=$1
shift

# entries NAME PATTERN WHAT: those of a list, one a line; each is written as it is, so it has to fit the pattern as a whole
entries() {
  eval "list=\${$1:-}"
  list=$(printf '%s' "$list" | tr ', \t' '\n\n\n' | grep . || true)
  wrong=$(printf '%s\n' "$list" | grep -Evx "($2)?" || true)
  [ -z "$wrong" ] || refuse "$1: \"$(printf '%s' "$wrong" | head -n 1)\" is not $3"
  printf '%s' "$list"
}
refuse() {
  echo "$1" >&2
  exit 78
}
# lines TEXT FORMAT: each line of the text within the format; none for no text
lines() { printf '%s\n' "$1" | sed -n "s|..*|$2|p"; }

octet='(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
ipv4="$octet(\\.$octet){3}(/(3[0-2]|[12]?[0-9]))?"
ipv6='[0-9a-fA-F]*:[0-9a-fA-F:]*(:[0-9.]+)?(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?'
proxies=$(entries EDGE_TRUSTED_PROXIES "$ipv4|$ipv6" 'an address or CIDR')
origins=$(entries EDGE_CORS_ORIGINS '[a-z][a-z0-9+.-]*://([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?' \
  'an origin, such as https://shop.example')
port=$(entries EDGE_PROXY_PROTOCOL_PORT \
  '[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]' 'a port')

# shellcheck disable=SC2016 # nginx's variables, not the shell's
{
  lines "$proxies" 'set_real_ip_from &;'
  echo 'geo $realip_remote_addr $from_trusted_proxy {'
  echo '  default 0;'
  lines "$proxies" '  & 1;'
  echo '}'
  echo 'map $http_origin $cors_origin {'
  echo '  default "";'
  lines "$origins" '  "&" $http_origin;'
  echo '}'
} > "$folder/edge-http.conf"
{
  [ -z "$port" ] || lines "$(echo "${EDGE_LISTEN:-0.0.0.0}" | tr ' ' '\n')" "listen &:$port proxy_protocol backlog=4096;"
  [ -z "$origins" ] || echo 'include cors.conf;'
} > "$folder/edge-server.conf"

[ $# -eq 0 ] || exec "$@"
