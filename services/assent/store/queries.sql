-- name: filtered_requests
-- It continues with one of the two endings below. Filters that are null are left out (see plan_cache_mode in
-- pool.py).
select
  id, resource, resource_type, operation, requester, on_behalf_of, person, justification, submission, digest, details, terms,
  status, progress, approvals, rejections, rejecter, rejection_note, closed_by, closing_reason,
  applier, claim, claimed_at, lease_end, proposals, reporter, outcome_message, newest_version, made_version, submitted_at, changed_at, deadline, last_seq, partition, seq
from requests
where
  ($1::text is null or person = $1)
  and ($2::text is null or requester = $2)
  -- R21: policies of these types name the approver now, whether or not they did at the submission.
  and (
    $3::text[] is null
    or jsonb_path_query_array(terms, '$[*].rules[*].groups[*]') ?| $3
    or split_part(resource, '/', 1) = any($11::text[])
  )
  and ($4::text[] is null or status = any($4))
  and ($5::text is null or resource = $5)
  and (
    $12::text is null
    or strpos(lower(resource), lower($12)) > 0
    or strpos(lower(justification), lower($12)) > 0
    or operation = lower($12)
    or id = $12
    or requester = any($13::text[])
    or on_behalf_of = any($13::text[])
    or details @> jsonb_build_object('tickets', jsonb_build_array($12::text))
  )
  and ($14::jsonb is null or details @> $14)
  and ($15::text is null or part_of = $15)
  -- R14: ended requests stay listed for a while, open ones always.
  and (changed_at >= $6 or status in ('needs_approval', 'approved'))

-- name: newest_change_first
-- Ends `filtered_requests`.
  and ($7::bigint is null or (changed_at, partition, seq) < ($7, $8::integer, $9::bigint))
order by changed_at desc, partition desc, seq desc
limit $10

-- name: oldest_submission_first
-- Ends `filtered_requests`.
  and ($7::bigint is null or (submitted_at, partition, seq) > ($7, $8::integer, $9::bigint))
order by submitted_at, partition, seq
limit $10

-- name: open_of_type
select
  id, resource, resource_type, operation, requester, person, justification, submission, digest, details, terms, status,
  progress, approvals, rejections, rejecter, rejection_note, applier, claim, claimed_at, lease_end, proposals, reporter, outcome_message, newest_version, made_version, submitted_at,
  changed_at, deadline, last_seq, partition, seq
from requests
where resource_type = $1 and status in ('needs_approval', 'approved')
order by submitted_at, partition, seq
limit $2

-- name: count_open_of_type
select count(*) from requests where resource_type = $1 and status in ('needs_approval', 'approved')

-- name: groups_of_open_policy_requests
-- A request for a policy of a new type names administrators of a type that governance does not know yet.
select distinct jsonb_path_query(terms, '$[*].rules[*].groups[*]') #>> '{}' as name
from requests
where status in ('needs_approval', 'approved') and resource like 'access-policy/%'

-- name: show_request
select
  id, resource, resource_type, operation, requester, on_behalf_of, person, justification, submission, digest, details, terms,
  status, progress, approvals, rejections, rejecter, rejection_note, closed_by, closing_reason,
  applier, claim, claimed_at, lease_end, proposals, reporter, outcome_message, newest_version, made_version, submitted_at, changed_at, deadline, last_seq, partition, seq
from requests
where partition = $1 and seq = $2

-- name: requests_at
select
  id, resource, resource_type, operation, requester, on_behalf_of, person, justification, submission, digest, details, terms,
  status, progress, approvals, rejections, rejecter, rejection_note, closed_by, closing_reason,
  applier, claim, claimed_at, lease_end, proposals, reporter, outcome_message, newest_version, made_version, submitted_at, changed_at, deadline, last_seq, partition, seq
from requests
where (partition, seq) in (select * from unnest($1::integer[], $2::bigint[]))

-- name: timeline
-- R16: includes refused actions. The submission itself comes first: its event names its request. Renewals of a lease,
-- of which a claim can have many, are in the audit log only.
select ledger, partition, seq, ledger_offset, at, request, resource, principal, command, outcome, value_sha256, record
from audit
where request = $1 and outcome <> 'assent.lease-renewed.v1'
order by at, ledger, partition, seq
limit $2

