-- One row for each request, as the ledger adds up: the lists and pages of R7 come from here.
-- depends: 0002-audit

-- migrate: apply

create table requests (
  partition integer not null,
  seq bigint not null,
  resource text not null,
  operation text not null,
  requester text not null,
  on_behalf_of text,
  person text not null,
  justification text not null,
  submission text not null,
  digest text not null,
  terms jsonb not null,
  status text not null check (
    status in ('needs_approval', 'approved', 'completed', 'rejected', 'canceled', 'expired', 'failed')
  ),
  progress text check (progress in ('released', 'applying', 'unknown')),
  approvals jsonb not null,
  rejections jsonb not null,
  rejecter text,
  rejection_note text,
  closed_by text,
  closing_reason text,
  applier text,
  reporter text,
  outcome_message text,
  submitted_at bigint not null,
  changed_at bigint not null,
  deadline bigint,
  last_seq bigint not null,
  id text generated always as (partition::text || '-' || seq::text) virtual,
  resource_type text generated always as (split_part(resource, '/', 1)) virtual,
  primary key (partition, seq)
);

comment on column requests.submission is 'R23: SHA-256 of the submission command''s bytes, hex: what a decision names';
comment on column requests.digest is 'SHA-256 of the payload''s bytes, hex';
comment on column requests.on_behalf_of is 'R20: the account of the person whom the service that submitted it named';
comment on column requests.person is 'R9, R20: the person who counts as the requester, whichever account';
comment on column requests.closed_by is 'R22: the administrator who closed it; its status is canceled then';
comment on column requests.terms is 'what each policy asks for: [{policy, since, rules: [{quorum, groups}], ...}]; [] for an unprotected type';
comment on column requests.progress is 'how far an approved request has come; null before its release and at its end';
comment on column requests.approvals is 'R8: those that stand: [{approver, person, note, at, through}]; through: the gateway that signed, or null';
comment on column requests.rejections is 'R8: [{approver, person, note, at}]; rejecter is whose rejection ended the request';
comment on column requests.deadline is 'R14: when it expires, or its lease ends; ms since 1970; null once it cannot';
comment on column requests.last_seq is 'the ledger seq of the last record that changed this row';

create index requests_by_person on requests (person, changed_at);
create index requests_by_resource on requests (resource);
create index requests_by_change on requests (changed_at);
-- What waits for somebody is little beside what has ended, and may be old.
create index requests_open on requests (status, changed_at) where status in ('needs_approval', 'approved');

grant select, insert, update on requests to assent_status;
grant select on requests to assent_reader;

-- migrate: rollback

drop table requests;
