#!/bin/sh
# Loads the baseline rule set in one transaction: nft applies all of it or nothing.
set -eu

nft -c -f - <<'RULES' && nft -f - <<'APPLY'
table inet baseline {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        tcp dport 22 accept
        icmp type echo-request limit rate 5/second accept
    }
}
RULES
table inet baseline
delete table inet baseline
table inet baseline {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        tcp dport 22 accept
        icmp type echo-request limit rate 5/second accept
    }
}
APPLY
