-- name: claim
with busy as (
  select principal, count(*) as targets
  from notification_targets
  where leased_until > now()
  group by principal
),
due as (
  select
    target.id,
    coalesce(busy.targets, 0)
      + row_number() over (partition by target.principal order by target.leased_until) as of_principal
  from notification_targets as target
  left join busy using (principal)
  where target.enabled
    and target.leased_until <= now()
    and target.paused_until <= now()
    and exists (
      select from notifications as due
      where due.target = target.id and due.status in ('waiting', 'sending') and due.next_try_at <= now()
    )
),
free as (
  select target.id, target.kind, target.url, target.secret, target.failures
  from notification_targets as target
  -- One principal's targets, even if all are slow, must not hold up those of others.
  where target.id in (select due.id from due where due.of_principal <= $4::bigint)
    -- Checked again on the locked row: another process may have had it in the meantime.
    and target.enabled
    and target.leased_until <= now()
    and target.paused_until <= now()
  -- The target that has waited longest since its last message first, so that a busy target starves no other.
  order by target.leased_until
  limit $1
  for update skip locked
),
leased as (
  update notification_targets
  set lease = $2, leased_until = now() + make_interval(secs => $3)
  from free
  where notification_targets.id = free.id
  returning free.*
),
chosen as (
  select oldest.id as notification, leased.*
  from leased
  cross join lateral (
    select due.id
    from notifications as due
    where due.target = leased.id and due.status in ('waiting', 'sending') and due.next_try_at <= now()
    order by due.id
    limit 1
  ) as oldest
)
update notifications
-- 'sending' under an expired lease: the process that sent it died before it recorded the outcome.
set status = 'sending', attempts = attempts + 1
from chosen
where notifications.id = chosen.notification and notifications.status in ('waiting', 'sending')
returning
  notifications.id, attempts, partition, seq, at, request, event, recipient, facts,
  target, kind, url, secret, failures

-- name: sent
update notifications
set status = 'sent', ended_at = now(), last_error = null
where id = $1 and status <> 'sent'

-- name: failed
update notifications
set
  status = case when $3::boolean then 'dead' else 'waiting' end,
  ended_at = case when $3::boolean then now() end,
  next_try_at = now() + make_interval(secs => $4),
  last_error = $5
where id = $1 and status = 'sending' and attempts = $2

-- name: given_back
update notifications
set status = 'waiting', attempts = attempts - 1, next_try_at = now()
where id = $1 and status = 'sending' and attempts = $2

-- name: release
update notification_targets
-- clock_timestamp: a claim that began before this moment still sees the target as leased.
set lease = null, leased_until = clock_timestamp(), failures = $3,
  paused_until = clock_timestamp() + make_interval(secs => $4)
where id = $1 and lease = $2

-- name: give_up_old
update notifications
set status = 'dead', ended_at = now(), last_error = coalesce(last_error, 'It was not sent in time.')
where status = 'waiting' and waits_since < now() - make_interval(secs => $1)

-- name: forget
delete from notifications
where (status = 'sent' and ended_at < now() - make_interval(secs => $1))
  or (status = 'dead' and ended_at < now() - make_interval(secs => $2))

-- name: measure
select
  (select count(*) from notifications where status = 'dead') as dead,
  -- A message for a paused target is not late.
  (
    select coalesce(extract(epoch from now() - min(due.next_try_at)), 0)::float8
    from notifications as due
    join notification_targets as target on target.id = due.target
    where due.status in ('waiting', 'sending')
      and due.next_try_at <= now()
      and target.enabled
      and target.paused_until <= now()
  ) as lag_s
