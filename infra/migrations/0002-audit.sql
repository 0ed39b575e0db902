-- R16: every record of both ledgers, byte for byte, append-only.
-- depends: 0001-positions

-- migrate: apply

create table audit (
  ledger ledger not null,
  partition integer not null,
  seq bigint not null,
  ledger_offset bigint not null,
  at bigint not null,
  request text,
  resource text,
  principal text,
  command text,
  outcome text not null,
  value_sha256 text not null,
  record json not null,
  primary key (ledger, partition, seq)
);

comment on column audit.at is 'log time, ms since 1970 in UTC';
comment on column audit.request is 'the request that it is about, as far as the record says; of governance records those that carry a release out, or refuse to';
comment on column audit.principal is 'who sent the command; with bad-signature or unknown-key, who it claims to be from';
comment on column audit.command is 'the type of the command, or of the change to governance that it asks for; null where the writer itself acted (an expiry) or the command was unreadable';
comment on column audit.outcome is 'the types of the events, or the code of the refusal';
-- json, not jsonb: it keeps the text as it came, and takes any payload. Its operators refuse a payload
-- with an escaped NUL, so read the whole text and decode it elsewhere.
comment on column audit.record is 'the exact bytes that the ledger holds: their SHA-256 is value_sha256';

-- Few indexes, because each of them slows down every COPY.
create index audit_by_request on audit (request, seq) where request is not null;
create index audit_by_principal on audit (principal, at) where principal is not null;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'The audit log is append-only: % is refused.', tg_op
    using errcode = 'insufficient_privilege';
end
$$;

create trigger append_only before update or delete or truncate on audit
  for each statement execute function refuse_change();
-- Also where session_replication_role would switch triggers off.
alter table audit enable always trigger append_only;

grant select, insert on audit to assent_audit;
grant select on audit to assent_reader;

-- migrate: rollback

drop table audit;
drop function refuse_change();
