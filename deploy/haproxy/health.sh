#!/bin/bash
# Whether the proxy answers; its image has bash and no curl.
exec 3<>/dev/tcp/127.0.0.1/8404 || exit 1
printf 'GET /alive HTTP/1.0\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 200 ]
