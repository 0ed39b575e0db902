-- name: keep
insert into heads (ledger, partition, era, writer, seq, value, seal)
select h.ledger::ledger, h.partition, h.era, h.writer, h.seq, h.value, h.seal
from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[])
  as h (ledger, partition, era, writer, seq, value, seal)
on conflict (ledger, partition, era, writer) do update
set seq = excluded.seq, value = excluded.value, seal = excluded.seal
where excluded.seq > heads.seq

-- name: read
select ledger, partition, era, value, writer, seal from heads
where (ledger, partition, era, writer) > ($1::text::ledger, $2, $3, $4)
order by ledger, partition, era, writer limit $5
