-- What gateways share: who has signed in, and who is about to. Nothing here decides anything.
-- depends: 0005-notifications

-- migrate: apply

do $$
begin
  create role assent_gateway nologin;
exception
  when duplicate_object or unique_violation then null;
end
$$;

create table sessions (
  token_sha256 bytea primary key,
  principal text not null,
  csrf text not null,
  id_token text,
  opened_at bigint not null,
  seen_at bigint not null,
  ends_at bigint not null,
  key_id text not null,
  mac bytea not null
);

comment on column sessions.token_sha256 is 'the token itself is with the browser alone';
comment on column sessions.id_token is 'what the provider wants to see at the sign-out';
comment on column sessions.key_id is 'the key of the gateways that this session is for';
comment on column sessions.mac is
  'of everything else in the row, under a secret that only those gateways have: a row without it signs nobody in';

create table sign_ins (
  state_sha256 bytea primary key,
  browser_sha256 bytea not null,
  verifier text not null,
  nonce text not null,
  return_to text not null,
  ends_at bigint not null,
  mac bytea not null
);

create index sign_ins_ends_at on sign_ins (ends_at);

comment on column sign_ins.browser_sha256 is 'of the cookie that the browser that left has';
comment on table sign_ins is 'people who are at the provider now; each row is used once';
comment on column sign_ins.mac is 'as that of sessions';

create table sent_commands (
  command_id text primary key,
  sent_at bigint not null,
  at_once boolean not null
);

create index sent_commands_sent_at on sent_commands (sent_at);

comment on table sent_commands is
  'when a command with an Idempotency-Key was sent first: sent again, it has the same bytes';

grant select, insert, update, delete on sessions, sign_ins, sent_commands to assent_gateway;
grant select on requests, audit, log, positions to assent_gateway;
-- People say where they want to hear of things, and have sent again what did not arrive.
grant select, insert, delete on notification_targets to assent_gateway;
grant update (events, enabled, paused_until) on notification_targets to assent_gateway;
grant select, update (status, attempts, next_try_at, waits_since, ended_at) on notifications to assent_gateway;
create policy gateway_may_look on positions for select to assent_gateway using (true);

-- migrate: rollback

drop policy gateway_may_look on positions;
drop table sent_commands;
drop table sign_ins;
drop table sessions;
revoke all on requests, audit, log, positions, notification_targets, notifications from assent_gateway;
