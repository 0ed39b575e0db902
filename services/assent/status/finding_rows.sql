-- name: report
insert into findings (
  partition, seq, resource, target, kind, version, request, by, detail, reporter, seen_at, reported_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: close
update findings set closed_by = $3, closing_reason = $4, closed_at = $5 where partition = $1 and seq = $2
