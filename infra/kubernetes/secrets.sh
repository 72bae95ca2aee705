#!/bin/sh
# Makes up every secret of an installation and prints it for kubectl, once:
#   sh infra/kubernetes/secrets.sh | kubectl create -f -
# `create` refuses what is there already, so that running it again changes nothing. Nothing is kept on this side.
set -eu

secret() {
  openssl rand -hex 32 # characters that need no escaping in a URL
}

# The user and password of a role, which CloudNativePG takes over whenever they change.
role() {
  cat <<YAML
---
apiVersion: v1
kind: Secret
type: kubernetes.io/basic-auth
metadata:
  name: postgres-$(echo "$1" | tr _ -)
  namespace: flash-sale
  labels:
    cnpg.io/reload: 'true'
stringData:
  username: $1
  password: $(secret)
YAML
}

for database in user inventory reservation order payment gateway; do
  role "fs_$database"
  role "fs_${database}_owner"
done
role fs_auditor

cat <<YAML
---
apiVersion: v1
kind: Secret
metadata:
  name: valkey
  namespace: flash-sale
stringData:
  default: $(secret)
  user: $(secret)
  inventory: $(secret)
  reservation: $(secret)
  order: $(secret)
  payment: $(secret)
  auditor: $(secret)
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
