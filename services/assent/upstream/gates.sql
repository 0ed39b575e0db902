-- name: find
select request, state, why, changed_at
from upstream_requests
where source = $1 and digest = $2 and state <> 'ended'
order by changed_at desc
limit 5
for update

-- name: add_request
insert into upstream_requests (request, source, digest, resource, submission, changed_at)
values ($1, $2, $3, $4, $5, $6)
on conflict do nothing

-- name: give_request
update upstream_waiters
set request = $3
where source = $1 and digest = $2 and request is null and status = 'waiting'

-- name: lock_requests
select request, source, digest, resource, submission, state, why, changed_at, claim
from upstream_requests
where request = any($1::text[])
order by request
for update

-- name: move
update upstream_requests set state = $2, why = $3, changed_at = $4, claim = coalesce($5, claim) where request = $1

-- name: note
update upstream_requests set why = $2 where request = $1 and state <> 'ended'

-- name: waiter
select id, status, request, event, digest
from upstream_waiters
where source = $1 and waiter = $2
for update

-- name: add_waiter
insert into upstream_waiters (source, waiter, event, digest, callback, secret, request)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (source, waiter) do update set
  event = excluded.event, digest = excluded.digest, callback = excluded.callback, secret = excluded.secret,
  request = excluded.request, status = 'waiting', since = now(), told_at = '-infinity'
returning id

-- name: waiters_of
-- The newest first: an older run of the same change may have been given up.
select id, source, event, request, callback::text
from upstream_waiters
where request = $1 and status = 'waiting'
order by since desc, id desc

-- name: lock_change
select pg_advisory_xact_lock(hashtextextended('assent.upstream ' || $1::text || ' ' || $2::text, 0))

-- name: changes_of_events
select source, digest, array_agg(event) as events
from upstream_waiters
where event = any($1::bigint[]) and status = 'waiting'
group by source, digest
order by source, digest

-- name: is_submitted
select exists (
  select
  from upstream_waiters as waiter
  join upstream_commands as command on command.event = waiter.event
  where waiter.source = $1 and waiter.digest = $2 and waiter.request is null and waiter.status = 'waiting'
    and command.purpose = 'submit' and command.status = 'waiting'
)

-- name: asking
-- Those of whose submission no decision is known.
select id, source, event, request, callback::text
from upstream_waiters
where source = $1 and digest = $2 and request is null and status = 'waiting'
order by id

-- name: settle
update upstream_waiters set status = $2 where id = $1 and status = 'waiting' returning id

-- name: detach
update upstream_waiters set request = null where id = $1

-- name: stuck
select request.request
from upstream_requests as request
where request.state in ('approved', 'released')
  and exists (select from upstream_waiters as waiter where waiter.request = request.request and waiter.status = 'waiting')
  and not exists (
    select from upstream_commands as command
    where command.request = request.request and command.status = 'waiting'
  )

-- name: to_tell
select waiter.id, waiter.request, request.why, request.state, extract(epoch from now() - waiter.since)::float8 as age_s
from upstream_waiters as waiter
left join upstream_requests as request on request.request = waiter.request
where waiter.source = $1 and waiter.status = 'waiting'
  and (waiter.told_at < now() - make_interval(secs => $2) or waiter.since < now() - make_interval(secs => $3))
order by waiter.id
limit 500
for update of waiter skip locked

-- name: told
update upstream_waiters set told_at = now() where id = $1

-- name: add_answer
insert into upstream_answers (waiter, state, message) values ($1, $2, $3)

-- name: due_answers
with due as (
  select answer.id
  from upstream_answers as answer
  where answer.status = 'waiting' and answer.next_try_at <= now()
  order by answer.id
  limit $1
  for update skip locked
)
update upstream_answers as answer
set next_try_at = now() + make_interval(secs => $2), attempts = answer.attempts + 1
from due, upstream_waiters as waiter
where answer.id = due.id and waiter.id = answer.waiter
returning answer.id, answer.waiter, answer.state, answer.message, answer.attempts, waiter.source, waiter.callback,
  waiter.secret, waiter.request, waiter.status as waiter_status

-- name: answered
update upstream_answers set status = $2, last_error = $3 where id = $1 and status = 'waiting' returning id

-- name: answer_later
update upstream_answers
set next_try_at = now() + make_interval(secs => $2), last_error = $3
where id = $1 and status = 'waiting'

-- name: withdraw_answers
update upstream_answers
set status = 'dead', last_error = 'The caller asks about another change.'
where waiter = $1 and status = 'waiting'
returning state

-- name: drop_secret
with waiter as (
  update upstream_waiters set secret = null where id = $1 returning event
)
update upstream_events set secret = null from waiter where upstream_events.id = waiter.event

-- name: dead_answers
select answer.id, waiter.source, waiter.request, answer.state, answer.attempts, answer.last_error
from upstream_answers as answer
join upstream_waiters as waiter on waiter.id = answer.waiter
where answer.status = 'dead' and ($1::text is null or waiter.source = $1)
order by answer.id desc
limit $2
