-- What the upstream service received, what it sent because of it, and who waits for an answer.
-- depends: 0013-object-versions

-- migrate: apply

do $$
begin
  create role assent_upstream nologin;
exception
  -- Another database of this cluster has made it, perhaps at this very moment.
  when duplicate_object or unique_violation then null;
end;
$$;

create policy upstream_moves_its_own on positions to assent_upstream using (reader = 'upstream');

grant select, insert on log to assent_upstream;
grant select, insert, update on positions to assent_upstream;
grant select on heads to assent_upstream;

-- One row for each event of a source. A sender is answered, and a position advances, once it is here.
create table upstream_events (
  id bigint generated always as identity primary key,
  source text not null,
  event text not null check (length(event) <= 512),
  content_sha256 text,
  received_at timestamptz not null default now(),
  document bytea check (length(document) <= 4194304),
  secret bytea,
  status text not null default 'waiting' check (status in ('waiting', 'sent', 'submitted', 'skipped', 'dead')),
  next_try_at timestamptz not null default now(),
  attempts integer not null default 0,
  resends integer not null default 0,
  request text,
  code text,
  reason text,
  ended_at timestamptz,
  unique (source, event),
  unique (source, content_sha256)
);

comment on column upstream_events.event is 'the sender''s own id of the event; an event is received once';
comment on column upstream_events.content_sha256 is
  'where a sender signs no id and no time: a copy under another id is not received again';
comment on column upstream_events.document is
  'what the mapping reads, JSON; null once it is not needed any more, and for what nobody is known to have sent';
comment on column upstream_events.secret is 'a sealed token of the sender; removed with its answer';
comment on column upstream_events.code is 'why there is no request: the refusal''s code, or mapping, signature, size';

create index upstream_events_waiting on upstream_events (id) where status = 'waiting';
create index upstream_events_dead on upstream_events (id) where status = 'dead';
create index upstream_events_ended on upstream_events (ended_at) where document is not null;

-- The commands: the exact bytes are here before they are sent, so that sending again sends the same.
create table upstream_commands (
  id bigint generated always as identity primary key,
  source text not null,
  event bigint references upstream_events on delete cascade,
  request text,
  purpose text not null check (purpose in ('submit', 'complete', 'claim', 'report')),
  resource text not null,
  partition integer not null,
  value bytea not null,
  sha256 text not null unique,
  status text not null default 'waiting' check (status in ('waiting', 'decided')),
  code text,
  sent_offset bigint,
  attempts integer not null default 0,
  next_try_at timestamptz not null default now()
);

create index upstream_commands_due on upstream_commands (next_try_at) where status = 'waiting';
create index upstream_commands_sent on upstream_commands (partition, sent_offset) where status = 'waiting';

-- The requests of gates, as the accepted ledger has them.
create table upstream_requests (
  request text primary key,
  source text not null,
  digest text not null,
  resource text not null,
  submission text not null,
  state text not null default 'open' check (state in ('open', 'approved', 'released', 'claimed', 'used', 'ended')),
  why text,
  changed_at bigint not null
);

comment on column upstream_requests.digest is 'of the normalised change, the same for the next run of the same change';
comment on column upstream_requests.why is 'how it ended, or why the gate could not go on';
comment on column upstream_requests.changed_at is 'log time, ms since 1970 in UTC';

create index upstream_requests_of_change on upstream_requests (source, digest, changed_at);

-- Who waits at a gate. `waiter` is the caller's own identity of the question, so a repeated one is one row.
create table upstream_waiters (
  id bigint generated always as identity primary key,
  source text not null,
  waiter text not null check (length(waiter) <= 512),
  event bigint not null references upstream_events,
  digest text not null,
  callback json not null,
  secret bytea,
  request text,
  status text not null default 'waiting' check (status in ('waiting', 'passed', 'failed')),
  since timestamptz not null default now(),
  told_at timestamptz not null default '-infinity',
  unique (source, waiter)
);

create index upstream_waiters_waiting on upstream_waiters (source) where status = 'waiting';
create index upstream_waiters_of_request on upstream_waiters (request) where status = 'waiting';

-- The outbox of answers to callers: sent at least once.
create table upstream_answers (
  id bigint generated always as identity primary key,
  waiter bigint not null references upstream_waiters on delete cascade,
  state text not null check (state in ('running', 'passed', 'failed')),
  message text not null,
  status text not null default 'waiting' check (status in ('waiting', 'sent', 'dead')),
  attempts integer not null default 0,
  next_try_at timestamptz not null default now(),
  last_error text
);

create index upstream_answers_due on upstream_answers (next_try_at) where status = 'waiting';

-- How far a source has come that has a position: the commit of a branch, the offset of a topic.
create table upstream_positions (
  source text not null,
  place text not null,
  position text not null,
  primary key (source, place)
);

grant select, insert, update, delete on
  upstream_events, upstream_commands, upstream_requests, upstream_waiters, upstream_answers, upstream_positions
  to assent_upstream;

-- migrate: rollback

drop table upstream_positions;
drop table upstream_answers;
drop table upstream_waiters;
drop table upstream_requests;
drop table upstream_commands;
drop table upstream_events;
drop policy upstream_moves_its_own on positions;
revoke all on log, positions, heads from assent_upstream;
