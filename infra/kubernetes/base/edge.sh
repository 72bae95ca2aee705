# Written by `npm run kubernetes` from nginx/. Do not edit.
#!/bin/sh
# Writes what nginx.conf includes of the settings below, and runs the command that follows: edge.sh FOLDER [COMMAND…]
#   EDGE_TRUSTED_PROXIES      addresses and CIDRs, separated by commas: whose word on the client is believed
#   EDGE_CORS_ORIGINS         origins, separated by commas, whose pages may use the API
#   EDGE_PROXY_PROTOCOL_PORT  a further port, at which the PROXY protocol is spoken
#   EDGE_LISTEN               at which addresses that port is, separated by blanks; all of IPv4 unless given
#   EDGE_TAKEN_PORTS          ports at which nginx listens anyway, separated by blanks; those of the containers unless given
# All else is empty unless given. In shell, because the image of nginx has nothing else; `npm start` runs it as well. Exit code
# 78: a setting is not usable, and one line says which.
set -euf

folder=$1
shift

# entries NAME PATTERN WHAT: those of a list in small letters, one a line, each once; each is written as it is, so it has to fit
# the pattern as a whole
entries() {
  eval "list=\${$1:-}"
  list=$(printf '%s' "$list" | tr ', \t' '\n\n\n' | tr 'A-Z' 'a-z' | grep . || true)
  wrong=$(printf '%s\n' "$list" | grep -Evx "($2)?" || true)
  [ -z "$wrong" ] || refuse "$1: \"$(printf '%s' "$wrong" | head -n 1)\" is not $3"
  printf '%s\n' "$list" | sort -u
}
refuse() {
  echo "$1" >&2
  exit 78
}
# lines TEXT FORMAT: each line of the text within the format; none for no text
lines() { printf '%s\n' "$1" | sed -n "s|..*|$2|p"; }

octet='(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
ipv4="$octet(\\.$octet){3}(/(3[0-2]|[12]?[0-9]))?"
# Eight groups; or fewer, with :: for those that are left out: so many before it, and so many behind at most.
h='[0-9a-f]{1,4}'
address6="($h:){7}$h|($h:){1,7}:|:(:$h){1,7}|::"
for before in 1 2 3 4 5 6; do
  address6="$address6|($h:){$before}(:$h){1,$((7 - before))}"
done
ipv6="($address6)(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?"
number='[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]'
proxies=$(entries EDGE_TRUSTED_PROXIES "$ipv4|$ipv6" 'an address or CIDR')
# What is longer than any name, nginx would not find room for.
origins=$(entries EDGE_CORS_ORIGINS "[a-z][a-z0-9+.-]{0,15}://([a-z0-9._-]{1,253}|\\[($address6)\\])(:($number))?" \
  'an origin, such as https://shop.example')
# A browser leaves the usual port out.
origins=$(printf '%s\n' "$origins" | sed -e 's|^\(https://.*\):443$|\1|' -e 's|^\(http://.*\):80$|\1|' | sort -u)
port=$(entries EDGE_PROXY_PROTOCOL_PORT "$number" 'a port')
[ "$(printf '%s\n' "$port" | wc -l)" -le 1 ] || refuse "EDGE_PROXY_PROTOCOL_PORT: \"$(echo "$port" | tr '\n' ' ')\" is not one port"
for taken in ${EDGE_TAKEN_PORTS:-8080 8081}; do
  [ "$port" != "$taken" ] || refuse "EDGE_PROXY_PROTOCOL_PORT: \"$port\" is not a further port, for the shop listens there"
done

# shellcheck disable=SC2016 # nginx's variables, not the shell's
{
  lines "$proxies" 'set_real_ip_from &;'
  echo 'geo $realip_remote_addr $from_trusted_proxy {'
  echo '  default 0;'
  lines "$proxies" '  & 1;'
  echo '}'
  echo 'map $server_port $speaks_proxy_protocol {'
  echo '  default 0;'
  lines "$port" '  & 1;'
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
