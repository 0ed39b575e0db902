-- name: begin
insert into positions (reader, ledger, partition, seq, value_sha256, governance, next_offset, era)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing

-- name: read
select seq, value_sha256, governance, next_offset
from positions
where reader = $1 and ledger = $2 and partition = $3

-- name: read_all
select ledger, partition, seq, value_sha256, governance, next_offset, era
from positions
where reader = $1

-- name: advance
update positions
set seq = $6, value_sha256 = $7, governance = $8, next_offset = $9, era = $10
where reader = $1 and ledger = $2 and partition = $3 and seq = $4 and value_sha256 = $5

-- name: take_identity
insert into log (identity) values ($1)
on conflict do nothing

-- name: read_identity
select identity from log
