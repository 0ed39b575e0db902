#!/bin/sh
# Puts the agreed sshd settings in a drop-in, checks them, and reloads only if they are good.
set -eu

dropin=/etc/ssh/sshd_config.d/50-hardening.conf
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT

cat >"$fresh" <<'CONF'
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxAuthTries 3
ClientAliveInterval 300
ClientAliveCountMax 2
AllowAgentForwarding no
X11Forwarding no
CONF

if cmp -s "$fresh" "$dropin"; then
    echo "sshd: nothing to do"
    exit 0
fi

before=$(mktemp)
[ ! -f "$dropin" ] || cp "$dropin" "$before"
install -m 0600 "$fresh" "$dropin"
if sshd -t; then
    systemctl reload ssh.service 2>/dev/null || systemctl reload sshd.service
    echo "sshd: settings changed and loaded"
else
    if [ -s "$before" ]; then install -m 0600 "$before" "$dropin"; else rm -f "$dropin"; fi
    echo "sshd: the new settings are not valid; the old ones are back" >&2
    exit 1
fi
