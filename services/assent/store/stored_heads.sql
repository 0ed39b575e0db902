-- name: keep
insert into heads (value, writer, seal)
select h.value, h.writer, h.seal from unnest($1::text[], $2::text[], $3::text[]) as h (value, writer, seal)
on conflict (digest) do nothing

-- name: let_go
delete from heads using unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::bigint[])
  as good (ledger, partition, era, writer, seq)
where heads.ledger = good.ledger::ledger and heads.partition = good.partition and heads.era = good.era
  and heads.writer = good.writer and heads.seq < good.seq

-- name: drop
delete from heads where digest = any($1::bytea[])

-- name: read
select digest, value, writer, seal from heads where digest > $1 order by digest limit $2
