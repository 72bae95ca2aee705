#!/bin/bash
# InfluxDB 1 with the user, the password and the database of the environment, and before it the nginx that translates.
set -eu
data=/var/lib/influxdb2
cat > /tmp/influxdb.conf <<END
reporting-disabled = true
bind-address = "127.0.0.1:8088"
[meta]
dir = "$data/meta"
[data]
dir = "$data/data"
wal-dir = "$data/wal"
query-log-enabled = false
[http]
bind-address = "127.0.0.1:8087"
auth-enabled = true
log-enabled = false
[logging]
level = "warn"
END
token=$DOCKER_INFLUXDB_INIT_ADMIN_TOKEN user=$DOCKER_INFLUXDB_INIT_USERNAME bucket=$DOCKER_INFLUXDB_INIT_BUCKET
sed -e 's/127.0.0.1:${API_PORT}/0.0.0.0:8086/' -e 's/${SERVER_PORT}/8087/' -e "s/\${AUTHORIZATION}/\"Token $token\"/" \
  -e "s#\${BASIC_AUTHORIZATION}#\"Basic $(printf '%s:%s' "$user" "$token" | base64 -w 0)\"#" -e 's#${DATA_DIR}#/tmp#' \
  -e 's/${MAIN_DIRECTIVES}/daemon off;/' /etc/influxdb-1.conf.template > /tmp/nginx.conf
influxd -config /tmp/influxdb.conf &
server=$!
until curl -fs http://127.0.0.1:8087/ping; do
  kill -0 "$server"
  sleep 0.2
done
query() { curl -fsS -o /dev/null "http://127.0.0.1:8087/query?u=$user&p=$token" --data-urlencode "q=$1"; }
query "CREATE USER $user WITH PASSWORD '$token' WITH ALL PRIVILEGES"
query "CREATE DATABASE $bucket WITH DURATION 7d SHARD DURATION 1d"
nginx -c /tmp/nginx.conf &
front=$!
trap 'kill "$front" "$server"' TERM INT
# Whichever ends first, the container ends with it.
wait -n
kill "$front" "$server" 2> /dev/null || true
wait
