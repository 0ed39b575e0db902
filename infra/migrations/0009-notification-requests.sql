-- R4, R17: notify asks the approval rules who can approve, for which it needs the whole state of a request.
-- depends: 0008-eras-of-positions

-- migrate: apply

-- What is kept lacks that. So notify reads the ledger again from its beginning, and finds each message that it made.
delete from positions where reader = 'notify' and ledger = 'assent.ledger';
delete from notification_requests;

alter table notification_requests
  add column submission text not null,
  add column digest text not null,
  add column justification text not null,
  add column progress text check (progress in ('released', 'applying', 'unknown')),
  add column approvals jsonb not null,
  add column rejections jsonb not null,
  add column deadline bigint,
  add column applier text;

comment on column notification_requests.submission is 'R23: SHA-256 of the submission command''s bytes, hex';
comment on column notification_requests.digest is 'SHA-256 of the payload''s bytes, hex';
comment on column notification_requests.progress is 'how far an approved request has come; null before its release';
comment on column notification_requests.approvals is 'those that stand: [{approver, person, through}]';
comment on column notification_requests.rejections is '[{approver, person}]';
comment on column notification_requests.deadline is 'R14: when it expires, or its lease ends; ms since 1970; null where neither can be';

grant update (progress, approvals, rejections, deadline, applier) on notification_requests to assent_notify;

-- migrate: rollback

delete from positions where reader = 'notify' and ledger = 'assent.ledger';
delete from notification_requests;

alter table notification_requests
  drop column submission,
  drop column digest,
  drop column justification,
  drop column progress,
  drop column approvals,
  drop column rejections,
  drop column deadline,
  drop column applier;
