-- name: list
-- Filters that are null are left out (see plan_cache_mode in pool.py).
select
  id, partition, seq, resource, resource_type, target, kind, version, request, by, detail, reporter, seen_at,
  reported_at, closed_by, closing_reason, closed_at
from findings
where
  ($1::text[] is null or split_part(resource, '/', 1) = any($1))
  and ($2::boolean is null or (closed_by is null and kind <> 'restored') = $2)
  and ($3::text is null or resource = $3)
  and ($4::bigint is null or (reported_at, partition, seq) < ($4, $5::integer, $6::bigint))
order by reported_at desc, partition desc, seq desc
limit $7

-- name: show
select
  id, partition, seq, resource, resource_type, target, kind, version, request, by, detail, reporter, seen_at,
  reported_at, closed_by, closing_reason, closed_at
from findings
where partition = $1 and seq = $2

-- name: count_open
select count(*) from (
  select 1 from findings
  where closed_by is null and kind <> 'restored' and ($1::text[] is null or split_part(resource, '/', 1) = any($1))
  limit $2
) as open
