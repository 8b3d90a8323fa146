# One image for the API and for workers. It builds with BuildKit and with Docker's classic builder:
#   docker build -t bestguess:cpu .
#   docker build -t bestguess:gpu --build-arg FLAVOUR=gpu .
# PYTHON_IMAGE: a Debian with Python 3.11 to 3.13; docs/operations.md says which, where there is no container registry.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

# Builds our package with the build tools that the lock file pins. The virtual environment has the path of the one in the
# image, because the installed commands name it.
FROM ${PYTHON_IMAGE} AS package
COPY requirements.lock deploy/image/build-tools.awk /lock/
RUN set -eu; \
    python3 -m venv /opt/bestguess; \
    awk -f /lock/build-tools.awk /lock/requirements.lock >/lock/build-tools.lock; \
    /opt/bestguess/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --require-hashes \
        -r /lock/build-tools.lock
COPY . /source
RUN /opt/bestguess/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --no-build-isolation \
    --prefix /opt/package /source
# Finds what the classic builder leaves behind: docker image prune --filter label=com.bestguess.stage=build
LABEL com.bestguess.stage="build"

FROM ${PYTHON_IMAGE}
# The official image has no init; an image that has one keeps it. The user has a name, because Celery looks it up.
RUN set -eu; \
    if ! command -v tini >/dev/null; then \
        apt-get update -qq; \
        apt-get install -y -qq --no-install-recommends tini >/dev/null; \
        rm -rf /var/lib/apt/lists/*; \
    fi; \
    echo 'bestguess:x:10001:' >>/etc/group; \
    echo 'bestguess:x:10001:10001::/tmp:/usr/sbin/nologin' >>/etc/passwd; \
    mkdir -p /data/datasets /data/models /data/weights /data/redis /run/bestguess; \
    chown -R 10001:10001 /data /run/bestguess
# KERAS_HOME and HOME: the root file system may be read-only, and the user has no home.
ENV PATH=/opt/bestguess/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    KERAS_HOME=/tmp/keras \
    BESTGUESS_HOST=0.0.0.0 \
    BESTGUESS_DATA_DIR=/data
WORKDIR /data
EXPOSE 8000
# SIGTERM: the API answers what it has, a worker gives its job back.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["python", "-m", "app.health"]
ENTRYPOINT ["tini", "--", "bestguess"]
CMD ["up"]
# The environment is installed from the lock file alone, so that a change of code does not install it again, and in the
# image itself, so that 1.3 GB are not copied from stage to stage. What is never used at run time is removed in the same
# step. The steps after this one are few: the classic builder compares the whole file system after each.
ARG FLAVOUR=cpu
COPY requirements.lock requirements-gpu.lock deploy/image/slim.sh /lock/
RUN set -eu; \
    case "$FLAVOUR" in \
        cpu) lock=requirements.lock ;; \
        gpu) lock=requirements-gpu.lock ;; \
        *) echo "FLAVOUR=$FLAVOUR: cpu or gpu" >&2; exit 1 ;; \
    esac; \
    python3 -m venv /opt/bestguess; \
    /opt/bestguess/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes -r "/lock/$lock"; \
    sh /lock/slim.sh /opt/bestguess
COPY --from=package /opt/package /opt/bestguess
ARG VERSION=0.1.0 REVISION=unknown
LABEL org.opencontainers.image.title="Best Guess" \
      org.opencontainers.image.description="What is this picture of? VGG16's ten best guesses, and networks of your own." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      com.bestguess.flavour="${FLAVOUR}"
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
