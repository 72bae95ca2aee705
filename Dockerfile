# One file for everything that runs in containers, from a clone of the repository and nothing else:
#   docker build --build-arg SERVICE=user --target service .    one service; SERVICE is a folder of services/
#   docker build --build-arg SERVICE=infra --target tools .     setting up the databases, the audit, dead letters
#   docker build --build-arg STACK=sync --target nginx .        the balancer, as renderNginxConfig writes it
# The compose files build all of them: docker compose -f docker-compose.async.yml build

# Node 24 runs the TypeScript as it is: nothing is compiled, and this stage only fetches packages.
FROM node:24.21.0-trixie-slim AS packages
ARG SERVICE
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
COPY contract/package.json contract/
COPY shared/package.json shared/
COPY services/inventory/package.json services/inventory/
COPY services/order/package.json services/order/
COPY services/payment/package.json services/payment/
COPY services/reservation/package.json services/reservation/
COPY services/user/package.json services/user/
COPY infra/package.json infra/
COPY load-tests/package.json load-tests/
# What this workspace, `shared` and `contract` need to run. The root's own dependency is Node itself, which comes from the image.
# Nothing of .npmrc goes on from here: a token for a registry of one's own would stand in it.
RUN npm ci --omit=dev --no-audit --no-fund \
      --workspace=@flash-sale/$SERVICE --workspace=@flash-sale/shared --workspace=@flash-sale/contract --include-workspace-root=false \
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

# The last one, so that it is what `docker build` makes without --target.
FROM runtime AS service
ARG SERVICE
WORKDIR /app/services/$SERVICE
COPY services/$SERVICE .
ENV HOST=0.0.0.0 PORT=3000
EXPOSE 3000
# Readiness, since that is what start order and `up --wait` ask for.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# It passes SIGTERM on to Node, which drains, and kills a Node that does not run.
COPY infra/docker/run-watched /usr/local/bin/
ENTRYPOINT ["run-watched", "node", "src/main.ts"]
