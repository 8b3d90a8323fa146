#!/bin/sh
# The password comes over standard input: no environment and no list of processes shows it.
set -eu
password=$(cat /run/bestguess/redis-password)
exec redis-server /etc/bestguess/redis.conf - <<END
requirepass $password
END
