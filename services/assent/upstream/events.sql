-- name: receive
insert into upstream_events (source, event, content_sha256, document, secret)
values ($1, $2, $3, $4, $5)
on conflict do nothing
returning id

-- name: receive_many
insert into upstream_events (source, event, document)
select $1, new.event, new.document
from unnest($2::text[], $3::bytea[]) as new (event, document)
on conflict do nothing

-- name: refuse
insert into upstream_events (source, event, status, code, reason, document, ended_at)
values ($1, $2, 'dead', $3, $4, $5, now())
on conflict do nothing

-- name: trim
-- What nobody is known to have sent is bounded: the oldest go.
delete from upstream_events
where status = 'dead' and document is null and source = $1 and code = any('{signature,size}'::text[])
  and id <= (
    select id from upstream_events
    where status = 'dead' and document is null and source = $1 and code = any('{signature,size}'::text[])
    order by id desc
    offset $2 limit 1
  )

-- name: take
select id, source, event, document, secret, resends, attempts
from upstream_events
where status = 'waiting' and next_try_at <= now()
order by id
limit 1
for update skip locked

-- name: later
update upstream_events
set attempts = attempts + 1, next_try_at = now() + make_interval(secs => $2)
where id = $1

-- name: replace_document
update upstream_events set document = $2 where id = $1

-- name: sent
update upstream_events set status = 'sent', code = null, reason = null where id = $1

-- name: submitted
update upstream_events
set status = 'submitted', request = $2, code = null, reason = null, ended_at = now()
where id = $1

-- name: skipped
update upstream_events set status = 'skipped', reason = $2, secret = null, ended_at = now() where id = $1

-- name: dead
update upstream_events set status = 'dead', code = $2, reason = $3, ended_at = now() where id = $1

-- name: ask_again
update upstream_events
set status = 'waiting', resends = resends + 1, request = null, ended_at = null, next_try_at = now(), attempts = 0
where id = $1

-- name: list_dead
select id, source, event, received_at, ended_at, resends, code, reason, document is not null as can_resend,
  length(document) as bytes
from upstream_events
where status = 'dead'
  and ($1::text is null or source = $1)
  and ($2::bigint is null or id < $2)
order by id desc
limit $3

-- name: resend
update upstream_events
set status = 'waiting', resends = resends + 1, ended_at = null, next_try_at = now(), attempts = 0
where status = 'dead' and document is not null
  and id in (
    select id from upstream_events
    where status = 'dead' and document is not null
      and ($1::bigint is null or id = $1)
      and ($2::text is null or source = $2)
    order by id
    limit $3
  )
returning id

-- name: forget
-- The ids stay, so that nothing is received twice.
update upstream_events
set document = null, secret = null
where id in (
  select id from upstream_events
  where document is not null and ended_at < now() - make_interval(secs => $1)
  order by ended_at
  limit 1000
)

-- name: forget_commands
delete from upstream_commands
where id in (
  select command.id
  from upstream_commands as command
  join upstream_events as event on event.id = command.event
  where command.status = 'decided' and event.document is null
  limit 1000
)

-- name: count_dead
select count(*) from upstream_events where status = 'dead'

-- name: position
select position from upstream_positions where source = $1 and place = $2

-- name: advance
insert into upstream_positions (source, place, position) values ($1, $2, $3)
on conflict (source, place) do update set position = excluded.position

-- name: ended
select id, event, status, request, code, reason
from upstream_events
where source = $1 and event = any($2::text[]) and status in ('submitted', 'skipped', 'dead')

-- name: reset
update upstream_positions set position = $2 where source = $1
