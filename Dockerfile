# One image for the API and for workers. It builds with BuildKit and with Docker's classic builder:
#   docker build -t bestguess:cpu .
#   docker build -t bestguess:gpu --build-arg FLAVOUR=gpu .
# PYTHON_IMAGE: a Debian with Python 3.11 to 3.13; docs/operations.md says which, where there is no container registry.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

# The environment is made of the lock file alone, so that a change of code does not install it again. What is never used
# at run time goes in the same step, before it is a layer; what builds packages moves to /opt/build.
FROM ${PYTHON_IMAGE} AS environment
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
    sh /lock/slim.sh /opt/bestguess /opt/build
# What the classic builder leaves behind can be told by it: docker image prune --filter label=com.bestguess.stage=build
LABEL com.bestguess.stage="build"

FROM environment AS package
COPY . /source
RUN PYTHONPATH=/opt/build /opt/bestguess/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation --no-cache-dir --prefix /opt/package /source

# What is large comes last: Docker's classic builder may copy all that is there for each further step.
FROM ${PYTHON_IMAGE}
ARG FLAVOUR=cpu
# The official image has no init; whatever has one keeps it. The user has a name, for Celery asks for it.
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
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Best Guess" \
      org.opencontainers.image.description="What is this picture of? VGG16's ten best guesses, and networks of your own." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      com.bestguess.flavour="${FLAVOUR}"
# KERAS_HOME and HOME: the root file system may be read-only, and the user has no home.
ENV PATH=/opt/bestguess/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    KERAS_HOME=/tmp/keras \
    BESTGUESS_HOST=0.0.0.0 \
    BESTGUESS_DATA_DIR=/data
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /data
EXPOSE 8000
# SIGTERM: the API answers what it has, a worker gives its job back.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD ["python", "-m", "app.health"]
ENTRYPOINT ["tini", "--", "bestguess"]
CMD ["up"]
COPY --from=environment /opt/bestguess /opt/bestguess
COPY --from=package /opt/package /opt/bestguess
