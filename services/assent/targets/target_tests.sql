-- name: lock
select pg_advisory_xact_lock(hashtextextended('assent.notification-targets/' || $1, 0))

-- name: is_enabled
select enabled from notification_targets where principal = $1 and id = $2

-- name: under_way
select test.target, (extract(epoch from asked_at) * 1000)::bigint as asked_at, test.status, test.why
from notification_tests as test
where test.target = $1 and test.status in ('waiting', 'sending')
order by test.id desc
limit 1

-- name: recent
select count(*)
from notification_tests as test
join notification_targets as target on target.id = test.target
where target.principal = $1 and test.asked_at > now() - make_interval(secs => $2)

-- name: ask
insert into notification_tests (target)
values ($1)
returning target, (extract(epoch from asked_at) * 1000)::bigint as asked_at, status, why

-- name: latest
select distinct on (test.target)
  test.target, (extract(epoch from test.asked_at) * 1000)::bigint as asked_at, test.status, test.why
from notification_tests as test
join notification_targets as target on target.id = test.target
where target.principal = $1
order by test.target, test.id desc
