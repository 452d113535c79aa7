# The service as an image: docs/hosting.md has the commands, and says what of this is tested.
ARG NODE=24-bookworm-slim

FROM node:${NODE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:${NODE}
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
# Optional packages, for clusters: the versions of the lock file.
COPY --from=build /build/node_modules/@nats-io node_modules/@nats-io
COPY --from=build /build/node_modules/tweetnacl node_modules/tweetnacl
COPY --from=build /build/dist dist
COPY web web
# Files belong to root: the service cannot change itself.
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1))"]
CMD ["node", "dist/service.js"]
