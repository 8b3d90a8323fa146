#!/bin/sh
# Makes Redis's password unless there is one: whole or not there, and for its owner only.
set -eu
umask 077
file=/run/bestguess/redis-password
[ -s "$file" ] && exit 0
head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$file.new"
mv "$file.new" "$file"
