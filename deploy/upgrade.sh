#!/bin/sh
# Replaces each replica of the API, one by one, then the workers, by ones of the image that is there now. No request
# fails: a new replica is ready before an old one is told to stop. Run it beside docker-compose.yml.
set -eu
if docker compose version >/dev/null 2>&1; then compose='docker compose'; else compose=docker-compose; fi
old=$($compose ps -q api)
replicas=$(echo "$old" | wc -l)
workers=$($compose ps -q worker | wc -l)

for id in $old; do
	$compose up -d --no-deps --no-recreate --scale api=$((replicas + 1)) api
	for each in $($compose ps -q api); do
		until docker exec "$each" python -m app.health http://127.0.0.1:8000/readyz; do sleep 1; done
	done
	sleep 5 # the proxy finds a name within two seconds, and asks every second
	docker stop -t 20 "$id"
	docker rm "$id"
done
$compose up -d --no-deps --force-recreate --scale worker="$workers" worker
