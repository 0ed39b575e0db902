#!/bin/sh
# Compresses application logs older than a day and removes those older than 30 days.
set -eu

root=${LOG_ROOT:-/var/log/apps}
[ -d "$root" ] || { echo "no such folder: $root" >&2; exit 1; }

find "$root" -type f -name '*.log' -mtime +0 -exec gzip -9 -- {} +
find "$root" -type f -name '*.log.gz' -mtime +30 -print -delete | sed 's/^/removed /'
df -h "$root" | tail -n 1
