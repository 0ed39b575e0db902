-- name: lock
select pg_advisory_xact_lock(hashtextextended('assent.notification-targets/' || $1, 0))

-- name: is_full
select count(*) >= $2::bigint from notification_targets where principal = $1

-- name: add
insert into notification_targets (principal, kind, url, secret, events)
values ($1, $2, $3, $4, $5)
on conflict (principal, url) do nothing
returning id, principal, kind, url, events, enabled, created_at, failures, paused_until > now() as paused

-- name: list
select id, principal, kind, url, events, enabled, created_at, failures, paused_until > now() as paused
from notification_targets
where principal = $1
order by created_at, id

-- name: notified
select distinct principal
from notification_targets
where principal = any($1::text[]) and enabled and (events is null or $2 = any(events))

-- name: change
update notification_targets
set events = case when $3::boolean then $4 else events end, enabled = coalesce($5::boolean, enabled)
where principal = $1 and id = $2
returning id, principal, kind, url, events, enabled, created_at, failures, paused_until > now() as paused

-- name: remove
delete from notification_targets where principal = $1 and id = $2
