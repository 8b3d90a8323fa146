#!/bin/sh
# Replaces each replica of the API, one by one, then the workers, by ones of the image that is there now. No request
# fails: a new replica is ready before an old one is told to stop. Run it beside docker-compose.yml.
set -eu
if docker compose version >/dev/null 2>&1; then compose='docker compose'; else compose=docker-compose; fi
old=$($compose ps -q api)
replicas=$(echo "$old" | wc -l)
if [ -z "${COMPOSE_FILE:-}" ]; then # those that it was started with, such as docker-compose.gpu.yml
	files='{{index .Config.Labels "com.docker.compose.project.config_files"}}'
	COMPOSE_FILE=$(docker inspect --format "$files" $old | head -1)
	export COMPOSE_FILE COMPOSE_PATH_SEPARATOR=,
fi

ready() {
	tries=0
	until docker exec "$1" python -m app.health http://127.0.0.1:8000/readyz; do
		tries=$((tries + 1))
		if [ $tries -ge 600 ]; then
			echo "The new replica $1 does not get ready: docker logs $1. What ran before still runs." >&2
			exit 1
		fi
		sleep 1
	done
}

workers=$($compose ps -q worker | wc -l)

for id in $old; do
	$compose up -d --no-deps --no-recreate --scale api=$((replicas + 1)) api
	for each in $($compose ps -q api); do
		case "$old" in *"$each"*) ;; *) ready "$each" ;; esac
	done
	sleep 5 # the proxy finds a name within two seconds, and asks every second
	docker stop "$id" # within the grace period that Compose gave it
	docker rm "$id"
done
$compose up -d --no-deps --force-recreate --scale worker="$workers" worker
