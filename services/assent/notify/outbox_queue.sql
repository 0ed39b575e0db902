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
    and target.gathers_until <= now()
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
    and target.gathers_until <= now()
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
sized as (
  select
    leased.*,
    case
      -- After a failure the oldest is sent alone: it may be what the target does not accept.
      when kind = 'webhook' or failures > 0 then 1
      when url ~ '^mailtos?:' then $5::bigint
      else $6::bigint
    end as most
  from leased
),
chosen as (
  select due.id as notification, due.place, sized.*
  from sized
  cross join lateral (
    select oldest.id, row_number() over (order by oldest.id) as place
    from notifications as oldest
    where oldest.target = sized.id and oldest.status in ('waiting', 'sending') and oldest.next_try_at <= now()
    order by oldest.id
    limit sized.most
  ) as due
)
update notifications
-- 'sending' under an expired lease: the process that sent it died before it recorded the outcome.
-- The attempt counts for the oldest only, because the others may not be the reason for a failure.
set status = 'sending', attempts = attempts + case when chosen.place = 1 then 1 else 0 end
from chosen
where notifications.id = chosen.notification and notifications.status in ('waiting', 'sending')
returning
  notifications.id, attempts, partition, seq, at, request, event, recipient, facts,
  target, kind, url, secret, failures, most

-- name: sent
update notifications
set status = 'sent', ended_at = now(), last_error = null
where id = any($1::bigint[]) and status <> 'sent'

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

-- name: went_along
update notifications set status = 'waiting' where id = any($1::bigint[]) and status = 'sending'

-- name: release
update notification_targets
-- clock_timestamp: a claim that began before this moment still sees the target as leased.
set lease = null, leased_until = clock_timestamp(), failures = $3,
  paused_until = clock_timestamp() + make_interval(secs => $4),
  gathers_until = clock_timestamp() + make_interval(secs => $5)
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
  -- A message for a paused target, or one that is gathered, is not late.
  (
    select coalesce(extract(epoch from now() - min(due.next_try_at)), 0)::float8
    from notifications as due
    join notification_targets as target on target.id = due.target
    where due.status in ('waiting', 'sending')
      and due.next_try_at <= now()
      and target.enabled
      and target.paused_until <= now()
      and target.gathers_until <= now()
  ) as lag_s

-- name: claim_test
with free as (
  select target.id, target.kind, target.url, target.secret, test.id as test
  from notification_tests as test
  join notification_targets as target on target.id = test.target
  where test.status in ('waiting', 'sending')
    and test.asked_at > now() - make_interval(secs => $3)
    and target.enabled
    -- Not paused_until: its owner wants to know whether it accepts messages again.
    and target.leased_until <= now()
  order by test.id
  limit 1
  for update of target skip locked
),
leased as (
  update notification_targets
  set lease = $1, leased_until = now() + make_interval(secs => $2)
  from free
  where notification_targets.id = free.id
  returning free.*
)
update notification_tests
set status = 'sending'
from leased
where notification_tests.id = leased.test and notification_tests.status in ('waiting', 'sending')
returning notification_tests.id, asked_at, target, kind, url, secret

-- name: tested
update notification_tests
set status = case when $2::text is null then 'sent' else 'failed' end, ended_at = now(), why = $2
where id = $1 and status = 'sending'

-- name: free
update notification_targets
set lease = null, leased_until = clock_timestamp()
where id = $1 and lease = $2

-- name: recovered
-- It accepts messages, so those for it need not wait any longer.
update notification_targets
set failures = 0, paused_until = '-infinity'
where id = $1 and lease = $2

-- name: give_up_tests
update notification_tests
set status = 'failed', ended_at = now(), why = 'It was not sent in time.'
where status in ('waiting', 'sending') and asked_at < now() - make_interval(secs => $1)

-- name: forget_tests
delete from notification_tests where asked_at < now() - make_interval(secs => $1)
