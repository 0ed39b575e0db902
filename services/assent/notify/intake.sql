-- name: listeners
select distinct principal from notification_targets where enabled

-- name: read_requests
select seq, requester, person, resource, operation, terms
from notification_requests
where partition = $1 and seq = any($2::bigint[])

-- name: add_requests
insert into notification_requests (partition, seq, requester, person, resource, operation, terms)
select $1::integer, new.seq, new.requester, new.person, new.resource, new.operation, new.terms::json
from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
  as new (seq, requester, person, resource, operation, terms)

-- name: remove_requests
delete from notification_requests where partition = $1 and seq = any($2::bigint[])

-- name: add_notifications
insert into notifications (partition, seq, at, request, event, facts, recipient, target)
select $1::integer, new.seq, new.at, new.request, new.event, new.facts::json, new.recipient, target.id
from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
  as new (seq, at, request, event, recipient, facts)
join notification_targets as target on target.principal = new.recipient
where target.enabled
  and (target.events is null or new.event = any(target.events))
  -- A target hears of nothing that was long past when it was made. The clocks of log and database differ.
  and new.at >= extract(epoch from target.created_at) * 1000 - $8::bigint
order by new.seq
on conflict (target, partition, seq, event) do nothing
