-- R17: whom the notify service tells what, and how far each message has come.
-- depends: 0004-audit-search

-- migrate: apply

do $$
begin
  create role assent_notify nologin;
exception
  -- Another database of this cluster has made it, perhaps at this very moment.
  when duplicate_object or unique_violation then null;
end;
$$;

create policy notify_moves_its_own on positions to assent_notify using (reader = 'notify');

grant select, insert on log to assent_notify;
grant select, insert, update on positions to assent_notify;

-- Where a principal wants to hear of things. The notify service leases a target while it sends there, so
-- that whatever number of instances there is, one message at a time is on its way to it.
create table notification_targets (
  id uuid primary key default gen_random_uuid(),
  principal text not null,
  kind text not null check (kind in ('apprise', 'webhook')),
  url text not null check (length(url) <= 2048),
  secret text check ((kind = 'webhook') = (secret is not null)),
  events text[],
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  lease uuid,
  leased_until timestamptz not null default '-infinity',
  failures integer not null default 0,
  paused_until timestamptz not null default '-infinity',
  unique (principal, url)
);

comment on column notification_targets.url is 'a secret: it may hold passwords and tokens';
comment on column notification_targets.secret is 'signs what goes to a webhook (Standard Webhooks, whsec_...)';
comment on column notification_targets.events is 'the kinds of news that it wants; null for all of them';
comment on column notification_targets.failures is 'how many messages in a row it did not take; it is left in peace until paused_until';

-- What later news of a request needs of its submission. A request that has ended leaves.
create table notification_requests (
  partition integer not null,
  seq bigint not null,
  requester text not null,
  person text not null,
  resource text not null,
  operation text not null,
  terms json not null,
  on_behalf_of text,
  governance bigint not null,
  waits boolean not null default true,
  primary key (partition, seq)
);

comment on column notification_requests.governance is 'the governance seq as of which its approvers were told of it';
comment on column notification_requests.waits is 'whether it needs approval';

-- The outbox: one message for each record, recipient and target.
create table notifications (
  id bigint generated always as identity primary key,
  partition integer not null,
  seq bigint not null,
  at bigint not null,
  request text not null,
  event text not null,
  recipient text not null,
  target uuid not null references notification_targets on delete cascade,
  facts json not null,
  status text not null default 'waiting' check (status in ('waiting', 'sending', 'sent', 'dead')),
  attempts integer not null default 0,
  next_try_at timestamptz not null default now(),
  waits_since timestamptz not null default now(),
  ended_at timestamptz,
  last_error text,
  unique (target, partition, seq, event)
);

comment on column notifications.at is 'log time of the record that it is about, ms since 1970 in UTC';
comment on column notifications.facts is 'what the texts are made of: {resource, operation, requester, by, words, released}';
comment on column notifications.attempts is 'since it began to wait';
comment on column notifications.last_error is 'why the last attempt failed; never holds a url';

create index notifications_due on notifications (target, next_try_at) where status in ('waiting', 'sending');
create index notifications_dead on notifications (ended_at) where status = 'dead';
create index notifications_sent on notifications (ended_at) where status = 'sent';

grant select, insert, delete, update (waits) on notification_requests to assent_notify;
grant select, insert, update, delete on notifications to assent_notify;
-- It sends to targets and never makes or moves one.
grant select, update (lease, leased_until, failures, paused_until) on notification_targets to assent_notify;

-- migrate: rollback

drop table notifications;
drop table notification_requests;
drop table notification_targets;
drop policy notify_moves_its_own on positions;
revoke all on log, positions from assent_notify;
