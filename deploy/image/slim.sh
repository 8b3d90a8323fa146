#!/bin/sh
# Take out of an environment what the service never uses, each with its size in megabytes on Python 3.11:
#   slim.sh ENVIRONMENT
set -eu
packages=$(echo "$1"/lib/python3.*/site-packages)

rm -r "$packages/tensorflow/include"     # 287: C++ headers, for building operations
rm -r "$packages/clang"                  # 62: TensorFlow names libclang, and imports it never

# 27: the descriptions of 400 services; a bucket needs S3, and those that its keys may come from.
for service in "$packages"/botocore/data/*/; do
	case $(basename "$service") in
	s3 | sts | sso | sso-oidc) ;;
	*) rm -r "$service" ;;
	esac
done

# 30: what builds and installs packages.
for tool in pip hatchling editables pathspec pluggy trove_classifiers tomlkit; do
	rm -r "$packages/$tool" "$packages/$tool"-*.dist-info
done
rm -rf "$packages/libclang"-*.dist-info "$1"/bin/pip* "$1"/bin/hatchling
