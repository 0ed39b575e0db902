-- name: read
select
  seq, resource, operation, requester, on_behalf_of, person, justification, submission, digest, details, terms, submitted_at,
  status, progress, approvals, rejections, rejecter, rejection_note, closed_by, closing_reason,
  applier, claim, claimed_at, lease_end, proposals, reporter, outcome_message, newest_version, made_version,
  changed_at, deadline, last_seq
from requests
where partition = $1 and seq = any($2::bigint[])

-- name: upsert
insert into requests (
  partition,
  seq, resource, operation, requester, on_behalf_of, person, justification, submission, digest, details, terms, submitted_at,
  status, progress, approvals, rejections, rejecter, rejection_note, closed_by, closing_reason,
  applier, claim, claimed_at, lease_end, proposals, reporter, outcome_message, newest_version, made_version,
  changed_at, deadline, last_seq
)
select
  $1::integer,
  seq, resource, operation, requester, on_behalf_of, person, justification, submission, digest, details::jsonb, terms::jsonb, submitted_at,
  status, progress, approvals::jsonb, rejections::jsonb, rejecter, rejection_note, closed_by, closing_reason,
  applier, claim, claimed_at, lease_end, proposals::jsonb, reporter, outcome_message, newest_version, made_version,
  changed_at, deadline, last_seq
from unnest(
  $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[], $15::text[], $16::text[], $17::text[],
  $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::bigint[], $24::bigint[], $25::bigint[],
  $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::bigint[], $32::bigint[], $33::bigint[]
) as new (
  seq, resource, operation, requester, on_behalf_of, person, justification, submission, digest, details, terms, submitted_at,
  status, progress, approvals, rejections, rejecter, rejection_note, closed_by, closing_reason,
  applier, claim, claimed_at, lease_end, proposals, reporter, outcome_message, newest_version, made_version,
  changed_at, deadline, last_seq
)
-- What does not change after the submission is not written again.
on conflict (partition, seq) do update set
  status = excluded.status,
  progress = excluded.progress,
  approvals = excluded.approvals,
  rejections = excluded.rejections,
  rejecter = excluded.rejecter,
  rejection_note = excluded.rejection_note,
  closed_by = excluded.closed_by,
  closing_reason = excluded.closing_reason,
  applier = excluded.applier,
  claim = excluded.claim,
  claimed_at = excluded.claimed_at,
  lease_end = excluded.lease_end,
  proposals = excluded.proposals,
  reporter = excluded.reporter,
  outcome_message = excluded.outcome_message,
  made_version = excluded.made_version,
  changed_at = excluded.changed_at,
  deadline = excluded.deadline,
  last_seq = excluded.last_seq
