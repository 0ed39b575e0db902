-- name: list
select
  letter.id, letter.request, letter.event, letter.recipient, letter.at, letter.attempts,
  letter.ended_at, letter.last_error, target.kind, target.url
from notifications as letter
join notification_targets as target on target.id = letter.target
where letter.status = 'dead'
  and ($1::text is null or letter.recipient = $1)
  and ($2::bigint is null or letter.id < $2)
order by letter.id desc
limit $3

-- name: unpause
update notification_targets
set paused_until = '-infinity'
where id = (select target from notifications where id = $1 and status = 'dead' and ($2::text is null or recipient = $2))

-- name: retry
update notifications
set status = 'waiting', attempts = 0, next_try_at = now(), waits_since = now(), ended_at = null
where id = $1 and status = 'dead' and ($2::text is null or recipient = $2)
