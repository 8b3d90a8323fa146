#!/bin/sh
# A certificate with its key at /run/tls/site.pem makes the port speak TLS.
set -eu
[ -s /run/tls/site.pem ] && export BESTGUESS_TLS=on
exec haproxy -db -f /etc/bestguess/haproxy.cfg
