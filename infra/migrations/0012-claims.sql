-- Claims have numbers, their leases can be renewed, and two administrators may have to settle an outcome.
-- depends: 0011-change-details

-- migrate: apply

-- What is kept lacks that. So both read the ledger again from its beginning, and notify finds each message that it made.
delete from positions where reader in ('status', 'notify') and ledger = 'assent.ledger';
delete from requests;
delete from notification_requests;

alter table requests
  add column claim bigint,
  add column claimed_at bigint,
  add column lease_end bigint,
  add column proposals jsonb not null;

alter table notification_requests
  add column claim bigint,
  add column claimed_at bigint,
  add column proposals jsonb not null;

comment on column requests.claim is 'the number of the latest claim: the ledger seq of its record';
comment on column requests.claimed_at is 'when it was claimed; ms since 1970';
comment on column requests.lease_end is 'when the lease of the latest claim ends or ended; ms since 1970';
comment on column requests.proposals is 'how people settle an unknown outcome, where two must agree: [{administrator, person, outcome, reason, at}]';
comment on column notification_requests.claim is 'the number of the latest claim: the ledger seq of its record';
comment on column notification_requests.claimed_at is 'when it was claimed; ms since 1970';
comment on column notification_requests.proposals is '[{administrator, person, outcome}]';

grant update (claim, claimed_at, proposals) on notification_requests to assent_notify;

-- migrate: rollback

delete from positions where reader in ('status', 'notify') and ledger = 'assent.ledger';
delete from requests;
delete from notification_requests;

alter table requests drop column claim, drop column claimed_at, drop column lease_end, drop column proposals;
alter table notification_requests drop column claim, drop column claimed_at, drop column proposals;
