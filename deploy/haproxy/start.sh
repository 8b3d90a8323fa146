#!/bin/sh
# A certificate with its key at /run/tls/site.pem makes the port speak TLS.
set -eu
[ -s /run/tls/site.pem ] && export BESTGUESS_TLS=on
# The API answers within its deadline, also to say that it has passed; whole seconds are enough here.
deadline=$(printf %.0f "${BESTGUESS_DEADLINE_SECONDS:-30}") # the API also takes 08 and 1e2
export BESTGUESS_PROXY_SECONDS=$((deadline + 30))
exec haproxy -db -f /etc/bestguess/haproxy.cfg
