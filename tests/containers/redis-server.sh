#!/bin/sh
# Debian's Redis has an allocator that libfaketime does not start with; the Valkey that a Python package carries has not.
LD_PRELOAD=/faketime/libfaketimeMT.so.1 exec /valkey-server "$@"
