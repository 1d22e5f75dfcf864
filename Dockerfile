# The platform's own image, for docker-compose.yml; `make run` needs no Docker.
FROM node:22.21.1-bookworm-slim AS bundles
WORKDIR /bioccia
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY frontend frontend
RUN npm run build

FROM python:3.11.14-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BIOCCIA_VAR=/var/lib/bioccia PATH=/opt/venv/bin:$PATH
RUN apt-get update \
 && apt-get install -y --no-install-recommends libexpat1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /var/lib/bioccia bioccia
WORKDIR /bioccia
COPY requirements-tools.lock requirements.lock ./
RUN python -m venv /opt/venv \
 && pip install --no-cache-dir --require-hashes --no-deps -r requirements-tools.lock \
 && VIRTUAL_ENV=/opt/venv uv pip install --no-cache --compile-bytecode --require-hashes -r requirements.lock
COPY . .
COPY --from=bundles /bioccia/static/bundle static/bundle
RUN for domain in $(cd locale && find . -name '*.po' -printf '%f\n' | sed 's/\.po$//' | sort -u); do \
      pybabel --quiet compile -d locale -D "$domain"; done \
 && chown -R bioccia /var/lib/bioccia
USER bioccia
EXPOSE 8000
CMD ["gunicorn", "bioccia.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--no-control-socket"]
