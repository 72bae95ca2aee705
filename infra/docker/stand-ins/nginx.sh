#!/bin/sh
# Fills in the templates, as the image's own scripts do when these variables are set.
set -eu
if [ -n "${NGINX_ENTRYPOINT_LOCAL_RESOLVERS:-}" ]; then
  NGINX_LOCAL_RESOLVERS=$(awk '$1 == "nameserver" { print $2 }' /etc/resolv.conf | tr '\n' ' ')
  export NGINX_LOCAL_RESOLVERS
fi
for template in /etc/nginx/templates/*.template; do
  [ -e "$template" ] || continue
  # shellcheck disable=SC2016 # the name is what is meant
  envsubst '${NGINX_LOCAL_RESOLVERS}' < "$template" > "$NGINX_ENVSUBST_OUTPUT_DIR/$(basename "$template" .template)"
done
exec "$@"
