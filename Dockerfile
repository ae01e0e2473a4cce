# One image for everything of viewcast: the server by default; docker-compose.yml runs stream-ingest,
# sql:apply and the SQL shell from it. Node runs the TypeScript sources as they are.

FROM node:22.23.3-bookworm-slim AS base
WORKDIR /viewcast
COPY package.json package-lock.json ./

# The page.
FROM base AS page
RUN npm ci --omit=dev --no-audit --no-fund
COPY tsconfig.json ./
COPY protocol protocol
COPY client client
COPY web web
RUN npx vite build web

# What runs. Node is the image's own, so the packages that bring one are left out (they are optional),
# and with them Vite's compiler; of uWebSockets.js only this platform's binary is kept.
FROM base AS packages
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund \
  && rm -rf node_modules/vite node_modules/rolldown node_modules/lightningcss \
  && keep="$(node -p "['uws', process.platform, process.arch, process.versions.modules].join('_')").node" \
  && find node_modules/uWebSockets.js/dist/bin -name '*.node' ! -name "$keep" -delete

FROM base
ENV NODE_ENV=production
COPY --from=packages /viewcast/node_modules node_modules
COPY . .
COPY --from=page /viewcast/web/dist web/dist
RUN mkdir data && chown 1000:1000 data
# The image's user `node`.
USER 1000:1000
EXPOSE 8875
CMD ["node", "server/main.ts"]
