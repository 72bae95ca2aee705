# One file for everything that runs in containers, from a clone of the repository and nothing else:
#   docker build --build-arg SERVICE=user --target service .    one service; SERVICE is a folder of services/
#   docker build --target services .                            all of them in one process
#   docker build --build-arg SERVICE=infra --target tools .     setting up the databases, the audit, dead letters
#   docker build --build-arg STACK=sync --target nginx .        the balancer, as renderNginxConfig writes it
# The compose files build all of them: docker compose -f docker-compose.async.yml build

# What npm needs to know of the services, whichever there are. The packages are fetched anew only when that changes.
FROM debian:13.8-slim AS manifests
COPY services services
RUN find services -type f ! -name package.json -delete && find services -mindepth 2 -type d -empty -delete

# Node 24 runs the TypeScript as it is: nothing is compiled, and this stage only fetches packages.
FROM node:24.21.0-trixie-slim AS packages
ARG SERVICE
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
COPY contract/package.json contract/
COPY shared/package.json shared/
COPY --from=manifests services services
COPY infra/package.json infra/
COPY load-tests/package.json load-tests/
# What this workspace, or each in services/ where none is named, and `shared` and `contract` need to run. The root's own
# dependency is Node itself, which comes from the image.
# Nothing of .npmrc goes on from here: a token for a registry of one's own would stand in it.
RUN npm ci --omit=dev --no-audit --no-fund \
      --workspace=${SERVICE:+@flash-sale/}${SERVICE:-services} --workspace=shared --workspace=contract \
      --include-workspace-root=false \
 && rm .npmrc \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

# Not the Node image again: with npm, yarn and their packages it alone comes close to the 250 MB that a service may have.
FROM debian:13.8-slim AS runtime
COPY --from=packages /usr/local/bin/node /usr/local/bin/node
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin flash-sale
WORKDIR /app
# The workspaces stay outside node_modules (links lead to them), where Node strips no types.
COPY --from=packages /app ./
COPY contract/src contract/src
COPY shared/src shared/src
ENV NODE_ENV=production NODE_OPTIONS=--disable-warning=ExperimentalWarning
USER 10001

FROM runtime AS tools
COPY infra infra
COPY services services
ENTRYPOINT ["node"]

FROM tools AS nginx-config
ARG STACK
COPY nginx nginx
RUN ["sh", "-c", "node infra/docker/nginx-config.ts $STACK > /tmp/nginx.conf"]

FROM nginx:1.30.4 AS nginx
COPY --from=nginx-config /tmp/nginx.conf /etc/nginx/
COPY nginx/problems.conf nginx/cors.conf nginx/edge.sh /etc/nginx/
USER nginx
EXPOSE 8080
# Without the image's own options, which the configuration has already.
CMD ["sh", "/etc/nginx/edge.sh", "/tmp", "nginx"]

FROM runtime AS watched
ENV HOST=0.0.0.0
# Readiness, since that is what start order and `up --wait` ask for.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["is-ready"]
# It passes SIGTERM on to Node, which drains, and kills a Node that does not run.
COPY infra/docker/run-watched infra/docker/is-ready /usr/local/bin/

FROM watched AS services
WORKDIR /app/services
COPY services .
# Each service's port is told it: USER__PORT, and so on.
ENTRYPOINT ["run-watched", "node", "main.ts"]

# The last one, so that it is what `docker build` makes without --target.
FROM watched AS service
ARG SERVICE
WORKDIR /app/services/$SERVICE
COPY services/$SERVICE .
ENV PORT=3000
EXPOSE 3000
ENTRYPOINT ["run-watched", "node", "src/main.ts"]
