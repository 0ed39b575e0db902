-- name: newest
select max(seq) from audit where ledger = $1::text::ledger and partition = $2

-- name: at
select ledger_offset, value_sha256 from audit where ledger = $1::text::ledger and partition = $2 and seq = $3

-- name: governance
-- Refused commands changed nothing.
select seq, at, principal, resource, command, outcome, count(*) over () as count
from audit
where ledger = 'assent.governance' and partition = 0 and seq >= $1::bigint and outcome like 'assent.%'
order by seq
limit $2

-- name: requests
select request.id, request.resource, request.status, request.requester, count(*) over () as count
from requests as request
join unnest($1::integer[], $2::bigint[]) as lost (partition, seq) on request.partition = lost.partition
where request.last_seq >= lost.seq
order by request.partition, request.seq
limit $3
