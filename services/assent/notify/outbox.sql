-- name: listeners
select distinct principal from notification_targets where enabled

-- name: read_requests
select
  seq, requester, person, resource, operation, terms, on_behalf_of, governance, submission, digest, justification,
  waits, progress, approvals, rejections, deadline, applier, claim, claimed_at, proposals, part_of
from notification_requests
where partition = $1 and seq = any($2::bigint[])

-- name: keep_requests
insert into notification_requests (
  partition,
  seq, requester, person, resource, operation, terms, on_behalf_of, governance, submission, digest, justification,
  waits, progress, approvals, rejections, deadline, applier, claim, claimed_at, proposals, part_of
)
select
  $1::integer,
  seq, requester, person, resource, operation, terms::json, on_behalf_of, governance, submission, digest, justification,
  waits, progress, approvals::jsonb, rejections::jsonb, deadline, applier, claim, claimed_at, proposals::jsonb, part_of
from unnest(
  $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[],
  $11::text[], $12::text[], $13::boolean[], $14::text[], $15::text[], $16::text[], $17::bigint[], $18::text[], $19::bigint[],
  $20::bigint[], $21::text[], $22::text[]
) as new (
  seq, requester, person, resource, operation, terms, on_behalf_of, governance, submission, digest, justification,
  waits, progress, approvals, rejections, deadline, applier, claim, claimed_at, proposals, part_of
)
-- What does not change after the submission is not written again.
on conflict (partition, seq) do update set
  waits = excluded.waits,
  progress = excluded.progress,
  approvals = excluded.approvals,
  rejections = excluded.rejections,
  deadline = excluded.deadline,
  applier = excluded.applier,
  claim = excluded.claim,
  claimed_at = excluded.claimed_at,
  proposals = excluded.proposals

-- name: share_newcomers
select pg_advisory_xact_lock_shared(hashtext('assent.notify.newcomers'))

-- name: lock_newcomers
-- A request that is being added is either seen by this transaction, or sees the position that it commits.
select pg_advisory_xact_lock(hashtext('assent.notify.newcomers'))

-- name: governance_told
select seq from positions where reader = 'notify' and ledger = 'assent.governance'

-- name: waiting_requests
select
  partition, seq, requester, person, resource, operation, terms, on_behalf_of, governance, submission, digest, justification,
  waits, progress, approvals, rejections, deadline, applier, claim, claimed_at, proposals, part_of
from notification_requests
where
  waits
  and governance < $3
  and (
    split_part(resource, '/', 1) = any($1::text[])
    or jsonb_path_query_array(terms::jsonb, '$[*].rules[*].groups[*]') ?| $2::text[]
  )
order by governance desc, seq desc, partition
limit $4

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
  -- A target gets no news from before it was created. The slack is for differing clocks of log and database.
  and new.at >= extract(epoch from target.created_at) * 1000 - $8::bigint
order by new.seq
on conflict (target, partition, seq, event) do nothing
