-- R17: mails and chat messages that come soon after another are gathered in one; somebody can test a target.
-- depends: 0009-notification-requests

-- migrate: apply

alter table notification_targets add column gathers_until timestamptz not null default '-infinity';

comment on column notification_targets.gathers_until is
  'a mail or chat target got a message just now: what comes until then is sent in one message';

-- The gateway adds a row, notify sends the test as it sends everything else and writes how that went.
create table notification_tests (
  id bigint generated always as identity primary key,
  target uuid not null references notification_targets on delete cascade,
  asked_at timestamptz not null default now(),
  status text not null default 'waiting' check (status in ('waiting', 'sending', 'sent', 'failed')),
  ended_at timestamptz,
  why text
);

create index notification_tests_of_target on notification_tests (target, id);

comment on table notification_tests is 'test messages that people asked for; each is tried once';
comment on column notification_tests.why is 'why it failed; never holds a url';

grant update (gathers_until) on notification_targets to assent_notify, assent_gateway;
grant select, insert (target) on notification_tests to assent_gateway;
grant select, delete, update (status, ended_at, why) on notification_tests to assent_notify;

-- migrate: rollback

drop table notification_tests;
alter table notification_targets drop column gathers_until;
