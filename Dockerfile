# The tag is pinned; pin the digest, too, when you build: FROM python:3.12-slim-bookworm@sha256:…
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/issuewright
ENV PATH=/opt/issuewright/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/run.lock requirements/run.lock
RUN pip install --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md ./
COPY bot bot
RUN pip install --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm AS server
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home --shell /usr/sbin/nologin issuewright \
 && install -d -o issuewright -g issuewright -m 700 /data
COPY --from=build /opt/issuewright /opt/issuewright
ENV PATH=/opt/issuewright/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ISSUEWRIGHT_DATA_DIR=/data \
    ISSUEWRIGHT_HOST=0.0.0.0 \
    ISSUEWRIGHT_PORT=8080
USER issuewright
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['ISSUEWRIGHT_PORT'] + '/readyz', timeout=4)"]
ENTRYPOINT ["issuewright"]
CMD ["serve"]

# Fly hands a volume over as root's: this one gives it to the user first, and then is that user for good.
FROM server AS fly
USER root
ENTRYPOINT ["/bin/sh", "-c", "chown issuewright: /data && exec env HOME=/home/issuewright setpriv --reuid=issuewright --regid=issuewright --init-groups issuewright serve"]
CMD []

FROM server
