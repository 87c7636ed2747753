#!/bin/sh
# Removal (deb: "remove", rpm: 0) stops every instance, each with its checkpoint, and forgets which were
# enabled; an upgrade does not. Databases, backups and logs are never touched.
set -e
case "$1" in remove | 0) ;; *) exit 0 ;; esac
if [ -d /run/systemd/system ]; then
	systemctl stop 'officer@*.service' || true
fi
find /etc/systemd/system -type l -name 'officer@*.service' -lname '*/officer@.service' -delete 2>/dev/null || true
exit 0
