-- name: add
insert into upstream_commands (source, event, request, purpose, resource, partition, value, sha256)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: under_way
select exists (
  select from upstream_commands where request = $1 and purpose = $2 and status = 'waiting'
)

-- name: due
with due as (
  select id from upstream_commands
  where status = 'waiting' and next_try_at <= now()
  order by id
  limit $1
  for update skip locked
)
update upstream_commands as command
set next_try_at = now() + make_interval(secs => $2), attempts = attempts + 1
from due
where command.id = due.id
returning command.id, command.source, command.resource, command.partition, command.value

-- name: placed
update upstream_commands set sent_offset = $2 where id = $1 and status = 'waiting'

-- name: retry
update upstream_commands set next_try_at = now() + make_interval(secs => $2) where id = $1 and status = 'waiting'

-- name: by_hash
select id, source, event, request, purpose, sha256, sent_offset
from upstream_commands
where status = 'waiting' and partition = $1 and (sha256 = any($2::text[]) or sent_offset = any($3::bigint[]))
order by id

-- name: decided
update upstream_commands set status = 'decided', code = $2 where id = $1

-- name: again_at
update upstream_commands
set next_try_at = greatest(now(), to_timestamp($2::bigint / 1000.0)), sent_offset = null
where id = $1