-- name: request_of_record
select request from audit where ledger = 'assent.ledger' and partition = $1 and seq = $2

-- name: search_audit
-- Newest first. Filters that are null are left out (see plan_cache_mode in pool.py).
select ledger, partition, seq, ledger_offset, at, request, resource, principal, command, outcome, value_sha256, record
from audit
where
  ($1::text is null or principal = $1)
  and ($13::text[] is null or principal = any($13))
  and ($2::text is null or request = $2)
  and ($3::text is null or resource = $3)
  and ($14::text is null or strpos(lower(resource), lower($14)) > 0)
  and ($4::text is null or command = $4)
  -- An outcome is a list of event types, which begin so, or a refusal code, which never does. It is empty
  -- where a decision changed nothing.
  and ($5::boolean is null or (outcome <> '' and outcome not like 'assent.%') = $5)
  and ($6::bigint is null or at >= $6)
  and ($7::bigint is null or at < $7)
  and ($8::ledger is null or ledger = $8)
  and ($9::bigint is null or (at, ledger, partition, seq) < ($9, $10::ledger, $11::integer, $12::bigint))
order by at desc, ledger desc, partition desc, seq desc
limit $15

-- name: of_command
-- Oldest first, so that the scan ends at the first record with the id. The id is found by text, because the
-- JSON operators refuse a value with an escaped NUL. At most $6 records are searched.
select ledger, partition, seq, ledger_offset, at, request, resource, principal, command, outcome, value_sha256, record
from (
  select *
  from audit
  where
    principal = $1
    and ($2::text is null or resource = $2)
    and at >= $3
    and at < $4
    and ledger = 'assent.ledger'
    and outcome <> all ($5::text[])
  order by at, partition, seq
  limit $6
) as sent
where strpos(record::text, $7) > 0
limit $8

-- name: last_applied
-- The request is found first: if its record were missing, an older one must not be taken instead.
select
  a.ledger, a.partition, a.seq, a.ledger_offset, a.at, a.request, a.resource, a.principal, a.command, a.outcome,
  a.value_sha256, a.record, done.seq as done_seq, done.ledger_offset as done_offset
from (
  select partition, seq, last_seq
  from requests
  -- One object's requests are all in one partition.
  where resource = $1 and status = 'completed' and partition = $2 and seq < $3
  order by changed_at desc, seq desc
  limit 1
) as r
join audit as a on a.ledger = 'assent.ledger' and a.partition = r.partition and a.seq = r.seq
join audit as done on done.ledger = 'assent.ledger' and done.partition = r.partition and done.seq = r.last_seq

-- name: audit_after
-- For each partition, the rows after a seq: a cursor on time would miss a partition that lags.
select
  a.ledger, a.partition, a.seq, a.ledger_offset, a.at, a.request, a.resource, a.principal, a.command, a.outcome,
  a.value_sha256, a.record
from unnest($1::ledger[], $2::integer[], $3::bigint[]) as after (ledger, partition, seq)
cross join lateral (
  select *
  from audit
  where ledger = after.ledger and partition = after.partition and seq > after.seq
  order by seq
  limit $4
) as a
order by a.at, a.ledger, a.partition, a.seq

-- name: audit_last
select
  a.ledger, a.partition, a.seq, a.ledger_offset, a.at, a.request, a.resource, a.principal, a.command, a.outcome,
  a.value_sha256, a.record
from positions as p
cross join lateral (
  select *
  from audit
  where ledger = p.ledger and partition = p.partition
  order by seq desc
  limit $1
) as a
where p.reader = 'audit'
order by a.at desc, a.ledger desc, a.partition desc, a.seq desc
limit $1

-- name: heads
select partition, seq, value_sha256, governance, next_offset
from positions
where reader = $1 and ledger = $2
order by partition

-- name: counts
select status, progress, count(*) as requests
from requests
group by status, progress
order by status, progress nulls first

-- name: count_audit
select count(*) from audit
