#!/bin/sh
# Makes up every secret of an installation and prints it for kubectl, once:
#   sh infra/kubernetes/secrets.sh | kubectl create -f -
# `create` refuses what is there already, so that running it again changes nothing. Nothing is kept on this side.
set -eu

#each name of the lists (written by npm run kubernetes)
databases='user inventory reservation order payment gateway'
valkey_users='user inventory reservation order payment auditor'
rabbitmq_users='user inventory reservation order payment auditor operator'
#end

secret() {
  openssl rand -hex 32 # characters that need no escaping in a URL
}

# A Secret with a user and a password, by its name; what else belongs to its metadata comes last.
account() {
  cat <<YAML
---
apiVersion: v1
kind: Secret
type: kubernetes.io/basic-auth
metadata:
  name: $1
  namespace: flash-sale
YAML
  [ $# -lt 3 ] || echo "$3"
  cat <<YAML
stringData:
  username: $2
  password: $(secret)
YAML
}

# Of a role, which CloudNativePG takes over whenever it changes.
role() {
  account "postgres-$(echo "$1" | tr _ -)" "$1" "  labels: { cnpg.io/reload: 'true' }"
}

for database in $databases; do
  role "fs_$database"
  role "fs_${database}_owner"
done
role fs_auditor

# The users of RabbitMQ, whom the Job set-up-broker makes; only the async stack has it.
for user in $rabbitmq_users; do
  account "broker-$user" "$user"
done

cat <<YAML
---
apiVersion: v1
kind: Secret
metadata:
  name: valkey
  namespace: flash-sale
stringData:
YAML
for user in default $valkey_users; do
  echo "  $user: $(secret)"
done

cat <<YAML
---
apiVersion: v1
kind: Secret
metadata:
  name: flash-sale
  namespace: flash-sale
stringData:
  JWT_SECRET: $(secret)
  INTERNAL_TOKEN: $(secret)
  ORDER_ID_SECRET: $(secret)
---
# Only the user service gets it; see services/user/README.md, TOKEN_SIGNING.
apiVersion: v1
kind: Secret
metadata:
  name: token-keys
  namespace: flash-sale
stringData:
  TOKEN_KEYS: $(secret)
YAML
